/* SPDX-License-Identifier: MIT */
/*
 * Which conversation a request belongs to, as a number: the same for all its requests, on every machine, and another one
 * for other conversations. Pure.
 */
#ifndef LB_ROUTE_CONVERSATION_H
#define LB_ROUTE_CONVERSATION_H

#include <stdint.h>

#include "base/json.h"
#include "route/request.h"

/* The hash of octets, FNV-1a (RFC 9923): it goes on from an earlier one, or from the basis. */
#define CONVERSATION_BASIS UINT64_C(0xcbf29ce484222325)
uint64_t conversation_hash(uint64_t hash, const char *p, size_t n);

/* What of a request's body tells its conversation: values of its top-level members, empty where there is none. */
struct conversation {
	struct json metadata;
	struct json system;
	struct json messages;
};

/*
 * The conversation's number. It is taken from the value of X-Claude-Code-Session-Id (`session`, `p` NULL if there is none);
 * else from the session in `metadata.user_id`, which is a string with an object that has `session_id`, or that ends in
 * `_session_` and an id; else from the texts of the system prompt and of the first message of the role `user`, which
 * all later requests of a conversation repeat. In OpenAI's dialect the system prompt is the messages before that one. Of
 * content in blocks only the `text` members count: marks for caches come and go.
 */
uint64_t conversation_number(const struct conversation *conversation, struct text session);

#endif
