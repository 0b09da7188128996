/* SPDX-License-Identifier: MIT */
#include "upstream/gate.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/limits.h"
#include "stream/event.h"

static const char malformed[] = "sent an event that is no JSON object with a type";

/* Whether a content-type is this one, or begins so if it ends with a slash; parameters do not count. */
static bool
type_is(const struct gate_answer *answer, const char *type)
{
	size_t n = strlen(type), len = answer->content_type_len;
	const char *p = answer->content_type;

	if (p == NULL || len < n || strncasecmp(p, type, n) != 0)
		return false;
	return type[n - 1] == '/' || len == n || p[n] == ';' || p[n] == ' ' || p[n] == '\t' || p[n] == ',';
}

static bool
is_opaque(const struct gate_answer *answer)
{
	static const char *const types[] = { "audio/", "image/", "video/", "application/octet-stream" };

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (type_is(answer, types[i]))
			return !answer->stream;
	return false;
}

void
gate_begin(struct gate *gate, const struct gate_answer *answer)
{
	*gate = (struct gate){ .dialect = answer->dialect,
		.wants_stream = answer->stream,
		.is_event_stream = type_is(answer, "text/event-stream"),
		.is_json = type_is(answer, "application/json"),
		.body = is_opaque(answer) ? GATE_OPAQUE : GATE_UNKNOWN };
	sse_init(&gate->sse, SSE_EVENT_MAX);
	buf_init(&gate->joined, SSE_EVENT_MAX);
	buf_init(&gate->why, GATE_WHY_MAX);
}

void
gate_free(struct gate *gate)
{
	sse_free(&gate->sse);
	buf_free(&gate->joined);
	buf_free(&gate->why);
}

static void
fail(struct gate *gate, int status, enum refusal_cause cause, const char *why)
{
	gate->verdict = GATE_FAIL;
	gate->status = status;
	gate->cause = cause;
	buf_puts(&gate->why, why);
}

static void
fail_for(struct gate *gate, const struct refusal *refusal)
{
	fail(gate, refusal->status != 0 ? refusal->status : 500, refusal->cause, "sent an error: ");
	if (!refusal_put_text(&gate->why, refusal))
		buf_puts(&gate->why, "no message came with it");
}

/* For what does not say that it is an error, but may say what happened all the same. */
static void
fail_as(struct gate *gate, const char *why, const char *body, size_t n)
{
	struct refusal refusal;
	struct buf text = BUF_INIT(KIB);

	refusal_read(&refusal, body, n);
	fail(gate, refusal.status != 0 ? refusal.status : 502, refusal.cause, why);
	if (refusal_put_text(&text, &refusal)) {
		buf_puts(&gate->why, ": ");
		buf_put(&gate->why, buf_data(&text), buf_len(&text));
	}
	buf_free(&text);
}

/* Where content was seen: a stream that was asked for may go on from here. */
static void
take_content(struct gate *gate)
{
	gate->content = true;
	if (gate->wants_stream)
		gate->verdict = GATE_COMMIT;
}

/* The stream's own end, or its body's. One that nobody asked for is whole now, whatever becomes of its connection. */
static void
take_end(struct gate *gate)
{
	if (!gate->content)
		fail(gate, 502, REFUSAL_UNKNOWN, "ended its answer before any content");
	else if (!gate->finished)
		fail(gate, 502, REFUSAL_UNKNOWN, "ended its answer before it was whole");
	else
		gate->verdict = GATE_COMMIT;
}

static bool
find_set(struct json object, const char *name, struct json *value)
{
	return json_is_object(object) && json_find(object, name, value) && !json_is_null(*value);
}

/* Anthropic */

static void
take_anthropic(struct gate *gate, const struct event *event)
{
	struct json delta, reason;

	switch (event->type) {
	case EVENT_MESSAGE_START:
		if (gate->started)
			fail(gate, 502, REFUSAL_UNKNOWN, "sent message_start twice");
		gate->started = true;
		break;
	case EVENT_BLOCK_START:
	case EVENT_BLOCK_DELTA:
		take_content(gate);
		break;
	case EVENT_MESSAGE_DELTA:
		if (find_set(event->object, "delta", &delta) && find_set(delta, "stop_reason", &reason)) {
			gate->finished = true;
			take_content(gate);
		}
		break;
	case EVENT_MESSAGE_STOP:
		gate->finished = true;
		take_end(gate);
		break;
	default:
		if (event->name == NULL)
			fail(gate, 502, REFUSAL_UNKNOWN, malformed);
	}
}

/* OpenAI */

/* Whether a member of a delta is content: a text that is not empty, a list that is not, an object. */
static bool
is_content(struct json value)
{
	struct json_iter it;
	struct json key, element;

	if (json_is_string(value))
		return value.len > 2;
	return json_iter_init(&it, value.p, value.len) && json_next(&it, &key, &element) == JSON_OK;
}

static bool
delta_has_content(struct json delta)
{
	static const char *const names[] = { "content", "reasoning_content", "reasoning", "reasoning_details",
		"refusal", "tool_calls", "function_call", "audio", "images" };
	struct json_iter it;
	struct json key, value;

	if (!json_is_object(delta) || !json_iter_init(&it, delta.p, delta.len))
		return false;
	while (json_next(&it, &key, &value) == JSON_OK)
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			if (json_equals(key, names[i]) && is_content(value))
				return true;
	return false;
}

/* A finish_reason that stands for an error, as some providers have it. */
static bool
is_failure(struct gate *gate, struct json reason)
{
	struct cause cause = cause_of_name(reason);

	if (json_equals(reason, "content_filter") || cause.cause == REFUSAL_UNKNOWN)
		return false;
	fail(gate, cause.status, cause.cause, "ended its answer with finish_reason ");
	buf_put(&gate->why, reason.p + 1, reason.len - 2);
	return true;
}

static void
take_choice(struct gate *gate, struct json choice)
{
	struct json value;
	bool content = find_set(choice, "text", &value) && is_content(value);

	if (find_set(choice, "finish_reason", &value) && json_is_string(value) && value.len > 2) {
		if (is_failure(gate, value))
			return;
		gate->finished = content = true;
	}
	if (content || (find_set(choice, "delta", &value) && delta_has_content(value)) ||
	    (find_set(choice, "message", &value) && delta_has_content(value)))
		take_content(gate);
}

static void
take_choices(struct gate *gate, struct json choices)
{
	struct json_iter it;
	struct json key, choice;

	json_iter_init(&it, choices.p, choices.len);
	while (gate->verdict == GATE_HOLD && json_next(&it, &key, &choice) == JSON_OK)
		take_choice(gate, choice);
}

static bool
name_is(const struct event *event, const char *name)
{
	return event->name_len == strlen(name) && memcmp(event->name, name, event->name_len) == 0;
}

/* An event with a name: the Responses API, and streams of sound and pictures. Those of a state are no content. */
static void
take_named(struct gate *gate, const struct event *event)
{
	static const char *const states[] = { "response.created", "response.queued", "response.in_progress",
		"keepalive" };
	struct refusal refusal;
	struct json response;

	for (size_t i = 0; i < sizeof states / sizeof *states; i++)
		if (name_is(event, states[i]))
			return;
	if (event->type == EVENT_PING || event->type == EVENT_MESSAGE_START)
		return;
	if (name_is(event, "response.failed")) {
		if (!json_find(event->object, "response", &response))
			response = event->object;
		refusal_read_value(&refusal, response);
		fail_for(gate, &refusal);
		return;
	}
	gate->finished |= name_is(event, "response.completed") || name_is(event, "response.incomplete") ||
	    (event->name_len > 5 && memcmp(event->name + event->name_len - 5, ".done", 5) == 0);
	take_content(gate);
}

static void
take_openai(struct gate *gate, const struct event *event)
{
	struct json choices;

	if (find_set(event->object, "choices", &choices) && json_is_array(choices))
		take_choices(gate, choices);
	else if (event->name != NULL)
		take_named(gate, event);
}

/* Streams */

static void
take_event(struct gate *gate, const struct sse_item *item)
{
	struct refusal refusal;
	struct event event;
	size_t n;
	const char *data = sse_data(item, &gate->joined, &n);
	enum event_kind kind;

	if (gate->joined.failed) {
		fail(gate, 502, REFUSAL_UNKNOWN, "sent an event that does not fit in memory");
		return;
	}
	kind = event_read(&event, item, data, n);
	if (kind == EVENT_DONE && gate->dialect == DIALECT_OPENAI)
		take_end(gate);
	if (kind == EVENT_MALFORMED)
		fail(gate, 502, REFUSAL_UNKNOWN, malformed);
	if (kind != EVENT_READ)
		return;
	refusal_read_event(&refusal, &event);
	if (refusal.found)
		fail_for(gate, &refusal);
	else if (gate->dialect == DIALECT_ANTHROPIC)
		take_anthropic(gate, &event);
	else
		take_openai(gate, &event);
}

static void
next_event(struct gate *gate, const char **p, size_t *n)
{
	struct sse_item item;

	switch (sse_next(&gate->sse, p, n, &item)) {
	case SSE_EVENT:
		take_event(gate, &item);
		break;
	case SSE_TOO_LARGE:
		fail(gate, 502, REFUSAL_UNKNOWN, "sent an event larger than 16 MiB");
		break;
	default:
		break;
	}
}

/* What a body is */

/* Whether an object in a line of its own is an event, not the whole of an answer. */
static bool
is_stream_event(const struct gate *gate, const struct event *event)
{
	struct json value, delta;
	struct json_iter it;
	struct json key;

	if (gate->dialect == DIALECT_ANTHROPIC)
		return event->type != EVENT_OTHER && event->type != EVENT_ERROR;
	if (event->name != NULL && event->name_len > 9 && memcmp(event->name, "response.", 9) == 0)
		return true;
	if (find_set(event->object, "object", &value) && json_equals(value, "chat.completion.chunk"))
		return true;
	return find_set(event->object, "choices", &value) && json_is_array(value) &&
	    json_iter_init(&it, value.p, value.len) && json_next(&it, &key, &value) == JSON_OK &&
	    find_set(value, "delta", &delta);
}

/* The first line of what begins with a brace: an event without `data:`, or all or a part of an object. */
static void
first_line(struct gate *gate, const char **p, size_t *n)
{
	struct sse_item item;
	struct event event;
	enum sse_kind kind = sse_next(&gate->sse, p, n, &item);

	if (kind == SSE_MORE)
		return;
	if (kind == SSE_EVENT && event_read(&event, &item, item.data, item.data_len) == EVENT_READ &&
	    is_stream_event(gate, &event)) {
		gate->body = GATE_STREAM;
		take_event(gate, &item);
		return;
	}
	gate->body = GATE_OTHER;
	sse_free(&gate->sse);
}

enum match { MATCH_NO, MATCH_PART, MATCH_WHOLE };

/* Whether a word is what a stream begins with. */
static enum match
match_stream(const char *word, size_t n)
{
	static const char *const begins[] = { ":", "event:", "data:", "id:", "retry:" };

	for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
		size_t len = strlen(begins[i]);

		if (memcmp(word, begins[i], n < len ? n : len) == 0)
			return n < len ? MATCH_PART : MATCH_WHOLE;
	}
	return MATCH_NO;
}

/* The parser is given what was taken to tell what the body is. It cannot be a whole event. */
static void
begin_stream(struct gate *gate, enum gate_body body)
{
	const char *word = gate->word;
	size_t n = gate->word_len;
	struct sse_item item;

	gate->body = body;
	while (sse_next(&gate->sse, &word, &n, &item) != SSE_MORE)
		;
}

/* Looks at one more octet of the body's beginning; white space and a byte order mark before it do not count. */
static void
sniff(struct gate *gate, char c)
{
	static const char bom[] = "\xef\xbb\xbf";
	enum match stream;

	if (gate->word_len == 0 && (c == ' ' || c == '\t' || c == '\r' || c == '\n'))
		return;
	gate->word[gate->word_len++] = c;
	if (gate->word[0] == bom[0] && memcmp(gate->word, bom, gate->word_len) == 0) {
		if (gate->word_len == sizeof bom - 1)
			gate->word_len = 0;
		return;
	}
	stream = match_stream(gate->word, gate->word_len);
	if (gate->word[0] == '<')
		fail(gate, 502, REFUSAL_PAGE, "sent a page in HTML");
	else if (gate->word[0] == '{' && gate->wants_stream)
		begin_stream(gate, GATE_BRACE);
	else if (gate->word[0] == '{' || gate->word[0] == '[')
		gate->body = GATE_OTHER;
	else if (stream == MATCH_WHOLE || (stream == MATCH_NO && gate->is_event_stream))
		begin_stream(gate, GATE_STREAM);
	else if (stream == MATCH_NO)
		gate->body = GATE_OTHER;
}

enum gate_verdict
gate_feed(struct gate *gate, const char *p, size_t n)
{
	const char *begin = p;

	if (gate->verdict != GATE_HOLD)
		return gate->verdict;
	while (gate->verdict == GATE_HOLD && n > 0) {
		switch (gate->body) {
		case GATE_UNKNOWN:
			sniff(gate, *p++);
			n--;
			break;
		case GATE_BRACE:
			first_line(gate, &p, &n);
			break;
		case GATE_STREAM:
			next_event(gate, &p, &n);
			break;
		case GATE_OPAQUE:
			gate->verdict = GATE_COMMIT;
			p++;
			break;
		case GATE_OTHER:
			p += n;
			n = 0;
		}
	}
	gate->seen += (size_t)(p - begin);
	gate->decided_at = gate->seen;
	return gate->verdict;
}

/* The end */

/* At a clean end an event is whole though its blank line is missing, if its JSON is. Half an event is none. */
static void
end_stream(struct gate *gate)
{
	struct sse_item item;
	struct json value;
	const char *data;
	size_t n;

	if (sse_finish(&gate->sse, &item) && (data = sse_data(&item, &gate->joined, &n)) != NULL &&
	    (json_whole(data, n, &value) == JSON_OK || (n >= 6 && memcmp(data, "[DONE]", 6) == 0)))
		take_event(gate, &item);
	if (gate->verdict == GATE_HOLD)
		take_end(gate);
}

/* Lines of JSON as an answer that nobody asked to be a stream. False if they are none. */
static bool
end_lines(struct gate *gate, const char *p, size_t n)
{
	gate->body = GATE_BRACE;
	sse_free(&gate->sse);
	sse_init(&gate->sse, SSE_EVENT_MAX);
	while (n > 0 && gate->body == GATE_BRACE)
		first_line(gate, &p, &n);
	if (gate->body != GATE_STREAM) {
		gate->body = GATE_OTHER;
		return false;
	}
	while (n > 0 && gate->verdict == GATE_HOLD)
		next_event(gate, &p, &n);
	if (gate->verdict == GATE_HOLD)
		end_stream(gate);
	return true;
}

/* Whether a stream can be made of it. */
static bool
is_message(const struct gate *gate, struct json object)
{
	struct json list;

	const char *name = gate->dialect == DIALECT_ANTHROPIC ? "content" : "choices";

	return find_set(object, name, &list) && json_is_array(list);
}

static void
read_usage(struct gate *gate, struct json object)
{
	struct json usage, choices, key, choice;
	struct json_iter it;

	if (find_set(object, "usage", &usage)) {
		if (gate->dialect == DIALECT_ANTHROPIC)
			usage_add(&gate->usage, usage);
		else
			usage_add_openai(&gate->usage, usage);
		return;
	}
	/* Moonshot. */
	if (find_set(object, "choices", &choices) && json_is_array(choices) &&
	    json_iter_init(&it, choices.p, choices.len) && json_next(&it, &key, &choice) == JSON_OK &&
	    find_set(choice, "usage", &usage))
		usage_add_openai(&gate->usage, usage);
}

static void
end_json(struct gate *gate, struct json value)
{
	struct refusal refusal;

	refusal_read_value(&refusal, value);
	if (refusal.found) {
		fail_for(gate, &refusal);
	} else if (json_is_object(value) && (!gate->wants_stream || is_message(gate, value))) {
		read_usage(gate, value);
		gate->verdict = GATE_COMMIT;
	} else
		fail_as(gate, "sent JSON that is no answer", value.p, value.len);
}

static void
end_other(struct gate *gate, const char *p, size_t n)
{
	struct json value;
	enum json_result result = json_whole(p, n, &value);

	gate->body = GATE_OTHER;
	if (result == JSON_OK)
		end_json(gate, value);
	else if (*p != '{' && *p != '[')
		fail_as(gate, "sent no JSON", p, n);
	else if (result == JSON_END)
		fail(gate, 502, REFUSAL_UNKNOWN, "sent JSON that is cut short");
	else if (*p == '[' || !end_lines(gate, p, n))
		fail(gate, 502, REFUSAL_UNKNOWN, "sent JSON that is malformed");
}

/* White space before a body. */
static void
skip_space(const char **p, size_t *n)
{
	while (*n > 0 && (**p == ' ' || **p == '\t' || **p == '\r' || **p == '\n')) {
		++*p;
		--*n;
	}
}

enum gate_verdict
gate_end(struct gate *gate, const char *held, size_t n)
{
	if (gate->verdict != GATE_HOLD)
		return gate->verdict;
	skip_space(&held, &n);
	if (n >= 3 && memcmp(held, "\xef\xbb\xbf", 3) == 0) {
		held += 3;
		n -= 3;
	}
	skip_space(&held, &n);
	if (n == 0)
		fail(gate, 502, REFUSAL_UNKNOWN, "answered without a body");
	else if (gate->body == GATE_STREAM)
		end_stream(gate);
	else
		end_other(gate, held, n);
	return gate->verdict;
}

bool
gate_is_stream(const struct gate *gate)
{
	return gate->body == GATE_STREAM || (gate->body == GATE_UNKNOWN && gate->is_event_stream);
}

const char *
gate_content_type(const struct gate *gate)
{
	if (gate->body == GATE_STREAM)
		return gate->is_event_stream ? NULL : "text/event-stream";
	return gate->body == GATE_OPAQUE || gate->is_json ? NULL : "application/json";
}

const struct usage *
gate_usage(const struct gate *gate)
{
	return &gate->usage;
}

const char *
gate_why(struct gate *gate)
{
	const char *why = buf_str(&gate->why);

	return why != NULL ? why : "";
}
