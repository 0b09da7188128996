/* SPDX-License-Identifier: MIT */
/* What single values of the configuration may look like. Each check returns NULL, or in words what is wrong. */
#ifndef LB_CONFIG_CHECK_H
#define LB_CONFIG_CHECK_H

#include <stdbool.h>

/*
 * A base URL (RFC 3986): http or https, a host, maybe a port and a path. No user or password, query or fragment, no
 * `..` and no `//` in the path. The words never repeat the URL, which may hold a password.
 */
const char *check_base_url(const char *url);

/* A reference to a key: `env:NAME`, `file:PATH`, `credential:NAME` or `client`. The words never repeat it. */
const char *check_key(const char *reference);

/* A provider's name: letters, digits, `.`, `_` and `-`, at most PROVIDER_NAME_MAX. */
const char *check_name(const char *name);

/* A web origin as browsers send it (RFC 6454 §6.1): scheme, host, maybe a port, in lower case. */
const char *check_origin(const char *origin);

/* A host as in a Host field, without a port: a name, an IPv4 address, or an IPv6 address in brackets. */
const char *check_host(const char *host);

#endif
