/* SPDX-License-Identifier: MIT */
/* The routes of a configuration, and their targets. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "config/policy.h"
#include "config/read.h"
#include "config/value.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof *(ARRAY))

static void
read_target_provider(struct reader *r, struct json value, struct config_target *target)
{
	const struct config *config = r->config;
	char *name = value_string(r, value, "'provider'");
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
		value_wrong_word(r, value.p, "there is no provider", name, names, config->provider_count);
		free(names);
	}
	free(name);
}

/* A name of a model, or a pattern of such. */
static char *
read_model(struct reader *r, struct json value)
{
	char *model = value_string(r, value, "'model'");

	if (model != NULL && strlen(model) > MODEL_MAX)
		value_wrong(r, value.p, "'model' is longer than %zu octets", MODEL_MAX);
	return model;
}

/* Prices in millionths of a unit of money for a million tokens: what they are of, the file does not say. */
static void
read_price(struct reader *r, struct json object, struct config_price *price)
{
	static const char *const names[] = { "input", "output", "cache_read", "cache_write" };
	static const char *const whats[] = { "'input' must be a price", "'output' must be a price",
		"'cache_read' must be a price", "'cache_write' must be a price" };
	uint64_t *const prices[] = { &price->input, &price->output, &price->cache_read, &price->cache_write };
	struct json values[COUNT(names)];

	if (!value_members(r, object, "'price'", names, COUNT(names), values))
		return;
	if (values[0].len == 0 || values[1].len == 0)
		value_wrong(r, object.p, "'price' needs 'input' and 'output', for a million tokens each");
	price->known = true;
	for (size_t i = 0; i < COUNT(names); i++)
		if (values[i].len > 0)
			value_decimal(r, values[i], whats[i], PRICE_MAX, prices[i]);
	/* Without prices of its own what a cache holds costs what all input does. */
	if (values[2].len == 0)
		price->cache_read = price->input;
	if (values[3].len == 0)
		price->cache_write = price->input;
}

static void
read_target(struct reader *r, struct json object, struct config_target *target)
{
	enum { PROVIDER, MODEL, CONTEXT, WEIGHT, PRIORITY, PRICE, MAX_IN_FLIGHT, LIMITS };
	static const char *const names[] = { "provider", "model", "context", "weight", "priority", "price", "max_in_flight",
		"connect_ms", "first_byte_ms", "idle_ms", "total_ms" };
	struct json values[COUNT(names)];

	target->weight = 1;
	if (!value_members(r, object, "a target", names, COUNT(names), values))
		return;
	if (values[PROVIDER].len > 0)
		read_target_provider(r, values[PROVIDER], target);
	else
		value_wrong(r, object.p, "a target has no 'provider'");
	if (values[MODEL].len > 0)
		target->model = read_model(r, values[MODEL]);
	if (target->model != NULL && strchr(target->model, '*') != NULL)
		value_wrong(r, values[MODEL].p, "a target's 'model' is one model's name, without '*'");
	if (values[CONTEXT].len > 0)
		value_number(r, values[CONTEXT], "'context' must be a whole number of tokens", 1, CONTEXT_MAX,
		    &target->context);
	if (values[WEIGHT].len > 0)
		value_number(r, values[WEIGHT], "'weight' must be a whole number", 1, WEIGHT_MAX, &target->weight);
	if (values[PRIORITY].len > 0)
		value_number(r, values[PRIORITY], "'priority' must be a whole number", 0, PRIORITY_MAX, &target->priority);
	if (values[PRICE].len > 0)
		read_price(r, values[PRICE], &target->price);
	if (values[MAX_IN_FLIGHT].len > 0)
		value_number(r, values[MAX_IN_FLIGHT], "'max_in_flight' must be a whole number of requests", 1,
		    MAX_IN_FLIGHT_MAX, &target->max_in_flight);
	value_limits(r, values + LIMITS, &target->limits);
}

static void
read_targets(struct reader *r, struct json value, struct config_route *route)
{
	size_t count = value_array(r, value, "'targets'", TARGETS_MAX);
	struct json_iter it;
	struct json element;

	if (count == 0)
		return;
	if ((route->targets = calloc(count, sizeof *route->targets)) == NULL) {
		value_no_memory(r);
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
		value_wrong(r, at.p, "this route is never reached: an earlier one has \"%s\"", earlier->model);
		return;
	}
}

static void
read_policy(struct reader *r, struct json value, struct config_route *route)
{
	const char *names[POLICY_COUNT];
	size_t i;

	for (i = 0; i < POLICY_COUNT; i++)
		names[i] = policy_name((enum policy)i);
	if ((i = value_choice(r, value, "policy", names, POLICY_COUNT)) < POLICY_COUNT)
		route->policy = (enum policy)i;
}

static void
read_route(struct reader *r, struct json object, struct config_route *route)
{
	enum { MODEL, POLICY, TARGETS, STICKY_RETURN_MS, EXPLORE_PERCENT };
	static const char *const names[] = { "model", "policy", "targets", "sticky_return_ms", "explore_percent" };
	struct json values[COUNT(names)];

	config_route_defaults(route);
	if (!value_members(r, object, "a route", names, COUNT(names), values))
		return;
	if (values[MODEL].len > 0)
		route->model = read_model(r, values[MODEL]);
	else
		value_wrong(r, object.p, "a route has no 'model'");
	if (route->model != NULL)
		check_reached(r, values[MODEL], route);
	if (values[POLICY].len > 0)
		read_policy(r, values[POLICY], route);
	if (values[TARGETS].len > 0)
		read_targets(r, values[TARGETS], route);
	else
		value_wrong(r, object.p, "a route has no 'targets'");
	if (values[STICKY_RETURN_MS].len > 0)
		value_number(r, values[STICKY_RETURN_MS], "'sticky_return_ms' must be a whole number of milliseconds", 0,
		    LIMIT_MS_MAX, &route->sticky_return_ms);
	if (values[EXPLORE_PERCENT].len > 0)
		value_number(r, values[EXPLORE_PERCENT], "'explore_percent' must be a whole number", 0, 100,
		    &route->explore_percent);
}

void
config_read_routes(struct reader *r, struct json value)
{
	struct config *config = r->config;
	size_t count = value_array(r, value, "'routes'", SIZE_MAX);
	struct json_iter it;
	struct json element;

	if (count == 0)
		return;
	if ((config->routes = calloc(count, sizeof *config->routes)) == NULL) {
		value_no_memory(r);
		return;
	}
	json_iter_init(&it, value.p, value.len);
	while (json_next(&it, NULL, &element) == JSON_OK)
		read_route(r, element, &config->routes[config->route_count++]);
}

