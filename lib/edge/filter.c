/* SPDX-License-Identifier: MIT */
#include "edge/filter.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/io.h"
#include "base/limits.h"
#include "edge/listener.h"
#include "edge/reader.h"
#include "record/record.h"

enum { REQUEST_ID = 1, DISCARD_READ = 16 * 1024 };

struct filter {
	const struct options *options;
	int in;
	int out;
	bool is_socket;
	struct reader reader;
	char peer[ADDRESS_TEXT_MAX];
};

static bool
is_socket(int fd)
{
	int type;
	socklen_t size = sizeof type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

/* How long the next octets may take, in milliseconds; -1 without limit. Only a client on a socket is hurried. */
static int
patience_ms(const struct filter *f, uint64_t began_ms)
{
	double limit_s = f->reader.state == READER_HEAD ? f->options->head_s : f->options->body_s;
	uint64_t limit_ms = (uint64_t)(limit_s * 1000), spent_ms = clock_monotonic_ms() - began_ms;

	if (!f->is_socket)
		return -1;
	if (f->reader.state != READER_HEAD)
		return (int)limit_ms;
	return spent_ms < limit_ms ? (int)(limit_ms - spent_ms) : 0;
}

/* Reads until the request is whole or bad. 1: it is; 0: the input ended before; -1: the system failed, and that is said. */
static int
read_request(struct filter *f)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	uint64_t began_ms = clock_monotonic_ms();
	struct reader *r = &f->reader;

	while (r->state != READER_WHOLE && r->state != READER_BAD) {
		size_t want;
		struct buf *room = reader_room(r, &want);
		ssize_t n;

		switch (io_wait(f->in, f->out, patience_ms(f, began_ms))) {
		case IO_WAIT_TIMEOUT:
			r->state = READER_BAD;
			r->status = 408;
			r->why = "the request did not come in time";
			return 1;
		case IO_WAIT_NO_READER:
			return 0;
		case IO_WAIT_FAILED:
			diag_error("unable to wait for the request: %s", strerror(errno));
			return -1;
		case IO_WAIT_INPUT:
			break;
		}
		n = io_read(f->in, room, want);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			continue;
		if (n < 0 && errno != ECONNRESET) {
			diag_error("unable to read the request: %s", strerror(errno));
			return -1;
		}
		if (n <= 0)
			return 0;
		reader_advance(r, REQUEST_ID, f->peer);
		if (r->expects_continue && f->is_socket)
			(void)io_send(f->in, go_on, sizeof go_on - 1);
		r->expects_continue = false;
	}
	return 1;
}

static void
put_error(const struct reader *r, struct buf *out)
{
	struct buf body = BUF_INIT(64 * KIB);

	dialect_put_error(&body, r->dialect, r->status, r->why, r->request_id[0] ? r->request_id : NULL);
	record_put_answer(out, REQUEST_ID, r->status, NULL, buf_data(&body), buf_len(&body), r->is_head);
	buf_free(&body);
}

/* Writes the request's record, or its refusal's. Returns 0, or -1 with errno. */
static int
write_records(struct filter *f)
{
	struct reader *r = &f->reader;
	struct buf *out = &r->record;
	int result;

	if (r->state == READER_BAD) {
		buf_clear(out);
		put_error(r, out);
		return io_flush(f->out, out);
	}
	record_finish_bytes(out, buf_len(&r->body));
	buf_putc(&r->body, '\n');
	if (out->failed || r->body.failed) {
		errno = ENOMEM;
		return -1;
	}
	if ((result = io_flush(f->out, out)) == 0)
		result = io_flush(f->out, &r->body);
	return result;
}

/* A client that goes before the last stage has is told to the others. */
static int
wait_for_the_end(struct filter *f)
{
	struct buf cancel = BUF_INIT(1 * KIB);

	for (;;) {
		enum io_wait waited = io_wait(f->in, f->out, -1);
		ssize_t n;

		if (waited == IO_WAIT_NO_READER)
			return EXIT_DONE;
		if (waited == IO_WAIT_FAILED)
			return EXIT_SYSTEM;
		buf_clear(&f->reader.in);
		n = io_recv(f->in, &f->reader.in, DISCARD_READ);
		if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)))
			continue;
		record_begin(&cancel, "cancel", REQUEST_ID);
		record_finish(&cancel);
		(void)io_flush(f->out, &cancel);
		buf_free(&cancel);
		return EXIT_DONE;
	}
}

static int
run(struct filter *f)
{
	int whole = read_request(f);

	if (whole < 0)
		return EXIT_SYSTEM;
	if (whole == 0) {
		if (f->is_socket || (reader_is_idle(&f->reader) && buf_len(&f->reader.in) == 0))
			return EXIT_DONE;
		diag_error("unable to read the request: the input ends in its %s",
		    f->reader.state == READER_HEAD ? "head" : "body");
		return EXIT_NO;
	}
	if (!f->is_socket && f->reader.state == READER_WHOLE && buf_len(&f->reader.in) > 0)
		diag_warning("only the first request is read: %zu octets follow it", buf_len(&f->reader.in));
	if (write_records(f) != 0) {
		if (errno == EPIPE)
			return EXIT_DONE;
		diag_error("unable to write the request's record: %s", strerror(errno));
		return EXIT_SYSTEM;
	}
	return f->is_socket ? wait_for_the_end(f) : EXIT_DONE;
}

int
filter_run(const struct options *options, int in, int out)
{
	struct filter f = { .options = options, .in = in, .out = out, .is_socket = is_socket(in), .peer = "file" };
	int code;

	reader_init(&f.reader, options->max_body);
	if (f.is_socket)
		listener_peer_text(in, f.peer);
	code = run(&f);
	reader_free(&f.reader);
	return code;
}
