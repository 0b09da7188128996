/* SPDX-License-Identifier: MIT */
/*
 * What the files of an exchange share: exchange.c takes requests and ends them, attempt.c makes one attempt after the
 * other, hold.c judges what comes of each and passes on what is an answer, conclusion.c answers when none was.
 */
#ifndef LB_UPSTREAM_INTERNAL_H
#define LB_UPSTREAM_INTERNAL_H

#include "base/idmap.h"
#include "upstream/exchange.h"
#include "upstream/failover.h"
#include "upstream/gate.h"
#include "upstream/plan.h"
#include "upstream/witness.h"

/* What is kept of the attempt under way, or of the last one. */
struct held {
	enum {
		HELD_NOTHING,	/* no head yet, or what comes is passed on */
		HELD_ANSWER,	/* the gate says whether it is one */
		HELD_ERROR	/* an error, or a redirect */
	} what;
	struct buf body;
	struct buf lines;	/* HELD_ERROR: its header lines; so all below */
	int status;
	unsigned number;	/* the attempt's */
	const char *provider;
	struct json model;	/* as it was asked for */
	enum dialect dialect;
	uint64_t row;
	bool whole;
};

struct exchange {
	struct exchanges *all;
	struct exchange *next;		/* among those to be used again */
	uint64_t id;
	struct plan plan;		/* points into `header`, as `attempts` and `attempt` do */
	struct buf header;		/* of the request record; so this and `body` until an answer is passed on */
	struct buf body;
	size_t model_len;		/* of the model's value as it stands in `body` now */
	struct buf model;		/* the client's own, once another was put in its place */
	struct buf stripped;		/* the body without thinking blocks, for the attempt that is made with it; else empty */
	struct buf request_id;
	bool head_only;			/* HEAD: the answer has no body */

	struct json_iter attempts;
	struct attempt attempt;		/* the one under way, or waited for */
	unsigned number;		/* its number, from 1 */
	const struct config_provider *provider;
	const struct secret *key;
	struct buf url;
	ev_timer wait;			/* for not_before */
	bool too_long;			/* a model's context was too small: */
	uint64_t too_small;		/* its tokens, the most of those; 0: not known */
	struct account account;		/* of the attempts so far; so the next */
	struct failover_tally tally;
	struct witness witness;		/* of the one under way, for the health table */

	struct transfer *transfer;	/* NULL while none is under way */
	struct held held;
	struct gate gate;
	bool failed;			/* the gate has said that this is no answer */
	bool committed;			/* its head has been written */
	bool paused;			/* the client reads slowly */
	struct usage usage;

	uint64_t started;		/* ms, monotonic; so the next */
	uint64_t attempt_started;
	uint64_t first_ms;		/* until a stream's content, or the first octet of another answer */
	bool has_first;
};

struct exchanges {
	struct ev_loop *ev;
	struct transfers *transfers;
	const struct config *config;
	const struct secrets *secrets;
	struct health *health;
	size_t hold_bytes;
	struct idmap open;
	struct exchange *unused;
	size_t unused_count;
	struct answers answers;
};

/* How an attempt failed. */
struct failure {
	enum record_end result;
	enum fault fault;
	int status;		/* the HTTP status of its answer; 0: there was none */
	int told;		/* the status for a client that is told of it (failover_status); 0 likewise */
	uint64_t wait_ms;	/* what it asked to wait; 0: nothing */
	enum refusal_cause cause;	/* what its error says */
	const char *why;	/* for a person */
};

/* exchange.c */

/* The request's id, for a line of the log. */
const char *exchange_name(struct exchange *exchange);

/* Writes the head of the answer that is passed on, with its story; the end record says too whose that was. */
void exchange_put_head(struct exchange *exchange, const struct answer_head *head);

/* Writes an error of lb's own, with its story: head and data. */
void exchange_put_error(struct exchange *exchange, int status, uint64_t wait_ms, const struct buf *body);

/* Writes the end record, `error` is NULL for a complete answer. The exchange is no more. */
void exchange_finish(struct exchange *exchange, enum record_end result, const char *error);

/* attempt.c */

/* To be called once for a new exchange. */
void attempt_init(struct exchange *exchange);

/* Begins the next attempt that can be made; without one the request is answered, and the exchange is no more. */
void attempt_next(struct exchange *exchange);

/* The model that the provider under way was asked for; empty if the request names none. */
struct json attempt_model(const struct exchange *exchange);

/* The transfer has ended and gave nothing to pass on: the next one, or the answer. `failure->why` may have keys in it. */
void attempt_failed(struct exchange *exchange, const struct failure *failure);

/* Adds to the account how the attempt went. `error`, NULL if nothing went wrong, has no key in it. */
void attempt_account(struct exchange *exchange, enum record_end result, int status, const char *error);

/* The log's line about the attempt. `what` has no key in it. */
void attempt_warn(struct exchange *exchange, const char *what);

/* hold.c */

/* What the transfer of an attempt tells, the exchange being its context. */
extern const struct transfer_events hold_events;

/* Forgets what is held; to be called before each attempt. */
void hold_clear(struct exchange *exchange);

/* conclusion.c */

/* No attempt is left: answers, and the exchange is no more. */
void conclusion_answer(struct exchange *exchange);

/* lb itself says no, with 500: likewise. */
void conclusion_refuse(struct exchange *exchange, const char *why);

#endif
