/* SPDX-License-Identifier: MIT */
/*
 * Plans: which attempts a request gets, in the `plan` member of its record (lb-record.5). Everything that does not
 * depend on the single request is rendered once, at the start; for a request the pieces are only put together.
 */
#ifndef LB_ROUTE_PLAN_H
#define LB_ROUTE_PLAN_H

#include "base/json.h"
#include "config/config.h"

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

/* What is asked of a provider, and how. */
struct plan_request {
	const char *target;	/* path and query, printable ASCII */
	size_t target_len;
	bool stream;
	struct json model;	/* where `model` stands in the body; empty: the request has none that matters */
	const char *body;	/* where the body begins */
	const char *model_name;	/* the model unescaped */
	size_t model_name_len;
};

/* Adds the member, `"plan":{…}`. `scratch` is overwritten. The plan must have attempts. */
void plan_put(const struct plan *plan, const struct plan_request *request, struct buf *scratch, struct buf *out);

#endif
