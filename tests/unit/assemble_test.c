/* SPDX-License-Identifier: MIT */
#include "stream/assemble.h"

#include "base/limits.h"
#include "convert.h"
#include "stream/expand.h"

#define START                                                                                                          \
	"{'type':'message_start','message':{'id':'msg_1','content':[],'stop_reason':null,'stop_sequence':null,'usage':" \
	"{'input_tokens':25,'output_tokens':1}}}\n"
#define BLOCK(B) "{'type':'content_block_start','index':0,'content_block':" B "}\n"
#define DELTA(D) "{'type':'content_block_delta','index':0,'delta':" D "}\n"
#define TEXT(T) DELTA("{'type':'text_delta','text':'" T "'}")
#define INPUT(T) DELTA("{'type':'input_json_delta','partial_json':'" T "'}")
#define END "{'type':'content_block_stop','index':0}\n"
#define LAST                                                                                                         \
	"{'type':'message_delta','delta':{'stop_reason':'end_turn','stop_sequence':null},'usage':{'output_tokens':15}}\n"
#define STOP "{'type':'message_stop'}\n"
#define MESSAGE(CONTENT)                                                                                              \
	"{'id':'msg_1','content':[" CONTENT "],'stop_reason':'end_turn','stop_sequence':null,'usage':{'input_tokens':" \
	"25,'output_tokens':15}}"
#define TOOL "{'type':'tool_use','id':'toolu_1','name':'f','input':{}}"
#define CALL(INPUT) "{'type':'tool_use','id':'toolu_1','name':'f','input':" INPUT "}"

static const struct {
	const char *name, *events, *message;
} streams[] = {
	{ "no content", START LAST STOP, MESSAGE("") },
	{ "a text", START BLOCK("{'type':'text','text':''}") TEXT("Hi ") TEXT("") TEXT("é") END LAST STOP,
	    MESSAGE("{'type':'text','text':'Hi é'}") },
	{ "a text that is empty, and one with a beginning",
	    START BLOCK("{'type':'text','text':''}") END BLOCK("{'text':'a','type':'text','x':1.0}") TEXT("b") END LAST STOP,
	    MESSAGE("{'type':'text','text':''},{'text':'ab','type':'text','x':1.0}") },
	{ "escapes in two deltas", START BLOCK("{'type':'text','text':''}") TEXT("a\\ud83d") TEXT("\\ude00\\n") END LAST STOP,
	    MESSAGE("{'type':'text','text':'a\\ud83d\\ude00\\n'}") },
	{ "citations", START BLOCK("{'type':'text','text':''}") TEXT("a")
	    DELTA("{'type':'citations_delta','citation':{'n':1.0}}")
	    DELTA("{'type':'citations_delta','citation':{}}") END BLOCK("{'citations':[ ],'type':'text','text':''}")
	    DELTA("{'type':'citations_delta','citation':1}") END BLOCK("{'type':'text','text':'','citations':[1]}")
	    DELTA("{'type':'citations_delta','citation':2}") END LAST STOP,
	    MESSAGE("{'type':'text','text':'a','citations':[{'n':1.0},{}]},{'citations':[1],'type':'text','text':''},"
	    "{'type':'text','text':'','citations':[1,2]}") },
	{ "thinking; of several signatures the last", START BLOCK("{'type':'thinking','thinking':'','signature':''}")
	    DELTA("{'type':'thinking_delta','thinking':'h'}") DELTA("{'type':'thinking_delta','thinking':'m'}")
	    DELTA("{'type':'signature_delta','signature':'eA=='}") DELTA("{'type':'signature_delta','signature':'c2ln'}") END
	    LAST STOP, MESSAGE("{'type':'thinking','thinking':'hm','signature':'c2ln'}") },
	{ "a tool call: its input as it was written", START BLOCK(TOOL) INPUT("") INPUT("{\\'n\\':1234567890")
	    INPUT("1234567890,")
	    INPUT(" \\'f\\':1.0,\\'e\\':1e400,\\n\\'n\\':2}") END LAST STOP,
	    MESSAGE(CALL("{'n':12345678901234567890, 'f':1.0,'e':1e400,\n'n':2}")) },
	{ "a tool call without input", START BLOCK(TOOL) END BLOCK(TOOL) INPUT("") INPUT("") END LAST STOP,
	    MESSAGE(CALL("{}") "," CALL("{}")) },
	{ "a tool call with a string that was escaped twice, cut inside both escapes",
	    START BLOCK(TOOL) INPUT("{\\'s\\':\\'\\\\ud8") INPUT("3d\\\\ude00 \\ud83d") INPUT("\\ude00 \\\\") INPUT("\\'\\'}")
	    END LAST STOP, MESSAGE(CALL("{'s':'\\ud83d\\ude00 \xf0\x9f\x98\x80 \\''}")) },
	{ "blocks of other types", START BLOCK("{'type':'redacted_thinking','data':'x'}") END
	    BLOCK("{'type':'mcp_tool_use','input':null}") INPUT("{}") END
	    BLOCK("{'type':'compaction','content':null}")
	    DELTA("{'type':'compaction_delta','content':'c','encrypted_content':'e'}")
	    END LAST STOP, MESSAGE("{'type':'redacted_thinking','data':'x'},{'type':'mcp_tool_use','input':{}},"
	    "{'type':'compaction','content':'c','encrypted_content':'e'}") },
	{ "a member that stands twice in a block's start, and grows", START BLOCK("{'text':'a','type':'text','text':'b'}") TEXT("c")
	    END LAST STOP, MESSAGE("{'text':'ac','type':'text'}") },
	{ "events and deltas that are not known",
	    "{'type':'ping'}\n" START "{'type':'new','a':1}\n" BLOCK("{'type':'text','text':''}")
	    DELTA("{'type':'new_delta','text':'x'}") TEXT("a") "{'type':'ping'}\n" END LAST STOP "{'type':'ping'}\n" START,
	    MESSAGE("{'type':'text','text':'a'}") },
	{ "what message_delta brings replaces, or is added; null replaces nothing",
	    "{'type':'message_start','message':{'model':'m','context_management':null,'usage':{'input_tokens':1,'new':2.0},"
	    "'stop_reason':null}}\n"
	    "{'type':'message_delta','delta':{'container':{'id':1},'stop_reason':'end_turn','stop_details':null},'usage':"
	    "{'input_tokens':null,'new':3.0,'output_tokens':5,'x':null},'context_management':[1]}\n" STOP,
	    "{'model':'m','context_management':[1],'usage':{'input_tokens':1,'new':3.0,'output_tokens':5,'x':null},"
	    "'stop_reason':'end_turn','container':{'id':1},'stop_details':null,'content':[]}" },
	{ "message_delta does not make it another message", "{'type':'message_start','message':{'id':'m','content':[]}}\n"
	    "{'type':'message_delta','id':7,'content':[1],'delta':{'type':'text_delta','role':'x','stop_reason':'a'}}\n" STOP,
	    "{'id':'m','content':[],'stop_reason':'a'}" },
	{ "several message_deltas", "{'type':'message_start','message':{'content':[]}}\n"
	    "{'type':'message_delta','delta':{'stop_reason':'a'},'usage':{'output_tokens':1,'x':1}}\n"
	    "{'type':'message_delta','delta':{'stop_reason':null},'usage':{'output_tokens':2}}\n" STOP,
	    "{'content':[],'stop_reason':'a','usage':{'output_tokens':2,'x':1}}" },
	{ "members twice, and escaped",
	    "{'type':'message_start','message':{'content':[],'c\\u006fntent':1,'st\\u006fp_reason':null}}\n"
	    "{'type':'message_delta','delta':{'stop_reason':'a','stop_\\u0072eason':'b'}}\n" STOP,
	    "{'content':[],'st\\u006fp_reason':'b'}" },
};

/* Streams of which no message becomes: those that assemble_feed takes, and those that it refuses. */
static const struct {
	const char *name, *events;
	bool taken;
} broken[] = {
	{ "nothing", "", true },
	{ "a beginning", START, true },
	{ "no message_stop", START LAST, true },
	{ "an error event", START BLOCK(TOOL) "{'type':'error','error':{'type':'api_error','message':'x'}}\n" STOP, true },
	{ "half an event", START LAST "{'type':'message_stop'", false },
	{ "message_stop alone", STOP, false },
	{ "a block before message_start", BLOCK(TOOL), false },
	{ "a second message_start", START START, false },
	{ "a block within a block", START BLOCK(TOOL) BLOCK(TOOL), false },
	{ "a delta without a block", START TEXT("a"), false },
	{ "a stop without a block", START END, false },
	{ "message_delta within a block", START BLOCK(TOOL) LAST, false },
	{ "message_stop within a block", START BLOCK(TOOL) STOP, false },
	{ "a message that is none", "{'type':'message_start','message':[]}\n", false },
	{ "a block that is none", START BLOCK("1"), false },
	{ "a delta that is none", START BLOCK(TOOL) DELTA("1"), false },
	{ "a tool's input that is cut", START BLOCK(TOOL) INPUT("{\\'a\\':") END, false },
	{ "a tool's input that is no object", START BLOCK(TOOL) INPUT("[]") END, false },
	{ "a tool's input that is no JSON", START BLOCK(TOOL) INPUT("{} {}") END, false },
	{ "a tool's input with a NUL", START BLOCK(TOOL) INPUT("{}\\u0000") END, false },
	{ "a member with a NUL in its name", START "{'type':'message_delta','delta':{'a\\u0000':1}}\n" STOP, false },
};

/* Feeds a stream in pieces of `step` octets, the first of them `first`, each at the end of readable memory. */
static struct assemble *
feed(const struct buf *stream, size_t first, size_t step, size_t max, bool *taken)
{
	struct assemble *a = assemble_new(max);

	if (a == NULL)
		abort();
	*taken = true;
	for (size_t at = 0, n = first; at < buf_len(stream); at += n, n = step) {
		struct test_page page;

		n = n < buf_len(stream) - at ? n : buf_len(stream) - at;
		page = test_page(buf_data(stream) + at, n);
		*taken = assemble_feed(a, page.text, n);
		test_page_free(page);
	}
	return a;
}

static bool
becomes(const struct buf *stream, size_t first, size_t step, const struct buf *want)
{
	struct buf got = BUF_INIT(64 * MIB);
	bool passed = true, taken;
	struct assemble *a = feed(stream, first, step, 64 * MIB, &taken);

	EXPECT(taken, "assemble_feed");
	EXPECT(assemble_message(a, &got), "assemble_message");
	EXPECT(convert_same("message", &got, want), "message");
	assemble_free(a);
	buf_free(&got);
	return passed;
}

static void
test_streams(void)
{
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
		struct buf stream = BUF_INIT(MIB), want = BUF_INIT(MIB);
		bool passed = true;

		convert_put_stream(&stream, streams[i].events);
		convert_put(&want, streams[i].message);
		EXPECT(becomes(&stream, SIZE_MAX, 1, &want), "whole");
		EXPECT(becomes(&stream, 1, 1, &want), "byte by byte");
		for (size_t k = 1; passed && k < buf_len(&stream); k++)
			EXPECT(becomes(&stream, k, SIZE_MAX, &want), "split");
		TEST(passed, streams[i].name);
		buf_free(&stream);
		buf_free(&want);
	}
}

static void
test_broken(void)
{
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct buf stream = BUF_INIT(MIB), out = BUF_INIT(MIB);
		bool passed = true, taken;
		struct assemble *a;

		convert_put_stream(&stream, broken[i].events);
		a = feed(&stream, 7, 7, MIB, &taken);
		EXPECT(taken == broken[i].taken, "assemble_feed");
		EXPECT(!assemble_message(a, &out) && buf_len(&out) == 0, "no message");
		buf_clear(&stream);
		convert_put_stream(&stream, START LAST STOP);
		EXPECT(taken || !assemble_feed(a, buf_data(&stream), buf_len(&stream)), "what was refused stays refused");
		TEST(passed, broken[i].name);
		assemble_free(a);
		buf_free(&stream);
		buf_free(&out);
	}
	assemble_free(NULL);
}

/* A message becomes a stream and that the same message. */
static bool
comes_back(const struct buf *message, size_t step)
{
	struct buf stream = BUF_INIT(64 * MIB);
	struct json value;
	bool passed = true;

	EXPECT(json_whole(buf_data(message), buf_len(message), &value) == JSON_OK, "JSON");
	EXPECT(expand_message(value, &stream) == NULL && !stream.failed, "expand_message");
	EXPECT(becomes(&stream, step, step, message), "comes back");
	buf_free(&stream);
	return passed;
}

#define ROUND(CONTENT, MORE)                                                                                        \
	"{'id':'msg_1','type':'message','role':'assistant','model':'m','content':[" CONTENT "],'stop_reason':'tool_use'," \
	"'stop_sequence':null,'usage':{'input_tokens':25,'cache':{'a':1.0},'output_tokens':15}" MORE "}"

static void
test_round_trips(void)
{
	static const char *const texts[] = {
		ROUND("", ""),
		ROUND("{'type':'text','text':'Hi \\u00e9 \\ud83d é \\\\'}", ",'stop_details':{'a':1},'container':null,'x':[1e400]"),
		ROUND("{'citations':[{'a':1.0},[]],'type':'text','text':'x','new':{}},{'type':'text','text':'','citations':null}",
		    ",'context_management':{'b':[]}"),
		ROUND("{'type':'thinking','thinking':'hm\\n','signature':'c2ln'},{'type':'redacted_thinking','data':'x'}", ""),
		ROUND("{'type':'tool_use','id':'t','name':'f','input':{'n':12345678901234567890,'f':1.0,'e':1e400,'n':null,"
		      "'s':'\\ud83d\\ude00\\\\\\'\xff','t':'\t\\u0000'}}", ""),
		ROUND("{'type':'server_tool_use','id':'t','name':'f','input':{}},{'type':'new','input':{'a':1}}", ""),
	};
	bool passed = true;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct buf message = BUF_INIT(MIB);

		/* A control character is white space only between tokens. */
		convert_put(&message, texts[i]);
		for (size_t k = 0; k < buf_len(&message); k++)
			if (buf_data(&message)[k] == '\t')
				buf_data(&message)[k] = ' ';
		EXPECT(comes_back(&message, SIZE_MAX) && comes_back(&message, 1), texts[i]);
		buf_free(&message);
	}
	TEST(passed, "a message becomes a stream and that the same message");
}

static void
test_large(void)
{
	struct buf message = BUF_INIT(64 * MIB);
	static char text[10000000], deep[2 * (JSON_DEPTH_MAX - 4)];

	memset(text, 'x', sizeof text);
	convert_put(&message, "{'content':[{'type':'text','text':'");
	buf_put(&message, text, sizeof text);
	convert_put(&message, "'},{'type':'tool_use','input':{'a':'");
	buf_put(&message, text, sizeof text);
	convert_put(&message, "'}}],'stop_reason':null,'stop_sequence':null}");
	TEST(comes_back(&message, 65536), "a text and a tool's input of 10 MB come back");
	buf_clear(&message);
	memset(deep, '[', sizeof deep / 2);
	memset(deep + sizeof deep / 2, ']', sizeof deep / 2);
	convert_put(&message, "{'content':[{'type':'tool_use','input':{'a':");
	buf_put(&message, deep, sizeof deep);
	convert_put(&message, "}}],'stop_reason':null,'stop_sequence':null}");
	TEST(comes_back(&message, 100), "the deepest nesting comes back");
	buf_free(&message);
}

static void
test_max(void)
{
	struct buf stream = BUF_INIT(MIB), out = BUF_INIT(MIB);
	bool passed = true, taken, before = false;
	size_t least = 0;

	convert_put_stream(&stream, START BLOCK("{'type':'text','text':''}") TEXT("abc")
	    DELTA("{'type':'citations_delta','citation':1}") DELTA("{'type':'signature_delta','signature':'x'}") END
	    BLOCK(TOOL) INPUT("{}") END LAST STOP);
	for (size_t max = 0; max < buf_len(&stream); max++) {
		struct assemble *a = feed(&stream, SIZE_MAX, 1, max, &taken);

		EXPECT(taken == assemble_message(a, &out), "a message becomes of what was taken");
		EXPECT(taken || !before, "more than enough is enough");
		least = taken && !before ? max : least;
		before = taken;
		assemble_free(a);
		buf_clear(&out);
	}
	EXPECT(before && least > 100, "a part of the stream is enough");
	for (size_t max = 0; max < 200; max++) {
		struct assemble *a = feed(&stream, SIZE_MAX, 1, MIB, &taken);
		struct buf small = BUF_INIT(max);

		EXPECT(taken && !assemble_message(a, &small), "want of room is told");
		assemble_free(a);
		buf_free(&small);
	}
	TEST(passed, "what is more than may be kept is refused, wherever it begins");
	buf_free(&stream);
	buf_free(&out);
}

/* The end of a stream may change so many members, and no more: each is searched for. */
static void
test_members(void)
{
	for (int more = 0; more < 2; more++) {
		struct buf stream = BUF_INIT(MIB);
		struct assemble *a;
		bool taken;

		convert_put_stream(&stream, START);
		buf_puts(&stream, "event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"m\":0");
		for (int i = 1; i < MESSAGE_MEMBERS_MAX + more; i++)
			buf_printf(&stream, ",\"m%d\":1", i);
		buf_puts(&stream, "}}\n\n");
		convert_put_stream(&stream, STOP);
		a = feed(&stream, SIZE_MAX, 1, MIB, &taken);
		TEST(taken == (more == 0), more ? "one count more is refused" : "as many counts as may be are taken");
		assemble_free(a);
		buf_free(&stream);
	}
}

/* A message_delta composes the message anew, so that many of them cost what they make, not what they are. */
static void
test_deltas(void)
{
	struct buf stream = BUF_INIT(MIB);
	struct assemble *a;
	bool taken;

	convert_put_stream(&stream, START);
	for (int i = 0; i < 100; i++)
		convert_put_stream(&stream, LAST);
	convert_put_stream(&stream, STOP);
	a = feed(&stream, SIZE_MAX, 1, 8 * KIB, &taken);
	TEST(!taken, "a message that is changed again and again is refused");
	assemble_free(a);
	buf_free(&stream);
}

int
main(void)
{
	test_streams();
	test_broken();
	test_round_trips();
	test_large();
	test_max();
	test_members();
	test_deltas();
	return test_exit();
}
