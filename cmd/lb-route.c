/* SPDX-License-Identifier: MIT */
/* lb-route: reads request records, writes each with its plan, or lb's own answer in its place. See lb-route(1). */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/limits.h"
#include "config/config.h"
#include "record/stage.h"
#include "route/route.h"

static const char help[] =
    "usage: lb-route [-c FILE] [--explain]\n"
    "Read request records, write each with the plan of which providers to ask.\n"
    "  -c, --config FILE  the configuration (default: $LB_CONFIG, /etc/lb/lb.json, the environment)\n"
    "      --explain      tell a person what is decided for each request, and why\n"
    "      --help         print this\n"
    "      --version      print the version\n"
    "The manual: man lb-route\n";

struct job {
	struct router *router;
	struct buf scratch;
	bool explain;
	bool nobody;	/* --explain: a request had no provider */
	struct moment moment;
};

static int
handle(struct stage *stage, const struct record *record, void *context)
{
	struct job *job = context;
	struct request request;
	struct decision decision;
	const char *why;

	if (record->type != RECORD_REQUEST)
		return job->explain ? EXIT_DONE : stage_pass(stage, record);
	if ((why = request_read(&request, record, &job->scratch)) != NULL) {
		diag_error("unable to read a request: %s", why);
		return EXIT_BUG;
	}
	job->moment.now = clock_unix_ms();
	job->moment.random += UINT64_C(0x9e3779b97f4a7c15);
	if (!route_decide(job->router, &request, &job->moment, &decision)) {
		diag_error("unable to decide: %s", strerror(ENOMEM));
		return EXIT_SYSTEM;
	}
	if (job->explain) {
		job->nobody |= decision.status >= 400;
		route_explain(&request, &decision, &stage->output);
		return EXIT_DONE;
	}
	if (decision.status == 0)
		return stage_pass_with(stage, record, decision.text, decision.len);
	record_put_answer(&stage->output, request.id, decision.status, decision.extra_headers, decision.text,
	    decision.len, decision.head_only);
	return EXIT_DONE;
}

static struct config *
load(const char *path)
{
	struct config *config = config_load_or_exit(path);

	if (config->provider_count == 0)
		diag_fatal(EXIT_USAGE, "unable to route: there are no providers; set LB_CONFIG to a configuration, or "
		    "a provider's key in the environment, such as MINIMAX_API_KEY");
	return config;
}

static const char *
read_options(int argc, char **argv, bool *explain)
{
	enum { EXPLAIN = 256 };
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
		{ "explain", no_argument, NULL, EXPLAIN }, CLI_OPTIONS };
	const char *path = NULL;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":c:", options, NULL)) != -1)
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case EXPLAIN:
			*explain = true;
			break;
		default:
			cli_default(option, argv, help);
		}
	if (optind < argc)
		diag_usage("'%s' is no option", argv[optind]);
	return path;
}

int
main(int argc, char **argv)
{
	const char *path;
	struct config *config;
	struct job job = { .scratch = BUF_INIT(RECORD_HEADER_MAX) };
	struct stage stage;
	int code;

	diag_init(argv[0]);
	signal(SIGPIPE, SIG_IGN);
	path = read_options(argc, argv, &job.explain);
	config = load(path);
	if ((job.router = router_new(config)) == NULL)
		diag_fatal(EXIT_SYSTEM, "unable to prepare the routes: %s", strerror(ENOMEM));
	job.moment.health = health_open();
	if (getrandom(&job.moment.random, sizeof job.moment.random, GRND_NONBLOCK) < 0)
		job.moment.random = clock_monotonic_ms() ^ (uint64_t)getpid() << 32;
	stage_init(&stage, STDIN_FILENO, STDOUT_FILENO, handle, &job);
	code = stage_run(&stage);
	stage_free(&stage);
	router_free(job.router);
	health_close(job.moment.health);
	config_free(config);
	buf_free(&job.scratch);
	return code == EXIT_DONE && job.nobody ? EXIT_NO : code;
}
