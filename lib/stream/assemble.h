/* SPDX-License-Identifier: MIT */
/*
 * The events of a stream in Anthropic's dialect put together to the message that the API answers where no stream was
 * asked for: for a provider that streams all the same. Pure.
 */
#ifndef LB_STREAM_ASSEMBLE_H
#define LB_STREAM_ASSEMBLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct assemble;

/*
 * A message of which nothing has come. Of all its events it keeps at most `max` octets of JSON; message_delta makes
 * what was kept of message_start count once more. NULL if memory is short.
 */
struct assemble *assemble_new(size_t max);

/* NULL is fine. */
void assemble_free(struct assemble *a);

/*
 * Takes `n` octets of events, as anthropic_feed and anthropic_end put them out, cut anywhere. Texts stay the JSON that
 * they were; a tool's input becomes JSON again as it was written, numbers included. A delta of an unknown type is left
 * out, as the SDKs do. An error event ends it: nothing becomes of the message. False, now and ever after, if memory is
 * short, there is more than `max`, they are not the events of one message, or a tool's input is no JSON object.
 */
bool assemble_feed(struct assemble *a, const char *p, size_t n);

/*
 * Once message_stop has come: adds the message to `out`. The members of message_start keep their places; those of
 * message_delta, and the counts of its usage, replace them unless they are null. False if the message is not whole, or
 * `out` or memory is full (the content of `out` is then of no use).
 */
bool assemble_message(struct assemble *a, struct buf *out);

#endif
