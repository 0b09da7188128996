/* SPDX-License-Identifier: MIT */
/* lb-fetch: records of requests with plans on stdin, the providers' answers as records on stdout (lb-fetch.1). */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ev.h>

#include "base/cli.h"
#include "base/diag.h"
#include "base/limits.h"
#include "health/health.h"
#include "record/evstage.h"
#include "upstream/exchange.h"
#include "upstream/loop.h"

static const char help[] =
    "usage: lb-fetch [-c FILE]\n"
    "Read request records with plans, ask the providers, write their answers as records.\n"
    "  -c, --config FILE  the configuration (default: $LB_CONFIG, /etc/lb/lb.json, the environment)\n"
    "      --help         print this\n"
    "      --version      print the version\n"
    "The manual: man lb-fetch\n";

struct fetch {
	struct config *config;
	struct secrets *secrets;
	struct ev_loop *ev;
	struct loop *loop;
	struct transfers *transfers;
	struct health *health;
	struct exchanges *exchanges;
};

/* Control for open requests, and new ones; everything else is for later stages. */
static int
handle(const struct record *record, struct buf *input, void *context)
{
	struct exchanges *exchanges = ((struct fetch *)context)->exchanges;

	switch (record->type) {
	case RECORD_REQUEST:
		return exchanges_open(exchanges, record, input) ? EXIT_DONE : EXIT_BUG;
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

static void
work(void *context)
{
	transfers_work(((struct fetch *)context)->transfers);
}

static void
input_ended(void *context)
{
	exchanges_resume_all(((struct fetch *)context)->exchanges);
}

static bool
busy(void *context)
{
	return exchanges_count(((struct fetch *)context)->exchanges) > 0;
}

static void
written(void *context)
{
	answers_written(exchanges_answers(((struct fetch *)context)->exchanges));
}

static int
run(struct fetch *fetch)
{
	struct evstage stage = {
		.ev = fetch->ev,
		.in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.handle = handle,
		.work = work,
		.ended = input_ended,
		.busy = busy,
		.output = &exchanges_answers(fetch->exchanges)->out,
		.written = written,
		.context = fetch,
	};

	return evstage_run(&stage);
}

/* How many connections may be kept: idle ones must leave descriptors for those in use. */
static size_t
kept_connections(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / 2 > KEPT_CONNECTIONS_MAX)
		return KEPT_CONNECTIONS_MAX;
	return limit.rlim_cur / 2;
}

static void
start(struct fetch *fetch, const char *path)
{
	const char *ca_file = getenv("SSL_CERT_FILE");

	fetch->config = config_load_or_exit(path);
	fetch->health = health_open();
	if ((fetch->secrets = secrets_load(fetch->config)) == NULL ||
	    (fetch->ev = ev_loop_new(EVFLAG_AUTO)) == NULL ||
	    (fetch->loop = loop_new(fetch->ev, kept_connections())) == NULL ||
	    (fetch->transfers = transfers_new(fetch->loop, ca_file && *ca_file ? ca_file : NULL)) == NULL ||
	    (fetch->exchanges = exchanges_new(fetch->ev, fetch->transfers, fetch->config, fetch->secrets, fetch->health)) == NULL)
		diag_fatal(EXIT_SYSTEM, "unable to start: %s", strerror(ENOMEM));
}

static void
end(struct fetch *fetch)
{
	exchanges_free(fetch->exchanges);
	health_close(fetch->health);
	transfers_free(fetch->transfers);
	loop_free(fetch->loop);
	ev_loop_destroy(fetch->ev);
	secrets_free(fetch->secrets);
	config_free(fetch->config);
}

static const char *
read_options(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' }, CLI_OPTIONS };
	const char *path = NULL;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":c:", options, NULL)) != -1) {
		if (option != 'c')
			cli_default(option, argv, help);
		path = optarg;
	}
	if (optind < argc)
		diag_usage("'%s' is more than this program takes", argv[optind]);
	return path;
}

int
main(int argc, char **argv)
{
	struct fetch fetch = { 0 };
	const char *path;
	int code;

	diag_init(argv[0]);
	signal(SIGPIPE, SIG_IGN);
	path = read_options(argc, argv);
	start(&fetch, path);
	code = run(&fetch);
	end(&fetch);
	return code;
}
