/* SPDX-License-Identifier: MIT */
/*
 * The commit gate: it reads an answer of status 2xx as it comes, and says from where on it may be passed to the
 * client. Until then whatever is wrong with it stays unseen, and the next attempt is made. Pure: the caller holds the
 * octets.
 *
 * It is for answers to requests that name a model; what their API answers otherwise may be anything.
 *
 * A stream was asked for, and one comes: comments, blank lines, pings, message_start and whatever is unknown are held.
 *   Anthropic: content_block_start, content_block_delta, and message_delta with a stop_reason commit it (an answer
 *   may be empty). OpenAI: the first chunk with text, reasoning, a refusal, a tool call or a finish_reason; of the
 *   Responses API each event but those that tell its state. It fails at an error in any shape, a malformed event, a
 *   second message_start, a finish_reason that means a failure, message_stop or [DONE] before content, its end before
 *   content.
 * Anything else is held to its end. JSON commits if it is an object and no error, and if a stream was asked for, if
 *   it is a message (`content` or `choices` an array) from which one can be made. An event stream nobody asked for
 *   commits if it reached its end (message_stop, or its own end behind a stop_reason; finish_reason); it fails early as
 *   above.
 * A page in HTML fails at the `<` it begins with, whatever its content-type says. An empty body fails, and so does
 *   one that is no JSON, unless its content-type is audio, image, video or application/octet-stream, which OpenAI's
 *   API has for speech and pictures: that commits at once.
 *
 * The verdict and the octet at which it is known are the same however the body is cut into pieces.
 */
#ifndef LB_UPSTREAM_GATE_H
#define LB_UPSTREAM_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/dialect.h"
#include "stream/sse.h"
#include "stream/usage.h"
#include "upstream/refusal.h"

enum gate_verdict {
	GATE_HOLD,	/* not known yet */
	GATE_COMMIT,	/* what is held, and all that follows, may be passed on */
	GATE_FAIL	/* the attempt has failed: `status`, `cause` and gate_why say how */
};

/* What the gate is told of an answer of status 2xx. */
struct gate_answer {
	enum dialect dialect;		/* the provider's */
	bool stream;			/* the client asked for an event stream */
	const char *content_type;	/* the field's value, of `content_type_len` octets; NULL if there was none */
	size_t content_type_len;
};

/* What the body has shown itself to be. */
enum gate_body {
	GATE_UNKNOWN,	/* nothing but white space so far, or too little to tell */
	GATE_BRACE,	/* a `{`: an object, or the first event of a stream without `data:` */
	GATE_OTHER,	/* what is read at its end */
	GATE_STREAM,
	GATE_OPAQUE	/* sound or pictures: not read */
};

struct gate {
	/* After GATE_FAIL. */
	int status;			/* the HTTP status that fits: of the provider's error; 502 for what is no answer */
	enum refusal_cause cause;

	size_t decided_at;		/* after the verdict of gate_feed: how many octets of the body it took */

	/* The rest is the module's own. */
	enum dialect dialect;
	bool wants_stream;
	enum gate_verdict verdict;
	enum gate_body body;
	bool is_event_stream;		/* content-type says so */
	bool is_json;			/* likewise */
	bool started;			/* message_start was seen */
	bool content;			/* what would commit a stream was seen */
	bool finished;			/* a stream's own end was seen */
	unsigned char word_len;		/* of the first octets, as far as they tell what the body is */
	char word[8];
	size_t seen;			/* octets fed */
	struct sse sse;
	struct buf joined;		/* the data lines of an event that has several */
	struct buf why;
	struct usage usage;
};

/*
 * Begins an answer. `gate` is all zeros or one that gate_free was called for. What `answer` points to is not needed
 * afterwards. Allocates nothing.
 */
void gate_begin(struct gate *gate, const struct gate_answer *answer);

/* To be called for each that was begun, before it begins again; then it holds no memory. */
void gate_free(struct gate *gate);

/*
 * The next `n` octets of the body. After a verdict has been given it stays, and nothing is read any more. A caller that
 * will not hold more of an answer commits it by itself.
 */
enum gate_verdict gate_feed(struct gate *gate, const char *p, size_t n);

/*
 * The body has come to its end as HTTP says. `held` is all of it, the `n` octets that were fed. Never GATE_HOLD. (A
 * body that broke off is the caller's to judge: it has failed.)
 */
enum gate_verdict gate_end(struct gate *gate, const char *held, size_t n);

/*
 * Whether the body is an event stream, whatever its content-type says: then the head has to say text/event-stream.
 * Known from the commitment on; for a caller that commits by itself, what it looks like so far.
 */
bool gate_is_stream(const struct gate *gate);

/*
 * After GATE_COMMIT: the content-type that the client has to be told, if the provider's does not fit what it sent:
 * `text/event-stream`, `application/json`; NULL if it fits.
 */
const char *gate_content_type(const struct gate *gate);

/* After gate_end committed a JSON answer: the tokens that it says it took, if it does. Either dialect's counts. */
const struct usage *gate_usage(const struct gate *gate);

/*
 * After GATE_FAIL: what happened, for a person, to stand behind the provider's name: `sent an error: Overloaded`,
 * `sent a page in HTML`, `ended its answer before any content`. As refusal_put_text's text it may repeat a key.
 */
const char *gate_why(struct gate *gate);

#endif
