/* SPDX-License-Identifier: MIT */
/*
 * In which order a route's targets are tried for one request: from what the configuration says of them, what the health
 * table saw of them, the time and a random number, and from nothing else. Pure.
 *
 * A candidate is a target with one of its keys. Those of a higher priority come first, the policy orders them inside a
 * priority; the rest of the order is the fallback, and complete. Behind all of them, whatever their priority, stand those
 * that must be asked for later or may refuse: for `sticky` the ones that recovered a short while ago, then those with
 * as many requests in flight as they may have and those whose half-open trial somebody else has. One that cools is left
 * out. If nothing but cooling ones is there, those stand in the order that are due within `patience_ms`, each not before
 * it is due.
 *
 *  failover     as they are configured
 *  weighted     at random, in proportion to their weights
 *  round-robin  in turn, in proportion to their weights
 *  least-busy   of two taken at random the one with fewer requests in flight for its weight; so on for the rest
 *  fastest      of two taken at random the one with the shorter time to first content; an old average counts for less and
 *               less, so that nobody is forgotten, and a share of the requests goes to anyone
 *  cheapest     by their price; without a price behind all others
 *  sticky       by a weighted rendezvous hash of the conversation: it stays where it is, also when others come and go,
 *               and every machine finds the same place
 */
#ifndef LB_ROUTE_CHOOSE_H
#define LB_ROUTE_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "config/policy.h"
#include "health/health.h"

#define PRICE_UNKNOWN UINT64_MAX

struct candidate {
	double weight;			/* above 0: its target's, divided among the target's keys */
	int priority;
	uint64_t price;			/* in whatever unit all have, or PRICE_UNKNOWN */
	uint32_t max_in_flight;		/* 0: without limit */
	uint64_t hash;			/* of provider, model and key: what a conversation sticks to */
	struct health_view health;
};

struct choosing {
	enum policy policy;
	uint64_t now;			/* unix ms */
	uint64_t random;		/* any number, another one for each request */
	uint64_t turn;			/* round-robin: the number of the route's request */
	uint64_t conversation;		/* sticky: its hash */
	double explore;			/* fastest: the share of requests that goes to anyone, 0 to 1 */
	uint64_t sticky_return_ms;	/* sticky: for how long a recovered one stands behind the others */
	uint64_t patience_ms;		/* how long a request waits for the first one that is due, where all cool */
};

/* How a candidate stands. */
enum standing {
	STANDS,			/* it can be asked */
	STANDS_FOR_TRIAL,	/* half-open: one request is let through */
	STANDS_BACK,		/* it recovered a short while ago, and the conversation has its cache elsewhere */
	STANDS_FULL,		/* as many in flight as it may have */
	STANDS_TRIED,		/* half-open, and somebody has the trial */
	STANDS_WAITING,		/* it cools, and is due soon enough to be waited for */
	STANDS_OUT		/* it cools */
};

struct choice {
	size_t candidate;
	uint64_t not_before;	/* unix ms; 0: at once */
};

struct order {
	struct choice choices[ATTEMPTS_MAX];
	size_t count;
	enum standing standing[ATTEMPTS_MAX];	/* of each candidate */
	double score[ATTEMPTS_MAX];		/* by which the policy ordered, for people; what it is differs by policy */
	struct health_view views[ATTEMPTS_MAX];	/* what was seen of each, for people; the caller's to fill */

	/* If `count` is 0: when the first one is due, and whether all that cool do so since they were limited. */
	uint64_t due;
	bool limited;
};

/* Orders `n` candidates, at most ATTEMPTS_MAX; `order` tells all of it. */
void choose(const struct choosing *choosing, const struct candidate *candidates, size_t n, struct order *order);

#endif
