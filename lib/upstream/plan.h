/* SPDX-License-Identifier: MIT */
/* A request record with the plan that lb-route added (lb-record.5), read as spans of the record's header. Pure. */
#ifndef LB_UPSTREAM_PLAN_H
#define LB_UPSTREAM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dialect.h"
#include "base/json.h"
#include "config/config.h"

struct plan {
	struct json method;	/* strings, with their quotes; len 0: absent */
	struct json request_id;
	struct json version;
	struct json headers;	/* an object */
	bool close;
	enum dialect dialect;	/* what the client speaks */
	bool stream;		/* it asked for an event stream */
	struct json attempts;	/* an array, for plan_attempts */
	bool has_model;		/* the body names a model: */
	size_t model_at;	/* its value's offset in the body, in octets */
	size_t model_len;	/* and its length, with the quotes */
	struct json model;	/* the client's, a string; so the next, numbers: for lb-sse, as they stand. len 0: absent */
	struct json policy;	/* a string; so the next, an array: why others were not chosen. len 0: absent */
	struct json reasons;
	struct json ping_ms;
	struct json first_ping_ms;
};

/* One attempt. */
struct attempt {
	struct json provider;	/* strings; len 0: absent */
	struct json url;
	struct json model;	/* absent: the body stays as it is */
	struct json key;	/* a reference; absent: no key is sent */
	enum dialect dialect;
	struct config_limits limits;
	uint64_t not_before;	/* unix ms; 0: at once */
	uint64_t context;	/* tokens that the model takes; 0: not known */
};

/*
 * Reads the header of a request record. Returns NULL, or in a few words what is wrong with the plan; what else there is
 * (`method` to `dialect`) is then set as far as it can be told, so that an error can be answered.
 */
const char *plan_read(struct plan *plan, struct json header);

/* Begins the walk over the attempts. */
void plan_attempts(const struct plan *plan, struct json_iter *it);

/* The next attempt. False at the end, or with `*why` set if the next one is none. */
bool plan_next(struct json_iter *it, struct attempt *attempt, const char **why);

/*
 * Whether `url` is below `base`: it begins with it, a path or query or nothing follows, and no segment leads back up. Only
 * such a URL may be sent the key that belongs to `base`.
 */
bool plan_url_is_below(const char *url, size_t n, const char *base);

#endif
