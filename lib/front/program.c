/* SPDX-License-Identifier: MIT */
#include "front/program.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"

char *
front_beside(const char *name, int access_mode)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self);
	struct buf path = BUF_INIT(2 * PATH_MAX);
	const char *text;
	char *found = NULL;

	while (n > 0 && self[n - 1] != '/')
		n--;
	if (n <= 0)
		return NULL;
	buf_put(&path, self, (size_t)n);
	buf_puts(&path, name);
	text = buf_str(&path);
	if (text != NULL && access(text, access_mode) == 0)
		found = strdup(text);
	buf_free(&path);
	return found;
}

char *
front_program(const char *name)
{
	char *path = front_beside(name, X_OK);

	if (path == NULL && (path = strdup(name)) == NULL)
		diag_fatal(EXIT_SYSTEM, "unable to find %s: out of memory", name);
	return path;
}

void
front_execute(char *const *argv)
{
	execvp(argv[0], argv);
	diag_fatal(EXIT_SYSTEM, "unable to execute %s: %s", argv[0], strerror(errno));
}
