/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/num.h"
#include "http/chars.h"
#include "http/request.h"

enum { SIZE_DIGITS_MAX = 16 };

enum state {
	SIZE,			/* the first state, so that zero begins */
	EXTENSION,
	EXTENSION_QUOTED,
	EXTENSION_ESCAPED,
	SIZE_LF,
	CONTENT,
	CONTENT_CR,
	CONTENT_LF,
	TRAILER,		/* the beginning of a line */
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	END_LF,
	ENDED,
	BROKEN
};

static enum http_result
refuse(struct http_chunked *chunked, const char *why)
{
	chunked->state = BROKEN;
	chunked->why = why;
	return HTTP_BAD;
}

static enum http_result
go(struct http_chunked *chunked, enum state state)
{
	chunked->state = (int)state;
	return HTTP_MORE;
}

/* A hexadecimal digit, or what may stand behind them. */
static enum http_result
step_size(struct http_chunked *chunked, char c)
{
	uint64_t digit;

	if (num_parse_hex(&c, 1, 15, &digit)) {
		if (chunked->line == SIZE_DIGITS_MAX)
			return refuse(chunked, "a chunk size of too many digits");
		chunked->line++;
		chunked->size = chunked->size << 4 | digit;
		return HTTP_MORE;
	}
	if (chunked->line == 0 || (c != '\r' && c != ';'))
		return refuse(chunked, "a chunk size that is no hexadecimal number");
	if (chunked->size > UINT64_MAX - chunked->total)
		return refuse(chunked, "chunks beyond all numbers");
	chunked->line++;
	return go(chunked, c == ';' ? EXTENSION : SIZE_LF);
}

/* RFC 9112 §7.1.1. A line end inside quotes would be one for one reader and text for another. */
static enum http_result
step_extension(struct http_chunked *chunked, char c)
{
	if (c == '\r' && chunked->state == EXTENSION)
		return go(chunked, SIZE_LF);
	if (++chunked->line > CHUNK_LINE_MAX)
		return refuse(chunked, "a chunk size line that is too long");
	/* Else a body of one octet a chunk could cost its reader four thousand times its length. */
	if (++chunked->extensions > CHUNK_EXTENSIONS_MAX && chunked->extensions - CHUNK_EXTENSIONS_MAX > chunked->total)
		return refuse(chunked, "more chunk extensions than content");
	if (!http_is(c, HTTP_TEXT))
		return refuse(chunked, "a control character in a chunk extension");
	if (chunked->state == EXTENSION_ESCAPED)
		return go(chunked, EXTENSION_QUOTED);
	if (chunked->state == EXTENSION_QUOTED && c == '\\')
		return go(chunked, EXTENSION_ESCAPED);
	if (c == '"')
		return go(chunked, chunked->state == EXTENSION ? EXTENSION_QUOTED : EXTENSION);
	return HTTP_MORE;
}

/* The line feed behind a size. */
static enum http_result
step_size_end(struct http_chunked *chunked, char c)
{
	if (c != '\n')
		return refuse(chunked, "a carriage return without a line feed behind a chunk size");
	chunked->left = chunked->size;
	chunked->size = 0;
	chunked->line = 0;
	return go(chunked, chunked->left > 0 ? CONTENT : TRAILER);
}

static enum http_result
step_trailer(struct http_chunked *chunked, char c)
{
	if (++chunked->line > TRAILERS_MAX)
		return refuse(chunked, "a trailer section that is too long");
	switch (chunked->state) {
	case TRAILER:
		if (c == '\r')
			return go(chunked, END_LF);
		/* fall through */
	case TRAILER_NAME:
		if (c == ':' && chunked->state == TRAILER_NAME)
			return go(chunked, TRAILER_VALUE);
		if (!http_is(c, HTTP_TOKEN))
			return refuse(chunked, "a trailer line without a name and a colon");
		return go(chunked, TRAILER_NAME);
	case TRAILER_VALUE:
		if (c == '\r')
			return go(chunked, TRAILER_LF);
		if (!http_is(c, HTTP_TEXT))
			return refuse(chunked, "a control character in a trailer");
		return HTTP_MORE;
	default:
		if (c != '\n')
			return refuse(chunked, "a carriage return without a line feed in the trailers");
		if (chunked->state == TRAILER_LF)
			return go(chunked, TRAILER);
		chunked->state = ENDED;
		return HTTP_OK;
	}
}

/* One octet that is not content. */
static enum http_result
step(struct http_chunked *chunked, char c)
{
	switch (chunked->state) {
	case SIZE:
		return step_size(chunked, c);
	case EXTENSION:
	case EXTENSION_QUOTED:
	case EXTENSION_ESCAPED:
		return step_extension(chunked, c);
	case SIZE_LF:
		return step_size_end(chunked, c);
	case CONTENT_CR:
		return c == '\r' ? go(chunked, CONTENT_LF) : refuse(chunked, "a chunk that is longer than its size");
	case CONTENT_LF:
		return c == '\n' ? go(chunked, SIZE) : refuse(chunked, "no line feed behind a chunk");
	default:
		return step_trailer(chunked, c);
	}
}

enum http_result
http_chunked_decode(struct http_chunked *chunked, char *p, size_t n, size_t *used, size_t *len)
{
	enum http_result result = HTTP_MORE;

	*used = *len = 0;
	if (chunked->state == ENDED || chunked->state == BROKEN)
		return chunked->state == ENDED ? HTTP_OK : HTTP_BAD;
	while (*used < n && result == HTTP_MORE) {
		size_t part = n - *used;

		if (chunked->state != CONTENT) {
			result = step(chunked, p[(*used)++]);
			continue;
		}
		if (part > chunked->left)
			part = (size_t)chunked->left;
		memmove(p + *len, p + *used, part);
		*len += part;
		*used += part;
		chunked->left -= part;
		chunked->total += part;
		if (chunked->left == 0)
			chunked->state = CONTENT_CR;
	}
	return result;
}
