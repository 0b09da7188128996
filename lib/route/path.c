/* SPDX-License-Identifier: MIT */
#include "route/path.h"

#include <string.h>
#include <strings.h>

static bool
is(const char *p, size_t n, const char *s)
{
	return strlen(s) == n && memcmp(p, s, n) == 0;
}

static bool
starts_with(const char *p, size_t n, const char *prefix)
{
	return n >= strlen(prefix) && memcmp(p, prefix, strlen(prefix)) == 0;
}

/*
 * Absolute form, which a server must take from anybody (RFC 9112 §3.2.2): what stands behind the authority is the
 * path.
 */
static void
split_absolute(struct path *path)
{
	size_t scheme = 0;

	if (path->len >= 7 && strncasecmp(path->p, "http://", 7) == 0)
		scheme = 7;
	else if (path->len >= 8 && strncasecmp(path->p, "https://", 8) == 0)
		scheme = 8;
	if (scheme == 0)
		return;
	path->authority = path->p + scheme;
	while (scheme + path->authority_len < path->len && path->authority[path->authority_len] != '/' &&
	    path->authority[path->authority_len] != '?')
		path->authority_len++;
	path->len -= scheme + path->authority_len;
	path->p = path->authority + path->authority_len;
	if (path->len == 0) {
		path->p = "/";
		path->len = 1;
	}
}

static enum path_kind
kind_of(const char *p, size_t n)
{
	static const char models[] = "/v1/models/";

	if (is(p, n, "/v1/messages") || is(p, n, "/v1/chat/completions") || is(p, n, "/v1/messages/count_tokens"))
		return PATH_BY_MODEL;
	if (is(p, n, "/health"))
		return PATH_HEALTH;
	if (is(p, n, "/ready"))
		return PATH_READY;
	if (is(p, n, "/"))
		return PATH_ROOT;
	if (is(p, n, "/v1/models"))
		return PATH_MODELS;
	if (starts_with(p, n, models))
		return n > sizeof models - 1 ? PATH_MODEL : PATH_NONE;
	/* Twice /v1: a client whose base URL has it where it should not. No provider has such a path. */
	if (!starts_with(p, n, "/v1/") || n == 4 || starts_with(p, n, "/v1/v1/"))
		return PATH_NONE;
	return PATH_OTHER;
}

/* What keeps a target from being sent on; NULL: nothing. */
static const char *
problem_of_target(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] <= 0x20 || p[i] >= 0x7f || p[i] == '#')
			return "the target has a character that must be percent-encoded";
	return NULL;
}

/* What could lead out of the provider's base URL; NULL: nothing. */
static const char *
problem_of_path(const char *p, size_t n)
{
	static const char *const encoded[] = { "%2f", "%5c", "%2e", "%00" };

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\\')
			return "the path has a backslash";
		if (p[i] == '/' && i + 1 < n && p[i + 1] == '/')
			return "the path has '//'";
		if (p[i] == '.' && i + 1 < n && p[i + 1] == '.')
			return "the path has '..'";
		if (p[i] == '.' && p[i - 1] == '/' && (i + 1 == n || p[i + 1] == '/'))
			return "the path has a segment '.'";
		for (size_t k = 0; p[i] == '%' && k < sizeof encoded / sizeof *encoded; k++)
			if (n - i >= 3 && strncasecmp(p + i, encoded[k], 3) == 0)
				return "the path has a percent-encoded slash, backslash, dot or NUL";
	}
	return NULL;
}

void
path_read(struct path *path, const char *target, size_t n)
{
	const char *query;

	*path = (struct path){ .kind = PATH_BAD, .p = target, .len = n };
	split_absolute(path);
	query = memchr(path->p, '?', path->len);
	path->path_len = query ? (size_t)(query - path->p) : path->len;
	if (path->len == 0 || path->p[0] != '/') {
		path->why = path->authority && path->len > 0 ? NULL : "the target is no path";
		if (path->why != NULL)
			return;
		/* `http://host?query`: the path is empty, which is `/`. */
		path->kind = PATH_ROOT;
		return;
	}
	path->kind = kind_of(path->p, path->path_len);
	if (path->kind != PATH_BY_MODEL && path->kind != PATH_OTHER)
		return;
	path->why = problem_of_target(path->p, path->len);
	if (path->why == NULL && path->kind == PATH_OTHER)
		path->why = problem_of_path(path->p, path->path_len);
	if (path->why != NULL)
		path->kind = PATH_BAD;
}

const char *
path_methods(enum path_kind kind)
{
	switch (kind) {
	case PATH_ROOT: case PATH_HEALTH: case PATH_READY: case PATH_MODELS: case PATH_MODEL:
		return "GET, HEAD";
	case PATH_BY_MODEL:
		return "POST";
	case PATH_BAD: case PATH_NONE: case PATH_OTHER:
		break;
	}
	return NULL;
}

bool
path_allows(enum path_kind kind, const char *method, size_t n)
{
	const char *methods = path_methods(kind);

	if (methods == NULL)
		return true;
	if (kind == PATH_BY_MODEL)
		return is(method, n, "POST");
	return is(method, n, "GET") || is(method, n, "HEAD");
}
