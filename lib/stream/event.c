/* SPDX-License-Identifier: MIT */
#include "stream/event.h"

#include <string.h>

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

const char *
event_type_name(enum event_type type)
{
	return type_names[type];
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
static void
find_type(struct event *event, const struct sse_item *item)
{
	event->untyped = true;
	if (event->error.len > 0 && !json_is_null(event->error)) {
		event->type = EVENT_ERROR;
		event->name = type_names[EVENT_ERROR];
		event->name_len = strlen(event->name);
		return;
	}
	if (item->name == NULL || !is_name(item->name, item->name_len))
		return;
	event->name = item->name;
	event->name_len = item->name_len;
	for (int i = EVENT_OTHER + 1; i < EVENT_TYPE_COUNT; i++)
		if (strlen(type_names[i]) == item->name_len && memcmp(type_names[i], item->name, item->name_len) == 0)
			event->type = (enum event_type)i;
}

enum event_kind
event_read(struct event *event, const struct sse_item *item, const char *data, size_t n)
{
	*event = (struct event){ .type = EVENT_OTHER };
	if (data == NULL || is_blank(data, n))
		return EVENT_EMPTY;
	if (n >= 6 && memcmp(data, "[DONE]", 6) == 0 && is_blank(data + 6, n - 6))
		return EVENT_DONE;
	if (!read_object(event, data, n))
		return EVENT_MALFORMED;
	if (event->name == NULL)
		find_type(event, item);
	return EVENT_READ;
}
