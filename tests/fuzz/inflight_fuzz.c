/* SPDX-License-Identifier: MIT */
/*
 * What goes on of an answer. The input's first two octets say what was asked for, what the head says, how it ends and when the
 * client is pinged; the rest is the body. Whatever that is: one head, then data, then one end; a stream of Anthropic's is one
 * that needs no repair, and its end says whether it is whole; a JSON answer has the length that its head tells, and is JSON.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "stream/inflight.h"

#define CHECK(PASSED)            \
	do {                     \
		if (!(PASSED))   \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct outcome {
	unsigned heads, ends;
	bool stream, json, complete, early;
	uint64_t length;
	struct buf body;
};

static int
put(const struct record *record, bool copied, void *context)
{
	struct outcome *outcome = context;
	struct json headers, value, status;

	(void)copied;
	CHECK(outcome->ends == 0);
	if (record->type == RECORD_HEAD) {
		CHECK(outcome->heads++ == 0 && buf_len(&outcome->body) == 0);
		CHECK(json_find(record->header, "headers", &headers) && json_find(headers, "content-type", &value) &&
		    json_find(record->header, "status", &status));
		outcome->stream = json_equals(value, "text/event-stream");
		outcome->early = !json_find(record->header, "provider", &status);
		outcome->json = json_find(headers, "content-length", &value) && value.len > 2;
		for (size_t i = 1; outcome->json && i < value.len - 1; i++)
			outcome->length = outcome->length * 10 + (uint64_t)(value.p[i] - '0');
	} else if (record->type == RECORD_DATA) {
		CHECK(outcome->heads == 1);
		buf_put(&outcome->body, record->payload, record->payload_len);
	} else if (record->type == RECORD_END) {
		outcome->ends++;
		outcome->complete = record_end_of(record) == END_COMPLETE;
	}
	return EXIT_DONE;
}

static void
take(struct inflight *f, enum record_type type, const char *header, const char *p, size_t n, uint64_t now)
{
	char *copy = malloc(n + 1);
	struct record record = { .type = type, .id = 1, .header = { header, strlen(header) }, .payload = copy, .payload_len = n,
		.has_payload = type == RECORD_DATA };
	uint64_t next;

	CHECK(copy != NULL);
	memcpy(copy, p, n);
	CHECK(inflight_take(f, &record, now) == EXIT_DONE && inflight_wake(f, now, &next) == EXIT_DONE);
	free(copy);
}

/* Runs an answer; `a` and `b` are the two octets. */
static struct outcome
run(uint8_t a, uint8_t b, const char *p, size_t n)
{
	static const char *const opens[] = { "true", "false" };
	static const char *const types[] = { "text/event-stream", "application/json", "text/event-stream;charset=utf-8", "x" };
	static const int statuses[] = { 200, 200, 200, 200, 201, 429, 529, 302 };
	static const char *const ends[] = { "complete", "complete", "truncated", "timeout", "upstream-error", "refused",
		"cancelled", "x" };
	struct outcome outcome = { .body = BUF_INIT(SIZE_MAX) };
	size_t step = 1 + (size_t)b % 64;
	uint64_t now = 1000, each = b & 64 ? 60 : 400;
	struct inflight f;
	char header[300];

	inflight_init(&f, put, &outcome);
	snprintf(header, sizeof header, "{\"type\":\"open\",\"id\":1,\"dialect\":\"anthropic\",\"stream\":%s,\"ping_ms\":100,"
	    "\"first_ping_ms\":%d}", opens[a & 1], b & 128 ? 50 : 1000);
	take(&f, RECORD_OPEN, header, "", 0, now);
	now += 60;
	CHECK(inflight_wake(&f, now, &(uint64_t){ 0 }) == EXIT_DONE);
	snprintf(header, sizeof header, "{\"type\":\"head\",\"id\":1,\"status\":%d,\"headers\":{\"content-type\":\"%s\"},"
	    "\"provider\":\"acme\"}", statuses[a >> 3 & 7], types[a >> 1 & 3]);
	if ((a & 62) != 62)
		take(&f, RECORD_HEAD, header, "", 0, now);
	for (size_t i = 0; i < n && (a & 62) != 62; i += step) {
		take(&f, RECORD_DATA, "{}", p + i, n - i < step ? n - i : step, now);
		CHECK(inflight_wake(&f, now += each, &(uint64_t){ 0 }) == EXIT_DONE);
	}
	snprintf(header, sizeof header, "{\"type\":\"end\",\"id\":1,\"result\":\"%s\"}", ends[(a >> 6) | (b >> 5 & 4)]);
	if (f.answers.count > 0)
		take(&f, RECORD_END, header, "", 0, now);
	CHECK(f.answers.count == 0 && f.deadlines.count == 0);
	inflight_free(&f);
	return outcome;
}

/* What went out as a stream is one that needs no repair. */
static void
check_stream(const struct outcome *outcome)
{
	struct anthropic *stream = anthropic_new(&(struct anthropic_origin){ .provider = "acme" });
	struct anthropic_work work = ANTHROPIC_WORK_INIT;
	struct anthropic_output out;

	CHECK(stream != NULL && anthropic_feed(stream, buf_data(&outcome->body), buf_len(&outcome->body), &work, &out));
	CHECK(out.len == buf_len(&outcome->body) && memcmp(out.p, buf_data(&outcome->body), out.len) == 0);
	CHECK(anthropic_state(stream) == (outcome->complete ? ANTHROPIC_STOPPED : ANTHROPIC_FAILED));
	for (int i = 0; i < REPAIR_COUNT; i++)
		CHECK(anthropic_repairs(stream, (enum anthropic_repair)i) == 0);
	anthropic_work_free(&work);
	anthropic_free(stream);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct outcome outcome;
	struct json value;
	int status;

	if (n < 2)
		return 0;
	outcome = run(data[0], data[1], (const char *)data + 2, n - 2);
	status = (data[0] >> 3) & 7;
	CHECK(outcome.ends == 1);
	/* Another status passes as it came, unless its client had been pinged. */
	if (outcome.heads == 1 && outcome.stream && (data[0] & 1) == 0 && (status < 5 || outcome.early))
		check_stream(&outcome);
	if (outcome.heads == 1 && outcome.json) {
		CHECK(buf_len(&outcome.body) == outcome.length);
		CHECK(json_whole(buf_data(&outcome.body), buf_len(&outcome.body), &value) == JSON_OK);
	}
	buf_free(&outcome.body);
	return 0;
}
