/* SPDX-License-Identifier: MIT */
/* The two clocks, in milliseconds. */
#ifndef LB_BASE_CLOCK_H
#define LB_BASE_CLOCK_H

#include <stdint.h>

/* For measuring: never set back, counts from an unspecified start. */
uint64_t clock_monotonic_ms(void);

/* For telling: since 1970-01-01 UTC. */
uint64_t clock_unix_ms(void);

#endif
