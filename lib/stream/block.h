/* SPDX-License-Identifier: MIT */
/*
 * The content blocks of a message and their deltas: which belong together, and what a block must begin with (Anthropic's
 * Messages API, streaming). Pure.
 */
#ifndef LB_STREAM_BLOCK_H
#define LB_STREAM_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"
#include "stream/repair.h"

enum block_kind {
	BLOCK_NONE,
	BLOCK_TEXT,
	BLOCK_THINKING,
	BLOCK_REDACTED,		/* redacted_thinking, which has no deltas */
	BLOCK_TOOL,		/* a call that the client answers */
	BLOCK_SERVER_TOOL,	/* a call that the provider answers itself */
	BLOCK_OTHER		/* of a type that may have any delta */
};

/* Whether a block of this kind is a tool call, whose input comes in deltas. */
static inline bool
block_has_input(enum block_kind kind)
{
	return kind == BLOCK_TOOL || kind == BLOCK_SERVER_TOOL;
}

/* What a block began with. */
struct block {
	enum block_kind kind;
	struct json object;	/* the `content_block` */
	struct json name;	/* of a tool call */
	struct json input;	/* the whole input that a tool call began with, of length 0 if it has none */
	struct json text;	/* the text or thinking that it began with, a string, likewise */
	struct json signature;	/* that of thinking, likewise */
	bool lacks_text;	/* its text or thinking is missing */
	bool lacks_id;		/* a tool call's id is missing */
	bool lacks_input;	/* a tool call's input is missing */
};

/* Reads a `content_block`. Returns NULL, or in a few words what is wrong with it beyond repair. */
const char *block_read(struct block *block, struct json object);

/*
 * Adds the block to `out` if it has to begin otherwise than it did, with nothing in it yet, and counts why; else adds
 * nothing. `number` and `request_id` (or NULL) make an id for a tool call without one.
 */
void block_mend(const struct block *block, size_t number, const char *request_id, struct repairs *repairs, struct buf *out);

struct delta {
	bool known;		/* its type is one of those with a payload that is known here */
	enum block_kind block;	/* where it belongs, if known; BLOCK_TOOL for both kinds of calls */
	struct json type;	/* a string */
	struct json payload;	/* if known: what it brings. Of length 0 if there is nothing (null) */
};

/* Reads a `delta` of a block. Returns NULL, or what is wrong with it. */
const char *delta_read(struct delta *delta, struct json object);

#endif
