/* SPDX-License-Identifier: MIT */
#include "stream/members.h"

#include <string.h>

size_t
members_which(struct json key, const struct member_name names[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].len == key.len - 2 && memcmp(names[i].p, key.p + 1, names[i].len) == 0)
			return i;
	if (memchr(key.p, '\\', key.len) != NULL)
		for (size_t i = 0; i < n; i++)
			if (json_equals(key, names[i].p))
				return i;
	return n;
}

bool
members_read(const char *text, size_t n, const struct member_name names[], size_t count, struct json values[],
    struct json *object)
{
	struct json_iter it;
	struct json key, value;
	enum json_result result;
	size_t start;

	for (size_t i = 0; i < count; i++)
		values[i] = (struct json){ NULL, 0 };
	if (!json_iter_init(&it, text, n) || !it.in_object)
		return false;
	start = it.pos - 1;
	while ((result = json_next(&it, &key, &value)) == JSON_OK) {
		size_t i = members_which(key, names, count);

		if (i == count)
			continue;
		if (values[i].len > 0)
			return false;
		values[i] = value;
	}
	*object = (struct json){ text + start, it.pos - start };
	return result == JSON_END;
}

static void
put_name(struct buf *out, const char *name, bool first)
{
	if (!first)
		buf_putc(out, ',');
	buf_putc(out, '"');
	buf_puts(out, name);
	buf_puts(out, "\":");
}

static const struct member_edit *
find_edit(struct json key, const struct member_edit edits[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (json_equals(key, edits[i].name))
			return &edits[i];
	return NULL;
}

void
members_put(struct buf *out, struct json object, const struct member_edit edits[], size_t count)
{
	const char *from = object.p, *end = object.p + object.len - 1;
	struct json_iter it;
	struct json key, value;
	bool empty = true;

	json_iter_init(&it, object.p, object.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		const struct member_edit *edit = find_edit(key, edits, count);

		empty = false;
		if (edit == NULL)
			continue;
		buf_put(out, from, (size_t)(value.p - from));
		buf_put(out, edit->value.p, edit->value.len);
		from = value.p + value.len;
	}
	buf_put(out, from, (size_t)(end - from));
	for (size_t i = 0; i < count; i++) {
		if (json_find(object, edits[i].name, &value))
			continue;
		put_name(out, edits[i].name, empty);
		buf_put(out, edits[i].value.p, edits[i].value.len);
		empty = false;
	}
	buf_putc(out, '}');
}

/* Whether two keys are the same text, however it is escaped. */
static bool
same_key(struct json a, struct json b)
{
	struct buf text = BUF_INIT(SIZE_MAX);
	const char *plain;
	bool same = a.len == b.len && memcmp(a.p, b.p, a.len) == 0;

	if (same || (memchr(a.p, '\\', a.len) == NULL && memchr(b.p, '\\', b.len) == NULL))
		return same;
	json_decode(a, &text);
	plain = buf_str(&text);
	same = plain != NULL && strlen(plain) == buf_len(&text) && json_equals(b, plain);
	buf_free(&text);
	return same;
}

static bool
find_key(struct json object, struct json name, struct json *value)
{
	struct json_iter it;
	struct json key;

	json_iter_init(&it, object.p, object.len);
	while (json_next(&it, &key, value) == JSON_OK)
		if (same_key(key, name))
			return true;
	return false;
}

void
members_put_merged(struct buf *out, struct json older, struct json newer)
{
	struct json_iter it;
	struct json key, value, found;
	char before = '{';

	for (int pass = 0; pass < 2; pass++) {
		struct json from = pass == 0 ? older : newer, other = pass == 0 ? newer : older;

		json_iter_init(&it, from.p, from.len);
		while (json_next(&it, &key, &value) == JSON_OK) {
			bool has = find_key(other, key, &found);

			if (pass == 1 && has)
				continue;
			buf_putc(out, before);
			buf_put(out, key.p, key.len);
			buf_putc(out, ':');
			buf_put(out, has ? found.p : value.p, has ? found.len : value.len);
			before = ',';
		}
	}
	if (before == '{')
		buf_putc(out, '{');
	buf_putc(out, '}');
}
