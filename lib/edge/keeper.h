/* SPDX-License-Identifier: MIT */
/*
 * The keeper: the process of lb-listen that starts, reaps and replaces the edge and the stages, keeps the listening
 * sockets and handles signals. It never reads an octet of a client's.
 */
#ifndef LB_EDGE_KEEPER_H
#define LB_EDGE_KEEPER_H

#include <stdbool.h>
#include <stddef.h>

#include "edge/options.h"

/*
 * Serves `count` listening sockets, or, if `connected`, one client's socket, until SIGTERM, SIGINT or the client's going.
 * The first `own` listening sockets are lb-listen's own: at a stop the files of those that are Unix sockets are removed.
 * `argv` is lb-listen's own: the edge is the same program run again with it, and with the variable that keeper_edge reads.
 * Returns the exit code.
 */
int keeper_run(const struct options *options, char **argv, const int *sockets, size_t count, size_t own,
    bool connected);

/* If this process was started to be an edge, runs it and returns true, its exit code in `*code`. */
bool keeper_edge(const struct options *options, int *code);

#endif
