/* SPDX-License-Identifier: MIT */
/*
 * The open requests of lb-fetch. Each goes through the attempts of its plan until one gives an answer that can be passed
 * on, and becomes records: `open`, `head`, `data`…, `end`.
 */
#ifndef LB_UPSTREAM_EXCHANGE_H
#define LB_UPSTREAM_EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#include "config/config.h"
#include "health/health.h"
#include "record/record.h"
#include "upstream/answer.h"
#include "upstream/secret.h"
#include "upstream/transfer.h"

struct exchanges;

/* All of these must outlive it; there may be no `health`. NULL if memory is short. */
struct exchanges *exchanges_new(struct ev_loop *ev, struct transfers *transfers, const struct config *config,
    const struct secrets *secrets, struct health *health);

/* Ends all, without a record. */
void exchanges_free(struct exchanges *exchanges);

/*
 * Takes up the request of a record at the front of `input`. If the record is all that `input` holds, its memory may be
 * taken instead of copied; then `input` is empty afterwards. False if a request of that id is open, or memory is short.
 */
bool exchanges_open(struct exchanges *exchanges, const struct record *record, struct buf *input);

/* The client of a request has gone, reads slowly, reads on. Unknown ids are ignored. */
void exchanges_cancel(struct exchanges *exchanges, uint64_t id);
void exchanges_pause(struct exchanges *exchanges, uint64_t id);
void exchanges_resume(struct exchanges *exchanges, uint64_t id);

/* Goes on reading all: nobody is left who could say so. */
void exchanges_resume_all(struct exchanges *exchanges);

/* How many are open. */
size_t exchanges_count(const struct exchanges *exchanges);

/* The records that are to be written: other records may be added to `out`. */
struct answers *exchanges_answers(struct exchanges *exchanges);

#endif
