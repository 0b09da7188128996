/* SPDX-License-Identifier: MIT */
/*
 * Says whether octets are what an Anthropic client may get of a stream: a second opinion, which shares nothing with
 * lib/stream but the JSON scanner. tests/stream-check is the same for captures.
 */
#ifndef LB_TESTS_UNIT_STREAM_CHECKER_H
#define LB_TESTS_UNIT_STREAM_CHECKER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"

struct checker {
	const char *broken;	/* what is, first */
	bool started, had_delta, stopped, failed, open;
	uint64_t blocks;
	struct json type;	/* of the open block */
	struct buf input;
};

static inline void
checker_expect(struct checker *c, bool passed, const char *why)
{
	if (!passed && c->broken == NULL)
		c->broken = why;
}

/* A member that all readers find alike; of length 0 if there is none. */
static inline struct json
checker_member(struct checker *c, struct json object, const char *name)
{
	struct json found = { NULL, 0 }, key, value;
	struct json_iter it;

	if (!json_iter_init(&it, object.p, object.len) || !it.in_object)
		return found;
	while (json_next(&it, &key, &value) == JSON_OK)
		if (json_equals(key, name)) {
			checker_expect(c, found.len == 0, "a member stands twice");
			found = value;
		}
	return found;
}

static inline bool
checker_is(struct json string, const char *text)
{
	return json_is_string(string) && json_equals(string, text);
}

static inline bool
checker_is_empty(struct json value)
{
	size_t i = 1;

	while (i < value.len && strchr(" \t\r\n", value.p[i]) != NULL)
		i++;
	return value.len >= 2 && i == value.len - 1;
}

static inline void
checker_usage(struct checker *c, struct json usage, bool start)
{
	struct json_iter it;
	struct json key, value;

	checker_expect(c, json_is_object(usage), "no usage");
	checker_expect(c, checker_member(c, usage, "output_tokens").len > 0, "usage without output_tokens");
	checker_expect(c, !start || checker_member(c, usage, "input_tokens").len > 0, "usage without input_tokens");
	if (!json_iter_init(&it, usage.p, usage.len))
		return;
	while (json_next(&it, &key, &value) == JSON_OK) {
		struct buf name = BUF_INIT(SIZE_MAX);
		uint64_t count;

		json_decode(key, &name);
		if (buf_len(&name) >= 7 && memcmp(buf_data(&name) + buf_len(&name) - 7, "_tokens", 7) == 0) {
			checker_expect(c, json_u64(value, UINT64_MAX, &count), "no count");
			checker_expect(c, checker_member(c, usage, buf_str(&name)).len > 0, "a count with NUL in its name");
		}
		buf_free(&name);
	}
}

static inline void
checker_start(struct checker *c, struct json event)
{
	struct json message = checker_member(c, event, "message"), content = checker_member(c, message, "content"), model;

	checker_expect(c, !c->started, "a second message_start");
	checker_expect(c, json_is_object(message), "no message");
	checker_expect(c, checker_is(checker_member(c, message, "type"), "message"), "no type message");
	checker_expect(c, checker_is(checker_member(c, message, "role"), "assistant"), "no role assistant");
	checker_expect(c, json_is_string(checker_member(c, message, "id")) && checker_member(c, message, "id").len > 2, "no id");
	model = checker_member(c, message, "model");
	checker_expect(c, model.len == 0 || json_is_string(model), "the model is no text");
	checker_expect(c, json_is_array(content) && checker_is_empty(content), "content in message_start");
	checker_expect(c, json_is_null(checker_member(c, message, "stop_reason")), "a stop_reason in message_start");
	checker_usage(c, checker_member(c, message, "usage"), true);
	c->started = true;
}

static inline bool
checker_is_call(struct json type)
{
	return checker_is(type, "tool_use") || checker_is(type, "server_tool_use");
}

static inline void
checker_index(struct checker *c, struct json event)
{
	uint64_t index = 0;

	checker_expect(c, json_u64(checker_member(c, event, "index"), UINT64_MAX, &index) && index == c->blocks, "wrong index");
}

static inline void
checker_block_start(struct checker *c, struct json event)
{
	struct json block = checker_member(c, event, "content_block"), input = checker_member(c, block, "input");

	checker_index(c, event);
	checker_expect(c, !c->open, "a block within another");
	checker_expect(c, !c->had_delta, "a block behind message_delta");
	c->type = checker_member(c, block, "type");
	checker_expect(c, json_is_object(block) && json_is_string(c->type), "a block without a type");
	if (checker_is(c->type, "text"))
		checker_expect(c, json_equals(checker_member(c, block, "text"), ""), "a text block that is not empty");
	if (checker_is(c->type, "thinking"))
		checker_expect(c, json_equals(checker_member(c, block, "thinking"), ""), "a thinking block that is not empty");
	if (checker_is_call(c->type)) {
		checker_expect(c, json_is_object(input) && checker_is_empty(input), "a call that begins with its input");
		checker_expect(c, checker_member(c, block, "id").len > 2 && json_is_string(checker_member(c, block, "id")),
		    "a call without an id");
		checker_expect(c, checker_member(c, block, "name").len > 2 && json_is_string(checker_member(c, block, "name")),
		    "a call without a name");
	}
	buf_clear(&c->input);
	c->open = true;
}

static inline void
checker_delta(struct checker *c, struct json event)
{
	static const struct {
		const char *type, *payload, *blocks[2];
		char first;
	} known[] = {
		{ "text_delta", "text", { "text", "text" }, '"' },
		{ "citations_delta", "citation", { "text", "text" }, '{' },
		{ "thinking_delta", "thinking", { "thinking", "thinking" }, '"' },
		{ "signature_delta", "signature", { "thinking", "thinking" }, '"' },
		{ "input_json_delta", "partial_json", { "tool_use", "server_tool_use" }, '"' },
	};
	struct json delta = checker_member(c, event, "delta"), type = checker_member(c, delta, "type"), payload;
	bool is_known = checker_is_call(c->type) || checker_is(c->type, "text") || checker_is(c->type, "thinking") ||
	    checker_is(c->type, "redacted_thinking");

	checker_index(c, event);
	checker_expect(c, c->open, "a delta outside any block");
	checker_expect(c, json_is_string(type), "a delta without a type");
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (!checker_is(type, known[i].type))
			continue;
		payload = checker_member(c, delta, known[i].payload);
		checker_expect(c, payload.len > 0 && payload.p[0] == known[i].first, "a delta without its content");
		checker_expect(c, !is_known || checker_is(c->type, known[i].blocks[0]) || checker_is(c->type, known[i].blocks[1]),
		    "a delta in a block of another type");
		if (known[i].payload[0] == 'p')
			json_decode(payload, &c->input);
	}
}

static inline void
checker_block_stop(struct checker *c, struct json event)
{
	struct json input;

	checker_index(c, event);
	checker_expect(c, c->open, "a stop of no block");
	if (buf_len(&c->input) > 0)
		checker_expect(c, json_whole(buf_data(&c->input), buf_len(&c->input), &input) == JSON_OK && json_is_object(input),
		    "the input of a call is no JSON object, or cut");
	c->open = false;
	c->blocks++;
}

static inline void
checker_message_delta(struct checker *c, struct json event)
{
	struct json delta = checker_member(c, event, "delta");

	checker_expect(c, !c->open, "message_delta within a block");
	checker_expect(c, !c->had_delta, "a second message_delta");
	checker_expect(c, json_is_string(checker_member(c, delta, "stop_reason")), "no stop_reason");
	checker_usage(c, checker_member(c, event, "usage"), false);
	c->had_delta = true;
}

static inline void
checker_event(struct checker *c, const char *name, size_t name_len, struct json event)
{
	struct json type = checker_member(c, event, "type"), error = checker_member(c, event, "error");
	struct buf decoded = BUF_INIT(SIZE_MAX);
	bool part = checker_is(type, "content_block_start") || checker_is(type, "content_block_delta") ||
	    checker_is(type, "content_block_stop") || checker_is(type, "message_delta") || checker_is(type, "message_stop");

	json_decode(type, &decoded);
	checker_expect(c, buf_len(&decoded) == name_len && memcmp(buf_data(&decoded), name, name_len) == 0,
	    "the name is not the type");
	buf_free(&decoded);
	checker_expect(c, !part || c->started, "an event before message_start");
	if (checker_is(type, "message_start"))
		checker_start(c, event);
	else if (checker_is(type, "content_block_start"))
		checker_block_start(c, event);
	else if (checker_is(type, "content_block_delta"))
		checker_delta(c, event);
	else if (checker_is(type, "content_block_stop"))
		checker_block_stop(c, event);
	else if (checker_is(type, "message_delta"))
		checker_message_delta(c, event);
	else if (checker_is(type, "message_stop")) {
		checker_expect(c, !c->open && c->had_delta, "message_stop too early");
		c->stopped = true;
	} else if (checker_is(type, "error")) {
		checker_expect(c, json_is_string(checker_member(c, error, "type")) &&
		    json_is_string(checker_member(c, error, "message")), "an error without type and message");
		c->failed = true;
	}
}

/* Takes one event in the one form; how long it is, 0 if it is none. */
static inline size_t
checker_read(struct checker *c, const char *p, size_t n)
{
	const char *end = memmem(p, n, "\n\n", 2), *line = end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	struct json event;

	if (line == NULL || (size_t)(line - p) <= 7 || memcmp(p, "event: ", 7) != 0 || end - line < 7 ||
	    memcmp(line, "\ndata: {", 8) != 0 || memchr(p, '\r', (size_t)(end - p)) != NULL ||
	    memchr(line + 1, '\n', (size_t)(end - line - 1)) != NULL)
		return 0;
	if (json_whole(line + 7, (size_t)(end - line - 7), &event) != JSON_OK || (size_t)(end - line - 7) != event.len)
		return 0;
	checker_event(c, p + 7, (size_t)(line - p - 7), event);
	return (size_t)(end + 2 - p);
}

/* "whole", "error", or what is broken. */
static inline const char *
stream_checker(const char *p, size_t n)
{
	struct checker c = { .input = BUF_INIT(SIZE_MAX) };
	const char *newline;

	while (n > 0 && c.broken == NULL) {
		size_t len = 0;

		checker_expect(&c, !c.stopped && !c.failed, "something behind the end");
		if (*p == ':' && (newline = memchr(p, '\n', n)) != NULL) {
			len = (size_t)(newline + 1 - p);
			checker_expect(&c, memchr(p, '\r', len) == NULL, "a comment with CR");
			len += len < n && p[len] == '\n';
		} else {
			len = checker_read(&c, p, n);
			checker_expect(&c, len > 0, "no event in the one form");
		}
		p += len;
		n -= len;
	}
	checker_expect(&c, c.stopped || c.failed, "neither message_stop nor an error");
	buf_free(&c.input);
	return c.broken ? c.broken : c.stopped ? "whole" : "error";
}

#endif
