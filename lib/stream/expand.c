/* SPDX-License-Identifier: MIT */
#include "stream/expand.h"

#include <string.h>

/* The members of a message that the stream tells in several places, and of those that it tells at the end, where. */
enum member { TYPE, CONTENT, USAGE, STOP_REASON, STOP_SEQUENCE, STOP_DETAILS, CONTAINER, CONTEXT, CHANGES, MEMBERS };
enum place { IN_START, IN_DELTA, IN_EVENT };

static const struct {
	const char *name;
	enum place place;
} members[MEMBERS] = {
	[TYPE] = { "type", IN_START },
	[CONTENT] = { "content", IN_START },
	[USAGE] = { "usage", IN_START },
	[STOP_REASON] = { "stop_reason", IN_DELTA },
	[STOP_SEQUENCE] = { "stop_sequence", IN_DELTA },
	[STOP_DETAILS] = { "stop_details", IN_DELTA },
	[CONTAINER] = { "container", IN_DELTA },
	[CONTEXT] = { "context_management", IN_EVENT },
	[CHANGES] = { "input_transformations", IN_EVENT },
};

/* The members of blocks that come in deltas, in the order in which they do. */
enum kind { TEXT, LIST, INPUT };

static const struct part {
	const char *block, *member;
	enum kind kind;
	const char *delta, *payload;
} parts[] = {
	{ "text", "text", TEXT, "text_delta", "text" },
	{ "text", "citations", LIST, "citations_delta", "citation" },
	{ "thinking", "thinking", TEXT, "thinking_delta", "thinking" },
	{ "thinking", "signature", TEXT, "signature_delta", "signature" },
	{ "tool_use", "input", INPUT, "input_json_delta", "partial_json" },
	{ "server_tool_use", "input", INPUT, "input_json_delta", "partial_json" },
	{ "mcp_tool_use", "input", INPUT, "input_json_delta", "partial_json" },
};

enum { PARTS = sizeof parts / sizeof *parts };

/* What stands in a block's start for a member that comes in deltas. */
static const char *const nothing[] = { [TEXT] = "\"\"", [LIST] = "[]", [INPUT] = "{}" };

/* JSON on one line: outside of strings line ends are white space, and in strings there are none. */
static void
put_flat(struct buf *out, struct json value)
{
	size_t from = 0;

	for (size_t i = 0; i < value.len; i++)
		if (value.p[i] == '\n' || value.p[i] == '\r') {
			buf_put(out, value.p + from, i - from);
			from = i + 1;
		}
	buf_put(out, value.p + from, value.len - from);
}

/*
 * JSON as a JSON string. Every octet of it stays, also what is not UTF-8; control characters can only be white space.
 */
static void
put_as_string(struct buf *out, struct json value)
{
	size_t from = 0;

	buf_putc(out, '"');
	for (size_t i = 0; i < value.len; i++) {
		char c = value.p[i];

		if (c != '"' && c != '\\' && c != '\n' && c != '\r' && c != '\t')
			continue;
		buf_put(out, value.p + from, i - from);
		buf_putc(out, '\\');
		buf_putc(out, c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c);
		from = i + 1;
	}
	buf_put(out, value.p + from, value.len - from);
	buf_putc(out, '"');
}

/* The name and colon of a member of an object that is being written; `*any` tells whether one stands before it. */
static void
put_key(struct buf *out, struct json key, bool *any)
{
	if (*any)
		buf_putc(out, ',');
	*any = true;
	buf_put(out, key.p, key.len);
	buf_putc(out, ':');
}

static void
put_name(struct buf *out, const char *name, bool *any)
{
	if (*any)
		buf_putc(out, ',');
	*any = true;
	buf_putc(out, '"');
	buf_puts(out, name);
	buf_puts(out, "\":");
}

static void
begin_event(struct buf *out, const char *type)
{
	buf_puts(out, "event: ");
	buf_puts(out, type);
	buf_puts(out, "\ndata: {\"type\":\"");
	buf_puts(out, type);
	buf_putc(out, '"');
}

static void
end_event(struct buf *out)
{
	buf_puts(out, "}\n\n");
}

static void
begin_block_event(struct buf *out, const char *type, uint64_t index)
{
	begin_event(out, type);
	buf_puts(out, ",\"index\":");
	buf_put_u64(out, index);
}

/* The member of that name among those that are looked for. */
static enum member
find_member(struct json key)
{
	int i = 0;

	while (i < MEMBERS && !json_equals(key, members[i].name))
		i++;
	return (enum member)i;
}

/* The part that a member of a block is; PARTS if it is none. */
static int
find_part(struct json type, struct json key)
{
	int i = 0;

	while (i < PARTS && !(json_equals(type, parts[i].block) && json_equals(key, parts[i].member)))
		i++;
	return i;
}

/* Finds the type and the parts of a block; those that are null are left empty. NULL, or what is wrong. */
static const char *
read_block(struct json block, struct json *type, struct json found[PARTS])
{
	static bool (*const fits[])(struct json) = {
		[TEXT] = json_is_string, [LIST] = json_is_array, [INPUT] = json_is_object
	};
	struct json_iter it;
	struct json key, value;
	bool seen[PARTS] = { false };

	memset(found, 0, PARTS * sizeof *found);
	if (!json_is_object(block) || !json_find(block, "type", type) || !json_is_string(*type))
		return "a content block is no object with a type";
	json_iter_init(&it, block.p, block.len);
	for (int types = 0; json_next(&it, &key, &value) == JSON_OK;) {
		int i = find_part(*type, key);

		if (i == PARTS && json_equals(key, "type"))
			types++;
		if (types > 1 || (i < PARTS && seen[i]))
			return "a member of a content block stands there twice";
		if (i == PARTS)
			continue;
		seen[i] = true;
		if (json_is_null(value))
			continue;
		if (!fits[parts[i].kind](value))
			return parts[i].kind == INPUT ? "the input of a tool call is no object" :
			    "a text or list of a content block is something else";
		found[i] = value;
	}
	return NULL;
}

static const char *
check_blocks(struct json content)
{
	struct json_iter it;
	struct json key, block, type, found[PARTS];
	const char *wrong = NULL;

	if (!json_is_array(content))
		return "its content is no list";
	json_iter_init(&it, content.p, content.len);
	while (wrong == NULL && json_next(&it, &key, &block) == JSON_OK)
		wrong = read_block(block, &type, found);
	return wrong;
}

/* Finds the members, and checks that all can be made an event of. NULL, or what is wrong. */
static const char *
read_message(struct json message, struct json found[MEMBERS])
{
	struct json_iter it;
	struct json key, value;

	memset(found, 0, MEMBERS * sizeof *found);
	if (!json_is_object(message))
		return "it is no object";
	json_iter_init(&it, message.p, message.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		enum member member = find_member(key);

		if (member == MEMBERS)
			continue;
		if (found[member].len > 0)
			return "one of its members stands there twice";
		found[member] = value;
	}
	if (found[TYPE].len > 0 && !json_equals(found[TYPE], "message"))
		return "its type is not message";
	if (found[CONTENT].len == 0)
		return "it has no content";
	if (found[STOP_REASON].len > 0 && !json_is_null(found[STOP_REASON]) && !json_is_string(found[STOP_REASON]))
		return "its stop_reason is no string";
	return check_blocks(found[CONTENT]);
}

/* The counts as they are before the first token. */
static void
put_first_usage(struct buf *out, struct json usage)
{
	struct json_iter it;
	struct json key, value;
	bool any = false;

	if (!json_iter_init(&it, usage.p, usage.len) || !it.in_object) {
		put_flat(out, usage);
		return;
	}
	buf_putc(out, '{');
	while (json_next(&it, &key, &value) == JSON_OK) {
		put_key(out, key, &any);
		if (json_equals(key, "output_tokens"))
			buf_putc(out, '0');
		else
			put_flat(out, value);
	}
	buf_putc(out, '}');
}

static void
put_start(struct json message, const struct json found[MEMBERS], struct buf *out)
{
	struct json_iter it;
	struct json key, value;
	bool any = false;

	begin_event(out, "message_start");
	buf_puts(out, ",\"message\":{");
	json_iter_init(&it, message.p, message.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		enum member member = find_member(key);

		put_key(out, key, &any);
		if (member == CONTENT)
			buf_puts(out, "[]");
		else if (member == USAGE)
			put_first_usage(out, value);
		else if (member != MEMBERS && members[member].place != IN_START)
			buf_puts(out, "null");
		else
			put_flat(out, value);
	}
	for (enum member i = STOP_REASON; i <= STOP_SEQUENCE; i++)
		if (found[i].len == 0) {
			put_name(out, members[i].name, &any);
			buf_puts(out, "null");
		}
	buf_putc(out, '}');
	end_event(out);
}

static void
put_block_start(struct json block, struct json type, uint64_t index, struct buf *out)
{
	struct json_iter it;
	struct json key, value;
	bool any = false;

	begin_block_event(out, "content_block_start", index);
	buf_puts(out, ",\"content_block\":{");
	json_iter_init(&it, block.p, block.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		int i = find_part(type, key);

		put_key(out, key, &any);
		if (i == PARTS || (parts[i].kind == LIST && json_is_null(value)))
			put_flat(out, value);
		else
			buf_puts(out, nothing[parts[i].kind]);
	}
	buf_putc(out, '}');
	end_event(out);
}

static void
put_delta(const struct part *part, struct json payload, uint64_t index, struct buf *out)
{
	begin_block_event(out, "content_block_delta", index);
	buf_puts(out, ",\"delta\":{\"type\":\"");
	buf_puts(out, part->delta);
	buf_puts(out, "\",\"");
	buf_puts(out, part->payload);
	buf_puts(out, "\":");
	if (part->kind == INPUT)
		put_as_string(out, payload);
	else
		put_flat(out, payload);
	buf_putc(out, '}');
	end_event(out);
}

static void
put_deltas(const struct part *part, struct json value, uint64_t index, struct buf *out)
{
	struct json_iter it;
	struct json key, element;

	if (part->kind == LIST) {
		json_iter_init(&it, value.p, value.len);
		while (json_next(&it, &key, &element) == JSON_OK)
			put_delta(part, element, index, out);
	} else if (part->kind == INPUT || value.len > 2) {
		put_delta(part, value, index, out);
	}
}

static void
put_block(struct json block, uint64_t index, struct buf *out)
{
	struct json type, found[PARTS];

	read_block(block, &type, found);
	put_block_start(block, type, index, out);
	for (int i = 0; i < PARTS; i++)
		if (found[i].len > 0)
			put_deltas(&parts[i], found[i], index, out);
	begin_block_event(out, "content_block_stop", index);
	end_event(out);
}

static void
put_end(const struct json found[MEMBERS], struct buf *out)
{
	bool any = false;

	begin_event(out, "message_delta");
	buf_puts(out, ",\"delta\":{");
	for (int i = 0; i < MEMBERS; i++) {
		if (members[i].place != IN_DELTA || (found[i].len == 0 && i > STOP_SEQUENCE))
			continue;
		put_name(out, members[i].name, &any);
		put_flat(out, found[i].len > 0 ? found[i] : (struct json){ "null", 4 });
	}
	buf_putc(out, '}');
	for (int i = 0; i < MEMBERS; i++) {
		if (found[i].len == 0 || (members[i].place != IN_EVENT && i != USAGE))
			continue;
		put_name(out, members[i].name, &any);
		put_flat(out, found[i]);
	}
	end_event(out);
	begin_event(out, "message_stop");
	end_event(out);
}

const char *
expand_message(struct json message, struct buf *out)
{
	struct json found[MEMBERS], key, block;
	struct json_iter it;
	const char *wrong = read_message(message, found);

	if (wrong != NULL)
		return wrong;
	put_start(message, found, out);
	json_iter_init(&it, found[CONTENT].p, found[CONTENT].len);
	for (uint64_t index = 0; json_next(&it, &key, &block) == JSON_OK; index++)
		put_block(block, index, out);
	put_end(found, out);
	return NULL;
}
