/* SPDX-License-Identifier: MIT */
/* The JSON scanner: a scan and a walk take the same texts, and strings survive being decoded and written again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"

#define CHECK(PASSED)            \
	do {                     \
		if (!(PASSED))   \
			abort(); \
	} while (0)

enum { DEPTH_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool
same(const struct buf *a, const char *p, size_t n)
{
	return buf_len(a) == n && (n == 0 || memcmp(buf_data(a), p, n) == 0);
}

static struct json
whole_of(const struct buf *text)
{
	struct json value = { NULL, 0 };

	CHECK(json_whole(buf_data(text), buf_len(text), &value) == JSON_OK && value.len == buf_len(text));
	return value;
}

/* What was made UTF-8 by the first writing is not changed by another. */
static void
check_string(struct json string)
{
	struct buf decoded = BUF_INIT(MIB), text = BUF_INIT(MIB), again = BUF_INIT(MIB), third = BUF_INIT(MIB);

	CHECK(json_decode(string, &decoded));
	if (memchr(string.p, '\\', string.len) == NULL)
		CHECK(same(&decoded, string.p + 1, string.len - 2));
	json_put_string(&text, buf_data(&decoded), buf_len(&decoded));
	CHECK(json_decode(whole_of(&text), &again));
	buf_clear(&text);
	json_put_string(&text, buf_data(&again), buf_len(&again));
	CHECK(json_decode(whole_of(&text), &third));
	CHECK(same(&third, buf_data(&again), buf_len(&again)));
	if (buf_len(&decoded) == 0 || memchr(buf_data(&decoded), '\0', buf_len(&decoded)) == NULL)
		CHECK(json_equals(string, buf_str(&decoded)));
	buf_free(&decoded);
	buf_free(&text);
	buf_free(&again);
	buf_free(&third);
}

/* Whether a walk over the text and all that is in it meets JSON, with nothing but blanks behind it. */
static bool
walk(const char *p, size_t n, int depth)
{
	struct json_iter it;
	struct json key, value;
	enum json_result result;

	CHECK(json_iter_init(&it, p, n));
	while ((result = json_next(&it, &key, &value)) == JSON_OK) {
		struct json scanned;

		CHECK(json_whole(value.p, value.len, &scanned) == JSON_OK && scanned.len == value.len);
		if (it.in_object)
			check_string(key);
		if (json_is_string(value))
			check_string(value);
		else if ((json_is_object(value) || json_is_array(value)) && depth < DEPTH_MAX)
			CHECK(walk(value.p, value.len, depth + 1));
	}
	CHECK(it.pos <= n);
	for (size_t i = it.pos; result == JSON_END && i < n; i++)
		if (memchr(" \t\r\n", p[i], 4) == NULL)
			return false;
	return result == JSON_END;
}

/* A text that was cut is cut short, not bad; but for a number, which may end anywhere. */
static void
check_cuts(struct json value)
{
	struct json ignored;

	if (json_is_number(value) || value.len > 256)
		return;
	for (size_t k = 0; k < value.len; k++)
		CHECK(json_whole(value.p, k, &ignored) == JSON_END);
}

/* Any octets can be written and read. */
static void
check_written(const char *p, size_t n)
{
	struct buf text = BUF_INIT(8 * MIB), back = BUF_INIT(8 * MIB);

	json_put_octets(&text, p, n);
	CHECK(json_decode_octets(whole_of(&text), &back));
	CHECK(same(&back, p, n));
	buf_clear(&text);
	json_put_string(&text, p, n);
	check_string(whole_of(&text));
	buf_free(&text);
	buf_free(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	/* Memory of its own size, so that the sanitizer sees a read past it. */
	char *p = malloc(n > 0 ? n : 1);
	struct json value;
	struct json_iter it;
	size_t pos = 0;
	enum json_result result, scanned;

	CHECK(p != NULL);
	if (n > 0)
		memcpy(p, data, n);
	result = json_whole(p, n, &value);
	scanned = json_scan(p, n, &pos, &value);
	CHECK(pos <= n && (result != JSON_OK || scanned == JSON_OK) && (scanned != JSON_END || result == JSON_END));
	if (result == JSON_OK)
		check_cuts(value);
	/* A walk begins one level deeper than a scan; let neither reach the limit. */
	if (n < JSON_DEPTH_MAX && json_iter_init(&it, p, n))
		CHECK(walk(p, n, 0) == (result == JSON_OK));
	check_written(p, n);
	free(p);
	return 0;
}
