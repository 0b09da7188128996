/* SPDX-License-Identifier: MIT */
/* Where access lines go: a descriptor that is written without waiting. What it does not take is dropped, and counted. */
#ifndef LB_EDGE_ACCESSLOG_H
#define LB_EDGE_ACCESSLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "edge/access.h"

struct accesslog {
	int fd;			/* -1: there are no lines */
	bool is_file;		/* a regular one, which never waits for a reader */
	bool is_socket;
	bool is_blocking;	/* a write to it might wait: it is asked before each */
	bool in_line;		/* what was written last is the beginning of a line */
	uint64_t every;		/* each so manieth request has a line */
	uint64_t count;		/* requests so far */
	struct buf waiting;	/* lines to be written */
	uint64_t dropped;	/* lines that were, since the last that tells of some */
	uint64_t telling;	/* those that the waiting lines tell of */
	uint64_t total;		/* lines dropped at all */
	uint64_t said_ms;	/* when a warning told of it last, monotonic; 0: never */
};

/*
 * Opens the log that --access-log names, `-` for standard output, `stderr`, or a file's path, so that accesslog_take can have
 * it: the keeper's part. A file is made if it is not there, and written at its end. Returns the descriptor, close-on-exec, or
 * -1 with errno; EINVAL: standard error is a client's socket.
 */
int accesslog_open(const char *where);

/* Whether accesslog_open opens a file by its path, which may have become another. */
bool accesslog_is_path(const char *where);

/* No log yet. */
void accesslog_init(struct accesslog *log, uint64_t every);

/* Writes to `fd` from here on, and closes the descriptor before it. */
void accesslog_take(struct accesslog *log, int fd);

/* Writes what waits, for which the reader has a second, and closes the descriptor. */
void accesslog_close(struct accesslog *log);

/* Whether the next request is one that gets a line. */
bool accesslog_wants(struct accesslog *log);

/* Adds a request's line to what waits. */
void accesslog_put(struct accesslog *log, const struct access *access);

/* Writes what waits, as far as that is taken. True if some is left that will be taken once `fd` can be written. */
bool accesslog_flush(struct accesslog *log);

#endif
