/* SPDX-License-Identifier: MIT */
#include "route/access.h"

#include <string.h>
#include <strings.h>

#include "base/num.h"

bool
access_origin(const struct config *config, const char *origin, size_t n)
{
	for (size_t i = 0; i < config->origin_count; i++)
		if (strlen(config->origins[i]) == n && memcmp(config->origins[i], origin, n) == 0)
			return true;
	return false;
}

/* The length of the host in front of the port; 0 if this is none. */
static size_t
without_port(const char *host, size_t n)
{
	const char *colon, *bracket;
	size_t len, digits;

	if (n > 0 && host[0] == '[') {
		if ((bracket = memchr(host, ']', n)) == NULL)
			return 0;
		len = (size_t)(bracket - host) + 1;
	} else {
		colon = memchr(host, ':', n);
		len = colon ? (size_t)(colon - host) : n;
	}
	if (len == n)
		return len;
	if (host[len] != ':')
		return 0;
	for (digits = len + 1; digits < n; digits++)
		if (host[digits] < '0' || host[digits] > '9')
			return 0;
	return len;
}

static bool
equals(const char *host, size_t n, const char *name)
{
	return strlen(name) == n && strncasecmp(host, name, n) == 0;
}

/* Four numbers, the first 127. */
static bool
is_loopback_v4(const char *p, size_t n)
{
	const char *end = p + n;

	for (int part = 0; part < 4; part++) {
		const char *dot = part < 3 ? memchr(p, '.', (size_t)(end - p)) : end;
		uint64_t number;

		if (dot == NULL || dot - p > 3 || !num_parse(p, (size_t)(dot - p), 255, &number))
			return false;
		if (part == 0 && number != 127)
			return false;
		p = dot + (part < 3);
	}
	return true;
}

static bool
is_loopback(const char *host, size_t n)
{
	static const char below[] = ".localhost";
	size_t suffix = sizeof below - 1;

	if (equals(host, n, "localhost") || equals(host, n, "[::1]"))
		return true;
	if (n > suffix && equals(host + n - suffix, suffix, below))
		return true;
	return is_loopback_v4(host, n);
}

bool
access_host(const struct config *config, const char *host, size_t n)
{
	size_t len = without_port(host, n);

	if (len == 0)
		return false;
	/* The dot that ends a fully qualified name. */
	if (len > 1 && host[len - 1] == '.')
		len--;
	if (is_loopback(host, len))
		return true;
	for (size_t i = 0; i < config->host_count; i++)
		if (equals(host, len, config->hosts[i]))
			return true;
	return false;
}
