/* SPDX-License-Identifier: MIT */
#include "upstream/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/limits.h"
#include "upstream/redact.h"

struct secrets {
	struct buf values;
	size_t count;
	struct secret items[];
};

/* What follows `prefix` in the reference, or NULL. */
static const char *
after(const char *reference, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(reference, prefix, n) == 0 ? reference + n : NULL;
}

/* Takes the value from `n` octets, without the line's end that editors add. Returns NULL, or what is wrong with it. */
static const char *
take_value(struct secret *secret, const char *p, size_t n)
{
	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	if (n == 0)
		return "it is empty";
	/* It becomes a header's value: anything else would be refused there, or begin another header. */
	for (size_t i = 0; i < n; i++)
		if (p[i] <= 0x20 || p[i] >= 0x7f)
			return "it has a character that no key has";
	if ((secret->value = strndup(p, n)) == NULL)
		return strerror(ENOMEM);
	return NULL;
}

static const char *
read_file(struct secret *secret, const char *path)
{
	struct buf text = BUF_INIT(SECRET_MAX);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *why = NULL;

	if (fd < 0 || io_read_all(fd, &text) != 0)
		why = errno == EMSGSIZE ? "it is too large for a key" : strerror(errno);
	else
		why = take_value(secret, buf_data(&text), buf_len(&text));
	if (fd >= 0)
		close(fd);
	if (text.mem != NULL)
		explicit_bzero(text.mem, text.cap);
	buf_free(&text);
	return why;
}

static const char *
read_credential(struct secret *secret, const char *name)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY"), *why;
	struct buf path = BUF_INIT(PATH_BYTES_MAX);

	if (folder == NULL || *folder == '\0')
		return "$CREDENTIALS_DIRECTORY is not set";
	if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL)
		return "that is no name of a credential";
	buf_printf(&path, "%s/%s", folder, name);
	why = buf_str(&path) != NULL ? read_file(secret, buf_data(&path)) : "its path is too long";
	buf_free(&path);
	return why;
}

/* Returns NULL, or why the key cannot be had. */
static const char *
resolve(struct secret *secret)
{
	const char *rest, *value;

	if (strcmp(secret->reference, "client") == 0) {
		secret->client = true;
		return NULL;
	}
	if ((rest = after(secret->reference, "env:")) != NULL) {
		value = getenv(rest);
		return value != NULL ? take_value(secret, value, strlen(value)) : "it is not set";
	}
	if ((rest = after(secret->reference, "file:")) != NULL)
		return read_file(secret, rest);
	if ((rest = after(secret->reference, "credential:")) != NULL)
		return read_credential(secret, rest);
	return "that is no reference to a key";
}

static bool
add(struct secrets *secrets, const struct config_provider *provider, const char *reference)
{
	struct secret *secret = &secrets->items[secrets->count++];
	const char *why;

	secret->provider = provider;
	secret->reference = reference;
	if ((why = resolve(secret)) == NULL) {
		if (secret->value != NULL)
			redact_add(&secrets->values, secret->value, strlen(secret->value));
		return !secrets->values.failed;
	}
	diag_warning("unable to get key %s of provider %s: %s", reference, provider->name, why);
	return (secret->why = strdup(why)) != NULL;
}

struct secrets *
secrets_load(const struct config *config)
{
	struct secrets *secrets;
	size_t count = 0;

	for (size_t i = 0; i < config->provider_count; i++)
		count += config->providers[i].key_count;
	if ((secrets = calloc(1, sizeof *secrets + count * sizeof secrets->items[0])) == NULL)
		return NULL;
	buf_init(&secrets->values, SIZE_MAX);
	for (size_t i = 0; i < config->provider_count; i++)
		for (size_t k = 0; k < config->providers[i].key_count; k++)
			if (!add(secrets, &config->providers[i], config->providers[i].keys[k])) {
				secrets_free(secrets);
				return NULL;
			}
	return secrets;
}

void
secrets_free(struct secrets *secrets)
{
	if (secrets == NULL)
		return;
	for (size_t i = 0; i < secrets->count; i++) {
		if (secrets->items[i].value != NULL)
			explicit_bzero(secrets->items[i].value, strlen(secrets->items[i].value));
		free(secrets->items[i].value);
		free(secrets->items[i].why);
	}
	if (secrets->values.mem != NULL)
		explicit_bzero(secrets->values.mem, secrets->values.cap);
	buf_free(&secrets->values);
	free(secrets);
}

const struct buf *
secrets_values(const struct secrets *secrets)
{
	return &secrets->values;
}

const struct secret *
secrets_find(const struct secrets *secrets, const struct config_provider *provider, struct json reference)
{
	for (size_t i = 0; i < secrets->count; i++)
		if (secrets->items[i].provider == provider && json_equals(reference, secrets->items[i].reference))
			return &secrets->items[i];
	return NULL;
}
