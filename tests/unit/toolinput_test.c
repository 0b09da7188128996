/* SPDX-License-Identifier: MIT */
#include "stream/toolinput.h"

#include "test.h"

static const struct {
	const char *text;	/* of the input, as it is once decoded */
	int extent;		/* or -1: no JSON object */
} inputs[] = {
	{ "", TOOLINPUT_NONE },
	{ " \n\t\r", TOOLINPUT_BLANK },
	{ "{}", TOOLINPUT_WHOLE },
	{ " { } \n", TOOLINPUT_WHOLE },
	{ "{\"a\":1}", TOOLINPUT_WHOLE },
	{ "{\"a\":{\"b\":[{},[],[1,2],\"x\",null,true,false]}}", TOOLINPUT_WHOLE },
	{ "{\"a\" : -0.5e+10 , \"b\" : 0 , \"c\":10,\"d\":1.25,\"e\":1E5,\"f\":-12e-3}", TOOLINPUT_WHOLE },
	{ "{\"n\":12345678901234567890123456789012345678901234567890,\"x\":1e400}", TOOLINPUT_WHOLE },
	{ "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"}", TOOLINPUT_WHOLE },
	{ "{\"Gr\xc3\xb6\xc3\x9f" "e\":\"\xf0\x9f\x98\x80\"}", TOOLINPUT_WHOLE },
	{ "{\"a\":\"}\"}", TOOLINPUT_WHOLE },
	{ "{\"\":\"\"}", TOOLINPUT_WHOLE },
	{ "{\"a\":1,\"a\":2}", TOOLINPUT_WHOLE },
	{ "{\"\x7f\":[[[]]]}", TOOLINPUT_WHOLE },
	{ "{\"a\":1}x", -1 },
	{ "{}{}", -1 },
	{ "[]", -1 },
	{ "null", -1 },
	{ "\"a\"", -1 },
	{ "1", -1 },
	{ "x", -1 },
	{ "{,", -1 },
	{ "{1", -1 },
	{ "{\"a\",", -1 },
	{ "{\"a\":}", -1 },
	{ "{\"a\":1,}", -1 },
	{ "{\"a\":1]", -1 },
	{ "{\"a\":[1}", -1 },
	{ "{\"a\":[,", -1 },
	{ "{\"a\":[1,]", -1 },
	{ "{\"a\":01", -1 },
	{ "{\"a\":-0}", TOOLINPUT_WHOLE },
	{ "{\"a\":-01", -1 },
	{ "{\"a\":-}", -1 },
	{ "{\"a\":-a", -1 },
	{ "{\"a\":1.}", -1 },
	{ "{\"a\":.5", -1 },
	{ "{\"a\":+1", -1 },
	{ "{\"a\":1e}", -1 },
	{ "{\"a\":1e+}", -1 },
	{ "{\"a\":1e1.", -1 },
	{ "{\"a\":1 2", -1 },
	{ "{\"a\":tru}", -1 },
	{ "{\"a\":truee", -1 },
	{ "{\"a\":nul1", -1 },
	{ "{\"a\":True", -1 },
	{ "{\"a\":NaN", -1 },
	{ "{\"a\":'b'", -1 },
	{ "{a", -1 },
	{ "{\"a\":\"\\x", -1 },
	{ "{\"a\":\"\\u00g", -1 },
	{ "{\"a\":\"\\u\xc3", -1 },
	{ "{\"a\":\"\n", -1 },
	{ "{\"a\":\"\x01", -1 },
	{ "{\"a\":\"\\\n", -1 },
	{ "{\"a\":\x01", -1 },
	{ "\xef\xbb\xbf{}", -1 },
	{ "{\"a\":\xc3\xa9", -1 },
};

static enum toolinput_extent
feed(struct toolinput *t, const char *text, size_t n, bool *good)
{
	struct buf string = BUF_INIT(10000);
	struct test_page page;

	json_put_string(&string, text, n);
	page = test_page(buf_data(&string), buf_len(&string));
	*good = toolinput_take(t, (struct json){ page.text, buf_len(&string) });
	test_page_free(page);
	buf_free(&string);
	return toolinput_extent(t);
}

static bool
is_right(const char *text, size_t n, int want, size_t first, size_t step)
{
	struct toolinput t;
	enum toolinput_extent extent = TOOLINPUT_NONE;
	bool good = true;

	toolinput_begin(&t);
	for (size_t at = 0, len = first; at < n && good; at += len, len = step)
		extent = feed(&t, text + at, n - at < len ? n - at : len, &good);
	if (!good) {
		struct toolinput again = t;

		/* What is bad stays bad. */
		return want < 0 && !toolinput_take(&again, (struct json){ "\"\"", 2 }) &&
		    !toolinput_take(&again, (struct json){ "\"}\"", 3 });
	}
	return extent == (enum toolinput_extent)want;
}

/* Half a character in a piece is none of JSON's strings, and would be replaced. */
static bool
is_text(const char *text, size_t at)
{
	return ((unsigned char)text[at] & 0xc0) != 0x80;
}

static void
test_inputs(void)
{
	for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
		const char *text = inputs[i].text;
		size_t n = strlen(text);
		bool passed = true, ascii = true;

		for (size_t at = 0; at < n; at++)
			ascii &= (unsigned char)text[at] < 0x80;
		EXPECT(is_right(text, n, inputs[i].extent, n, n), "whole");
		for (size_t at = 1; at < n; at++) {
			if (is_text(text, at))
				EXPECT(is_right(text, n, inputs[i].extent, at, n), "in two pieces");
			/* Every beginning of a whole object is one that is cut. */
			if (inputs[i].extent == TOOLINPUT_WHOLE && is_text(text, at) && memchr(text, '{', at) != NULL &&
			    strchr(text + at, '}') != NULL)
				EXPECT(is_right(text, at, TOOLINPUT_CUT, at, at), "cut");
		}
		if (ascii && n > 0)
			EXPECT(is_right(text, n, inputs[i].extent, 1, 1), "octet by octet");
		TEST(passed, n > 0 ? text : "nothing");
	}
}

/* The same text, each character written in each of the ways in which JSON lets it stand in a string. */
static void
test_escapes(void)
{
	static const struct {
		const char *string;
		int extent;
	} strings[] = {
		{ "\"\"", TOOLINPUT_NONE },
		{ "\"\\n\\t\\r \\u0020\\u000a\"", TOOLINPUT_BLANK },
		{ "\"{\\\"a\\\":\\\"\\\\\\\"\\\"}\"", TOOLINPUT_WHOLE },
		{ "\"\\u007b\\u0022a\\u0022\\u003A\\u0022\\u005c\\u0022\\u0022\\u007D\"", TOOLINPUT_WHOLE },
		{ "\"{\\\"a\\\":\\\"\\\\u00\\u00341\\\"}\"", TOOLINPUT_WHOLE },
		{ "\"{\\\"a\\\":\\\"\\ud83d\\ude00\\ud83d\\\"}\"", TOOLINPUT_WHOLE },
		{ "\"{\\\"a\\\":\\\"\\/\\\"}\"", TOOLINPUT_WHOLE },
		{ "\"{\\\"a\\\":\\\"\\\\\\/\\\"}\"", TOOLINPUT_WHOLE },
		{ "\"{\\\"a\\\":\\\"\\n\"", -1 },
		{ "\"{\\\"a\\\":\\\"\\u0000\"", -1 },
		{ "\"{\\\"a\\\":\\\"\\\\\\u0000\"", -1 },
		{ "\"{\\\"a\\\":\\\"\\b\"", -1 },
		{ "\"{\\f\"", -1 },
		{ "\"{\\\"a\\\":\\\"\"", TOOLINPUT_CUT },
		{ "\"{\\\"a\\\":\\\"\\\\\"", TOOLINPUT_CUT },
		{ "\"{\\\"a\\\":\\\"\\\\u00\"", TOOLINPUT_CUT },
	};

	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
		size_t n = strlen(strings[i].string);
		struct test_page page = test_page(strings[i].string, n);
		struct toolinput t;
		bool good;

		toolinput_begin(&t);
		good = toolinput_take(&t, (struct json){ page.text, n });
		TEST(good == (strings[i].extent >= 0) && (!good || (int)toolinput_extent(&t) == strings[i].extent),
		    strings[i].string);
		test_page_free(page);
	}
}

static void
test_depth(void)
{
	struct toolinput t;
	bool passed = true;

	toolinput_begin(&t);
	EXPECT(toolinput_take(&t, (struct json){ "\"{\\\"a\\\":\"", 9 }), "object");
	for (int i = 1; i < JSON_DEPTH_MAX; i++)
		EXPECT(toolinput_take(&t, (struct json){ "\"[\"", 3 }), "array");
	EXPECT(toolinput_extent(&t) == TOOLINPUT_CUT, "extent");
	for (int i = 1; i < JSON_DEPTH_MAX; i++)
		EXPECT(toolinput_take(&t, (struct json){ "\"]\"", 3 }), "array's end");
	EXPECT(toolinput_take(&t, (struct json){ "\"}\"", 3 }), "object's end");
	EXPECT(toolinput_extent(&t) == TOOLINPUT_WHOLE, "extent");
	toolinput_begin(&t);
	toolinput_take(&t, (struct json){ "\"{\\\"a\\\":\"", 9 });
	for (int i = 1; i < JSON_DEPTH_MAX; i++)
		toolinput_take(&t, (struct json){ "\"[\"", 3 });
	EXPECT(!toolinput_take(&t, (struct json){ "\"[\"", 3 }), "one too many");
	TEST(passed, "nesting up to the limit");
}

int
main(void)
{
	test_inputs();
	test_escapes();
	test_depth();
	return test_exit();
}
