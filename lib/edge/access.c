/* SPDX-License-Identifier: MIT */
#include "edge/access.h"

#include <string.h>
#include <time.h>

#include "base/limits.h"

/* An octet is written as six at most: \u001f. */
enum { ESCAPED_MAX = 6 };

void
access_begin(struct access *a, bool on, uint64_t at_ms, uint64_t now_ms)
{
	*a = (struct access){ .on = on };
	if (!on)
		return;
	a->at_ms = at_ms;
	a->began_ms = a->queued_ms = now_ms;
	/* With room for a text that turns out to be too long once it is written. */
	a->members = BUF_INIT(4 * ACCESS_LINE_MAX);
}

void
access_free(struct access *a)
{
	if (a->on)
		buf_free(&a->members);
	*a = (struct access){ .on = false };
}

static void
put_name(struct buf *out, const char *name)
{
	buf_puts(out, ",\"");
	buf_puts(out, name);
	buf_puts(out, "\":");
}

static void
put_number(struct buf *out, const char *name, uint64_t value)
{
	put_name(out, name);
	buf_put_u64(out, value);
}

/* At most `n` octets of a text that has more: no character is cut. */
static size_t
cut(const char *p, size_t n)
{
	while (n > 0 && ((unsigned char)p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* The beginning of a text, as much as is written in `max` octets. */
static void
put_text(struct buf *out, const char *name, const char *p, size_t n, size_t max)
{
	size_t from;

	put_name(out, name);
	from = buf_len(out);
	if (n > max)
		n = cut(p, max);
	for (;;) {
		size_t written;

		json_put_string(out, p, n);
		written = buf_len(out) - from - strlen("\"\"");
		if (out->failed || written <= max)
			return;
		out->end = out->start + from;
		n = cut(p, n - (written - max + ESCAPED_MAX - 1) / ESCAPED_MAX);
	}
}

/* Whether a string would be written as it stands, as most are: ASCII without escapes, of at most `max` octets. */
static bool
is_plain(struct json value, size_t max)
{
	if (!json_is_string(value) || value.len - 2 > max)
		return false;
	for (size_t i = 1; i < value.len - 1; i++)
		if (value.p[i] == '\\' || (unsigned char)value.p[i] > 0x7e)
			return false;
	return true;
}

/* A string of a record; nothing for what is none. */
static void
put_string(struct buf *out, const char *name, struct json value, size_t max)
{
	struct buf text = BUF_INIT(RECORD_HEADER_MAX);

	if (is_plain(value, max)) {
		put_name(out, name);
		buf_put(out, value.p, value.len);
		return;
	}
	if (json_decode(value, &text) && !text.failed)
		put_text(out, name, buf_data(&text), buf_len(&text), max);
	buf_free(&text);
}

static void
put_count(struct buf *out, const char *name, struct json value)
{
	uint64_t number;

	if (json_u64(value, UINT64_MAX, &number))
		put_number(out, name, number);
}

/* Whether a member of a record, of which lb's own names have no escapes, is this one. */
static bool
is(struct json key, const char *name)
{
	size_t n = strlen(name);

	return key.len == n + 2 && memcmp(key.p + 1, name, n) == 0;
}

void
access_request(struct access *a, const char *request_id, const char *peer, struct http_span method,
    struct http_span target)
{
	const char *query = target.len > 0 ? memchr(target.p, '?', target.len) : NULL;

	if (!a->on)
		return;
	a->has_request = true;
	if (*request_id != '\0')
		put_text(&a->members, "request_id", request_id, strlen(request_id), ACCESS_NAME_MAX);
	put_text(&a->members, "peer", peer, strlen(peer), ACCESS_NAME_MAX);
	if (method.len > 0)
		put_text(&a->members, "method", method.p, method.len, METHOD_MAX);
	if (target.len > 0)
		put_text(&a->members, "path", target.p, query != NULL ? (size_t)(query - target.p) : target.len,
		    ACCESS_PATH_MAX);
}

/* A member that says who answered: the head's, or the end's where the head did not say it. */
static void
take_provider(struct access *a, struct json key, struct json value)
{
	static const char *const names[] = { "provider", "attempt", "model" };

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		if (!is(key, names[i]) || a->told & 1u << i)
			continue;
		a->told |= 1u << i;
		if (json_is_string(value))
			put_string(&a->members, names[i], value, ACCESS_NAME_MAX);
		else
			put_count(&a->members, names[i], value);
	}
}

void
access_head(struct access *a, const struct record *head, int status)
{
	struct json_iter it;
	struct json key, value;

	if (!a->on)
		return;
	a->status = status;
	json_iter_init(&it, head->header.p, head->header.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		take_provider(a, key, value);
		a->has_provider |= is(key, "provider");
	}
}

void
access_content(struct access *a, uint64_t now_ms)
{
	/* Before the head of the provider's answer only pings go out. */
	if (!a->on || a->has_first || !a->has_provider)
		return;
	a->has_first = true;
	a->first_ms = now_ms;
}

/* An attempt as the end record has it, without its error. */
static void
put_attempt(struct buf *out, struct json attempt)
{
	struct json_iter it;
	struct json key, value;
	size_t from = buf_len(out);

	json_iter_init(&it, attempt.p, attempt.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		if (is(key, "provider"))
			put_string(out, "provider", value, ACCESS_NAME_MAX);
		else if (is(key, "status"))
			put_count(out, "status", value);
		else if (is(key, "result"))
			put_string(out, "result", value, METHOD_MAX);
		else if (is(key, "ms"))
			put_count(out, "ms", value);
	}
	/* In the place of the first comma. */
	if (buf_len(out) > from)
		buf_data(out)[from] = '{';
	else
		buf_putc(out, '{');
	buf_putc(out, '}');
}

/* The attempts, the first ones if they are too many. */
static void
put_attempts(struct buf *out, struct json attempts)
{
	struct json_iter it;
	struct json key, value;
	const char *comma = "";
	size_t limit;

	if (!json_iter_init(&it, attempts.p, attempts.len) || it.in_object)
		return;
	put_name(out, "attempts");
	limit = buf_len(out) + ACCESS_ATTEMPTS_MAX;
	buf_putc(out, '[');
	while (json_next(&it, &key, &value) == JSON_OK && json_is_object(value)) {
		size_t before = buf_len(out);

		buf_puts(out, comma);
		put_attempt(out, value);
		if (!out->failed && buf_len(out) >= limit) {
			out->end = out->start + before;
			break;
		}
		comma = ",";
	}
	buf_putc(out, ']');
}

static void
put_usage(struct buf *out, struct json usage)
{
	static const char *const counts[] = { "input_tokens", "output_tokens", "cache_read_input_tokens",
		"cache_creation_input_tokens" };
	struct json_iter it;
	struct json key, value;

	if (!json_iter_init(&it, usage.p, usage.len) || !it.in_object)
		return;
	while (json_next(&it, &key, &value) == JSON_OK)
		for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
			if (is(key, counts[i]))
				put_count(out, counts[i], value);
}

static void
take_end_member(struct access *a, struct json key, struct json value, bool is_result)
{
	uint64_t first;

	if (is(key, "attempts")) {
		put_attempts(&a->members, value);
	} else if (is(key, "stripped")) {
		put_count(&a->members, "stripped", value);
	} else if (is(key, "usage")) {
		put_usage(&a->members, value);
	} else if (is(key, "repairs")) {
		if (json_is_object(value) && value.len <= ACCESS_REPAIRS_MAX) {
			put_name(&a->members, "repairs");
			buf_put(&a->members, value.p, value.len);
		}
	} else if (is(key, "error")) {
		if (is_result && a->result != END_COMPLETE)
			put_string(&a->members, "error", value, ACCESS_ERROR_MAX);
	} else if (is(key, "first_ms")) {
		/* Where pings went out before: by lb-fetch's clock, which began when the request was whole. */
		if (!a->has_first && json_u64(value, UINT32_MAX, &first)) {
			a->has_first = true;
			a->first_ms = a->queued_ms + first;
		}
	} else {
		take_provider(a, key, value);
	}
}

void
access_end(struct access *a, const struct record *end)
{
	struct json_iter it;
	struct json key, value;
	bool is_result = !a->ended;

	if (!a->on)
		return;
	if (is_result) {
		a->ended = true;
		a->result = record_end_of(end);
	}
	json_iter_init(&it, end->header.p, end->header.len);
	while (json_next(&it, &key, &value) == JSON_OK)
		take_end_member(a, key, value, is_result);
}

void
access_fail(struct access *a, enum record_end result, const char *error)
{
	if (a->on && !a->ended)
		access_correct(a, result, error);
}

void
access_correct(struct access *a, enum record_end result, const char *error)
{
	if (!a->on)
		return;
	a->ended = true;
	a->result = result;
	put_text(&a->members, "error", error, strlen(error), ACCESS_ERROR_MAX);
}

/* A number of so many digits, with the octet behind it. */
static void
put_digits(struct buf *out, unsigned value, int digits, char behind)
{
	char text[5] = { 0 };

	text[digits] = behind;
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		text[i] = (char)('0' + value % 10);
	buf_put(out, text, (size_t)digits + 1);
}

/* RFC 3339, in UTC, with milliseconds. */
static void
put_time(struct buf *out, uint64_t unix_ms)
{
	time_t seconds = (time_t)(unix_ms / 1000);
	struct tm t;

	if (gmtime_r(&seconds, &t) == NULL || t.tm_year < -1900 || t.tm_year > 8099)
		t = (struct tm){ .tm_mday = 1 };
	put_digits(out, (unsigned)t.tm_year + 1900, 4, '-');
	put_digits(out, (unsigned)t.tm_mon + 1, 2, '-');
	put_digits(out, (unsigned)t.tm_mday, 2, 'T');
	put_digits(out, (unsigned)t.tm_hour, 2, ':');
	put_digits(out, (unsigned)t.tm_min, 2, ':');
	put_digits(out, (unsigned)t.tm_sec, 2, '.');
	put_digits(out, (unsigned)(unix_ms % 1000), 3, 'Z');
}

void
access_put(const struct access *a, uint64_t dropped, struct buf *out)
{
	const struct buf *members = &a->members;

	buf_puts(out, "{\"time\":\"");
	put_time(out, a->at_ms);
	buf_putc(out, '"');
	buf_put(out, buf_data(members), buf_len(members));
	put_name(out, "result");
	buf_putc(out, '"');
	buf_puts(out, record_end_name(a->result));
	buf_putc(out, '"');
	if (a->status != 0)
		put_number(out, "status", (uint64_t)a->status);
	if (a->has_first)
		put_number(out, "first_ms", a->first_ms - a->began_ms);
	put_number(out, "total_ms", a->total_ms);
	put_number(out, "bytes_in", a->bytes_in);
	put_number(out, "bytes_out", a->bytes_out);
	if (dropped > 0)
		put_number(out, "dropped", dropped);
	buf_puts(out, "}\n");
	if (members->failed)
		out->failed = true;
}
