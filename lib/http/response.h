/* SPDX-License-Identifier: MIT */
/* The writing of HTTP/1.1 responses (RFC 9112) into a buffer. */
#ifndef LB_HTTP_RESPONSE_H
#define LB_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * The status line `HTTP/1.1 200 OK`, its phrase that of RFC 9110 §15 and of 529, "Unknown" for any other: the
 * version is the server's own, whatever the client's is (RFC 9112 §2.3).
 */
void http_put_status(struct buf *out, int status);

/*
 * A field line. False, and nothing written, if the name is no token, the value has CR, LF, NUL or another control
 * character, or the field belongs to one connection only (RFC 9110 §7.6.1: connection, keep-alive, transfer-encoding,
 * te, trailer, upgrade, proxy-connection), which is for the writer of the connection to say.
 */
bool http_put_field(struct buf *out, const char *name, size_t name_len, const char *value, size_t value_len);

/* `date: Sun, 06 Nov 1994 08:49:37 GMT` for now; the text is made once a second. */
void http_put_date(struct buf *out);

/* `connection: close`, `transfer-encoding: chunked`, `content-length: N`. */
void http_put_close(struct buf *out);
void http_put_chunked(struct buf *out);
void http_put_length(struct buf *out, size_t n);

/* The blank line behind the head. */
void http_put_head_end(struct buf *out);

/* A chunk of `n` octets (nothing for 0, which would end the body), and the last chunk without trailers. */
void http_put_chunk(struct buf *out, const char *p, size_t n);
void http_put_last_chunk(struct buf *out);

/* Whether a response to `method` (`HEAD`) or with `status` (1xx, 204, 304) has no body (RFC 9112 §6.3). */
bool http_has_no_body(const char *method, size_t n, int status);

#endif
