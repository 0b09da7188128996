/* SPDX-License-Identifier: MIT */
#include "edge/answer.h"

#include "test.h"

static const char sse_head[] = "{\"type\":\"head\",\"id\":1,\"status\":200,\"headers\":{\"content-type\":\"text/event-stream\","
                               "\"date\":\"D\",\"x-caf\\u00e9\":\"no token\",\"x\":\"\\u00e9\",\"connection\":\"close\"}}\n";
static const char two_lengths[] = "{\"type\":\"head\",\"id\":1,\"status\":999,\"headers\":{\"content-length\":\"x\","
                                  "\"content-length\":\"4\",\"Content-Length\":\"9\",\"date\":\"D\"}}\n";
static const char length_head[] =
    "{\"type\":\"head\",\"id\":1,\"status\":400,\"headers\":{\"content-length\":\"4\",\"date\":\"D\"}}\n";

/* Plays head, data (NULL: none) and end, and compares the octets, and what becomes of the connection. */
static bool
plays(struct answer a, const char *head, const char *data, const char *result, enum answer_end how, const char *want)
{
	struct buf out = BUF_INIT(4096), end_text = BUF_INIT(256);
	struct record record;
	const char *why;
	bool passed = true;

	EXPECT(record_parse(head, strlen(head), &record, &why) == RECORD_OK, why);
	EXPECT(answer_head(&a, &record, &out), "head");
	if (data != NULL)
		answer_data(&a, data, strlen(data), &out);
	buf_printf(&end_text, "{\"type\":\"end\",\"id\":1%s}\n", result);
	EXPECT(record_parse(buf_data(&end_text), buf_len(&end_text), &record, &why) == RECORD_OK, why);
	EXPECT(answer_end(&a, &record, DIALECT_ANTHROPIC, "req_1", &out) == how, "what becomes of the connection");
	EXPECT(strcmp(buf_str(&out), want) == 0, buf_str(&out));
	buf_free(&out);
	buf_free(&end_text);
	return passed;
}

/* A head that is none leaves no octet, so that an error can be answered in its place. */
static bool
leaves_nothing(const char *head)
{
	struct answer a = { .minor_version = 1 };
	struct buf out = BUF_INIT(4096);
	struct record record;
	const char *why;
	bool passed = true;

	EXPECT(record_parse(head, strlen(head), &record, &why) == RECORD_OK, why);
	EXPECT(!answer_head(&a, &record, &out) && !a.began && buf_len(&out) == 0, "nothing");
	buf_free(&out);
	return passed;
}

#define COMPLETE ",\"result\":\"complete\""
#define TRUNCATED ",\"result\":\"truncated\""
#define REFUSED ",\"result\":\"refused\""
#define SSE "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ndate: D\r\nx: \xe9\r\n"
#define FIXED "HTTP/1.1 400 Bad Request\r\ncontent-length: 4\r\ndate: D\r\n"

int
main(void)
{
	const struct answer http11 = { .minor_version = 1 }, closing = { .minor_version = 1, .close = true },
	                    http10 = { .minor_version = 0 }, head = { .minor_version = 1, .is_head = true };

	TEST(plays(http11, sse_head, "ab", COMPLETE, ANSWER_KEEP, SSE "transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"),
	    "an answer of unknown length is chunked; only what is a field passes");
	TEST(plays(http11, sse_head, "ab", TRUNCATED, ANSWER_BROKEN, SSE "transfer-encoding: chunked\r\n\r\n2\r\nab\r\n"),
	    "a broken one has no last chunk");
	TEST(plays(http11, sse_head, "ab", "", ANSWER_BROKEN, SSE "transfer-encoding: chunked\r\n\r\n2\r\nab\r\n"),
	    "an end without a result is a broken one");
	TEST(plays(closing, sse_head, "ab", COMPLETE, ANSWER_CLOSE,
	         SSE "transfer-encoding: chunked\r\nconnection: close\r\n\r\n2\r\nab\r\n0\r\n\r\n"),
	    "a client that wants to close is told so");
	TEST(plays(http10, sse_head, "ab", COMPLETE, ANSWER_CLOSE, SSE "connection: close\r\n\r\nab"),
	    "HTTP/1.0: the body ends with the connection");
	TEST(plays(http10, sse_head, "ab", TRUNCATED, ANSWER_RESET, SSE "connection: close\r\n\r\nab"),
	    "HTTP/1.0: only a reset tells that a body is broken");
	TEST(plays(http11, length_head, "abcd", REFUSED, ANSWER_KEEP, FIXED "\r\nabcd"), "a whole error keeps the connection");
	TEST(plays(http11, length_head, "abc", REFUSED, ANSWER_BROKEN, FIXED "\r\nabc"), "a body that is too short breaks");
	TEST(plays(http11, length_head, "abcde", REFUSED, ANSWER_BROKEN, FIXED "\r\nabcd"),
	    "of one that is too long no octet too many goes out, and it breaks");
	TEST(plays(head, length_head, "abcd", REFUSED, ANSWER_KEEP, FIXED "\r\n"), "HEAD: the length is told, no body follows");
	TEST(plays(http11, length_head, "abcd", ",\"reset\":true", ANSWER_RESET, FIXED "\r\nabcd"), "a reset is passed on");
	TEST(plays(http11, two_lengths, "abcd", COMPLETE, ANSWER_KEEP,
	         "HTTP/1.1 999 Unknown\r\ncontent-length: 4\r\ndate: D\r\n\r\nabcd"),
	    "of two lengths the first holds, and no status of three digits is strange");
	TEST(leaves_nothing("{\"type\":\"head\",\"id\":1,\"status\":199,\"headers\":{}}\n"), "an interim status");
	TEST(leaves_nothing("{\"type\":\"head\",\"id\":1,\"status\":200,\"headers\":[]}\n"), "headers that are none");
	TEST(leaves_nothing("{\"type\":\"head\",\"id\":1,\"status\":200,\"headers\":{\"a\":\"b\",\"c\":1}}\n"),
	    "a value that is no string, behind one that is");
	return test_exit();
}
