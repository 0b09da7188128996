/* SPDX-License-Identifier: MIT */
/* What the tests of messages and streams share: JSON written with ' for ", and events written as the JSON of each. */
#ifndef LB_TESTS_UNIT_CONVERT_H
#define LB_TESTS_UNIT_CONVERT_H

#include "base/buf.h"
#include "base/json.h"
#include "test.h"

/* Adds `text` with " in place of each '. */
static inline void
convert_put(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		buf_putc(out, *text == '\'' ? '"' : *text);
}

/* Adds the stream of `events`, the JSON of one on each line, which begins {'type':'NAME'. */
static inline void
convert_put_stream(struct buf *out, const char *events)
{
	while (*events != '\0') {
		size_t n = strcspn(events, "\n");
		const char *name = events + strlen("{'type':'");

		buf_puts(out, "event: ");
		buf_put(out, name, strcspn(name, "'"));
		buf_puts(out, "\ndata: ");
		for (size_t i = 0; i < n; i++)
			buf_putc(out, events[i] == '\'' ? '"' : events[i]);
		buf_puts(out, "\n\n");
		events += n + (events[n] == '\n');
	}
}

static inline bool
convert_same(const char *what, const struct buf *got, const struct buf *want)
{
	if (buf_len(got) == buf_len(want) && (buf_len(got) == 0 || memcmp(buf_data(got), buf_data(want), buf_len(got)) == 0))
		return true;
	if (buf_len(got) + buf_len(want) < 10000)
		printf("# %s:\n# %.*s\n# in place of\n# %.*s\n", what, (int)buf_len(got), buf_len(got) ? buf_data(got) : "",
		    (int)buf_len(want), buf_len(want) ? buf_data(want) : "");
	return false;
}

#endif
