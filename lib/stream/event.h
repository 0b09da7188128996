/* SPDX-License-Identifier: MIT */
/*
 * What an event of a stream says: the JSON object in its data and the object's type (Anthropic's Messages API, streaming),
 * as spans of the text. Pure.
 */
#ifndef LB_STREAM_EVENT_H
#define LB_STREAM_EVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"
#include "stream/sse.h"

enum event_type {
	EVENT_OTHER,	/* a type of a later version, or of another dialect */
	EVENT_MESSAGE_START,
	EVENT_BLOCK_START,
	EVENT_BLOCK_DELTA,
	EVENT_BLOCK_STOP,
	EVENT_MESSAGE_DELTA,
	EVENT_MESSAGE_STOP,
	EVENT_PING,
	EVENT_ERROR,
	EVENT_TYPE_COUNT
};

/* `message_start`, …, `error`; NULL for EVENT_OTHER. */
const char *event_type_name(enum event_type type);

struct event {
	enum event_type type;
	const char *name;	/* of its type, as in `event:`; NULL if nothing tells one */
	size_t name_len;
	bool untyped;		/* the JSON has no `type`: the name is that of its `event:` line, or it has `error` */
	struct json object;	/* without the white space around it */
	struct json error;	/* its member `error`, empty if there is none; and the others by which the dialect works */
	struct json index;
	struct json delta;
	struct json usage;
	struct json message;
	struct json block;	/* `content_block` */
};

enum event_kind {
	EVENT_READ,
	EVENT_EMPTY,		/* no data, or blank */
	EVENT_DONE,		/* `[DONE]` */
	EVENT_MALFORMED		/* no JSON object, or with a type or another of the members above that readers would disagree on */
};

/*
 * Reads the data (sse_data) of an SSE_EVENT. An object without a type takes it from its `event:` line; one with a member
 * `error` that is not null is an EVENT_ERROR, as some providers send it. Neither: EVENT_READ with `name` NULL, as OpenAI's
 * chunks are.
 */
enum event_kind event_read(struct event *event, const struct sse_item *item, const char *data, size_t n);

/* Adds the event's object, or what `object` has in its place, on one line and with the type that it may lack. */
void event_put_object(struct buf *out, const struct event *event, struct json object);

/* Adds the whole event with that, in the one form: `event: TYPE`, LF, `data: {…}`, LF, LF. */
void event_put(struct buf *out, const struct event *event, struct json object);

#endif
