/* SPDX-License-Identifier: MIT */
#include "route/route.h"

/* A string of JSON without its quotes, as it is written there, so that nothing in it moves a terminal's cursor. */
static void
put_bare(struct buf *out, struct json string)
{
	if (json_is_string(string))
		buf_put(out, string.p + 1, string.len - 2);
}

/* Adds a member's string between `before` and `after`, if it is there. */
static void
put_member(struct buf *out, struct json object, const char *name, const char *before, const char *after)
{
	struct json value;

	if (!json_find(object, name, &value))
		return;
	buf_puts(out, before);
	put_bare(out, value);
	buf_puts(out, after);
}

static void
put_wanted(struct buf *out, struct json plan)
{
	struct json stream;

	buf_puts(out, "  wants: ");
	put_member(out, plan, "model", "model '", "', ");
	if (json_find(plan, "stream", &stream) && json_is_true(stream))
		buf_puts(out, "a stream, ");
	put_member(out, plan, "dialect", "the ", " dialect\n");
}

static void
put_attempts(struct buf *out, struct json plan)
{
	struct json attempts, attempt;
	struct json_iter it;

	if (!json_find(plan, "attempts", &attempts))
		return;
	json_iter_init(&it, attempts.p, attempts.len);
	for (int number = 1; json_next(&it, NULL, &attempt) == JSON_OK; number++) {
		buf_printf(out, "  %d.", number);
		put_member(out, attempt, "provider", " ", "");
		put_member(out, attempt, "model", ", as '", "'");
		put_member(out, attempt, "key", ", with ", "");
		put_member(out, attempt, "url", ": ", "\n");
	}
}

static void
put_plan(struct buf *out, struct json plan)
{
	struct json reasons, reason;
	struct json_iter it;

	put_wanted(out, plan);
	if (json_find(plan, "reasons", &reasons)) {
		json_iter_init(&it, reasons.p, reasons.len);
		while (json_next(&it, NULL, &reason) == JSON_OK) {
			buf_puts(out, "  because: ");
			put_bare(out, reason);
			buf_putc(out, '\n');
		}
	}
	put_attempts(out, plan);
}

static void
put_answer(struct buf *out, const struct decision *decision)
{
	struct json body = { decision->text, decision->len }, error;

	buf_printf(out, "  lb answers: %d", decision->status);
	if (json_find(body, "error", &error))
		put_member(out, error, "message", ", ", "");
	buf_putc(out, '\n');
}

void
route_explain(const struct request *request, const struct decision *decision, struct buf *out)
{
	static const size_t before = sizeof "\"plan\":" - 1;

	buf_puts(out, "request ");
	buf_put_u64(out, request->id);
	buf_puts(out, ": ");
	buf_put(out, request->method.p, request->method.len);
	buf_putc(out, ' ');
	json_put_octets(out, request->target.p, request->target.len);
	buf_putc(out, '\n');
	if (decision->status != 0)
		put_answer(out, decision);
	else
		put_plan(out, (struct json){ decision->text + before, decision->len - before });
}
