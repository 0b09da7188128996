/* SPDX-License-Identifier: MIT */
#include "stream/expand.h"

#include "base/limits.h"
#include "convert.h"
#include "stream/anthropic.h"

#define HEAD "'id':'msg_1','type':'message','role':'assistant','model':'m',"
#define TAIL "'stop_reason':'end_turn','stop_sequence':null,'usage':{'input_tokens':25,'output_tokens':15}"
#define MESSAGE(CONTENT) "{" HEAD "'content':[" CONTENT "]," TAIL "}"
#define START                                                                                                   \
	"{'type':'message_start','message':{" HEAD "'content':[],'stop_reason':null,'stop_sequence':null,'usage':"   \
	"{'input_tokens':25,'output_tokens':0}}}\n"
#define BLOCK(I, B) "{'type':'content_block_start','index':" #I ",'content_block':" B "}\n"
#define DELTA(I, D) "{'type':'content_block_delta','index':" #I ",'delta':" D "}\n"
#define END(I) "{'type':'content_block_stop','index':" #I "}\n"
#define STOP                                                                                                       \
	"{'type':'message_delta','delta':{'stop_reason':'end_turn','stop_sequence':null},'usage':{'input_tokens':25," \
	"'output_tokens':15}}\n{'type':'message_stop'}"

static const struct {
	const char *name, *message, *events;
} messages[] = {
	{ "a text", MESSAGE("{'type':'text','text':'Hi \\u00e9 \\ud83d\\ude00 é'}"),
	    START BLOCK(0, "{'type':'text','text':''}")
	    DELTA(0, "{'type':'text_delta','text':'Hi \\u00e9 \\ud83d\\ude00 é'}") END(0) STOP },
	{ "no content", MESSAGE(""), START STOP },
	{ "an empty text has no delta", MESSAGE("{'type':'text','text':''}"),
	    START BLOCK(0, "{'type':'text','text':''}") END(0) STOP },
	{ "a text that is null or absent", MESSAGE("{'type':'text','text':null},{'type':'text'}"),
	    START BLOCK(0, "{'type':'text','text':''}") END(0) BLOCK(1, "{'type':'text'}") END(1) STOP },
	{ "citations, and a member that is not known",
	    MESSAGE("{'new':[1.0],'citations':[{'a':1e400},{'b':[]}],'text':'x','type':'text'}"),
	    START BLOCK(0, "{'new':[1.0],'citations':[],'text':'','type':'text'}") DELTA(0, "{'type':'text_delta','text':'x'}")
	    DELTA(0, "{'type':'citations_delta','citation':{'a':1e400}}")
	    DELTA(0, "{'type':'citations_delta','citation':{'b':[]}}") END(0) STOP },
	{ "citations that are none", MESSAGE("{'type':'text','text':'x','citations':null}"),
	    START BLOCK(0, "{'type':'text','text':'','citations':null}") DELTA(0, "{'type':'text_delta','text':'x'}") END(0)
	    STOP },
	{ "thinking, signed and not", MESSAGE("{'type':'thinking','thinking':'hm','signature':'c2ln'},"
	    "{'type':'thinking','thinking':'','signature':'c2ln'},{'type':'thinking','thinking':'hm'}"),
	    START BLOCK(0, "{'type':'thinking','thinking':'','signature':''}")
	    DELTA(0, "{'type':'thinking_delta','thinking':'hm'}") DELTA(0, "{'type':'signature_delta','signature':'c2ln'}")
	    END(0) BLOCK(1, "{'type':'thinking','thinking':'','signature':''}")
	    DELTA(1, "{'type':'signature_delta','signature':'c2ln'}") END(1)
	    BLOCK(2, "{'type':'thinking','thinking':''}") DELTA(2, "{'type':'thinking_delta','thinking':'hm'}") END(2) STOP },
	{ "a tool call: its input as it was written",
	    MESSAGE("{'type':'tool_use','id':'toolu_1','name':'f','input':"
	    "{'n':12345678901234567890,'f':1.0,'e':1e400,'n':2,'s':'a\\'\\\\\\u00e9\\n'}}"),
	    START BLOCK(0, "{'type':'tool_use','id':'toolu_1','name':'f','input':{}}")
	    DELTA(0, "{'type':'input_json_delta','partial_json':'{\\'n\\':12345678901234567890,\\'f\\':1.0,\\'e\\':1e400,"
	    "\\'n\\':2,\\'s\\':\\'a\\\\\\'\\\\\\\\\\\\u00e9\\\\n\\'}'}") END(0) STOP },
	{ "white space in a tool's input", MESSAGE("{'type':'server_tool_use','id':'s','name':'f','input':{ 'a' :\n\t1\r}}"),
	    START BLOCK(0, "{'type':'server_tool_use','id':'s','name':'f','input':{}}")
	    DELTA(0, "{'type':'input_json_delta','partial_json':'{ \\'a\\' :\\n\\t1\\r}'}") END(0) STOP },
	{ "a tool's input that is empty, null or absent", MESSAGE("{'type':'tool_use','id':'a','name':'f','input':{}},"
	    "{'type':'tool_use','id':'a','name':'f','input':null},{'type':'tool_use','id':'a','name':'f'}"),
	    START BLOCK(0, "{'type':'tool_use','id':'a','name':'f','input':{}}")
	    DELTA(0, "{'type':'input_json_delta','partial_json':'{}'}") END(0)
	    BLOCK(1, "{'type':'tool_use','id':'a','name':'f','input':{}}") END(1)
	    BLOCK(2, "{'type':'tool_use','id':'a','name':'f'}") END(2) STOP },
	{ "blocks of other types stand whole in their start",
	    MESSAGE("{'type':'redacted_thinking','data':'xyz'},{'type':'new','text':'t','input':{'a':[1]}}"),
	    START BLOCK(0, "{'type':'redacted_thinking','data':'xyz'}") END(0)
	    BLOCK(1, "{'type':'new','text':'t','input':{'a':[1]}}") END(1) STOP },
	{ "what is known only at the end comes at the end; what is not known stays",
	    "{'new':1.0,'stop_details':{'a':1},'container':null,'context_management':{'b':2},'content':[],'stop_sequence':'x',"
	    "'usage':{'output_tokens':3,'new_tokens':4},'stop_reason':'stop_sequence','input_transformations':[]}",
	    "{'type':'message_start','message':{'new':1.0,'stop_details':null,'container':null,'context_management':null,"
	    "'content':[],'stop_sequence':null,'usage':{'output_tokens':0,'new_tokens':4},'stop_reason':null,"
	    "'input_transformations':null}}\n"
	    "{'type':'message_delta','delta':{'stop_reason':'stop_sequence','stop_sequence':'x','stop_details':{'a':1},"
	    "'container':null},'usage':{'output_tokens':3,'new_tokens':4},'context_management':{'b':2},"
	    "'input_transformations':[]}\n{'type':'message_stop'}" },
	{ "what is missing is left to others", "{'content':[]}",
	    "{'type':'message_start','message':{'content':[],'stop_reason':null,'stop_sequence':null}}\n"
	    "{'type':'message_delta','delta':{'stop_reason':null,'stop_sequence':null}}\n{'type':'message_stop'}" },
	{ "usage that is none", "{'content':[],'usage':null}",
	    "{'type':'message_start','message':{'content':[],'usage':null,'stop_reason':null,'stop_sequence':null}}\n"
	    "{'type':'message_delta','delta':{'stop_reason':null,'stop_sequence':null},'usage':null}\n"
	    "{'type':'message_stop'}" },
	{ "line ends between the tokens go", "{\n\t'content': [\r\n{ 'type':\n'new', 'a': [1,\r\n2] } ],\n'x' : { 'y':\n1 } }",
	    "{'type':'message_start','message':{'content':[],'x':{ 'y':1 },'stop_reason':null,'stop_sequence':null}}\n"
	    BLOCK(0, "{'type':'new','a':[1,2]}") END(0)
	    "{'type':'message_delta','delta':{'stop_reason':null,'stop_sequence':null}}\n{'type':'message_stop'}" },
	{ "escaped names", "{'cont\\u0065nt':[{'t\\u0079pe':'t\\u0065xt','te\\u0078t':'a'}]}",
	    "{'type':'message_start','message':{'cont\\u0065nt':[],'stop_reason':null,'stop_sequence':null}}\n"
	    BLOCK(0, "{'t\\u0079pe':'t\\u0065xt','te\\u0078t':''}") DELTA(0, "{'type':'text_delta','text':'a'}") END(0)
	    "{'type':'message_delta','delta':{'stop_reason':null,'stop_sequence':null}}\n{'type':'message_stop'}" },
};

static const struct {
	const char *message, *wrong;
} refused[] = {
	{ "[]", "it is no object" },
	{ "'x'", "it is no object" },
	{ "{}", "it has no content" },
	{ "{'type':'error','error':{}}", "its type is not message" },
	{ "{'type':'message','type':'message','content':[]}", "one of its members stands there twice" },
	{ "{'content':[],'\\u0063ontent':[]}", "one of its members stands there twice" },
	{ "{'content':null}", "its content is no list" },
	{ "{'content':'Hi'}", "its content is no list" },
	{ "{'content':[],'stop_reason':1}", "its stop_reason is no string" },
	{ "{'content':['Hi']}", "a content block is no object with a type" },
	{ "{'content':[{}]}", "a content block is no object with a type" },
	{ "{'content':[{'type':null}]}", "a content block is no object with a type" },
	{ "{'content':[{'type':'x','type':'y'}]}", "a member of a content block stands there twice" },
	{ "{'content':[{'type':'text','text':'a','text':'b'}]}", "a member of a content block stands there twice" },
	{ "{'content':[{'type':'text','text':null,'text':'b'}]}", "a member of a content block stands there twice" },
	{ "{'content':[{'type':'text','text':1}]}", "a text or list of a content block is something else" },
	{ "{'content':[{'type':'text','text':'','citations':{}}]}", "a text or list of a content block is something else" },
	{ "{'content':[{'type':'thinking','thinking':[]}]}", "a text or list of a content block is something else" },
	{ "{'content':[{'type':'tool_use','input':'{}'}]}", "the input of a tool call is no object" },
	{ "{'content':[{'type':'tool_use','input':[]}]}", "the input of a tool call is no object" },
};

/* Expands a message whose text ends at an unreadable page. */
static const char *
expand(const struct buf *text, struct buf *out)
{
	struct test_page page = test_page(buf_data(text), buf_len(text));
	struct json message;
	const char *wrong;

	if (json_whole(page.text, buf_len(text), &message) != JSON_OK)
		abort();
	wrong = expand_message(message, out);
	test_page_free(page);
	return wrong;
}

static void
test_messages(void)
{
	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
		struct buf text = BUF_INIT(MIB), got = BUF_INIT(MIB), want = BUF_INIT(MIB);
		bool passed = true;

		convert_put(&text, messages[i].message);
		buf_puts(&got, "before");
		buf_puts(&want, "before");
		convert_put_stream(&want, messages[i].events);
		EXPECT(expand(&text, &got) == NULL && !got.failed, "expand_message");
		EXPECT(convert_same("stream", &got, &want), "stream");
		TEST(passed, messages[i].name);
		buf_free(&text);
		buf_free(&got);
		buf_free(&want);
	}
}

static void
test_refused(void)
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct buf text = BUF_INIT(MIB), got = BUF_INIT(MIB), want = BUF_INIT(MIB);
		const char *wrong;
		bool passed = true;

		convert_put(&text, refused[i].message);
		buf_puts(&got, "before");
		buf_puts(&want, "before");
		wrong = expand(&text, &got);
		EXPECT(wrong != NULL && strcmp(wrong, refused[i].wrong) == 0, wrong ? wrong : "it was taken");
		EXPECT(convert_same("output", &got, &want), "output");
		TEST(passed, refused[i].message);
		buf_free(&text);
		buf_free(&got);
		buf_free(&want);
	}
}

/* A whole message becomes a stream that keeps the contract: it passes as it is. */
static void
test_contract(void)
{
	struct buf text = BUF_INIT(MIB), stream = BUF_INIT(MIB), got = BUF_INIT(MIB);
	struct anthropic_origin origin = { .provider = "acme", .request_id = "req_1" };
	struct anthropic *a = anthropic_new(&origin);
	struct anthropic_work work = ANTHROPIC_WORK_INIT;
	struct anthropic_output out;
	bool passed = true;

	convert_put(&text, MESSAGE("{'type':'thinking','thinking':'hm','signature':'c2ln'},"
	    "{'type':'text','text':'x','citations':[{'type':'c'}]},{'type':'server_tool_use','id':'s','name':'g','input':{}},"
	    "{'type':'web_search_tool_result','tool_use_id':'s','content':[]},"
	    "{'type':'mcp_tool_use','id':'t','name':'f','input':{'a':1}},"
	    "{'type':'tool_use','id':'toolu_1','name':'f','input':{'n':12345678901234567890,'e':1e400}}"));
	EXPECT(a != NULL && expand(&text, &stream) == NULL, "expand_message");
	EXPECT(anthropic_feed(a, buf_data(&stream), buf_len(&stream), &work, &out), "anthropic_feed");
	buf_put(&got, out.p, out.len);
	EXPECT(anthropic_state(a) == ANTHROPIC_STOPPED, "state");
	EXPECT(convert_same("stream", &got, &stream), "stream");
	for (int i = 0; i < REPAIR_COUNT; i++)
		EXPECT(anthropic_repairs(a, (enum anthropic_repair)i) == 0, anthropic_repair_name((enum anthropic_repair)i));
	TEST(passed, "a stream that was made needs no repair");
	anthropic_free(a);
	anthropic_work_free(&work);
	buf_free(&text);
	buf_free(&stream);
	buf_free(&got);
}

/* Octets that are not UTF-8 stay, inside the string that a tool's input becomes, too. */
static void
test_octets(void)
{
	struct buf text = BUF_INIT(MIB), got = BUF_INIT(MIB);
	bool passed = true;

	convert_put(&text, "{'content':[{'type':'tool_use','input':{'a':'\xff\xc3'}},{'type':'text','text':'\xff\xc3'}]}");
	EXPECT(expand(&text, &got) == NULL, "expand_message");
	EXPECT(memmem(buf_data(&got), buf_len(&got), "\"{\\\"a\\\":\\\"\xff\xc3\\\"}\"", 13) != NULL, "input");
	EXPECT(memmem(buf_data(&got), buf_len(&got), "\"text\":\"\xff\xc3\"", 11) != NULL, "text");
	TEST(passed, "octets that are not UTF-8 stay as they are");
	buf_free(&text);
	buf_free(&got);
}

static void
test_room(void)
{
	struct buf text = BUF_INIT(MIB), whole = BUF_INIT(MIB);
	bool passed = true;

	convert_put(&text, MESSAGE("{'type':'text','text':'x','citations':[1]},{'type':'tool_use','input':{'a':'b\\n'}}"));
	EXPECT(expand(&text, &whole) == NULL && !whole.failed, "whole");
	for (size_t max = 0; max < buf_len(&whole); max++) {
		struct buf out = BUF_INIT(max);

		EXPECT(expand(&text, &out) == NULL && out.failed, "want of room is told");
		buf_free(&out);
	}
	TEST(passed, "wherever room ends it is told");
	buf_free(&text);
	buf_free(&whole);
}

int
main(void)
{
	test_messages();
	test_refused();
	test_contract();
	test_octets();
	test_room();
	return test_exit();
}
