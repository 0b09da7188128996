/* SPDX-License-Identifier: MIT */
#include "edge/environment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "config/preset.h"

extern char **environ;

/* `*` at the end or the beginning stands for any text. */
static const char *const for_stages[] = { "PATH", "HOME", "LANG", "LC_*", "TZ", "TMPDIR", "LB_*", "*_BASE_URL",
	"RUNTIME_DIRECTORY", "STATE_DIRECTORY", "XDG_RUNTIME_DIR", NULL };
static const char *const for_all[] = { "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "LD_LIBRARY_PATH", "LD_PRELOAD",
	"TZ", NULL };

static bool
matches(const char *pattern, const char *name, size_t n)
{
	size_t len = strlen(pattern);

	if (pattern[0] == '*')
		return n >= len - 1 && memcmp(name + n - (len - 1), pattern + 1, len - 1) == 0;
	if (pattern[len - 1] == '*')
		return n >= len - 1 && memcmp(name, pattern, len - 1) == 0;
	return n == len && memcmp(name, pattern, len) == 0;
}

static bool
listed(const char *const *patterns, const char *variable)
{
	const char *equals = strchr(variable, '=');

	for (; equals != NULL && *patterns != NULL; patterns++)
		if (matches(*patterns, variable, (size_t)(equals - variable)))
			return true;
	return false;
}

static bool
runs_fetch(char *const *command)
{
	for (; *command != NULL; command++) {
		const char *slash = strrchr(*command, '/');

		if (strcmp(slash ? slash + 1 : *command, "lb-fetch") == 0)
			return true;
	}
	return false;
}

/* Those of environ that are listed, `first` (or NULL) before them. `all`: all of them. */
static char **
select_variables(char *first, bool all, const char *const *patterns)
{
	size_t count = 0, n = 0;
	char **result;

	while (environ[count] != NULL)
		count++;
	if ((result = calloc(count + 2, sizeof *result)) == NULL)
		return NULL;
	if (first != NULL)
		result[n++] = first;
	for (size_t i = 0; i < count; i++)
		if (all || listed(for_all, environ[i]) || (patterns != NULL && listed(patterns, environ[i])))
			result[n++] = environ[i];
	return result;
}

void
environment_name_presets(void)
{
	struct buf names = BUF_INIT(4 * KIB);

	preset_put_from_environment(&names);
	if (buf_len(&names) > 0 && buf_str(&names) != NULL)
		setenv("LB_PRESETS", buf_str(&names), 0);
	buf_free(&names);
}

char **
environment_for_stage(char *const *command)
{
	return select_variables(NULL, runs_fetch(command), for_stages);
}

char **
environment_for_edge(char *marker)
{
	return select_variables(marker, false, NULL);
}
