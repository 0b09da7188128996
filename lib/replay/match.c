/* SPDX-License-Identifier: MIT */
#include "replay/match.h"

#include <string.h>

#include "base/limits.h"

/* Unescapes a string of the record's; one that does not fit is empty. */
static void
decode(struct json object, const char *name, struct buf *out)
{
	struct json value;

	if (json_find(object, name, &value))
		json_decode_octets(value, out);
	if (out->failed)
		buf_clear(out);
}

static void
read_model(struct replay_request *request, struct json value)
{
	if (request->has_model || !json_is_string(value) || value.len > MODEL_MAX)
		return;
	request->has_model = json_decode(value, &request->model);
	request->raw_model = (struct replay_text){ value.p + 1, value.len - 2 };
}

static void
read_body(struct replay_request *request, const char *p, size_t n)
{
	struct json_iter it;
	struct json key, value;

	if (n == 0 || !json_iter_init(&it, p, n) || !it.in_object)
		return;
	while (json_next(&it, &key, &value) == JSON_OK) {
		if (json_equals(key, "model"))
			read_model(request, value);
		else if (json_equals(key, "stream"))
			request->stream = json_is_true(value);
	}
}

void
replay_request_init(struct replay_request *request, const struct record *record)
{
	struct json version;

	*request = (struct replay_request){
		.method = BUF_INIT(HEAD_MAX),
		.target = BUF_INIT(HEAD_MAX),
		.model = BUF_INIT(MODEL_MAX),
	};
	decode(record->header, "method", &request->method);
	decode(record->header, "target", &request->target);
	if (!json_find(record->header, "headers", &request->headers))
		request->headers = (struct json){ "{}", 2 };
	request->has_anthropic_version = json_find(request->headers, "anthropic-version", &version);
	if (!json_find(record->header, "request_id", &request->request_id))
		request->request_id.len = 0;
	read_body(request, record->payload, record->payload_len);
}

void
replay_request_free(struct replay_request *request)
{
	buf_free(&request->method);
	buf_free(&request->target);
	buf_free(&request->model);
}

static struct replay_text
text_of(const struct buf *b)
{
	return (struct replay_text){ buf_data(b), buf_len(b) };
}

/* Whether the request has a header that the condition covers. */
static bool
has_header(const struct replay_request *request, const struct replay_condition *condition)
{
	struct buf name = BUF_INIT(HEAD_MAX), value = BUF_INIT(HEAD_MAX);
	struct json_iter it;
	struct json key, text;
	bool found = false;

	if (!json_iter_init(&it, request->headers.p, request->headers.len) || !it.in_object)
		return false;
	while (!found && json_next(&it, &key, &text) == JSON_OK) {
		buf_clear(&name);
		buf_clear(&value);
		if (!json_decode_octets(key, &name) || buf_len(&name) != condition->name.len ||
		    memcmp(buf_data(&name), condition->name.p, condition->name.len) != 0)
			continue;
		found = json_decode_octets(text, &value) && !value.failed &&
		    replay_glob(condition->value, text_of(&value));
	}
	buf_free(&name);
	buf_free(&value);
	return found;
}

static bool
holds(const struct replay_request *request, const struct replay_condition *condition)
{
	switch (condition->subject) {
	case REPLAY_ON_MODEL:
		return request->has_model && replay_glob(condition->value, text_of(&request->model));
	case REPLAY_ON_STREAM:
		return request->stream == replay_text_is(condition->value, "true");
	case REPLAY_ON_HEADER:
		break;
	}
	return has_header(request, condition);
}

static bool
matches(const struct replay_script *script, const struct replay_block *block, const struct replay_request *request)
{
	struct replay_text path = text_of(&request->target), method = text_of(&request->method);
	const char *query = path.len > 0 ? memchr(path.p, '?', path.len) : NULL;

	if (query != NULL)
		path.len = (size_t)(query - path.p);
	if (!replay_text_is(block->method, "*") &&
	    (method.len != block->method.len || memcmp(method.p, block->method.p, method.len) != 0))
		return false;
	if (!replay_glob(block->path, path))
		return false;
	for (size_t i = 0; i < block->conditions; i++)
		if (!holds(request, replay_condition(script, block->first_condition + i)))
			return false;
	return true;
}

struct replay_block *
replay_match(const struct replay_script *script, const struct replay_request *request)
{
	size_t count;
	struct replay_block *blocks = replay_blocks(script, &count);

	for (size_t i = 0; i < count; i++)
		if (matches(script, &blocks[i], request))
			return &blocks[i];
	return NULL;
}
