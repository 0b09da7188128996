/* SPDX-License-Identifier: MIT */
#include "base/diag.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/io.h"
#include "base/limits.h"

static const char *program = "lb";
static bool to_syslog;
static bool never_wait;

/*
 * A super-server gives its client's socket to all three descriptors. That one has an address of its own; the
 * socketpairs that test harnesses use, and journald's connection, have none.
 */
static bool
stderr_is_a_client(void)
{
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_storage storage;
	} address = { 0 };
	socklen_t length = sizeof address;

	if (getsockname(STDERR_FILENO, &address.any, &length) != 0)
		return false;
	if (address.any.sa_family == AF_UNIX)
		return length > offsetof(struct sockaddr_un, sun_path);
	return true;
}

/*
 * In the place of a standard descriptor that is closed would come the first that is opened, a client's socket or a stage's
 * pipe. Input and output are opened the wrong way round, so that using them fails as it should.
 */
static void
fill_standard_descriptors(void)
{
	static const int modes[] = { O_WRONLY, O_RDONLY, O_WRONLY };

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			_exit(EXIT_SYSTEM);
}

void
diag_init(const char *argv0)
{
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL;

	fill_standard_descriptors();
	if (argv0 != NULL && *argv0 != '\0')
		program = slash ? slash + 1 : argv0;
	to_syslog = stderr_is_a_client();
	if (to_syslog)
		openlog(program, LOG_PID, LOG_DAEMON);
}

const char *
diag_program(void)
{
	return program;
}

void
diag_never_wait(void)
{
	never_wait = true;
}

int
diag_descriptor(void)
{
	return to_syslog ? -1 : STDERR_FILENO;
}

static void
put(const char *p, size_t n)
{
	if (never_wait && !io_takes(STDERR_FILENO, 0))
		return;
	/* There is nowhere to tell that it failed. */
	(void)io_write_all(STDERR_FILENO, p, n);
}

static void
say(int priority, const char *level, const char *format, va_list ap)
{
	char line[DIAG_MAX];
	int n, m;

	if (to_syslog) {
		vsyslog(priority, format, ap);
		return;
	}
	n = snprintf(line, sizeof line, "%s: %s: ", program, level);
	if (n < 0 || (size_t)n >= sizeof line - 1)
		n = 0;
	m = vsnprintf(line + n, sizeof line - (size_t)n - 1, format, ap);
	if (m > 0)
		n += (size_t)m < sizeof line - (size_t)n - 1 ? m : (int)(sizeof line - (size_t)n - 2);
	line[n++] = '\n';
	/* One write, so that lines of several processes do not mix. */
	put(line, (size_t)n);
}

#define SAY(PRIORITY, LEVEL)                      \
	do {                                      \
		va_list ap;                       \
		va_start(ap, format);             \
		say(PRIORITY, LEVEL, format, ap); \
		va_end(ap);                       \
	} while (0)

void
diag_info(const char *format, ...)
{
	SAY(LOG_INFO, "info");
}

void
diag_warning(const char *format, ...)
{
	SAY(LOG_WARNING, "warning");
}

void
diag_error(const char *format, ...)
{
	SAY(LOG_ERR, "fatal");
}

void
diag_lines(const char *lines, size_t n)
{
	const char *end = lines + n;

	if (!to_syslog) {
		put(lines, n);
		return;
	}
	while (lines < end) {
		const char *feed = memchr(lines, '\n', (size_t)(end - lines));
		size_t len = (size_t)((feed ? feed : end) - lines);

		syslog(LOG_ERR, "%.*s", (int)(len < DIAG_MAX ? len : DIAG_MAX), lines);
		lines += len + 1;
	}
}

void
diag_fatal(int code, const char *format, ...)
{
	SAY(LOG_ERR, "fatal");
	exit(code);
}

void
diag_usage(const char *format, ...)
{
	SAY(LOG_ERR, "fatal");
	diag_info("see '%s --help'", program);
	exit(EXIT_USAGE);
}
