/* SPDX-License-Identifier: MIT */
#include "stream/usage.h"

#include <stddef.h>
#include <string.h>

#include "base/limits.h"
#include "stream/members.h"

enum { INPUT, OUTPUT, CACHE_READ, CACHE_CREATION, MEMBERS };

static const struct member_name names[MEMBERS] = {
	[INPUT] = MEMBER("input_tokens"),
	[OUTPUT] = MEMBER("output_tokens"),
	[CACHE_READ] = MEMBER("cache_read_input_tokens"),
	[CACHE_CREATION] = MEMBER("cache_creation_input_tokens"),
};

/* The counts as a list, in the order of the names. */
struct counts {
	struct {
		uint64_t value;
		bool seen;
	} of[MEMBERS];
};

static struct counts
counts_of(const struct usage *usage)
{
	return (struct counts){ {
	    [INPUT] = { usage->input, usage->has_input },
	    [OUTPUT] = { usage->output, usage->has_output },
	    [CACHE_READ] = { usage->cache_read, usage->has_cache_read },
	    [CACHE_CREATION] = { usage->cache_creation, usage->has_cache_creation },
	} };
}

static void
set_count(struct usage *usage, size_t i, uint64_t count)
{
	uint64_t *values[MEMBERS] = { &usage->input, &usage->output, &usage->cache_read, &usage->cache_creation };
	bool *seen[MEMBERS] = { &usage->has_input, &usage->has_output, &usage->has_cache_read, &usage->has_cache_creation };

	*values[i] = count;
	*seen[i] = true;
}

bool
usage_count(struct json value, uint64_t *count)
{
	size_t n = 0;

	while (n < value.len && value.p[n] != '.')
		n++;
	for (size_t i = n + 1; i < value.len; i++)
		if (value.p[i] != '0')
			return false;
	return json_u64((struct json){ value.p, n }, USAGE_COUNT_MAX, count);
}

bool
usage_add(struct usage *usage, struct json object)
{
	struct json_iter it;
	struct json key, value;
	bool any = false;

	if (!json_iter_init(&it, object.p, object.len) || !it.in_object)
		return false;
	while (json_next(&it, &key, &value) == JSON_OK) {
		size_t i = members_which(key, names, MEMBERS);
		uint64_t count;

		if (i == MEMBERS || !usage_count(value, &count))
			continue;
		set_count(usage, i, count);
		any = true;
	}
	return any;
}

static bool
find_count(struct json object, const char *name, uint64_t *count)
{
	struct json value;

	return json_is_object(object) && json_find(object, name, &value) && usage_count(value, count);
}

bool
usage_add_openai(struct usage *usage, struct json object)
{
	struct json details = { NULL, 0 };
	uint64_t input, count;
	bool has_input = find_count(object, "prompt_tokens", &input) || find_count(object, "input_tokens", &input), any;

	if (!json_is_object(object))
		return false;
	if (!json_find(object, "prompt_tokens_details", &details))
		json_find(object, "input_tokens_details", &details);
	any = has_input;
	if (find_count(object, "completion_tokens", &count) || find_count(object, "output_tokens", &count)) {
		usage->output = count;
		usage->has_output = any = true;
	}
	if (find_count(details, "cached_tokens", &count) || find_count(object, "prompt_cache_hit_tokens", &count) ||
	    find_count(object, "cached_tokens", &count)) {
		usage->cache_read = count;
		usage->has_cache_read = any = true;
		input = has_input && input > count ? input - count : 0;
	}
	if (find_count(details, "cache_write_tokens", &count)) {
		usage->cache_creation = count;
		usage->has_cache_creation = any = true;
		input = has_input && input > count ? input - count : 0;
	}
	if (has_input) {
		usage->input = input;
		usage->has_input = true;
	}
	return any;
}

/* Whether a member's name, without escapes, says that it is a count: `*_tokens`. */
static bool
is_count_name(struct json key)
{
	static const char suffix[] = "_tokens\"";
	size_t n = sizeof suffix - 1;

	return key.len > n && memcmp(key.p + key.len - n, suffix, n) == 0;
}

/* Whether a key stands among the `n` that have been seen, written alike. */
static bool
is_among(struct json key, const struct json seen[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (seen[i].len == key.len && memcmp(seen[i].p, key.p, key.len) == 0)
			return true;
	return false;
}

bool
usage_obeys(struct json object, enum usage_place place)
{
	struct json keys[MESSAGE_MEMBERS_MAX];
	bool has[MEMBERS + 1] = { false };
	struct json_iter it;
	struct json value;
	uint64_t count;
	size_t n = 0;

	if (!json_iter_init(&it, object.p, object.len) || !it.in_object)
		return false;
	for (; n < MESSAGE_MEMBERS_MAX && json_next(&it, &keys[n], &value) == JSON_OK; n++) {
		size_t i = members_which(keys[n], names, MEMBERS);

		/* Of names that are written with escapes two may be the same. */
		if (memchr(keys[n].p, '\\', keys[n].len) != NULL || is_among(keys[n], keys, n))
			return false;
		if (is_count_name(keys[n]) && !json_u64(value, USAGE_COUNT_MAX, &count))
			return false;
		has[i] = true;
	}
	return n < MESSAGE_MEMBERS_MAX && has[OUTPUT] && (place == USAGE_OF_DELTA || has[INPUT]);
}

static void
put_member(struct buf *out, const char *name, size_t len)
{
	buf_putc(out, buf_len(out) > 0 ? ',' : '{');
	buf_putc(out, '"');
	buf_put(out, name, len);
	buf_puts(out, "\":");
}

/* One of the counts that are known by name. */
static void
put_known(struct buf *out, size_t i, const struct counts *seen, enum usage_place place)
{
	if (!seen->of[i].seen && place == USAGE_OF_DELTA && i != OUTPUT)
		return;
	put_member(out, names[i].p, names[i].len);
	buf_put_u64(out, seen->of[i].value);
}

/* Any other member, of which the counts must be some. */
static void
put_other(struct buf *out, struct json key, struct json value, enum usage_place place)
{
	bool is_count = is_count_name(key);
	uint64_t count = 0;

	if (is_count && !usage_count(value, &count) && place == USAGE_OF_DELTA)
		return;
	put_member(out, key.p + 1, key.len - 2);
	if (is_count)
		buf_put_u64(out, count);
	else
		buf_put(out, value.p, value.len);
}

void
usage_put_mended(struct buf *out, struct json object, const struct usage *usage, enum usage_place place)
{
	struct counts seen = counts_of(usage);
	struct json keys[MESSAGE_MEMBERS_MAX];
	bool done[MEMBERS + 1] = { false };
	struct buf text = BUF_INIT(SIZE_MAX);
	struct json_iter it;
	struct json value;

	if (json_iter_init(&it, object.p, object.len) && it.in_object) {
		/* Two more may come behind, and then there must be fewer than the limit. */
		for (size_t n = 0; n < MESSAGE_MEMBERS_MAX - 3 && json_next(&it, &keys[n], &value) == JSON_OK; n++) {
			size_t i = members_which(keys[n], names, MEMBERS);

			if (i < MEMBERS && !done[i])
				put_known(&text, i, &seen, place);
			else if (i == MEMBERS && memchr(keys[n].p, '\\', keys[n].len) == NULL && !is_among(keys[n], keys, n))
				put_other(&text, keys[n], value, place);
			done[i] = true;
		}
	}
	if (!done[INPUT] && place == USAGE_OF_START)
		put_known(&text, INPUT, &seen, place);
	if (!done[OUTPUT])
		put_known(&text, OUTPUT, &seen, place);
	buf_put(out, buf_data(&text), buf_len(&text));
	buf_putc(out, '}');
	out->failed |= text.failed;
	buf_free(&text);
}

bool
usage_any(const struct usage *usage)
{
	return usage->has_input || usage->has_output || usage->has_cache_read || usage->has_cache_creation;
}

bool
usage_put(struct buf *out, const struct usage *usage)
{
	struct counts seen = counts_of(usage);
	char before = '{';

	if (!usage_any(usage))
		return false;
	for (size_t i = 0; i < MEMBERS; i++) {
		if (!seen.of[i].seen)
			continue;
		buf_printf(out, "%c\"%s\":", before, names[i].p);
		buf_put_u64(out, seen.of[i].value);
		before = ',';
	}
	buf_putc(out, '}');
	return true;
}
