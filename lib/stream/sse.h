/* SPDX-License-Identifier: MIT */
/*
 * An incremental parser of event streams (HTML Living Standard §9.2.6): memory in, events out as spans of it. Only an
 * event that the input cuts is copied. However the stream is cut, the same items come out.
 *
 * It takes what streams of LLM APIs are known to contain beyond the standard: a line that begins with `{` or `[` (`data:`
 * is missing) is an event of its own, or ends the one it stands in.
 */
#ifndef LB_STREAM_SSE_H
#define LB_STREAM_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum sse_kind {
	SSE_MORE,	/* the input is used up */
	SSE_EVENT,
	SSE_COMMENT,	/* a line that begins with `:`, between events */
	SSE_BLANK,	/* a blank line that ends no event */
	SSE_TOO_LARGE	/* an event is larger than it may be, or than memory: the parser cannot go on */
};

struct sse_item {
	const char *raw;	/* as it came, with its line ends (the LF of a CRLF at the end may be missing) */
	size_t raw_len;
	bool in_input;		/* raw lies in the input; else in the parser, until the next call */

	/* Of an event; `data` is also the line of a comment, from its colon to before the line's end. */
	const char *name;	/* the value of the last `event:` line, NULL if there is none */
	size_t name_len;
	const char *data;	/* the value of the first data line, NULL if there is none */
	size_t data_len;
	size_t data_lines;

	/* What distinguishes it from `event: NAME`, LF, `data: TEXT`, LF, LF; nothing does if `exact`. */
	bool exact;
	bool has_cr;		/* a line ended with CR or CRLF */
	bool bare;		/* a data line without `data:` */
	bool unspaced;		/* a `data:` without a space behind it */
	bool other_lines;	/* comments, `id:`, `retry:` or unknown fields */
	bool ragged_name;	/* `event:` without its space, or not once and first */
};

struct sse {
	struct buf partial;	/* an event that the input cut, from its beginning */
	bool handed_out;	/* what `partial` holds has been returned, and goes at the next call */
	bool begun;		/* the stream's first octets have been seen not to be, or no longer to be, a BOM */
	bool had_bom;		/* the stream began with a byte order mark, which was dropped */
	unsigned char bom_len;	/* how much of one has been seen */
	bool cr;		/* the octet before was a CR: an LF now belongs to it */

	/* The scan of the event at hand, in octets from its beginning. */
	size_t pos;		/* how far it has been scanned */
	size_t line;		/* where the line at `pos` begins */
	size_t second;		/* where the second line begins */
	size_t lines;		/* lines that have ended */
	bool has_cr;
};

/* A parser at the beginning of a stream, of events of at most `max` octets. Allocates nothing. */
void sse_init(struct sse *s, size_t max);
void sse_free(struct sse *s);

/* Takes the next item from the `*n` octets at `*p`, which advance. To be called until SSE_MORE, which takes all. */
enum sse_kind sse_next(struct sse *s, const char **p, size_t *n, struct sse_item *item);

/*
 * At the end of the stream: what stands there as an event, though the blank line behind it is missing. False if nothing
 * does. `item` is valid until sse_free.
 */
bool sse_finish(struct sse *s, struct sse_item *item);

/*
 * The data of an event: its data lines joined with LF, in `joined` (which it clears first) if there are several; `*n` is
 * the length. NULL if there are none, or memory is short.
 */
const char *sse_data(const struct sse_item *event, struct buf *joined, size_t *n);

#endif
