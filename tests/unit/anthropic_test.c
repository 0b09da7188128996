/* SPDX-License-Identifier: MIT */
#include "stream/anthropic.h"

#include "base/limits.h"
#include "test.h"

#define START                                                                                                          \
	"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\","            \
	"\"role\":\"assistant\",\"model\":\"x\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"                 \
	"\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n"
#define BLOCK                                                                                                          \
	"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":"               \
	"{\"type\":\"text\",\"text\":\"\"}}\n\n"
#define DELTA                                                                                                          \
	"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"                       \
	"{\"type\":\"text_delta\",\"text\":\"4\"},\"n\":1e400}\n\n"
#define BLOCK_STOP "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
#define REASON                                                                                                         \
	"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\","                 \
	"\"stop_sequence\":null},\"usage\":{\"output_tokens\":2}}\n\n"
#define STOP "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
#define END REASON STOP
#define MESSAGE START END
#define PING "event: ping\ndata: {\"type\":\"ping\"}\n\n"
#define OVERLOADED                                                                                                     \
	"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n"
#define FAILED(MESSAGE)                                                                                                \
	"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"" MESSAGE                 \
	"; the answer is incomplete\"},\"request_id\":\"req_1\"}\n\n"
#define NO_STOP FAILED("acme ended its answer without message_stop")
#define NO_OBJECT FAILED("acme sent an event that is no JSON object with a type")

static const struct {
	const char *name;
	const char *text;
	const char *want;
	const char *repairs;	/* `NAME=COUNT` of each, with a blank behind it */
	enum anthropic_state state;
} streams[] = {
	{ "a good stream", START PING BLOCK DELTA BLOCK_STOP END, START PING BLOCK DELTA BLOCK_STOP END, "", ANTHROPIC_STOPPED },
	{ "an unknown event passes", START "event: new.thing\ndata: {\"type\":\"new.thing\"}\n\n" END,
	    START "event: new.thing\ndata: {\"type\":\"new.thing\"}\n\n" END, "", ANTHROPIC_STOPPED },
	{ "comments pass", ": a\n\n" START ": b\n:\n\n" END, ": a\n\n" START ": b\n:\n\n" END, "", ANTHROPIC_STOPPED },
	{ "comments get LF", ": a\r\n\r\n" MESSAGE, ": a\n\n" MESSAGE, "line-ends=1 ", ANTHROPIC_STOPPED },
	{ "a byte order mark", "\xef\xbb\xbf" MESSAGE, MESSAGE, "bom=1 ", ANTHROPIC_STOPPED },
	{ "CRLF", "event: ping\r\ndata: {\"type\":\"ping\"}\r\n\r\n" MESSAGE, PING MESSAGE, "line-ends=1 ", ANTHROPIC_STOPPED },
	{ "CR", "event: ping\rdata: {\"type\":\"ping\"}\r\r" MESSAGE, PING MESSAGE, "line-ends=1 ", ANTHROPIC_STOPPED },
	{ "no space behind data:", "event: ping\ndata:{\"type\":\"ping\"}\n\n" MESSAGE, PING MESSAGE, "data-space=1 ",
	    ANTHROPIC_STOPPED },
	{ "white space around the JSON", "event: ping\ndata:   {\"type\":\"ping\"} \t\n\n" MESSAGE, PING MESSAGE, "data-space=1 ",
	    ANTHROPIC_STOPPED },
	{ "no event line", "data: {\"type\":\"ping\"}\n\n" MESSAGE, PING MESSAGE, "event-name=1 ", ANTHROPIC_STOPPED },
	{ "another name", "event: pong\ndata: {\"type\":\"ping\"}\n\n" MESSAGE, PING MESSAGE, "event-name=1 ", ANTHROPIC_STOPPED },
	{ "the same of an event that is held", START "id: 1\n" REASON "data:{\"type\":\"message_stop\"}\n\n", MESSAGE,
	    "data-space=1 event-name=2 dropped-lines=1 ", ANTHROPIC_STOPPED },
	{ "no space behind event:", "event:ping\ndata: {\"type\":\"ping\"}\n\n" MESSAGE, PING MESSAGE, "event-name=1 ",
	    ANTHROPIC_STOPPED },
	{ "the event line behind the data", "data: {\"type\":\"ping\"}\nevent: ping\n\n" MESSAGE, PING MESSAGE, "event-name=1 ",
	    ANTHROPIC_STOPPED },
	{ "an escaped type", START REASON "data: {\"type\":\"message_\\u0073top\"}\n\n",
	    START REASON "event: message_stop\ndata: {\"type\":\"message_\\u0073top\"}\n\n", "event-name=1 ", ANTHROPIC_STOPPED },
	{ "bare JSON", START REASON "{\"type\":\"ping\"}\n{\"type\":\"message_stop\"}\n[DONE]\n", START PING END, "bare-json=2 after-end=1 ",
	    ANTHROPIC_STOPPED },
	{ "bare JSON behind its name", "event: ping\n{\"type\":\"ping\"}\n\n" MESSAGE, PING MESSAGE, "bare-json=1 blank-lines=1 ",
	    ANTHROPIC_STOPPED },
	{ "several data lines", "event: ping\ndata: {\"type\":\ndata:\ndata: \"ping\"\ndata: }\n\n" MESSAGE, PING MESSAGE,
	    "data-space=1 joined-lines=1 ", ANTHROPIC_STOPPED },
	{ "fields that nobody needs", "id: 1\nevent: ping\n: c\nretry: 3\ndata: {\"type\":\"ping\"}\n\n" MESSAGE, PING MESSAGE,
	    "event-name=1 dropped-lines=1 ", ANTHROPIC_STOPPED },
	{ "blank lines", "\n" PING "\n\n" MESSAGE, PING MESSAGE, "blank-lines=3 ", ANTHROPIC_STOPPED },
	{ "an event without data", "event: ping\n\ndata: \n\n" MESSAGE, MESSAGE, "no-data=2 ", ANTHROPIC_STOPPED },
	{ "[DONE] in the middle", PING "data: [DONE]\n\n" MESSAGE, PING MESSAGE, "done=1 ", ANTHROPIC_STOPPED },
	{ "[DONE] in place of the end", START "data: [DONE] \n\n", START NO_STOP, "done=1 ", ANTHROPIC_BROKEN },
	{ "a type taken from the event line", START REASON "event: ping\ndata: { \"a\":1}\n\nevent: message_stop\ndata: {}\n\n",
	    START "event: ping\ndata: {\"type\":\"ping\", \"a\":1}\n\n" END, "type=2 ", ANTHROPIC_STOPPED },
	{ "no type at all", START "data: {\"a\":1}\n\n" END, START NO_OBJECT, "after-end=2 ", ANTHROPIC_FAILED },
	{ "anything behind message_stop", START END PING OVERLOADED "\n: c\n{}\n", START END, "after-end=3 ",
	    ANTHROPIC_STOPPED },
	{ "the provider's error", START OVERLOADED END, START OVERLOADED, "after-end=2 ", ANTHROPIC_FAILED },
	{ "an error with CRLF", "event: error\r\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
	    "\"message\":\"Overloaded\"}}\r\n\r\n", OVERLOADED, "line-ends=1 ", ANTHROPIC_FAILED },
	{ "an error in another dialect", START "data: {\"error\":{\"message\":\"busy \\\"x\\\"\",\"code\":null}}\n\n",
	    START "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"busy \\\"x\\\"\"},"
	    "\"request_id\":\"req_1\"}\n\n", "error-shape=1 ", ANTHROPIC_FAILED },
	{ "an error that tells its HTTP status", "data: {\"error\":{\"code\":529,\"message\":\"busy\"}}\n\n",
	    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"},"
	    "\"request_id\":\"req_1\"}\n\n", "error-shape=1 ", ANTHROPIC_FAILED },
	{ "an error of one of Anthropic's types", "data: {\"error\":{\"message\":\"busy\",\"type\":\"rate_limit_error\",\"code\":500}}\n\n",
	    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"busy\"},"
	    "\"request_id\":\"req_1\"}\n\n", "error-shape=1 ", ANTHROPIC_FAILED },
	{ "an error of another type, whose status says more", "data: {\"error\":{\"type\":\"server_busy\",\"code\":\"x\",\"status\":503,\"message\":\"busy\"}}\n\n",
	    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"},"
	    "\"request_id\":\"req_1\"}\n\n", "error-shape=1 ", ANTHROPIC_FAILED },
	{ "an error whose status is none", "data: {\"error\":{\"code\":1305,\"message\":\"busy\"}}\n\n",
	    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"busy\"},"
	    "\"request_id\":\"req_1\"}\n\n", "error-shape=1 ", ANTHROPIC_FAILED },
	{ "an error that is a string", "event: error\ndata: {\"type\":\"error\",\"error\":\"busy\"}\n\n",
	    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"busy\"},"
	    "\"request_id\":\"req_1\"}\n\n", "error-shape=1 ", ANTHROPIC_FAILED },
	{ "an error without a word", "event: error\ndata: {\"type\":\"error\"}\n\n",
	    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"no message came with it\"},"
	    "\"request_id\":\"req_1\"}\n\n", "error-shape=1 ", ANTHROPIC_FAILED },
	{ "one malformed event", START "event: ping\ndata: {\"type\":\"ping\"\n\n" END, START NO_OBJECT, "after-end=2 ",
	    ANTHROPIC_FAILED },
	{ "something behind the object", START "event: ping\ndata: {\"type\":\"ping\"} {}\n\n", START NO_OBJECT, "",
	    ANTHROPIC_FAILED },
	{ "a line's end within a string", "data: {\"type\":\"pi\ndata: ng\"}\n\n", NO_OBJECT, "", ANTHROPIC_FAILED },
	{ "an array", "data: [1]\n\n", NO_OBJECT, "", ANTHROPIC_FAILED },
	{ "two types", "event: ping\ndata: {\"type\":\"ping\",\"t\\u0079pe\":\"pong\"}\n\n", NO_OBJECT, "", ANTHROPIC_FAILED },
	{ "a type that is no string", "event: ping\ndata: {\"type\":1}\n\n", NO_OBJECT, "", ANTHROPIC_FAILED },
	{ "a type that is no name", "event: ping\ndata: {\"type\":\"a b\"}\n\n", NO_OBJECT, "", ANTHROPIC_FAILED },
	{ "an HTML page", "<html>\n<p>503</p>\n\n", NO_STOP, "no-data=1 ", ANTHROPIC_BROKEN },
	{ "nothing", "", NO_STOP, "", ANTHROPIC_BROKEN },
	{ "an end without message_stop", START BLOCK DELTA BLOCK_STOP, START BLOCK DELTA BLOCK_STOP NO_STOP, "", ANTHROPIC_BROKEN },
	{ "half an event at the end", START "event: ping\ndata: {\"type\":\"pi", START NO_STOP, "", ANTHROPIC_BROKEN },
	{ "no blank line behind the last event", START REASON "event: message_stop\ndata: {\"type\":\"message_stop\"}\n", START END,
	    "last-line=1 ", ANTHROPIC_STOPPED },
	{ "no line's end either", START REASON "data: {\"type\":\"message_stop\"}", START END, "event-name=1 last-line=1 ",
	    ANTHROPIC_STOPPED },
	{ "nor behind the provider's error", "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
	    "\"message\":\"Overloaded\"}}\n", OVERLOADED, "last-line=1 ", ANTHROPIC_FAILED },
};

struct run {
	struct anthropic *stream;
	struct anthropic_work work;
	struct buf out;
	bool verbatim;	/* each piece went out as it came */
};

static void
run_begin(struct run *run)
{
	*run = (struct run){ anthropic_new(&(struct anthropic_origin){ .provider = "acme", .request_id = "req_1" }), ANTHROPIC_WORK_INIT, BUF_INIT(1 << 20), true };
}

static void
run_end(struct run *run)
{
	anthropic_free(run->stream);
	anthropic_work_free(&run->work);
	buf_free(&run->out);
}

static void
feed(struct run *run, const char *text, size_t n)
{
	struct test_page page = test_page(text, n);
	struct anthropic_output out;

	if (!anthropic_feed(run->stream, page.text, n, &run->work, &out))
		abort();
	run->verbatim &= out.p == page.text && out.len == n;
	buf_put(&run->out, out.p, out.len);
	test_page_free(page);
}

static void
end(struct run *run, bool clean)
{
	struct anthropic_output out;

	if (!anthropic_end(run->stream, clean, 504, "acme was silent for 5 s", &run->work, &out))
		abort();
	buf_put(&run->out, out.p, out.len);
}

static bool
repairs_are(const struct anthropic *stream, const char *want)
{
	struct buf text = BUF_INIT(1000);
	bool same;

	for (int i = 0; i < REPAIR_COUNT; i++)
		if (anthropic_repairs(stream, (enum anthropic_repair)i) > 0)
			buf_printf(&text, "%s=%u ", anthropic_repair_name((enum anthropic_repair)i),
			    (unsigned)anthropic_repairs(stream, (enum anthropic_repair)i));
	same = strcmp(buf_str(&text), want) == 0;
	if (!same)
		printf("# %s\n", buf_data(&text));
	buf_free(&text);
	return same;
}

static bool
same(const struct buf *out, const char *want)
{
	if (buf_len(out) == strlen(want) && (buf_len(out) == 0 || memcmp(buf_data(out), want, buf_len(out)) == 0))
		return true;
	printf("# %.*s\n", (int)buf_len(out), buf_data(out));
	return false;
}

static bool
becomes(size_t i, size_t first, size_t step)
{
	const char *text = streams[i].text;
	size_t n = strlen(text);
	struct run run;
	bool passed = true;

	run_begin(&run);
	for (size_t at = 0, len = first; at < n; at += len, len = step)
		feed(&run, text + at, n - at < len ? n - at : len);
	end(&run, true);
	EXPECT(same(&run.out, streams[i].want), "output");
	EXPECT(repairs_are(run.stream, streams[i].repairs), "repairs");
	EXPECT(anthropic_state(run.stream) == streams[i].state, "state");
	EXPECT((anthropic_error(run.stream) == NULL) == (streams[i].state == ANTHROPIC_STOPPED), "error");
	run_end(&run);
	return passed;
}

static void
test_stream(size_t i)
{
	size_t n = strlen(streams[i].text);
	bool passed = true;

	EXPECT(becomes(i, n, n), "whole");
	for (size_t step = 1; step <= 7; step++)
		EXPECT(becomes(i, step, step), "in small pieces");
	for (size_t at = 1; at < n; at++)
		EXPECT(becomes(i, at, n), "in two pieces");
	TEST(passed, streams[i].name);
}

/* Cut at each octet, a stream is whole events and then one error, which says why. */
static void
test_cuts(void)
{
	static const size_t ends[] = { sizeof START - 1, sizeof(START BLOCK) - 1, sizeof(START BLOCK DELTA) - 1,
		sizeof(START BLOCK DELTA BLOCK_STOP) - 1 };
	static const char text[] = START BLOCK DELTA BLOCK_STOP END;
	static const char told[] = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"timeout_error\",\"message\":"
				   "\"acme was silent for 5 s; the answer is incomplete\"},\"request_id\":\"req_1\"}\n\n";
	bool passed = true;

	for (size_t n = 0; n < sizeof text - 1; n++) {
		char want[sizeof text + sizeof told] = "";
		size_t whole = 0;
		struct run run;

		for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
			if (ends[i] <= n)
				whole = ends[i];
		memcpy(want, text, whole);
		memcpy(want + whole, told, sizeof told);
		run_begin(&run);
		feed(&run, text, n);
		end(&run, false);
		EXPECT(same(&run.out, want), "output");
		EXPECT(anthropic_state(run.stream) == ANTHROPIC_BROKEN, "state");
		run_end(&run);
	}
	TEST(passed, "a stream that breaks off ends in one error");
}

static void
test_verbatim(void)
{
	struct run run;

	run_begin(&run);
	feed(&run, START PING, sizeof(START PING) - 1);
	feed(&run, BLOCK DELTA, sizeof(BLOCK DELTA) - 1);
	feed(&run, DELTA, sizeof DELTA - 1);
	feed(&run, ": c\n\n" BLOCK_STOP, sizeof(": c\n\n" BLOCK_STOP) - 1);
	TEST(run.verbatim, "pieces that are as they must be are not copied");
	run_end(&run);
}

static void
test_too_large(void)
{
	static char text[1 << 20];
	struct run run;
	bool passed = true;

	memset(text, 'x', sizeof text);
	run_begin(&run);
	feed(&run, START "data: \"", sizeof(START "data: \"") - 1);
	for (size_t n = 0; n <= SSE_EVENT_MAX; n += sizeof text)
		feed(&run, text, sizeof text);
	feed(&run, "\n\n" END, sizeof("\n\n" END) - 1);
	end(&run, true);
	EXPECT(same(&run.out, START FAILED("acme sent an event larger than 16 MiB")), "output");
	EXPECT(anthropic_state(run.stream) == ANTHROPIC_FAILED, "state");
	TEST(passed, "an event over the limit is an error, told once");
	run_end(&run);
}

static void
test_long_error(void)
{
	static char text[100000];
	static const char before[] = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"";
	static const char after[] = "\"}}\n\n";
	struct run run;
	bool passed = true;

	memset(text, 'x', sizeof text);
	memcpy(text, before, sizeof before - 1);
	memcpy(text + sizeof text - sizeof after, after, sizeof after);
	run_begin(&run);
	feed(&run, text, sizeof text - 1);
	EXPECT(same(&run.out, text), "output");
	EXPECT(strlen(anthropic_error(run.stream)) == STREAM_ERROR_MAX - 1, "error");
	TEST(passed, "a long error passes, and its beginning is kept");
	run_end(&run);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
		test_stream(i);
	test_cuts();
	test_verbatim();
	test_too_large();
	test_long_error();
	return test_exit();
}
