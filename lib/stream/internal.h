/* SPDX-License-Identifier: MIT */
/* What reframe.c and whole.c know of each other, and nobody else does. */
#ifndef LB_STREAM_INTERNAL_H
#define LB_STREAM_INTERNAL_H

#include "base/dialect.h"
#include "stream/assemble.h"
#include "stream/reframe.h"

enum reframe_kind {
	REFRAME_WAITING,	/* nothing has come of it */
	REFRAME_PASSED,		/* it goes on as it comes */
	REFRAME_STREAM,		/* a stream for who asked for one */
	REFRAME_EXPANDED,	/* JSON for who asked for a stream */
	REFRAME_ASSEMBLED,	/* a stream for who asked for JSON */
	REFRAME_ERROR,		/* an error for who has a stream's head already, since it was pinged */
	REFRAME_OVER		/* its `end` went out before lb-fetch's came */
};

struct reframe {
	uint64_t id;
	enum reframe_kind kind;
	enum dialect dialect;
	bool known;			/* `open` told a dialect, and the answer may have a body */
	bool stream;			/* what the client asked for */
	bool head_sent;
	bool pinged;			/* since the last payload */
	int status;			/* of lb-fetch's head */
	uint64_t ping_ms, first_ping_ms;
	uint64_t ping_at;
	uint64_t over_at;		/* when to go on without lb-fetch's `end` */
	struct buf request_id;
	struct buf model;
	struct buf provider_buf;
	const char *provider;		/* its name, or how to call it */
	struct buf served;		/* `,"provider":"acme","attempt":1,…` of its head */
	struct buf head;		/* the header of a head that is held */
	struct buf body;		/* what is gathered: the body, or of a stream to be assembled the error that ended it */
	struct anthropic *anthropic;	/* the stream, where there is one */
	struct assemble *assemble;
};

/* The request's id, or NULL. */
const char *reframe_request_id(struct reframe *r);

/* Begins to read a stream of the provider's. False if memory is short. */
bool reframe_begin_events(struct reframe *r);

/* What happened to an answer that did not end as it should, in the words of lb-fetch's `end`. */
void reframe_put_reason(struct buf *out, const struct reframe *r, struct json end);

/* The name of a broken answer's result: lb-fetch's, or `truncated` if that saw nothing wrong or said nothing known. */
const char *reframe_broken_result(struct json result);

/* whole.c: the kinds that must be whole before they can go on. */

/* Takes a payload. `*broken` is then what makes it useless to go on, or NULL. False if memory is short. */
bool whole_data(struct reframe *r, const char *p, size_t n, struct reframe_work *work, const char **broken);

/*
 * Ends the answer. `end` is lb-fetch's, or a header of lb-sse's own before that has come, which is to have `cancel`; `broken`
 * is what whole_data said.
 */
bool whole_end(struct reframe *r, struct json end, bool cancel, const char *broken, struct reframe_work *work,
    struct reframe_output *out);

#endif
