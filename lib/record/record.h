/* SPDX-License-Identifier: MIT */
/*
 * Records, the language of the pipes (lb-record.5): a line of JSON, the header, and where that has `"bytes": N`, N octets
 * of payload and one more line feed. Reading one is pure: memory in, spans out.
 */
#ifndef LB_RECORD_RECORD_H
#define LB_RECORD_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"

enum record_type {
	RECORD_UNKNOWN,	/* a type of a later version, or of somebody else's stage: to be passed on */
	RECORD_REQUEST,
	RECORD_CANCEL,
	RECORD_PAUSE,
	RECORD_RESUME,
	RECORD_OPEN,
	RECORD_HEAD,
	RECORD_DATA,
	RECORD_END,
	RECORD_HELLO
};

/* A record in somebody else's memory. */
struct record {
	enum record_type type;
	uint64_t id;		/* the request's number; 0 for a hello, and for an unknown type without one */
	struct json header;	/* the header's object, without the line feed */
	const char *payload;
	size_t payload_len;
	bool has_payload;	/* the header has `bytes`, be it 0 */
	size_t size;		/* octets of the whole record */
};

enum record_result {
	RECORD_OK = 1,
	RECORD_MORE = 0,	/* cut short so far; if `size` is not 0 it is what the record will have */
	RECORD_BAD = -1		/* no record */
};

/*
 * Reads the record at the beginning of `n` octets. The header must be one line with an object that has a string `type`
 * and, for the known types but hello, a number `id` from 1. On RECORD_BAD `*why` says what is wrong, in a few words.
 */
enum record_result record_parse(const char *p, size_t n, struct record *record, const char **why);

/* The result of an answer, in `end` records. */
enum record_end {
	END_COMPLETE,
	END_TRUNCATED,		/* the provider's answer broke off */
	END_UPSTREAM_ERROR,	/* no provider gave an answer, or it was an error */
	END_TIMEOUT,
	END_CANCELLED,		/* the client went away */
	END_REFUSED,		/* lb itself said no */
	END_COUNT
};

/* `complete`, `truncated`, `upstream-error`, `timeout`, `cancelled`, `refused`. */
const char *record_end_name(enum record_end end);

/* The `result` of an `end` record; one that is absent or unknown counts as END_TRUNCATED. */
enum record_end record_end_of(const struct record *end);

/*
 * Whether the body of an answer with `status` is all there: a complete one, and an error's that was passed on or made
 * (upstream-error, timeout, refused). The HTTP message of any other must not end cleanly.
 */
bool record_end_is_whole(int status, enum record_end end);

/* The beginning of a header, `{"type":"head","id":7`: members follow, each with its comma before it. */
void record_begin(struct buf *out, const char *type, uint64_t id);

/* The end of a header that has no payload. */
void record_finish(struct buf *out);

/* The end of a header, the payload and its line feed. */
void record_finish_payload(struct buf *out, const char *p, size_t n);

/* The end of a header whose payload of `n` octets, and the line feed behind it, the caller adds. */
void record_finish_bytes(struct buf *out, size_t n);

/* A whole `data` record. */
void record_put_data(struct buf *out, uint64_t id, const char *p, size_t n);

/* A whole `end` record with no more than its result. */
void record_put_end(struct buf *out, uint64_t id, enum record_end end);

/* Records as whole as they came. */
void record_put_copy(struct buf *out, const struct record *record);

/*
 * A whole answer of a stage's own: `head` with `status`, content-type application/json, the length and `extra_headers`
 * (members of the headers object with a comma before each, or NULL), `data` with the body, and `end`: END_COMPLETE for a
 * status below 400, else END_REFUSED. With `head_only` (method HEAD) the body is left out, its length is told.
 */
void record_put_answer(struct buf *out, uint64_t id, int status, const char *extra_headers, const char *body, size_t n,
    bool head_only);

#endif
