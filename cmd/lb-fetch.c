/* SPDX-License-Identifier: MIT */
/* lb-fetch: records of requests with plans on stdin, the providers' answers as records on stdout (lb-fetch.1). */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ev.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/version.h"
#include "upstream/exchange.h"
#include "upstream/loop.h"

/* How often, in seconds, a stdout that is a socket is asked whether its reader is there; a pipe tells by itself. */
#define READER_CHECK 1.0

struct fetch {
	struct ev_loop *ev;
	struct loop *loop;
	struct transfers *transfers;
	struct exchanges *exchanges;
	struct config *config;
	struct secrets *secrets;
	struct buf input;
	size_t want;	/* octets to read next */
	bool ended;	/* stdin has */
	int code;
};

static void
usage(void)
{
	puts("usage: lb-fetch [-c FILE]\n"
	     "Sends requests to providers: records of requests with plans on stdin, records of answers on stdout.\n"
	     "  -c FILE    the configuration (default: $LB_CONFIG, /etc/lb/lb.json, the environment)\n"
	     "  --help     this text\n"
	     "  --version  the version\n"
	     "See lb-fetch(1).");
}

static const char *
read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ 0 },
	};
	const char *config = NULL;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":c:", options, NULL)) != -1)
		switch (option) {
		case 'c':
			config = optarg;
			break;
		case 'h':
			usage();
			exit(fflush(stdout) == 0 ? EXIT_DONE : EXIT_SYSTEM);
		case 'v':
			puts("lb-fetch " LB_VERSION);
			exit(fflush(stdout) == 0 ? EXIT_DONE : EXIT_SYSTEM);
		case ':':
			diag_usage("option %s needs a value", argv[optind - 1]);
		default:
			diag_usage("unknown option %s", argv[optind - 1]);
		}
	if (optind < argc)
		diag_usage("unexpected argument %s", argv[optind]);
	return config;
}

static void
stop(struct fetch *fetch, int code)
{
	fetch->code = code;
	ev_break(fetch->ev, EVBREAK_ALL);
}

static int
handle(struct fetch *fetch, const struct record *record)
{
	struct exchanges *exchanges = fetch->exchanges;

	switch (record->type) {
	case RECORD_REQUEST:
		return exchanges_open(exchanges, record, &fetch->input) ? EXIT_DONE : EXIT_BUG;
	case RECORD_CANCEL:
		exchanges_cancel(exchanges, record->id);
		return EXIT_DONE;
	case RECORD_PAUSE:
		exchanges_pause(exchanges, record->id);
		return EXIT_DONE;
	case RECORD_RESUME:
		exchanges_resume(exchanges, record->id);
		return EXIT_DONE;
	default:
		record_put_copy(&exchanges_answers(exchanges)->out, record);
		return EXIT_DONE;
	}
}

/* Handles all records that are whole. Returns EXIT_DONE, or the code to end with. */
static int
handle_input(struct fetch *fetch)
{
	fetch->want = READ_MAX;
	while (buf_len(&fetch->input) > 0) {
		struct record record;
		const char *why;
		int code;

		switch (record_parse(buf_data(&fetch->input), buf_len(&fetch->input), &record, &why)) {
		case RECORD_BAD:
			diag_error("unable to read a record: %s", why);
			return EXIT_BUG;
		case RECORD_MORE:
			if (record.size > buf_len(&fetch->input) + READ_MAX)
				fetch->want = record.size - buf_len(&fetch->input);
			return EXIT_DONE;
		case RECORD_OK:
			break;
		}
		if ((code = handle(fetch, &record)) != EXIT_DONE)
			return code;
		/* A large request may have taken the buffer's memory with it. */
		if (buf_len(&fetch->input) > 0)
			buf_consume(&fetch->input, record.size);
	}
	buf_trim(&fetch->input, 2 * PIPE_CAPACITY);
	return EXIT_DONE;
}

static void
on_input(struct ev_loop *ev, ev_io *io, int revents)
{
	struct fetch *fetch = io->data;
	ssize_t n = io_read(io->fd, &fetch->input, fetch->want);

	(void)revents;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		int code = handle_input(fetch);

		if (code != EXIT_DONE)
			stop(fetch, code);
		return;
	}
	ev_io_stop(ev, io);
	fetch->ended = true;
	exchanges_resume_all(fetch->exchanges);
	if (n < 0) {
		diag_error("unable to read records: %s", strerror(errno));
		stop(fetch, EXIT_SYSTEM);
	} else if (buf_len(&fetch->input) > 0) {
		diag_error("unable to read a record: the input ends in the middle of it");
		stop(fetch, EXIT_BUG);
	}
}

/* The records of a wake-up, in one write. */
static void
flush(struct fetch *fetch)
{
	struct answers *answers = exchanges_answers(fetch->exchanges);

	if (answers->out.failed) {
		diag_error("unable to hold the output: %s", strerror(ENOMEM));
		stop(fetch, EXIT_SYSTEM);
		return;
	}
	if (io_flush(STDOUT_FILENO, &answers->out) != 0) {
		if (errno != EPIPE && errno != ECONNRESET) {
			diag_error("unable to write records: %s", strerror(errno));
			fetch->code = EXIT_SYSTEM;
		}
		stop(fetch, fetch->code);
		return;
	}
	answers_written(answers);
	buf_trim(&answers->out, 2 * PIPE_CAPACITY);
}

static void
before_waiting(struct ev_loop *ev, ev_prepare *prepare, int revents)
{
	struct fetch *fetch = prepare->data;

	(void)ev;
	(void)revents;
	transfers_work(fetch->transfers);
	flush(fetch);
	if (fetch->ended && exchanges_count(fetch->exchanges) == 0)
		ev_break(fetch->ev, EVBREAK_ALL);
}

static void
check_reader(struct fetch *fetch)
{
	if (io_reader_gone(STDOUT_FILENO))
		stop(fetch, EXIT_DONE);
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
run(struct fetch *fetch)
{
	ev_io input, output;
	ev_timer reader;
	ev_prepare prepare;
	struct stat out;

	input.data = output.data = reader.data = prepare.data = fetch;
	ev_io_init(&input, on_input, STDIN_FILENO, EV_READ);
	ev_io_start(fetch->ev, &input);
	/* A pipe's writing end has an event to read only when its reader has gone. */
	ev_io_init(&output, on_output, STDOUT_FILENO, EV_READ);
	ev_timer_init(&reader, on_reader_check, READER_CHECK, READER_CHECK);
	if (fstat(STDOUT_FILENO, &out) == 0 && S_ISFIFO(out.st_mode))
		ev_io_start(fetch->ev, &output);
	else if (S_ISSOCK(out.st_mode))
		ev_timer_start(fetch->ev, &reader);
	ev_prepare_init(&prepare, before_waiting);
	ev_prepare_start(fetch->ev, &prepare);
	ev_run(fetch->ev, 0);
	/* What was said before a bug was met still goes out. */
	if (fetch->code != EXIT_DONE)
		flush(fetch);
}

static size_t
connections(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / 2 > KEPT_CONNECTIONS_MAX)
		return KEPT_CONNECTIONS_MAX;
	return limit.rlim_cur / 2;
}

static void
start(struct fetch *fetch, const char *config)
{
	struct buf errors = BUF_INIT(CONFIG_MAX);
	const char *ca_file = getenv("SSL_CERT_FILE");

	if ((fetch->config = config_load(config, &errors)) == NULL)
		diag_fatal(EXIT_USAGE, "unable to use the configuration:\n%s", buf_str(&errors) ? buf_data(&errors) : "");
	buf_free(&errors);
	if ((fetch->secrets = secrets_load(fetch->config)) == NULL || (fetch->ev = ev_loop_new(EVFLAG_AUTO)) == NULL ||
	    (fetch->loop = loop_new(fetch->ev, connections())) == NULL ||
	    (fetch->transfers = transfers_new(fetch->loop, ca_file && *ca_file ? ca_file : NULL)) == NULL ||
	    (fetch->exchanges = exchanges_new(fetch->ev, fetch->transfers, fetch->config, fetch->secrets)) == NULL)
		diag_fatal(EXIT_SYSTEM, "unable to start: %s", strerror(ENOMEM));
	buf_init(&fetch->input, RECORD_HEADER_MAX + RECORD_PAYLOAD_MAX + KIB);
	fetch->want = READ_MAX;
}

int
main(int argc, char **argv)
{
	struct fetch fetch = { .code = EXIT_DONE };

	diag_init(argv[0]);
	signal(SIGPIPE, SIG_IGN);
	start(&fetch, read_options(argc, argv));
	run(&fetch);
	exchanges_free(fetch.exchanges);
	transfers_free(fetch.transfers);
	loop_free(fetch.loop);
	ev_loop_destroy(fetch.ev);
	secrets_free(fetch.secrets);
	config_free(fetch.config);
	buf_free(&fetch.input);
	return fetch.code;
}
