/* SPDX-License-Identifier: MIT */
#include "edge/options.h"

#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/num.h"
#include "edge/stages.h"

enum {
	PIPELINES_MAX = 64,
	SECONDS_MAX = 86400,
	MODE_MAX = 0777,
	EVERY_MAX = 1000000
};

enum { OPTION_OPEN = 256, OPTION_MODE, OPTION_BODY_MAX, OPTION_HEAD, OPTION_BODY, OPTION_IDLE, OPTION_DRAIN, OPTION_LOG,
	OPTION_EVERY };

static const struct option long_options[] = {
	{ "listen", required_argument, NULL, 'l' },
	{ "pipelines", required_argument, NULL, 'n' },
	{ "open", no_argument, NULL, OPTION_OPEN },
	{ "socket-mode", required_argument, NULL, OPTION_MODE },
	{ "max-body", required_argument, NULL, OPTION_BODY_MAX },
	{ "head-timeout", required_argument, NULL, OPTION_HEAD },
	{ "body-timeout", required_argument, NULL, OPTION_BODY },
	{ "idle-timeout", required_argument, NULL, OPTION_IDLE },
	{ "drain-timeout", required_argument, NULL, OPTION_DRAIN },
	{ "access-log", required_argument, NULL, OPTION_LOG },
	{ "access-every", required_argument, NULL, OPTION_EVERY },
	CLI_OPTIONS,
};

static const char help[] =
    "usage: lb-listen [OPTION]... -- STAGE [ARG]... ['|' STAGE [ARG]...]...\n"
    "       lb-listen [OPTION]... < request.http > request.rec\n"
    "\n"
    "Serves HTTP/1.1 through a pipeline of stages; without stages, turns one request on\n"
    "standard input into records.\n"
    "\n"
    "  -l, --listen ADDR      listen on HOST:PORT, [IPV6]:PORT or unix:PATH; repeatable\n"
    "                         (default: 127.0.0.1:9000 and [::1]:9000)\n"
    "  -n, --pipelines N      run N pipelines (default 1)\n"
    "      --open             allow addresses that other machines can reach\n"
    "      --socket-mode MODE mode of Unix sockets, octal (default 0600)\n"
    "      --max-body SIZE    largest request body, in octets or with K, M or G (default 32M)\n"
    "      --head-timeout S   seconds for a whole request head (default 10)\n"
    "      --body-timeout S   seconds that a request body may stall (default 30)\n"
    "      --idle-timeout S   seconds that a connection may wait between requests (default 75)\n"
    "      --drain-timeout S  seconds that open answers have to finish at a stop (default 30)\n"
    "      --access-log FILE  a line of JSON for each request to FILE, to standard output (-),\n"
    "                         to standard error (stderr), or to none (off, the default)\n"
    "      --access-every N   such a line for one in N requests (default 1)\n"
    "      --help             print this and exit\n"
    "      --version          print the version and exit\n"
    "\n"
    "See lb-listen(1).\n";

static uint64_t
number(const char *name, const char *text, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (!num_parse(text, strlen(text), max, &value) || value < min)
		diag_usage("--%s: '%s' is no number from %llu to %llu", name, text, (unsigned long long)min,
		    (unsigned long long)max);
	return value;
}

static size_t
size(const char *name, const char *text)
{
	size_t n = strlen(text), unit = 1;
	uint64_t value;

	if (n > 0 && strchr("KMG", text[n - 1]) != NULL) {
		unit = text[n - 1] == 'K' ? KIB : text[n - 1] == 'M' ? MIB : 1024 * MIB;
		n--;
	}
	if (!num_parse(text, n, BODY_MAX_CEILING / unit, &value) || value == 0)
		diag_usage("--%s: '%s' is no size from 1 to 1G", name, text);
	return (size_t)value * unit;
}

static mode_t
mode(const char *text)
{
	mode_t value = 0;

	if (*text == '\0' || strlen(text) > 4)
		diag_usage("--socket-mode: '%s' is no octal mode", text);
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '7')
			diag_usage("--socket-mode: '%s' is no octal mode", text);
		value = value * 8 + (mode_t)(*text - '0');
	}
	if (value > MODE_MAX)
		diag_usage("--socket-mode: a mode is at most 0777");
	return value;
}

static void
set(struct options *o, int option, char *value, char *const *argv)
{
	switch (option) {
	case 'l':
		o->addresses[o->address_count++] = value;
		break;
	case 'n':
		o->pipelines = (size_t)number("pipelines", value, 1, PIPELINES_MAX);
		break;
	case OPTION_OPEN:
		o->open = true;
		break;
	case OPTION_MODE:
		o->socket_mode = mode(value);
		break;
	case OPTION_BODY_MAX:
		o->max_body = size("max-body", value);
		break;
	case OPTION_HEAD:
		o->head_s = (double)number("head-timeout", value, 1, SECONDS_MAX);
		break;
	case OPTION_BODY:
		o->body_s = (double)number("body-timeout", value, 1, SECONDS_MAX);
		break;
	case OPTION_IDLE:
		o->idle_s = (double)number("idle-timeout", value, 1, SECONDS_MAX);
		break;
	case OPTION_DRAIN:
		o->drain_s = (double)number("drain-timeout", value, 0, SECONDS_MAX);
		break;
	case OPTION_LOG:
		if (*value == '\0')
			diag_usage("--access-log: write a file's name, -, stderr or off");
		o->access_log = strcmp(value, "off") == 0 ? NULL : value;
		break;
	case OPTION_EVERY:
		o->access_every = number("access-every", value, 1, EVERY_MAX);
		break;
	default:
		cli_default(option, argv, help);
	}
}

/* Splits what stands behind the options into stages, at each word `|`. */
static void
split_stages(struct options *o, char **words, size_t count)
{
	if (count == 0)
		return;
	/* One more than there are words: a single `|` parts two. */
	if ((o->stages = calloc(count + 1, sizeof *o->stages)) == NULL)
		diag_fatal(EXIT_SYSTEM, "unable to hold the command line: out of memory");
	o->stages[o->stage_count++] = words;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(words[i], "|") != 0)
			continue;
		words[i] = NULL;
		o->stages[o->stage_count++] = words + i + 1;
	}
	if (o->stage_count > STAGES_MAX)
		diag_usage("%zu stages are too many: at most %d", o->stage_count, STAGES_MAX);
	for (size_t i = 0; i < o->stage_count; i++)
		if (o->stages[i][0] == NULL)
			diag_usage("a stage is empty: write STAGE '|' STAGE");
}

void
options_parse(struct options *o, int argc, char **argv)
{
	int option;

	*o = (struct options){
		.pipelines = 1,
		.socket_mode = 0600,
		.max_body = BODY_MAX_DEFAULT,
		.head_s = 10,
		.body_s = 30,
		.idle_s = 75,
		.drain_s = 30,
		.access_every = 1,
	};
	if ((o->addresses = calloc((size_t)argc, sizeof *o->addresses)) == NULL)
		diag_fatal(EXIT_SYSTEM, "unable to hold the command line: out of memory");
	opterr = 0;
	/* `+`: the first word that is no option begins the stages, whose options are their own. */
	while ((option = getopt_long(argc, argv, "+:l:n:", long_options, NULL)) != -1)
		set(o, option, optarg, argv);
	split_stages(o, argv + optind, (size_t)(argc - optind));
	if (o->stage_count == 0 && o->address_count > 0)
		diag_usage("-l needs stages to serve: lb-listen -l ADDR -- STAGE '|' STAGE");
}

void
options_free(struct options *o)
{
	free(o->addresses);
	free(o->stages);
}
