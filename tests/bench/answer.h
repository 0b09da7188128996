/* SPDX-License-Identifier: MIT */
/* The benchmark's reader of answers: HTTP/1.1 heads, bodies by length or in chunks, the events in them, their times. */
#ifndef LB_BENCH_ANSWER_H
#define LB_BENCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum answer_state {
	ANSWER_HEAD,
	ANSWER_BODY,		/* `left` octets of the body to come, or all until the connection ends */
	ANSWER_CHUNK_SIZE,
	ANSWER_CHUNK,		/* `left` octets of a chunk to come */
	ANSWER_CHUNK_END,
	ANSWER_TRAILER,
	ANSWER_DONE
};

struct answer {
	enum answer_state state;
	int status;
	bool chunked, has_length, close;	/* close: the connection is not to be used again */
	size_t left;
	size_t body_bytes;
	char line[24];			/* how the body's line at hand begins: enough to know it by */
	size_t line_len;		/* how much of it there was so far */
	bool in_event, is_ping, is_stop;	/* the event at hand */
	bool failed_event;		/* an `event: error` came */
	bool stopped;			/* message_stop was the latest event */
	int events;			/* pings are not counted: lb may add some */
	int64_t first_ns;		/* when the first event was whole; without events, when the body began */
	int64_t last_ns;		/* when the latest event was */
};

/* Called at each whole event, with the time since the one before: never at an answer's first. */
typedef void answer_gap(int64_t gap_ns);

void answer_init(struct answer *a);

/*
 * Takes from `input` what belongs to the answer; `now_ns` is when it came. Returns NULL, or what is wrong. It is
 * over once its state is ANSWER_DONE.
 */
const char *answer_read(struct answer *a, struct buf *input, int64_t now_ns, answer_gap *gap);

/* The connection has ended: that ends a body without length too. Returns NULL, or what is wrong. */
const char *answer_eof(struct answer *a);

#endif
