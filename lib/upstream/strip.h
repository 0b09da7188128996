/* SPDX-License-Identifier: MIT */
/*
 * Thinking that another provider has signed, taken out of a request of Anthropic's Messages API: the blocks `thinking` and
 * `redacted_thinking` in the content of assistant messages. Every other octet stays as it is. Pure.
 */
#ifndef LB_UPSTREAM_STRIP_H
#define LB_UPSTREAM_STRIP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* A piece of the body that is left out: blocks that stand side by side, and the commas that belong to them. */
struct strip_cut {
	size_t at, len;		/* octets, the offset that of the body */
	const char *instead;	/* what goes in its place; NULL: nothing */
};

/* The cuts, in the order of the body; they neither touch nor overlap. */
struct strip {
	struct buf cuts;	/* of struct strip_cut */
	size_t blocks;		/* that are cut out by all of them */
};

void strip_init(struct strip *strip);
void strip_free(struct strip *strip);

/* How many cuts there are, and the first of them. */
size_t strip_count(const struct strip *strip);
const struct strip_cut *strip_cuts(const struct strip *strip);

/*
 * Finds what is to be cut out of the `n` octets at `body`. Where members of a name stand twice, the last `role` and
 * `type` hold, and each `messages` and `content` is looked through. What tool results contain, and the parameter
 * `thinking`, are left alone.
 *
 * The API takes no message without content. One of which all blocks are cut gets a text block, `(no content)`, in their
 * place; the last message of all gets none: it may be empty, and a text there would be the beginning of the answer.
 *
 * False, with nothing found, if the body is no JSON object, there are more than STRIP_CUTS_MAX cuts, or memory is short.
 */
bool strip_find(struct strip *strip, const char *body, size_t n);

/* Adds the body that the cuts were found in, without them. Room is told by `out->failed`. */
void strip_put(struct buf *out, const struct strip *strip, const char *body, size_t n);

#endif
