/* SPDX-License-Identifier: MIT */
#include "upstream/redact.h"

#include <string.h>

#include "base/limits.h"

void
redact_add(struct buf *values, const char *p, size_t n)
{
	if (n < REDACT_MIN || memchr(p, '\0', n) != NULL)
		return;
	buf_put(values, p, n);
	buf_putc(values, '\0');
}

void
redact_add_client(struct buf *values, struct json headers)
{
	static const char *const names[] = { "authorization", "x-api-key", "api-key", "x-goog-api-key" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct buf value = BUF_INIT(RECORD_HEADER_MAX);
		struct json field;
		const char *p, *space;
		size_t n;

		if (json_find(headers, names[i], &field) && json_decode_octets(field, &value)) {
			p = buf_data(&value);
			n = buf_len(&value);
			space = n > 0 ? memrchr(p, ' ', n) : NULL;
			if (space != NULL) {
				n -= (size_t)(space + 1 - p);
				p = space + 1;
			}
			redact_add(values, p, n);
		}
		buf_free(&value);
	}
}

/* How many octets at the beginning of the text are the value; 0 if it does not begin with it. */
static size_t
match(const char *p, size_t n, const char *value)
{
	size_t at = 0;

	for (; *value != '\0'; value++) {
		if (at + 1 < n && p[at] == '\\' && p[at + 1] == *value && strchr("/\"\\", *value) != NULL)
			at++;
		if (at == n || p[at] != *value)
			return 0;
		at++;
	}
	return at;
}

/* The longest value that the text begins with: one key may begin as another does. */
static size_t
longest(const struct buf *values, const char *p, size_t n)
{
	const char *value = buf_data(values), *end = value != NULL ? value + buf_len(values) : NULL;
	size_t most = 0;

	for (; value < end; value += strlen(value) + 1) {
		size_t len = match(p, n, value);

		if (len > most)
			most = len;
	}
	return most;
}

bool
redact_finds(const struct buf *values, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (longest(values, p + i, n - i) > 0)
			return true;
	return false;
}

void
redact_put(struct buf *out, const struct buf *values, const char *p, size_t n)
{
	size_t from = 0, len;

	for (size_t i = 0; i < n; i++) {
		if ((len = longest(values, p + i, n - i)) == 0)
			continue;
		buf_put(out, p + from, i - from);
		buf_puts(out, "[key]");
		from = i + len;
		i = from - 1;
	}
	buf_put(out, p + from, n - from);
}
