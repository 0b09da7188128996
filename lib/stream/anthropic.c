/* SPDX-License-Identifier: MIT */
#include "stream/anthropic.h"

#include <stdlib.h>
#include <string.h>

#include "base/dialect.h"
#include "base/json.h"
#include "base/limits.h"
#include "stream/sse.h"

static const char *const repair_names[REPAIR_COUNT] = {
	[REPAIR_BOM] = "bom",
	[REPAIR_LINE_ENDS] = "line-ends",
	[REPAIR_DATA_SPACE] = "data-space",
	[REPAIR_EVENT_NAME] = "event-name",
	[REPAIR_BARE_JSON] = "bare-json",
	[REPAIR_JOINED_LINES] = "joined-lines",
	[REPAIR_DROPPED_LINES] = "dropped-lines",
	[REPAIR_BLANK_LINES] = "blank-lines",
	[REPAIR_LAST_LINE] = "last-line",
	[REPAIR_NO_DATA] = "no-data",
	[REPAIR_DONE] = "done",
	[REPAIR_TYPE] = "type",
	[REPAIR_ERROR_SHAPE] = "error-shape",
	[REPAIR_AFTER_END] = "after-end",
};

enum event_type {
	EVENT_OTHER,
	EVENT_MESSAGE_START,
	EVENT_BLOCK_START,
	EVENT_BLOCK_DELTA,
	EVENT_BLOCK_STOP,
	EVENT_MESSAGE_DELTA,
	EVENT_MESSAGE_STOP,
	EVENT_PING,
	EVENT_ERROR,
	EVENT_TYPE_COUNT
};

static const char *const type_names[EVENT_TYPE_COUNT] = {
	[EVENT_MESSAGE_START] = "message_start",
	[EVENT_BLOCK_START] = "content_block_start",
	[EVENT_BLOCK_DELTA] = "content_block_delta",
	[EVENT_BLOCK_STOP] = "content_block_stop",
	[EVENT_MESSAGE_DELTA] = "message_delta",
	[EVENT_MESSAGE_STOP] = "message_stop",
	[EVENT_PING] = "ping",
	[EVENT_ERROR] = "error",
};

struct anthropic {
	struct sse sse;
	const char *provider;
	const char *request_id;
	enum anthropic_state state;
	bool after_comment;	/* the last thing passed was a comment: its blank line may follow */
	struct buf error;
	uint32_t repairs[REPAIR_COUNT];
};

/* An event's content. */
struct event {
	enum event_type type;
	const char *name;	/* of its type, as in `event:` */
	size_t name_len;
	bool untyped;		/* the JSON has no `type`: the name is that of its `event:` line */
	struct json object;
	struct json error;	/* its member `error`, empty if there is none */
};

/* Where the output of one call is gathered: one span while that will do, copied once it will not. */
struct gather {
	struct anthropic_output span;
	struct buf *mended;
};

static void
put_copy(struct gather *out, const char *p, size_t n)
{
	buf_put(out->mended, out->span.p, out->span.len);
	out->span.len = 0;
	buf_put(out->mended, p, n);
}

/* Adds octets that stay valid until the call is over. */
static void
put_span(struct gather *out, const char *p, size_t n)
{
	if (buf_len(out->mended) > 0 || (out->span.len > 0 && out->span.p + out->span.len != p))
		put_copy(out, p, n);
	else
		out->span = (struct anthropic_output){ out->span.len > 0 ? out->span.p : p, out->span.len + n };
}

static bool
finish_output(const struct gather *out, struct anthropic_output *result)
{
	*result = out->span;
	if (buf_len(out->mended) > 0)
		*result = (struct anthropic_output){ buf_data(out->mended), buf_len(out->mended) };
	return !out->mended->failed;
}

const char *
anthropic_repair_name(enum anthropic_repair repair)
{
	return repair_names[repair];
}

struct anthropic *
anthropic_new(const char *provider, const char *request_id)
{
	struct anthropic *a = calloc(1, sizeof *a);

	if (a == NULL)
		return NULL;
	sse_init(&a->sse, SSE_EVENT_MAX);
	buf_init(&a->error, STREAM_ERROR_MAX);
	a->provider = provider;
	a->request_id = request_id;
	return a;
}

void
anthropic_free(struct anthropic *a)
{
	if (a == NULL)
		return;
	sse_free(&a->sse);
	buf_free(&a->error);
	free(a);
}

static void
count(struct anthropic *a, enum anthropic_repair repair, bool made)
{
	a->repairs[repair] += made;
}

/* Remembers what made the stream fail; of a long text, which the client gets whole, the beginning. */
static void
keep_error(struct anthropic *a, const struct buf *text)
{
	/* One octet is left for a C string's end. */
	size_t room = STREAM_ERROR_MAX - 1 - buf_len(&a->error);

	buf_put(&a->error, buf_data(text), buf_len(text) < room ? buf_len(text) : room);
}

static void
put_error_event(struct anthropic *a, int status, struct buf *text, struct gather *out)
{
	const char *message = buf_str(text);

	put_copy(out, NULL, 0);
	dialect_put_error_event(out->mended, DIALECT_ANTHROPIC, status, message ? message : "", a->request_id);
}

/* Ends the stream with an error event that says what happened, and that the answer is not whole. */
static void
fail(struct anthropic *a, enum anthropic_state state, int status, struct buf *text, struct gather *out)
{
	keep_error(a, text);
	buf_puts(text, "; the answer is incomplete");
	put_error_event(a, status, text, out);
	a->state = state;
}

/* The same, for what a provider did. */
static void
fail_for(struct anthropic *a, enum anthropic_state state, const char *deed, struct buf *text, struct gather *out)
{
	buf_clear(text);
	buf_puts(text, a->provider);
	buf_putc(text, ' ');
	buf_puts(text, deed);
	fail(a, state, 502, text, out);
}

/* Type names go on a line of their own: no white space, no control character, nothing to be escaped. */
static bool
is_name(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] <= ' ' || p[i] == '"' || p[i] == '\\' || p[i] == 0x7f)
			return false;
	return n > 0;
}

static bool
read_type(struct event *event, struct json type)
{
	if (!json_is_string(type))
		return false;
	for (int i = EVENT_OTHER + 1; i < EVENT_TYPE_COUNT; i++)
		if (json_equals(type, type_names[i])) {
			event->type = (enum event_type)i;
			event->name = type_names[i];
			event->name_len = strlen(type_names[i]);
			return true;
		}
	event->name = type.p + 1;
	event->name_len = type.len - 2;
	return is_name(event->name, event->name_len);
}

static bool
is_blank(const char *p, size_t n)
{
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t' || p[n - 1] == '\n'))
		n--;
	return n == 0;
}

/* The object in an event's data, and its type. False if it is none, or has no type that all readers would agree on. */
static bool
read_object(struct event *event, const char *data, size_t n)
{
	struct json_iter it;
	struct json key, value;
	size_t start;
	enum json_result result;

	*event = (struct event){ .type = EVENT_OTHER };
	if (!json_iter_init(&it, data, n) || !it.in_object)
		return false;
	start = it.pos - 1;
	while ((result = json_next(&it, &key, &value)) == JSON_OK) {
		if (json_equals(key, "type")) {
			if (event->name != NULL || !read_type(event, value))
				return false;
		} else if (json_equals(key, "error")) {
			event->error = value;
		}
	}
	event->object = (struct json){ data + start, it.pos - start };
	return result == JSON_END && is_blank(data + it.pos, n - it.pos);
}

/* An object without a type takes it from its `event:` line; one with `error` is an error, as some providers send it. */
static bool
find_type(struct event *event, const struct sse_item *item)
{
	if (event->name != NULL)
		return true;
	event->untyped = true;
	if (event->error.len > 0 && !json_is_null(event->error)) {
		event->type = EVENT_ERROR;
		event->name = type_names[EVENT_ERROR];
		event->name_len = strlen(event->name);
		return true;
	}
	event->name = item->name;
	event->name_len = item->name_len;
	if (item->name == NULL || !is_name(item->name, item->name_len))
		return false;
	for (int i = EVENT_OTHER + 1; i < EVENT_TYPE_COUNT; i++)
		if (strlen(type_names[i]) == item->name_len && memcmp(type_names[i], item->name, item->name_len) == 0)
			event->type = (enum event_type)i;
	return true;
}

/* JSON that was joined from several lines goes on one: the line ends can only be white space between its tokens. */
static void
put_on_one_line(struct buf *out, const char *p, size_t n)
{
	while (n > 0) {
		const char *newline = memchr(p, '\n', n);
		size_t len = newline ? (size_t)(newline - p) : n;

		buf_put(out, p, len);
		len += newline != NULL;
		p += len;
		n -= len;
	}
}

static void
put_mended(struct gather *out, const struct event *event)
{
	struct json object = event->object;

	put_copy(out, "event: ", 7);
	buf_put(out->mended, event->name, event->name_len);
	buf_put(out->mended, "\ndata: ", 7);
	if (event->untyped) {
		buf_puts(out->mended, "{\"type\":\"");
		buf_put(out->mended, event->name, event->name_len);
		buf_putc(out->mended, '"');
		object.p++;
		object.len--;
		if (!is_blank(object.p, object.len - 1))
			buf_putc(out->mended, ',');
	}
	put_on_one_line(out->mended, object.p, object.len);
	buf_put(out->mended, "\n\n", 2);
}

/* Passes an event on, as it came if it came as it must be. */
static void
put_event(struct anthropic *a, const struct sse_item *item, const struct event *event, struct gather *out)
{
	bool named = item->name != NULL && item->name_len == event->name_len &&
	    memcmp(item->name, event->name, event->name_len) == 0;

	a->after_comment = false;
	if (item->exact && named && !event->untyped && event->object.len == item->data_len) {
		if (item->in_input)
			put_span(out, item->raw, item->raw_len);
		else
			put_copy(out, item->raw, item->raw_len);
		return;
	}
	count(a, REPAIR_LINE_ENDS, item->has_cr);
	count(a, REPAIR_BARE_JSON, item->bare);
	count(a, REPAIR_JOINED_LINES, item->data_lines > 1);
	count(a, REPAIR_DATA_SPACE, item->unspaced || (item->data_lines == 1 && event->object.len != item->data_len));
	count(a, REPAIR_EVENT_NAME, item->name == NULL ? !item->bare : !named || item->ragged_name);
	count(a, REPAIR_DROPPED_LINES, item->other_lines);
	count(a, REPAIR_TYPE, event->untyped);
	put_mended(out, event);
}

/* The message of an error in whatever shape it came. */
static bool
find_message(const struct event *event, struct json *message)
{
	return (json_find(event->error, "message", message) && json_is_string(*message)) ||
	    (*message = event->error, json_is_string(*message)) ||
	    (json_find(event->object, "message", message) && json_is_string(*message));
}

/* The provider's own error is the last event. It goes on in the dialect's shape, whatever shape it came in. */
static void
put_error(struct anthropic *a, const struct sse_item *item, const struct event *event, struct anthropic_work *work,
    struct gather *out)
{
	struct json type, message = { NULL, 0 };
	bool well_formed = !event->untyped && json_find(event->error, "type", &type) && json_is_string(type) &&
	    json_find(event->error, "message", &message) && json_is_string(message);

	buf_clear(&work->text);
	if (well_formed || find_message(event, &message))
		json_decode(message, &work->text);
	if (buf_len(&work->text) == 0)
		buf_puts(&work->text, "no message came with it");
	if (well_formed) {
		put_event(a, item, event, out);
	} else {
		count(a, REPAIR_ERROR_SHAPE, true);
		put_error_event(a, 500, &work->text, out);
	}
	buf_puts(&a->error, a->provider);
	buf_puts(&a->error, " sent an error: ");
	keep_error(a, &work->text);
	a->state = ANTHROPIC_FAILED;
}

static void
take_event(struct anthropic *a, const struct sse_item *item, struct anthropic_work *work, struct gather *out)
{
	struct event event;
	size_t n;
	const char *data = sse_data(item, &work->joined, &n);

	if (item->data_lines == 0 || is_blank(data, n)) {
		count(a, REPAIR_NO_DATA, true);
	} else if (n >= 6 && memcmp(data, "[DONE]", 6) == 0 && is_blank(data + 6, n - 6)) {
		count(a, REPAIR_DONE, true);
	} else if (!read_object(&event, data, n) || !find_type(&event, item)) {
		fail_for(a, ANTHROPIC_FAILED, "sent an event that is no JSON object with a type", &work->text, out);
	} else if (event.type == EVENT_ERROR) {
		put_error(a, item, &event, work, out);
	} else {
		put_event(a, item, &event, out);
		if (event.type == EVENT_MESSAGE_STOP)
			a->state = ANTHROPIC_STOPPED;
	}
}

/* Comments are passed: every client skips them, and those that measure silence in octets need them. */
static void
put_comment(struct anthropic *a, const struct sse_item *item, struct gather *out)
{
	count(a, REPAIR_LINE_ENDS, item->has_cr);
	if (item->in_input && !item->has_cr) {
		put_span(out, item->raw, item->raw_len);
	} else {
		put_copy(out, item->data, item->data_len);
		buf_putc(out->mended, '\n');
	}
	a->after_comment = true;
}

static void
put_blank(struct anthropic *a, const struct sse_item *item, struct gather *out)
{
	if (!a->after_comment)
		count(a, REPAIR_BLANK_LINES, true);
	else if (item->in_input && !item->has_cr)
		put_span(out, item->raw, item->raw_len);
	else
		put_copy(out, "\n", 1);
	a->after_comment = false;
}

static void
take_item(struct anthropic *a, enum sse_kind kind, const struct sse_item *item, struct anthropic_work *work,
    struct gather *out)
{
	if (a->state != ANTHROPIC_OPEN)
		count(a, REPAIR_AFTER_END, kind == SSE_EVENT);
	else if (kind == SSE_EVENT)
		take_event(a, item, work, out);
	else if (kind == SSE_COMMENT)
		put_comment(a, item, out);
	else
		put_blank(a, item, out);
}

void
anthropic_work_free(struct anthropic_work *work)
{
	buf_free(&work->mended);
	buf_free(&work->joined);
	buf_free(&work->text);
}

static void
begin_work(struct anthropic_work *work)
{
	buf_clear(&work->mended);
	buf_trim(&work->mended, STREAM_WORK_KEEP);
	buf_clear(&work->joined);
	buf_trim(&work->joined, STREAM_WORK_KEEP);
	buf_clear(&work->text);
	buf_trim(&work->text, STREAM_WORK_KEEP);
}

bool
anthropic_feed(struct anthropic *a, const char *input, size_t n, struct anthropic_work *work,
    struct anthropic_output *result)
{
	struct gather out = { .mended = &work->mended };
	struct sse_item item;
	enum sse_kind kind;

	begin_work(work);
	while ((kind = sse_next(&a->sse, &input, &n, &item)) != SSE_MORE) {
		if (kind == SSE_TOO_LARGE) {
			if (a->state == ANTHROPIC_OPEN)
				fail_for(a, ANTHROPIC_FAILED, "sent an event larger than 16 MiB", &work->text, &out);
			break;
		}
		take_item(a, kind, &item, work, &out);
	}
	if (a->sse.had_bom)
		a->repairs[REPAIR_BOM] = 1;
	return finish_output(&out, result);
}

/*
 * At a clean end an event is whole though its blank line is missing, if its JSON is. Anything else is half an event, which
 * is dropped.
 */
static void
take_last(struct anthropic *a, struct anthropic_work *work, struct gather *out)
{
	struct sse_item item;
	struct json value;
	const char *data;
	size_t n;

	if (!sse_finish(&a->sse, &item) || (data = sse_data(&item, &work->joined, &n)) == NULL ||
	    json_whole(data, n, &value) != JSON_OK)
		return;
	count(a, REPAIR_LAST_LINE, true);
	take_event(a, &item, work, out);
}

bool
anthropic_end(struct anthropic *a, bool clean, int status, const char *reason, struct anthropic_work *work,
    struct anthropic_output *result)
{
	struct gather out = { .mended = &work->mended };

	begin_work(work);
	if (clean && a->state == ANTHROPIC_OPEN)
		take_last(a, work, &out);
	if (a->state == ANTHROPIC_OPEN && clean) {
		fail_for(a, ANTHROPIC_BROKEN, "ended its answer without message_stop", &work->text, &out);
	} else if (a->state == ANTHROPIC_OPEN) {
		buf_clear(&work->text);
		buf_puts(&work->text, reason);
		fail(a, ANTHROPIC_BROKEN, status, &work->text, &out);
	}
	return finish_output(&out, result);
}

enum anthropic_state
anthropic_state(const struct anthropic *a)
{
	return a->state;
}

const char *
anthropic_error(struct anthropic *a)
{
	return buf_len(&a->error) > 0 ? buf_str(&a->error) : NULL;
}

uint32_t
anthropic_repairs(const struct anthropic *a, enum anthropic_repair repair)
{
	return a->repairs[repair];
}
