/* SPDX-License-Identifier: MIT */
#include "stream/reframe.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "stream/header.h"
#include "stream/internal.h"

#define STATUS_MAX 999

static const char ping[] = "event: ping\ndata: {\"type\":\"ping\"}\n\n";

static uint64_t
limit_of(struct json open, const char *name, uint64_t otherwise)
{
	struct json value;
	uint64_t ms;

	return json_find(open, name, &value) && json_u64(value, LIMIT_MS_MAX, &ms) ? ms : otherwise;
}

static uint64_t
after(uint64_t now, uint64_t ms)
{
	return ms > 0 ? now + ms : REFRAME_NEVER;
}

struct reframe *
reframe_new(uint64_t id, struct json open, uint64_t now)
{
	struct reframe *r = calloc(1, sizeof *r);
	struct json value;

	if (r == NULL)
		return NULL;
	r->id = id;
	r->known = json_find(open, "dialect", &value) && dialect_parse(value, &r->dialect) &&
	    !(json_find(open, "method", &value) && json_equals(value, "HEAD"));
	r->stream = json_find(open, "stream", &value) && json_is_true(value);
	buf_init(&r->request_id, STREAM_NAME_MAX);
	buf_init(&r->model, MODEL_MAX);
	buf_init(&r->provider_buf, STREAM_NAME_MAX);
	buf_init(&r->served, 4 * KIB);
	buf_init(&r->head, RECORD_HEADER_MAX);
	buf_init(&r->body, MESSAGE_MAX);
	r->ping_at = r->over_at = REFRAME_NEVER;
	if (!r->known || r->dialect != DIALECT_ANTHROPIC)
		return r;
	if (json_find(open, "request_id", &value))
		json_decode(value, &r->request_id);
	if (json_find(open, "model", &value) && json_is_string(value))
		buf_put(&r->model, value.p, value.len);
	r->ping_ms = limit_of(open, "ping_ms", PING_MS_DEFAULT);
	r->first_ping_ms = limit_of(open, "first_ping_ms", FIRST_PING_MS_DEFAULT);
	if (r->stream)
		r->ping_at = after(now, r->first_ping_ms);
	return r;
}

void
reframe_free(struct reframe *r)
{
	if (r == NULL)
		return;
	anthropic_free(r->anthropic);
	assemble_free(r->assemble);
	buf_free(&r->request_id);
	buf_free(&r->model);
	buf_free(&r->provider_buf);
	buf_free(&r->served);
	buf_free(&r->head);
	buf_free(&r->body);
	free(r);
}

uint64_t
reframe_id(const struct reframe *r)
{
	return r->id;
}

const char *
reframe_request_id(struct reframe *r)
{
	return buf_len(&r->request_id) > 0 ? buf_str(&r->request_id) : NULL;
}

void
reframe_work_init(struct reframe_work *work)
{
	*work = (struct reframe_work){
		.events = ANTHROPIC_WORK_INIT,
		.head = BUF_INIT(2 * RECORD_HEADER_MAX),
		.data = BUF_INIT(SIZE_MAX),
		.end = BUF_INIT(2 * RECORD_HEADER_MAX),
		.text = BUF_INIT(SIZE_MAX),
	};
}

void
reframe_work_free(struct reframe_work *work)
{
	anthropic_work_free(&work->events);
	buf_free(&work->head);
	buf_free(&work->data);
	buf_free(&work->end);
	buf_free(&work->text);
}

static void
begin_work(struct reframe_work *work)
{
	struct buf *all[] = { &work->head, &work->data, &work->end, &work->text };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		buf_clear(all[i]);
		buf_trim(all[i], STREAM_WORK_KEEP);
	}
}

/* Completes the output by what was written. False if memory was short. */
static bool
finish_output(struct reframe *r, const struct reframe_work *work, struct reframe_output *out)
{
	if (buf_len(&work->head) > 0) {
		out->head = (struct json){ buf_data(&work->head), buf_len(&work->head) };
		r->head_sent = true;
	}
	if (buf_len(&work->end) > 0)
		out->end = (struct json){ buf_data(&work->end), buf_len(&work->end) };
	return !work->head.failed && !work->data.failed && !work->end.failed && !work->text.failed;
}

bool
reframe_begin_events(struct reframe *r)
{
	struct anthropic_origin origin = {
		.provider = r->provider,
		.request_id = reframe_request_id(r),
		.model = { buf_data(&r->model), buf_len(&r->model) },
	};

	return (r->anthropic = anthropic_new(&origin)) != NULL;
}

static bool
is_event_stream(struct json head)
{
	struct json fields, type;

	return json_find(head, "headers", &fields) && json_find(fields, "content-type", &type) &&
	    header_is_media_type(type, "text/event-stream");
}

/* What is to become of an answer, by its head: `good` if it has what was asked for. */
static enum reframe_kind
kind_of(const struct reframe *r, bool good, bool events)
{
	if (!r->known || r->dialect != DIALECT_ANTHROPIC)
		return REFRAME_PASSED;
	if (!r->stream)
		return good && events ? REFRAME_ASSEMBLED : REFRAME_PASSED;
	if (good)
		return events ? REFRAME_STREAM : REFRAME_EXPANDED;
	return r->head_sent ? REFRAME_ERROR : REFRAME_PASSED;
}

/* Keeps what an `end` of lb-sse's own says of who answered. */
static void
keep_served(struct reframe *r, struct json head)
{
	static const char *const names[] = { "provider", "attempt", "model" };
	struct json value;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!json_find(head, names[i], &value))
			continue;
		buf_puts(&r->served, ",\"");
		buf_puts(&r->served, names[i]);
		buf_puts(&r->served, "\":");
		buf_put(&r->served, value.p, value.len);
	}
}

/* Does with the head what its answer's kind asks for. */
static bool
begin(struct reframe *r, struct json head, struct reframe_work *work, struct reframe_output *out)
{
	if (r->kind != REFRAME_PASSED)
		keep_served(r, head);
	switch (r->kind) {
	case REFRAME_STREAM:
		if (!r->head_sent)
			header_put_stream(&work->head, head);
		return reframe_begin_events(r);
	case REFRAME_ASSEMBLED:
		if ((r->assemble = assemble_new(MESSAGE_MAX)) == NULL || !reframe_begin_events(r))
			return false;
		/* fall through */
	case REFRAME_EXPANDED:
		buf_put(&r->head, head.p, head.len);
		return !r->head.failed;
	case REFRAME_ERROR:
		return true;
	default:
		out->unchanged = true;
		return true;
	}
}

static bool
take_head(struct reframe *r, struct json head, uint64_t now, struct reframe_work *work, struct reframe_output *out)
{
	bool events = is_event_stream(head), good, from_provider;
	struct json value;
	uint64_t status = 0;

	if (r->kind != REFRAME_WAITING) {
		out->unchanged = r->kind != REFRAME_OVER;
		return true;
	}
	if ((from_provider = json_find(head, "provider", &value)))
		json_decode(value, &r->provider_buf);
	r->provider = buf_len(&r->provider_buf) > 0 ? buf_str(&r->provider_buf) : "the provider";
	if (json_find(head, "status", &value) && json_u64(value, STATUS_MAX, &status))
		r->status = (int)status;
	/* Who has a stream's head gets a stream, whoever answers. */
	good = r->status >= 200 && r->status <= 299 && (from_provider || r->head_sent);
	r->kind = kind_of(r, good, events);
	if (r->known && r->stream && r->dialect != DIALECT_ANTHROPIC && good && events) {
		header_put_uncached(&work->head, head);
		return true;
	}
	if (!begin(r, head, work, out))
		return false;
	if (r->kind == REFRAME_PASSED || r->kind == REFRAME_ASSEMBLED)
		r->ping_at = REFRAME_NEVER;
	else if (buf_len(&work->head) > 0 || after(now, r->ping_ms) < r->ping_at)
		r->ping_at = after(now, r->ping_ms);
	return true;
}

/* Once the last event has gone out, or what went wrong is known, only lb-fetch's `end` is missing. */
static void
watch_end(struct reframe *r, uint64_t now)
{
	if (r->anthropic == NULL || r->over_at != REFRAME_NEVER || anthropic_state(r->anthropic) == ANTHROPIC_OPEN)
		return;
	r->over_at = now + END_WAIT_MS;
	r->ping_at = REFRAME_NEVER;
}

/*
 * A comment may have gone out before a ping, and the blank line that belongs to it come after: by then it would be a blank line
 * that ends nothing.
 */
static void
drop_late_blank(struct reframe *r, struct anthropic_output *data)
{
	if (data->len == 0)
		return;
	if (r->pinged && data->p[0] == '\n') {
		data->p++;
		data->len--;
	}
	r->pinged = false;
}

static bool
take_events(struct reframe *r, const struct record *record, uint64_t now, struct reframe_work *work,
    struct reframe_output *out)
{
	if (!anthropic_feed(r->anthropic, record->payload, record->payload_len, &work->events, &out->data))
		return false;
	drop_late_blank(r, &out->data);
	if (out->data.len > 0)
		r->ping_at = after(now, r->ping_ms);
	watch_end(r, now);
	out->unchanged = out->data.p == record->payload && out->data.len == record->payload_len;
	return true;
}

void
reframe_put_reason(struct buf *out, const struct reframe *r, struct json end)
{
	struct json value;

	if (json_find(end, "error", &value) && json_is_string(value) && value.len > 2) {
		json_decode(value, out);
		return;
	}
	buf_puts(out, r->provider != NULL ? r->provider : "the provider");
	buf_puts(out, " broke its answer off");
}

const char *
reframe_broken_result(struct json result)
{
	static const char *const names[] = { "upstream-error", "timeout", "cancelled", "refused" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_equals(result, names[i]))
			return names[i];
	return "truncated";
}

/* Ends a stream of which the client got what came. */
static bool
end_events(struct reframe *r, struct json end, bool cancel, struct reframe_work *work, struct reframe_output *out)
{
	struct anthropic *a = r->anthropic;
	struct json fetched = { NULL, 0 };
	struct header_end is = { .result = "complete", .events = a, .cancel = cancel };
	bool clean = json_find(end, "result", &fetched) && json_equals(fetched, "complete");
	const char *reason;

	reframe_put_reason(&work->text, r, end);
	if ((reason = buf_str(&work->text)) == NULL ||
	    !anthropic_end(a, clean, json_equals(fetched, "timeout") ? 504 : 502, reason, &work->events, &out->data))
		return false;
	drop_late_blank(r, &out->data);
	/* What the client got decides; how the connection ended matters only to a stream that it broke off. */
	if (anthropic_state(a) != ANTHROPIC_STOPPED)
		is.result = anthropic_state(a) == ANTHROPIC_FAILED ? "upstream-error" : reframe_broken_result(fetched);
	is.error = anthropic_error(a);
	header_put_end(&work->end, end, &is);
	return true;
}

/* An answer of which nothing came: it has no head, and needs none unless the client got one with a ping. */
static bool
end_nothing(struct reframe *r, struct json end, struct reframe_work *work, struct reframe_output *out)
{
	if (!r->head_sent) {
		out->unchanged = true;
		return true;
	}
	r->kind = REFRAME_ERROR;
	return whole_end(r, end, false, NULL, work, out);
}

static bool
take_end(struct reframe *r, struct json end, struct reframe_work *work, struct reframe_output *out)
{
	switch (r->kind) {
	case REFRAME_WAITING:
		return end_nothing(r, end, work, out);
	case REFRAME_STREAM:
		return end_events(r, end, false, work, out);
	case REFRAME_EXPANDED:
	case REFRAME_ASSEMBLED:
	case REFRAME_ERROR:
		return whole_end(r, end, false, NULL, work, out);
	case REFRAME_OVER:
		return true;
	default:
		out->unchanged = true;
		return true;
	}
}

/* Ends the answer before lb-fetch does, which is to be told by way of lb-listen. */
static bool
end_early(struct reframe *r, const char *broken, struct reframe_work *work, struct reframe_output *out)
{
	struct buf own = BUF_INIT(8 * KIB);
	struct json end;
	bool good;

	record_begin(&own, "end", r->id);
	if (!r->served.failed)
		buf_put(&own, buf_data(&r->served), buf_len(&r->served));
	buf_putc(&own, '}');
	end = (struct json){ buf_data(&own), buf_len(&own) };
	good = !own.failed && (r->kind == REFRAME_STREAM ? end_events(r, end, true, work, out)
	                                                  : whole_end(r, end, true, broken, work, out));
	buf_free(&own);
	r->kind = REFRAME_OVER;
	r->ping_at = r->over_at = REFRAME_NEVER;
	return good;
}

static bool
take_data(struct reframe *r, const struct record *record, uint64_t now, struct reframe_work *work,
    struct reframe_output *out)
{
	const char *broken = NULL;

	switch (r->kind) {
	case REFRAME_STREAM:
		return take_events(r, record, now, work, out);
	case REFRAME_EXPANDED:
	case REFRAME_ASSEMBLED:
	case REFRAME_ERROR:
		if (!whole_data(r, record->payload, record->payload_len, work, &broken))
			return false;
		watch_end(r, now);
		return broken == NULL || end_early(r, broken, work, out);
	case REFRAME_OVER:
		return true;
	default:
		/* Before a head there is none, but a client that was pinged would take it for part of its stream. */
		out->unchanged = !r->head_sent || r->kind != REFRAME_WAITING;
		return true;
	}
}

bool
reframe_take(struct reframe *r, const struct record *record, uint64_t now, struct reframe_work *work,
    struct reframe_output *out)
{
	bool good;

	*out = (struct reframe_output){ .unchanged = false };
	begin_work(work);
	if (record->type == RECORD_HEAD)
		good = take_head(r, record->header, now, work, out);
	else if (record->type == RECORD_DATA)
		good = take_data(r, record, now, work, out);
	else
		good = take_end(r, record->header, work, out);
	return good && finish_output(r, work, out);
}

uint64_t
reframe_due(const struct reframe *r)
{
	return r->over_at < r->ping_at ? r->over_at : r->ping_at;
}

bool
reframe_wake(struct reframe *r, uint64_t now, struct reframe_work *work, struct reframe_output *out)
{
	*out = (struct reframe_output){ .unchanged = false };
	begin_work(work);
	if (now >= r->over_at)
		return end_early(r, NULL, work, out) && finish_output(r, work, out);
	if (now < r->ping_at)
		return true;
	if (!r->head_sent && buf_len(&r->head) > 0)
		header_put_stream(&work->head, (struct json){ buf_data(&r->head), buf_len(&r->head) });
	else if (!r->head_sent)
		header_put_early(&work->head, r->id);
	out->data = (struct anthropic_output){ ping, sizeof ping - 1 };
	r->pinged = true;
	r->ping_at = after(now, r->kind == REFRAME_WAITING ? r->first_ping_ms : r->ping_ms);
	return finish_output(r, work, out);
}
