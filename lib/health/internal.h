/* SPDX-License-Identifier: MIT */
/* What the parts of the health table share. */
#ifndef LB_HEALTH_INTERNAL_H
#define LB_HEALTH_INTERNAL_H

#include "health/file.h"

struct health {
	struct health_file file;
	struct health_place place;
	int slot;		/* this process's; -1: none */
	bool no_slot;		/* all were taken */
	bool warned;		/* the file cannot be used: said once */
	uint64_t checked;	/* when the file and the slots were last looked at */
};

/*
 * To be called at the beginning of what takes a row: looks at the file and at dead processes' slots, if that was not done
 * within HEALTH_CHECK_MS. The table may be another one afterwards.
 */
void health_check(struct health *health, uint64_t now);

/* The row's line where the row is now, NULL if there is none. `row->index` is set. */
struct health_line *health_line(struct health *health, struct health_row *row);

/* The row with that hash and these names; for the tests of colliding hashes, else see health_row. */
struct health_row health_row_hashed(struct health *health, uint64_t hash, const struct health_names *names, uint64_t now);

uint64_t health_hash(const struct health_names *names);

/* A line's name, as far as it stands there; `to` has room for `max` octets and a NUL. Returns the whole name's length. */
size_t health_line_name(const _Atomic char *from, const _Atomic uint32_t *len, size_t max, char *to);

/* Slots */

/* Takes a slot, if one is free. */
void health_slot_take(struct health *health);

/* Gives it back with all that it has in flight. */
void health_slot_give(struct health *health);

/* Frees the slots of processes that are no more, unless another process did within HEALTH_CHECK_MS. */
void health_slot_sweep(struct health *health, uint64_t now);

/* Requests in flight on a row, of all processes. */
uint32_t health_slot_count(const struct health *health, uint32_t index);

/* Requests in flight on a row, of this process. */
uint32_t health_slot_own(const struct health *health, uint32_t index);

/* Adds to that, when the table was changed for another one. */
void health_slot_add(struct health *health, uint32_t index, uint32_t n);

/* Whether a trial is somebody's at that time. */
bool health_trial_is_held(uint64_t trial, uint64_t now);

/* Gives back the trial that a claim has, if it has one. */
void health_trial_give(struct health_line *line, struct health_claim *claim);

#endif
