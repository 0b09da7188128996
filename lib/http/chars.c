/* SPDX-License-Identifier: MIT */
#include "http/chars.h"

#define PATH (HTTP_PATH | HTTP_TARGET | HTTP_TEXT)
#define TOKEN (HTTP_TOKEN | HTTP_TEXT)
#define BOTH (PATH | TOKEN)
#define ALL (BOTH | HTTP_HOST)

const unsigned char http_chars[256] = {
	['\t'] = HTTP_TEXT,
	[' '] = HTTP_TEXT,
	['!'] = BOTH, ['"'] = HTTP_TEXT, ['#'] = TOKEN, ['$'] = BOTH, ['%'] = BOTH, ['&'] = BOTH, ['\''] = BOTH,
	['('] = PATH, [')'] = PATH, ['*'] = BOTH, ['+'] = BOTH, [','] = PATH, ['-'] = ALL, ['.'] = ALL, ['/'] = PATH,
	['0' ... '9'] = ALL | HTTP_HEX,
	[':'] = PATH, [';'] = PATH, ['<'] = HTTP_TEXT, ['='] = PATH, ['>'] = HTTP_TEXT, ['?'] = PATH, ['@'] = PATH,
	['A' ... 'F'] = ALL | HTTP_HEX, ['G' ... 'Z'] = ALL,
	['['] = HTTP_TARGET | HTTP_TEXT, ['\\'] = HTTP_TEXT, [']'] = HTTP_TARGET | HTTP_TEXT,
	['^'] = TOKEN, ['_'] = ALL, ['`'] = TOKEN,
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
