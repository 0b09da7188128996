/* SPDX-License-Identifier: MIT */
/* What follows from how an attempt went: the next one, or passing its answer on. Pure. */
#ifndef LB_UPSTREAM_FAILOVER_H
#define LB_UPSTREAM_FAILOVER_H

#include <stdbool.h>

#include "record/record.h"

/*
 * Whether a status says that another provider may do better, while nothing was passed on: 408, 429 and 5xx (529
 * too). Everything else is the provider's answer, redirects included.
 */
bool failover_is_retryable(int status);

/* Whether an answer without a body is none: 2xx to a request for an event stream. */
bool failover_is_empty(int status, bool stream);

/*
 * The result of an attempt that failed: END_TIMEOUT if a time limit ended it, else END_TRUNCATED if its answer had begun
 * (`began`: a part of it was passed on), else END_UPSTREAM_ERROR.
 */
enum record_end failover_result(bool timed_out, bool began);

/* The status of lb's own answer when no provider gave one: 504 if the last attempt ran into a time limit, else 502. */
int failover_final_status(bool timed_out);

#endif
