/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/limits.h"
#include "upstream/headers.h"
#include "upstream/internal.h"
#include "upstream/redact.h"

void
hold_clear(struct exchange *exchange)
{
	struct held *held = &exchange->held;

	if (held->what == HELD_ANSWER)
		gate_free(&exchange->gate);
	held->what = HELD_NOTHING;
	held->number = 0;
	held->whole = false;
	buf_clear(&held->lines);
	buf_clear(&held->body);
	buf_trim(&held->body, 64 * KIB);
	exchange->failed = exchange->has_first = false;
}

/* Whether an answer with the status is none that the client asked for. 304 can only be where the path alone was asked for. */
static bool
is_error(const struct exchange *exchange, int status)
{
	return status >= 300 && (status != 304 || exchange->plan.has_model);
}

static void
on_head(void *context)
{
	struct exchange *exchange = context;
	struct held *held = &exchange->held;
	struct gate_answer answer = { .dialect = exchange->attempt.dialect, .stream = exchange->plan.stream };
	int status = transfer_status(exchange->transfer);
	size_t n;
	const char *lines = transfer_head(exchange->transfer, &n);

	if (is_error(exchange, status)) {
		held->what = HELD_ERROR;
		held->status = status;
		held->number = exchange->number;
		held->provider = exchange->provider->name;
		held->model = attempt_model(exchange);
		held->dialect = exchange->attempt.dialect;
		held->row = exchange->witness.row;
		buf_put(&held->lines, lines, n);
		transfer_hurry(exchange->transfer, HELD_WAIT_MS);
	} else if (exchange->plan.has_model && !exchange->head_only) {
		held->what = HELD_ANSWER;
		answer.content_type = headers_find(lines, n, "content-type");
		if (answer.content_type != NULL)
			answer.content_type_len = strlen(answer.content_type);
		gate_begin(&exchange->gate, &answer);
	}
}

/* Passing an answer on */

static void
note_first(struct exchange *exchange)
{
	if (exchange->has_first)
		return;
	exchange->has_first = true;
	exchange->first_ms = clock_monotonic_ms() - exchange->started;
}

/* Tells the health table that the attempt is good so far. How soon is of interest where content comes bit by bit. */
static void
tell_witness(struct exchange *exchange)
{
	uint64_t ms = clock_monotonic_ms() - exchange->attempt_started;
	bool timed = exchange->plan.stream && exchange->plan.has_model && exchange->has_first;

	witness_began(&exchange->witness, exchange->all->health, !timed ? 0 : ms > 0 ? ms : 1);
}

static bool
says_event_stream(const char *lines, size_t n)
{
	static const char type[] = "text/event-stream";
	const char *value = headers_find(lines, n, "content-type");

	return value != NULL && strncasecmp(value, type, sizeof type - 1) == 0;
}

/* Writes the head. From here on the answer is passed on, and there is no other attempt. */
static void
commit(struct exchange *exchange, int64_t length)
{
	struct buf typed = BUF_INIT(RESPONSE_HEAD_MAX + KIB);
	struct answer_head head = {
		.status = transfer_status(exchange->transfer),
		.length = length,
		.who = { exchange->provider->name, exchange->number, attempt_model(exchange) },
		.dialect = exchange->attempt.dialect,
		.row = exchange->witness.row,
	};

	head.lines = transfer_head(exchange->transfer, &head.lines_len);
	if (exchange->held.what == HELD_ANSWER && gate_is_stream(&exchange->gate) &&
	    !says_event_stream(head.lines, head.lines_len)) {
		headers_put_typed(&typed, head.lines, head.lines_len, "text/event-stream");
		head.lines = buf_data(&typed);
		head.lines_len = buf_len(&typed);
	}
	exchange_put_head(exchange, &head);
	buf_free(&typed);
	exchange->committed = true;
	tell_witness(exchange);
	transfer_has_content(exchange->transfer);
	if (transfer_body_is_sent(exchange->transfer)) {
		buf_free(&exchange->header);
		buf_free(&exchange->body);
		buf_free(&exchange->stripped);
	}
}

/*
 * An error that ends a stream may repeat a key too. Only where there is one, a member that stands there without escapes, is
 * anything looked for: a model that speaks of a key is not.
 */
static bool
repeats_key(const struct exchange *exchange, const char *p, size_t n)
{
	static const char error[] = "\"error\"";

	return exchange->plan.stream && memmem(p, n, error, sizeof error - 1) != NULL &&
	    redact_finds(secrets_values(exchange->all->secrets), p, n);
}

static void
pass(struct exchange *exchange, const char *p, size_t n)
{
	struct buf text = BUF_INIT(SIZE_MAX);

	if (n > 0 && repeats_key(exchange, p, n)) {
		redact_put(&text, secrets_values(exchange->all->secrets), p, n);
		/* No memory: what is left out ends the stream as a malformed event or as none. */
		p = buf_data(&text);
		n = text.failed ? 0 : buf_len(&text);
	}
	answers_put_data(&exchange->all->answers, exchange->id, p, n);
	buf_free(&text);
}

/* Commits an answer of which there is more to come: what was held goes on, and the piece at hand. */
static void
release(struct exchange *exchange, const char *p, size_t n)
{
	struct held *held = &exchange->held;

	note_first(exchange);
	commit(exchange, transfer_length(exchange->transfer));
	pass(exchange, buf_data(&held->body), buf_len(&held->body));
	pass(exchange, p, n);
	gate_free(&exchange->gate);
	held->what = HELD_NOTHING;
	buf_clear(&held->body);
	buf_trim(&held->body, 4 * KIB);
	/* A pause that came before this was put off: what was held was little. */
	if (exchange->paused)
		transfer_pause(exchange->transfer);
}

/* The held answer has come to its end, and `p` is all of it: it is passed on, or has failed. */
static void
judge_whole(struct exchange *exchange, const char *p, size_t n)
{
	if (gate_end(&exchange->gate, p, n) == GATE_FAIL) {
		exchange->failed = true;
		return;
	}
	exchange->usage = *gate_usage(&exchange->gate);
	note_first(exchange);
	commit(exchange, (int64_t)n);
	pass(exchange, p, n);
	gate_free(&exchange->gate);
	exchange->held.what = HELD_NOTHING;
}

/* The next piece of an answer that is judged. False: its transfer is to end. */
static bool
judge(struct exchange *exchange, const char *p, size_t n)
{
	struct held *held = &exchange->held;

	if (exchange->failed)
		return true;
	if (!exchange->plan.stream)
		note_first(exchange);
	switch (gate_feed(&exchange->gate, p, n)) {
	case GATE_COMMIT:
		release(exchange, p, n);
		return true;
	case GATE_FAIL:
		exchange->failed = true;
		return false;
	case GATE_HOLD:
		break;
	}
	/* All of it in one piece, as most are: not copied. */
	if (buf_len(&held->body) == 0 && transfer_length(exchange->transfer) == (int64_t)n)
		judge_whole(exchange, p, n);
	else if (n > exchange->all->hold_bytes - buf_len(&held->body))
		release(exchange, p, n);
	else
		buf_put(&held->body, p, n);
	return !held->body.failed;
}

static bool
on_body(void *context, const char *p, size_t n)
{
	struct exchange *exchange = context;
	struct held *held = &exchange->held;

	switch (held->what) {
	case HELD_ANSWER:
		return judge(exchange, p, n);
	case HELD_ERROR:
		if (n > HELD_MAX - buf_len(&held->body))
			return false;
		buf_put(&held->body, p, n);
		return !held->body.failed;
	case HELD_NOTHING:
		break;
	}
	if (!exchange->committed) {
		note_first(exchange);
		commit(exchange, transfer_length(exchange->transfer));
	}
	pass(exchange, p, n);
	return true;
}

/* The end of an attempt */

/* The attempt gave an error, whose status and cause are these. */
static void
fail_by(struct exchange *exchange, int status, enum refusal_cause cause, const char *why)
{
	struct failure failure = {
		.fault = failover_fault(status, cause),
		.status = transfer_status(exchange->transfer),
		.cause = cause,
		.why = why,
	};
	size_t n;
	const char *lines = transfer_head(exchange->transfer, &n);

	/* Nobody's model or context is at fault where none was asked for. */
	if (!exchange->plan.has_model && (failure.fault == FAULT_MODEL || failure.fault == FAULT_TOO_LONG))
		failure.fault = FAULT_REQUEST;
	failure.result = failure.fault == FAULT_TIMEOUT ? END_TIMEOUT : END_UPSTREAM_ERROR;
	failure.told = failover_status(failure.fault, status, cause);
	failover_wait(lines, n, clock_unix_ms(), &failure.wait_ms);
	attempt_failed(exchange, &failure);
}

static void
put_error_text(struct buf *out, const struct held *held, const struct refusal *refusal)
{
	struct buf text = BUF_INIT(2 * REFUSAL_TEXT_MAX);
	bool said = refusal_put_text(&text, refusal) && buf_len(&text) > 0;

	buf_printf(out, "answered %d", held->status);
	if (held->status < 400)
		buf_puts(out, ", a redirect, which is not followed");
	else if (!held->whole)
		buf_puts(out, ", and its body did not come whole");
	else if (refusal->cause == REFUSAL_PAGE) {
		buf_puts(out, " with an HTML page");
		if (said)
			buf_printf(out, " (%s)", buf_str(&text));
	} else if (said)
		buf_printf(out, ": %s", buf_str(&text));
	buf_free(&text);
}

static void
fail_by_error(struct exchange *exchange, bool whole)
{
	struct held *held = &exchange->held;
	struct buf why = BUF_INIT(4 * REFUSAL_TEXT_MAX);
	struct refusal refusal;

	held->whole = whole;
	refusal_read(&refusal, buf_data(&held->body), buf_len(&held->body));
	put_error_text(&why, held, &refusal);
	fail_by(exchange, held->status, refusal.cause, buf_str(&why) != NULL ? buf_data(&why) : "answered an error");
	buf_free(&why);
}

static void
fail_by_transfer(struct exchange *exchange, enum transfer_end how, const char *why)
{
	struct failure failure = {
		.result = how == TRANSFER_TIMEOUT ? END_TIMEOUT : END_UPSTREAM_ERROR,
		.fault = how == TRANSFER_TIMEOUT ? FAULT_TIMEOUT : FAULT_BROKEN,
		.status = transfer_status(exchange->transfer),
		.told = how == TRANSFER_TIMEOUT ? 504 : 502,
		.why = exchange->held.body.failed ? "unable to hold its answer: out of memory" : why,
	};

	attempt_failed(exchange, &failure);
}

/* The end, good or bad, of an answer that was passed on. */
static void
close_answer(struct exchange *exchange, enum transfer_end how, const char *why)
{
	enum record_end result = how == TRANSFER_WHOLE ? END_COMPLETE :
	    how == TRANSFER_TIMEOUT ? END_TIMEOUT : END_TRUNCATED;
	int status = transfer_status(exchange->transfer);

	exchange->transfer = NULL;
	attempt_account(exchange, result, status, why);
	if (why != NULL)
		attempt_warn(exchange, why);
	exchange_finish(exchange, result, why != NULL ? buf_str(&exchange->account.said) : NULL);
}

/* An answer that is no one's to judge and had no body is passed on at its end. */
static void
pass_empty(struct exchange *exchange)
{
	int status = transfer_status(exchange->transfer);
	int64_t length = transfer_length(exchange->transfer);

	/* One whose length was not told has none: that is known now. */
	if (length < 0 && !exchange->head_only && status != 204 && status != 304)
		length = 0;
	commit(exchange, length);
}

static void
on_done(void *context, enum transfer_end how, const char *why)
{
	struct exchange *exchange = context;
	struct held *held = &exchange->held;

	if (held->what == HELD_ANSWER && how == TRANSFER_WHOLE && !exchange->failed)
		judge_whole(exchange, buf_data(&held->body), buf_len(&held->body));
	else if (held->what == HELD_NOTHING && how == TRANSFER_WHOLE && !exchange->committed)
		pass_empty(exchange);
	if (exchange->committed)
		close_answer(exchange, how, why);
	else if (held->what == HELD_ERROR)
		fail_by_error(exchange, how == TRANSFER_WHOLE);
	else if (exchange->failed)
		fail_by(exchange, exchange->gate.status, exchange->gate.cause, gate_why(&exchange->gate));
	else
		fail_by_transfer(exchange, how, why);
}

const struct transfer_events hold_events = { on_head, on_body, on_done };
