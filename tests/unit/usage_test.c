/* SPDX-License-Identifier: MIT */
#include "stream/usage.h"

#include "base/limits.h"
#include "test.h"

static struct json
json(const char *text)
{
	return (struct json){ text, strlen(text) };
}

static void
test_counts(void)
{
	static const struct {
		const char *text;
		bool is;
		uint64_t count;
	} counts[] = {
		{ "0", true, 0 },
		{ "25", true, 25 },
		{ "25.0", true, 25 },
		{ "25.000", true, 25 },
		{ "9007199254740991", true, USAGE_COUNT_MAX },
		{ "9007199254740992", false, 0 },
		{ "123456789012345678901234567890", false, 0 },
		{ "25.5", false, 0 },
		{ "25.01", false, 0 },
		{ "2e3", false, 0 },
		{ "2.0e3", false, 0 },
		{ "-1", false, 0 },
		{ "-0", false, 0 },
		{ "null", false, 0 },
		{ "true", false, 0 },
		{ "\"25\"", false, 0 },
		{ "{}", false, 0 },
		{ "[]", false, 0 },
		{ "", false, 0 },
	};

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		struct test_page page = test_page(counts[i].text, strlen(counts[i].text));
		uint64_t count = 0;
		bool is = usage_count((struct json){ page.text, strlen(counts[i].text) }, &count);

		TEST(is == counts[i].is && count == counts[i].count, counts[i].text);
		test_page_free(page);
	}
}

static bool
put_is(const struct usage *usage, const char *want)
{
	struct buf out = BUF_INIT(1000);
	bool put = usage_put(&out, usage), same;

	same = put == (*want != '\0') && put == usage_any(usage) && strcmp(buf_str(&out), want) == 0;
	buf_free(&out);
	return same;
}

static void
test_add(void)
{
	struct usage usage = { 0 };

	TEST(put_is(&usage, ""), "nothing seen, nothing written");
	TEST(!usage_add(&usage, json("null")) && !usage_add(&usage, json("[1]")) && !usage_add(&usage, json("{}")) &&
		!usage_add(&usage, json("{\"input_tokens\":null,\"x\":1}")) && !usage_any(&usage),
	    "what has no counts adds none");
	TEST(usage_add(&usage, json("{\"input_tokens\":25,\"output_tokens\":0,\"server_tool_use\":{\"input_tokens\":9}}")) &&
		put_is(&usage, "{\"input_tokens\":25,\"output_tokens\":0}"), "counts are taken, zero too");
	TEST(usage_add(&usage, json("{\"output_tokens\":15,\"input_tokens\":null,\"cache_read_input_tokens\":3,"
		"\"cache_creation_input_tokens\":4.0}")) &&
		put_is(&usage, "{\"input_tokens\":25,\"output_tokens\":15,\"cache_read_input_tokens\":3,"
		"\"cache_creation_input_tokens\":4}"), "later ones overwrite, null does not");
}

/* OpenAI's and its kin's objects become the counts that Anthropic's would have. */
static void
test_openai(void)
{
	static const struct {
		const char *object;
		const char *want;	/* empty: it has no counts */
	} rows[] = {
		{ "{\"prompt_tokens\":9,\"completion_tokens\":4,\"total_tokens\":13}", "{\"input_tokens\":9,\"output_tokens\":4}" },
		{ "{\"prompt_tokens\":9,\"completion_tokens\":4,\"prompt_tokens_details\":{\"cached_tokens\":5,\"cache_write_tokens\":3},"
		  "\"completion_tokens_details\":{\"reasoning_tokens\":2}}",
		    "{\"input_tokens\":1,\"output_tokens\":4,\"cache_read_input_tokens\":5,\"cache_creation_input_tokens\":3}" },
		{ "{\"input_tokens\":9,\"input_tokens_details\":{\"cached_tokens\":2},\"output_tokens\":1}",
		    "{\"input_tokens\":7,\"output_tokens\":1,\"cache_read_input_tokens\":2}" },
		{ "{\"prompt_tokens\":9,\"prompt_cache_hit_tokens\":8,\"prompt_cache_miss_tokens\":1,\"prompt_tokens_details\":null}",
		    "{\"input_tokens\":1,\"cache_read_input_tokens\":8}" },
		{ "{\"prompt_tokens\":9,\"cached_tokens\":10}", "{\"input_tokens\":0,\"cache_read_input_tokens\":10}" },
		{ "{\"completion_tokens\":4,\"prompt_tokens\":null}", "{\"output_tokens\":4}" },
		{ "{\"prompt_tokens_details\":{\"cached_tokens\":2}}", "{\"cache_read_input_tokens\":2}" },
		{ "{}", "" }, { "null", "" }, { "[]", "" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct usage usage = { 0 };

		TEST(usage_add_openai(&usage, json(rows[i].object)) == (*rows[i].want != '\0') && put_is(&usage, rows[i].want),
		    rows[i].object);
	}
}

static void
test_mended(void)
{
	/* NULL: it obeys, and stays. What was seen before is 7 of output. */
	static const struct {
		const char *text;
		const char *at_start;
		const char *at_delta;
	} usages[] = {
		{ "{\"input_tokens\":1,\"output_tokens\":2}", NULL, NULL },
		{ " { \"output_tokens\" : 2 } ", "{\"output_tokens\":2,\"input_tokens\":0}", NULL },
		{ "{\"output_tokens\":2,\"x\":null,\"y\":[],\"tokens\":null}",
		    "{\"output_tokens\":2,\"x\":null,\"y\":[],\"tokens\":null,\"input_tokens\":0}", NULL },
		{ "{\"input_tokens\":1}", "{\"input_tokens\":1,\"output_tokens\":7}", "{\"input_tokens\":1,\"output_tokens\":7}" },
		{ "{}", "{\"input_tokens\":0,\"output_tokens\":7}", "{\"output_tokens\":7}" },
		{ "null", "{\"input_tokens\":0,\"output_tokens\":7}", "{\"output_tokens\":7}" },
		{ "[1]", "{\"input_tokens\":0,\"output_tokens\":7}", "{\"output_tokens\":7}" },
		{ "{\"input_tokens\":null,\"output_tokens\":3}", "{\"input_tokens\":0,\"output_tokens\":3}", "{\"output_tokens\":3}" },
		{ "{\"input_tokens\":1,\"output_tokens\":3,\"a_tokens\":null,\"b_tokens\":4.0}",
		    "{\"input_tokens\":1,\"output_tokens\":3,\"a_tokens\":0,\"b_tokens\":4}",
		    "{\"input_tokens\":1,\"output_tokens\":3,\"b_tokens\":4}" },
		{ "{\"input_tokens\":1,\"output_tokens\":3,\"output_tokens\":4}", "{\"input_tokens\":1,\"output_tokens\":4}",
		    "{\"input_tokens\":1,\"output_tokens\":4}" },
		{ "{\"input_tokens\":1,\"output_tokens\":3,\"a_tokens\":1,\"a_tokens\":2}",
		    "{\"input_tokens\":1,\"output_tokens\":3,\"a_tokens\":1}",
		    "{\"input_tokens\":1,\"output_tokens\":3,\"a_tokens\":1}" },
		{ "{\"input_tokens\":1,\"output_tokens\":3,\"a\\u005ftokens\":null}", "{\"input_tokens\":1,\"output_tokens\":3}",
		    "{\"input_tokens\":1,\"output_tokens\":3}" },
		{ "{\"input_tokens\":1,\"output\\u005ftokens\":3}", "{\"input_tokens\":1,\"output_tokens\":3}",
		    "{\"input_tokens\":1,\"output_tokens\":3}" },
	};

	for (size_t i = 0; i < sizeof usages / sizeof *usages; i++)
		for (int place = USAGE_OF_START; place <= USAGE_OF_DELTA; place++) {
			const char *want = place == USAGE_OF_START ? usages[i].at_start : usages[i].at_delta;
			struct usage usage = { .output = 7, .has_output = true };
			struct buf out = BUF_INIT(1000);
			bool passed = true;

			EXPECT(usage_obeys(json(usages[i].text), (enum usage_place)place) == (want == NULL), "obeys");
			usage_add(&usage, json(usages[i].text));
			usage_put_mended(&out, json(usages[i].text), &usage, (enum usage_place)place);
			EXPECT(want == NULL || strcmp(buf_str(&out), want) == 0, buf_str(&out));
			EXPECT(usage_obeys((struct json){ buf_data(&out), buf_len(&out) }, (enum usage_place)place), "mended");
			TEST(passed, usages[i].text);
			buf_free(&out);
		}
}

/* Members are compared with each other: of very many the last are left out. */
static void
test_many(void)
{
	struct buf text = BUF_INIT(100000), out = BUF_INIT(100000);
	struct json object;

	buf_puts(&text, "{\"input_tokens\":1,\"output_tokens\":2");
	for (int i = 0; i < 1000; i++)
		buf_printf(&text, ",\"x%d\":1", i);
	buf_putc(&text, '}');
	object = (struct json){ buf_data(&text), buf_len(&text) };
	TEST(!usage_obeys(object, USAGE_OF_START), "a thousand members do not obey");
	usage_put_mended(&out, object, &(struct usage){ .input = 1, .output = 2, .has_input = true, .has_output = true },
	    USAGE_OF_START);
	object = (struct json){ buf_data(&out), buf_len(&out) };
	TEST(usage_obeys(object, USAGE_OF_START) && buf_len(&out) < 1000, "the first few do");
	buf_free(&text);
	buf_free(&out);
}

int
main(void)
{
	test_counts();
	test_add();
	test_mended();
	test_many();
	test_openai();
	return test_exit();
}
