/* SPDX-License-Identifier: MIT */
#include "stream/sse.h"

#include "test.h"

/*
 * What comes out of a stream, written as text: an event is `E NAME|DATA` and its marks (`!` exact, `r` CR, `b` bare, `s`
 * without space, `o` other lines, `n` ragged name), a comment `C LINE`, a blank line `B`, an event too large `L`, what
 * stands there at the end `F` and an event. Each ends with `;`.
 */
static const struct {
	const char *name;
	const char *text;
	const char *want;
} streams[] = {
	{ "an event", "event: a\ndata: x\n\n", "E a|x!;" },
	{ "two events", "event: a\ndata: x\n\nevent: b\ndata: y\n\n", "E a|x!;E b|y!;" },
	{ "CRLF", "event: a\r\ndata: x\r\n\r\nevent: b\r\ndata: y\r\n\r\n", "E a|xr;E b|yr;" },
	{ "CR", "event: a\rdata: x\r\revent: b\rdata: y\r\r", "E a|xr;E b|yr;" },
	{ "line ends mixed", "event: a\rdata: x\r\n\nevent: b\ndata: y\r\r\nevent: c\ndata: z\n\n",
	    "E a|xr;E b|yr;E c|z!;" },
	{ "an LF alone behind a CRLF is a blank line", "data: x\r\n\r\n\n", "E -|xr;B;" },
	{ "a byte order mark", "\xef\xbb\xbf" "event: a\ndata: x\n\n", "E a|x!;" },
	{ "a second one is a field", "\xef\xbb\xbf\xef\xbb\xbf" "data: x\ndata: y\n\n", "E -|yo;" },
	{ "half of one", "\xef\xbb" "x\ndata: x\n\n", "E -|xo;" },
	{ "comments between events", ": a\n\n:\r\nevent: a\ndata: x\n\n: end\n", "C : a;B;C :;E a|x!;C : end;" },
	{ "a comment within an event", "event: a\n: c\ndata: x\n\n", "E a|xo;" },
	{ "blank lines", "\n\r\n\revent: a\ndata: x\n\n\n", "B;B;B;E a|x!;B;" },
	{ "several data lines", "event: a\ndata: {\ndata:\ndata: }\n\n", "E a|{<LF><LF>}s;" },
	{ "no space behind the colon", "event:a\ndata:x\n\n", "E a|xsn;" },
	{ "two spaces: only one is dropped", "event: a\ndata:  x\n\n", "E a| x!;" },
	{ "the name behind the data", "data: x\nevent: a\n\n", "E a|xn;" },
	{ "the last of two names", "event: a\nevent: b\ndata: x\n\n", "E b|xn;" },
	{ "an event without data", "event: a\n\n", "E a|-;" },
	{ "an empty data line", "event: a\ndata\n\n", "E a|s;" },
	{ "other fields", "id: 7\nevent: a\nretry: 9\nwhatever\ndata: x\n\n", "E a|xon;" },
	{ "fields that begin like known ones", "datax: 1\neventual: 2\ndata: x\n\n", "E -|xo;" },
	{ "NDJSON", "{\"a\":1}\n{\"b\":2}\r\n[DONE]\n", "E -|{\"a\":1}b;E -|{\"b\":2}rb;E -|[DONE]b;" },
	{ "NDJSON with blank lines", "{\"a\":1}\n\n{\"b\":2}\n\n", "E -|{\"a\":1}b;B;E -|{\"b\":2}b;B;" },
	{ "bare JSON behind its event line", "event: a\n  {\"a\":1}\n\n", "E a|  {\"a\":1}b;B;" },
	{ "bare JSON behind data", "data: x\n{}\n", "E -|x<LF>{}b;" },
	{ "the end in mid-event", "event: a\ndata: x\n\nevent: b\ndata: {\"y", "E a|x!;F b|{\"y;" },
	{ "the end before the blank line", "event: a\ndata: x\n", "F a|x;" },
	{ "the end in a name", "event: a", "" },
	{ "nothing", "", "" },
	{ "an event of the largest size",
	    "data: 123456789012345678901234567890123456789012345678901234567890\n\ndata: x\n\n",
	    "E -|123456789012345678901234567890123456789012345678901234567890;E -|x;" },
	{ "an event larger by one", "data: 1234567890123456789012345678901234567890123456789012345678901\n\ndata: x\n\n", "L;" },
	{ "a line too large", "data: 123456789012345678901234567890123456789012345678901234567890123456789012345", "L;" },
};

enum { EVENT_MAX = 68 };

static void
put_event(struct buf *out, const struct sse_item *item)
{
	struct buf joined = BUF_INIT(1000);
	size_t n;
	const char *data = sse_data(item, &joined, &n);

	if (item->name != NULL)
		buf_put(out, item->name, item->name_len);
	else
		buf_putc(out, '-');
	buf_putc(out, '|');
	if (item->data_lines == 0)
		buf_putc(out, '-');
	for (size_t i = 0; i < n; i++)
		if (data[i] == '\n')
			buf_puts(out, "<LF>");
		else
			buf_putc(out, data[i]);
	buf_puts(out, item->exact ? "!" : "");
	buf_puts(out, item->has_cr ? "r" : "");
	buf_puts(out, item->bare ? "b" : "");
	buf_puts(out, item->unspaced ? "s" : "");
	buf_puts(out, item->other_lines ? "o" : "");
	buf_puts(out, item->ragged_name ? "n" : "");
	buf_free(&joined);
}

/* Feeds `n` octets, from memory that ends where they do. False once an event is too large. */
static bool
feed(struct sse *s, const char *text, size_t n, struct buf *out)
{
	struct test_page page = test_page(text, n);
	const char *p = page.text;
	struct sse_item item;
	enum sse_kind kind;

	while ((kind = sse_next(s, &p, &n, &item)) != SSE_MORE && kind != SSE_TOO_LARGE) {
		buf_puts(out, kind == SSE_EVENT ? "E " : kind == SSE_COMMENT ? "C " : "B");
		if (kind == SSE_EVENT)
			put_event(out, &item);
		if (kind == SSE_COMMENT)
			buf_put(out, item.data, item.data_len);
		buf_putc(out, ';');
	}
	if (kind == SSE_TOO_LARGE)
		buf_puts(out, "L;");
	test_page_free(page);
	return kind == SSE_MORE && n == 0;
}

/* Feeds the text in pieces: the first of `first` octets, the others of `step`. */
static bool
parses(const char *text, size_t n, size_t first, size_t step, const char *want)
{
	struct sse s;
	struct sse_item item;
	struct buf out = BUF_INIT(10000);
	bool more = true, same;

	sse_init(&s, EVENT_MAX);
	for (size_t i = 0, len = first; i < n && more; i += len, len = step)
		more = feed(&s, text + i, n - i < len ? n - i : len, &out);
	if (more && sse_finish(&s, &item)) {
		buf_puts(&out, "F ");
		put_event(&out, &item);
		buf_putc(&out, ';');
	}
	same = strcmp(buf_str(&out), want) == 0;
	if (!same)
		printf("# %s\n", buf_data(&out));
	buf_free(&out);
	sse_free(&s);
	return same;
}

static void
test_stream(const char *name, const char *text, size_t n, const char *want)
{
	bool passed = true;

	EXPECT(parses(text, n, n, n, want), "whole");
	for (size_t step = 1; step <= 3; step++)
		EXPECT(parses(text, n, step, step, want), "in small pieces");
	for (size_t at = 1; at < n; at++)
		EXPECT(parses(text, n, at, n, want), "in two pieces");
	TEST(passed, name);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
		test_stream(streams[i].name, streams[i].text, strlen(streams[i].text), streams[i].want);
	return test_exit();
}
