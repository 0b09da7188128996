/* SPDX-License-Identifier: MIT */
#include "base/io.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"

static ssize_t
receive(int fd, struct buf *b, size_t want, bool from_socket)
{
	char *room;
	ssize_t n;

	if (buf_len(b) >= b->max) {
		errno = EMSGSIZE;
		return -1;
	}
	if (want > b->max - buf_len(b))
		want = b->max - buf_len(b);
	if ((room = buf_reserve(b, want)) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	do
		n = from_socket ? recv(fd, room, want, MSG_DONTWAIT) : read(fd, room, want);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		buf_commit(b, (size_t)n);
	return n;
}

ssize_t
io_read(int fd, struct buf *b, size_t want)
{
	return receive(fd, b, want, false);
}

ssize_t
io_recv(int fd, struct buf *b, size_t want)
{
	return receive(fd, b, want, true);
}

ssize_t
io_write(int fd, const void *p, size_t n)
{
	ssize_t done;

	do
		done = write(fd, p, n);
	while (done < 0 && errno == EINTR);
	return done;
}

ssize_t
io_send(int fd, const void *p, size_t n)
{
	ssize_t done;

	do
		done = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (done < 0 && errno == EINTR);
	return done;
}

int
io_write_all(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t done = io_write(fd, at, n);

		if (done < 0) {
			struct pollfd ready = { .fd = fd, .events = POLLOUT };

			if (errno != EAGAIN && errno != EWOULDBLOCK)
				return -1;
			if (poll(&ready, 1, -1) < 0 && errno != EINTR)
				return -1;
			continue;
		}
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

int
io_flush(int fd, struct buf *b)
{
	int result = io_write_all(fd, buf_data(b), buf_len(b));

	buf_consume(b, buf_len(b));
	return result;
}

int
io_read_all(int fd, struct buf *b)
{
	for (;;) {
		ssize_t n;

		/* A full buffer is fine if the input ends there too. */
		if (buf_len(b) >= b->max) {
			char more;

			do
				n = read(fd, &more, 1);
			while (n < 0 && errno == EINTR);
			if (n > 0)
				errno = EMSGSIZE;
			return n == 0 ? 0 : -1;
		}
		n = io_read(fd, b, READ_MAX);
		if (n == 0)
			return 0;
		if (n < 0) {
			struct pollfd ready = { .fd = fd, .events = POLLIN };

			if (errno != EAGAIN && errno != EWOULDBLOCK)
				return -1;
			if (poll(&ready, 1, -1) < 0 && errno != EINTR)
				return -1;
		}
	}
}

enum io_wait
io_wait(int in, int out, int timeout_ms)
{
	struct pollfd fds[2] = { { .fd = in, .events = POLLIN }, { .fd = out, .events = 0 } };
	int n;

	do
		n = poll(fds, 2, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return IO_WAIT_FAILED;
	if (n == 0)
		return IO_WAIT_TIMEOUT;
	/* A pipe without a reader reports POLLERR, a closed socket POLLHUP. */
	if (fds[1].revents & (POLLERR | POLLHUP))
		return IO_WAIT_NO_READER;
	return IO_WAIT_INPUT;
}

bool
io_reader_gone(int out)
{
	struct pollfd fd = { .fd = out, .events = 0 };

	return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLERR | POLLHUP));
}

bool
io_takes(int fd, int timeout_ms)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	return poll(&ready, 1, timeout_ms) > 0;
}
