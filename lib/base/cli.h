/* SPDX-License-Identifier: MIT */
/* What the command lines of all programs have in common. */
#ifndef LB_BASE_CLI_H
#define LB_BASE_CLI_H

/* What getopt_long(3) returns for --help and --version, which have no letters. */
enum { CLI_HELP = 1000, CLI_VERSION };

/* For the end of an array of long options: those two. */
#define CLI_OPTIONS { "help", no_argument, NULL, CLI_HELP }, { "version", no_argument, NULL, CLI_VERSION }, { NULL, 0, NULL, 0 }

/*
 * For an option that the program has no case for, as getopt_long(3) returned it with `opterr` 0 and an option string that
 * begins with `:`, or with `+:`. Prints `help` or the version and ends the process with EXIT_DONE, or says what is wrong and
 * ends it with EXIT_USAGE.
 */
_Noreturn void cli_default(int option, char *const *argv, const char *help);

/* Writes `text` to stdout and ends the process: EXIT_DONE, also where nobody reads it, or EXIT_SYSTEM. */
_Noreturn void cli_print(const char *text);

#endif
