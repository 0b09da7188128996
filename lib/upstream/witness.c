/* SPDX-License-Identifier: MIT */
#include "upstream/witness.h"

#include "base/clock.h"
#include "base/limits.h"

/* What a JSON string says, as far as the table needs it; "" for none. */
static const char *
text_of(struct json string, struct buf *room)
{
	const char *text = string.len > 0 && json_decode(string, room) ? buf_str(room) : NULL;

	return text != NULL ? text : "";
}

void
witness_begin(struct witness *witness, struct health *health, const struct witness_of *of)
{
	struct buf model = BUF_INIT(RECORD_HEADER_MAX), key = BUF_INIT(RECORD_HEADER_MAX);
	struct health_names names = { of->provider, text_of(of->model, &model), text_of(of->key, &key) };
	uint64_t now = clock_unix_ms();
	struct health_row row;

	witness_end(witness, health);
	row = health_row(health, &names, now);
	witness->row = row.id;
	witness->own_key = of->own_key;
	health_claim_anyway(health, row, now, &witness->claim);
	buf_free(&model);
	buf_free(&key);
}

static enum health_fault
fault_of(const struct witness *witness, enum fault fault)
{
	static const enum health_fault faults[FAULT_COUNT] = {
		[FAULT_LIMITED] = HEALTH_LIMITED,
		[FAULT_BUSY] = HEALTH_BUSY,
		[FAULT_TIMEOUT] = HEALTH_TIMEOUT,
		[FAULT_BROKEN] = HEALTH_BROKEN,
		[FAULT_KEY] = HEALTH_KEY,
		[FAULT_MODEL] = HEALTH_MODEL,
		[FAULT_TOO_LONG] = HEALTH_TOO_LONG,
		[FAULT_REQUEST] = HEALTH_REQUEST,
		[FAULT_SKIPPED] = HEALTH_SKIPPED,
	};

	return fault == FAULT_KEY && witness->own_key ? HEALTH_REQUEST : faults[fault];
}

void
witness_failed(struct witness *witness, struct health *health, enum fault fault, int status, uint64_t wait_ms)
{
	health_note_attempt(health, witness->claim.row, fault_of(witness, fault), status, wait_ms, clock_unix_ms());
	witness_end(witness, health);
}

void
witness_began(struct witness *witness, struct health *health, uint64_t first_ms)
{
	health_note_began(health, &witness->claim, first_ms, clock_unix_ms());
}

void
witness_end(struct witness *witness, struct health *health)
{
	health_release(health, &witness->claim);
}
