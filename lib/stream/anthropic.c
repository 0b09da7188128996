/* SPDX-License-Identifier: MIT */
#include "stream/anthropic.h"

#include <stdlib.h>
#include <string.h>

#include "base/dialect.h"
#include "base/json.h"
#include "base/limits.h"
#include "stream/contract.h"
#include "stream/event.h"
#include "stream/members.h"
#include "stream/sse.h"

struct anthropic {
	struct sse sse;
	struct anthropic_origin origin;
	struct contract contract;
	enum anthropic_state state;
	bool after_comment;	/* the last thing passed was a comment: its blank line may follow */
	struct buf error;
	struct repairs repairs;
};

/* Where the output of one call is gathered: one span while that will do, copied once it will not. */
struct gather {
	struct anthropic_output span;
	struct buf *mended;
	bool failed;	/* memory was short on the way */
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
	return !out->mended->failed && !out->failed;
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
	contract_init(&a->contract, &a->origin, &a->repairs);
	return a;
}

void
anthropic_free(struct anthropic *a)
{
	if (a == NULL)
		return;
	sse_free(&a->sse);
	contract_free(&a->contract);
	buf_free(&a->error);
	free(a);
}

static void
count(struct anthropic *a, enum anthropic_repair repair, bool made)
{
	repairs_add(&a->repairs, repair, made);
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

/* Begins to say what a provider did. */
static void
begin_deed(const struct anthropic *a, struct buf *text)
{
	buf_clear(text);
	buf_puts(text, a->origin.provider);
	buf_putc(text, ' ');
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
	begin_deed(a, text);
	buf_puts(text, deed);
	fail(a, state, 502, text, out);
}

/* Whether an event came with the framing that it must have. */
static bool
is_framed(const struct sse_item *item, const struct event *event)
{
	return item->exact && !event->untyped && event->object.len == item->data_len &&
	    item->name_len == event->name_len && memcmp(item->name, event->name, event->name_len) == 0;
}

static void
count_framing(struct anthropic *a, const struct sse_item *item, const struct event *event)
{
	bool named = item->name != NULL && item->name_len == event->name_len &&
	    memcmp(item->name, event->name, event->name_len) == 0;

	count(a, REPAIR_LINE_ENDS, item->has_cr);
	count(a, REPAIR_BARE_JSON, item->bare);
	count(a, REPAIR_JOINED_LINES, item->data_lines > 1);
	count(a, REPAIR_DATA_SPACE, item->unspaced || (item->data_lines == 1 && event->object.len != item->data_len));
	count(a, REPAIR_EVENT_NAME, item->name == NULL ? !item->bare : !named || item->ragged_name);
	count(a, REPAIR_DROPPED_LINES, item->other_lines);
	count(a, REPAIR_TYPE, event->untyped);
}

/* Passes an event on, as it came if it came as it must be; with the object `changed`, if that is not empty. */
static void
put_event(struct anthropic *a, const struct sse_item *item, const struct event *event, const struct buf *changed,
    struct gather *out)
{
	bool framed = is_framed(item, event);

	a->after_comment = false;
	if (!framed)
		count_framing(a, item, event);
	if (framed && buf_len(changed) == 0) {
		if (item->in_input)
			put_span(out, item->raw, item->raw_len);
		else
			put_copy(out, item->raw, item->raw_len);
		return;
	}
	put_copy(out, NULL, 0);
	event_put(out->mended, event,
	    buf_len(changed) > 0 ? (struct json){ buf_data(changed), buf_len(changed) } : event->object);
}

/* The message of an error in whatever shape it came. */
static bool
find_message(const struct event *event, struct json *message)
{
	return (json_find(event->error, "message", message) && json_is_string(*message)) ||
	    (*message = event->error, json_is_string(*message)) ||
	    (json_find(event->object, "message", message) && json_is_string(*message));
}

/*
 * The HTTP status that an error not in the dialect's shape stands for: its type's, if that is one of the dialect's; else what it
 * says itself, as OpenRouter's `code` does; else that of a fault of the provider's.
 */
static int
error_status(const struct event *event)
{
	static const char *const names[] = { "code", "status", "status_code" };
	struct json value;
	uint64_t status;
	int known;

	if (json_find(event->error, "type", &value) && (known = dialect_error_status(value)) != 0)
		return known;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_find(event->error, names[i], &value) && json_u64(value, 599, &status) && status >= 400)
			return (int)status;
	return 500;
}

/* The provider's own error is the last event. It goes on in the dialect's shape, whatever shape it came in. */
static void
put_error(struct anthropic *a, const struct sse_item *item, const struct event *event, struct anthropic_work *work,
    struct gather *out)
{
	static const struct member_name names[] = { MEMBER("type"), MEMBER("message") };
	struct json values[2] = { { NULL, 0 }, { NULL, 0 } }, error, message;
	bool well_formed = members_read(event->error.p, event->error.len, names, 2, values, &error) && !event->untyped &&
	    json_is_string(values[0]) && json_is_string(values[1]);

	message = values[1];
	buf_clear(&work->text);
	if (well_formed || find_message(event, &message))
		json_decode(message, &work->text);
	if (buf_len(&work->text) == 0)
		buf_puts(&work->text, "no message came with it");
	if (well_formed) {
		put_event(a, item, event, &work->json, out);
	} else {
		count(a, REPAIR_ERROR_SHAPE, true);
		put_error_event(a, error_status(event), &work->text, out);
	}
	buf_puts(&a->error, a->origin.provider);
	buf_puts(&a->error, " sent an error: ");
	keep_error(a, &work->text);
	a->state = ANTHROPIC_FAILED;
}

/* Gets ready for what the contract says to the next event, or to the end. */
static struct contract_step
begin_step(const struct anthropic *a, struct anthropic_work *work)
{
	buf_clear(&work->made);
	buf_clear(&work->json);
	begin_deed(a, &work->text);
	return (struct contract_step){ .made = &work->made, .json = &work->json, .why = &work->text, .status = 502 };
}

/* Passes on what the contract has made, and fails if it has failed. */
static void
end_step(struct anthropic *a, enum contract_verdict verdict, const struct contract_step *step, struct gather *out)
{
	if (buf_len(step->made) > 0) {
		put_copy(out, buf_data(step->made), buf_len(step->made));
		a->after_comment = false;
	}
	out->failed |= step->made->failed || step->json->failed;
	if (verdict == CONTRACT_FAIL)
		fail(a, step->cut ? ANTHROPIC_BROKEN : ANTHROPIC_FAILED, step->status, step->why, out);
}

/* Takes an event of the message. */
static void
take_message_event(struct anthropic *a, const struct sse_item *item, const struct event *event, struct anthropic_work *work,
    struct gather *out)
{
	struct contract_step step = begin_step(a, work);
	enum contract_verdict verdict = contract_take(&a->contract, event, &step);

	end_step(a, verdict, &step, out);
	if (verdict == CONTRACT_PASS)
		put_event(a, item, event, &work->json, out);
	else if (verdict == CONTRACT_HOLD && !is_framed(item, event))
		count_framing(a, item, event);
	if (verdict == CONTRACT_PASS && event->type == EVENT_MESSAGE_STOP)
		a->state = ANTHROPIC_STOPPED;
}

static void
take_event(struct anthropic *a, const struct sse_item *item, struct anthropic_work *work, struct gather *out)
{
	struct event event;
	size_t n;
	const char *data = sse_data(item, &work->joined, &n);
	enum event_kind kind = event_read(&event, item, data, n);

	buf_clear(&work->json);
	if (kind == EVENT_EMPTY)
		count(a, REPAIR_NO_DATA, true);
	else if (kind == EVENT_DONE)
		count(a, REPAIR_DONE, true);
	else if (kind == EVENT_MALFORMED || event.name == NULL)
		fail_for(a, ANTHROPIC_FAILED, "sent an event that is no JSON object with a type", &work->text, out);
	else if (event.type == EVENT_ERROR)
		put_error(a, item, &event, work, out);
	else
		take_message_event(a, item, &event, work, out);
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
	buf_free(&work->made);
	buf_free(&work->json);
}

static void
begin_work(struct anthropic_work *work)
{
	struct buf *all[] = { &work->mended, &work->joined, &work->text, &work->made, &work->json };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		buf_clear(all[i]);
		buf_trim(all[i], STREAM_WORK_KEEP);
	}
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
		a->repairs.count[REPAIR_BOM] = 1;
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

/* The clean end of a stream that is still open. */
static void
end_cleanly(struct anthropic *a, struct anthropic_work *work, struct gather *out)
{
	struct contract_step step = begin_step(a, work);
	enum contract_verdict verdict = contract_end(&a->contract, &step);

	if (verdict == CONTRACT_PASS)
		a->state = ANTHROPIC_STOPPED;
	end_step(a, verdict, &step, out);
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
		end_cleanly(a, work, &out);
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
	return a->repairs.count[repair];
}

const struct usage *
anthropic_usage(const struct anthropic *a)
{
	return &a->contract.usage;
}
