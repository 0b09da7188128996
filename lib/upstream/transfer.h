/* SPDX-License-Identifier: MIT */
/* One attempt: one HTTP request to one provider, on one libcurl handle. Handles are used again. */
#ifndef LB_UPSTREAM_TRANSFER_H
#define LB_UPSTREAM_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "config/config.h"
#include "upstream/loop.h"
#include "upstream/secret.h"

struct transfer;
struct transfers;	/* all of a process, those in use and those to be used again */

enum transfer_end {
	TRANSFER_WHOLE,		/* the answer came to its end as HTTP says */
	TRANSFER_FAILED,
	TRANSFER_TIMEOUT	/* a time limit ended it */
};

/* What a transfer tells, each with the context given to transfer_start. */
struct transfer_events {
	/* A head has come whole: transfer_status and transfer_head tell it. */
	void (*head)(void *context);

	/* A piece of the body, never of 0 octets. False: the transfer is to end as failed. */
	bool (*body)(void *context, const char *p, size_t n);

	/*
	 * The end, not from within another event; after it the transfer is no more. `why` is for a person, NULL for
	 * TRANSFER_WHOLE.
	 */
	void (*done)(void *context, enum transfer_end end, const char *why);
};

struct transfer_request {
	struct json method;		/* a JSON string */
	const char *url;
	struct json headers;		/* the client's, an object */
	const char *body;		/* stays where it is until transfer_body_is_sent or the end */
	size_t body_len;
	enum config_auth auth;		/* how the key is sent */
	const struct secret *key;	/* NULL: none */
	bool http2;
	struct config_limits limits;	/* ms; 0: no limit */
	bool awaits_content;		/* first_byte_ms goes on until transfer_has_content, not until the first octet */
};

/* `ca_file`, or NULL for the system's: the certificates of the authorities that a provider's may be signed by. */
struct transfers *transfers_new(struct loop *loop, const char *ca_file);

/* Ends all. No events are told. */
void transfers_free(struct transfers *transfers);

/* Does what is due: to be called each time before the loop waits. Events come from here and from the loop's watchers. */
void transfers_work(struct transfers *transfers);

/* Starts one. NULL if memory is short. Events come later, none from within. */
struct transfer *transfer_start(struct transfers *transfers, const struct transfer_request *request,
    const struct transfer_events *events, void *context);

/* Ends it at once: its connection is closed, or its HTTP/2 stream reset. No event comes any more. Not from within one. */
void transfer_cancel(struct transfer *transfer);

/*
 * Stops and goes on with reading it. transfer_pause may be called from within the event of a piece of the body, which may
 * then be the last for now; events may come from within transfer_resume, which is not to be called from within one.
 */
void transfer_pause(struct transfer *transfer);
void transfer_resume(struct transfer *transfer);

/* What the answer was awaited for has come; from here on the limit is that of silence. May be called from within an event. */
void transfer_has_content(struct transfer *transfer);

/* Gives it at most `ms` from now. */
void transfer_hurry(struct transfer *transfer, uint64_t ms);

/* The status of the answer; 0 while there is none. */
int transfer_status(const struct transfer *transfer);

/* Its header fields that pass to the client (headers_keep_response), and how many octets they are. */
const char *transfer_head(const struct transfer *transfer, size_t *n);

/*
 * The length of the body (to HEAD: that a body would have), -1 if it is not known, not that of what is told since a coding
 * was undone, or not to be told (204, 304).
 */
int64_t transfer_length(const struct transfer *transfer);

/* Whether the request's body is out and will not be looked at again: to be asked once the answer's body has begun. */
bool transfer_body_is_sent(const struct transfer *transfer);

#endif
