/* SPDX-License-Identifier: MIT */
#include "front/demo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "front/program.h"

/* A listening socket on a free port of 127.0.0.1; `*port` is which. */
static int
listen_somewhere(unsigned *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, SOMAXCONN) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) != 0)
		diag_fatal(EXIT_SYSTEM, "unable to listen for the demo: %s", strerror(errno));
	*port = ntohs(address.sin_port);
	return fd;
}

static void
set_variable(const char *name, const char *value)
{
	if (setenv(name, value, 1) != 0)
		diag_fatal(EXIT_SYSTEM, "unable to set %s: %s", name, strerror(errno));
}

/* Sets it to `text` and a number behind that. */
static void
set_number(const char *name, const char *text, long number)
{
	struct buf value = BUF_INIT(PATH_MAX);
	const char *string;

	buf_printf(&value, "%s%ld", text, number);
	if ((string = buf_str(&value)) == NULL)
		diag_fatal(EXIT_SYSTEM, "unable to set %s: out of memory", name);
	set_variable(name, string);
	buf_free(&value);
}

/* In the child: becomes the recorded provider on the listening socket `fd`, and ends with `parent`. */
static _Noreturn void
become_demo_provider(int fd, pid_t parent, char *recorded)
{
	char separator[] = "--";
	char *argv[] = { front_program("lb-listen"), separator, front_program("lb-replay"), recorded, NULL };

	/* A Ctrl-C is for the parent, which finishes its answers first. */
	if (setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
		diag_fatal(EXIT_SYSTEM, "unable to detach the demo: %s", strerror(errno));
	if (getppid() != parent)
		exit(EXIT_DONE);
	if (fd != 3 ? dup2(fd, 3) != 3 : fcntl(fd, F_SETFD, 0) != 0)
		diag_fatal(EXIT_SYSTEM, "unable to hand over the demo's socket: %s", strerror(errno));
	unsetenv("NOTIFY_SOCKET");
	set_variable("LISTEN_FDS", "1");
	set_number("LISTEN_PID", "", (long)getpid());
	front_execute(argv);
}

void
demo_start(void)
{
	/* In a checkout, installed, and in a checkout's sanitized build. */
	static const char *const places[] = { "../examples/recorded.replay", "../share/lb/recorded.replay",
		"../../../examples/recorded.replay" };
	char *recorded = NULL;
	pid_t parent = getpid(), child;
	unsigned port;
	int fd;

	for (size_t i = 0; recorded == NULL && i < sizeof places / sizeof *places; i++)
		recorded = front_beside(places[i], R_OK);
	if (recorded == NULL)
		diag_fatal(EXIT_SYSTEM, "unable to find recorded.replay beside this program");
	fd = listen_somewhere(&port);
	if ((child = fork()) < 0)
		diag_fatal(EXIT_SYSTEM, "unable to fork: %s", strerror(errno));
	if (child == 0)
		become_demo_provider(fd, parent, recorded);
	close(fd);
	free(recorded);
	set_variable("LB_PRESETS", "replay");
	set_number("REPLAY_BASE_URL", "http://127.0.0.1:", (long)port);
	diag_info("no provider is configured, so every answer is a recording; set a key variable, such as "
	    "ANTHROPIC_API_KEY, or LB_CONFIG");
}
