/* SPDX-License-Identifier: MIT */
/*
 * Diagnostics, one line each, `PROGRAM: fatal: unable to VERB OBJECT: reason`, on stderr; on syslog where stderr is the
 * client's socket, as under inetd. Never a key and never a body in one.
 */
#ifndef LB_BASE_DIAG_H
#define LB_BASE_DIAG_H

#include <stddef.h>

/* Exit codes, the same in every program (lb.7, EXIT STATUS). */
enum {
	EXIT_DONE = 0,
	EXIT_NO = 1,		/* the question was answered, with no */
	EXIT_USAGE = 100,	/* wrong usage or configuration */
	EXIT_BUG = 101,		/* a bug, here or in the stage before */
	EXIT_SYSTEM = 111	/* the system refused */
};

/*
 * To be called first in main, with argv[0]: the program's name for all lines, and where they go. A standard descriptor that
 * is closed is no longer: what is read from 0 or written to 1 then fails with EBADF, what is written to 2 goes nowhere.
 */
void diag_init(const char *argv0);

/* The program's name, without its folder. */
const char *diag_program(void);

/* From here on a line that would have to wait for the reader of stderr is not said: for programs that must not wait. */
void diag_never_wait(void);

/* The descriptor that lines go to, or -1: they go to syslog. */
int diag_descriptor(void);

/* printf(3)'s formatting; the line's end is added. A line longer than DIAG_MAX is cut. */
void diag_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void diag_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same as `fatal:`, without ending the process: the caller returns its exit code. */
void diag_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Passes on `n` octets of lines as they stand, such as `FILE:LINE: what is wrong`, which editors and compilers' readers
 * know by their beginning.
 */
void diag_lines(const char *lines, size_t n);

/* Says `fatal:` and ends the process with `code`. */
_Noreturn void diag_fatal(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says what is wrong with the command line and that `--help` explains it; ends the process with EXIT_USAGE. */
_Noreturn void diag_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
