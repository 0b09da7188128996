/* SPDX-License-Identifier: MIT */
#include "config/check.h"

#include <stddef.h>
#include <string.h>

#include "base/limits.h"
#include "base/num.h"

static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char digits[] = "0123456789";

static bool
is_in(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static bool
starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* The length of the host at `p`, 0 if there is none: a name, an address, an IPv6 address in brackets. */
static size_t
host_length(const char *p)
{
	size_t n = 0;

	if (p[0] == '[') {
		n = 1 + strspn(p + 1, "0123456789abcdefABCDEF:.");
		return n > 2 && p[n] == ']' ? n + 1 : 0;
	}
	while (is_in(p[n], letters) || is_in(p[n], digits) || is_in(p[n], ".-_"))
		n++;
	return n > 0 && p[0] != '.' && p[0] != '-' ? n : 0;
}

/* A host and maybe a port; `*end` is what stands behind them. */
static const char *
check_authority(const char *p, const char **end)
{
	size_t n = host_length(p);
	uint64_t port;

	if (n == 0)
		return "has no host, or one that is none";
	p += n;
	if (*p == ':') {
		n = strspn(++p, digits);
		if (!num_parse(p, n, 65535, &port) || port == 0)
			return "has a port that is not a number from 1 to 65535";
		p += n;
	}
	*end = p;
	return NULL;
}

const char *
check_base_url(const char *url)
{
	const char *p = url, *why;
	size_t authority;

	if (starts_with(p, "https://"))
		p += 8;
	else if (starts_with(p, "http://"))
		p += 7;
	else
		return "must begin with http:// or https://";
	if (strlen(url) > BASE_URL_MAX)
		return "is too long";
	authority = strcspn(p, "/?#");
	if (memchr(p, '@', authority) != NULL)
		return "must not hold a user or password: a key goes into 'key'";
	if (strpbrk(p, "?#") != NULL)
		return "must not have a query or a fragment";
	if ((why = check_authority(p, &p)) != NULL)
		return why;
	if (*p != '\0' && *p != '/')
		return "has something behind the host that is no path";
	if (strstr(p, "//") != NULL || strstr(p, "..") != NULL)
		return "must not have '//' or '..' in its path";
	for (; *p != '\0'; p++)
		if (!is_in(*p, letters) && !is_in(*p, digits) && !is_in(*p, "-._~!$&'()*+,;=:@%/"))
			return "has a character that must be percent-encoded";
	return NULL;
}

static bool
is_variable(const char *name)
{
	if (!is_in(*name, letters) && *name != '_')
		return false;
	while (is_in(*name, letters) || is_in(*name, digits) || *name == '_')
		name++;
	return *name == '\0';
}

const char *
check_key(const char *reference)
{
	if (strcmp(reference, "client") == 0)
		return NULL;
	if (starts_with(reference, "env:"))
		return is_variable(reference + 4) ? NULL : "must name a variable after 'env:'";
	if (starts_with(reference, "file:"))
		return reference[5] != '\0' ? NULL : "must give a path after 'file:'";
	if (starts_with(reference, "credential:"))
		return reference[11] != '\0' && reference[11] != '.' && strchr(reference + 11, '/') == NULL
		    ? NULL
		    : "must name a credential after 'credential:', without a slash";
	return "must be env:NAME, file:PATH, credential:NAME or client; a key itself does not belong here";
}

const char *
check_name(const char *name)
{
	size_t n = 0;

	while (is_in(name[n], letters) || is_in(name[n], digits) || is_in(name[n], "._-"))
		n++;
	if (n == 0 || name[n] != '\0')
		return "may have letters, digits, '.', '_' and '-' only";
	return n <= PROVIDER_NAME_MAX ? NULL : "is too long";
}

const char *
check_origin(const char *origin)
{
	static const char shape[] = "must be as browsers send it, such as https://app.example or http://localhost:3000";
	const char *p = origin;

	if (!is_in(*p, lower))
		return shape;
	while (is_in(*p, lower) || is_in(*p, digits) || is_in(*p, "+.-"))
		p++;
	if (!starts_with(p, "://") || strpbrk(origin, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL)
		return shape;
	if (check_authority(p + 3, &p) != NULL || *p != '\0')
		return shape;
	return NULL;
}

const char *
check_host(const char *host)
{
	size_t n = host_length(host);

	if (n > 0 && host[n] == ':')
		return "must be without a port: any port will do";
	if (n == 0 || host[n] != '\0')
		return "must be a host name or an address, such as lb.example or [2001:db8::1]";
	return NULL;
}
