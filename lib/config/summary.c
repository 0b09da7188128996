/* SPDX-License-Identifier: MIT */
#include "config/summary.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The text behind `prefix` in `reference`, or NULL if that begins with something else. */
static const char *
after(const char *reference, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(reference, prefix, n) == 0 ? reference + n : NULL;
}

static const char *
file_state(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "not a file";
	if (st.st_size == 0)
		return "empty";
	return access(path, R_OK) == 0 ? "found" : strerror(errno);
}

static const char *
credential_state(const char *name)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	struct buf path = BUF_INIT(PATH_MAX);
	const char *text, *state;

	if (folder == NULL || *folder == '\0')
		return "unknown: only a systemd unit has it";
	buf_printf(&path, "%s/%s", folder, name);
	text = buf_str(&path);
	state = text ? file_state(text) : "its path is too long";
	buf_free(&path);
	return state;
}

static const char *
key_state(const char *reference)
{
	const char *name;

	if ((name = after(reference, "env:")) != NULL) {
		const char *value = getenv(name);

		return value == NULL ? "not set" : *value == '\0' ? "empty" : "set";
	}
	if ((name = after(reference, "file:")) != NULL)
		return file_state(name);
	if ((name = after(reference, "credential:")) != NULL)
		return credential_state(name);
	return "passed through";
}

static void
put_provider(struct buf *out, const struct config_provider *provider)
{
	buf_printf(out, "provider %s\n", provider->name);
	for (int dialect = 0; dialect < DIALECT_COUNT; dialect++)
		if (provider->base_url[dialect] != NULL)
			buf_printf(out, "    %s: %s\n", dialect_name((enum dialect)dialect), provider->base_url[dialect]);
	for (size_t i = 0; i < provider->key_count; i++)
		buf_printf(out, "    key %s: %s\n", provider->keys[i], key_state(provider->keys[i]));
	if (provider->key_count == 0)
		buf_puts(out, "    no key\n");
}

/* What a policy looks at. */
static void
put_choice(struct buf *out, const struct config_target *target)
{
	if (target->weight != 1)
		buf_printf(out, ", weight %llu", (unsigned long long)target->weight);
	if (target->priority != 0)
		buf_printf(out, ", priority %llu", (unsigned long long)target->priority);
	if (target->price.known)
		buf_printf(out, ", price %g in, %g out", (double)target->price.input / 1e6,
		    (double)target->price.output / 1e6);
	if (target->max_in_flight != 0)
		buf_printf(out, ", at most %llu at once", (unsigned long long)target->max_in_flight);
}

static void
put_route(struct buf *out, const struct config_route *route)
{
	buf_printf(out, "route %s", route->model);
	if (route->policy != POLICY_FAILOVER)
		buf_printf(out, ", %s", policy_name(route->policy));
	buf_putc(out, '\n');
	for (size_t i = 0; i < route->target_count; i++) {
		const struct config_target *target = &route->targets[i];

		buf_printf(out, "    %s: %s", target->provider->name,
		    target->model ? target->model : "the model as asked for");
		if (target->context != 0)
			buf_printf(out, ", context of %llu tokens", (unsigned long long)target->context);
		put_choice(out, target);
		buf_putc(out, '\n');
	}
}

static void
put_ping(struct buf *out, const char *when, struct config_ms time)
{
	if (time.set && time.ms == 0)
		buf_printf(out, "no pings %s\n", when);
	else if (time.set)
		buf_printf(out, "pings %s: after %llu ms\n", when, (unsigned long long)time.ms);
}

void
summary_put(struct buf *out, const struct config *config)
{
	buf_printf(out, "configuration: %s\n", config->source);
	if (config->hold_bytes != 0)
		buf_printf(out, "held of an answer: %llu octets\n", (unsigned long long)config->hold_bytes);
	put_ping(out, "before an answer", config->first_ping);
	put_ping(out, "within an answer", config->ping);
	for (size_t i = 0; i < config->provider_count; i++)
		put_provider(out, &config->providers[i]);
	for (size_t i = 0; i < config->route_count; i++)
		put_route(out, &config->routes[i]);
}

void
summary_put_names(struct buf *out, const struct config *config)
{
	for (size_t i = 0; i < config->provider_count; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "", config->providers[i].name);
}
