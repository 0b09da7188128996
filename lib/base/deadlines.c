/* SPDX-License-Identifier: MIT */
#include "base/deadlines.h"

#include <stdlib.h>

enum { FIRST_SIZE = 16 };

void
deadlines_free(struct deadlines *d)
{
	free(d->heap);
	*d = (struct deadlines){ 0 };
}

/* Places count from 1, so that the parent of place n is n / 2. */
static void
put(struct deadlines *d, struct deadline *entry, size_t place)
{
	d->heap[place - 1] = entry;
	entry->place = place;
}

static void
sift(struct deadlines *d, struct deadline *entry, size_t place)
{
	while (place > 1 && d->heap[place / 2 - 1]->at > entry->at) {
		put(d, d->heap[place / 2 - 1], place);
		place /= 2;
	}
	for (;;) {
		size_t child = 2 * place;

		if (child < d->count && d->heap[child]->at < d->heap[child - 1]->at)
			child++;
		if (child > d->count || d->heap[child - 1]->at >= entry->at)
			break;
		put(d, d->heap[child - 1], place);
		place = child;
	}
	put(d, entry, place);
}

bool
deadlines_set(struct deadlines *d, struct deadline *entry, uint64_t at)
{
	if (entry->place == 0) {
		if (d->count == d->size) {
			size_t size = d->size > 0 ? 2 * d->size : FIRST_SIZE;
			struct deadline **heap = realloc(d->heap, size * sizeof *heap);

			if (heap == NULL)
				return false;
			d->heap = heap;
			d->size = size;
		}
		put(d, entry, ++d->count);
	}
	entry->at = at;
	sift(d, entry, entry->place);
	return true;
}

void
deadlines_remove(struct deadlines *d, struct deadline *entry)
{
	size_t place = entry->place;
	struct deadline *last;

	if (place == 0)
		return;
	last = d->heap[--d->count];
	entry->place = 0;
	if (last != entry)
		sift(d, last, place);
}

struct deadline *
deadlines_first(const struct deadlines *d)
{
	return d->count > 0 ? d->heap[0] : NULL;
}
