/* SPDX-License-Identifier: MIT */
#include "upstream/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/limits.h"

/* How often, in seconds, an output that is a socket is asked whether its reader is there; a pipe tells by itself. */
#define READER_CHECK 1.0

static void
stop(struct channel *channel, int code)
{
	channel->code = code;
	ev_break(channel->ev, EVBREAK_ALL);
}

/* Handles all records that are whole. Returns EXIT_DONE, or the code to end with. */
static int
handle_input(struct channel *channel)
{
	struct buf *input = &channel->input;

	channel->want = READ_MAX;
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
				channel->want = record.size - buf_len(input);
			return EXIT_DONE;
		case RECORD_OK:
			break;
		}
		if ((code = channel->handle(&record, input, channel->context)) != EXIT_DONE)
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
	struct channel *channel = io->data;
	ssize_t n = io_read(io->fd, &channel->input, channel->want);
	int code;

	(void)revents;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		if ((code = handle_input(channel)) != EXIT_DONE)
			stop(channel, code);
		return;
	}
	ev_io_stop(ev, io);
	channel->input_ended = true;
	if (n < 0) {
		diag_error("unable to read records: %s", strerror(errno));
		stop(channel, EXIT_SYSTEM);
	} else if (buf_len(&channel->input) > 0) {
		diag_error("unable to read a record: the input ends in the middle of it");
		stop(channel, EXIT_BUG);
	} else
		channel->ended(channel->context);
}

/* The records of a wake-up, in one write. */
static void
flush(struct channel *channel)
{
	struct buf *output = channel->output;

	if (buf_len(output) == 0 && !output->failed)
		return;
	if (output->failed) {
		diag_error("unable to hold the output: %s", strerror(ENOMEM));
		stop(channel, EXIT_SYSTEM);
	} else if (io_flush(channel->out, output) != 0) {
		if (errno == EPIPE || errno == ECONNRESET) {
			stop(channel, channel->code);
			return;
		}
		diag_error("unable to write records: %s", strerror(errno));
		stop(channel, EXIT_SYSTEM);
	}
	channel->written(channel->context);
	buf_trim(output, 2 * PIPE_CAPACITY);
}

static void
before_waiting(struct ev_loop *ev, ev_prepare *prepare, int revents)
{
	struct channel *channel = prepare->data;

	(void)ev;
	(void)revents;
	channel->work(channel->context);
	flush(channel);
	if (channel->input_ended && !channel->busy(channel->context))
		ev_break(channel->ev, EVBREAK_ALL);
}

static void
check_reader(struct channel *channel)
{
	if (io_reader_gone(channel->out))
		stop(channel, EXIT_DONE);
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
watch_reader(struct channel *channel)
{
	struct stat out;

	/* A pipe's writing end has an event to read only when its reader has gone; a socket may have others. */
	ev_io_init(&channel->output_watch, on_output, channel->out, EV_READ);
	ev_timer_init(&channel->reader_watch, on_reader_check, READER_CHECK, READER_CHECK);
	channel->output_watch.data = channel->reader_watch.data = channel;
	if (fstat(channel->out, &out) != 0)
		return;
	if (S_ISFIFO(out.st_mode))
		ev_io_start(channel->ev, &channel->output_watch);
	else if (S_ISSOCK(out.st_mode))
		ev_timer_start(channel->ev, &channel->reader_watch);
}

int
channel_run(struct channel *channel)
{
	buf_init(&channel->input, RECORD_HEADER_MAX + RECORD_PAYLOAD_MAX + KIB);
	channel->want = READ_MAX;
	channel->input_ended = false;
	channel->code = EXIT_DONE;
	ev_io_init(&channel->input_watch, on_input, channel->in, EV_READ);
	ev_prepare_init(&channel->prepare, before_waiting);
	channel->input_watch.data = channel->prepare.data = channel;
	ev_io_start(channel->ev, &channel->input_watch);
	ev_prepare_start(channel->ev, &channel->prepare);
	watch_reader(channel);
	ev_run(channel->ev, 0);
	/* What was said before a bug was met still goes out. */
	if (channel->code == EXIT_BUG)
		flush(channel);
	buf_free(&channel->input);
	return channel->code;
}
