/* SPDX-License-Identifier: MIT */
/* libcurl's multi interface (curl_multi_socket_action) on a libev loop: all transfers of a process, and what they share. */
#ifndef LB_UPSTREAM_LOOP_H
#define LB_UPSTREAM_LOOP_H

#include <stddef.h>

#include <curl/curl.h>
#include <ev.h>

struct loop;

/*
 * `connections` is how many connections are kept for reuse at most. To be freed after all its transfers. Initializes
 * libcurl. NULL if that, or memory, fails.
 */
struct loop *loop_new(struct ev_loop *ev, size_t connections);
void loop_free(struct loop *loop);

struct ev_loop *loop_ev(const struct loop *loop);
CURLM *loop_multi(const struct loop *loop);

/* What handles share beyond the multi's own DNS and connection caches: TLS sessions. */
CURLSH *loop_share(const struct loop *loop);

/*
 * Lets libcurl do what is due now, and calls `done` for each transfer that has come to its end, until neither is left. To
 * be called each time before the loop waits. `done` may remove handles and add others.
 */
void loop_work(struct loop *loop, void (*done)(CURL *easy, CURLcode code));

#endif
