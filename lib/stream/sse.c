/* SPDX-License-Identifier: MIT */
#include "stream/sse.h"

#include <stdint.h>
#include <string.h>

#include "base/limits.h"

static const char bom[] = "\xef\xbb\xbf";

/* Whether a word of eight octets has a CR or LF. */
static bool
has_line_end(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
	uint64_t lf = w ^ (ones * '\n'), cr = w ^ (ones * '\r');

	return (((lf - ones) & ~lf) | ((cr - ones) & ~cr)) & highs;
}

/* The first CR or LF from `i` on, `n` if there is none. One pass for both: memchr for each would be quadratic. */
static size_t
find_line_end(const char *text, size_t i, size_t n)
{
	uint64_t word;

	for (; n - i >= sizeof word; i += sizeof word) {
		memcpy(&word, text + i, sizeof word);
		if (has_line_end(word))
			break;
	}
	while (i < n && text[i] != '\n' && text[i] != '\r')
		i++;
	return i;
}

static bool
is_bare(const char *line, size_t n)
{
	size_t i = 0;

	while (i < n && (line[i] == ' ' || line[i] == '\t'))
		i++;
	return i < n && (line[i] == '{' || line[i] == '[');
}

static bool
begins_with(const char *p, size_t n, const char *prefix, size_t prefix_len)
{
	return n >= prefix_len && memcmp(p, prefix, prefix_len) == 0;
}

#define BEGINS_WITH(P, N, LITERAL) begins_with((P), (N), LITERAL, sizeof LITERAL - 1)

void
sse_init(struct sse *s, size_t max)
{
	*s = (struct sse){ .partial = BUF_INIT(max) };
}

void
sse_free(struct sse *s)
{
	buf_free(&s->partial);
}

/* A line that ended at `end`: what item it completes, if any. */
static enum sse_kind
take_line(struct sse *s, const char *text, size_t end)
{
	const char *line = text + s->line;
	size_t len = end - s->line;

	if (len == 0)
		return s->lines == 0 ? SSE_BLANK : SSE_EVENT;
	if (s->lines == 0 && line[0] == ':')
		return SSE_COMMENT;
	return is_bare(line, len) ? SSE_EVENT : SSE_MORE;
}

/* Goes on with the event that begins at `text`, of which `n` octets are there, up to the end of an item. */
static enum sse_kind
scan(struct sse *s, const char *text, size_t n)
{
	while (s->pos < n) {
		enum sse_kind kind;
		size_t end;

		if (s->cr) {
			s->cr = false;
			if (text[s->pos] == '\n') {
				s->line = ++s->pos;
				continue;
			}
		}
		end = find_line_end(text, s->pos, n);
		s->pos = end;
		if (end == n)
			break;
		s->cr = text[end] == '\r';
		s->has_cr |= s->cr;
		s->pos++;
		if ((kind = take_line(s, text, end)) != SSE_MORE)
			return kind;
		s->line = s->pos;
		if (++s->lines == 1)
			s->second = s->pos;
	}
	return SSE_MORE;
}

static void
read_data_line(struct sse_item *item, const char *value, size_t n)
{
	if (item->data_lines++ > 0)
		return;
	item->data = value;
	item->data_len = n;
}

/* Takes one line of an event: §9.2.6, the field's name up to the first colon, then a space that does not count. */
static void
read_line(struct sse_item *item, const char *line, size_t n, bool first)
{
	bool spaced;

	if (is_bare(line, n)) {
		item->bare = true;
		read_data_line(item, line, n);
	} else if (BEGINS_WITH(line, n, "data:") || (n == 4 && memcmp(line, "data", 4) == 0)) {
		spaced = n > 5 && line[5] == ' ';
		item->unspaced |= !spaced;
		read_data_line(item, n > 4 ? line + 5 + spaced : line + n, n > 4 ? n - 5 - spaced : 0);
	} else if (BEGINS_WITH(line, n, "event:")) {
		spaced = n > 6 && line[6] == ' ';
		item->ragged_name |= !spaced || !first;
		item->name = line + 6 + spaced;
		item->name_len = n - 6 - spaced;
	} else {
		item->other_lines = true;
	}
}

static void
read_lines(struct sse_item *item)
{
	const char *text = item->raw;
	size_t n = item->raw_len, line = 0;

	while (line < n) {
		size_t end = find_line_end(text, line, n);

		if (end > line)
			read_line(item, text + line, end - line, line == 0);
		line = end + 1;
	}
}

/* Tells what the item in the first `s->pos` octets of `text` is, and gets ready for the next. */
static void
hand_out(struct sse *s, enum sse_kind kind, const char *text, bool in_input, struct sse_item *item)
{
	size_t n = s->pos;

	*item = (struct sse_item){ .raw = text, .raw_len = n, .in_input = in_input, .has_cr = s->has_cr };
	if (kind == SSE_COMMENT) {
		item->data = text;
		item->data_len = n - 1;
	} else if (kind == SSE_EVENT) {
		item->exact = s->lines == 2 && !s->has_cr && text[n - 2] == '\n' && BEGINS_WITH(text, n, "event: ") &&
		    BEGINS_WITH(text + s->second, n - s->second, "data: ");
		if (item->exact) {
			item->name = text + 7;
			item->name_len = s->second - 1 - 7;
			item->data = text + s->second + 6;
			item->data_len = n - 2 - s->second - 6;
			item->data_lines = 1;
		} else {
			read_lines(item);
		}
	}
	s->pos = s->line = s->second = s->lines = 0;
	s->has_cr = false;
}

/* Drops a byte order mark. False if more octets are needed to know. */
static bool
begin(struct sse *s, const char **p, size_t *n)
{
	while (s->bom_len < sizeof bom - 1) {
		if (*n == 0)
			return false;
		if (**p != bom[s->bom_len]) {
			/* What looked like a mark is text. */
			buf_put(&s->partial, bom, s->bom_len);
			s->begun = true;
			return true;
		}
		s->bom_len++;
		++*p;
		--*n;
	}
	s->begun = s->had_bom = true;
	return true;
}

/* The next item, where its beginning is held already: the rest of it is added, and no more than that. */
static enum sse_kind
next_held(struct sse *s, const char **p, size_t *n, struct sse_item *item)
{
	while (*n > 0) {
		size_t end = find_line_end(*p, 0, *n), len = end < *n ? end + 1 : end;
		enum sse_kind kind;

		buf_put(&s->partial, *p, len);
		if (s->partial.failed)
			return SSE_TOO_LARGE;
		*p += len;
		*n -= len;
		kind = scan(s, buf_data(&s->partial), buf_len(&s->partial));
		if (kind != SSE_MORE) {
			hand_out(s, kind, buf_data(&s->partial), false, item);
			s->handed_out = true;
			return kind;
		}
	}
	return SSE_MORE;
}

/* The next item, where none is held: it is found in the input, or held until more comes. */
static enum sse_kind
next_in_input(struct sse *s, const char **p, size_t *n, struct sse_item *item)
{
	enum sse_kind kind = scan(s, *p, *n);

	if (kind == SSE_MORE) {
		buf_put(&s->partial, *p, *n);
		*p += *n;
		*n = 0;
		return s->partial.failed ? SSE_TOO_LARGE : SSE_MORE;
	}
	if (s->pos > s->partial.max) {
		s->partial.failed = true;
		return SSE_TOO_LARGE;
	}
	hand_out(s, kind, *p, true, item);
	*p += item->raw_len;
	*n -= item->raw_len;
	return kind;
}

enum sse_kind
sse_next(struct sse *s, const char **p, size_t *n, struct sse_item *item)
{
	if (s->handed_out) {
		buf_clear(&s->partial);
		buf_trim(&s->partial, SSE_PARTIAL_KEEP);
		s->handed_out = false;
	}
	if (s->partial.failed)
		return SSE_TOO_LARGE;
	if (!s->begun && !begin(s, p, n))
		return SSE_MORE;
	if (buf_len(&s->partial) > 0)
		return next_held(s, p, n, item);
	if (s->cr && *n > 0) {
		s->cr = false;
		if (**p == '\n') {
			++*p;
			--*n;
		}
	}
	return next_in_input(s, p, n, item);
}

bool
sse_finish(struct sse *s, struct sse_item *item)
{
	if (s->handed_out || s->partial.failed || buf_len(&s->partial) == 0)
		return false;
	*item = (struct sse_item){ .raw = buf_data(&s->partial), .raw_len = buf_len(&s->partial), .has_cr = s->has_cr };
	read_lines(item);
	s->handed_out = true;
	return item->data_lines > 0;
}

const char *
sse_data(const struct sse_item *event, struct buf *joined, size_t *n)
{
	size_t line = 0;
	bool first = true;

	*n = event->data_len;
	if (event->data_lines <= 1)
		return event->data;
	buf_clear(joined);
	while (line < event->raw_len) {
		size_t end = find_line_end(event->raw, line, event->raw_len);
		struct sse_item one = { .data_lines = 0 };

		if (end > line)
			read_line(&one, event->raw + line, end - line, false);
		if (one.data_lines > 0) {
			if (!first)
				buf_putc(joined, '\n');
			buf_put(joined, one.data, one.data_len);
			first = false;
		}
		line = end + 1;
	}
	*n = buf_len(joined);
	return joined->failed ? NULL : buf_data(joined);
}
