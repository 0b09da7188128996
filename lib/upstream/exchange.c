/* SPDX-License-Identifier: MIT */
#include "upstream/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/limits.h"
#include "upstream/internal.h"
#include "upstream/reason.h"
#include "upstream/splice.h"

static void
free_memory(struct exchange *exchange)
{
	buf_free(&exchange->header);
	buf_free(&exchange->body);
	buf_free(&exchange->model);
	buf_free(&exchange->stripped);
	buf_free(&exchange->request_id);
	buf_free(&exchange->url);
	buf_free(&exchange->held.lines);
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
		buf_init(&exchange->held.lines, RESPONSE_HEAD_MAX);
		buf_init(&exchange->held.body, HELD_MAX_CEILING);
		account_init(&exchange->account);
		attempt_init(exchange);
		exchange->all = all;
	}
	buf_init(&exchange->body, RECORD_PAYLOAD_MAX + RECORD_HEADER_MAX);
	buf_init(&exchange->stripped, SIZE_MAX);
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
		&exchange->held.lines, &exchange->held.body };

	hold_clear(exchange);
	witness_end(&exchange->witness, all->health);
	exchange->witness.row = 0;
	idmap_remove(&all->open, exchange->id);
	ev_timer_stop(all->ev, &exchange->wait);
	if (all->unused_count >= HANDLES_KEPT) {
		free_memory(exchange);
		free(exchange);
		return;
	}
	buf_free(&exchange->body);
	buf_free(&exchange->stripped);
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		buf_clear(kept[i]);
		buf_trim(kept[i], 4 * KIB);
	}
	exchange->transfer = NULL;
	exchange->provider = NULL;
	exchange->number = 0;
	account_clear(&exchange->account);
	exchange->tally = (struct failover_tally){ .last = 0 };
	exchange->usage = (struct usage){ .has_input = false };
	exchange->too_long = exchange->committed = exchange->paused = false;
	exchange->too_small = 0;
	exchange->next = all->unused;
	all->unused = exchange;
	all->unused_count++;
}

const char *
exchange_name(struct exchange *exchange)
{
	const char *id = buf_str(&exchange->request_id);

	return id != NULL ? id : "";
}

static struct answer_story
tell_story(struct exchange *exchange, struct buf *reason)
{
	reason_put(reason, &exchange->plan, buf_len(&exchange->stripped) > 0, &exchange->account);
	return (struct answer_story){ exchange->number - exchange->tally.counts[FAULT_SKIPPED], reason };
}

void
exchange_put_head(struct exchange *exchange, const struct answer_head *head)
{
	struct buf reason = BUF_INIT(2 * REASON_MAX);
	struct answer_head told = *head;

	told.story = tell_story(exchange, &reason);
	account_put_answerer(&exchange->account.answered, &head->who);
	answers_put_head(&exchange->all->answers, exchange->id, &told);
	buf_free(&reason);
}

void
exchange_put_error(struct exchange *exchange, int status, uint64_t wait_ms, const struct buf *body)
{
	struct buf reason = BUF_INIT(2 * REASON_MAX);

	answers_put_final(&exchange->all->answers, exchange->id,
	    &(struct answer_final){ .status = status,
		.wait_ms = wait_ms,
		.body = body,
		.head_only = exchange->head_only,
		.story = tell_story(exchange, &reason) });
	buf_free(&reason);
}

void
exchange_finish(struct exchange *exchange, enum record_end result, const char *error)
{
	answers_put_end(&exchange->all->answers, exchange->id,
	    &(struct answer_end){ .result = result,
		.error = error,
		.account = &exchange->account,
		.usage = &exchange->usage,
		.first_ms = exchange->has_first ? &exchange->first_ms : NULL,
		.total_ms = clock_monotonic_ms() - exchange->started });
	forget(exchange);
}

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
		diag_warning("%s: %s", exchange_name(exchange), why);
		conclusion_refuse(exchange, why);
		return true;
	}
	plan_attempts(&exchange->plan, &exchange->attempts);
	attempt_next(exchange);
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
		attempt_account(exchange, END_CANCELLED, status, NULL);
	}
	exchange_finish(exchange, END_CANCELLED, "the client went away");
}

/* A pause is for the answer that is passed on; what is held before it is little, and the provider's time goes on. */
void
exchanges_pause(struct exchanges *all, uint64_t id)
{
	struct exchange *exchange = idmap_get(&all->open, id);

	if (exchange == NULL)
		return;
	exchange->paused = true;
	if (exchange->transfer != NULL && exchange->committed)
		transfer_pause(exchange->transfer);
}

void
exchanges_resume(struct exchanges *all, uint64_t id)
{
	struct exchange *exchange = idmap_get(&all->open, id);

	if (exchange == NULL)
		return;
	exchange->paused = false;
	if (exchange->transfer != NULL && exchange->committed)
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
    const struct secrets *secrets, struct health *health)
{
	struct exchanges *all = calloc(1, sizeof *all);

	if (all == NULL)
		return NULL;
	all->ev = ev;
	all->transfers = transfers;
	all->config = config;
	all->secrets = secrets;
	all->health = health;
	all->hold_bytes = config->hold_bytes != 0 ? config->hold_bytes : HELD_MAX;
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
