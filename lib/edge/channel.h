/* SPDX-License-Identifier: MIT */
/* The channel between keeper and edge: small messages, some with descriptors, over a pair of Unix sockets. */
#ifndef LB_EDGE_CHANNEL_H
#define LB_EDGE_CHANNEL_H

#include <stdint.h>

enum channel_kind {
	/* keeper to edge */
	CHANNEL_PIPELINE,	/* a pipeline has been started: fds[0] takes its requests, fds[1] has its responses */
	CHANNEL_CRASHED,	/* a stage of that pipeline has died */
	CHANNEL_STOP,		/* no new connections; finish what is open, then exit */
	CHANNEL_STOP_NOW,	/* end what is open, then exit */
	CHANNEL_ACCESS_LOG,	/* access lines go to fds[0] from here on */
	/* edge to keeper */
	CHANNEL_DONE,		/* nothing is open any more: the pipelines are closed now, and the edge ends */
	CHANNEL_READY,		/* the pipeline's hello has come back */
	CHANNEL_FAILED		/* the pipeline's pipes are broken, or what comes out of it is no record */
};

struct channel_message {
	enum channel_kind kind;
	uint32_t generation;	/* of the pipeline, counted from 1 */
	int fds[2];		/* CHANNEL_PIPELINE, CHANNEL_ACCESS_LOG: to be closed by the receiver; else -1 */
};

/* Makes the pair, both ends close-on-exec. Returns 0, or -1 with errno. */
int channel_open(int fds[2]);

/*
 * Sends a message without waiting; its descriptors stay open here. Returns 0, or -1 with errno (EPIPE: the other side is
 * gone; EAGAIN: it takes nothing).
 */
int channel_send(int fd, const struct channel_message *message);

/*
 * Takes the next message without waiting. 1: there was one; 0: the other side has closed; -1 with errno, EAGAIN: none yet.
 * One of the kinds with descriptors that comes with all of `fds` -1 had descriptors for which this process has no room.
 */
int channel_receive(int fd, struct channel_message *message);

#endif
