/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "health/internal.h"

static uint64_t
load(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static void
read_line(const struct health *health, const struct health_line *line, uint32_t index, uint64_t now, struct health_view *view)
{
	struct health_cool cool = health_cool_unpack(atomic_load(&line->cool));
	struct health_average first = health_average_unpack(load(&line->first)), rate = health_average_unpack(load(&line->rate));

	*view = (struct health_view){
		.state = health_cool_state(cool, now),
		.why = cool.why,
		.until = cool.why != HEALTH_NONE ? cool.until : 0,
		.failures = cool.failures,
		.in_flight = health_slot_count(health, index),
		.first_us = first.value,
		.first_at = (uint64_t)first.at * 1000,
		.rate_milli = rate.value,
		.rate_at = (uint64_t)rate.at * 1000,
		.recovered = load(&line->recovered),
		.failed = load(&line->failed),
	};
	view->trial = view->state == HEALTH_HALF_OPEN && health_trial_is_held(atomic_load(&line->trial), now);
}

void
health_read(struct health *health, struct health_row row, uint64_t now, struct health_view *view)
{
	const struct health_line *line;

	*view = (struct health_view){ 0 };
	if (health != NULL)
		health_check(health, now);
	if ((line = health_line(health, &row)) != NULL)
		read_line(health, line, row.index, now, view);
}

uint64_t
health_turn(struct health *health, struct health_row row, uint64_t now)
{
	struct health_line *line = health_line(health, &row);

	if (line == NULL)
		return 0;
	atomic_store_explicit(&line->touched, now, memory_order_relaxed);
	return atomic_fetch_add_explicit(&line->turn, 1, memory_order_relaxed);
}

uint32_t
health_recent(struct health *health, struct health_row row, unsigned percent)
{
	const struct health_line *line = health_line(health, &row);
	uint32_t times[HEALTH_RECENT];
	size_t n = 0;

	for (size_t i = 0; line != NULL && i < HEALTH_RECENT; i++) {
		uint32_t time = atomic_load_explicit(&line->recent[i], memory_order_relaxed);
		size_t at = n;

		if (time == 0)
			continue;
		for (n++; at > 0 && times[at - 1] > time - 1; at--)
			times[at] = times[at - 1];
		times[at] = time - 1;
	}
	if (n < 8)
		return 0;
	return times[percent < 100 ? n * percent / 100 : n - 1];
}

static void
read_counts(const struct health_line *line, struct health_sight *sight)
{
	uint32_t fault = atomic_load(&line->failed_fault), status = atomic_load(&line->failed_status);

	sight->made = load(&line->made);
	sight->touched = load(&line->touched);
	sight->failed_fault = fault < HEALTH_FAULTS ? (enum health_fault)fault : HEALTH_NONE;
	sight->failed_status = status < 1000 ? (int)status : 0;
	sight->requests = load(&line->requests);
	sight->trials = load(&line->trials);
	sight->first_sum = load(&line->first_sum);
	sight->total_sum = load(&line->total_sum);
	for (size_t i = 0; i < HEALTH_RESULTS; i++)
		sight->results[i] = load(&line->results[i]);
	for (size_t i = 0; i < HEALTH_FAULTS; i++)
		sight->faults[i] = load(&line->faults[i]);
	for (size_t i = 0; i < 4; i++)
		sight->tokens[i] = load(&line->tokens[i]);
	for (size_t i = 0; i < HEALTH_BUCKETS; i++) {
		sight->first_counts[i] = load(&line->first_counts[i]);
		sight->total_counts[i] = load(&line->total_counts[i]);
	}
}

bool
health_next(struct health *health, uint32_t *at, uint64_t now, struct health_sight *sight)
{
	if (health == NULL)
		return false;
	if (*at == 0)
		health_check(health, now);
	for (; *at < HEALTH_ROWS; (*at)++) {
		const struct health_line *line = &health->file.table->lines[*at];
		uint64_t id = atomic_load(&health->file.table->ids[*at]);

		if (id <= HEALTH_ID_MAKING)
			continue;
		sight->row = (struct health_row){ id, *at };
		health_line_name(line->provider, &line->provider_len, PROVIDER_NAME_MAX, sight->provider);
		health_line_name(line->model, &line->model_len, HEALTH_MODEL_MAX, sight->model);
		health_line_name(line->key, &line->key_len, HEALTH_KEY_MAX, sight->key);
		read_line(health, line, *at, now, &sight->view);
		read_counts(line, sight);
		/* It was taken over for another meanwhile. */
		if (atomic_load(&health->file.table->ids[*at]) != id)
			continue;
		(*at)++;
		return true;
	}
	return false;
}
