/* SPDX-License-Identifier: MIT */
/*
 * An answer and the commit gate: however it is cut, the verdict is the same, at the same octet, for the same reason. A
 * stream is not committed before an event has ended that may be content, and JSON not before its end. And errors: whatever
 * they say, what is told of them is a line of text. The first octet tells dialect, request and content-type.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "upstream/failover.h"
#include "upstream/gate.h"

#define CHECK(PASSED)            \
	do {                     \
		if (!(PASSED))   \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct outcome {
	enum gate_verdict fed;		/* GATE_HOLD: known at the end only */
	enum gate_verdict verdict;
	size_t decided_at;
	int status;
	enum refusal_cause cause;
	bool is_stream;
	const char *type;
	uint64_t tokens[4];
	char why[GATE_WHY_MAX];
};

static struct gate_answer
read_answer(uint8_t flags)
{
	static const char *const types[] = { NULL, "text/event-stream", "application/json", "audio/mpeg" };
	const char *type = types[flags >> 2 & 3];

	return (struct gate_answer){ .dialect = flags & 1 ? DIALECT_OPENAI : DIALECT_ANTHROPIC, .stream = !(flags & 2),
		.content_type = type, .content_type_len = type != NULL ? strlen(type) : 0 };
}

/* Pieces of `step` octets, or with 0 of lengths that differ, each from memory of its own size. */
static void
run(struct outcome *outcome, const struct gate_answer *answer, const char *p, size_t n, size_t step)
{
	struct gate gate = { .status = 0 };
	const struct usage *usage;
	unsigned length = 1;

	memset(outcome, 0, sizeof *outcome);
	gate_begin(&gate, answer);
	for (size_t i = 0, len; i < n && outcome->fed == GATE_HOLD; i += len) {
		char *copy;

		length = length * 1103515245 + 12345;
		len = step > 0 ? step : 1 + (length >> 16) % 40;
		len = n - i < len ? n - i : len;
		copy = malloc(len > 0 ? len : 1);
		CHECK(copy != NULL);
		memcpy(copy, p + i, len);
		outcome->fed = gate_feed(&gate, copy, len);
		free(copy);
	}
	if (outcome->fed != GATE_HOLD)
		outcome->decided_at = gate.decided_at;
	outcome->verdict = gate_end(&gate, p, n);
	outcome->status = gate.status;
	outcome->cause = gate.cause;
	outcome->is_stream = gate_is_stream(&gate);
	outcome->type = outcome->verdict == GATE_COMMIT ? gate_content_type(&gate) : NULL;
	usage = gate_usage(&gate);
	memcpy(outcome->tokens, (uint64_t[4]){ usage->input, usage->output, usage->cache_read, usage->cache_creation },
	    sizeof outcome->tokens);
	CHECK(strlen(gate_why(&gate)) < sizeof outcome->why);
	memcpy(outcome->why, gate_why(&gate), strlen(gate_why(&gate)));
	gate_free(&gate);
}

static bool
same(const struct outcome *a, const struct outcome *b)
{
	return a->fed == b->fed && a->verdict == b->verdict && a->decided_at == b->decided_at && a->status == b->status &&
	    a->cause == b->cause && a->is_stream == b->is_stream && a->type == b->type &&
	    memcmp(a->tokens, b->tokens, sizeof a->tokens) == 0 && strcmp(a->why, b->why) == 0;
}

static bool
has(const char *p, size_t n, const char *word)
{
	return memmem(p, n, word, strlen(word)) != NULL;
}

/* Whether there may be content in what was held: escapes may hide its names. */
static bool
may_have_content(const struct gate_answer *answer, const char *p, size_t n)
{
	static const char *const anthropic[] = { "content_block_start", "content_block_delta", "stop_reason" };
	static const char *const openai[] = { "content", "reasoning", "refusal", "tool_calls", "function_call", "audio",
		"images", "text", "finish_reason", "event:", "\"type\"" };

	if (has(p, n, "\\"))
		return true;
	if (answer->dialect == DIALECT_ANTHROPIC) {
		for (size_t i = 0; i < sizeof anthropic / sizeof *anthropic; i++)
			if (has(p, n, anthropic[i]))
				return true;
		return false;
	}
	for (size_t i = 0; i < sizeof openai / sizeof *openai; i++)
		if (has(p, n, openai[i]))
			return true;
	return false;
}

static void
check_verdict(const struct outcome *whole, const struct gate_answer *answer, const char *p, size_t n)
{
	CHECK(whole->verdict != GATE_HOLD && (whole->fed == GATE_HOLD || whole->fed == whole->verdict));
	if (whole->verdict == GATE_FAIL) {
		enum fault fault = failover_fault(whole->status, whole->cause);
		int told = failover_status(fault, whole->status, whole->cause);

		CHECK(whole->why[0] != '\0' && whole->status >= 400 && whole->status <= 599);
		CHECK(told >= 400 && told <= 529);
		return;
	}
	CHECK(whole->why[0] == '\0' && n > 0);
	if (answer->content_type != NULL && answer->content_type[1] == 'u' && !answer->stream)
		return;
	CHECK(whole->fed == GATE_HOLD || whole->is_stream);
	if (whole->is_stream) {
		size_t held = whole->fed == GATE_HOLD ? n : whole->decided_at;

		CHECK(may_have_content(answer, p, held));
		CHECK(whole->fed == GATE_HOLD || p[held - 1] == '\n' || p[held - 1] == '\r');
	}
}

/* What is told of an error is one line of UTF-8, and no longer than it may be. */
static void
check_refusal(const char *p, size_t n)
{
	struct refusal refusal;
	struct buf text = BUF_INIT(REFUSAL_TEXT_MAX);

	refusal_read(&refusal, p, n);
	CHECK(refusal_put_text(&text, &refusal) == (buf_len(&text) > 0) && !text.failed);
	for (size_t i = 0, length; i < buf_len(&text); i += length) {
		const unsigned char *c = (const unsigned char *)buf_data(&text) + i;

		length = json_utf8_length(c, buf_len(&text) - i);
		CHECK(length > 0 && *c >= ' ' && *c != 0x7f);
	}
	if (refusal_is_shaped(&refusal, DIALECT_ANTHROPIC))
		CHECK(refusal.found && refusal.type.len > 0 && refusal.message.len > 0);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const size_t steps[] = { 1, 7, 0 };
	static struct outcome whole, pieces;
	const char *p = (const char *)data + 1;
	struct gate_answer answer;

	if (n == 0)
		return 0;
	answer = read_answer(data[0]);
	n--;
	run(&whole, &answer, p, n, n > 0 ? n : 1);
	check_verdict(&whole, &answer, p, n);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		run(&pieces, &answer, p, n, steps[i]);
		CHECK(same(&pieces, &whole));
	}
	check_refusal(p, n);
	return 0;
}
