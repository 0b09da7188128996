/* SPDX-License-Identifier: MIT */
/*
 * The rules of cool-downs and averages: state, event and time in, state out. Pure. Each state is one 64-bit word when
 * packed, so that the table changes it by compare and swap. Times are unix ms.
 */
#ifndef LB_HEALTH_RULES_H
#define LB_HEALTH_RULES_H

#include <stdbool.h>
#include <stdint.h>

/* What went wrong with an attempt. The numbers are those of the table's file. */
enum health_fault {
	HEALTH_NONE,
	HEALTH_LIMITED,		/* 429: this key has asked too much */
	HEALTH_BUSY,		/* 503, 529: overloaded, whoever asks */
	HEALTH_TIMEOUT,		/* a time limit, before anything was passed on */
	HEALTH_BROKEN,		/* no connection, another 5xx, no readable answer */
	HEALTH_KEY,		/* 401, 402, 403: the key is refused, or its money gone */
	HEALTH_MODEL,		/* the provider does not have the model */
	HEALTH_TOO_LONG,	/* the prompt does not fit the model's context */
	HEALTH_REQUEST,		/* any other fault of the request itself */
	HEALTH_SKIPPED,		/* lb did not make the attempt */
	HEALTH_CUT,		/* the answer began and did not become whole */
	HEALTH_FAULTS
};

/* `limited`, `too-long` …; `none` for HEALTH_NONE. */
const char *health_fault_name(enum health_fault fault);

/* A cool-down. All zero: none. */
struct health_cool {
	uint64_t until;		/* unix ms */
	enum health_fault why;	/* HEALTH_NONE: there is none, whatever `until` is */
	unsigned step;		/* how often it was doubled, at most 7 */
	unsigned failures;	/* in a row that count for the breaker, at most 4095 */
	bool tripped;		/* the breaker opened */
};

uint64_t health_cool_pack(struct health_cool cool);
struct health_cool health_cool_unpack(uint64_t word);

enum health_state {
	HEALTH_CLEAR,
	HEALTH_COOLING,		/* until `until` */
	HEALTH_HALF_OPEN	/* that is over, and nobody has seen yet whether it helped: one request is let through */
};

/* `clear`, `cooling`, `half-open`. */
const char *health_state_name(enum health_state state);

enum health_state health_cool_state(struct health_cool cool, uint64_t now);

/*
 * After an attempt that failed. `retry_after_ms` is the wait that the provider asked for; 0: it asked for none. A wait
 * never ends earlier than one that was there; without one asked for it is
 *   HEALTH_LIMITED: 1, 2, 4 … 60 s;
 *   HEALTH_BUSY: 1, 2, 4, 8 s;
 *   HEALTH_KEY: 10 minutes;
 *   HEALTH_TIMEOUT, HEALTH_BROKEN, HEALTH_CUT: none until HEALTH_BREAKER_FAILURES of them came in a row, then 1, 2, 4 … 60 s;
 *   all others: none.
 * Failures that come while it cools were under way before and do not double it. A trial that fails cools at once.
 */
struct health_cool health_cool_failed(struct health_cool cool, enum health_fault fault, uint64_t retry_after_ms, uint64_t now);

/*
 * After the first content of an answer: a cool-down that was over is lifted. A breaker closes so far that one more failure
 * opens it again.
 */
struct health_cool health_cool_began(struct health_cool cool, uint64_t now);

/* After a whole answer: nothing is left, but for a cool-down that began while it was under way. */
struct health_cool health_cool_done(struct health_cool cool, uint64_t now);

/* A moving average. `at` is the time of the last sample in unix seconds, 0: there was none. */
struct health_average {
	uint32_t value;
	uint32_t at;
};

uint64_t health_average_pack(struct health_average average);
struct health_average health_average_unpack(uint64_t word);

/*
 * The average with one more sample. A sample weighs an eighth, and the more the longer the last one was ago: a half after
 * one minute.
 */
struct health_average health_average_add(struct health_average average, uint32_t sample, uint64_t now);

#endif
