/* SPDX-License-Identifier: MIT */
#include "edge/accesslog.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/io.h"
#include "base/limits.h"

enum {
	SAY_AGAIN_MS = 60000,	/* how often a warning tells of dropped lines at most */
	LAST_WAIT_MS = 1000,	/* how long what waits at the end has to be taken */
	FILE_MODE = 0640
};

static const int flags = O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;

/*
 * A pipe or terminal that others have too is opened once more, to be written without waiting, which is a property of the
 * opening, not of the pipe: theirs must stay as it is. Where that is not allowed it is asked before each write.
 */
static int
open_again(int fd)
{
	char path[32];
	struct stat st;
	int again, mode = fcntl(fd, F_GETFL);

	/* What was closed at the start is open for reading instead. */
	if (mode >= 0 && (mode & O_ACCMODE) == O_RDONLY) {
		errno = EBADF;
		return -1;
	}
	if (fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		if ((again = open(path, O_WRONLY | flags)) >= 0)
			return again;
	}
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

bool
accesslog_is_path(const char *where)
{
	return strcmp(where, "-") != 0 && strcmp(where, "stderr") != 0;
}

int
accesslog_open(const char *where)
{
	struct stat st;

	if (strcmp(where, "-") == 0)
		return open_again(STDOUT_FILENO);
	if (strcmp(where, "stderr") == 0) {
		if (diag_descriptor() >= 0)
			return open_again(diag_descriptor());
		errno = EINVAL;
		return -1;
	}
	/* A named pipe's reader may come later, go, and come again: it is held open by having a reading end too. */
	if (stat(where, &st) == 0 && S_ISFIFO(st.st_mode))
		return open(where, O_RDWR | flags);
	return open(where, O_WRONLY | O_CREAT | flags, FILE_MODE);
}

void
accesslog_init(struct accesslog *log, uint64_t every)
{
	*log = (struct accesslog){
		.fd = -1,
		.every = every,
		/* Where each client has a process of its own, not the first request of every one. */
		.count = (uint64_t)getpid(),
		.waiting = BUF_INIT(ACCESS_WAITING_MAX),
	};
}

static void
say_dropped(struct accesslog *log, const char *why)
{
	uint64_t now = clock_monotonic_ms();

	if (log->said_ms != 0 && now - log->said_ms < SAY_AGAIN_MS)
		return;
	log->said_ms = now;
	diag_warning("access lines are dropped, %llu so far: %s", (unsigned long long)log->total, why);
}

static void
count_dropped(struct accesslog *log, uint64_t lines, const char *why)
{
	log->dropped += lines;
	log->total += lines;
	say_dropped(log, why);
}

/* Drops the lines that wait. Of one that is written in part the rest stays, so that what is there stays lines. */
static void
drop(struct accesslog *log, const char *why)
{
	const char *p = buf_data(&log->waiting), *end = p + buf_len(&log->waiting);
	uint64_t lines = 0;

	if (log->in_line)
		p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
	for (const char *at = p; at < end; at++)
		lines += *at == '\n';
	log->waiting.end -= (size_t)(end - p);
	log->dropped += log->telling;
	log->telling = 0;
	if (lines > 0)
		count_dropped(log, lines, why);
}

/*
 * How much to write at once: whole lines, as many as a pipe or socket takes without mixing them with others'. A file takes
 * any number.
 */
static size_t
piece(const struct accesslog *log)
{
	size_t n = buf_len(&log->waiting);
	const char *feed;

	if (log->is_file || n <= PIPE_BUF)
		return n;
	feed = memrchr(buf_data(&log->waiting), '\n', PIPE_BUF);
	return (size_t)(feed + 1 - buf_data(&log->waiting));
}

bool
accesslog_flush(struct accesslog *log)
{
	while (buf_len(&log->waiting) > 0) {
		const char *p = buf_data(&log->waiting);
		size_t want = piece(log);
		ssize_t n;

		if (log->is_blocking && !io_takes(log->fd, 0))
			return true;
		n = log->is_socket ? io_send(log->fd, p, want) : io_write(log->fd, p, want);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return true;
		if (n <= 0) {
			drop(log, strerror(errno));
			return false;
		}
		log->in_line = p[n - 1] != '\n';
		buf_consume(&log->waiting, (size_t)n);
	}
	log->telling = 0;
	return false;
}

bool
accesslog_wants(struct accesslog *log)
{
	return log->fd >= 0 && log->count++ % log->every == 0;
}

void
accesslog_put(struct accesslog *log, const struct access *access)
{
	struct buf *waiting = &log->waiting;
	size_t before = buf_len(waiting);

	if (log->fd < 0)
		return;
	access_put(access, log->dropped, waiting);
	if (waiting->failed || buf_len(waiting) - before > ACCESS_LINE_MAX) {
		waiting->failed = false;
		waiting->end = waiting->start + before;
		count_dropped(log, 1, "their reader is too slow");
		return;
	}
	log->telling += log->dropped;
	log->dropped = 0;
}

void
accesslog_take(struct accesslog *log, int fd)
{
	struct stat st;
	int mode = fcntl(fd, F_GETFL);

	if (log->fd >= 0) {
		accesslog_flush(log);
		/* The rest of a line has no sense elsewhere. */
		if (log->in_line) {
			const char *p = buf_data(&log->waiting);

			buf_consume(&log->waiting, (size_t)((const char *)memchr(p, '\n', buf_len(&log->waiting)) + 1 - p));
			count_dropped(log, 1, "the file was changed within one");
		}
		close(log->fd);
	}
	if (fstat(fd, &st) != 0)
		memset(&st, 0, sizeof st);
	log->fd = fd;
	log->in_line = false;
	log->is_file = S_ISREG(st.st_mode);
	log->is_socket = S_ISSOCK(st.st_mode);
	log->is_blocking = !log->is_file && !log->is_socket && mode >= 0 && !(mode & O_NONBLOCK);
}

void
accesslog_close(struct accesslog *log)
{
	uint64_t until = clock_monotonic_ms() + LAST_WAIT_MS, now;

	if (log->fd < 0)
		return;
	while (accesslog_flush(log) && (now = clock_monotonic_ms()) < until && io_takes(log->fd, (int)(until - now)))
		;
	if (buf_len(&log->waiting) > 0)
		drop(log, "their reader is too slow");
	close(log->fd);
	log->fd = -1;
	buf_free(&log->waiting);
}
