/* SPDX-License-Identifier: MIT */
/*
 * The request reader: the outcome does not depend on how the input was split, what is taken lies within the head, and
 * what a head was taken for it is taken for again when it is written anew from its parts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "http/request.h"

#define CHECK(PASSED)            \
	do {                     \
		if (!(PASSED))   \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct http_request whole, other;

/* From memory of its own size, so that the sanitizer sees a read past it. The spans are valid until the next call. */
static enum http_result
parse(struct http_request *request, const uint8_t *data, size_t n, size_t seen)
{
	static char *copy;
	enum http_result result;

	free(copy);
	CHECK((copy = malloc(n > 0 ? n : 1)) != NULL);
	if (n > 0)
		memcpy(copy, data, n);
	result = http_request_parse(request, copy, n, seen);
	CHECK(result != HTTP_BAD || (request->status >= 400 && request->status < 600 && request->why != NULL));
	return result;
}

static void
check_steps(const uint8_t *data, size_t n, size_t step, enum http_result want)
{
	size_t seen = 0, upto = 0;
	enum http_result result;

	do {
		upto = n - upto > step ? upto + step : n;
		result = parse(&other, data, upto, seen);
		seen = upto;
	} while (result == HTTP_MORE && upto < n);
	CHECK(result == want);
	CHECK(result != HTTP_BAD || other.status == whole.status);
	CHECK(result != HTTP_OK || (other.head_len == whole.head_len && other.field_count == whole.field_count));
}

static void
check_span(struct http_span span, const char *forbidden, size_t count)
{
	for (size_t i = 0; i < span.len; i++)
		CHECK(memchr(forbidden, span.p[i], count) == NULL);
}

static void
put(struct buf *out, struct http_span span)
{
	buf_put(out, span.p, span.len);
}

static void
write_anew(struct buf *out)
{
	put(out, whole.method);
	buf_putc(out, ' ');
	put(out, whole.target);
	buf_printf(out, " HTTP/1.%d\r\n", whole.minor_version);
	for (size_t i = 0; i < whole.field_count; i++) {
		put(out, whole.fields[i].name);
		buf_puts(out, ": ");
		put(out, whole.fields[i].value);
		buf_puts(out, "\r\n");
	}
	buf_puts(out, "\r\n");
}

static void
check_taken(const uint8_t *data, size_t n)
{
	struct buf out = BUF_INIT(2 * HEAD_MAX);

	CHECK(whole.head_len <= n && whole.head_len <= HEAD_MAX);
	CHECK(whole.method.len > 0 && whole.target.len > 0);
	check_span(whole.method, " \t\r\n\0:", 6);
	check_span(whole.target, " \t\r\n\0#", 6);
	for (size_t i = 0; i < whole.field_count; i++) {
		CHECK(whole.fields[i].name.len > 0);
		check_span(whole.fields[i].name, " \t\r\n\0:", 6);
		check_span(whole.fields[i].value, "\r\n\0", 3);
	}
	write_anew(&out);
	CHECK(parse(&other, data, whole.head_len - 1, 0) == HTTP_MORE);
	CHECK(parse(&other, data, whole.head_len, whole.head_len - 1) == HTTP_OK);
	/* A blank line is put behind each colon, which can make the longest of heads too long. */
	if (buf_len(&out) <= HEAD_MAX) {
		CHECK(parse(&other, (uint8_t *)buf_data(&out), buf_len(&out), 0) == HTTP_OK);
		CHECK(other.body == whole.body && other.content_length == whole.content_length);
		CHECK(other.close == whole.close && other.expect_continue == whole.expect_continue);
		CHECK(other.field_count == whole.field_count && other.target.len == whole.target.len);
	}
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	enum http_result result = parse(&whole, data, n, 0);

	if (result == HTTP_OK)
		check_taken(data, n);
	if (n < 512)
		check_steps(data, n, 1, result);
	check_steps(data, n, 7, result);
	check_steps(data, n, n / 2 + 1, result);
	return 0;
}
