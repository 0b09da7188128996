/* SPDX-License-Identifier: MIT */
/* A growing byte buffer with a maximum: bytes are added at its end and taken from its front. */
#ifndef LB_BASE_BUF_H
#define LB_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *mem;	/* the allocation, NULL while there is none */
	size_t start;	/* where the content begins in mem */
	size_t end;	/* where it ends */
	size_t cap;	/* octets allocated */
	size_t max;	/* octets that may ever be held at once */
	bool failed;	/* an addition did not fit or memory ran out; stays until buf_clear */
};

/* An empty buffer that will hold at most `max` octets. Allocates nothing. */
#define BUF_INIT(MAX) ((struct buf){ .max = (MAX) })
void buf_init(struct buf *b, size_t max);

/* Frees the memory; the buffer is empty and usable again. NULL is fine. */
void buf_free(struct buf *b);

/*
 * The content: `buf_len` octets from `buf_data`. Valid until the next call that adds or reserves. Before the first
 * allocation it is NULL, to which C forbids adding even 0.
 */
static inline char *buf_data(const struct buf *b) { return b->start > 0 ? b->mem + b->start : b->mem; }
static inline size_t buf_len(const struct buf *b) { return b->end - b->start; }

/*
 * Room for `n` more octets behind the content. Returns where to write them; `buf_commit` then makes what was
 * written part of the content. Returns NULL, and marks the buffer failed, if `n` more would pass the maximum or
 * memory is short; the content is untouched.
 */
char *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);

/* Takes `n` octets (at most buf_len) from the front. An emptied buffer starts over at no cost. */
void buf_consume(struct buf *b, size_t n);

/* Drops the content and the failure mark, keeps the memory. */
void buf_clear(struct buf *b);

/* Gives back memory if an empty buffer holds more than `keep` octets of it. */
void buf_trim(struct buf *b, size_t keep);

/*
 * Additions at the end. One that does not fit marks the buffer failed and adds nothing; so does every later one, so
 * that a caller may write many and look at `failed` once. `buf_printf` is printf(3)'s formatting, and needs room for one octet more than it adds.
 */
void buf_put(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_put_u64(struct buf *b, uint64_t v);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));

/* The content as a C string: a NUL stands behind it, not counted. NULL if there is no room for one. */
const char *buf_str(struct buf *b);

#endif
