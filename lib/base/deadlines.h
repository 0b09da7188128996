/* SPDX-License-Identifier: MIT */
/*
 * The earliest of many deadlines: a heap of entries that lie in their owners' memory. Nothing is allocated but the table of
 * pointers, which grows when there are more entries than ever before.
 */
#ifndef LB_BASE_DEADLINES_H
#define LB_BASE_DEADLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An entry. One of zeroes is in no table; `owner` is for the caller. */
struct deadline {
	uint64_t at;	/* in whatever unit the caller counts */
	size_t place;	/* in the table, from 1; 0: in none */
	void *owner;
};

/* An empty table is one of zeroes. */
struct deadlines {
	struct deadline **heap;
	size_t count;
	size_t size;
};

/* Frees the table, not the entries. */
void deadlines_free(struct deadlines *d);

/* Adds an entry, or moves it if it is in the table already: which always succeeds. False if memory is short. */
bool deadlines_set(struct deadlines *d, struct deadline *entry, uint64_t at);

/* Takes an entry out; nothing happens if it is not in. */
void deadlines_remove(struct deadlines *d, struct deadline *entry);

/* The entry that is due first, or NULL. */
struct deadline *deadlines_first(const struct deadlines *d);

#endif
