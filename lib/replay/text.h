/* SPDX-License-Identifier: MIT */
/* The small grammars within a line of a replay script: words, escapes, globs, times and substitutions. */
#ifndef LB_REPLAY_TEXT_H
#define LB_REPLAY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* `len` octets at `p`, in somebody else's memory. */
struct replay_text {
	const char *p;
	size_t len;
};

/* Whether `text` is the C string `s`. */
bool replay_text_is(struct replay_text text, const char *s);

/* Takes the next word, up to a blank, off the front of `*text`, and the blanks around it. Empty at the end. */
struct replay_text replay_text_word(struct replay_text *text);

/* Whether `pattern`, in which `*` stands for any text, an empty one too, covers the whole of `text`. */
bool replay_glob(struct replay_text pattern, struct replay_text text);

/* Reads `20ms` or `2s`, at most `max_ms`. False for anything else. */
bool replay_text_time(struct replay_text text, uint64_t max_ms, uint64_t *ms);

/*
 * Writes the `n` octets at `p` to themselves with the escapes \n \r \t \\ \xHH replaced; `*len` is what is left of them.
 * False, with `*bad` at the backslash, if there is another.
 */
bool replay_unescape(char *p, size_t n, size_t *len, const char **bad);

/* What the substitutions of a text stand for. */
struct replay_values {
	struct replay_text model;	/* ${model}: the request's, as its body has it between the quotes */
	uint64_t count;			/* ${count}: the number of this request among those that the block got, from 1 */
	uint64_t round;			/* ${round}: the round of the innermost repeat, from 1 */
};

enum replay_substitution {
	REPLAY_MODEL = 1,
	REPLAY_COUNT = 2,
	REPLAY_ROUND = 4
};

/*
 * Checks the substitutions of a text, of which those in the set `allowed` may be used. Returns true, or false with the
 * one that is wrong, as it stands there. `$${` stands for `${`.
 */
bool replay_text_check(struct replay_text text, unsigned allowed, struct replay_text *bad);

/* Adds a checked text, substituted, each line feed written as `newline` (NULL: as it is). */
void replay_text_put(
    struct buf *out, struct replay_text text, const struct replay_values *values, const char *newline);

#endif
