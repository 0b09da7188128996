/* SPDX-License-Identifier: MIT */
#include "route/plan.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "route/conversation.h"

/* An attempt: `before`, the rest of the URL, a quote, maybe `model`, one of `after`, and its time. */
struct attempt {
	const char *provider;	/* its name */
	const char *key;	/* NULL: none */
	struct candidate candidate;	/* what the configuration says of it */
	char *before;		/* {"provider":…,"dialect":…,"url":"https://… */
	char *model;		/* ,"model":"MiniMax-M3" */
	const char *model_name;	/* the configuration's; NULL: whatever is asked for */
	char *after[2];		/* ,"key":…,… without and with streaming */
};

struct plan {
	enum dialect dialect;
	size_t skip;		/* octets of a target that the base URL has already: `/v1` */
	struct attempt *attempts;
	size_t count;
	char *tail;		/* ,"route":…,"policy":…,"reasons":["… */
	char *refusal;
	const struct config_route *route;	/* NULL: requests without a model */
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
	const struct config_limits *own = &target->limits, *limits = &target->provider->limits;
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ "connect_ms", or_default(or_default(own->connect_ms, limits->connect_ms), CONNECT_MS_DEFAULT) },
		{ "first_byte_ms",
		    or_default(or_default(own->first_byte_ms, limits->first_byte_ms),
			stream ? FIRST_BYTE_STREAM_MS_DEFAULT : FIRST_BYTE_MS_DEFAULT) },
		{ "idle_ms", or_default(or_default(own->idle_ms, limits->idle_ms), IDLE_MS_DEFAULT) },
		{ "total_ms", or_default(or_default(own->total_ms, limits->total_ms), TOTAL_MS_DEFAULT) },
	};
	cJSON *object = cJSON_CreateObject();
	bool done = key == NULL || cJSON_AddStringToObject(object, "key", key);
	char *text;

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		done = cJSON_AddNumberToObject(object, numbers[i].name, (double)numbers[i].value) && done;
	if (target->context != 0)
		done = cJSON_AddNumberToObject(object, "context", (double)target->context) && done;
	if (target->max_in_flight != 0)
		done = cJSON_AddNumberToObject(object, "max_in_flight", (double)target->max_in_flight) && done;
	if ((text = as_more(print_object(object, done))) != NULL)
		text[strlen(text) - 1] = '\0';
	return text;
}

/* What tells a target with a key from all others of a route, on every machine. */
static uint64_t
hash_of(const struct config_target *target, const char *key)
{
	const char *const names[] = { target->provider->name, target->model ? target->model : "", key ? key : "" };
	uint64_t hash = CONVERSATION_BASIS;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		hash = conversation_hash(hash, names[i], strlen(names[i]) + 1);
	return hash;
}

static bool
add_attempt(struct plan *plan, const struct config_target *target, const char *key)
{
	struct attempt *attempt = &plan->attempts[plan->count++];

	attempt->provider = target->provider->name;
	attempt->key = key;
	attempt->candidate = (struct candidate){
		.weight = (double)target->weight / (double)(target->provider->key_count ? target->provider->key_count : 1),
		.priority = (int)target->priority,
		.price = target->price.known ? target->price.input + target->price.output : PRICE_UNKNOWN,
		.max_in_flight = (uint32_t)target->max_in_flight,
		.hash = hash_of(target, key),
	};
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
render_tail(struct plan *plan, const struct config *config, const struct config_route *route, cJSON *reasons)
{
	enum policy policy = route ? route->policy : POLICY_FAILOVER;
	cJSON *object = cJSON_CreateObject();
	bool done = (route == NULL || cJSON_AddStringToObject(object, "route", route->model)) &&
	    cJSON_AddStringToObject(object, "policy", policy_name(policy)) && add_ms(object, "ping_ms", config->ping) &&
	    add_ms(object, "first_ping_ms", config->first_ping) &&
	    cJSON_AddItemToObject(object, "reasons", reasons);

	if (!done && cJSON_GetObjectItem(object, "reasons") == NULL)
		cJSON_Delete(reasons);
	plan->tail = as_more(print_object(object, done));
	if (plan->tail == NULL)
		return false;
	/* The array may get more. */
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
	done = render_tail(plan, config, route, reasons) && done;
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
	plan->route = route;
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
		struct config_target target = { .provider = provider, .weight = 1 };

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

bool
plan_is_sticky(const struct plan *plan)
{
	return plan->route != NULL && plan->route->policy == POLICY_STICKY;
}

/* Requests without a model go to one provider's keys as they are configured: no row of the table is theirs. */
static void
order_as_configured(const struct plan *plan, struct order *order)
{
	memset(order, 0, sizeof *order);
	for (; order->count < plan->count; order->count++)
		order->choices[order->count] = (struct choice){ .candidate = order->count };
}

static struct health_row
row_of(const struct attempt *attempt, const struct plan_request *request, const struct moment *moment)
{
	const struct health_names names = {
		.provider = attempt->provider,
		.model = attempt->model_name ? attempt->model_name : request->model_name,
		.key = attempt->key,
	};

	return health_row(moment->health, &names, moment->now);
}

/* The number of the route's request, from 0, in all processes together; it is kept in a row of the table. */
static uint64_t
next_turn(const struct plan *plan, const struct moment *moment)
{
	const struct health_names names = { .provider = "", .model = plan->route->model, .key = "turn" };

	return health_turn(moment->health, health_row(moment->health, &names, moment->now), moment->now);
}

void
plan_order(const struct plan *plan, const struct plan_request *request, const struct moment *moment,
    struct order *order)
{
	struct candidate candidates[ATTEMPTS_MAX];
	struct choosing choosing = { .now = moment->now, .random = moment->random, .patience_ms = PATIENCE_MS };

	if (plan->route == NULL) {
		order_as_configured(plan, order);
		return;
	}
	choosing.policy = plan->route->policy;
	choosing.explore = (double)plan->route->explore_percent / 100;
	choosing.sticky_return_ms = plan->route->sticky_return_ms;
	choosing.conversation = request->conversation;
	if (choosing.policy == POLICY_ROUND_ROBIN)
		choosing.turn = next_turn(plan, moment);
	for (size_t i = 0; i < plan->count; i++) {
		candidates[i] = plan->attempts[i].candidate;
		if (moment->health != NULL)
			health_read(moment->health, row_of(&plan->attempts[i], request, moment), moment->now,
			    &candidates[i].health);
	}
	choose(&choosing, candidates, plan->count, order);
	for (size_t i = 0; i < plan->count; i++)
		order->views[i] = candidates[i].health;
}

/* What is worth saying of where a candidate stands. */
static void
put_standing(const struct attempt *attempt, enum standing standing, const struct health_view *view, uint64_t now,
    struct buf *out)
{
	double seconds = view->until > now ? (double)(view->until - now) / 1000 : 0;

	buf_puts(out, attempt->provider);
	if (attempt->model_name != NULL)
		buf_printf(out, " (%s)", attempt->model_name);
	if (attempt->key != NULL)
		buf_printf(out, " with %s", attempt->key);
	if (standing == STANDS_OUT)
		buf_printf(out, " is left out: it cools down for %.3g s (%s)", seconds, health_fault_name(view->why));
	else if (standing == STANDS_WAITING)
		buf_printf(out, " is waited for: it cools down for %.3g s (%s)", seconds, health_fault_name(view->why));
	else if (standing == STANDS_FULL)
		buf_printf(out, " stands back: %u requests are in flight there", (unsigned)view->in_flight);
	else if (standing == STANDS_TRIED)
		buf_puts(out, " stands back: after failures it is being tried by one request");
	else if (standing == STANDS_BACK)
		buf_printf(out, " stands back: it recovered %.3g s ago", (double)(now - view->recovered) / 1000);
	else
		buf_puts(out, " is tried: after failures one request is let through");
}

/* Adds to the plan's reasons those of this request. */
static void
put_reasons(const struct plan *plan, const struct order *order, uint64_t now, struct buf *scratch, struct buf *out)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (order->standing[i] == STANDS)
			continue;
		buf_clear(scratch);
		put_standing(&plan->attempts[i], order->standing[i], &order->views[i], now, scratch);
		buf_putc(out, ',');
		json_put_string(out, buf_data(scratch), buf_len(scratch));
	}
}

void
plan_put_wait(const struct plan *plan, const struct order *order, uint64_t now, struct buf *out)
{
	buf_puts(out, order->limited ? "rate limited: " : "Overloaded: ");
	buf_printf(out, "nobody can serve route '%s' now", plan->route->model);
	for (size_t i = 0; i < plan->count; i++) {
		buf_puts(out, i == 0 ? ": " : "; ");
		put_standing(&plan->attempts[i], order->standing[i], &order->views[i], now, out);
	}
}

static void
put_attempt(const struct attempt *attempt, const struct plan_request *request, uint64_t not_before,
    const char *rest, size_t rest_len, struct buf *out)
{
	const char *model = request->model.len > 0 ? attempt->model_name : NULL;

	buf_puts(out, attempt->before);
	buf_put(out, rest, rest_len);
	buf_putc(out, '"');
	if (model != NULL && (strlen(model) != request->model_name_len ||
	    memcmp(model, request->model_name, request->model_name_len) != 0))
		buf_puts(out, attempt->model);
	buf_puts(out, attempt->after[request->stream]);
	buf_puts(out, ",\"not_before\":");
	buf_put_u64(out, not_before);
	buf_putc(out, '}');
}

void
plan_put(const struct plan *plan, const struct plan_request *request, const struct moment *moment,
    const struct order *order, struct buf *scratch, struct buf *out)
{
	put_wanted(plan, request, out);
	buf_puts(out, plan->tail);
	put_reasons(plan, order, moment->now, scratch, out);
	buf_puts(out, "],\"attempts\":[");
	/* The target as it stands between quotes, the same in each attempt. */
	buf_clear(scratch);
	json_put_string(scratch, request->target + plan->skip, request->target_len - plan->skip);
	if (scratch->failed) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < order->count; i++) {
		if (i > 0)
			buf_putc(out, ',');
		put_attempt(&plan->attempts[order->choices[i].candidate], request, order->choices[i].not_before,
		    buf_data(scratch) + 1, buf_len(scratch) - 2, out);
	}
	buf_puts(out, "]}");
}
