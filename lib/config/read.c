/* SPDX-License-Identifier: MIT */
#include "config/read.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "config/check.h"
#include "config/comment.h"
#include "config/value.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof *(ARRAY))

/* Members of a provider. */
enum { PRESET, BASE_URL, DIALECT, AUTH, KEY, KEYS, HTTP2, CONNECT_MS, FIRST_BYTE_MS, IDLE_MS, TOTAL_MS, PROVIDER_KEYS };

static const char *const provider_keys[PROVIDER_KEYS] = { "preset", "base_url", "dialect", "auth", "key", "keys",
	"http2", "connect_ms", "first_byte_ms", "idle_ms", "total_ms" };

static const char *const dialects[DIALECT_COUNT] = { "anthropic", "openai" };

static bool
replace(char **s, const char *with, size_t n)
{
	free(*s);
	*s = with ? strndup(with, n) : NULL;
	return with == NULL || *s != NULL;
}

bool
config_apply_preset(struct config_provider *provider, const char *name, const struct preset *preset)
{
	bool done = name == NULL || replace(&provider->name, name, strlen(name));

	provider->preset = preset;
	for (int d = 0; d < DIALECT_COUNT; d++) {
		const char *url = preset->base_url[d];

		done = replace(&provider->base_url[d], url, url ? strlen(url) : 0) && done;
		provider->auth[d] = preset->auth[d];
	}
	return done;
}

bool
config_set_own_url(struct config_provider *provider, const struct preset *preset, const char *url)
{
	size_t n = strlen(url);
	bool done = true;

	while (n > 0 && url[n - 1] == '/')
		n--;
	if (n > 3 && memcmp(url + n - 3, "/v1", 3) == 0)
		n -= 3;
	for (int d = 0; d < DIALECT_COUNT; d++) {
		struct buf whole = BUF_INIT(BASE_URL_MAX + 8);

		if (preset->base_url[d] == NULL)
			continue;
		buf_put(&whole, url, n);
		buf_puts(&whole, d == DIALECT_OPENAI ? "/v1" : "");
		done = buf_str(&whole) && replace(&provider->base_url[d], buf_data(&whole), buf_len(&whole)) && done;
		buf_free(&whole);
	}
	return done;
}

static void
read_preset(struct reader *r, struct json value, struct config_provider *provider)
{
	char *name = value_string(r, value, "'preset'");
	const char *names[64];
	size_t count = 0;

	if (name == NULL)
		return;
	provider->preset = preset_find(name, strlen(name));
	for (const struct preset *p = presets; p->name != NULL && count < COUNT(names); p++)
		names[count++] = p->name;
	if (provider->preset == NULL)
		value_wrong_word(r, value.p, "there is no preset", name, names, count);
	else if (!config_apply_preset(provider, NULL, provider->preset))
		value_no_memory(r);
	free(name);
}

/* A base URL without the slash at its end. NULL after telling. */
static char *
read_url(struct reader *r, struct json value)
{
	char *url = value_string(r, value, "'base_url'");
	const char *problem = url ? check_base_url(url) : NULL;

	if (problem != NULL) {
		value_wrong(r, value.p, "'base_url' %s", problem);
		free(url);
		return NULL;
	}
	if (url != NULL)
		for (size_t n = strlen(url); n > 0 && url[n - 1] == '/'; n--)
			url[n - 1] = '\0';
	return url;
}

static void
clear_urls(struct config_provider *provider)
{
	for (int d = 0; d < DIALECT_COUNT; d++)
		replace(&provider->base_url[d], NULL, 0);
}

/* The dialect that one base URL is for if `dialect` does not say so; DIALECT_COUNT if that cannot be told. */
static size_t
only_dialect(const struct preset *preset)
{
	size_t only = DIALECT_COUNT;

	for (size_t d = 0; preset != NULL && d < DIALECT_COUNT; d++)
		if (preset->base_url[d] != NULL)
			only = only == DIALECT_COUNT ? d : DIALECT_COUNT + 1;
	return only < DIALECT_COUNT ? only : DIALECT_COUNT;
}

/* A string: of `dialect`, of the preset's only one, or of a server of one's own. */
static void
read_one_url(struct reader *r, struct json value, size_t dialect, struct config_provider *provider)
{
	char *url = read_url(r, value);

	if (url == NULL)
		return;
	if (dialect == DIALECT_COUNT)
		dialect = only_dialect(provider->preset);
	if (dialect < DIALECT_COUNT) {
		clear_urls(provider);
		provider->base_url[dialect] = url;
		return;
	}
	if (provider->preset == NULL || provider->preset->base_url_variable == NULL)
		value_wrong(r, value.p, "'base_url' needs a 'dialect' beside it, or must be "
		    "{\"anthropic\": …, \"openai\": …}");
	else if (!config_set_own_url(provider, provider->preset, url))
		value_no_memory(r);
	free(url);
}

/* An object: the base URL of each dialect. The preset's are forgotten. */
static void
read_urls(struct reader *r, struct json value, struct config_provider *provider)
{
	struct json values[DIALECT_COUNT];

	clear_urls(provider);
	if (!value_members(r, value, "'base_url'", dialects, DIALECT_COUNT, values))
		return;
	if (values[0].len == 0 && values[1].len == 0)
		value_wrong(r, value.p, "'base_url' names no dialect");
	for (size_t d = 0; d < DIALECT_COUNT; d++)
		if (values[d].len > 0)
			provider->base_url[d] = read_url(r, values[d]);
}

/* What the provider speaks, and where. `preset` has been read. */
static void
read_base_urls(struct reader *r, const struct json *values, struct json object, struct config_provider *provider)
{
	struct json url = values[BASE_URL];
	size_t dialect = DIALECT_COUNT, mistakes = r->mistakes->count;

	if (values[DIALECT].len > 0)
		dialect = value_choice(r, values[DIALECT], "dialect", dialects, DIALECT_COUNT);
	/* A mistaken dialect says nothing of whether the base URL needs one. */
	if (json_is_object(url))
		read_urls(r, url, provider);
	else if (url.len > 0 && (dialect < DIALECT_COUNT || values[DIALECT].len == 0))
		read_one_url(r, url, dialect, provider);
	else if (url.len > 0)
		free(read_url(r, url));
	if (r->mistakes->count > mistakes)
		return;
	if (url.len == 0 && values[PRESET].len == 0) {
		value_wrong(r, object.p, "provider '%s' has neither 'preset' nor 'base_url'", provider->name);
		return;
	}
	if (dialect == DIALECT_COUNT)
		return;
	for (size_t d = 0; d < DIALECT_COUNT; d++)
		if (d != dialect)
			replace(&provider->base_url[d], NULL, 0);
	if (provider->base_url[dialect] == NULL && (values[PRESET].len == 0 || provider->preset != NULL))
		value_wrong(r, values[DIALECT].p, "provider '%s' has no base URL for that dialect", provider->name);
}

static void
read_auth(struct reader *r, const struct json *values, struct config_provider *provider)
{
	static const char *const words[] = {
		[AUTH_NONE] = "none",
		[AUTH_X_API_KEY] = "x-api-key",
		[AUTH_BEARER] = "bearer",
	};
	size_t auth;

	if (values[AUTH].len == 0) {
		if (provider->preset == NULL) {
			provider->auth[DIALECT_ANTHROPIC] = AUTH_X_API_KEY;
			provider->auth[DIALECT_OPENAI] = AUTH_BEARER;
		}
		return;
	}
	if ((auth = value_choice(r, values[AUTH], "auth", words, COUNT(words))) == COUNT(words))
		return;
	for (int d = 0; d < DIALECT_COUNT; d++)
		provider->auth[d] = (enum config_auth)auth;
	if (auth == AUTH_NONE && (values[KEY].len > 0 || values[KEYS].len > 0))
		value_wrong(r, values[AUTH].p, "'auth' is \"none\", but there is a key");
}

bool
config_set_preset_key(struct config_provider *provider)
{
	const char *variable = provider->preset->key_variable;
	struct buf reference = BUF_INIT(KIB);

	buf_printf(&reference, "env:%s", variable);
	provider->keys = calloc(1, sizeof *provider->keys);
	if (provider->keys != NULL && buf_str(&reference) != NULL &&
	    (provider->keys[0] = strdup(buf_data(&reference))) != NULL)
		provider->key_count = 1;
	buf_free(&reference);
	return provider->key_count == 1;
}

static void
read_one_key(struct reader *r, struct json value, struct config_provider *provider)
{
	char *key = value_string(r, value, "'key'");
	const char *problem = key ? check_key(key) : NULL;

	if (problem != NULL)
		value_wrong(r, value.p, "'key' %s", problem);
	if (key == NULL)
		return;
	if ((provider->keys = calloc(1, sizeof *provider->keys)) == NULL) {
		value_no_memory(r);
		free(key);
		return;
	}
	provider->keys[0] = key;
	provider->key_count = 1;
}

static void
read_keys(struct reader *r, const struct json *values, struct config_provider *provider)
{
	const struct preset *preset = provider->preset;

	if (values[KEY].len > 0 && values[KEYS].len > 0)
		value_wrong(r, values[KEYS].p, "'key' and 'keys' stand side by side: give one of them");
	else if (values[KEYS].len > 0)
		value_strings(r, values[KEYS], "'keys'", KEYS_MAX, check_key, &provider->keys, &provider->key_count);
	else if (values[KEY].len > 0)
		read_one_key(r, values[KEY], provider);
	else if (preset != NULL && preset->key_variable != NULL && preset->base_url_variable == NULL &&
	    provider->auth[DIALECT_ANTHROPIC] != AUTH_NONE && !config_set_preset_key(provider))
		value_no_memory(r);
}

static void
read_provider(struct reader *r, struct json object, struct config_provider *provider)
{
	struct json values[PROVIDER_KEYS];

	if (!value_members(r, object, "a provider", provider_keys, PROVIDER_KEYS, values))
		return;
	if (values[PRESET].len > 0)
		read_preset(r, values[PRESET], provider);
	read_base_urls(r, values, object, provider);
	read_auth(r, values, provider);
	read_keys(r, values, provider);
	if (values[HTTP2].len > 0 && !json_is_bool(values[HTTP2]))
		value_wrong(r, values[HTTP2].p, "'http2' must be true or false");
	provider->http2 = json_is_true(values[HTTP2]);
	value_limits(r, values + CONNECT_MS, &provider->limits);
}

static void
read_providers(struct reader *r, struct json value)
{
	struct config *config = r->config;
	struct json_iter it;
	struct json key, object;
	size_t count = value_count(value);

	if (!json_is_object(value)) {
		value_wrong(r, value.p, "'providers' must be an object, {\"NAME\": {…}}");
		return;
	}
	if (count == 0) {
		value_wrong(r, value.p, "'providers' is empty");
		return;
	}
	value_check_duplicates(r, value);
	if ((config->providers = calloc(count, sizeof *config->providers)) == NULL) {
		value_no_memory(r);
		return;
	}
	json_iter_init(&it, value.p, value.len);
	while (json_next(&it, &key, &object) == JSON_OK) {
		struct config_provider *provider = &config->providers[config->provider_count];
		const char *problem;

		if ((provider->name = value_string(r, key, "a provider's name")) == NULL)
			continue;
		config->provider_count++;
		if ((problem = check_name(provider->name)) != NULL)
			value_wrong(r, key.p, "a provider's name %s", problem);
		read_provider(r, object, provider);
	}
}

static void
lower_case(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

/* A time of which 0 says never. */
static void
read_ping(struct reader *r, struct json value, const char *what, struct config_ms *time)
{
	if ((time->set = value.len > 0))
		value_number(r, value, what, 0, LIMIT_MS_MAX, &time->ms);
}

static void
read_top(struct reader *r, struct json top)
{
	static const char *const names[] = { "providers", "routes", "origins", "hosts", "hold_bytes", "ping_ms",
		"first_ping_ms" };
	struct json values[COUNT(names)];
	struct config *config = r->config;

	if (!value_members(r, top, "the configuration", names, COUNT(names), values))
		return;
	if (values[0].len > 0)
		read_providers(r, values[0]);
	else
		value_wrong(r, top.p, "there are no 'providers'");
	/* Whatever the order in the file, targets are checked against the providers. */
	if (values[1].len > 0)
		config_read_routes(r, values[1]);
	if (values[2].len > 0)
		value_strings(r, values[2], "'origins'", SIZE_MAX, check_origin, &config->origins,
		    &config->origin_count);
	if (values[3].len > 0)
		value_strings(r, values[3], "'hosts'", SIZE_MAX, check_host, &config->hosts, &config->host_count);
	for (size_t i = 0; i < config->host_count; i++)
		lower_case(config->hosts[i]);
	if (values[4].len > 0)
		value_number(r, values[4], "'hold_bytes' must be a whole number of octets", 1, HELD_MAX_CEILING,
		    &config->hold_bytes);
	read_ping(r, values[5], "'ping_ms' must be a whole number of milliseconds", &config->ping);
	read_ping(r, values[6], "'first_ping_ms' must be a whole number of milliseconds", &config->first_ping);
}

/* Tells where and, if that can be guessed, why the text is not JSON. */
static void
wrong_syntax(struct reader *r, size_t pos, size_t n, enum json_result result)
{
	const char *at = r->text + pos;
	size_t before = pos;

	while (before > 0 && strchr(" \t\r\n", r->text[before - 1]) != NULL)
		before--;
	if (result == JSON_END || pos >= n)
		value_wrong(r, r->text + before, "the text ends too early: a bracket, a quote or a value is missing");
	else if ((*at == '}' || *at == ']') && before > 0 && r->text[before - 1] == ',')
		value_wrong(r, r->text + before - 1, "a comma stands before the closing '%c'", *at);
	else if (*at == '\n' || *at == '\r')
		value_wrong(r, at, "a string is not closed in its line");
	else if (*at == '\'')
		value_wrong(r, at, "not JSON: strings stand in double quotes");
	else if (*at > 0x20 && *at < 0x7f)
		value_wrong(r, at, "not JSON from '%c' on", *at);
	else
		value_wrong(r, at, "not JSON: there is an octet 0x%02x, or the brackets are nested too deep",
		    (unsigned char)*at);
}

void
config_read(struct config *config, char *text, size_t n, struct mistakes *mistakes)
{
	struct reader r = { text, mistakes, config, BUF_INIT(2 * CONFIG_MAX) };
	struct json top;
	size_t pos = 0;
	enum json_result result;

	if (!comment_blank(text, n, &pos)) {
		value_wrong(&r, text + pos, "a comment is not closed");
		return;
	}
	pos = 0;
	result = json_scan(text, n, &pos, &top);
	if (result == JSON_OK) {
		while (pos < n && strchr(" \t\r\n", text[pos]) != NULL && text[pos] != '\0')
			pos++;
		if (pos == n)
			read_top(&r, top);
		else
			value_wrong(&r, text + pos, "something stands behind the configuration's end");
	} else {
		wrong_syntax(&r, pos, n, result);
	}
	buf_free(&r.scratch);
}
