/* SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "base/limits.h"
#include "http/request.h"
#include "test.h"

#define BODY(TEXT) TEXT, sizeof(TEXT) - 1

static const struct {
	const char *text;
	size_t n;
	const char *content;
	size_t behind;	/* octets behind the body */
} taken[] = {
	{ BODY("0\r\n\r\n"), "", 0 },
	{ BODY("5\r\nhello\r\n0\r\n\r\n"), "hello", 0 },
	{ BODY("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), "hello world", 0 },
	{ BODY("5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), "hello", 16 },
	{ BODY("0\r\n\r\n\r\n"), "", 2 },
	{ BODY("000000000000000A\r\n0123456789\r\n0000\r\n\r\n"), "0123456789", 0 },
	{ BODY("1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n"), "abcdefghijklmnopqrstuvwxyz", 0 },
	{ BODY("5\r\n0\r\n\r\n\r\n0\r\n\r\n"), "0\r\n\r\n", 0 },
	{ BODY("1;a\r\nx\r\n2;b=c;d=\"e;\\\" f\\\\\"\r\nyz\r\n0;g\r\n\r\n"), "xyz", 0 },
	{ BODY("1;\xc3\xa9 \t\r\nx\r\n0\r\n\r\n"), "x", 0 },
	{ BODY("1\r\nx\r\n0\r\nA: b\r\nContent-Length:7\r\nC:\r\n\r\n"), "x", 0 },
};

/* Bodies that are refused, at the latest with their last octet. */
static const struct {
	const char *text;
	size_t n;
} refused[] = {
	/* Sizes */
	{ BODY("\r") },
	{ BODY("\n") },
	{ BODY(";") },
	{ BODY("g") },
	{ BODY("0x") },
	{ BODY("+") },
	{ BODY("-") },
	{ BODY(" ") },
	{ BODY("5 ") },
	{ BODY("5\t") },
	{ BODY("5,") },
	{ BODY("5_") },
	{ BODY("5\0") },
	{ BODY("5.") },
	{ BODY("\xb5") },
	{ BODY("00000000000000005") },
	{ BODY("10000000000000000") },
	{ BODY("1\r\nx\r\nffffffffffffffff\r") },
	/* Line ends */
	{ BODY("5\n") },
	{ BODY("5\r\r") },
	{ BODY("5\rh") },
	{ BODY("5\r\nhello\n") },
	{ BODY("5\r\nhello\r\r") },
	{ BODY("5\r\nhello!") },
	{ BODY("5\r\nhello0") },
	{ BODY("5\r\nhello\r\n\r") },
	{ BODY("0\n") },
	{ BODY("0\r\n\n") },
	{ BODY("0\r\n\rx") },
	/* Extensions */
	{ BODY("5;a\n") },
	{ BODY("5;a\rb") },
	{ BODY("5;a\0") },
	{ BODY("5;a\x7f") },
	{ BODY("5;\n") },
	{ BODY("5;a=\"\r") },
	{ BODY("5;a=\"\\\r") },
	{ BODY("5;a=\"\\\"\r") },
	{ BODY("5;a=\"b\n") },
	/* Trailers */
	{ BODY("0\r\n ") },
	{ BODY("0\r\nA: b\r\n ") },
	{ BODY("0\r\nA: b\r\n\t") },
	{ BODY("0\r\nA ") },
	{ BODY("0\r\nA\r") },
	{ BODY("0\r\n:") },
	{ BODY("0\r\nA: b\n") },
	{ BODY("0\r\nA: b\r\r") },
	{ BODY("0\r\nA: b\0") },
	{ BODY("0\r\nA: b\r\n\n") },
};

/* Decodes the `n` octets at `text`, which end where memory does, onto `content`. `*used` counts up. */
static enum http_result
decode(struct http_chunked *chunked, const char *text, size_t n, struct buf *content, size_t *used)
{
	struct test_page page = test_page(text, n);
	size_t taken_now, len;
	enum http_result result;

	if (mprotect(page.map, page.size - (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE) != 0)
		abort();
	result = http_chunked_decode(chunked, page.text, n, &taken_now, &len);
	buf_put(content, page.text, len);
	*used += taken_now;
	test_page_free(page);
	return result;
}

/* The same in two parts, the first of `k` octets. */
static enum http_result
decode_split(const char *text, size_t n, size_t k, struct buf *content, size_t *used, struct http_chunked *chunked)
{
	enum http_result result;

	*chunked = (struct http_chunked){ 0 };
	*used = 0;
	buf_clear(content);
	result = decode(chunked, text, k, content, used);
	if (result == HTTP_MORE && *used == k)
		result = decode(chunked, text + k, n - k, content, used);
	return result;
}

static enum http_result
decode_bytes(const char *text, size_t n, struct buf *content, size_t *used, struct http_chunked *chunked)
{
	enum http_result result = HTTP_MORE;

	*chunked = (struct http_chunked){ 0 };
	buf_clear(content);
	for (*used = 0; *used < n && result == HTTP_MORE;)
		result = decode(chunked, text + *used, 1, content, used);
	return result;
}

static bool
is(const struct buf *content, const char *want)
{
	return buf_len(content) == strlen(want) && (buf_len(content) == 0 || memcmp(buf_data(content), want,
	    strlen(want)) == 0);
}

static void
test_taken(void)
{
	struct buf content = BUF_INIT(4096);
	struct http_chunked chunked;

	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
		size_t n = taken[i].n, end = n - taken[i].behind, used;
		const char *want = taken[i].content;
		bool passed = true;

		for (size_t k = 0; k <= n; k++) {
			EXPECT(decode_split(taken[i].text, n, k, &content, &used, &chunked) == HTTP_OK, "in two parts");
			EXPECT(used == end && is(&content, want) && chunked.total == strlen(want),
			    "what comes in two parts");
		}
		EXPECT(decode_bytes(taken[i].text, n, &content, &used, &chunked) == HTTP_OK, "byte by byte");
		EXPECT(used == end && is(&content, want), "what comes byte by byte");
		EXPECT(decode(&chunked, "x", 1, &content, &used) == HTTP_OK && used == end, "it stays at its end");
		TEST(passed, taken[i].text);
	}
	buf_free(&content);
}

static void
test_refused(void)
{
	struct buf content = BUF_INIT(4096);
	struct http_chunked chunked;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		const char *text = refused[i].text;
		size_t n = refused[i].n, used;
		bool passed = true;

		EXPECT(decode_split(text, n, n - 1, &content, &used, &chunked) == HTTP_BAD, "in two parts");
		EXPECT(decode_split(text, n - 1, 0, &content, &used, &chunked) == HTTP_MORE,
		    "only its last octet is wrong");
		for (size_t k = 0; k <= n; k++)
			EXPECT(decode_split(text, n, k, &content, &used, &chunked) == HTTP_BAD, "in two parts");
		EXPECT(decode_bytes(text, n, &content, &used, &chunked) == HTTP_BAD && used == n, "byte by byte");
		EXPECT(chunked.why != NULL, "a reason");
		EXPECT(decode(&chunked, "0\r\n\r\n", 5, &content, &used) == HTTP_BAD, "it stays refused");
		TEST(passed, text);
	}
	buf_free(&content);
}

/* How many octets of `text` were taken until it was refused; 0 if it was not. */
static size_t
refused_at(const struct buf *text)
{
	struct buf content = BUF_INIT(16 * MIB);
	struct http_chunked chunked = { 0 };
	size_t used = 0;
	enum http_result result = decode(&chunked, buf_data(text), buf_len(text), &content, &used);

	buf_free(&content);
	return result == HTTP_BAD ? used : 0;
}

static void
put_many(struct buf *out, char c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_putc(out, c);
}

static void
test_limits(void)
{
	struct buf text = BUF_INIT(16 * MIB);
	size_t chunks = 0;

	buf_puts(&text, "1;");
	put_many(&text, 'a', CHUNK_LINE_MAX - 2);
	buf_puts(&text, "\r\nx\r\n0\r\n\r\n");
	TEST(refused_at(&text) == 0, "the longest size line is read");
	buf_clear(&text);
	buf_puts(&text, "1;");
	put_many(&text, 'a', CHUNK_LINE_MAX);
	TEST(refused_at(&text) == CHUNK_LINE_MAX + 1, "a longer one is refused before its end");

	buf_clear(&text);
	buf_puts(&text, "0\r\nA:");
	put_many(&text, 'a', TRAILERS_MAX - 6);
	buf_puts(&text, "\r\n\r\n");
	TEST(refused_at(&text) == 0, "the longest trailer section is read");
	buf_consume(&text, buf_len(&text));
	buf_puts(&text, "0\r\n");
	while (buf_len(&text) < 3 + TRAILERS_MAX + 100)
		buf_puts(&text, "A: b\r\n");
	TEST(refused_at(&text) == 3 + TRAILERS_MAX + 1, "a longer one is refused before its end");

	buf_clear(&text);
	for (; chunks < 20000; chunks++)
		buf_puts(&text, "1;abcdef\r\nx\r\n");
	TEST(refused_at(&text) > CHUNK_EXTENSIONS_MAX && refused_at(&text) < 3 * CHUNK_EXTENSIONS_MAX,
	    "a body that is mostly extensions is refused");
	buf_clear(&text);
	for (chunks = 0; chunks < 20000; chunks++)
		buf_puts(&text, "10;abcdef\r\n0123456789abcdef\r\n");
	buf_puts(&text, "0\r\n\r\n");
	TEST(refused_at(&text) == 0, "one with as many, but more content, is read");
	buf_free(&text);
}

/* A size up to 2^64-1 is read as what it is: it is for the caller to refuse what is too much. */
static void
test_huge(void)
{
	char text[] = "ffffffffffffffff\r\nab";
	struct http_chunked chunked = { 0 };
	size_t used, len;

	TEST(http_chunked_decode(&chunked, text, sizeof text - 1, &used, &len) == HTTP_MORE && len == 2 &&
	    chunked.left == UINT64_MAX - 2 && chunked.total == 2, "a chunk of 2^64-1 octets");
}

int
main(void)
{
	test_taken();
	test_refused();
	test_limits();
	test_huge();
	return test_exit();
}
