/* SPDX-License-Identifier: MIT */
/*
 * What follows from how an attempt went: whose fault it was, whether there is a next attempt, and what to answer when
 * there is none. Pure.
 */
#ifndef LB_UPSTREAM_FAILOVER_H
#define LB_UPSTREAM_FAILOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "upstream/refusal.h"

/* What was at fault in an attempt that gave no answer to pass on. */
enum fault {
	FAULT_LIMITED,	/* the key has had too many requests or tokens for now (429) */
	FAULT_BUSY,	/* the provider has, for everyone (503, 529) */
	FAULT_TIMEOUT,	/* a time limit: lb's, or the provider's own (504, 524) */
	FAULT_BROKEN,	/* no connection, a 5xx, a redirect, 408, an answer that is none, a page in HTML */
	FAULT_KEY,	/* the key, or the money behind it (401, 402, 403, 412) */
	FAULT_MODEL,	/* the provider does not have the model, or not the path */
	FAULT_TOO_LONG,	/* the prompt does not fit in the model's context */
	FAULT_REQUEST,	/* the request: another provider would say the same (400, 413, 422 and the other 4xx) */
	FAULT_SKIPPED,	/* the attempt was not made at all: configuration, memory */
	FAULT_COUNT
};

/* `limited`, `busy`, …, for logs. */
const char *failover_fault_name(enum fault fault);

/*
 * The fault of an answer with this status (300 and above, or that of a gate that failed), whose error said this. The
 * error goes before the status where it says more: a 429 without money is the key's fault, a 400 may be about the
 * model's context, and of a 403 in HTML the key is not to blame. A 404 that says nothing, or is a page, is
 * FAULT_MODEL: that provider lacks the path. `refusal` and `gate` of this folder give the cause.
 */
enum fault failover_fault(int status, enum refusal_cause cause);

/*
 * The status for a client that is told of such a fault, one that both APIs have and SDKs know what to do with: 429,
 * 529, 504 and 502 for those that pass with time; money is 402, a prompt too long 400, a model 404; 401 and 403 stay,
 * and so do 400, 409 and 413, while other 4xx become 400.
 */
int failover_status(enum fault fault, int status, enum refusal_cause cause);

/*
 * Whether the next attempt is to be made after this fault, one with a context of `next` tokens after one with `this`
 * (0: not configured). FAULT_REQUEST: never. FAULT_KEY: not if the key was the client's own. FAULT_TOO_LONG: only if
 * its context is larger; the caller skips those that are not, and looks further. All others: always.
 */
bool failover_goes_on(enum fault fault, bool own_key, uint64_t this_context, uint64_t next_context);

/* The attempts of a request, as far as the final answer depends on them. All zeros: none yet. */
struct failover_tally {
	unsigned counts[FAULT_COUNT];
	int first_status[FAULT_COUNT];	/* the status to tell, of the first attempt with that fault */
	int first_own;			/* likewise, of the first with FAULT_KEY or FAULT_MODEL; 0: none */
	unsigned last;			/* the last one's number and fault */
	enum fault last_fault;
	uint64_t wait_ms;		/* the shortest that a limited or busy one asked for */
	bool has_wait;			/* one did */
};

/*
 * Counts the attempt of that number (from 1, ascending). `status` is what failover_status gives; 0 for one without an
 * answer. `wait_ms` is what its retry-after says (failover_wait), 0 if nothing.
 */
void failover_add(struct failover_tally *tally, unsigned number, enum fault fault, int status, uint64_t wait_ms);

/* What a client is told when no attempt is left. */
struct failover_final {
	int status;
	uint64_t wait_ms;	/* for `retry-after`, at most RETRY_AFTER_MAX; 0: not told */
	unsigned passes;	/* the attempt whose own error may go to the client as it is, if it is shaped; 0: none */
	bool timed_out;		/* END_TIMEOUT, else END_UPSTREAM_ERROR */
};

/*
 * The answer that tells the client best what to do. In this order:
 *
 *  - the last attempt was FAULT_REQUEST: its status, and its error passes. It ended the walk, whatever came before.
 *  - faults that pass with time (LIMITED, BUSY, TIMEOUT, BROKEN), if there are any, decide among themselves; keys,
 *    models, contexts and skipped ones are then left out, since a repeated request may well be served: all LIMITED →
 *    429; all LIMITED or BUSY → 529; all TIMEOUT → 504; any other mixture → 502. A client that was told "too long"
 *    would throw away a part of its conversation for a provider's bad minute.
 *  - else FAULT_TOO_LONG, if there was any → 400, and the last attempt's error passes if it was one: the client can
 *    shorten its prompt, which helps although elsewhere a key or a model was wrong.
 *  - else KEY and MODEL: the status of the first such attempt, the target that was meant. Errors about a key of lb's
 *    own are never passed: they would have the client look for its own. One about the model passes if all were
 *    FAULT_MODEL.
 *  - nothing was tried (only FAULT_SKIPPED, or no attempt): 502.
 *
 * 429 and 529 come with the shortest wait that a LIMITED or BUSY attempt asked for: when the first of them may serve
 * again.
 */
struct failover_final failover_conclude(const struct failover_tally *tally);

/*
 * How long a field says to wait, in ms, at most WAIT_MS_MAX: `name` is `retry-after` (seconds, with a fraction or
 * without, or a date, RFC 9110 §10.2.3, that may have passed: 0) or `retry-after-ms`. `now` is unix ms. False for
 * another field or a value that is neither.
 */
bool failover_wait_field(const char *name, const char *value, size_t n, uint64_t now, uint64_t *wait_ms);

/*
 * The same of header lines as headers_keep_response writes them, `name: value` and a NUL each: `retry-after-ms` is
 * more exact and goes first. False if none says it.
 */
bool failover_wait(const char *lines, size_t n, uint64_t now, uint64_t *wait_ms);

#endif
