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

int
main(void)
{
	test_counts();
	test_add();
	return test_exit();
}
