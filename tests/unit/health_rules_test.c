/* SPDX-License-Identifier: MIT */
#include "base/limits.h"
#include "health/rules.h"

#include "test.h"

/* A day in 2026, unix ms; times in the tables are seconds after it. */
#define BASE UINT64_C(1790000000000)

enum what { FAIL, BEGIN, DONE };

/* One event, and what is then: the state at that time, until when (0: no cool-down), why. */
struct step {
	unsigned at;
	enum what what;
	enum health_fault fault;
	unsigned retry_after;
	enum health_state state;
	unsigned until;
	enum health_fault why;
};

struct story {
	const char *name;
	struct step steps[16];
};

#define CLEAR HEALTH_CLEAR, 0, HEALTH_NONE
#define COOLS(UNTIL, WHY) HEALTH_COOLING, UNTIL, HEALTH_##WHY
#define FAILS(AT, FAULT) AT, FAIL, HEALTH_##FAULT, 0
#define LIMITS(AT, RETRY_AFTER) AT, FAIL, HEALTH_LIMITED, RETRY_AFTER
#define BEGINS(AT) AT, BEGIN, HEALTH_NONE, 0
#define ENDS(AT) AT, DONE, HEALTH_NONE, 0
#define NO_MORE { 0 }

static const struct story stories[] = {
	{ "429 without a wait: 1, 2, 4, 8, 16, 32, 60, 60 s",
	    { { FAILS(1, LIMITED), COOLS(2, LIMITED) }, { FAILS(2, LIMITED), COOLS(4, LIMITED) },
		{ FAILS(4, LIMITED), COOLS(8, LIMITED) }, { FAILS(8, LIMITED), COOLS(16, LIMITED) },
		{ FAILS(16, LIMITED), COOLS(32, LIMITED) }, { FAILS(32, LIMITED), COOLS(64, LIMITED) },
		{ FAILS(64, LIMITED), COOLS(124, LIMITED) }, { FAILS(124, LIMITED), COOLS(184, LIMITED) }, NO_MORE } },
	{ "429s of requests that were under way do not double",
	    { { FAILS(1, LIMITED), COOLS(2, LIMITED) }, { FAILS(1, LIMITED), COOLS(2, LIMITED) },
		{ FAILS(1, LIMITED), COOLS(2, LIMITED) }, { FAILS(2, LIMITED), COOLS(4, LIMITED) }, NO_MORE } },
	{ "the wait asked for is kept to", { { LIMITS(1, 30), COOLS(31, LIMITED) }, NO_MORE } },
	{ "a later, shorter wait does not shorten",
	    { { LIMITS(1, 30), COOLS(31, LIMITED) }, { LIMITS(2, 5), COOLS(31, LIMITED) },
		{ FAILS(3, LIMITED), COOLS(31, LIMITED) }, { FAILS(3, BUSY), COOLS(31, LIMITED) }, NO_MORE } },
	{ "a later, longer wait lengthens",
	    { { LIMITS(1, 30), COOLS(31, LIMITED) }, { LIMITS(2, 60), COOLS(62, LIMITED) }, NO_MORE } },
	{ "a wait is at most a day", { { LIMITS(0, 1000000), COOLS(86400, LIMITED) }, NO_MORE } },
	{ "content lifts a 429 that is over, and the doubling begins anew",
	    { { FAILS(1, LIMITED), COOLS(2, LIMITED) }, { FAILS(2, LIMITED), COOLS(4, LIMITED) }, { BEGINS(5), CLEAR },
		{ FAILS(6, LIMITED), COOLS(7, LIMITED) }, NO_MORE } },
	{ "an older request's success does not lift a 429",
	    { { LIMITS(1, 30), COOLS(31, LIMITED) }, { BEGINS(2), COOLS(31, LIMITED) }, { ENDS(3), COOLS(31, LIMITED) },
		{ ENDS(31), CLEAR }, NO_MORE } },
	{ "529: 1, 2, 4, 8, 8 s",
	    { { FAILS(1, BUSY), COOLS(2, BUSY) }, { FAILS(2, BUSY), COOLS(4, BUSY) }, { FAILS(4, BUSY), COOLS(8, BUSY) },
		{ FAILS(8, BUSY), COOLS(16, BUSY) }, { FAILS(16, BUSY), COOLS(24, BUSY) }, NO_MORE } },
	{ "529 is not 429: each doubles by itself",
	    { { FAILS(1, LIMITED), COOLS(2, LIMITED) }, { FAILS(2, LIMITED), COOLS(4, LIMITED) },
		{ FAILS(4, BUSY), COOLS(5, BUSY) }, { FAILS(5, LIMITED), COOLS(6, LIMITED) }, NO_MORE } },
	{ "a longer cool-down for another reason takes the place of a shorter",
	    { { FAILS(1, BUSY), COOLS(2, BUSY) }, { LIMITS(1, 10), COOLS(11, LIMITED) }, NO_MORE } },
	{ "a refused key is put aside for ten minutes, each time",
	    { { FAILS(0, KEY), COOLS(600, KEY) }, { FAILS(5, KEY), COOLS(605, KEY) }, { FAILS(605, KEY), COOLS(1205, KEY) },
		NO_MORE } },
	{ "a refused key's shorter wait does not shorten that", { { 0, FAIL, HEALTH_KEY, 5, COOLS(600, KEY) }, NO_MORE } },
	{ "the breaker opens at the third failure in a row, of whatever kind",
	    { { FAILS(1, BROKEN), CLEAR }, { FAILS(2, TIMEOUT), CLEAR }, { FAILS(3, CUT), COOLS(4, CUT) }, NO_MORE } },
	{ "a whole answer between failures starts over; one that only began does not",
	    { { FAILS(1, BROKEN), CLEAR }, { FAILS(2, BROKEN), CLEAR }, { ENDS(3), CLEAR }, { FAILS(4, BROKEN), CLEAR },
		{ FAILS(5, BROKEN), CLEAR }, { BEGINS(6), CLEAR }, { FAILS(7, CUT), COOLS(8, CUT) }, NO_MORE } },
	{ "a trial that fails doubles: 1, 2, 4 s",
	    { { FAILS(1, BROKEN), CLEAR }, { FAILS(1, BROKEN), CLEAR }, { FAILS(1, BROKEN), COOLS(2, BROKEN) },
		{ FAILS(2, BROKEN), COOLS(4, BROKEN) }, { FAILS(5, TIMEOUT), COOLS(9, TIMEOUT) }, NO_MORE } },
	{ "a provider that cuts every answer opens its breaker again and again, for longer",
	    { { FAILS(1, CUT), CLEAR }, { FAILS(1, CUT), CLEAR }, { FAILS(1, CUT), COOLS(2, CUT) }, { BEGINS(2), CLEAR },
		{ FAILS(3, CUT), COOLS(5, CUT) }, { BEGINS(5), CLEAR }, { FAILS(5, CUT), COOLS(9, CUT) }, { BEGINS(9), CLEAR },
		{ ENDS(10), CLEAR }, { FAILS(11, CUT), CLEAR }, NO_MORE } },
	{ "a trial after a 429 that fails otherwise cools at once",
	    { { LIMITS(1, 2), COOLS(3, LIMITED) }, { FAILS(3, TIMEOUT), COOLS(4, TIMEOUT) }, NO_MORE } },
	{ "failures while the breaker is open do not lengthen it",
	    { { FAILS(1, BROKEN), CLEAR }, { FAILS(1, BROKEN), CLEAR }, { FAILS(1, BROKEN), COOLS(2, BROKEN) },
		{ FAILS(1, BROKEN), COOLS(2, BROKEN) }, { FAILS(1, BROKEN), COOLS(2, BROKEN) },
		{ FAILS(2, BROKEN), COOLS(4, BROKEN) }, NO_MORE } },
	{ "faults of the request and what lb left out cool nothing",
	    { { FAILS(1, MODEL), CLEAR }, { FAILS(1, TOO_LONG), CLEAR }, { FAILS(1, REQUEST), CLEAR }, { FAILS(1, SKIPPED), CLEAR },
		{ FAILS(1, MODEL), CLEAR }, { FAILS(1, TOO_LONG), CLEAR }, { FAILS(1, REQUEST), CLEAR }, { FAILS(1, NONE), CLEAR },
		NO_MORE } },
};

static bool
is_same(struct health_cool a, struct health_cool b)
{
	return a.until == b.until && a.why == b.why && a.step == b.step && a.failures == b.failures && a.tripped == b.tripped;
}

static bool
happens(const struct story *story)
{
	struct health_cool cool = { 0 };
	bool passed = true;

	for (const struct step *step = story->steps; step->at != 0 || step->what != FAIL || step->fault != HEALTH_NONE; step++) {
		uint64_t now = BASE + step->at * UINT64_C(1000);

		if (step->what == FAIL)
			cool = health_cool_failed(cool, step->fault, step->retry_after * UINT64_C(1000), now);
		else
			cool = step->what == BEGIN ? health_cool_began(cool, now) : health_cool_done(cool, now);
		EXPECT(health_cool_state(cool, now) == step->state, health_state_name(health_cool_state(cool, now)));
		EXPECT(cool.why == step->why, health_fault_name(cool.why));
		EXPECT(cool.why == HEALTH_NONE || cool.until == BASE + step->until * UINT64_C(1000), "until");
		EXPECT(is_same(health_cool_unpack(health_cool_pack(cool)), cool), "packed and unpacked");
		if (!passed) {
			printf("# step %d: at %u until %lld\n", (int)(step - story->steps), step->at,
			    (long long)(cool.until - BASE) / 1000);
			break;
		}
	}
	return passed;
}

/* Whatever the word, the rules give a state, and a cool-down that ends. */
static bool
survives_any_word(void)
{
	uint64_t word = 1;
	bool passed = true;

	for (int i = 0; i < 100000 && passed; i++) {
		struct health_cool cool = health_cool_unpack(word), next;

		for (int fault = 0; fault < HEALTH_FAULTS; fault++) {
			next = health_cool_failed(cool, (enum health_fault)fault, 0, BASE);
			EXPECT(is_same(health_cool_unpack(health_cool_pack(next)), next), "packed");
			EXPECT(next.until == cool.until || next.until <= BASE + HEALTH_COOL_MS_MAX, "it ends");
		}
		next = health_cool_done(health_cool_began(cool, BASE), BASE);
		EXPECT(health_cool_state(next, BASE) != HEALTH_HALF_OPEN, "done");
		word = word * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	}
	return passed;
}

static bool
averages(void)
{
	struct health_average average = { 0, 0 };
	bool passed = true;

	average = health_average_add(average, 1000, BASE);
	EXPECT(average.value == 1000 && average.at == BASE / 1000, "the first sample is the average");
	average = health_average_add(average, 1800, BASE);
	EXPECT(average.value == 1100, "one at the same time weighs an eighth");
	average = health_average_add(average, 100, BASE + 60000);
	EXPECT(average.value == 600, "one a minute later weighs a half");
	for (int i = 0; i < 200; i++)
		average = health_average_add(average, 100, BASE + 60000);
	EXPECT(average.value == 100, "it arrives from above");
	for (int i = 0; i < 200; i++)
		average = health_average_add(average, UINT32_MAX, BASE);
	EXPECT(average.value == UINT32_MAX, "it arrives from below, also with a clock that was set back");
	average = health_average_unpack(health_average_pack((struct health_average){ 5, 7 }));
	EXPECT(average.value == 5 && average.at == 7, "packed");
	return passed;
}

int
main(void)
{
	struct health_cool cool = { .until = BASE + 2 * HEALTH_COOL_MS_MAX, .why = HEALTH_LIMITED };

	for (size_t i = 0; i < sizeof stories / sizeof *stories; i++)
		TEST(happens(&stories[i]), stories[i].name);
	TEST(health_cool_state(cool, BASE) == HEALTH_HALF_OPEN, "a cool-down of more than a day comes of a clock that was set back");
	TEST(survives_any_word(), "any word is a state");
	TEST(averages(), "moving averages");
	return test_exit();
}
