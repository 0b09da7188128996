/* SPDX-License-Identifier: MIT */
/* The two API dialects, and an error in the shape of each. */
#ifndef LB_BASE_DIALECT_H
#define LB_BASE_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"

enum dialect { DIALECT_ANTHROPIC, DIALECT_OPENAI, DIALECT_COUNT };

/* `anthropic`, `openai`. */
const char *dialect_name(enum dialect dialect);

/* Reads such a name, a JSON string. False if it is none. */
bool dialect_parse(struct json name, enum dialect *dialect);

/*
 * The dialect a request is in, by its path (`/v1/chat/completions` and the other paths only OpenAI has) and, for the
 * paths that both have, by whether an `anthropic-version` header came. `target` may have a query.
 */
enum dialect dialect_of_request(const char *target, size_t n, bool has_anthropic_version);

/*
 * The error type that the dialect's API gives with an HTTP status. For one that it does not use: `invalid_request_error`
 * from 400 to 499, else `api_error` (Anthropic) or `server_error` (OpenAI).
 */
const char *dialect_error_type(enum dialect dialect, int status);

/* The HTTP status of one of Anthropic's error types, a JSON value; 0 if it is none, or `api_error`, which has many. */
int dialect_error_status(struct json type);

/*
 * Adds an error body in the dialect's shape, without a line's end: for Anthropic
 * `{"type":"error","error":{"type":…,"message":…},"request_id":…}`, for OpenAI
 * `{"error":{"message":…,"type":…,"param":null,"code":null}}`. The type follows from `status`. `request_id` may be NULL.
 */
void dialect_put_error(struct buf *out, enum dialect dialect, int status, const char *message, const char *request_id);

/*
 * The same for a prompt that does not fit in the model's context, status 400: with the code `context_length_exceeded`, which
 * OpenAI's clients look for. Anthropic's look into the message, for `prompt is too long`.
 */
void dialect_put_too_long(struct buf *out, enum dialect dialect, const char *message, const char *request_id);

/*
 * An error as the last event of an event stream, with its blank line: `event: error` and `data:` for Anthropic, one
 * `data:` line for OpenAI.
 */
void dialect_put_error_event(
    struct buf *out, enum dialect dialect, int status, const char *message, const char *request_id);

#endif
