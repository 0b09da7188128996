/* SPDX-License-Identifier: MIT */
#include "stream/usage.h"

#include <stddef.h>

#include "base/limits.h"

static const struct {
	const char *name;
	size_t count;
	size_t has;
} members[] = {
	{ "input_tokens", offsetof(struct usage, input), offsetof(struct usage, has_input) },
	{ "output_tokens", offsetof(struct usage, output), offsetof(struct usage, has_output) },
	{ "cache_read_input_tokens", offsetof(struct usage, cache_read), offsetof(struct usage, has_cache_read) },
	{ "cache_creation_input_tokens", offsetof(struct usage, cache_creation), offsetof(struct usage, has_cache_creation) },
};

enum { MEMBERS = sizeof members / sizeof *members };

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
	while (json_next(&it, &key, &value) == JSON_OK)
		for (size_t i = 0; i < MEMBERS; i++) {
			uint64_t count;

			if (!json_equals(key, members[i].name) || !usage_count(value, &count))
				continue;
			*(uint64_t *)(void *)((char *)usage + members[i].count) = count;
			*(bool *)((char *)usage + members[i].has) = any = true;
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

bool
usage_any(const struct usage *usage)
{
	return usage->has_input || usage->has_output || usage->has_cache_read || usage->has_cache_creation;
}

bool
usage_put(struct buf *out, const struct usage *usage)
{
	char before = '{';

	if (!usage_any(usage))
		return false;
	for (size_t i = 0; i < MEMBERS; i++) {
		if (!*(const bool *)((const char *)usage + members[i].has))
			continue;
		buf_printf(out, "%c\"%s\":", before, members[i].name);
		buf_put_u64(out, *(const uint64_t *)(const void *)((const char *)usage + members[i].count));
		before = ',';
	}
	buf_putc(out, '}');
	return true;
}
