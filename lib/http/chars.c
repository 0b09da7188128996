/* SPDX-License-Identifier: MIT */
#include "http/chars.h"

#define ALL (HTTP_TOKEN | HTTP_TARGET | HTTP_HOST | HTTP_TEXT)
#define BOTH (HTTP_TOKEN | HTTP_TARGET | HTTP_TEXT)
#define TOKEN (HTTP_TOKEN | HTTP_TEXT)
#define TARGET (HTTP_TARGET | HTTP_TEXT)

const unsigned char http_chars[256] = {
	['\t'] = HTTP_TEXT,
	[' '] = HTTP_TEXT,
	['!'] = BOTH, ['"'] = HTTP_TEXT, ['#'] = TOKEN, ['$'] = BOTH, ['%'] = BOTH, ['&'] = BOTH, ['\''] = BOTH,
	['('] = TARGET, [')'] = TARGET, ['*'] = BOTH, ['+'] = BOTH, [','] = TARGET, ['-'] = ALL, ['.'] = ALL, ['/'] = TARGET,
	['0' ... '9'] = ALL | HTTP_HEX,
	[':'] = TARGET, [';'] = TARGET, ['<'] = HTTP_TEXT, ['='] = TARGET, ['>'] = HTTP_TEXT, ['?'] = TARGET, ['@'] = TARGET,
	['A' ... 'F'] = ALL | HTTP_HEX, ['G' ... 'Z'] = ALL,
	['['] = HTTP_TEXT, ['\\'] = HTTP_TEXT, [']'] = HTTP_TEXT, ['^'] = TOKEN, ['_'] = ALL, ['`'] = TOKEN,
	['a' ... 'f'] = ALL | HTTP_HEX, ['g' ... 'z'] = ALL,
	['{'] = HTTP_TEXT, ['|'] = TOKEN, ['}'] = HTTP_TEXT, ['~'] = ALL,
	[0x80 ... 0xff] = HTTP_TEXT,
};

bool
http_same(const char *p, size_t n, const char *lower)
{
	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		/* The text's own end is a NUL, which ends the comparison too: nothing past it is read. */
		if (lower[i] == '\0' || c != lower[i])
			return false;
	}
	return lower[n] == '\0';
}
