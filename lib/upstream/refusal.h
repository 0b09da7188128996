/* SPDX-License-Identifier: MIT */
/*
 * What a provider's error says, in whatever shape it came: Anthropic's and OpenAI's, those of the providers that come
 * near them, a flat object, a text, an event stream with an error event, a page in HTML. Pure.
 */
#ifndef LB_UPSTREAM_REFUSAL_H
#define LB_UPSTREAM_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/dialect.h"
#include "base/json.h"
#include "stream/event.h"
#include "upstream/cause.h"

/* The spans lie in the text that was read. */
struct refusal {
	bool found;		/* the text is JSON that says what is wrong; else all spans but `text` are empty */
	enum refusal_cause cause;
	int status;		/* the HTTP status that type, code or cause stand for; 0: they tell none */
	struct json object;	/* the JSON object that is the whole text; empty if it is none, or more than that */
	struct json type;	/* a string; each of these is empty if absent or null */
	struct json code;	/* a string or a number */
	struct json message;	/* a string; or, as Mistral's may be, an object or an array */
	struct json reason;	/* a string: Anthropic's `details.error_code` */
	struct json detail;	/* a string: what a provider behind the provider said (OpenRouter) */
	const char *text;	/* without JSON: a page's title, a text's first line, trimmed; or NULL */
	size_t text_len;
};

/*
 * Reads the body of an answer with an error status, whatever it is. Never fails: of a body that says nothing `found`
 * is false, and `cause` REFUSAL_UNKNOWN or REFUSAL_PAGE. The answer's own status is not looked at: failover_fault
 * weighs both.
 */
void refusal_read(struct refusal *refusal, const char *body, size_t n);

/*
 * Reads one JSON value of a body or an event of status 200. `found` only if it is an error: an object whose `error` is
 * not null, false or empty, of type `error`, with a `base_resp` whose status_code is not 0 (MiniMax), or with
 * `success` false beside a code (Z.ai).
 */
void refusal_read_value(struct refusal *refusal, struct json value);

/* The same for an event that event_read has read. */
void refusal_read_event(struct refusal *refusal, const struct event *event);

/*
 * Whether the text is an error exactly as the dialect's API makes it, so that its clients can be given it as it is:
 * Anthropic: one JSON object of type `error`, its `error` an object with `message` a string and `type` one of the
 * API's; OpenAI: its `error` is an object with strings `message` and `type`; `param` and `code` are strings, null or
 * absent. Never with a page in HTML in its message.
 */
bool refusal_is_shaped(const struct refusal *refusal, enum dialect dialect);

/*
 * Adds what was said, for a person: the message, or else the type or code; of a page, in a message too, its title. One
 * line of UTF-8 without control characters, at most REFUSAL_TEXT_MAX octets, a longer one cut with `…`. False if nothing was said.
 * A key that a provider repeats in its message is in it: the caller looks for those.
 */
bool refusal_put_text(struct buf *out, const struct refusal *refusal);

#endif
