/* SPDX-License-Identifier: MIT */
/* The loop of lb-replay: many answers at once, each at its own pace. */
#ifndef LB_REPLAY_LOOP_H
#define LB_REPLAY_LOOP_H

#include "replay/script.h"

/*
 * Answers the request records from `in` by `script`, on `out`, until the input has ended and with it every answer, or
 * nobody reads `out` any more. Appends every record that comes in to `log` unless that is -1. Returns the exit code;
 * what went wrong has been said.
 */
int replay_run(struct replay_script *script, int in, int out, int log);

#endif
