/* SPDX-License-Identifier: MIT */
#include "route/plan.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/* An attempt: `before`, the rest of the URL, a quote, maybe `model`, and one of `after`. */
struct attempt {
	char *before;		/* {"provider":…,"dialect":…,"url":"https://… */
	char *model;		/* ,"model":"MiniMax-M3" */
	const char *model_name;	/* the configuration's; NULL: whatever is asked for */
	char *after[2];		/* ,"key":…,…} without and with streaming */
};

struct plan {
	enum dialect dialect;
	size_t skip;		/* octets of a target that the base URL has already: `/v1` */
	struct attempt *attempts;
	size_t count;
	char *tail;		/* ,"route":…,"policy":…,"reasons":[…],"attempts":[ */
	char *refusal;
};

static uint64_t
or_default(uint64_t ms, uint64_t standard)
{
	return ms ? ms : standard;
}

/* Prints a JSON object and frees it. NULL if memory was short at any step. */
static char *
print_object(cJSON *object, bool done)
{
	char *text = object && done ? cJSON_PrintUnformatted(object) : NULL;

	cJSON_Delete(object);
	return text;
}

static char *
render_before(const struct config_provider *provider, enum dialect dialect)
{
	cJSON *object = cJSON_CreateObject();
	bool done = cJSON_AddStringToObject(object, "provider", provider->name) &&
	    cJSON_AddStringToObject(object, "dialect", dialect_name(dialect)) &&
	    cJSON_AddStringToObject(object, "url", provider->base_url[dialect]);
	char *text = print_object(object, done);

	/* The URL goes on: its quote and the bracket are not yet due. */
	if (text != NULL)
		text[strlen(text) - 2] = '\0';
	return text;
}

/* The members from `object` on, to stand behind others: its opening bracket becomes a comma. */
static char *
as_more(char *text)
{
	if (text != NULL)
		text[0] = ',';
	return text;
}

static char *
render_model(const char *model)
{
	cJSON *object = cJSON_CreateObject();
	bool done = cJSON_AddStringToObject(object, "model", model) != NULL;
	char *text = as_more(print_object(object, done));

	if (text != NULL)
		text[strlen(text) - 1] = '\0';
	return text;
}

static char *
render_after(const struct config_target *target, const char *key, bool stream)
{
	const struct config_limits *limits = &target->provider->limits;
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ "connect_ms", or_default(limits->connect_ms, CONNECT_MS_DEFAULT) },
		{ "first_byte_ms",
		    or_default(limits->first_byte_ms, stream ? FIRST_BYTE_STREAM_MS_DEFAULT : FIRST_BYTE_MS_DEFAULT) },
		{ "idle_ms", or_default(limits->idle_ms, IDLE_MS_DEFAULT) },
		{ "total_ms", or_default(limits->total_ms, TOTAL_MS_DEFAULT) },
		{ "not_before", 0 },
	};
	cJSON *object = cJSON_CreateObject();
	bool done = key == NULL || cJSON_AddStringToObject(object, "key", key);

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		done = cJSON_AddNumberToObject(object, numbers[i].name, (double)numbers[i].value) && done;
	if (target->context != 0)
		done = cJSON_AddNumberToObject(object, "context", (double)target->context) && done;
	return as_more(print_object(object, done));
}

static bool
add_attempt(struct plan *plan, const struct config_target *target, const char *key)
{
	struct attempt *attempt = &plan->attempts[plan->count++];

	attempt->model_name = target->model;
	attempt->before = render_before(target->provider, plan->dialect);
	attempt->after[0] = render_after(target, key, false);
	attempt->after[1] = render_after(target, key, true);
	if (target->model != NULL && (attempt->model = render_model(target->model)) == NULL)
		return false;
	return attempt->before && attempt->after[0] && attempt->after[1];
}

static bool add_reason(cJSON *reasons, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool
add_reason(cJSON *reasons, const char *format, ...)
{
	struct buf line = BUF_INIT(2 * KIB + MODEL_MAX);
	cJSON *string = NULL;
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&line, format, ap);
	va_end(ap);
	if (buf_str(&line) != NULL)
		string = cJSON_CreateString(buf_data(&line));
	buf_free(&line);
	return string != NULL && cJSON_AddItemToArray(reasons, string);
}

/* Adds a target's attempts, or the reason why it has none. */
static bool
add_target(struct plan *plan, const struct config_target *target, cJSON *reasons)
{
	const struct config_provider *provider = target->provider;
	size_t keys = provider->key_count ? provider->key_count : 1;
	bool done = true;

	if (provider->base_url[plan->dialect] == NULL)
		return add_reason(reasons, "%s is left out: it does not speak %s", provider->name,
		    dialect_name(plan->dialect));
	for (size_t i = 0; i < keys && done; i++) {
		if (plan->count == ATTEMPTS_MAX)
			return add_reason(reasons, "%s is left out from its key %zu on: %d attempts are the most",
			    provider->name, i + 1, ATTEMPTS_MAX);
		done = add_attempt(plan, target, provider->key_count ? provider->keys[i] : NULL);
	}
	return done;
}

static bool
add_ms(cJSON *object, const char *name, struct config_ms time)
{
	return !time.set || cJSON_AddNumberToObject(object, name, (double)time.ms) != NULL;
}

/* Takes `reasons`. */
static bool
render_tail(struct plan *plan, const struct config *config, const char *route, cJSON *reasons)
{
	cJSON *object = cJSON_CreateObject();
	bool done = (route == NULL || cJSON_AddStringToObject(object, "route", route)) &&
	    cJSON_AddStringToObject(object, "policy", "failover") && add_ms(object, "ping_ms", config->ping) &&
	    add_ms(object, "first_ping_ms", config->first_ping) &&
	    cJSON_AddItemToObject(object, "reasons", reasons) && cJSON_AddArrayToObject(object, "attempts");

	if (!done && cJSON_GetObjectItem(object, "reasons") == NULL)
		cJSON_Delete(reasons);
	plan->tail = as_more(print_object(object, done));
	if (plan->tail == NULL)
		return false;
	/* The array is to be filled. */
	plan->tail[strlen(plan->tail) - 2] = '\0';
	return true;
}

static void
put_spoken(struct buf *out, const struct config_provider *provider)
{
	const char *join = "";

	buf_printf(out, "%s speaks ", provider->name);
	for (int d = 0; d < DIALECT_COUNT; d++)
		if (provider->base_url[d] != NULL) {
			buf_printf(out, "%s%s", join, dialect_name((enum dialect)d));
			join = " and ";
		}
}

/* Says which providers, of the route or of all, speak what. */
static bool
render_refusal(struct plan *plan, const struct config *config, const struct config_route *route)
{
	struct buf text = BUF_INIT(64 * KIB);
	size_t count = route ? route->target_count : config->provider_count;

	if (plan->count > 0)
		return true;
	if (route != NULL)
		buf_printf(&text, "no provider of route '%s' speaks the %s dialect: ", route->model,
		    dialect_name(plan->dialect));
	else
		buf_printf(&text, "no provider speaks the %s dialect: ", dialect_name(plan->dialect));
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_puts(&text, ", ");
		put_spoken(&text, route ? route->targets[i].provider : &config->providers[i]);
	}
	plan->refusal = buf_str(&text) ? strdup(buf_data(&text)) : NULL;
	buf_free(&text);
	return plan->refusal != NULL;
}

static struct plan *
plan_new(enum dialect dialect)
{
	struct plan *plan = calloc(1, sizeof *plan);

	if (plan == NULL)
		return NULL;
	plan->dialect = dialect;
	plan->skip = dialect == DIALECT_OPENAI ? strlen("/v1") : 0;
	if ((plan->attempts = calloc(ATTEMPTS_MAX, sizeof *plan->attempts)) == NULL) {
		free(plan);
		return NULL;
	}
	return plan;
}

/* Ends the making of a plan: returns it, or NULL and nothing is left of it. Takes `reasons`. */
static struct plan *
finish(struct plan *plan, bool done, const struct config *config, const struct config_route *route, cJSON *reasons)
{
	done = render_tail(plan, config, route ? route->model : NULL, reasons) && done;
	if (done && render_refusal(plan, config, route))
		return plan;
	plan_free(plan);
	return NULL;
}

struct plan *
plan_of_route(const struct config *config, const struct config_route *route, enum dialect dialect)
{
	struct plan *plan = plan_new(dialect);
	cJSON *reasons = plan ? cJSON_CreateArray() : NULL;
	bool done;

	if (plan == NULL)
		return NULL;
	done = add_reason(reasons, "route '%s' is the first that matches the model", route->model);
	for (size_t i = 0; i < route->target_count && done; i++)
		done = add_target(plan, &route->targets[i], reasons);
	return finish(plan, done, config, route, reasons);
}

struct plan *
plan_of_dialect(const struct config *config, enum dialect dialect)
{
	struct plan *plan = plan_new(dialect);
	cJSON *reasons = plan ? cJSON_CreateArray() : NULL;
	bool done = true;

	if (plan == NULL)
		return NULL;
	for (size_t i = 0; i < config->provider_count && plan->count == 0 && done; i++) {
		const struct config_provider *provider = &config->providers[i];
		struct config_target target = { .provider = provider };

		if (provider->base_url[dialect] == NULL)
			continue;
		done = add_reason(reasons, "this path has no model: %s is the first provider that speaks %s",
		    provider->name, dialect_name(dialect)) && add_target(plan, &target, reasons);
	}
	return finish(plan, done, config, NULL, reasons);
}

void
plan_free(struct plan *plan)
{
	if (plan == NULL)
		return;
	for (size_t i = 0; i < plan->count; i++) {
		cJSON_free(plan->attempts[i].before);
		cJSON_free(plan->attempts[i].model);
		cJSON_free(plan->attempts[i].after[0]);
		cJSON_free(plan->attempts[i].after[1]);
	}
	free(plan->attempts);
	cJSON_free(plan->tail);
	free(plan->refusal);
	free(plan);
}

const char *
plan_refusal(const struct plan *plan)
{
	return plan->refusal;
}

/* What the client wants, up to where the plan's own pieces begin. */
static void
put_wanted(const struct plan *plan, const struct plan_request *request, struct buf *out)
{
	buf_puts(out, "\"plan\":{\"dialect\":\"");
	buf_puts(out, dialect_name(plan->dialect));
	buf_puts(out, request->stream ? "\",\"stream\":true" : "\",\"stream\":false");
	if (request->model.len == 0)
		return;
	buf_puts(out, ",\"model\":");
	json_put_string(out, request->model_name, request->model_name_len);
	buf_puts(out, ",\"model_at\":[");
	buf_put_u64(out, (uint64_t)(request->model.p - request->body));
	buf_putc(out, ',');
	buf_put_u64(out, request->model.len);
	buf_putc(out, ']');
}

void
plan_put(const struct plan *plan, const struct plan_request *request, struct buf *scratch, struct buf *out)
{
	const char *rest;
	size_t rest_len;

	put_wanted(plan, request, out);
	buf_puts(out, plan->tail);
	/* The target as it stands between quotes, the same in each attempt. */
	buf_clear(scratch);
	json_put_string(scratch, request->target + plan->skip, request->target_len - plan->skip);
	if (scratch->failed) {
		out->failed = true;
		return;
	}
	rest = buf_data(scratch) + 1;
	rest_len = buf_len(scratch) - 2;
	for (size_t i = 0; i < plan->count; i++) {
		const struct attempt *attempt = &plan->attempts[i];
		const char *model = request->model.len > 0 ? attempt->model_name : NULL;

		if (i > 0)
			buf_putc(out, ',');
		buf_puts(out, attempt->before);
		buf_put(out, rest, rest_len);
		buf_putc(out, '"');
		if (model != NULL && (strlen(model) != request->model_name_len ||
		    memcmp(model, request->model_name, request->model_name_len) != 0))
			buf_puts(out, attempt->model);
		buf_puts(out, attempt->after[request->stream]);
	}
	buf_puts(out, "]}");
}
