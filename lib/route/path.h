/* SPDX-License-Identifier: MIT */
/* The request's target (RFC 9112 §3.2): which of lb's paths it is. */
#ifndef LB_ROUTE_PATH_H
#define LB_ROUTE_PATH_H

#include <stdbool.h>
#include <stddef.h>

enum path_kind {
	PATH_BAD,	/* no path, or one that could lead elsewhere at the provider: `why` says it */
	PATH_NONE,	/* nothing is there */
	PATH_ROOT,
	PATH_HEALTH,
	PATH_READY,
	PATH_MODELS,
	PATH_MODEL,	/* /v1/models/ID */
	PATH_BY_MODEL,	/* /v1/messages, /v1/messages/count_tokens, /v1/chat/completions */
	PATH_OTHER	/* below /v1/: for the first provider that speaks its dialect */
};

struct path {
	enum path_kind kind;
	const char *p;		/* the path and the query */
	size_t len;
	size_t path_len;	/* without the query */
	const char *authority;	/* of a target in absolute form, which is to be taken for the Host; else NULL */
	size_t authority_len;
	const char *why;	/* PATH_BAD: what is wrong */
};

/*
 * Reads the `n` octets of a target. What goes to a provider must be printable ASCII without `#`, and its path without
 * `..`, `//`, backslashes, single dots, and percent-encoded slashes, backslashes, dots and NULs; else it is PATH_BAD.
 */
void path_read(struct path *path, const char *target, size_t n);

/* The methods of a path as in an Allow field, `GET, HEAD`. NULL: any. */
const char *path_methods(enum path_kind kind);

/* Whether a path may have the method, which is case-sensitive. */
bool path_allows(enum path_kind kind, const char *method, size_t n);

#endif
