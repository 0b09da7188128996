/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a message that is not as it must be: each repair and each failure, at every split. In the tables an event is
 * a line of JSON with ' for "; what is fed and expected is the event stream of them.
 */
#include "base/limits.h"
#include "stream/anthropic.h"
#include "stream_checker.h"
#include "test.h"

#define START_OF(MEMBERS) "{'type':'message_start','message':{" MEMBERS "}}\n"
#define HEAD "'id':'m','type':'message','role':'assistant','model':'x','content':[],'stop_reason':null,'stop_sequence':null"
#define START START_OF(HEAD ",'usage':{'input_tokens':3,'output_tokens':1}")
#define MADE(MODEL, INPUT)                                                                                             \
	START_OF("'id':'msg_req_1','type':'message','role':'assistant'," MODEL "'content':[],'stop_reason':null,"          \
	         "'stop_sequence':null,'usage':{'input_tokens':" INPUT ",'output_tokens':0}")
#define OPEN(I, BLOCK) "{'type':'content_block_start','index':" #I ",'content_block':" BLOCK "}\n"
#define TEXT "{'type':'text','text':''}"
#define THINKING "{'type':'thinking','thinking':'','signature':''}"
#define CALL "{'type':'tool_use','id':'t','name':'f','input':{}}"
#define DELTA(I, D) "{'type':'content_block_delta','index':" #I ",'delta':" D "}\n"
#define SAY(I, T) DELTA(I, "{'type':'text_delta','text':'" T "'}")
#define THINK(I, T) DELTA(I, "{'type':'thinking_delta','thinking':'" T "'}")
#define SIGN(I) DELTA(I, "{'type':'signature_delta','signature':'s'}")
#define CITE(I) DELTA(I, "{'type':'citations_delta','citation':{'cited_text':'c'}}")
#define INPUT(I, T) DELTA(I, "{'type':'input_json_delta','partial_json':'" T "'}")
#define CLOSE(I) "{'type':'content_block_stop','index':" #I "}\n"
#define BLOCK(I) OPEN(I, TEXT) SAY(I, "a") CLOSE(I)
#define REASON_OF(DELTA, USAGE) "{'type':'message_delta','delta':" DELTA ",'usage':" USAGE "}\n"
#define REASON(R, N) REASON_OF("{'stop_reason':'" R "','stop_sequence':null}", "{'output_tokens':" #N "}")
#define STOP "{'type':'message_stop'}\n"
#define END REASON("end_turn", 9) STOP
#define PING "{'type':'ping'}\n"
#define NEWS "{'type':'news','index':7}\n"
#define ERROR(TYPE, WHAT)                                                                                              \
	"{'type':'error','error':{'type':'" TYPE "','message':'acme " WHAT "; the answer is incomplete'},'request_id':'req_1'}\n"
#define FAILED(WHAT) ERROR("api_error", WHAT)
#define WITHIN " within the input of tool call f"

static const struct {
	const char *name;
	const char *text;
	const char *want;
	const char *repairs;	/* `NAME=COUNT` of each, with a blank behind it */
	enum anthropic_state state;
} streams[] = {
	/* What obeys. */
	{ "a message of each kind of block", START OPEN(0, THINKING) THINK(0, "t") SIGN(0) CLOSE(0) OPEN(1, TEXT) SAY(1, "a")
	    CITE(1) CLOSE(1) OPEN(2, CALL) INPUT(2, "") INPUT(2, "{\\'a\\'") INPUT(2, ":1}") CLOSE(2)
	    OPEN(3, "{'type':'redacted_thinking','data':'x'}") CLOSE(3) REASON("tool_use", 9) STOP,
	    NULL, "", ANTHROPIC_STOPPED },
	{ "a call without input, and one by the provider", START OPEN(0, CALL) CLOSE(0)
	    OPEN(1, "{'type':'server_tool_use','id':'s','name':'web_search','input':{}}") INPUT(1, "{}") CLOSE(1)
	    OPEN(2, "{'type':'web_search_tool_result','tool_use_id':'s','content':[{}]}") CLOSE(2) END, NULL, "", ANTHROPIC_STOPPED },
	{ "an empty answer", START END, NULL, "", ANTHROPIC_STOPPED },
	{ "pings and unknown events anywhere", PING NEWS START PING OPEN(0, TEXT) NEWS PING SAY(0, "a") NEWS CLOSE(0) PING END,
	    NULL, "", ANTHROPIC_STOPPED },
	{ "unknown blocks with any delta, unknown deltas in any block", START OPEN(0, "{'type':'new','x':null}") SAY(0, "a")
	    DELTA(0, "{'type':'new_delta'}") INPUT(0, "{}") CLOSE(0) OPEN(1, TEXT) DELTA(1, "{'type':'new_delta','x':1}") CLOSE(1) END,
	    NULL, "", ANTHROPIC_STOPPED },
	{ "members that nobody knows", START_OF(HEAD ",'usage':{'input_tokens':3,'output_tokens':1,'cache_creation':{'a':null}},"
	    "'container':null") "{'type':'content_block_start','index':0,'content_block':{'type':'text','text':'','citations':null},"
	    "'x':1}\n" CLOSE(0) "{'type':'message_delta','delta':{'stop_reason':'refusal','stop_sequence':null,'stop_details':{}},"
	    "'usage':{'output_tokens':2,'server_tool_use':{'web_search_requests':1}},'context_management':{}}\n" STOP,
	    NULL, "", ANTHROPIC_STOPPED },
	{ "what comes between message_delta and message_stop goes before both", START REASON("end_turn", 9) PING NEWS STOP,
	    START PING NEWS REASON("end_turn", 9) STOP, "", ANTHROPIC_STOPPED },

	/* message_start. */
	{ "no message_start: before a block", BLOCK(0) END, MADE("'model':'client',", "0") BLOCK(0) END, "start=1 ", ANTHROPIC_STOPPED },
	{ "no message_start: before a delta", SAY(0, "a") CLOSE(0) END, MADE("'model':'client',", "0") BLOCK(0) END,
	    "start=1 block-start=1 ", ANTHROPIC_STOPPED },
	{ "no message_start: before message_delta, whose usage tells the input",
	    REASON_OF("{'stop_reason':'end_turn'}", "{'input_tokens':5,'output_tokens':2}") STOP, MADE("'model':'client',", "5")
	    REASON_OF("{'stop_reason':'end_turn'}", "{'input_tokens':5,'output_tokens':2}") STOP, "start=1 ", ANTHROPIC_STOPPED },
	{ "message_stop alone", PING STOP, PING FAILED("sent message_stop without a message"), "", ANTHROPIC_FAILED },
	{ "a stop of a block and nothing else", CLOSE(0) STOP, FAILED("sent message_stop without a message"), "late-stop=1 ",
	    ANTHROPIC_FAILED },
	{ "a message_start without a message", "{'type':'message_start'}\n" END,
	    "{'type':'message_start','message':{'id':'msg_req_1','type':'message','role':'assistant','model':'client','content':[],"
	    "'stop_reason':null,'stop_sequence':null,'usage':{'input_tokens':0,'output_tokens':0}}}\n" END,
	    "start-fields=1 usage=1 ", ANTHROPIC_STOPPED },
	{ "one with half of it", START_OF("'x':[1.0],'role':'user','content':'','id':'','type':'text','model':null,"
	    "'stop_reason':'end_turn','stop_sequence':7,'usage':{'input_tokens':3,'output_tokens':1}") END,
	    START_OF("'x':[1.0],'role':'assistant','content':[],'id':'msg_req_1','type':'message','model':'client','stop_reason':null,"
	    "'stop_sequence':null,'usage':{'input_tokens':3,'output_tokens':1}") END, "start-fields=1 ", ANTHROPIC_STOPPED },
	{ "one with content", START_OF("'id':'m','content':[{'type':'text'}]") END, FAILED("sent a message_start with content in it"),
	    "after-end=2 ", ANTHROPIC_FAILED },
	{ "one whose content is a text", START_OF("'id':'m','content':'a'") END,
	    FAILED("sent a message_start whose content is no list"), "after-end=2 ", ANTHROPIC_FAILED },
	{ "one whose message is none", "{'type':'message_start','message':[]}\n" END,
	    FAILED("sent a message_start whose message is no object"), "after-end=2 ", ANTHROPIC_FAILED },
	{ "one with a member twice", START_OF(HEAD ",'content':[]") END, FAILED("sent a message_start whose message is no object"),
	    "after-end=2 ", ANTHROPIC_FAILED },
	{ "a second message_start", START BLOCK(0) START END, START BLOCK(0) FAILED("sent a second message_start"), "after-end=2 ",
	    ANTHROPIC_FAILED },
	{ "a message_start behind content", BLOCK(0) START, MADE("'model':'client',", "0") BLOCK(0)
	    FAILED("sent a second message_start"), "start=1 ", ANTHROPIC_FAILED },

	/* Usage. */
	{ "no usage at all", START_OF(HEAD) BLOCK(0) "{'type':'message_delta','delta':{'stop_reason':'end_turn'}}\n" STOP,
	    START_OF(HEAD ",'usage':{'input_tokens':0,'output_tokens':0}") BLOCK(0)
	    REASON_OF("{'stop_reason':'end_turn'}", "{'output_tokens':0}") STOP, "usage=2 ", ANTHROPIC_STOPPED },
	{ "usage null", START_OF(HEAD ",'usage':null") REASON_OF("{'stop_reason':'end_turn'}", "null") STOP,
	    START_OF(HEAD ",'usage':{'input_tokens':0,'output_tokens':0}")
	    REASON_OF("{'stop_reason':'end_turn'}", "{'output_tokens':0}") STOP, "usage=2 ", ANTHROPIC_STOPPED },
	{ "usage missing at the end: what was seen", START REASON_OF("{'stop_reason':'end_turn'}", "{'server_tool_use':null}") STOP,
	    START REASON_OF("{'stop_reason':'end_turn'}", "{'server_tool_use':null,'output_tokens':1}") STOP, "usage=1 ",
	    ANTHROPIC_STOPPED },
	{ "counts that are none in message_start", START_OF(HEAD ",'usage':{'output_tokens':1.5,'x_tokens':'7','input_tokens':25.0,"
	    "'cache_read_input_tokens':null,'cache_creation_input_tokens':4,'service_tier':'x','y_tokens':3.0}") END,
	    START_OF(HEAD ",'usage':{'output_tokens':0,'x_tokens':0,'input_tokens':25,"
	    "'cache_read_input_tokens':0,'cache_creation_input_tokens':4,'service_tier':'x','y_tokens':3}") END, "usage=1 ",
	    ANTHROPIC_STOPPED },
	{ "counts that are none in message_delta", START REASON_OF("{'stop_reason':'end_turn'}", "{'input_tokens':null,"
	    "'cache_read_input_tokens':null,'output_tokens':-1,'x_tokens':{},'y_tokens':1e3,'z':null}") STOP,
	    START REASON_OF("{'stop_reason':'end_turn'}", "{'input_tokens':3,'output_tokens':1,'z':null}") STOP, "usage=1 ",
	    ANTHROPIC_STOPPED },
	{ "counts twice, or too large", START REASON_OF("{'stop_reason':'end_turn'}", "{'output_tokens':5,'output_tokens':6,"
	    "'input_tokens':9007199254740992,'x_tokens':1,'x_tokens':2,'output\\u005ftokens':7}") STOP,
	    START REASON_OF("{'stop_reason':'end_turn'}", "{'output_tokens':7,'input_tokens':3,'x_tokens':1}") STOP, "usage=1 ",
	    ANTHROPIC_STOPPED },

	/* Blocks: starts and stops. */
	{ "a block not closed before the next", START OPEN(0, TEXT) SAY(0, "a") OPEN(1, CALL) CLOSE(1) END,
	    START OPEN(0, TEXT) SAY(0, "a") CLOSE(0) OPEN(1, CALL) CLOSE(1) END, "block-stop=1 ", ANTHROPIC_STOPPED },
	{ "nor before message_delta", START OPEN(0, TEXT) SAY(0, "a") END, START BLOCK(0) END, "block-stop=1 ", ANTHROPIC_STOPPED },
	{ "nor before message_stop", START OPEN(0, TEXT) SAY(0, "a") STOP, START BLOCK(0) REASON("end_turn", 1) STOP,
	    "block-stop=1 message-delta=1 ", ANTHROPIC_STOPPED },
	{ "a call that is whole is closed too", START OPEN(0, CALL) INPUT(0, "{}") OPEN(1, TEXT) CLOSE(1) END,
	    START OPEN(0, CALL) INPUT(0, "{}") CLOSE(0) OPEN(1, TEXT) CLOSE(1) END, "block-stop=1 ", ANTHROPIC_STOPPED },
	{ "a block closed late", START OPEN(0, TEXT) SAY(0, "a") OPEN(1, CALL) CLOSE(0) INPUT(1, "{}") CLOSE(1) CLOSE(0) CLOSE(5) END,
	    START BLOCK(0) OPEN(1, CALL) INPUT(1, "{}") CLOSE(1) END, "block-stop=1 late-stop=3 ", ANTHROPIC_STOPPED },
	{ "a delta before its start", START SAY(0, "a") CLOSE(0) THINK(1, "t") SIGN(1) CLOSE(1) CITE(2) CLOSE(2) END,
	    START BLOCK(0) OPEN(1, THINKING) THINK(1, "t") SIGN(1) CLOSE(1) OPEN(2, TEXT) CITE(2) CLOSE(2) END, "block-start=3 ",
	    ANTHROPIC_STOPPED },
	{ "and then the start, of a block of its own", START SAY(0, "a") OPEN(0, TEXT) SAY(0, "a") CLOSE(0) END,
	    START BLOCK(0) BLOCK(1) END, "block-start=1 block-stop=1 index=3 ", ANTHROPIC_STOPPED },
	{ "a delta of the next block in an open one", START OPEN(0, THINKING) SIGN(0) SAY(1, "a") CLOSE(1) END,
	    START OPEN(0, THINKING) SIGN(0) CLOSE(0) BLOCK(1) END, "block-start=1 block-stop=1 ", ANTHROPIC_STOPPED },
	{ "input before its call", START INPUT(0, "{}") CLOSE(0) END, START FAILED("sent a delta for a block that has not begun"),
	    "after-end=3 ", ANTHROPIC_FAILED },
	{ "an unknown delta before its block", START DELTA(0, "{'type':'new'}") END,
	    START FAILED("sent a delta for a block that has not begun"), "after-end=2 ", ANTHROPIC_FAILED },
	{ "a delta for a block that is closed", START BLOCK(0) SAY(0, "b") END,
	    START BLOCK(0) FAILED("sent a delta for a block that is not open"), "after-end=2 ", ANTHROPIC_FAILED },
	{ "the same where indexes go back", START BLOCK(5) BLOCK(0) SAY(5, "b"), START BLOCK(0) BLOCK(1)
	    FAILED("sent a delta for a block that is not open"), "index=6 ", ANTHROPIC_FAILED },
	{ "the same where only the stop had an index", START "{'type':'content_block_start','content_block':" TEXT "}\n" CLOSE(3)
	    SAY(3, "b"), START "{'type':'content_block_start','content_block':" TEXT ",'index':0}\n" CLOSE(0)
	    FAILED("sent a delta for a block that is not open"), "index=2 ", ANTHROPIC_FAILED },
	{ "the same within the next one", START BLOCK(0) OPEN(1, TEXT) SAY(0, "b") END,
	    START BLOCK(0) OPEN(1, TEXT) FAILED("sent a delta for a block that is not open"), "after-end=2 ", ANTHROPIC_FAILED },
	{ "a known delta in a block of another type", START OPEN(0, TEXT) THINK(0, "t") END,
	    START OPEN(0, TEXT) FAILED("sent a delta in a block of another type"), "after-end=2 ", ANTHROPIC_FAILED },
	{ "input in a text", START OPEN(0, TEXT) INPUT(0, "{}"), START OPEN(0, TEXT) FAILED("sent a delta in a block of another type"),
	    "", ANTHROPIC_FAILED },
	{ "text in a call", START OPEN(0, CALL) SAY(0, "a"), START OPEN(0, CALL) FAILED("sent a delta in a block of another type"),
	    "", ANTHROPIC_FAILED },
	{ "text in redacted thinking", START OPEN(0, "{'type':'redacted_thinking','data':''}") SAY(0, "a"),
	    START OPEN(0, "{'type':'redacted_thinking','data':''}") FAILED("sent a delta in a block of another type"), "",
	    ANTHROPIC_FAILED },

	/* Indexes. */
	{ "indexes from 1", START BLOCK(1) BLOCK(2) END, START BLOCK(0) BLOCK(1) END, "index=6 ", ANTHROPIC_STOPPED },
	{ "a hole", START BLOCK(0) BLOCK(2) BLOCK(12) END, START BLOCK(0) BLOCK(1) BLOCK(2) END, "index=6 ", ANTHROPIC_STOPPED },
	{ "always 0", START BLOCK(0) BLOCK(0) END, START BLOCK(0) BLOCK(1) END, "index=3 ", ANTHROPIC_STOPPED },
	{ "none", START "{'type':'content_block_start','content_block':" TEXT "}\n"
	    "{'type':'content_block_delta','delta':{'type':'text_delta','text':'a'}}\n{'type':'content_block_stop'}\n" END,
	    START "{'type':'content_block_start','content_block':" TEXT ",'index':0}\n"
	    "{'type':'content_block_delta','delta':{'type':'text_delta','text':'a'},'index':0}\n"
	    "{'type':'content_block_stop','index':0}\n" END, "index=3 ", ANTHROPIC_STOPPED },
	{ "none in the start, another in the rest", START BLOCK(0) "{'type':'content_block_start','content_block':" TEXT "}\n"
	    SAY(4, "a") SAY(4, "b") SAY(5, "c") CLOSE(4) CLOSE(5) END, START BLOCK(0)
	    "{'type':'content_block_start','content_block':" TEXT ",'index':1}\n" SAY(1, "a") SAY(1, "b") CLOSE(1)
	    OPEN(2, TEXT) SAY(2, "c") CLOSE(2) END, "block-start=1 block-stop=1 late-stop=1 index=5 ", ANTHROPIC_STOPPED },
	{ "indexes that are none", START OPEN(null, TEXT) SAY('0', "a") SAY(-1, "a") SAY(0.0, "a") SAY(1.5, "a") CLOSE([]) END,
	    START OPEN(0, TEXT) SAY(0, "a") SAY(0, "a") SAY(0, "a") SAY(0, "a") CLOSE(0) END, "index=6 ", ANTHROPIC_STOPPED },
	{ "an index twice", START "{'type':'content_block_stop','index':0,'index':0}\n",
	    START FAILED("sent an event that is no JSON object with a type"), "", ANTHROPIC_FAILED },

	/* What blocks begin with. */
	{ "text and thinking without a text", START OPEN(0, "{'type':'text'}") CLOSE(0) OPEN(1, "{'thinking':null,'type':'thinking'}")
	    CLOSE(1) END, START OPEN(0, "{'type':'text','text':''}") CLOSE(0) OPEN(1, "{'thinking':'','type':'thinking'}") CLOSE(1) END,
	    "block-fields=2 ", ANTHROPIC_STOPPED },
	{ "a text that is none", START OPEN(0, "{'type':'text','text':[]}"),
	    START FAILED("sent a content block whose text is no string"), "", ANTHROPIC_FAILED },
	{ "no block", START "{'type':'content_block_start','index':0}\n",
	    START FAILED("sent a content block that is no object with a type"), "", ANTHROPIC_FAILED },
	{ "a block without a type", START OPEN(0, "{'text':''}"), START FAILED("sent a content block that is no object with a type"),
	    "", ANTHROPIC_FAILED },
	{ "a block with two types", START OPEN(0, "{'type':'text','type':'tool_use'}"),
	    START FAILED("sent a content block that is no object with a type"), "", ANTHROPIC_FAILED },
	{ "a call without input", START OPEN(0, "{'type':'tool_use','id':'t','name':'f'}") CLOSE(0)
	    OPEN(1, "{'type':'server_tool_use','id':'t','name':'f','input':null}") INPUT(1, "{}") CLOSE(1)
	    OPEN(2, "{'input':'','type':'tool_use','id':'t','name':'f'}") CLOSE(2) END,
	    START OPEN(0, "{'type':'tool_use','id':'t','name':'f','input':{}}") CLOSE(0)
	    OPEN(1, "{'type':'server_tool_use','id':'t','name':'f','input':{}}") INPUT(1, "{}") CLOSE(1)
	    OPEN(2, "{'input':{},'type':'tool_use','id':'t','name':'f'}") CLOSE(2) END, "input=3 ", ANTHROPIC_STOPPED },
	{ "text and thinking that begin with something in them", START
	    OPEN(0, "{'type':'thinking','thinking':'t','signature':'s'}") CLOSE(0)
	    OPEN(1, "{'signature':'s','type':'thinking','x':1}") THINK(1, "t") CLOSE(1)
	    OPEN(7, "{'text':'a\\u0062','type':'text','citations':null}") SAY(7, "c") CLOSE(7)
	    OPEN(8, "{'type':'text','text':'d'}") REASON("end_turn", 9) PING STOP,
	    START OPEN(0, THINKING) THINK(0, "t") SIGN(0) CLOSE(0)
	    OPEN(1, "{'signature':'','type':'thinking','x':1,'thinking':''}") SIGN(1) THINK(1, "t") CLOSE(1)
	    OPEN(2, "{'text':'','type':'text','citations':null}") SAY(2, "a\\u0062") SAY(2, "c") CLOSE(2)
	    OPEN(3, TEXT) SAY(3, "d") CLOSE(3) PING END,
	    "block-stop=1 index=4 block-fields=1 text-in-start=4 ", ANTHROPIC_STOPPED },
	{ "a call that begins with its input", START OPEN(0, "{'type':'tool_use','id':'t','name':'f','input':{'a':1.0,'b':'\\n'}}")
	    CLOSE(0) OPEN(1, "{'type':'tool_use','id':'t','name':'f','input':{'a':1e400}}") REASON("tool_use", 9) STOP,
	    START OPEN(0, CALL) INPUT(0, "{\\'a\\':1.0,\\'b\\':\\'\\\\n\\'}") CLOSE(0)
	    OPEN(1, CALL) INPUT(1, "{\\'a\\':1e400}") CLOSE(1) REASON("tool_use", 9) STOP, "block-stop=1 input-in-start=2 ",
	    ANTHROPIC_STOPPED },
	{ "and has deltas too, which are what counts", START OPEN(0, "{'type':'tool_use','id':'t','name':'f','input':{'a':1}}")
	    INPUT(0, "") INPUT(0, "{}") CLOSE(0) OPEN(1, CALL) CLOSE(1) END,
	    START OPEN(0, CALL) INPUT(0, "") INPUT(0, "{}") CLOSE(0) OPEN(1, CALL) CLOSE(1) END, "input-in-start=1 ",
	    ANTHROPIC_STOPPED },
	{ "or deltas of nothing", START OPEN(0, "{'type':'tool_use','id':'t','name':'f','input':{'a':1}}")
	    INPUT(0, "") INPUT(0, " ") CLOSE(0) END,
	    START OPEN(0, CALL) INPUT(0, "") INPUT(0, " ") INPUT(0, "{\\'a\\':1}") CLOSE(0) END, "input-in-start=1 ", ANTHROPIC_STOPPED },
	{ "a call whose input is white space", START OPEN(0, CALL) INPUT(0, "\\n ") CLOSE(0) END,
	    START OPEN(0, CALL) INPUT(0, "\\n ") INPUT(0, "{}") CLOSE(0) END, "input=1 ", ANTHROPIC_STOPPED },
	{ "a call whose input is no object", START OPEN(0, "{'type':'tool_use','id':'t','name':'f','input':'{}'}"),
	    START FAILED("sent a tool call whose input is no object"), "", ANTHROPIC_FAILED },
	{ "a call without an id", START OPEN(0, TEXT) CLOSE(0) OPEN(1, "{'type':'tool_use','name':'f','input':{}}") CLOSE(1)
	    OPEN(2, "{'type':'server_tool_use','id':'','name':'f','input':{}}") CLOSE(2)
	    OPEN(3, "{'type':'mcp_tool_use','id':null,'name':'f','input':{}}") CLOSE(3) END,
	    START OPEN(0, TEXT) CLOSE(0) OPEN(1, "{'type':'tool_use','name':'f','input':{},'id':'toolu_req_1_1'}") CLOSE(1)
	    OPEN(2, "{'type':'server_tool_use','id':'srvtoolu_req_1_2','name':'f','input':{}}") CLOSE(2)
	    OPEN(3, "{'type':'mcp_tool_use','id':'mcptoolu_req_1_3','name':'f','input':{}}") CLOSE(3) END, "tool-id=3 ",
	    ANTHROPIC_STOPPED },
	{ "a call without a name", START OPEN(0, TEXT) OPEN(1, "{'type':'tool_use','id':'t','input':{}}") END,
	    START OPEN(0, TEXT) FAILED("sent a tool call without a name"), "after-end=2 ", ANTHROPIC_FAILED },
	{ "a call with an empty name", START OPEN(0, "{'type':'tool_use','id':'t','name':'','input':{}}"),
	    START FAILED("sent a tool call without a name"), "", ANTHROPIC_FAILED },

	/* Deltas. */
	{ "deltas without content", START OPEN(0, TEXT) SAY(0, "a") DELTA(0, "{'type':'text_delta'}") DELTA(0, "null")
	    DELTA(0, "{'text':null,'type':'text_delta'}") "{'type':'content_block_delta','index':0}\n"
	    DELTA(0, "{'type':'citations_delta','citation':null}") DELTA(3, "{'type':'input_json_delta'}")
	    DELTA(4, "{'type':'thinking_delta','thinking':null}") DELTA(5, "{'type':'signature_delta'}") CLOSE(0) END,
	    START BLOCK(0) END, "empty-delta=8 ", ANTHROPIC_STOPPED },
	{ "a delta whose content is no string", START OPEN(0, TEXT) DELTA(0, "{'type':'text_delta','text':7}"),
	    START OPEN(0, TEXT) FAILED("sent a delta whose content is of the wrong kind"), "", ANTHROPIC_FAILED },
	{ "a citation that is no object", START OPEN(0, TEXT) DELTA(0, "{'type':'citations_delta','citation':'x'}"),
	    START OPEN(0, TEXT) FAILED("sent a delta whose content is of the wrong kind"), "", ANTHROPIC_FAILED },
	{ "a delta without a type", START OPEN(0, TEXT) DELTA(0, "{'text':'a'}"),
	    START OPEN(0, TEXT) FAILED("sent a delta that is no object with a type"), "", ANTHROPIC_FAILED },
	{ "a delta that is no object", START OPEN(0, TEXT) DELTA(0, "'a'"),
	    START OPEN(0, TEXT) FAILED("sent a delta that is no object with a type"), "", ANTHROPIC_FAILED },
	{ "a text twice", START OPEN(0, TEXT) DELTA(0, "{'type':'text_delta','text':'a','t\\u0065xt':'b'}"),
	    START OPEN(0, TEXT) FAILED("sent a delta that is no object with a type"), "", ANTHROPIC_FAILED },

	/* The input of calls. */
	{ "input that is no JSON", START OPEN(0, CALL) INPUT(0, "{\\'a\\'") INPUT(0, "]") INPUT(0, "}") END,
	    START OPEN(0, CALL) INPUT(0, "{\\'a\\'") FAILED("sent input that is no JSON object for tool call f"), "after-end=3 ",
	    ANTHROPIC_FAILED },
	{ "input that is another value", START OPEN(0, CALL) INPUT(0, "null") CLOSE(0) END,
	    START OPEN(0, CALL) FAILED("sent input that is no JSON object for tool call f"), "after-end=3 ", ANTHROPIC_FAILED },
	{ "input behind the input", START OPEN(0, CALL) INPUT(0, "{}") INPUT(0, "{}"),
	    START OPEN(0, CALL) INPUT(0, "{}") FAILED("sent input that is no JSON object for tool call f"), "", ANTHROPIC_FAILED },
	{ "a cut call is not closed: max_tokens", START OPEN(0, CALL) INPUT(0, "{\\'a\\':") CLOSE(0) PING CLOSE(0)
	    REASON("max_tokens", 9) STOP, START OPEN(0, CALL) INPUT(0, "{\\'a\\':") PING
	    ERROR("invalid_request_error", "reached max_tokens" WITHIN ": raise max_tokens"), "after-end=1 late-stop=1 ", ANTHROPIC_BROKEN },
	{ "a cut call of an unknown type", START OPEN(0, "{'type':'new'}") INPUT(0, "{") CLOSE(0) REASON("max_tokens", 9) STOP,
	    START OPEN(0, "{'type':'new'}") INPUT(0, "{")
	    ERROR("invalid_request_error", "reached max_tokens within the input of tool call: raise max_tokens"), "after-end=1 ",
	    ANTHROPIC_BROKEN },
	{ "a call of an unknown type whose input is no JSON", START OPEN(0, "{'type':'new'}") INPUT(0, "]") CLOSE(0),
	    START OPEN(0, "{'type':'new'}") FAILED("sent input that is no JSON object for tool call"), "after-end=1 ", ANTHROPIC_FAILED },
	{ "the model's window", START OPEN(0, CALL) INPUT(0, "{\\'a\\':") REASON("model_context_window_exceeded", 9) STOP,
	    START OPEN(0, CALL) INPUT(0, "{\\'a\\':")
	    ERROR("invalid_request_error", "reached the end of the model's context window" WITHIN), "after-end=1 ", ANTHROPIC_BROKEN },
	{ "another reason", START OPEN(0, CALL) INPUT(0, "{") CLOSE(0) REASON("tool_use", 9) STOP,
	    START OPEN(0, CALL) INPUT(0, "{") FAILED("ended its answer" WITHIN), "after-end=1 ", ANTHROPIC_BROKEN },
	{ "no reason", START OPEN(0, CALL) INPUT(0, "{") CLOSE(0) REASON_OF("{'stop_reason':null}", "null") STOP,
	    START OPEN(0, CALL) INPUT(0, "{") FAILED("ended its answer" WITHIN), "after-end=1 ", ANTHROPIC_BROKEN },
	{ "another block", START OPEN(0, CALL) INPUT(0, "{") CLOSE(0) OPEN(1, TEXT) STOP,
	    START OPEN(0, CALL) INPUT(0, "{") FAILED("ended its answer" WITHIN), "after-end=1 ", ANTHROPIC_BROKEN },
	{ "another block, without a stop", START OPEN(0, CALL) INPUT(0, "{") OPEN(1, TEXT) STOP,
	    START OPEN(0, CALL) INPUT(0, "{") FAILED("ended its answer" WITHIN), "after-end=1 ", ANTHROPIC_BROKEN },
	{ "a delta of another block", START OPEN(0, CALL) INPUT(0, "{") SAY(1, "a"),
	    START OPEN(0, CALL) INPUT(0, "{") FAILED("ended its answer" WITHIN), "", ANTHROPIC_BROKEN },
	{ "a delta behind the stop", START OPEN(0, CALL) INPUT(0, "{") CLOSE(0) INPUT(0, "}"),
	    START OPEN(0, CALL) INPUT(0, "{") FAILED("ended its answer" WITHIN), "", ANTHROPIC_BROKEN },
	{ "message_stop", START OPEN(0, CALL) INPUT(0, "{") CLOSE(0) STOP,
	    START OPEN(0, CALL) INPUT(0, "{") FAILED("ended its answer" WITHIN), "", ANTHROPIC_BROKEN },
	{ "the end", START OPEN(0, CALL) INPUT(0, "{") CLOSE(0),
	    START OPEN(0, CALL) INPUT(0, "{") FAILED("ended its answer" WITHIN), "", ANTHROPIC_BROKEN },
	{ "the second of two", START OPEN(0, CALL) CLOSE(0) OPEN(1, CALL) INPUT(1, "{") CLOSE(1),
	    START OPEN(0, CALL) CLOSE(0) OPEN(1, CALL) INPUT(1, "{") FAILED("ended its answer" WITHIN), "", ANTHROPIC_BROKEN },
	{ "the provider's own error", START OPEN(0, CALL) INPUT(0, "{") CLOSE(0) "{'type':'error','error':{'type':'t','message':'m'}}\n",
	    START OPEN(0, CALL) INPUT(0, "{") "{'type':'error','error':{'type':'t','message':'m'}}\n", "", ANTHROPIC_FAILED },
	{ "a call of the provider is no different", START OPEN(0, "{'type':'server_tool_use','id':'t','name':'f','input':{}}")
	    INPUT(0, "{") CLOSE(0), START OPEN(0, "{'type':'server_tool_use','id':'t','name':'f','input':{}}") INPUT(0, "{")
	    FAILED("ended its answer" WITHIN), "", ANTHROPIC_BROKEN },

	/* message_delta. */
	{ "no message_delta", START BLOCK(0) STOP, START BLOCK(0) REASON("end_turn", 1) STOP, "message-delta=1 ", ANTHROPIC_STOPPED },
	{ "no message_delta behind a call", START BLOCK(0) OPEN(1, CALL) INPUT(1, "{}") CLOSE(1) STOP,
	    START BLOCK(0) OPEN(1, CALL) INPUT(1, "{}") CLOSE(1) REASON("tool_use", 1) STOP, "message-delta=1 ", ANTHROPIC_STOPPED },
	{ "no message_delta behind a call of the provider", START OPEN(0, "{'type':'server_tool_use','id':'t','name':'f','input':{}}")
	    CLOSE(0) STOP, START OPEN(0, "{'type':'server_tool_use','id':'t','name':'f','input':{}}") CLOSE(0)
	    REASON("end_turn", 1) STOP, "message-delta=1 ", ANTHROPIC_STOPPED },
	{ "no stop_reason", START OPEN(0, CALL) CLOSE(0) REASON_OF("{}", "{'output_tokens':9}") STOP,
	    START OPEN(0, CALL) CLOSE(0) REASON("tool_use", 9) STOP, "stop-reason=1 ", ANTHROPIC_STOPPED },
	{ "stop_reason null", START REASON_OF("{'stop_reason':null,'stop_sequence':null}", "{'output_tokens':9}") STOP, START END,
	    "stop-reason=1 ", ANTHROPIC_STOPPED },
	{ "a stop_reason that is no text", START REASON_OF("{'stop_reason':7,'stop_sequence':'x'}", "{'output_tokens':9}") STOP,
	    START REASON_OF("{'stop_reason':'end_turn','stop_sequence':'x'}", "{'output_tokens':9}") STOP, "stop-reason=1 ",
	    ANTHROPIC_STOPPED },
	{ "no delta in it", START "{'type':'message_delta','usage':{'output_tokens':9}}\n" STOP,
	    START "{'type':'message_delta','usage':{'output_tokens':9},'delta':{'stop_reason':'end_turn','stop_sequence':null}}\n" STOP,
	    "stop-reason=1 ", ANTHROPIC_STOPPED },
	{ "a delta that is null", START "{'type':'message_delta','delta':null,'usage':{'output_tokens':9}}\n" STOP, START END,
	    "stop-reason=1 ", ANTHROPIC_STOPPED },
	{ "a delta in it that is no object", START "{'type':'message_delta','delta':'end_turn'}\n",
	    START FAILED("sent a message_delta whose delta is no object"), "", ANTHROPIC_FAILED },
	{ "a stop_reason twice", START REASON_OF("{'stop_reason':'end_turn','stop_reason':'tool_use'}", "{'output_tokens':9}") STOP,
	    START FAILED("sent a message_delta whose delta is no object"), "after-end=1 ", ANTHROPIC_FAILED },
	{ "two: the reason and then the usage", START REASON_OF("{'stop_reason':'tool_use','stop_sequence':null}", "null")
	    REASON_OF("{'stop_reason':null}", "{'output_tokens':9}") STOP, START REASON("tool_use", 9) STOP, "merged-delta=1 ",
	    ANTHROPIC_STOPPED },
	{ "two: the usage and then the reason", START "{'type':'message_delta','usage':{'output_tokens':9,'input_tokens':4}}\n"
	    "{'type':'message_delta','delta':{'stop_reason':'stop_sequence','stop_sequence':'x'},'usage':{'output_tokens':10}}\n" STOP,
	    START "{'type':'message_delta','usage':{'output_tokens':10,'input_tokens':4},"
	    "'delta':{'stop_reason':'stop_sequence','stop_sequence':'x'}}\n" STOP, "merged-delta=1 ", ANTHROPIC_STOPPED },
	{ "three: the latest reason, and what only one of them has", START
	    "{'type':'message_delta','delta':{'stop_reason':'end_turn','stop_sequence':null},'usage':{'output_tokens':1},'a':1}\n"
	    "{'type':'message_delta','delta':{'stop_reason':'max_tokens','stop_sequence':null},'usage':{'output_tokens':2,'b':[]}}\n"
	    "{'type':'message_delta','delta':{'stop_reason':null},'usage':{'output_tokens':null},'a':2,'c':3}\n" STOP,
	    START "{'type':'message_delta','delta':{'stop_reason':'max_tokens','stop_sequence':null},"
	    "'usage':{'output_tokens':2,'b':[]},'a':2,'c':3}\n" STOP, "usage=1 merged-delta=2 ", ANTHROPIC_STOPPED },
	{ "two without a reason", START REASON_OF("{'stop_reason':null,'x':1}", "{'output_tokens':9}")
	    REASON_OF("{'stop_reason':null,'stop_sequence':'y'}", "{'output_tokens':9}") STOP,
	    START REASON_OF("{'stop_reason':'end_turn','stop_sequence':'y'}", "{'output_tokens':9}") STOP,
	    "merged-delta=1 stop-reason=1 ", ANTHROPIC_STOPPED },
	{ "content behind it", START BLOCK(0) REASON("end_turn", 9) OPEN(1, CALL) INPUT(1, "{}") CLOSE(1) STOP,
	    START BLOCK(0) OPEN(1, CALL) INPUT(1, "{}") CLOSE(1) REASON("end_turn", 9) STOP, "late-content=3 ", ANTHROPIC_STOPPED },

	/* Ends. */
	{ "no message_stop", START BLOCK(0) REASON("end_turn", 9), START BLOCK(0) END, "message-stop=1 ", ANTHROPIC_STOPPED },
	{ "no message_stop, and a usage that is none", START REASON_OF("{'stop_reason':'end_turn'}", "null"),
	    START REASON_OF("{'stop_reason':'end_turn'}", "{'output_tokens':1}") STOP, "usage=1 message-stop=1 ", ANTHROPIC_STOPPED },
	{ "no message_stop, and a block that was not closed", START OPEN(0, TEXT) SAY(0, "a") REASON("end_turn", 9),
	    START BLOCK(0) END, "block-stop=1 message-stop=1 ", ANTHROPIC_STOPPED },
	{ "no message_stop and no reason", START BLOCK(0) REASON_OF("{'stop_reason':null}", "{'output_tokens':9}"),
	    START BLOCK(0) FAILED("ended its answer without message_stop"), "", ANTHROPIC_BROKEN },
	{ "no message_stop, and a block open behind message_delta", START REASON("end_turn", 9) OPEN(0, TEXT) SAY(0, "a"),
	    START OPEN(0, TEXT) SAY(0, "a") FAILED("ended its answer without message_stop"), "late-content=2 ", ANTHROPIC_BROKEN },
	{ "nothing but message_start", START, START FAILED("ended its answer without message_stop"), "", ANTHROPIC_BROKEN },
	{ "an error behind message_delta", START REASON("end_turn", 9) "{'type':'error','error':{'type':'t','message':'m'}}\n" STOP,
	    START "{'type':'error','error':{'type':'t','message':'m'}}\n", "after-end=1 ", ANTHROPIC_FAILED },
	{ "a second message", START END START END, START END, "after-end=3 ", ANTHROPIC_STOPPED },
};

/* The event stream of events that are lines of JSON with ' for ". */
static void
put_events(struct buf *out, const char *lines)
{
	while (*lines != '\0') {
		const char *end = strchr(lines, '\n'), *type = strstr(lines, "'type':'") + 8;

		buf_puts(out, "event: ");
		buf_put(out, type, (size_t)(strchr(type, '\'') - type));
		buf_puts(out, "\ndata: ");
		for (; lines < end; lines++) {
			/* The word for the thing itself stands in one message. */
			bool word = strncmp(lines, "'s context", 10) == 0;

			buf_putc(out, *lines == '\'' && !word ? '"' : *lines);
		}
		buf_puts(out, "\n\n");
		lines++;
	}
}

struct outcome {
	struct buf out;
	struct buf repairs;
	enum anthropic_state state;
	struct usage usage;
};

static const struct anthropic_origin origin = { "acme", "req_1", { "\"client\"", 8 } };

/* Each piece ends at the end of readable memory. */
static struct test_page edge;
enum { EDGE = 1 << 16 };

static void
feed(struct anthropic *stream, struct anthropic_work *work, struct buf *out, const char *p, size_t n)
{
	char *piece = edge.text + EDGE - n;
	struct anthropic_output result;

	memcpy(piece, p, n);
	if (!anthropic_feed(stream, piece, n, work, &result))
		abort();
	buf_put(out, result.p, result.len);
}

/* What becomes of a text in pieces of `step` octets, after a first one of `first`. */
static struct outcome
run(const struct buf *text, size_t first, size_t step, bool clean)
{
	struct outcome o = { .out = BUF_INIT(1 << 20), .repairs = BUF_INIT(1 << 10) };
	struct anthropic *stream = anthropic_new(&origin);
	struct anthropic_work work = ANTHROPIC_WORK_INIT;
	struct anthropic_output result;
	size_t n = buf_len(text);

	for (size_t at = 0, len = first; at < n; at += len, len = step)
		feed(stream, &work, &o.out, buf_data(text) + at, n - at < len ? n - at : len);
	if (!anthropic_end(stream, clean, 502, "it broke", &work, &result))
		abort();
	buf_put(&o.out, result.p, result.len);
	for (int i = 0; i < REPAIR_COUNT; i++)
		if (anthropic_repairs(stream, (enum anthropic_repair)i) > 0)
			buf_printf(&o.repairs, "%s=%u ", anthropic_repair_name((enum anthropic_repair)i),
			    (unsigned)anthropic_repairs(stream, (enum anthropic_repair)i));
	o.state = anthropic_state(stream);
	o.usage = *anthropic_usage(stream);
	anthropic_work_free(&work);
	anthropic_free(stream);
	return o;
}

static void
outcome_free(struct outcome *o)
{
	buf_free(&o->out);
	buf_free(&o->repairs);
}

static bool
same(const struct buf *a, const struct buf *b)
{
	return buf_len(a) == buf_len(b) && (buf_len(a) == 0 || memcmp(buf_data(a), buf_data(b), buf_len(a)) == 0);
}

static bool
is_kept(const struct outcome *o, enum anthropic_state state)
{
	const char *verdict = stream_checker(buf_data(&o->out), buf_len(&o->out));

	if (strcmp(verdict, state == ANTHROPIC_STOPPED ? "whole" : "error") == 0)
		return true;
	printf("# %s\n", verdict);
	return false;
}

/* The same, however it is cut; and nothing is left to be mended in what came out. */
static bool
is_steady(const struct buf *text, const struct outcome *whole, bool clean)
{
	size_t n = buf_len(text);
	struct outcome again = run(&whole->out, n, n, true);
	bool steady = same(&again.out, &whole->out) && buf_len(&again.repairs) == 0 &&
	    (again.state == ANTHROPIC_STOPPED) == (whole->state == ANTHROPIC_STOPPED);

	outcome_free(&again);
	for (size_t at = 1; at < n + 7 && steady; at++) {
		struct outcome pieces = at < n ? run(text, at, n, clean) : run(text, at - n + 1, at - n + 1, clean);

		steady = same(&pieces.out, &whole->out) && same(&pieces.repairs, &whole->repairs) &&
		    pieces.state == whole->state && memcmp(&pieces.usage, &whole->usage, sizeof pieces.usage) == 0;
		outcome_free(&pieces);
	}
	return steady;
}

static void
test_stream(size_t i)
{
	struct buf text = BUF_INIT(1 << 16), want = BUF_INIT(1 << 16);
	struct outcome whole;
	bool passed = true;

	put_events(&text, streams[i].text);
	put_events(&want, streams[i].want ? streams[i].want : streams[i].text);
	whole = run(&text, buf_len(&text), 1, true);
	EXPECT(same(&whole.out, &want), "output");
	if (!passed)
		printf("# %.*s\n", (int)buf_len(&whole.out), buf_data(&whole.out));
	EXPECT(strcmp(buf_str(&whole.repairs), streams[i].repairs) == 0, buf_data(&whole.repairs));
	EXPECT(whole.state == streams[i].state, "state");
	EXPECT(is_kept(&whole, streams[i].state), "the contract");
	EXPECT(is_steady(&text, &whole, true), "in pieces, or again");
	TEST(passed, streams[i].name);
	outcome_free(&whole);
	buf_free(&text);
	buf_free(&want);
}

/* Cut at each octet, cleanly or not, each stream becomes one that keeps the contract; broken off, none is whole. */
static void
test_cuts(void)
{
	bool passed = true;

	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
		struct buf text = BUF_INIT(1 << 16);

		put_events(&text, streams[i].text);
		for (size_t n = 0; n < buf_len(&text) && passed; n++) {
			struct buf part = text;

			part.end = part.start + n;
			for (int clean = 0; clean <= 1; clean++) {
				struct outcome o = run(&part, n, 1, clean);
				struct outcome pieces = run(&part, 5, 5, clean);

				EXPECT(is_kept(&o, o.state), streams[i].name);
				EXPECT(same(&o.out, &pieces.out), streams[i].name);
				EXPECT(clean || o.state != ANTHROPIC_STOPPED ||
					strcmp(stream_checker(buf_data(&o.out), buf_len(&o.out)), "whole") == 0, "broken off");
				outcome_free(&o);
				outcome_free(&pieces);
			}
		}
		buf_free(&text);
	}
	TEST(passed, "streams cut at each octet keep the contract");
}

/* A held message_delta is dropped when the stream breaks off. */
static void
test_broken_off(void)
{
	struct buf text = BUF_INIT(1 << 16), want = BUF_INIT(1 << 16);
	struct outcome o;
	bool passed = true;

	put_events(&text, START BLOCK(0) REASON("end_turn", 9));
	put_events(&want, START BLOCK(0) "{'type':'error','error':{'type':'api_error','message':'it broke; the answer is incomplete'},"
	    "'request_id':'req_1'}\n");
	o = run(&text, buf_len(&text), 1, false);
	EXPECT(same(&o.out, &want), "output");
	EXPECT(o.state == ANTHROPIC_BROKEN, "state");
	EXPECT(o.usage.has_output && o.usage.output == 9 && o.usage.input == 3, "usage");
	TEST(passed, "a stream that breaks off before message_stop is broken, message_delta or not");
	outcome_free(&o);
	buf_free(&text);
	buf_free(&want);
}

static void
test_long_name(void)
{
	static char name[2000];
	struct buf lines = BUF_INIT(1 << 16), text = BUF_INIT(1 << 16);
	struct outcome o;

	memset(name, 'n', sizeof name - 1);
	buf_puts(&lines, START);
	buf_printf(&lines, OPEN(0, "{'type':'tool_use','id':'t','name':'%s','input':{}}"), name);
	buf_puts(&lines, INPUT(0, "{"));
	put_events(&text, buf_str(&lines));
	o = run(&text, buf_len(&text), 1, true);
	TEST(o.state == ANTHROPIC_BROKEN && is_kept(&o, o.state) &&
	        memmem(buf_data(&o.out), buf_len(&o.out), "tool call nnnn", 14) != NULL && buf_len(&o.out) < 3500,
	    "of a long name the beginning is told");
	outcome_free(&o);
	buf_free(&lines);
	buf_free(&text);
}

/* One that merges as many members as one likes would do so for as long as one likes. */
static void
test_many_members(void)
{
	struct buf lines = BUF_INIT(1 << 16), text = BUF_INIT(1 << 16);
	struct outcome o;

	buf_puts(&lines, START "{'type':'message_delta','delta':{'stop_reason':'end_turn'},'usage':{'output_tokens':1");
	for (int i = 0; i < 100; i++)
		buf_printf(&lines, ",'x%d':1", i);
	buf_puts(&lines, "}}\n" STOP);
	put_events(&text, buf_str(&lines));
	o = run(&text, buf_len(&text), 1, true);
	TEST(o.state == ANTHROPIC_FAILED && is_kept(&o, o.state), "a message_delta with a hundred members fails");
	outcome_free(&o);
	buf_free(&lines);
	buf_free(&text);
}

/* A message without a model and a request without an id. */
static void
test_no_origin(void)
{
	static const char want[] = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_unknown\","
	    "\"type\":\"message\",\"role\":\"assistant\",\"content\":[],";
	static const char delta[] = "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n";
	struct anthropic *stream = anthropic_new(&(struct anthropic_origin){ .provider = "acme" });
	struct anthropic_work work = ANTHROPIC_WORK_INIT;
	struct anthropic_output out;

	TEST(anthropic_feed(stream, delta, sizeof delta - 1, &work, &out) && out.len > sizeof want &&
	        memcmp(out.p, want, sizeof want - 1) == 0, "a model that nobody knows is absent");
	anthropic_work_free(&work);
	anthropic_free(stream);
}

int
main(void)
{
	static char nothing[EDGE];

	edge = test_page(nothing, EDGE);
	if (mprotect(edge.text, EDGE, PROT_READ | PROT_WRITE) != 0)
		abort();
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
		test_stream(i);
	test_cuts();
	test_broken_off();
	test_long_name();
	test_many_members();
	test_no_origin();
	test_page_free(edge);
	return test_exit();
}
