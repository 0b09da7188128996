/* SPDX-License-Identifier: MIT */
/*
 * The tokens that an answer took, as `usage` objects of Anthropic's Messages API count them. The counts of a stream are
 * running totals: a later one replaces an earlier one. Pure.
 */
#ifndef LB_STREAM_USAGE_H
#define LB_STREAM_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"

struct usage {
	uint64_t input;			/* `input_tokens`: without those of the cache */
	uint64_t output;		/* `output_tokens` */
	uint64_t cache_read;		/* `cache_read_input_tokens` */
	uint64_t cache_creation;	/* `cache_creation_input_tokens` */
	bool has_input;			/* which of them have been seen; the others are 0 */
	bool has_output;
	bool has_cache_read;
	bool has_cache_creation;
};

/*
 * Reads a count: a number without sign and exponent, and without a fraction but for zeros (`25.0` is 25), that every
 * reader of JSON can hold (USAGE_COUNT_MAX). False for anything else.
 */
bool usage_count(struct json value, uint64_t *count);

/* Takes the counts of a `usage` object. What is there but no count (null) is left as it was. True if there was one. */
bool usage_add(struct usage *usage, struct json object);

/*
 * The same for a `usage` object of OpenAI's APIs, whose input counts the cache too: `prompt_tokens` (or `input_tokens`, the
 * Responses API's) without `cached_tokens` and `cache_write_tokens` of its `..._details`, `completion_tokens` (or
 * `output_tokens`). Also DeepSeek's `prompt_cache_hit_tokens` and Moonshot's `cached_tokens`.
 */
bool usage_add_openai(struct usage *usage, struct json object);

/* Where a usage stands: in the message of message_start, or in message_delta. */
enum usage_place { USAGE_OF_START, USAGE_OF_DELTA };

/*
 * Whether a `usage` is as clients need it there: an object of fewer than MESSAGE_MEMBERS_MAX members, none of them there
 * twice or with an escape in its name; those named `*_tokens` are counts written as digits; message_start's has
 * `input_tokens` and `output_tokens`, message_delta's `output_tokens`.
 */
bool usage_obeys(struct json object, enum usage_place place);

/*
 * Adds an object that does, from one that does not (or is none) and that was added to `usage` before. What is no count
 * becomes what `usage` has; else it is 0, or, where message_delta need not have it, left out. All other members stay.
 */
void usage_put_mended(struct buf *out, struct json object, const struct usage *usage, enum usage_place place);

/* Whether any count has been seen. */
bool usage_any(const struct usage *usage);

/* Adds the object with the counts that have been seen, and only those. Nothing is added, and false returned, without any. */
bool usage_put(struct buf *out, const struct usage *usage);

#endif
