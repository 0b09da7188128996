/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/limits.h"
#include "upstream/internal.h"
#include "upstream/redact.h"
#include "upstream/splice.h"
#include "upstream/strip.h"

void
attempt_warn(struct exchange *exchange, const char *what)
{
	diag_warning("%s: provider %s: %s", exchange_name(exchange), exchange->provider ? exchange->provider->name : "?",
	    what);
}

void
attempt_account(struct exchange *exchange, enum record_end result, int status, const char *error)
{
	struct json name = exchange->attempt.provider;
	uint64_t ms = result == END_REFUSED ? 0 : clock_monotonic_ms() - exchange->attempt_started;

	if (exchange->provider != NULL)
		account_add(&exchange->account, exchange->provider->name, strlen(exchange->provider->name), status, result,
		    ms, error);
	else
		account_add(&exchange->account, name.p + 1, name.len - 2, status, result, ms, error);
}

struct json
attempt_model(const struct exchange *exchange)
{
	return exchange->plan.has_model && exchange->attempt.model.len > 0 ? exchange->attempt.model : exchange->plan.model;
}

/* Adds what was said without the keys that it may repeat: any of lb's, or the client's own where that was sent. */
static void
put_without_keys(struct exchange *exchange, const char *why, struct buf *out)
{
	const struct buf *own = secrets_values(exchange->all->secrets);
	struct buf values = BUF_INIT(SIZE_MAX);

	if (exchange->key != NULL && exchange->key->client) {
		buf_put(&values, buf_data(own), buf_len(own));
		redact_add_client(&values, exchange->plan.headers);
		own = &values;
	}
	redact_put(out, own, why, strlen(why));
	buf_free(&values);
}

static void again(struct exchange *exchange);

/*
 * Whether the provider refused thinking of the history, and there is a copy without it now to ask it again. Once a request: the
 * next ones get the body as it is, since the thinking may be theirs.
 */
static bool
strip(struct exchange *exchange, const struct failure *failure)
{
	const char *body = buf_data(&exchange->body);
	size_t n = buf_len(&exchange->body);
	struct strip strip;

	if (failure->fault != FAULT_REQUEST || failure->cause != REFUSAL_THINKING || exchange->account.stripped > 0 ||
	    exchange->attempt.dialect != DIALECT_ANTHROPIC || exchange->plan.dialect != DIALECT_ANTHROPIC)
		return false;
	strip_init(&strip);
	if (strip_find(&strip, body, n) && strip.blocks > 0)
		strip_put(&exchange->stripped, &strip, body, n);
	if (exchange->stripped.failed)
		buf_free(&exchange->stripped);
	else
		exchange->account.stripped = strip.blocks;
	strip_free(&strip);
	return exchange->account.stripped > 0;
}

void
attempt_failed(struct exchange *exchange, const struct failure *failure)
{
	struct buf text = BUF_INIT(SIZE_MAX);
	bool own_key = exchange->key != NULL && exchange->key->client;
	const char *why;

	put_without_keys(exchange, failure->why, &text);
	if ((why = buf_str(&text)) == NULL)
		why = "it failed";
	exchange->transfer = NULL;
	exchange->has_first = false;
	attempt_account(exchange, failure->result, failure->status, why);
	witness_failed(&exchange->witness, exchange->all->health, failure->fault, failure->status, failure->wait_ms);
	if (strip(exchange, failure)) {
		buf_free(&text);
		again(exchange);
		return;
	}
	failover_add(&exchange->tally, exchange->number, failure->fault, failure->told, failure->wait_ms);
	/* What is wrong with a request is told to its client, and no one else's business. */
	if (failure->fault != FAULT_REQUEST)
		attempt_warn(exchange, why);
	buf_free(&text);
	if (failure->fault == FAULT_TOO_LONG) {
		exchange->too_long = true;
		if (exchange->attempt.context > exchange->too_small)
			exchange->too_small = exchange->attempt.context;
	}
	if (failover_goes_on(failure->fault, own_key, 0, 1))
		attempt_next(exchange);
	else
		conclusion_answer(exchange);
}

/* Why the attempt must not be made, or NULL: a key goes only to the place that the configuration has for it. */
static const char *
objection(struct exchange *exchange)
{
	const struct attempt *attempt = &exchange->attempt;
	const char *base;

	exchange->key = NULL;
	exchange->provider = config_find_provider(exchange->all->config, attempt->provider.p + 1, attempt->provider.len - 2);
	if (exchange->provider == NULL)
		return "not in the configuration of lb-fetch";
	buf_clear(&exchange->url);
	if (!json_decode(attempt->url, &exchange->url) || buf_str(&exchange->url) == NULL)
		return "the plan's URL for it cannot be read";
	base = exchange->provider->base_url[attempt->dialect];
	if (base == NULL || !plan_url_is_below(buf_data(&exchange->url), buf_len(&exchange->url), base))
		return "the plan's URL for it is not below its base URL";
	if (exchange->too_long && !failover_goes_on(FAULT_TOO_LONG, false, exchange->too_small, attempt->context))
		return "not asked: its context is not known to be larger";
	if (attempt->key.len == 0)
		return NULL;
	exchange->key = secrets_find(exchange->all->secrets, exchange->provider, attempt->key);
	if (exchange->key == NULL)
		return "the plan's key for it is not in the configuration of lb-fetch";
	return exchange->key->why != NULL ? "its key is missing: the log of lb-fetch's start says why" : NULL;
}

/* Makes the body name the attempt's model, or the client's own again. False if memory is short. */
static bool
set_model(struct exchange *exchange)
{
	struct json model = exchange->attempt.model;
	size_t at = exchange->plan.model_at;

	if (!exchange->plan.has_model)
		return true;
	if (model.len == 0)
		return buf_len(&exchange->model) == 0 ||
		    splice_replace(&exchange->body, at, &exchange->model_len, buf_data(&exchange->model),
			buf_len(&exchange->model));
	if (buf_len(&exchange->model) == 0)
		buf_put(&exchange->model, buf_data(&exchange->body) + at, exchange->model_len);
	return !exchange->model.failed &&
	    splice_replace(&exchange->body, at, &exchange->model_len, model.p, model.len);
}

/* From here on the health table counts the attempt. Rows are of models: a request without one says nothing of any. */
static void
tell_witness(struct exchange *exchange)
{
	if (!exchange->plan.has_model)
		return;
	witness_begin(&exchange->witness, exchange->all->health,
	    &(struct witness_of){ .provider = exchange->provider->name,
		.model = attempt_model(exchange),
		.key = exchange->attempt.key,
		.own_key = exchange->key != NULL && exchange->key->client });
}

static bool
start(struct exchange *exchange)
{
	struct transfer_request request = {
		.method = exchange->plan.method,
		.url = buf_data(&exchange->url),
		.headers = exchange->plan.headers,
		.auth = exchange->provider->auth[exchange->attempt.dialect],
		.key = exchange->key,
		.http2 = exchange->provider->http2,
		.limits = exchange->attempt.limits,
		.awaits_content = exchange->plan.stream && exchange->plan.has_model,
	};

	if (!set_model(exchange))
		return false;
	request.body = buf_data(buf_len(&exchange->stripped) > 0 ? &exchange->stripped : &exchange->body);
	request.body_len = buf_len(buf_len(&exchange->stripped) > 0 ? &exchange->stripped : &exchange->body);
	hold_clear(exchange);
	tell_witness(exchange);
	exchange->attempt_started = clock_monotonic_ms();
	exchange->transfer = transfer_start(exchange->all->transfers, &request, &hold_events, exchange);
	return exchange->transfer != NULL;
}

/* Waits until the attempt may be made. False if that is now. */
static bool
wait_for_it(struct exchange *exchange)
{
	struct exchanges *all = exchange->all;
	uint64_t now = clock_unix_ms(), then = exchange->attempt.not_before;

	if (then <= now)
		return false;
	ev_timer_set(&exchange->wait, (double)(then - now) / 1000, 0);
	ev_timer_start(all->ev, &exchange->wait);
	return true;
}

static void
skip(struct exchange *exchange, const char *why)
{
	attempt_account(exchange, END_REFUSED, 0, why);
	failover_add(&exchange->tally, exchange->number, FAULT_SKIPPED, 0, 0);
	attempt_warn(exchange, why);
}

/* The attempt is under way or told why not. */
static bool
make(struct exchange *exchange)
{
	if (start(exchange))
		return true;
	witness_end(&exchange->witness, exchange->all->health);
	skip(exchange, "unable to start it: out of memory");
	return false;
}

/* The attempt once more, as one of its own. */
static void
again(struct exchange *exchange)
{
	exchange->number++;
	if (!make(exchange))
		attempt_next(exchange);
}

static void
on_wait(struct ev_loop *ev, ev_timer *timer, int revents)
{
	struct exchange *exchange = timer->data;

	(void)ev;
	(void)revents;
	if (!wait_for_it(exchange) && !make(exchange))
		attempt_next(exchange);
}

void
attempt_init(struct exchange *exchange)
{
	ev_init(&exchange->wait, on_wait);
	exchange->wait.data = exchange;
}

void
attempt_next(struct exchange *exchange)
{
	const char *why;

	buf_free(&exchange->stripped);
	while (plan_next(&exchange->attempts, &exchange->attempt, &why)) {
		const char *reason;

		exchange->number++;
		if ((reason = objection(exchange)) != NULL) {
			skip(exchange, reason);
			continue;
		}
		if (wait_for_it(exchange) || make(exchange))
			return;
	}
	if (why != NULL)
		diag_warning("%s: %s", exchange_name(exchange), why);
	conclusion_answer(exchange);
}
