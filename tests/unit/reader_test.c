/* SPDX-License-Identifier: MIT */
#include "edge/reader.h"

#include "base/json.h"
#include "record/record.h"
#include "test.h"

/* What a request became: its record without the parts that differ each time, its body, what is left, or why it is bad. */
struct outcome {
	enum reader_state state;
	char text[2048];
};

static void
put_member(struct buf *out, struct json header, const char *name)
{
	struct json value;

	if (json_find(header, name, &value)) {
		buf_put(out, value.p, value.len);
		buf_putc(out, ' ');
	}
}

static struct outcome
outcome_of(struct reader *r)
{
	struct outcome result = { .state = r->state };
	struct buf text = BUF_INIT(sizeof result.text - 1);
	struct record record;
	const char *why;

	if (r->state == READER_BAD) {
		buf_printf(&text, "%d", r->status);
	} else if (r->state == READER_WHOLE) {
		record_finish_payload(&r->record, buf_data(&r->body), buf_len(&r->body));
		if (record_parse(buf_data(&r->record), buf_len(&r->record), &record, &why) != RECORD_OK)
			buf_puts(&text, why);
		put_member(&text, record.header, "method");
		put_member(&text, record.header, "target");
		put_member(&text, record.header, "version");
		put_member(&text, record.header, "close");
		put_member(&text, record.header, "headers");
		put_member(&text, record.header, "peer");
		buf_put(&text, record.payload, record.payload_len);
		buf_printf(&text, " rest %zu", buf_len(&r->in));
	}
	memcpy(result.text, buf_data(&text), buf_len(&text));
	buf_free(&text);
	return result;
}

/* Feeds `n` octets, split before `first` and then every `step`, as a caller of the reader does. */
static struct outcome
feed(const char *p, size_t n, size_t first, size_t step, size_t max_body)
{
	struct reader r;
	struct outcome result;
	size_t at = 0, next = first;

	reader_init(&r, max_body);
	while (at < n && r.state != READER_WHOLE && r.state != READER_BAD) {
		size_t want, piece;
		struct buf *room = reader_room(&r, &want);

		piece = next - at < want ? next - at : want;
		buf_put(room, p + at, piece);
		at += piece;
		if (at == next)
			next = next + step < n ? next + step : n;
		reader_advance(&r, 7, "127.0.0.1:1");
	}
	if (r.state == READER_WHOLE)
		buf_put(&r.in, p + at, n - at);
	result = outcome_of(&r);
	reader_free(&r);
	return result;
}

static const struct {
	const char *name, *request, *want;
} requests[] = {
	{ "a body of known length, and what follows it",
	    "POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET",
	    "\"POST\" \"/a?b\" \"1.1\" false {\"host\":\"x\",\"content-length\":\"5\"} \"127.0.0.1:1\" hello rest 3" },
	{ "a chunked body with an extension and a trailer",
	    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n!",
	    "\"POST\" \"/\" \"1.1\" false {\"host\":\"x\",\"transfer-encoding\":\"chunked\"} \"127.0.0.1:1\" hello rest 1" },
	{ "repeats are joined, names are in lower case, octets are characters",
	    "GET / HTTP/1.1\r\nHOST: x\r\nBeta: 1\r\nA: \xe9\"\r\nbeta: 2\r\n\r\n",
	    "\"GET\" \"/\" \"1.1\" false {\"host\":\"x\",\"beta\":\"1, 2\",\"a\":\"\\u00e9\\\"\"} \"127.0.0.1:1\"  rest 0" },
	{ "HTTP/1.0 ends after its answer", "GET / HTTP/1.0\r\n\r\n", "\"GET\" \"/\" \"1.0\" true {} \"127.0.0.1:1\"  rest 0" },
	{ "length and coding together", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "400" },
	{ "a bad chunk size", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nhel\r\n", "400" },
	{ "a body beyond the limit", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 21\r\n\r\n", "413" },
	{ "chunks beyond the limit",
	    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n123456789012345\r\n6\r\n123456\r\n0\r\n\r\n", "413" },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		const char *p = requests[i].request;
		size_t n = strlen(p);
		bool passed = true;
		struct outcome whole = feed(p, n, n, n, 20);

		EXPECT(strcmp(whole.text, requests[i].want) == 0, whole.text);
		EXPECT(strcmp(feed(p, n, 1, 1, 20).text, requests[i].want) == 0, "octet by octet");
		for (size_t split = 1; split < n; split++)
			EXPECT(strcmp(feed(p, n, split, n, 20).text, requests[i].want) == 0, "at a split");
		TEST(passed, requests[i].name);
	}
	return test_exit();
}
