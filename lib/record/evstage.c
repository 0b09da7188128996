/* SPDX-License-Identifier: MIT */
#include "record/evstage.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/limits.h"

/* How often, in seconds, an output that is a socket is asked whether its reader is there; a pipe tells by itself. */
#define READER_CHECK 1.0

static void
stop(struct evstage *stage, int code)
{
	stage->code = code;
	ev_break(stage->ev, EVBREAK_ALL);
}

/* Handles all records that are whole. Returns EXIT_DONE, or the code to end with. */
static int
handle_input(struct evstage *stage)
{
	struct buf *input = &stage->input;

	stage->want = READ_MAX;
	while (buf_len(input) > 0) {
		struct record record;
		const char *why;
		int code;

		switch (record_parse(buf_data(input), buf_len(input), &record, &why)) {
		case RECORD_BAD:
			diag_error("unable to read a record: %s", why);
			return EXIT_BUG;
		case RECORD_MORE:
			if (record.size > buf_len(input) + READ_MAX)
				stage->want = record.size - buf_len(input);
			return EXIT_DONE;
		case RECORD_OK:
			break;
		}
		if ((code = stage->handle(&record, input, stage->context)) != EXIT_DONE)
			return code;
		if (buf_len(input) > 0)
			buf_consume(input, record.size);
	}
	buf_trim(input, 2 * PIPE_CAPACITY);
	return EXIT_DONE;
}

static void
on_input(struct ev_loop *ev, ev_io *io, int revents)
{
	struct evstage *stage = io->data;
	ssize_t n = io_read(io->fd, &stage->input, stage->want);
	int code;

	(void)revents;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		if ((code = handle_input(stage)) != EXIT_DONE)
			stop(stage, code);
		return;
	}
	ev_io_stop(ev, io);
	stage->input_ended = true;
	if (n < 0) {
		diag_error("unable to read records: %s", strerror(errno));
		stop(stage, EXIT_SYSTEM);
	} else if (buf_len(&stage->input) > 0) {
		diag_error("unable to read a record: the input ends in the middle of it");
		stop(stage, EXIT_BUG);
	} else
		stage->ended(stage->context);
}

void
evstage_flush(struct evstage *stage)
{
	struct buf *output = stage->output;

	if (buf_len(output) == 0 && !output->failed)
		return;
	if (output->failed) {
		diag_error("unable to hold the output: %s", strerror(ENOMEM));
		stop(stage, EXIT_SYSTEM);
	} else if (io_flush(stage->out, output) != 0) {
		if (errno == EPIPE || errno == ECONNRESET) {
			stop(stage, stage->code);
			return;
		}
		diag_error("unable to write records: %s", strerror(errno));
		stop(stage, EXIT_SYSTEM);
	}
	if (stage->written != NULL)
		stage->written(stage->context);
	buf_trim(output, 2 * PIPE_CAPACITY);
}

static void
before_waiting(struct ev_loop *ev, ev_prepare *prepare, int revents)
{
	struct evstage *stage = prepare->data;

	(void)ev;
	(void)revents;
	stage->work(stage->context);
	evstage_flush(stage);
	if (stage->input_ended && !stage->busy(stage->context))
		ev_break(stage->ev, EVBREAK_ALL);
}

static void
check_reader(struct evstage *stage)
{
	if (io_reader_gone(stage->out))
		stop(stage, EXIT_DONE);
}

static void
on_output(struct ev_loop *ev, ev_io *io, int revents)
{
	(void)ev;
	(void)revents;
	check_reader(io->data);
}

static void
on_reader_check(struct ev_loop *ev, ev_timer *timer, int revents)
{
	(void)ev;
	(void)revents;
	check_reader(timer->data);
}

static void
watch_reader(struct evstage *stage)
{
	struct stat out;

	/* A pipe's writing end has an event to read only when its reader has gone; a socket may have others. */
	ev_io_init(&stage->output_watch, on_output, stage->out, EV_READ);
	ev_timer_init(&stage->reader_watch, on_reader_check, READER_CHECK, READER_CHECK);
	stage->output_watch.data = stage->reader_watch.data = stage;
	if (fstat(stage->out, &out) != 0)
		return;
	if (S_ISFIFO(out.st_mode))
		ev_io_start(stage->ev, &stage->output_watch);
	else if (S_ISSOCK(out.st_mode))
		ev_timer_start(stage->ev, &stage->reader_watch);
}

int
evstage_run(struct evstage *stage)
{
	buf_init(&stage->input, RECORD_HEADER_MAX + RECORD_PAYLOAD_MAX + KIB);
	stage->want = READ_MAX;
	stage->input_ended = false;
	stage->code = EXIT_DONE;
	ev_io_init(&stage->input_watch, on_input, stage->in, EV_READ);
	ev_prepare_init(&stage->prepare, before_waiting);
	stage->input_watch.data = stage->prepare.data = stage;
	ev_io_start(stage->ev, &stage->input_watch);
	ev_prepare_start(stage->ev, &stage->prepare);
	watch_reader(stage);
	ev_run(stage->ev, 0);
	/* What was said before a bug was met still goes out. */
	if (stage->code == EXIT_BUG)
		evstage_flush(stage);
	buf_free(&stage->input);
	return stage->code;
}
