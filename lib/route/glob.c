/* SPDX-License-Identifier: MIT */
#include "route/glob.h"

bool
glob_match(const char *pattern, const char *text, size_t n)
{
	const char *star = NULL;	/* behind the last `*` met: only that one ever has to take more */
	size_t i = 0, taken = 0;	/* where the text goes on behind what it has taken */

	while (i < n) {
		if (*pattern == '*') {
			star = ++pattern;
			taken = i;
		} else if (*pattern != '\0' && *pattern == text[i]) {
			pattern++;
			i++;
		} else if (star != NULL) {
			pattern = star;
			i = ++taken;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
