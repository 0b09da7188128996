/* SPDX-License-Identifier: MIT */
/* The health table as text: for a person, for jq(1), for Prometheus. */
#ifndef LB_HEALTH_SHOW_H
#define LB_HEALTH_SHOW_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "health/health.h"

/*
 * All rows that are of a target (those with a provider), by provider, model and key; `*n` is how many. To be freed with
 * free(3). NULL if memory is short.
 */
struct health_sight *show_sights(struct health *health, uint64_t now, size_t *n);

/* Lines of columns, the first with their names. */
void show_person(struct buf *out, const struct health_sight *sights, size_t n, uint64_t now);

/* An object a row, one a line. */
void show_json(struct buf *out, const struct health_sight *sights, size_t n);

/* Prometheus' text format, version 0.0.4. */
void show_prometheus(struct buf *out, const struct health_sight *sights, size_t n, uint64_t now);

#endif
