/* SPDX-License-Identifier: MIT */
/* The processes of one pipeline: the keeper's side of it. */
#ifndef LB_EDGE_STAGES_H
#define LB_EDGE_STAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Four make a load balancer; the rest is room for what watches the pipes between them. */
#define STAGES_MAX 16

struct stages {
	size_t count;
	pid_t pids[STAGES_MAX];		/* 0: reaped */
	pid_t group;
	size_t alive;
};

/*
 * Starts `count` stages (argument vectors, at most STAGES_MAX), a pipe between each two and to and from the edge, in a process group of their
 * own that ignores SIGINT, SIGTERM and SIGUSR1. `fds[0]` takes requests, `fds[1]` has responses; both non-blocking and
 * close-on-exec. Each stage gets the environment that is for it (environment.h). Returns 0, or -1 with errno, and then
 * nothing is left running.
 */
int stages_start(struct stages *stages, char ***commands, size_t count, int fds[2]);

/* Notes that the process `pid` has ended. Returns its place among the stages, or -1 if it is none of them. */
int stages_reaped(struct stages *stages, pid_t pid);

/* Ends them all at once. They still are to be reaped. */
void stages_kill(const struct stages *stages);

/* Ends what processes of their own they left, to be called right when the last of them was reaped. */
void stages_kill_orphans(const struct stages *stages);

#endif
