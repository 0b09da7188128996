/* SPDX-License-Identifier: MIT */
/*
 * What lb-sse does with the answer to one request: it reads the headers of the answer's records (JSON objects), decides
 * whether it is a stream to be reframed, and tells how head, data and end go on.
 */
#ifndef LB_STREAM_REFRAME_H
#define LB_STREAM_REFRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "stream/anthropic.h"

struct reframe;

/* The answer to the request `id`, which the header of an `open` record describes. NULL if memory is short. */
struct reframe *reframe_new(uint64_t id, struct json open);
void reframe_free(struct reframe *r);

uint64_t reframe_id(const struct reframe *r);

enum reframe_result {
	REFRAME_UNCHANGED,	/* the record goes on as it is */
	REFRAME_CHANGED,	/* something else goes on in its place */
	REFRAME_FAILED		/* memory is short */
};

/* Takes the header of the `head` record; in its place goes the object that is added to `header`. */
enum reframe_result reframe_head(struct reframe *r, struct json head, struct buf *header);

/* Takes a payload; in its place goes `*out` (see anthropic_feed), nothing if that is empty. */
enum reframe_result reframe_data(struct reframe *r, const char *p, size_t n, struct anthropic_work *work,
    struct anthropic_output *out);

/*
 * Takes the header of the `end` record. Before it goes the payload `*out`, if that is not empty; in its place goes the
 * object that is added to `header`.
 */
enum reframe_result reframe_end(struct reframe *r, struct json end, struct anthropic_work *work,
    struct anthropic_output *out, struct buf *header);

#endif
