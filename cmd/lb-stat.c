/* SPDX-License-Identifier: MIT */
/* lb-stat: what the health table has of each target (lb-stat.1). */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/io.h"
#include "health/show.h"

static const char help[] = "usage: lb-stat [--json | --prometheus] [--watch]\n"
			   "       lb-stat --reset TARGET\n"
			   "Show what lb has seen of each provider, model and key.\n"
			   "      --json          an object a line, for jq\n"
			   "      --prometheus    Prometheus' text format\n"
			   "      --watch         show it again each second\n"
			   "      --reset TARGET  forget what was seen of PROVIDER or PROVIDER/MODEL\n"
			   "      --help          print this\n"
			   "      --version       print the version\n"
			   "The manual: man lb-stat\n";

enum { OPTION_JSON = 2000, OPTION_PROMETHEUS, OPTION_WATCH, OPTION_RESET };

struct stat_options {
	int format;		/* an option; 0: for a person */
	bool watch;
	const char *reset;	/* NULL: nothing */
};

/* Whether a row is meant by `PROVIDER` or `PROVIDER/MODEL`. */
static bool
is_meant(const struct health_sight *sight, const char *target)
{
	size_t n = strlen(sight->provider);

	if (strncmp(target, sight->provider, n) != 0)
		return false;
	return target[n] == '\0' || (target[n] == '/' && strcmp(target + n + 1, sight->model) == 0);
}

static int
reset(struct health *health, const struct health_sight *sights, size_t n, const char *target)
{
	int count = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_meant(&sights[i], target))
			continue;
		health_forget(health, sights[i].row, clock_unix_ms());
		count++;
	}
	if (count > 0)
		return EXIT_DONE;
	diag_error("unable to reset %s: nothing was seen of it; 'lb-stat' lists what was", target);
	return EXIT_NO;
}

/* Writes the table once. */
static int
show(const struct stat_options *options, const struct health_sight *sights, size_t n, uint64_t now)
{
	/* To the upper left corner, and what is below it cleared. */
	static const char home[] = "\033[H\033[2J";
	struct buf out = BUF_INIT(SIZE_MAX);
	int result = 0;

	if (options->watch && options->format == 0 && isatty(STDOUT_FILENO))
		buf_puts(&out, home);
	if (options->format == OPTION_JSON)
		show_json(&out, sights, n);
	else if (options->format == OPTION_PROMETHEUS)
		show_prometheus(&out, sights, n, now);
	else
		show_person(&out, sights, n, now);
	if (out.failed)
		errno = ENOMEM;
	if (out.failed || io_flush(STDOUT_FILENO, &out) != 0)
		result = errno;
	buf_free(&out);
	return result;
}

static int
work(struct health *health, const struct stat_options *options)
{
	int error;

	do {
		uint64_t now = clock_unix_ms();
		struct health_sight *sights;
		size_t n;

		if ((sights = show_sights(health, now, &n)) == NULL)
			diag_fatal(EXIT_SYSTEM, "unable to read the table: %s", strerror(ENOMEM));
		if (options->reset != NULL) {
			int code = reset(health, sights, n, options->reset);

			free(sights);
			return code;
		}
		error = show(options, sights, n, now);
		free(sights);
		if (error == EPIPE)
			return EXIT_DONE;
		if (error != 0)
			diag_fatal(EXIT_SYSTEM, "unable to write the output: %s", strerror(error));
	} while (options->watch && nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL) == 0);
	return EXIT_DONE;
}

static void
read_options(struct stat_options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "json", no_argument, NULL, OPTION_JSON },
		{ "prometheus", no_argument, NULL, OPTION_PROMETHEUS },
		{ "watch", no_argument, NULL, OPTION_WATCH },
		{ "reset", required_argument, NULL, OPTION_RESET },
		CLI_OPTIONS,
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", known, NULL)) != -1) {
		if (option == OPTION_RESET)
			options->reset = optarg;
		else if (option == OPTION_WATCH)
			options->watch = true;
		else if (option == OPTION_JSON || option == OPTION_PROMETHEUS)
			options->format = option;
		else
			cli_default(option, argv, help);
	}
	if (optind < argc)
		diag_usage("lb-stat takes no arguments: %s", argv[optind]);
	if (options->reset != NULL && (options->watch || options->format != 0))
		diag_usage("--reset shows nothing: it goes alone");
}

int
main(int argc, char **argv)
{
	struct stat_options options = { 0 };
	struct health *health;
	int code;

	diag_init(argv[0]);
	signal(SIGPIPE, SIG_IGN);
	read_options(&options, argc, argv);
	health = health_open();
	if (health_path(health) == NULL)
		diag_fatal(EXIT_SYSTEM, "unable to show the health table: there is none");
	code = work(health, &options);
	health_close(health);
	return code;
}
