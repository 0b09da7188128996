/* SPDX-License-Identifier: MIT */
/*
 * What lb-sse does with the answer to one request: it takes the answer's records, decides by the client's request and the
 * answer's head what is to become of it, and says what goes on, and when the client is to be pinged. Pure: the time is told.
 */
#ifndef LB_STREAM_REFRAME_H
#define LB_STREAM_REFRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "record/record.h"
#include "stream/anthropic.h"

struct reframe;

/* Never, as a time. */
#define REFRAME_NEVER UINT64_MAX

/*
 * The answer to the request `id`, which the header of an `open` record describes, at the time `now` in ms, as all times here.
 * NULL if memory is short.
 */
struct reframe *reframe_new(uint64_t id, struct json open, uint64_t now);
void reframe_free(struct reframe *r);

uint64_t reframe_id(const struct reframe *r);

/* Memory for one call, which all answers of a process may share. Its content is valid until the next call with it. */
struct reframe_work {
	struct anthropic_work events;
	struct buf head;
	struct buf data;
	struct buf end;
	struct buf text;
};

void reframe_work_init(struct reframe_work *work);
void reframe_work_free(struct reframe_work *work);

/* What goes on, in this order; of what is empty there is none. */
struct reframe_output {
	bool unchanged;			/* the record that was taken, as it is, and nothing else */
	struct json head;		/* the header of a `head` record */
	struct anthropic_output data;	/* a payload: whole events, or the body of an answer that is no stream */
	struct json end;		/* the header of an `end` record */
};

/*
 * Takes a `head`, `data` or `end` record of the answer. What goes on in its place lies in the record or in `work`. After an
 * `end` was taken no other call may come; one that goes out before that has `"cancel":true`, and nothing goes out behind it.
 * False if memory is short.
 */
bool reframe_take(struct reframe *r, const struct record *record, uint64_t now, struct reframe_work *work,
    struct reframe_output *out);

/* When reframe_wake is to be called if nothing comes before: often later than at the call before, seldom earlier. */
uint64_t reframe_due(const struct reframe *r);

/* What goes out since nothing has come: a ping, or the end of an answer of which only that is missing. */
bool reframe_wake(struct reframe *r, uint64_t now, struct reframe_work *work, struct reframe_output *out);

#endif
