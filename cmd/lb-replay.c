/* SPDX-License-Identifier: MIT */
/* lb-replay: a stage that answers requests from a script (lb-replay.1). */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/diag.h"
#include "base/limits.h"
#include "replay/loop.h"

static const char usage[] = "usage: lb-replay [-r FILE] SCRIPT\n"
			    "Answers request records from a script.\n"
			    "  -r, --record FILE  append every record that comes in to FILE\n"
			    "  --help             this text\n"
			    "  --version          the version\n"
			    "See lb-replay(1), which has the format of SCRIPT.\n";

/* Says each mistake of the script's, all of which replay_load has found. */
static struct replay_script *
load(const char *path)
{
	struct buf errors = BUF_INIT(2 * REPLAY_SCRIPT_MAX);
	struct replay_script *script;

	script = replay_load(path, &errors);
	if (script != NULL) {
		buf_free(&errors);
		return script;
	}
	diag_lines(buf_data(&errors), buf_len(&errors));
	buf_free(&errors);
	exit(EXIT_USAGE);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "record", required_argument, NULL, 'r' },
		CLI_OPTIONS,
	};
	struct replay_script *script;
	const char *record = NULL;
	int option, log = -1, code;

	diag_init(argv[0]);
	signal(SIGPIPE, SIG_IGN);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":r:", options, NULL)) != -1) {
		if (option != 'r')
			cli_default(option, argv, usage);
		record = optarg;
	}
	if (argc - optind != 1)
		diag_usage("one script must be named");
	script = load(argv[optind]);
	if (record != NULL && (log = open(record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0)
		diag_fatal(EXIT_SYSTEM, "unable to open %s: %s", record, strerror(errno));
	code = replay_run(script, STDIN_FILENO, STDOUT_FILENO, log);
	replay_free(script);
	return code;
}
