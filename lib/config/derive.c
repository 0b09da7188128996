/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "config/read.h"

static bool
copy(char **to, const char *s)
{
	if (s == NULL)
		return true;
	*to = strdup(s);
	return *to != NULL;
}

static const char *
default_model(const struct config_provider *provider)
{
	return provider->preset ? provider->preset->model : NULL;
}

/* Adds the route of `pattern` to `first` with `model`, and then to all others with their default models. */
static bool
add_route(struct config *config, const char *pattern, const struct config_provider *first, const char *model)
{
	struct config_route *route = &config->routes[config->route_count++];
	size_t room = config->provider_count < TARGETS_MAX ? config->provider_count : TARGETS_MAX;
	bool done;

	if ((route->targets = calloc(room, sizeof *route->targets)) == NULL)
		return false;
	config_route_defaults(route);
	for (size_t i = 0; i < room; i++)
		route->targets[i].weight = 1;
	done = copy(&route->model, pattern);
	route->targets[0].provider = first;
	route->target_count = 1;
	done = copy(&route->targets[0].model, model) && done;
	for (size_t i = 0; i < config->provider_count && route->target_count < room; i++) {
		const struct config_provider *other = &config->providers[i];

		if (other == first)
			continue;
		route->targets[route->target_count].provider = other;
		done = copy(&route->targets[route->target_count++].model, default_model(other)) && done;
	}
	return done;
}

static bool
has_route(const struct config *config, const char *pattern)
{
	for (size_t i = 0; i < config->route_count; i++)
		if (strcmp(config->routes[i].model, pattern) == 0)
			return true;
	return false;
}

/* Adds the routes of all providers' patterns: those that name one model, or those with a `*`. */
static bool
add_patterns(struct config *config, bool wild)
{
	bool done = true;

	for (size_t i = 0; i < config->provider_count; i++) {
		const struct config_provider *provider = &config->providers[i];
		const struct preset *preset = provider->preset;

		for (size_t k = 0; preset != NULL && k < sizeof preset->patterns / sizeof *preset->patterns; k++) {
			const char *pattern = preset->patterns[k];

			if (pattern == NULL || (strchr(pattern, '*') != NULL) != wild || has_route(config, pattern))
				continue;
			if (!(done = add_route(config, pattern, provider, NULL)))
				return false;
		}
	}
	return done;
}

bool
config_derive_routes(struct config *config)
{
	size_t patterns = sizeof ((struct preset *)NULL)->patterns / sizeof(char *);
	size_t room = config->provider_count * (1 + patterns) + 1;

	if (config->provider_count == 0)
		return true;
	if ((config->routes = calloc(room, sizeof *config->routes)) == NULL)
		return false;
	for (size_t i = 0; i < config->provider_count; i++) {
		const struct config_provider *provider = &config->providers[i];

		if (!add_route(config, provider->name, provider, default_model(provider)))
			return false;
	}
	return add_patterns(config, false) && add_patterns(config, true) &&
	    add_route(config, "*", &config->providers[0], default_model(&config->providers[0]));
}
