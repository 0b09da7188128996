/* SPDX-License-Identifier: MIT */
/* The chunked decoder: whole and in pieces it finds the same, and it reads what the response writer writes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "http/request.h"
#include "http/response.h"

#define CHECK(PASSED)            \
	do {                     \
		if (!(PASSED))   \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct outcome {
	enum http_result result;
	size_t used;
	struct buf content;
};

/* One piece, from memory of its own size. */
static void
decode_piece(struct http_chunked *chunked, const char *p, size_t n, struct outcome *outcome)
{
	char *copy = malloc(n > 0 ? n : 1);
	size_t used, len;

	CHECK(copy != NULL);
	memcpy(copy, p, n);
	outcome->result = http_chunked_decode(chunked, copy, n, &used, &len);
	CHECK(used <= n && len <= used);
	CHECK(outcome->result != HTTP_MORE || used == n);
	CHECK(outcome->result != HTTP_BAD || chunked->why != NULL);
	buf_put(&outcome->content, copy, len);
	outcome->used += used;
	free(copy);
}

static struct outcome
decode(const char *p, size_t n, size_t step)
{
	struct outcome outcome = { .result = HTTP_MORE, .content = BUF_INIT(1 << 24) };
	struct http_chunked chunked = { 0 };

	for (size_t i = 0; i < n && outcome.result == HTTP_MORE; i += step)
		decode_piece(&chunked, p + i, n - i < step ? n - i : step, &outcome);
	CHECK(chunked.total == buf_len(&outcome.content));
	return outcome;
}

static bool
same(const struct buf *a, const char *p, size_t n)
{
	return buf_len(a) == n && (n == 0 || memcmp(buf_data(a), p, n) == 0);
}

static void
check_steps(const char *p, size_t n, const struct outcome *whole, size_t step)
{
	struct outcome pieces = decode(p, n, step);

	CHECK(pieces.result == whole->result && pieces.used == whole->used);
	CHECK(same(&pieces.content, buf_data(&whole->content), buf_len(&whole->content)));
	buf_free(&pieces.content);
}

/* The input as content, in chunks of `step`. */
static void
check_written(const char *p, size_t n, size_t step)
{
	struct buf out = BUF_INIT(1 << 24);
	struct outcome back;

	for (size_t i = 0; i < n; i += step)
		http_put_chunk(&out, p + i, n - i < step ? n - i : step);
	http_put_last_chunk(&out);
	back = decode(buf_data(&out), buf_len(&out), step + 3);
	CHECK(back.result == HTTP_OK && back.used == buf_len(&out) && same(&back.content, p, n));
	buf_free(&back.content);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data;
	struct outcome whole;

	if (n == 0)
		return 0;
	whole = decode(p, n, n);
	check_steps(p, n, &whole, 1);
	check_steps(p, n, &whole, 3);
	check_steps(p, n, &whole, n / 2 + 1);
	check_written(p, n, n / 3 + 1);
	buf_free(&whole.content);
	return 0;
}
