/* SPDX-License-Identifier: MIT */
/*
 * A stream in Anthropic's dialect: what a provider sent goes in, what the dialect promises comes out, whole events as they
 * come. Each is `event: TYPE`, LF, `data: {…}` on one line, LF, LF. They make a message as contract.h says; what came so is
 * passed byte for byte. The stream ends with message_stop or with one error event, never with both, and nothing comes behind.
 */
#ifndef LB_STREAM_ANTHROPIC_H
#define LB_STREAM_ANTHROPIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "stream/repair.h"
#include "stream/usage.h"

enum anthropic_state {
	ANTHROPIC_OPEN,
	ANTHROPIC_STOPPED,	/* message_stop has been passed: the answer is whole */
	ANTHROPIC_FAILED,	/* the provider's error, or one for what it sent, has been passed */
	ANTHROPIC_BROKEN	/* an error event has been passed since the message was cut */
};

struct anthropic;

/* Where a stream comes from. */
struct anthropic_origin {
	const char *provider;	/* its name, for messages */
	const char *request_id;	/* for error events and for a message without an id, or NULL */
	struct json model;	/* the client's model, a JSON string, for a message that names none; or of length 0 */
};

/* A stream at its beginning. What `origin` points to must live as long as it does. NULL if memory is short. */
struct anthropic *anthropic_new(const struct anthropic_origin *origin);
void anthropic_free(struct anthropic *a);

/* Memory for one call, which all streams of a process may share. Its content is valid until the next call with it. */
struct anthropic_work {
	struct buf mended;	/* output that does not lie in the input as it is */
	struct buf joined;	/* the data lines of one event */
	struct buf text;
	struct buf made;	/* events that the provider left out */
	struct buf json;	/* the object of an event, changed */
};

#define ANTHROPIC_WORK_INIT                                                                                            \
	((struct anthropic_work){                                                                                      \
	    BUF_INIT(SIZE_MAX), BUF_INIT(SIZE_MAX), BUF_INIT(SIZE_MAX), BUF_INIT(SIZE_MAX), BUF_INIT(SIZE_MAX) })
void anthropic_work_free(struct anthropic_work *work);

/* Octets to be passed on; NULL and 0 if there are none. */
struct anthropic_output {
	const char *p;
	size_t len;
};

/*
 * Takes `n` octets of the stream. `*out` is what is to be passed on for them, in `input` (all of it, if all was as it
 * must be) or in `work`. False if memory is short.
 */
bool anthropic_feed(struct anthropic *a, const char *input, size_t n, struct anthropic_work *work,
    struct anthropic_output *out);

/*
 * The end of the stream. `clean` says that it did not break off; if it did, `reason` is what happened, for a person, and
 * `status` the HTTP status that would tell it. A stream that is still open fails here,
 * unless only message_stop was missing at a clean end: `*out` is then the error event, or message_stop, and whatever a
 * clean end completed before it. False if memory is short.
 */
bool anthropic_end(struct anthropic *a, bool clean, int status, const char *reason, struct anthropic_work *work,
    struct anthropic_output *out);

enum anthropic_state anthropic_state(const struct anthropic *a);

/* What made the stream fail, for a person. NULL if nothing did. */
const char *anthropic_error(struct anthropic *a);

/* The tokens that the stream has told so far, by message_start and message_delta. */
const struct usage *anthropic_usage(const struct anthropic *a);

/* How often a repair was made. */
uint32_t anthropic_repairs(const struct anthropic *a, enum anthropic_repair repair);

#endif
