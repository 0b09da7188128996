/* SPDX-License-Identifier: MIT */
/* The characters of HTTP's grammar, as one table. */
#ifndef LB_HTTP_CHARS_H
#define LB_HTTP_CHARS_H

#include <stdbool.h>
#include <stddef.h>

enum {
	HTTP_TOKEN = 1,		/* methods, field names, codings (RFC 9110 §5.6.2) */
	HTTP_PATH = 2,		/* paths with their query (RFC 3986 §3.3, §3.4) */
	HTTP_HOST = 4,		/* host names: RFC 3986's unreserved; nobody's name has more */
	HTTP_TEXT = 8,		/* field values: no control characters but the tab (RFC 9110 §5.5) */
	HTTP_HEX = 16,
	HTTP_TARGET = 32	/* request targets: those of paths, and the brackets around an IPv6 address */
};

extern const unsigned char http_chars[256];

static inline bool
http_is(char c, unsigned char classes)
{
	return (http_chars[(unsigned char)c] & classes) != 0;
}

/* How many of the `n` octets at `p`, from the first on, are of the class. */
static inline size_t
http_span_of(const char *p, size_t n, unsigned char classes)
{
	size_t i = 0;

	while (i < n && http_is(p[i], classes))
		i++;
	return i;
}

/* Whether the `n` octets at `p` are the text `lower` (lower-case ASCII) in whatever case. */
bool http_same(const char *p, size_t n, const char *lower);

#endif
