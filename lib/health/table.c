/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "health/internal.h"

/* Opening */

/* Takes up the file, or private memory. False if there is not even that. */
static bool
attach(struct health *health)
{
	const char *why = "";

	health->slot = -1;
	health->no_slot = false;
	if (!health->place.none && health_file_open(&health->file, &health->place, false, &why))
		return true;
	if (!health->warned && !health->place.none)
		diag_warning("unable to use the health table %s: %s; what happens at the providers is remembered by this process alone",
		    buf_data(&health->place.path), why);
	health->warned = true;
	return health_file_private(&health->file);
}

struct health *
health_open_at(const char *path)
{
	struct health *health = calloc(1, sizeof *health);

	if (health == NULL)
		return NULL;
	health->checked = clock_unix_ms();
	if (health_place_find(&health->place, path) && attach(health)) {
		health_slot_sweep(health, health->checked);
		return health;
	}
	health_place_free(&health->place);
	free(health);
	return NULL;
}

struct health *
health_open(void)
{
	return health_open_at(NULL);
}

void
health_close(struct health *health)
{
	if (health == NULL)
		return;
	health_slot_give(health);
	health_file_close(&health->file);
	health_place_free(&health->place);
	free(health);
}

const char *
health_path(const struct health *health)
{
	return health != NULL && health->file.fd >= 0 ? buf_data(&health->place.path) : NULL;
}

/* Takes over into the new table what this process has in flight in the old one, which nobody will find any more. */
static void
carry_over(struct health *health, struct health_table *old, int old_slot, uint64_t now)
{
	char provider[PROVIDER_NAME_MAX + 1], model[HEALTH_MODEL_MAX + 1], key[HEALTH_KEY_MAX + 1];
	struct health_names names = { provider, model, key };

	for (uint32_t i = 0; old_slot >= 0 && i < HEALTH_ROWS; i++) {
		uint32_t n = atomic_load(&old->in_flight[i][old_slot]) & HEALTH_IN_FLIGHT;
		struct health_line *line = &old->lines[i];
		struct health_row row;

		if (n == 0)
			continue;
		health_line_name(line->provider, &line->provider_len, PROVIDER_NAME_MAX, provider);
		health_line_name(line->model, &line->model_len, HEALTH_MODEL_MAX, model);
		health_line_name(line->key, &line->key_len, HEALTH_KEY_MAX, key);
		/* By its id, by which the claims know it. */
		row = health_row_hashed(health, atomic_load(&old->ids[i]), &names, now);
		if (row.id != 0)
			health_slot_add(health, row.index, n);
	}
}

/* The path leads to another file now, or to none: deleting the file resets the state, also for those who run. */
static void
change_over(struct health *health, uint64_t now)
{
	struct health_file old = health->file, next;
	int old_slot = health->slot;
	const char *why;

	if (!health_file_open(&next, &health->place, true, &why)) {
		if (!health->warned)
			diag_warning("the health table %s is no more what it was, and another cannot be used: %s",
			    buf_data(&health->place.path), why);
		health->warned = true;
		return;
	}
	health->file = next;
	health->slot = -1;
	health->no_slot = false;
	if (old_slot >= 0)
		health_slot_take(health);
	carry_over(health, old.table, old_slot, now);
	health_file_close(&old);
}

void
health_check(struct health *health, uint64_t now)
{
	if (now - health->checked < HEALTH_CHECK_MS)
		return;
	health->checked = now;
	if (health_file_is_lost(&health->file, &health->place))
		change_over(health, now);
	health_slot_sweep(health, now);
}

/* Rows */

static uint64_t
hash_name(uint64_t hash, const char *name)
{
	/* FNV-1a, the NUL included, so that names do not run into one another. */
	do
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	while (*name++ != '\0');
	return hash;
}

uint64_t
health_hash(const struct health_names *names)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	hash = hash_name(hash, names->provider ? names->provider : "");
	hash = hash_name(hash, names->model ? names->model : "");
	hash = hash_name(hash, names->key ? names->key : "");
	/* FNV's low bits are not spread well, and a row's home is made of them. */
	return hash ^ hash >> 29;
}

static uint32_t
home(uint64_t id)
{
	return (uint32_t)id & (HEALTH_ROWS - 1);
}

/*
 * Where the id is, or -1. A place that was never used ends the search, unless `all`: one that was cut short in its making
 * may lie between, but is never empty again.
 */
static int
find(const struct health_table *table, uint64_t id)
{
	for (uint32_t i = 0, at = home(id); i < HEALTH_ROWS; i++, at = (at + 1) & (HEALTH_ROWS - 1)) {
		uint64_t there = atomic_load(&table->ids[at]);

		if (there == id)
			return (int)at;
		if (there == 0)
			return -1;
	}
	return -1;
}

size_t
health_line_name(const _Atomic char *from, const _Atomic uint32_t *len, size_t max, char *to)
{
	size_t whole = atomic_load_explicit(len, memory_order_relaxed), n = whole < max ? whole : max;

	for (size_t i = 0; i < n; i++)
		to[i] = atomic_load_explicit(&from[i], memory_order_relaxed);
	to[n] = '\0';
	return whole;
}

static bool
name_is(const _Atomic char *from, const _Atomic uint32_t *len, size_t max, const char *name)
{
	char there[HEALTH_MODEL_MAX + 1];
	size_t n = name != NULL ? strlen(name) : 0;

	return health_line_name(from, len, max, there) == n && (n == 0 || memcmp(there, name, n < max ? n : max) == 0);
}

_Static_assert(HEALTH_MODEL_MAX >= PROVIDER_NAME_MAX && HEALTH_MODEL_MAX >= HEALTH_KEY_MAX, "the longest name");

static bool
names_are(const struct health_line *line, const struct health_names *names)
{
	return name_is(line->provider, &line->provider_len, PROVIDER_NAME_MAX, names->provider) &&
	    name_is(line->model, &line->model_len, HEALTH_MODEL_MAX, names->model) &&
	    name_is(line->key, &line->key_len, HEALTH_KEY_MAX, names->key);
}

static void
set_name(_Atomic char *to, _Atomic uint32_t *len, size_t max, const char *name)
{
	size_t n = name != NULL ? strlen(name) : 0;

	for (size_t i = 0; i < max; i++)
		atomic_store_explicit(&to[i], i < n ? name[i] : '\0', memory_order_relaxed);
	atomic_store_explicit(len, (uint32_t)n, memory_order_relaxed);
}

/* Empties a line from `made` on. */
static void
clear(struct health_line *line, uint64_t now)
{
	_Atomic uint64_t *words = &line->made;
	size_t n = (sizeof *line - offsetof(struct health_line, made)) / sizeof *words;

	for (size_t i = 0; i < n; i++)
		atomic_store_explicit(&words[i], 0, memory_order_relaxed);
	atomic_store(&line->made, now);
	atomic_store(&line->touched, now);
}

/* A place for a new row: the first that is unused, or -1. */
static int
find_unused(const struct health_table *table, uint64_t id)
{
	for (uint32_t i = 0, at = home(id); i < HEALTH_ROWS; i++, at = (at + 1) & (HEALTH_ROWS - 1)) {
		uint64_t there = atomic_load(&table->ids[at]);

		if (there == 0 || there == HEALTH_ID_MAKING)
			return (int)at;
	}
	return -1;
}

/* The row untouched for longest, but longer than `after` (unix ms); -1: there is none. */
static int
find_oldest(const struct health_table *table, uint64_t after)
{
	uint64_t oldest = UINT64_MAX;
	int at = -1;

	for (int i = 0; i < HEALTH_ROWS; i++) {
		uint64_t touched = atomic_load(&table->lines[i].touched);

		if (touched > after && touched < oldest) {
			oldest = touched;
			at = i;
		}
	}
	return at;
}

/*
 * A place for a new row, marked as being made. A claim counts itself and then looks at the id; here the id is taken away
 * and then the counts are looked at: one of the two sees the other.
 */
static int
make_place(struct health *health, uint64_t id)
{
	struct health_table *table = health->file.table;
	int at = find_unused(table, id);
	uint64_t after = 0;

	if (at >= 0) {
		atomic_store(&table->ids[at], HEALTH_ID_MAKING);
		return at;
	}
	for (int tries = 0; tries < HEALTH_ROWS && (at = find_oldest(table, after)) >= 0; tries++) {
		uint64_t old = atomic_exchange(&table->ids[at], HEALTH_ID_MAKING);

		if (health_slot_count(health, (uint32_t)at) == 0)
			return at;
		atomic_store(&table->ids[at], old);
		after = atomic_load(&table->lines[at].touched);
	}
	return -1;
}

/* The row of that id with these names. -1: there is none and none can be made; -2: the id is of other names. */
static int
find_or_make(struct health *health, uint64_t id, const struct health_names *names, uint64_t now)
{
	struct health_table *table = health->file.table;
	int at = find(table, id);

	if (at >= 0)
		return names_are(&table->lines[at], names) ? at : -2;
	if (!health_file_lock(&health->file, HEALTH_LOCK_MAKING, HEALTH_LOCK_MS))
		return -1;
	at = find(table, id);
	if (at < 0 && (at = make_place(health, id)) >= 0) {
		struct health_line *line = &table->lines[at];

		clear(line, now);
		set_name(line->provider, &line->provider_len, PROVIDER_NAME_MAX, names->provider);
		set_name(line->model, &line->model_len, HEALTH_MODEL_MAX, names->model);
		set_name(line->key, &line->key_len, HEALTH_KEY_MAX, names->key);
		atomic_store(&table->ids[at], id);
	}
	health_file_unlock(&health->file, HEALTH_LOCK_MAKING);
	if (at >= 0 && !names_are(&table->lines[at], names))
		return -2;
	return at;
}

struct health_row
health_row_hashed(struct health *health, uint64_t hash, const struct health_names *names, uint64_t now)
{
	/* Other names with the same hash are next to never seen once, and never seven times. */
	for (uint64_t i = 0; i < 8; i++) {
		uint64_t id = hash + i * UINT64_C(0x9e3779b97f4a7c15);
		int at;

		if (id <= HEALTH_ID_MAKING)
			continue;
		if ((at = find_or_make(health, id, names, now)) >= 0)
			return (struct health_row){ id, (uint32_t)at };
		if (at == -1)
			break;
	}
	return (struct health_row){ 0, 0 };
}

struct health_row
health_row(struct health *health, const struct health_names *names, uint64_t now)
{
	if (health == NULL)
		return (struct health_row){ 0, 0 };
	health_check(health, now);
	return health_row_hashed(health, health_hash(names), names, now);
}

struct health_row
health_find(struct health *health, uint64_t id, uint64_t now)
{
	int at;

	if (health != NULL)
		health_check(health, now);
	at = health != NULL && id > HEALTH_ID_MAKING ? find(health->file.table, id) : -1;

	return at >= 0 ? (struct health_row){ id, (uint32_t)at } : (struct health_row){ 0, 0 };
}

struct health_line *
health_line(struct health *health, struct health_row *row)
{
	if (health == NULL || row->id <= HEALTH_ID_MAKING)
		return NULL;
	if (row->index >= HEALTH_ROWS || atomic_load(&health->file.table->ids[row->index]) != row->id) {
		int at = find(health->file.table, row->id);

		if (at < 0)
			return NULL;
		row->index = (uint32_t)at;
	}
	return &health->file.table->lines[row->index];
}

void
health_forget(struct health *health, struct health_row row, uint64_t now)
{
	struct health_line *line = health_line(health, &row);

	if (line != NULL)
		clear(line, now);
}
