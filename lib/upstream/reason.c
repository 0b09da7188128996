/* SPDX-License-Identifier: MIT */
#include "upstream/reason.h"

#include <string.h>

#include "base/limits.h"

/* Adds a part, `; ` before it. Of UTF-8 the first octet of a character stands for it. */
static void
put_part(struct buf *out, size_t from, const char *p, size_t n)
{
	if (n == 0 || buf_len(out) - from > REASON_MAX)
		return;
	if (buf_len(out) > from)
		buf_puts(out, "; ");
	for (size_t i = 0; i < n && buf_len(out) - from <= REASON_MAX; i++) {
		unsigned char c = (unsigned char)p[i];

		if ((c & 0xc0) != 0x80)
			buf_putc(out, c >= 0x20 && c < 0x7f ? (char)c : '?');
	}
}

static void
put_json(struct buf *out, size_t from, struct json string)
{
	struct buf text = BUF_INIT(RECORD_HEADER_MAX);

	if (json_decode(string, &text))
		put_part(out, from, buf_data(&text), buf_len(&text));
	buf_free(&text);
}

static void
put_reasons(struct buf *out, size_t from, struct json reasons)
{
	struct json_iter it;
	struct json key, value;

	if (!json_iter_init(&it, reasons.p, reasons.len) || json_next(&it, &key, &value) != JSON_OK)
		return;
	while (buf_len(out) - from <= REASON_MAX && json_next(&it, &key, &value) == JSON_OK)
		put_json(out, from, value);
}

void
reason_put(struct buf *out, const struct plan *plan, bool stripped, const struct account *account)
{
	static const char done[] = "thinking-stripped", cut[] = "...";
	const struct buf *brief = &account->brief;
	size_t from = buf_len(out);

	put_json(out, from, plan->policy);
	if (stripped)
		put_part(out, from, done, sizeof done - 1);
	for (size_t i = 0, n; i < buf_len(brief); i += n + 1) {
		n = strlen(buf_data(brief) + i);
		put_part(out, from, buf_data(brief) + i, n);
	}
	put_reasons(out, from, plan->reasons);
	if (buf_len(out) - from > REASON_MAX) {
		out->end = out->start + from + REASON_MAX - (sizeof cut - 1);
		buf_puts(out, cut);
	}
}
