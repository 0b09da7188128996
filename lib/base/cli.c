/* SPDX-License-Identifier: MIT */
#include "base/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/version.h"

void
cli_print(const char *text)
{
	if (io_write_all(STDOUT_FILENO, text, strlen(text)) != 0 && errno != EPIPE)
		diag_fatal(EXIT_SYSTEM, "unable to write the output: %s", strerror(errno));
	exit(EXIT_DONE);
}

void
cli_default(int option, char *const *argv, const char *help)
{
	struct buf version = BUF_INIT(KIB);

	switch (option) {
	case CLI_HELP:
		cli_print(help);
	case CLI_VERSION:
		buf_printf(&version, "%s " LB_VERSION "\n", diag_program());
		cli_print(buf_str(&version));
	case ':':
		diag_usage("option '%s' needs a value", argv[optind - 1]);
	default:
		diag_usage("there is no option '%s'", argv[optind - 1]);
	}
}
