/* SPDX-License-Identifier: MIT */
/* Values of the configuration's text: each is read strictly, and what is wrong with it told with its line. */
#ifndef LB_CONFIG_VALUE_H
#define LB_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "config/config.h"
#include "config/mistake.h"

struct reader {
	const char *text;
	struct mistakes *mistakes;
	struct config *config;
	struct buf scratch;
};

/* The line of a place of the text, from 1. */
size_t value_line(const struct reader *r, const char *at);

/* Something is wrong at `at`, a place of the text. */
void value_wrong(struct reader *r, const char *at, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with `; did you mean 'WORD'?` where one of the words is near to what was written. */
void value_wrong_word(struct reader *r, const char *at, const char *problem, const char *word, const char *const *words,
    size_t count);

/* Notes that memory was short. */
void value_no_memory(struct reader *r);

/* Unescapes a string, to be freed. NULL after telling what is wrong, with `what` for its name. */
char *value_string(struct reader *r, struct json value, const char *what);

/*
 * Reads an object's members by their names: `values[i]` is that of `names[i]`, empty if it is absent. Unknown and
 * repeated ones are told. False, after telling, if `object` is none.
 */
bool value_members(struct reader *r, struct json object, const char *what, const char *const *names, size_t count,
    struct json *values);

/* How many members or elements a value has. */
size_t value_count(struct json value);

/* Tells of each member of an object whose name an earlier one has. */
void value_check_duplicates(struct reader *r, struct json object);

/* An array with at least one element and at most `max`. Returns how many; 0 after telling. */
size_t value_array(struct reader *r, struct json value, const char *what, size_t max);

/* An array of strings that pass `check`, which says what is wrong with one, or NULL. */
void value_strings(struct reader *r, struct json value, const char *what, size_t max, const char *(*check)(const char *),
    char ***list, size_t *count);

/* A string out of a list. Returns its place there; `count` after telling. */
size_t value_choice(struct reader *r, struct json value, const char *what, const char *const *words, size_t count);

/* A whole number from `min` to `max`; what is wrong is told with `what` for its name and unit. */
void value_number(struct reader *r, struct json value, const char *what, uint64_t min, uint64_t max, uint64_t *number);

/* A number from 0 to `max` with at most six digits behind its point, in millionths. */
void value_decimal(struct reader *r, struct json value, const char *what, uint64_t max, uint64_t *millionths);

/* The time limits of an attempt, in ms: `values` are those of connect_ms, first_byte_ms, idle_ms and total_ms. */
void value_limits(struct reader *r, const struct json *values, struct config_limits *limits);

/* The member `routes`. Whatever the order in the file, the providers must have been read. */
void config_read_routes(struct reader *r, struct json value);

#endif
