/* SPDX-License-Identifier: MIT */
#include "upstream/failover.h"

bool
failover_is_retryable(int status)
{
	return status == 408 || status == 429 || (status >= 500 && status <= 599);
}

bool
failover_is_empty(int status, bool stream)
{
	return stream && status >= 200 && status <= 299;
}

enum record_end
failover_result(bool timed_out, bool began)
{
	if (timed_out)
		return END_TIMEOUT;
	return began ? END_TRUNCATED : END_UPSTREAM_ERROR;
}

int
failover_final_status(bool timed_out)
{
	return timed_out ? 504 : 502;
}
