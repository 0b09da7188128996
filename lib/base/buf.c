/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256 };

void
buf_init(struct buf *b, size_t max)
{
	*b = BUF_INIT(max);
}

void
buf_free(struct buf *b)
{
	if (b == NULL)
		return;
	free(b->mem);
	*b = BUF_INIT(b->max);
}

/* Moves the content to the front of the allocation. */
static void
compact(struct buf *b)
{
	if (b->start == 0)
		return;
	memmove(b->mem, b->mem + b->start, b->end - b->start);
	b->end -= b->start;
	b->start = 0;
}

static bool
grow(struct buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : FIRST_CAPACITY;
	char *mem;

	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if ((mem = realloc(b->mem, cap)) == NULL)
		return false;
	b->mem = mem;
	b->cap = cap;
	return true;
}

char *
buf_reserve(struct buf *b, size_t n)
{
	size_t len = b->end - b->start;

	if (b->failed || n > b->max || len > b->max - n) {
		b->failed = true;
		return NULL;
	}
	if (b->mem == NULL || n > b->cap - b->end) {
		compact(b);
		if ((b->mem == NULL || n > b->cap - b->end) && !grow(b, b->end + n)) {
			b->failed = true;
			return NULL;
		}
	}
	return b->mem + b->end;
}

void
buf_commit(struct buf *b, size_t n)
{
	b->end += n;
}

void
buf_consume(struct buf *b, size_t n)
{
	b->start += n;
	if (b->start == b->end)
		b->start = b->end = 0;
}

void
buf_clear(struct buf *b)
{
	b->start = b->end = 0;
	b->failed = false;
}

void
buf_trim(struct buf *b, size_t keep)
{
	if (b->start == b->end && b->cap > keep) {
		bool failed = b->failed;

		buf_free(b);
		b->failed = failed;
	}
}

void
buf_put(struct buf *b, const void *p, size_t n)
{
	char *room;

	if (n == 0 || (room = buf_reserve(b, n)) == NULL)
		return;
	memcpy(room, p, n);
	b->end += n;
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_putc(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}

void
buf_put_u64(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t i = sizeof digits;

	do {
		digits[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	buf_put(b, digits + i, sizeof digits - i);
}

void
buf_vprintf(struct buf *b, const char *format, va_list ap)
{
	va_list again;
	char *room;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (n < 0) {
		b->failed = true;
		return;
	}
	/* vsnprintf ends with a NUL, which is not content. */
	if ((room = buf_reserve(b, (size_t)n + 1)) == NULL)
		return;
	vsnprintf(room, (size_t)n + 1, format, ap);
	b->end += (size_t)n;
}

void
buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	buf_vprintf(b, format, ap);
	va_end(ap);
}

const char *
buf_str(struct buf *b)
{
	char *room = buf_reserve(b, 1);

	if (room == NULL)
		return NULL;
	*room = '\0';
	return buf_data(b);
}
