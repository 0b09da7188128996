/* SPDX-License-Identifier: MIT */
/*
 * A JSON scanner (RFC 8259): values are found as spans of the text, nothing is built and nothing allocated, so numbers,
 * key order and white space stay what they were. And the writing of JSON strings.
 *
 * Strict, but for one thing: octets of strings from 0x80 are not checked to be UTF-8; they pass as they are.
 */
#ifndef LB_BASE_JSON_H
#define LB_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* A value in somebody else's text: `len` octets at `p`, with quotes or brackets, without white space around it. */
struct json {
	const char *p;
	size_t len;
};

enum json_result {
	JSON_OK = 1,
	JSON_END = 0,	/* json_scan: the text ends inside the value; json_next: no further member */
	JSON_BAD = -1	/* not JSON, or nested deeper than JSON_DEPTH_MAX */
};

/*
 * Scans one value of the `n` octets at `text`, from `*pos`, white space before it included. On JSON_OK `*value` is it and
 * `*pos` stands behind it; on JSON_BAD `*pos` is where the text stops being JSON. A number that reaches the end of the
 * text counts as ended there.
 */
enum json_result json_scan(const char *text, size_t n, size_t *pos, struct json *value);

/* Scans a text that is one value with nothing but white space around it. JSON_BAD, JSON_END as above. */
enum json_result json_whole(const char *text, size_t n, struct json *value);

/* Walks over the members of an object or the elements of an array. Needs no scan beforehand: it checks as it goes. */
struct json_iter {
	const char *text;
	size_t n;
	size_t pos;	/* after a failure: where; after the end: behind the closing bracket */
	bool in_object;
	bool began;
};

/*
 * Begins at the `n` octets at `text`, white space before the bracket allowed. False if there is neither object nor
 * array; `in_object` tells which it is.
 */
bool json_iter_init(struct json_iter *it, const char *text, size_t n);

/* The next member (`*key` is its name, a string with quotes; in an array left alone). A text cut short is JSON_BAD. */
enum json_result json_next(struct json_iter *it, struct json *key, struct json *value);

/*
 * Finds the member `name` (ASCII) of an object: the first of that name. False if absent or `object` is none; `*value` then
 * stays what it was.
 */
bool json_find(struct json object, const char *name, struct json *value);

/* The kind of a scanned value. */
static inline bool json_is_object(struct json v) { return v.len > 0 && v.p[0] == '{'; }
static inline bool json_is_array(struct json v) { return v.len > 0 && v.p[0] == '['; }
static inline bool json_is_string(struct json v) { return v.len > 0 && v.p[0] == '"'; }
static inline bool json_is_null(struct json v) { return v.len > 0 && v.p[0] == 'n'; }
static inline bool json_is_bool(struct json v) { return v.len > 0 && (v.p[0] == 't' || v.p[0] == 'f'); }
static inline bool json_is_true(struct json v) { return v.len > 0 && v.p[0] == 't'; }
static inline bool json_is_number(struct json v)
{
	return v.len > 0 && (v.p[0] == '-' || (v.p[0] >= '0' && v.p[0] <= '9'));
}

/* Whether a scanned string, unescaped, is the text `s`. */
bool json_equals(struct json string, const char *s);

/*
 * Adds a scanned string to `out` unescaped, as UTF-8; half a surrogate pair becomes U+FFFD, \u0000 a NUL octet. False if
 * the value is no string; room is told by `out->failed`.
 */
bool json_decode(struct json string, struct buf *out);

/*
 * The same where each character stands for one octet, as in the headers of a record: U+0080 to U+00FF are those octets.
 * False if the value is no string or has a character beyond.
 */
bool json_decode_octets(struct json string, struct buf *out);

/* The length of the UTF-8 character at `p`, of which `n` octets are there (at least one); 0 if it is none (RFC 3629 §4). */
size_t json_utf8_length(const unsigned char *p, size_t n);

/* A scanned number that is digits only and at most `max`. False for anything else. */
bool json_u64(struct json number, uint64_t max, uint64_t *value);

/* Writes `n` octets as a JSON string with its quotes. What is not UTF-8 becomes U+FFFD, so that the result is JSON. */
void json_put_string(struct buf *out, const char *p, size_t n);

/* The same for octets without a known encoding: those from 0x80 are written \u0080 to \u00ff, and so none is lost. */
void json_put_octets(struct buf *out, const char *p, size_t n);

#endif
