/* SPDX-License-Identifier: MIT */
/* The records of answers, gathered for one write; consecutive pieces of one answer become one `data` record. */
#ifndef LB_UPSTREAM_ANSWER_H
#define LB_UPSTREAM_ANSWER_H

#include <stdint.h>

#include "record/record.h"
#include "stream/usage.h"
#include "upstream/account.h"
#include "upstream/plan.h"

struct answers {
	struct buf out;		/* what is to be written */
	uint64_t id;		/* whose data record stands last in `out`; 0: another kind of record does */
	size_t bytes_at;	/* in that record, from the front of `out`: the digits of its length */
	size_t payload_at;	/* its payload */
	size_t end;		/* its end: if `out` is longer, something else was added */
};

/* How an answer came to be, for people: x-lb-attempts and x-lb-reason. */
struct answer_story {
	unsigned attempts;		/* how many were made */
	const struct buf *reason;	/* what reason_put gives; NULL or empty: not told */
};

/* The head of a provider's answer. */
struct answer_head {
	int status;
	const char *lines;	/* header lines, as headers_keep_response writes them */
	size_t lines_len;
	int64_t length;		/* of the body; -1: not known */
	struct account_answerer who;
	enum dialect dialect;	/* the provider's */
	uint64_t row;		/* of the health table; 0: none */
	struct answer_story story;
};

/* `open`: the request was taken up. */
void answers_put_open(struct answers *answers, uint64_t id, const struct plan *plan);

/* `head`: a provider's, which is told as x-lb-provider too. */
void answers_put_head(struct answers *answers, uint64_t id, const struct answer_head *head);

/*
 * Adds `n` octets of the answer `id`: to the data record that stands last, if it is of the same answer and does not
 * grow beyond ANSWER_DATA_MAX, else as a new one. Nothing for 0 octets.
 */
void answers_put_data(struct answers *answers, uint64_t id, const char *p, size_t n);

/* An error of lb's own. */
struct answer_final {
	int status;
	uint64_t wait_ms;	/* told as retry-after, in seconds, unless it is 0 */
	const struct buf *body;	/* the whole of it */
	bool head_only;		/* the body's length is told and the data left out */
	struct answer_story story;
};

/* `head` and `data` of such an error: no later stage changes it. */
void answers_put_final(struct answers *answers, uint64_t id, const struct answer_final *final);

/* How an answer ended. */
struct answer_end {
	enum record_end result;
	const char *error;		/* NULL for a complete answer */
	const struct account *account;
	const struct usage *usage;	/* the tokens that it took; without any seen they are not told */
	const uint64_t *first_ms;	/* NULL if no content came */
	uint64_t total_ms;
};

/* `end`. */
void answers_put_end(struct answers *answers, uint64_t id, const struct answer_end *end);

/* To be called when `out` was written and emptied. */
void answers_written(struct answers *answers);

#endif
