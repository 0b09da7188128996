/* SPDX-License-Identifier: MIT */
/* The edge: the process of lb-listen that speaks HTTP. One event loop, never blocking, for all its connections. */
#ifndef LB_EDGE_EDGE_H
#define LB_EDGE_EDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "edge/options.h"

/*
 * Runs the edge over `channel`, the keeper's, and `sockets`: `count` listening ones, or, if `connected`, one client's.
 * Returns its exit code once the keeper has told it to stop and all is done, or the one client has gone.
 */
int edge_run(const struct options *options, int channel, const int *sockets, size_t count, bool connected);

#endif
