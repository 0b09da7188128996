/* SPDX-License-Identifier: MIT */
#include "edge/stages.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/limits.h"
#include "edge/environment.h"

static void
close_pair(int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* A larger pipe is only a help: where the system refuses, the default serves. */
static int
open_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) != 0) {
		fds[0] = fds[1] = -1;
		return -1;
	}
#ifdef F_SETPIPE_SZ
	(void)fcntl(fds[1], F_SETPIPE_SZ, (int)PIPE_CAPACITY);
#endif
	return 0;
}

_Noreturn static void
become_stage(char **command, int in, int out, pid_t group)
{
	char **environment = environment_for_stage(command);

	setpgid(0, group);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGPIPE, SIG_DFL);
	if (environment == NULL || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0) {
		diag_error("unable to start %s: %s", command[0], strerror(errno));
		_exit(EXIT_SYSTEM);
	}
	/* The search goes by lb-listen's own PATH, which the stage's environment has too. */
	execvpe(command[0], command, environment);
	diag_error("unable to start %s: %s", command[0], strerror(errno));
	_exit(EXIT_SYSTEM);
}

static pid_t
start_one(char **command, int in, int out, pid_t group)
{
	pid_t pid = fork();

	if (pid == 0)
		become_stage(command, in, out, group);
	/* Both sides set it, so that it is right whoever comes first. */
	if (pid > 0)
		setpgid(pid, group ? group : pid);
	return pid;
}

static int
set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int
stages_start(struct stages *s, char ***commands, size_t count, int fds[2])
{
	int requests[2] = { -1, -1 }, next[2] = { -1, -1 }, in;
	int saved;

	s->count = s->alive = 0;
	s->group = 0;
	if (open_pipe(requests) != 0)
		return -1;
	in = requests[0];
	requests[0] = -1;
	for (size_t i = 0; i < count; i++) {
		if (open_pipe(next) != 0)
			goto fail;
		if ((s->pids[i] = start_one(commands[i], in, next[1], s->group)) < 0)
			goto fail;
		if (i == 0)
			s->group = s->pids[0];
		s->count = ++s->alive;
		close(in);
		close(next[1]);
		in = next[0];
		next[0] = next[1] = -1;
	}
	/* These ends are open here only: nobody else's descriptor is changed. */
	if (set_nonblocking(requests[1]) != 0 || set_nonblocking(in) != 0)
		goto fail;
	fds[0] = requests[1];
	fds[1] = in;
	return 0;
fail:
	saved = errno;
	close_pair(next);
	close_pair(requests);
	close(in);
	stages_kill(s);
	errno = saved;
	return -1;
}

int
stages_reaped(struct stages *s, pid_t pid)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->pids[i] != pid)
			continue;
		s->pids[i] = 0;
		s->alive--;
		return (int)i;
	}
	return -1;
}

void
stages_kill(const struct stages *s)
{
	if (s->alive > 0 && s->group > 0)
		kill(-s->group, SIGKILL);
}

void
stages_kill_orphans(const struct stages *s)
{
	if (s->group > 0)
		kill(-s->group, SIGKILL);
}
