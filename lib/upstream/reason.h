/* SPDX-License-Identifier: MIT */
/* Why an answer is from where it is, in one line for people: the header field x-lb-reason. Pure. */
#ifndef LB_UPSTREAM_REASON_H
#define LB_UPSTREAM_REASON_H

#include "upstream/account.h"
#include "upstream/plan.h"

/*
 * Adds `POLICY; thinking-stripped; PROVIDER: answered STATUS; …`, as much of it as there is: the plan's policy, whether
 * the answer is to a copy `stripped` of its thinking, what went wrong at the providers that were asked (of one that gave no status the words), and the
 * plan's own reasons but for the first, which names the route. Printable ASCII, `?` for each other character; at most
 * REASON_MAX octets, `...` at the end of one that would be longer. The texts have no keys in them.
 */
void reason_put(struct buf *out, const struct plan *plan, bool stripped, const struct account *account);

#endif
