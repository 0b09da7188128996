/* SPDX-License-Identifier: MIT */
#include "route/choose.h"

#include <math.h>
#include <string.h>

/* After how long an average time to first content counts half. */
#define FASTEST_HALF_LIFE_MS 300000.0

/* SplitMix64: from a counter, numbers that look random. */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint64_t
next_random(uint64_t *state)
{
	*state += UINT64_C(0x9e3779b97f4a7c15);
	return mix(*state);
}

/* A number in (0, 1), neither end included. */
static double
to_unit(uint64_t random)
{
	return ((double)(random >> 11) + 0.5) / 9007199254740992.0;
}

/* What is being ordered: candidates that stand alike, of one priority, in the order of the configuration. */
struct group {
	const struct choosing *choosing;
	const struct candidate *candidates;
	size_t members[ATTEMPTS_MAX];
	size_t count;
	double *score;		/* of each candidate */
	uint64_t random;
};

/* By score, lowest first; equal ones stay as they are. Few, and mostly in order: by insertion. */
static void
sort_by_score(struct group *group)
{
	for (size_t i = 1; i < group->count; i++) {
		size_t member = group->members[i], at = i;

		for (; at > 0 && group->score[group->members[at - 1]] > group->score[member]; at--)
			group->members[at] = group->members[at - 1];
		group->members[at] = member;
	}
}

static double
total_weight(const struct group *group, size_t from)
{
	double total = 0;

	for (size_t i = from; i < group->count; i++)
		total += group->candidates[group->members[i]].weight;
	return total;
}

/* The member at which the running sum of the weights passes `share` of their total, from `from` on. */
static size_t
member_at(const struct group *group, size_t from, double share)
{
	double left = share * total_weight(group, from);
	size_t i = from;

	for (; i + 1 < group->count; i++)
		if ((left -= group->candidates[group->members[i]].weight) < 0)
			break;
	return i;
}

static void
swap(struct group *group, size_t a, size_t b)
{
	size_t member = group->members[a];

	group->members[a] = group->members[b];
	group->members[b] = member;
}

/* Each gets an exponentially distributed time at the rate of its weight: the first to come is then drawn by weight. */
static void
order_weighted(struct group *group)
{
	for (size_t i = 0; i < group->count; i++)
		group->score[group->members[i]] =
		    -log(to_unit(next_random(&group->random))) / group->candidates[group->members[i]].weight;
	sort_by_score(group);
}

static bool
weights_are_equal(const struct group *group)
{
	for (size_t i = 1; i < group->count; i++)
		if (group->candidates[group->members[i]].weight != group->candidates[group->members[0]].weight)
			return false;
	return true;
}

/*
 * Who begins is told by the turn; the others follow as in a ring. Where weights differ the multiples of the golden ratio
 * spread the turns: each gets its share in any stretch of them, and nobody gets it all in one go.
 */
static void
order_by_turn(struct group *group)
{
	double golden = 0.6180339887498949, whole;
	size_t ring[ATTEMPTS_MAX], first;

	if (weights_are_equal(group))
		first = (size_t)(group->choosing->turn % group->count);
	else
		first = member_at(group, 0, modf((double)(group->choosing->turn % 1000003) * golden, &whole));
	memcpy(ring, group->members, group->count * sizeof *ring);
	for (size_t i = 0; i < group->count; i++) {
		group->members[i] = ring[(first + i) % group->count];
		group->score[group->members[i]] = (double)i;
	}
}

/* Draws two of those from `from` on, by weight, and puts the one with the lower score there. */
static void
draw_two(struct group *group, size_t from)
{
	size_t first, second;

	swap(group, from, member_at(group, from, to_unit(next_random(&group->random))));
	if (group->count - from < 2)
		return;
	second = member_at(group, from + 1, to_unit(next_random(&group->random)));
	first = group->members[from];
	if (group->score[group->members[second]] < group->score[first])
		swap(group, from, second);
}

static void
order_by_two_choices(struct group *group)
{
	for (size_t from = 0; from < group->count; from++)
		draw_two(group, from);
}

static void
order_least_busy(struct group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct candidate *candidate = &group->candidates[group->members[i]];

		group->score[group->members[i]] = candidate->health.in_flight / candidate->weight;
	}
	order_by_two_choices(group);
}

/* One of which nothing is known has the score 0, and so is soon known. */
static void
order_fastest(struct group *group)
{
	uint64_t now = group->choosing->now;
	size_t from = 0;

	for (size_t i = 0; i < group->count; i++) {
		const struct health_view *health = &group->candidates[group->members[i]].health;
		double age = now > health->first_at ? (double)(now - health->first_at) : 0;

		group->score[group->members[i]] =
		    health->first_at == 0 ? 0 : health->first_us / 1000.0 * exp2(-age / FASTEST_HALF_LIFE_MS);
	}
	if (to_unit(next_random(&group->random)) < group->choosing->explore) {
		swap(group, 0, member_at(group, 0, to_unit(next_random(&group->random))));
		from = 1;
	}
	for (; from < group->count; from++)
		draw_two(group, from);
}

static void
order_cheapest(struct group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		uint64_t price = group->candidates[group->members[i]].price;

		group->score[group->members[i]] = price == PRICE_UNKNOWN ? HUGE_VAL : (double)price;
	}
	sort_by_score(group);
}

/*
 * Weighted rendezvous hashing: a candidate's number is as random as a hash of it and the conversation, and by its weight
 * likely to be the lowest. Whoever is taken away or added changes nothing for conversations that are not its own.
 */
static void
order_sticky(struct group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct candidate *candidate = &group->candidates[group->members[i]];
		uint64_t hash = mix(mix(group->choosing->conversation + UINT64_C(0x9e3779b97f4a7c15)) ^ candidate->hash);

		group->score[group->members[i]] = -log(to_unit(hash)) / candidate->weight;
	}
	sort_by_score(group);
}

static void
order_group(struct group *group)
{
	switch (group->choosing->policy) {
	case POLICY_WEIGHTED:
		order_weighted(group);
		break;
	case POLICY_ROUND_ROBIN:
		order_by_turn(group);
		break;
	case POLICY_LEAST_BUSY:
		order_least_busy(group);
		break;
	case POLICY_FASTEST:
		order_fastest(group);
		break;
	case POLICY_CHEAPEST:
		order_cheapest(group);
		break;
	case POLICY_STICKY:
		order_sticky(group);
		break;
	case POLICY_FAILOVER:
	case POLICY_COUNT:
		break;
	}
}

static bool
is_full(const struct candidate *candidate)
{
	return candidate->max_in_flight != 0 && candidate->health.in_flight >= candidate->max_in_flight;
}

static enum standing
standing_of(const struct choosing *choosing, const struct candidate *candidate)
{
	const struct health_view *health = &candidate->health;

	if (health->state == HEALTH_COOLING)
		return STANDS_OUT;
	if (health->state == HEALTH_HALF_OPEN && health->trial)
		return STANDS_TRIED;
	if (is_full(candidate))
		return STANDS_FULL;
	if (health->state == HEALTH_HALF_OPEN)
		return STANDS_FOR_TRIAL;
	if (choosing->policy == POLICY_STICKY && health->recovered != 0 && choosing->now >= health->recovered &&
	    choosing->now - health->recovered < choosing->sticky_return_ms)
		return STANDS_BACK;
	return STANDS;
}

/* Candidates that stand so are ordered together. */
static unsigned
rank_of(enum standing standing)
{
	switch (standing) {
	case STANDS:
	case STANDS_FOR_TRIAL:
		return 0;
	case STANDS_BACK:
		return 1;
	default:
		return 2;
	}
}

/* The next lower priority among those of a rank, after `above`. False if there is none. */
static bool
next_priority(const struct candidate *candidates, const struct order *order, size_t n, unsigned rank, long above,
    int *priority)
{
	bool found = false;

	for (size_t i = 0; i < n; i++)
		if (order->standing[i] < STANDS_WAITING && rank_of(order->standing[i]) == rank &&
		    candidates[i].priority < above && (!found || candidates[i].priority > *priority)) {
			*priority = candidates[i].priority;
			found = true;
		}
	return found;
}

/* Adds those of a rank to the order, the highest priority first. */
static void
add_rank(const struct choosing *choosing, const struct candidate *candidates, size_t n, unsigned rank,
    struct order *order)
{
	long above = (long)INT32_MAX + 1;
	int priority = 0;

	while (next_priority(candidates, order, n, rank, above, &priority)) {
		struct group group = { .choosing = choosing, .candidates = candidates, .score = order->score };

		/* Each group its own numbers, each request the same ones for the same group. */
		group.random = mix(choosing->random ^ mix((uint64_t)priority * 4 + rank));
		for (size_t i = 0; i < n; i++)
			if (order->standing[i] < STANDS_WAITING && rank_of(order->standing[i]) == rank &&
			    candidates[i].priority == priority)
				group.members[group.count++] = i;
		order_group(&group);
		for (size_t i = 0; i < group.count; i++)
			order->choices[order->count++] = (struct choice){ .candidate = group.members[i] };
		above = priority;
	}
}

/* All cool: those that are due soon stand in the order, the first due first. */
static void
wait_for_due(const struct choosing *choosing, const struct candidate *candidates, size_t n, struct order *order)
{
	order->limited = n > 0;
	order->due = UINT64_MAX;
	for (size_t i = 0; i < n; i++) {
		uint64_t until = candidates[i].health.until;
		size_t at = order->count;

		if (until < order->due)
			order->due = until;
		order->limited &= candidates[i].health.why == HEALTH_LIMITED;
		if (until > choosing->now && until - choosing->now > choosing->patience_ms)
			continue;
		order->standing[i] = STANDS_WAITING;
		for (; at > 0 && order->choices[at - 1].not_before > until; at--)
			order->choices[at] = order->choices[at - 1];
		order->choices[at] = (struct choice){ .candidate = i, .not_before = until };
		order->count++;
	}
}

void
choose(const struct choosing *choosing, const struct candidate *candidates, size_t n, struct order *order)
{
	order->count = 0;
	order->due = 0;
	order->limited = false;
	memset(order->score, 0, n * sizeof *order->score);
	for (size_t i = 0; i < n; i++)
		order->standing[i] = standing_of(choosing, &candidates[i]);
	for (unsigned rank = 0; rank <= 2; rank++)
		add_rank(choosing, candidates, n, rank, order);
	if (order->count == 0)
		wait_for_due(choosing, candidates, n, order);
}
