/* SPDX-License-Identifier: MIT */
#include "upstream/answer.h"

#include "base/limits.h"
#include "test.h"

/* Whatever the pieces are, the records give the same octets, and each record is well formed. */
static bool
joins_to(struct answers *answers, uint64_t id, const char *want, size_t n, size_t *records)
{
	const char *p = buf_data(&answers->out), *why;
	size_t left = buf_len(&answers->out), at = 0;
	struct record record;

	for (*records = 0; left > 0; p += record.size, left -= record.size) {
		if (record_parse(p, left, &record, &why) != RECORD_OK)
			return false;
		if (record.id != id || record.type != RECORD_DATA)
			continue;
		if (record.payload_len > n - at || memcmp(record.payload, want + at, record.payload_len) != 0)
			return false;
		at += record.payload_len;
		++*records;
	}
	return at == n;
}

static void
test_pieces(void)
{
	static char text[150000];
	struct answers answers = { .out = BUF_INIT(SIZE_MAX) };
	bool passed = true;
	size_t records;

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i * 7 + i / 251);
	for (size_t piece = 1; piece <= 30; piece++) {
		size_t n = piece * 400;

		answers.out.end = answers.out.start;
		answers_written(&answers);
		for (size_t at = 0; at < n; at += piece)
			answers_put_data(&answers, 12, text + at, n - at < piece ? n - at : piece);
		EXPECT(joins_to(&answers, 12, text, n, &records) && records == 1, "one record");
	}
	TEST(passed, "pieces of one answer become one record, at every number of digits");
	buf_clear(&answers.out);
	answers_written(&answers);
	for (size_t at = 0; at < sizeof text; at += 1000)
		answers_put_data(&answers, 12, text + at, 1000);
	TEST(joins_to(&answers, 12, text, sizeof text, &records) && records == (sizeof text + ANSWER_DATA_MAX - 1) / ANSWER_DATA_MAX,
	    "but none longer than it may be");
	buf_clear(&answers.out);
	answers_written(&answers);
	for (size_t i = 0; i < 100; i++) {
		answers_put_data(&answers, 1 + i % 2, text + i / 2, 1);
		answers_put_data(&answers, 1 + i % 2, text, 0);
	}
	TEST(joins_to(&answers, 1, text, 50, &records) && records == 50 && joins_to(&answers, 2, text, 50, &records),
	    "two answers' pieces stay apart");
	buf_clear(&answers.out);
	answers_written(&answers);
	answers_put_data(&answers, 1, "a", 1);
	record_begin(&answers.out, "other", 3);
	record_finish(&answers.out);
	answers_put_data(&answers, 1, "b", 1);
	TEST(joins_to(&answers, 1, "ab", 2, &records) && records == 2, "nothing moves before a record of another kind");
	buf_clear(&answers.out);
	answers_written(&answers);
	answers_put_data(&answers, 1, "b", 1);
	TEST(joins_to(&answers, 1, "b", 1, &records), "after the writing a new record begins");
	buf_free(&answers.out);
}

static void
test_records(void)
{
	struct answers answers = { .out = BUF_INIT(SIZE_MAX) };
	struct account account;
	uint64_t first = 3;

	account_init(&account);
	account_add(&account, "p", 1, 429, END_UPSTREAM_ERROR, 7, "answered \"429\"");
	account_add(&account, "q", 1, 0, END_TIMEOUT, 8, "silent");
	TEST(account.timed_out, "the last attempt ran into a time limit");
	account_add(&account, "r", 1, 0, END_REFUSED, 0, "no key");
	TEST(account.timed_out, "one that was not made does not count for that");
	TEST(strcmp(buf_str(&account.said), "p: answered \"429\"; q: silent; r: no key") == 0, "an account in words");
	account_put_answerer(&account.answered, &(struct account_answerer){ "r", 3, { "\"m\"", 3 } });
	answers_put_end(&answers, 9, END_TIMEOUT, "e", &account, &first, 10);
	TEST(strcmp(buf_str(&answers.out),
		"{\"type\":\"end\",\"id\":9,\"result\":\"timeout\",\"error\":\"e\",\"attempts\":[{\"provider\":\"p\",\"status\":429,"
		"\"result\":\"upstream-error\",\"ms\":7,\"error\":\"answered \\\"429\\\"\"},{\"provider\":\"q\",\"result\":"
		"\"timeout\",\"ms\":8,\"error\":\"silent\"},{\"provider\":\"r\",\"result\":\"refused\",\"ms\":0,\"error\":"
		"\"no key\"}],\"provider\":\"r\",\"attempt\":3,\"model\":\"m\",\"first_ms\":3,\"total_ms\":10}\n") == 0,
	    "an account in an end record");
	buf_clear(&answers.out);
	answers_put_head(&answers, 2, &(struct answer_head){ .status = 204, .length = -1, .who = { "p", 2, { NULL, 0 } } });
	TEST(strcmp(buf_str(&answers.out), "{\"type\":\"head\",\"id\":2,\"status\":204,\"headers\":{},\"provider\":\"p\","
		"\"attempt\":2,\"dialect\":\"anthropic\"}\n") == 0,
	    "a head without fields");
	buf_clear(&answers.out);
	answers_put_open(&answers, 3, &(struct plan){ .method = { "\"POST\"", 6 }, .stream = true,
		.model = { "\"a\\u00e9\"", 9 }, .ping_ms = { "0", 1 }, .first_ping_ms = { "18000", 5 } });
	TEST(strcmp(buf_str(&answers.out), "{\"type\":\"open\",\"id\":3,\"method\":\"POST\",\"close\":false,"
		"\"dialect\":\"anthropic\",\"stream\":true,\"model\":\"a\\u00e9\",\"ping_ms\":0,\"first_ping_ms\":18000}\n") == 0,
	    "what is opened, with what the plan says for lb-sse");
	account_free(&account);
	buf_free(&answers.out);
}

int
main(void)
{
	test_pieces();
	test_records();
	return test_exit();
}
