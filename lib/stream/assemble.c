/* SPDX-License-Identifier: MIT */
#include "stream/assemble.h"

#include <stdlib.h>

struct assemble {
	size_t max;
};

struct assemble *
assemble_new(size_t max)
{
	struct assemble *a = calloc(1, sizeof *a);

	if (a != NULL)
		a->max = max;
	return a;
}

void
assemble_free(struct assemble *a)
{
	free(a);
}

bool
assemble_feed(struct assemble *a, const char *p, size_t n)
{
	(void)p;
	return n <= a->max;
}

bool
assemble_message(struct assemble *a, struct buf *out)
{
	(void)a;
	(void)out;
	return false;
}
