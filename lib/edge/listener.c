/* SPDX-License-Identifier: MIT */
#include "edge/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/num.h"

enum { BACKLOG = 4096 };

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

static bool
is_loopback(const union address *a)
{
	switch (a->any.sa_family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		return ntohl(a->in.sin_addr.s_addr) >> 24 == 127;
	case AF_INET6:
		if (IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
			return a->in6.sin6_addr.s6_addr[12] == 127;
		return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
	default:
		return false;
	}
}

/* `HOST:PORT` or `[IPV6]:PORT` into an address. Returns its size, 0 if it is none. */
static socklen_t
parse_inet(const char *text, union address *a)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN];
	uint64_t port;
	size_t len;

	if (colon == NULL || !num_parse(colon + 1, strlen(colon + 1), 65535, &port))
		return 0;
	len = (size_t)(colon - text);
	if (len >= 2 && text[0] == '[' && colon[-1] == ']') {
		text++;
		len -= 2;
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons((uint16_t)port);
	} else {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons((uint16_t)port);
	}
	if (len >= sizeof host)
		return 0;
	memcpy(host, text, len);
	host[len] = '\0';
	if (a->any.sa_family == AF_INET6)
		return inet_pton(AF_INET6, host, &a->in6.sin6_addr) == 1 ? sizeof a->in6 : 0;
	return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &a->in.sin_addr) == 1
	    ? sizeof a->in
	    : 0;
}

/* Whether the file at a Unix socket's path is a socket that nobody serves. */
static bool
is_stale(const union address *a, socklen_t size)
{
	struct stat st;
	int fd;
	bool refused;

	if (lstat(a->un.sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	/* Not to wait, should its server live and have no room for another. */
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		return false;
	refused = connect(fd, &a->any, size) != 0 && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

static int
bind_unix(int fd, const union address *a, socklen_t size, mode_t mode)
{
	mode_t old;
	int result;

	if (is_stale(a, size))
		unlink(a->un.sun_path);
	/* The file must never be open to more than its mode says, not even for a moment. */
	old = umask(0777 & ~mode);
	result = bind(fd, &a->any, size);
	umask(old);
	return result;
}

static int
open_socket(const union address *a, socklen_t size, mode_t mode)
{
	int one = 1, saved;
	int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (a->any.sa_family == AF_UNIX) {
		if (bind_unix(fd, a, size, mode) != 0)
			goto fail;
	} else {
		if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0)
			goto fail;
		/* [::]:PORT beside 0.0.0.0:PORT must be possible, and neither stand for the other. */
		if (a->any.sa_family == AF_INET6 &&
		    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) != 0)
			goto fail;
		if (bind(fd, &a->any, size) != 0)
			goto fail;
	}
	if (listen(fd, BACKLOG) != 0)
		goto fail;
	return fd;
fail:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
listener_open(const char *address, bool open, mode_t mode, char *why, size_t why_size)
{
	union address a;
	socklen_t size;
	int fd;

	memset(&a, 0, sizeof a);
	errno = EINVAL;
	if (strncmp(address, "unix:", 5) == 0) {
		size_t len = strlen(address + 5);

		if (len == 0 || len >= sizeof a.un.sun_path) {
			snprintf(why, why_size, "a socket's path has 1 to %zu octets", sizeof a.un.sun_path - 1);
			return -1;
		}
		a.un.sun_family = AF_UNIX;
		memcpy(a.un.sun_path, address + 5, len + 1);
		size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	} else if ((size = parse_inet(address, &a)) == 0) {
		snprintf(why, why_size, "write 127.0.0.1:9000, [::1]:9000 or unix:/run/lb.sock");
		return -1;
	}
	if (!open && !is_loopback(&a)) {
		errno = EINVAL;
		snprintf(why, why_size, "other machines could use it with your keys; say --open if they shall");
		return -1;
	}
	if ((fd = open_socket(&a, size, mode)) < 0) {
		int saved = errno;

		snprintf(why, why_size, "%s", strerror(saved));
		errno = saved;
	}
	return fd;
}

static void
put_text(const union address *a, char text[ADDRESS_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (a->any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof host);
		snprintf(text, ADDRESS_TEXT_MAX, "%s:%u", host, ntohs(a->in.sin_port));
	} else if (a->any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof host);
		snprintf(text, ADDRESS_TEXT_MAX, "[%s]:%u", host, ntohs(a->in6.sin6_port));
	} else {
		snprintf(text, ADDRESS_TEXT_MAX, "unix");
	}
}

static bool
own_address(int fd, union address *a)
{
	socklen_t size = sizeof *a;

	memset(a, 0, sizeof *a);
	return getsockname(fd, &a->any, &size) == 0;
}

bool
listener_is_local(int fd)
{
	union address a;

	return own_address(fd, &a) && is_loopback(&a);
}

void
listener_text(int fd, char text[ADDRESS_TEXT_MAX])
{
	union address a;

	if (!own_address(fd, &a))
		snprintf(text, ADDRESS_TEXT_MAX, "?");
	else if (a.any.sa_family == AF_UNIX)
		snprintf(text, ADDRESS_TEXT_MAX, "unix:%.*s", (int)sizeof a.un.sun_path, a.un.sun_path);
	else
		put_text(&a, text);
}

void
listener_peer_text(int fd, char text[ADDRESS_TEXT_MAX])
{
	union address a;
	socklen_t size = sizeof a;

	memset(&a, 0, sizeof a);
	if (getpeername(fd, &a.any, &size) != 0)
		snprintf(text, ADDRESS_TEXT_MAX, "?");
	else
		put_text(&a, text);
}

void
listener_remove(int fd)
{
	union address a;

	if (own_address(fd, &a) && a.any.sa_family == AF_UNIX && a.un.sun_path[0] != '\0')
		unlink(a.un.sun_path);
}

size_t
listener_inherited(void)
{
	const char *pid_text = getenv("LISTEN_PID"), *count_text = getenv("LISTEN_FDS");
	uint64_t pid, count = 0;

	if (pid_text == NULL || count_text == NULL || !num_parse(pid_text, strlen(pid_text), UINT32_MAX, &pid) ||
	    pid != (uint64_t)getpid() || !num_parse(count_text, strlen(count_text), LISTENERS_MAX, &count))
		count = 0;
	for (int i = 0; i < (int)count; i++)
		fcntl(LISTENER_FIRST_INHERITED + i, F_SETFD, FD_CLOEXEC);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return (size_t)count;
}
