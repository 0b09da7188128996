/* SPDX-License-Identifier: MIT */
/*
 * A message stream and what becomes of it. The input makes the stream: each octet an event, or a change to the next one, so
 * that most streams are nearly right; what is none of these is text as it stands. Whatever comes out keeps the contract in
 * the eyes of a checker that knows nothing of the code, is the same however the stream is cut, and comes out of itself.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/stream_checker.h"
#include "stream/anthropic.h"

#define CHECK(PASSED)            \
	do {                     \
		if (!(PASSED))   \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define START                                                                                                          \
	"{\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"x\",\"content\":[],"            \
	"\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}"

/* Events, and pieces of which events are made; `#` is an octet of the input as a digit. */
static const char *const pieces[] = {
	START,
	"{\"type\":\"message_start\",\"message\":{\"content\":null,\"usage\":{\"input_tokens\":2#.0,\"cache_read_input_tokens\":null}}}",
	"{\"type\":\"message_start\"}",
	"{\"type\":\"content_block_start\",\"index\":#,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}",
	"{\"type\":\"content_block_start\",\"index\":#,\"content_block\":{\"type\":\"thinking\"}}",
	"{\"type\":\"content_block_start\",\"index\":#,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}}",
	"{\"type\":\"content_block_start\",\"index\":#,\"content_block\":{\"type\":\"server_tool_use\",\"name\":\"f\",\"input\":{\"a\":#}}}",
	"{\"type\":\"content_block_start\",\"content_block\":{\"type\":\"redacted_thinking\",\"data\":\"x\"}}",
	"{\"type\":\"content_block_start\",\"index\":#,\"content_block\":{\"type\":\"novel\"}}",
	"{\"type\":\"content_block_delta\",\"index\":#,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}",
	"{\"type\":\"content_block_delta\",\"index\":#,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"t\"}}",
	"{\"type\":\"content_block_delta\",\"index\":#,\"delta\":{\"type\":\"signature_delta\",\"signature\":null}}",
	"{\"type\":\"content_block_delta\",\"index\":#,\"delta\":{\"type\":\"citations_delta\",\"citation\":{}}}",
	"{\"type\":\"content_block_delta\",\"index\":#,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\"}}",
	"{\"type\":\"content_block_delta\",\"index\":#,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\\\"a\\\":[#,\\\"\\\\u00\"}}",
	"{\"type\":\"content_block_delta\",\"index\":#,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"#1\\\"]\"}}",
	"{\"type\":\"content_block_delta\",\"index\":#,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"}\"}}",
	"{\"type\":\"content_block_delta\",\"index\":#,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\" \\n\"}}",
	"{\"type\":\"content_block_delta\",\"index\":#,\"delta\":{\"type\":\"novel_delta\"}}",
	"{\"type\":\"content_block_stop\",\"index\":#}",
	"{\"type\":\"content_block_stop\"}",
	"{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":#}}",
	"{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\"},\"usage\":{\"output_tokens\":null,\"x_tokens\":#.5}}",
	"{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":null},\"usage\":{\"input_tokens\":#,\"output_tokens\":1}}",
	"{\"type\":\"message_delta\",\"usage\":null}",
	"{\"type\":\"message_stop\"}",
	"{\"type\":\"ping\"}",
	"{\"error\":{\"message\":\"busy\"}}",
	"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
	"[DONE]",
};

/* Longer ones only take longer. */
enum { PIECES = sizeof pieces / sizeof *pieces, TEXT_MAX = 2000 };

static const char *const frames[][2] = {
	{ "data: ", "\n\n" },
	{ "data:", "\r\n\r\n" },
	{ "", "\n" },
	{ "id: 1\ndata: ", "\r\r" },
	{ ": c\n\ndata: ", "\n\n" },
	{ "data: ", "\n" },
};

static bool
is_close(const char *p)
{
	return *p == '}' || *p == ']';
}

/* Writes an event's name, as a good provider does. */
static void
put_name(struct buf *out, const char *piece)
{
	const char *type = strstr(piece, "\"type\":\"");

	if (type == NULL)
		return;
	buf_puts(out, "event: ");
	buf_put(out, type + 8, (size_t)(strchr(type + 8, '"') - type - 8));
	buf_putc(out, '\n');
}

/* The stream that the input describes. */
static void
make(struct buf *out, const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n && buf_len(out) < TEXT_MAX;) {
		uint8_t code = data[i++];
		uint8_t digit = i < n ? data[i] % 10 : 0, change = i < n ? data[i] / 10 : 0;

		if (code >= 0x80) {
			/* Text as it stands. */
			buf_putc(out, (char)(code & 0x7f));
			continue;
		}
		i++;
		if (change < 20)
			put_name(out, pieces[code % PIECES]);
		buf_puts(out, frames[change < 22 ? 0 : change % 6][0]);
		for (const char *p = pieces[code % PIECES]; *p != '\0'; p++) {
			if (change == 19 && is_close(p))
				continue;
			if (change == 18 && *p == ':' && p[1] == '"' && digit-- == 3)
				buf_puts(out, ":null,\"x\"");
			buf_putc(out, *p == '#' ? (char)('0' + digit) : *p);
		}
		buf_puts(out, frames[change < 22 ? 0 : change % 6][1]);
	}
}

struct outcome {
	enum anthropic_state state;
	struct repairs repairs;
	struct buf out;
};

static void
feed(struct anthropic *stream, const char *p, size_t n, struct anthropic_work *work, struct buf *all)
{
	char *copy = malloc(n > 0 ? n : 1);
	struct anthropic_output out;

	CHECK(copy != NULL);
	if (n > 0)
		memcpy(copy, p, n);
	CHECK(anthropic_feed(stream, copy, n, work, &out));
	buf_put(all, out.p, out.len);
	free(copy);
}

static struct outcome
run(const struct buf *text, size_t step, bool clean)
{
	const struct anthropic_origin origin = { "acme", "req_1", { "\"client\"", 8 } };
	struct outcome outcome = { .out = BUF_INIT(SIZE_MAX) };
	struct anthropic *stream = anthropic_new(&origin);
	struct anthropic_work work = ANTHROPIC_WORK_INIT;
	struct anthropic_output out;
	const char *verdict;
	size_t n = buf_len(text);

	CHECK(stream != NULL);
	for (size_t i = 0; i < n; i += step)
		feed(stream, buf_data(text) + i, n - i < step ? n - i : step, &work, &outcome.out);
	CHECK(anthropic_end(stream, clean, 502, "it broke", &work, &out));
	buf_put(&outcome.out, out.p, out.len);
	outcome.state = anthropic_state(stream);
	for (int i = 0; i < REPAIR_COUNT; i++)
		outcome.repairs.count[i] = anthropic_repairs(stream, (enum anthropic_repair)i);
	verdict = stream_checker(buf_data(&outcome.out), buf_len(&outcome.out));
	CHECK(strcmp(verdict, outcome.state == ANTHROPIC_STOPPED ? "whole" : "error") == 0);
	anthropic_work_free(&work);
	anthropic_free(stream);
	return outcome;
}

static bool
same(const struct buf *a, const struct buf *b)
{
	return buf_len(a) == buf_len(b) && (buf_len(a) == 0 || memcmp(buf_data(a), buf_data(b), buf_len(a)) == 0);
}

static void
check_again(const struct outcome *whole)
{
	struct outcome again = run(&whole->out, 11, true);

	CHECK(same(&again.out, &whole->out));
	for (int i = 0; i < REPAIR_COUNT; i++)
		CHECK(again.repairs.count[i] == 0);
	buf_free(&again.out);
}

static void
check_stream(const struct buf *text)
{
	static const size_t steps[] = { 3, 64 };

	for (int clean = 0; clean <= 1; clean++) {
		struct outcome whole = run(text, buf_len(text) + 1, clean);

		check_again(&whole);
		for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
			struct outcome cut = run(text, steps[i], clean);

			CHECK(cut.state == whole.state && same(&cut.out, &whole.out) &&
			    memcmp(&cut.repairs, &whole.repairs, sizeof cut.repairs) == 0);
			buf_free(&cut.out);
		}
		buf_free(&whole.out);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf text = BUF_INIT(SIZE_MAX), raw = BUF_INIT(SIZE_MAX);

	make(&text, data, n);
	check_stream(&text);
	buf_put(&raw, data, n < TEXT_MAX ? n : TEXT_MAX);
	check_stream(&raw);
	buf_free(&text);
	buf_free(&raw);
	return 0;
}
