/* SPDX-License-Identifier: MIT */
/* Two hundred processes on one health table, some of which are killed in the middle of what they do. */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "health/health.h"
#include "health/internal.h"

#include "test.h"

enum { CHILDREN = 200, KILLED = 60, LIMIT = 5, ROWS = 40 };

/* What a child tells; it outlives the child. */
struct report {
	_Atomic uint64_t rounds;	/* begun */
	_Atomic uint64_t noted_before;	/* counted before a note and after it */
	_Atomic uint64_t noted_after;
	_Atomic uint64_t claimed;
	_Atomic uint64_t tried;
	_Atomic int holds;		/* a claim of the limited row */
	_Atomic int tries;		/* the trial of the half-open row */
	_Atomic int doomed;		/* it will be killed: what it holds is not known */
};

static struct shared {
	struct report reports[CHILDREN];
	_Atomic uint64_t too_many;
	_Atomic uint64_t two_trials;
	_Atomic uint64_t too_early;
	_Atomic uint64_t not_before;	/* the failing row's next trial, unix ms */
	_Atomic uint64_t no_row;
	_Atomic int ready;		/* children that have the table open */
	_Atomic int go;
	_Atomic int stop;
} *shared;

static char folder[] = "/tmp/lb-health-hammer.XXXXXX";
static char path[64];

static const struct health_names limited = { "limited", "m", "k" }, half_open = { "half-open", "m", "k" },
				 failing = { "failing", "m", "k" }, counted = { "counted", "m", "k" };

static int
sum_of(size_t offset)
{
	int sum = 0;

	for (int i = 0; i < CHILDREN; i++)
		if (!atomic_load(&shared->reports[i].doomed))
			sum += atomic_load((_Atomic int *)((char *)&shared->reports[i] + offset));
	return sum;
}

/* Claims, looks whether there are more than may be, and gives back. */
static void
claim_limited(struct health *health, struct health_row row, struct report *report)
{
	struct health_claim claim;

	if (health_claim(health, row, LIMIT, clock_unix_ms(), &claim) != HEALTH_CLAIMED)
		return;
	atomic_store(&report->holds, 1);
	atomic_fetch_add(&report->claimed, 1);
	if (sum_of(offsetof(struct report, holds)) > LIMIT)
		atomic_fetch_add(&shared->too_many, 1);
	sched_yield();
	atomic_store(&report->holds, 0);
	health_release(health, &claim);
}

static void
claim_trial(struct health *health, struct health_row row, struct report *report)
{
	struct health_claim claim;

	if (health_claim(health, row, 0, clock_unix_ms(), &claim) != HEALTH_CLAIMED)
		return;
	atomic_store(&report->tries, 1);
	atomic_fetch_add(&report->tried, 1);
	if (sum_of(offsetof(struct report, tries)) > 1)
		atomic_fetch_add(&shared->two_trials, 1);
	sched_yield();
	atomic_store(&report->tries, 0);
	health_release(health, &claim);
}

/* The trial fails: nobody else gets one before the cool-down is over that this begins. */
static void
fail_trial(struct health *health, struct health_row row)
{
	struct health_claim claim;
	uint64_t now = clock_unix_ms();

	if (health_claim(health, row, 0, now, &claim) != HEALTH_CLAIMED)
		return;
	if (now < atomic_load(&shared->not_before))
		atomic_fetch_add(&shared->too_early, 1);
	health_note_attempt(health, row, HEALTH_LIMITED, 429, 2, now);
	atomic_store(&shared->not_before, now + 2);
	health_release(health, &claim);
}

static void
make_rows(struct health *health, int seed)
{
	char model[32];

	for (int i = 0; i < ROWS; i++) {
		struct health_row row;

		snprintf(model, sizeof model, "model-%d", (i + seed) % ROWS);
		row = health_row(health, &(struct health_names){ "rows", model, "" }, clock_unix_ms());
		if (row.id == 0)
			atomic_fetch_add(&shared->no_row, 1);
	}
}

static void
child(int number)
{
	struct report *report = &shared->reports[number];
	struct health *health = health_open_at(path);
	struct health_answer answer = { .result = HEALTH_COMPLETE, .status = 200, .input_tokens = 1, .output_tokens = 10,
		.first_ms = 1, .total_ms = 100 };
	uint64_t now = clock_unix_ms();
	struct health_row rows[] = { health_row(health, &limited, now), health_row(health, &half_open, now),
		health_row(health, &counted, now), health_row(health, &failing, now) };

	atomic_fetch_add(&shared->ready, 1);
	while (!atomic_load(&shared->go))
		sched_yield();
	make_rows(health, number);
	while (!atomic_load(&shared->stop)) {
		uint64_t round = atomic_fetch_add(&report->rounds, 1);

		claim_limited(health, rows[0], report);
		claim_trial(health, rows[1], report);
		fail_trial(health, rows[3]);
		atomic_fetch_add(&report->noted_before, 1);
		health_note_answer(health, rows[2], &answer, clock_unix_ms());
		atomic_fetch_add(&report->noted_after, 1);
		/* Not always, so that the time slice's end, and the kill, come in the middle too. */
		if (round % 16 == 0)
			sched_yield();
	}
	health_close(health);
	_exit(health == NULL);
}

/* Kills a child once it has come so far; the first ones while they make rows. False if it died before. */
static bool
kill_child(pid_t pid, int number, uint64_t rounds)
{
	struct report *report = &shared->reports[number];
	siginfo_t info = { .si_pid = 0 };

	while (atomic_load(&report->rounds) < rounds) {
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid)
			return false;
		sched_yield();
	}
	atomic_store(&report->doomed, 1);
	return kill(pid, SIGKILL) == 0;
}

/* Runs all children to their end, one or the other. */
static bool
run_children(void)
{
	pid_t pids[CHILDREN];
	bool passed = true;
	int killed = 0, died = 0;

	for (int i = 0; i < CHILDREN; i++)
		if ((pids[i] = fork()) == 0)
			child(i);
	while (atomic_load(&shared->ready) < CHILDREN)
		sched_yield();
	atomic_store(&shared->go, 1);
	for (int i = 0; i < KILLED; i++)
		killed += kill_child(pids[i], i, (uint64_t)i * 20);
	atomic_store(&shared->stop, 1);
	for (int i = 0; i < CHILDREN; i++) {
		int status = 0;

		EXPECT(waitpid(pids[i], &status, 0) == pids[i], "wait");
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && i < KILLED)
			died++;
		else
			EXPECT(status == 0, "a child's end");
	}
	printf("# %d of %d processes were killed\n", died, CHILDREN);
	EXPECT(killed == KILLED && died == KILLED, "all that were to be killed were");
	return passed;
}

static uint64_t
sum_of_counts(size_t offset)
{
	uint64_t sum = 0;

	for (int i = 0; i < CHILDREN; i++)
		sum += atomic_load((_Atomic uint64_t *)((char *)&shared->reports[i] + offset));
	return sum;
}

/* Whether a row of these names is there, once, with nothing in flight. */
static bool
is_there_once(struct health *health, const char *provider, const char *model, struct health_sight *found)
{
	struct health_sight sight;
	int times = 0;

	for (uint32_t at = 0; health_next(health, &at, clock_unix_ms(), &sight);)
		if (strcmp(sight.provider, provider) == 0 && strcmp(sight.model, model) == 0) {
			times++;
			*found = sight;
		}
	return times == 1 && found->view.in_flight == 0 && !found->view.trial;
}

static bool
is_whole(struct health *health)
{
	struct health_sight sight;
	struct health_claim claims[LIMIT + 1];
	uint64_t before = sum_of_counts(offsetof(struct report, noted_before)),
		 after = sum_of_counts(offsetof(struct report, noted_after)), now = clock_unix_ms();
	bool passed = true;

	for (int i = 0; i < ROWS; i++) {
		char model[32];

		snprintf(model, sizeof model, "model-%d", i);
		EXPECT(is_there_once(health, "rows", model, &sight), model);
	}
	EXPECT(is_there_once(health, "half-open", "m", &sight), "nobody has the trial");
	EXPECT(is_there_once(health, "counted", "m", &sight), "counted");
	printf("# %llu answers noted, between %llu and %llu\n", (unsigned long long)sight.results[HEALTH_COMPLETE],
	    (unsigned long long)after, (unsigned long long)before);
	EXPECT(sight.results[HEALTH_COMPLETE] >= after && sight.results[HEALTH_COMPLETE] <= before, "no count is lost");
	EXPECT(before - after <= KILLED && after > 0, "those killed in the middle of one");
	EXPECT(is_there_once(health, "limited", "m", &sight), "limited");
	for (int i = 0; i <= LIMIT; i++)
		EXPECT(health_claim(health, sight.row, LIMIT, now, &claims[i]) == (i < LIMIT ? HEALTH_CLAIMED : HEALTH_IS_FULL),
		    "all places are free again");
	return passed;
}

int
main(void)
{
	struct health *health;
	struct health_row row;
	uint64_t now = clock_unix_ms();

	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || mkdtemp(folder) == NULL)
		abort();
	snprintf(path, sizeof path, "%s/health", folder);
	/* Both are half-open now. */
	health = health_open_at(path);
	row = health_row(health, &half_open, now);
	health_note_attempt(health, row, HEALTH_LIMITED, 429, 1, now - 1000);
	row = health_row(health, &failing, now);
	health_note_attempt(health, row, HEALTH_LIMITED, 429, 1, now - 1000);
	health_close(health);

	TEST(run_children(), "200 processes at once");
	health = health_open_at(path);
	/* Whoever opens the table sweeps, if nobody did just now. */
	health_slot_sweep(health, clock_unix_ms() + 2 * HEALTH_CHECK_MS);
	TEST(shared->too_many == 0, "never more claims than max_in_flight");
	TEST(shared->two_trials == 0, "never two trials");
	TEST(shared->too_early == 0, "never a trial before its time");
	TEST(shared->no_row == 0, "never no row");
	printf("# %llu claims of %d places, %llu trials\n", (unsigned long long)sum_of_counts(offsetof(struct report, claimed)),
	    LIMIT, (unsigned long long)sum_of_counts(offsetof(struct report, tried)));
	TEST(sum_of_counts(offsetof(struct report, claimed)) > 0 && sum_of_counts(offsetof(struct report, tried)) > 0,
	    "claims and trials were got");
	TEST(is_whole(health), "counts are exact, each row is there once, nothing is in flight");
	health_close(health);
	unlink(path);
	rmdir(folder);
	return test_exit();
}
