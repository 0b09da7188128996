/* SPDX-License-Identifier: MIT */
/* The health table's file: found, made, mapped, locked, and lost. */
#ifndef LB_HEALTH_FILE_H
#define LB_HEALTH_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "health/layout.h"
#include "health/place.h"

struct health_file {
	struct health_table *table;
	int fd;		/* -1: private memory */
};

/*
 * Opens the file, which is made, or made anew, if need be. A file of another version is set aside; with `running` it is not,
 * but is why this one cannot be opened: two versions that run at the same time would do so for ever. False, with `*why`.
 */
bool health_file_open(struct health_file *file, const struct health_place *place, bool running, const char **why);

/* Private memory instead. False if there is none. */
bool health_file_private(struct health_file *file);

void health_file_close(struct health_file *file);

/*
 * Whether the path leads elsewhere now, or the file was cut short. Its memory stays usable, in the last case as all zeroes
 * and this process's own, since a signal handler puts that in the place of what the file lost.
 */
bool health_file_is_lost(const struct health_file *file, const struct health_place *place);

/*
 * Locks, which end with the process: one for each slot, and HEALTH_LOCK_MAKING for whoever makes the file or a row. A lock
 * that is held already by this file is got again. `wait_ms` is how long another holder is waited for. Private memory
 * needs none, and gets every lock.
 */
#define HEALTH_LOCK_MAKING (1 << 20)
bool health_file_lock(const struct health_file *file, int which, int wait_ms);
void health_file_unlock(const struct health_file *file, int which);

#endif
