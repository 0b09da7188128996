/* SPDX-License-Identifier: MIT */
/* A table from request numbers to whatever is kept for each: open addressing, one allocation for all. */
#ifndef LB_BASE_IDMAP_H
#define LB_BASE_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idmap_slot {
	uint64_t id;	/* 0: free */
	void *value;
};

struct idmap {
	struct idmap_slot *slots;
	size_t size;	/* a power of two, or 0 while nothing was put */
	size_t count;
};

/* An empty table is one of zeroes. Frees the table, not the values. */
void idmap_free(struct idmap *map);

/* The value of `id`, or NULL. */
void *idmap_get(const struct idmap *map, uint64_t id);

/* Puts a value that is not NULL for an id that is not 0 and not yet there. False if memory is short. */
bool idmap_put(struct idmap *map, uint64_t id, void *value);

/* Takes the value of `id` out and returns it; NULL if there is none. */
void *idmap_remove(struct idmap *map, uint64_t id);

/* Some value, NULL if the table is empty: for emptying it one by one. */
void *idmap_any(const struct idmap *map);

#endif
