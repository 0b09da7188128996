/* SPDX-License-Identifier: MIT */
/* Microbenchmarks of what the hot path is made of: one line each, the best of several rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/json.h"
#include "base/limits.h"
#include "config/read.h"
#include "record/record.h"
#include "route/request.h"
#include "route/route.h"
#include "stream/anthropic.h"
#include "stream/inflight.h"

#define SECOND_NS 1000000000
#define ROUNDS 7

/* Once over what is measured; returns a figure that depends on its results, so that none of it is left out. */
typedef size_t work(void);

static struct buf body = BUF_INIT(2 * MIB);
static struct buf prose = BUF_INIT(2 * MIB);	/* the same in one string with many escapes */
static struct buf records = BUF_INIT(2 * MIB);
static struct buf out = BUF_INIT(2 * MIB);

static const char event[] =
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
    "\"text_delta\",\"text\":\" word 7 and more\"}}\n\n";

enum { RECORDS = 1000 };

static struct router *router;
static struct buf request_record = BUF_INIT(64 * KIB);

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

/* How long the fastest of the rounds took, in ns. */
static int64_t
fastest(work *f)
{
	/* Read nowhere: it keeps the work from being left out. */
	static volatile size_t sink __attribute__((unused));
	int64_t best = INT64_MAX;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t from = now_ns(), took;

		sink += f();
		took = now_ns() - from;
		if (took < best)
			best = took;
	}
	return best;
}

static void
body_init(void)
{
	buf_puts(&body, "{\"max_tokens\":100,\"messages\":[");
	for (int i = 0; buf_len(&body) < MIB; i++)
		buf_printf(&body, "%s{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Line %d of a file:\\n\\tint "
		    "main(void) { return \\\"%d\\\"; } // and so on, as long as tool results are, with the odd escape\"}],"
		    "\"n\":[%d,-1.5e3,true,null]}", i ? "," : "", i, i, i);
	buf_puts(&body, "],\"model\":\"bench\"}");
	buf_puts(&prose, "{\"messages\":[{\"role\":\"user\",\"content\":\"");
	while (buf_len(&prose) < buf_len(&body))
		buf_puts(&prose, "The quick brown fox said: \\\"jumps\\\" over\\nthe lazy dog. ");
	buf_puts(&prose, "\"}],\"model\":\"bench\"}");
}

static size_t
scan(const struct buf *b)
{
	struct json value;
	size_t pos = 0;

	return (size_t)json_scan(buf_data(b), buf_len(b), &pos, &value) + pos;
}

static size_t
scan_body(void)
{
	return scan(&body);
}

static size_t
scan_prose(void)
{
	return scan(&prose);
}

static size_t
find_model(void)
{
	struct json_iter it;
	struct json key, value;
	size_t found = 0;

	json_iter_init(&it, buf_data(&body), buf_len(&body));
	while (json_next(&it, &key, &value) == JSON_OK)
		found += json_equals(key, "model");
	return found;
}

static size_t
put_records(void)
{
	buf_clear(&records);
	for (uint64_t i = 0; i < RECORDS; i++)
		record_put_data(&records, 123456 + i, event, sizeof event - 1);
	return buf_len(&records);
}

static size_t
parse_records(void)
{
	struct record record;
	const char *why;
	size_t at = 0, sum = 0;

	while (record_parse(buf_data(&records) + at, buf_len(&records) - at, &record, &why) == RECORD_OK) {
		at += record.size;
		sum += record.payload_len;
	}
	return sum;
}

static size_t
copy_records(void)
{
	struct record record;
	const char *why;
	size_t at = 0;

	buf_clear(&out);
	while (record_parse(buf_data(&records) + at, buf_len(&records) - at, &record, &why) == RECORD_OK) {
		at += record.size;
		record_put_data(&out, record.id, record.payload, record.payload_len);
	}
	return buf_len(&out);
}

#define MESSAGE_START                                                                                                  \
	"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\","             \
	"\"role\":\"assistant\",\"model\":\"x\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"                  \
	"\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n"
#define BLOCK_START(BLOCK)                                                                                             \
	MESSAGE_START "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":" BLOCK \
		      "}\n\n"

static const char text_start[] = BLOCK_START("{\"type\":\"text\",\"text\":\"\"}");

/* The event again and again in pieces of `step` octets, as data records bring it. */
static size_t
reframe(const char *text, size_t n, size_t step)
{
	struct anthropic *stream = anthropic_new(&(struct anthropic_origin){ .provider = "bench", .request_id = NULL });
	struct anthropic_work memory = ANTHROPIC_WORK_INIT;
	struct anthropic_output passed;
	size_t sum = 0;

	anthropic_feed(stream, text_start, sizeof text_start - 1, &memory, &passed);
	for (int i = 0; i < RECORDS; i++) {
		for (size_t at = 0; at < n; at += step) {
			anthropic_feed(stream, text + at, n - at < step ? n - at : step, &memory, &passed);
			sum += passed.len;
		}
	}
	if (anthropic_state(stream) != ANTHROPIC_OPEN)
		diag_fatal(EXIT_BUG, "the stream is none");
	anthropic_work_free(&memory);
	anthropic_free(stream);
	return sum;
}

static size_t
reframe_whole(void)
{
	return reframe(event, sizeof event - 1, sizeof event - 1);
}

static size_t
reframe_pieces(void)
{
	return reframe(event, sizeof event - 1, sizeof event / 2);
}

static size_t
reframe_mended(void)
{
	static const char mended[] = "data:{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
				     "\"text_delta\",\"text\":\" word 7 and more\"}}\r\n\r\n";

	return reframe(mended, sizeof mended - 1, sizeof mended - 1);
}

/* What lb-sse does with a record that goes on: it is copied into what is written once a wake-up. */
static int
put_out(const struct record *record, bool copied, void *context)
{
	(void)context;
	if (copied) {
		buf_put(&out, record->header.p, record->header.len);
		buf_putc(&out, '\n');
		if (record->has_payload)
			buf_put(&out, record->payload, record->payload_len + 1);
	} else if (record->payload_len > 0) {
		record_put_data(&out, record->id, record->payload, record->payload_len);
	}
	return EXIT_DONE;
}

/* All that lb-sse does with RECORDS data records of an event each, from record to record; `start` begins the block. */
static size_t
stream_through(const char *start, const char *delta)
{
	static const char answer[] =
	    "{\"type\":\"open\",\"id\":1,\"request_id\":\"req_1\",\"dialect\":\"anthropic\",\"stream\":true}\n"
	    "{\"type\":\"head\",\"id\":1,\"status\":200,\"headers\":{\"content-type\":\"text/event-stream\"},\"provider\":\"p\"}\n";
	struct inflight inflight;
	struct record record;
	const char *why;
	size_t at = 0;

	if (buf_len(&records) == 0) {
		buf_put(&records, answer, sizeof answer - 1);
		record_put_data(&records, 1, start, strlen(start));
		for (int i = 0; i < RECORDS; i++)
			record_put_data(&records, 1, delta, strlen(delta));
	}
	buf_clear(&out);
	inflight_init(&inflight, put_out, NULL);
	while (record_parse(buf_data(&records) + at, buf_len(&records) - at, &record, &why) == RECORD_OK) {
		at += record.size;
		if (inflight_take(&inflight, &record, 0) != EXIT_DONE)
			diag_fatal(EXIT_BUG, "the records are no answer");
	}
	if (memmem(buf_data(&out), buf_len(&out), "event: error", 12) != NULL)
		diag_fatal(EXIT_BUG, "the stream is none");
	inflight_free(&inflight);
	return buf_len(&out);
}

static size_t
stream_text(void)
{
	return stream_through(text_start, event);
}

static size_t
stream_thinking(void)
{
	return stream_through(BLOCK_START("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}"),
	    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
	    "\"thinking_delta\",\"thinking\":\" word 7 and\"}}\n\n");
}

static size_t
stream_input(void)
{
	return stream_through(
	    BLOCK_START("{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}")
	    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
	    "\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":[0\"}}\n\n",
	    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
	    "\"input_json_delta\",\"partial_json\":\",\\\"int x;\\\\n\\\",1\"}}\n\n");
}

static void
router_init(void)
{
	static struct config config;
	struct mistakes mistakes = { 0 };
	static char text[] = "{\"providers\":{\"one\":{\"base_url\":\"http://127.0.0.1:1\",\"dialect\":\"anthropic\"},"
	    "\"two\":{\"base_url\":\"http://127.0.0.1:2\",\"dialect\":\"anthropic\"}},\"routes\":[{\"model\":\"claude-*\","
	    "\"targets\":[{\"provider\":\"one\"},{\"provider\":\"two\",\"model\":\"other\"}]}]}";
	static const char body_text[] = "{\"model\":\"claude-opus\",\"max_tokens\":100,\"stream\":true,\"messages\":["
	    "{\"role\":\"user\",\"content\":\"What is 2+2?\"}]}";

	config_read(&config, text, sizeof text - 1, &mistakes);
	if (mistakes.count > 0 || (router = router_new(&config)) == NULL)
		diag_fatal(EXIT_SYSTEM, "unable to make a router");
	record_begin(&request_record, "request", 1);
	buf_puts(&request_record, ",\"request_id\":\"req_bench\",\"method\":\"POST\",\"target\":\"/v1/messages\",\"version\":"
	    "\"1.1\",\"close\":false,\"headers\":{\"host\":\"localhost:9000\",\"content-type\":\"application/json\","
	    "\"anthropic-version\":\"2023-06-01\",\"x-api-key\":\"fake-key\"},\"peer\":\"127.0.0.1:54321\",\"at\":1");
	record_finish_payload(&request_record, body_text, sizeof body_text - 1);
}

static size_t
decide(void)
{
	static struct buf scratch = BUF_INIT(RECORD_HEADER_MAX);
	size_t sum = 0;

	for (int i = 0; i < RECORDS; i++) {
		struct record record;
		struct request request;
		struct decision decision;
		const char *why;

		if (record_parse(buf_data(&request_record), buf_len(&request_record), &record, &why) != RECORD_OK ||
		    request_read(&request, &record, &scratch) != NULL ||
		    !route_decide(router, &request, &(struct moment){ .now = 1 }, &decision) || decision.status != 0)
			diag_fatal(EXIT_BUG, "the route decision is no plan");
		sum += decision.len;
	}
	return sum;
}

static void
print_speed(const char *what, work *f)
{
	printf("%-52s %8.0f MB/s\n", what, (double)buf_len(&body) * 1e3 / (double)fastest(f));
}

static void
print_each(const char *what, work *f, int count, const char *of)
{
	printf("%-52s %8.1f ns a%s\n", what, (double)fastest(f) / count, of);
}

/* An event as all of lb-sse sees it, from record to record. The first call writes the records. */
static void
print_stream(const char *what, work *f)
{
	buf_clear(&records);
	print_each(what, f, RECORDS, "n event");
}

int
main(int argc, char **argv)
{
	(void)argc;
	diag_init(argv[0]);
	body_init();
	router_init();
	print_speed("json_scan of a body of 1 MB", scan_body);
	print_speed("json_scan of 1 MB in one string with many escapes", scan_prose);
	print_speed("json_next to its model", find_model);
	print_each("record_put_data of an event", put_records, RECORDS, " record");
	print_each("record_parse of it", parse_records, RECORDS, " record");
	print_each("record_parse and record_put_data", copy_records, RECORDS, " record");
	print_each("an event reframed: well-formed", reframe_whole, RECORDS, "n event");
	print_each("an event reframed: well-formed, in two pieces", reframe_pieces, RECORDS, "n event");
	print_each("an event reframed: mended", reframe_mended, RECORDS, "n event");
	print_stream("an event through lb-sse: text", stream_text);
	print_stream("an event through lb-sse: thinking", stream_thinking);
	print_stream("an event through lb-sse: a tool call's input", stream_input);
	print_each("a request's record to its plan", decide, RECORDS, " request");
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_SYSTEM;
}
