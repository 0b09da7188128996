/* SPDX-License-Identifier: MIT */
#include "base/idmap.h"

#include "test.h"

enum { IDS = 5000 };

/* Puts and removes by a fixed pattern of ids that collide, and compares with a plain array each time. */
static bool
agrees_with_array(void)
{
	static char there[IDS];
	struct idmap map = { 0 };
	unsigned seed = 12345;
	size_t count = 0;
	bool passed = true;

	for (int i = 0; i < 200000 && passed; i++) {
		uint64_t id;

		seed = seed * 1103515245u + 12345u;
		/* Ids a multiple of the first size apart share their home. */
		id = 1 + (seed >> 16) % (IDS / 64) * 64 % (IDS - 1) + (seed >> 8) % 3;
		if (there[id % IDS]) {
			EXPECT(idmap_get(&map, id) == &there[id % IDS], "get");
			EXPECT(idmap_remove(&map, id) == &there[id % IDS], "remove");
			there[id % IDS] = 0;
			count--;
		} else {
			EXPECT(idmap_get(&map, id) == NULL && idmap_remove(&map, id) == NULL, "absent");
			EXPECT(idmap_put(&map, id, &there[id % IDS]), "put");
			there[id % IDS] = 1;
			count++;
		}
		EXPECT(map.count == count, "count");
	}
	for (uint64_t id = 1; id < IDS; id++)
		EXPECT((idmap_get(&map, id) != NULL) == (there[id] != 0), "all");
	idmap_free(&map);
	return passed;
}

int
main(void)
{
	struct idmap map = { 0 };
	int value;

	TEST(idmap_get(&map, 1) == NULL && idmap_remove(&map, 1) == NULL && idmap_any(&map) == NULL, "an empty table has nothing");
	TEST(agrees_with_array(), "200,000 puts and removes agree with an array");
	idmap_put(&map, UINT64_MAX, &value);
	TEST(idmap_any(&map) == &value && idmap_remove(&map, UINT64_MAX) == &value && idmap_any(&map) == NULL, "the largest id");
	idmap_free(&map);
	return test_exit();
}
