/* SPDX-License-Identifier: MIT */
#include "edge/keeper.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/num.h"
#include "edge/accesslog.h"
#include "edge/channel.h"
#include "edge/edge.h"
#include "edge/environment.h"
#include "edge/listener.h"
#include "edge/stages.h"

/* `LB_EDGE=listen 5 3 4`: the mode, the channel's descriptor, the sockets'. */
#define EDGE_VARIABLE "LB_EDGE"

enum { EDGE_VARIABLE_MAX = 1024 };

/*
 * Seconds: the pause before what died young, a pipeline or the edge, is started again, which doubles from the first to
 * the last; how long it must have lived not to be young; how long the stages have to end after the edge has; how long
 * the edge has beyond the time to drain.
 */
static const double pause_first_s = 0.1, pause_last_s = 10, young_s = 10, stages_end_s = 5, edge_end_s = 5;

/* When one stage has died its neighbours follow by themselves: how long until those that have not are ended. */
static const double death_s = 0.05;

/* When to start something again that has died. */
struct revival {
	double pause_s;
	double started;
	ev_timer timer;
};

struct slot {
	struct keeper *keeper;
	struct stages stages;
	uint32_t generation;
	bool ending;		/* its stages are on their way out, and that is as it should be, or told */
	bool dying;		/* one has died, or its pipes broke */
	bool killed;		/* the rest was ended */
	int culprit;		/* the place of the stage whose death explains it best so far, or -1 */
	int culprit_status;
	struct revival revival;
	ev_timer kill;
};

struct keeper {
	const struct options *options;
	char **argv;
	const int *sockets;
	size_t socket_count;	/* 0 from the stop on */
	size_t own_count;
	bool connected;
	struct ev_loop *loop;
	pid_t edge;		/* 0: none is alive */
	struct revival edge_revival;
	ev_timer edge_kill;	/* at a stop it must end in time */
	int channel;		/* -1: none */
	ev_io channel_readable;
	ev_child child;
	ev_signal sigterm, sigint, sigusr1;
	int access_log;		/* -1: there is none */
	ev_timer kill_timer;
	struct slot *slots;
	uint32_t last_generation;
	bool ready;		/* some pipeline has been ready */
	bool stopping;
	int code;
};

static int start_edge(struct keeper *k);
static void read_channel(struct keeper *k);

/* Tells the service manager (sd_notify(3)), if there is one that wants to know. */
static void
notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
	        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		diag_warning("unable to notify the service manager: %s", strerror(errno));
	close(fd);
}

static void
tell_edge(struct keeper *k, enum channel_kind kind, uint32_t generation, const int *fds)
{
	struct channel_message message = { kind, generation, { fds ? fds[0] : -1, fds ? fds[1] : -1 } };

	if (k->channel >= 0)
		(void)channel_send(k->channel, &message);
}

static bool
all_gone(const struct keeper *k)
{
	for (size_t i = 0; i < k->options->pipelines; i++)
		if (k->slots[i].stages.alive > 0)
			return false;
	return k->edge == 0;
}

static void
end_if_gone(struct keeper *k)
{
	if (k->stopping && all_gone(k))
		ev_break(k->loop, EVBREAK_ALL);
}

static void
kill_all_stages(struct keeper *k)
{
	for (size_t i = 0; i < k->options->pipelines; i++)
		stages_kill(&k->slots[i].stages);
}

static void
on_kill_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
	(void)loop;
	(void)events;
	kill_all_stages(watcher->data);
}

/* The stages end at the end of their input, which the edge's end is; those that do not are helped. */
static void
expect_stages_to_end(struct keeper *k)
{
	for (size_t i = 0; i < k->options->pipelines; i++) {
		k->slots[i].ending = !k->slots[i].dying;
		ev_timer_stop(k->loop, &k->slots[i].revival.timer);
	}
	ev_timer_again(k->loop, &k->kill_timer);
}

/* New clients are refused from here on, as the edge's ends are closed too. */
static void
close_sockets(struct keeper *k)
{
	for (size_t i = 0; i < k->socket_count; i++) {
		if (i < k->own_count)
			listener_remove(k->sockets[i]);
		close(k->sockets[i]);
	}
	k->socket_count = 0;
}

/* Nothing is started again from here on, and the edge has `seconds`, and some more, to end. */
static void
begin_stop(struct keeper *k, double seconds)
{
	k->stopping = true;
	close_sockets(k);
	for (size_t i = 0; i < k->options->pipelines; i++)
		ev_timer_stop(k->loop, &k->slots[i].revival.timer);
	ev_timer_stop(k->loop, &k->edge_revival.timer);
	ev_timer_stop(k->loop, &k->edge_kill);
	ev_timer_set(&k->edge_kill, seconds + edge_end_s, 0.);
	ev_timer_start(k->loop, &k->edge_kill);
}

static void
stop(struct keeper *k, bool now)
{
	begin_stop(k, now ? 0 : k->options->drain_s);
	notify("STOPPING=1");
	tell_edge(k, now ? CHANNEL_STOP_NOW : CHANNEL_STOP, 0, NULL);
	if (k->edge == 0)
		expect_stages_to_end(k);
}

static void
on_edge_kill(struct ev_loop *loop, ev_timer *watcher, int events)
{
	const struct keeper *k = watcher->data;

	(void)loop;
	(void)events;
	if (k->edge == 0)
		return;
	diag_warning("the edge does not end: killing it");
	kill(k->edge, SIGKILL);
}

static void
on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
	struct keeper *k = watcher->data;

	(void)loop;
	(void)events;
	/* Whoever asks twice does not want to wait. */
	stop(k, k->stopping);
	end_if_gone(k);
}

static void
send_access_log(struct keeper *k)
{
	int fds[2] = { k->access_log, -1 };

	if (k->access_log >= 0)
		tell_edge(k, CHANNEL_ACCESS_LOG, 0, fds);
}

/* Opens the access log, here, since the edge shall do without files. Returns 0, or -1 after saying why. */
static int
open_access_log(struct keeper *k)
{
	const char *where = k->options->access_log;

	if (where == NULL || (k->access_log = accesslog_open(where)) >= 0)
		return 0;
	diag_error("unable to open the access log %s: %s", where,
	    errno == EINVAL ? "standard error is the client's connection here; name a file" : strerror(errno));
	return -1;
}

/* The file may have been renamed: what has its name now is another. If there is none to be had the old one stays. */
static void
on_reopen(struct ev_loop *loop, ev_signal *watcher, int events)
{
	struct keeper *k = watcher->data;
	const char *where = k->options->access_log;
	int fd;

	(void)loop;
	(void)events;
	if (where == NULL || !accesslog_is_path(where))
		return;
	if ((fd = accesslog_open(where)) < 0) {
		diag_warning("unable to open the access log %s again: %s; lines still go to the old one", where,
		    strerror(errno));
		return;
	}
	close(k->access_log);
	k->access_log = fd;
	send_access_log(k);
}

/* What became of a process, for a person. */
static const char *
describe(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(text, size, "exited with %d", WEXITSTATUS(status));
	return text;
}

/* A pipeline that never worked will not by being started again: the reason is in its own last words. */
static void
give_up(struct keeper *k, int status)
{
	k->code = WIFEXITED(status) && (WEXITSTATUS(status) == EXIT_USAGE || WEXITSTATUS(status) == EXIT_BUG)
	    ? WEXITSTATUS(status)
	    : EXIT_SYSTEM;
	stop(k, true);
}

/* The pipeline does not work any more: the edge is told at once, the rest of the stages has a moment to end. */
static void
begin_dying(struct slot *slot)
{
	if (slot->ending || slot->dying)
		return;
	slot->dying = true;
	slot->killed = false;
	slot->culprit = -1;
	tell_edge(slot->keeper, CHANNEL_CRASHED, slot->generation, NULL);
	ev_timer_set(&slot->kill, death_s, 0.);
	ev_timer_start(slot->keeper->loop, &slot->kill);
}

static void
on_slot_kill(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct slot *slot = watcher->data;

	(void)loop;
	(void)events;
	slot->killed = true;
	stages_kill(&slot->stages);
}

static bool
exited_well(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DONE;
}

/* Whether it ended since a neighbour had: its input was at its end, or nobody read its output. */
static bool
followed(int status)
{
	return exited_well(status) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

/* All stages of a dying pipeline are gone: says which died first, as far as that can be told. */
static void
conclude(struct slot *slot)
{
	struct keeper *k = slot->keeper;
	char text[80];

	slot->dying = false;
	slot->ending = true;
	if (slot->culprit >= 0)
		diag_warning("pipeline %u: %s %s", slot->generation, k->options->stages[slot->culprit][0],
		    describe(slot->culprit_status, text, sizeof text));
	if (!k->ready && !k->stopping)
		give_up(k, slot->culprit >= 0 ? slot->culprit_status : W_EXITCODE(EXIT_BUG, 0));
}

static void
restart_later(const struct keeper *k, struct revival *r)
{
	if (ev_now(k->loop) - r->started > young_s)
		r->pause_s = 0;
	ev_timer_stop(k->loop, &r->timer);
	ev_timer_set(&r->timer, r->pause_s, 0.);
	ev_timer_start(k->loop, &r->timer);
	r->pause_s = r->pause_s == 0 ? pause_first_s : r->pause_s * 2;
	if (r->pause_s > pause_last_s)
		r->pause_s = pause_last_s;
}

/* Whether the edge has ended, be it that nobody has been told yet. */
static bool
edge_is_dead(const struct keeper *k)
{
	siginfo_t info = { .si_pid = 0 };

	if (k->edge == 0)
		return true;
	return waitid(P_PID, (id_t)k->edge, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == k->edge;
}

static void
stage_died(struct slot *slot, int place, int status)
{
	struct keeper *k = slot->keeper;

	/* When the edge ends, or dies, its pipes close, and its own death may be seen after theirs. */
	if (!slot->dying && followed(status) && (k->stopping || edge_is_dead(k)))
		slot->ending = true;
	begin_dying(slot);
	/* Of deaths at the same time the order is not known: the one that followed from no other's is to be named. */
	if (slot->dying && !slot->killed && (slot->culprit < 0 || followed(slot->culprit_status))) {
		slot->culprit = place;
		slot->culprit_status = status;
	}
	if (slot->stages.alive > 0)
		return;
	ev_timer_stop(k->loop, &slot->kill);
	if (slot->dying) {
		stages_kill_orphans(&slot->stages);
		conclude(slot);
	}
	if (!k->stopping)
		restart_later(k, &slot->revival);
}

static void
edge_died(struct keeper *k, int status)
{
	char text[80];

	k->edge = 0;
	ev_io_stop(k->loop, &k->channel_readable);
	close(k->channel);
	k->channel = -1;
	if (!exited_well(status))
		diag_warning("the edge %s", describe(status, text, sizeof text));
	if (k->stopping) {
		if (!exited_well(status) && k->code == EXIT_DONE)
			k->code = EXIT_SYSTEM;
		expect_stages_to_end(k);
		return;
	}
	if (k->connected || !k->ready) {
		give_up(k, status);
		return;
	}
	/* The stages lose their edge's pipes, and come up again with new ones. */
	kill_all_stages(k);
	for (size_t i = 0; i < k->options->pipelines; i++)
		k->slots[i].ending = true;
	/* The sockets are still open here: clients wait in their queues meanwhile. */
	restart_later(k, &k->edge_revival);
}

static void
on_child(struct ev_loop *loop, ev_child *watcher, int events)
{
	struct keeper *k = watcher->data;

	(void)loop;
	(void)events;
	/* What the edge said before this explains it. */
	if (k->channel >= 0)
		read_channel(k);
	if (watcher->rpid == k->edge) {
		edge_died(k, watcher->rstatus);
	} else {
		for (size_t i = 0; i < k->options->pipelines; i++) {
			int place = stages_reaped(&k->slots[i].stages, watcher->rpid);

			if (place >= 0) {
				stage_died(&k->slots[i], place, watcher->rstatus);
				break;
			}
		}
	}
	end_if_gone(k);
}

static void
say_ready(struct keeper *k)
{
	char text[ADDRESS_TEXT_MAX];

	k->ready = true;
	for (size_t i = 0; !k->connected && i < k->socket_count; i++) {
		listener_text(k->sockets[i], text);
		diag_info("listening on %s", text);
	}
	notify("READY=1");
}

static void
pipeline_failed(struct keeper *k, uint32_t generation)
{
	for (size_t i = 0; i < k->options->pipelines; i++)
		if (k->slots[i].generation == generation)
			begin_dying(&k->slots[i]);
}

static void
read_channel(struct keeper *k)
{
	struct channel_message message;
	int result;

	while ((result = channel_receive(k->channel, &message)) > 0) {
		if (message.kind == CHANNEL_READY && !k->ready)
			say_ready(k);
		if (message.kind == CHANNEL_FAILED)
			pipeline_failed(k, message.generation);
		if (message.kind == CHANNEL_DONE && !k->stopping)
			begin_stop(k, 0);
	}
	/* Its exit tells the rest. */
	if (result == 0)
		ev_io_stop(k->loop, &k->channel_readable);
}

static void
on_channel(struct ev_loop *loop, ev_io *watcher, int events)
{
	(void)loop;
	(void)events;
	read_channel(watcher->data);
}

static void
start_slot(struct slot *slot)
{
	struct keeper *k = slot->keeper;
	int fds[2];

	slot->revival.started = ev_now(k->loop);
	if (stages_start(&slot->stages, k->options->stages, k->options->stage_count, fds) != 0) {
		diag_warning("unable to start a pipeline: %s", strerror(errno));
		slot->ending = true;
		if (slot->revival.pause_s == 0)
			slot->revival.pause_s = pause_first_s;
		if (!k->ready) {
			k->code = EXIT_SYSTEM;
			stop(k, true);
		} else if (slot->stages.alive == 0) {
			restart_later(k, &slot->revival);
		}
		return;
	}
	slot->ending = slot->dying = false;
	slot->generation = ++k->last_generation;
	tell_edge(k, CHANNEL_PIPELINE, slot->generation, fds);
	close(fds[0]);
	close(fds[1]);
}

static void
on_restart(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct slot *slot = watcher->data;

	(void)loop;
	(void)events;
	/* Without an edge they would have no input: its own start starts them. */
	if (slot->keeper->edge != 0)
		start_slot(slot);
}

/* The child's part: the same program again, with a new environment and the descriptors that it needs. */
_Noreturn static void
become_edge(const struct keeper *k, int channel)
{
	char marker[EDGE_VARIABLE_MAX];
	size_t n = (size_t)snprintf(marker, sizeof marker, EDGE_VARIABLE "=%s %d", k->connected ? "connected" : "listen", channel);
	char **environment;

	fcntl(channel, F_SETFD, 0);
	for (size_t i = 0; i < k->socket_count && n < sizeof marker; i++) {
		fcntl(k->sockets[i], F_SETFD, 0);
		n += (size_t)snprintf(marker + n, sizeof marker - n, " %d", k->sockets[i]);
	}
	/* A terminal's ^C reaches the whole group: what it means is the keeper's to say. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	if ((environment = environment_for_edge(marker)) != NULL) {
		execve("/proc/self/exe", k->argv, environment);
		execvpe(k->argv[0], k->argv, environment);
	}
	diag_error("unable to start the edge: %s", strerror(errno));
	_exit(EXIT_SYSTEM);
}

static int
start_edge(struct keeper *k)
{
	int fds[2];

	k->edge_revival.started = ev_now(k->loop);
	if (channel_open(fds) != 0) {
		diag_error("unable to open the channel to the edge: %s", strerror(errno));
		return -1;
	}
	k->channel = fds[0];
	/* Before the edge is there, so that it has it from the first request on. */
	send_access_log(k);
	if ((k->edge = fork()) == 0)
		become_edge(k, fds[1]);
	close(fds[1]);
	if (k->edge < 0) {
		diag_error("unable to start the edge: %s", strerror(errno));
		close(fds[0]);
		k->channel = -1;
		k->edge = 0;
		return -1;
	}
	ev_io_init(&k->channel_readable, on_channel, k->channel, EV_READ);
	k->channel_readable.data = k;
	ev_io_start(k->loop, &k->channel_readable);
	return 0;
}

static void
on_edge_restart(struct ev_loop *loop, ev_timer *watcher, int events)
{
	struct keeper *k = watcher->data;

	(void)events;
	if (start_edge(k) != 0) {
		restart_later(k, &k->edge_revival);
		return;
	}
	for (size_t i = 0; i < k->options->pipelines; i++) {
		/* Those that have still to end are started when they have, those that pause when they have paused. */
		if (k->slots[i].stages.alive > 0 || ev_is_active(&k->slots[i].revival.timer))
			continue;
		/* A timer that has expired at the same time must not start them once more. */
		ev_timer_stop(loop, &k->slots[i].revival.timer);
		start_slot(&k->slots[i]);
	}
}

/* As many connections as the system allows: each needs a descriptor here and one at the provider. */
static void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			diag_warning("unable to raise the limit of open descriptors: %s", strerror(errno));
	}
}

static int
init(struct keeper *k)
{
	size_t count = k->options->pipelines;

	if ((k->loop = ev_default_loop(EVFLAG_AUTO)) == NULL || (k->slots = calloc(count, sizeof *k->slots)) == NULL) {
		diag_error("unable to start: out of memory");
		return -1;
	}
	ev_child_init(&k->child, on_child, 0, 0);
	ev_child_start(k->loop, &k->child);
	ev_signal_init(&k->sigterm, on_signal, SIGTERM);
	ev_signal_init(&k->sigint, on_signal, SIGINT);
	ev_signal_init(&k->sigusr1, on_reopen, SIGUSR1);
	ev_signal_start(k->loop, &k->sigusr1);
	ev_signal_start(k->loop, &k->sigterm);
	ev_signal_start(k->loop, &k->sigint);
	ev_init(&k->kill_timer, on_kill_timer);
	k->kill_timer.repeat = stages_end_s;
	ev_init(&k->edge_revival.timer, on_edge_restart);
	ev_init(&k->edge_kill, on_edge_kill);
	k->child.data = k->sigterm.data = k->sigint.data = k->sigusr1.data = k->kill_timer.data = k;
	k->edge_revival.timer.data = k->edge_kill.data = k;
	for (size_t i = 0; i < count; i++) {
		k->slots[i].keeper = k;
		ev_init(&k->slots[i].revival.timer, on_restart);
		ev_init(&k->slots[i].kill, on_slot_kill);
		k->slots[i].revival.timer.data = k->slots[i].kill.data = &k->slots[i];
	}
	return 0;
}

int
keeper_run(const struct options *options, char **argv, const int *sockets, size_t count, size_t own,
    bool connected)
{
	struct keeper k = {
		.options = options,
		.argv = argv,
		.sockets = sockets,
		.socket_count = count,
		.own_count = own,
		.connected = connected,
		.channel = -1,
		.access_log = -1,
	};

	raise_descriptor_limit();
#ifdef CLOSE_RANGE_CLOEXEC
	/* Whatever else was left open to us is nobody's business further on. */
	(void)close_range(LISTENER_FIRST_INHERITED, ~0U, CLOSE_RANGE_CLOEXEC);
#endif
	if (init(&k) != 0 || open_access_log(&k) != 0 || start_edge(&k) != 0) {
		close_sockets(&k);
		free(k.slots);
		return EXIT_SYSTEM;
	}
	/* The client's socket is the edge's alone: held here too it would stay open when the edge closes it. */
	if (connected)
		close_sockets(&k);
	for (size_t i = 0; i < options->pipelines && !k.stopping; i++)
		start_slot(&k.slots[i]);
	ev_run(k.loop, 0);
	free(k.slots);
	return k.code;
}

bool
keeper_edge(const struct options *options, int *code)
{
	const char *at = getenv(EDGE_VARIABLE);
	int fds[1 + LISTENERS_MAX];
	size_t count = 0;
	bool connected;

	if (at == NULL)
		return false;
	connected = strncmp(at, "connected", 9) == 0;
#ifdef PR_SET_NAME
	/* So that ps(1) tells it from its keeper. */
	(void)prctl(PR_SET_NAME, "lb-edge");
#endif
	while ((at = strchr(at, ' ')) != NULL && count < sizeof fds / sizeof *fds) {
		uint64_t fd;
		size_t len = strcspn(++at, " ");

		if (!num_parse(at, len, 1 << 20, &fd))
			diag_fatal(EXIT_USAGE, EDGE_VARIABLE " is for lb-listen's own use: unset it");
		fds[count++] = (int)fd;
		fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	}
	if (count < 2)
		diag_fatal(EXIT_USAGE, EDGE_VARIABLE " is for lb-listen's own use: unset it");
	*code = edge_run(options, fds[0], fds + 1, count - 1, connected);
	return true;
}
