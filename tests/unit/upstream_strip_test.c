/* SPDX-License-Identifier: MIT */
#include "upstream/strip.h"

#include "base/json.h"
#include "base/limits.h"
#include "test.h"

#define T "{\"type\":\"thinking\",\"thinking\":\"a]\\\"},{\",\"signature\":\"s\"}"
#define R "{\"type\":\"redacted_thinking\",\"data\":\"d\"}"
#define X "{\"type\":\"text\",\"text\":\"x\"}"
#define U "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{\"type\":\"thinking\",\"n\":1e400}}"
#define NONE "{\"type\":\"text\",\"text\":\"(no content)\"}"
#define A(CONTENT) "{\"role\":\"assistant\",\"content\":[" CONTENT "]}"
#define USER "{\"role\":\"user\",\"content\":\"q\"}"
#define BODY(MESSAGES) "{\"model\":\"m\",\"thinking\":{\"type\":\"enabled\"},\"messages\":[" MESSAGES "],\"n\":12345678901234567890}"

static const struct {
	const char *name;
	const char *body;
	size_t blocks;
	size_t cuts;
	const char *want;	/* NULL: as it was */
} cases[] = {
	{ "first of two", BODY(USER "," A(T "," X) "," USER), 1, 1, BODY(USER "," A(X) "," USER) },
	{ "last of two", BODY(A(X "," T) "," USER), 1, 1, BODY(A(X) "," USER) },
	{ "in the middle", BODY(A(X "," T "," U) "," USER), 1, 1, BODY(A(X "," U) "," USER) },
	{ "two at the front are one cut", BODY(A(T "," R "," U) "," USER), 2, 1, BODY(A(U) "," USER) },
	{ "two at the end too", BODY(A(X "," R "," T) "," USER), 2, 1, BODY(A(X) "," USER) },
	{ "by turns", BODY(A(T "," X "," R "," U "," T) "," USER), 3, 3, BODY(A(X "," U) "," USER) },
	{ "several messages", BODY(A(T "," X) "," USER "," A(X) "," USER "," A(R "," U) "," USER), 2, 2,
	    BODY(A(X) "," USER "," A(X) "," USER "," A(U) "," USER) },
	{ "white space stays where it is not the comma's", BODY(A(" " T " ,\n\t" X " , " R " ") "," USER), 2, 2, BODY(A(" " X " ") "," USER) },
	{ "nothing else: a text takes its place", BODY(A(T) "," USER), 1, 1, BODY(A(NONE) "," USER) },
	{ "nothing else of two", BODY(A(" " T " , " R " ") "," USER), 2, 1, BODY(A(" " NONE " ") "," USER) },
	{ "nothing else in the last message: it may be empty", BODY(USER "," A(T)), 1, 1, BODY(USER "," A("")) },
	{ "the last message with something left", BODY(USER "," A(T "," X)), 1, 1, BODY(USER "," A(X)) },
	{ "an emptied one before the last", BODY(A(T) "," A(T)), 2, 2, BODY(A(NONE) "," A("")) },
	{ "names and types in escapes",
	    "{\"m\\u0065ssages\":[{\"\\u0072ole\":\"assist\\u0061nt\",\"conten\\u0074\":[{\"t\\u0079pe\":\"th\\u0069nking\"}," X "]}]}", 1, 1,
	    "{\"m\\u0065ssages\":[{\"\\u0072ole\":\"assist\\u0061nt\",\"conten\\u0074\":[" X "]}]}" },
	{ "the last role and type hold", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"type\":\"thinking\"}," X
		",{\"type\":\"thinking\",\"type\":\"text\"}],\"role\":\"assistant\"}]}", 1, 1,
	    "{\"messages\":[{\"role\":\"user\",\"content\":[" X ",{\"type\":\"thinking\",\"type\":\"text\"}],\"role\":\"assistant\"}]}" },
	{ "each content and each messages", "{\"messages\":[" A(T "," X) "," USER "],\"messages\":[{\"role\":\"assistant\",\"content\":[" R "," X
		"],\"content\":[" X "," T "]}," USER "]}", 3, 3,
	    "{\"messages\":[" A(X) "," USER "],\"messages\":[{\"role\":\"assistant\",\"content\":[" X "],\"content\":[" X "]}," USER "]}" },
	{ "white space around the body", " \n" BODY(A(T "," X)) "\r\n", 1, 1, " \n" BODY(A(X)) "\r\n" },
	{ "a user's blocks stay", BODY("{\"role\":\"user\",\"content\":[" T "," X "]}"), 0, 0, NULL },
	{ "a tool result's blocks stay", BODY("{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"content\":[" T "]}]}," A(U "," X)), 0, 0,
	    NULL },
	{ "within an assistant's block they stay", BODY(A("{\"type\":\"x\",\"content\":[" T "]}")), 0, 0, NULL },
	{ "a text is no array", BODY("{\"role\":\"assistant\",\"content\":\"{\\\"type\\\":\\\"thinking\\\"}\"}"), 0, 0, NULL },
	{ "what is no block stays", BODY(A("1,\"thinking\",null,[" T "],{\"type\":[\"thinking\"]},{\"type\":null}")), 0, 0, NULL },
	{ "a content that is empty, or an object", BODY(A("") ",{\"role\":\"assistant\",\"content\":" T "}"), 0, 0, NULL },
	{ "messages elsewhere", "{\"a\":{\"messages\":[" A(T) "]},\"b\":[" A(T) "]}", 0, 0, NULL },
	{ "messages that are none", "{\"messages\":{\"role\":\"assistant\",\"content\":[" T "]},\"messages\":[1,\"x\",[],null]}", 0, 0, NULL },
	{ "an empty object", "{}", 0, 0, NULL },
};

static const char *const bodies_that_are_none[] = { "", " ", "[]", "1", "{", BODY(A(T)) "x", "{\"messages\":[" A(T) "]",
	"{\"messages\":[" A(T ",,") "]}", "\xff", "{\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\"}}]}" };

/* The cuts with what stands between them are the body; and the result is what it is said to be. */
static bool
check(const char *text, size_t blocks, size_t cuts, const char *want)
{
	size_t n = strlen(text), at = 0;
	struct test_page page = test_page(text, n);
	struct buf out = BUF_INIT(MIB), both = BUF_INIT(MIB);
	struct strip strip;
	struct json value;
	bool passed = true;

	strip_init(&strip);
	EXPECT(strip_find(&strip, page.text, n) && strip.blocks == blocks && strip_count(&strip) == cuts, "blocks and cuts");
	for (size_t i = 0; i < strip_count(&strip); i++) {
		const struct strip_cut *cut = strip_cuts(&strip) + i;

		EXPECT(cut->len > 0 && cut->at <= n && cut->len <= n - cut->at && cut->at >= at && (i == 0 || cut->at > at), "order");
		buf_put(&both, page.text + at, cut->at - at);
		buf_put(&both, page.text + cut->at, cut->len);
		at = cut->at + cut->len;
	}
	buf_put(&both, page.text + at, n - at);
	EXPECT(buf_len(&both) == n && memcmp(buf_data(&both), text, n) == 0, "cuts and the rest are the body");
	strip_put(&out, &strip, page.text, n);
	EXPECT(!out.failed && strcmp(buf_str(&out), want != NULL ? want : text) == 0, buf_str(&out));
	EXPECT(json_whole(buf_data(&out), buf_len(&out), &value) == JSON_OK, "JSON");
	EXPECT(strip_find(&strip, buf_data(&out), buf_len(&out)) && strip.blocks == 0, "nothing is left to cut");
	strip_free(&strip);
	buf_free(&out);
	buf_free(&both);
	test_page_free(page);
	return passed;
}

static void
test_wrong(void)
{
	struct strip strip;
	bool passed = true;

	strip_init(&strip);
	for (size_t i = 0; i < sizeof bodies_that_are_none / sizeof *bodies_that_are_none; i++) {
		struct test_page page = test_page(bodies_that_are_none[i], strlen(bodies_that_are_none[i]));

		EXPECT(!strip_find(&strip, page.text, strlen(bodies_that_are_none[i])) && strip.blocks == 0 &&
		    strip_count(&strip) == 0, bodies_that_are_none[i]);
		test_page_free(page);
	}
	strip_free(&strip);
	strip_free(NULL);
	TEST(passed, "what is no JSON object has nothing to cut");
}

/* Whatever the body is cut to, nothing is read past it, and nothing of half a body is cut. */
static void
test_cut_short(void)
{
	const char *body = cases[5].body;
	struct strip strip;
	bool passed = true;

	strip_init(&strip);
	for (size_t n = 0; n < strlen(body); n++) {
		struct test_page page = test_page(body, n);

		EXPECT(!strip_find(&strip, page.text, n) && strip_count(&strip) == 0, "half a body");
		test_page_free(page);
	}
	strip_free(&strip);
	TEST(passed, "half a body has nothing to cut");
}

static void
test_many(void)
{
	struct buf body = BUF_INIT(64 * MIB), out = BUF_INIT(64 * MIB);
	struct strip strip;
	size_t most = STRIP_CUTS_MAX;

	strip_init(&strip);
	for (size_t count = most; count <= most + 1; count++) {
		buf_clear(&body);
		buf_puts(&body, "{\"messages\":[{\"role\":\"assistant\",\"content\":[" X);
		for (size_t i = 0; i < count; i++)
			buf_puts(&body, "," R "," X);
		buf_puts(&body, "]}]}");
		if (count == most) {
			TEST(strip_find(&strip, buf_data(&body), buf_len(&body)) && strip.blocks == most, "the most cuts there may be");
			strip_put(&out, &strip, buf_data(&body), buf_len(&body));
			TEST(memmem(buf_data(&out), buf_len(&out), "thinking", 8) == NULL &&
			    buf_len(&out) == buf_len(&body) - most * (sizeof R), "all are cut");
		} else
			TEST(!strip_find(&strip, buf_data(&body), buf_len(&body)) && strip.blocks == 0 && strip_count(&strip) == 0,
			    "one more is too many");
	}
	TEST(strip_find(&strip, cases[0].body, strlen(cases[0].body)) && strip.blocks == 1, "and is forgotten");
	strip_free(&strip);
	buf_free(&body);
	buf_free(&out);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		TEST(check(cases[i].body, cases[i].blocks, cases[i].cuts, cases[i].want), cases[i].name);
	test_wrong();
	test_cut_short();
	test_many();
	return test_exit();
}
