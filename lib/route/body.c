/* SPDX-License-Identifier: MIT */
#include "route/body.h"

#include "base/limits.h"

static bool
no(struct buf *why, const char *sentence)
{
	buf_puts(why, sentence);
	return false;
}

static bool
take_model(struct body *body, struct json value, struct buf *why)
{
	if (body->model.len > 0)
		return no(why, "the body has 'model' twice");
	if (!json_is_string(value))
		return no(why, "'model' must be a string");
	if (value.len == 2)
		return no(why, "'model' is empty");
	if (value.len > MODEL_MAX)
		return no(why, "'model' is too long");
	body->model = value;
	return true;
}

static bool
take_stream(struct body *body, struct json value, enum dialect dialect, bool *seen, struct buf *why)
{
	if (*seen)
		return no(why, "the body has 'stream' twice");
	*seen = true;
	if (!json_is_bool(value) && !(dialect == DIALECT_OPENAI && json_is_null(value)))
		return no(why, "'stream' must be true or false");
	body->stream = json_is_true(value);
	return true;
}

static void
take_conversation(struct conversation *conversation, struct json key, struct json value)
{
	if (json_equals(key, "messages"))
		conversation->messages = value;
	else if (json_equals(key, "system"))
		conversation->system = value;
	else if (json_equals(key, "metadata"))
		conversation->metadata = value;
}

static bool
all_space(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != ' ' && p[i] != '\n' && p[i] != '\r' && p[i] != '\t')
			return false;
	return true;
}

bool
body_scan(struct body *body, enum dialect dialect, const char *p, size_t n, struct buf *why)
{
	struct json_iter it;
	struct json key, value;
	enum json_result result;
	bool has_stream = false;

	*body = (struct body){ .stream = false };
	if (n == 0)
		return no(why, "the body is empty: it must be a JSON object");
	if (!json_iter_init(&it, p, n) || !it.in_object)
		return no(why, "the body is no JSON object");
	while ((result = json_next(&it, &key, &value)) == JSON_OK) {
		if (json_equals(key, "model")) {
			if (!take_model(body, value, why))
				return false;
		} else if (json_equals(key, "stream")) {
			if (!take_stream(body, value, dialect, &has_stream, why))
				return false;
		} else {
			take_conversation(&body->conversation, key, value);
		}
	}
	if (result == JSON_BAD && it.pos >= n)
		return no(why, "the body is no JSON object: it ends too early");
	if (result == JSON_BAD || !all_space(p + it.pos, n - it.pos)) {
		buf_printf(why, "the body is no JSON object: octet %zu does not belong there", it.pos + 1);
		return false;
	}
	if (body->model.len == 0)
		return no(why, "the body names no model: 'model' is missing");
	return true;
}
