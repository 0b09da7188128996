/* SPDX-License-Identifier: MIT */
/*
 * What stands around the blocks of a message: message_start, which may lack something, and message_delta, which is held until
 * the message's end, since another may follow. Events here are spans of the text (event.h).
 */
#ifndef LB_STREAM_MESSAGE_H
#define LB_STREAM_MESSAGE_H

#include <stdbool.h>

#include "base/buf.h"
#include "stream/event.h"
#include "stream/repair.h"
#include "stream/usage.h"

struct anthropic_origin;

/*
 * Takes a message_start, and its counts into `usage`. If it lacks something its object is added to `json`, completed. NULL,
 * or in a few words what is wrong with it beyond repair.
 */
const char *message_start_mend(const struct event *event, const struct anthropic_origin *origin, struct usage *usage,
    struct repairs *repairs, struct buf *json);

/* Adds a whole message_start event for a message that came without one. */
void message_start_put(struct buf *out, const struct anthropic_origin *origin, const struct usage *usage);

/* The message_delta that is held. */
struct message_delta {
	struct buf json;	/* its object, empty if there is none */
	bool has_reason;	/* it has a stop_reason */
};

/* The stop_reason of a message_delta; of length 0 if it has none. */
struct json message_delta_reason(const struct event *event);

/* Takes a message_delta, with another that is held already as one. NULL, or what is wrong with it. */
const char *message_delta_take(struct message_delta *held, const struct event *event, struct repairs *repairs);

/* Adds the message_delta event that is held, with `reason` if it has none of its own, or makes one. None is held then. */
void message_delta_put(struct message_delta *held, const char *reason, const struct usage *usage, struct repairs *repairs,
    struct buf *out);

#endif
