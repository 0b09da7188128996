/* SPDX-License-Identifier: MIT */
#include "upstream/headers.h"

#include "test.h"

static const struct {
	const char *headers;
	bool credentials;
	const char *lines;	/* with a line feed for each NUL */
} requests[] = {
	{ "{}", false, "" },
	{ "{\"accept\":\"a/b\",\"anthropic-beta\":\"x, y\"}", false, "accept: a/b\nanthropic-beta: x, y\n" },
	{ "{\"x\":\"\\u00e9\\t1\"}", false, "x: \xe9\t1\n" },
	{ "{\"x\":\"\"}", false, "x;\n" },
	{ "{\"x\":\"a\\r\\nb: c\"}", false, "" },
	{ "{\"x\":\"a\\u0000b\"}", false, "" },
	{ "{\"x\":\"\\u20ac\"}", false, "" },
	{ "{\"x y\":\"1\",\"\":\"2\",\"x:\":\"3\",\"z\":4}", false, "" },
	{ "{\"authorization\":\"a\",\"X-Api-Key\":\"b\",\"api-key\":\"c\",\"x-goog-api-key\":\"d\"}", false, "" },
	{ "{\"authorization\":\"a\",\"x-api-key\":\"b\",\"proxy-authorization\":\"c\"}", true,
	    "authorization: a\nx-api-key: b\n" },
	{ "{\"connection\":\"close,x-a , X-B\",\"x-a\":\"1\",\"x-b\":\"2\",\"x-c\":\"3\",\"close\":\"4\"}", true, "x-c: 3\n" },
	{ "{\"connection\":\"authorization\",\"authorization\":\"a\"}", true, "" },
	{ "{\"host\":\"h\",\"Content-Length\":\"1\",\"expect\":\"e\",\"accept-encoding\":\"gzip\"}", true, "" },
	{ "{\"cookie\":\"c\",\"origin\":\"o\",\"referer\":\"r\",\"via\":\"v\",\"forwarded\":\"f\",\"x-real-ip\":\"i\"}", true, "" },
	{ "{\"x-forwarded-for\":\"1\",\"X-Forwarded-Anything\":\"2\",\"x-forwarded\":\"3\"}", true, "x-forwarded: 3\n" },
	{ "{\"te\":\"t\",\"trailer\":\"t\",\"transfer-encoding\":\"chunked\",\"upgrade\":\"h2c\",\"keep-alive\":\"1\"}", true, "" },
};

/* The lines with a line feed for each NUL. */
static const char *
readable(struct buf *lines)
{
	for (size_t i = 0; i < buf_len(lines); i++)
		if (buf_data(lines)[i] == '\0')
			buf_data(lines)[i] = '\n';
	return buf_str(lines);
}

static void
test_requests(void)
{
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		struct test_page page = test_page(requests[i].headers, strlen(requests[i].headers));
		struct buf lines = BUF_INIT(4096);

		headers_put_request(&lines, (struct json){ page.text, strlen(requests[i].headers) }, requests[i].credentials);
		TEST(strcmp(readable(&lines), requests[i].lines) == 0, requests[i].headers);
		buf_free(&lines);
		test_page_free(page);
	}
}

static void
test_have(void)
{
	static const char lines[] = "accept: x\0x-empty;\0";

	TEST(headers_have(lines, sizeof lines - 1, "accept") && headers_have(lines, sizeof lines - 1, "x-empty"),
	    "a field that is there is found");
	TEST(!headers_have(lines, sizeof lines - 1, "acc") && !headers_have(lines, sizeof lines - 1, "accept-x") &&
		!headers_have(NULL, 0, "accept"),
	    "one that is not is not");
}

static const struct {
	const char *lines;	/* as they came, each with its line feed */
	const char *members;
} responses[] = {
	{ "Content-Type: text/plain\r\n", "\"content-type\":\"text/plain\"" },
	{ "content-type:a\nContent-Type: b\n", "\"content-type\":\"a\"" },
	{ "X-RateLimit-A: 1\r\nrequest-id: r\r\nx-ratelimit-a:2\r\n", "\"x-ratelimit-a\":\"1, 2\",\"request-id\":\"r\"" },
	{ "anthropic-x: 1\r\nAnthropic-X: \"2\"\r\nanthropic-x: 3\r\n", "\"anthropic-x\":\"1, \\\"2\\\", 3\"" },
	{ "Set-Cookie: a\r\nServer: b\r\nConnection: c\r\nLocation: d\r\nContent-Encoding: e\r\n", "" },
	{ "retry-after: 60\r\n", "\"retry-after\":\"60\"" },
	{ "retry-after: 61\r\n", "\"retry-after\":\"60\"" },
	{ "Retry-After: 99999999999999999999999\r\n", "\"retry-after\":\"60\"" },
	{ "retry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "" },
	{ "retry-after: 1.5\r\nretry-after: 7\r\n", "" },
	{ "retry-after: 3\r\nretry-after: 7\r\n", "\"retry-after\":\"3\"" },
	{ "retry-after-ms: 60001\r\n", "\"retry-after-ms\":\"60000\"" },
	{ "request-id:\r\n", "\"request-id\":\"\"" },
	{ "request-id: \xff\r\n", "\"request-id\":\"\\u00ff\"" },
	{ "request-id : x\r\nrequest-id\r\n: x\r\n", "" },
	{ "request-id: a\x01" "b\r\n", "" },
};

static void
test_responses(void)
{
	for (size_t i = 0; i < sizeof responses / sizeof *responses; i++) {
		struct buf lines = BUF_INIT(4096), out = BUF_INIT(4096);

		for (const char *line = responses[i].lines; *line != '\0'; line = strchr(line, '\n') + 1) {
			struct test_page page = test_page(line, (size_t)(strchr(line, '\n') + 1 - line));

			headers_keep_response(&lines, page.text, (size_t)(strchr(line, '\n') + 1 - line));
			test_page_free(page);
		}
		headers_put_members(&out, buf_data(&lines), buf_len(&lines));
		TEST(strcmp(buf_str(&out), responses[i].members) == 0, responses[i].lines);
		buf_free(&lines);
		buf_free(&out);
	}
}

static void
test_typed(void)
{
	static const char lines[] = "request-id: r\0content-type: a\0x: \0content-type: b\0";
	struct buf out = BUF_INIT(4096);

	TEST(strcmp(headers_find(lines, sizeof lines - 1, "content-type"), "a") == 0 &&
		*headers_find(lines, sizeof lines - 1, "x") == '\0' &&
		headers_find(lines, sizeof lines - 1, "content") == NULL && headers_find(NULL, 0, "x") == NULL,
	    "the first value of a field");
	headers_put_typed(&out, lines, sizeof lines - 1, "t/u");
	TEST(strcmp(readable(&out), "content-type: t/u\nrequest-id: r\nx: \n") == 0, "another type for an answer");
	buf_free(&out);
}

int
main(void)
{
	test_requests();
	test_have();
	test_responses();
	test_typed();
	return test_exit();
}
