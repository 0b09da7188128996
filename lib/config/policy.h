/* SPDX-License-Identifier: MIT */
/* The policies by which a route's targets are ordered; lib/route/choose.h says what each does. */
#ifndef LB_CONFIG_POLICY_H
#define LB_CONFIG_POLICY_H

enum policy {
	POLICY_FAILOVER,
	POLICY_WEIGHTED,
	POLICY_ROUND_ROBIN,
	POLICY_LEAST_BUSY,
	POLICY_FASTEST,
	POLICY_CHEAPEST,
	POLICY_STICKY,
	POLICY_COUNT
};

/* `failover`, `weighted`, … */
const char *policy_name(enum policy policy);

#endif
