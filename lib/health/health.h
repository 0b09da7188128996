/* SPDX-License-Identifier: MIT */
/*
 * The health table (lb-health(5)): what all processes of a user have seen of each target with each of its keys, in one
 * memory-mapped file. No function here fails for want of the table: without one the memory is the process's own, and without
 * a row nothing is remembered. One thread uses a `struct health` at a time. Times are unix ms, `now` is the time now.
 */
#ifndef LB_HEALTH_HEALTH_H
#define LB_HEALTH_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "health/rules.h"

struct health;

/*
 * Opens the table of this environment: the file `$LB_STATE`, else `$RUNTIME_DIRECTORY/health`, else
 * `$XDG_RUNTIME_DIR/lb/health`, else `/tmp/lb-UID/health`. It is made if it is not there; for /dev/null there is none. What is wrong with it is said in one
 * warning, and the table is then the process's own memory. NULL only if there is no memory at all: every function takes
 * that too.
 */
struct health *health_open(void);

/* The same with the file's path. Its folder is made, if only that is missing. */
struct health *health_open_at(const char *path);

/* Gives back what this process has in flight. */
void health_close(struct health *health);

/* The file's path; NULL if the table is this process's own memory. Until the next call of any other function. */
const char *health_path(const struct health *health);

/* Rows */

/* A row. `id` 0: none. */
struct health_row {
	uint64_t id;	/* of provider, model and key; never 1 */
	uint32_t index;	/* where it was last */
};

/* The target's names; NULL is "". `key` is the key's reference, such as `env:NAME`, never its value. */
struct health_names {
	const char *provider;
	const char *model;
	const char *key;
};

/*
 * The row of these names, which is made if there is none; where all are used, in the place of the one that was untouched
 * for longest and has nothing in flight. No row if that cannot be done now.
 */
struct health_row health_row(struct health *health, const struct health_names *names, uint64_t now);

/* The row of that id, if there is one. */
struct health_row health_find(struct health *health, uint64_t id, uint64_t now);

/* An id as records have it: 16 hexadecimal digits. 0 for anything else. */
uint64_t health_parse_id(struct json text);
void health_put_id(struct buf *out, uint64_t id);

/* Deciding */

/* What a decision needs to know of a row, all at one time. All zero: nothing was ever seen. */
struct health_view {
	enum health_state state;
	enum health_fault why;		/* it cools */
	uint64_t until;			/* when the cool-down is over; 0: there is none */
	bool trial;			/* half-open, and somebody has the trial */
	unsigned failures;		/* in a row that count for the breaker */
	uint32_t in_flight;		/* of all processes */
	uint32_t first_us;		/* average time to first content, microseconds */
	uint64_t first_at;		/* when its last sample was; 0: there is none */
	uint32_t rate_milli;		/* average of output tokens a second, thousandths */
	uint64_t rate_at;
	uint64_t recovered;		/* when a cool-down was last lifted; 0: never */
	uint64_t failed;		/* when an attempt last failed; 0: never */
};

void health_read(struct health *health, struct health_row row, uint64_t now, struct health_view *view);

/* The next number of the row's own count, from 0: for those who take turns. */
uint64_t health_turn(struct health *health, struct health_row row, uint64_t now);

/* The time to first content, in ms, that `percent` of the row's last HEALTH_RECENT stayed below; 0 if there were fewer than 8. */
uint32_t health_recent(struct health *health, struct health_row row, unsigned percent);

/* Requests in flight */

enum health_claimed {
	HEALTH_CLAIMED,
	HEALTH_IS_COOLING,
	HEALTH_IS_TRIED,	/* half-open, and somebody has the trial */
	HEALTH_IS_FULL		/* max_in_flight */
};

/* A request in flight. All zero: none. To be given back by health_release; a process that dies gives all of its own back. */
struct health_claim {
	struct health_row row;
	bool counted;
	uint64_t trial;		/* 0: it is not the half-open trial */
};

/*
 * Takes up a request on a row. Of all processes together no more than `max_in_flight` (0: without limit) get one, and of a
 * row that is half-open one gets the trial. Whatever is returned, `claim` may be released.
 */
enum health_claimed health_claim(
    struct health *health, struct health_row row, uint32_t max_in_flight, uint64_t now, struct health_claim *claim);

/* The same without asking: for a request that has nowhere else to go. It is counted, and has the trial if that was free. */
void health_claim_anyway(struct health *health, struct health_row row, uint64_t now, struct health_claim *claim);

/* Gives it back. `claim` is then none. */
void health_release(struct health *health, struct health_claim *claim);

/* Results */

/*
 * An attempt failed before anything was passed on. `status` is HTTP's, 0 if there was none; `retry_after_ms` the wait that
 * was asked for, 0 if none was. Cools the row as rules.h has it; HEALTH_BUSY cools the target with all of its keys, HEALTH_KEY
 * the key with all of its provider's models. To be called before the claim is released, so that nobody gets the trial
 * of a row that is about to cool.
 */
void health_note_attempt(struct health *health, struct health_row row, enum health_fault fault, int status,
    uint64_t retry_after_ms, uint64_t now);

/* The first content came, so long after the attempt began (0: not told). A trial that the claim has is over. */
void health_note_began(struct health *health, struct health_claim *claim, uint64_t first_ms, uint64_t now);

enum health_result {
	HEALTH_COMPLETE,
	HEALTH_TRUNCATED,
	HEALTH_UPSTREAM_ERROR,
	HEALTH_TIMED_OUT,
	HEALTH_CANCELLED,
	HEALTH_REFUSED,
	HEALTH_RESULTS
};

/* As records have it: `complete`, `truncated`, `upstream-error`, `timeout`, `cancelled`, `refused`. */
const char *health_result_name(enum health_result result);

/* Reads such a name, a JSON string. Anything else is HEALTH_TRUNCATED. */
enum health_result health_parse_result(struct json name);

/* How an answer ended. What is not known is 0. */
struct health_answer {
	enum health_result result;
	int status;			/* HTTP's */
	uint64_t input_tokens;
	uint64_t output_tokens;
	uint64_t cache_read_tokens;
	uint64_t cache_creation_tokens;
	uint64_t first_ms;		/* from the attempt's beginning to the first content */
	uint64_t total_ms;		/* and to the end */
};

/*
 * An answer that was passed on has ended. With a status from 200 to 299 a whole one clears the row, and one that broke off
 * counts as HEALTH_CUT; an answer with another status was an attempt's, and is counted only.
 */
void health_note_answer(struct health *health, struct health_row row, const struct health_answer *answer, uint64_t now);

/* The same from the header of an `end` record (lb-record(5)) and the status of its `head`. */
void health_note_end(struct health *health, struct health_row row, int status, struct json end, uint64_t now);

/* Showing */

/* The histograms' upper bounds in ms, each included; the last bucket has none. */
#define HEALTH_BUCKETS 20
extern const uint32_t health_bounds[HEALTH_BUCKETS - 1];

/* All of a row. The names are cut where the table cuts them. */
struct health_sight {
	struct health_row row;
	char provider[PROVIDER_NAME_MAX + 1];
	char model[HEALTH_MODEL_MAX + 1];
	char key[HEALTH_KEY_MAX + 1];
	struct health_view view;
	uint64_t made;
	uint64_t touched;
	enum health_fault failed_fault;
	int failed_status;
	uint64_t requests;		/* claims */
	uint64_t trials;
	uint64_t results[HEALTH_RESULTS];
	uint64_t faults[HEALTH_FAULTS];
	uint64_t tokens[4];		/* input, output, cache read, cache creation */
	uint64_t first_sum;		/* ms */
	uint64_t total_sum;
	uint64_t first_counts[HEALTH_BUCKETS];	/* each bucket alone */
	uint64_t total_counts[HEALTH_BUCKETS];
};

/* The next row from `*at` (0 at first), which is moved on. False behind the last one. */
bool health_next(struct health *health, uint32_t *at, uint64_t now, struct health_sight *sight);

/* Forgets what was seen of a row; what is in flight stays. */
void health_forget(struct health *health, struct health_row row, uint64_t now);

#endif
