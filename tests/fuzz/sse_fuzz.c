/* SPDX-License-Identifier: MIT */
/*
 * A stream and its reframing: whole and in pieces the same comes out; that ends with message_stop or with one error; and
 * reframed again it comes out as it went in.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stream/anthropic.h"

#define CHECK(PASSED)            \
	do {                     \
		if (!(PASSED))   \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct outcome {
	enum anthropic_state state;
	uint32_t repairs[REPAIR_COUNT];
	uint32_t repaired;	/* the sum of them */
	struct buf out;
};

/* One piece, from memory of its own size. */
static void
feed(struct anthropic *stream, const char *p, size_t n, struct anthropic_work *work, struct buf *all)
{
	char *copy = malloc(n > 0 ? n : 1);
	struct anthropic_output out;

	CHECK(copy != NULL);
	memcpy(copy, p, n);
	CHECK(anthropic_feed(stream, copy, n, work, &out));
	buf_put(all, out.p, out.len);
	free(copy);
}

static struct outcome
reframe(const char *p, size_t n, size_t step, bool clean)
{
	struct outcome outcome = { .out = BUF_INIT(SIZE_MAX) };
	struct anthropic *stream = anthropic_new(&(struct anthropic_origin){ .provider = "acme", .request_id = "req_1" });
	struct anthropic_work work = ANTHROPIC_WORK_INIT;
	struct anthropic_output out;

	CHECK(stream != NULL);
	for (size_t i = 0; i < n; i += step)
		feed(stream, p + i, n - i < step ? n - i : step, &work, &outcome.out);
	CHECK(anthropic_end(stream, clean, 502, "it broke", &work, &out));
	buf_put(&outcome.out, out.p, out.len);
	outcome.state = anthropic_state(stream);
	CHECK(outcome.state != ANTHROPIC_OPEN && (anthropic_error(stream) == NULL) == (outcome.state == ANTHROPIC_STOPPED));
	for (int i = 0; i < REPAIR_COUNT; i++) {
		outcome.repairs[i] = anthropic_repairs(stream, (enum anthropic_repair)i);
		outcome.repaired += outcome.repairs[i];
	}
	anthropic_work_free(&work);
	anthropic_free(stream);
	return outcome;
}

static bool
same(const struct buf *a, const struct buf *b)
{
	return buf_len(a) == buf_len(b) && memcmp(buf_data(a), buf_data(b), buf_len(a)) == 0;
}

static void
check_steps(const char *p, size_t n, const struct outcome *whole, size_t step, bool clean)
{
	struct outcome pieces = reframe(p, n, step, clean);

	CHECK(pieces.state == whole->state && same(&pieces.out, &whole->out));
	CHECK(memcmp(pieces.repairs, whole->repairs, sizeof pieces.repairs) == 0);
	buf_free(&pieces.out);
}

/* What came out of a stream is one that needs no repair. */
static void
check_again(const struct outcome *whole)
{
	struct outcome again = reframe(buf_data(&whole->out), buf_len(&whole->out), 11, true);

	CHECK(same(&again.out, &whole->out) && again.repaired == 0);
	CHECK((again.state == ANTHROPIC_STOPPED) == (whole->state == ANTHROPIC_STOPPED));
	CHECK(again.state != ANTHROPIC_BROKEN);
	buf_free(&again.out);
}

/* Ends with the one event of its kind. */
static void
check_end(const struct outcome *whole)
{
	static const char stop[] = "event: message_stop\ndata: {", error[] = "event: error\ndata: {";
	const char *p = buf_data(&whole->out), *end = p + buf_len(&whole->out), *last = end - 2, *other;

	CHECK(buf_len(&whole->out) > 2 && last[0] == '\n' && last[1] == '\n');
	while (last > p && !(last[-1] == '\n' && memcmp(last, "event: ", 7) == 0))
		last--;
	other = whole->state == ANTHROPIC_STOPPED ? stop : error;
	CHECK((size_t)(end - last) > strlen(other) && memcmp(last, other, strlen(other)) == 0);
	CHECK(memmem(p, (size_t)(last - p), "\nevent: error\n", 14) == NULL);
	CHECK(memmem(p, (size_t)(last - p), "\nevent: message_stop\n", 21) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data;

	for (int clean = 0; clean <= 1; clean++) {
		struct outcome whole = reframe(p, n, n, clean);

		check_end(&whole);
		check_again(&whole);
		if (n < 512)
			check_steps(p, n, &whole, 1, clean);
		check_steps(p, n, &whole, 7, clean);
		check_steps(p, n, &whole, n / 2 + 1, clean);
		buf_free(&whole.out);
	}
	return 0;
}
