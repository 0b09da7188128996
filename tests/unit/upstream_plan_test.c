/* SPDX-License-Identifier: MIT */
#include "upstream/plan.h"

#include "test.h"
#include "upstream/splice.h"

static const char record[] =
    "{\"type\":\"request\",\"id\":1,\"request_id\":\"req_1\",\"method\":\"POST\",\"target\":\"/v1/messages\",\"version\":\"1.1\","
    "\"close\":true,\"headers\":{\"a\":\"b\"},\"bytes\":3,\"plan\":{\"dialect\":\"openai\",\"stream\":true,\"model\":\"a\\u00e9\",\"model_at\":[10,9],"
    "\"ping_ms\":0,\"first_ping_ms\":18000,\"unknown\":[],\"attempts\":[{\"provider\":\"p\",\"url\":\"u\",\"dialect\":\"anthropic\",\"model\":\"m\",\"key\":\"env:K\","
    "\"connect_ms\":1,\"first_byte_ms\":2,\"idle_ms\":3,\"total_ms\":4,\"not_before\":1763821234567,\"context\":5},{\"provider\":\"q\","
    "\"url\":\"v\",\"dialect\":\"openai\"}]}}";

static void
test_record(void)
{
	struct test_page page = test_page(record, sizeof record - 1);
	struct plan plan;
	struct attempt attempt;
	struct json_iter it;
	const char *why;
	bool passed = true;

	EXPECT(plan_read(&plan, (struct json){ page.text, sizeof record - 1 }) == NULL, "it is read");
	EXPECT(json_equals(plan.method, "POST") && json_equals(plan.request_id, "req_1") && json_equals(plan.version, "1.1"),
	    "strings");
	EXPECT(plan.close && plan.stream && plan.dialect == DIALECT_OPENAI && json_is_object(plan.headers), "the rest");
	EXPECT(plan.has_model && plan.model_at == 10 && plan.model_len == 9, "the model's place");
	EXPECT(plan.model.len == 9 && memcmp(plan.model.p, "\"a\\u00e9\"", 9) == 0 && plan.ping_ms.len == 1 &&
		plan.first_ping_ms.len == 5, "what lb-sse is told, as it stands");
	plan_attempts(&plan, &it);
	EXPECT(plan_next(&it, &attempt, &why) && json_equals(attempt.provider, "p") && json_equals(attempt.url, "u"), "first");
	EXPECT(json_equals(attempt.model, "m") && json_equals(attempt.key, "env:K"), "its model and key");
	EXPECT(attempt.limits.connect_ms == 1 && attempt.limits.first_byte_ms == 2 && attempt.limits.idle_ms == 3 &&
		attempt.limits.total_ms == 4 && attempt.not_before == 1763821234567, "its times");
	EXPECT(attempt.context == 5, "its context");
	EXPECT(plan_next(&it, &attempt, &why) && attempt.model.len == 0 && attempt.key.len == 0 &&
		attempt.dialect == DIALECT_OPENAI && attempt.limits.idle_ms == 0 && attempt.context == 0, "second, with defaults");
	EXPECT(!plan_next(&it, &attempt, &why) && why == NULL, "no third");
	TEST(passed, "a request with its plan is read");
	test_page_free(page);
}

static void
test_wrong(void)
{
	static const char *const wrong[] = {
		"{}", "{\"method\":\"POST\"}", "{\"method\":\"POST\",\"plan\":7}",
		"{\"method\":\"P OST\",\"plan\":{\"dialect\":\"openai\",\"attempts\":[]}}",
		"{\"method\":\"\",\"plan\":{\"dialect\":\"openai\",\"attempts\":[]}}",
		"{\"method\":\"POST\",\"plan\":{\"attempts\":[]}}", "{\"method\":\"POST\",\"plan\":{\"dialect\":\"openai\"}}",
		"{\"method\":\"POST\",\"plan\":{\"dialect\":\"latin\",\"attempts\":[]}}",
		"{\"method\":\"POST\",\"plan\":{\"dialect\":\"openai\",\"attempts\":[],\"model_at\":[1]}}",
		"{\"method\":\"POST\",\"plan\":{\"dialect\":\"openai\",\"attempts\":[],\"model_at\":[1,2,3]}}",
		"{\"method\":\"POST\",\"plan\":{\"dialect\":\"openai\",\"attempts\":[],\"model_at\":[-1,2]}}",
	};
	static const char *const attempts[] = {
		"[7]", "[{}]", "[{\"provider\":\"p\",\"url\":\"u\"}]", "[{\"provider\":\"p\",\"dialect\":\"openai\"}]",
		"[{\"provider\":\"p\",\"url\":\"u\",\"dialect\":\"openai\",\"idle_ms\":-1}]",
	};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct plan plan;

		TEST(plan_read(&plan, (struct json){ wrong[i], strlen(wrong[i]) }) != NULL, wrong[i]);
	}
	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
		struct plan plan = { .attempts = { attempts[i], strlen(attempts[i]) } };
		struct attempt attempt;
		struct json_iter it;
		const char *why;

		plan_attempts(&plan, &it);
		TEST(!plan_next(&it, &attempt, &why) && why != NULL, attempts[i]);
	}
}

static void
test_below(void)
{
	static const struct {
		const char *url;
		bool below;
	} urls[] = {
		{ "https://a.example/b", true },
		{ "https://a.example/b/c?d=/../e", true },
		{ "https://a.example/b?c", true },
		{ "https://a.example/b/c/.../d", true },
		{ "https://a.example/bc", false },
		{ "https://a.example/", false },
		{ "https://a.example.evil/b", false },
		{ "https://a.example@evil/b", false },
		{ "http://a.example/b", false },
		{ "https://a.example/b/../c", false },
		{ "https://a.example/b/c/..", false },
		{ "https://a.example/b/%2e%2E/c", false },
		{ "https://a.example/b/./c", false },
		{ "https://a.example/b/c#d", false },
		{ "https://a.example/b/c d", false },
		{ "https://a.example/b\\..\\c", false },
		{ "https://a.example/b/\r\n", false },
		{ "", false },
	};

	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		struct test_page page = test_page(urls[i].url, strlen(urls[i].url));

		TEST(plan_url_is_below(page.text, strlen(urls[i].url), "https://a.example/b") == urls[i].below, urls[i].url);
		test_page_free(page);
	}
}

static void
test_splice(void)
{
	static const char text[] = "{\"model\":\"m\\\"x\",\"n\":1}";
	struct buf body = BUF_INIT(64);
	size_t len = 6;
	bool passed = true;

	for (size_t at = 0; at < sizeof text; at++)
		for (size_t n = 0; n < sizeof text + 4; n++) {
			bool is_key = (at == 1 && n == 7) || (at == 16 && n == 3) || (at == 9 && n == 6);
			struct test_page page = test_page(text, sizeof text - 1);

			/* Between two strings' quotes lies what reads as one too: that a body names its model there is lb-route's word. */
			if (at + n <= sizeof text - 1 && n >= 2 && text[at] == '"' && !is_key) {
				test_page_free(page);
				continue;
			}
			EXPECT(splice_is_string(page.text, sizeof text - 1, at, n) == is_key, "a string, whole");
			test_page_free(page);
		}
	EXPECT(!splice_is_string(text, sizeof text - 1, 9, 5) && !splice_is_string(text, sizeof text - 1, 9, 7) &&
		!splice_is_string(text, sizeof text - 1, SIZE_MAX, 2) && !splice_is_string(text, sizeof text - 1, 2, SIZE_MAX),
	    "neither cut, nor more, nor out of range");
	TEST(passed, "a model's place is a whole string within the body");
	buf_put(&body, "xx", 2);
	buf_put(&body, text, sizeof text - 1);
	buf_consume(&body, 2);
	passed = true;
	EXPECT(splice_replace(&body, 9, &len, "\"longer than it\"", 16) && len == 16, "longer");
	EXPECT(strcmp(buf_str(&body), "{\"model\":\"longer than it\",\"n\":1}") == 0, "longer");
	EXPECT(splice_replace(&body, 9, &len, "\"\"", 2) && strcmp(buf_str(&body), "{\"model\":\"\",\"n\":1}") == 0, "shorter");
	EXPECT(splice_replace(&body, 9, &len, "\"m\\\"x\"", 6) && strcmp(buf_str(&body), text) == 0, "as it was");
	TEST(passed, "a value is replaced in place, all else stays");
	TEST(!splice_replace(&body, 9, &len, "\"12345678901234567890123456789012345678901234567890\"", 52) && len == 6,
	    "one that does not fit is refused");
	buf_free(&body);
}

int
main(void)
{
	test_record();
	test_wrong();
	test_below();
	test_splice();
	return test_exit();
}
