/* SPDX-License-Identifier: MIT */
/*
 * What routing needs of a request's body: `model` and `stream`, found in one pass over the bytes, without a tree and
 * without a copy. All of the body is checked to be JSON on the way, and nothing of it is checked to make sense.
 */
#ifndef LB_ROUTE_BODY_H
#define LB_ROUTE_BODY_H

#include "base/buf.h"
#include "base/dialect.h"
#include "base/json.h"
#include "route/conversation.h"

struct body {
	struct json model;	/* the string with its quotes, in the body's memory */
	bool stream;
	struct conversation conversation;	/* the members by which it is told, the last of each name */
};

/*
 * Scans the `n` octets at `p`. True if they are a JSON object whose one `model` is a string of at most MODEL_MAX
 * octets and not empty, and whose `stream` is true, false (for DIALECT_OPENAI also null) or absent. Else false, after
 * adding to `why` a sentence for the client. Names are compared unescaped, so `\u006dodel` is a second `model`.
 */
bool body_scan(struct body *body, enum dialect dialect, const char *p, size_t n, struct buf *why);

#endif
