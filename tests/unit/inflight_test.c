/* SPDX-License-Identifier: MIT */
/* What goes on of an answer, and when: pings, heads that are held, conversions, ends; with a clock of the test's own. */
#include <stdarg.h>
#include <stdint.h>

#include "base/diag.h"
#include "stream/inflight.h"
#include "test.h"

/* What came out: the headers, a line each, and the payloads; and the kinds of the records, a letter each. */
struct got {
	struct inflight inflight;
	struct buf headers;
	struct buf body;
	struct buf order;
	uint64_t now;
	uint64_t next;
	bool split;	/* a payload ended inside an event */
};

static int
put(const struct record *record, bool copied, void *context)
{
	struct got *got = context;
	char letter = record->type == RECORD_HEAD ? 'H' : record->type == RECORD_DATA ? 'D' : record->type == RECORD_END ? 'E' : 'x';

	(void)copied;
	if (record->type == RECORD_OPEN)
		return EXIT_DONE;
	buf_putc(&got->order, letter);
	if (record->type == RECORD_DATA) {
		buf_put(&got->body, record->payload, record->payload_len);
	} else {
		buf_put(&got->headers, record->header.p, record->header.len);
		buf_putc(&got->headers, '\n');
	}
	return EXIT_DONE;
}

static void
begin(struct got *got)
{
	*got = (struct got){ .headers = BUF_INIT(SIZE_MAX), .body = BUF_INIT(SIZE_MAX), .order = BUF_INIT(SIZE_MAX),
		.now = 1000000 };
	inflight_init(&got->inflight, put, got);
}

static void
done(struct got *got)
{
	inflight_free(&got->inflight);
	buf_free(&got->headers);
	buf_free(&got->body);
	buf_free(&got->order);
}

static void
wake(struct got *got)
{
	if (inflight_wake(&got->inflight, got->now, &got->next) != EXIT_DONE)
		abort();
}

static void
take(struct got *got, enum record_type type, const char *header, const char *p, size_t n)
{
	/* Ends at an unreadable page, as does what is read. */
	struct test_page at = test_page(header, strlen(header)), payload = test_page(p, n);
	struct record record = { .type = type, .id = 1, .header = { at.text, strlen(header) }, .payload = payload.text,
		.payload_len = n, .has_payload = type == RECORD_DATA };

	if (inflight_take(&got->inflight, &record, got->now) != EXIT_DONE)
		abort();
	wake(got);
	test_page_free(at);
	test_page_free(payload);
}

static void
open_with(struct got *got, const char *members)
{
	char header[600];

	snprintf(header, sizeof header, "{\"type\":\"open\",\"id\":1,\"request_id\":\"req_1\"%s%s}", *members ? "," : "", members);
	take(got, RECORD_OPEN, header, "", 0);
}

#define STREAM "\"dialect\":\"anthropic\",\"stream\":true"
#define PLAIN "\"dialect\":\"anthropic\",\"stream\":false"
#define PINGS ",\"ping_ms\":100,\"first_ping_ms\":180"

static void
head_with(struct got *got, int status, const char *type, bool from_provider)
{
	char header[600];

	snprintf(header, sizeof header, "{\"type\":\"head\",\"id\":1,\"status\":%d,\"headers\":{\"content-type\":\"%s\",\"x-a\":\"b\"}%s}",
	    status, type, from_provider ? ",\"provider\":\"acme\",\"attempt\":1" : "");
	take(got, RECORD_HEAD, header, "", 0);
}

static void
data(struct got *got, const char *text)
{
	take(got, RECORD_DATA, "{\"type\":\"data\",\"id\":1}", text, strlen(text));
}

static void
end_with(struct got *got, const char *members)
{
	char header[600];

	snprintf(header, sizeof header, "{\"type\":\"end\",\"id\":1,%s}", members);
	take(got, RECORD_END, header, "", 0);
}

#define COMPLETE "\"result\":\"complete\""

static bool
is(struct buf *b, const char *want)
{
	const char *text = buf_str(b);

	if (text != NULL && strcmp(text, want) == 0)
		return true;
	printf("# got:\n%s\n# want:\n%s\n", text ? text : "(null)", want);
	return false;
}

/* Forgets what came out so far. */
static void
clear(struct got *got)
{
	buf_clear(&got->headers);
	buf_clear(&got->body);
	buf_clear(&got->order);
}

#define PING "event: ping\ndata: {\"type\":\"ping\"}\n\n"
#define START                                                                                                        \
	"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\","   \
	"\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"            \
	"\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\n"
#define BLOCK                                                                                                        \
	"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":"            \
	"{\"type\":\"text\",\"text\":\"\"}}\n\n"
#define DELTA                                                                                                        \
	"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"                    \
	"{\"type\":\"text_delta\",\"text\":\"1\\u00e9 2\"}}\n\n"
#define STOP                                                                                                         \
	"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"                            \
	"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\","              \
	"\"stop_sequence\":null},\"usage\":{\"output_tokens\":15}}\n\n"                                                 \
	"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
#define WHOLE START BLOCK DELTA STOP
#define USAGE "\"usage\":{\"input_tokens\":25,\"output_tokens\":15}"
#define EARLY_HEAD                                                                                                   \
	"{\"type\":\"head\",\"id\":1,\"status\":200,\"headers\":{\"content-type\":\"text/event-stream\","               \
	"\"cache-control\":\"no-cache\"}}\n"
#define STREAM_HEAD                                                                                                  \
	"{\"type\":\"head\",\"id\":1,\"status\":200,\"headers\":{\"content-type\":\"text/event-stream\",\"x-a\":\"b\"," \
	"\"cache-control\":\"no-cache\"},\"provider\":\"acme\",\"attempt\":1}\n"

static void
test_pings_of_a_stream(void)
{
	struct got got;

	begin(&got);
	open_with(&got, STREAM PINGS);
	TEST(got.next == got.now + 180, "before the head a ping is due after first_ping_ms");
	got.now += 179;
	head_with(&got, 200, "text/event-stream", true);
	TEST(is(&got.order, "H") && is(&got.headers, STREAM_HEAD), "a head in time goes on, and no ping");
	got.now += 99;
	wake(&got);
	TEST(is(&got.order, "H"), "no ping before ping_ms are over");
	data(&got, START "event: x\ndata:");
	got.now += 99;
	wake(&got);
	TEST(is(&got.order, "HD"), "octets put the ping off");
	data(&got, " {\"type\":\"x\"");
	got.now += 1;
	wake(&got);
	TEST(is(&got.order, "HDD") && is(&got.body, START PING), "half an event is no octet for the client: it is pinged, and not within it");
	TEST(got.next == got.now + 100, "the next ping is due ping_ms after it");
	got.now += 100;
	wake(&got);
	data(&got, "}\n\n" BLOCK DELTA STOP);
	TEST(is(&got.body, START PING PING "event: x\ndata: {\"type\":\"x\"}\n\n" BLOCK DELTA STOP), "the event goes on whole");
	got.now += 500;
	wake(&got);
	TEST(is(&got.order, "HDDDD"), "no ping after the end");
	end_with(&got, COMPLETE);
	TEST(is(&got.order, "HDDDDE"), "one end");
	TEST(got.next == REFRAME_NEVER, "nothing is due any more");
	done(&got);
}

#define MESSAGE                                                                                                      \
	"{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":"                     \
	"[{\"type\":\"text\",\"text\":\"1\\u00e9 2\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,"            \
	"\"usage\":{\"input_tokens\":25,\"output_tokens\":15}}"

static void
test_early_head(void)
{
	struct got got;

	begin(&got);
	open_with(&got, STREAM PINGS);
	got.now += 180;
	wake(&got);
	TEST(is(&got.order, "HD") && is(&got.headers, EARLY_HEAD) && is(&got.body, PING), "before the ping goes a head without a provider");
	got.now += 100;
	wake(&got);
	TEST(is(&got.order, "HD") && got.next == got.now + 80, "the next one, as long as there is no answer, is due after first_ping_ms");
	got.now += 80;
	wake(&got);
	TEST(is(&got.order, "HDD"), "one head is enough");
	got.now += 10;
	head_with(&got, 200, "text/event-stream", true);
	TEST(is(&got.order, "HDD"), "the provider's head is swallowed");
	got.now += 100;
	wake(&got);
	TEST(is(&got.order, "HDDD"), "from then on ping_ms holds");
	data(&got, WHOLE);
	end_with(&got, COMPLETE);
	TEST(is(&got.body, PING PING PING WHOLE) &&
	        is(&got.headers, EARLY_HEAD "{\"type\":\"end\",\"id\":1,\"result\":\"complete\"," USAGE "}\n"),
	    "the stream follows, whole, with its usage");
	done(&got);

	begin(&got);
	open_with(&got, STREAM PINGS);
	got.now += 180;
	wake(&got);
	head_with(&got, 200, "application/json", false);
	data(&got, MESSAGE);
	end_with(&got, COMPLETE);
	TEST(is(&got.order, "HDDE") && buf_len(&got.body) > sizeof PING && strstr(buf_str(&got.body), "event: message_stop\n") != NULL,
	    "who has a stream's head gets a stream, whoever answers");
	done(&got);
}

static void
test_no_pings(void)
{
	static const char *const opens[] = {
		STREAM ",\"ping_ms\":0,\"first_ping_ms\":0",
		PLAIN PINGS,
		"\"dialect\":\"openai\",\"stream\":true" PINGS,
		"\"stream\":true" PINGS,
		"\"method\":\"HEAD\"," STREAM PINGS,
	};
	bool passed = true;
	struct got got;

	for (size_t i = 0; i < sizeof opens / sizeof *opens; i++) {
		begin(&got);
		open_with(&got, opens[i]);
		EXPECT(got.next == REFRAME_NEVER, opens[i]);
		head_with(&got, 200, "text/event-stream", true);
		EXPECT(got.next == REFRAME_NEVER, opens[i]);
		done(&got);
	}
	TEST(passed, "0 is never; a whole answer, OpenAI's streams and HEAD are not pinged");
	begin(&got);
	open_with(&got, STREAM);
	TEST(got.next == got.now + 18000, "first_ping_ms is 18 s where nobody says");
	head_with(&got, 200, "text/event-stream", true);
	got.now = got.next;
	wake(&got);
	TEST(got.next == got.now + 10000, "ping_ms is 10 s where nobody says");
	done(&got);
	begin(&got);
	open_with(&got, STREAM PINGS);
	head_with(&got, 529, "application/json", true);
	got.now += 1000;
	wake(&got);
	TEST(is(&got.order, "H"), "an error with its status is not pinged");
	done(&got);
}

/* A comment's blank line that comes behind a ping would be one that ends nothing. */
static void
test_comment(void)
{
	struct got got;

	begin(&got);
	open_with(&got, STREAM PINGS);
	head_with(&got, 200, "text/event-stream", true);
	data(&got, START ": working\n");
	got.now += 100;
	wake(&got);
	data(&got, "\n" BLOCK DELTA STOP);
	end_with(&got, COMPLETE);
	TEST(is(&got.body, START ": working\n" PING BLOCK DELTA STOP), "the blank line of a comment is not left alone behind a ping");
	done(&got);
}

static void
test_early_end(void)
{
	static const char end[] = "{\"type\":\"end\",\"id\":1,\"result\":\"complete\",\"provider\":\"acme\",\"attempt\":1," USAGE ",\"repairs\":{\"after-end\":1},\"cancel\":true}\n";
	struct got got;

	begin(&got);
	open_with(&got, STREAM PINGS);
	head_with(&got, 200, "text/event-stream", true);
	data(&got, WHOLE);
	TEST(got.next <= got.now + 1000, "behind message_stop the end is awaited");
	got.now += 900;
	data(&got, PING);
	wake(&got);
	TEST(is(&got.order, "HD"), "for a second");
	got.now += 100;
	clear(&got);
	wake(&got);
	TEST(is(&got.order, "E") && is(&got.headers, end), "then lb-sse ends the answer, and asks for its cancel");
	data(&got, PING);
	got.now += 100000;
	wake(&got);
	end_with(&got, "\"result\":\"cancelled\"");
	TEST(is(&got.order, "E") && got.inflight.answers.count == 0, "what still comes is swallowed, up to lb-fetch's end");
	done(&got);

	begin(&got);
	open_with(&got, STREAM PINGS);
	head_with(&got, 200, "text/event-stream", true);
	data(&got, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n");
	got.now += 1000;
	clear(&got);
	wake(&got);
	TEST(is(&got.headers, "{\"type\":\"end\",\"id\":1,\"result\":\"upstream-error\",\"error\":\"acme sent an error: busy\",\"provider\":\"acme\",\"attempt\":1,\"cancel\":true}\n"),
	    "likewise behind an error");
	done(&got);
}

#define ERROR "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"slow down\",\"n\":1.0},\"request_id\":\"req_1\"}"

/* What an answer, with `status` and `body` and this end, is to who was pinged before it. */
static bool
becomes(int status, bool from_provider, const char *body, const char *end, const char *want, const char *want_end)
{
	bool passed = true;
	struct got got;
	char headers[1000];

	for (size_t cut = 0; cut <= strlen(body) && passed; cut++) {
		begin(&got);
		open_with(&got, STREAM PINGS);
		got.now += 180;
		wake(&got);
		if (status != 0)
			head_with(&got, status, "application/json", from_provider);
		take(&got, RECORD_DATA, "{}", body, cut);
		take(&got, RECORD_DATA, "{}", body + cut, strlen(body) - cut);
		end_with(&got, end);
		snprintf(headers, sizeof headers, EARLY_HEAD "{\"type\":\"end\",\"id\":1,%s}\n", want_end);
		EXPECT(strncmp(buf_data(&got.body), PING, strlen(PING)) == 0, "the ping");
		buf_consume(&got.body, strlen(PING));
		EXPECT(is(&got.body, want), "the body");
		EXPECT(is(&got.headers, headers), "the headers");
		done(&got);
	}
	return passed;
}

#define EVENT "event: error\ndata: "

static void
test_error_after_ping(void)
{
	TEST(becomes(429, false, ERROR, "\"result\":\"upstream-error\",\"error\":\"all are busy\"", EVENT ERROR "\n\n",
	         "\"result\":\"upstream-error\",\"error\":\"slow down\""),
	    "an error behind a ping becomes an event, as it is");
	TEST(becomes(400, true, "{\n \"type\":\"error\",\r\n \"error\":{\"type\":\"t\",\"message\":\"m\"}\n}\n", COMPLETE,
	         EVENT "{ \"type\":\"error\", \"error\":{\"type\":\"t\",\"message\":\"m\"}}\n\n",
	         "\"result\":\"upstream-error\",\"error\":\"m\""),
	    "on one line, and its answer is not complete");
	TEST(becomes(429, true, "{\"error\":{\"message\":\"slow\\u00e9\"}}", "\"result\":\"refused\"",
	         EVENT "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"slow\303\251\"},\"request_id\":\"req_1\"}\n\n",
	         "\"result\":\"refused\",\"error\":\"slow\303\251\""),
	    "in another shape: its message in the dialect's");
	TEST(becomes(429, true, "{\"type\":\"error\",\"error\":{\"type\":\"t\",\"message\":\"a\",\"message\":\"b\"}}", COMPLETE,
	         EVENT "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"a\"},\"request_id\":\"req_1\"}\n\n",
	         "\"result\":\"upstream-error\",\"error\":\"a\""),
	    "what readers would not agree on is made one thing");
	TEST(becomes(529, true, "<html>no</html>", "\"result\":\"upstream-error\",\"error\":\"acme answered 529\"",
	         EVENT "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"acme answered 529\"},\"request_id\":\"req_1\"}\n\n",
	         "\"result\":\"upstream-error\",\"error\":\"acme answered 529\""),
	    "HTML never reaches the client");
	TEST(becomes(504, false, "", "\"result\":\"timeout\"",
	         EVENT "{\"type\":\"error\",\"error\":{\"type\":\"timeout_error\",\"message\":\"the provider broke its answer off\"},\"request_id\":\"req_1\"}\n\n",
	         "\"result\":\"timeout\",\"error\":\"the provider broke its answer off\""),
	    "no body at all");
	TEST(becomes(0, false, "", "\"result\":\"cancelled\",\"error\":\"the client went away\"",
	         EVENT "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"the client went away\"},\"request_id\":\"req_1\"}\n\n",
	         "\"result\":\"cancelled\",\"error\":\"the client went away\""),
	    "no head at all: a stream that began with a ping ends with an error");
}

/* The head of a JSON answer of so many octets. */
static const char *
json_head(int status, size_t n)
{
	static char text[300];

	snprintf(text, sizeof text, "{\"type\":\"head\",\"id\":1,\"status\":%d,\"headers\":{\"content-type\":\"application/json\","
	    "\"content-length\":\"%zu\",\"x-a\":\"b\"},\"provider\":\"acme\",\"attempt\":1}\n", status, n);
	return text;
}

/* An answer in two pieces, cut everywhere, its end, and what came out in the first header, the body and the end. */
static bool
converts(const char *open, const char *type, const char *body, const char *end, const char *want_head, const char *want,
    const char *want_end)
{
	bool passed = true;
	struct got got;
	char headers[2000];

	snprintf(headers, sizeof headers, "%s{\"type\":\"end\",\"id\":1,%s}\n", want_head, want_end);
	for (size_t cut = 0; cut <= strlen(body) && passed; cut++) {
		begin(&got);
		open_with(&got, open);
		head_with(&got, 200, type, true);
		take(&got, RECORD_DATA, "{}", body, cut);
		EXPECT(is(&got.order, ""), "nothing goes out before it is whole");
		take(&got, RECORD_DATA, "{}", body + cut, strlen(body) - cut);
		end_with(&got, end);
		EXPECT(is(&got.order, "HDE") && is(&got.headers, headers) && is(&got.body, want), "what goes out");
		done(&got);
	}
	return passed;
}

static void
test_expanded(void)
{
	static const char bad[] = "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":"
	                          "\"acme sent an answer that is no message: it is no JSON\"},\"request_id\":\"req_1\"}";
	static const char cut[] = "{\"type\":\"error\",\"error\":{\"type\":\"timeout_error\",\"message\":"
	                          "\"acme broke its answer off\"},\"request_id\":\"req_1\"}";
	struct got got;
	char head[300];

	TEST(converts(STREAM, "application/json", MESSAGE, COMPLETE, STREAM_HEAD,
	         "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\","
	         "\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"
	         "\"usage\":{\"input_tokens\":25,\"output_tokens\":0}}}\n\n" BLOCK DELTA
	         "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
	         "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\","
	         "\"stop_sequence\":null},\"usage\":{\"input_tokens\":25,\"output_tokens\":15}}\n\n"
	         "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
	         COMPLETE ",\"converted\":\"stream\"," USAGE),
	    "JSON to who asked for a stream becomes one");
	snprintf(head, sizeof head, "%s", json_head(502, sizeof bad - 1));
	TEST(converts(STREAM, "application/json", "<html>", COMPLETE, head, bad,
	         "\"result\":\"upstream-error\",\"error\":\"acme sent an answer that is no message: it is no JSON\""),
	    "what is no JSON is a 502");
	snprintf(head, sizeof head, "%s", json_head(504, sizeof cut - 1));
	TEST(converts(STREAM, "application/json", "{\"id\":", "\"result\":\"timeout\"", head, cut,
	         "\"result\":\"timeout\",\"error\":\"acme broke its answer off\""),
	    "what broke off by a time limit is a 504");

	begin(&got);
	open_with(&got, STREAM PINGS);
	got.now += 150;
	head_with(&got, 200, "application/json", true);
	TEST(got.next == got.now + 30, "while a head is held the first ping stays due when it was");
	got.now += 30;
	wake(&got);
	TEST(is(&got.headers, STREAM_HEAD) && is(&got.body, PING), "the head that goes before it is the provider's");
	data(&got, "<html>");
	end_with(&got, COMPLETE);
	TEST(is(&got.order, "HDDE") && strstr(buf_str(&got.body), PING EVENT "{\"type\":\"error\"") != NULL,
	    "what is no JSON is then an error event");
	done(&got);
	begin(&got);
	open_with(&got, STREAM);
	head_with(&got, 200, "application/json", true);
	end_with(&got, "\"result\":\"cancelled\"");
	TEST(is(&got.headers, "{\"type\":\"end\",\"id\":1,\"result\":\"cancelled\"}\n"), "a cancelled one only ends");
	done(&got);
}

static void
test_assembled(void)
{
	static const char failed[] = "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}";
	static const char cut[] = "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":"
	                          "\"acme: reset; the answer is incomplete\"},\"request_id\":\"req_1\"}";
	struct got got;
	char head[300];

	snprintf(head, sizeof head, "%s", json_head(200, strlen(MESSAGE)));
	TEST(converts(PLAIN, "text/event-stream", PING WHOLE, COMPLETE, head, MESSAGE,
	         COMPLETE ",\"converted\":\"message\"," USAGE),
	    "a stream to who asked for JSON becomes that");
	snprintf(head, sizeof head, "%s", json_head(529, sizeof failed - 1));
	TEST(converts(PLAIN, "text/event-stream", START BLOCK EVENT
	         "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n",
	         COMPLETE, head, failed,
	         "\"result\":\"upstream-error\",\"error\":\"acme sent an error: busy\",\"usage\":{\"input_tokens\":25,\"output_tokens\":1}"),
	    "its error becomes an answer with the status of that type");
	snprintf(head, sizeof head, "%s", json_head(502, sizeof cut - 1));
	TEST(converts(PLAIN, "text/event-stream", START BLOCK DELTA, "\"result\":\"truncated\",\"error\":\"acme: reset\"", head, cut,
	         "\"result\":\"truncated\",\"error\":\"acme: reset\",\"usage\":{\"input_tokens\":25,\"output_tokens\":1}"),
	    "a stream that broke off is a 502");
	begin(&got);
	open_with(&got, PLAIN);
	head_with(&got, 200, "text/event-stream", true);
	data(&got, WHOLE);
	got.now += 1000;
	wake(&got);
	TEST(is(&got.order, "HDE") && is(&got.body, MESSAGE) && strstr(buf_str(&got.headers), "\"cancel\":true") != NULL,
	    "the whole message does not wait for the connection's end either");
	end_with(&got, "\"result\":\"cancelled\"");
	TEST(is(&got.order, "HDE"), "and its end is swallowed");
	done(&got);
}

/* Whether a ping stands behind `n` octets of a body, and only where one may: behind an event, or a comment's line. */
static bool
pinged_after(const char *body, size_t n)
{
	if (strncmp(body + n, PING, strlen(PING)) != 0)
		return false;
	return n < 2 || (body[n - 1] == '\n' && (body[n - 2] == '\n' || strchr("cd", body[n - 2]) != NULL));
}

/* A stream with mended events and comments, cut everywhere, and pinged at each cut. */
static void
test_pings_at_every_cut(void)
{
	static const char text[] = START ": c\n\nevent:content_block_start\r\ndata:{\"type\":\"content_block_start\",\"index\":0,"
	                           "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\r\n\r\n" DELTA ": d\n" STOP;
	static const char want[] = START ": c\n\n" BLOCK DELTA ": d\n" STOP;
	bool passed = true;
	struct got got;

	for (size_t cut = 0; cut < sizeof text - 1 && passed; cut++) {
		struct buf without = BUF_INIT(SIZE_MAX);
		size_t n;
		const char *p;

		begin(&got);
		open_with(&got, STREAM PINGS);
		head_with(&got, 200, "text/event-stream", true);
		take(&got, RECORD_DATA, "{}", text, cut);
		n = buf_len(&got.body);
		got.now += 100;
		wake(&got);
		take(&got, RECORD_DATA, "{}", text + cut, sizeof text - 1 - cut);
		end_with(&got, COMPLETE);
		p = buf_str(&got.body);
		EXPECT(pinged_after(p, n), "the ping");
		buf_put(&without, p, n);
		/* The blank line of a comment is left out where the ping took its place. */
		if (n >= 2 && p[n - 2] == 'c')
			buf_putc(&without, '\n');
		buf_puts(&without, p + n + strlen(PING));
		EXPECT(is(&without, want), "without the ping it is what it was");
		buf_free(&without);
		done(&got);
	}
	TEST(passed, "wherever a ping comes, the rest is as it was without");
}

static void
test_input_ends(void)
{
	struct got got;

	begin(&got);
	open_with(&got, STREAM PINGS);
	got.now += 180;
	wake(&got);
	got.now += 180;
	if (inflight_end(&got.inflight, got.now) != EXIT_DONE)
		abort();
	TEST(is(&got.order, "HDDE") && strstr(buf_str(&got.headers), "\"result\":\"truncated\"") != NULL &&
	        strstr(buf_str(&got.body), EVENT) != NULL,
	    "when the input ends a pinged answer ends with an error, and the ping that was due does not come");
	done(&got);
}

/* What is told of an answer's end: a line of the row, the status and the header. */
static void
tell(uint64_t row, int status, struct json end, void *context)
{
	struct got *got = context;

	buf_printf(&got->headers, "%llx %d %.*s\n", (unsigned long long)row, status, (int)end.len, end.p);
}

/* Whether an answer with such a head, and this data and end, is told as `want`, of which the rest of the line is left out. */
static bool
is_told(const char *members, const char *head, const char *body, const char *end, uint64_t wait, const char *want)
{
	struct got got;
	bool passed;

	begin(&got);
	got.inflight.ended = tell;
	open_with(&got, members);
	take(&got, RECORD_HEAD, head, "", 0);
	clear(&got);
	data(&got, body);
	got.now += wait;
	wake(&got);
	end_with(&got, end);
	if (inflight_end(&got.inflight, got.now) != EXIT_DONE)
		abort();
	/* The end itself goes out behind it, once. */
	passed = strncmp(buf_str(&got.headers), want, strlen(want)) == 0 &&
	    strchr(buf_str(&got.order), 'E') == buf_data(&got.order) + buf_len(&got.order) - 1;
	if (!passed)
		printf("# got: %s", buf_str(&got.headers));
	done(&got);
	return passed;
}

static void
test_ended(void)
{
#define HEAD(STATUS, TYPE, ROW)                                                                                       \
	"{\"type\":\"head\",\"id\":1,\"status\":" STATUS ",\"headers\":{\"content-type\":\"" TYPE "\"},\"provider\":\"acme\"," \
	"\"row\":" ROW "}"
	static const char stream[] = HEAD("200", "text/event-stream", "\"00000000000000a1\"");

	TEST(is_told(STREAM, stream, WHOLE, COMPLETE, 0, "a1 200 {\"type\":\"end\",\"id\":1,\"result\":\"complete\""), "a whole stream's end is told");
	TEST(is_told(STREAM, stream, WHOLE, COMPLETE, 5000, "a1 200 {\"type\":\"end\",\"id\":1,\"result\":\"complete\""), "once, if lb-sse ends it");
	TEST(is_told(STREAM, stream, START, COMPLETE, 0, "a1 200 {\"type\":\"end\",\"id\":1,\"result\":\"truncated\""),
	    "as it was for the client, whatever lb-fetch saw");
	TEST(is_told(PLAIN, HEAD("429", "application/json", "\"ffffffffffffffff\""), "{}", "\"result\":\"upstream-error\"", 0,
		 "ffffffffffffffff 429 {\"type\":\"end\",\"id\":1,\"result\":\"upstream-error\"}"),
	    "an answer's that passes too");
	TEST(is_told(PLAIN, HEAD("200", "application/json", "\"a1\""), "{}", COMPLETE, 0, "{\"type\":\"end\""), "no row, nothing told");
	TEST(is_told(PLAIN, HEAD("200", "application/json", "12"), "{}", COMPLETE, 0, "{\"type\":\"end\""), "likewise");
}

/* The input ends within an answer: that is no provider's doing. */
static void
test_not_to_blame(void)
{
	struct got got;

	begin(&got);
	got.inflight.ended = tell;
	open_with(&got, STREAM);
	take(&got, RECORD_HEAD, HEAD("200", "text/event-stream", "\"00000000000000a1\""), "", 0);
	data(&got, START);
	clear(&got);
	if (inflight_end(&got.inflight, got.now) != EXIT_DONE)
		abort();
	TEST(is(&got.order, "DE") && strncmp(buf_str(&got.headers), "{\"type\":\"end\"", 13) == 0,
	    "when the input ends within an answer its end goes out, and no provider is blamed for it");
	done(&got);
}

static void
test_many(void)
{
	enum { COUNT = 2000 };
	struct got got;
	char header[200];
	size_t pings;

	begin(&got);
	for (uint64_t id = 1; id <= COUNT; id++) {
		int n = snprintf(header, sizeof header, "{\"type\":\"open\",\"id\":%d," STREAM ",\"first_ping_ms\":%d}", (int)id,
		    (int)(1 + id * 7919 % 1000));
		struct record record = { .type = RECORD_OPEN, .id = id, .header = { header, (size_t)n } };

		if (inflight_take(&got.inflight, &record, got.now) != EXIT_DONE)
			abort();
	}
	got.now += 500;
	wake(&got);
	pings = buf_len(&got.body) / strlen(PING);
	TEST(pings == COUNT / 2 && got.next == got.now + 1, "each of many is pinged at its own time");
	done(&got);
}

int
main(void)
{
	diag_init("inflight_test");
	test_pings_of_a_stream();
	test_early_head();
	test_no_pings();
	test_comment();
	test_early_end();
	test_error_after_ping();
	test_expanded();
	test_assembled();
	test_pings_at_every_cut();
	test_input_ends();
	test_ended();
	test_not_to_blame();
	test_many();
	return test_exit();
}
