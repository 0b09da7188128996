/* SPDX-License-Identifier: MIT */
#include "upstream/answer.h"

#include <string.h>

#include "base/limits.h"
#include "health/health.h"
#include "upstream/headers.h"

static void
put_raw(struct buf *out, const char *name, struct json value)
{
	if (value.len == 0)
		return;
	buf_puts(out, name);
	buf_put(out, value.p, value.len);
}

void
answers_put_open(struct answers *answers, uint64_t id, const struct plan *plan)
{
	struct buf *out = &answers->out;

	record_begin(out, "open", id);
	put_raw(out, ",\"request_id\":", plan->request_id);
	put_raw(out, ",\"method\":", plan->method);
	put_raw(out, ",\"version\":", plan->version);
	buf_puts(out, plan->close ? ",\"close\":true,\"dialect\":\"" : ",\"close\":false,\"dialect\":\"");
	buf_puts(out, dialect_name(plan->dialect));
	buf_puts(out, plan->stream ? "\",\"stream\":true" : "\",\"stream\":false");
	put_raw(out, ",\"model\":", plan->model);
	put_raw(out, ",\"ping_ms\":", plan->ping_ms);
	put_raw(out, ",\"first_ping_ms\":", plan->first_ping_ms);
	record_finish(out);
}

/* The fields that tell how the answer came to be; NULL: no provider gave it. */
static void
put_story(struct buf *out, const char *provider, const struct answer_story *story)
{
	if (provider != NULL) {
		buf_puts(out, "\"x-lb-provider\":");
		json_put_octets(out, provider, strlen(provider));
		buf_putc(out, ',');
	}
	buf_printf(out, "\"x-lb-attempts\":\"%u\"", story->attempts);
	if (story->reason == NULL || buf_len(story->reason) == 0)
		return;
	buf_puts(out, ",\"x-lb-reason\":");
	json_put_octets(out, buf_data(story->reason), buf_len(story->reason));
}

void
answers_put_head(struct answers *answers, uint64_t id, const struct answer_head *head)
{
	struct buf *out = &answers->out;
	size_t fields;

	record_begin(out, "head", id);
	buf_puts(out, ",\"status\":");
	buf_put_u64(out, (uint64_t)head->status);
	buf_puts(out, ",\"headers\":{");
	fields = buf_len(out);
	headers_put_members(out, head->lines, head->lines_len);
	if (buf_len(out) > fields)
		buf_putc(out, ',');
	if (head->length >= 0) {
		buf_puts(out, "\"content-length\":\"");
		buf_put_u64(out, (uint64_t)head->length);
		buf_puts(out, "\",");
	}
	put_story(out, head->who.provider, &head->story);
	buf_putc(out, '}');
	account_put_answerer(out, &head->who);
	buf_puts(out, ",\"dialect\":\"");
	buf_puts(out, dialect_name(head->dialect));
	buf_putc(out, '"');
	if (head->row != 0) {
		buf_puts(out, ",\"row\":\"");
		health_put_id(out, head->row);
		buf_putc(out, '"');
	}
	record_finish(out);
}

void
answers_put_final(struct answers *answers, uint64_t id, const struct answer_final *final)
{
	struct buf *out = &answers->out;

	record_begin(out, "head", id);
	buf_printf(out, ",\"status\":%d,\"headers\":{\"content-type\":\"application/json\",\"content-length\":\"%zu\",",
	    final->status, buf_len(final->body));
	if (final->wait_ms > 0)
		buf_printf(out, "\"retry-after\":\"%llu\",", (unsigned long long)(final->wait_ms + 999) / 1000);
	put_story(out, NULL, &final->story);
	buf_putc(out, '}');
	record_finish(out);
	if (!final->head_only)
		record_put_data(out, id, buf_data(final->body), buf_len(final->body));
}

void
answers_put_end(struct answers *answers, uint64_t id, const struct answer_end *end)
{
	struct buf *out = &answers->out;

	record_begin(out, "end", id);
	buf_puts(out, ",\"result\":\"");
	buf_puts(out, record_end_name(end->result));
	buf_putc(out, '"');
	if (end->error != NULL) {
		buf_puts(out, ",\"error\":");
		json_put_string(out, end->error, strlen(end->error));
	}
	buf_puts(out, ",\"attempts\":[");
	buf_put(out, buf_data(&end->account->attempts), buf_len(&end->account->attempts));
	buf_putc(out, ']');
	buf_put(out, buf_data(&end->account->answered), buf_len(&end->account->answered));
	if (end->account->stripped > 0) {
		buf_puts(out, ",\"stripped\":");
		buf_put_u64(out, end->account->stripped);
	}
	if (usage_any(end->usage)) {
		buf_puts(out, ",\"usage\":");
		usage_put(out, end->usage);
	}
	if (end->first_ms != NULL) {
		buf_puts(out, ",\"first_ms\":");
		buf_put_u64(out, *end->first_ms);
	}
	buf_puts(out, ",\"total_ms\":");
	buf_put_u64(out, end->total_ms);
	record_finish(out);
}

/* A number's digits, at the end of `digits`. Returns how many. */
static size_t
to_digits(size_t value, char digits[20])
{
	size_t n = 0;

	do {
		digits[20 - ++n] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	return n;
}

/* Makes the last data record longer by `n` octets. False if there is no room. */
static bool
extend(struct answers *answers, const char *p, size_t n)
{
	size_t len = answers->end - 1 - answers->payload_at, was = answers->payload_at - answers->bytes_at - 2, now;
	char digits[20], *at;

	now = to_digits(len + n, digits);
	if (buf_reserve(&answers->out, n + (now - was)) == NULL)
		return false;
	at = buf_data(&answers->out);
	/* The length may have got a digit more, for which the payload gives way: at most a few times a record. */
	if (now != was)
		memmove(at + answers->payload_at + (now - was), at + answers->payload_at, len);
	answers->payload_at += now - was;
	memcpy(at + answers->bytes_at, digits + sizeof digits - now, now);
	memcpy(at + answers->payload_at - 2, "}\n", 2);
	memcpy(at + answers->payload_at + len, p, n);
	answers->end = answers->payload_at + len + n + 1;
	at[answers->end - 1] = '\n';
	answers->out.end = answers->out.start + answers->end;
	return true;
}

void
answers_put_data(struct answers *answers, uint64_t id, const char *p, size_t n)
{
	struct buf *out = &answers->out;
	char digits[20];

	if (n == 0)
		return;
	if (answers->id == id && answers->end == buf_len(out) &&
	    answers->end - answers->payload_at + n <= ANSWER_DATA_MAX) {
		extend(answers, p, n);
		return;
	}
	record_begin(out, "data", id);
	answers->id = id;
	answers->bytes_at = buf_len(out) + strlen(",\"bytes\":");
	answers->payload_at = answers->bytes_at + to_digits(n, digits) + 2;
	record_finish_payload(out, p, n);
	answers->end = buf_len(out);
}

void
answers_written(struct answers *answers)
{
	answers->id = 0;
}
