/* SPDX-License-Identifier: MIT */
#include "config/comment.h"

#include <string.h>

/* `i` stands on the opening quote; returns behind the closing one, or where the string breaks off. */
static size_t
skip_string(const char *text, size_t n, size_t i)
{
	/*
	 * A string does not go over a line's end: JSON's own check will say so, and what follows is read as it is
	 * meant.
	 */
	for (i++; i < n && text[i] != '"' && text[i] != '\n'; i++)
		if (text[i] == '\\' && i + 1 < n && text[i + 1] != '\n')
			i++;
	return i < n ? i + 1 : n;
}

static void
blank(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != '\n')
			p[i] = ' ';
}

bool
comment_blank(char *text, size_t n, size_t *at)
{
	size_t i = 0;

	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		blank(text, 3);
	while (i < n) {
		size_t from = i;
		const char *end;

		if (text[i] == '"') {
			i = skip_string(text, n, i);
		} else if (text[i] != '/' || i + 1 >= n || (text[i + 1] != '/' && text[i + 1] != '*')) {
			i++;
		} else if (text[i + 1] == '/') {
			end = memchr(text + i, '\n', n - i);
			i = end ? (size_t)(end - text) : n;
			blank(text + from, i - from);
		} else {
			end = memmem(text + i + 2, n - i - 2, "*/", 2);
			if (end == NULL) {
				*at = i;
				return false;
			}
			i = (size_t)(end - text) + 2;
			blank(text + from, i - from);
		}
	}
	return true;
}
