/* SPDX-License-Identifier: MIT */
/* A `request` record (lb-record.5) as far as routing looks at it. */
#ifndef LB_ROUTE_REQUEST_H
#define LB_ROUTE_REQUEST_H

#include "record/record.h"

/* `len` octets at `p`; NULL: absent. */
struct text {
	const char *p;
	size_t len;
};

struct request {
	uint64_t id;
	struct text request_id;
	struct text method;
	struct text target;
	struct text host;
	struct text origin;
	struct text session;	/* X-Claude-Code-Session-Id */
	bool has_anthropic_version;
	bool from_unix_socket;
	const char *body;
	size_t body_len;
	size_t header_len;	/* octets of the record's header */
};

/*
 * Reads a record. What had escapes is unescaped into `scratch`, which is overwritten; the texts are valid as long as
 * both are left alone. Returns NULL, or in a few words what makes it no request record: a bug of the stage before.
 */
const char *request_read(struct request *request, const struct record *record, struct buf *scratch);

#endif
