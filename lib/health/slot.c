/* SPDX-License-Identifier: MIT */
#include <sched.h>

#include "base/diag.h"
#include "health/internal.h"

/*
 * A slot is a living process's: its lock is held. What the process has in flight stands in a word for each row, which it alone
 * writes; so whatever it dies in the middle of, the words of a slot that nobody holds are what is to be forgotten.
 */

/* A trial's word: whose it is, and since when. A process without a slot is the last possible owner: time ends its trial. */
enum { TRIAL_TIME_BITS = 48, NO_SLOT = 0xfffe };

static uint64_t
trial_word(int slot, uint64_t now)
{
	uint64_t owner = (uint64_t)(slot >= 0 ? slot : NO_SLOT) + 1;

	return owner << TRIAL_TIME_BITS | (now & (((uint64_t)1 << TRIAL_TIME_BITS) - 1));
}

bool
health_trial_is_held(uint64_t trial, uint64_t now)
{
	uint64_t since = trial & (((uint64_t)1 << TRIAL_TIME_BITS) - 1);

	return trial != 0 && now < since + HEALTH_TRIAL_MS_MAX && since < now + HEALTH_TRIAL_MS_MAX;
}

static uint32_t
slots_used(const struct health_table *table)
{
	uint32_t used = atomic_load(&table->header.slots_used);

	return used < HEALTH_SLOTS ? used : HEALTH_SLOTS;
}

/* Empties a slot of which the caller has the lock. */
static void
clean(struct health_table *table, int slot)
{
	for (int i = 0; i < HEALTH_ROWS; i++) {
		uint64_t trial;

		if (atomic_load(&table->ids[i]) == 0)
			continue;
		if (atomic_load(&table->in_flight[i][slot]) != 0)
			atomic_store(&table->in_flight[i][slot], 0);
		trial = atomic_load(&table->lines[i].trial);
		if (trial >> TRIAL_TIME_BITS == (uint64_t)slot + 1)
			(void)atomic_compare_exchange_strong(&table->lines[i].trial, &trial, 0);
	}
}

static bool
try_take(struct health *health, int slot)
{
	struct health_table *table = health->file.table;
	uint32_t used = atomic_load(&table->header.slots_used), end = (uint32_t)slot + 1;

	if (!health_file_lock(&health->file, slot, 0))
		return false;
	while (used < end && !atomic_compare_exchange_weak(&table->header.slots_used, &used, end))
		;
	clean(table, slot);
	atomic_store(&table->taken[slot], 1);
	health->slot = slot;
	return true;
}

void
health_slot_take(struct health *health)
{
	if (health->slot >= 0 || health->no_slot)
		return;
	/* First those that seem free; then those too whose owner may have died. Low ones, so that all that is used lies together. */
	for (int slot = 0; slot < HEALTH_SLOTS; slot++)
		if (atomic_load(&health->file.table->taken[slot]) == 0 && try_take(health, slot))
			return;
	for (int slot = 0; slot < HEALTH_SLOTS; slot++)
		if (try_take(health, slot))
			return;
	health->no_slot = true;
	diag_warning("all %d slots of the health table are taken: this process's requests in flight are not counted", HEALTH_SLOTS);
}

void
health_slot_give(struct health *health)
{
	if (health->slot < 0)
		return;
	clean(health->file.table, health->slot);
	atomic_store(&health->file.table->taken[health->slot], 0);
	health_file_unlock(&health->file, health->slot);
	health->slot = -1;
}

void
health_slot_sweep(struct health *health, uint64_t now)
{
	struct health_table *table = health->file.table;
	uint64_t last = atomic_load(&table->header.swept);

	if (health->file.fd < 0 || now - last < HEALTH_CHECK_MS ||
	    !atomic_compare_exchange_strong(&table->header.swept, &last, now))
		return;
	for (int slot = 0, n = (int)slots_used(table); slot < n; slot++) {
		/* This process would get its own lock. */
		if (slot == health->slot || atomic_load(&table->taken[slot]) == 0 || !health_file_lock(&health->file, slot, 0))
			continue;
		clean(table, slot);
		atomic_store(&table->taken[slot], 0);
		health_file_unlock(&health->file, slot);
	}
}

uint32_t
health_slot_count(const struct health *health, uint32_t index)
{
	const struct health_table *table = health->file.table;
	uint32_t n = 0;

	for (uint32_t slot = 0, used = slots_used(table); slot < used; slot++) {
		uint32_t word = atomic_load(&table->in_flight[index][slot]);

		n += (word & HEALTH_IN_FLIGHT) + (word & HEALTH_TRYING ? 1 : 0);
	}
	return n;
}

static _Atomic uint16_t *
own_word(const struct health *health, uint32_t index)
{
	return health->slot >= 0 ? &health->file.table->in_flight[index][health->slot] : NULL;
}

uint32_t
health_slot_own(const struct health *health, uint32_t index)
{
	const _Atomic uint16_t *word = own_word(health, index);

	return word != NULL ? atomic_load(word) & HEALTH_IN_FLIGHT : 0;
}

void
health_slot_add(struct health *health, uint32_t index, uint32_t n)
{
	_Atomic uint16_t *word = own_word(health, index);
	uint32_t sum = health_slot_own(health, index) + n;

	if (word != NULL)
		atomic_store(word, (uint16_t)(sum < HEALTH_IN_FLIGHT ? sum : HEALTH_IN_FLIGHT));
}

/* What the other slots have of a row. */
struct others {
	uint32_t in_flight;
	uint32_t trying;
	bool lower;		/* one that is trying has a lower number */
};

static struct others
look_at_others(const struct health *health, uint32_t index)
{
	const struct health_table *table = health->file.table;
	struct others others = { 0, 0, false };

	for (uint32_t slot = 0, used = slots_used(table); slot < used; slot++) {
		uint32_t word = (int)slot != health->slot ? atomic_load(&table->in_flight[index][slot]) : 0;

		others.in_flight += word & HEALTH_IN_FLIGHT;
		if (word & HEALTH_TRYING) {
			others.trying++;
			others.lower |= (int)slot < health->slot;
		}
	}
	return others;
}

/*
 * Counts one more, if of all processes together there are not `max` then. Each says that it tries before it looks, so of
 * those who try at the same time the last to look sees all the others: there are never more than `max`. Where only those
 * who try stand in the way, the one with the lowest number stays and the others step back, so that one gets it.
 */
static bool
count_up(struct health *health, uint32_t index, uint32_t max)
{
	_Atomic uint16_t *word = own_word(health, index);
	uint32_t own = atomic_load(word) & HEALTH_IN_FLIGHT;

	if (own == HEALTH_IN_FLIGHT)
		return false;
	for (int round = 0; max > 0; round++) {
		struct others others;

		atomic_store(word, (uint16_t)(own | HEALTH_TRYING));
		others = look_at_others(health, index);
		if (own + others.in_flight + others.trying < max)
			break;
		if (own + others.in_flight >= max || round == 1000) {
			atomic_store(word, (uint16_t)own);
			return false;
		}
		if (others.lower)
			atomic_store(word, (uint16_t)own);
		sched_yield();
	}
	atomic_store(word, (uint16_t)(own + 1));
	return true;
}

static void
count_down(struct health *health, uint32_t index)
{
	_Atomic uint16_t *word = own_word(health, index);
	uint32_t own = word != NULL ? atomic_load(word) & HEALTH_IN_FLIGHT : 0;

	/* 0: the file was cut short or emptied meanwhile. */
	if (own > 0)
		atomic_store(word, (uint16_t)(own - 1));
}

/* Counts a claim. False if the row is full. */
static bool
count_claim(struct health *health, struct health_line *line, uint32_t max, struct health_claim *claim)
{
	if (health->slot < 0)
		return true;
	if (!count_up(health, claim->row.index, max))
		return false;
	/* The row may have been taken over for another before the count could be seen. */
	if (atomic_load(&health->file.table->ids[claim->row.index]) == claim->row.id)
		claim->counted = true;
	else
		count_down(health, claim->row.index);
	atomic_fetch_add_explicit(&line->requests, 1, memory_order_relaxed);
	return true;
}

void
health_trial_give(struct health_line *line, struct health_claim *claim)
{
	uint64_t trial = claim->trial;

	if (trial != 0)
		(void)atomic_compare_exchange_strong(&line->trial, &trial, 0);
	claim->trial = 0;
}

/* Takes the trial of a half-open row. The row may have ceased to be half-open when that is done. */
static bool
take_trial(struct health *health, struct health_line *line, uint64_t now, struct health_claim *claim)
{
	uint64_t trial = atomic_load(&line->trial), mine = trial_word(health->slot, now);

	if (health_trial_is_held(trial, now) || !atomic_compare_exchange_strong(&line->trial, &trial, mine))
		return false;
	claim->trial = mine;
	return true;
}

static enum health_state
state_of(const struct health_line *line, uint64_t now)
{
	return health_cool_state(health_cool_unpack(atomic_load(&line->cool)), now);
}

/* Whether the row's state lets a claim through; a trial is then taken. */
static enum health_claimed
pass(struct health *health, struct health_line *line, uint64_t now, struct health_claim *claim)
{
	enum health_state state = state_of(line, now);

	if (state == HEALTH_HALF_OPEN) {
		if (!take_trial(health, line, now, claim))
			return HEALTH_IS_TRIED;
		/* Whoever had the trial before has told its result before giving it back. */
		state = state_of(line, now);
		if (state != HEALTH_HALF_OPEN)
			health_trial_give(line, claim);
	}
	return state == HEALTH_COOLING ? HEALTH_IS_COOLING : HEALTH_CLAIMED;
}

static struct health_line *
begin_claim(struct health *health, struct health_row row, uint64_t now, struct health_claim *claim)
{
	struct health_line *line;

	*claim = (struct health_claim){ .row = row };
	if (health == NULL || row.id == 0)
		return NULL;
	health_check(health, now);
	health_slot_take(health);
	if ((line = health_line(health, &claim->row)) != NULL)
		atomic_store_explicit(&line->touched, now, memory_order_relaxed);
	return line;
}

enum health_claimed
health_claim(struct health *health, struct health_row row, uint32_t max_in_flight, uint64_t now, struct health_claim *claim)
{
	struct health_line *line = begin_claim(health, row, now, claim);
	enum health_claimed result;

	if (line == NULL)
		return HEALTH_CLAIMED;
	if ((result = pass(health, line, now, claim)) != HEALTH_CLAIMED)
		return result;
	if (!count_claim(health, line, max_in_flight, claim)) {
		health_trial_give(line, claim);
		return HEALTH_IS_FULL;
	}
	if (claim->trial != 0)
		atomic_fetch_add_explicit(&line->trials, 1, memory_order_relaxed);
	return HEALTH_CLAIMED;
}

void
health_claim_anyway(struct health *health, struct health_row row, uint64_t now, struct health_claim *claim)
{
	struct health_line *line = begin_claim(health, row, now, claim);

	if (line == NULL)
		return;
	if (pass(health, line, now, claim) == HEALTH_CLAIMED && claim->trial != 0)
		atomic_fetch_add_explicit(&line->trials, 1, memory_order_relaxed);
	(void)count_claim(health, line, 0, claim);
}

void
health_release(struct health *health, struct health_claim *claim)
{
	struct health_line *line = health_line(health, &claim->row);

	if (line != NULL) {
		health_trial_give(line, claim);
		if (claim->counted)
			count_down(health, claim->row.index);
	}
	*claim = (struct health_claim){ 0 };
}
