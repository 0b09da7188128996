/* SPDX-License-Identifier: MIT */
/* The configuration (lb.json.5): providers, and the routes from models to them. */
#ifndef LB_CONFIG_CONFIG_H
#define LB_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/dialect.h"
#include "config/policy.h"

/* How a provider is given its key. */
enum config_auth {
	AUTH_NONE,
	AUTH_X_API_KEY,	/* x-api-key: KEY */
	AUTH_BEARER	/* authorization: Bearer KEY */
};

/* Time limits of an attempt, in milliseconds. 0: the default, which lb.json.5 gives. */
struct config_limits {
	uint64_t connect_ms;
	uint64_t first_byte_ms;
	uint64_t idle_ms;
	uint64_t total_ms;
};

struct preset;

struct config_provider {
	char *name;
	const struct preset *preset;			/* where its settings began; NULL: without one */
	char *base_url[DIALECT_COUNT];			/* NULL: does not speak that dialect; no slash at the end */
	enum config_auth auth[DIALECT_COUNT];
	char **keys;					/* references: env:NAME, file:PATH, credential:NAME, client */
	size_t key_count;				/* 0: no key is sent */
	bool http2;
	struct config_limits limits;
};

/* What a million tokens cost, in millionths of whatever money the file means. */
struct config_price {
	bool known;
	uint64_t input;
	uint64_t output;
	uint64_t cache_read;
	uint64_t cache_write;
};

struct config_target {
	const struct config_provider *provider;
	char *model;		/* NULL: the model that was asked for */
	uint64_t context;	/* tokens that it takes at most; 0: not said */
	uint64_t weight;	/* from 1 */
	uint64_t priority;	/* a higher one goes first */
	struct config_price price;
	uint64_t max_in_flight;	/* 0: without limit */
	struct config_limits limits;	/* 0: the provider's */
};

/* A time that may be set to 0, which then says never. */
struct config_ms {
	bool set;
	uint64_t ms;
};

struct config_route {
	char *model;		/* the pattern; `*` stands for any text */
	struct config_target *targets;
	size_t target_count;
	enum policy policy;
	uint64_t sticky_return_ms;	/* how long a conversation stays away from a target that recovered */
	uint64_t explore_percent;	/* of the requests under `fastest`: to anyone */
};

/* What a route has where nothing else is said of it. */
void config_route_defaults(struct config_route *route);

struct config {
	char *source;		/* the file's name, or `environment` */
	struct config_provider *providers;
	size_t provider_count;
	struct config_route *routes;
	size_t route_count;
	char **origins;		/* web origins whose pages may call */
	size_t origin_count;
	char **hosts;		/* names besides the loopback ones that a Host may have */
	size_t host_count;
	uint64_t hold_bytes;	/* held of an answer until its content begins; 0: the default, HELD_MAX */
	struct config_ms ping;	/* silence after which a stream's client is pinged */
	struct config_ms first_ping;
};

/*
 * Loads the configuration from `path`; if that is NULL from $LB_CONFIG, else from /etc/lb/lb.json if it is there,
 * else from the environment: the presets that $LB_PRESETS names, or, without it, those whose key variable or base URL
 * variable is set; that may be none, and then the configuration has no providers and no routes. A variable that is
 * empty counts as not set. Without routes in the file they are derived from the providers (lb.json.5, DEFAULT
 * ROUTES).
 *
 * Returns NULL after adding to `errors` every mistake found, each a line `FILE:LINE: what is wrong`, in the order of
 * the lines. To be freed by config_free, for which NULL is fine.
 */
struct config *config_load(const char *path, struct buf *errors);
/* The same for a program that can do nothing without: says the mistakes and ends the process with EXIT_USAGE. */
struct config *config_load_or_exit(const char *path);

void config_free(struct config *config);

/* The provider of that name, or NULL. */
const struct config_provider *config_find_provider(const struct config *config, const char *name, size_t n);

#endif
