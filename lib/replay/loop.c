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
#include "record/evstage.h"
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
	struct evstage stage;
	struct replay_script *script;
	int log;
	bool input_ended;
	struct buf output;
	struct idmap answers;
	struct open_answer *first_ready, **last_ready;
	ev_idle more_watcher;
};

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
		evstage_flush(&loop->stage);
		make_ready(answer);
		break;
	case REPLAY_GOING:
		make_ready(answer);
		break;
	}
}

/* Before the loop waits: a turn for each answer that is ready. */
static void
take_turns(void *context)
{
	struct replay_loop *loop = context;
	struct open_answer *answer = loop->first_ready, *next;

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
	/* An idle watcher keeps the loop from waiting. */
	if (loop->first_ready != NULL)
		ev_idle_start(loop->ev, &loop->more_watcher);
	else
		ev_idle_stop(loop->ev, &loop->more_watcher);
}

static bool
is_busy(void *context)
{
	return ((struct replay_loop *)context)->answers.count > 0;
}

static void
on_more(struct ev_loop *ev, ev_idle *watcher, int events)
{
	(void)ev;
	(void)watcher;
	(void)events;
}

static int
begin_answer(struct replay_loop *loop, const struct record *record)
{
	struct open_answer *answer;

	if (idmap_get(&loop->answers, record->id) != NULL) {
		diag_error("unable to read a record: a request has the number of another that is not done");
		return EXIT_BUG;
	}
	answer = calloc(1, sizeof *answer);
	if (answer == NULL || (answer->player = replay_begin(loop->script, record)) == NULL ||
	    !idmap_put(&loop->answers, record->id, answer)) {
		replay_player_free(answer ? answer->player : NULL);
		free(answer);
		diag_error("unable to begin an answer: %s", strerror(ENOMEM));
		return EXIT_SYSTEM;
	}
	answer->loop = loop;
	ev_init(&answer->timer, on_timer);
	answer->timer.data = answer;
	make_ready(answer);
	return EXIT_DONE;
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

static int
handle(const struct record *record, struct buf *input, void *context)
{
	struct replay_loop *loop = context;

	if (loop->log >= 0 && io_write_all(loop->log, buf_data(input), record->size) != 0) {
		diag_error("unable to write down a record: %s", strerror(errno));
		return EXIT_SYSTEM;
	}
	if (record->type == RECORD_REQUEST)
		return begin_answer(loop, record);
	if (record->type == RECORD_CANCEL || record->type == RECORD_PAUSE || record->type == RECORD_RESUME)
		control_answer(loop, record);
	else
		record_put_copy(&loop->output, record);
	return EXIT_DONE;
}

/* No more records: what hangs would hang for ever, and nobody will resume what is stopped. */
static void
end_input(void *context)
{
	struct replay_loop *loop = context;
	/* Stopping an answer takes it out of the table, where others then may move; so they are collected first. */
	size_t count = loop->answers.count, n = 0;
	struct open_answer **open = calloc(count + 1, sizeof(struct open_answer *));

	loop->input_ended = true;
	if (open == NULL) {
		diag_warning("unable to finish the answers: %s", strerror(ENOMEM));
		while (loop->answers.count > 0)
			stop_answer(idmap_any(&loop->answers), END_TRUNCATED, strerror(ENOMEM));
		return;
	}
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

int
replay_run(struct replay_script *script, int in, int out, int log)
{
	struct replay_loop loop = { .script = script, .log = log, .output = BUF_INIT(SIZE_MAX) };
	int code;

	if ((loop.ev = ev_default_loop(EVFLAG_AUTO)) == NULL) {
		diag_error("unable to set up the event loop");
		return EXIT_SYSTEM;
	}
	loop.last_ready = &loop.first_ready;
	ev_idle_init(&loop.more_watcher, on_more);
	loop.stage = (struct evstage){
		.ev = loop.ev,
		.in = in,
		.out = out,
		.handle = handle,
		.work = take_turns,
		.ended = end_input,
		.busy = is_busy,
		.output = &loop.output,
		.context = &loop,
	};
	code = evstage_run(&loop.stage);
	while (loop.answers.count > 0)
		free_answer(idmap_any(&loop.answers));
	idmap_free(&loop.answers);
	ev_loop_destroy(loop.ev);
	buf_free(&loop.output);
	return code;
}
