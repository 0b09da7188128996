/* SPDX-License-Identifier: MIT */
/*
 * A whole answer of Anthropic's Messages API made into the event stream that the API would have sent for it: for a
 * provider that answers JSON to a request for a stream. Pure.
 */
#ifndef LB_STREAM_EXPAND_H
#define LB_STREAM_EXPAND_H

#include "base/buf.h"
#include "base/json.h"

/*
 * Adds the events of `message`, a scanned value, to `out`: message_start without content and with no output token
 * yet, each block's start, deltas and stop, message_delta with what is known at the end, message_stop. Each is
 * `event: TYPE`, LF, `data: {…}` on one line, LF, LF. A text, a thinking block's text, its signature and a tool's
 * input are one delta each, of the text as it stands, so that numbers, escapes and key order stay; a citation is a
 * delta of its own; blocks of other types stand whole in their start. Members that are not known stay where they
 * were. What the message lacks is not made up: that is left to anthropic_feed.
 *
 * Returns NULL; or, if no reader would take it for a message, what is wrong with it, in a few words that follow "that
 * is no message: " (`out` is then as before). Want of room is told by `out->failed`.
 */
const char *expand_message(struct json message, struct buf *out);

#endif
