/* SPDX-License-Identifier: MIT */
/*
 * What the words and numbers in providers' errors mean. They are a table of what the providers' pages and their users'
 * reports say; what is not in it has no meaning, and the HTTP status decides alone. Pure.
 */
#ifndef LB_UPSTREAM_CAUSE_H
#define LB_UPSTREAM_CAUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

/* Why a provider refused, where its error says more than its HTTP status, or something else. */
enum refusal_cause {
	REFUSAL_UNKNOWN,	/* nothing beyond the status */
	REFUSAL_TOO_LONG,	/* the prompt is longer than the model's context */
	REFUSAL_MODEL,		/* the model, or the whole path, is not there */
	REFUSAL_MONEY,		/* no balance, no plan, a monthly cap: waiting does not help; put the key aside */
	REFUSAL_KEY,		/* the key is wrong, locked, or may not do this */
	REFUSAL_LIMITED,	/* too many requests or tokens for this key */
	REFUSAL_BUSY,		/* the provider has too much to do for everyone */
	REFUSAL_TIMEOUT,	/* the provider's own time limit */
	REFUSAL_CONTENT,	/* what the request says may not be said there */
	REFUSAL_THINKING,	/* thinking in the history: its signature is not from there, or it may not stand where it does */
	REFUSAL_REQUEST,	/* the request is wrong in itself */
	REFUSAL_FAILURE,	/* something broke at the provider */
	REFUSAL_PAGE		/* a page in HTML: what stands before the API spoke, not the API */
};

struct cause {
	enum refusal_cause cause;
	int status;	/* the HTTP status that says the same; 0: none does */
};

/* The HTTP status that says the same as a cause; 0 for REFUSAL_UNKNOWN. */
int cause_status(enum refusal_cause cause);

/* A `type` or `code` that is a name, a JSON string. REFUSAL_UNKNOWN if it is not known. */
struct cause cause_of_name(struct json name);

/* A `code` that is a number: an HTTP status (OpenRouter and others), or one of Z.ai's business codes. */
struct cause cause_of_number(uint64_t number);

/* A `base_resp.status_code` of MiniMax that is not 0. */
struct cause cause_of_minimax(uint64_t number);

/*
 * Reads the prose of an error, `n` octets of UTF-8, for what its type and code left open: `so_far` is what they say.
 * Of a long text the first KiB counts: some providers repeat the request in it.
 */
enum refusal_cause cause_of_text(const char *text, size_t n, enum refusal_cause so_far);

#endif
