/* SPDX-License-Identifier: MIT */
/*
 * The answers that lb-sse has in work: each record is given to the answer it belongs to, each answer is woken when it is due,
 * and the records that go on are handed out. Without descriptors and clocks of its own.
 */
#ifndef LB_STREAM_INFLIGHT_H
#define LB_STREAM_INFLIGHT_H

#include <stdint.h>

#include "base/deadlines.h"
#include "base/idmap.h"
#include "record/record.h"
#include "stream/reframe.h"

struct inflight {
	struct idmap answers;
	struct deadlines deadlines;
	struct reframe_work work;

	/*
	 * Takes a record that goes on, valid during the call. Its header lacks `bytes` if `copied` is false: then it is one of
	 * lb-sse's own. Returns EXIT_DONE to go on, else what the calls below are to return at once.
	 */
	int (*put)(const struct record *record, bool copied, void *context);

	/*
	 * Told once how an answer ended, before its `end` goes on, if its head named the health row that it is of (`row`): that
	 * row, the status that the provider answered, and the header of the `end`; not by inflight_end, since there it was lb that
	 * ended. NULL, as inflight_init leaves it: nobody.
	 */
	void (*ended)(uint64_t row, int status, struct json end, void *context);
	void *context;
};

void inflight_init(struct inflight *f, int (*put)(const struct record *, bool, void *), void *context);
void inflight_free(struct inflight *f);

/*
 * Takes a record at the time `now` in ms. What belongs to no answer that an `open` began goes on as it is; so does `open`, for
 * which `put` has to know whether it is wanted further. Returns EXIT_DONE, EXIT_BUG or EXIT_SYSTEM (with a line that says why),
 * or what `put` did.
 */
int inflight_take(struct inflight *f, const struct record *record, uint64_t now);

/* Wakes the answers that are due. `*next` is when the next one is, or REFRAME_NEVER. Returns likewise. */
int inflight_wake(struct inflight *f, uint64_t now, uint64_t *next);

/* No record will come any more: what is open ends now, and not as if it were whole. Returns likewise. */
int inflight_end(struct inflight *f, uint64_t now);

#endif
