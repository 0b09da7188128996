/* SPDX-License-Identifier: MIT */
/* The mistakes found in a configuration: gathered in any order, told in the order of their lines. */
#ifndef LB_CONFIG_MISTAKE_H
#define LB_CONFIG_MISTAKE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct mistake {
	size_t line;	/* from 1; 0: not in a file */
	char *text;
};

struct mistakes {
	struct mistake *list;
	size_t count;
	size_t room;
	bool no_memory;
};

/* Adds one. printf(3)'s formatting. */
void mistake_add(struct mistakes *mistakes, size_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void mistake_vadd(struct mistakes *mistakes, size_t line, const char *format, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* Adds to `out` a line `SOURCE:LINE: TEXT` for each; `SOURCE: TEXT` for one without a line. */
void mistakes_put(struct mistakes *mistakes, const char *source, struct buf *out);

void mistakes_free(struct mistakes *mistakes);

/*
 * The one of the `count` words at `words` that was most likely meant by `word`, or NULL if none is near: at most two
 * letters added, left out, changed or swapped with their neighbour, and less than half of the word.
 */
const char *mistake_near(const char *word, const char *const *words, size_t count);

#endif
