/* SPDX-License-Identifier: MIT */
/* lb-listen: the HTTP edge. lb-listen(1) */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/diag.h"
#include "edge/environment.h"
#include "edge/filter.h"
#include "edge/keeper.h"
#include "edge/listener.h"
#include "edge/options.h"

struct sockets {
	int fds[LISTENERS_MAX];
	size_t count;
	size_t own;	/* the first so many are our own, whose Unix sockets' files are removed at the end */
};

static bool
is_listening(int fd)
{
	int listening = 0;
	socklen_t size = sizeof listening;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

/* A client's socket. Whether it is connected is not asked: the client may have gone already. */
static bool
is_connection(int fd)
{
	int type;
	socklen_t size = sizeof type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM && !is_listening(fd);
}

static void
open_socket(struct sockets *s, const struct options *o, const char *address, bool optional)
{
	char why[200];
	int fd = listener_open(address, o->open, o->socket_mode, why, sizeof why);

	if (fd < 0 && optional && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)) {
		diag_info("not listening on %s: %s", address, why);
		return;
	}
	if (fd < 0)
		diag_fatal(errno == EINVAL ? EXIT_USAGE : EXIT_SYSTEM, "unable to listen on %s: %s", address, why);
	if (s->count == LISTENERS_MAX)
		diag_usage("at most %d sockets can be listened on", LISTENERS_MAX);
	s->fds[s->count++] = fd;
	s->own = s->count;
}

static void
take_socket(struct sockets *s, const struct options *o, int fd)
{
	char text[ADDRESS_TEXT_MAX];

	listener_text(fd, text);
	if (!is_listening(fd))
		diag_fatal(EXIT_USAGE, "unable to listen on descriptor %d: it is no listening socket", fd);
	if (!o->open && !listener_is_local(fd))
		diag_fatal(EXIT_USAGE, "unable to listen on %s: other machines could use it with your keys; "
		                       "say --open if they shall", text);
	if (s->count == LISTENERS_MAX)
		diag_usage("at most %d sockets can be listened on", LISTENERS_MAX);
	s->fds[s->count++] = fd;
}

/* A descriptor above the standard three for what is at 0, and nothing of a client at 0 and 1. */
static int
move_stdin(const struct options *o)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, LISTENER_FIRST_INHERITED);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (o->access_log != NULL && strcmp(o->access_log, "-") == 0)
		diag_usage("--access-log -: standard output is the socket's here; name a file");
	if (fd < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		diag_fatal(EXIT_SYSTEM, "unable to take up the socket on standard input: %s", strerror(errno));
	close(null);
	return fd;
}

static void
require_local_client(const struct options *o)
{
	if (!o->open && is_connection(STDIN_FILENO) && !listener_is_local(STDIN_FILENO))
		diag_fatal(EXIT_USAGE, "unable to serve a client from another machine: it could use your keys; "
		                       "say --open if it shall");
}

/* One client's socket on standard input, as a super-server gives it. */
static int
serve_connection(const struct options *o, char **argv)
{
	int fd;

	require_local_client(o);
	fd = move_stdin(o);
	return keeper_run(o, argv, &fd, 1, 0, true);
}

static int
serve_sockets(const struct options *o, char **argv, size_t inherited)
{
	struct sockets s = { .count = 0 };

	for (size_t i = 0; i < o->address_count; i++)
		open_socket(&s, o, o->addresses[i], false);
	for (size_t i = 0; i < inherited; i++)
		take_socket(&s, o, LISTENER_FIRST_INHERITED + (int)i);
	if (is_listening(STDIN_FILENO))
		take_socket(&s, o, move_stdin(o));
	if (s.count == 0) {
		open_socket(&s, o, "127.0.0.1:9000", false);
		open_socket(&s, o, "[::1]:9000", true);
	}
	return keeper_run(o, argv, s.fds, s.count, s.own, false);
}

int
main(int argc, char **argv)
{
	struct options o;
	size_t inherited;
	int code;

	diag_init(argv[0]);
	signal(SIGPIPE, SIG_IGN);
	options_parse(&o, argc, argv);
	if (!keeper_edge(&o, &code)) {
		inherited = listener_inherited();
		environment_name_presets();
		if (o.stage_count == 0) {
			require_local_client(&o);
			code = filter_run(&o, STDIN_FILENO, STDOUT_FILENO);
		} else if (o.address_count == 0 && inherited == 0 && is_connection(STDIN_FILENO)) {
			code = serve_connection(&o, argv);
		} else {
			code = serve_sockets(&o, argv, inherited);
		}
	}
	options_free(&o);
	return code;
}
