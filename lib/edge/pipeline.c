/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/limits.h"
#include "edge/internal.h"
#include "record/record.h"

enum {
	OUT_HIGH = 256 * 1024,	/* with more than this unwritten, further requests wait in the queue */
	RECORD_FRAMING = 2
};

/* The keeper is told, ends the stages and starts new ones; the clients are told here and now. */
static void
fail(struct pipeline *p, const char *why)
{
	struct channel_message message = { CHANNEL_FAILED, p->generation, { -1, -1 } };

	if (p->broken)
		return;
	p->broken = true;
	diag_warning("pipeline %u failed: %s", p->generation, why);
	(void)channel_send(p->edge->channel, &message);
}

/* Moves waiting records into `out`: controls first, then requests as long as there is room. */
static void
fill_out(struct pipeline *p)
{
	struct connection *c;

	buf_put(&p->out, buf_data(&p->control), buf_len(&p->control));
	buf_clear(&p->control);
	while ((c = p->queue) != NULL && buf_len(&p->out) < OUT_HIGH && buf_len(&p->body) == 0) {
		struct reader *r = &c->reader;

		edge_unqueue(c);
		if (!idmap_put(&p->open, r->id, c)) {
			connection_fail(c, 503, "out of memory for another request");
			continue;
		}
		c->state = CONNECTION_OPEN;
		buf_put(&p->out, buf_data(&r->record), buf_len(&r->record));
		record_finish_bytes(&p->out, buf_len(&r->body));
		buf_free(&r->record);
		if (buf_len(&r->body) > COPY_MAX) {
			/* Not copied: the pipeline owns it from here, whatever becomes of the connection. */
			struct buf empty = BUF_INIT(r->body.max);

			buf_put(&r->body, "\n", 1);
			buf_free(&p->body);
			p->body = r->body;
			r->body = empty;
		} else {
			buf_put(&p->out, buf_data(&r->body), buf_len(&r->body));
			buf_putc(&p->out, '\n');
			buf_free(&r->body);
		}
	}
}

/* Writes the content of `b` as far as the pipe takes it. False if it did not take all. */
static bool
write_some(struct pipeline *p, struct buf *b)
{
	while (buf_len(b) > 0) {
		ssize_t n = io_write(p->to, buf_data(b), buf_len(b));

		if (n < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				fail(p, errno == EPIPE ? "the first stage has gone" : strerror(errno));
			return false;
		}
		buf_consume(b, (size_t)n);
	}
	return true;
}

bool
pipeline_is_writing(const struct pipeline *p)
{
	return !p->broken && buf_len(&p->out) + buf_len(&p->body) + buf_len(&p->control) > 0;
}

void
pipeline_flush(struct pipeline *p)
{
	if (p->broken)
		return;
	for (;;) {
		if (buf_len(&p->out) == 0 && buf_len(&p->body) == 0)
			fill_out(p);
		if (p->out.failed || p->body.failed) {
			fail(p, strerror(ENOMEM));
			return;
		}
		if (buf_len(&p->out) == 0 && buf_len(&p->body) == 0) {
			buf_trim(&p->out, PIPE_CAPACITY);
			buf_trim(&p->body, 0);
			ev_io_stop(p->edge->loop, &p->writable);
			return;
		}
		if (!write_some(p, &p->out) || !write_some(p, &p->body)) {
			if (!p->broken)
				ev_io_start(p->edge->loop, &p->writable);
			return;
		}
	}
}

static void
on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct pipeline *p = watcher->data;

	(void)loop;
	(void)events;
	pipeline_flush(p);
	if (p->broken)
		pipeline_break(p);
}

/* One response record. False if it has no sense. */
static bool
take_record(struct pipeline *p, const struct record *record)
{
	struct connection *c;

	if (record->type == RECORD_HELLO) {
		struct channel_message message = { CHANNEL_READY, p->generation, { -1, -1 } };

		p->ready = true;
		(void)channel_send(p->edge->channel, &message);
		edge_pipeline_ready(p);
		return true;
	}
	if (record->type != RECORD_HEAD && record->type != RECORD_DATA && record->type != RECORD_END)
		return true;
	/* Of a request whose client has gone, what is still on its way comes to nobody. */
	if ((c = idmap_get(&p->open, record->id)) == NULL) {
		if (record->type == RECORD_END)
			log_end(p, record);
		return true;
	}
	if (record->type == RECORD_END) {
		struct json cancel;

		idmap_remove(&p->open, record->id);
		/* A later stage has ended the answer; an earlier one is still at work on it. */
		if (json_find(record->header, "cancel", &cancel) && json_is_true(cancel))
			pipeline_control(p, "cancel", record->id);
	}
	return connection_record(c, record);
}

static void
take_records(struct pipeline *p)
{
	struct record record;
	const char *why;

	p->in_want = PIPE_CAPACITY;
	while (buf_len(&p->in) > 0 && !p->broken) {
		switch (record_parse(buf_data(&p->in), buf_len(&p->in), &record, &why)) {
		case RECORD_OK:
			if (!take_record(p, &record))
				fail(p, "an answer's record has no sense");
			buf_consume(&p->in, record.size);
			break;
		case RECORD_MORE:
			if (record.size > buf_len(&p->in) + PIPE_CAPACITY)
				p->in_want = record.size - buf_len(&p->in);
			return;
		default:
			fail(p, why);
		}
	}
	buf_trim(&p->in, 2 * PIPE_CAPACITY);
}

static void
on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
	struct pipeline *p = watcher->data;
	ssize_t n = io_read(p->from, &p->in, p->in_want);

	(void)loop;
	(void)events;
	if (n > 0)
		take_records(p);
	else if (n == 0)
		fail(p, "the last stage has gone");
	else if (errno != EAGAIN && errno != EWOULDBLOCK)
		fail(p, strerror(errno));
	if (p->broken)
		pipeline_break(p);
}

struct pipeline *
pipeline_open(struct edge *edge, uint32_t generation, const int fds[2])
{
	struct pipeline *p = calloc(1, sizeof *p);

	if (p == NULL) {
		close(fds[0]);
		close(fds[1]);
		return NULL;
	}
	p->edge = edge;
	p->generation = generation;
	p->to = fds[0];
	p->from = fds[1];
	p->out = BUF_INIT(SIZE_MAX);
	p->control = BUF_INIT(SIZE_MAX);
	p->in = BUF_INIT(RECORD_HEADER_MAX + RECORD_PAYLOAD_MAX + RECORD_FRAMING);
	p->in_want = PIPE_CAPACITY;
	p->queue_tail = &p->queue;
	ev_io_init(&p->writable, on_writable, p->to, EV_WRITE);
	ev_io_init(&p->readable, on_readable, p->from, EV_READ);
	p->writable.data = p->readable.data = p;
	ev_io_start(edge->loop, &p->readable);
	p->next = edge->pipelines;
	edge->pipelines = p;
	buf_puts(&p->out, "{\"type\":\"hello\"}\n");
	return p;
}

static void
free_pipeline(struct pipeline *p)
{
	struct pipeline **at = &p->edge->pipelines;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	log_pipeline_gone(p);
	ev_io_stop(p->edge->loop, &p->writable);
	ev_io_stop(p->edge->loop, &p->readable);
	close(p->to);
	close(p->from);
	buf_free(&p->out);
	buf_free(&p->body);
	buf_free(&p->control);
	buf_free(&p->in);
	idmap_free(&p->open);
	free(p);
}

void
pipeline_break(struct pipeline *p)
{
	struct connection *c;

	p->broken = true;
	p->ready = false;
	while ((c = idmap_any(&p->open)) != NULL) {
		idmap_remove(&p->open, c->reader.id);
		connection_fail(c, 502, "a stage of the load balancer died while it worked on this request; "
		                        "send it again");
	}
	while ((c = p->queue) != NULL) {
		edge_unqueue(c);
		edge_submit(p->edge, c);
	}
	free_pipeline(p);
}

void
pipeline_close(struct pipeline *p)
{
	free_pipeline(p);
}

void
pipeline_submit(struct pipeline *p, struct connection *c)
{
	c->pipeline = p;
	c->state = CONNECTION_QUEUED;
	edge_enqueue(c, &p->queue_tail);
}

void
pipeline_control(struct pipeline *p, const char *type, uint64_t id)
{
	record_begin(&p->control, type, id);
	record_finish(&p->control);
}
