/* SPDX-License-Identifier: MIT */
#include "health/internal.h"

#include <string.h>

const uint32_t health_bounds[HEALTH_BUCKETS - 1] = { 50, 100, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 5000, 7500, 10000,
	20000, 30000, 60000, 120000, 300000, 600000 };

/* A rate of tokens is no rate before there are a few of them and a while. */
enum { RATE_TOKENS_MIN = 8, RATE_MS_MIN = 50 };

/* What changes a cool-down. */
struct event {
	enum { EVENT_FAILED, EVENT_BEGAN, EVENT_DONE } kind;
	enum health_fault fault;
	uint64_t retry_after_ms;
};

static void
add(_Atomic uint64_t *to, uint64_t n)
{
	atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static void
touch(struct health_line *line, uint64_t now)
{
	atomic_store_explicit(&line->touched, now, memory_order_relaxed);
}

static struct health_cool
apply(struct health_cool cool, const struct event *event, uint64_t now)
{
	switch (event->kind) {
	case EVENT_FAILED:
		return health_cool_failed(cool, event->fault, event->retry_after_ms, now);
	case EVENT_BEGAN:
		return health_cool_began(cool, now);
	default:
		return health_cool_done(cool, now);
	}
}

static void
change(struct health_line *line, const struct event *event, uint64_t now)
{
	uint64_t old = atomic_load(&line->cool), new;
	struct health_cool before, after;

	do {
		before = health_cool_unpack(old);
		after = apply(before, event, now);
		new = health_cool_pack(after);
	} while (new != old && !atomic_compare_exchange_weak(&line->cool, &old, new));
	if (before.why != HEALTH_NONE && after.why == HEALTH_NONE)
		atomic_store(&line->recovered, now);
}

static void
average(_Atomic uint64_t *word, uint64_t sample, uint64_t now)
{
	uint64_t old = atomic_load(word), new;

	if (sample > UINT32_MAX)
		sample = UINT32_MAX;
	do
		new = health_average_pack(health_average_add(health_average_unpack(old), (uint32_t)sample, now));
	while (!atomic_compare_exchange_weak(word, &old, new));
}

static void
count_time(_Atomic uint64_t *counts, uint64_t ms)
{
	size_t i = 0;

	while (i < HEALTH_BUCKETS - 1 && ms > health_bounds[i])
		i++;
	add(&counts[i], 1);
}

static bool
same_name(const _Atomic char *a, const _Atomic uint32_t *a_len, const _Atomic char *b, const _Atomic uint32_t *b_len, size_t max)
{
	char one[HEALTH_MODEL_MAX + 1], other[HEALTH_MODEL_MAX + 1];
	size_t n = health_line_name(a, a_len, max, one);

	return n == health_line_name(b, b_len, max, other) && memcmp(one, other, n < max ? n : max) == 0;
}

/* The other rows that a failure is about too: the target's other keys if it is busy, the key's other models if one is refused. */
static void
change_kin(struct health *health, const struct health_line *line, const struct event *event, uint64_t now)
{
	struct health_table *table = health->file.table;

	if (event->fault != HEALTH_BUSY && (event->fault != HEALTH_KEY || atomic_load(&line->key_len) == 0))
		return;
	for (size_t i = 0; i < HEALTH_ROWS; i++) {
		struct health_line *kin = &table->lines[i];

		if (kin == line || atomic_load(&table->ids[i]) <= HEALTH_ID_MAKING ||
		    !same_name(line->provider, &line->provider_len, kin->provider, &kin->provider_len, PROVIDER_NAME_MAX))
			continue;
		if (event->fault == HEALTH_BUSY
			? same_name(line->model, &line->model_len, kin->model, &kin->model_len, HEALTH_MODEL_MAX)
			: same_name(line->key, &line->key_len, kin->key, &kin->key_len, HEALTH_KEY_MAX))
			change(kin, event, now);
	}
}

static void
note_failure(struct health *health, struct health_line *line, const struct event *event, int status, uint64_t now)
{
	add(&line->faults[event->fault], 1);
	if (event->fault != HEALTH_SKIPPED) {
		atomic_store(&line->failed, now);
		atomic_store(&line->failed_fault, (uint32_t)event->fault);
		atomic_store(&line->failed_status, (uint32_t)status);
	}
	change(line, event, now);
	change_kin(health, line, event, now);
	touch(line, now);
}

void
health_note_attempt(struct health *health, struct health_row row, enum health_fault fault, int status,
    uint64_t retry_after_ms, uint64_t now)
{
	struct health_line *line = health_line(health, &row);
	struct event event = { EVENT_FAILED, fault, retry_after_ms };

	if (line != NULL && fault != HEALTH_NONE && (unsigned)fault < HEALTH_FAULTS)
		note_failure(health, line, &event, status, now);
}

static void
count_first(struct health_line *line, uint64_t ms, uint64_t now)
{
	uint32_t next = atomic_fetch_add_explicit(&line->recent_next, 1, memory_order_relaxed);

	average(&line->first, ms * 1000, now);
	add(&line->first_sum, ms);
	count_time(line->first_counts, ms);
	atomic_store_explicit(&line->recent[next % HEALTH_RECENT], (uint32_t)ms + 1, memory_order_relaxed);
}

void
health_note_began(struct health *health, struct health_claim *claim, uint64_t first_ms, uint64_t now)
{
	struct health_line *line = health_line(health, &claim->row);
	uint64_t ms = first_ms < UINT32_MAX / 1000 ? first_ms : UINT32_MAX / 1000;

	if (line == NULL)
		return;
	if (ms > 0)
		count_first(line, ms, now);
	change(line, &(struct event){ .kind = EVENT_BEGAN }, now);
	health_trial_give(line, claim);
	touch(line, now);
}

/* A time beyond all limits is none. */
static uint64_t
plausible(uint64_t ms)
{
	return ms <= 2 * (uint64_t)LIMIT_MS_MAX ? ms : 2 * (uint64_t)LIMIT_MS_MAX;
}

void
health_note_answer(struct health *health, struct health_row row, const struct health_answer *answer, uint64_t now)
{
	struct health_line *line = health_line(health, &row);
	uint64_t total = plausible(answer->total_ms), first = plausible(answer->first_ms);
	bool succeeded = answer->status >= 200 && answer->status <= 299;

	if (line == NULL || (unsigned)answer->result >= HEALTH_RESULTS)
		return;
	add(&line->results[answer->result], 1);
	add(&line->tokens[0], answer->input_tokens);
	add(&line->tokens[1], answer->output_tokens);
	add(&line->tokens[2], answer->cache_read_tokens);
	add(&line->tokens[3], answer->cache_creation_tokens);
	touch(line, now);
	if (answer->result == HEALTH_CANCELLED || !succeeded)
		return;
	if (answer->result != HEALTH_COMPLETE) {
		note_failure(health, line, &(struct event){ .kind = EVENT_FAILED, .fault = HEALTH_CUT }, answer->status, now);
		return;
	}
	if (total > 0) {
		add(&line->total_sum, total);
		count_time(line->total_counts, total);
	}
	if (answer->output_tokens >= RATE_TOKENS_MIN && answer->output_tokens < UINT32_MAX && first > 0 && total >= first + RATE_MS_MIN)
		average(&line->rate, answer->output_tokens * 1000000 / (total - first), now);
	change(line, &(struct event){ .kind = EVENT_DONE }, now);
}
