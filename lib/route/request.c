/* SPDX-License-Identifier: MIT */
#include "route/request.h"

#include <string.h>

/* Whether a string stands for itself: without escapes and beyond ASCII nothing. */
static bool
is_plain(struct json string)
{
	for (size_t i = 1; i + 1 < string.len; i++)
		if (string.p[i] == '\\' || (unsigned char)string.p[i] >= 0x80)
			return false;
	return true;
}

/* False if `string` is none, or not of octets. There is room in `scratch`, so that it does not move. */
static bool
read_text(struct text *text, struct json string, struct buf *scratch)
{
	size_t before = buf_len(scratch);

	if (text->p != NULL || !json_is_string(string))
		return false;
	if (is_plain(string)) {
		*text = (struct text){ string.p + 1, string.len - 2 };
		return true;
	}
	if (!json_decode_octets(string, scratch) || scratch->failed)
		return false;
	*text = (struct text){ buf_data(scratch) + before, buf_len(scratch) - before };
	return true;
}

static const char *
read_headers(struct request *request, struct json headers, struct buf *scratch)
{
	struct json_iter it;
	struct json key, value;

	if (!json_is_object(headers))
		return "its headers are no object";
	json_iter_init(&it, headers.p, headers.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		if (json_equals(key, "host")) {
			if (!read_text(&request->host, value, scratch))
				return "its host is no string of octets, or stands twice";
		} else if (json_equals(key, "origin")) {
			if (!read_text(&request->origin, value, scratch))
				return "its origin is no string of octets, or stands twice";
		} else if (json_equals(key, "x-claude-code-session-id")) {
			if (!read_text(&request->session, value, scratch))
				return "its session id is no string of octets, or stands twice";
		} else if (json_equals(key, "anthropic-version")) {
			request->has_anthropic_version = true;
		}
	}
	return NULL;
}

static const char *
read_members(struct request *request, struct json header, struct buf *scratch)
{
	struct json_iter it;
	struct json key, value;
	const char *why;

	json_iter_init(&it, header.p, header.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		struct text *text = json_equals(key, "method") ? &request->method
		    : json_equals(key, "target")               ? &request->target
		    : json_equals(key, "request_id")           ? &request->request_id
							       : NULL;

		if (text != NULL) {
			if (!read_text(text, value, scratch))
				return "its method, target or request_id is no string of octets, or stands twice";
		} else if (json_equals(key, "headers")) {
			if ((why = read_headers(request, value, scratch)) != NULL)
				return why;
		} else if (json_equals(key, "peer")) {
			request->from_unix_socket = json_equals(value, "unix");
		} else if (json_equals(key, "plan")) {
			return "it has a plan already";
		}
	}
	return NULL;
}

const char *
request_read(struct request *request, const struct record *record, struct buf *scratch)
{
	const char *why;

	*request = (struct request){
		.id = record->id,
		.body = record->payload,
		.body_len = record->payload_len,
		.header_len = record->header.len,
	};
	buf_clear(scratch);
	if (buf_reserve(scratch, record->header.len) == NULL)
		return "it is too large";
	if ((why = read_members(request, record->header, scratch)) != NULL)
		return why;
	if (request->method.p == NULL || request->target.p == NULL)
		return "it has no method or no target";
	return NULL;
}
