/* SPDX-License-Identifier: MIT */
/*
 * Which header fields pass between client and provider. Those of a request go on as they came but for what belongs to
 * one connection (RFC 9110 §7.6.1), to the message's framing, to the browser, and to whoever holds a key; those of a
 * response come back only if they are known to be safe and of use. Pure.
 */
#ifndef LB_UPSTREAM_HEADERS_H
#define LB_UPSTREAM_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"

/*
 * Adds to `lines` each field of the record's object `headers` that goes to the provider, as `name: value` and a NUL
 * (`name;` for an empty value), which is libcurl's form. With `credentials` the client's own key is among them.
 *
 * Left out: connection, those it names, and keep-alive, proxy-connection, te, trailer, transfer-encoding, upgrade,
 * http2-settings; host, content-length, expect, accept-encoding, which lb-fetch sets itself; cookie, origin, referer;
 * forwarded, via, x-forwarded-*, x-real-ip; authorization, x-api-key, api-key, x-goog-api-key; proxy-authorization in
 * any case; and what is no field by the grammar (RFC 9110 §5).
 */
void headers_put_request(struct buf *lines, struct json headers, bool credentials);

/* Whether `lines`, as headers_put_request writes them, have a field of that lower-case name. */
bool headers_have(const char *lines, size_t n, const char *name);

/*
 * Adds a field line of a response to `lines` as `name: value` and a NUL, the name in lower case, if it is one that passes:
 * content-type, retry-after, retry-after-ms, request-id, x-request-id, x-should-retry, anthropic-*, x-ratelimit-*. `line`
 * may have its CRLF.
 */
void headers_keep_response(struct buf *lines, const char *line, size_t n);

/* The value of the first field of that lower-case name in such lines; NULL if there is none. */
const char *headers_find(const char *lines, size_t n, const char *name);

/* Adds the lines to `out` with content-type `type` in the place of what they say. */
void headers_put_typed(struct buf *out, const char *lines, size_t n, const char *type);

/* Whether a field line of a response has this lower-case name; then `*value` and `*len` are its value. */
bool headers_is(const char *line, size_t n, const char *name, const char **value, size_t *len);

/*
 * Adds the lines as members of a JSON object, `"name":"value"` with commas between them; a field that came more than
 * once is one member, its values joined by a comma and a space (content-type: the first). A wait of more than a minute is
 * told as one minute, and one that is no whole number is left out.
 */
void headers_put_members(struct buf *out, const char *lines, size_t n);

#endif
