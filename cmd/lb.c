/* SPDX-License-Identifier: MIT */
/* The front door: `lb` becomes lb-listen with the usual stages, `lb check` validates a configuration. See lb(1). */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/limits.h"
#include "config/config.h"
#include "config/summary.h"
#include "front/demo.h"
#include "front/program.h"

static const char help[] = "usage: lb [OPTION]...          serve\n"
			   "       lb [OPTION]... check    say what is wrong with the configuration, or what it means\n"
			   "\n"
			   "  -c, --config FILE  the configuration (default: $LB_CONFIG, else /etc/lb/lb.json,\n"
			   "                     else the providers whose key variables are set)\n"
			   "  -l, --listen ADDR  listen on HOST:PORT, [IPV6]:PORT or unix:PATH; repeatable\n"
			   "                     (default: 127.0.0.1:9000 and [::1]:9000)\n"
			   "      --open         allow addresses that other machines can reach\n"
			   "      --demo         with no provider configured, serve recorded answers\n"
			   "      --help         print this and exit\n"
			   "      --version      print the version and exit\n"
			   "\n"
			   "See lb(1); lb(7) is about the whole.\n";

enum { OPTION_OPEN = 256, OPTION_DEMO };

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "listen", required_argument, NULL, 'l' },
	{ "open", no_argument, NULL, OPTION_OPEN },
	{ "demo", no_argument, NULL, OPTION_DEMO },
	CLI_OPTIONS,
};

struct options {
	const char *config;	/* NULL: none was given */
	const char **addresses;
	size_t address_count;
	bool open;
	bool demo;
	bool check;
};

static void
parse_options(struct options *o, int argc, char **argv)
{
	int option;

	opterr = 0;
	if ((o->addresses = calloc((size_t)argc, sizeof *o->addresses)) == NULL)
		diag_fatal(EXIT_SYSTEM, "unable to hold the command line: out of memory");
	while ((option = getopt_long(argc, argv, ":c:l:", long_options, NULL)) != -1) {
		if (option == 'c')
			o->config = optarg;
		else if (option == 'l')
			o->addresses[o->address_count++] = optarg;
		else if (option == OPTION_OPEN)
			o->open = true;
		else if (option == OPTION_DEMO)
			o->demo = true;
		else
			cli_default(option, argv, help);
	}
	if (optind < argc && strcmp(argv[optind], "check") == 0) {
		o->check = true;
		optind++;
	}
	if (optind < argc)
		diag_usage("'%s' is no command: there is only check", argv[optind]);
}

/* The configuration; with the demo running if there is none and that was asked for. Does not return without a provider. */
static struct config *
load(const struct options *o)
{
	struct buf errors = BUF_INIT(CONFIG_MAX);
	struct config *config = config_load(o->config, &errors);

	if (config != NULL && config->provider_count == 0 && o->demo && !o->check) {
		config_free(config);
		demo_start();
		config = config_load(o->config, &errors);
	}
	if (config == NULL) {
		diag_lines(buf_data(&errors), buf_len(&errors));
		diag_fatal(EXIT_USAGE, "unable to use the configuration: see above");
	}
	if (config->provider_count == 0)
		diag_fatal(EXIT_USAGE, "no provider is configured: set a key variable, such as ANTHROPIC_API_KEY or "
		    "MINIMAX_API_KEY, or name a configuration with -c or LB_CONFIG; --demo serves recorded answers");
	buf_free(&errors);
	return config;
}

/* Whether lb-listen will serve one client's connection on standard input, as under inetd. */
static bool
serves_one_connection(const struct options *o)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof peer;

	return o->address_count == 0 && getenv("LISTEN_FDS") == NULL &&
	       getpeername(STDIN_FILENO, (struct sockaddr *)&peer, &length) == 0;
}

/* The line that tells what is served where; none for each single connection. */
static void
announce(const struct options *o, const struct config *config)
{
	struct buf line = BUF_INIT(DIAG_MAX);
	const char *text;

	if (serves_one_connection(o))
		return;
	if (getenv("LISTEN_FDS") != NULL && o->address_count == 0)
		buf_puts(&line, "the sockets it was given");
	else if (o->address_count == 0)
		buf_puts(&line, "http://127.0.0.1:9000");
	for (size_t i = 0; i < o->address_count; i++)
		buf_printf(&line, "%s%s%s", i > 0 ? " and " : "",
		    strncmp(o->addresses[i], "unix:", 5) == 0 ? "" : "http://", o->addresses[i]);
	buf_printf(&line, " with %s ", config->provider_count == 1 ? "provider" : "providers");
	summary_put_names(&line, config);
	if ((text = buf_str(&line)) != NULL)
		diag_info("serving %s", text);
	buf_free(&line);
}

/* Words of a command line, with room for as many as will come. */
struct words {
	char **list;
	size_t count;
};

static void
add(struct words *words, const char *word)
{
	if ((words->list[words->count++] = strdup(word)) == NULL)
		diag_fatal(EXIT_SYSTEM, "unable to hold the command line: out of memory");
}

static void
add_program(struct words *words, const char *name, const char *config)
{
	words->list[words->count++] = front_program(name);
	if (config != NULL) {
		add(words, "-c");
		add(words, config);
	}
}

static _Noreturn void
serve(const struct options *o)
{
	struct words words = { .list = calloc(2 * o->address_count + 16, sizeof *words.list) };

	if (words.list == NULL)
		diag_fatal(EXIT_SYSTEM, "unable to hold the command line: out of memory");
	add_program(&words, "lb-listen", NULL);
	for (size_t i = 0; i < o->address_count; i++) {
		add(&words, "-l");
		add(&words, o->addresses[i]);
	}
	if (o->open)
		add(&words, "--open");
	add(&words, "--");
	add_program(&words, "lb-route", o->config);
	add(&words, "|");
	add_program(&words, "lb-fetch", o->config);
	add(&words, "|");
	add_program(&words, "lb-sse", NULL);
	front_execute(words.list);
}

int
main(int argc, char **argv)
{
	struct buf text = BUF_INIT(CONFIG_MAX);
	struct options o = { .config = NULL };
	struct config *config;

	diag_init(argv[0]);
	signal(SIGPIPE, SIG_IGN);
	parse_options(&o, argc, argv);
	config = load(&o);
	if (o.check) {
		summary_put(&text, config);
		config_free(config);
		if (buf_str(&text) == NULL)
			diag_fatal(EXIT_SYSTEM, "unable to hold the output: out of memory");
		cli_print(buf_data(&text));
	}
	announce(&o, config);
	config_free(config);
	serve(&o);
}
