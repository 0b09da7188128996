/* SPDX-License-Identifier: MIT */
#include "base/num.h"

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

static bool
parse(const char *p, size_t n, int base, uint64_t max, uint64_t *value)
{
	uint64_t v = 0;

	if (n == 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		int d = digit(p[i]);

		if (d >= base || (uint64_t)d > max || v > (max - (uint64_t)d) / (uint64_t)base)
			return false;
		v = v * (uint64_t)base + (uint64_t)d;
	}
	*value = v;
	return true;
}

bool
num_parse(const char *p, size_t n, uint64_t max, uint64_t *value)
{
	return parse(p, n, 10, max, value);
}

bool
num_parse_hex(const char *p, size_t n, uint64_t max, uint64_t *value)
{
	return parse(p, n, 16, max, value);
}
