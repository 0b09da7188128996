/* SPDX-License-Identifier: MIT */
/*
 * The strict HTTP/1.1 request reader (RFC 9112): a head in memory in, spans out. No I/O, no allocation. Every laxity
 * that the RFC allows a server and that two readers could take differently is refused.
 */
#ifndef LB_HTTP_REQUEST_H
#define LB_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

/* `len` octets at `p`, in the head's own memory. */
struct http_span {
	const char *p;
	size_t len;
};

struct http_field {
	struct http_span name;	/* as it came, in whatever case */
	struct http_span value;	/* without white space around it */
};

enum http_body {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH,
	HTTP_BODY_CHUNKED
};

struct http_request {
	struct http_span method;
	struct http_span target;	/* a path that begins with `/`, with its query, or `*` from OPTIONS */
	int minor_version;		/* HTTP/1.x: 0 or 1 */
	struct http_field fields[HEAD_FIELDS_MAX];
	size_t field_count;
	size_t head_len;		/* octets of the head with its blank line; the body begins there */
	enum http_body body;
	uint64_t content_length;	/* HTTP_BODY_LENGTH: octets of the body */
	bool close;			/* the connection ends after the answer (RFC 9112 §9.3) */
	bool expect_continue;		/* RFC 9110 §10.1.1; only from HTTP/1.1 and with a body */

	/* After HTTP_BAD: the status to answer with, after which the connection must be closed, and why, in short. */
	int status;
	const char *why;
};

enum http_result {
	HTTP_OK = 1,
	HTTP_MORE = 0,
	HTTP_BAD = -1
};

/*
 * Reads the head at the beginning of the `n` octets at `p`. `seen` is how many of them an earlier call with the same
 * beginning had (0 for the first), so that a head that comes byte by byte is not searched again and again for its end.
 *
 * HTTP_MORE: not whole yet. HTTP_BAD, with `status`:
 *   400  no request line by the grammar; bare CR or LF, NUL or another control character in the head; obs-fold; space
 *        before the colon or no colon; an empty or ungrammatical name; no Host from HTTP/1.1, or two, or one that is no
 *        host (a name, an address or a bracketed IPv6 address, and a port of 1 to 5 digits if there is a colon); a
 *        content-length that is not digits only or beyond 2^64-1, or any repeat of it, equal or not, in one line or in
 *        two; content-length with transfer-encoding; a transfer-encoding from HTTP/1.0, one that is no list of bare
 *        names, or one with gzip, deflate or compress last or anything behind chunked; CONNECT
 *   414  the request line is longer than the head may be half
 *   417  an Expect other than 100-continue
 *   431  the head is longer than HEAD_MAX or has more than HEAD_FIELDS_MAX fields
 *   501  a transfer coding that nobody has registered, or one before chunked
 *   505  a version other than HTTP/1.0 and HTTP/1.1
 * One empty line (CRLF) before the request line is skipped (RFC 9112 §2.2).
 *
 * A target in absolute-form (RFC 9112 §3.2.2) is `http://HOST` and a path, and HOST must be the Host field's: where
 * two readers could take different ones there is only one. `target` then begins with the path.
 *
 * The outcome does not depend on how the input was split, and an ungrammatical head is refused as soon as its request
 * line or an octet that no head has is there, not only at its end.
 */
enum http_result http_request_parse(struct http_request *request, const char *p, size_t n, size_t seen);

/* The one value of a field by its lower-case name, or NULL if there is none or `*count` is not 1. */
const struct http_span *http_request_field(const struct http_request *request, const char *name, size_t *count);

/* The decoding of a chunked body (RFC 9112 §7.1), piece by piece. Zero it to begin. */
struct http_chunked {
	int state;
	uint64_t left;		/* octets of the current chunk still to come */
	size_t line;		/* octets of the current size line or trailer section */
	uint64_t size;
	uint64_t extensions;	/* octets of extensions so far */
	uint64_t total;		/* octets of content so far */
	const char *why;	/* after HTTP_BAD */
};

/*
 * Decodes from the `n` octets at `p`. `*used` octets of them were taken, and the content among them was moved to the
 * beginning of `p`, `*len` octets.
 *
 * HTTP_OK: the body has ended, its trailers were read and dropped. HTTP_MORE: all `n` octets were used. HTTP_BAD: not
 * by the grammar: a size is 1 to 16 hexadecimal digits; extensions are skipped, begin with `;` right behind the size,
 * close their quotes in the same line, and have at most CHUNK_LINE_MAX octets a line, and in all CHUNK_EXTENSIONS_MAX
 * more than the content so far; trailers have names and colons, and at most TRAILERS_MAX octets; each line ends in
 * CRLF. After HTTP_OK and HTTP_BAD it stays at that.
 */
enum http_result http_chunked_decode(struct http_chunked *chunked, char *p, size_t n, size_t *used, size_t *len);

#endif
