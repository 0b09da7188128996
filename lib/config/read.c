/* SPDX-License-Identifier: MIT */
#include "config/read.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "config/check.h"
#include "config/comment.h"

struct reader {
	const char *text;
	struct mistakes *mistakes;
	struct config *config;
	struct buf scratch;
};

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof *(ARRAY))

static size_t
line_of(const struct reader *r, const char *at)
{
	size_t line = 1;

	for (const char *p = r->text; (p = memchr(p, '\n', (size_t)(at - p))) != NULL; p++)
		line++;
	return line;
}

static void wrong(struct reader *r, const char *at, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Something is wrong at `at`, a place of the text. */
static void
wrong(struct reader *r, const char *at, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	mistake_vadd(r->mistakes, line_of(r, at), format, ap);
	va_end(ap);
}

/* The same with `; did you mean 'WORD'?` where one of the words is near to what was written. */
static void
wrong_word(struct reader *r, const char *at, const char *problem, const char *word, const char *const *words,
    size_t count)
{
	const char *near = mistake_near(word, words, count);

	wrong(r, at, "%s '%.*s'%s%s%s", problem, PROVIDER_NAME_MAX, word, near ? "; did you mean '" : "",
	    near ? near : "", near ? "'?" : "");
}

static void
no_memory(struct reader *r)
{
	r->mistakes->no_memory = true;
}

static const char *
problem_of_text(const char *p, size_t n)
{
	if (n == 0)
		return "is empty";
	for (size_t i = 0; i < n;) {
		size_t len = json_utf8_length((const unsigned char *)p + i, n - i);

		if (len == 0)
			return "is not UTF-8";
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			return "has a control character";
		i += len;
	}
	return NULL;
}

/* Unescapes a string, to be freed. NULL after telling what is wrong, with `what` for its name. */
static char *
read_string(struct reader *r, struct json value, const char *what)
{
	const char *problem;
	char *s;

	buf_clear(&r->scratch);
	if (!json_decode(value, &r->scratch)) {
		wrong(r, value.p, "%s must be a string", what);
		return NULL;
	}
	if (r->scratch.failed) {
		no_memory(r);
		return NULL;
	}
	if ((problem = problem_of_text(buf_data(&r->scratch), buf_len(&r->scratch))) != NULL) {
		wrong(r, value.p, "%s %s", what, problem);
		return NULL;
	}
	if ((s = strndup(buf_data(&r->scratch), buf_len(&r->scratch))) == NULL)
		no_memory(r);
	return s;
}

static bool
same_string(struct reader *r, struct json a, struct json b)
{
	const char *s;

	buf_clear(&r->scratch);
	json_decode(a, &r->scratch);
	s = buf_str(&r->scratch);
	return s != NULL && json_equals(b, s);
}

/* The length of a string between its quotes, as much as fits into a line. */
static int
quoted(struct json string)
{
	return string.len - 2 < PROVIDER_NAME_MAX ? (int)string.len - 2 : PROVIDER_NAME_MAX;
}

/* Tells of each member whose name an earlier one has. */
static void
check_duplicates(struct reader *r, struct json object)
{
	struct json_iter outer, inner;
	struct json key, value, earlier, unused;

	json_iter_init(&outer, object.p, object.len);
	while (json_next(&outer, &key, &value) == JSON_OK) {
		json_iter_init(&inner, object.p, object.len);
		while (json_next(&inner, &earlier, &unused) == JSON_OK && earlier.p < key.p)
			if (same_string(r, earlier, key)) {
				wrong(r, key.p, "key '%.*s' stands twice, first in line %zu", quoted(key), key.p + 1,
				    line_of(r, earlier.p));
				break;
			}
	}
}

/*
 * Reads an object's members by their names: `values[i]` is that of `names[i]`, empty if it is absent. Unknown and
 * repeated ones are told. False, after telling, if `object` is none.
 */
static bool
read_members(struct reader *r, struct json object, const char *what, const char *const *names, size_t count,
    struct json *values)
{
	struct json_iter it;
	struct json key, value;

	memset(values, 0, count * sizeof *values);
	if (!json_is_object(object)) {
		wrong(r, object.p, "%s must be an object, {…}", what);
		return false;
	}
	check_duplicates(r, object);
	json_iter_init(&it, object.p, object.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		size_t i = 0;

		while (i < count && !json_equals(key, names[i]))
			i++;
		if (i < count) {
			if (values[i].len == 0)
				values[i] = value;
			continue;
		}
		buf_clear(&r->scratch);
		buf_put(&r->scratch, key.p + 1, key.len - 2);
		if (buf_str(&r->scratch) != NULL)
			wrong_word(r, key.p, "unknown key", buf_data(&r->scratch), names, count);
	}
	return true;
}

/* How many members or elements a value has. */
static size_t
count_of(struct json value)
{
	struct json_iter it;
	struct json key, element;
	size_t count = 0;

	if (!json_iter_init(&it, value.p, value.len))
		return 0;
	while (json_next(&it, &key, &element) == JSON_OK)
		count++;
	return count;
}

/* An array with at least one element and at most `max`. Returns how many; 0 after telling. */
static size_t
read_array(struct reader *r, struct json value, const char *what, size_t max)
{
	size_t count = count_of(value);

	if (!json_is_array(value))
		wrong(r, value.p, "%s must be an array, […]", what);
	else if (count == 0)
		wrong(r, value.p, "%s is empty", what);
	else if (count > max)
		wrong(r, value.p, "%s has more than %zu elements", what, max);
	else
		return count;
	return 0;
}

/* An array of strings that pass `check`. */
static void
read_strings(struct reader *r, struct json value, const char *what, size_t max, const char *(*check)(const char *),
    char ***list, size_t *count)
{
	size_t room = read_array(r, value, what, max);
	struct json_iter it;
	struct json element;

	if (room == 0)
		return;
	if ((*list = calloc(room, sizeof **list)) == NULL) {
		no_memory(r);
		return;
	}
	json_iter_init(&it, value.p, value.len);
	while (json_next(&it, NULL, &element) == JSON_OK) {
		char *s = read_string(r, element, what);
		const char *problem = s ? check(s) : NULL;

		if (problem != NULL)
			wrong(r, element.p, "%s %s", what, problem);
		if (s != NULL)
			(*list)[(*count)++] = s;
	}
}

/* A string out of a list. Returns its place there; `count` after telling. */
static size_t
read_choice(struct reader *r, struct json value, const char *what, const char *const *words, size_t count)
{
	const char *word;

	for (size_t i = 0; i < count; i++)
		if (json_equals(value, words[i]))
			return i;
	buf_clear(&r->scratch);
	buf_printf(&r->scratch, "'%s' must be ", what);
	for (size_t i = 0; i < count; i++)
		buf_printf(&r->scratch, "%s\"%s\"", i == 0 ? "" : i + 1 < count ? ", " : " or ", words[i]);
	if ((word = buf_str(&r->scratch)) != NULL)
		wrong(r, value.p, "%s", word);
	return count;
}

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
	char *name = read_string(r, value, "'preset'");
	const char *names[64];
	size_t count = 0;

	if (name == NULL)
		return;
	provider->preset = preset_find(name, strlen(name));
	for (const struct preset *p = presets; p->name != NULL && count < COUNT(names); p++)
		names[count++] = p->name;
	if (provider->preset == NULL)
		wrong_word(r, value.p, "there is no preset", name, names, count);
	else if (!config_apply_preset(provider, NULL, provider->preset))
		no_memory(r);
	free(name);
}

/* A base URL without the slash at its end. NULL after telling. */
static char *
read_url(struct reader *r, struct json value)
{
	char *url = read_string(r, value, "'base_url'");
	const char *problem = url ? check_base_url(url) : NULL;

	if (problem != NULL) {
		wrong(r, value.p, "'base_url' %s", problem);
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
		wrong(r, value.p, "'base_url' needs a 'dialect' beside it, or must be "
		    "{\"anthropic\": …, \"openai\": …}");
	else if (!config_set_own_url(provider, provider->preset, url))
		no_memory(r);
	free(url);
}

/* An object: the base URL of each dialect. The preset's are forgotten. */
static void
read_urls(struct reader *r, struct json value, struct config_provider *provider)
{
	struct json values[DIALECT_COUNT];

	clear_urls(provider);
	if (!read_members(r, value, "'base_url'", dialects, DIALECT_COUNT, values))
		return;
	if (values[0].len == 0 && values[1].len == 0)
		wrong(r, value.p, "'base_url' names no dialect");
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
		dialect = read_choice(r, values[DIALECT], "dialect", dialects, DIALECT_COUNT);
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
		wrong(r, object.p, "provider '%s' has neither 'preset' nor 'base_url'", provider->name);
		return;
	}
	if (dialect == DIALECT_COUNT)
		return;
	for (size_t d = 0; d < DIALECT_COUNT; d++)
		if (d != dialect)
			replace(&provider->base_url[d], NULL, 0);
	if (provider->base_url[dialect] == NULL && (values[PRESET].len == 0 || provider->preset != NULL))
		wrong(r, values[DIALECT].p, "provider '%s' has no base URL for that dialect", provider->name);
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
	if ((auth = read_choice(r, values[AUTH], "auth", words, COUNT(words))) == COUNT(words))
		return;
	for (int d = 0; d < DIALECT_COUNT; d++)
		provider->auth[d] = (enum config_auth)auth;
	if (auth == AUTH_NONE && (values[KEY].len > 0 || values[KEYS].len > 0))
		wrong(r, values[AUTH].p, "'auth' is \"none\", but there is a key");
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
	char *key = read_string(r, value, "'key'");
	const char *problem = key ? check_key(key) : NULL;

	if (problem != NULL)
		wrong(r, value.p, "'key' %s", problem);
	if (key == NULL)
		return;
	if ((provider->keys = calloc(1, sizeof *provider->keys)) == NULL) {
		no_memory(r);
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
		wrong(r, values[KEYS].p, "'key' and 'keys' stand side by side: give one of them");
	else if (values[KEYS].len > 0)
		read_strings(r, values[KEYS], "'keys'", KEYS_MAX, check_key, &provider->keys, &provider->key_count);
	else if (values[KEY].len > 0)
		read_one_key(r, values[KEY], provider);
	else if (preset != NULL && preset->key_variable != NULL && preset->base_url_variable == NULL &&
	    provider->auth[DIALECT_ANTHROPIC] != AUTH_NONE && !config_set_preset_key(provider))
		no_memory(r);
}

static void
read_ms(struct reader *r, const struct json *values, int which, uint64_t *ms)
{
	struct json value = values[which];

	if (value.len > 0 && (!json_u64(value, LIMIT_MS_MAX, ms) || *ms == 0))
		wrong(r, value.p, "'%s' must be a whole number of milliseconds from 1 to %d, in digits",
		    provider_keys[which], LIMIT_MS_MAX);
}

static void
read_provider(struct reader *r, struct json object, struct config_provider *provider)
{
	struct json values[PROVIDER_KEYS];

	if (!read_members(r, object, "a provider", provider_keys, PROVIDER_KEYS, values))
		return;
	if (values[PRESET].len > 0)
		read_preset(r, values[PRESET], provider);
	read_base_urls(r, values, object, provider);
	read_auth(r, values, provider);
	read_keys(r, values, provider);
	if (values[HTTP2].len > 0 && !json_is_bool(values[HTTP2]))
		wrong(r, values[HTTP2].p, "'http2' must be true or false");
	provider->http2 = json_is_true(values[HTTP2]);
	read_ms(r, values, CONNECT_MS, &provider->limits.connect_ms);
	read_ms(r, values, FIRST_BYTE_MS, &provider->limits.first_byte_ms);
	read_ms(r, values, IDLE_MS, &provider->limits.idle_ms);
	read_ms(r, values, TOTAL_MS, &provider->limits.total_ms);
}

static void
read_providers(struct reader *r, struct json value)
{
	struct config *config = r->config;
	struct json_iter it;
	struct json key, object;
	size_t count = count_of(value);

	if (!json_is_object(value)) {
		wrong(r, value.p, "'providers' must be an object, {\"NAME\": {…}}");
		return;
	}
	if (count == 0) {
		wrong(r, value.p, "'providers' is empty");
		return;
	}
	check_duplicates(r, value);
	if ((config->providers = calloc(count, sizeof *config->providers)) == NULL) {
		no_memory(r);
		return;
	}
	json_iter_init(&it, value.p, value.len);
	while (json_next(&it, &key, &object) == JSON_OK) {
		struct config_provider *provider = &config->providers[config->provider_count];
		const char *problem;

		if ((provider->name = read_string(r, key, "a provider's name")) == NULL)
			continue;
		config->provider_count++;
		if ((problem = check_name(provider->name)) != NULL)
			wrong(r, key.p, "a provider's name %s", problem);
		read_provider(r, object, provider);
	}
}

static void
read_target_provider(struct reader *r, struct json value, struct config_target *target)
{
	const struct config *config = r->config;
	char *name = read_string(r, value, "'provider'");
	const char **names;

	/* Where there are no providers at all, that has been told. */
	if (name == NULL || config->provider_count == 0) {
		free(name);
		return;
	}
	target->provider = config_find_provider(config, name, strlen(name));
	if (target->provider == NULL && (names = calloc(config->provider_count, sizeof *names)) != NULL) {
		for (size_t i = 0; i < config->provider_count; i++)
			names[i] = config->providers[i].name;
		wrong_word(r, value.p, "there is no provider", name, names, config->provider_count);
		free(names);
	}
	free(name);
}

/* A name of a model, or a pattern of such. */
static char *
read_model(struct reader *r, struct json value)
{
	char *model = read_string(r, value, "'model'");

	if (model != NULL && strlen(model) > MODEL_MAX)
		wrong(r, value.p, "'model' is longer than %zu octets", MODEL_MAX);
	return model;
}

/* A whole number from `min` to `max`; what is wrong is told with `what` for its name and unit. */
static void
read_number(struct reader *r, struct json value, const char *what, uint64_t min, uint64_t max, uint64_t *number)
{
	uint64_t n;

	if (json_u64(value, max, &n) && n >= min)
		*number = n;
	else
		wrong(r, value.p, "%s from %llu to %llu, in digits", what, (unsigned long long)min,
		    (unsigned long long)max);
}

static void
read_target(struct reader *r, struct json object, struct config_target *target)
{
	static const char *const names[] = { "provider", "model", "context" };
	struct json values[COUNT(names)];

	if (!read_members(r, object, "a target", names, COUNT(names), values))
		return;
	if (values[0].len > 0)
		read_target_provider(r, values[0], target);
	else
		wrong(r, object.p, "a target has no 'provider'");
	if (values[1].len > 0)
		target->model = read_model(r, values[1]);
	if (target->model != NULL && strchr(target->model, '*') != NULL)
		wrong(r, values[1].p, "a target's 'model' is one model's name, without '*'");
	if (values[2].len > 0)
		read_number(r, values[2], "'context' must be a whole number of tokens", 1, CONTEXT_MAX, &target->context);
}

static void
read_targets(struct reader *r, struct json value, struct config_route *route)
{
	size_t count = read_array(r, value, "'targets'", TARGETS_MAX);
	struct json_iter it;
	struct json element;

	if (count == 0)
		return;
	if ((route->targets = calloc(count, sizeof *route->targets)) == NULL) {
		no_memory(r);
		return;
	}
	json_iter_init(&it, value.p, value.len);
	while (json_next(&it, NULL, &element) == JSON_OK)
		read_target(r, element, &route->targets[route->target_count++]);
}

/* Tells if an earlier route takes all that this one could get. */
static void
check_reached(struct reader *r, struct json at, const struct config_route *route)
{
	for (const struct config_route *earlier = r->config->routes; earlier < route; earlier++) {
		bool all = earlier->model != NULL && strcmp(earlier->model, "*") == 0;

		if (!all && (earlier->model == NULL || strcmp(earlier->model, route->model) != 0))
			continue;
		wrong(r, at.p, "this route is never reached: an earlier one has \"%s\"", earlier->model);
		return;
	}
}

static void
read_route(struct reader *r, struct json object, struct config_route *route)
{
	static const char *const names[] = { "model", "policy", "targets" };
	static const char *const policies[] = { "failover" };
	struct json values[COUNT(names)];

	if (!read_members(r, object, "a route", names, COUNT(names), values))
		return;
	if (values[0].len > 0)
		route->model = read_model(r, values[0]);
	else
		wrong(r, object.p, "a route has no 'model'");
	if (route->model != NULL)
		check_reached(r, values[0], route);
	if (values[1].len > 0)
		read_choice(r, values[1], "policy", policies, COUNT(policies));
	if (values[2].len > 0)
		read_targets(r, values[2], route);
	else
		wrong(r, object.p, "a route has no 'targets'");
}

static void
read_routes(struct reader *r, struct json value)
{
	struct config *config = r->config;
	size_t count = read_array(r, value, "'routes'", SIZE_MAX);
	struct json_iter it;
	struct json element;

	if (count == 0)
		return;
	if ((config->routes = calloc(count, sizeof *config->routes)) == NULL) {
		no_memory(r);
		return;
	}
	json_iter_init(&it, value.p, value.len);
	while (json_next(&it, NULL, &element) == JSON_OK)
		read_route(r, element, &config->routes[config->route_count++]);
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
		read_number(r, value, what, 0, LIMIT_MS_MAX, &time->ms);
}

static void
read_top(struct reader *r, struct json top)
{
	static const char *const names[] = { "providers", "routes", "origins", "hosts", "hold_bytes", "ping_ms",
		"first_ping_ms" };
	struct json values[COUNT(names)];
	struct config *config = r->config;

	if (!read_members(r, top, "the configuration", names, COUNT(names), values))
		return;
	if (values[0].len > 0)
		read_providers(r, values[0]);
	else
		wrong(r, top.p, "there are no 'providers'");
	/* Whatever the order in the file, targets are checked against the providers. */
	if (values[1].len > 0)
		read_routes(r, values[1]);
	if (values[2].len > 0)
		read_strings(r, values[2], "'origins'", SIZE_MAX, check_origin, &config->origins,
		    &config->origin_count);
	if (values[3].len > 0)
		read_strings(r, values[3], "'hosts'", SIZE_MAX, check_host, &config->hosts, &config->host_count);
	for (size_t i = 0; i < config->host_count; i++)
		lower_case(config->hosts[i]);
	if (values[4].len > 0)
		read_number(r, values[4], "'hold_bytes' must be a whole number of octets", 1, HELD_MAX_CEILING,
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
		wrong(r, r->text + before, "the text ends too early: a bracket, a quote or a value is missing");
	else if ((*at == '}' || *at == ']') && before > 0 && r->text[before - 1] == ',')
		wrong(r, r->text + before - 1, "a comma stands before the closing '%c'", *at);
	else if (*at == '\n' || *at == '\r')
		wrong(r, at, "a string is not closed in its line");
	else if (*at == '\'')
		wrong(r, at, "not JSON: strings stand in double quotes");
	else if (*at > 0x20 && *at < 0x7f)
		wrong(r, at, "not JSON from '%c' on", *at);
	else
		wrong(r, at, "not JSON: there is an octet 0x%02x, or the brackets are nested too deep",
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
		wrong(&r, text + pos, "a comment is not closed");
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
			wrong(&r, text + pos, "something stands behind the configuration's end");
	} else {
		wrong_syntax(&r, pos, n, result);
	}
	buf_free(&r.scratch);
}
