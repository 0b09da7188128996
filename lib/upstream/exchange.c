/* SPDX-License-Identifier: MIT */
#include "upstream/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/idmap.h"
#include "base/limits.h"
#include "upstream/failover.h"
#include "upstream/headers.h"
#include "upstream/plan.h"
#include "upstream/splice.h"

/* An answer that is passed on only if no other attempt gives a better one. */
struct held {
	int status;			/* 0: none */
	bool whole;
	unsigned number;
	const struct config_provider *provider;
	struct json model;		/* as it was asked for */
	enum dialect dialect;
	struct buf head;		/* header lines */
	struct buf body;
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
	struct buf request_id;
	struct json_iter attempts;
	struct attempt attempt;		/* the one under way, or waited for */
	unsigned number;		/* its number, from 1 */
	const struct config_provider *provider;
	const struct secret *key;
	struct buf url;
	struct transfer *transfer;	/* NULL while none is under way */
	ev_timer wait;			/* for not_before */
	struct held held;
	struct account account;		/* of the attempts so far */
	bool head_only;			/* HEAD: the answer has no body */
	bool committed;			/* its head has been written */
	uint64_t started;		/* ms, monotonic; so the next */
	uint64_t attempt_started;
	uint64_t first_ms;		/* until the first octet of the answer */
	bool has_first;
};

struct exchanges {
	struct ev_loop *ev;
	struct transfers *transfers;
	const struct config *config;
	const struct secrets *secrets;
	struct idmap open;
	struct exchange *unused;
	size_t unused_count;
	struct answers answers;
};

static void next_attempt(struct exchange *exchange);
static void on_wait(struct ev_loop *ev, ev_timer *timer, int revents);

static void
free_memory(struct exchange *exchange)
{
	buf_free(&exchange->header);
	buf_free(&exchange->body);
	buf_free(&exchange->model);
	buf_free(&exchange->request_id);
	buf_free(&exchange->url);
	buf_free(&exchange->held.head);
	buf_free(&exchange->held.body);
	account_free(&exchange->account);
}

static struct exchange *
new_exchange(struct exchanges *all, uint64_t id)
{
	struct exchange *exchange = all->unused;

	if (exchange != NULL) {
		all->unused = exchange->next;
		all->unused_count--;
	} else {
		if ((exchange = calloc(1, sizeof *exchange)) == NULL)
			return NULL;
		buf_init(&exchange->header, RECORD_HEADER_MAX);
		buf_init(&exchange->model, RECORD_HEADER_MAX);
		buf_init(&exchange->request_id, RECORD_HEADER_MAX);
		buf_init(&exchange->url, RECORD_HEADER_MAX);
		buf_init(&exchange->held.head, RESPONSE_HEAD_MAX);
		buf_init(&exchange->held.body, HELD_MAX);
		account_init(&exchange->account);
		ev_init(&exchange->wait, on_wait);
		exchange->wait.data = exchange;
		exchange->all = all;
	}
	buf_init(&exchange->body, RECORD_PAYLOAD_MAX + RECORD_HEADER_MAX);
	exchange->id = id;
	if (idmap_put(&all->open, id, exchange))
		return exchange;
	free_memory(exchange);
	free(exchange);
	return NULL;
}

/* Takes it out of the table. What it held for the next one to use is kept, but for large memory. */
static void
forget(struct exchange *exchange)
{
	struct exchanges *all = exchange->all;
	struct buf *kept[] = { &exchange->header, &exchange->request_id, &exchange->url, &exchange->model,
		&exchange->held.head, &exchange->held.body };

	idmap_remove(&all->open, exchange->id);
	ev_timer_stop(all->ev, &exchange->wait);
	if (all->unused_count >= HANDLES_KEPT) {
		free_memory(exchange);
		free(exchange);
		return;
	}
	buf_free(&exchange->body);
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		buf_clear(kept[i]);
		buf_trim(kept[i], 4 * KIB);
	}
	exchange->transfer = NULL;
	exchange->provider = NULL;
	exchange->number = 0;
	exchange->held.status = 0;
	account_clear(&exchange->account);
	exchange->committed = exchange->has_first = false;
	exchange->next = all->unused;
	all->unused = exchange;
	all->unused_count++;
}

/* The log's line about an attempt. */
static void
warn(struct exchange *exchange, const char *what)
{
	const char *id = buf_str(&exchange->request_id);

	diag_warning("%s: provider %s: %s", id != NULL ? id : "", exchange->provider ? exchange->provider->name : "?", what);
}

static void
account_for(struct exchange *exchange, enum record_end result, int status, const char *error)
{
	struct json name = exchange->attempt.provider;
	uint64_t ms = result == END_REFUSED ? 0 : clock_monotonic_ms() - exchange->attempt_started;

	if (exchange->provider != NULL)
		account_add(&exchange->account, exchange->provider->name, strlen(exchange->provider->name), status, result,
		    ms, error);
	else
		account_add(&exchange->account, name.p + 1, name.len - 2, status, result, ms, error);
}

/* Writes the end record; the exchange is no more. */
static void
finish(struct exchange *exchange, enum record_end result, const char *error)
{
	answers_put_end(&exchange->all->answers, exchange->id, result, error, &exchange->account,
	    exchange->has_first ? &exchange->first_ms : NULL, clock_monotonic_ms() - exchange->started);
	forget(exchange);
}

static void
put_error_body(struct exchange *exchange, struct buf *body, enum dialect dialect, int status, const char *message)
{
	dialect_put_error(body, dialect, status, message,
	    buf_len(&exchange->request_id) > 0 ? buf_str(&exchange->request_id) : NULL);
}

/* An answer of lb's own, and the end. */
static void
answer(struct exchange *exchange, int status, enum record_end result, const char *message)
{
	struct buf body = BUF_INIT(SIZE_MAX);

	put_error_body(exchange, &body, exchange->plan.dialect, status, message);
	answers_put_final(&exchange->all->answers, exchange->id, status, &body, exchange->head_only);
	buf_free(&body);
	finish(exchange, result, message);
}

/* Puts in place of a held error that did not come whole what lb can say of it; the status and other fields stay. */
static void
mend_held(struct exchange *exchange, const char *message)
{
	struct held *held = &exchange->held;
	struct buf lines = BUF_INIT(RESPONSE_HEAD_MAX + KIB);
	static const char json[] = "content-type: application/json";

	for (size_t i = 0, n = buf_len(&held->head), len; i < n; i += len) {
		const char *line = buf_data(&held->head) + i;

		len = strlen(line) + 1;
		if (strncmp(line, "content-type:", 13) != 0)
			buf_put(&lines, line, len);
	}
	buf_put(&lines, json, sizeof json);
	buf_free(&held->head);
	held->head = lines;
	buf_clear(&held->body);
	put_error_body(exchange, &held->body, held->dialect, held->status, message);
}

/* The head of the answer that is passed on; the end record says too whose that was. */
static void
put_head(struct exchange *exchange, const struct answer_head *head)
{
	account_put_answerer(&exchange->account.answered, &head->who);
	answers_put_head(&exchange->all->answers, exchange->id, head);
}

/* Passes the held answer on, and the end. */
static void
answer_held(struct exchange *exchange, const char *message)
{
	struct held *held = &exchange->held;
	struct answers *answers = &exchange->all->answers;

	if (!held->whole)
		mend_held(exchange, message);
	put_head(exchange,
	    &(struct answer_head){ .status = held->status,
		.lines = buf_data(&held->head),
		.lines_len = buf_len(&held->head),
		.length = exchange->head_only ? -1 : (int64_t)buf_len(&held->body),
		.who = { held->provider->name, held->number, held->model },
		.dialect = held->dialect });
	if (!exchange->head_only)
		answers_put_data(answers, exchange->id, buf_data(&held->body), buf_len(&held->body));
	finish(exchange, END_UPSTREAM_ERROR, message);
}

/* No attempt is left. */
static void
conclude(struct exchange *exchange)
{
	const struct account *account = &exchange->account;
	struct buf message = BUF_INIT(SIZE_MAX);
	const char *text;

	if (buf_len(&account->said) > 0) {
		buf_puts(&message, "no provider could answer: ");
		buf_put(&message, buf_data(&account->said), buf_len(&account->said));
	} else
		buf_puts(&message, "the plan names no provider to ask");
	if ((text = buf_str(&message)) == NULL)
		text = "no provider could answer";
	if (exchange->held.status != 0)
		answer_held(exchange, text);
	else
		answer(exchange, failover_final_status(account->timed_out), failover_result(account->timed_out, false), text);
	buf_free(&message);
}

/* What a transfer tells */

/* Whether the answer under way is one that is held. */
static bool
is_held(const struct exchange *exchange)
{
	return exchange->held.status != 0 && exchange->held.number == exchange->number;
}

/* The model that the provider under way was asked for. */
static struct json
asked_model(const struct exchange *exchange)
{
	return exchange->plan.has_model && exchange->attempt.model.len > 0 ? exchange->attempt.model : exchange->plan.model;
}

static void
on_head(void *context)
{
	struct exchange *exchange = context;
	struct held *held = &exchange->held;
	int status = transfer_status(exchange->transfer);
	const char *lines;
	size_t n;

	if (!failover_is_retryable(status))
		return;
	held->status = status;
	held->whole = false;
	held->number = exchange->number;
	held->provider = exchange->provider;
	held->model = asked_model(exchange);
	held->dialect = exchange->attempt.dialect;
	lines = transfer_head(exchange->transfer, &n);
	buf_clear(&held->head);
	buf_put(&held->head, lines, n);
	buf_clear(&held->body);
	transfer_hurry(exchange->transfer, HELD_WAIT_MS);
}

/* From here on the answer is passed on, and there is no other attempt. */
static void
commit(struct exchange *exchange, int64_t length)
{
	const char *lines;
	size_t n;

	lines = transfer_head(exchange->transfer, &n);
	put_head(exchange,
	    &(struct answer_head){ .status = transfer_status(exchange->transfer),
		.lines = lines,
		.lines_len = n,
		.length = length,
		.who = { exchange->provider->name, exchange->number, asked_model(exchange) },
		.dialect = exchange->attempt.dialect });
	exchange->committed = true;
	if (transfer_body_is_sent(exchange->transfer)) {
		buf_free(&exchange->header);
		buf_free(&exchange->body);
	}
}

static bool
on_body(void *context, const char *p, size_t n)
{
	struct exchange *exchange = context;

	if (is_held(exchange)) {
		buf_put(&exchange->held.body, p, n);
		return !exchange->held.body.failed;
	}
	if (!exchange->committed) {
		exchange->has_first = true;
		exchange->first_ms = clock_monotonic_ms() - exchange->started;
		commit(exchange, transfer_length(exchange->transfer));
	}
	answers_put_data(&exchange->all->answers, exchange->id, p, n);
	return true;
}

/* The attempt gave nothing to pass on; the next one. */
static void
fail(struct exchange *exchange, enum record_end result, int status, const char *why)
{
	exchange->transfer = NULL;
	account_for(exchange, result, status, why);
	warn(exchange, why);
	next_attempt(exchange);
}

static void
fail_with_status(struct exchange *exchange, int status, const char *what)
{
	struct buf why = BUF_INIT(KIB);

	buf_printf(&why, "answered %d%s", status, what);
	fail(exchange, END_UPSTREAM_ERROR, status, buf_str(&why) != NULL ? buf_data(&why) : "answered an error");
	buf_free(&why);
}

/* The end, good or bad, of an answer that was passed on. */
static void
close_answer(struct exchange *exchange, int status, enum transfer_end how, const char *why)
{
	enum record_end result =
	    how == TRANSFER_WHOLE ? END_COMPLETE : failover_result(how == TRANSFER_TIMEOUT, true);

	exchange->transfer = NULL;
	account_for(exchange, result, status, why);
	if (why != NULL)
		warn(exchange, why);
	finish(exchange, result, why != NULL ? buf_str(&exchange->account.said) : NULL);
}

static void
on_done(void *context, enum transfer_end how, const char *why)
{
	struct exchange *exchange = context;
	int status = transfer_status(exchange->transfer);

	if (exchange->committed)
		close_answer(exchange, status, how, why);
	else if (is_held(exchange)) {
		exchange->held.whole = how == TRANSFER_WHOLE;
		fail_with_status(exchange, status, how == TRANSFER_WHOLE ? "" : ", and its body did not come whole");
	} else if (how != TRANSFER_WHOLE)
		fail(exchange, failover_result(how == TRANSFER_TIMEOUT, false), status, why);
	else if (!exchange->head_only && failover_is_empty(status, exchange->plan.stream))
		fail_with_status(exchange, status, " without a body");
	else {
		int64_t length = transfer_length(exchange->transfer);

		/* One whose length was not told has none: that is known now. */
		if (length < 0 && !exchange->head_only && status != 204 && status != 304)
			length = 0;
		commit(exchange, length);
		close_answer(exchange, status, how, why);
	}
}

/* Attempts */

/* Why the attempt must not be made, or NULL: a key goes only to the place that the configuration has for it. */
static const char *
refusal(struct exchange *exchange)
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

static bool
start(struct exchange *exchange)
{
	static const struct transfer_events events = { on_head, on_body, on_done };
	struct transfer_request request = {
		.method = exchange->plan.method,
		.url = buf_data(&exchange->url),
		.headers = exchange->plan.headers,
		.auth = exchange->provider->auth[exchange->attempt.dialect],
		.key = exchange->key,
		.http2 = exchange->provider->http2,
		.limits = exchange->attempt.limits,
	};

	if (!set_model(exchange))
		return false;
	request.body = buf_data(&exchange->body);
	request.body_len = buf_len(&exchange->body);
	exchange->attempt_started = clock_monotonic_ms();
	exchange->transfer = transfer_start(exchange->all->transfers, &request, &events, exchange);
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

/* The attempt is under way or told why not. */
static bool
make_attempt(struct exchange *exchange)
{
	if (start(exchange))
		return true;
	account_for(exchange, END_REFUSED, 0, "unable to start it: out of memory");
	warn(exchange, "unable to start it: out of memory");
	return false;
}

static void
on_wait(struct ev_loop *ev, ev_timer *timer, int revents)
{
	struct exchange *exchange = timer->data;

	(void)ev;
	(void)revents;
	if (!wait_for_it(exchange) && !make_attempt(exchange))
		next_attempt(exchange);
}

/* Takes the next attempt that can be made; without one, answers. */
static void
next_attempt(struct exchange *exchange)
{
	const char *why;

	while (plan_next(&exchange->attempts, &exchange->attempt, &why)) {
		const char *reason;

		exchange->number++;
		if ((reason = refusal(exchange)) != NULL) {
			account_for(exchange, END_REFUSED, 0, reason);
			warn(exchange, reason);
			continue;
		}
		if (wait_for_it(exchange) || make_attempt(exchange))
			return;
	}
	if (why != NULL)
		diag_warning("%s: %s", buf_str(&exchange->request_id) ? buf_data(&exchange->request_id) : "", why);
	conclude(exchange);
}

/* Requests */

/* Takes over the record: its header is copied, and so is its body unless it is large. False if memory is short. */
static bool
take(struct exchange *exchange, const struct record *record, struct buf *input)
{
	buf_put(&exchange->header, record->header.p, record->header.len);
	if (record->payload_len > COPY_MAX && buf_len(input) == record->size) {
		size_t body_at = (size_t)(record->payload - buf_data(input));

		exchange->body = *input;
		buf_init(input, input->max);
		buf_consume(&exchange->body, body_at);
		exchange->body.end = exchange->body.start + record->payload_len;
	} else if (record->has_payload)
		buf_put(&exchange->body, record->payload, record->payload_len);
	return !exchange->header.failed && !exchange->body.failed;
}

/* Why the request cannot be sent anywhere, or NULL. */
static const char *
read_request(struct exchange *exchange)
{
	struct plan *plan = &exchange->plan;
	const char *why = plan_read(plan, (struct json){ buf_data(&exchange->header), buf_len(&exchange->header) });

	if (plan->request_id.len > 0)
		json_decode(plan->request_id, &exchange->request_id);
	exchange->head_only = plan->method.len > 0 && json_equals(plan->method, "HEAD");
	if (why == NULL && plan->has_model &&
	    !splice_is_string(buf_data(&exchange->body), buf_len(&exchange->body), plan->model_at, plan->model_len))
		why = "model_at in the plan is not where the body has a string";
	exchange->model_len = plan->model_len;
	return why;
}

bool
exchanges_open(struct exchanges *all, const struct record *record, struct buf *input)
{
	struct exchange *exchange;
	const char *why;

	if (idmap_get(&all->open, record->id) != NULL) {
		diag_error("unable to take request %llu: one of that id is open", (unsigned long long)record->id);
		return false;
	}
	if ((exchange = new_exchange(all, record->id)) == NULL || !take(exchange, record, input)) {
		diag_error("unable to take request %llu: out of memory", (unsigned long long)record->id);
		return false;
	}
	exchange->started = clock_monotonic_ms();
	why = read_request(exchange);
	answers_put_open(&all->answers, exchange->id, &exchange->plan);
	if (why != NULL) {
		diag_warning("%s: %s", buf_str(&exchange->request_id) ? buf_data(&exchange->request_id) : "", why);
		answer(exchange, 500, END_REFUSED, why);
		return true;
	}
	plan_attempts(&exchange->plan, &exchange->attempts);
	next_attempt(exchange);
	return true;
}

void
exchanges_cancel(struct exchanges *all, uint64_t id)
{
	struct exchange *exchange = idmap_get(&all->open, id);

	if (exchange == NULL)
		return;
	if (exchange->transfer != NULL) {
		int status = transfer_status(exchange->transfer);

		transfer_cancel(exchange->transfer);
		account_for(exchange, END_CANCELLED, status, NULL);
	}
	finish(exchange, END_CANCELLED, "the client went away");
}

/* A pause is for the answer that is being passed on; what comes before it is little. */
void
exchanges_pause(struct exchanges *all, uint64_t id)
{
	struct exchange *exchange = idmap_get(&all->open, id);

	if (exchange != NULL && exchange->transfer != NULL && exchange->committed)
		transfer_pause(exchange->transfer);
}

void
exchanges_resume(struct exchanges *all, uint64_t id)
{
	struct exchange *exchange = idmap_get(&all->open, id);

	if (exchange != NULL && exchange->transfer != NULL && exchange->committed)
		transfer_resume(exchange->transfer);
}

void
exchanges_resume_all(struct exchanges *all)
{
	for (size_t i = 0; i < all->open.size; i++)
		if (all->open.slots[i].id != 0)
			exchanges_resume(all, all->open.slots[i].id);
}

size_t
exchanges_count(const struct exchanges *all)
{
	return all->open.count;
}

struct answers *
exchanges_answers(struct exchanges *all)
{
	return &all->answers;
}

struct exchanges *
exchanges_new(struct ev_loop *ev, struct transfers *transfers, const struct config *config,
    const struct secrets *secrets)
{
	struct exchanges *all = calloc(1, sizeof *all);

	if (all == NULL)
		return NULL;
	all->ev = ev;
	all->transfers = transfers;
	all->config = config;
	all->secrets = secrets;
	all->answers.out = BUF_INIT(SIZE_MAX);
	return all;
}

void
exchanges_free(struct exchanges *all)
{
	struct exchange *exchange;

	if (all == NULL)
		return;
	while ((exchange = idmap_any(&all->open)) != NULL) {
		if (exchange->transfer != NULL)
			transfer_cancel(exchange->transfer);
		forget(exchange);
	}
	while ((exchange = all->unused) != NULL) {
		all->unused = exchange->next;
		free_memory(exchange);
		free(exchange);
	}
	idmap_free(&all->open);
	buf_free(&all->answers.out);
	free(all);
}
