/* SPDX-License-Identifier: MIT */
/*
 * The loop of a stage that reads records from one descriptor and writes records to another, waiting for neither longer
 * than it must: all records that one read brought are handled, then what is due by the clock, then the output goes out in
 * one write.
 */
#ifndef LB_RECORD_STAGE_H
#define LB_RECORD_STAGE_H

#include <stdint.h>

#include "record/record.h"

struct stage {
	int in;
	int out;
	struct buf input;
	struct buf output;	/* what the handler adds here is written once the records at hand are done */
	bool no_reader;		/* writing failed since nobody reads any more: the stage ends */

	/* Handles a record, which is valid during the call. Returns EXIT_DONE to go on, else the program's exit code. */
	int (*handle)(struct stage *stage, const struct record *record, void *context);
	void *context;

	/*
	 * For a handler that has deadlines; NULL, as stage_init leaves it, for one that has none. Called once each wake-up,
	 * behind the records that it brought: does what is due by `now`, and sets `*next` to when it is to be called again at
	 * the latest (UINT64_MAX: with the next record). Returns as `handle` does.
	 */
	int (*due)(struct stage *stage, uint64_t *next, void *context);
	uint64_t now;		/* when this wake-up began, in ms (clock_monotonic_ms); 0 without `due` */
};

/* A stage from `in` to `out`. The caller then may set `in`, `out` and `due` otherwise. */
void stage_init(struct stage *stage, int in, int out,
    int (*handle)(struct stage *, const struct record *, void *), void *context);
void stage_free(struct stage *stage);

/*
 * Runs until the input ends or the output's reader has gone (EXIT_DONE), the handler ends it, a malformed record comes
 * (EXIT_BUG, with a line that says so) or the system refuses (EXIT_SYSTEM, likewise).
 */
int stage_run(struct stage *stage);

/* Passes a record on, unchanged. A large payload is written from where it lies. Returns as `handle` does. */
int stage_pass(struct stage *stage, const struct record *record);

/* The same, with `members` (`"plan":{…}`, without a comma before them) added to the header. */
int stage_pass_with(struct stage *stage, const struct record *record, const char *members, size_t n);

/* Writes what the output holds. Returns as `handle` does; a reader that has gone sets `no_reader`. */
int stage_flush(struct stage *stage);

#endif
