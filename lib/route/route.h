/* SPDX-License-Identifier: MIT */
/*
 * The decision about a request: an answer that lb gives itself, or the plan by which providers are asked. It depends on
 * the request, the configuration and what the moment is: the health table, the time, a random number.
 */
#ifndef LB_ROUTE_ROUTE_H
#define LB_ROUTE_ROUTE_H

#include "config/config.h"
#include "route/plan.h"
#include "route/request.h"

struct router;

/* What is rendered once for a configuration, which must outlive it. NULL if memory is short. */
struct router *router_new(const struct config *config);
void router_free(struct router *router);

struct decision {
	/* An answer: its HTTP status, its content, members for its headers (`,"allow":"POST"`, or NULL). 0: a plan. */
	int status;
	const char *extra_headers;
	bool head_only;		/* to a HEAD: the content is not sent */

	/*
	 * The answer's content, JSON; or the record's new member, `"plan":{…}`. Valid until the router decides
	 * again.
	 */
	const char *text;
	size_t len;
};

/* Decides. False if memory is short. Allocates nothing once its buffers have grown to what requests need. */
bool route_decide(struct router *router, const struct request *request, const struct moment *moment,
    struct decision *decision);

/* Adds lines that tell a person what was decided about the request, and why. */
void route_explain(const struct request *request, const struct decision *decision, struct buf *out);

#endif
