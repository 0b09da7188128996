/* SPDX-License-Identifier: MIT */
#include "replay/loop.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/idmap.h"
#include "base/io.h"
#include "base/limits.h"
#include "replay/player.h"

/* What one answer may add to the output before the others get their turn. */
enum { SLICE_MAX = 128 * 1024 };

static const char hanging_at_end[] = "the script hangs, and no more records can come";

/* An answer that has begun and not ended. */
struct open_answer {
	struct replay_loop *loop;
	struct replay_player *player;
	struct open_answer *next_ready;	/* in the queue of those that have more to do now */
	ev_timer timer;
	bool ready;	/* in the queue */
	bool stopped;	/* by a pause record */
	bool waiting;	/* its turn came while it was stopped: it is not in the queue */
	bool hanging;
};

struct replay_loop {
	struct ev_loop *ev;
	struct replay_script *script;
	int out;
	int log;
	int code;		/* what to exit with */
	bool input_ended;
	size_t want;		/* octets to read next */
	struct buf input;
	struct buf output;
	struct idmap answers;
	struct open_answer *first_ready, **last_ready;
	ev_io input_watcher, reader_watcher;
	ev_prepare ready_watcher;
	ev_idle more_watcher;
};

static void
leave(struct replay_loop *loop, int code)
{
	if (loop->code == EXIT_DONE)
		loop->code = code;
	ev_break(loop->ev, EVBREAK_ALL);
}

static void
fail(struct replay_loop *loop, const char *doing, int error)
{
	diag_error("unable to %s: %s", doing, strerror(error));
	leave(loop, EXIT_SYSTEM);
}

static void
write_output(struct replay_loop *loop)
{
	if (loop->output.failed)
		fail(loop, "hold the output", ENOMEM);
	else if (io_flush(loop->out, &loop->output) == 0)
		return;
	else if (errno == EPIPE || errno == ECONNRESET)
		leave(loop, EXIT_DONE);
	else
		fail(loop, "write records", errno);
	buf_clear(&loop->output);
}

static void
make_ready(struct open_answer *answer)
{
	answer->waiting = false;
	if (answer->ready)
		return;
	answer->ready = true;
	answer->next_ready = NULL;
	*answer->loop->last_ready = answer;
	answer->loop->last_ready = &answer->next_ready;
}

static void
unqueue(struct open_answer *answer)
{
	struct open_answer **link = &answer->loop->first_ready;

	if (!answer->ready)
		return;
	while (*link != answer)
		link = &(*link)->next_ready;
	*link = answer->next_ready;
	if (*link == NULL)
		answer->loop->last_ready = link;
}

static void
free_answer(struct open_answer *answer)
{
	struct replay_loop *loop = answer->loop;

	unqueue(answer);
	ev_timer_stop(loop->ev, &answer->timer);
	idmap_remove(&loop->answers, replay_player_id(answer->player));
	replay_player_free(answer->player);
	free(answer);
}

static void
stop_answer(struct open_answer *answer, enum record_end end, const char *why)
{
	replay_stop(answer->player, end, why, &answer->loop->output);
	free_answer(answer);
}

static void
on_timer(struct ev_loop *ev, ev_timer *timer, int events)
{
	(void)ev;
	(void)events;
	make_ready(timer->data);
}

static void
pause_answer(struct open_answer *answer, uint64_t wait_ms)
{
	/* The loop's idea of now is from before this answer's turn. */
	ev_now_update(answer->loop->ev);
	ev_timer_set(&answer->timer, (double)wait_ms / 1000, 0);
	ev_timer_start(answer->loop->ev, &answer->timer);
}

/* Lets an answer go on until it must wait, has had its share or is done. */
static void
play(struct open_answer *answer)
{
	struct replay_loop *loop = answer->loop;
	size_t limit = buf_len(&loop->output) + SLICE_MAX;
	enum replay_state state = REPLAY_GOING;
	uint64_t wait_ms = 0;

	for (int steps = 0; state == REPLAY_GOING && buf_len(&loop->output) < limit && steps < SLICE_MAX; steps++)
		state = replay_play(answer->player, &loop->output, &wait_ms);
	switch (state) {
	case REPLAY_PAUSED:
		pause_answer(answer, wait_ms);
		break;
	case REPLAY_HANGING:
		answer->hanging = true;
		if (loop->input_ended)
			stop_answer(answer, END_TRUNCATED, hanging_at_end);
		break;
	case REPLAY_FINISHED:
		free_answer(answer);
		break;
	case REPLAY_FLUSH:
		write_output(loop);
		make_ready(answer);
		break;
	case REPLAY_GOING:
		make_ready(answer);
		break;
	}
}

/* Before the loop waits: a turn for each answer that is ready, then all they said goes out. */
static void
on_ready(struct ev_loop *ev, ev_prepare *watcher, int events)
{
	struct replay_loop *loop = watcher->data;
	struct open_answer *answer = loop->first_ready, *next;

	(void)events;
	loop->first_ready = NULL;
	loop->last_ready = &loop->first_ready;
	for (; answer != NULL; answer = next) {
		next = answer->next_ready;
		answer->ready = false;
		if (answer->stopped)
			answer->waiting = true;
		else
			play(answer);
	}
	write_output(loop);
	/* An idle watcher keeps the loop from waiting. */
	if (loop->first_ready != NULL)
		ev_idle_start(ev, &loop->more_watcher);
	else
		ev_idle_stop(ev, &loop->more_watcher);
	if (loop->input_ended && loop->answers.count == 0)
		leave(loop, EXIT_DONE);
}

static void
on_more(struct ev_loop *ev, ev_idle *watcher, int events)
{
	(void)ev;
	(void)watcher;
	(void)events;
}

static void
refuse(struct replay_loop *loop, const char *why)
{
	diag_error("unable to read a record: %s", why);
	leave(loop, EXIT_BUG);
}

static void
begin_answer(struct replay_loop *loop, const struct record *record)
{
	struct open_answer *answer;

	if (idmap_get(&loop->answers, record->id) != NULL) {
		refuse(loop, "a request has the number of another that is not done");
		return;
	}
	answer = calloc(1, sizeof *answer);
	if (answer == NULL || (answer->player = replay_begin(loop->script, record)) == NULL ||
	    !idmap_put(&loop->answers, record->id, answer)) {
		replay_player_free(answer ? answer->player : NULL);
		free(answer);
		fail(loop, "begin an answer", ENOMEM);
		return;
	}
	answer->loop = loop;
	ev_init(&answer->timer, on_timer);
	answer->timer.data = answer;
	make_ready(answer);
}

/* A record that is about an answer on its way; without one it is late, and of no use to anybody. */
static void
control_answer(struct replay_loop *loop, const struct record *record)
{
	struct open_answer *answer = idmap_get(&loop->answers, record->id);

	if (answer == NULL)
		return;
	if (record->type == RECORD_CANCEL) {
		stop_answer(answer, END_CANCELLED, NULL);
		return;
	}
	answer->stopped = record->type == RECORD_PAUSE;
	if (!answer->stopped && answer->waiting)
		make_ready(answer);
}

static void
handle(struct replay_loop *loop, const struct record *record)
{
	if (loop->log >= 0 && io_write_all(loop->log, record->header.p, record->size) != 0)
		fail(loop, "write down a record", errno);
	if (record->type == RECORD_REQUEST)
		begin_answer(loop, record);
	else if (record->type == RECORD_CANCEL || record->type == RECORD_PAUSE || record->type == RECORD_RESUME)
		control_answer(loop, record);
	else
		record_put_copy(&loop->output, record);
}

/* No more records: what hangs would hang for ever, and nobody will resume what is stopped. */
static void
end_input(struct replay_loop *loop)
{
	/* Stopping an answer takes it out of the table, where others then may move; so they are collected first. */
	size_t count = loop->answers.count, n = 0;
	struct open_answer **open = calloc(count + 1, sizeof(struct open_answer *));

	if (buf_len(&loop->input) > 0)
		refuse(loop, "the input ends in the middle of it");
	if (open == NULL) {
		fail(loop, "end the answers", ENOMEM);
		return;
	}
	loop->input_ended = true;
	ev_io_stop(loop->ev, &loop->input_watcher);
	for (size_t i = 0; i < loop->answers.size; i++)
		if (loop->answers.slots[i].id != 0)
			open[n++] = loop->answers.slots[i].value;
	while (n > 0) {
		struct open_answer *answer = open[--n];

		answer->stopped = false;
		if (answer->hanging)
			stop_answer(answer, END_TRUNCATED, hanging_at_end);
		else if (answer->waiting)
			make_ready(answer);
	}
	free(open);
}

static void
handle_input(struct replay_loop *loop)
{
	enum record_result result;
	struct record record;
	const char *why;

	loop->want = READ_MAX;
	while (buf_len(&loop->input) > 0) {
		result = record_parse(buf_data(&loop->input), buf_len(&loop->input), &record, &why);
		if (result == RECORD_BAD) {
			refuse(loop, why);
			return;
		}
		if (result == RECORD_MORE) {
			if (record.size > buf_len(&loop->input) + READ_MAX)
				loop->want = record.size - buf_len(&loop->input);
			return;
		}
		handle(loop, &record);
		buf_consume(&loop->input, record.size);
	}
	buf_trim(&loop->input, 2 * PIPE_CAPACITY);
}

static void
on_input(struct ev_loop *ev, ev_io *watcher, int events)
{
	struct replay_loop *loop = watcher->data;
	ssize_t n = io_read(watcher->fd, &loop->input, loop->want);

	(void)ev;
	(void)events;
	if (n == 0)
		end_input(loop);
	else if (n > 0)
		handle_input(loop);
	else if (errno != EAGAIN)
		fail(loop, "read records", errno);
}

/* The writing end of a pipe becomes readable only when its reader has gone; elsewhere this tells nothing. */
static void
on_reader(struct ev_loop *ev, ev_io *watcher, int events)
{
	struct replay_loop *loop = watcher->data;

	(void)events;
	if (io_reader_gone(loop->out))
		leave(loop, EXIT_DONE);
	ev_io_stop(ev, watcher);
}

int
replay_run(struct replay_script *script, int in, int out, int log)
{
	struct replay_loop loop = { .script = script, .out = out, .log = log, .want = READ_MAX, .code = EXIT_DONE };

	if ((loop.ev = ev_default_loop(EVFLAG_AUTO)) == NULL) {
		diag_error("unable to set up the event loop");
		return EXIT_SYSTEM;
	}
	buf_init(&loop.input, RECORD_HEADER_MAX + RECORD_PAYLOAD_MAX + 2);
	buf_init(&loop.output, SIZE_MAX);
	loop.last_ready = &loop.first_ready;
	ev_io_init(&loop.input_watcher, on_input, in, EV_READ);
	ev_io_init(&loop.reader_watcher, on_reader, out, EV_READ);
	ev_prepare_init(&loop.ready_watcher, on_ready);
	ev_idle_init(&loop.more_watcher, on_more);
	loop.input_watcher.data = loop.reader_watcher.data = loop.ready_watcher.data = &loop;
	ev_io_start(loop.ev, &loop.input_watcher);
	ev_io_start(loop.ev, &loop.reader_watcher);
	ev_prepare_start(loop.ev, &loop.ready_watcher);
	ev_run(loop.ev, 0);
	while (loop.answers.count > 0)
		free_answer(idmap_any(&loop.answers));
	idmap_free(&loop.answers);
	ev_loop_destroy(loop.ev);
	buf_free(&loop.input);
	buf_free(&loop.output);
	return loop.code;
}
