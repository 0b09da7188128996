/* SPDX-License-Identifier: MIT */
/*
 * The access line, one JSON object for each request (lb-listen(1), Access lines), composed as its facts become known.
 * Pure: facts in, text out. What somebody else wrote is escaped, and cut to what the line has room for.
 */
#ifndef LB_EDGE_ACCESS_H
#define LB_EDGE_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "http/request.h"
#include "record/record.h"

/* What is known of a request so far. One of zeroes is of none. */
struct access {
	bool on;		/* it gets a line; if not, nothing below is kept */
	bool has_request;	/* its head was there, or so much of it that it was refused */
	bool has_provider;	/* the head of its answer was a provider's */
	unsigned told;		/* what is known of who gave it, a bit for each member */
	bool has_first;
	bool ended;		/* `result` is known */
	enum record_end result;
	int status;		/* of the answer; 0: there was none */
	uint64_t at_ms;		/* when its first octet came, unix */
	uint64_t began_ms;	/* the same; this and the next two by the clock for measuring */
	uint64_t queued_ms;	/* when it was whole */
	uint64_t first_ms;	/* when the first octet of a provider's answer went on to the client */
	uint64_t total_ms;	/* how long it took, once it is over */
	uint64_t bytes_in;	/* octets of the whole request, as they came */
	uint64_t bytes_out;	/* octets of the whole answer, as they went out */
	struct buf members;	/* of the line, a comma before each */
};

/* Begins the line of a request whose first octet has come; `on`: there will be one. */
void access_begin(struct access *access, bool on, uint64_t at_ms, uint64_t now_ms);

/* Forgets the request. */
void access_free(struct access *access);

/* Its head: the id may be "". Of the target what stands before the query, which may hold a key, is told. */
void access_request(struct access *access, const char *request_id, const char *peer, struct http_span method,
    struct http_span target);

/* The `head` record of its answer. */
void access_head(struct access *access, const struct record *head, int status);

/* A piece of the answer's body goes to the client. */
void access_content(struct access *access, uint64_t now_ms);

/* The `end` record. Of a request that has a result already only what else the record tells is taken. */
void access_end(struct access *access, const struct record *end);

/* The end by the edge's own word; without effect on one that has a result. `error` says why. */
void access_fail(struct access *access, enum record_end result, const char *error);

/* An answer that looked complete was not: its result is `result` after all. */
void access_correct(struct access *access, enum record_end result, const char *error);

/*
 * Adds the line with its line feed, ACCESS_LINE_MAX octets at most, to `out`, which has room for as many. `dropped` lines
 * are told to have been lost before it.
 */
void access_put(const struct access *access, uint64_t dropped, struct buf *out);

#endif
