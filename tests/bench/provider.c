/* SPDX-License-Identifier: MIT */
/*
 * The benchmark's provider: an HTTP/1.1 server of one thread that answers at once and keeps connections alive. The
 * query's `mode` says how:
 *   mode=json     a JSON of 200 octets with its length
 *   mode=stream   20 Anthropic events, each a chunk and a write of its own
 *   mode=paced    50 events, 20 ms apart
 *   mode=cut      half of the 20 events, then the connection is closed, with no end
 * A request's body is read to its end and thrown away first.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/num.h"

#define JSON_SIZE 200
#define PACE_NS 20000000
#define SECOND_NS 1000000000
#define BACKLOG 4096
#define EVENTS_AT_ONCE 256

enum {
	STREAM_EVENTS = 20,
	PACED_EVENTS = 50
};

enum mode {
	MODE_JSON,
	MODE_STREAM,
	MODE_PACED,
	MODE_CUT,
	MODE_COUNT
};

static const char *const mode_names[MODE_COUNT] = { "json", "stream", "paced", "cut" };

/* A part of `text`: what one write sends. */
struct piece {
	size_t at;
	size_t len;
};

/* A stream as it is sent: pieces[0] is the head, the last piece holds the end of the chunked body too. */
struct script {
	struct buf text;
	struct piece pieces[1 + PACED_EVENTS];
	int count;
};

struct connection {
	int fd;
	struct buf input;	/* the head; a body never stays here */
	size_t body_left;	/* octets of the request's body still to come */
	bool in_body;
	enum mode mode;
	bool doomed;		/* to be freed once the events at hand are done */
	int next_piece;		/* of a paced answer */
	int64_t due_ns;		/* when that is to go out; 0: no paced answer is under way */
	struct connection *before, *after;	/* in the queue by time, or `after` alone in the list of the doomed */
};

static struct script stream_script, paced_script;
static struct buf json_answer = BUF_INIT(4 * KIB);
static struct connection queue = { .before = &queue, .after = &queue };
static struct connection *doomed;
static int epoll_fd;

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

/* The `i`th event of a stream of `count`: three open it, three close it, and all others are deltas. */
static void
put_event(struct buf *out, int i, int count)
{
	if (i == 0)
		buf_puts(out, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_bench\","
		    "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"bench\",\"content\":[],\"stop_reason\":null,"
		    "\"stop_sequence\":null,\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\n");
	else if (i == 1)
		buf_puts(out, "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
		    "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n");
	else if (i == 2)
		buf_puts(out, "event: ping\ndata: {\"type\":\"ping\"}\n\n");
	else if (i == count - 3)
		buf_puts(out, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n");
	else if (i == count - 2)
		buf_puts(out, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
		    "\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":15}}\n\n");
	else if (i == count - 1)
		buf_puts(out, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
	else
		buf_printf(out, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
		    "\"delta\":{\"type\":\"text_delta\",\"text\":\" word %d and more\"}}\n\n", i);
}

static void
script_end_piece(struct script *s, size_t at)
{
	s->pieces[s->count++] = (struct piece){ at, buf_len(&s->text) - at };
}

static void
script_init(struct script *s, int events)
{
	struct buf event = BUF_INIT(4 * KIB);

	buf_init(&s->text, 64 * KIB);
	buf_puts(&s->text, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
	    "request-id: req_bench\r\nTransfer-Encoding: chunked\r\n\r\n");
	script_end_piece(s, 0);
	for (int i = 0; i < events; i++) {
		size_t at = buf_len(&s->text);

		buf_clear(&event);
		put_event(&event, i, events);
		buf_printf(&s->text, "%zx\r\n", buf_len(&event));
		buf_put(&s->text, buf_data(&event), buf_len(&event));
		buf_puts(&s->text, i == events - 1 ? "\r\n0\r\n\r\n" : "\r\n");
		script_end_piece(s, at);
	}
	buf_free(&event);
}

static void
json_init(void)
{
	static const char before[] = "{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"bench\","
	    "\"content\":[{\"type\":\"text\",\"text\":\"";
	static const char after[] = "\"}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":25}}";

	buf_printf(&json_answer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nrequest-id: req_bench\r\n"
	    "Content-Length: %d\r\n\r\n%s", JSON_SIZE, before);
	for (size_t n = sizeof before - 1 + sizeof after - 1; n < JSON_SIZE; n++)
		buf_putc(&json_answer, '.');
	buf_puts(&json_answer, after);
}

/* Keeps the queue ordered by time. New times are nearly always the latest, so the search begins at the end. */
static void
queue_put(struct connection *c)
{
	struct connection *before = queue.before;

	while (before != &queue && before->due_ns > c->due_ns)
		before = before->before;
	c->before = before;
	c->after = before->after;
	before->after->before = c;
	before->after = c;
}

static void
queue_remove(struct connection *c)
{
	if (c->due_ns == 0)
		return;
	c->before->after = c->after;
	c->after->before = c->before;
	c->due_ns = 0;
}

/* Events for it may still be at hand: it is freed after them. */
static void
connection_close(struct connection *c)
{
	if (c->doomed)
		return;
	queue_remove(c);
	close(c->fd);
	c->doomed = true;
	c->after = doomed;
	doomed = c;
}

static void
free_doomed(void)
{
	while (doomed != NULL) {
		struct connection *c = doomed;

		doomed = c->after;
		buf_free(&c->input);
		free(c);
	}
}

/* An answer is far smaller than a socket's buffer, so what does not fit means that nobody reads. */
static bool
send_all(struct connection *c, const char *p, size_t n)
{
	return io_send(c->fd, p, n) == (ssize_t)n;
}

static bool
send_piece(struct connection *c, const struct script *s, int i)
{
	return send_all(c, buf_data(&s->text) + s->pieces[i].at, s->pieces[i].len);
}

static void
begin_paced(struct connection *c)
{
	if (!send_piece(c, &paced_script, 0) || !send_piece(c, &paced_script, 1)) {
		connection_close(c);
		return;
	}
	c->next_piece = 2;
	c->due_ns = now_ns() + PACE_NS;
	queue_put(c);
}

static void
answer(struct connection *c)
{
	int pieces = c->mode == MODE_CUT ? STREAM_EVENTS / 2 : stream_script.count;

	if (c->mode == MODE_PACED) {
		begin_paced(c);
		return;
	}
	if (c->mode == MODE_JSON) {
		if (!send_all(c, buf_data(&json_answer), buf_len(&json_answer)))
			connection_close(c);
		return;
	}
	for (int i = 0; i < pieces && !c->doomed; i++)
		if (!send_piece(c, &stream_script, i))
			connection_close(c);
	if (c->mode == MODE_CUT)
		connection_close(c);
}

/* Sends all events that are due. Returns how long until the next one, in ns; -1 if there is none. */
static int64_t
send_due(void)
{
	while (queue.after != &queue) {
		struct connection *c = queue.after;
		int64_t due = c->due_ns, left = due - now_ns();

		if (left > 0)
			return left;
		queue_remove(c);
		if (!send_piece(c, &paced_script, c->next_piece)) {
			connection_close(c);
		} else if (++c->next_piece < paced_script.count) {
			c->due_ns = due + PACE_NS;
			queue_put(c);
		}
	}
	return -1;
}

/* What stands in the request line's query as `mode`. */
static bool
mode_of(const char *head, size_t n, enum mode *mode)
{
	static const char name[] = "mode=";
	const char *end = memchr(head, '\r', n);
	const char *at = end ? memmem(head, (size_t)(end - head), name, sizeof name - 1) : NULL;

	for (int i = 0; at != NULL && i < MODE_COUNT; i++)
		if (strncmp(at + sizeof name - 1, mode_names[i], strlen(mode_names[i])) == 0) {
			*mode = (enum mode)i;
			return true;
		}
	return false;
}

/* The value of `content-length`; 0 without one. False if it is no number. */
static bool
length_of(const char *head, size_t n, uint64_t *length)
{
	static const char name[] = "\ncontent-length:";
	const size_t name_len = sizeof name - 1;

	*length = 0;
	for (const char *p = head; (p = memchr(p, '\n', n - (size_t)(p - head))) != NULL; p++) {
		const char *value = p + name_len, *end;

		if (n - (size_t)(p - head) <= name_len || strncasecmp(p, name, name_len) != 0)
			continue;
		while (*value == ' ')
			value++;
		end = memchr(value, '\r', n - (size_t)(value - head));
		return end != NULL && num_parse(value, (size_t)(end - value), RECORD_PAYLOAD_MAX, length);
	}
	return true;
}

/* Takes the request's head from the input once it is whole. False: the connection is of no use any more. */
static bool
take_head(struct connection *c, bool *whole)
{
	const char *p = buf_data(&c->input);
	const char *end = memmem(p, buf_len(&c->input), "\r\n\r\n", 4);
	uint64_t length;
	size_t n;

	*whole = end != NULL;
	if (end == NULL)
		return buf_len(&c->input) < HEAD_MAX;
	n = (size_t)(end - p) + 4;
	if (!mode_of(p, n, &c->mode) || !length_of(p, n, &length)) {
		diag_warning("a request without a mode, or with a length that is none");
		return false;
	}
	c->body_left = (size_t)length;
	c->in_body = true;
	buf_consume(&c->input, n);
	return true;
}

static void
take_input(struct connection *c)
{
	while (!c->doomed && (c->in_body || buf_len(&c->input) > 0)) {
		size_t n = buf_len(&c->input);
		bool whole;

		if (!c->in_body) {
			if (!take_head(c, &whole))
				connection_close(c);
			if (!whole)
				return;
			continue;
		}
		if (n > c->body_left)
			n = c->body_left;
		buf_consume(&c->input, n);
		c->body_left -= n;
		if (c->body_left > 0)
			return;
		c->in_body = false;
		answer(c);
	}
}

static void
readable(struct connection *c)
{
	ssize_t n = io_recv(c->fd, &c->input, READ_MAX);

	if (n > 0)
		take_input(c);
	else if (n == 0 || errno != EAGAIN)
		connection_close(c);
}

static void
accept_all(int listener)
{
	int fd, on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *c = calloc(1, sizeof *c);
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

		if (c == NULL)
			diag_fatal(EXIT_SYSTEM, "unable to hold a connection: %s", strerror(errno));
		c->fd = fd;
		buf_init(&c->input, HEAD_MAX + READ_MAX);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
			diag_fatal(EXIT_SYSTEM, "unable to watch a connection: %s", strerror(errno));
	}
}

static int
listen_on(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	address.sin_port = htons(port);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, BACKLOG) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		diag_fatal(EXIT_SYSTEM, "unable to listen on port %u: %s", port, strerror(errno));
	printf("%u\n", ntohs(address.sin_port));
	if (fflush(stdout) != 0)
		diag_fatal(EXIT_SYSTEM, "unable to tell the port: %s", strerror(errno));
	return fd;
}

static _Noreturn void
serve(int listener)
{
	struct epoll_event events[EVENTS_AT_ONCE], listening = { .events = EPOLLIN };

	if ((epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &listening) != 0)
		diag_fatal(EXIT_SYSTEM, "unable to watch the listening socket: %s", strerror(errno));
	for (;;) {
		int64_t left = send_due();
		struct timespec wait = { .tv_nsec = left };
		int n = epoll_pwait2(epoll_fd, events, EVENTS_AT_ONCE, left < 0 ? NULL : &wait, NULL);

		if (n < 0 && errno != EINTR)
			diag_fatal(EXIT_SYSTEM, "unable to wait for connections: %s", strerror(errno));
		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			if (c == NULL)
				accept_all(listener);
			else if (!c->doomed)
				readable(c);
		}
		free_doomed();
	}
}

int
main(int argc, char **argv)
{
	struct rlimit files;
	uint64_t port = 0;
	int option;

	diag_init(argv[0]);
	while ((option = getopt(argc, argv, "p:")) != -1)
		if (option != 'p' || !num_parse(optarg, strlen(optarg), UINT16_MAX, &port))
			diag_usage("-p takes a port; nothing else is understood");
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	script_init(&stream_script, STREAM_EVENTS);
	script_init(&paced_script, PACED_EVENTS);
	json_init();
	serve(listen_on((uint16_t)port));
}
