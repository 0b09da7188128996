/* SPDX-License-Identifier: MIT */
#include "http/request.h"

#include "base/buf.h"
#include "test.h"

#define HEAD(TEXT) TEXT, sizeof(TEXT) - 1
#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

/*
 * Requests that are taken. `want` is method, target, minor version, body, whether the connection closes, whether
 * 100-continue is expected, how many fields; then each field after a bar, as name=value.
 */
static const struct {
	const char *text;
	size_t n;
	const char *want;
} taken[] = {
	{ HEAD("GET / HTTP/1.1\r\nHost: localhost:9000\r\n\r\n"), "GET / 1 none |Host=localhost:9000" },
	{ HEAD("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "GET / 1 none |Host=a" },
	{ HEAD("POST /v1/messages?beta=true HTTP/1.1\r\nhost: a\r\nX-Api-Key:k\r\nA:\t b c \t\r\n"
	    "Content-Length: 12\r\n\r\n"),
	    "POST /v1/messages?beta=true 1 12 |host=a|X-Api-Key=k|A=b c|Content-Length=12" },
	{ HEAD(POST "TRANSFER-ENCODING: Chunked\r\n\r\n"), "POST / 1 chunked |Host=a|TRANSFER-ENCODING=Chunked" },
	{ HEAD(POST "Content-Length: 0\r\n\r\n"), "POST / 1 0 |Host=a|Content-Length=0" },
	{ HEAD(POST "Content-Length: 18446744073709551615\r\n\r\n"),
	    "POST / 1 18446744073709551615 |Host=a|Content-Length=18446744073709551615" },
	{ HEAD(POST "Content-Length: 007\r\n\r\n"), "POST / 1 7 |Host=a|Content-Length=007" },
	/* The end of the connection */
	{ HEAD(GET "Connection: close\r\n\r\n"), "GET / 1 none close |Host=a|Connection=close" },
	{ HEAD(GET "Connection: keep-alive, ,CLOSE\r\n\r\n"),
	    "GET / 1 none close |Host=a|Connection=keep-alive, ,CLOSE" },
	{ HEAD(GET "Connection: TE\r\nConnection: close\r\n\r\n"),
	    "GET / 1 none close |Host=a|Connection=TE|Connection=close" },
	{ HEAD(GET "Connection: closed\r\n\r\n"), "GET / 1 none |Host=a|Connection=closed" },
	{ HEAD(GET "Connection:\r\n\r\n"), "GET / 1 none |Host=a|Connection=" },
	{ HEAD("GET / HTTP/1.0\r\n\r\n"), "GET / 0 none close " },
	{ HEAD("GET / HTTP/1.0\r\nHost: a\r\n\r\n"), "GET / 0 none close |Host=a" },
	{ HEAD("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), "GET / 0 none |Connection=Keep-Alive" },
	{ HEAD("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"),
	    "GET / 0 none close |Connection=keep-alive, close" },
	{ HEAD("POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\n"), "POST / 0 3 close |Content-Length=3" },
	/* 100-continue: only with a body, and only from HTTP/1.1 */
	{ HEAD(POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n"),
	    "POST / 1 1 continue |Host=a|Expect=100-Continue|Content-Length=1" },
	{ HEAD(POST "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    "POST / 1 chunked continue |Host=a|Expect=100-continue|Transfer-Encoding=chunked" },
	{ HEAD(POST "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n"),
	    "POST / 1 0 |Host=a|Expect=100-continue|Content-Length=0" },
	{ HEAD(GET "Expect: 100-continue\r\n\r\n"), "GET / 1 none |Host=a|Expect=100-continue" },
	{ HEAD("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"),
	    "POST / 0 1 close |Expect=100-continue|Content-Length=1" },
	/* Methods are names, whatever their case */
	{ HEAD("get / HTTP/1.1\r\nHost: a\r\n\r\n"), "get / 1 none |Host=a" },
	{ HEAD("connect / HTTP/1.1\r\nHost: a\r\n\r\n"), "connect / 1 none |Host=a" },
	{ HEAD("!#$%&'*+-.^_`|~ / HTTP/1.1\r\nHost: a\r\n\r\n"), "!#$%&'*+-.^_`|~ / 1 none |Host=a" },
	/* Targets */
	{ HEAD("GET /a%2F%c3%A9-._~!$&'()*+,;=:@/?/?%20 HTTP/1.1\r\nHost: a\r\n\r\n"),
	    "GET /a%2F%c3%A9-._~!$&'()*+,;=:@/?/?%20 1 none |Host=a" },
	{ HEAD("GET //a HTTP/1.1\r\nHost: a\r\n\r\n"), "GET //a 1 none |Host=a" },
	{ HEAD("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), "OPTIONS * 1 none |Host=a" },
	{ HEAD("GET http://A.b:80/c?d HTTP/1.1\r\nHost: a.B:80\r\n\r\n"), "GET /c?d 1 none |Host=a.B:80" },
	{ HEAD("GET HTTP://a HTTP/1.1\r\nHost: a\r\n\r\n"), "GET / 1 none |Host=a" },
	{ HEAD("GET http://[::1]:9000/ HTTP/1.1\r\nHost: [::1]:9000\r\n\r\n"), "GET / 1 none |Host=[::1]:9000" },
	{ HEAD("GET http://a/b HTTP/1.0\r\n\r\n"), "GET /b 0 none close " },
	/* Hosts */
	{ HEAD("GET / HTTP/1.1\r\nHost:127.0.0.1\r\n\r\n"), "GET / 1 none |Host=127.0.0.1" },
	{ HEAD("GET / HTTP/1.1\r\nHost: [::ffff:127.0.0.1]:65535\r\n\r\n"),
	    "GET / 1 none |Host=[::ffff:127.0.0.1]:65535" },
	{ HEAD("GET / HTTP/1.1\r\nHost: my_host-1.example.:00080\r\n\r\n"),
	    "GET / 1 none |Host=my_host-1.example.:00080" },
	/* Values */
	{ HEAD(GET "A: \"\xc3\xa9\xff\" \t(\\)\r\nB:\r\nC: \t \r\n\r\n"),
	    "GET / 1 none |Host=a|A=\"\xc3\xa9\xff\" \t(\\)|B=|C=" },
	{ HEAD(GET "A:: b:c\r\nA: 2\r\n\r\n"), "GET / 1 none |Host=a|A=: b:c|A=2" },
	{ HEAD(GET "Content_Length: x\r\nTransfer-Encodings: y\r\n\r\n"),
	    "GET / 1 none |Host=a|Content_Length=x|Transfer-Encodings=y" },
};

/* Requests that are refused, each with its status. */
static const struct {
	int status;
	const char *text;
	size_t n;
} refused[] = {
	/* The request line */
	{ 400, HEAD("GET /\r\n\r\n") },
	{ 400, HEAD("\r\n\r\nGET / HTTP/1.1\r\n") },
	{ 400, HEAD(" GET / HTTP/1.1\r\n") },
	{ 400, HEAD("GET  / HTTP/1.1\r\n") },
	{ 400, HEAD("GET /  HTTP/1.1\r\n") },
	{ 400, HEAD("GET\t/ HTTP/1.1\r\n") },
	{ 400, HEAD("GET / HTTP/1.1 \r\n") },
	{ 400, HEAD("GET / \r\n") },
	{ 400, HEAD("GET\r\n") },
	{ 400, HEAD("G(T / HTTP/1.1\r\n") },
	{ 400, HEAD("G\xc3\x89T / HTTP/1.1\r\n") },
	{ 400, HEAD("GET / http/1.1\r\n") },
	{ 400, HEAD("GET / HTTP/1\r\n") },
	{ 400, HEAD("GET / HTTP/1.10\r\n") },
	{ 400, HEAD("GET / HTTP/01.1\r\n") },
	{ 400, HEAD("GET / HTTP/1,1\r\n") },
	{ 400, HEAD("GET / HTTP/+.1\r\n") },
	{ 400, HEAD("GET / HTTPS/1.1\r\n") },
	{ 400, HEAD("GET / HTTP/1.1x\r\n") },
	{ 400, HEAD("GET / a HTTP/1.1\r\n") },
	{ 400, HEAD("\x16\x03\x01\x02") },
	{ 505, HEAD("GET / HTTP/0.9\r\n") },
	{ 505, HEAD("GET / HTTP/1.2\r\n") },
	{ 505, HEAD("GET / HTTP/2.0\r\n") },
	{ 505, HEAD("GET / HTTP/3.1\r\n") },
	{ 505, HEAD("PRI * HTTP/2.0\r\n") },
	/* The target */
	{ 400, HEAD("GET v1 HTTP/1.1\r\n") },
	{ 400, HEAD("GET ?a HTTP/1.1\r\n") },
	{ 400, HEAD("GET * HTTP/1.1\r\n") },
	{ 400, HEAD("options * HTTP/1.1\r\n") },
	{ 400, HEAD("OPTIONS ** HTTP/1.1\r\n") },
	{ 400, HEAD("CONNECT a:80 HTTP/1.1\r\n") },
	{ 400, HEAD("CONNECT / HTTP/1.1\r\n") },
	{ 400, HEAD("GET a:80 HTTP/1.1\r\n") },
	{ 400, HEAD("GET /a#b HTTP/1.1\r\n") },
	{ 400, HEAD("GET /\xc3\xa9 HTTP/1.1\r\n") },
	{ 400, HEAD("GET /a\\b HTTP/1.1\r\n") },
	{ 400, HEAD("GET /\"<> HTTP/1.1\r\n") },
	{ 400, HEAD("GET /a[0] HTTP/1.1\r\n") },
	{ 400, HEAD("GET /% HTTP/1.1\r\n") },
	{ 400, HEAD("GET /%1 HTTP/1.1\r\n") },
	{ 400, HEAD("GET /%1g HTTP/1.1\r\n") },
	{ 400, HEAD("GET /%u0041 HTTP/1.1\r\n") },
	{ 400, HEAD("GET https://a/ HTTP/1.1\r\n") },
	{ 400, HEAD("GET http:// HTTP/1.1\r\n") },
	{ 400, HEAD("GET http:/// HTTP/1.1\r\n") },
	{ 400, HEAD("GET http:/a HTTP/1.1\r\n") },
	{ 400, HEAD("GET http://a?b HTTP/1.1\r\n") },
	{ 400, HEAD("GET http://b@a/ HTTP/1.1\r\nHost: a\r\n\r\n") },
	{ 400, HEAD("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n") },
	{ 400, HEAD("GET http://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n") },
	{ 400, HEAD("GET http://a/ HTTP/1.1\r\nHost: A\x01\r\n\r\n") },
	{ 400, HEAD("GET http://a/ HTTP/1.1\r\n\r\n") },
	/* Line ends and control characters */
	{ 400, HEAD("\nGET / HTTP/1.1\r\n") },
	{ 400, HEAD("\rGET / HTTP/1.1\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\r\n") },
	{ 400, HEAD("GET /\rX HTTP/1.1\r\n") },
	{ 400, HEAD("GET /\0 HTTP/1.1\r\n") },
	{ 400, HEAD(GET "A: b\n") },
	{ 400, HEAD(GET "A: b\nB: c\r\n\r\n") },
	{ 400, HEAD(GET "A: b\rB: c\r\n\r\n") },
	{ 400, HEAD(GET "A: b\r\r\n\r\n") },
	{ 400, HEAD(GET "\n") },
	{ 400, HEAD(GET "\rX") },
	{ 400, HEAD(GET "A: b\0\r\n\r\n") },
	{ 400, HEAD(GET "A\0: b\r\n\r\n") },
	{ 400, HEAD(GET "A: b\x0b\r\n\r\n") },
	{ 400, HEAD(GET "A: a long enough value\x1f\r\n\r\n") },
	{ 400, HEAD(GET "A: b\x7f\r\n\r\n") },
	{ 400, HEAD(GET "Transfer-Encoding:\x0b" "chunked\r\n\r\n") },
	/* Field lines */
	{ 400, HEAD(GET "A: b\r\n c\r\n\r\n") },
	{ 400, HEAD(GET "A: b\r\n\tc\r\n\r\n") },
	{ 400, HEAD(GET "A: b\r\n \r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\n Host: a\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\n\tA: b\r\nHost: a\r\n\r\n") },
	{ 400, HEAD(GET "A : b\r\n\r\n") },
	{ 400, HEAD(GET "A\t: b\r\n\r\n") },
	{ 400, HEAD(GET "Content-Length : 1\r\n\r\n") },
	{ 400, HEAD(GET "Transfer-Encoding : chunked\r\n\r\n") },
	{ 400, HEAD(GET "A b: c\r\n\r\n") },
	{ 400, HEAD(GET "A\r\n\r\n") },
	{ 400, HEAD(GET ": b\r\n\r\n") },
	{ 400, HEAD(GET ":\r\n\r\n") },
	{ 400, HEAD(GET "A\xe9: b\r\n\r\n") },
	{ 400, HEAD(GET "\"A\": b\r\n\r\n") },
	{ 400, HEAD(GET "A;: b\r\n\r\n") },
	/* Host */
	{ 400, HEAD("GET / HTTP/1.1\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHosts: a\r\n\r\n") },
	{ 400, HEAD(GET "Host: a\r\n\r\n") },
	{ 400, HEAD(GET "HOST: b\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.0\r\nHost: a b\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost:\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: \t\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: b@a\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: http://a\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: a%00\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: :80\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: a:\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: a:x\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: a:-1\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: a:000080\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: ::1\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: []\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: [a]\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: [::1]80\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: [::1%25lo]\r\n\r\n") },
	{ 400, HEAD("GET / HTTP/1.1\r\nHost: [0000:0000:0000:0000:0000:0000:255.255.255.2550]\r\n\r\n") },
	/* Content-Length */
	{ 400, HEAD(POST "Content-Length:\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: +1\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: -1\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: -0\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: 1 2\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: 0x10\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: 1e1\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: 1.0\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: a\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: \"1\"\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: 1_000\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: 1\xa0\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: \xd9\xa1\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: 18446744073709551616\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: 99999999999999999999999\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: 5, 5\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: 5,\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: 5, 6\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: 5\r\ncontent-length: 5\r\n\r\n") },
	{ 400, HEAD("POST / HTTP/1.0\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n") },
	/* Transfer-Encoding */
	{ 400, HEAD(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n") },
	{ 400, HEAD(POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n") },
	{ 400, HEAD(POST "Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\n") },
	{ 400, HEAD("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") },
	{ 400, HEAD("POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n") },
	{ 400, HEAD(POST "Transfer-Encoding:\r\n\r\n") },
	{ 400, HEAD(POST "Transfer-Encoding: ,chunked\r\n\r\n") },
	{ 400, HEAD(POST "Transfer-Encoding: chunked,\r\n\r\n") },
	{ 400, HEAD(POST "Transfer-Encoding: chunked, chunked\r\n\r\n") },
	{ 400, HEAD(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n") },
	{ 400, HEAD(POST "Transfer-Encoding: chunked, gzip\r\n\r\n") },
	{ 400, HEAD(POST "Transfer-Encoding: chunked, identity\r\n\r\n") },
	{ 400, HEAD(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n") },
	{ 400, HEAD(POST "Transfer-Encoding: gzip\r\n\r\n") },
	{ 400, HEAD(POST "Transfer-Encoding: x-gzip, deflate\r\n\r\n") },
	{ 400, HEAD(POST "Transfer-Encoding: chunked;a=b\r\n\r\n") },
	{ 400, HEAD(POST "Transfer-Encoding: \"chunked\"\r\n\r\n") },
	{ 400, HEAD(POST "Transfer-Encoding: chun ked\r\n\r\n") },
	{ 400, HEAD(POST "Transfer-Encoding: chunked\xa0\r\n\r\n") },
	{ 501, HEAD(POST "Transfer-Encoding: gzip, chunked\r\n\r\n") },
	{ 501, HEAD(POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n") },
	{ 501, HEAD(POST "Transfer-Encoding: xchunked\r\n\r\n") },
	{ 501, HEAD(POST "Transfer-Encoding: identity\r\n\r\n") },
	{ 501, HEAD(POST "Transfer-Encoding: br, chunked\r\n\r\n") },
	/* Expect */
	{ 417, HEAD(POST "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n") },
	{ 417, HEAD(POST "Expect: 100-continue, x\r\nContent-Length: 1\r\n\r\n") },
	{ 417, HEAD(GET "Expect:\r\n\r\n") },
	{ 417, HEAD("GET / HTTP/1.0\r\nExpect: x\r\n\r\n") },
};

static struct http_request request;

static enum http_result
parse(const char *text, size_t n, size_t seen)
{
	struct test_page page = test_page(text, n);
	enum http_result result = http_request_parse(&request, page.text, n, seen);

	/* Spans are compared later: let them lie in memory that stays. */
	for (size_t i = 0; result == HTTP_OK && i < request.field_count; i++) {
		request.fields[i].name.p = text + (request.fields[i].name.p - page.text);
		request.fields[i].value.p = text + (request.fields[i].value.p - page.text);
	}
	if (result == HTTP_OK) {
		request.method.p = text + (request.method.p - page.text);
		request.target.p = text + (request.target.p - page.text);
	}
	test_page_free(page);
	return result;
}

static void
put_span(struct buf *out, struct http_span span)
{
	buf_put(out, span.p, span.len);
}

/* The request as `taken` writes it. */
static const char *
summary(struct buf *out)
{
	buf_clear(out);
	put_span(out, request.method);
	buf_putc(out, ' ');
	put_span(out, request.target);
	buf_printf(out, " %d ", request.minor_version);
	if (request.body == HTTP_BODY_LENGTH)
		buf_put_u64(out, request.content_length);
	else
		buf_puts(out, request.body == HTTP_BODY_CHUNKED ? "chunked" : "none");
	buf_printf(out, "%s%s ", request.close ? " close" : "", request.expect_continue ? " continue" : "");
	for (size_t i = 0; i < request.field_count; i++) {
		buf_putc(out, '|');
		put_span(out, request.fields[i].name);
		buf_putc(out, '=');
		put_span(out, request.fields[i].value);
	}
	return buf_str(out);
}

static void
test_taken(void)
{
	struct buf got = BUF_INIT(4096);

	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
		const char *text = taken[i].text;
		size_t n = taken[i].n;
		bool passed = true;

		EXPECT(parse(text, n, 0) == HTTP_OK && strcmp(summary(&got), taken[i].want) == 0, "whole");
		EXPECT(request.head_len == n, "length");
		for (size_t k = 0; k < n; k++) {
			EXPECT(parse(text, k, 0) == HTTP_MORE, "a part of it");
			EXPECT(parse(text, k, k > 0 ? k - 1 : 0) == HTTP_MORE, "byte by byte");
			EXPECT(parse(text, n, k) == HTTP_OK && strcmp(summary(&got), taken[i].want) == 0,
			    "in two parts");
		}
		TEST(passed, taken[i].want);
	}
	buf_free(&got);
}

/* However it comes, it is refused with the same status; never later than with its last octet. */
static void
test_refused(void)
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		const char *text = refused[i].text;
		size_t n = refused[i].n, enough = 0;
		bool passed = true;

		EXPECT(parse(text, n, 0) == HTTP_BAD && request.status == refused[i].status && request.why != NULL,
		    "whole");
		while (parse(text, enough, enough > 0 ? enough - 1 : 0) == HTTP_MORE && enough < n)
			enough++;
		EXPECT(enough <= n && request.status == refused[i].status, "byte by byte");
		for (size_t k = 0; k < n; k++) {
			enum http_result result = parse(text, k, 0);

			EXPECT(result == (k < enough ? HTTP_MORE : HTTP_BAD), "a part of it");
			if (result == HTTP_MORE)
				result = parse(text, n, k);
			EXPECT(result == HTTP_BAD && request.status == refused[i].status, "in two parts");
		}
		TEST(passed, text);
	}
}

/* The octets that may stand in a method, a target, a name and a value: each, at each place in sixteen. */
static void
test_octets(void)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char path[] = "-._~!$&'()*+,;=:@/?0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char *const before[] = { "", "GET /", GET, GET "A: " };
	static const char *const behind[] = { " / HTTP/1.1\r\nHost: a\r\n\r\n", " HTTP/1.1\r\nHost: a\r\n\r\n",
		": b\r\n\r\n", "\r\n\r\n" };
	struct buf text = BUF_INIT(4096);
	bool passed = true;

	for (int where = 0; where < 4; where++)
		for (int c = 0; c < 256; c++)
			for (size_t at = 0; at < 16; at++) {
				bool allowed = where == 3 ? (c >= 0x20 && c != 0x7f) || c == '\t' :
				    c != 0 && strchr(where == 1 ? path : token, c) != NULL;

				/* A colon ends a name: what it leaves is another good line. */
				if (where == 2 && c == ':')
					continue;
				buf_clear(&text);
				buf_puts(&text, before[where]);
				buf_puts(&text, "ghijklmnopqrstuv");
				buf_data(&text)[buf_len(&text) - 16 + at] = (char)c;
				buf_puts(&text, behind[where]);
				if ((parse(buf_data(&text), buf_len(&text), 0) == HTTP_OK) != allowed) {
					printf("# where %d octet %d at %zu\n", where, c, at);
					passed = false;
				}
			}
	TEST(passed, "every octet in every part of the head");
	buf_free(&text);
}

/* The caller's promise is kept to: what it has seen is not searched again, which a mistake in that part shows. */
static void
test_seen(void)
{
	static const char text[] = GET "A: \0\0\r\n\r\n";

	TEST(parse(text, sizeof text - 1, sizeof text - 3) == HTTP_OK, "what was seen is not searched again");
}

/* What comes behind the head is not looked at. */
static void
test_behind(void)
{
	static const char text[] = GET "\r\n\n\0\r\n \x7f";

	TEST(parse(text, sizeof text - 1, 0) == HTTP_OK && request.head_len == sizeof GET - 1 + 2,
	    "the body is not read");
}

/* A request line of `n` octets without its line end, and a Host. */
static void
put_line(struct buf *out, size_t n)
{
	static const char end[] = " HTTP/1.1";

	buf_clear(out);
	buf_puts(out, "GET /");
	while (buf_len(out) < n - (sizeof end - 1))
		buf_putc(out, 'a');
	buf_puts(out, end);
	buf_puts(out, "\r\nHost: a\r\n");
}

/* Parses in pieces of `step` octets. `*used` is how many were needed. */
static enum http_result
parse_steps(const struct buf *text, size_t step, size_t *used)
{
	size_t seen = 0;

	for (*used = 0;;) {
		enum http_result result;

		*used = *used + step < buf_len(text) ? *used + step : buf_len(text);
		result = parse(buf_data(text), *used, seen);
		if (result != HTTP_MORE || *used == buf_len(text))
			return result;
		seen = *used;
	}
}

static void
test_long_line(void)
{
	static const size_t steps[] = { 1000, 32767, 32768, 32769, 32770, HEAD_MAX };
	struct buf text = BUF_INIT(2 * HEAD_MAX);
	bool passed = true;
	size_t used;

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		put_line(&text, HEAD_MAX / 2);
		buf_puts(&text, "\r\n");
		EXPECT(parse_steps(&text, steps[i], &used) == HTTP_OK, "the longest");
		put_line(&text, HEAD_MAX / 2 + 1);
		buf_puts(&text, "\n\n");
		EXPECT(parse_steps(&text, steps[i], &used) == HTTP_BAD && request.status == 414, "one octet more");
	}
	buf_clear(&text);
	for (size_t n = 0; n < HEAD_MAX / 2 + 2; n++)
		buf_putc(&text, 'a');
	EXPECT(parse(buf_data(&text), buf_len(&text) - 1, 0) == HTTP_MORE, "it may still end");
	EXPECT(parse(buf_data(&text), buf_len(&text), buf_len(&text) - 1) == HTTP_BAD && request.status == 414,
	    "too late");
	TEST(passed, "a request line longer than half a head is refused with 414, before its end");
	buf_free(&text);
}

static void
test_long_head(void)
{
	static const size_t steps[] = { 1000, 65535, 65536, 65537, 2 * HEAD_MAX };
	struct buf text = BUF_INIT(2 * HEAD_MAX);
	bool passed = true;
	size_t used;

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		for (size_t more = 0; more < 4; more++) {
			buf_clear(&text);
			buf_puts(&text, GET "A: ");
			while (buf_len(&text) < HEAD_MAX - 4 + more)
				buf_putc(&text, 'b');
			buf_puts(&text, "\r\n\r\n");
			if (more == 0)
				EXPECT(parse_steps(&text, steps[i], &used) == HTTP_OK && request.head_len == HEAD_MAX,
				    "largest");
			else
				EXPECT(parse_steps(&text, steps[i], &used) == HTTP_BAD && request.status == 431,
				    "too large");
		}
	buf_consume(&text, 0);
	EXPECT(parse(buf_data(&text), HEAD_MAX - 1, 0) == HTTP_MORE, "it may still end");
	EXPECT(parse(buf_data(&text), HEAD_MAX, HEAD_MAX - 1) == HTTP_BAD && request.status == 431, "too late");
	TEST(passed, "a head beyond the maximum is refused with 431, before its end");
	buf_free(&text);
}

static void
test_many_fields(void)
{
	struct buf text = BUF_INIT(HEAD_MAX);
	bool passed = true;
	size_t count;

	buf_puts(&text, GET);
	for (size_t i = 1; i < HEAD_FIELDS_MAX; i++)
		buf_printf(&text, "X%zu: %zu\r\n", i, i);
	buf_puts(&text, "\r\n");
	EXPECT(parse(buf_data(&text), buf_len(&text), 0) == HTTP_OK && request.field_count == HEAD_FIELDS_MAX,
	    "as many");
	EXPECT(http_request_field(&request, "x127", &count) != NULL && count == 1, "the last");
	buf_clear(&text);
	buf_puts(&text, GET);
	for (size_t i = 1; i < HEAD_FIELDS_MAX + 1; i++)
		buf_puts(&text, "a:\r\n");
	buf_puts(&text, "\r\n");
	EXPECT(parse(buf_data(&text), buf_len(&text), 0) == HTTP_BAD && request.status == 431, "one more");
	TEST(passed, "too many fields are refused with 431");
	buf_free(&text);
}

static void
test_field(void)
{
	const struct http_span *value;
	size_t count;

	parse(HEAD(GET "Twice: 1\r\ntwice: 2\r\nOnce:  x \r\nEmpty:\r\n\r\n"), 0);
	value = http_request_field(&request, "once", &count);
	TEST(value != NULL && count == 1 && value->len == 1 && value->p[0] == 'x',
	    "a field is found by name, in any case");
	TEST(http_request_field(&request, "twice", &count) == NULL && count == 2,
	    "one that stands twice has no one value");
	TEST(http_request_field(&request, "onc", &count) == NULL && count == 0, "one that is absent has none");
	value = http_request_field(&request, "empty", &count);
	TEST(value != NULL && value->len == 0, "an empty value is one");
}

int
main(void)
{
	test_taken();
	test_refused();
	test_octets();
	test_seen();
	test_behind();
	test_long_line();
	test_long_head();
	test_many_fields();
	test_field();
	return test_exit();
}
