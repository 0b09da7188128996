/* SPDX-License-Identifier: MIT */
#include "stream/block.h"

#include "stream/members.h"

static const struct {
	enum block_kind kind;
	const char *id_prefix;	/* of a tool call's id, to which the API's own rule for ids holds */
} blocks[] = {
	{ BLOCK_TEXT, NULL },
	{ BLOCK_THINKING, NULL },
	{ BLOCK_REDACTED, NULL },
	{ BLOCK_TOOL, "toolu" },
	{ BLOCK_SERVER_TOOL, "srvtoolu" },
	{ BLOCK_SERVER_TOOL, "mcptoolu" },
};

enum { BLOCKS = sizeof blocks / sizeof *blocks };

static const struct member_name block_types[BLOCKS] = {
	MEMBER("text"),
	MEMBER("thinking"),
	MEMBER("redacted_thinking"),
	MEMBER("tool_use"),
	MEMBER("server_tool_use"),
	MEMBER("mcp_tool_use"),
};

enum { TYPE, ID, NAME, INPUT, TEXT, THINKING, SIGNATURE, MEMBERS };

static const struct member_name names[MEMBERS] = {
	[TYPE] = MEMBER("type"),
	[ID] = MEMBER("id"),
	[NAME] = MEMBER("name"),
	[INPUT] = MEMBER("input"),
	[TEXT] = MEMBER("text"),
	[THINKING] = MEMBER("thinking"),
	[SIGNATURE] = MEMBER("signature"),
};

static bool
is_missing(struct json value)
{
	return value.len == 0 || json_is_null(value);
}

/* Whether a scanned string is more than its quotes. */
static bool
is_text(struct json value)
{
	return json_is_string(value) && value.len > 2;
}

static bool
is_empty_object(struct json value)
{
	struct json_iter it;
	struct json key, member;

	return json_is_object(value) && json_iter_init(&it, value.p, value.len) && json_next(&it, &key, &member) == JSON_END;
}

static const char *
read_call(struct block *block, const struct json values[])
{
	if (!is_text(values[NAME]))
		return "a tool call without a name";
	block->name = values[NAME];
	block->lacks_id = !is_text(values[ID]);
	block->lacks_input = is_missing(values[INPUT]) || (json_is_string(values[INPUT]) && values[INPUT].len == 2);
	if (block->lacks_input || is_empty_object(values[INPUT]))
		return NULL;
	if (!json_is_object(values[INPUT]))
		return "a tool call whose input is no object";
	block->input = values[INPUT];
	return NULL;
}

const char *
block_read(struct block *block, struct json object)
{
	struct json values[MEMBERS], text;
	size_t type;

	*block = (struct block){ .kind = BLOCK_OTHER };
	if (!members_read(object.p, object.len, names, MEMBERS, values, &block->object) || !is_text(values[TYPE]))
		return "a content block that is no object with a type";
	type = members_which(values[TYPE], block_types, BLOCKS);
	if (type == BLOCKS)
		return NULL;
	block->kind = blocks[type].kind;
	if (block_has_input(block->kind))
		return read_call(block, values);
	if (block->kind == BLOCK_REDACTED)
		return NULL;
	text = values[block->kind == BLOCK_TEXT ? TEXT : THINKING];
	block->lacks_text = is_missing(text);
	if (!block->lacks_text && !json_is_string(text))
		return "a content block whose text is no string";
	if (is_text(text))
		block->text = text;
	if (block->kind == BLOCK_THINKING && is_text(values[SIGNATURE]))
		block->signature = values[SIGNATURE];
	return NULL;
}

/* An id as the API would have made it: letters, digits, `_` and `-`. */
static void
put_id(struct buf *out, const struct block *block, size_t number, const char *request_id)
{
	struct json type;
	const char *prefix = blocks[BLOCKS - 1].id_prefix;

	if (json_find(block->object, "type", &type))
		prefix = blocks[members_which(type, block_types, BLOCKS)].id_prefix;
	buf_printf(out, "\"%s_", prefix);
	for (const char *p = request_id ? request_id : ""; *p != '\0'; p++)
		if ((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || *p == '_' || *p == '-')
			buf_putc(out, *p);
	buf_printf(out, "_%zu\"", number);
}

void
block_mend(const struct block *block, size_t number, const char *request_id, struct repairs *repairs, struct buf *out)
{
	static const struct json no_text = { "\"\"", 2 }, no_input = { "{}", 2 };
	struct buf id = BUF_INIT(SIZE_MAX);
	struct member_edit edits[2];
	size_t n = 0;

	if (block->lacks_text || block->text.len > 0)
		edits[n++] = (struct member_edit){ block->kind == BLOCK_TEXT ? "text" : "thinking", no_text };
	if (block->signature.len > 0)
		edits[n++] = (struct member_edit){ "signature", no_text };
	if (block->lacks_id) {
		put_id(&id, block, number, request_id);
		edits[n++] = (struct member_edit){ "id", { buf_data(&id), buf_len(&id) } };
	}
	if (block->lacks_input || block->input.len > 0)
		edits[n++] = (struct member_edit){ "input", no_input };
	if (n > 0)
		members_put(out, block->object, edits, n);
	out->failed |= id.failed;
	buf_free(&id);
	repairs_add(repairs, REPAIR_BLOCK_FIELDS, block->lacks_text);
	repairs_add(repairs, REPAIR_TEXT_IN_START, block->text.len > 0 || block->signature.len > 0);
	repairs_add(repairs, REPAIR_TOOL_ID, block->lacks_id);
	repairs_add(repairs, REPAIR_INPUT, block->lacks_input);
	repairs_add(repairs, REPAIR_INPUT_IN_START, block->input.len > 0);
}

enum { TEXT_DELTA, INPUT_DELTA, THINKING_DELTA, SIGNATURE_DELTA, CITATIONS_DELTA, DELTAS };

static const struct member_name delta_types[DELTAS] = {
	[TEXT_DELTA] = MEMBER("text_delta"),
	[INPUT_DELTA] = MEMBER("input_json_delta"),
	[THINKING_DELTA] = MEMBER("thinking_delta"),
	[SIGNATURE_DELTA] = MEMBER("signature_delta"),
	[CITATIONS_DELTA] = MEMBER("citations_delta"),
};

static const enum block_kind delta_blocks[DELTAS] = {
	[TEXT_DELTA] = BLOCK_TEXT,
	[INPUT_DELTA] = BLOCK_TOOL,
	[THINKING_DELTA] = BLOCK_THINKING,
	[SIGNATURE_DELTA] = BLOCK_THINKING,
	[CITATIONS_DELTA] = BLOCK_TEXT,
};

const char *
delta_read(struct delta *delta, struct json object)
{
	/* The payload of each type, and the type itself. */
	static const struct member_name members[DELTAS + 1] = {
		[TEXT_DELTA] = MEMBER("text"),
		[INPUT_DELTA] = MEMBER("partial_json"),
		[THINKING_DELTA] = MEMBER("thinking"),
		[SIGNATURE_DELTA] = MEMBER("signature"),
		[CITATIONS_DELTA] = MEMBER("citation"),
		[DELTAS] = MEMBER("type"),
	};
	struct json values[DELTAS + 1];
	size_t type;

	*delta = (struct delta){ .known = false, .block = BLOCK_OTHER };
	if (!members_read(object.p, object.len, members, DELTAS + 1, values, &object) || !is_text(values[DELTAS]))
		return "a delta that is no object with a type";
	delta->type = values[DELTAS];
	type = members_which(delta->type, delta_types, DELTAS);
	if (type == DELTAS)
		return NULL;
	delta->known = true;
	delta->block = delta_blocks[type];
	if (is_missing(values[type]))
		return NULL;
	if (type == CITATIONS_DELTA ? !json_is_object(values[type]) : !json_is_string(values[type]))
		return "a delta whose content is of the wrong kind";
	delta->payload = values[type];
	return NULL;
}
