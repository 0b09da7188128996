/* SPDX-License-Identifier: MIT */
#include "record/record.h"

#include <string.h>

#include "base/limits.h"

static const char *const type_names[] = {
	[RECORD_REQUEST] = "request",
	[RECORD_CANCEL] = "cancel",
	[RECORD_PAUSE] = "pause",
	[RECORD_RESUME] = "resume",
	[RECORD_OPEN] = "open",
	[RECORD_HEAD] = "head",
	[RECORD_DATA] = "data",
	[RECORD_END] = "end",
	[RECORD_HELLO] = "hello",
};

static const char *const end_names[END_COUNT] = {
	[END_COMPLETE] = "complete",
	[END_TRUNCATED] = "truncated",
	[END_UPSTREAM_ERROR] = "upstream-error",
	[END_TIMEOUT] = "timeout",
	[END_CANCELLED] = "cancelled",
	[END_REFUSED] = "refused",
};

static enum record_type
type_of(struct json name)
{
	for (size_t i = RECORD_REQUEST; i < sizeof type_names / sizeof *type_names; i++)
		if (json_equals(name, type_names[i]))
			return (enum record_type)i;
	return RECORD_UNKNOWN;
}

/* Reads the members that all records share. Returns NULL, or what is wrong. */
static const char *
read_header(const char *line, size_t n, struct record *record)
{
	struct json_iter it;
	struct json key, value;
	bool has_type = false;
	uint64_t bytes = 0;
	size_t from;
	enum json_result result;

	if (!json_iter_init(&it, line, n) || !it.in_object)
		return "the header is no JSON object";
	from = it.pos - 1;
	while ((result = json_next(&it, &key, &value)) == JSON_OK) {
		if (json_equals(key, "type")) {
			if (has_type || !json_is_string(value))
				return "the type is no string, or stands twice";
			has_type = true;
			record->type = type_of(value);
		} else if (json_equals(key, "id")) {
			if (record->id != 0 || !json_u64(value, UINT64_MAX, &record->id) || record->id == 0)
				return "the id is no number from 1, or stands twice";
		} else if (json_equals(key, "bytes")) {
			if (record->has_payload || !json_u64(value, RECORD_PAYLOAD_MAX, &bytes))
				return "bytes is no length, too large, or stands twice";
			record->has_payload = true;
		}
	}
	if (result == JSON_BAD)
		return "the header is not JSON";
	for (size_t i = it.pos; i < n; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return "something stands behind the header";
	if (!has_type)
		return "the header has no type";
	if (record->id == 0 && record->type != RECORD_UNKNOWN && record->type != RECORD_HELLO)
		return "the header has no id";
	record->header = (struct json){ line + from, it.pos - from };
	record->payload_len = (size_t)bytes;
	return NULL;
}

enum record_result
record_parse(const char *p, size_t n, struct record *record, const char **why)
{
	const char *newline = n > 0 ? memchr(p, '\n', n < RECORD_HEADER_MAX ? n : RECORD_HEADER_MAX) : NULL;
	size_t line;

	*record = (struct record){ .type = RECORD_UNKNOWN };
	if (newline == NULL) {
		*why = "the header is longer than 1 MiB";
		return n < RECORD_HEADER_MAX ? RECORD_MORE : RECORD_BAD;
	}
	line = (size_t)(newline - p);
	if ((*why = read_header(p, line, record)) != NULL)
		return RECORD_BAD;
	record->size = line + 1 + (record->has_payload ? record->payload_len + 1 : 0);
	if (n < record->size)
		return RECORD_MORE;
	if (record->has_payload) {
		record->payload = newline + 1;
		if (record->payload[record->payload_len] != '\n') {
			*why = "no line feed stands behind the payload";
			return RECORD_BAD;
		}
	}
	return RECORD_OK;
}

const char *
record_end_name(enum record_end end)
{
	return end_names[end];
}

enum record_end
record_end_of(const struct record *end)
{
	struct json result;

	if (json_find(end->header, "result", &result))
		for (int i = 0; i < END_COUNT; i++)
			if (json_equals(result, end_names[i]))
				return (enum record_end)i;
	return END_TRUNCATED;
}

bool
record_end_is_whole(int status, enum record_end end)
{
	bool error = end == END_UPSTREAM_ERROR || end == END_TIMEOUT || end == END_REFUSED;

	return end == END_COMPLETE || (status >= 400 && error);
}

void
record_begin(struct buf *out, const char *type, uint64_t id)
{
	buf_put(out, "{\"type\":\"", 9);
	buf_puts(out, type);
	buf_put(out, "\",\"id\":", 7);
	buf_put_u64(out, id);
}

void
record_finish(struct buf *out)
{
	buf_put(out, "}\n", 2);
}

void
record_finish_bytes(struct buf *out, size_t n)
{
	buf_put(out, ",\"bytes\":", 9);
	buf_put_u64(out, n);
	buf_put(out, "}\n", 2);
}

void
record_finish_payload(struct buf *out, const char *p, size_t n)
{
	record_finish_bytes(out, n);
	buf_put(out, p, n);
	buf_putc(out, '\n');
}

void
record_put_data(struct buf *out, uint64_t id, const char *p, size_t n)
{
	record_begin(out, "data", id);
	record_finish_payload(out, p, n);
}

void
record_put_end(struct buf *out, uint64_t id, enum record_end end)
{
	record_begin(out, "end", id);
	buf_printf(out, ",\"result\":\"%s\"", end_names[end]);
	record_finish(out);
}

void
record_put_copy(struct buf *out, const struct record *record)
{
	buf_put(out, record->header.p, record->header.len);
	buf_putc(out, '\n');
	if (record->has_payload) {
		buf_put(out, record->payload, record->payload_len);
		buf_putc(out, '\n');
	}
}

void
record_put_answer(struct buf *out, uint64_t id, int status, const char *extra_headers, const char *body, size_t n,
    bool head_only)
{
	record_begin(out, "head", id);
	buf_printf(out, ",\"status\":%d,\"headers\":{\"content-type\":\"application/json\",\"content-length\":\"%zu\"%s}",
	    status, n, extra_headers ? extra_headers : "");
	record_finish(out);
	if (!head_only)
		record_put_data(out, id, body, n);
	record_put_end(out, id, status < 400 ? END_COMPLETE : END_REFUSED);
}
