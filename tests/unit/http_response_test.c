/* SPDX-License-Identifier: MIT */
#include "http/response.h"

#include <stdint.h>
#include <time.h>

#include "test.h"

static const struct {
	int status;
	const char *line;
} statuses[] = {
	{ 100, "HTTP/1.1 100 Continue\r\n" },
	{ 200, "HTTP/1.1 200 OK\r\n" },
	{ 204, "HTTP/1.1 204 No Content\r\n" },
	{ 304, "HTTP/1.1 304 Not Modified\r\n" },
	{ 400, "HTTP/1.1 400 Bad Request\r\n" },
	{ 401, "HTTP/1.1 401 Unauthorized\r\n" },
	{ 403, "HTTP/1.1 403 Forbidden\r\n" },
	{ 404, "HTTP/1.1 404 Not Found\r\n" },
	{ 405, "HTTP/1.1 405 Method Not Allowed\r\n" },
	{ 408, "HTTP/1.1 408 Request Timeout\r\n" },
	{ 413, "HTTP/1.1 413 Content Too Large\r\n" },
	{ 414, "HTTP/1.1 414 URI Too Long\r\n" },
	{ 417, "HTTP/1.1 417 Expectation Failed\r\n" },
	{ 429, "HTTP/1.1 429 Too Many Requests\r\n" },
	{ 431, "HTTP/1.1 431 Request Header Fields Too Large\r\n" },
	{ 500, "HTTP/1.1 500 Internal Server Error\r\n" },
	{ 501, "HTTP/1.1 501 Not Implemented\r\n" },
	{ 502, "HTTP/1.1 502 Bad Gateway\r\n" },
	{ 503, "HTTP/1.1 503 Service Unavailable\r\n" },
	{ 504, "HTTP/1.1 504 Gateway Timeout\r\n" },
	{ 505, "HTTP/1.1 505 HTTP Version Not Supported\r\n" },
	{ 529, "HTTP/1.1 529 Overloaded\r\n" },
	{ 299, "HTTP/1.1 299 Unknown\r\n" },
	{ 599, "HTTP/1.1 599 Unknown\r\n" },
};

#define TEXT(T) T, sizeof(T) - 1

static const struct {
	const char *name;
	size_t name_len;
	const char *value;
	size_t value_len;
	const char *line;	/* NULL: it is not written */
} fields[] = {
	{ TEXT("content-type"), TEXT("application/json"), "content-type: application/json\r\n" },
	{ TEXT("X-A!#$%&'*+-.^_`|~1"), TEXT("a\tb \"c\""), "X-A!#$%&'*+-.^_`|~1: a\tb \"c\"\r\n" },
	{ TEXT("a"), TEXT(""), "a: \r\n" },
	{ TEXT("a"), TEXT("\xc3\xa9\xff"), "a: \xc3\xa9\xff\r\n" },
	{ TEXT("trailers"), TEXT("a"), "trailers: a\r\n" },
	{ TEXT("content-length"), TEXT("3"), "content-length: 3\r\n" },
	/* Another line, another response */
	{ TEXT("a"), TEXT("b\r\nc: d"), NULL },
	{ TEXT("a"), TEXT("b\nc"), NULL },
	{ TEXT("a"), TEXT("b\rc"), NULL },
	{ TEXT("a"), TEXT("b\r\n"), NULL },
	{ TEXT("a"), TEXT("b\0"), NULL },
	{ TEXT("a"), TEXT("b\x0b"), NULL },
	{ TEXT("a"), TEXT("\x7f"), NULL },
	{ TEXT(""), TEXT("b"), NULL },
	{ TEXT("a b"), TEXT("c"), NULL },
	{ TEXT("a:"), TEXT("c"), NULL },
	{ TEXT("a\r\nb"), TEXT("c"), NULL },
	{ TEXT("a\0"), TEXT("c"), NULL },
	{ TEXT("a\xc3\xa9"), TEXT("c"), NULL },
	{ TEXT("(a)"), TEXT("c"), NULL },
	/* For the connection's writer to say */
	{ TEXT("connection"), TEXT("close"), NULL },
	{ TEXT("Connection"), TEXT("x"), NULL },
	{ TEXT("Keep-Alive"), TEXT("timeout=5"), NULL },
	{ TEXT("TRANSFER-ENCODING"), TEXT("chunked"), NULL },
	{ TEXT("te"), TEXT("trailers"), NULL },
	{ TEXT("trailer"), TEXT("a"), NULL },
	{ TEXT("upgrade"), TEXT("h2c"), NULL },
	{ TEXT("proxy-connection"), TEXT("close"), NULL },
};

static void
test_status(void)
{
	struct buf out = BUF_INIT(4096);
	bool passed = true;

	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
		buf_clear(&out);
		http_put_status(&out, statuses[i].status);
		EXPECT(strcmp(buf_str(&out), statuses[i].line) == 0, statuses[i].line);
	}
	TEST(passed, "status lines");
	buf_free(&out);
}

static void
test_fields(void)
{
	struct buf out = BUF_INIT(4096);

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		struct test_page name = test_page(fields[i].name, fields[i].name_len);
		struct test_page value = test_page(fields[i].value, fields[i].value_len);
		bool passed = true, written;

		buf_clear(&out);
		written = http_put_field(&out, name.text, fields[i].name_len, value.text, fields[i].value_len);
		EXPECT(written == (fields[i].line != NULL), "whether it is written");
		EXPECT(strcmp(buf_str(&out), fields[i].line ? fields[i].line : "") == 0, "what is written");
		TEST(passed, fields[i].line ? fields[i].line : fields[i].name);
		test_page_free(name);
		test_page_free(value);
	}
	buf_free(&out);
}

/* The date of now, by the C library in the C locale, before and after: one of them it must be. */
static void
test_date(void)
{
	char before[64], after[64];
	struct buf out = BUF_INIT(4096);
	time_t now = time(NULL);

	strftime(before, sizeof before, "date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime(&now));
	http_put_date(&out);
	now = time(NULL);
	strftime(after, sizeof after, "date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime(&now));
	TEST(strcmp(buf_str(&out), before) == 0 || strcmp(buf_str(&out), after) == 0, "the date is now");
	buf_clear(&out);
	http_put_date(&out);
	TEST(buf_len(&out) == 37, "and it is there a second time");
	buf_free(&out);
}

static void
test_framing(void)
{
	static char large[0x12345];
	struct buf out = BUF_INIT(1 << 20);

	http_put_close(&out);
	http_put_chunked(&out);
	http_put_length(&out, 0);
	http_put_length(&out, SIZE_MAX);
	http_put_head_end(&out);
	TEST(strcmp(buf_str(&out), "connection: close\r\ntransfer-encoding: chunked\r\ncontent-length: 0\r\n"
	    "content-length: 18446744073709551615\r\n\r\n") == 0, "the connection's own fields");
	buf_clear(&out);
	http_put_chunk(&out, "hello", 5);
	http_put_chunk(&out, "", 0);
	http_put_chunk(&out, "0123456789abcdef", 16);
	http_put_last_chunk(&out);
	TEST(strcmp(buf_str(&out), "5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n") == 0,
	    "chunks, none of them empty");
	buf_clear(&out);
	http_put_chunk(&out, large, sizeof large);
	TEST(buf_len(&out) == 7 + sizeof large + 2 && memcmp(buf_data(&out), "12345\r\n", 7) == 0, "a large chunk");
	buf_free(&out);
}

static void
test_no_body(void)
{
	TEST(http_has_no_body("HEAD", 4, 200) && !http_has_no_body("GET", 3, 200), "HEAD has no body");
	TEST(!http_has_no_body("head", 4, 200) && !http_has_no_body("HEADS", 5, 200) && !http_has_no_body("HEA", 3,
	    200),
	    "another method is not HEAD");
	TEST(http_has_no_body("GET", 3, 100) && http_has_no_body("GET", 3, 199) && http_has_no_body("GET", 3, 204) &&
	    http_has_no_body("GET", 3, 304), "nor has 1xx, 204, 304");
	TEST(!http_has_no_body("GET", 3, 205) && !http_has_no_body("GET", 3, 404) && !http_has_no_body("GET", 3, 99),
	    "others have");
}

int
main(void)
{
	test_status();
	test_fields();
	test_date();
	test_framing();
	test_no_body();
	return test_exit();
}
