/* SPDX-License-Identifier: MIT */
/* The playing of a script's answers, piece by piece and without waiting: the caller keeps the clock. */
#ifndef LB_REPLAY_PLAYER_H
#define LB_REPLAY_PLAYER_H

#include "record/record.h"
#include "replay/script.h"

/* An answer that is being given. */
struct replay_player;

/*
 * Begins the answer to a request record: the first block that matches it gives its next one, and counts it; where none
 * does it is a 404 that says so. NULL without memory. `script` must outlive it; the record is needed during this call only.
 */
struct replay_player *replay_begin(struct replay_script *script, const struct record *request);
void replay_player_free(struct replay_player *player);

/* The request's number. */
uint64_t replay_player_id(const struct replay_player *player);

enum replay_state {
	REPLAY_GOING,	/* there is more, at once */
	REPLAY_FLUSH,	/* the same, once what is in `out` has been written on its own */
	REPLAY_PAUSED,	/* there is more, after `*wait_ms` */
	REPLAY_HANGING,	/* nothing more will come by itself */
	REPLAY_FINISHED	/* the `end` record is in `out` */
};

/* Adds the next records of the answer to `out`: at most one of `data`, of at most 64 KiB. */
enum replay_state replay_play(struct replay_player *player, struct buf *out, uint64_t *wait_ms);

/* Ends the answer before its time, with `end`: END_CANCELLED, or END_TRUNCATED with an error that says `why`. */
void replay_stop(struct replay_player *player, enum record_end end, const char *why, struct buf *out);

#endif
