/* SPDX-License-Identifier: MIT */
#include "upstream/loop.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/diag.h"

/* A descriptor that libcurl has an interest in. Unused ones are kept in a list. */
struct interest {
	ev_io io;
	struct loop *loop;
	struct interest *next;
};

struct loop {
	struct ev_loop *ev;
	CURLM *multi;
	CURLSH *share;
	ev_timer timer;
	bool due;		/* libcurl wants to be called with CURL_SOCKET_TIMEOUT before the next wait */
	struct interest *unused;
};

static void
act(struct loop *loop, curl_socket_t fd, int events)
{
	int running;

	curl_multi_socket_action(loop->multi, fd, events, &running);
}

static void
on_socket(struct ev_loop *ev, ev_io *io, int revents)
{
	struct interest *interest = io->data;
	int events = (revents & EV_READ ? CURL_CSELECT_IN : 0) | (revents & EV_WRITE ? CURL_CSELECT_OUT : 0);

	(void)ev;
	act(interest->loop, io->fd, revents & EV_ERROR ? CURL_CSELECT_ERR : events);
}

static void
on_timer(struct ev_loop *ev, ev_timer *timer, int revents)
{
	struct loop *loop = timer->data;

	(void)ev;
	(void)revents;
	loop->due = true;
}

/* CURLMOPT_TIMERFUNCTION: libcurl names the one time at which it wants to be called. */
static int
set_timer(CURLM *multi, long ms, void *context)
{
	struct loop *loop = context;

	(void)multi;
	loop->due = ms == 0;
	ev_timer_stop(loop->ev, &loop->timer);
	if (ms > 0) {
		ev_timer_set(&loop->timer, (double)ms / 1000, 0);
		ev_timer_start(loop->ev, &loop->timer);
	}
	return 0;
}

static struct interest *
new_interest(struct loop *loop)
{
	struct interest *interest = loop->unused;

	if (interest != NULL)
		loop->unused = interest->next;
	else if ((interest = malloc(sizeof *interest)) == NULL)
		return NULL;
	interest->loop = loop;
	ev_init(&interest->io, on_socket);
	interest->io.data = interest;
	return interest;
}

/* CURLMOPT_SOCKETFUNCTION: which events of a descriptor libcurl waits for. */
static int
set_interest(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
	struct loop *loop = context;
	struct interest *interest = known;
	int events = (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (interest != NULL) {
			ev_io_stop(loop->ev, &interest->io);
			interest->next = loop->unused;
			loop->unused = interest;
		}
		return 0;
	}
	if (interest == NULL) {
		if ((interest = new_interest(loop)) == NULL)
			return -1;
		curl_multi_assign(loop->multi, fd, interest);
	} else if (interest->io.events == events)
		return 0;
	ev_io_stop(loop->ev, &interest->io);
	ev_io_set(&interest->io, fd, events);
	ev_io_start(loop->ev, &interest->io);
	return 0;
}

struct loop *
loop_new(struct ev_loop *ev, size_t connections)
{
	struct loop *loop = calloc(1, sizeof *loop);

	if (loop == NULL)
		return NULL;
	loop->ev = ev;
	ev_init(&loop->timer, on_timer);
	loop->timer.data = loop;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (loop->multi = curl_multi_init()) == NULL ||
	    (loop->share = curl_share_init()) == NULL) {
		loop_free(loop);
		return NULL;
	}
	curl_share_setopt(loop->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, set_interest);
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
	curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, (long)connections);
	return loop;
}

void
loop_free(struct loop *loop)
{
	struct interest *interest;

	if (loop == NULL)
		return;
	curl_multi_cleanup(loop->multi);
	curl_share_cleanup(loop->share);
	curl_global_cleanup();
	ev_timer_stop(loop->ev, &loop->timer);
	while ((interest = loop->unused) != NULL) {
		loop->unused = interest->next;
		free(interest);
	}
	free(loop);
}

struct ev_loop *
loop_ev(const struct loop *loop)
{
	return loop->ev;
}

CURLM *
loop_multi(const struct loop *loop)
{
	return loop->multi;
}

CURLSH *
loop_share(const struct loop *loop)
{
	return loop->share;
}

void
loop_work(struct loop *loop, void (*done)(CURL *, CURLcode))
{
	bool again;

	do {
		CURLMsg *message;
		int left;

		again = loop->due;
		loop->due = false;
		if (again)
			act(loop, CURL_SOCKET_TIMEOUT, 0);
		while ((message = curl_multi_info_read(loop->multi, &left)) != NULL) {
			/* The message is gone once its handle is removed, which `done` does. */
			CURL *easy = message->easy_handle;
			CURLcode code = message->data.result;

			again = true;
			done(easy, code);
		}
	} while (again);
}
