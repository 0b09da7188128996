/* SPDX-License-Identifier: MIT */
#include "record/record.h"

#include "base/limits.h"
#include "test.h"

#define RECORD(TEXT) TEXT, sizeof(TEXT) - 1

static const struct {
	const char *text;
	size_t n;
	enum record_type type;
	uint64_t id;
	const char *header;
	const char *payload;	/* NULL: none */
} good[] = {
	{ RECORD("{\"type\":\"hello\"}\n"), RECORD_HELLO, 0, "{\"type\":\"hello\"}", NULL },
	{ RECORD("{\"type\":\"cancel\",\"id\":1}\n"), RECORD_CANCEL, 1, "{\"type\":\"cancel\",\"id\":1}", NULL },
	{ RECORD("{\"id\":18446744073709551615,\"type\":\"pause\"}\n"), RECORD_PAUSE, UINT64_MAX,
	    "{\"id\":18446744073709551615,\"type\":\"pause\"}", NULL },
	{ RECORD("{\"type\":\"resume\",\"id\":7,\"new\":{\"id\":[2],\"type\":null,\"bytes\":9}}\n"), RECORD_RESUME, 7,
	    "{\"type\":\"resume\",\"id\":7,\"new\":{\"id\":[2],\"type\":null,\"bytes\":9}}", NULL },
	{ RECORD("{\"type\":\"open\",\"id\":9007199254740993}\n"), RECORD_OPEN, 9007199254740993,
	    "{\"type\":\"open\",\"id\":9007199254740993}", NULL },
	{ RECORD("{\"type\":\"head\",\"id\":2,\"status\":200,\"headers\":{\"a\":\"\\u00e9\"}}\n"), RECORD_HEAD, 2,
	    "{\"type\":\"head\",\"id\":2,\"status\":200,\"headers\":{\"a\":\"\\u00e9\"}}", NULL },
	{ RECORD("{\"type\":\"data\",\"id\":2,\"bytes\":0}\n\n"), RECORD_DATA, 2,
	    "{\"type\":\"data\",\"id\":2,\"bytes\":0}", "" },
	{ RECORD("{\"type\":\"data\",\"id\":2,\"bytes\":3}\n{\n}\n"), RECORD_DATA, 2,
	    "{\"type\":\"data\",\"id\":2,\"bytes\":3}",
	    "{\n}" },
	{ RECORD("{\"type\":\"end\",\"id\":2,\"result\":\"complete\"}\n"), RECORD_END, 2,
	    "{\"type\":\"end\",\"id\":2,\"result\":\"complete\"}", NULL },
	{ RECORD("{\"bytes\":2,\"type\":\"request\",\"id\":3}\n{}\n"), RECORD_REQUEST, 3,
	    "{\"bytes\":2,\"type\":\"request\",\"id\":3}", "{}" },
	/* As other tools write JSON */
	{ RECORD(" { \"t\\u0079pe\" : \"\\u0064ata\" , \"id\" : 5 , \"bytes\" : 1 } \t\r\nx\n"), RECORD_DATA, 5,
	    "{ \"t\\u0079pe\" : \"\\u0064ata\" , \"id\" : 5 , \"bytes\" : 1 }", "x" },
	/* Somebody else's types */
	{ RECORD("{\"type\":\"metric\"}\n"), RECORD_UNKNOWN, 0, "{\"type\":\"metric\"}", NULL },
	{ RECORD("{\"type\":\"\",\"id\":4,\"bytes\":1}\n\n\n"), RECORD_UNKNOWN, 4,
	    "{\"type\":\"\",\"id\":4,\"bytes\":1}", "\n" },
	{ RECORD("{\"type\":\"Data\",\"id\":4}\n"), RECORD_UNKNOWN, 4, "{\"type\":\"Data\",\"id\":4}", NULL },
};

static const struct {
	const char *why;
	const char *text;
	size_t n;
} bad[] = {
	{ "the header is no JSON object", RECORD("\n") },
	{ "the header is no JSON object", RECORD("[]\n") },
	{ "the header is no JSON object", RECORD("\"type\"\n") },
	{ "the header is no JSON object", RECORD("GET / HTTP/1.1\r\n") },
	{ "the header is not JSON", RECORD("{\"type\":\"hello\"\n") },
	{ "the header is not JSON", RECORD("{\"type\":\"hello\",}\n") },
	{ "the header is not JSON", RECORD("{\"type\":\"hel\0lo\"}\n") },
	{ "the header is not JSON", RECORD("{\n\"type\":\"hello\"}\n") },
	{ "the header has no type", RECORD("{}\n") },
	{ "the header has no type", RECORD("{\"id\":1,\"Type\":\"hello\"}\n") },
	{ "the type is no string, or stands twice", RECORD("{\"type\":1}\n") },
	{ "the type is no string, or stands twice", RECORD("{\"type\":null}\n") },
	{ "the type is no string, or stands twice", RECORD("{\"type\":\"hello\",\"type\":\"hello\"}\n") },
	{ "the type is no string, or stands twice", RECORD("{\"type\":\"data\",\"id\":1,\"t\\u0079pe\":\"end\"}\n") },
	{ "the header has no id", RECORD("{\"type\":\"request\"}\n") },
	{ "the header has no id", RECORD("{\"type\":\"cancel\"}\n") },
	{ "the header has no id", RECORD("{\"type\":\"end\",\"bytes\":1}\nx\n") },
	{ "the id is no number from 1, or stands twice", RECORD("{\"type\":\"end\",\"id\":0}\n") },
	{ "the id is no number from 1, or stands twice", RECORD("{\"type\":\"end\",\"id\":-1}\n") },
	{ "the id is no number from 1, or stands twice", RECORD("{\"type\":\"end\",\"id\":1.0}\n") },
	{ "the id is no number from 1, or stands twice", RECORD("{\"type\":\"end\",\"id\":1e1}\n") },
	{ "the id is no number from 1, or stands twice", RECORD("{\"type\":\"end\",\"id\":\"1\"}\n") },
	{ "the id is no number from 1, or stands twice", RECORD("{\"type\":\"end\",\"id\":18446744073709551616}\n") },
	{ "the id is no number from 1, or stands twice", RECORD("{\"type\":\"end\",\"id\":1,\"id\":1}\n") },
	{ "the id is no number from 1, or stands twice", RECORD("{\"type\":\"new\",\"id\":0}\n") },
	{ "bytes is no length, too large, or stands twice", RECORD("{\"type\":\"data\",\"id\":1,\"bytes\":-1}\n") },
	{ "bytes is no length, too large, or stands twice", RECORD("{\"type\":\"data\",\"id\":1,\"bytes\":null}\n") },
	{ "bytes is no length, too large, or stands twice", RECORD("{\"type\":\"data\",\"id\":1,\"bytes\":\"1\"}\n") },
	{ "bytes is no length, too large, or stands twice",
	    RECORD("{\"type\":\"data\",\"id\":1,\"bytes\":1073741825}\n") },
	{ "bytes is no length, too large, or stands twice",
	    RECORD("{\"type\":\"data\",\"id\":1,\"bytes\":0,\"bytes\":0}\n") },
	{ "something stands behind the header", RECORD("{\"type\":\"hello\"}{}\n") },
	{ "something stands behind the header", RECORD("{\"type\":\"hello\"} x\n") },
	{ "no line feed stands behind the payload", RECORD("{\"type\":\"data\",\"id\":1,\"bytes\":1}\nxy") },
	{ "no line feed stands behind the payload", RECORD("{\"type\":\"data\",\"id\":1,\"bytes\":0}\n{") },
};

static bool
is(const char *p, size_t n, const char *want)
{
	return n == strlen(want) && memcmp(p, want, n) == 0;
}

static void
check_good(const char *text, size_t n, size_t i)
{
	struct test_page page = test_page(text, n);
	size_t line = (size_t)((const char *)memchr(text, '\n', n) - text) + 1, size = good[i].n;
	struct record record;
	const char *why;
	bool passed = true;

	EXPECT(record_parse(page.text, n, &record, &why) == RECORD_OK, "whole");
	EXPECT(record.type == good[i].type && record.id == good[i].id && record.size == size, "type, id, size");
	EXPECT(is(record.header.p, record.header.len, good[i].header), "header");
	EXPECT(record.has_payload == (good[i].payload != NULL), "payload or none");
	EXPECT(good[i].payload == NULL || is(record.payload, record.payload_len, good[i].payload), "payload");
	test_page_free(page);
	for (size_t k = 0; k < size; k++) {
		page = test_page(text, k);
		EXPECT(record_parse(page.text, k, &record, &why) == RECORD_MORE, "a part of it");
		EXPECT(record.size == (k < line ? 0 : size), "the size, once the header is there");
		test_page_free(page);
	}
	TEST(passed, good[i].header);
}

static void
test_good(void)
{
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		check_good(good[i].text, good[i].n, i);
}

/* What follows a record is not looked at. */
static void
test_two(void)
{
	static const char text[] = "{\"type\":\"hello\"}\n\0garbage";
	struct record record;
	const char *why;

	TEST(record_parse(text, sizeof text - 1, &record, &why) == RECORD_OK && record.size == 17,
	    "one record at a time");
}

static void
test_bad(void)
{
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		bool passed = true;
		struct record record;
		const char *why;

		for (size_t k = 0; k <= bad[i].n; k++) {
			struct test_page page = test_page(bad[i].text, k);
			enum record_result want = k < bad[i].n ? RECORD_MORE : RECORD_BAD;

			/* All but the object's end is known at the line's end, not before. */
			if (memchr(bad[i].text, '\n', k) != NULL && strncmp(bad[i].why, "no line feed", 12) != 0)
				want = RECORD_BAD;
			EXPECT(record_parse(page.text, k, &record, &why) == want, "result");
			EXPECT(want != RECORD_BAD || strcmp(why, bad[i].why) == 0, why);
			test_page_free(page);
		}
		TEST(passed, bad[i].text);
	}
}

static void
test_long_header(void)
{
	struct buf text = BUF_INIT(2 * RECORD_HEADER_MAX);
	struct record record;
	const char *why;

	buf_puts(&text, "{\"type\":\"hello\",\"x\":\"");
	while (buf_len(&text) < RECORD_HEADER_MAX - 3)
		buf_putc(&text, 'x');
	buf_puts(&text, "\"}\n");
	TEST(record_parse(buf_data(&text), buf_len(&text), &record, &why) == RECORD_OK, "the longest header is read");
	TEST(record_parse(buf_data(&text), buf_len(&text) - 1, &record, &why) == RECORD_MORE,
	    "before its end it is cut short");
	buf_data(&text)[buf_len(&text) - 1] = ' ';
	TEST(record_parse(buf_data(&text), buf_len(&text), &record, &why) == RECORD_BAD &&
	    strcmp(why, "the header is longer than 1 MiB") == 0, "a longer one is refused, even without an end");
	buf_free(&text);
}

static void
test_ends(void)
{
	struct record record = { 0 };
	bool passed = true;

	for (int i = 0; i < END_COUNT; i++) {
		struct buf text = BUF_INIT(100);
		const char *why;

		record_put_end(&text, 9, (enum record_end)i);
		EXPECT(record_parse(buf_data(&text), buf_len(&text), &record, &why) == RECORD_OK, "parsed");
		EXPECT(record.type == RECORD_END && record.id == 9 && record_end_of(&record) == (enum record_end)i,
		    "the same");
		EXPECT(strstr(buf_str(&text), record_end_name((enum record_end)i)) != NULL, "its name");
		buf_free(&text);
	}
	TEST(passed, "every result is written and read");
	TEST(record_end_is_whole(504, END_TIMEOUT) && record_end_is_whole(502, END_UPSTREAM_ERROR) &&
	    record_end_is_whole(400, END_REFUSED) && record_end_is_whole(200, END_COMPLETE),
	    "what lb answers by itself is all there");
	TEST(!record_end_is_whole(200, END_TIMEOUT) && !record_end_is_whole(502, END_TRUNCATED) &&
	    !record_end_is_whole(504, END_CANCELLED), "what broke off is not");
	record.header = (struct json){ "{\"result\":\"fine\"}", 17 };
	TEST(record_end_of(&record) == END_TRUNCATED, "an unknown result is no good one");
	record.header = (struct json){ "{\"result\":1}", 12 };
	TEST(record_end_of(&record) == END_TRUNCATED, "nor is one that is no string");
	record.header = (struct json){ "{}", 2 };
	TEST(record_end_of(&record) == END_TRUNCATED, "nor is none");
}

/* Takes the record at the front of `text`; false if there is none. Its spans are valid while nothing is added. */
static bool
take(struct buf *text, struct record *record)
{
	const char *why;

	if (record_parse(buf_data(text), buf_len(text), record, &why) != RECORD_OK)
		return false;
	text->start += record->size;
	return true;
}

static void
test_writers(void)
{
	static const char payload[] = "\0\n{}\xff";
	struct buf text = BUF_INIT(4096), copy = BUF_INIT(4096);
	struct record record;
	struct json value;
	bool passed = true;

	record_begin(&text, "request", UINT64_MAX);
	buf_puts(&text, ",\"target\":");
	json_put_octets(&text, "/\xe9\"", 3);
	record_finish_payload(&text, payload, sizeof payload - 1);
	record_begin(&text, "cancel", 1);
	record_finish(&text);
	record_begin(&text, "data", 2);
	record_finish_bytes(&text, 3);
	buf_puts(&text, "abc\n");
	record_put_data(&text, 3, "", 0);
	EXPECT(take(&text, &record) && record.type == RECORD_REQUEST && record.id == UINT64_MAX, "request");
	EXPECT(record.payload_len == 5 && memcmp(record.payload, payload, 5) == 0, "its payload");
	EXPECT(json_find(record.header, "target", &value) && is(value.p, value.len, "\"/\\u00e9\\\"\""), "its target");
	record_put_copy(&copy, &record);
	EXPECT(take(&text, &record) && record.type == RECORD_CANCEL && !record.has_payload, "cancel");
	record_put_copy(&copy, &record);
	EXPECT(take(&text, &record) && record.type == RECORD_DATA && is(record.payload, record.payload_len, "abc"),
	    "data");
	record_put_copy(&copy, &record);
	EXPECT(take(&text, &record) && record.id == 3 && record.has_payload && record.payload_len == 0,
	    "data of nothing");
	record_put_copy(&copy, &record);
	EXPECT(buf_len(&text) == 0, "nothing more");
	TEST(passed, "what is written is read");
	TEST(buf_len(&copy) == text.end && memcmp(buf_data(&copy), text.mem, text.end) == 0,
	    "a copy has the same octets");
	buf_free(&text);
	buf_free(&copy);
}

static void
test_answers(void)
{
	struct buf text = BUF_INIT(4096);
	struct record record;
	struct json value;
	bool passed = true;

	record_put_answer(&text, 5, 405, ",\"allow\":\"GET\"", "{}", 2, false);
	EXPECT(take(&text, &record) && record.type == RECORD_HEAD && record.id == 5, "head");
	EXPECT(json_find(record.header, "status", &value) && is(value.p, value.len, "405"), "status");
	EXPECT(json_find(record.header, "headers", &value) && is(value.p, value.len,
	    "{\"content-type\":\"application/json\",\"content-length\":\"2\",\"allow\":\"GET\"}"), "headers");
	EXPECT(take(&text, &record) && record.type == RECORD_DATA && is(record.payload, record.payload_len, "{}"),
	    "body");
	EXPECT(take(&text, &record) && record_end_of(&record) == END_REFUSED && buf_len(&text) == 0, "end");
	TEST(passed, "an answer of a stage's own");
	buf_clear(&text);
	record_put_answer(&text, 5, 200, NULL, "{}", 2, true);
	EXPECT(take(&text, &record) && json_find(record.header, "headers", &value) &&
	    is(value.p, value.len, "{\"content-type\":\"application/json\",\"content-length\":\"2\"}"),
	    "the length is told");
	EXPECT(take(&text, &record) && record.type == RECORD_END && record_end_of(&record) == END_COMPLETE, "no body");
	TEST(passed, "its head alone");
	buf_free(&text);
}

int
main(void)
{
	test_good();
	test_two();
	test_bad();
	test_long_header();
	test_ends();
	test_writers();
	test_answers();
	return test_exit();
}
