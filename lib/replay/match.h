/* SPDX-License-Identifier: MIT */
/* Which block of a replay script answers a request. */
#ifndef LB_REPLAY_MATCH_H
#define LB_REPLAY_MATCH_H

#include "record/record.h"
#include "replay/script.h"

/* What blocks look at. */
struct replay_request {
	struct buf method;
	struct buf target;
	struct json headers;		/* in the record */
	bool has_anthropic_version;
	bool has_model;			/* the body is an object with a string `model` of at most MODEL_MAX octets */
	struct buf model;		/* unescaped */
	struct replay_text raw_model;	/* as the record has it, without the quotes */
	bool stream;			/* the body has `"stream": true` */
	struct json request_id;		/* empty if there is none */
};

/* Reads a request record, which must outlive `request`. To be freed by replay_request_free in every case. */
void replay_request_init(struct replay_request *request, const struct record *record);
void replay_request_free(struct replay_request *request);

/* The first block that matches, or NULL. */
struct replay_block *replay_match(const struct replay_script *script, const struct replay_request *request);

#endif
