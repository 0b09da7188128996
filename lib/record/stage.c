/* SPDX-License-Identifier: MIT */
#include "record/stage.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/io.h"
#include "base/limits.h"

enum { RECORD_MAX_FRAMING = 2 };

void
stage_init(struct stage *stage, int in, int out, int (*handle)(struct stage *, const struct record *, void *),
    void *context)
{
	*stage = (struct stage){
		.in = in,
		.out = out,
		.input = BUF_INIT(RECORD_HEADER_MAX + RECORD_PAYLOAD_MAX + RECORD_MAX_FRAMING),
		.output = BUF_INIT(SIZE_MAX),
		.handle = handle,
		.context = context,
	};
}

void
stage_free(struct stage *stage)
{
	buf_free(&stage->input);
	buf_free(&stage->output);
}

static int
write_failed(struct stage *stage)
{
	if (errno == EPIPE || errno == ECONNRESET) {
		stage->no_reader = true;
		return EXIT_DONE;
	}
	diag_error("unable to write records: %s", strerror(errno));
	return EXIT_SYSTEM;
}

int
stage_flush(struct stage *stage)
{
	if (stage->output.failed) {
		diag_error("unable to hold the output: %s", strerror(ENOMEM));
		return EXIT_SYSTEM;
	}
	if (stage->no_reader)
		buf_clear(&stage->output);
	else if (io_flush(stage->out, &stage->output) != 0)
		return write_failed(stage);
	buf_trim(&stage->output, 2 * PIPE_CAPACITY);
	return EXIT_DONE;
}

int
stage_pass_with(struct stage *stage, const struct record *record, const char *members, size_t n)
{
	size_t tail = record->payload_len + 1;
	int result;

	buf_put(&stage->output, record->header.p, record->header.len - (n > 0));
	if (n > 0) {
		buf_putc(&stage->output, ',');
		buf_put(&stage->output, members, n);
		buf_putc(&stage->output, '}');
	}
	buf_putc(&stage->output, '\n');
	if (!record->has_payload)
		return EXIT_DONE;
	/* In the input the payload's line feed lies right behind it. */
	if (record->payload_len <= COPY_MAX) {
		buf_put(&stage->output, record->payload, tail);
		return EXIT_DONE;
	}
	if ((result = stage_flush(stage)) != EXIT_DONE || stage->no_reader)
		return result;
	return io_write_all(stage->out, record->payload, tail) == 0 ? EXIT_DONE : write_failed(stage);
}

int
stage_pass(struct stage *stage, const struct record *record)
{
	return stage_pass_with(stage, record, NULL, 0);
}

/* Handles all records that are whole. `*want` is how much to read next. */
static int
handle_input(struct stage *stage, size_t *want)
{
	struct record record;
	const char *why;

	*want = READ_MAX;
	while (buf_len(&stage->input) > 0 && !stage->no_reader) {
		enum record_result result =
		    record_parse(buf_data(&stage->input), buf_len(&stage->input), &record, &why);
		int code;

		if (result == RECORD_BAD) {
			diag_error("unable to read a record: %s", why);
			return EXIT_BUG;
		}
		if (result == RECORD_MORE) {
			if (record.size > buf_len(&stage->input) + READ_MAX)
				*want = record.size - buf_len(&stage->input);
			break;
		}
		if ((code = stage->handle(stage, &record, stage->context)) != EXIT_DONE)
			return code;
		buf_consume(&stage->input, record.size);
	}
	buf_trim(&stage->input, 2 * PIPE_CAPACITY);
	return EXIT_DONE;
}

static int
read_input(struct stage *stage, size_t want, bool *ended)
{
	ssize_t n = io_read(stage->in, &stage->input, want);

	*ended = n == 0;
	if (n == 0 && buf_len(&stage->input) > 0) {
		diag_error("unable to read a record: the input ends in the middle of it");
		return EXIT_BUG;
	}
	if (n >= 0 || errno == EAGAIN)
		return EXIT_DONE;
	diag_error("unable to read records: %s", strerror(errno));
	return EXIT_SYSTEM;
}

/* How long to wait for what is due at `next`. */
static int
timeout_of(const struct stage *stage, uint64_t next)
{
	if (next == UINT64_MAX)
		return -1;
	if (next <= stage->now)
		return 0;
	return next - stage->now < INT_MAX ? (int)(next - stage->now) : INT_MAX;
}

/* One wake-up: what has come, then what is due. */
static int
work(struct stage *stage, enum io_wait waited, size_t *want, bool *ended, uint64_t *next)
{
	int code = EXIT_DONE;

	if (stage->due != NULL)
		stage->now = clock_monotonic_ms();
	if (waited == IO_WAIT_INPUT) {
		if ((code = read_input(stage, *want, ended)) != EXIT_DONE || *ended)
			return code;
		code = handle_input(stage, want);
	}
	return code == EXIT_DONE && stage->due != NULL ? stage->due(stage, next, stage->context) : code;
}

int
stage_run(struct stage *stage)
{
	uint64_t next = UINT64_MAX;
	size_t want = READ_MAX;
	bool ended = false;
	int code;

	for (;;) {
		enum io_wait waited = io_wait(stage->in, stage->out, timeout_of(stage, next));

		if (waited == IO_WAIT_FAILED) {
			diag_error("unable to wait for records: %s", strerror(errno));
			return EXIT_SYSTEM;
		}
		if (waited == IO_WAIT_NO_READER)
			return EXIT_DONE;
		code = work(stage, waited, &want, &ended, &next);
		if (ended)
			return code;
		/* Whatever the handler said before it stopped still goes out. */
		if (stage_flush(stage) != EXIT_DONE && code == EXIT_DONE)
			code = EXIT_SYSTEM;
		if (code != EXIT_DONE || stage->no_reader)
			return code;
	}
}
