/* SPDX-License-Identifier: MIT */
/* The heap of deadlines against a plain search. */
#include <stdint.h>

#include "base/deadlines.h"
#include "test.h"

enum { COUNT = 300, STEPS = 200000 };

static uint32_t seed = 12345;

static uint32_t
next_random(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

/* The earliest that is in, or UINT64_MAX. */
static uint64_t
earliest(const struct deadline *entries, const bool *in)
{
	uint64_t at = UINT64_MAX;

	for (size_t i = 0; i < COUNT; i++)
		if (in[i] && entries[i].at < at)
			at = entries[i].at;
	return at;
}

int
main(void)
{
	static struct deadline entries[COUNT];
	static bool in[COUNT];
	struct deadlines d = { 0 };
	bool passed = true;
	size_t count = 0;

	TEST(deadlines_first(&d) == NULL, "an empty table has no first");
	for (int step = 0; step < STEPS && passed; step++) {
		size_t i = next_random() % COUNT;
		struct deadline *first;

		if (next_random() % 3 == 0) {
			deadlines_remove(&d, &entries[i]);
			count -= in[i];
			in[i] = false;
		} else {
			EXPECT(deadlines_set(&d, &entries[i], next_random() % 1000), "set");
			count += !in[i];
			in[i] = true;
		}
		first = deadlines_first(&d);
		EXPECT((first == NULL) == (count == 0) && d.count == count, "the count");
		if (step % 8 == 0)
			EXPECT(first == NULL || first->at == earliest(entries, in), "the first is the earliest");
	}
	TEST(passed, "added, moved and taken out at random: the first is the earliest");
	for (uint64_t last = 0; deadlines_first(&d) != NULL;) {
		struct deadline *first = deadlines_first(&d);

		EXPECT(first->at >= last, "in order");
		last = first->at;
		deadlines_remove(&d, first);
		EXPECT(first->place == 0, "it is out");
	}
	TEST(passed, "taken one by one they come in order");
	deadlines_free(&d);
	return test_exit();
}
