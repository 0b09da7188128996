/* SPDX-License-Identifier: MIT */
#include "upstream/gate.h"

#include "base/limits.h"
#include "test.h"

#define START "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":1}}}\n\n"
#define BLOCK "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
#define DELTA "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n"
#define PING "event: ping\ndata: {\"type\":\"ping\"}\n\n"
#define STOP "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n"
#define END "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
#define ERROR "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n"
#define ROLE "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},\"finish_reason\":null}],\"usage\":null}\n\n"
#define CHUNK(DELTA) "data: {\"choices\":[{\"delta\":{" DELTA "},\"finish_reason\":null}]}\n\n"
#define FINISH "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define USAGE "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":4}}\n\n"
#define DONE "data: [DONE]\n\n"
#define MESSAGE "{\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}],\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}"
#define COMPLETION "{\"object\":\"chat.completion\",\"choices\":[{\"message\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4,\"prompt_tokens_details\":{\"cached_tokens\":5}}}"

enum want { PLAIN = 0, STREAM = 1 };
enum { A = DIALECT_ANTHROPIC, O = DIALECT_OPENAI };

struct gate_case {
	const char *name;
	int dialect;
	enum want want;
	const char *type;	/* content-type */
	const char *held;	/* the body up to where the verdict is known */
	const char *more;	/* what follows; NULL: the verdict comes at the end of the body only */
	enum gate_verdict verdict;
	int status;
	enum refusal_cause cause;
	const char *why;
	bool is_stream;
	const char *tell;	/* the content-type that has to be told */
};

#define SSE "text/event-stream; charset=utf-8"
#define JSON "application/json"
#define PASSES(NAME, DIALECT, TYPE, HELD, MORE) \
	{ NAME, DIALECT, STREAM, TYPE, HELD, MORE, GATE_COMMIT, 0, REFUSAL_UNKNOWN, "", true, NULL }
#define BREAKS(NAME, DIALECT, WANT, TYPE, HELD, MORE, STATUS, CAUSE, WHY) \
	{ NAME, DIALECT, WANT, TYPE, HELD, MORE, GATE_FAIL, STATUS, CAUSE, WHY, false, NULL }
#define WHOLE(NAME, DIALECT, WANT, TYPE, HELD, IS_STREAM, TELL) \
	{ NAME, DIALECT, WANT, TYPE, HELD, NULL, GATE_COMMIT, 0, REFUSAL_UNKNOWN, "", IS_STREAM, TELL }

static const char no_content[] = "ended its answer before any content";
static const char no_type[] = "sent an event that is no JSON object with a type";
static const char overloaded[] = "sent an error: Overloaded";

static const struct gate_case cases[] = {
	/* Anthropic's streams */
	PASSES("a block's start", A, SSE, START BLOCK, DELTA),
	PASSES("a delta without a start", A, SSE, START DELTA, STOP),
	PASSES("a block without a message_start", A, SSE, BLOCK, DELTA),
	PASSES("pings, comments and blank lines are held", A, SSE, "\n\n: keep-alive\n\n\n" PING START ": x\n" PING BLOCK, END),
	PASSES("unknown events are held", A, SSE, "event: new\ndata: {\"type\":\"new\"}\n\n" START BLOCK, END),
	PASSES("an answer that is empty", A, SSE, START STOP, END),
	PASSES("a message_delta without a reason is held", A, SSE, START
	    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":null},\"usage\":{}}\n\n" STOP, END),
	PASSES("CRLF", A, SSE, "event: ping\r\ndata: {\"type\":\"ping\"}\r\n\r\nevent: content_block_start\r\ndata: "
	    "{\"type\":\"content_block_start\"}\r\n\r", "\n"),
	PASSES("CR", A, SSE, "data: {\"type\":\"ping\"}\r\rdata: {\"type\":\"content_block_start\"}\r\r", "x"),
	PASSES("a byte order mark", A, SSE, "\xef\xbb\xbf" START BLOCK, END),
	PASSES("no event lines", A, SSE, "data: {\"type\":\"message_start\"}\n\ndata: {\"type\":\"content_block_start\"}\n\n", END),
	PASSES("no type inside", A, SSE, "event: content_block_delta\ndata: {\"index\":0}\n\n", END),
	PASSES("no space behind data:", A, SSE, "data:{\"type\":\"content_block_start\"}\n\n", END),
	PASSES("several data lines", A, SSE, "data: {\"type\":\ndata: \"content_block_start\"}\n\n", END),
	PASSES("id and retry first", A, SSE, "id: 1\nretry: 5\ndata: {\"type\":\"content_block_start\"}\n\n", END),
	PASSES("a field nobody knows first", A, SSE, "x: 1\ndata: {\"type\":\"content_block_start\"}\n\n", END),
	PASSES("[DONE] is nothing there", A, SSE, START DONE BLOCK, END),
	PASSES("an error after content is the client's to see", A, SSE, START BLOCK, ERROR),
	PASSES("lines of JSON without data:", A, SSE, "{\"type\":\"message_start\"}\n{\"type\":\"content_block_start\"}\n", "{}\n"),
	{ "lines of JSON called so", A, STREAM, "application/x-ndjson", "{\"type\":\"ping\"}\n{\"type\":\"content_block_start\"}\n", "{}\n",
	    GATE_COMMIT, 0, REFUSAL_UNKNOWN, "", true, "text/event-stream" },
	{ "a stream called JSON", A, STREAM, JSON, START BLOCK, END, GATE_COMMIT, 0, REFUSAL_UNKNOWN, "", true, "text/event-stream" },
	{ "a stream without a type", A, STREAM, NULL, ": hi\n\n" START BLOCK, END, GATE_COMMIT, 0, REFUSAL_UNKNOWN, "", true, "text/event-stream" },
	{ "a mark before a stream called nothing", A, STREAM, NULL, "\xef\xbb\xbf\n" START BLOCK, END, GATE_COMMIT, 0, REFUSAL_UNKNOWN, "", true,
	    "text/event-stream" },
	PASSES("a mark before lines of JSON", A, SSE, "\xef\xbb\xbf{\"type\":\"content_block_start\"}\n", "x"),
	{ "a last event without its blank line", A, STREAM, SSE, START "data: {\"type\":\"content_block_start\"}", NULL, GATE_COMMIT, 0,
	    REFUSAL_UNKNOWN, "", true, NULL },
	BREAKS("an error first", A, STREAM, SSE, ERROR, "", 529, REFUSAL_BUSY, overloaded),
	BREAKS("an error after message_start", A, STREAM, SSE, START PING ERROR, "", 529, REFUSAL_BUSY, overloaded),
	BREAKS("an error in OpenAI's shape", A, STREAM, SSE, START "data: {\"error\":{\"message\":\"Overloaded\",\"code\":503}}\n\n", "", 529,
	    REFUSAL_BUSY, overloaded),
	BREAKS("an error without its blank line", A, STREAM, SSE, "event: error\ndata: {\"error\":\"Overloaded\"}", NULL, 529, REFUSAL_BUSY,
	    overloaded),
	BREAKS("an error that says nothing", A, STREAM, SSE, "event: error\ndata: {}\n\n", "", 500, REFUSAL_UNKNOWN,
	    "sent an error: no message came with it"),
	BREAKS("MiniMax's balance", A, STREAM, SSE,
	    "data: {\"base_resp\":{\"status_code\":1008,\"status_msg\":\"insufficient balance\"}}\n\n", "", 402, REFUSAL_MONEY,
	    "sent an error: insufficient balance"),
	BREAKS("nothing but message_start", A, STREAM, SSE, START, NULL, 502, REFUSAL_UNKNOWN, no_content),
	BREAKS("half an event is none", A, STREAM, SSE, START "event: content_block_start\ndata: {\"type\":\"content_block_start\"", NULL, 502,
	    REFUSAL_UNKNOWN, no_content),
	BREAKS("nothing but message_stop", A, STREAM, SSE, END, "", 502, REFUSAL_UNKNOWN, no_content),
	BREAKS("message_start and message_stop", A, STREAM, SSE, START END, "", 502, REFUSAL_UNKNOWN, no_content),
	BREAKS("message_start twice", A, STREAM, SSE, START START, BLOCK, 502, REFUSAL_UNKNOWN, "sent message_start twice"),
	BREAKS("malformed", A, STREAM, SSE, START "data: {\"type\":\"content_block_start\"\n\n", BLOCK, 502, REFUSAL_UNKNOWN, no_type),
	BREAKS("no type at all", A, STREAM, SSE, START "data: {\"a\":1}\n\n", BLOCK, 502, REFUSAL_UNKNOWN, no_type),
	BREAKS("comments alone", A, STREAM, SSE, ": x\n\n: x\n\n", NULL, 502, REFUSAL_UNKNOWN, no_content),
	BREAKS("an empty body", A, STREAM, SSE, "", NULL, 502, REFUSAL_UNKNOWN, "answered without a body"),
	BREAKS("white space", A, STREAM, SSE, "\n \xef\xbb\xbf\r\n", NULL, 502, REFUSAL_UNKNOWN, "answered without a body"),
	BREAKS("a text called a stream", A, STREAM, SSE, "gone\n", NULL, 502, REFUSAL_UNKNOWN, no_content),
	/* OpenAI's streams */
	PASSES("text", O, SSE, ROLE CHUNK("\"content\":\"a\""), DONE),
	PASSES("reasoning_content", O, SSE, ROLE CHUNK("\"content\":null,\"reasoning_content\":\"a\""), DONE),
	PASSES("reasoning", O, SSE, ROLE CHUNK("\"reasoning\":\"a\""), DONE),
	PASSES("reasoning_details", O, SSE, ROLE CHUNK("\"reasoning_details\":[{}]"), DONE),
	PASSES("a refusal", O, SSE, ROLE CHUNK("\"refusal\":\"a\""), DONE),
	PASSES("a tool call", O, SSE, ROLE CHUNK("\"tool_calls\":[{\"index\":0}]"), DONE),
	PASSES("nothing is no content", O, SSE, ROLE CHUNK("\"content\":\"\",\"reasoning\":null,\"tool_calls\":[],\"x\":\"a\"") USAGE ": OPENROUTER PROCESSING\n\n" FINISH, DONE),
	PASSES("choices without a list are held", O, SSE, "data: {\"choices\":null}\n\ndata: {\"id\":1}\n\n" FINISH, DONE),
	PASSES("the second choice", O, SSE, "data: {\"choices\":[{\"delta\":{}},{\"delta\":{\"content\":\"a\"}}]}\n\n", DONE),
	PASSES("completions of old", O, SSE, "data: {\"choices\":[{\"text\":\"\"}]}\n\ndata: {\"choices\":[{\"text\":\"a\"}]}\n\n", DONE),
	PASSES("event lines with chunks", O, SSE, "event: message\n" ROLE "event: message\n" CHUNK("\"content\":\"a\""), DONE),
	PASSES("lines of JSON from OpenAI", O, SSE, "{\"choices\":[{\"delta\":{}}]}\n{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n", "\n"),
	PASSES("responses: a state is no content", O, SSE, "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"error\":null}}\n\n"
	    "data: {\"type\":\"response.in_progress\"}\n\ndata: {\"type\":\"response.output_item.added\"}\n\n", "\n"),
	BREAKS("responses: failed", O, STREAM, SSE, "data: {\"type\":\"response.created\"}\n\n"
	    "data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}}}\n\n", "", 429,
	    REFUSAL_LIMITED, "sent an error: m"),
	BREAKS("an error chunk", O, STREAM, SSE, ROLE "data: {\"error\":{\"message\":\"m\",\"type\":\"server_error\"}}\n\n", DONE, 500,
	    REFUSAL_FAILURE, "sent an error: m"),
	BREAKS("an error beside choices", O, STREAM, SSE,
	    "data: {\"error\":{\"code\":502,\"message\":\"m\"},\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n", DONE, 502,
	    REFUSAL_UNKNOWN, "sent an error: m"),
	BREAKS("a finish_reason that is none", O, STREAM, SSE, "data: {\"choices\":[{\"finish_reason\":\"insufficient_system_resource\"}]}\n\n", DONE,
	    529, REFUSAL_BUSY, "ended its answer with finish_reason insufficient_system_resource"),
	PASSES("a filter's finish_reason", O, SSE, "data: {\"choices\":[{\"finish_reason\":\"content_filter\"}]}\n\n", DONE),
	BREAKS("[DONE] first", O, STREAM, SSE, ROLE DONE, "", 502, REFUSAL_UNKNOWN, no_content),
	BREAKS("the end first", O, STREAM, SSE, ROLE USAGE, NULL, 502, REFUSAL_UNKNOWN, no_content),
	BREAKS("[DONE] without a line's end", O, STREAM, SSE, ROLE "data: [DONE]", NULL, 502, REFUSAL_UNKNOWN, no_content),
	BREAKS("malformed from OpenAI", O, STREAM, SSE, "data: {]\n\n", DONE, 502, REFUSAL_UNKNOWN, no_type),
	/* JSON where a stream was asked for */
	WHOLE("JSON", A, STREAM, JSON, MESSAGE, false, NULL),
	WHOLE("JSON on its line", A, STREAM, JSON, "\n\n" MESSAGE "\n", false, NULL),
	WHOLE("JSON over lines", A, STREAM, JSON, "{\n \"type\": \"message\",\n \"content\": []\n}\n", false, NULL),
	WHOLE("JSON called a stream", A, STREAM, SSE, MESSAGE, false, "application/json"),
	WHOLE("JSON from OpenAI", O, STREAM, JSON, COMPLETION, false, NULL),
	BREAKS("JSON that is no message", A, STREAM, JSON, "{\"detail\":\"Not Found\"}", NULL, 502, REFUSAL_UNKNOWN,
	    "sent JSON that is no answer: Not Found"),
	BREAKS("an error in JSON", A, STREAM, JSON, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}", NULL, 529,
	    REFUSAL_BUSY, overloaded),
	BREAKS("an error in JSON over lines", A, STREAM, SSE, "{\n\"error\": {\"type\": \"overloaded_error\",\n\"message\": \"Overloaded\"}}", NULL, 529,
	    REFUSAL_BUSY, overloaded),
	BREAKS("an error on a line called a stream", A, STREAM, SSE, "{\"error\":\"Overloaded\"}\n", NULL, 529, REFUSAL_BUSY, overloaded),
	BREAKS("JSON that is cut", A, STREAM, JSON, "{\"type\":\"message\",\"content\":[", NULL, 502, REFUSAL_UNKNOWN, "sent JSON that is cut short"),
	BREAKS("JSON and more", A, STREAM, JSON, MESSAGE "\n" MESSAGE, NULL, 502, REFUSAL_UNKNOWN, "sent JSON that is malformed"),
	/* Plain requests */
	WHOLE("plain", A, PLAIN, JSON, MESSAGE, false, NULL),
	WHOLE("plain without a type", A, PLAIN, NULL, " " MESSAGE " ", false, "application/json"),
	WHOLE("plain with a mark", A, PLAIN, JSON, "\xef\xbb\xbf" MESSAGE, false, NULL),
	WHOLE("plain: a count", A, PLAIN, JSON, "{\"input_tokens\":12}", false, NULL),
	WHOLE("plain: error null", O, PLAIN, JSON, "{\"error\":null,\"base_resp\":{\"status_code\":0}}", false, NULL),
	WHOLE("plain: DeepSeek's empty lines", O, PLAIN, JSON, "\n\n\n\n" COMPLETION, false, NULL),
	BREAKS("plain: MiniMax's rate", O, PLAIN, JSON, "{\"choices\":null,\"base_resp\":{\"status_code\":1002,\"status_msg\":\"rate limit\"}}", NULL,
	    429, REFUSAL_LIMITED, "sent an error: rate limit"),
	BREAKS("plain: Google's array", O, PLAIN, JSON, "[{\"error\":{\"code\":503,\"message\":\"m\",\"status\":\"UNAVAILABLE\"}}]", NULL, 503,
	    REFUSAL_BUSY, "sent JSON that is no answer: m"),
	BREAKS("plain: too long inside a 200", O, PLAIN, JSON, "{\"error\":{\"message\":\"prompt too long\",\"code\":\"context_length_exceeded\"}}",
	    NULL, 400, REFUSAL_TOO_LONG, "sent an error: prompt too long"),
	BREAKS("plain: a page", A, PLAIN, JSON, " \n<", "html><title>x</title>", 502, REFUSAL_PAGE, "sent a page in HTML"),
	BREAKS("a page called a stream", A, STREAM, SSE, "<", "!DOCTYPE html>", 502, REFUSAL_PAGE, "sent a page in HTML"),
	BREAKS("plain: a text", A, PLAIN, "text/plain", "upstream connect error\nx", NULL, 502, REFUSAL_UNKNOWN, "sent no JSON: upstream connect error"),
	BREAKS("plain: a text about overload", A, PLAIN, NULL, "Overloaded", NULL, 529, REFUSAL_BUSY, "sent no JSON: Overloaded"),
	BREAKS("plain: a word", A, PLAIN, NULL, "dat", NULL, 502, REFUSAL_UNKNOWN, "sent no JSON: dat"),
	BREAKS("plain: nothing", A, PLAIN, JSON, "", NULL, 502, REFUSAL_UNKNOWN, "answered without a body"),
	BREAKS("plain: a number", A, PLAIN, JSON, "12", NULL, 502, REFUSAL_UNKNOWN, "sent JSON that is no answer"),
	BREAKS("plain: cut", A, PLAIN, JSON, "{\"type\":\"message\"", NULL, 502, REFUSAL_UNKNOWN, "sent JSON that is cut short"),
	BREAKS("plain: malformed", A, PLAIN, JSON, "{\"type\":'message'}", NULL, 502, REFUSAL_UNKNOWN, "sent JSON that is malformed"),
	{ "plain: a stream", A, PLAIN, SSE, START BLOCK DELTA STOP END, "x", GATE_COMMIT, 0, REFUSAL_UNKNOWN, "", true, NULL },
	{ "plain: a stream called JSON", A, PLAIN, JSON, START BLOCK END, "x", GATE_COMMIT, 0, REFUSAL_UNKNOWN, "", true, "text/event-stream" },
	WHOLE("plain: lines of JSON", A, PLAIN, JSON, "{\"type\":\"content_block_start\"}\n{\"type\":\"message_stop\"}\n", true, "text/event-stream"),
	WHOLE("plain: OpenAI's stream without [DONE]", O, PLAIN, SSE, CHUNK("\"content\":\"a\"") FINISH USAGE, true, NULL),
	{ "plain: OpenAI's stream", O, PLAIN, SSE, CHUNK("\"content\":\"a\"") FINISH USAGE DONE, "", GATE_COMMIT, 0, REFUSAL_UNKNOWN, "", true, NULL },
	BREAKS("plain: a stream that breaks off", A, PLAIN, SSE, START BLOCK DELTA, NULL, 502, REFUSAL_UNKNOWN,
	    "ended its answer before it was whole"),
	WHOLE("plain: a stream that lacks message_stop alone", A, PLAIN, SSE, START BLOCK DELTA STOP, true, NULL),
	BREAKS("plain: OpenAI's that breaks off", O, PLAIN, SSE, CHUNK("\"content\":\"a\""), NULL, 502, REFUSAL_UNKNOWN,
	    "ended its answer before it was whole"),
	BREAKS("plain: an error behind content", A, PLAIN, SSE, START BLOCK DELTA ERROR, END, 529, REFUSAL_BUSY, overloaded),
	{ "plain: sound", O, PLAIN, "audio/mpeg", "\xff", "<{", GATE_COMMIT, 0, REFUSAL_UNKNOWN, "", false, NULL },
	BREAKS("plain: no sound", O, PLAIN, "audio/mpeg", "", NULL, 502, REFUSAL_UNKNOWN, "answered without a body"),
	BREAKS("sound for a stream", A, STREAM, "audio/mpeg", "\xff\x01", NULL, 502, REFUSAL_UNKNOWN, "sent no JSON: ?"),
};

struct fed {
	enum gate_verdict verdict;	/* GATE_HOLD: until the body's end */
	enum gate_verdict at_end;
	size_t decided_at;
};

/* Feeds the body as pieces that end at `cuts`, each at the end of its memory. */
static struct fed
feed(struct gate *gate, const struct gate_case *c, const char *body, size_t n, const size_t *cuts, size_t count)
{
	struct gate_answer answer = { (enum dialect)c->dialect, c->want == STREAM, c->type, c->type ? strlen(c->type) : 0 };
	struct fed fed = { GATE_HOLD, GATE_HOLD, 0 };
	size_t at = 0;

	memset(gate, 0, sizeof *gate);
	gate_begin(gate, &answer);
	for (size_t i = 0; i <= count; i++) {
		size_t end = i < count ? cuts[i] : n;
		struct test_page page = test_page(body + at, end - at);

		fed.verdict = gate_feed(gate, page.text, end - at);
		at = end;
		test_page_free(page);
		if (fed.verdict != GATE_HOLD)
			break;
	}
	fed.decided_at = gate->decided_at;
	struct test_page page = test_page(body, n);
	fed.at_end = gate_end(gate, page.text, n);
	test_page_free(page);
	return fed;
}

static bool
check(const struct gate_case *c, const char *body, size_t n, const size_t *cuts, size_t count)
{
	struct gate gate;
	struct fed fed = feed(&gate, c, body, n, cuts, count);
	bool passed = true;

	if (c->more != NULL) {
		EXPECT(fed.verdict == c->verdict, "the verdict");
		EXPECT(fed.decided_at == strlen(c->held), "the octet at which it is known");
	} else
		EXPECT(fed.verdict == GATE_HOLD, "held to its end");
	EXPECT(fed.at_end == c->verdict, "the verdict in the end");
	EXPECT(strcmp(gate_why(&gate), c->why) == 0, gate_why(&gate));
	if (c->verdict == GATE_FAIL) {
		EXPECT(gate.status == c->status, "status");
		EXPECT(gate.cause == c->cause, "cause");
	} else {
		const char *tell = gate_content_type(&gate);

		EXPECT(gate_is_stream(&gate) == c->is_stream, "is a stream");
		EXPECT((tell == NULL) == (c->tell == NULL) && (tell == NULL || strcmp(tell, c->tell) == 0), tell ? tell : "no type");
	}
	gate_free(&gate);
	return passed;
}

/* Whole, octet by octet, and in two pieces at every place. */
static bool
check_splits(const struct gate_case *c)
{
	struct buf body = BUF_INIT(MIB);
	size_t n, cuts[4096] = { 0 };
	bool passed;

	buf_puts(&body, c->held);
	buf_puts(&body, c->more != NULL ? c->more : "");
	n = buf_len(&body);
	passed = check(c, buf_data(&body), n, NULL, 0);
	for (size_t i = 0; i < n; i++)
		cuts[i] = i;
	passed &= check(c, buf_data(&body), n, cuts, n);
	for (size_t i = 1; passed && i < n; i++)
		if (!check(c, buf_data(&body), n, &i, 1)) {
			printf("# split at %zu\n", i);
			passed = false;
		}
	buf_free(&body);
	return passed;
}

static struct usage
usage_of(int dialect, const char *body)
{
	struct gate gate = { .status = 0 };
	struct usage usage;

	gate_begin(&gate, &(struct gate_answer){ .dialect = (enum dialect)dialect });
	gate_feed(&gate, body, strlen(body));
	gate_end(&gate, body, strlen(body));
	usage = *gate_usage(&gate);
	gate_free(&gate);
	return usage;
}

static void
test_usage(void)
{
	struct usage usage = usage_of(A, MESSAGE);

	TEST(usage.has_input && usage.input == 3 && usage.has_output && usage.output == 4 && !usage.has_cache_read, "Anthropic's tokens");
	usage = usage_of(O, COMPLETION);
	TEST(usage.input == 4 && usage.output == 4 && usage.cache_read == 5 && usage.has_cache_read && !usage.has_cache_creation,
	    "OpenAI's, where the input counts the cache");
	usage = usage_of(O, "{\"choices\":[{\"usage\":{\"prompt_tokens\":2,\"cached_tokens\":3}}]}");
	TEST(usage.has_input && usage.input == 0 && usage.cache_read == 3 && !usage.has_output, "Moonshot's, within a choice");
	usage = usage_of(A, "{\"input_tokens\":3,\"usage\":null}");
	TEST(!usage_any(&usage), "a count of tokens is no usage");
}

static void
test_large(void)
{
	struct gate gate = { .status = 0 };
	struct buf event = BUF_INIT(2 * SSE_EVENT_MAX);
	char *room;

	buf_puts(&event, "data: \"");
	room = buf_reserve(&event, SSE_EVENT_MAX);
	memset(room, 'a', SSE_EVENT_MAX);
	buf_commit(&event, SSE_EVENT_MAX);
	gate_begin(&gate, &(struct gate_answer){ .stream = true });
	TEST(gate_feed(&gate, buf_data(&event), buf_len(&event)) == GATE_FAIL && gate.status == 502, "an event that is too large");
	gate_free(&gate);
	event.mem[event.start] = '{';
	gate_begin(&gate, &(struct gate_answer){ .stream = true });
	TEST(gate_feed(&gate, buf_data(&event), buf_len(&event)) == GATE_HOLD && !gate_is_stream(&gate) && gate.sse.partial.mem == NULL,
	    "an object that is too large to be an event is held for its end");
	gate_free(&gate);
	buf_free(&event);
	gate_begin(&gate, &(struct gate_answer){ .stream = true, .content_type = "Text/Event-Stream", .content_type_len = 17 });
	TEST(gate_feed(&gate, "\n", 1) == GATE_HOLD && gate_is_stream(&gate), "white space of what is called a stream looks like one");
	gate_free(&gate);
	gate_free(&gate);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		TEST(check_splits(&cases[i]), cases[i].name);
	test_usage();
	test_large();
	return test_exit();
}
