/* SPDX-License-Identifier: MIT */
#include "base/limits.h"
#include "replay/player.h"
#include "test.h"

static struct replay_text
text(const char *s)
{
	return (struct replay_text){ s, strlen(s) };
}

static void
test_glob(void)
{
	static const struct {
		const char *pattern, *text;
		bool covers;
	} cases[] = {
		{ "", "", true }, { "", "a", false }, { "*", "", true }, { "*", "abc", true }, { "abc", "abc", true },
		{ "abc", "abcd", false }, { "abcd", "abc", false }, { "a*", "abc", true }, { "*c", "abc", true },
		{ "a*c", "abc", true }, { "a*c", "ac", true }, { "a*c", "abcd", false }, { "*b*", "abc", true },
		{ "*aab", "aaaab", true }, { "a*b*c", "axbxxbc", true }, { "a*b*c", "axcxb", false },
		{ "**", "x", true }, { "a**", "a", true }, { "?", "x", false }, { "a*a", "a", false },
	};
	bool passed = true;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct test_page pattern = test_page(cases[i].pattern, strlen(cases[i].pattern));
		struct test_page page = test_page(cases[i].text, strlen(cases[i].text));

		EXPECT(replay_glob((struct replay_text){ pattern.text, strlen(cases[i].pattern) },
			   (struct replay_text){ page.text, strlen(cases[i].text) }) == cases[i].covers,
		    cases[i].pattern);
		test_page_free(pattern);
		test_page_free(page);
	}
	TEST(passed, "globs");
}

static void
test_time(void)
{
	uint64_t ms;
	bool passed = true;

	EXPECT(replay_text_time(text("20ms"), 1000, &ms) && ms == 20, "20ms");
	EXPECT(replay_text_time(text("1s"), 1000, &ms) && ms == 1000, "1s");
	EXPECT(!replay_text_time(text("2s"), 1999, &ms), "too long");
	EXPECT(!replay_text_time(text("1001ms"), 1000, &ms), "too long in ms");
	EXPECT(!replay_text_time(text("18446744073709551s"), UINT64_MAX / 2000, &ms), "too long for 64 bits");
	for (size_t i = 0; i < 8; i++) {
		static const char *const bad[8] = { "", "s", "ms", "20", "-1s", "1 s", "1m", "0x1s" };

		EXPECT(!replay_text_time(text(bad[i]), 1000, &ms), bad[i]);
	}
	TEST(passed, "times");
}

static void
test_unescape(void)
{
	static const struct {
		const char *from, *to;
		size_t len;	/* SIZE_MAX: refused */
	} cases[] = {
		{ "", "", 0 }, { "plain", "plain", 5 }, { "\\n\\r\\t\\\\", "\n\r\t\\", 4 }, { "\\x00\\xfF", "\0\xff", 2 },
		{ "\\x41b", "Ab", 2 }, { "\\", "", SIZE_MAX }, { "\\x4", "", SIZE_MAX }, { "\\q", "", SIZE_MAX },
		{ "\\xg0", "", SIZE_MAX }, { "a\\\\n", "a\\n", 3 },
	};
	bool passed = true;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char copy[16];
		size_t len = SIZE_MAX;
		const char *bad;

		memcpy(copy, cases[i].from, strlen(cases[i].from));
		if (!replay_unescape(copy, strlen(cases[i].from), &len, &bad))
			len = SIZE_MAX;
		EXPECT(len == cases[i].len, cases[i].from);
		EXPECT(len == SIZE_MAX || memcmp(copy, cases[i].to, len) == 0, cases[i].from);
	}
	TEST(passed, "escapes");
}

static const char request[] =
    "{\"type\":\"request\",\"id\":9,\"request_id\":\"req_9\",\"method\":\"POST\",\"target\":\"/v1/messages?beta=true\","
    "\"headers\":{\"x-api-key\":\"k\"},\"bytes\":33}\n{\"model\":\"minimax\",\"stream\":true}\n";

static const char script_text[] =
    "# all of it\n"
    "on POST /v1/* model=mini* stream=true header=x-api-key:k header=X-Api-Key\n"
    "\tcycle\n"
    "\tanswer 200\n"
    "\t\theader x-n: ${count}\n"
    "\t\thead\n"
    "\t\tevent {\"type\":\"message_start\",\"m\":\"${model}\"}\n"
    "\t\tnewline crlf\n"
    "\t\trepeat 2\n"
    "\t\t\trepeat 3\n"
    "\t\t\t\tsend <${round}>\n"
    "\t\t\tend\n"
    "\t\tpause 1ms\n"
    "\t\tend\n"
    "\t\tdata $${x}\n"
    "\t\tbody <<E\n"
    "a\n"
    "\n"
    "E\n"
    "\t\tnewline cr\n"
    "\t\tevent x y\n"
    "\t\tsplit 7\n"
    "\t\tsend 0123456789\n"
    "\tanswer 529\n"
    "\t\tsend \\xff\\x00\n"
    "\t\treset\n"
    "on * *\n"
    "\tanswer 404\n";

static const char want_body[] = "event: message_start\ndata: {\"type\":\"message_start\",\"m\":\"minimax\"}\n\n"
				"<1><2><3><1><2><3>data: ${x}\r\n\r\na\r\n\r\nevent: x\rdata: y\r\r0123456789";

static struct record
the_request(void)
{
	struct record record;
	const char *why;

	if (record_parse(request, sizeof request - 1, &record, &why) != RECORD_OK)
		abort();
	return record;
}

/* Plays the next answer; the payloads of its data records come to `body`, its headers to `headers`. */
static enum replay_state
play(struct replay_script *script, struct buf *headers, struct buf *body, uint64_t *waited)
{
	struct record record = the_request();
	struct replay_player *player = replay_begin(script, &record);
	struct buf out = BUF_INIT(MIB);
	enum replay_state state;
	const char *why;
	uint64_t wait_ms;

	do {
		state = replay_play(player, &out, &wait_ms);
		*waited += wait_ms;
	} while (state != REPLAY_FINISHED && state != REPLAY_HANGING);
	for (; buf_len(&out) > 0; buf_consume(&out, record.size)) {
		if (record_parse(buf_data(&out), buf_len(&out), &record, &why) != RECORD_OK)
			abort();
		buf_put(body, record.payload, record.payload_len);
		buf_put(headers, record.header.p, record.header.len);
		buf_putc(headers, '\n');
	}
	replay_player_free(player);
	buf_free(&out);
	return state;
}

static bool
contains(const struct buf *b, const char *s)
{
	return memmem(buf_data(b), buf_len(b), s, strlen(s)) != NULL;
}

static void
test_play(void)
{
	struct test_page page = test_page(script_text, sizeof script_text - 1);
	struct buf errors = BUF_INIT(MIB), headers = BUF_INIT(MIB), body = BUF_INIT(MIB);
	struct replay_script *script = replay_parse("s", page.text, sizeof script_text - 1, &errors);
	uint64_t waited = 0;
	bool passed = true;

	/* The script has its own copy. */
	test_page_free(page);
	EXPECT(script != NULL && buf_len(&errors) == 0, "the script is understood");
	if (script == NULL) {
		printf("# %.*s\n", (int)buf_len(&errors), buf_data(&errors));
		TEST(false, "a script plays");
		return;
	}
	EXPECT(play(script, &headers, &body, &waited) == REPLAY_FINISHED, "it ends");
	EXPECT(buf_len(&body) == strlen(want_body) && memcmp(buf_data(&body), want_body, strlen(want_body)) == 0, "body");
	EXPECT(waited == 2, "pauses");
	EXPECT(contains(&headers, "{\"type\":\"head\",\"id\":9,\"status\":200,\"headers\":"
				  "{\"content-type\":\"text/event-stream\",\"x-n\":\"1\"}}\n"), "head");
	EXPECT(contains(&headers, "\"bytes\":7}\n{\"type\":\"data\",\"id\":9,\"bytes\":3}\n"), "split");
	EXPECT(contains(&headers, "{\"type\":\"end\",\"id\":9,\"result\":\"complete\"}\n"), "end");
	buf_clear(&headers);
	buf_clear(&body);
	EXPECT(play(script, &headers, &body, &waited) == REPLAY_FINISHED, "the second ends");
	EXPECT(buf_len(&body) == 2 && memcmp(buf_data(&body), "\xff", 2) == 0, "octets");
	EXPECT(contains(&headers, "\"error\":\"reset at s:26\",\"reset\":true}\n"), "reset");
	buf_clear(&headers);
	play(script, &headers, &body, &waited);
	EXPECT(contains(&headers, "\"x-n\":\"3\""), "the third is the first again");
	TEST(passed, "a script plays");
	replay_free(script);
	buf_free(&errors);
	buf_free(&headers);
	buf_free(&body);
}

/* A script cut short anywhere is one, or its mistakes are told; an octet of it changed likewise. */
static void
test_every_split(void)
{
	bool passed = true;

	for (size_t n = 0; n < sizeof script_text - 1; n++) {
		struct test_page page = test_page(script_text, n);
		struct buf errors = BUF_INIT(MIB);
		struct replay_script *script = replay_parse("s", page.text, n, &errors);

		EXPECT((script == NULL) == (buf_len(&errors) > 0), "a script or mistakes");
		EXPECT(buf_len(&errors) == 0 || buf_data(&errors)[buf_len(&errors) - 1] == '\n', "whole lines");
		replay_free(script);
		buf_free(&errors);
		test_page_free(page);
	}
	TEST(passed, "a script cut short at every place is one or has mistakes");
}

static void
test_limits(void)
{
	struct buf deep = BUF_INIT(MIB), errors = BUF_INIT(MIB);
	struct replay_script *script;
	bool passed = true;
	size_t lines = 0;

	buf_puts(&deep, "on * *\nanswer 200\n");
	for (int i = 0; i < REPLAY_DEPTH_MAX + 1; i++)
		buf_puts(&deep, "repeat 2\n");
	for (int i = 0; i < REPLAY_DEPTH_MAX + 1; i++)
		buf_puts(&deep, "end\n");
	script = replay_parse("s", buf_data(&deep), buf_len(&deep), &errors);
	EXPECT(script == NULL && contains(&errors, "s:11: `repeat` stands deeper than 8 in another"), "too deep");
	replay_free(script);
	buf_clear(&deep);
	buf_clear(&errors);
	for (int i = 0; i < 1000; i++)
		buf_puts(&deep, "bogus\n");
	script = replay_parse("s", buf_data(&deep), buf_len(&deep), &errors);
	for (size_t i = 0; i < buf_len(&errors); i++)
		lines += buf_data(&errors)[i] == '\n';
	EXPECT(script == NULL && lines == REPLAY_MISTAKES_MAX, "as many mistakes as are shown");
	replay_free(script);
	buf_clear(&deep);
	buf_clear(&errors);
	for (int i = 0; i < REPLAY_ITEMS_MAX + 1; i++)
		buf_puts(&deep, "on * *\nanswer 200\n");
	script = replay_parse("s", buf_data(&deep), buf_len(&deep), &errors);
	EXPECT(script == NULL && contains(&errors, "too long"), "too many blocks");
	replay_free(script);
	TEST(passed, "the limits of a script");
	buf_free(&deep);
	buf_free(&errors);
}

int
main(void)
{
	test_glob();
	test_time();
	test_unescape();
	test_play();
	test_every_split();
	test_limits();
	return test_exit();
}
