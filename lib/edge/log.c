/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "edge/internal.h"

static void
on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
	(void)loop;
	(void)watcher;
	(void)events;
	/* The end of the wake-up writes. */
}

void
log_take(struct edge *edge, int fd)
{
	struct accesslog *log = &edge->log;

	if (fd < 0)
		return;
	if (log->fd >= 0)
		ev_io_stop(edge->loop, &edge->log_writable);
	accesslog_take(log, fd);
	ev_io_init(&edge->log_writable, on_writable, fd, EV_WRITE);
}

void
log_flush(struct edge *edge)
{
	if (edge->log.fd < 0)
		return;
	if (accesslog_flush(&edge->log))
		ev_io_start(edge->loop, &edge->log_writable);
	else
		ev_io_stop(edge->loop, &edge->log_writable);
}

static void
put(struct edge *edge, struct access *access)
{
	accesslog_put(&edge->log, access);
	access_free(access);
}

/* The request under way is over. */
static void
finish(struct connection *c)
{
	c->access.total_ms = clock_monotonic_ms() - c->access.began_ms;
	put(c->edge, &c->access);
}

void
log_begin(struct connection *c)
{
	struct edge *edge = c->edge;

	if (edge->log.fd < 0 || c->request_began)
		return;
	c->request_began = true;
	/* The client did not wait for the last octets of the answer before. */
	log_sent(c);
	if (!accesslog_wants(&edge->log))
		return;
	access_begin(&c->access, true, clock_unix_ms(), clock_monotonic_ms());
	c->request_at = c->received - buf_len(&c->reader.in);
}

void
log_whole(struct connection *c)
{
	if (!c->access.on)
		return;
	c->access.queued_ms = clock_monotonic_ms();
	c->access.bytes_in = c->received - c->request_at - buf_len(&c->reader.in);
}

void
log_record(struct connection *c, const struct record *record, size_t octets)
{
	struct access *access = &c->access;

	if (!access->on)
		return;
	access->bytes_out += octets;
	if (record->type == RECORD_HEAD)
		access_head(access, record, c->answer.status);
	else if (record->type == RECORD_END)
		access_end(access, record);
	else if (record->payload_len > 0 && !access->has_first)
		access_content(access, clock_monotonic_ms());
}

void
log_fail(struct connection *c, int status, const char *message, size_t octets)
{
	struct access *access = &c->access;
	enum record_end result = status == 408 ? END_TIMEOUT : END_REFUSED;

	if (!access->on)
		return;
	if (!access->has_request)
		access_request(access, "", c->peer, (struct http_span){ NULL, 0 }, (struct http_span){ NULL, 0 });
	if (c->state == CONNECTION_READING)
		access->bytes_in = c->received - c->request_at;
	access->bytes_out += octets;
	/* What has begun was somebody's answer. */
	if (access->status != 0)
		result = END_TRUNCATED;
	else
		access->status = status;
	access_fail(access, result, message);
}

void
log_answered(struct connection *c, bool broken)
{
	struct access *access = &c->access;

	c->request_began = false;
	if (!access->on)
		return;
	/* An answer without a head was ended by an error of the edge's own. */
	if (access->status == 0)
		access->status = c->answer.status;
	if (broken && access->result == END_COMPLETE)
		access_correct(access, END_TRUNCATED, "the answer's length is not the one that its head told");
}

void
log_sent(struct connection *c)
{
	if (c->access.on && c->access.ended)
		finish(c);
}

/* Keeps the line of a request that the client has left until its end says what came of it. */
static bool
await_end(struct connection *c)
{
	struct pipeline *p = c->pipeline;
	struct access *leaving;

	if (c->state != CONNECTION_OPEN || p == NULL || p->broken || p->leaving.count >= ACCESS_LEAVING_MAX ||
	    (leaving = malloc(sizeof *leaving)) == NULL)
		return false;
	*leaving = c->access;
	leaving->total_ms = clock_monotonic_ms() - leaving->began_ms;
	if (!idmap_put(&p->leaving, c->reader.id, leaving)) {
		free(leaving);
		return false;
	}
	c->access = (struct access){ .on = false };
	return true;
}

void
log_close(struct connection *c)
{
	struct access *access = &c->access;
	enum record_end result = END_CANCELLED;
	const char *why = "the client went away";

	if (!access->on)
		return;
	if (c->stalled) {
		result = END_TIMEOUT;
		why = "the client took nothing for too long";
	} else if (c->edge->drained) {
		result = END_REFUSED;
		why = "the load balancer is stopping";
	}
	if (!access->has_request && !access->ended) {
		/* No more of a request than its beginning. */
		access_free(access);
		return;
	}
	if (c->state == CONNECTION_READING && !access->ended)
		access->bytes_in = c->received - c->request_at;
	/* What waits would have gone out if the client had taken it. */
	access->bytes_out -= buf_len(&c->out) < access->bytes_out ? buf_len(&c->out) : access->bytes_out;
	if (access->ended && access->result == END_COMPLETE && buf_len(&c->out) > 0)
		access_correct(access, result, why);
	else
		access_fail(access, result, why);
	if (!await_end(c))
		finish(c);
}

void
log_end(struct pipeline *p, const struct record *end)
{
	struct access *access = idmap_remove(&p->leaving, end->id);

	if (access == NULL)
		return;
	access_end(access, end);
	put(p->edge, access);
	free(access);
}

void
log_pipeline_gone(struct pipeline *p)
{
	struct idmap_slot *slot = p->leaving.slots;

	for (size_t i = 0; i < p->leaving.size; i++)
		if (slot[i].id != 0) {
			put(p->edge, slot[i].value);
			free(slot[i].value);
		}
	idmap_free(&p->leaving);
}
