/* SPDX-License-Identifier: MIT */
/* Taking keys out of what providers say: some repeat the key that they refuse. Pure. */
#ifndef LB_UPSTREAM_REDACT_H
#define LB_UPSTREAM_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"

/*
 * Adds a key's value to the list `values`, each with a NUL behind it. One that is shorter than REDACT_MIN is no secret, and
 * not added.
 */
void redact_add(struct buf *values, const char *p, size_t n);

/*
 * Adds what the client sent of its own keys: the values of authorization (without its scheme), x-api-key, api-key and
 * x-goog-api-key of the object `headers`.
 */
void redact_add_client(struct buf *values, struct json headers);

/* Whether one of the values stands in the text, as it is or with its slashes and quotes escaped as in JSON. */
bool redact_finds(const struct buf *values, const char *p, size_t n);

/* Adds the text to `out` with `[key]` in the place of each value. */
void redact_put(struct buf *out, const struct buf *values, const char *p, size_t n);

#endif
