/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "base/limits.h"
#include "edge/internal.h"

enum {
	/* Unsent octets of an answer at which its transfer is paused, and at which it goes on. */
	OUT_HIGH = 256 * 1024,
	OUT_LOW = 64 * 1024,
	WATCH_READ = 4 * 1024,
	DISCARD_READ = 16 * 1024
};

/* How long a client may leave an answer unread, and how long its last octets are awaited, in seconds. */
static const double send_stall_s = 60, linger_s = 2;

static void advance(struct connection *c);

static void
arm(struct connection *c, double seconds)
{
	c->timer.repeat = seconds;
	ev_timer_again(c->edge->loop, &c->timer);
}

static void
disarm(struct connection *c)
{
	arm(c, 0);
}

static void
mark_dirty(struct connection *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	c->dirty_next = c->edge->dirty;
	c->edge->dirty = c;
}

static void
unmark_dirty(struct connection *c)
{
	struct connection **at = &c->edge->dirty;

	if (!c->dirty)
		return;
	while (*at != c)
		at = &(*at)->dirty_next;
	*at = c->dirty_next;
	c->dirty = false;
}

void
connection_cancel(struct connection *c)
{
	if (c->state == CONNECTION_QUEUED)
		edge_unqueue(c);
	if (c->state == CONNECTION_OPEN && c->pipeline != NULL &&
	    idmap_remove(&c->pipeline->open, c->reader.id) != NULL)
		pipeline_control(c->pipeline, "cancel", c->reader.id);
	c->pipeline = NULL;
}

/* A super-server's socket may be open in the stages too, as their standard error: closing it here does not end it. */
static void
end_shared(struct connection *c)
{
	struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

	/* To disconnect resets. A Unix socket cannot be reset. */
	if (!c->reset || connect(c->fd, &nowhere, sizeof nowhere) != 0)
		shutdown(c->fd, SHUT_RDWR);
}

void
connection_close(struct connection *c)
{
	struct edge *edge = c->edge;
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	log_close(c);
	connection_cancel(c);
	unmark_dirty(c);
	edge_watch_fin(c, false);
	ev_io_stop(edge->loop, &c->readable);
	ev_io_stop(edge->loop, &c->writable);
	ev_timer_stop(edge->loop, &c->timer);
	if (edge->connected)
		end_shared(c);
	else if (c->reset)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(c->fd);
	if ((*c->back = c->next) != NULL)
		c->next->back = c->back;
	reader_free(&c->reader);
	buf_free(&c->out);
	free(c);
	edge->connection_count--;
	edge_connection_gone(edge);
}

/* All is sent that ever will be. */
static void
end(struct connection *c)
{
	if (c->reset) {
		connection_close(c);
		return;
	}
	/* Closing over unread octets would reset, and the reset might overtake the answer. */
	shutdown(c->fd, SHUT_WR);
	c->state = CONNECTION_LINGERING;
	buf_free(&c->reader.in);
	ev_io_start(c->edge->loop, &c->readable);
	arm(c, linger_s);
}

/* What comes after the answer's last octet was added to `out`. */
static void
answered(struct connection *c, enum answer_end how)
{
	log_answered(c, how == ANSWER_BROKEN || how == ANSWER_RESET);
	c->pipeline = NULL;
	c->paused = false;
	mark_dirty(c);
	if (how == ANSWER_KEEP && !c->edge->stopping) {
		reader_next(&c->reader);
		c->answer = (struct answer){ 0 };
		c->state = CONNECTION_READING;
		c->timing_head = false;
		edge_watch_fin(c, false);
		ev_io_start(c->edge->loop, &c->readable);
		/* The idle time begins once the answer is sent. */
		disarm(c);
		advance(c);
		return;
	}
	/* What the client still says, be it a FIN, changes nothing: the answer is whole but for its sending. */
	c->reset = how == ANSWER_RESET;
	c->state = CONNECTION_ENDING;
	ev_io_stop(c->edge->loop, &c->readable);
	edge_watch_fin(c, false);
	disarm(c);
}

static void
begin_answer(struct connection *c)
{
	const struct reader *r = &c->reader;

	c->answer = (struct answer){
		.minor_version = r->minor_version,
		.is_head = r->is_head,
		.close = r->close || c->edge->stopping,
	};
}

void
connection_fail(struct connection *c, int status, const char *message)
{
	const struct reader *r = &c->reader;
	size_t before = buf_len(&c->out);
	enum answer_end how;

	if (!c->answer.began)
		begin_answer(c);
	how = answer_fail(&c->answer, status, message, r->dialect, r->request_id[0] ? r->request_id : NULL, &c->out);
	log_fail(c, status, message, buf_len(&c->out) - before);
	answered(c, how);
}

static void
advance(struct connection *c)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const struct options *options = c->edge->options;
	struct reader *r = &c->reader;

	enum reader_state state;

	if (!reader_is_idle(r))
		log_begin(c);
	state = reader_advance(r, c->edge->last_id + 1, c->peer);
	if (r->id > c->edge->last_id)
		c->edge->last_id = r->id;
	switch (state) {
	case READER_HEAD:
		if (buf_len(&r->in) > 0 && !c->timing_head) {
			c->timing_head = true;
			arm(c, options->head_s);
		}
		return;
	case READER_LENGTH:
	case READER_CHUNKED:
		if (r->expects_continue) {
			r->expects_continue = false;
			buf_put(&c->out, go_on, sizeof go_on - 1);
			mark_dirty(c);
		}
		arm(c, options->body_s);
		return;
	case READER_WHOLE:
		/* While the answer is awaited nothing needs room. */
		buf_trim(&r->in, 0);
		disarm(c);
		log_whole(c);
		c->wait_until = 0;
		begin_answer(c);
		edge_submit(c->edge, c);
		return;
	case READER_BAD:
		connection_fail(c, r->status, r->why);
		return;
	}
}

static void
on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct connection *c = watcher->data;
	struct buf *room = &c->reader.in;
	size_t want = c->state == CONNECTION_LINGERING ? DISCARD_READ : WATCH_READ;
	ssize_t n;

	(void)events;
	if (c->state == CONNECTION_READING)
		room = reader_room(&c->reader, &want);
	n = io_recv(c->fd, room, want);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n <= 0) {
		connection_close(c);
		return;
	}
	c->received += (uint64_t)n;
	if (c->state == CONNECTION_READING) {
		advance(c);
	} else if (c->state == CONNECTION_LINGERING) {
		buf_clear(room);
	} else if (buf_len(room) >= PIPELINED_MAX) {
		/* Enough waits; the rest stays with the system, and a FIN behind it is still seen. */
		ev_io_stop(loop, &c->readable);
		edge_watch_fin(c, true);
	}
}

/* Tells the pipeline to hold or go on with an answer whose client reads slowly. */
static void
balance(struct connection *c)
{
	if (c->state != CONNECTION_OPEN || c->pipeline == NULL)
		return;
	if (!c->paused && buf_len(&c->out) > OUT_HIGH) {
		c->paused = true;
		pipeline_control(c->pipeline, "pause", c->reader.id);
	} else if (c->paused && buf_len(&c->out) < OUT_LOW) {
		c->paused = false;
		pipeline_control(c->pipeline, "resume", c->reader.id);
	}
}

/*
 * The client takes no more for now. It has its time anew when it takes something, not when more is added. Within a request
 * the limits are the request's.
 */
static void
wait_for_room(struct connection *c, bool took_some)
{
	bool waited = ev_is_active(&c->writable) && ev_is_active(&c->timer);
	bool sends_only = c->state == CONNECTION_OPEN || c->state == CONNECTION_ENDING ||
	    (c->state == CONNECTION_READING && reader_is_idle(&c->reader));

	ev_io_start(c->edge->loop, &c->writable);
	if (sends_only && (took_some || !waited))
		arm(c, send_stall_s);
	balance(c);
}

static void
all_sent(struct connection *c)
{
	ev_io_stop(c->edge->loop, &c->writable);
	buf_trim(&c->out, WATCH_READ);
	if (c->state == CONNECTION_OPEN)
		disarm(c);
	balance(c);
	log_sent(c);
	if (c->state == CONNECTION_READING && reader_is_idle(&c->reader)) {
		if (c->edge->stopping)
			end(c);
		else
			arm(c, c->edge->options->idle_s);
	} else if (c->state == CONNECTION_ENDING) {
		end(c);
	}
}

void
connection_flush(struct connection *c)
{
	bool took_some = false;

	while (buf_len(&c->out) > 0) {
		ssize_t n = io_send(c->fd, buf_data(&c->out), buf_len(&c->out));

		if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
			connection_close(c);
			return;
		}
		if (n < 0) {
			wait_for_room(c, took_some);
			return;
		}
		buf_consume(&c->out, (size_t)n);
		took_some = true;
	}
	all_sent(c);
}

static void
on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct connection *c = watcher->data;

	(void)loop;
	(void)events;
	mark_dirty(c);
}

static void
on_timeout(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	struct connection *c = watcher->data;

	(void)loop;
	(void)revents;
	if (c->state == CONNECTION_READING && !reader_is_idle(&c->reader)) {
		connection_fail(c, 408, "the request did not come in time");
	} else if (c->state == CONNECTION_QUEUED) {
		edge_unqueue(c);
		connection_fail(c, 503, "no pipeline of the load balancer is ready; try again");
	} else {
		c->stalled = buf_len(&c->out) > 0;
		connection_close(c);
	}
}

bool
connection_record(struct connection *c, const struct record *record)
{
	const struct reader *r = &c->reader;
	size_t before = buf_len(&c->out);
	enum answer_end how = ANSWER_KEEP;
	bool good = true;

	if (record->type == RECORD_HEAD)
		good = answer_head(&c->answer, record, &c->out);
	else if (record->type == RECORD_END)
		how = answer_end(&c->answer, record, r->dialect, r->request_id, &c->out);
	else if ((good = c->answer.began))
		answer_data(&c->answer, record->payload, record->payload_len, &c->out);
	log_record(c, record, buf_len(&c->out) - before);
	if (record->type == RECORD_END)
		answered(c, how);
	if (c->out.failed)
		good = false;
	mark_dirty(c);
	return good;
}

bool
connection_is_idle(const struct connection *c)
{
	return c->state == CONNECTION_LINGERING ||
	    (c->state == CONNECTION_READING && reader_is_idle(&c->reader) && buf_len(&c->out) == 0);
}

void
connection_open(struct edge *edge, int fd)
{
	struct connection *c = calloc(1, sizeof *c);
	int one = 1;

	if (c == NULL) {
		close(fd);
		return;
	}
	c->edge = edge;
	c->fd = fd;
	c->out = BUF_INIT(SIZE_MAX);
	reader_init(&c->reader, edge->options->max_body);
	c->reader.access = &c->access;
	listener_peer_text(fd, c->peer);
	/* Small writes, an event each, must not wait for one another; fails on a Unix socket, where they do not. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	ev_io_init(&c->readable, on_readable, fd, EV_READ);
	ev_io_init(&c->writable, on_writable, fd, EV_WRITE);
	ev_init(&c->timer, on_timeout);
	c->readable.data = c->writable.data = c->timer.data = c;
	if ((c->next = edge->connections) != NULL)
		c->next->back = &c->next;
	c->back = &edge->connections;
	edge->connections = c;
	edge->connection_count++;
	ev_io_start(edge->loop, &c->readable);
	arm(c, edge->options->idle_s);
}
