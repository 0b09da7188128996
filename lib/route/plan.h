/* SPDX-License-Identifier: MIT */
/*
 * Plans: which attempts a request gets, in the `plan` member of its record (lb-record.5). Everything that does not
 * depend on the single request is rendered once, at the start; for a request the pieces are only put together.
 */
#ifndef LB_ROUTE_PLAN_H
#define LB_ROUTE_PLAN_H

#include "base/json.h"
#include "config/config.h"
#include "route/choose.h"

struct plan;

/*
 * The plan of a route's requests in a dialect. Targets that do not speak it are left out, with a reason; a provider
 * with several keys is an attempt for each. NULL if memory is short. `config` must outlive it.
 */
struct plan *plan_of_route(const struct config *config, const struct config_route *route, enum dialect dialect);

/* The plan of requests that name no model, in a dialect: the first provider that speaks it. NULL if memory is short. */
struct plan *plan_of_dialect(const struct config *config, enum dialect dialect);

void plan_free(struct plan *plan);

/* NULL, or a sentence for the client that says why the plan has no attempts. */
const char *plan_refusal(const struct plan *plan);

/* What a decision depends on besides the request and the configuration. */
struct moment {
	struct health *health;	/* NULL: nothing is known of anybody */
	uint64_t now;		/* unix ms */
	uint64_t random;	/* another number for each request */
};

/* What is asked of a provider, and how. */
struct plan_request {
	const char *target;	/* path and query, printable ASCII */
	size_t target_len;
	bool stream;
	struct json model;	/* where `model` stands in the body; empty: the request has none that matters */
	const char *body;	/* where the body begins */
	const char *model_name;	/* the model unescaped, with a NUL behind it */
	size_t model_name_len;
	uint64_t conversation;	/* its number, if plan_is_sticky */
};

/* Whether the plan's order depends on the conversation. */
bool plan_is_sticky(const struct plan *plan);

/*
 * Orders the attempts for a request. The plan must have some; `order` may have none, if all cool down: then
 * plan_put_wait says so.
 */
void plan_order(const struct plan *plan, const struct plan_request *request, const struct moment *moment,
    struct order *order);

/* Adds the member, `"plan":{…}`, with the attempts of an order that has some. `scratch` is overwritten. */
void plan_put(const struct plan *plan, const struct plan_request *request, const struct moment *moment,
    const struct order *order, struct buf *scratch, struct buf *out);

/* Adds a sentence for the client that says who cools down, why and for how long, for an order without attempts. */
void plan_put_wait(const struct plan *plan, const struct order *order, uint64_t now, struct buf *out);

#endif
