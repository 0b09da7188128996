/* SPDX-License-Identifier: MIT */
/*
 * The reading of one HTTP request from whatever pieces it comes in, up to the request record that the stages get. Does no
 * I/O: the caller moves the octets.
 */
#ifndef LB_EDGE_READER_H
#define LB_EDGE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/dialect.h"
#include "edge/access.h"
#include "http/request.h"

enum reader_state {
	READER_HEAD,		/* within the head, or before it */
	READER_LENGTH,		/* within a body of known length */
	READER_CHUNKED,		/* within a chunked body */
	READER_WHOLE,		/* the request is there */
	READER_BAD		/* `status` and `why` say what to answer; the connection then ends */
};

#define REQUEST_ID_MAX 48

struct reader {
	enum reader_state state;
	struct buf in;		/* what came and is not used yet: part of this request, then whatever follows it */
	size_t seen;		/* octets of `in` that the head was searched in before */
	size_t max_body;
	struct access *access;	/* where what is asked is noted, or NULL; the caller sets it once */

	/* Known once the head is there. */
	uint64_t id;
	char request_id[REQUEST_ID_MAX];
	struct buf record;	/* the record's header up to where `bytes` goes */
	enum dialect dialect;
	int minor_version;
	bool is_head;		/* the method is HEAD */
	bool close;
	bool expects_continue;	/* 100 Continue is to be sent before the body comes; the caller clears it */

	uint64_t length;	/* READER_LENGTH: octets of the whole body */
	struct http_chunked chunked;
	struct buf body;

	int status;
	const char *why;
};

void reader_init(struct reader *reader, size_t max_body);
void reader_free(struct reader *reader);

/* Makes ready for the next request. What follows the last one stays in `in`. */
void reader_next(struct reader *reader);

/* The buffer into which to read next, and at most how much. */
struct buf *reader_room(struct reader *reader, size_t *want);

/* Goes on with what was read. `id` and `peer` are for the request whose head gets whole now. Returns the state. */
enum reader_state reader_advance(struct reader *reader, uint64_t id, const char *peer);

/* Whether nothing of a next request has come yet. */
bool reader_is_idle(const struct reader *reader);

#endif
