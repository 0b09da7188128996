/* SPDX-License-Identifier: MIT */
#include "edge/edge.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/diag.h"
#include "edge/internal.h"

enum {
	ACCEPT_BATCH = 64,
	/* Descriptors that are no connection's: a pipeline has two, and two more while it takes another's place. */
	OWN_DESCRIPTORS = 32,
	PIPELINE_DESCRIPTORS = 4
};

/* How long a request waits for a pipeline while new stages start, and accepting for descriptors, in seconds. */
static const double pipeline_wait_s = 10, accept_pause_s = 1;

/* How often it is told at most that there is no room for another connection, in seconds. */
static const double full_again_s = 10;

void
edge_enqueue(struct connection *c, struct connection ***tail)
{
	c->queue_next = NULL;
	c->queue_back = *tail;
	**tail = c;
	*tail = &c->queue_next;
}

void
edge_unqueue(struct connection *c)
{
	struct connection ***tail = c->pipeline != NULL ? &c->pipeline->queue_tail : &c->edge->queue_tail;

	if ((*c->queue_back = c->queue_next) != NULL)
		c->queue_next->queue_back = c->queue_back;
	else
		*tail = c->queue_back;
}

static struct pipeline *
least_busy(const struct edge *edge)
{
	struct pipeline *best = NULL;

	for (struct pipeline *p = edge->pipelines; p != NULL; p = p->next)
		if (p->ready && !p->broken && (best == NULL || p->open.count < best->open.count))
			best = p;
	return best;
}

void
edge_submit(struct edge *edge, struct connection *c)
{
	struct pipeline *p = least_busy(edge);

	if (p != NULL) {
		ev_timer_stop(edge->loop, &c->timer);
		pipeline_submit(p, c);
		return;
	}
	if (c->wait_until == 0)
		c->wait_until = ev_now(edge->loop) + pipeline_wait_s;
	c->pipeline = NULL;
	c->state = CONNECTION_QUEUED;
	edge_enqueue(c, &edge->queue_tail);
	ev_timer_stop(edge->loop, &c->timer);
	ev_timer_set(&c->timer, c->wait_until - ev_now(edge->loop), 0.);
	ev_timer_start(edge->loop, &c->timer);
}

static void
set_accepting(struct edge *edge, bool on)
{
	edge->accepting = on;
	for (size_t i = 0; i < edge->listener_count; i++)
		if (on)
			ev_io_start(edge->loop, &edge->listeners[i]);
		else
			ev_io_stop(edge->loop, &edge->listeners[i]);
}

void
edge_pipeline_ready(struct pipeline *p)
{
	struct edge *edge = p->edge;
	struct connection *c;

	if (!edge->accepting && !edge->stopping)
		set_accepting(edge, true);
	while ((c = edge->queue) != NULL) {
		edge_unqueue(c);
		edge_submit(edge, c);
	}
}

void
edge_connection_gone(struct edge *edge)
{
	if (!edge->accepting && !edge->stopping && least_busy(edge) != NULL)
		set_accepting(edge, true);
}

/* No room: a connection that ends, or some time, starts accepting again. */
static void
accept_later(struct edge *edge, int error)
{
	double now = ev_now(edge->loop);

	if (now - edge->full_said > full_again_s) {
		edge->full_said = now;
		diag_warning("unable to accept a connection: %s; waiting for one to end", strerror(error));
	}
	set_accepting(edge, false);
	ev_timer_stop(edge->loop, &edge->accept_again);
	ev_timer_set(&edge->accept_again, accept_pause_s, 0.);
	ev_timer_start(edge->loop, &edge->accept_again);
}

static void
on_accept(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct edge *edge = watcher->data;
	/* A socket that is blocking, as its owner gave it, must not be asked twice. */
	int batch = fcntl(watcher->fd, F_GETFL) & O_NONBLOCK ? ACCEPT_BATCH : 1;

	(void)loop;
	(void)events;
	for (int i = 0; i < batch; i++) {
		int fd;

		/* The last descriptors are for pipelines. */
		if (edge->connection_count >= edge->connections_max) {
			accept_later(edge, EMFILE);
			return;
		}
		fd = accept4(watcher->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			connection_open(edge, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			accept_later(edge, errno);
		return;
	}
}

static void
on_accept_again(struct ev_loop *loop, ev_timer *watcher, int events)
{
	(void)loop;
	(void)events;
	edge_connection_gone(watcher->data);
}

static void
close_idle_connections(struct edge *edge)
{
	struct connection *c = edge->connections, *next;

	for (; c != NULL; c = next) {
		next = c->next;
		if (connection_is_idle(c))
			connection_close(c);
	}
}

/* At the end of the time to drain open requests are told; a second later whoever has not taken that is closed. */
static void
on_drain_timeout(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct edge *edge = watcher->data;
	struct connection *c = edge->connections, *next;
	bool second_time = edge->drained;

	(void)loop;
	(void)events;
	edge->drained = true;
	for (; c != NULL; c = next) {
		next = c->next;
		if (second_time || c->state == CONNECTION_READING || c->state == CONNECTION_LINGERING) {
			connection_close(c);
		} else if (c->state != CONNECTION_ENDING) {
			connection_cancel(c);
			connection_fail(c, 503, "the load balancer is stopping; send the request again");
		}
	}
}

static void
stop(struct edge *edge, double seconds)
{
	edge->stopping = true;
	set_accepting(edge, false);
	for (size_t i = 0; i < edge->listener_count; i++)
		close(edge->listeners[i].fd);
	edge->listener_count = 0;
	close_idle_connections(edge);
	ev_timer_stop(edge->loop, &edge->drain);
	ev_timer_set(&edge->drain, seconds, 1.);
	ev_timer_start(edge->loop, &edge->drain);
}

static struct pipeline *
find_pipeline(const struct edge *edge, uint32_t generation)
{
	struct pipeline *p = edge->pipelines;

	while (p != NULL && p->generation != generation)
		p = p->next;
	return p;
}

static void
take_pipeline(struct edge *edge, const struct channel_message *message)
{
	struct channel_message failed = { CHANNEL_FAILED, message->generation, { -1, -1 } };

	if (message->fds[0] >= 0 && pipeline_open(edge, message->generation, message->fds) != NULL)
		return;
	diag_warning("unable to take up a pipeline: out of %s", message->fds[0] >= 0 ? "memory" : "descriptors");
	(void)channel_send(edge->channel, &failed);
}

static void
read_channel(struct edge *edge)
{
	struct channel_message message;
	struct pipeline *p;
	int result;

	while ((result = channel_receive(edge->channel, &message)) > 0) {
		switch (message.kind) {
		case CHANNEL_PIPELINE:
			take_pipeline(edge, &message);
			break;
		case CHANNEL_CRASHED:
			if ((p = find_pipeline(edge, message.generation)) != NULL)
				pipeline_break(p);
			break;
		case CHANNEL_ACCESS_LOG:
			log_take(edge, message.fds[0]);
			break;
		case CHANNEL_STOP:
			stop(edge, edge->options->drain_s);
			break;
		case CHANNEL_STOP_NOW:
			stop(edge, 0.);
			break;
		default:
			break;
		}
	}
	/* Without its keeper the edge has nothing to live for. */
	if (result == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
		ev_break(edge->loop, EVBREAK_ALL);
}

static void
on_channel(struct ev_loop *loop, ev_io *watcher, int events)
{
	(void)loop;
	(void)events;
	read_channel(watcher->data);
}

static void
flush_pipelines(struct edge *edge)
{
	struct pipeline *p, *next;

	for (p = edge->pipelines; p != NULL; p = next) {
		next = p->next;
		pipeline_flush(p);
		if (p->broken)
			pipeline_break(p);
	}
}

static void
flush_connections(struct edge *edge)
{
	struct connection *c;

	while ((c = edge->dirty) != NULL) {
		edge->dirty = c->dirty_next;
		c->dirty = false;
		connection_flush(c);
	}
}

/* The keeper starts no pipeline any more: requests that wait for one would wait in vain. */
static void
fail_waiting(struct edge *edge)
{
	struct connection *c;

	while (edge->pipelines == NULL && (c = edge->queue) != NULL) {
		edge_unqueue(c);
		connection_fail(c, 503, "the load balancer is stopping; send the request again");
	}
}

/*
 * Once nothing is open any more the pipelines get their end of input, and the loop ends. A record that is written in part
 * has the time to drain to be written whole: what ends within one would look broken to its stage.
 */
static void
end_if_done(struct edge *edge)
{
	struct channel_message done = { CHANNEL_DONE, 0, { -1, -1 } };

	if (edge->connection_count > 0 || !(edge->stopping || edge->connected))
		return;
	if (!edge->stopping)
		stop(edge, edge->options->drain_s);
	for (struct pipeline *p = edge->pipelines; p != NULL && !edge->drained; p = p->next)
		if (pipeline_is_writing(p))
			return;
	(void)channel_send(edge->channel, &done);
	while (edge->pipelines != NULL)
		pipeline_close(edge->pipelines);
	ev_break(edge->loop, EVBREAK_ALL);
}

/* The end of a wake-up: everything that was added goes out, in one call for each descriptor. */
static void
on_before_wait(struct ev_loop *loop, ev_prepare *watcher, int events)
{
	struct edge *edge = watcher->data;

	(void)loop;
	(void)events;
	do {
		flush_pipelines(edge);
		if (edge->stopping)
			fail_waiting(edge);
		flush_connections(edge);
		/* Sending may have told of clients that have gone, or of answers to hold. */
		flush_pipelines(edge);
	} while (edge->dirty != NULL);
	log_flush(edge);
	end_if_done(edge);
}

static void
on_fin(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct edge *edge = watcher->data;
	struct epoll_event event;

	(void)loop;
	(void)events;
	while (epoll_wait(edge->fin_poll, &event, 1, 0) > 0)
		connection_close(event.data.ptr);
}

void
edge_watch_fin(struct connection *c, bool on)
{
	struct edge *edge = c->edge;
	struct epoll_event event = { .events = EPOLLRDHUP, .data.ptr = c };

	if (on == c->fin_watched)
		return;
	if (edge->fin_poll < 0) {
		if ((edge->fin_poll = epoll_create1(EPOLL_CLOEXEC)) < 0)
			return;
		ev_io_init(&edge->fin_readable, on_fin, edge->fin_poll, EV_READ);
		edge->fin_readable.data = edge;
		ev_io_start(edge->loop, &edge->fin_readable);
	}
	if (epoll_ctl(edge->fin_poll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, c->fd, &event) == 0)
		c->fin_watched = on;
}

/* As many connections as there are descriptors for. */
static size_t
connections_max(const struct options *options, size_t listeners)
{
	size_t own = OWN_DESCRIPTORS + listeners + PIPELINE_DESCRIPTORS * options->pipelines;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	return limit.rlim_cur > own ? limit.rlim_cur - own : 1;
}

static void
init(struct edge *edge, const struct options *options, int channel, const int *sockets, size_t count)
{
	edge->options = options;
	edge->channel = channel;
	edge->fin_poll = -1;
	accesslog_init(&edge->log, options->access_every);
	edge->connections_max = connections_max(options, count);
	edge->queue_tail = &edge->queue;
	ev_io_init(&edge->channel_readable, on_channel, channel, EV_READ);
	edge->channel_readable.data = edge;
	ev_io_start(edge->loop, &edge->channel_readable);
	ev_prepare_init(&edge->before_wait, on_before_wait);
	edge->before_wait.data = edge;
	ev_prepare_start(edge->loop, &edge->before_wait);
	ev_init(&edge->drain, on_drain_timeout);
	ev_init(&edge->accept_again, on_accept_again);
	edge->drain.data = edge->accept_again.data = edge;
	if (!edge->connected)
		edge->listener_count = count;
	for (size_t i = 0; i < edge->listener_count; i++) {
		ev_io_init(&edge->listeners[i], on_accept, sockets[i], EV_READ);
		edge->listeners[i].data = edge;
	}
	/* What the keeper said at once is for the first request already. */
	read_channel(edge);
	if (edge->connected && !edge->stopping)
		connection_open(edge, sockets[0]);
}

int
edge_run(const struct options *options, int channel, const int *sockets, size_t count, bool connected)
{
	struct edge edge = { .loop = ev_default_loop(EVFLAG_AUTO), .connected = connected };

	if (edge.loop == NULL) {
		diag_error("unable to start an event loop: %s", strerror(errno));
		return EXIT_SYSTEM;
	}
	init(&edge, options, channel, sockets, count);
	diag_never_wait();
	/* A log may not become larger than a limit of the system's says: it is told by the write that fails. */
	signal(SIGXFSZ, SIG_IGN);
	ev_run(edge.loop, 0);
	while (edge.connections != NULL)
		connection_close(edge.connections);
	while (edge.pipelines != NULL)
		pipeline_close(edge.pipelines);
	accesslog_close(&edge.log);
	if (edge.fin_poll >= 0)
		close(edge.fin_poll);
	return EXIT_DONE;
}
