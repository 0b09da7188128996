/* SPDX-License-Identifier: MIT */
/*
 * Every policy over tens of thousands of requests in a time of its own: one target is dead, one ten times as slow as the
 * others, one is limited to ten requests a minute, two are well. Requests come in bursts that are decided from one look at
 * the table, which is the real one; attempts claim, fail, cool down and recover as lb-fetch makes them.
 */
#include <math.h>

#include "route/choose.h"
#include "test.h"

#define NOW UINT64_C(1800000000000)

enum { DEAD, SLOW, LIMITED, WELL, ALSO_WELL, TARGETS };
enum { REQUESTS = 30000, BURST_MAX = 100, EVENTS_MAX = 200000, CONVERSATIONS = 997, WINDOW_MS = 60000, WINDOW_REQUESTS = 10 };

static const char *const target_names[TARGETS] = { "dead", "slow", "limited", "well", "also-well" };

struct attempt {
	struct order order;
	size_t next;		/* the choice that comes next */
	struct health_claim claim;
	bool known;		/* the target was not clear when it was asked */
	uint64_t started;
	uint64_t conversation;
};

/* Something that happens: an attempt's answer begins or fails, or an answer ends. */
struct event {
	uint64_t at;
	uint64_t number;	/* of those at one time the first made comes first */
	struct attempt *attempt;
	size_t target;
	enum { FAILS, IS_LIMITED, BEGINS, ENDS } what;
};

struct world {
	struct health *health;
	struct health_row rows[TARGETS];
	struct candidate candidates[TARGETS];
	uint64_t now;
	uint64_t random;
	uint64_t window;	/* of the limited one: when it began, how many it has served */
	unsigned in_window;
	bool dead[TARGETS];
	bool all_well;

	struct event heap[EVENTS_MAX];
	size_t events;
	uint64_t numbers;

	unsigned first[TARGETS];	/* requests that asked it first */
	unsigned served[TARGETS];
	unsigned failed;
	unsigned wasted[TARGETS];	/* attempts that failed at a target known not to be well */
	unsigned cooled[TARGETS];	/* its cool-downs */
	uint64_t cooling_until[TARGETS];
	size_t home[CONVERSATIONS];	/* where a conversation was served before anybody died; SIZE_MAX: not yet */
	unsigned moved, counted;
};

static struct world world;

static uint64_t
draw(void)
{
	world.random ^= world.random << 13;
	world.random ^= world.random >> 7;
	world.random ^= world.random << 17;
	return world.random;
}

static bool
before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->number < b->number;
}

static void
push(struct event event)
{
	size_t at = world.events++;

	if (world.events == EVENTS_MAX)
		abort();
	event.number = world.numbers++;
	for (; at > 0 && before(&event, &world.heap[(at - 1) / 2]); at = (at - 1) / 2)
		world.heap[at] = world.heap[(at - 1) / 2];
	world.heap[at] = event;
}

static struct event
pop(void)
{
	struct event first = world.heap[0], last = world.heap[--world.events];
	size_t at = 0, child;

	for (; (child = 2 * at + 1) < world.events; at = child) {
		child += child + 1 < world.events && before(&world.heap[child + 1], &world.heap[child]);
		if (!before(&world.heap[child], &last))
			break;
		world.heap[at] = world.heap[child];
	}
	world.heap[at] = last;
	return first;
}

static bool
is_over_limit(void)
{
	if (world.now - world.window >= WINDOW_MS) {
		world.window = world.now;
		world.in_window = 0;
	}
	return ++world.in_window > WINDOW_REQUESTS;
}

/* What becomes of a request to a target. */
static void
ask(struct attempt *attempt, size_t target)
{
	struct event event = { .at = world.now + 300 + draw() % 200, .attempt = attempt, .target = target, .what = BEGINS };

	attempt->started = world.now;
	if (world.dead[target]) {
		event.at = world.now + 2;
		event.what = FAILS;
	} else if (target == LIMITED && !world.all_well && is_over_limit()) {
		event.at = world.now + 20;
		event.what = IS_LIMITED;
	} else if (target == SLOW && !world.all_well) {
		event.at = world.now + 10 * (event.at - world.now);
	}
	push(event);
}

/* Asks the next target in the order that lets itself be asked. */
static void
go_on(struct attempt *attempt)
{
	while (attempt->next < attempt->order.count) {
		const struct choice *choice = &attempt->order.choices[attempt->next++];
		size_t target = choice->candidate;
		struct health_view view;

		health_read(world.health, world.rows[target], world.now, &view);
		if (health_claim(world.health, world.rows[target], 0, world.now, &attempt->claim) != HEALTH_CLAIMED)
			continue;
		attempt->known = view.state != HEALTH_CLEAR;
		ask(attempt, target);
		return;
	}
	world.failed++;
	free(attempt);
}

static void
count_cool_down(size_t target)
{
	struct health_view view;

	health_read(world.health, world.rows[target], world.now, &view);
	if (view.state == HEALTH_COOLING && world.cooling_until[target] <= world.now)
		world.cooled[target]++;
	if (view.state == HEALTH_COOLING)
		world.cooling_until[target] = view.until;
}

static void
take(const struct event *event)
{
	struct attempt *attempt = event->attempt;
	size_t target = event->target;
	struct health_row row = world.rows[target];

	world.now = event->at;
	switch (event->what) {
	case FAILS:
	case IS_LIMITED:
		health_note_attempt(world.health, row, event->what == FAILS ? HEALTH_BROKEN : HEALTH_LIMITED,
		    event->what == FAILS ? 0 : 429, event->what == FAILS ? 0 : world.window + WINDOW_MS - world.now + 1, world.now);
		health_release(world.health, &attempt->claim);
		world.wasted[target] += attempt->known;
		count_cool_down(target);
		go_on(attempt);
		return;
	case BEGINS:
		health_note_began(world.health, &attempt->claim, world.now - attempt->started, world.now);
		push((struct event){ .at = world.now + 1000 + draw() % 2000, .attempt = attempt, .target = target, .what = ENDS });
		return;
	case ENDS:
		health_note_answer(world.health, row,
		    &(struct health_answer){ .result = HEALTH_COMPLETE, .status = 200, .output_tokens = 100 }, world.now);
		health_release(world.health, &attempt->claim);
		world.served[target]++;
		free(attempt);
	}
}

static void
look(struct candidate *candidates)
{
	for (size_t i = 0; i < TARGETS; i++) {
		candidates[i] = world.candidates[i];
		health_read(world.health, world.rows[i], world.now, &candidates[i].health);
	}
}

/* Whether those conversations that are not of a target that died stay where they are. */
static void
follow_conversation(const struct attempt *attempt, bool died, size_t dead)
{
	size_t *home = &world.home[attempt->conversation], target = attempt->order.choices[0].candidate;

	if (!died) {
		*home = target;
	} else if (*home != SIZE_MAX && *home != dead) {
		world.counted++;
		world.moved += target != *home;
	}
}

/* A burst of requests, decided from one look at the table. */
static unsigned
burst(enum policy policy, unsigned number, bool died, size_t dead)
{
	struct candidate candidates[TARGETS];
	unsigned count = 1 + (unsigned)(draw() % BURST_MAX);
	struct attempt *attempts[BURST_MAX];

	look(candidates);
	for (unsigned i = 0; i < count; i++) {
		struct attempt *attempt = calloc(1, sizeof *attempt);
		struct choosing choosing = { .policy = policy, .now = world.now, .random = draw(), .turn = number + i,
			.explore = 0.05, .sticky_return_ms = 300000, .patience_ms = 2000 };

		if (attempt == NULL)
			abort();
		attempt->conversation = draw() % CONVERSATIONS;
		choosing.conversation = attempt->conversation * UINT64_C(0x9e3779b97f4a7c15);
		choose(&choosing, candidates, TARGETS, &attempt->order);
		if (attempt->order.count > 0) {
			world.first[attempt->order.choices[0].candidate]++;
			follow_conversation(attempt, died, dead);
		}
		attempts[i] = attempt;
	}
	for (unsigned i = 0; i < count; i++)
		go_on(attempts[i]);
	return count;
}

static void
begin(const char *path)
{
	struct health *health;

	unlink(path);
	if ((health = health_open_at(path)) == NULL)
		abort();
	memset(&world, 0, sizeof world);
	world.health = health;
	world.now = NOW;
	world.random = 88172645463325252u;
	for (size_t i = 0; i < TARGETS; i++) {
		world.rows[i] = health_row(health, &(struct health_names){ target_names[i], "m", "" }, NOW);
		world.candidates[i] = (struct candidate){ .weight = 1, .price = 100 + i, .hash = world.rows[i].id };
	}
	for (size_t i = 0; i < CONVERSATIONS; i++)
		world.home[i] = SIZE_MAX;
}

/* Until all requests have come and all answers have ended. `kill` dies after half of them (TARGETS: nobody does). */
static unsigned
play(enum policy policy, unsigned requests, size_t kill)
{
	uint64_t next = world.now;
	unsigned made = 0;
	bool died = false;

	while (made < requests || world.events > 0)
		if (made < requests && (world.events == 0 || next <= world.heap[0].at)) {
			world.now = next;
			if (kill < TARGETS && !died && made >= requests / 2)
				died = world.dead[kill] = true;
			made += burst(policy, made, died, kill);
			next += 1 + draw() % 8000;
		} else {
			struct event event = pop();

			take(&event);
		}
	health_close(world.health);
	return made;
}

static void
print_shares(const char *name, unsigned requests)
{
	unsigned wasted = 0, cooled = 0;

	printf("# %-12s", name);
	for (size_t i = 0; i < TARGETS; i++) {
		printf(" %s %4.1f %%", target_names[i], 100.0 * world.served[i] / requests);
		wasted += world.wasted[i];
		cooled += world.cooled[i];
	}
	printf(", served %.2f %%, wasted %u in %u cool-downs\n", 100.0 * (requests - world.failed) / requests, wasted, cooled);
}

static void
test_faults(enum policy policy, const char *path)
{
	char name[80];
	bool once = true;
	unsigned made;

	begin(path);
	world.dead[DEAD] = true;
	made = play(policy, REQUESTS, TARGETS);
	print_shares(policy_name(policy), made);
	for (size_t i = 0; i < TARGETS; i++)
		once &= world.wasted[i] <= world.cooled[i];
	snprintf(name, sizeof name, "%s: 99.9 %% of the requests are served", policy_name(policy));
	TEST(world.failed <= made / 1000, name);
	snprintf(name, sizeof name, "%s: a target known to be unwell is asked once for each cool-down", policy_name(policy));
	TEST(once && world.cooled[DEAD] + world.cooled[LIMITED] > 0, name);
	snprintf(name, sizeof name, "%s: nothing is left in flight", policy_name(policy));
	world.health = health_open_at(path);
	for (size_t i = 0; i < TARGETS; i++) {
		struct health_view view;

		health_read(world.health, world.rows[i], world.now, &view);
		once &= view.in_flight == 0;
	}
	health_close(world.health);
	TEST(once, name);
}

static void
test_weights(enum policy policy, const char *path)
{
	static const double weights[TARGETS] = { 1, 2, 3, 4, 10 };
	char name[80];
	bool met = true;
	unsigned made;

	begin(path);
	world.all_well = true;
	for (size_t i = 0; i < TARGETS; i++)
		world.candidates[i].weight = weights[i];
	made = play(policy, 2 * REQUESTS, TARGETS);
	printf("# %-12s", policy_name(policy));
	for (size_t i = 0; i < TARGETS; i++) {
		printf(" weight %g: %.2f %%", weights[i], 100.0 * world.served[i] / made);
		met &= fabs((double)world.served[i] / made - weights[i] / 20) < 0.02;
	}
	printf("\n");
	snprintf(name, sizeof name, "%s: weights are met within 2 %%", policy_name(policy));
	TEST(met, name);
}

static void
test_sticky(const char *path)
{
	begin(path);
	world.all_well = true;
	play(POLICY_STICKY, REQUESTS, WELL);
	printf("# sticky       %u of %u requests of conversations elsewhere moved when a target died\n", world.moved, world.counted);
	TEST(world.counted > REQUESTS / 4 && world.moved <= world.counted / 100,
	    "sticky: 99 % of the conversations stay in place when another's target dies");
	TEST(world.failed == 0, "and those of the dead one are served elsewhere");
}

int
main(void)
{
	char folder[] = "/tmp/lb-simulation.XXXXXX", path[64];

	if (mkdtemp(folder) == NULL)
		abort();
	snprintf(path, sizeof path, "%s/health", folder);
	for (int policy = 0; policy < POLICY_COUNT; policy++)
		test_faults((enum policy)policy, path);
	test_weights(POLICY_WEIGHTED, path);
	test_weights(POLICY_ROUND_ROBIN, path);
	test_sticky(path);
	unlink(path);
	rmdir(folder);
	return test_exit();
}
