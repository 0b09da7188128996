/* SPDX-License-Identifier: MIT */
#include "base/limits.h"
#include "upstream/headers.h"
#include "upstream/internal.h"
#include "upstream/redact.h"

/* What is wrong, for the client. */
enum matter { MATTER_REFUSED, MATTER_TOO_LONG, MATTER_MODEL, MATTER_LIMITED, MATTER_BUSY, MATTER_OTHER };

static enum matter
matter_of(const struct exchange *exchange, int status)
{
	const unsigned *counts = exchange->tally.counts;

	if (counts[FAULT_REQUEST] > 0)
		return MATTER_REFUSED;
	switch (status) {
	case 400:
		return MATTER_TOO_LONG;
	case 404:
		return MATTER_MODEL;
	case 429:
		return MATTER_LIMITED;
	case 529:
		return MATTER_BUSY;
	default:
		return MATTER_OTHER;
	}
}

/* Clients look into these texts: for `prompt is too long`, and for `overloaded` where it helps to try again. */
static void
put_message(struct buf *out, const struct exchange *exchange, enum matter matter)
{
	static const char *const beginnings[] = {
		[MATTER_REFUSED] = "the request was refused: ",
		[MATTER_TOO_LONG] = "prompt is too long: ",
		[MATTER_MODEL] = "no provider has the model: ",
		[MATTER_LIMITED] = "Rate limited: no provider could answer: ",
		[MATTER_BUSY] = "Overloaded: no provider could answer: ",
		[MATTER_OTHER] = "no provider could answer: ",
	};

	if (buf_len(&exchange->account.said) == 0) {
		buf_puts(out, "the plan names no provider to ask");
		return;
	}
	buf_puts(out, beginnings[matter]);
	account_put_said(out, &exchange->account);
}

static void
put_error(struct exchange *exchange, int status, enum matter matter, const char *message, struct buf *body)
{
	const char *id = buf_len(&exchange->request_id) > 0 ? buf_str(&exchange->request_id) : NULL;

	if (matter == MATTER_TOO_LONG)
		dialect_put_too_long(body, exchange->plan.dialect, message, id);
	else
		dialect_put_error(body, exchange->plan.dialect, status, message, id);
}

/* Whether the error of the last attempt can be the client's as it is. */
static bool
may_pass(const struct exchange *exchange, const struct failover_final *final)
{
	const struct held *held = &exchange->held;
	size_t n = buf_len(&held->body);
	struct refusal refusal;

	if (held->what != HELD_ERROR || !held->whole || held->number != final->passes || held->status != final->status ||
	    held->dialect != exchange->plan.dialect || exchange->head_only || n > PASSED_ERROR_MAX)
		return false;
	refusal_read(&refusal, buf_data(&held->body), n);
	return refusal_is_shaped(&refusal, exchange->plan.dialect) &&
	    !redact_finds(secrets_values(exchange->all->secrets), buf_data(&held->body), n);
}

static void
pass_error(struct exchange *exchange)
{
	struct held *held = &exchange->held;
	struct buf lines = BUF_INIT(RESPONSE_HEAD_MAX + KIB);

	headers_put_typed(&lines, buf_data(&held->lines), buf_len(&held->lines), "application/json");
	exchange_put_head(exchange,
	    &(struct answer_head){ .status = held->status,
		.lines = buf_data(&lines),
		.lines_len = buf_len(&lines),
		.length = (int64_t)buf_len(&held->body),
		.who = { held->provider, held->number, held->model },
		.dialect = held->dialect,
		.row = held->row });
	answers_put_data(&exchange->all->answers, exchange->id, buf_data(&held->body), buf_len(&held->body));
	buf_free(&lines);
}

/* The head and the body of an error of lb's own. */
static void
answer(struct exchange *exchange, int status, uint64_t wait_ms, enum matter matter, const char *message)
{
	struct buf body = BUF_INIT(SIZE_MAX);

	put_error(exchange, status, matter, message, &body);
	exchange_put_error(exchange, status, wait_ms, &body);
	buf_free(&body);
}

void
conclusion_answer(struct exchange *exchange)
{
	struct failover_final final = failover_conclude(&exchange->tally);
	enum matter matter = matter_of(exchange, final.status);
	struct buf message = BUF_INIT(SIZE_MAX);
	const char *text;

	put_message(&message, exchange, matter);
	if ((text = buf_str(&message)) == NULL)
		text = "no provider could answer";
	if (may_pass(exchange, &final))
		pass_error(exchange);
	else
		answer(exchange, final.status, final.wait_ms, matter, text);
	exchange_finish(exchange, final.timed_out ? END_TIMEOUT : END_UPSTREAM_ERROR, text);
	buf_free(&message);
}

void
conclusion_refuse(struct exchange *exchange, const char *why)
{
	answer(exchange, 500, 0, MATTER_OTHER, why);
	exchange_finish(exchange, END_REFUSED, why);
}
