/* SPDX-License-Identifier: MIT */
#include "stream/assemble.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "stream/event.h"
#include "stream/sse.h"

/* How what a delta brings becomes part of its block. */
enum kind {
	JOIN,		/* texts, one behind the other */
	DECODE,		/* the same, of which the whole is JSON */
	LIST,		/* elements of an array */
	REPLACE		/* the last one holds */
};

static const struct {
	const char *delta, *payload, *member;
	enum kind kind;
} parts[] = {
	{ "text_delta", "text", "text", JOIN },
	{ "citations_delta", "citation", "citations", LIST },
	{ "thinking_delta", "thinking", "thinking", JOIN },
	{ "signature_delta", "signature", "signature", REPLACE },
	{ "input_json_delta", "partial_json", "input", DECODE },
	{ "compaction_delta", "content", "content", REPLACE },
	{ "compaction_delta", "encrypted_content", "encrypted_content", REPLACE },
};

enum { PARTS = sizeof parts / sizeof *parts };

enum state { BEFORE, BETWEEN, IN_BLOCK, STOPPED, BROKEN, FAILED };

struct assemble {
	struct sse sse;
	struct buf joined;	/* an event's data lines */
	size_t room;		/* octets that may still be kept */
	enum state state;
	struct buf message;	/* that of message_start, with what message_delta changed */
	struct buf content;	/* the blocks that are closed, from `[` on */
	struct buf block;	/* the start of the one that is open */
	struct buf came[PARTS];	/* what its deltas brought, still JSON */
};

struct assemble *
assemble_new(size_t max)
{
	struct assemble *a = calloc(1, sizeof *a);

	if (a == NULL)
		return NULL;
	/* An event is what is kept of it and a frame. */
	sse_init(&a->sse, max < SIZE_MAX - READ_MAX ? max + READ_MAX : max);
	buf_init(&a->joined, SIZE_MAX);
	buf_init(&a->message, SIZE_MAX);
	buf_init(&a->content, SIZE_MAX);
	buf_init(&a->block, SIZE_MAX);
	for (int i = 0; i < PARTS; i++)
		buf_init(&a->came[i], SIZE_MAX);
	a->room = max;
	return a;
}

void
assemble_free(struct assemble *a)
{
	if (a == NULL)
		return;
	sse_free(&a->sse);
	buf_free(&a->joined);
	buf_free(&a->message);
	buf_free(&a->content);
	buf_free(&a->block);
	for (int i = 0; i < PARTS; i++)
		buf_free(&a->came[i]);
	free(a);
}

static bool
keep(struct assemble *a, struct json value, struct buf *b)
{
	if (value.len > a->room)
		return false;
	a->room -= value.len;
	buf_put(b, value.p, value.len);
	return !b->failed;
}

static struct json
content_of(const struct buf *b)
{
	return (struct json){ buf_data(b), buf_len(b) };
}

/* Members that replace those of an object, or are added to it. */
struct patch {
	struct {
		struct json key, value;
		size_t name;	/* where the key stands in `names`, as a C string */
		bool used;
	} members[MESSAGE_MEMBERS_MAX];
	size_t n;
	struct buf names;
};

/* The member of that name; `n` if it has none. */
static size_t
patch_find(const struct patch *patch, struct json key)
{
	size_t i = 0;

	while (i < patch->n && !json_equals(key, buf_data(&patch->names) + patch->members[i].name))
		i++;
	return i;
}

/* False if memory is short, there are too many, or the name has a NUL, which no C string can. */
static bool
patch_add(struct patch *patch, struct json key, struct json value)
{
	size_t name = buf_len(&patch->names), i = patch_find(patch, key);

	if (i == MESSAGE_MEMBERS_MAX)
		return false;
	patch->members[i].value = value;
	if (i < patch->n)
		return true;
	patch->members[i].key = key;
	patch->members[i].name = name;
	patch->members[i].used = false;
	patch->n++;
	json_decode(key, &patch->names);
	buf_putc(&patch->names, '\0');
	return !patch->names.failed && strlen(buf_data(&patch->names) + name) == buf_len(&patch->names) - name - 1;
}

/* Adds the members of an object but for those in `without` (ended by NULL). */
static bool
patch_add_all(struct patch *patch, struct json object, const char *const *without)
{
	struct json_iter it;
	struct json key, value;

	json_iter_init(&it, object.p, object.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		const char *const *name = without;

		while (*name != NULL && !json_equals(key, *name))
			name++;
		if (*name == NULL && !patch_add(patch, key, value))
			return false;
	}
	return true;
}

static void
put_comma(struct buf *out)
{
	char last = buf_data(out)[buf_len(out) - 1];

	if (last != '{' && last != '[')
		buf_putc(out, ',');
}

static void
put_member(struct buf *out, struct json key, struct json value)
{
	put_comma(out);
	buf_put(out, key.p, key.len);
	buf_putc(out, ':');
	buf_put(out, value.p, value.len);
}

/* Writes an object with the members of a patch. Null takes the place of nothing that is known. */
static void
patch_put(struct patch *patch, struct json object, struct buf *out)
{
	struct json_iter it;
	struct json key, value;

	buf_putc(out, '{');
	json_iter_init(&it, object.p, object.len);
	while (!out->failed && json_next(&it, &key, &value) == JSON_OK) {
		size_t i = patch_find(patch, key);

		if (i == patch->n || !patch->members[i].used)
			put_member(out, key, i == patch->n || json_is_null(patch->members[i].value) ? value :
			    patch->members[i].value);
		if (i < patch->n)
			patch->members[i].used = true;
	}
	for (size_t i = 0; !out->failed && i < patch->n; i++)
		if (!patch->members[i].used)
			put_member(out, patch->members[i].key, patch->members[i].value);
	buf_putc(out, '}');
}

static bool
take_start(struct assemble *a, const struct event *event)
{
	struct json message;

	if (!json_find(event->object, "message", &message) || !json_is_object(message) || !keep(a, message, &a->message))
		return false;
	buf_putc(&a->content, '[');
	a->state = BETWEEN;
	return !a->content.failed;
}

static bool
take_block_start(struct assemble *a, const struct event *event)
{
	struct json block;

	buf_clear(&a->block);
	for (int i = 0; i < PARTS; i++)
		buf_clear(&a->came[i]);
	a->state = IN_BLOCK;
	return json_find(event->object, "content_block", &block) && json_is_object(block) && keep(a, block, &a->block);
}

/* Texts are kept without their quotes: each is whole JSON, so what they are joined to is JSON, too. */
static bool
take_payload(struct assemble *a, int i, struct json payload)
{
	struct buf *came = &a->came[i];

	switch (parts[i].kind) {
	case REPLACE:
		buf_clear(came);
		return keep(a, payload, came);
	case LIST:
		if (buf_len(came) > 0)
			buf_putc(came, ',');
		return keep(a, payload, came);
	default:
		return !json_is_string(payload) || keep(a, (struct json){ payload.p + 1, payload.len - 2 }, came);
	}
}

static bool
take_delta(struct assemble *a, const struct event *event)
{
	struct json delta, type, payload;

	if (!json_find(event->object, "delta", &delta) || !json_find(delta, "type", &type))
		return false;
	for (int i = 0; i < PARTS; i++)
		if (json_equals(type, parts[i].delta) && json_find(delta, parts[i].payload, &payload) &&
		    !take_payload(a, i, payload))
			return false;
	return true;
}

/* What the deltas of one part brought is JSON text in a JSON string. False unless it is an object. */
static bool
put_decoded(struct buf *came, struct buf *out)
{
	struct buf quoted = BUF_INIT(SIZE_MAX), text = BUF_INIT(SIZE_MAX);
	struct json value;
	bool passed;

	buf_putc(&quoted, '"');
	buf_put(&quoted, buf_data(came), buf_len(came));
	buf_putc(&quoted, '"');
	passed = !quoted.failed && json_decode(content_of(&quoted), &text) && !text.failed &&
	    json_whole(buf_data(&text), buf_len(&text), &value) == JSON_OK && json_is_object(value);
	if (passed)
		buf_put(out, value.p, value.len);
	buf_free(&quoted);
	buf_free(&text);
	return passed;
}

static bool
is_empty(struct json list)
{
	struct json_iter it;
	struct json key, value;

	return !json_iter_init(&it, list.p, list.len) || json_next(&it, &key, &value) != JSON_OK;
}

/* A member of which deltas came; `start` is what the block's start had of it, empty if nothing. */
static bool
put_part(struct assemble *a, int i, struct json start, struct buf *out)
{
	struct buf *came = &a->came[i];
	bool text = json_is_string(start), list = json_is_array(start) && !is_empty(start);

	put_comma(out);
	buf_putc(out, '"');
	buf_puts(out, parts[i].member);
	buf_puts(out, "\":");
	switch (parts[i].kind) {
	case DECODE:
		return put_decoded(came, out);
	case JOIN:
		buf_put(out, text ? start.p : "\"", text ? start.len - 1 : 1);
		break;
	case LIST:
		buf_put(out, list ? start.p : "[", list ? start.len - 1 : 1);
		if (list)
			buf_putc(out, ',');
		break;
	case REPLACE:
		break;
	}
	buf_put(out, buf_data(came), buf_len(came));
	if (parts[i].kind != REPLACE)
		buf_putc(out, parts[i].kind == JOIN ? '"' : ']');
	return true;
}

static bool
take_block_stop(struct assemble *a)
{
	struct json_iter it;
	struct json key, value;
	bool put[PARTS] = { false }, passed = true;

	put_comma(&a->content);
	buf_putc(&a->content, '{');
	json_iter_init(&it, buf_data(&a->block), buf_len(&a->block));
	while (passed && !a->content.failed && json_next(&it, &key, &value) == JSON_OK) {
		int i = 0;

		while (i < PARTS && !(buf_len(&a->came[i]) > 0 && json_equals(key, parts[i].member)))
			i++;
		if (i == PARTS)
			put_member(&a->content, key, value);
		else if (!put[i])
			passed = put[i] = put_part(a, i, value, &a->content);
	}
	for (int i = 0; passed && !a->content.failed && i < PARTS; i++)
		if (buf_len(&a->came[i]) > 0 && !put[i])
			passed = put_part(a, i, (struct json){ NULL, 0 }, &a->content);
	buf_putc(&a->content, '}');
	a->state = BETWEEN;
	return passed && !a->content.failed;
}

/* Composes the message again, with the members of `patch`; it counts as kept once more. */
static bool
change_message(struct assemble *a, struct patch *patch)
{
	struct buf changed = BUF_INIT(a->room);

	patch_put(patch, content_of(&a->message), &changed);
	a->room -= buf_len(&changed);
	buf_free(&a->message);
	a->message = changed;
	a->message.max = SIZE_MAX;
	return !changed.failed;
}

static bool
find_object(struct json object, const char *name, struct json *value)
{
	return json_find(object, name, value) && json_is_object(*value);
}

/* The message's usage with the counts of `changed`. */
static bool
put_usage(const struct assemble *a, struct json changed, struct buf *out)
{
	static const char *const none[] = { NULL };
	struct patch patch = { .names = BUF_INIT(SIZE_MAX) };
	struct json usage;
	bool passed = patch_add_all(&patch, changed, none);

	patch_put(&patch, find_object(content_of(&a->message), "usage", &usage) ? usage : (struct json){ "{}", 2 }, out);
	buf_free(&patch.names);
	return passed && !out->failed;
}

static bool
take_message_delta(struct assemble *a, const struct event *event)
{
	/* Not the message's to be changed here, or to be taken from elsewhere. */
	static const char *const own[] = { "id", "type", "role", "model", "content", "delta", "usage", NULL };
	struct patch patch = { .names = BUF_INIT(SIZE_MAX) };
	struct buf usage = BUF_INIT(a->room);
	struct json found;
	bool passed = true;

	if (find_object(event->object, "delta", &found))
		passed = patch_add_all(&patch, found, own);
	passed = passed && patch_add_all(&patch, event->object, own);
	if (passed && find_object(event->object, "usage", &found))
		passed = put_usage(a, found, &usage) &&
		    patch_add(&patch, (struct json){ "\"usage\"", 7 }, content_of(&usage));
	passed = passed && change_message(a, &patch);
	buf_free(&patch.names);
	buf_free(&usage);
	return passed;
}

static bool
take_event(struct assemble *a, const struct event *event)
{
	switch (event->type) {
	case EVENT_MESSAGE_START:
		return a->state == BEFORE && take_start(a, event);
	case EVENT_BLOCK_START:
		return a->state == BETWEEN && take_block_start(a, event);
	case EVENT_BLOCK_DELTA:
		return a->state == IN_BLOCK && take_delta(a, event);
	case EVENT_BLOCK_STOP:
		return a->state == IN_BLOCK && take_block_stop(a);
	case EVENT_MESSAGE_DELTA:
		return a->state == BETWEEN && take_message_delta(a, event);
	case EVENT_MESSAGE_STOP:
		if (a->state != BETWEEN)
			return false;
		buf_putc(&a->content, ']');
		a->state = STOPPED;
		return !a->content.failed;
	case EVENT_ERROR:
		a->state = BROKEN;
		return true;
	default:
		return true;
	}
}

bool
assemble_feed(struct assemble *a, const char *p, size_t n)
{
	struct sse_item item;
	struct event event;
	enum sse_kind kind;

	while (a->state < STOPPED && (kind = sse_next(&a->sse, &p, &n, &item)) != SSE_MORE) {
		size_t len;
		const char *data;
		enum event_kind read = EVENT_EMPTY;

		if (kind == SSE_EVENT) {
			data = sse_data(&item, &a->joined, &len);
			read = event_read(&event, &item, data, len);
		}
		if (kind == SSE_TOO_LARGE || read == EVENT_MALFORMED || (read == EVENT_READ && !take_event(a, &event)))
			a->state = FAILED;
	}
	return a->state != FAILED;
}

bool
assemble_message(struct assemble *a, struct buf *out)
{
	struct patch patch = { .names = BUF_INIT(SIZE_MAX) };
	bool passed = a->state == STOPPED && patch_add(&patch, (struct json){ "\"content\"", 9 }, content_of(&a->content));

	if (passed)
		patch_put(&patch, content_of(&a->message), out);
	buf_free(&patch.names);
	return passed && !out->failed;
}
