/* SPDX-License-Identifier: MIT */
/* Members of JSON objects: several found in one pass, and objects written again with some of them changed. Pure. */
#ifndef LB_STREAM_MEMBERS_H
#define LB_STREAM_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"

struct member_name {
	const char *p;
	size_t len;
};

#define MEMBER(LITERAL) { LITERAL, sizeof LITERAL - 1 }

/* Which of the `n` names a key is, a scanned string; `n` if none. */
size_t members_which(struct json key, const struct member_name names[], size_t n);

/*
 * Reads the object that begins at `text`, of which `n` octets are there: `values[i]` is the member `names[i]`, of length 0
 * if it is absent, and `*object` is the whole. False if there is no object, or if it has one of them twice, since readers
 * would not agree on it.
 */
bool members_read(const char *text, size_t n, const struct member_name names[], size_t count, struct json values[],
    struct json *object);

/* A member's new value. */
struct member_edit {
	const char *name;
	struct json value;
};

/* Adds a scanned object to `out`, with new values for some members; those that it lacks stand behind the others. */
void members_put(struct buf *out, struct json object, const struct member_edit edits[], size_t count);

/* Adds the members of two scanned objects: those of `older`, with the values that `newer` has for them, then its others. */
void members_put_merged(struct buf *out, struct json older, struct json newer);

#endif
