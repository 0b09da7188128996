/* SPDX-License-Identifier: MIT */
#include "stream/anthropic.h"

#include <stdlib.h>
#include <string.h>

#include "base/dialect.h"
#include "base/json.h"
#include "base/limits.h"
#include "stream/event.h"
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

struct anthropic {
	struct sse sse;
	struct anthropic_origin origin;
	struct usage usage;
	enum anthropic_state state;
	bool after_comment;	/* the last thing passed was a comment: its blank line may follow */
	struct buf error;
	uint32_t repairs[REPAIR_COUNT];
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
anthropic_new(const struct anthropic_origin *origin)
{
	struct anthropic *a = calloc(1, sizeof *a);

	if (a == NULL)
		return NULL;
	sse_init(&a->sse, SSE_EVENT_MAX);
	buf_init(&a->error, STREAM_ERROR_MAX);
	a->origin = *origin;
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
	dialect_put_error_event(out->mended, DIALECT_ANTHROPIC, status, message ? message : "", a->origin.request_id);
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
	buf_puts(text, a->origin.provider);
	buf_putc(text, ' ');
	buf_puts(text, deed);
	fail(a, state, 502, text, out);
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

/* Whether an object, of which the bracket was taken, is more than `}`. */
static bool
has_members(struct json rest)
{
	size_t i = 0;

	while (rest.p[i] == ' ' || rest.p[i] == '\t' || rest.p[i] == '\n' || rest.p[i] == '\r')
		i++;
	return rest.p[i] != '}';
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
		if (has_members(object))
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
	buf_puts(&a->error, a->origin.provider);
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
	enum event_kind kind = event_read(&event, item, data, n);

	if (kind == EVENT_EMPTY) {
		count(a, REPAIR_NO_DATA, true);
	} else if (kind == EVENT_DONE) {
		count(a, REPAIR_DONE, true);
	} else if (kind == EVENT_MALFORMED || event.name == NULL) {
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

const struct usage *
anthropic_usage(const struct anthropic *a)
{
	return &a->usage;
}
