/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include "base/limits.h"
#include "test.h"

static const struct {
	const char *text;
	enum json_result result;
	size_t pos;	/* where the scan stands afterwards */
} scans[] = {
	{ "{}", JSON_OK, 2 },
	{ " [ ] ", JSON_OK, 4 },
	{ "{\"a\":[1,2,{\"b\":null}],\"c\":\"d\"}", JSON_OK, 30 },
	{ "\"a\\u00e9\\n\\\"\"", JSON_OK, 13 },
	{ "12345678901234567890", JSON_OK, 20 },
	{ "-0.1e+400", JSON_OK, 9 },
	{ "1.0 ", JSON_OK, 3 },
	{ "true", JSON_OK, 4 },
	{ "", JSON_END, 0 },
	{ "  ", JSON_END, 2 },
	{ "{", JSON_END, 1 },
	{ "{\"a", JSON_END, 3 },
	{ "{\"a\\", JSON_END, 4 },
	{ "{\"a\"", JSON_END, 4 },
	{ "{\"a\":", JSON_END, 5 },
	{ "{\"a\":1", JSON_END, 6 },
	{ "{\"a\":1,", JSON_END, 7 },
	{ "[1", JSON_END, 2 },
	{ "tru", JSON_END, 3 },
	{ "1.", JSON_END, 2 },
	{ "-", JSON_END, 1 },
	{ "1e", JSON_END, 2 },
	{ "\"\\u12", JSON_END, 5 },
	{ "[1,]", JSON_BAD, 3 },
	{ "{\"a\":1,}", JSON_BAD, 7 },
	{ "{,}", JSON_BAD, 1 },
	{ "{a:1}", JSON_BAD, 1 },
	{ "{\"a\" 1}", JSON_BAD, 5 },
	{ "[1 2]", JSON_BAD, 3 },
	{ "{\"a\":1]", JSON_BAD, 6 },
	{ "\"a\nb\"", JSON_BAD, 2 },
	{ "\"abcdefgh\tb\"", JSON_BAD, 9 },
	{ "\"\\x\"", JSON_BAD, 2 },
	{ "\"\\u12g4\"", JSON_BAD, 5 },
	{ "'a'", JSON_BAD, 0 },
	{ "+1", JSON_BAD, 0 },
	{ ".5", JSON_BAD, 0 },
	{ "truE", JSON_BAD, 3 },
	{ "nul1", JSON_BAD, 3 },
};

static void
test_scan(void)
{
	for (size_t i = 0; i < sizeof scans / sizeof *scans; i++) {
		struct test_page page = test_page(scans[i].text, strlen(scans[i].text));
		struct json value;
		size_t pos = 0;
		bool passed = true;

		EXPECT(json_scan(page.text, strlen(scans[i].text), &pos, &value) == scans[i].result, "result");
		EXPECT(pos == scans[i].pos, "position");
		TEST(passed, scans[i].text);
		test_page_free(page);
	}
}

/* Each prefix of a good text is cut short, and none is bad; so it does not matter where the input was split. */
static void
test_prefixes(void)
{
	static const char text[] = "{ \"a\" : [ 1.5e-3 , true , \"x\\u0041\\\\ long enough for a word\" ] , \"b\" : { } }";
	bool passed = true;

	for (size_t n = 0; n < sizeof text - 1; n++) {
		struct test_page page = test_page(text, n);
		struct json value;
		size_t pos = 0;

		EXPECT(json_scan(page.text, n, &pos, &value) == JSON_END && pos == n, "prefix");
		test_page_free(page);
	}
	TEST(passed, "each prefix of a text is cut short, not bad");
}

static void
test_numbers(void)
{
	static const char *const bad[] = { "01", "1.e1", "1x", "0x1", "--1", "1 1", "\"a\" x", "{} {}" };
	struct json value;
	bool passed = true;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		EXPECT(json_whole(bad[i], strlen(bad[i]), &value) == JSON_BAD, bad[i]);
	TEST(passed, "nothing may stand behind the value");
}

static void
test_depth(void)
{
	static char text[2 * JSON_DEPTH_MAX + 2];
	struct json value;

	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	TEST(json_whole(text, 2 * JSON_DEPTH_MAX, &value) == JSON_OK, "the deepest nesting allowed is read");
	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	TEST(json_whole(text, 2 * JSON_DEPTH_MAX + 2, &value) == JSON_BAD, "one level deeper is refused");
}

static void
test_members(void)
{
	static const char text[] = " { \"a\\u0062\" : 12345678901234567890 , \"c\" : [ 1 , \"x\" ] } tail";
	struct json_iter it;
	struct json key, value;
	bool passed = true;

	EXPECT(json_iter_init(&it, text, sizeof text - 1) && it.in_object, "object");
	EXPECT(json_next(&it, &key, &value) == JSON_OK && json_equals(key, "ab"), "escaped name");
	EXPECT(value.len == 20 && memcmp(value.p, "12345678901234567890", 20) == 0, "number as text");
	EXPECT(json_next(&it, &key, &value) == JSON_OK && json_equals(key, "c") && json_is_array(value), "array");
	EXPECT(json_next(&it, &key, &value) == JSON_END, "end");
	EXPECT(strcmp(text + it.pos, " tail") == 0, "position behind the object");
	TEST(passed, "members are walked in order");
	TEST(json_find((struct json){ text + 1, sizeof text - 7 }, "c", &value) && value.len == 11, "a member is found by name");
	TEST(!json_find((struct json){ text + 1, sizeof text - 7 }, "ab\\", &value), "and not by another");
	TEST(json_is_array(value) && value.len == 11, "one that is not found leaves what was there");
}

static void
test_equals(void)
{
	static const struct {
		const char *json, *text;
		bool equal;
	} cases[] = {
		{ "\"data\"", "data", true }, { "\"data\"", "date", false }, { "\"data\"", "dat", false },
		{ "\"data\"", "data1", false }, { "\"Data\"", "data", false }, { "\"\"", "", true },
		{ "\"a\"", "", false }, { "\"\"", "a", false }, { "\"\\u0064ata\"", "data", true },
		{ "\"d\\u0061t\\u0061\"", "data", true }, { "\"dat\\u0061\"", "data", true },
		{ "\"dat\\u0062\"", "data", false }, { "\"\\\\\"", "\\", true }, { "\"\\\\\"", "\\\\", false },
		{ "\"a\\nb\"", "a\nb", true }, { "\"a\\nb\"", "a\\nb", false }, { "\"\\u00e9\"", "\xc3\xa9", true },
		{ "\"\xc3\xa9\"", "\xc3\xa9", true }, { "\"data\\u0000\"", "data", false }, { "123", "123", false },
		{ "1234567", "23456", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct test_page page = test_page(cases[i].json, strlen(cases[i].json));
		char name[96];

		snprintf(name, sizeof name, "json_equals(%s, %s)", cases[i].json, cases[i].text);
		TEST(json_equals((struct json){ page.text, strlen(cases[i].json) }, cases[i].text) == cases[i].equal, name);
		test_page_free(page);
	}
}

static void
test_bad_members(void)
{
	static const char *const bad[] = { "{\"a\":1", "{\"a\":1,}", "{\"a\":1 \"b\":2}", "{\"a\"}", "[1,]", "[1 2]", "{\"a", "[" };
	bool passed = true;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct test_page page = test_page(bad[i], strlen(bad[i]));
		struct json_iter it;
		struct json key, value;
		enum json_result result;

		json_iter_init(&it, page.text, strlen(bad[i]));
		while ((result = json_next(&it, &key, &value)) == JSON_OK)
			;
		EXPECT(result == JSON_BAD, bad[i]);
		test_page_free(page);
	}
	TEST(passed, "a walk over what is no JSON ends badly");
}

static bool
decodes(const char *text, const char *want, size_t n)
{
	struct buf out = BUF_INIT(100);
	struct json value;
	bool same = json_whole(text, strlen(text), &value) == JSON_OK && json_decode(value, &out) && buf_len(&out) == n &&
	    memcmp(buf_data(&out), want, n) == 0;

	buf_free(&out);
	return same;
}

static void
test_decode(void)
{
	TEST(decodes("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\b\f\n\r\t", 9), "the short escapes");
	TEST(decodes("\"\\u0000x\"", "\0x", 2), "\\u0000 is a NUL octet");
	TEST(decodes("\"\\u00e9\\u20ac\\ud83d\\ude00\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9), "\\u to UTF-8");
	TEST(decodes("\"\\ud83dx\"", "\xef\xbf\xbdx", 4), "half a surrogate pair");
	TEST(decodes("\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd", 6), "a pair the wrong way round");
}

static void
test_octets(void)
{
	char all[255];
	struct buf text = BUF_INIT(4096), back = BUF_INIT(4096);
	struct json value;
	bool passed = true;

	for (int i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	json_put_octets(&text, all, sizeof all);
	EXPECT(json_whole(buf_data(&text), buf_len(&text), &value) == JSON_OK, "JSON");
	EXPECT(json_decode_octets(value, &back) && buf_len(&back) == sizeof all, "length");
	EXPECT(memcmp(buf_data(&back), all, sizeof all) == 0, "octets");
	TEST(passed, "every octet survives as a character of its number");
	buf_clear(&back);
	json_whole("\"\xc3\xa9\"", 4, &value);
	TEST(json_decode_octets(value, &back) && buf_len(&back) == 1 && buf_data(&back)[0] == '\xe9',
	    "so it does when another tool wrote the character as UTF-8");
	json_whole("\"\\u0100\"", 8, &value);
	TEST(!json_decode_octets(value, &back), "a character beyond U+00FF is no octet");
	buf_free(&text);
	buf_free(&back);
}

static void
test_put_string(void)
{
	static const char raw[] = "q\" b\\ n\n c\x01 u\xc3\xa9 bad\xff\xc3 end\xe2\x82";
	struct buf text = BUF_INIT(4096);

	json_put_string(&text, raw, sizeof raw - 1);
	TEST(strcmp(buf_str(&text), "\"q\\\" b\\\\ n\\n c\\u0001 u\xc3\xa9 bad\\ufffd\\ufffd end\\ufffd\\ufffd\"") == 0,
	    "any octets become a JSON string");
	buf_free(&text);
}

static void
test_u64(void)
{
	uint64_t v = 0;

	TEST(json_u64((struct json){ "18446744073709551615", 20 }, UINT64_MAX, &v) && v == UINT64_MAX, "2^64-1");
	TEST(!json_u64((struct json){ "18446744073709551616", 20 }, UINT64_MAX, &v), "2^64 is too large");
	TEST(!json_u64((struct json){ "1.0", 3 }, 10, &v) && !json_u64((struct json){ "-1", 2 }, 10, &v) &&
	    !json_u64((struct json){ "1e1", 3 }, 10, &v) && !json_u64((struct json){ "\"1\"", 3 }, 10, &v), "digits only");
}

int
main(void)
{
	test_scan();
	test_prefixes();
	test_numbers();
	test_depth();
	test_members();
	test_equals();
	test_bad_members();
	test_decode();
	test_octets();
	test_put_string();
	test_u64();
	return test_exit();
}
