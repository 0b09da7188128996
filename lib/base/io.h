/* SPDX-License-Identifier: MIT */
/* All of the project's reading and writing of descriptors. None of these changes a flag of a descriptor. */
#ifndef LB_BASE_IO_H
#define LB_BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

/*
 * One read(2) of at most `want` octets onto the end of `b`. Returns how many came, 0 at the end of input, -1 with errno:
 * EAGAIN from a descriptor that is non-blocking and empty, EMSGSIZE if `b` may not hold more. EINTR is retried.
 */
ssize_t io_read(int fd, struct buf *b, size_t want);

/* The same by recv(2) without waiting, whatever the socket's own mode is. */
ssize_t io_recv(int fd, struct buf *b, size_t want);

/* One write(2). Returns what was taken, or -1 with errno. EINTR is retried. */
ssize_t io_write(int fd, const void *p, size_t n);

/* The same by send(2) without waiting, whatever the socket's own mode is, and without SIGPIPE. */
ssize_t io_send(int fd, const void *p, size_t n);

/* Writes all `n` octets, waiting as long as that takes. Returns 0, or -1 with errno (EPIPE: nobody reads any more). */
int io_write_all(int fd, const void *p, size_t n);

/* Writes the whole content of `b` likewise and empties it. On failure `b` is left with an unknown part of it. */
int io_flush(int fd, struct buf *b);

/* Reads all of `fd` onto `b`. Returns 0, or -1 with errno (EMSGSIZE: more than `b` may hold). */
int io_read_all(int fd, struct buf *b);

enum io_wait {
	IO_WAIT_INPUT,		/* `in` has input or is at its end */
	IO_WAIT_NO_READER,	/* nobody reads `out` any more */
	IO_WAIT_TIMEOUT,
	IO_WAIT_FAILED		/* errno says why */
};

/* Waits until `in` can be read, or the reader of `out` has gone, at most `timeout_ms` (-1: without limit). */
enum io_wait io_wait(int in, int out, int timeout_ms);

/* Whether a write of a line to `fd` would not wait, or would fail; waits at most `timeout_ms` for that. */
bool io_takes(int fd, int timeout_ms);

/* Whether the reader of `out` (a pipe or socket) has gone. Does not wait. */
bool io_reader_gone(int out);

#endif
