/* SPDX-License-Identifier: MIT */
/* What happened to a request, attempt by attempt: for its end record, and in words for a person. Pure. */
#ifndef LB_UPSTREAM_ACCOUNT_H
#define LB_UPSTREAM_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "record/record.h"

struct account {
	struct buf attempts;	/* objects with commas between them, as in the end record */
	struct buf answered;	/* of the attempt whose answer is passed on: members for the end record, a comma before each */
	struct buf said;	/* `PROVIDER: WHAT; PROVIDER: WHAT`: what went wrong, as far as it is told */
	unsigned untold;	/* how many attempts are not in it, since it would become longer than SAID_MAX */
	struct buf brief;	/* `PROVIDER: answered STATUS` of each that went wrong, a NUL behind it, as far as REASON_MAX goes */
	size_t stripped;	/* thinking blocks that one attempt was made without */
};

void account_init(struct account *account);
void account_free(struct account *account);

/* Who answered, as records say it: `,"provider":…,"attempt":…,"model":…`. */
struct account_answerer {
	const char *provider;
	unsigned attempt;	/* its number, from 1 */
	struct json model;	/* as that provider was asked for it, a string; len 0: unknown */
};

void account_put_answerer(struct buf *out, const struct account_answerer *who);

/* Empties it and keeps a little of its memory. */
void account_clear(struct account *account);

/*
 * Adds an attempt: the provider's name, the status of its answer (0: none), the result (END_REFUSED: lb did not make the
 * attempt), how long it took. `error` says what went wrong; NULL if nothing did.
 */
void account_add(struct account *account, const char *provider, size_t provider_len, int status,
    enum record_end result, uint64_t ms, const char *error);

/* Adds what went wrong, in words: `said`, and `; and N more` where that is not all. */
void account_put_said(struct buf *out, const struct account *account);

#endif
