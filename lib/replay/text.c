/* SPDX-License-Identifier: MIT */
#include "replay/text.h"

#include <string.h>

#include "base/num.h"

static const struct {
	const char *name;
	enum replay_substitution substitution;
} substitutions[] = {
	{ "${model}", REPLAY_MODEL },
	{ "${count}", REPLAY_COUNT },
	{ "${round}", REPLAY_ROUND },
};

enum { SUBSTITUTIONS = sizeof substitutions / sizeof *substitutions };

bool
replay_text_is(struct replay_text text, const char *s)
{
	return text.len == strlen(s) && (text.len == 0 || memcmp(text.p, s, text.len) == 0);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
skip_blanks(struct replay_text *text)
{
	while (text->len > 0 && is_blank(*text->p)) {
		text->p++;
		text->len--;
	}
}

struct replay_text
replay_text_word(struct replay_text *text)
{
	struct replay_text word;

	skip_blanks(text);
	word = (struct replay_text){ text->p, 0 };
	while (text->len > 0 && !is_blank(*text->p)) {
		word.len++;
		text->p++;
		text->len--;
	}
	skip_blanks(text);
	return word;
}

bool
replay_glob(struct replay_text pattern, struct replay_text text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, star_t = 0;

	/* On a mismatch the last star takes one octet more: earlier ones never need to. */
	while (t < text.len) {
		if (p < pattern.len && pattern.p[p] == '*') {
			star = p++;
			star_t = t;
		} else if (p < pattern.len && pattern.p[p] == text.p[t]) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++star_t;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.p[p] == '*')
		p++;
	return p == pattern.len;
}

bool
replay_text_time(struct replay_text text, uint64_t max_ms, uint64_t *ms)
{
	if (text.len > 2 && memcmp(text.p + text.len - 2, "ms", 2) == 0)
		return num_parse(text.p, text.len - 2, max_ms, ms);
	if (text.len < 2 || text.p[text.len - 1] != 's' || !num_parse(text.p, text.len - 1, max_ms / 1000, ms))
		return false;
	*ms *= 1000;
	return true;
}

/* Reads the escape at `p`, whose backslash is known. Returns its length, 0 if it is none. */
static size_t
read_escape(const char *p, size_t n, char *c)
{
	static const char from[] = "nrt\\", to[] = "\n\r\t\\";
	uint64_t octet;
	const char *found;

	if (n >= 4 && p[1] == 'x' && num_parse_hex(p + 2, 2, 255, &octet)) {
		*c = (char)octet;
		return 4;
	}
	if (n < 2 || p[1] == '\0' || (found = strchr(from, p[1])) == NULL)
		return 0;
	*c = to[found - from];
	return 2;
}

bool
replay_unescape(char *p, size_t n, size_t *len, const char **bad)
{
	size_t out = 0;

	for (size_t i = 0; i < n;) {
		size_t used = 1;
		char c = p[i];

		if (c == '\\' && (used = read_escape(p + i, n - i, &c)) == 0) {
			*bad = p + i;
			return false;
		}
		p[out++] = c;
		i += used;
	}
	*len = out;
	return true;
}

/* The next `${` or `$${` from `*pos` on. `*name` is the whole of it; without a closing brace the rest of the text. */
static bool
find_substitution(struct replay_text text, size_t *pos, struct replay_text *name, bool *escaped)
{
	const char *end = text.p + text.len, *dollar, *brace;

	for (; *pos < text.len; *pos = (size_t)(dollar - text.p) + 1) {
		if ((dollar = memchr(text.p + *pos, '$', text.len - *pos)) == NULL)
			return false;
		*escaped = end - dollar >= 3 && dollar[1] == '$' && dollar[2] == '{';
		if (*escaped) {
			*name = (struct replay_text){ dollar, 3 };
			*pos = (size_t)(dollar - text.p);
			return true;
		}
		if (end - dollar < 2 || dollar[1] != '{')
			continue;
		brace = memchr(dollar, '}', (size_t)(end - dollar));
		*name = (struct replay_text){ dollar, (size_t)((brace ? brace + 1 : end) - dollar) };
		*pos = (size_t)(dollar - text.p);
		return true;
	}
	return false;
}

static unsigned
substitution_of(struct replay_text name)
{
	for (size_t i = 0; i < SUBSTITUTIONS; i++)
		if (replay_text_is(name, substitutions[i].name))
			return substitutions[i].substitution;
	return 0;
}

bool
replay_text_check(struct replay_text text, unsigned allowed, struct replay_text *bad)
{
	bool escaped;

	for (size_t pos = 0; find_substitution(text, &pos, bad, &escaped); pos += bad->len)
		if (!escaped && (substitution_of(*bad) & allowed) == 0)
			return false;
	return true;
}

static void
put_lines(struct buf *out, const char *p, size_t n, const char *newline)
{
	const char *lf;

	while (newline != NULL && n > 0 && (lf = memchr(p, '\n', n)) != NULL) {
		buf_put(out, p, (size_t)(lf - p));
		buf_puts(out, newline);
		n -= (size_t)(lf - p) + 1;
		p = lf + 1;
	}
	buf_put(out, p, n);
}

void
replay_text_put(struct buf *out, struct replay_text text, const struct replay_values *values, const char *newline)
{
	struct replay_text name;
	size_t done = 0;
	bool escaped;

	for (size_t pos = 0; find_substitution(text, &pos, &name, &escaped); done = pos += name.len) {
		put_lines(out, text.p + done, pos - done, newline);
		if (escaped)
			buf_puts(out, "${");
		else if (substitution_of(name) == REPLAY_MODEL)
			buf_put(out, values->model.p, values->model.len);
		else
			buf_put_u64(out, substitution_of(name) == REPLAY_COUNT ? values->count : values->round);
	}
	if (text.len > 0)
		put_lines(out, text.p + done, text.len - done, newline);
}
