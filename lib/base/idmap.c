/* SPDX-License-Identifier: MIT */
#include "base/idmap.h"

#include <stdlib.h>

enum { FIRST_SIZE = 64 };

void
idmap_free(struct idmap *map)
{
	if (map == NULL)
		return;
	free(map->slots);
	*map = (struct idmap){ 0 };
}

/* Ids count up, so their low bits spread them better than any hash. */
static size_t
home(const struct idmap *map, uint64_t id)
{
	return (size_t)id & (map->size - 1);
}

/* The slot of `id`, or the free one where it would go. */
static size_t
find(const struct idmap *map, uint64_t id)
{
	size_t i = home(map, id);

	while (map->slots[i].id != 0 && map->slots[i].id != id)
		i = (i + 1) & (map->size - 1);
	return i;
}

void *
idmap_get(const struct idmap *map, uint64_t id)
{
	return map->size > 0 && id != 0 ? map->slots[find(map, id)].value : NULL;
}

static bool
grow(struct idmap *map)
{
	struct idmap bigger = { .size = map->size ? map->size * 2 : FIRST_SIZE, .count = map->count };

	if ((bigger.slots = calloc(bigger.size, sizeof *bigger.slots)) == NULL)
		return false;
	for (size_t i = 0; i < map->size; i++)
		if (map->slots[i].id != 0)
			bigger.slots[find(&bigger, map->slots[i].id)] = map->slots[i];
	free(map->slots);
	*map = bigger;
	return true;
}

bool
idmap_put(struct idmap *map, uint64_t id, void *value)
{
	/* Half empty at least: probes stay short. */
	if (map->count >= map->size / 2 && !grow(map))
		return false;
	map->slots[find(map, id)] = (struct idmap_slot){ id, value };
	map->count++;
	return true;
}

void *
idmap_remove(struct idmap *map, uint64_t id)
{
	size_t mask = map->size - 1, hole, i;
	void *value;

	if (map->size == 0 || id == 0 || map->slots[hole = find(map, id)].id == 0)
		return NULL;
	value = map->slots[hole].value;
	/* Those behind that could not have their own place move up, so that no search ends at the hole. */
	for (i = (hole + 1) & mask; map->slots[i].id != 0; i = (i + 1) & mask) {
		size_t distance_home = (i - home(map, map->slots[i].id)) & mask, distance_hole = (i - hole) & mask;

		if (distance_home >= distance_hole) {
			map->slots[hole] = map->slots[i];
			hole = i;
		}
	}
	map->slots[hole] = (struct idmap_slot){ 0 };
	map->count--;
	return value;
}

void *
idmap_any(const struct idmap *map)
{
	for (size_t i = 0; map->count > 0 && i < map->size; i++)
		if (map->slots[i].id != 0)
			return map->slots[i].value;
	return NULL;
}
