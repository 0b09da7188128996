/* SPDX-License-Identifier: MIT */
/*
 * The events of a stream in Anthropic's dialect put together to the message that the API answers where no stream was asked
 * for: for a provider that streams all the same. Pure.
 */
#ifndef LB_STREAM_ASSEMBLE_H
#define LB_STREAM_ASSEMBLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct assemble;

/* A message of which nothing has come. It takes events of at most `max` octets in all. NULL if memory is short. */
struct assemble *assemble_new(size_t max);

/* NULL is fine. */
void assemble_free(struct assemble *a);

/*
 * Takes `n` octets of events, as anthropic_feed and anthropic_end put them out, cut anywhere. Texts stay the JSON that they
 * were, a tool's input becomes JSON again as it was written, numbers included; a delta of an unknown type is left out, as the
 * SDKs do. False, now and ever after, if memory is short, there is more than `max`, or they are not the events of one message.
 */
bool assemble_feed(struct assemble *a, const char *p, size_t n);

/*
 * Once message_stop has come: adds the message to `out`. The members of message_start keep their places; those of
 * message_delta, its usage and its counts too, replace them unless they are null. False if it is not whole, a tool's input is
 * no JSON object, memory is short, or `out` is full (whose content is then of no use).
 */
bool assemble_message(struct assemble *a, struct buf *out);

#endif
