/* SPDX-License-Identifier: MIT */
/* The one answer that `lb-sse -H` writes: records in, HTTP/1.1 out, and the connection ends. */
#ifndef LB_EDGE_SINGLE_H
#define LB_EDGE_SINGLE_H

#include <stdbool.h>

#include "edge/answer.h"

struct single {
	struct answer answer;
	enum dialect dialect;
	struct buf text;
	const char *request_id;	/* NULL if unknown */
	enum answer_end end;
	bool ended;
	bool whole;		/* there was an answer, and it ended with nothing missing */
};

void single_init(struct single *s);
void single_free(struct single *s);

/* Takes a record; `open` tells how to answer, others than those of an answer say nothing here. False for a bad head. */
bool single_take(struct single *s, const struct record *record, struct buf *out);

/*
 * There will be no further record: without a head the client gets a 502, else its answer stays unfinished. (An answer that
 * only the connection's end would finish is one that `open` asked for: lb-sse gives it an `end` before.)
 */
void single_finish(struct single *s, struct buf *out);

/* Ends the connection as the answer's end asks for, once it is written. On what is no socket this does nothing. */
void single_close(const struct single *s, int fd);

#endif
