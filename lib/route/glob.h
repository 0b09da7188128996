/* SPDX-License-Identifier: MIT */
/* Patterns of model names: `*` stands for any text, also none; everything else for itself. */
#ifndef LB_ROUTE_GLOB_H
#define LB_ROUTE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether all of the `n` octets at `text` match `pattern`. Takes time in proportion to both lengths multiplied, at
 * most.
 */
bool glob_match(const char *pattern, const char *text, size_t n);

#endif
