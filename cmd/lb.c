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
			   "      --demo         with no provider configured, serve recorded answers\n"
			   "      --help         print this and exit\n"
			   "      --version      print the version and exit\n"
			   "\n"
			   "What lb-listen gets, whose page, lb-listen(1), explains it:\n"
			   "  -n, --pipelines N      how many pipelines\n"
			   "      --open             allow addresses that other machines can reach\n"
			   "      --socket-mode MODE mode of Unix sockets\n"
			   "      --max-body SIZE    largest request body\n"
			   "      --head-timeout S   seconds for a request head\n"
			   "      --body-timeout S   seconds that a request body may stall\n"
			   "      --idle-timeout S   seconds that a connection may wait between requests\n"
			   "      --drain-timeout S  seconds that open answers have to finish at a stop\n"
			   "      --access-log FILE  where a line of JSON for each request goes\n"
			   "      --access-every N   such a line for one in N requests\n"
			   "\n"
			   "See lb(1); lb(7) is about the whole.\n";

enum { OPTION_DEMO = 256, OPTION_PASSED };

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "listen", required_argument, NULL, 'l' },
	{ "demo", no_argument, NULL, OPTION_DEMO },
	{ "pipelines", required_argument, NULL, OPTION_PASSED },
	{ "open", no_argument, NULL, OPTION_PASSED },
	{ "socket-mode", required_argument, NULL, OPTION_PASSED },
	{ "max-body", required_argument, NULL, OPTION_PASSED },
	{ "head-timeout", required_argument, NULL, OPTION_PASSED },
	{ "body-timeout", required_argument, NULL, OPTION_PASSED },
	{ "idle-timeout", required_argument, NULL, OPTION_PASSED },
	{ "drain-timeout", required_argument, NULL, OPTION_PASSED },
	{ "access-log", required_argument, NULL, OPTION_PASSED },
	{ "access-every", required_argument, NULL, OPTION_PASSED },
	CLI_OPTIONS,
};

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

struct options {
	const char *config;	/* NULL: none was given */
	const char **addresses;
	size_t address_count;
	struct words passed;	/* what is lb-listen's own */
	bool demo;
	bool check;
};

/* An option of lb-listen's, by its long name, which lb-listen looks at. */
static void
pass(struct options *o, const char *name, const char *value)
{
	struct buf word = BUF_INIT(CONFIG_MAX);

	buf_printf(&word, "--%s", name);
	if (value != NULL)
		buf_printf(&word, "=%s", value);
	add(&o->passed, buf_str(&word) != NULL ? buf_data(&word) : "");
	buf_free(&word);
}

static void
parse_options(struct options *o, int argc, char **argv)
{
	int option, index;

	opterr = 0;
	if ((o->addresses = calloc((size_t)argc, sizeof *o->addresses)) == NULL ||
	    (o->passed.list = calloc((size_t)argc, sizeof *o->passed.list)) == NULL)
		diag_fatal(EXIT_SYSTEM, "unable to hold the command line: out of memory");
	while ((option = getopt_long(argc, argv, ":c:l:n:", long_options, &index)) != -1) {
		if (option == 'c')
			o->config = optarg;
		else if (option == 'l')
			o->addresses[o->address_count++] = optarg;
		else if (option == OPTION_DEMO)
			o->demo = true;
		else if (option == OPTION_PASSED)
			pass(o, long_options[index].name, optarg);
		else if (option == 'n')
			pass(o, "pipelines", optarg);
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

/* The configuration; with the demo running if there is none and that was asked for. Without a provider it ends here. */
static struct config *
load(const struct options *o)
{
	struct config *config = config_load_or_exit(o->config);

	if (config->provider_count == 0 && o->demo && !o->check) {
		config_free(config);
		demo_start();
		config = config_load_or_exit(o->config);
	}
	if (config->provider_count == 0)
		diag_fatal(EXIT_USAGE, "no provider is configured: set a key variable, such as ANTHROPIC_API_KEY or "
		    "MINIMAX_API_KEY, or name a configuration with -c or LB_CONFIG; --demo serves recorded answers");
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
	struct words words = { .list = calloc(2 * o->address_count + o->passed.count + 16, sizeof *words.list) };

	if (words.list == NULL)
		diag_fatal(EXIT_SYSTEM, "unable to hold the command line: out of memory");
	add_program(&words, "lb-listen", NULL);
	for (size_t i = 0; i < o->address_count; i++) {
		add(&words, "-l");
		add(&words, o->addresses[i]);
	}
	for (size_t i = 0; i < o->passed.count; i++)
		add(&words, o->passed.list[i]);
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
