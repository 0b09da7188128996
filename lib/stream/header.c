/* SPDX-License-Identifier: MIT */
#include "stream/header.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "record/record.h"

#define STREAM_FIELDS "\"content-type\":\"text/event-stream\",\"cache-control\":\"no-cache\""

bool
header_is_media_type(struct json value, const char *type)
{
	struct buf text = BUF_INIT(HEAD_MAX);
	const char *p = json_decode_octets(value, &text) ? buf_str(&text) : NULL;
	size_t n = strlen(type);
	bool is = p != NULL && strncasecmp(p, type, n) == 0 && strchr("; \t", p[n]) != NULL;

	buf_free(&text);
	return is;
}

static void
put_member(struct buf *out, struct json key, struct json value)
{
	buf_put(out, key.p, key.len);
	buf_putc(out, ':');
	buf_put(out, value.p, value.len);
	buf_putc(out, ',');
}

/* Closes an object of which each member was written with a comma behind it. */
static void
close_object(struct buf *out)
{
	if (buf_len(out) > 0 && buf_data(out)[buf_len(out) - 1] == ',')
		out->end--;
	buf_putc(out, '}');
}

static void
put_text(struct buf *out, const char *name, const char *text)
{
	if (text == NULL)
		return;
	buf_printf(out, "\"%s\":", name);
	json_put_string(out, text, strlen(text));
	buf_putc(out, ',');
}

static bool
is_one_of(struct json key, const char *const *names)
{
	for (; *names != NULL; names++)
		if (json_equals(key, *names))
			return true;
	return false;
}

/* Adds the members of an object, each with a comma behind it, but for some. */
static void
put_others(struct buf *out, struct json object, const char *const *but)
{
	struct json_iter it;
	struct json key, value;

	json_iter_init(&it, object.p, object.len);
	while (json_next(&it, &key, &value) == JSON_OK)
		if (!is_one_of(key, but))
			put_member(out, key, value);
}

/*
 * A head in the order it had. `status` 0: its own. `first` and `last` are fields before and behind its own, of which those
 * named in `but` are left out.
 */
static void
put_head(struct buf *out, struct json head, int status, const char *first, const char *const *but, const char *last)
{
	struct json_iter it;
	struct json key, value;

	buf_putc(out, '{');
	json_iter_init(&it, head.p, head.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		if (status != 0 && json_equals(key, "status")) {
			buf_printf(out, "\"status\":%d,", status);
		} else if (json_equals(key, "headers")) {
			buf_printf(out, "\"headers\":{%s", first);
			put_others(out, value, but);
			buf_puts(out, last);
			close_object(out);
			buf_putc(out, ',');
		} else {
			put_member(out, key, value);
		}
	}
	close_object(out);
}

void
header_put_uncached(struct buf *out, struct json head)
{
	static const char *const but[] = { "cache-control", NULL };

	put_head(out, head, 0, "", but, "\"cache-control\":\"no-cache\"");
}

void
header_put_stream(struct buf *out, struct json head)
{
	static const char *const but[] = { "content-type", "content-length", "cache-control", NULL };

	put_head(out, head, 200, "\"content-type\":\"text/event-stream\",", but, "\"cache-control\":\"no-cache\"");
}

void
header_put_early(struct buf *out, uint64_t id)
{
	record_begin(out, "head", id);
	buf_puts(out, ",\"status\":200,\"headers\":{" STREAM_FIELDS "}}");
}

void
header_put_json(struct buf *out, struct json head, int status, size_t length)
{
	static const char *const but[] = { "content-type", "content-length", NULL };
	char first[80];

	snprintf(first, sizeof first, "\"content-type\":\"application/json\",\"content-length\":\"%zu\",", length);
	put_head(out, head, status, first, but, "");
}

static void
put_repairs(struct buf *out, const struct anthropic *a)
{
	bool any = false;

	for (int i = 0; i < REPAIR_COUNT; i++) {
		uint32_t n = anthropic_repairs(a, (enum anthropic_repair)i);

		if (n == 0)
			continue;
		buf_puts(out, any ? "" : "\"repairs\":{");
		buf_printf(out, "\"%s\":%u,", anthropic_repair_name((enum anthropic_repair)i), (unsigned)n);
		any = true;
	}
	if (any) {
		close_object(out);
		buf_putc(out, ',');
	}
}

void
header_put_end(struct buf *out, struct json end, const struct header_end *is)
{
	const struct usage *usage = is->events != NULL ? anthropic_usage(is->events) : NULL;
	bool counted = usage != NULL && usage_any(usage);
	struct json_iter it;
	struct json key, value;

	buf_putc(out, '{');
	json_iter_init(&it, end.p, end.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		if (json_equals(key, "result") || json_equals(key, "error") || (counted && json_equals(key, "usage")))
			continue;
		put_member(out, key, value);
		if (!json_equals(key, "id"))
			continue;
		put_text(out, "result", is->result);
		put_text(out, "error", is->error);
	}
	put_text(out, "converted", is->converted);
	if (counted) {
		buf_puts(out, "\"usage\":");
		usage_put(out, usage);
		buf_putc(out, ',');
	}
	if (is->events != NULL)
		put_repairs(out, is->events);
	if (is->cancel)
		buf_puts(out, "\"cancel\":true");
	close_object(out);
}
