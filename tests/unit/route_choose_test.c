/* SPDX-License-Identifier: MIT */
#include "route/choose.h"

#include <math.h>

#include "test.h"

#define NOW UINT64_C(1800000000000)
#define N(ARRAY) (sizeof(ARRAY) / sizeof *(ARRAY))

static struct candidate
plain(void)
{
	return (struct candidate){ .weight = 1, .price = PRICE_UNKNOWN };
}

/* `count` alike, each with a hash of its own. */
static void
fill(struct candidate *candidates, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		candidates[i] = plain();
		candidates[i].hash = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
	}
}

static struct choosing
request(enum policy policy, uint64_t number)
{
	return (struct choosing){ .policy = policy, .now = NOW, .random = number * 7919 + 1, .turn = number,
		.conversation = number * UINT64_C(0x2545f4914f6cdd1d), .sticky_return_ms = 300000, .patience_ms = 2000 };
}

static struct health_view
cooling(uint64_t until, enum health_fault why)
{
	return (struct health_view){ .state = HEALTH_COOLING, .why = why, .until = until };
}

/* The order as digits, `201`; behind each that has a time of its own `@MS`, after NOW. */
static const char *
digits(const struct order *order)
{
	static char text[ATTEMPTS_MAX * 16];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < order->count; i++) {
		n += (size_t)snprintf(text + n, sizeof text - n, "%zu", order->choices[i].candidate);
		if (order->choices[i].not_before != 0)
			n += (size_t)snprintf(text + n, sizeof text - n, "@%d", (int)(order->choices[i].not_before - NOW));
	}
	return text;
}

static void
is(const struct order *order, const char *want, const char *name)
{
	bool same = strcmp(digits(order), want) == 0;

	if (!same)
		printf("# got %s, want %s\n", digits(order), want);
	TEST(same, name);
}

static void
test_failover(void)
{
	struct candidate c[4];
	struct choosing r = request(POLICY_FAILOVER, 1);
	struct order order;

	fill(c, N(c));
	choose(&r, c, N(c), &order);
	is(&order, "0123", "failover: as configured");
	c[2].priority = 2;
	c[3].priority = 1;
	choose(&r, c, N(c), &order);
	is(&order, "2301", "a higher priority comes first");
	c[2].health = cooling(NOW + 1000, HEALTH_BROKEN);
	choose(&r, c, N(c), &order);
	is(&order, "301", "one that cools is left out");
	TEST(order.standing[2] == STANDS_OUT, "and it is said");
	c[2].health = (struct health_view){ .state = HEALTH_HALF_OPEN };
	choose(&r, c, N(c), &order);
	is(&order, "2301", "half-open: it stands in its place, for one trial");
	TEST(order.standing[2] == STANDS_FOR_TRIAL, "and it is said");
	c[2].health.trial = true;
	choose(&r, c, N(c), &order);
	is(&order, "3012", "whose trial somebody has stands last, whatever its priority");
	c[2].health = (struct health_view){ .in_flight = 3 };
	c[2].max_in_flight = 3;
	choose(&r, c, N(c), &order);
	is(&order, "3012", "so does one that has as many in flight as it may");
	c[2].max_in_flight = 4;
	choose(&r, c, N(c), &order);
	is(&order, "2301", "but not with one fewer");
	choose(&r, c, 0, &order);
	TEST(order.count == 0, "nobody is no order");
}

static void
test_all_cooling(void)
{
	struct candidate c[3];
	struct choosing r = request(POLICY_WEIGHTED, 1);
	struct order order;

	fill(c, N(c));
	c[0].health = cooling(NOW + 1999, HEALTH_LIMITED);
	c[1].health = cooling(NOW + 5000, HEALTH_LIMITED);
	c[2].health = cooling(NOW + 700, HEALTH_BUSY);
	choose(&r, c, N(c), &order);
	is(&order, "2@7000@1999", "all cool: those due within the patience, the first due first");
	c[0].health.until = c[2].health.until = NOW + 2001;
	choose(&r, c, N(c), &order);
	is(&order, "", "nobody is due soon enough");
	TEST(order.due == NOW + 2001, "when the first is due is told");
	TEST(!order.limited, "they are not all limited");
	c[2].health.why = HEALTH_LIMITED;
	choose(&r, c, N(c), &order);
	TEST(order.limited, "they are");
}

static void
test_weighted(void)
{
	struct candidate c[3];
	unsigned first[3] = { 0 }, second = 0;
	struct order order;

	fill(c, N(c));
	c[1].weight = 3;
	c[2].weight = 0.5;
	for (uint64_t i = 0; i < 90000; i++) {
		struct choosing r = request(POLICY_WEIGHTED, i);

		choose(&r, c, N(c), &order);
		first[order.choices[0].candidate]++;
		second += order.choices[0].candidate == 1 && order.choices[1].candidate == 0;
	}
	TEST(abs((int)first[0] - 20000) < 400 && abs((int)first[1] - 60000) < 400 && abs((int)first[2] - 10000) < 400,
	    "weighted: the shares are the weights'");
	TEST(abs((int)second - 40000) < 600, "the fallback too is drawn by weight");
}

static void
test_round_robin(void)
{
	struct candidate c[3];
	unsigned first[3] = { 0 };
	char text[7] = "";
	struct order order;

	fill(c, N(c));
	for (uint64_t i = 0; i < 6; i++) {
		struct choosing r = request(POLICY_ROUND_ROBIN, i);

		choose(&r, c, N(c), &order);
		text[i] = (char)('0' + order.choices[0].candidate);
	}
	TEST(strcmp(text, "012012") == 0, "round-robin: one after the other");
	is(&order, "201", "the fallback follows as in a ring");
	c[1].weight = 2;
	for (uint64_t i = 0; i < 400; i++) {
		struct choosing r = request(POLICY_ROUND_ROBIN, i);

		choose(&r, c, N(c), &order);
		first[order.choices[0].candidate]++;
	}
	TEST(abs((int)first[0] - 100) <= 3 && abs((int)first[1] - 200) <= 3 && abs((int)first[2] - 100) <= 3,
	    "with weights each gets its share");
}

static void
test_least_busy(void)
{
	struct candidate c[3];
	unsigned first[3] = { 0 };
	struct order order;

	fill(c, N(c));
	c[0].health.in_flight = 9;
	c[1].health.in_flight = 2;
	c[2].health.in_flight = 5;
	for (uint64_t i = 0; i < 9000; i++) {
		struct choosing r = request(POLICY_LEAST_BUSY, i);

		choose(&r, c, N(c), &order);
		first[order.choices[0].candidate]++;
	}
	/* Of two drawn the busier is never first; the least busy is in two of three pairs. */
	TEST(first[0] == 0 && abs((int)first[1] - 6000) < 200, "least-busy: the better one of two");
	c[0].weight = 100;
	choose(&(struct choosing){ .policy = POLICY_LEAST_BUSY, .now = NOW, .random = 3 }, c, N(c), &order);
	TEST(order.score[0] < order.score[1], "what is in flight counts by weight");
}

static void
test_fastest(void)
{
	struct candidate c[2];
	unsigned first = 0;
	struct order order;

	fill(c, N(c));
	c[0].health.first_us = 400000;
	c[0].health.first_at = NOW;
	c[1].health.first_us = 4000000;
	c[1].health.first_at = NOW;
	for (uint64_t i = 0; i < 10000; i++) {
		struct choosing r = request(POLICY_FASTEST, i);

		choose(&r, c, N(c), &order);
		first += order.choices[0].candidate == 0;
	}
	TEST(first == 10000, "fastest: the faster one of two");
	first = 0;
	for (uint64_t i = 0; i < 10000; i++) {
		struct choosing r = request(POLICY_FASTEST, i);

		r.explore = 0.1;
		choose(&r, c, N(c), &order);
		first += order.choices[0].candidate == 1;
	}
	TEST(abs((int)first - 500) < 100, "of the share that explores the slow one gets its part");
	c[1].health.first_at = NOW - 1200000;
	choose(&(struct choosing){ .policy = POLICY_FASTEST, .now = NOW, .random = 1 }, c, N(c), &order);
	is(&order, "10", "an average of twenty minutes ago counts for a sixteenth");
	c[1].health.first_at = 0;
	choose(&(struct choosing){ .policy = POLICY_FASTEST, .now = NOW, .random = 1 }, c, N(c), &order);
	is(&order, "10", "one of which nothing is known is tried");
}

static void
test_cheapest(void)
{
	struct candidate c[4];
	struct choosing r = request(POLICY_CHEAPEST, 1);
	struct order order;

	fill(c, N(c));
	c[1].price = 300;
	c[2].price = 100;
	c[3].price = 300;
	choose(&r, c, N(c), &order);
	is(&order, "2130", "cheapest: by price, equal ones as configured, without a price last");
}

static void
test_sticky(void)
{
	struct candidate c[4];
	unsigned first[4] = { 0 }, stayed = 0, moved_to[4] = { 0 };
	struct order before, after;

	fill(c, N(c));
	c[3].weight = 3;
	for (uint64_t i = 0; i < 12000; i++) {
		struct choosing r = request(POLICY_STICKY, i);
		size_t was;

		c[1].health = (struct health_view){ .state = HEALTH_CLEAR };
		choose(&r, c, N(c), &before);
		r.random++;
		r.turn += 5;
		was = before.choices[0].candidate;
		first[was]++;
		c[1].health = cooling(NOW + 60000, HEALTH_BROKEN);
		choose(&r, c, N(c), &after);
		if (was == 1) {
			moved_to[after.choices[0].candidate]++;
			stayed += after.choices[0].candidate == before.choices[1].candidate;
		} else {
			stayed += after.choices[0].candidate == was;
		}
	}
	TEST(stayed == 12000, "sticky: when a target dies its conversations go to their next one, all others stay");
	TEST(abs((int)first[0] - 2000) < 200 && abs((int)first[1] - 2000) < 200 && abs((int)first[3] - 6000) < 300,
	    "the shares are the weights'");
	TEST(moved_to[0] > 200 && moved_to[2] > 200 && moved_to[3] > 600, "those of the dead one are spread by weight");
}

static void
test_sticky_return(void)
{
	struct candidate c[3];
	struct choosing r = request(POLICY_STICKY, 1);
	struct order before, order;
	size_t first;

	fill(c, N(c));
	choose(&r, c, N(c), &before);
	first = before.choices[0].candidate;
	c[first].health.recovered = NOW - 299999;
	c[first].priority = 5;
	choose(&r, c, N(c), &order);
	TEST(order.choices[0].candidate == before.choices[1].candidate && order.choices[2].candidate == first,
	    "one that recovered stands back while the conversation has its cache elsewhere");
	c[first].health.recovered = NOW - 300000;
	choose(&r, c, N(c), &order);
	TEST(order.choices[0].candidate == first, "then the conversation returns");
	c[first].health.recovered = NOW - 1000;
	r.policy = POLICY_FAILOVER;
	choose(&r, c, N(c), &order);
	TEST(order.choices[0].candidate == first, "other policies take it back at once");
}

/* Whatever the states: each candidate that is not left out stands in the order once. */
static void
test_complete(void)
{
	bool complete = true;

	for (uint64_t round = 0; round < 3000; round++) {
		struct candidate c[ATTEMPTS_MAX];
		struct choosing r = request((enum policy)(round % POLICY_COUNT), round);
		struct order order;
		unsigned seen[ATTEMPTS_MAX] = { 0 };
		size_t n = (size_t)(round * 31 % (ATTEMPTS_MAX + 1));

		fill(c, n);
		r.explore = 0.5;
		for (size_t i = 0; i < n; i++) {
			uint64_t x = (round + 1) * 0x9e3779b9 * (i + 3);

			c[i].priority = (int)(x >> 7 & 3) - 1;
			c[i].weight = (double)(x >> 9 & 7) + 0.25;
			c[i].health.in_flight = x >> 13 & 7;
			c[i].max_in_flight = x >> 17 & 3;
			c[i].health.state = (enum health_state)((x >> 20) % 3);
			c[i].health.trial = x >> 23 & 1;
			c[i].health.until = NOW + (x >> 24 & 0xfff);
			c[i].health.recovered = x >> 30 & 1 ? NOW - 5 : 0;
		}
		choose(&r, c, n, &order);
		for (size_t i = 0; i < order.count; i++)
			complete &= order.choices[i].candidate < n && ++seen[order.choices[i].candidate] == 1;
		for (size_t i = 0; i < n; i++)
			complete &= (order.standing[i] != STANDS_OUT) == (seen[i] == 1);
		complete &= order.count == 0 || order.standing[order.choices[0].candidate] <= STANDS_WAITING;
	}
	TEST(complete, "every order is complete, and names each once");
}

int
main(void)
{
	test_failover();
	test_all_cooling();
	test_weighted();
	test_round_robin();
	test_least_busy();
	test_fastest();
	test_cheapest();
	test_sticky();
	test_sticky_return();
	test_complete();
	return test_exit();
}
