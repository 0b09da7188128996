/* SPDX-License-Identifier: MIT */
#include "upstream/answer.h"

#include "base/limits.h"
#include "upstream/reason.h"
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

/* What a person reads of many attempts is no page long. */
static void
test_many(void)
{
	static char error[300];
	struct account account;
	struct buf said = BUF_INIT(SIZE_MAX);
	unsigned told = 0;

	memset(error, 'e', sizeof error - 1);
	account_init(&account);
	for (int i = 0; i < 64; i++)
		account_add(&account, "p", 1, 500, END_UPSTREAM_ERROR, 7, error);
	account_put_said(&said, &account);
	for (const char *p = buf_str(&said); (p = strstr(p, "p: ")) != NULL; p++)
		told++;
	TEST(told == 64 - account.untold && told > 4 && buf_len(&said) < SAID_MAX + KIB &&
		strcmp(buf_data(&said) + buf_len(&said) - 13, "; and 58 more") == 0,
	    "of many attempts some are told, and how many more there were");
	account_clear(&account);
	buf_clear(&said);
	account_put_said(&said, &account);
	TEST(buf_len(&said) == 0, "an account that was cleared says nothing");
	account_free(&account);
	buf_free(&said);
}

static void
test_final(void)
{
	struct answers answers = { .out = BUF_INIT(SIZE_MAX) };
	struct buf body = BUF_INIT(16);

	buf_puts(&body, "{}");
	answers_put_final(&answers, 4, &(struct answer_final){ .status = 429, .wait_ms = 1001, .body = &body });
	TEST(strcmp(buf_str(&answers.out), "{\"type\":\"head\",\"id\":4,\"status\":429,\"headers\":{\"content-type\":"
		"\"application/json\",\"content-length\":\"2\",\"retry-after\":\"2\",\"x-lb-attempts\":\"0\"}}\n"
		"{\"type\":\"data\",\"id\":4,\"bytes\":2}\n{}\n") == 0,
	    "an error of lb's own, with a wait in whole seconds");
	buf_clear(&answers.out);
	answers_put_final(&answers, 4, &(struct answer_final){ .status = 502, .body = &body, .head_only = true });
	TEST(strcmp(buf_str(&answers.out), "{\"type\":\"head\",\"id\":4,\"status\":502,\"headers\":{\"content-type\":"
		"\"application/json\",\"content-length\":\"2\",\"x-lb-attempts\":\"0\"}}\n") == 0,
	    "without one, to HEAD");
	buf_free(&answers.out);
	buf_free(&body);
}

static void
test_records(void)
{
	struct answers answers = { .out = BUF_INIT(SIZE_MAX) };
	struct account account;
	struct usage usage = { .input = 0 };
	uint64_t first = 3;
	struct buf reason = BUF_INIT(64);

	account_init(&account);
	account_add(&account, "p", 1, 429, END_UPSTREAM_ERROR, 7, "answered \"429\"");
	account_add(&account, "q", 1, 0, END_TIMEOUT, 8, "silent");
	account_add(&account, "r", 1, 0, END_REFUSED, 0, "no key");
	TEST(strcmp(buf_str(&account.said), "p: answered \"429\"; q: silent; r: no key") == 0, "an account in words");
	account_put_answerer(&account.answered, &(struct account_answerer){ "r", 3, { "\"m\"", 3 } });
	answers_put_end(&answers, 9,
	    &(struct answer_end){ .result = END_TIMEOUT, .error = "e", .account = &account, .usage = &usage,
		.first_ms = &first, .total_ms = 10 });
	TEST(strcmp(buf_str(&answers.out),
		"{\"type\":\"end\",\"id\":9,\"result\":\"timeout\",\"error\":\"e\",\"attempts\":[{\"provider\":\"p\",\"status\":429,"
		"\"result\":\"upstream-error\",\"ms\":7,\"error\":\"answered \\\"429\\\"\"},{\"provider\":\"q\",\"result\":"
		"\"timeout\",\"ms\":8,\"error\":\"silent\"},{\"provider\":\"r\",\"result\":\"refused\",\"ms\":0,\"error\":"
		"\"no key\"}],\"provider\":\"r\",\"attempt\":3,\"model\":\"m\",\"first_ms\":3,\"total_ms\":10}\n") == 0,
	    "an account in an end record");
	buf_clear(&answers.out);
	account_clear(&account);
	account.stripped = 2;
	usage = (struct usage){ .input = 7, .has_input = true, .output = 0, .has_output = true };
	answers_put_end(&answers, 9, &(struct answer_end){ .result = END_COMPLETE, .account = &account, .usage = &usage });
	TEST(strcmp(buf_str(&answers.out), "{\"type\":\"end\",\"id\":9,\"result\":\"complete\",\"attempts\":[],"
		"\"stripped\":2,\"usage\":{\"input_tokens\":7,\"output_tokens\":0},\"total_ms\":0}\n") == 0,
	    "the tokens that an answer took, those that are known");
	buf_clear(&answers.out);
	answers_put_head(&answers, 2, &(struct answer_head){ .status = 204, .length = -1, .who = { "p", 2, { NULL, 0 } } });
	TEST(strcmp(buf_str(&answers.out), "{\"type\":\"head\",\"id\":2,\"status\":204,\"headers\":{\"x-lb-provider\":\"p\","
		"\"x-lb-attempts\":\"0\"},\"provider\":\"p\",\"attempt\":2,\"dialect\":\"anthropic\"}\n") == 0,
	    "a head without fields but lb's own");
	buf_clear(&answers.out);
	buf_puts(&reason, "failover; \\\"");
	answers_put_head(&answers, 2, &(struct answer_head){ .status = 200, .length = 3, .who = { "p", 2, { NULL, 0 } },
		.lines = "retry-after: Mon\0x: y", .lines_len = 22, .story = { 2, &reason } });
	TEST(strcmp(buf_str(&answers.out), "{\"type\":\"head\",\"id\":2,\"status\":200,\"headers\":{\"x\":\"y\",\"content-length\":"
		"\"3\",\"x-lb-provider\":\"p\",\"x-lb-attempts\":\"2\",\"x-lb-reason\":\"failover; \\\\\\\"\"},\"provider\":\"p\","
		"\"attempt\":2,\"dialect\":\"anthropic\"}\n") == 0,
	    "a head that tells how it came to be; a field that is left out leaves no comma");
	buf_clear(&answers.out);
	answers_put_open(&answers, 3, &(struct plan){ .method = { "\"POST\"", 6 }, .stream = true,
		.model = { "\"a\\u00e9\"", 9 }, .ping_ms = { "0", 1 }, .first_ping_ms = { "18000", 5 } });
	TEST(strcmp(buf_str(&answers.out), "{\"type\":\"open\",\"id\":3,\"method\":\"POST\",\"close\":false,"
		"\"dialect\":\"anthropic\",\"stream\":true,\"model\":\"a\\u00e9\",\"ping_ms\":0,\"first_ping_ms\":18000}\n") == 0,
	    "what is opened, with what the plan says for lb-sse");
	account_free(&account);
	buf_free(&reason);
	buf_free(&answers.out);
}

static void
test_reason(const char *name, const char *plan, bool stripped, const struct account *account, const char *want)
{
	struct buf out = BUF_INIT(2 * REASON_MAX);
	struct plan read = { .close = false };
	struct json object = { plan, strlen(plan) };

	json_find(object, "policy", &read.policy);
	json_find(object, "reasons", &read.reasons);
	buf_puts(&out, "before ");
	reason_put(&out, &read, stripped, account);
	TEST(strncmp(buf_str(&out), "before ", 7) == 0 && strcmp(buf_data(&out) + 7, want) == 0, name);
	buf_free(&out);
}

static void
test_reasons(void)
{
	static char error[300], want[REASON_MAX + 1];
	const char *plan = "{\"policy\":\"failover\",\"reasons\":[\"route 'm' is the first\",\"r (caf\\u00e9) is left out\"]}";
	struct account account;

	memset(error, 'e', sizeof error - 1);
	account_init(&account);
	test_reason("a plan that says nothing", "{}", false, &account, "");
	test_reason("the policy, and why others were not chosen, in ASCII", plan, false, &account, "failover; r (caf?) is left out");
	account_add(&account, "p", 1, 400, END_UPSTREAM_ERROR, 1, "answered 400: \r\nx-evil: 1");
	account_add(&account, "q", 1, 0, END_TIMEOUT, 1, "no content\r\nwithin 3 s");
	test_reason("a status alone, else words, on one line", plan, true, &account,
	    "failover; thinking-stripped; p: answered 400; q: no content??within 3 s; r (caf?) is left out");
	account_clear(&account);
	account_add(&account, "p", 1, 200, END_UPSTREAM_ERROR, 1, error);
	account_add(&account, "p", 1, 200, END_COMPLETE, 1, NULL);
	snprintf(want, sizeof want, "failover; p: %.77s...", error);
	test_reason("the words are cut", "{\"policy\":\"failover\"}", false, &account, want);
	for (int i = 0; i < 64; i++)
		account_add(&account, "p", 1, 0, END_TIMEOUT, 1, error);
	snprintf(want, sizeof want, "failover; p: %.77s...; p: %.77s...; p: %.*s...", error, error,
	    (int)(REASON_MAX - 3 - 10 - 83 - 2 - 83 - 2 - 3), error);
	test_reason("and so is the whole", plan, false, &account, want);
	TEST(strlen(want) == REASON_MAX && buf_len(&account.brief) < 2 * REASON_MAX, "to what a line has");
	account_clear(&account);
	test_reason("nothing is left of another request", "{\"policy\":\"a\"}", false, &account, "a");
	account_free(&account);
}

int
main(void)
{
	test_pieces();
	test_records();
	test_many();
	test_reasons();
	test_final();
	return test_exit();
}
