/* SPDX-License-Identifier: MIT */
/* lb-listen as a filter: one HTTP request in, its request record out. */
#ifndef LB_EDGE_FILTER_H
#define LB_EDGE_FILTER_H

#include "edge/options.h"

/*
 * Reads one request from `in` and writes its record, or the answer records of what is wrong with it, to `out`. If `in` is
 * a socket, then waits until the reader of `out` has gone, or the client has, which it tells by a `cancel`. Returns the
 * exit code: EXIT_NO if the input ended within the request.
 */
int filter_run(const struct options *options, int in, int out);

#endif
