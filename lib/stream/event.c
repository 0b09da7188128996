/* SPDX-License-Identifier: MIT */
#include "stream/event.h"

#include <string.h>

#include "stream/members.h"

static const struct member_name type_names[EVENT_TYPE_COUNT] = {
	[EVENT_OTHER] = { NULL, SIZE_MAX },
	[EVENT_MESSAGE_START] = MEMBER("message_start"),
	[EVENT_BLOCK_START] = MEMBER("content_block_start"),
	[EVENT_BLOCK_DELTA] = MEMBER("content_block_delta"),
	[EVENT_BLOCK_STOP] = MEMBER("content_block_stop"),
	[EVENT_MESSAGE_DELTA] = MEMBER("message_delta"),
	[EVENT_MESSAGE_STOP] = MEMBER("message_stop"),
	[EVENT_PING] = MEMBER("ping"),
	[EVENT_ERROR] = MEMBER("error"),
};

const char *
event_type_name(enum event_type type)
{
	return type_names[type].p;
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

static void
set_type(struct event *event, enum event_type type)
{
	event->type = type;
	event->name = type_names[type].p;
	event->name_len = type_names[type].len;
}

static bool
read_type(struct event *event, struct json type)
{
	size_t known;

	if (!json_is_string(type))
		return false;
	known = members_which(type, type_names + 1, EVENT_TYPE_COUNT - 1) + 1;
	if (known < EVENT_TYPE_COUNT) {
		set_type(event, (enum event_type)known);
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
	enum { TYPE, INDEX, DELTA, ERROR, USAGE, MESSAGE, BLOCK, COUNT };
	static const struct member_name names[COUNT] = {
		[TYPE] = MEMBER("type"),
		[INDEX] = MEMBER("index"),
		[DELTA] = MEMBER("delta"),
		[ERROR] = MEMBER("error"),
		[USAGE] = MEMBER("usage"),
		[MESSAGE] = MEMBER("message"),
		[BLOCK] = MEMBER("content_block"),
	};
	struct json values[COUNT];
	const char *end;

	if (!members_read(data, n, names, COUNT, values, &event->object))
		return false;
	event->index = values[INDEX];
	event->delta = values[DELTA];
	event->error = values[ERROR];
	event->usage = values[USAGE];
	event->message = values[MESSAGE];
	event->block = values[BLOCK];
	end = event->object.p + event->object.len;
	return is_blank(end, (size_t)(data + n - end)) && (values[TYPE].len == 0 || read_type(event, values[TYPE]));
}

/* An object without a type takes it from its `event:` line; one with `error` is an error, as some providers send it. */
static void
find_type(struct event *event, const struct sse_item *item)
{
	event->untyped = true;
	if (event->error.len > 0 && !json_is_null(event->error)) {
		set_type(event, EVENT_ERROR);
		return;
	}
	if (item->name == NULL || !is_name(item->name, item->name_len))
		return;
	event->name = item->name;
	event->name_len = item->name_len;
	for (int i = EVENT_OTHER + 1; i < EVENT_TYPE_COUNT; i++)
		if (type_names[i].len == item->name_len && memcmp(type_names[i].p, item->name, item->name_len) == 0)
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

void
event_put_object(struct buf *out, const struct event *event, struct json object)
{
	if (event->untyped) {
		buf_puts(out, "{\"type\":\"");
		buf_put(out, event->name, event->name_len);
		buf_putc(out, '"');
		object.p++;
		object.len--;
		if (has_members(object))
			buf_putc(out, ',');
	}
	put_on_one_line(out, object.p, object.len);
}

void
event_put(struct buf *out, const struct event *event, struct json object)
{
	buf_put(out, "event: ", 7);
	buf_put(out, event->name, event->name_len);
	buf_put(out, "\ndata: ", 7);
	event_put_object(out, event, object);
	buf_put(out, "\n\n", 2);
}
