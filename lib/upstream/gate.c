/* SPDX-License-Identifier: MIT */
#include "upstream/gate.h"

#include "base/limits.h"

void
gate_begin(struct gate *gate, const struct gate_answer *answer)
{
	*gate = (struct gate){ .dialect = answer->dialect, .wants_stream = answer->stream };
	sse_init(&gate->sse, SSE_EVENT_MAX);
	buf_init(&gate->joined, SSE_EVENT_MAX);
	buf_init(&gate->why, KIB);
}

void
gate_free(struct gate *gate)
{
	sse_free(&gate->sse);
	buf_free(&gate->joined);
	buf_free(&gate->why);
}

enum gate_verdict
gate_feed(struct gate *gate, const char *p, size_t n)
{
	(void)p;
	gate->seen += n;
	gate->decided_at = gate->seen;
	return gate->verdict = GATE_COMMIT;
}

enum gate_verdict
gate_end(struct gate *gate, const char *held, size_t n)
{
	(void)held;
	if (n == 0)
		buf_puts(&gate->why, "answered without a body");
	gate->status = 502;
	return n == 0 ? GATE_FAIL : GATE_COMMIT;
}

bool
gate_is_stream(const struct gate *gate)
{
	return gate->body == GATE_STREAM;
}

const struct usage *
gate_usage(const struct gate *gate)
{
	return &gate->usage;
}

const char *
gate_why(struct gate *gate)
{
	const char *why = buf_str(&gate->why);

	return why != NULL ? why : "";
}
