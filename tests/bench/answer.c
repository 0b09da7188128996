/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/num.h"

void
answer_init(struct answer *a)
{
	*a = (struct answer){ .state = ANSWER_HEAD };
}

static bool
begins(const char *p, size_t n, const char *with)
{
	size_t len = strlen(with);

	return n >= len && strncasecmp(p, with, len) == 0;
}

/* An event that the blank line at hand has ended. */
static void
end_event(struct answer *a, int64_t now_ns, answer_gap *gap)
{
	if (!a->in_event)
		return;
	if (a->last_ns == 0)
		a->first_ns = now_ns;
	else
		gap(now_ns - a->last_ns);
	a->last_ns = now_ns;
	a->events += !a->is_ping;
	a->stopped = a->is_stop;
	a->in_event = a->is_ping = a->is_stop = false;
}

static void
end_line(struct answer *a, int64_t now_ns, answer_gap *gap)
{
	size_t n = a->line_len < sizeof a->line ? a->line_len : sizeof a->line;

	if (n == 0) {
		end_event(a, now_ns, gap);
		return;
	}
	a->in_event = true;
	a->is_ping |= begins(a->line, n, "event: ping");
	a->is_stop |= begins(a->line, n, "event: message_stop");
	a->failed_event |= begins(a->line, n, "event: error");
	a->line_len = 0;
}

/* A line may come in parts, cut anywhere: its beginning is kept. */
static void
read_events(struct answer *a, const char *p, size_t n, int64_t now_ns, answer_gap *gap)
{
	while (n > 0) {
		const char *newline = memchr(p, '\n', n);
		size_t line = newline ? (size_t)(newline - p) : n;

		for (size_t i = 0; i < line && a->line_len + i < sizeof a->line; i++)
			a->line[a->line_len + i] = p[i];
		a->line_len += line;
		if (newline == NULL)
			return;
		end_line(a, now_ns, gap);
		n -= line + 1;
		p += line + 1;
	}
}

static void
read_body(struct answer *a, struct buf *input, int64_t now_ns, answer_gap *gap)
{
	size_t n = buf_len(input);

	if ((a->has_length || a->chunked) && n > a->left)
		n = a->left;
	if (a->body_bytes == 0 && n > 0)
		a->first_ns = now_ns;
	a->body_bytes += n;
	read_events(a, buf_data(input), n, now_ns, gap);
	buf_consume(input, n);
	a->left -= a->has_length || a->chunked ? n : 0;
	if (a->left == 0 && a->chunked)
		a->state = ANSWER_CHUNK_END;
	else if (a->left == 0 && a->has_length)
		a->state = ANSWER_DONE;
}

static const char *
read_field(struct answer *a, const char *p, size_t n)
{
	static const char length[] = "content-length:", coding[] = "transfer-encoding: chunked", close[] = "connection: close";
	uint64_t left;

	if (begins(p, n, length)) {
		p += sizeof length - 1;
		n -= sizeof length - 1;
		while (n > 0 && *p == ' ')
			p++, n--;
		if (!num_parse(p, n, RECORD_PAYLOAD_MAX, &left))
			return "the content-length is no number";
		a->left = (size_t)left;
		a->has_length = true;
	} else if (begins(p, n, coding)) {
		a->chunked = true;
	} else if (begins(p, n, close)) {
		a->close = true;
	}
	return NULL;
}

static const char *
read_head_line(struct answer *a, const char *p, size_t n)
{
	uint64_t status;

	if (a->status == 0) {
		if (n < sizeof "HTTP/1.1 200" - 1 || !begins(p, n, "HTTP/1.") || !num_parse(p + 9, 3, 999, &status))
			return "the answer does not begin with a status line";
		a->status = (int)status;
		return NULL;
	}
	if (n > 0)
		return read_field(a, p, n);
	if (a->status == 100)
		answer_init(a);
	else if (a->chunked)
		a->state = ANSWER_CHUNK_SIZE;
	else if (a->has_length && a->left == 0)
		a->state = ANSWER_DONE;
	else
		a->state = ANSWER_BODY;
	return NULL;
}

/* A line of the framing: of the head, of a chunk, of the trailer. */
static const char *
read_line(struct answer *a, const char *p, size_t n)
{
	uint64_t size;

	switch (a->state) {
	case ANSWER_HEAD:
		return read_head_line(a, p, n);
	case ANSWER_CHUNK_SIZE:
		if (!num_parse_hex(p, n, RECORD_PAYLOAD_MAX, &size))
			return "the size of a chunk is no number";
		a->left = (size_t)size;
		a->state = size > 0 ? ANSWER_CHUNK : ANSWER_TRAILER;
		return NULL;
	case ANSWER_CHUNK_END:
		a->state = ANSWER_CHUNK_SIZE;
		return n == 0 ? NULL : "a chunk is longer than it said";
	default:
		if (n == 0)
			a->state = ANSWER_DONE;
		return NULL;
	}
}

const char *
answer_read(struct answer *a, struct buf *input, int64_t now_ns, answer_gap *gap)
{
	const char *why = NULL;

	while (why == NULL && a->state != ANSWER_DONE && buf_len(input) > 0) {
		const char *p = buf_data(input), *newline;
		size_t n = buf_len(input);

		if (a->state == ANSWER_BODY || a->state == ANSWER_CHUNK) {
			read_body(a, input, now_ns, gap);
			continue;
		}
		if ((newline = memchr(p, '\n', n)) == NULL)
			return NULL;
		n = (size_t)(newline - p);
		if (n == 0 || p[n - 1] != '\r')
			return "a line of the framing does not end with CR LF";
		why = read_line(a, p, n - 1);
		buf_consume(input, n + 1);
	}
	return why;
}

const char *
answer_eof(struct answer *a)
{
	if (a->state == ANSWER_BODY && !a->has_length) {
		a->state = ANSWER_DONE;
		a->close = true;
		return NULL;
	}
	return a->state == ANSWER_HEAD && a->status == 0 ? "the connection ended without an answer" :
	    "the connection ended in the middle of the answer";
}
