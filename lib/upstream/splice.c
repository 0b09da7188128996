/* SPDX-License-Identifier: MIT */
#include "upstream/splice.h"

#include <string.h>

#include "base/json.h"

bool
splice_is_string(const char *body, size_t n, size_t at, size_t len)
{
	struct json value;
	size_t pos = 0;

	if (at > n || len > n - at || len < 2 || body[at] != '"')
		return false;
	return json_scan(body + at, len, &pos, &value) == JSON_OK && pos == len;
}

bool
splice_replace(struct buf *body, size_t at, size_t *len, const char *value, size_t n)
{
	size_t tail = buf_len(body) - at - *len;
	char *p;

	if (n > *len && buf_reserve(body, n - *len) == NULL)
		return false;
	p = buf_data(body) + at;
	memmove(p + n, p + *len, tail);
	memcpy(p, value, n);
	body->end = body->start + at + n + tail;
	*len = n;
	return true;
}
