/* SPDX-License-Identifier: MIT */
/*
 * The input of a tool call as its deltas bring it: is it a JSON object (RFC 8259), and is it whole? It may be cut anywhere,
 * within an escape too. Pure, and nothing of it is kept.
 */
#ifndef LB_STREAM_TOOLINPUT_H
#define LB_STREAM_TOOLINPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "base/limits.h"

struct toolinput {
	unsigned char state;		/* private */
	unsigned char digits;		/* hexadecimal digits that an escape still lacks */
	bool blank;			/* white space came before anything else */
	bool in_name;			/* the string at hand is a member's name */
	const char *word;		/* what is still missing of `true`, `false`, `null` */
	size_t depth;			/* open brackets, one bit each: 1 for an object */
	unsigned char bits[JSON_DEPTH_MAX / 8];
};

/* Nothing has come yet. */
void toolinput_begin(struct toolinput *t);

/*
 * Takes the next piece, a scanned JSON string with the text in it. False if what has come cannot become a JSON object any
 * more, or is nested deeper than JSON_DEPTH_MAX; then and ever after.
 */
bool toolinput_take(struct toolinput *t, struct json string);

enum toolinput_extent {
	TOOLINPUT_NONE,		/* not an octet: what the API sends for an empty object */
	TOOLINPUT_BLANK,	/* white space only */
	TOOLINPUT_CUT,
	TOOLINPUT_WHOLE
};

enum toolinput_extent toolinput_extent(const struct toolinput *t);

#endif
