/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "health/health.h"
#include "health/internal.h"

#include "test.h"

/* A day in 2026, unix ms. */
#define NOW UINT64_C(1790000000000)

/* A folder of this test's own, and the path of a table in it. */
static char folder[] = "/tmp/lb-health-test.XXXXXX";
static char path[PATH_BYTES_MAX];

static const struct health_names acme = { "acme", "model-1", "env:ACME_KEY" };

static const char *
in_folder(const char *name)
{
	static char result[4][PATH_BYTES_MAX];
	static int next;

	next = (next + 1) % 4;
	snprintf(result[next], sizeof result[next], "%s/%s", folder, name);
	return result[next];
}

static void
put_file(const char *to, const void *p, size_t n, mode_t mode)
{
	int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, p, n) != (ssize_t)n || fchmod(fd, mode) != 0 || close(fd) != 0)
		abort();
}

/* Overwrites octets of the table's file. */
static void
patch(size_t at, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || pwrite(fd, p, n, (off_t)at) != (ssize_t)n || close(fd) != 0)
		abort();
}

static bool
exists(const char *name)
{
	struct stat st;

	return lstat(in_folder(name), &st) == 0;
}

/* Diagnostics of what is expected to warn go here instead of to the terminal; their count is looked at. */
static int told_fd = -1;

static int
told(void)
{
	char text[8192];
	ssize_t n = pread(told_fd, text, sizeof text, 0);
	int lines = 0;

	for (ssize_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	if (ftruncate(told_fd, 0) != 0 || lseek(told_fd, 0, SEEK_SET) != 0)
		abort();
	return lines;
}

static uint64_t
count(struct health *health, struct health_row row, enum health_fault fault)
{
	struct health_sight sight;

	for (uint32_t at = 0; health_next(health, &at, NOW, &sight);)
		if (sight.row.id == row.id)
			return sight.faults[fault];
	return UINT64_MAX;
}

static struct health_view
view(struct health *health, struct health_row row, uint64_t now)
{
	struct health_view result;

	health_read(health, row, now, &result);
	return result;
}

static bool
finds_rows(void)
{
	struct health *one, *other;
	struct health_row row, again;
	struct health_names names = acme;
	struct stat st;
	bool passed = true;

	unlink(path);
	one = health_open_at(path);
	other = health_open_at(path);
	EXPECT(health_path(one) != NULL && strcmp(health_path(one), path) == 0, "path");
	EXPECT(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "mode");
	EXPECT(st.st_blocks * 512 >= (blkcnt_t)sizeof(struct health_table), "its blocks are reserved");
	row = health_row(one, &acme, NOW);
	again = health_row(other, &acme, NOW);
	EXPECT(row.id > 1 && row.id == again.id && row.index == again.index, "the same row from two places");
	EXPECT(health_find(other, row.id, NOW).id == row.id, "by its id");
	EXPECT(health_find(other, row.id + 1, NOW).id == 0 && health_find(other, 0, NOW).id == 0 && health_find(other, 1, NOW).id == 0, "no row");
	names.key = "env:OTHER";
	EXPECT(health_row(one, &names, NOW).id != row.id, "another key");
	names = (struct health_names){ "acm", "emodel-1", "env:ACME_KEY" };
	EXPECT(health_row(one, &names, NOW).id != row.id, "names do not run into each other");
	EXPECT(health_row(one, &(struct health_names){ NULL, NULL, NULL }, NOW).id ==
		health_row(other, &(struct health_names){ "", "", "" }, NOW).id, "no names");
	health_close(one);
	health_close(other);
	one = health_open_at(path);
	EXPECT(health_find(one, row.id, NOW).id == row.id, "rows outlive the processes");
	health_close(one);
	return passed;
}

/* Names that are longer than the table has room for, and hashes that collide. */
static bool
tells_names_apart(void)
{
	char a[HEALTH_MODEL_MAX + 50], b[HEALTH_MODEL_MAX + 50];
	struct health_names long_a = { "acme", a, "" }, long_b = { "acme", b, "" }, other = { "other", "m", "k" };
	struct health_row row, collided, same;
	struct health_sight sight;
	struct health *health;
	bool passed = true, seen = false;

	unlink(path);
	health = health_open_at(path);
	memset(a, 'x', sizeof a);
	memset(b, 'x', sizeof b);
	a[sizeof a - 1] = b[sizeof b - 1] = '\0';
	b[sizeof b - 2] = 'y';
	row = health_row(health, &long_a, NOW);
	EXPECT(row.id != 0 && row.id != health_row(health, &long_b, NOW).id, "long names that end differently");
	EXPECT(row.id == health_row(health, &long_a, NOW).id, "and the first of them again");
	row = health_row_hashed(health, 12345, &acme, NOW);
	collided = health_row_hashed(health, 12345, &other, NOW);
	EXPECT(row.id == 12345 && collided.id != 0 && collided.id != row.id, "two names of one hash");
	same = health_row_hashed(health, 12345, &other, NOW);
	EXPECT(same.id == collided.id && same.index == collided.index, "and the second of them again");
	EXPECT(health_row_hashed(health, 0, &acme, NOW).id > 1 && health_row_hashed(health, 1, &acme, NOW).id > 1, "hashes that are no ids");
	for (uint32_t at = 0; health_next(health, &at, NOW, &sight);)
		seen |= sight.row.id == 12345 && strcmp(sight.provider, "acme") == 0 && strcmp(sight.model, "model-1") == 0 &&
		    strcmp(sight.key, "env:ACME_KEY") == 0;
	EXPECT(seen, "the names can be read");
	health_close(health);
	return passed;
}

/* Whether a process waits, as its /proc says. */
static bool
sleeps(pid_t pid)
{
	char stat_path[64], text[256], *after;
	ssize_t n;
	int fd;

	snprintf(stat_path, sizeof stat_path, "/proc/%d/stat", (int)pid);
	if ((fd = open(stat_path, O_RDONLY)) < 0)
		return false;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return (after = strrchr(text, ')')) != NULL && after[1] == ' ' && after[2] == 'S';
}

/* A process that found no row, and waits for another to have made one, finds that one. */
static bool
makes_rows_once(void)
{
	struct health *health;
	struct health_row row, seen = { 0, 0 };
	bool passed = true;
	int pipes[2], status;
	char octet;
	pid_t pid;

	unlink(path);
	health = health_open_at(path);
	if (pipe(pipes) != 0 || !health_file_lock(&health->file, HEALTH_LOCK_MAKING, 0))
		abort();
	if ((pid = fork()) == 0) {
		struct health *own = health_open_at(path);

		if (write(pipes[1], "x", 1) != 1)
			_exit(1);
		while ((seen = health_row(own, &acme, NOW)).id == 0)
			;
		_exit(write(pipes[1], &seen, sizeof seen) == sizeof seen ? 0 : 1);
	}
	if (read(pipes[0], &octet, 1) != 1)
		abort();
	while (!sleeps(pid))
		;
	row = health_row(health, &acme, NOW);
	EXPECT(waitpid(pid, &status, 0) == pid && status == 0 && read(pipes[0], &seen, sizeof seen) == sizeof seen, "the other");
	EXPECT(seen.id == row.id && seen.index == row.index, "has the same row");
	close(pipes[0]);
	close(pipes[1]);
	health_close(health);
	return passed;
}

static struct health_row
numbered_row(struct health *health, int i, uint64_t now)
{
	char model[32];

	snprintf(model, sizeof model, "model-%d", i);
	return health_row(health, &(struct health_names){ "p", model, "" }, now);
}

/* Where all rows are used the oldest goes, but not one that has something in flight. */
static bool
takes_rows_over(void)
{
	struct health *health, *other;
	struct health_claim claim;
	struct health_row rows[HEALTH_ROWS], row;
	bool passed = true;

	unlink(path);
	health = health_open_at(path);
	other = health_open_at(path);
	for (int i = 0; i < HEALTH_ROWS; i++)
		rows[i] = numbered_row(health, i, NOW + (uint64_t)i);
	for (int i = 0; i < HEALTH_ROWS; i++)
		EXPECT(health_find(other, rows[i].id, NOW).id != 0, "all rows are used");
	health_claim_anyway(other, rows[0], NOW, &claim);
	health_note_attempt(health, rows[1], HEALTH_BROKEN, 500, 0, NOW + 1);
	row = numbered_row(health, HEALTH_ROWS, NOW + 1000);
	EXPECT(row.id != 0 && row.index == rows[1].index, "the oldest that has nothing in flight is taken over");
	EXPECT(health_find(other, rows[1].id, NOW).id == 0 && health_find(other, rows[0].id, NOW).id != 0, "and no other");
	EXPECT(count(health, row, HEALTH_BROKEN) == 0, "nothing of what it was is left");
	EXPECT(view(health, rows[0], NOW).in_flight == 1, "in flight");
	health_note_attempt(health, rows[1], HEALTH_BROKEN, 500, 0, NOW);
	EXPECT(count(health, row, HEALTH_BROKEN) == 0, "a note on a row that is no more goes nowhere");
	health_release(other, &claim);
	for (int i = 0; i < 3 * HEALTH_ROWS; i++)
		EXPECT(numbered_row(health, 1000 + i, NOW + 2000 + (uint64_t)i).id != 0, "as often as it takes");
	health_close(health);
	health_close(other);
	return passed;
}

static bool
claims(void)
{
	struct health *a, *b;
	struct health_claim claims[8], none;
	struct health_row row;
	bool passed = true;

	unlink(path);
	a = health_open_at(path);
	b = health_open_at(path);
	row = health_row(a, &acme, NOW);
	for (int i = 0; i < 3; i++)
		EXPECT(health_claim(i % 2 ? a : b, row, 3, NOW, &claims[i]) == HEALTH_CLAIMED, "three of three");
	EXPECT(view(a, row, NOW).in_flight == 3, "in flight");
	EXPECT(health_claim(a, row, 3, NOW, &none) == HEALTH_IS_FULL && health_claim(b, row, 3, NOW, &none) == HEALTH_IS_FULL, "no fourth");
	health_release(a, &none);
	EXPECT(health_claim(b, row, 0, NOW, &claims[3]) == HEALTH_CLAIMED, "without a limit");
	health_claim_anyway(a, row, NOW, &claims[4]);
	EXPECT(view(b, row, NOW).in_flight == 5, "five");
	health_release(b, &claims[0]);
	health_release(a, &claims[1]);
	health_release(b, &claims[2]);
	EXPECT(health_claim(a, row, 3, NOW, &claims[0]) == HEALTH_CLAIMED, "there is room again");
	health_release(a, &claims[0]);
	health_release(a, &claims[0]);
	EXPECT(view(b, row, NOW).in_flight == 2, "a claim is given back once");
	health_close(a);
	EXPECT(view(b, row, NOW).in_flight == 1, "who closes gives back");
	health_close(b);
	return passed;
}

static bool
tries_once(void)
{
	struct health *a, *b;
	struct health_claim first, second, third;
	struct health_row row;
	bool passed = true;

	unlink(path);
	a = health_open_at(path);
	b = health_open_at(path);
	row = health_row(a, &acme, NOW);
	health_note_attempt(a, row, HEALTH_LIMITED, 429, 5000, NOW);
	EXPECT(health_claim(b, row, 0, NOW + 4999, &first) == HEALTH_IS_COOLING, "it cools");
	EXPECT(view(b, row, NOW + 4999).state == HEALTH_COOLING && view(b, row, NOW + 4999).until == NOW + 5000, "until then");
	EXPECT(health_claim(b, row, 0, NOW + 5000, &first) == HEALTH_CLAIMED && first.trial != 0, "then one gets the trial");
	EXPECT(health_claim(a, row, 0, NOW + 5000, &second) == HEALTH_IS_TRIED, "and no other");
	EXPECT(view(a, row, NOW + 5000).trial && view(a, row, NOW + 5000).in_flight == 1, "which one sees");
	health_claim_anyway(a, row, NOW + 5000, &third);
	EXPECT(third.trial == 0 && third.counted, "but one that has nowhere else to go");
	health_release(a, &third);
	health_note_attempt(b, row, HEALTH_LIMITED, 429, 0, NOW + 5100);
	health_release(b, &first);
	EXPECT(health_claim(a, row, 0, NOW + 5100, &second) == HEALTH_IS_COOLING, "a trial that failed cools");
	EXPECT(health_claim(a, row, 0, NOW + 7200, &second) == HEALTH_CLAIMED && second.trial != 0, "the next trial");
	health_release(a, &second);
	EXPECT(health_claim(b, row, 0, NOW + 7200, &first) == HEALTH_CLAIMED && first.trial != 0, "given back without a word");
	health_note_began(b, &first, 300, NOW + 7300);
	EXPECT(health_claim(a, row, 0, NOW + 7300, &second) == HEALTH_CLAIMED && second.trial == 0, "content ends the trial");
	EXPECT(view(a, row, NOW + 7300).state == HEALTH_CLEAR && view(a, row, NOW + 7300).recovered == NOW + 7300, "recovered");
	health_note_attempt(a, row, HEALTH_LIMITED, 429, 5000, NOW + 8000);
	EXPECT(health_claim(b, row, 0, NOW + 13000, &third) == HEALTH_CLAIMED && third.trial != 0, "a trial");
	EXPECT(health_claim(a, row, 0, NOW + 13000 + HEALTH_TRIAL_MS_MAX, &second) == HEALTH_CLAIMED && second.trial != 0,
	    "that nobody hears of ends");
	health_close(a);
	health_close(b);
	return passed;
}

static bool
cools_kin(void)
{
	struct health *health;
	struct health_row row, key2, model2, other;
	bool passed = true;

	unlink(path);
	health = health_open_at(path);
	row = health_row(health, &acme, NOW);
	key2 = health_row(health, &(struct health_names){ "acme", "model-1", "env:KEY2" }, NOW);
	model2 = health_row(health, &(struct health_names){ "acme", "model-2", "env:ACME_KEY" }, NOW);
	other = health_row(health, &(struct health_names){ "bcme", "model-1", "env:ACME_KEY" }, NOW);
	health_note_attempt(health, row, HEALTH_LIMITED, 429, 0, NOW);
	EXPECT(view(health, row, NOW).state == HEALTH_COOLING && view(health, key2, NOW).state == HEALTH_CLEAR &&
	    view(health, model2, NOW).state == HEALTH_CLEAR, "a limit is one key's");
	health_note_attempt(health, row, HEALTH_BUSY, 529, 0, NOW);
	EXPECT(view(health, key2, NOW).why == HEALTH_BUSY && view(health, model2, NOW).state == HEALTH_CLEAR, "busy is a target's");
	health_note_attempt(health, row, HEALTH_KEY, 401, 0, NOW);
	EXPECT(view(health, model2, NOW).why == HEALTH_KEY && view(health, key2, NOW).why == HEALTH_BUSY, "a refused key is refused for all models");
	EXPECT(view(health, other, NOW).state == HEALTH_CLEAR, "another provider's is not");
	EXPECT(count(health, row, HEALTH_KEY) == 1 && count(health, model2, HEALTH_KEY) == 0, "it is counted where it was");
	row = health_row(health, &(struct health_names){ "local", "a", "" }, NOW);
	other = health_row(health, &(struct health_names){ "local", "b", "" }, NOW);
	health_note_attempt(health, row, HEALTH_KEY, 403, 0, NOW);
	EXPECT(view(health, row, NOW).state == HEALTH_COOLING && view(health, other, NOW).state == HEALTH_CLEAR, "no key has no models");
	health_close(health);
	return passed;
}

static bool
notes_answers(void)
{
	struct health_answer answer = { .result = HEALTH_COMPLETE, .status = 200, .input_tokens = 10, .output_tokens = 100,
		.cache_read_tokens = 3, .cache_creation_tokens = 4, .first_ms = 500, .total_ms = 2500 };
	struct health_claim claim;
	struct health_sight sight;
	struct health *health;
	struct health_row row;
	uint32_t at = 0;
	bool passed = true;

	unlink(path);
	health = health_open_at(path);
	row = health_row(health, &acme, NOW);
	health_claim(health, row, 0, NOW, &claim);
	health_note_began(health, &claim, 500, NOW);
	health_note_answer(health, row, &answer, NOW);
	health_release(health, &claim);
	EXPECT(health_next(health, &at, NOW, &sight) && sight.results[HEALTH_COMPLETE] == 1 && sight.requests == 1, "counts");
	EXPECT(sight.tokens[0] == 10 && sight.tokens[1] == 100 && sight.tokens[2] == 3 && sight.tokens[3] == 4, "tokens");
	EXPECT(sight.view.first_us == 500000 && sight.view.first_at == NOW / 1000 * 1000, "time to first content");
	EXPECT(sight.view.rate_milli == 50000, "tokens a second");
	EXPECT(sight.first_sum == 500 && sight.total_sum == 2500 && sight.first_counts[4] == 1 && sight.total_counts[9] == 1, "histograms");
	at = 1000000;
	EXPECT(!health_next(health, &at, NOW, &sight), "beyond the last row");
	answer.status = 429;
	answer.result = HEALTH_UPSTREAM_ERROR;
	for (int i = 0; i < 5; i++)
		health_note_answer(health, row, &answer, NOW);
	EXPECT(view(health, row, NOW).state == HEALTH_CLEAR, "an error that is passed on was an attempt's");
	answer.status = 200;
	answer.result = HEALTH_CANCELLED;
	for (int i = 0; i < 5; i++)
		health_note_answer(health, row, &answer, NOW);
	EXPECT(view(health, row, NOW).state == HEALTH_CLEAR && count(health, row, HEALTH_CUT) == 0, "who goes away is no fault");
	answer.result = HEALTH_TRUNCATED;
	for (int i = 0; i < 3; i++) {
		EXPECT(view(health, row, NOW).state == HEALTH_CLEAR, "not yet");
		health_claim_anyway(health, row, NOW, &claim);
		health_note_began(health, &claim, 500, NOW);
		health_note_answer(health, row, &answer, NOW);
		health_release(health, &claim);
	}
	EXPECT(view(health, row, NOW).why == HEALTH_CUT && view(health, row, NOW).state == HEALTH_COOLING, "who cuts every answer is not healthy");
	EXPECT(count(health, row, HEALTH_CUT) == 3 && view(health, row, NOW).failed == NOW, "counted");
	EXPECT(health_turn(health, row, NOW) == 0 && health_turn(health, row, NOW) == 1, "turns");
	health_forget(health, row, NOW);
	EXPECT(view(health, row, NOW).state == HEALTH_CLEAR && count(health, row, HEALTH_CUT) == 0 && health_find(health, row.id, NOW).id == row.id,
	    "forgotten");
	health_close(health);
	return passed;
}

static bool
remembers_recent_times(void)
{
	struct health_claim claim = { 0 };
	struct health *health;
	bool passed = true;

	unlink(path);
	health = health_open_at(path);
	claim.row = health_row(health, &acme, NOW);
	for (uint64_t i = 1; i < 8; i++)
		health_note_began(health, &claim, i, NOW);
	EXPECT(health_recent(health, claim.row, 95) == 0, "seven are too few");
	for (uint64_t i = 0; i < 1000; i++)
		health_note_began(health, &claim, 1 + (i * 37) % 64, NOW);
	EXPECT(health_recent(health, claim.row, 50) == 33 && health_recent(health, claim.row, 95) == 61, "percentiles");
	EXPECT(health_recent(health, claim.row, 100) == 64 && health_recent(health, claim.row, 0) == 1, "the ends");
	health_close(health);
	return passed;
}

/* Files that are no table, or no longer one */

/* Whether the table is a file that works, and how many warnings there were. */
static bool
works(const char *where, bool shared, int warnings)
{
	struct health *health;
	struct health_row row;
	bool passed = true;

	told();
	health = health_open_at(where);
	EXPECT((health_path(health) != NULL) == shared, shared ? "it is shared" : "it is private");
	EXPECT(told() == warnings, "warnings");
	row = health_row(health, &acme, NOW);
	health_note_attempt(health, row, HEALTH_BROKEN, 500, 0, NOW);
	EXPECT(row.id != 0 && count(health, row, HEALTH_BROKEN) == 1, "it works");
	health_close(health);
	return passed;
}

static bool
mends_files(void)
{
	uint32_t version = 77;
	char garbage[5000];
	bool passed = true;

	memset(garbage, 'x', sizeof garbage);
	unlink(path);
	EXPECT(works(path, true, 0), "none there");
	patch(offsetof(struct health_table, header.version), &version, sizeof version);
	EXPECT(works(path, true, 1) && exists("health.v77"), "another version");
	patch(offsetof(struct health_table, header.rows), &version, sizeof version);
	EXPECT(works(path, true, 1) && exists("health.damaged"), "another count of rows");
	unlink(in_folder("health.damaged"));
	if (truncate(path, 100) != 0)
		abort();
	EXPECT(works(path, true, 1) && exists("health.damaged"), "one that was cut");
	if (truncate(path, 10) != 0)
		abort();
	EXPECT(works(path, true, 1), "one that was cut in its header");
	if (truncate(path, sizeof(struct health_table) + 1) != 0)
		abort();
	EXPECT(works(path, true, 1), "one that is too long");
	put_file(path, garbage, sizeof garbage, 0644);
	EXPECT(works(path, true, 1), "garbage, of mode 644");
	put_file(path, "", 0, 0600);
	EXPECT(works(path, true, 0), "an empty one");
	put_file(path, "", 0, 0600);
	if (truncate(path, sizeof(struct health_table)) != 0)
		abort();
	EXPECT(works(path, true, 0), "one whose making was cut short");
	return passed;
}

static bool
does_without(void)
{
	char deep[PATH_BYTES_MAX + 100];
	bool passed = true;

	memset(deep, 'd', sizeof deep);
	deep[sizeof deep - 1] = '\0';
	unlink(path);
	EXPECT(works("/proc/lb-health-test/health", false, 1), "a folder that cannot be made");
	EXPECT(works(in_folder("no/such/health"), false, 1), "a path of two folders that are missing");
	EXPECT(works(in_folder("new/health"), true, 0) && exists("new/health"), "a folder is made");
	unlink(in_folder("new/health"));
	rmdir(in_folder("new"));
	if (symlink(in_folder("elsewhere"), path) != 0)
		abort();
	EXPECT(works(path, false, 1) && !exists("elsewhere"), "a symbolic link");
	unlink(path);
	if (mkfifo(path, 0600) != 0)
		abort();
	EXPECT(works(path, false, 1), "a FIFO");
	unlink(path);
	if (mkdir(path, 0700) != 0)
		abort();
	EXPECT(works(path, false, 1), "a folder");
	rmdir(path);
	EXPECT(works("/dev/zero", false, 1), "a device");
	EXPECT(works("/dev/null", false, 0), "none, as was asked for");
	EXPECT(health_open_at(deep) == NULL, "a path that is too long");
	return passed;
}

/* Whether the table does without its file where that may not grow so large: there is no signal, and no half of a file. */
static bool
minds_limits(void)
{
	int status;
	pid_t pid;

	unlink(path);
	if ((pid = fork()) == 0) {
		struct rlimit limit = { 65536, 65536 };

		_exit(setrlimit(RLIMIT_FSIZE, &limit) == 0 && works(path, false, 1) ? 0 : 1);
	}
	return waitpid(pid, &status, 0) == pid && status == 0 && works(path, true, 0);
}

/* A disk that is full, and one that cannot be written, in a name space of the child's own. */
static bool
minds_disks(void)
{
	int status;
	pid_t pid;

	mkdir(in_folder("disk"), 0700);
	if ((pid = fork()) == 0) {
		const char *disk = in_folder("disk"), *file = in_folder("disk/health");
		struct stat st;
		bool passed = true;

		if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		    mount("none", disk, "tmpfs", 0, "size=1m") != 0)
			_exit(77);
		EXPECT(works(file, false, 1) && stat(file, &st) == 0 && st.st_blocks == 0, "a full disk, of which nothing is kept");
		EXPECT(mount("none", disk, "tmpfs", MS_REMOUNT, "size=9m") == 0 && works(file, true, 0), "there is room again");
		EXPECT(mount("none", disk, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL) == 0 && works(file, false, 1), "a read-only one");
		_exit(passed ? 0 : 1);
	}
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 77)
		printf("# not done: disks that are full need root\n");
	return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
}

/* What the environment says, in its order. */
static bool
finds_its_place(void)
{
	struct health_place place;
	char tmp[64];
	bool passed = true;

	snprintf(tmp, sizeof tmp, "/tmp/lb-%lu/health", (unsigned long)geteuid());
	setenv("LB_STATE", in_folder("state"), 1);
	setenv("RUNTIME_DIRECTORY", in_folder("a:/run/b"), 1);
	setenv("XDG_RUNTIME_DIR", folder, 1);
	EXPECT(health_place_find(&place, NULL) && strcmp(buf_data(&place.path), in_folder("state")) == 0, "LB_STATE");
	EXPECT(strcmp(buf_data(&place.folder), folder) == 0 && !place.own && strcmp(health_place_name(&place), "state") == 0, "its folder");
	health_place_free(&place);
	setenv("LB_STATE", "", 1);
	EXPECT(health_place_find(&place, NULL) && strcmp(buf_data(&place.path), in_folder("a/health")) == 0 && !place.own, "RUNTIME_DIRECTORY");
	health_place_free(&place);
	unsetenv("RUNTIME_DIRECTORY");
	EXPECT(health_place_find(&place, NULL) && strcmp(buf_data(&place.path), in_folder("lb/health")) == 0 && place.own, "XDG_RUNTIME_DIR");
	health_place_free(&place);
	setenv("XDG_RUNTIME_DIR", in_folder("gone"), 1);
	EXPECT(health_place_find(&place, NULL) && strcmp(buf_data(&place.path), tmp) == 0 && place.own, "one that is not there");
	health_place_free(&place);
	unsetenv("XDG_RUNTIME_DIR");
	EXPECT(health_place_find(&place, NULL) && strcmp(buf_data(&place.path), tmp) == 0, "none");
	health_place_free(&place);
	EXPECT(health_place_find(&place, "name") && strcmp(buf_data(&place.folder), ".") == 0, "a name without a folder");
	health_place_free(&place);
	EXPECT(health_place_find(&place, "/name") && strcmp(buf_data(&place.folder), "/") == 0, "the root folder");
	health_place_free(&place);
	return passed;
}

/* A folder that is to be lb's own must be nobody else's. */
static bool
distrusts_folders(void)
{
	struct health_place place;
	const char *why = "";
	bool passed = true;
	int fd;

	setenv("XDG_RUNTIME_DIR", folder, 1);
	if (!health_place_find(&place, NULL))
		abort();
	unsetenv("XDG_RUNTIME_DIR");
	EXPECT((fd = health_place_open(&place, &why)) >= 0 && close(fd) == 0, "made");
	EXPECT((fd = health_place_open(&place, &why)) >= 0 && close(fd) == 0, "there");
	chmod(in_folder("lb"), 0770);
	EXPECT(health_place_open(&place, &why) < 0, "open to others");
	rmdir(in_folder("lb"));
	mkdir(in_folder("target"), 0700);
	if (symlink("target", in_folder("lb")) != 0)
		abort();
	EXPECT(health_place_open(&place, &why) < 0, "a symbolic link");
	unlink(in_folder("lb"));
	rmdir(in_folder("target"));
	if (geteuid() == 0) {
		mkdir(in_folder("lb"), 0700);
		if (chown(in_folder("lb"), 12345, 12345) != 0)
			abort();
		EXPECT(health_place_open(&place, &why) < 0, "another user's");
		rmdir(in_folder("lb"));
	}
	put_file(in_folder("lb"), "", 0, 0600);
	EXPECT(health_place_open(&place, &why) < 0, "a file");
	unlink(in_folder("lb"));
	health_place_free(&place);
	return passed;
}

/* Files that change under the map */

static bool
outlives_truncation(void)
{
	struct health *health;
	struct health_claim claim;
	struct health_row row;
	bool passed = true;

	unlink(path);
	told();
	health = health_open_at(path);
	row = health_row(health, &acme, clock_unix_ms());
	health_claim_anyway(health, row, clock_unix_ms(), &claim);
	if (truncate(path, 0) != 0)
		abort();
	/* Within the second in which nobody looks at the file. */
	health_note_attempt(health, row, HEALTH_BROKEN, 500, 0, NOW);
	health_release(health, &claim);
	EXPECT(view(health, row, health->checked).in_flight == 0, "it goes on");
	row = health_row(health, &acme, health->checked + HEALTH_CHECK_MS);
	EXPECT(row.id != 0 && told() == 0, "the empty file is made a table again");
	health_note_attempt(health, row, HEALTH_BROKEN, 500, 0, NOW);
	health_close(health);
	health = health_open_at(path);
	EXPECT(count(health, health_find(health, row.id, NOW), HEALTH_BROKEN) == 1, "which others see");
	health_close(health);
	return passed;
}

static bool
follows_its_path(void)
{
	struct health *health, *other;
	struct health_claim claims[2];
	struct health_row row;
	uint64_t now;
	bool passed = true;

	unlink(path);
	health = health_open_at(path);
	now = health->checked;
	row = health_row(health, &acme, now);
	health_claim_anyway(health, row, now, &claims[0]);
	health_claim_anyway(health, row, now, &claims[1]);
	health_note_attempt(health, row, HEALTH_LIMITED, 429, 60000, now);
	unlink(path);
	EXPECT(view(health, row, now).state == HEALTH_COOLING, "for a moment it is the old one");
	EXPECT(view(health, row, now + HEALTH_CHECK_MS).state == HEALTH_CLEAR, "deleting the file resets the state");
	other = health_open_at(path);
	EXPECT(view(other, row, now + HEALTH_CHECK_MS).in_flight == 2, "but for what is in flight");
	health_release(health, &claims[0]);
	health_release(health, &claims[1]);
	EXPECT(view(other, row, now + HEALTH_CHECK_MS).in_flight == 0, "which is given back there");
	health_close(other);
	/* A table of a later version that came into its place is not touched. */
	rename(path, in_folder("health.v0"));
	put_file(path, "", 0, 0600);
	health_close(health_open_at(path));
	patch(offsetof(struct health_table, header.version), &(uint32_t){ 78 }, 4);
	told();
	EXPECT(health_row(health, &acme, now + 2 * HEALTH_CHECK_MS).id == row.id && told() == 1, "another version's");
	EXPECT(health_row(health, &acme, now + 3 * HEALTH_CHECK_MS).id == row.id && told() == 0, "is told of once");
	EXPECT(!exists("health.v78"), "and not renamed by who runs");
	health_close(health);
	return passed;
}

/* A table of any octets behind its header: nothing is read or written beyond it, nothing hangs. */
static bool
survives_any_table(void)
{
	uint32_t seed = 4711;
	bool passed = true;

	for (int round = 0; round < 30; round++) {
		struct health_sight sight;
		struct health_claim claim;
		struct health_row row;
		struct health *health;
		uint64_t *words;
		size_t from = offsetof(struct health_table, header.swept) / 8, n = sizeof(struct health_table) / 8;

		unlink(path);
		health = health_open_at(path);
		words = (uint64_t *)health->file.table;
		for (size_t i = from; i < n; i++) {
			seed = seed * 1664525 + 1013904223;
			words[i] = round % 3 == 0 ? UINT64_MAX : (uint64_t)seed << 32 | (seed * 31);
		}
		row = health_row(health, &acme, NOW);
		for (uint32_t at = 0; health_next(health, &at, NOW, &sight);) {
			(void)health_claim(health, sight.row, 5, NOW, &claim);
			health_note_attempt(health, sight.row, HEALTH_KEY, 401, 0, NOW);
			health_note_began(health, &claim, 1, NOW);
			health_note_answer(health, sight.row, &(struct health_answer){ .status = 200 }, NOW);
			(void)health_recent(health, sight.row, 95);
			health_release(health, &claim);
		}
		EXPECT(health_find(health, row.id, NOW).id == row.id, "rows");
		health_close(health);
	}
	return passed;
}

static bool
takes_no_table(void)
{
	struct health_row row = { 5, 5 };
	struct health_claim claim;
	struct health_sight sight;
	uint32_t at = 0;
	bool passed = true;

	EXPECT(health_row(NULL, &acme, NOW).id == 0 && health_find(NULL, 5, NOW).id == 0 && health_path(NULL) == NULL, "rows");
	EXPECT(health_claim(NULL, row, 1, NOW, &claim) == HEALTH_CLAIMED, "claims");
	health_claim_anyway(NULL, row, NOW, &claim);
	health_note_began(NULL, &claim, 1, NOW);
	health_note_attempt(NULL, row, HEALTH_BUSY, 529, 0, NOW);
	health_note_answer(NULL, row, &(struct health_answer){ 0 }, NOW);
	health_release(NULL, &claim);
	EXPECT(view(NULL, row, NOW).state == HEALTH_CLEAR && health_turn(NULL, row, NOW) == 0 && !health_next(NULL, &at, NOW, &sight), "views");
	EXPECT(health_recent(NULL, row, 50) == 0, "times");
	health_forget(NULL, row, NOW);
	health_close(NULL);
	return passed;
}

static bool
writes_ids(void)
{
	struct buf out = BUF_INIT(100);
	struct json id = { "\"00000000000000ff\"", 18 };
	bool passed = true;

	health_put_id(&out, 255);
	EXPECT(buf_len(&out) == 16 && memcmp(buf_data(&out), "00000000000000ff", 16) == 0 && health_parse_id(id) == 255, "an id");
	id.len = 17;
	EXPECT(health_parse_id(id) == 0 && health_parse_id((struct json){ "\"00000000000000fg\"", 18 }) == 0 &&
	    health_parse_id((struct json){ "123456789012345678", 18 }) == 0 && health_parse_id((struct json){ NULL, 0 }) == 0, "none");
	for (int i = 0; i < HEALTH_RESULTS; i++) {
		buf_clear(&out);
		buf_printf(&out, "\"%s\"", health_result_name((enum health_result)i));
		EXPECT(health_parse_result((struct json){ buf_data(&out), buf_len(&out) }) == (enum health_result)i, "results");
	}
	EXPECT(health_parse_result((struct json){ "\"new\"", 5 }) == HEALTH_TRUNCATED, "an unknown result");
	buf_free(&out);
	return passed;
}

int
main(void)
{
	int terminal = dup(STDERR_FILENO);

	if (mkdtemp(folder) == NULL || (told_fd = open(in_folder("told"), O_RDWR | O_CREAT | O_APPEND, 0600)) < 0)
		abort();
	snprintf(path, sizeof path, "%s/health", folder);
	dup2(told_fd, STDERR_FILENO);
	TEST(finds_rows(), "rows are found by their names, from every process, and stay");
	TEST(tells_names_apart(), "long names and hashes that collide are told apart");
	TEST(makes_rows_once(), "a row is made once");
	TEST(takes_rows_over(), "where all rows are used, the oldest that is idle is taken over");
	TEST(claims(), "claims are counted over all processes, up to a limit");
	TEST(tries_once(), "a half-open row is tried once");
	TEST(cools_kin(), "busy cools all keys of a target, a refused key all models of its provider");
	TEST(notes_answers(), "results, tokens, times");
	TEST(remembers_recent_times(), "percentiles of the last times to first content");
	TEST(mends_files(), "files that are no table are set aside");
	TEST(does_without(), "without a file the memory is private, with one warning");
	TEST(minds_limits(), "a limit on files' sizes is minded");
	TEST(minds_disks(), "a full disk and a read-only one are done without");
	TEST(finds_its_place(), "the environment says where");
	TEST(distrusts_folders(), "a folder that others can write is not used");
	TEST(outlives_truncation(), "a file that is cut short under the map kills nobody");
	TEST(follows_its_path(), "a file that is deleted resets the state, but for what is in flight");
	TEST(survives_any_table(), "any octets are a table");
	TEST(takes_no_table(), "no table at all");
	TEST(writes_ids(), "ids and results as text");
	dup2(terminal, STDERR_FILENO);
	if (test_failures == 0) {
		char command[PATH_BYTES_MAX + 10];

		snprintf(command, sizeof command, "rm -rf %s", folder);
		if (system(command) != 0)
			return EXIT_FAILURE;
	}
	return test_exit();
}
