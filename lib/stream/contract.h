/* SPDX-License-Identifier: MIT */
/*
 * What an Anthropic message stream promises: message_start first; blocks one after the other, numbered from 0, deltas only
 * inside the open one; then message_delta with a stop_reason and usage; message_stop last. This takes the events of a
 * provider one by one and says how each goes on, so that the promise is kept, or that it cannot be. Events that keep it go
 * on as they are.
 */
#ifndef LB_STREAM_CONTRACT_H
#define LB_STREAM_CONTRACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "stream/block.h"
#include "stream/event.h"
#include "stream/message.h"
#include "stream/repair.h"
#include "stream/toolinput.h"
#include "stream/usage.h"

struct anthropic_origin;

struct contract {
	const struct anthropic_origin *origin;
	struct repairs *repairs;
	struct usage usage;		/* what message_start and message_delta have told */
	struct message_delta held;
	bool started;			/* message_start has gone on */

	enum block_kind open;		/* the open block, BLOCK_NONE if none is */
	enum block_kind latest;		/* the latest that was open */
	uint64_t blocks;		/* how many have been opened: the next one's index */
	bool has_index;			/* the provider gave the open block an index */
	uint64_t index;			/* that index */
	uint64_t unseen;		/* indexes from here on the provider has not used yet */

	/* Of a tool call that is open. */
	struct toolinput input;
	struct buf name;
	struct buf start_input;		/* the whole input, if it began with one */
	bool withheld;			/* its stop has come, and was not passed since its input is cut */
};

/* A message at its beginning. What the pointers point to must live as long as it does. */
void contract_init(struct contract *c, const struct anthropic_origin *origin, struct repairs *repairs);
void contract_free(struct contract *c);

enum contract_verdict {
	CONTRACT_PASS,	/* the event goes on, with the object in `json` if that is not empty */
	CONTRACT_HOLD,	/* it was taken: it is in `made`, or goes on later, with another */
	CONTRACT_DROP,	/* it does not go on */
	CONTRACT_FAIL	/* no message can be made of this: the stream ends with an error */
};

/* What goes on, besides the verdict. The caller clears the buffers beforehand. */
struct contract_step {
	struct buf *made;	/* whole events that go before this one */
	struct buf *json;	/* the event's object, changed */
	struct buf *why;	/* CONTRACT_FAIL: what the provider did, for a person, as what follows its name */
	int status;		/* CONTRACT_FAIL: the HTTP status that would tell it; set by the caller to what is usual */
	bool cut;		/* CONTRACT_FAIL: the answer was cut, by the provider's or the client's limits; else it is malformed */
};

/* Takes an event, which is no EVENT_ERROR. */
enum contract_verdict contract_take(struct contract *c, const struct event *event, struct contract_step *step);

/* The end, without message_stop, of a stream that did not break off. PASS: what was missing is in `made`; else FAIL. */
enum contract_verdict contract_end(struct contract *c, struct contract_step *step);

#endif
