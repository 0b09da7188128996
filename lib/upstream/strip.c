/* SPDX-License-Identifier: MIT */
#include "upstream/strip.h"

#include "base/json.h"
#include "base/limits.h"

static const char no_content[] = "{\"type\":\"text\",\"text\":\"(no content)\"}";

void
strip_init(struct strip *strip)
{
	*strip = (struct strip){ .cuts = BUF_INIT(STRIP_CUTS_MAX * sizeof(struct strip_cut)) };
}

void
strip_free(struct strip *strip)
{
	if (strip != NULL)
		buf_free(&strip->cuts);
}

size_t
strip_count(const struct strip *strip)
{
	return buf_len(&strip->cuts) / sizeof(struct strip_cut);
}

const struct strip_cut *
strip_cuts(const struct strip *strip)
{
	return (const struct strip_cut *)(const void *)buf_data(&strip->cuts);
}

/* The member `name` of an object, the last of that name, as most readers have it. Empty if it is no string. */
static struct json
find_last(struct json object, const char *name)
{
	struct json_iter it;
	struct json key, value, last = { NULL, 0 };

	if (!json_iter_init(&it, object.p, object.len) || !it.in_object)
		return last;
	while (json_next(&it, &key, &value) == JSON_OK)
		if (json_equals(key, name))
			last = value;
	return json_is_string(last) ? last : (struct json){ NULL, 0 };
}

static bool
is_thinking(struct json block)
{
	struct json type = find_last(block, "type");

	return type.len > 0 && (json_equals(type, "thinking") || json_equals(type, "redacted_thinking"));
}

/* Adds a cut, or makes the last one longer if this one begins where that ends. */
static void
cut(struct strip *strip, size_t from, size_t to, const char *instead)
{
	const struct strip_cut next = { from, to - from, instead };
	size_t count = strip_count(strip);

	if (count > 0) {
		struct strip_cut *last = (struct strip_cut *)(void *)buf_data(&strip->cuts) + count - 1;

		if (last->at + last->len == from) {
			last->len = to - last->at;
			return;
		}
	}
	buf_put(&strip->cuts, &next, sizeof next);
}

/*
 * With what stands before it a block takes the comma there; of those before the first that is left, the comma behind.
 * `*emptied`: the cut that was made last took all there was.
 */
static void
cut_content(struct strip *strip, const char *body, struct json content, bool *emptied)
{
	size_t first = 0, end = 0, n = 0, left = 0, leading = 0;
	struct json_iter it;
	struct json key, block;

	if (!json_is_array(content) || !json_iter_init(&it, content.p, content.len))
		return;
	for (; json_next(&it, &key, &block) == JSON_OK; n++) {
		size_t at = (size_t)(block.p - body);

		if (n == 0)
			first = at;
		if (is_thinking(block)) {
			strip->blocks++;
			if (left > 0)
				cut(strip, end, at + block.len, NULL);
			else
				leading++;
		} else if (left++ == 0 && leading > 0) {
			cut(strip, first, at, NULL);
		}
		end = at + block.len;
	}
	*emptied = n > 0 && left == 0;
	if (*emptied)
		cut(strip, first, end, no_content);
}

static bool
is_assistants(struct json message)
{
	struct json role = find_last(message, "role");

	return role.len > 0 && json_equals(role, "assistant");
}

static void
cut_messages(struct strip *strip, const char *body, struct json messages)
{
	struct json_iter it, members;
	struct json key, value, message;
	bool emptied = false;

	if (!json_is_array(messages) || !json_iter_init(&it, messages.p, messages.len))
		return;
	while (json_next(&it, &key, &message) == JSON_OK) {
		emptied = false;
		if (!is_assistants(message) || !json_iter_init(&members, message.p, message.len))
			continue;
		while (json_next(&members, &key, &value) == JSON_OK)
			if (json_equals(key, "content"))
				cut_content(strip, body, value, &emptied);
	}
	if (emptied && strip_count(strip) > 0)
		((struct strip_cut *)(void *)buf_data(&strip->cuts))[strip_count(strip) - 1].instead = NULL;
}

bool
strip_find(struct strip *strip, const char *body, size_t n)
{
	struct json_iter it;
	struct json whole, key, value;

	buf_clear(&strip->cuts);
	strip->blocks = 0;
	if (json_whole(body, n, &whole) != JSON_OK || !json_is_object(whole) ||
	    !json_iter_init(&it, whole.p, whole.len))
		return false;
	while (json_next(&it, &key, &value) == JSON_OK)
		if (json_equals(key, "messages"))
			cut_messages(strip, body, value);
	if (!strip->cuts.failed)
		return true;
	buf_clear(&strip->cuts);
	strip->blocks = 0;
	return false;
}

void
strip_put(struct buf *out, const struct strip *strip, const char *body, size_t n)
{
	const struct strip_cut *cuts = strip_cuts(strip);
	size_t at = 0;

	for (size_t i = 0; i < strip_count(strip); i++) {
		buf_put(out, body + at, cuts[i].at - at);
		if (cuts[i].instead != NULL)
			buf_puts(out, cuts[i].instead);
		at = cuts[i].at + cuts[i].len;
	}
	buf_put(out, body + at, n - at);
}
