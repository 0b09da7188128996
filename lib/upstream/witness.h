/* SPDX-License-Identifier: MIT */
/* What lb-fetch tells the health table of an attempt: that it is in flight, how it failed, when its content began. */
#ifndef LB_UPSTREAM_WITNESS_H
#define LB_UPSTREAM_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "health/health.h"
#include "upstream/failover.h"

/* An attempt. All zero: none. */
struct witness {
	struct health_claim claim;
	uint64_t row;		/* its id, also once the attempt is over; 0: none */
	bool own_key;		/* the client's own */
};

/* Who is asked: strings of JSON, of length 0 where there is none. */
struct witness_of {
	const char *provider;
	struct json model;
	struct json key;	/* a reference */
	bool own_key;
};

/* An attempt begins. One that had begun before is over. */
void witness_begin(struct witness *witness, struct health *health, const struct witness_of *of);

/*
 * It failed: `status` is HTTP's, 0 if there was none, `wait_ms` what it asked to wait, 0 if nothing. A client's own key that is
 * refused says nothing of other clients', and counts as that request's fault. The attempt is over.
 */
void witness_failed(struct witness *witness, struct health *health, enum fault fault, int status, uint64_t wait_ms);

/* Its first content came, so many ms after it began; 0: how many is not told. */
void witness_began(struct witness *witness, struct health *health, uint64_t first_ms);

/* It is over, however. To be called for each that began; more often does no harm. */
void witness_end(struct witness *witness, struct health *health);

#endif
