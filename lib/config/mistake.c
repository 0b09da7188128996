/* SPDX-License-Identifier: MIT */
#include "config/mistake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
mistake_vadd(struct mistakes *mistakes, size_t line, const char *format, va_list ap)
{
	char *text;

	if (mistakes->count == mistakes->room) {
		size_t room = mistakes->room ? mistakes->room * 2 : 8;
		struct mistake *list = reallocarray(mistakes->list, room, sizeof *list);

		if (list == NULL) {
			mistakes->no_memory = true;
			return;
		}
		mistakes->list = list;
		mistakes->room = room;
	}
	if (vasprintf(&text, format, ap) < 0) {
		mistakes->no_memory = true;
		return;
	}
	mistakes->list[mistakes->count++] = (struct mistake){ line, text };
}

void
mistake_add(struct mistakes *mistakes, size_t line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	mistake_vadd(mistakes, line, format, ap);
	va_end(ap);
}

/* By line; those of one line stay as they are, since an insertion sort is stable. */
static void
sort(struct mistake *list, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct mistake moved = list[i];
		size_t at = i;

		for (; at > 0 && list[at - 1].line > moved.line; at--)
			list[at] = list[at - 1];
		list[at] = moved;
	}
}

void
mistakes_put(struct mistakes *mistakes, const char *source, struct buf *out)
{
	sort(mistakes->list, mistakes->count);
	for (size_t i = 0; i < mistakes->count; i++) {
		const struct mistake *mistake = &mistakes->list[i];

		if (mistake->line > 0)
			buf_printf(out, "%s:%zu: %s\n", source, mistake->line, mistake->text);
		else
			buf_printf(out, "%s: %s\n", source, mistake->text);
	}
	if (mistakes->no_memory)
		buf_printf(out, "%s: there is not enough memory to hold it\n", source);
}

void
mistakes_free(struct mistakes *mistakes)
{
	for (size_t i = 0; i < mistakes->count; i++)
		free(mistakes->list[i].text);
	free(mistakes->list);
	*mistakes = (struct mistakes){ .list = NULL };
}

enum { WORD_MAX = 64 };

/* The distance of Damerau and Levenshtein, in which a swap of neighbours counts once. */
static size_t
distance(const char *a, size_t m, const char *b, size_t n)
{
	size_t rows[3][WORD_MAX + 1];

	for (size_t j = 0; j <= n; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= m; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && above2[j - 2] + 1 < best)
				best = above2[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[m % 3][n];
}

const char *
mistake_near(const char *word, const char *const *words, size_t count)
{
	size_t len = strlen(word), best = 3;
	const char *near = NULL;

	if (len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t other = strlen(words[i]), d;

		if (other > WORD_MAX)
			continue;
		d = distance(word, len, words[i], other);
		if (d < best && 2 * d < len) {
			best = d;
			near = words[i];
		}
	}
	return near;
}
