/* SPDX-License-Identifier: MIT */
/* One answer, from its response records (lb-record.5) to HTTP/1.1 (RFC 9112). Pure: records in, octets out. */
#ifndef LB_EDGE_ANSWER_H
#define LB_EDGE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/dialect.h"
#include "record/record.h"

enum answer_framing {
	ANSWER_NO_BODY,		/* none may follow the head */
	ANSWER_LENGTH,		/* content-length tells the end */
	ANSWER_CHUNKED,
	ANSWER_UNTIL_CLOSE	/* HTTP/1.0: the end of the connection is the body's */
};

enum answer_end {
	ANSWER_KEEP,	/* the connection may be used again */
	ANSWER_CLOSE,	/* the answer is whole, the connection ends */
	ANSWER_BROKEN,	/* the answer is not whole and must not look so: the connection ends */
	ANSWER_RESET	/* the same, and only a reset can tell the client */
};

struct answer {
	/* Of the request; to be set first. */
	int minor_version;
	bool is_head;		/* the method was HEAD */
	bool close;

	bool began;		/* the head is out */
	int status;
	bool is_event_stream;
	enum answer_framing framing;
	uint64_t left;		/* ANSWER_LENGTH: octets of the body still to come */
};

/* Adds the head of a `head` record. False if the record has no good status or headers. */
bool answer_head(struct answer *answer, const struct record *head, struct buf *out);

/* Adds a piece of the body. What goes beyond the length that the head told is dropped, and breaks the answer. */
void answer_data(struct answer *answer, const char *p, size_t n, struct buf *out);

/* Ends the answer by its `end` record. Without a head the client gets a 502. */
enum answer_end answer_end(struct answer *answer, const struct record *end, enum dialect dialect, const char *request_id,
    struct buf *out);

/*
 * Ends the answer with an error of lb's own: a whole error answer if nothing is out yet (after which the connection ends,
 * as it does after each error of the edge), an error event if an event stream is, and else nothing.
 */
enum answer_end answer_fail(struct answer *answer, int status, const char *message, enum dialect dialect,
    const char *request_id, struct buf *out);

#endif
