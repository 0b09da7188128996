/* SPDX-License-Identifier: MIT */
#include "stream/message.h"

#include "base/limits.h"
#include "stream/anthropic.h"
#include "stream/members.h"

static const struct json no_members = { "{}", 2 };

static bool
is_missing(struct json value)
{
	return value.len == 0 || json_is_null(value);
}

static struct member_edit
edit_to(const char *name, const struct buf *text)
{
	return (struct member_edit){ name, { buf_data(text), buf_len(text) } };
}

enum { ID, TYPE, ROLE, MODEL, CONTENT, STOP_REASON, STOP_SEQUENCE, USAGE, MESSAGE_MEMBERS };

static const struct member_name message_names[MESSAGE_MEMBERS] = {
	[ID] = MEMBER("id"),
	[TYPE] = MEMBER("type"),
	[ROLE] = MEMBER("role"),
	[MODEL] = MEMBER("model"),
	[CONTENT] = MEMBER("content"),
	[STOP_REASON] = MEMBER("stop_reason"),
	[STOP_SEQUENCE] = MEMBER("stop_sequence"),
	[USAGE] = MEMBER("usage"),
};

/* What a member of the message has to be where it is not `value`; of length 0 if that will do, or nothing is known. */
static struct json
right_value(size_t member, struct json value, const struct anthropic_origin *origin)
{
	static const struct json message = { "\"message\"", 9 }, assistant = { "\"assistant\"", 11 }, none = { "[]", 2 },
				 null = { "null", 4 }, unknown = { "\"unknown\"", 9 }, fine = { NULL, 0 };
	bool text = json_is_string(value);

	switch (member) {
	case TYPE:
		return text && json_equals(value, "message") ? fine : message;
	case ROLE:
		return text && json_equals(value, "assistant") ? fine : assistant;
	case MODEL:
		return text ? fine : origin->model.len > 0 || value.len == 0 ? origin->model : unknown;
	case CONTENT:
		return json_is_array(value) ? fine : none;
	case STOP_REASON:
		return json_is_null(value) ? fine : null;
	case STOP_SEQUENCE:
		return text || json_is_null(value) ? fine : null;
	default:
		return fine;
	}
}

static void
put_id(struct buf *out, const char *request_id)
{
	buf_puts(out, "\"msg_");
	for (const char *p = request_id ? request_id : "unknown"; *p != '\0'; p++)
		if ((unsigned char)*p > ' ' && (unsigned char)*p < 0x7f && *p != '"' && *p != '\\')
			buf_putc(out, *p);
	buf_putc(out, '"');
}

/*
 * Adds the message of a message_start to `out`, completed where it has to be: `values` are its members. False, and nothing
 * is added, if nothing had to be. The usage stands for itself: `*counts` says whether it had to be mended.
 */
static bool
put_message(struct buf *out, struct json message, const struct json values[], const struct anthropic_origin *origin,
    const struct usage *usage, bool *counts)
{
	struct buf id = BUF_INIT(SIZE_MAX), mended = BUF_INIT(SIZE_MAX);
	struct member_edit edits[MESSAGE_MEMBERS];
	size_t n = 0;

	if (!json_is_string(values[ID]) || values[ID].len == 2) {
		put_id(&id, origin->request_id);
		edits[n++] = edit_to("id", &id);
	}
	for (size_t i = TYPE; i < USAGE; i++) {
		struct json value = right_value(i, values[i], origin);

		if (value.len > 0)
			edits[n++] = (struct member_edit){ message_names[i].p, value };
	}
	*counts = !usage_obeys(values[USAGE], USAGE_OF_START);
	if (*counts) {
		usage_put_mended(&mended, values[USAGE], usage, USAGE_OF_START);
		edits[n++] = edit_to("usage", &mended);
	}
	if (n > 0)
		members_put(out, message, edits, n);
	out->failed |= id.failed || mended.failed;
	buf_free(&id);
	buf_free(&mended);
	return n > (size_t)*counts;
}

/* What is wrong with a message beyond repair, or NULL. */
static const char *
find_fault(struct json content)
{
	struct json_iter it;
	struct json key, value;

	if (is_missing(content) || (json_is_string(content) && content.len == 2))
		return NULL;
	if (!json_is_array(content))
		return "a message_start whose content is no list";
	json_iter_init(&it, content.p, content.len);
	return json_next(&it, &key, &value) == JSON_END ? NULL : "a message_start with content in it";
}

const char *
message_start_mend(const struct event *event, const struct anthropic_origin *origin, struct usage *usage,
    struct repairs *repairs, struct buf *json)
{
	struct json message = is_missing(event->message) ? no_members : event->message, values[MESSAGE_MEMBERS];
	struct buf text = BUF_INIT(SIZE_MAX);
	struct member_edit edit;
	const char *fault;
	bool fields, counts;

	if (!members_read(message.p, message.len, message_names, MESSAGE_MEMBERS, values, &message))
		return "a message_start whose message is no object";
	if ((fault = find_fault(values[CONTENT])) != NULL)
		return fault;
	usage_add(usage, values[USAGE]);
	fields = put_message(&text, message, values, origin, usage, &counts);
	if (buf_len(&text) > 0) {
		edit = edit_to("message", &text);
		members_put(json, event->object, &edit, 1);
	}
	json->failed |= text.failed;
	buf_free(&text);
	repairs_add(repairs, REPAIR_START_FIELDS, fields);
	repairs_add(repairs, REPAIR_USAGE, counts);
	return NULL;
}

void
message_start_put(struct buf *out, const struct anthropic_origin *origin, const struct usage *usage)
{
	static const struct json absent[MESSAGE_MEMBERS];
	/* What has been written so far belongs to the events behind. */
	struct usage input = { .input = usage->input, .has_input = usage->has_input };
	bool counts;

	buf_puts(out, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":");
	put_message(out, no_members, absent, origin, &input, &counts);
	buf_puts(out, "}\n\n");
}

enum { REASON, SEQUENCE, DELTA_MEMBERS };

/* The members of a message_delta's delta; false if one of them is there twice. A missing one is as an empty one. */
static bool
read_delta(struct json delta, struct json values[])
{
	static const struct member_name names[DELTA_MEMBERS] = {
		[REASON] = MEMBER("stop_reason"),
		[SEQUENCE] = MEMBER("stop_sequence"),
	};

	if (is_missing(delta))
		delta = no_members;
	return members_read(delta.p, delta.len, names, DELTA_MEMBERS, values, &delta);
}

static bool
is_reason(struct json value)
{
	return json_is_string(value) && value.len > 2;
}

struct json
message_delta_reason(const struct event *event)
{
	struct json values[DELTA_MEMBERS];

	if (!read_delta(event->delta, values) || !is_reason(values[REASON]))
		return (struct json){ NULL, 0 };
	return values[REASON];
}

/* The members `delta` and `usage` of one that is held; of length 0 if they are no objects. */
static void
read_held(struct json held, struct json *delta, struct json *usage)
{
	if (!json_find(held, "delta", delta) || !json_is_object(*delta))
		*delta = (struct json){ NULL, 0 };
	if (!json_find(held, "usage", usage) || !json_is_object(*usage))
		*usage = (struct json){ NULL, 0 };
}

static size_t
count_members(struct json object)
{
	struct json_iter it;
	struct json key, value;
	size_t n = 0;

	if (json_iter_init(&it, object.p, object.len))
		while (json_next(&it, &key, &value) == JSON_OK)
			n++;
	return n;
}

/* Makes one of two: the reason, with what stands beside it, is the latest one that is any; counts are running totals. */
static void
merge(struct message_delta *held, struct json newer, bool has_reason)
{
	struct json older = { buf_data(&held->json), buf_len(&held->json) }, both, delta, usage, new_delta, new_usage;
	struct buf text = BUF_INIT(SIZE_MAX), counts = BUF_INIT(SIZE_MAX), merged = BUF_INIT(SIZE_MAX);
	struct member_edit edits[2];
	size_t n = 0;

	read_held(older, &delta, &usage);
	read_held(newer, &new_delta, &new_usage);
	if (delta.len == 0 || (new_delta.len > 0 && (has_reason || !held->has_reason)))
		delta = new_delta;
	if (usage.len > 0 && new_usage.len > 0) {
		members_put_merged(&counts, usage, new_usage);
		usage = (struct json){ buf_data(&counts), buf_len(&counts) };
	} else if (usage.len == 0) {
		usage = new_usage;
	}
	members_put_merged(&text, older, newer);
	both = (struct json){ buf_data(&text), buf_len(&text) };
	if (delta.len > 0)
		edits[n++] = (struct member_edit){ "delta", delta };
	if (usage.len > 0)
		edits[n++] = (struct member_edit){ "usage", usage };
	if (!text.failed && !counts.failed)
		members_put(&merged, both, edits, n);
	merged.failed |= text.failed || counts.failed;
	buf_free(&text);
	buf_free(&counts);
	buf_free(&held->json);
	held->json = merged;
}

const char *
message_delta_take(struct message_delta *held, const struct event *event, struct repairs *repairs)
{
	struct json values[DELTA_MEMBERS], newer;
	struct buf text = BUF_INIT(SIZE_MAX);
	bool has_reason;

	if (!read_delta(event->delta, values))
		return "a message_delta whose delta is no object";
	/* Merging compares each with each. */
	if (count_members(event->object) > MESSAGE_MEMBERS_MAX || count_members(event->usage) > MESSAGE_MEMBERS_MAX)
		return "a message_delta with more than 64 members";
	has_reason = is_reason(values[REASON]);
	if (buf_len(&held->json) == 0) {
		event_put_object(&held->json, event, event->object);
	} else {
		event_put_object(&text, event, event->object);
		newer = (struct json){ buf_data(&text), buf_len(&text) };
		if (!text.failed)
			merge(held, newer, has_reason);
		held->json.failed |= text.failed;
		buf_free(&text);
		repairs_add(repairs, REPAIR_MERGED_DELTA, true);
	}
	held->has_reason |= has_reason;
	if (count_members((struct json){ buf_data(&held->json), buf_len(&held->json) }) > MESSAGE_MEMBERS_MAX)
		return "message_deltas with more than 64 members together";
	return buf_len(&held->json) > SSE_EVENT_MAX ? "more of message_delta than 16 MiB" : NULL;
}

/* Adds the `delta` of a message_delta with a reason that it did not have. */
static void
put_reason(struct buf *out, struct json delta, const char *reason)
{
	struct json values[DELTA_MEMBERS];
	struct member_edit edits[2];
	struct buf text = BUF_INIT(SIZE_MAX);
	size_t n = 1;

	read_delta(delta, values);
	buf_printf(&text, "\"%s\"", reason);
	edits[0] = edit_to("stop_reason", &text);
	if (values[SEQUENCE].len == 0)
		edits[n++] = (struct member_edit){ "stop_sequence", { "null", 4 } };
	members_put(out, delta.len > 0 ? delta : no_members, edits, n);
	out->failed |= text.failed;
	buf_free(&text);
}

void
message_delta_put(struct message_delta *held, const char *reason, const struct usage *usage, struct repairs *repairs,
    struct buf *out)
{
	static const struct json nothing = { "{\"type\":\"message_delta\"}", 24 };
	bool any = buf_len(&held->json) > 0;
	struct json object = any ? (struct json){ buf_data(&held->json), buf_len(&held->json) } : nothing, delta, counts;
	struct buf text = BUF_INIT(SIZE_MAX), mended = BUF_INIT(SIZE_MAX);
	struct member_edit edits[2];
	size_t n = 0;

	read_held(object, &delta, &counts);
	if (!held->has_reason) {
		put_reason(&text, delta, reason);
		edits[n++] = edit_to("delta", &text);
	}
	if (!usage_obeys(counts, USAGE_OF_DELTA)) {
		usage_put_mended(&mended, counts, usage, USAGE_OF_DELTA);
		edits[n++] = edit_to("usage", &mended);
		repairs_add(repairs, REPAIR_USAGE, any);
	}
	repairs_add(repairs, any ? REPAIR_STOP_REASON : REPAIR_MESSAGE_DELTA, !held->has_reason);
	buf_puts(out, "event: message_delta\ndata: ");
	if (n > 0)
		members_put(out, object, edits, n);
	else
		buf_put(out, object.p, object.len);
	buf_puts(out, "\n\n");
	out->failed |= text.failed || mended.failed || held->json.failed;
	buf_free(&text);
	buf_free(&mended);
	buf_free(&held->json);
	held->has_reason = false;
}
