/* SPDX-License-Identifier: MIT */
/* Comments in a JSON text: from two slashes to the line's end, and from slash and star to star and slash. */
#ifndef LB_CONFIG_COMMENT_H
#define LB_CONFIG_COMMENT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Overwrites each comment, and a byte order mark at the beginning, with blanks, so that what remains is JSON whose
 * values stand where they stood. Line feeds stay. False if a comment is not closed: `*at` is where it begins.
 */
bool comment_blank(char *text, size_t n, size_t *at);

#endif
