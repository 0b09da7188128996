/* SPDX-License-Identifier: MIT */
/* A value in a JSON body, replaced in place; every other octet stays as it is. Pure. */
#ifndef LB_UPSTREAM_SPLICE_H
#define LB_UPSTREAM_SPLICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Whether the `len` octets at offset `at` of the `n` at `body` are exactly one JSON string with its quotes. */
bool splice_is_string(const char *body, size_t n, size_t at, size_t len);

/* Replaces the `*len` octets at offset `at` by the `n` at `value`, and sets `*len`. False if there is no room for it. */
bool splice_replace(struct buf *body, size_t at, size_t *len, const char *value, size_t n);

#endif
