/* SPDX-License-Identifier: MIT */
/*
 * The benchmark's load client: N connections to 127.0.0.1, on each one request after the other, from one thread.
 * Prints one line of JSON: how many answers, how many were not whole (and of the first of them, why), answers a second,
 * and times in microseconds: `total` from the request's first octet to the answer's last, `first` to the first event
 * (from connect(2) on with --fresh), `gap` between the events of a stream. Exit 1 if any answer was not whole.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/num.h"

#define SECOND_NS 1000000000
#define CLIENTS_MAX 10000
#define EVENTS_AT_ONCE 256
#define STALL_MS 15000

static const char usage[] =
    "usage: load [option...] PORT\n"
    "  -c, --connections N  at once (1)\n"
    "  -n, --requests N     in all; 0: as many as the time allows (0)\n"
    "  -t, --time MS        how long to begin new ones (1000)\n"
    "  -m, --mode MODE      json, stream, paced or cut: see the provider (json)\n"
    "  -e, --events N       that a whole stream has, without pings (0: no stream)\n"
    "  -b, --body BYTES     a request body of at least that size (0)\n"
    "  -f, --fresh          a connection for each request\n"
    "  -o, --open           says `open` once every connection has had its first event\n";

struct options {
	uint64_t connections, requests, time_ms, events, body, port;
	const char *mode;
	bool fresh, open;
};

struct client {
	int fd;
	size_t sent;		/* octets of the request */
	bool busy;		/* a request is under way */
	bool writing;		/* epoll watches for room */
	bool had_first;
	int64_t begun_ns;
	struct buf input;
	struct answer answer;
};

/* Figures of one kind, in nanoseconds. */
struct figures {
	int64_t *values;
	size_t count, cap;
};

static struct options options = { .connections = 1, .time_ms = 1000, .mode = "json" };
static struct buf request = BUF_INIT(BODY_MAX_DEFAULT);
static struct figures totals, firsts, gaps;
static uint64_t begun, done, failed, reconnected, had_first, open_clients;
static const char *first_failure;
static int64_t stop_ns;
static int epoll_fd;

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

static void
figures_add(struct figures *f, int64_t value)
{
	if (f->count == f->cap) {
		f->cap = f->cap ? 2 * f->cap : 4096;
		if ((f->values = realloc(f->values, f->cap * sizeof *f->values)) == NULL)
			diag_fatal(EXIT_SYSTEM, "unable to hold the figures: %s", strerror(errno));
	}
	f->values[f->count++] = value;
}

static void
add_gap(int64_t gap_ns)
{
	figures_add(&gaps, gap_ns);
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
figures_print(const char *name, struct figures *f)
{
	size_t n = f->count;

	if (n == 0)
		return;
	qsort(f->values, n, sizeof *f->values, compare);
	printf(",\"%s_p50\":%.1f,\"%s_p99\":%.1f,\"%s_max\":%.1f", name, (double)f->values[n / 2] / 1e3, name,
	    (double)f->values[n - 1 - n / 100] / 1e3, name, (double)f->values[n - 1] / 1e3);
}

static void
request_init(void)
{
	struct buf body = BUF_INIT(BODY_MAX_DEFAULT);

	buf_printf(&body, "{\"model\":\"bench\",\"max_tokens\":100,\"stream\":%s,\"messages\":[{\"role\":\"user\","
	    "\"content\":\"", options.events > 0 ? "true" : "false");
	while (buf_len(&body) < options.body)
		buf_puts(&body, "The quick brown fox said: \\\"jumps\\\" over\\nthe lazy dog. ");
	buf_puts(&body, "What is 2+2?\"}]}");
	buf_printf(&request, "POST /v1/messages?mode=%s HTTP/1.1\r\nHost: localhost:%u\r\nContent-Type: application/json\r\n"
	    "Accept: %s\r\nUser-Agent: lb-bench/1\r\nX-Api-Key: fake-key\r\nAnthropic-Version: 2023-06-01\r\n"
	    "Content-Length: %zu\r\n\r\n", options.mode, (unsigned)options.port,
	    options.events > 0 ? "text/event-stream" : "application/json", buf_len(&body));
	buf_put(&request, buf_data(&body), buf_len(&body));
	if (request.failed)
		diag_usage("the body is larger than %zu", (size_t)BODY_MAX_DEFAULT);
	buf_free(&body);
}

static void
watch(struct client *c, int operation)
{
	struct epoll_event event = { .events = EPOLLIN | (c->writing ? EPOLLOUT : 0), .data.ptr = c };

	if (epoll_ctl(epoll_fd, operation, c->fd, &event) != 0)
		diag_fatal(EXIT_SYSTEM, "unable to watch a connection: %s", strerror(errno));
}

static void
client_connect(struct client *c)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)options.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int on = 1;

	if ((c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0 ||
	    connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0)
		diag_fatal(EXIT_SYSTEM, "unable to connect to port %u: %s", (unsigned)options.port, strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	c->writing = false;
	buf_clear(&c->input);
	watch(c, EPOLL_CTL_ADD);
}

static void
client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void
client_send(struct client *c)
{
	bool was_writing = c->writing;

	while (c->sent < buf_len(&request)) {
		ssize_t n = io_send(c->fd, buf_data(&request) + c->sent, buf_len(&request) - c->sent);

		/* A connection that broke tells so when it is read. */
		if (n < 0)
			break;
		c->sent += (size_t)n;
	}
	c->writing = c->sent < buf_len(&request);
	if (c->writing != was_writing)
		watch(c, EPOLL_CTL_MOD);
}

/* The next request on a connection, unless the run is over. */
static void
client_begin(struct client *c)
{
	if ((options.requests > 0 && begun >= options.requests) || (options.requests == 0 && now_ns() >= stop_ns)) {
		client_close(c);
		open_clients--;
		return;
	}
	begun++;
	c->begun_ns = now_ns();
	if (c->fd < 0)
		client_connect(c);
	answer_init(&c->answer);
	c->busy = true;
	c->sent = 0;
	client_send(c);
}

/* What an answer that ended well by its framing still lacks. */
static const char *
lacks(const struct answer *a)
{
	static char text[64];

	if (a->status != 200) {
		snprintf(text, sizeof text, "the status is %d", a->status);
		return text;
	}
	if (a->failed_event)
		return "the stream holds an error";
	if (options.events == 0)
		return a->body_bytes == 0 ? "the body is empty" : NULL;
	if (!a->stopped)
		return "the stream does not end with message_stop";
	/* The ping among the provider's events is not counted. */
	if ((uint64_t)a->events != options.events - 1) {
		snprintf(text, sizeof text, "the stream has %d events", a->events);
		return text;
	}
	return NULL;
}

/* The answer is over, whole or not (`why`). */
static void
client_end(struct client *c, const char *why)
{
	bool again = c->answer.close || options.fresh || why != NULL;

	done++;
	if (why == NULL)
		why = lacks(&c->answer);
	if (why != NULL && failed++ == 0 && (first_failure = strdup(why)) == NULL)
		first_failure = "something";
	if (why == NULL) {
		figures_add(&totals, now_ns() - c->begun_ns);
		figures_add(&firsts, c->answer.first_ns - c->begun_ns);
	}
	c->busy = false;
	if (again) {
		reconnected += !options.fresh;
		client_close(c);
	}
	client_begin(c);
}

static void
note_first(struct client *c)
{
	if (c->had_first || c->answer.events == 0)
		return;
	c->had_first = true;
	if (++had_first == options.connections && options.open) {
		puts("open");
		fflush(stdout);
	}
}

static void
client_read(struct client *c)
{
	ssize_t n = io_recv(c->fd, &c->input, READ_MAX);
	const char *why;

	if (n < 0 && errno == EAGAIN)
		return;
	if (!c->busy) {
		/* A server may end a connection between two requests. */
		client_end(c, n > 0 ? "something came that nobody asked for" : "the connection ended before a request");
		return;
	}
	if (n <= 0) {
		client_end(c, n < 0 ? strerror(errno) : answer_eof(&c->answer));
		return;
	}
	if ((why = answer_read(&c->answer, &c->input, now_ns(), add_gap)) != NULL) {
		client_end(c, why);
		return;
	}
	note_first(c);
	if (c->answer.state == ANSWER_DONE)
		client_end(c, buf_len(&c->input) > 0 ? "something stands behind the answer" : NULL);
}

/* Connects them all before the first request, so that N streams do begin at once. */
static void
run(struct client *clients)
{
	struct epoll_event events[EVENTS_AT_ONCE];

	open_clients = options.connections;
	for (size_t i = 0; i < options.connections; i++) {
		clients[i] = (struct client){ .fd = -1, .input = BUF_INIT(4 * READ_MAX) };
		if (!options.fresh)
			client_connect(&clients[i]);
	}
	stop_ns = now_ns() + (int64_t)options.time_ms * 1000000;
	for (size_t i = 0; i < options.connections; i++)
		client_begin(&clients[i]);
	while (open_clients > 0) {
		int n = epoll_wait(epoll_fd, events, EVENTS_AT_ONCE, STALL_MS);

		if (n == 0)
			diag_fatal(EXIT_NO, "nothing came for %d s, and %u answers are open", STALL_MS / 1000,
			    (unsigned)open_clients);
		if (n < 0 && errno != EINTR)
			diag_fatal(EXIT_SYSTEM, "unable to wait for answers: %s", strerror(errno));
		for (int i = 0; i < n; i++) {
			struct client *c = events[i].data.ptr;

			if ((events[i].events & EPOLLOUT) && c->writing)
				client_send(c);
			if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
				client_read(c);
		}
	}
}

static void
clients_free(struct client *clients)
{
	for (size_t i = 0; i < options.connections; i++)
		buf_free(&clients[i].input);
	free(clients);
}

static uint64_t
number(const char *text, uint64_t max)
{
	uint64_t value;

	if (!num_parse(text, strlen(text), max, &value))
		diag_usage("%s is no number up to %llu", text, (unsigned long long)max);
	return value;
}

static void
read_options(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "connections", required_argument, NULL, 'c' }, { "requests", required_argument, NULL, 'n' },
		{ "time", required_argument, NULL, 't' }, { "mode", required_argument, NULL, 'm' },
		{ "events", required_argument, NULL, 'e' }, { "body", required_argument, NULL, 'b' },
		{ "fresh", no_argument, NULL, 'f' }, { "open", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:n:t:m:e:b:foh", long_options, NULL)) != -1) {
		switch (option) {
		case 'c': options.connections = number(optarg, CLIENTS_MAX); break;
		case 'n': options.requests = number(optarg, UINT32_MAX); break;
		case 't': options.time_ms = number(optarg, 600000); break;
		case 'm': options.mode = optarg; break;
		case 'e': options.events = number(optarg, 1000); break;
		case 'b': options.body = number(optarg, BODY_MAX_DEFAULT); break;
		case 'f': options.fresh = true; break;
		case 'o': options.open = true; break;
		case 'h': fputs(usage, stdout); exit(EXIT_DONE);
		default: diag_usage("an option is not understood");
		}
	}
	if (optind + 1 != argc)
		diag_usage("one port is asked for");
	options.port = number(argv[optind], UINT16_MAX);
}

int
main(int argc, char **argv)
{
	struct client *clients;
	struct rlimit files;
	int64_t from, took;

	diag_init(argv[0]);
	read_options(argc, argv);
	request_init();
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if ((clients = calloc(options.connections, sizeof *clients)) == NULL ||
	    (epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0)
		diag_fatal(EXIT_SYSTEM, "unable to begin: %s", strerror(errno));
	from = now_ns();
	run(clients);
	took = now_ns() - from;
	clients_free(clients);
	printf("{\"requests\":%llu,\"failed\":%llu,\"reconnected\":%llu,\"per_s\":%.1f", (unsigned long long)done,
	    (unsigned long long)failed, (unsigned long long)reconnected,
	    (double)(done - failed) * 1e9 / (double)took);
	figures_print("total", &totals);
	figures_print("first", &firsts);
	figures_print("gap", &gaps);
	if (first_failure != NULL)
		printf(",\"why\":\"%s\"", first_failure);
	puts("}");
	if (fflush(stdout) != 0)
		diag_fatal(EXIT_SYSTEM, "unable to write the figures: %s", strerror(errno));
	return failed == 0 ? EXIT_DONE : EXIT_NO;
}
