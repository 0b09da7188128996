/* SPDX-License-Identifier: MIT */
/* The headers of `head` and `end` records (lb-record.5) as lb-sse writes them. Pure: JSON objects in, JSON objects out. */
#ifndef LB_STREAM_HEADER_H
#define LB_STREAM_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "stream/anthropic.h"

/* Whether a field's value, a JSON string of a record, is the media type `type` (RFC 9110 §8.3.1), whatever its parameters. */
bool header_is_media_type(struct json value, const char *type);

/* Adds a head with all that it had, but for caching: no cache may keep a stream. */
void header_put_uncached(struct buf *out, struct json head);

/*
 * Adds a head made that of an event stream: the status 200, its content-type, no caching, and no length, which would no longer
 * hold. All else stays.
 */
void header_put_stream(struct buf *out, struct json head);

/* Adds the head of a stream of which nothing is known yet. */
void header_put_early(struct buf *out, uint64_t id);

/* Adds a head made that of a JSON answer of `length` octets. All else stays. */
void header_put_json(struct buf *out, struct json head, int status, size_t length);

/* What `end` says of an answer that lb-sse has changed. */
struct header_end {
	const char *result;
	const char *error;		/* NULL: there is none */
	const char *converted;		/* what it was made, `stream` or `message`; NULL: it is what it was */
	const struct anthropic *events;	/* for repairs and usage; NULL: none were read */
	bool cancel;
};

/* Adds an `end` with all that it had, and these in place of its own. */
void header_put_end(struct buf *out, struct json end, const struct header_end *is);

#endif
