/* SPDX-License-Identifier: MIT */
/* The answers that must be whole before anything of them can go on (internal.h). */
#include <string.h>

#include "base/limits.h"
#include "stream/expand.h"
#include "stream/header.h"
#include "stream/internal.h"

static const char error_event[] = "event: error\ndata: ";

/* The status that goes with an error's type. */
static int
status_of(struct json type)
{
	int status = dialect_error_status(type);

	return status != 0 ? status : 502;
}

/* Whether a value is an error in the dialect's shape. */
static bool
is_error(struct json value, struct json *type)
{
	struct json error, member;

	return json_find(value, "type", &member) && json_equals(member, "error") && json_find(value, "error", &error) &&
	    json_find(error, "message", &member) && json_is_string(member) && json_find(error, "type", type) &&
	    json_is_string(*type);
}

/*
 * Of a stream to be assembled that has failed, the client gets the error that was its last event: events hold no empty line but
 * the one that ends them.
 */
static void
keep_error(struct reframe *r, const struct anthropic_output *events)
{
	size_t prefix = sizeof error_event - 1, start, n = events->len;

	if (anthropic_state(r->anthropic) == ANTHROPIC_STOPPED || buf_len(&r->body) > 0 || n < 2)
		return;
	for (start = n - 2; start >= 2 && memcmp(events->p + start - 2, "\n\n", 2) != 0; start--)
		;
	if (start < 2)
		start = 0;
	if (n - start > prefix + 2 && memcmp(events->p + start, error_event, prefix) == 0)
		buf_put(&r->body, events->p + start + prefix, n - start - prefix - 2);
}

static bool
take_events(struct reframe *r, const char *p, size_t n, struct reframe_work *work, const char **broken)
{
	struct anthropic_output events;

	if (!anthropic_feed(r->anthropic, p, n, &work->events, &events))
		return false;
	if (anthropic_state(r->anthropic) > ANTHROPIC_STOPPED)
		keep_error(r, &events);
	else if (events.len > 0 && !assemble_feed(r->assemble, events.p, events.len))
		*broken = "sent a stream that is no message of at most 16 MiB";
	return !r->body.failed;
}

bool
whole_data(struct reframe *r, const char *p, size_t n, struct reframe_work *work, const char **broken)
{
	if (r->kind == REFRAME_ASSEMBLED)
		return take_events(r, p, n, work, broken);
	/* Of an error as large as no error is, lb says what it knows: what was cut is no JSON. */
	if (r->kind == REFRAME_ERROR && n > HELD_MAX - buf_len(&r->body))
		n = HELD_MAX - buf_len(&r->body);
	if (n > r->body.max - buf_len(&r->body)) {
		*broken = "sent an answer larger than 16 MiB";
		return true;
	}
	buf_put(&r->body, p, n);
	return !r->body.failed;
}

/* JSON goes on one line: its line ends can only be white space between tokens. */
static void
put_on_one_line(struct buf *out, struct json value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.p[i] != '\n' && value.p[i] != '\r')
			buf_putc(out, value.p[i]);
}

/* The body of a JSON answer goes out with its head. */
static void
put_answer(struct reframe *r, int status, struct reframe_work *work, struct reframe_output *out)
{
	struct json head = { buf_data(&r->head), buf_len(&r->head) };

	header_put_json(&work->head, head, status, buf_len(&work->data));
	out->data = (struct anthropic_output){ buf_data(&work->data), buf_len(&work->data) };
}

/* Ends the answer with an error that says `text`: an event if the client has a head already, else an answer of its own. */
static void
put_error(struct reframe *r, int status, const char *text, struct reframe_work *work, struct reframe_output *out)
{
	const char *id = reframe_request_id(r);

	buf_clear(&work->data);
	if (!r->head_sent) {
		dialect_put_error(&work->data, DIALECT_ANTHROPIC, status, text, id);
		put_answer(r, status, work, out);
		return;
	}
	dialect_put_error_event(&work->data, DIALECT_ANTHROPIC, status, text, id);
	out->data = (struct anthropic_output){ buf_data(&work->data), buf_len(&work->data) };
}

/* The same, for what a provider did; `text` is then that. */
static void
put_deed(struct reframe *r, const char *deed, const char *detail, struct reframe_work *work, struct reframe_output *out)
{
	const char *text;

	buf_clear(&work->text);
	buf_puts(&work->text, r->provider);
	buf_putc(&work->text, ' ');
	buf_puts(&work->text, deed);
	buf_puts(&work->text, detail);
	text = buf_str(&work->text);
	put_error(r, 502, text != NULL ? text : deed, work, out);
}

/* What an error's body says, as far as it can be found; else what lb-fetch said of it. */
static void
put_message(const struct reframe *r, struct json body, struct json end, struct buf *out)
{
	struct json error = { NULL, 0 }, message;

	if (json_find(body, "error", &error) && json_is_string(error))
		json_decode(error, out);
	else if ((json_find(error, "message", &message) || json_find(body, "message", &message)) && json_is_string(message))
		json_decode(message, out);
	else
		reframe_put_reason(out, r, end);
}

/* An error in the dialect's shape becomes the last event, which is read as a provider's would be. False if memory is short. */
static bool
put_error_event(struct reframe *r, struct json body, struct reframe_work *work, struct reframe_output *out)
{
	buf_puts(&work->data, error_event);
	put_on_one_line(&work->data, body);
	buf_puts(&work->data, "\n\n");
	return !work->data.failed && reframe_begin_events(r) &&
	    anthropic_feed(r->anthropic, buf_data(&work->data), buf_len(&work->data), &work->events, &out->data);
}

/* An error's body becomes the last event. False if memory is short. */
static bool
end_error(struct reframe *r, struct json end, struct json fetched, struct reframe_work *work, struct reframe_output *out,
    struct header_end *is)
{
	struct json body = { NULL, 0 }, message = { NULL, 0 }, type;
	int status = r->status >= 400 ? r->status : json_equals(fetched, "timeout") ? 504 : 502;
	bool is_json = json_whole(buf_data(&r->body), buf_len(&r->body), &body) == JSON_OK && json_is_object(body);
	const char *text;

	is->result = json_equals(fetched, "complete") ? "upstream-error" : reframe_broken_result(fetched);
	if (is_json && is_error(body, &type)) {
		if (json_find(body, "error", &message) && json_find(message, "message", &message))
			json_decode(message, &work->text);
		is->error = buf_str(&work->text);
		return put_error_event(r, body, work, out);
	}
	put_message(r, is_json ? body : (struct json){ NULL, 0 }, end, &work->text);
	text = buf_str(&work->text);
	is->error = text != NULL ? text : "no message came with it";
	put_error(r, status, is->error, work, out);
	return true;
}

/* JSON becomes a stream. False if memory is short. */
static bool
expand(struct reframe *r, struct reframe_work *work, struct reframe_output *out, struct header_end *is)
{
	struct anthropic_output events;
	struct json message;
	const char *why = "it is no JSON";

	if (json_whole(buf_data(&r->body), buf_len(&r->body), &message) == JSON_OK)
		why = expand_message(message, &work->text);
	if (work->text.failed)
		return false;
	if (why != NULL) {
		put_deed(r, "sent an answer that is no message: ", why, work, out);
		is->error = buf_str(&work->text);
		return true;
	}
	if (!reframe_begin_events(r) ||
	    !anthropic_feed(r->anthropic, buf_data(&work->text), buf_len(&work->text), &work->events, &events))
		return false;
	buf_put(&work->data, events.p, events.len);
	if (!anthropic_end(r->anthropic, true, 502, "", &work->events, &events))
		return false;
	buf_put(&work->data, events.p, events.len);
	is->events = r->anthropic;
	if (anthropic_state(r->anthropic) != ANTHROPIC_STOPPED) {
		is->error = anthropic_error(r->anthropic);
		put_error(r, 502, is->error != NULL ? is->error : "", work, out);
		return true;
	}
	if (!r->head_sent)
		header_put_stream(&work->head, (struct json){ buf_data(&r->head), buf_len(&r->head) });
	out->data = (struct anthropic_output){ buf_data(&work->data), buf_len(&work->data) };
	is->result = "complete";
	is->converted = "stream";
	return true;
}

/* A stream becomes JSON. `clean` and `status` as for anthropic_end; `work->text` is the reason. False if memory is short. */
static bool
assemble(struct reframe *r, struct json fetched, struct reframe_work *work, struct reframe_output *out,
    struct header_end *is)
{
	int status = json_equals(fetched, "timeout") ? 504 : 502;
	const char *reason = buf_str(&work->text);
	struct anthropic *a = r->anthropic;
	struct anthropic_output events;
	struct json error, type;

	is->events = a;
	if (reason == NULL ||
	    !anthropic_end(a, json_equals(fetched, "complete"), status, reason, &work->events, &events))
		return false;
	if (anthropic_state(a) == ANTHROPIC_STOPPED) {
		if ((events.len == 0 || assemble_feed(r->assemble, events.p, events.len)) &&
		    assemble_message(r->assemble, &work->data)) {
			put_answer(r, 200, work, out);
			is->result = "complete";
			is->converted = "message";
			return true;
		}
		put_deed(r, "sent a stream of which no message can be made", "", work, out);
		is->error = buf_str(&work->text);
		return true;
	}
	keep_error(r, &events);
	is->error = anthropic_error(a);
	if (anthropic_state(a) == ANTHROPIC_BROKEN)
		is->result = reframe_broken_result(fetched);
	if (json_whole(buf_data(&r->body), buf_len(&r->body), &error) != JSON_OK || !is_error(error, &type)) {
		put_error(r, status, is->error != NULL ? is->error : "", work, out);
		return true;
	}
	buf_put(&work->data, error.p, error.len);
	put_answer(r, status_of(type), work, out);
	return true;
}

bool
whole_end(struct reframe *r, struct json end, bool cancel, const char *broken, struct reframe_work *work,
    struct reframe_output *out)
{
	struct header_end is = { .result = "upstream-error", .cancel = cancel };
	struct json fetched = { NULL, 0 };
	bool good = true;

	json_find(end, "result", &fetched);
	/* Who has gone needs no answer. */
	if (!r->head_sent && json_equals(fetched, "cancelled")) {
		out->unchanged = true;
		return true;
	}
	if (r->kind == REFRAME_ERROR) {
		good = end_error(r, end, fetched, work, out, &is);
	} else if (broken != NULL) {
		put_deed(r, broken, "", work, out);
		is.error = buf_str(&work->text);
	} else if (r->kind == REFRAME_ASSEMBLED) {
		reframe_put_reason(&work->text, r, end);
		good = assemble(r, fetched, work, out, &is);
	} else if (json_equals(fetched, "complete")) {
		good = expand(r, work, out, &is);
	} else {
		reframe_put_reason(&work->text, r, end);
		is.error = buf_str(&work->text);
		is.result = reframe_broken_result(fetched);
		put_error(r, json_equals(fetched, "timeout") ? 504 : 502, is.error != NULL ? is.error : "", work, out);
	}
	if (good)
		header_put_end(&work->end, end, &is);
	return good;
}
