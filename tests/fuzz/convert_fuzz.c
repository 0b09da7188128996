/* SPDX-License-Identifier: MIT */
/*
 * Messages and streams: a message that was made a stream and put together again is the same, member for member, however
 * the stream is cut. And any octets as a stream: whole and in pieces they become the same message, or none; and where
 * lb-sse makes a whole stream of them, a message.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "stream/anthropic.h"
#include "stream/assemble.h"
#include "stream/expand.h"

#define CHECK(PASSED)            \
	do {                     \
		if (!(PASSED))   \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* JSON is the same if it is but for line ends, which can only be white space. */
static bool
same(struct json a, struct json b)
{
	size_t i = 0, k = 0;

	for (;;) {
		while (i < a.len && (a.p[i] == '\n' || a.p[i] == '\r'))
			i++;
		while (k < b.len && (b.p[k] == '\n' || b.p[k] == '\r'))
			k++;
		if (i == a.len || k == b.len)
			return i == a.len && k == b.len;
		if (a.p[i++] != b.p[k++])
			return false;
	}
}

/* Feeds a stream in pieces, each in memory of its own size. False if no message becomes of it. */
static bool
assemble(const struct buf *stream, size_t step, size_t max, struct buf *message)
{
	struct assemble *a = assemble_new(max);
	bool taken = true, whole;

	CHECK(a != NULL);
	for (size_t at = 0, n; at < buf_len(stream); at += n) {
		char *copy;

		n = step < buf_len(stream) - at ? step : buf_len(stream) - at;
		CHECK((copy = malloc(n)) != NULL);
		memcpy(copy, buf_data(stream) + at, n);
		CHECK(taken || !assemble_feed(a, copy, n));
		taken = taken && assemble_feed(a, copy, n);
		free(copy);
	}
	whole = assemble_message(a, message);
	CHECK(taken || !whole);
	assemble_free(a);
	return whole;
}

static void
check_pieces(const struct buf *stream, size_t step, size_t max, bool whole, const struct buf *message)
{
	struct buf again = BUF_INIT(SIZE_MAX);

	CHECK(assemble(stream, step, max, &again) == whole);
	CHECK(!whole || (buf_len(&again) == buf_len(message) &&
	    memcmp(buf_data(&again), buf_data(message), buf_len(&again)) == 0));
	buf_free(&again);
}

/* The last member of that name, which readers of JSON take. */
static bool
find_last(struct json object, struct json name, struct json *value)
{
	struct json_iter it;
	struct json key, v;
	struct buf text = BUF_INIT(SIZE_MAX);
	bool found = false;

	CHECK(json_decode(name, &text));
	json_iter_init(&it, object.p, object.len);
	while (json_next(&it, &key, &v) == JSON_OK)
		if (json_equals(key, buf_str(&text))) {
			*value = v;
			found = true;
		}
	buf_free(&text);
	return found;
}

/* Usage comes twice in a stream: of what stands there twice, the last holds unless it is null. */
static void
check_usage(struct json before, struct json after)
{
	struct json_iter it;
	struct json key, value, was;

	if (!json_is_object(before)) {
		CHECK(same(before, after));
		return;
	}
	CHECK(json_is_object(after));
	json_iter_init(&it, after.p, after.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		CHECK(find_last(before, key, &was));
		CHECK(same(was, value) || json_is_null(was));
	}
}

static void
check_block(struct json before, struct json after)
{
	struct json_iter a, b;
	struct json key, value, new_key, new_value;

	CHECK(json_is_object(after));
	json_iter_init(&a, before.p, before.len);
	json_iter_init(&b, after.p, after.len);
	while (json_next(&a, &key, &value) == JSON_OK) {
		CHECK(json_next(&b, &new_key, &new_value) == JSON_OK && same(key, new_key));
		CHECK(same(value, new_value) || (json_is_null(value) && new_value.len == 2));
	}
	CHECK(json_next(&b, &new_key, &new_value) == JSON_END);
}

static void
check_content(struct json before, struct json after)
{
	struct json_iter a, b;
	struct json key, block, new_block;

	CHECK(json_is_array(after));
	json_iter_init(&a, before.p, before.len);
	json_iter_init(&b, after.p, after.len);
	while (json_next(&a, &key, &block) == JSON_OK) {
		CHECK(json_next(&b, &key, &new_block) == JSON_OK);
		check_block(block, new_block);
	}
	CHECK(json_next(&b, &key, &new_block) == JSON_END);
}

/* Member for member the same; behind them there may be a stop_reason and a stop_sequence that are null. */
static void
check_message(struct json before, struct json after)
{
	struct json_iter a, b;
	struct json key, value, new_key, new_value;

	json_iter_init(&a, before.p, before.len);
	json_iter_init(&b, after.p, after.len);
	while (json_next(&a, &key, &value) == JSON_OK) {
		CHECK(json_next(&b, &new_key, &new_value) == JSON_OK && same(key, new_key));
		if (json_equals(key, "content"))
			check_content(value, new_value);
		else if (json_equals(key, "usage"))
			check_usage(value, new_value);
		else
			CHECK(same(value, new_value));
	}
	while (json_next(&b, &new_key, &new_value) == JSON_OK)
		CHECK(json_is_null(new_value) && (json_equals(new_key, "stop_reason") || json_equals(new_key, "stop_sequence")));
}

/* Whether the message has no more than a stream's end may change: not too many counts, and no NUL in their names. */
static bool
is_plain(struct json message)
{
	struct json_iter it;
	struct json key, value, usage;
	int counts = 0;

	if (memmem(message.p, message.len, "\\u0000", 6) != NULL || message.len >= JSON_DEPTH_MAX - 8)
		return false;
	if (!json_find(message, "usage", &usage) || !json_iter_init(&it, usage.p, usage.len))
		return true;
	while (json_next(&it, &key, &value) == JSON_OK)
		counts++;
	return counts <= MESSAGE_MEMBERS_MAX;
}

static void
check_round_trip(struct json message)
{
	struct buf stream = BUF_INIT(SIZE_MAX), back = BUF_INIT(SIZE_MAX), again = BUF_INIT(SIZE_MAX);
	struct json value;
	bool whole;

	if (expand_message(message, &stream) != NULL) {
		CHECK(buf_len(&stream) == 0);
		return;
	}
	whole = assemble(&stream, SIZE_MAX, SIZE_MAX, &back);
	CHECK(whole || !is_plain(message));
	check_pieces(&stream, 7, SIZE_MAX, whole, &back);
	if (whole) {
		CHECK(json_whole(buf_data(&back), buf_len(&back), &value) == JSON_OK);
		check_message(message, value);
		buf_clear(&stream);
		CHECK(expand_message(value, &stream) == NULL);
		CHECK(assemble(&stream, 11, SIZE_MAX, &again));
		CHECK(buf_len(&again) == buf_len(&back) && memcmp(buf_data(&again), buf_data(&back), buf_len(&back)) == 0);
	}
	buf_free(&stream);
	buf_free(&back);
	buf_free(&again);
}

static void
check_stream(const char *p, size_t n)
{
	struct buf stream = BUF_INIT(SIZE_MAX), message = BUF_INIT(SIZE_MAX);
	struct json value;
	size_t max = n % 3 == 0 ? n / 2 : SIZE_MAX;
	bool whole;

	buf_put(&stream, p, n);
	whole = assemble(&stream, SIZE_MAX, max, &message);
	CHECK(!whole || n >= JSON_DEPTH_MAX || json_whole(buf_data(&message), buf_len(&message), &value) == JSON_OK);
	if (n < 512)
		check_pieces(&stream, 1, max, whole, &message);
	check_pieces(&stream, n / 2 + 1, max, whole, &message);
	buf_free(&stream);
	buf_free(&message);
}

/* Whether a stream's end can change more than it may, of which the colons tell: each member has one. */
static bool
is_moderate(const char *p, size_t n)
{
	size_t colons = 0;

	for (size_t i = 0; i < n; i++)
		colons += p[i] == ':';
	return n < JSON_DEPTH_MAX && colons < MESSAGE_MEMBERS_MAX && memmem(p, n, "\\u0000", 6) == NULL;
}

/* Of each stream that lb-sse calls whole a message can be made. */
static void
check_contract(const char *p, size_t n)
{
	struct anthropic_origin origin = { .provider = "acme", .request_id = "req_1" };
	struct anthropic *a = anthropic_new(&origin);
	struct anthropic_work work = ANTHROPIC_WORK_INIT;
	struct anthropic_output out;
	struct buf stream = BUF_INIT(SIZE_MAX), message = BUF_INIT(SIZE_MAX);
	struct json value;

	CHECK(a != NULL && anthropic_feed(a, p, n, &work, &out));
	buf_put(&stream, out.p, out.len);
	CHECK(anthropic_end(a, true, 502, "", &work, &out));
	buf_put(&stream, out.p, out.len);
	if (anthropic_state(a) == ANTHROPIC_STOPPED && is_moderate(p, n)) {
		CHECK(assemble(&stream, 7, SIZE_MAX, &message));
		CHECK(json_whole(buf_data(&message), buf_len(&message), &value) == JSON_OK);
	}
	anthropic_free(a);
	anthropic_work_free(&work);
	buf_free(&stream);
	buf_free(&message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	/* Memory of its own size, so that the sanitizer sees a read past it. */
	char *p = malloc(n > 0 ? n : 1);
	struct json message;

	CHECK(p != NULL);
	if (n > 0)
		memcpy(p, data, n);
	if (json_whole(p, n, &message) == JSON_OK)
		check_round_trip(message);
	check_stream(p, n);
	check_contract(p, n);
	free(p);
	return 0;
}
