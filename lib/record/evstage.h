/* SPDX-License-Identifier: MIT */
/*
 * The loop of a stage that waits for other things than records too; stage.h is that of one that does not. Records are read
 * from one descriptor and written to another on a libev loop. Neither descriptor is made non-blocking: reading is done when
 * there is input, and a write may wait for its reader.
 */
#ifndef LB_RECORD_EVSTAGE_H
#define LB_RECORD_EVSTAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <ev.h>

#include "record/record.h"

struct evstage {
	struct ev_loop *ev;
	int in;
	int out;

	/*
	 * Handles a record, which stands at the front of `input`. A handler that takes the memory of `input` leaves it empty.
	 * Returns EXIT_DONE to go on, else the program's exit code.
	 */
	int (*handle)(const struct record *record, struct buf *input, void *context);

	/* Called before each wait: what is due, so that its output is written before the wait. */
	void (*work)(void *context);

	/* Called when the input has ended: no record will come any more. */
	void (*ended)(void *context);

	/* Whether anything is still open, so that the end of the input is not the end yet. */
	bool (*busy)(void *context);

	/* What is to be written; `written` (or NULL) is called when it was. */
	struct buf *output;
	void (*written)(void *context);
	void *context;

	/* The rest is the loop's own. */
	struct buf input;
	size_t want;		/* octets to read next */
	bool input_ended;
	int code;
	ev_io input_watch;
	ev_io output_watch;
	ev_timer reader_watch;
	ev_prepare prepare;
};

/*
 * Runs the loop until the input has ended and nothing is busy, or the output's reader has gone (EXIT_DONE), the handler ends
 * it, a malformed record comes (EXIT_BUG, with a line that says so) or the system refuses (EXIT_SYSTEM, likewise).
 */
int evstage_run(struct evstage *stage);

/* Writes what the output holds now, for a handler that cannot wait for the end of the wake-up. */
void evstage_flush(struct evstage *stage);

#endif
