/* SPDX-License-Identifier: MIT */
/* What edge.c, pipeline.c and connection.c know of each other, and nobody else does. */
#ifndef LB_EDGE_INTERNAL_H
#define LB_EDGE_INTERNAL_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/idmap.h"
#include "edge/access.h"
#include "edge/accesslog.h"
#include "edge/answer.h"
#include "edge/channel.h"
#include "edge/listener.h"
#include "edge/options.h"
#include "edge/reader.h"

struct edge;
struct pipeline;

enum connection_state {
	CONNECTION_READING,	/* a request comes, or is waited for */
	CONNECTION_QUEUED,	/* its record is not begun to be written */
	CONNECTION_OPEN,	/* its record is on its way or there: an answer is due */
	CONNECTION_ENDING,	/* the answer's octets go out, then the connection ends */
	CONNECTION_LINGERING	/* our side is shut, the client's last octets are dropped (RFC 9112 §9.6) */
};

struct connection {
	struct edge *edge;
	struct connection *next, **back;		/* all connections */
	struct connection *queue_next, **queue_back;	/* CONNECTION_QUEUED: of the pipeline's queue, or the edge's */
	struct connection *dirty_next;
	bool dirty;			/* `out` has octets to be sent at the end of this wake-up */
	int fd;
	ev_io readable;
	ev_io writable;
	ev_timer timer;			/* the limit of what is being waited for */
	bool timing_head;		/* it is the head's, which is not put off by each octet */
	double wait_until;		/* how long its request may be without a pipeline, however often; 0: never was */
	enum connection_state state;
	bool reset;			/* to be ended by a reset */
	bool paused;			/* the pipeline was told to pause */
	bool fin_watched;		/* by edge_watch_fin */
	struct reader reader;
	struct answer answer;
	struct access access;		/* of the request under way, or answered and not yet sent */
	uint64_t received;		/* octets, of all its requests */
	bool request_began;		/* and was counted, if there are access lines */
	uint64_t request_at;		/* those of them that came before this one's first */
	bool stalled;			/* the client has taken nothing for too long */
	struct pipeline *pipeline;	/* CONNECTION_QUEUED (NULL: none is ready) and CONNECTION_OPEN */
	struct buf out;
	char peer[ADDRESS_TEXT_MAX];
};

/* The edge's ends of a pipeline. */
struct pipeline {
	struct edge *edge;
	struct pipeline *next;
	uint32_t generation;
	int to;
	int from;
	ev_io writable;
	ev_io readable;
	bool ready;			/* its hello has come back */
	bool broken;
	struct buf out;			/* records to be written */
	struct buf body;		/* a large payload, to be written behind `out` */
	struct buf control;		/* cancel, pause and resume, to be written behind that, before any further request */
	struct connection *queue, **queue_tail;
	struct buf in;
	size_t in_want;			/* how much to read next */
	struct idmap open;		/* CONNECTION_OPEN, by id */
	struct idmap leaving;		/* struct access of requests whose clients have gone, whose ends may tell more; by id */
};

struct edge {
	struct ev_loop *loop;
	const struct options *options;
	int channel;
	ev_io channel_readable;
	ev_io listeners[LISTENERS_MAX];
	size_t listener_count;
	bool accepting;
	bool connected;			/* serves one client's connection */
	bool stopping;
	bool drained;			/* the time to drain is over */
	ev_timer drain;
	ev_timer accept_again;		/* after running out of descriptors */
	ev_prepare before_wait;
	struct pipeline *pipelines;
	struct connection *connections;
	size_t connection_count;
	size_t connections_max;
	double full_said;		/* when it was last told that there is no room for another connection */
	struct connection *queue, **queue_tail;	/* requests while no pipeline is ready */
	struct connection *dirty;
	uint64_t last_id;
	struct accesslog log;
	ev_io log_writable;
	int fin_poll;			/* an epoll set that tells a FIN behind octets that are not read yet, or -1 */
	ev_io fin_readable;
};

/* log.c: the access lines */

/* Takes the descriptor that the keeper has opened for them. */
void log_take(struct edge *edge, int fd);

/* Writes what there is; to be called at the end of a wake-up. */
void log_flush(struct edge *edge);

/* Octets of a request have come, and are in the reader; those of the answer before may not all be sent yet. */
void log_begin(struct connection *c);

/* The request is whole. */
void log_whole(struct connection *c);

/* Its answer's next record, of which `octets` go out. */
void log_record(struct connection *c, const struct record *record, size_t octets);

/* It ends with an error of the edge's own, of which `octets` go out. */
void log_fail(struct connection *c, int status, const char *message, size_t octets);

/* Its answer is complete as its framing goes, or `broken`. */
void log_answered(struct connection *c, bool broken);

/* All of its answer is sent. */
void log_sent(struct connection *c);

/* The connection ends, whatever is open in it. */
void log_close(struct connection *c);

/* The end of a request whose client has gone. */
void log_end(struct pipeline *p, const struct record *end);

/* The pipeline ends: nothing more is told of such requests. */
void log_pipeline_gone(struct pipeline *p);

/* connection.c */

/* Takes up a client's socket. It is closed if memory is short. */
void connection_open(struct edge *edge, int fd);

/* Ends a connection at once; before the end of its answer that cancels. `c` is gone afterwards. */
void connection_close(struct connection *c);

/* Takes its request back from the pipeline, or from the queue. */
void connection_cancel(struct connection *c);

/* The answer to its request, from the pipeline. False if the record has no sense. */
bool connection_record(struct connection *c, const struct record *record);

/* Ends its request with an error of lb's own; the connection ends after it. */
void connection_fail(struct connection *c, int status, const char *message);

/* Sends what `out` has. */
void connection_flush(struct connection *c);

/* The connection waits for a request and has none of it yet, or is only waiting for its end. */
bool connection_is_idle(const struct connection *c);

/* pipeline.c */

/* Takes up the ends of a new pipeline and sends its hello. NULL if memory is short; the ends are closed then. */
struct pipeline *pipeline_open(struct edge *edge, uint32_t generation, const int fds[2]);

/* Takes it down: open requests are failed, those not begun go back to the edge's queue. `p` is gone afterwards. */
void pipeline_break(struct pipeline *p);

/* Closes its request end once nothing is open: the stages finish and end. Frees `p`. */
void pipeline_close(struct pipeline *p);

/* Queues the request that `c` has read. */
void pipeline_submit(struct pipeline *p, struct connection *c);

/* Tells the pipeline of an open request: "cancel", "pause" or "resume". */
void pipeline_control(struct pipeline *p, const char *type, uint64_t id);

/* Writes what is due; to be called once at the end of a wake-up. */
void pipeline_flush(struct pipeline *p);

/* Whether something is left to be written that the pipe did not take yet. */
bool pipeline_is_writing(const struct pipeline *p);

/* edge.c */

/* Gives the request that `c` has read to the least busy pipeline, or lets it wait for one. */
void edge_submit(struct edge *edge, struct connection *c);

/* Takes `c` out of the queue it is in. */
void edge_unqueue(struct connection *c);

/* Adds `c` at the end of a queue. */
void edge_enqueue(struct connection *c, struct connection ***tail);

void edge_pipeline_ready(struct pipeline *p);

/* To be called by a connection that has gone: others may be waiting for its descriptor, or the edge for the last one. */
void edge_connection_gone(struct edge *edge);

/* Begins or stops to watch for a FIN behind octets that are not read. */
void edge_watch_fin(struct connection *c, bool on);

#endif
