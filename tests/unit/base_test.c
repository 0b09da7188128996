/* SPDX-License-Identifier: MIT */
/* Buffers, numbers and dialects. */
#include <stdint.h>

#include "base/buf.h"
#include "base/dialect.h"
#include "base/num.h"
#include "test.h"

static bool
is(const struct buf *b, const char *want)
{
	return buf_len(b) == strlen(want) && (buf_len(b) == 0 || memcmp(buf_data(b), want, buf_len(b)) == 0);
}

static void
test_buf_queue(void)
{
	struct buf b = BUF_INIT(1 << 20);
	unsigned char in = 0, out = 0;
	bool passed = true;

	/* Numbered octets in and out, at different speeds: none is lost and none comes twice. */
	for (size_t round = 0; round < 2000; round++) {
		size_t put = round * 7 % 97, take = round * 11 % 97;
		char *room = buf_reserve(&b, put + 1);

		EXPECT(room != NULL, "room");
		for (size_t i = 0; i < put; i++)
			room[i] = (char)in++;
		buf_commit(&b, put);
		take = take < buf_len(&b) ? take : buf_len(&b);
		for (size_t i = 0; i < take; i++)
			EXPECT((unsigned char)buf_data(&b)[i] == out++, "the order");
		buf_consume(&b, take);
	}
	EXPECT((unsigned char)(in - out) == buf_len(&b) % 256 && b.cap < 1 << 17, "the rest");
	TEST(passed, "what goes in at the end comes out at the front");
	buf_consume(&b, buf_len(&b));
	TEST(b.start == 0 && b.end == 0, "an emptied buffer starts over");
	buf_free(&b);
}

static void
test_buf_maximum(void)
{
	struct buf b = BUF_INIT(8);

	TEST(buf_data(&b) == NULL && buf_len(&b) == 0 && b.cap == 0, "a new buffer holds no memory");
	buf_put(&b, "12345678", 8);
	TEST(!b.failed && is(&b, "12345678"), "the maximum fits");
	buf_putc(&b, '9');
	TEST(b.failed && is(&b, "12345678"), "one more does not, and changes nothing");
	buf_consume(&b, 4);
	buf_putc(&b, '9');
	TEST(b.failed && is(&b, "5678"), "after a failure nothing is added");
	buf_clear(&b);
	buf_puts(&b, "a");
	TEST(!b.failed && is(&b, "a"), "until it is cleared");
	buf_clear(&b);
	buf_puts(&b, "12345678");
	buf_consume(&b, 6);
	buf_puts(&b, "abcdef");
	TEST(!b.failed && is(&b, "78abcdef"), "the maximum is of what is held at once");
	TEST(buf_reserve(&b, SIZE_MAX) == NULL && b.failed, "a size beyond all memory is refused");
	buf_free(&b);
	TEST(b.max == 8 && b.mem == NULL && !b.failed, "a freed buffer is usable again");
	buf_free(NULL);
}

static void
test_buf_memory(void)
{
	struct buf b = BUF_INIT(1 << 20);

	TEST(buf_reserve(&b, 100000) != NULL && b.cap >= 100000, "a large room");
	buf_trim(&b, 200000);
	TEST(b.mem != NULL, "memory is kept up to a size");
	buf_putc(&b, 'x');
	buf_trim(&b, 100);
	TEST(is(&b, "x"), "and while there is content");
	buf_consume(&b, 1);
	b.failed = true;
	buf_trim(&b, 100);
	TEST(b.mem == NULL && b.failed, "else it is given back, and a failure is not forgotten");
	buf_free(&b);
}

static void
test_buf_text(void)
{
	struct buf b = BUF_INIT(64);

	buf_printf(&b, "%s=%d", "a", -5);
	buf_putc(&b, ' ');
	buf_put_u64(&b, 0);
	buf_putc(&b, ' ');
	buf_put_u64(&b, UINT64_MAX);
	TEST(strcmp(buf_str(&b), "a=-5 0 18446744073709551615") == 0 && buf_len(&b) == 27, "text and numbers");
	buf_printf(&b, "%100d", 1);
	TEST(b.failed && buf_str(&b) == NULL && buf_len(&b) == 27, "a text that does not fit");
	buf_free(&b);
	TEST(strcmp(buf_str(&b), "") == 0, "an empty buffer is an empty string");
	buf_free(&b);
}

static const struct {
	const char *text;
	uint64_t max;
	bool ok;
	uint64_t value;
} decimals[] = {
	{ "0", 0, true, 0 },
	{ "007", 10, true, 7 },
	{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
	{ "000000000000000000000000000001", 1, true, 1 },
	{ "65535", 65535, true, 65535 },
	{ "65536", 65535, false, 0 },
	{ "1", 0, false, 0 },
	{ "18446744073709551616", UINT64_MAX, false, 0 },
	{ "18446744073709551620", UINT64_MAX, false, 0 },
	{ "99999999999999999999", UINT64_MAX, false, 0 },
	{ "", 10, false, 0 },
	{ "+1", 10, false, 0 },
	{ "-1", 10, false, 0 },
	{ " 1", 10, false, 0 },
	{ "1 ", 10, false, 0 },
	{ "1a", 100, false, 0 },
	{ "0x1", 100, false, 0 },
	{ "1.0", 100, false, 0 },
}, hexadecimals[] = {
	{ "0", 0, true, 0 },
	{ "fF", 255, true, 255 },
	{ "ffffffffffffffff", UINT64_MAX, true, UINT64_MAX },
	{ "10000000000000000", UINT64_MAX, false, 0 },
	{ "100", 255, false, 0 },
	{ "0x1", 255, false, 0 },
	{ "g", 255, false, 0 },
	{ "", 255, false, 0 },
	{ "-1", 255, false, 0 },
};

static void
test_numbers(void)
{
	bool passed = true;

	for (size_t i = 0; i < sizeof decimals / sizeof *decimals; i++) {
		struct test_page page = test_page(decimals[i].text, strlen(decimals[i].text));
		uint64_t v = 0;
		bool ok = num_parse(page.text, strlen(decimals[i].text), decimals[i].max, &v);

		EXPECT(ok == decimals[i].ok && v == decimals[i].value, decimals[i].text);
		test_page_free(page);
	}
	TEST(passed, "decimal numbers");
	passed = true;
	for (size_t i = 0; i < sizeof hexadecimals / sizeof *hexadecimals; i++) {
		struct test_page page = test_page(hexadecimals[i].text, strlen(hexadecimals[i].text));
		uint64_t v = 0;
		bool ok = num_parse_hex(page.text, strlen(hexadecimals[i].text), hexadecimals[i].max, &v);

		EXPECT(ok == hexadecimals[i].ok && v == hexadecimals[i].value, hexadecimals[i].text);
		test_page_free(page);
	}
	TEST(passed, "hexadecimal numbers");
}

static const struct {
	int status;
	const char *type[DIALECT_COUNT];
} errors[] = {
	{ 400, { "invalid_request_error", "invalid_request_error" } },
	{ 401, { "authentication_error", "invalid_request_error" } },
	{ 402, { "billing_error", "insufficient_quota" } },
	{ 403, { "permission_error", "invalid_request_error" } },
	{ 404, { "not_found_error", "invalid_request_error" } },
	{ 405, { "invalid_request_error", "invalid_request_error" } },
	{ 409, { "conflict_error", "invalid_request_error" } },
	{ 413, { "request_too_large", "invalid_request_error" } },
	{ 414, { "invalid_request_error", "invalid_request_error" } },
	{ 429, { "rate_limit_error", "rate_limit_error" } },
	{ 431, { "invalid_request_error", "invalid_request_error" } },
	{ 500, { "api_error", "server_error" } },
	{ 501, { "api_error", "server_error" } },
	{ 502, { "api_error", "server_error" } },
	{ 503, { "overloaded_error", "service_unavailable_error" } },
	{ 504, { "timeout_error", "server_error" } },
	{ 505, { "api_error", "server_error" } },
	{ 529, { "overloaded_error", "service_unavailable_error" } },
};

static const char message[] = "\"minimax\" said:\n\t<no> \\ \x01 \xff \xc3\xa9";
static const char message_as_utf8[] = "\"minimax\" said:\n\t<no> \\ \x01 \xef\xbf\xbd \xc3\xa9";

static bool
member_is(struct json object, const char *name, const char *want)
{
	struct buf text = BUF_INIT(4096);
	struct json value;
	bool same = json_find(object, name, &value) && json_decode(value, &text) && is(&text, want);

	buf_free(&text);
	return same;
}

static void
check_error(enum dialect dialect, int status, const char *type)
{
	struct buf out = BUF_INIT(4096);
	struct json body = { NULL, 0 }, error, value;
	bool passed = true;

	EXPECT(strcmp(dialect_error_type(dialect, status), type) == 0, "type");
	dialect_put_error(&out, dialect, status, message, "req_\"1");
	EXPECT(!out.failed && json_whole(buf_data(&out), buf_len(&out), &body) == JSON_OK, "JSON");
	EXPECT(memchr(buf_data(&out), '\n', buf_len(&out)) == NULL, "one line");
	EXPECT(json_find(body, "error", &error) && member_is(error, "type", type), "error.type");
	EXPECT(member_is(error, "message", message_as_utf8), "error.message");
	if (dialect == DIALECT_ANTHROPIC) {
		EXPECT(member_is(body, "type", "error") && member_is(body, "request_id", "req_\"1"),
		    "type, request_id");
	} else {
		EXPECT(json_find(error, "param", &value) && json_is_null(value), "param");
		EXPECT(json_find(error, "code", &value) && json_is_null(value), "code");
	}
	TEST(passed, type);
	buf_clear(&out);
	dialect_put_error(&out, dialect, status, "", NULL);
	TEST(json_whole(buf_data(&out), buf_len(&out), &body) == JSON_OK && !json_find(body, "request_id", &value),
	    "the same without a request id");
	buf_free(&out);
}

static void
test_errors(void)
{
	for (int dialect = 0; dialect < DIALECT_COUNT; dialect++)
		for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
			check_error((enum dialect)dialect, errors[i].status, errors[i].type[dialect]);
}

static void
test_too_long(void)
{
	struct buf out = BUF_INIT(4096);

	dialect_put_too_long(&out, DIALECT_ANTHROPIC, "a", "req_1");
	TEST(is(&out, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"a\"},"
	    "\"request_id\":\"req_1\"}"), "a prompt that is too long, in Anthropic's dialect");
	buf_clear(&out);
	dialect_put_too_long(&out, DIALECT_OPENAI, "a", "req_1");
	TEST(is(&out, "{\"error\":{\"message\":\"a\",\"type\":\"invalid_request_error\",\"param\":null,"
	    "\"code\":\"context_length_exceeded\"}}"), "in OpenAI's, with its code");
	buf_free(&out);
}

static void
test_error_events(void)
{
	struct buf out = BUF_INIT(4096);

	dialect_put_error_event(&out, DIALECT_ANTHROPIC, 529, "a\n\nb", "req_1");
	TEST(is(&out,
	    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"a\\n\\nb\"},"
	    "\"request_id\":\"req_1\"}\n\n"), "an error event of Anthropic's");
	buf_clear(&out);
	dialect_put_error_event(&out, DIALECT_OPENAI, 500, "a\r\rb", "req_1");
	TEST(is(&out, "data: {\"error\":{\"message\":\"a\\u000d\\u000db\",\"type\":\"server_error\",\"param\":null,"
	    "\"code\":null}}\n\n"), "one of OpenAI's");
	buf_free(&out);
}

static const struct {
	const char *target;
	enum dialect with;	/* an anthropic-version header */
	enum dialect without;
} targets[] = {
	{ "/v1/messages", DIALECT_ANTHROPIC, DIALECT_ANTHROPIC },
	{ "/v1/messages?beta=true", DIALECT_ANTHROPIC, DIALECT_ANTHROPIC },
	{ "/v1/messages/count_tokens", DIALECT_ANTHROPIC, DIALECT_ANTHROPIC },
	{ "/v1/messages/batches/1?a=/v1/chat", DIALECT_ANTHROPIC, DIALECT_ANTHROPIC },
	{ "/v1/complete", DIALECT_ANTHROPIC, DIALECT_ANTHROPIC },
	{ "/v1/chat/completions", DIALECT_OPENAI, DIALECT_OPENAI },
	{ "/v1/chat/completions?a=b", DIALECT_OPENAI, DIALECT_OPENAI },
	{ "/v1/completions", DIALECT_OPENAI, DIALECT_OPENAI },
	{ "/v1/responses", DIALECT_OPENAI, DIALECT_OPENAI },
	{ "/v1/embeddings", DIALECT_OPENAI, DIALECT_OPENAI },
	{ "/v1/models", DIALECT_ANTHROPIC, DIALECT_OPENAI },
	{ "/v1/models?limit=1", DIALECT_ANTHROPIC, DIALECT_OPENAI },
	{ "/v1/messagesque", DIALECT_ANTHROPIC, DIALECT_OPENAI },
	{ "/v1?/v1/messages", DIALECT_ANTHROPIC, DIALECT_OPENAI },
	{ "/v11/chat/completions", DIALECT_ANTHROPIC, DIALECT_ANTHROPIC },
	{ "/", DIALECT_ANTHROPIC, DIALECT_ANTHROPIC },
	{ "*", DIALECT_ANTHROPIC, DIALECT_ANTHROPIC },
	{ "", DIALECT_ANTHROPIC, DIALECT_ANTHROPIC },
};

static void
test_dialects(void)
{
	bool passed = true;
	enum dialect dialect;

	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
		size_t n = strlen(targets[i].target);
		struct test_page page = test_page(targets[i].target, n);

		EXPECT(dialect_of_request(page.text, n, true) == targets[i].with, targets[i].target);
		EXPECT(dialect_of_request(page.text, n, false) == targets[i].without, targets[i].target);
		test_page_free(page);
	}
	TEST(passed, "a request's dialect follows from its path, then from its header");
	passed = true;
	for (int i = 0; i < DIALECT_COUNT; i++) {
		struct buf name = BUF_INIT(100);

		json_put_string(&name, dialect_name((enum dialect)i), strlen(dialect_name((enum dialect)i)));
		dialect = DIALECT_COUNT;
		EXPECT(dialect_parse((struct json){ buf_data(&name), buf_len(&name) }, &dialect) && (int)dialect == i,
		    "name");
		buf_free(&name);
	}
	EXPECT(!dialect_parse((struct json){ "\"Anthropic\"", 11 }, &dialect), "another name");
	EXPECT(!dialect_parse((struct json){ "null", 4 }, &dialect), "no name");
	TEST(passed, "dialects are known by their names");
}

int
main(void)
{
	test_buf_queue();
	test_buf_maximum();
	test_buf_memory();
	test_buf_text();
	test_numbers();
	test_errors();
	test_error_events();
	test_too_long();
	test_dialects();
	return test_exit();
}
