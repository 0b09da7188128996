/* SPDX-License-Identifier: MIT */
#include "config/policy.h"

static const char *const names[POLICY_COUNT] = {
	[POLICY_FAILOVER] = "failover",
	[POLICY_WEIGHTED] = "weighted",
	[POLICY_ROUND_ROBIN] = "round-robin",
	[POLICY_LEAST_BUSY] = "least-busy",
	[POLICY_FASTEST] = "fastest",
	[POLICY_CHEAPEST] = "cheapest",
	[POLICY_STICKY] = "sticky",
};

const char *
policy_name(enum policy policy)
{
	return names[policy];
}
