/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/limits.h"
#include "base/num.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static size_t
skip_space(const char *text, size_t n, size_t i)
{
	while (i < n && is_space(text[i]))
		i++;
	return i;
}

/*
 * How many of the `n` octets at `p` are plain text of a string, up to the first `"`, `\` or control character. Bodies are
 * strings for the most part, and a model's name stands behind megabytes of them: so 16 octets at a time, or 8.
 */
#ifdef __SSE2__
static size_t
plain_text(const char *p, size_t n)
{
	const __m128i quote = _mm_set1_epi8('"'), escape = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
	size_t i = 0;

	for (; n - i >= sizeof quote; i += sizeof quote) {
		__m128i octets = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
		__m128i ends = _mm_or_si128(_mm_cmpeq_epi8(octets, quote), _mm_cmpeq_epi8(octets, escape));
		int mask = _mm_movemask_epi8(_mm_or_si128(ends, _mm_cmpeq_epi8(_mm_min_epu8(octets, control), octets)));

		if (mask != 0)
			return i + (size_t)__builtin_ctz((unsigned)mask);
	}
	while (i < n && p[i] != '"' && p[i] != '\\' && (unsigned char)p[i] >= 0x20)
		i++;
	return i;
}
#else
static size_t
plain_text(const char *p, size_t n)
{
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
	size_t i = 0;

	for (; n - i >= sizeof ones; i += sizeof ones) {
		uint64_t w, quote, escape;

		memcpy(&w, p + i, sizeof w);
		quote = w ^ (ones * '"');
		escape = w ^ (ones * '\\');
		if ((((quote - ones) & ~quote) | ((escape - ones) & ~escape) | ((w - ones * 0x20) & ~w)) & highs)
			break;
	}
	while (i < n && p[i] != '"' && p[i] != '\\' && (unsigned char)p[i] >= 0x20)
		i++;
	return i;
}
#endif

static enum json_result
scan_escape(const char *text, size_t n, size_t *i)
{
	if (++*i >= n)
		return JSON_END;
	switch (text[*i]) {
	case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
		++*i;
		return JSON_OK;
	case 'u':
		++*i;
		for (int k = 0; k < 4; k++, ++*i) {
			uint64_t digit;

			if (*i >= n)
				return JSON_END;
			if (!num_parse_hex(text + *i, 1, 15, &digit))
				return JSON_BAD;
		}
		return JSON_OK;
	default:
		return JSON_BAD;
	}
}

/* `*i` stands on the opening quote, and then behind the closing one. */
static enum json_result
scan_string(const char *text, size_t n, size_t *i)
{
	++*i;
	for (;;) {
		*i += plain_text(text + *i, n - *i);
		if (*i >= n)
			return JSON_END;
		if (text[*i] == '"') {
			++*i;
			return JSON_OK;
		}
		if (text[*i] != '\\')
			return JSON_BAD;
		enum json_result result = scan_escape(text, n, i);

		if (result != JSON_OK)
			return result;
	}
}

/* At least one digit. */
static enum json_result
scan_digits(const char *text, size_t n, size_t *i)
{
	size_t from = *i;

	while (*i < n && text[*i] >= '0' && text[*i] <= '9')
		++*i;
	if (*i > from)
		return JSON_OK;
	return *i >= n ? JSON_END : JSON_BAD;
}

static enum json_result
scan_number(const char *text, size_t n, size_t *i)
{
	enum json_result result;

	if (text[*i] == '-')
		++*i;
	if (*i < n && text[*i] == '0')
		++*i;
	else if ((result = scan_digits(text, n, i)) != JSON_OK)
		return result;
	if (*i < n && text[*i] == '.') {
		++*i;
		if ((result = scan_digits(text, n, i)) != JSON_OK)
			return result;
	}
	if (*i < n && (text[*i] == 'e' || text[*i] == 'E')) {
		++*i;
		if (*i < n && (text[*i] == '+' || text[*i] == '-'))
			++*i;
		return scan_digits(text, n, i);
	}
	return JSON_OK;
}

static enum json_result
scan_word(const char *text, size_t n, size_t *i, const char *word)
{
	for (; *word != '\0'; word++, ++*i) {
		if (*i >= n)
			return JSON_END;
		if (text[*i] != *word)
			return JSON_BAD;
	}
	return JSON_OK;
}

static enum json_result
scan_scalar(const char *text, size_t n, size_t *i)
{
	switch (text[*i]) {
	case '"':
		return scan_string(text, n, i);
	case 't':
		return scan_word(text, n, i, "true");
	case 'f':
		return scan_word(text, n, i, "false");
	case 'n':
		return scan_word(text, n, i, "null");
	case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
		return scan_number(text, n, i);
	default:
		return JSON_BAD;
	}
}

/* A member's name and the colon behind it. */
static enum json_result
scan_name(const char *text, size_t n, size_t *i)
{
	enum json_result result;

	if (text[*i] != '"')
		return JSON_BAD;
	if ((result = scan_string(text, n, i)) != JSON_OK)
		return result;
	*i = skip_space(text, n, *i);
	if (*i >= n)
		return JSON_END;
	if (text[*i] != ':')
		return JSON_BAD;
	++*i;
	return JSON_OK;
}

/* The open brackets of a scan: one bit a level, 1 for an object. */
struct nesting {
	size_t depth;
	unsigned char bits[JSON_DEPTH_MAX / 8];
};

static bool
nesting_in_object(const struct nesting *s)
{
	return s->bits[(s->depth - 1) / 8] >> ((s->depth - 1) % 8) & 1;
}

static bool
nesting_open(struct nesting *s, bool object)
{
	unsigned char bit = (unsigned char)(1u << (s->depth % 8));

	if (s->depth == JSON_DEPTH_MAX)
		return false;
	if (object)
		s->bits[s->depth / 8] |= bit;
	else
		s->bits[s->depth / 8] &= (unsigned char)~bit;
	s->depth++;
	return true;
}

/* After a value: closes the brackets that close here. On JSON_OK another value follows, or, at depth 0, none. */
static enum json_result
scan_after_value(const char *text, size_t n, size_t *i, struct nesting *s)
{
	while (s->depth > 0) {
		*i = skip_space(text, n, *i);
		if (*i >= n)
			return JSON_END;
		if (text[*i] == ',') {
			*i = skip_space(text, n, *i + 1);
			if (*i >= n)
				return JSON_END;
			return nesting_in_object(s) ? scan_name(text, n, i) : JSON_OK;
		}
		if (text[*i] != (nesting_in_object(s) ? '}' : ']'))
			return JSON_BAD;
		++*i;
		s->depth--;
	}
	return JSON_OK;
}

/* An opening bracket, and what stands before the first value inside. `*empty`: it was closed at once. */
static enum json_result
scan_open(const char *text, size_t n, size_t *i, struct nesting *s, bool *empty)
{
	bool object = text[*i] == '{';

	*empty = false;
	if (!nesting_open(s, object))
		return JSON_BAD;
	*i = skip_space(text, n, *i + 1);
	if (*i >= n)
		return JSON_END;
	if (text[*i] == (object ? '}' : ']')) {
		++*i;
		s->depth--;
		*empty = true;
		return JSON_OK;
	}
	return object ? scan_name(text, n, i) : JSON_OK;
}

enum json_result
json_scan(const char *text, size_t n, size_t *pos, struct json *value)
{
	struct nesting nesting;
	size_t from = skip_space(text, n, *pos), i = from;
	enum json_result result;

	/* The bits need no beginning, and clearing them would cost as much as scanning a short value. */
	nesting.depth = 0;
	do {
		bool closed = true;

		i = skip_space(text, n, i);
		if (i >= n)
			result = JSON_END;
		else if (text[i] == '{' || text[i] == '[')
			result = scan_open(text, n, &i, &nesting, &closed);
		else
			result = scan_scalar(text, n, &i);
		if (result == JSON_OK && closed)
			result = scan_after_value(text, n, &i, &nesting);
	} while (result == JSON_OK && nesting.depth > 0);
	*pos = i;
	if (result == JSON_OK)
		*value = (struct json){ text + from, i - from };
	return result;
}

enum json_result
json_whole(const char *text, size_t n, struct json *value)
{
	size_t pos = 0;
	enum json_result result = json_scan(text, n, &pos, value);

	if (result == JSON_OK && skip_space(text, n, pos) < n)
		return JSON_BAD;
	return result;
}

bool
json_iter_init(struct json_iter *it, const char *text, size_t n)
{
	size_t i = skip_space(text, n, 0);

	*it = (struct json_iter){ .text = text, .n = n, .pos = i };
	if (i >= n || (text[i] != '{' && text[i] != '['))
		return false;
	it->in_object = text[i] == '{';
	it->pos = i + 1;
	return true;
}

enum json_result
json_next(struct json_iter *it, struct json *key, struct json *value)
{
	const char *text = it->text;
	size_t i = skip_space(text, it->n, it->pos);

	if (i < it->n && text[i] == (it->in_object ? '}' : ']')) {
		it->pos = i + 1;
		return JSON_END;
	}
	if (it->began) {
		if (i >= it->n || text[i] != ',') {
			it->pos = i;
			return JSON_BAD;
		}
		i = skip_space(text, it->n, i + 1);
	}
	it->began = true;
	it->pos = i;
	if (it->in_object) {
		size_t name = i, quote;

		if (i >= it->n || text[i] != '"')
			return JSON_BAD;
		if (scan_string(text, it->n, &i) != JSON_OK) {
			it->pos = i;
			return JSON_BAD;
		}
		quote = i;
		it->pos = i = skip_space(text, it->n, i);
		if (i >= it->n || text[i] != ':')
			return JSON_BAD;
		*key = (struct json){ text + name, quote - name };
		it->pos = i + 1;
	}
	return json_scan(text, it->n, &it->pos, value) == JSON_OK ? JSON_OK : JSON_BAD;
}

bool
json_find(struct json object, const char *name, struct json *value)
{
	struct json_iter it;
	struct json key, member;

	if (!json_iter_init(&it, object.p, object.len) || !it.in_object)
		return false;
	while (json_next(&it, &key, &member) == JSON_OK)
		if (json_equals(key, name)) {
			*value = member;
			return true;
		}
	return false;
}

static uint32_t
hex4(const char *p)
{
	uint64_t v = 0;

	num_parse_hex(p, 4, 0xffff, &v);
	return (uint32_t)v;
}

/* The character of an escape at `p[0] == '\\'`; `*used` octets of the string were it. A lone surrogate is U+FFFD. */
static uint32_t
unescape(const char *p, size_t n, size_t *used)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	uint32_t c, low;

	*used = 2;
	if (p[1] != 'u')
		return (uint32_t)to[strchr(from, p[1]) - from];
	*used = 6;
	c = hex4(p + 2);
	if (c < 0xd800 || c > 0xdfff)
		return c;
	if (c > 0xdbff || n < 12 || p[6] != '\\' || p[7] != 'u')
		return 0xfffd;
	low = hex4(p + 8);
	if (low < 0xdc00 || low > 0xdfff)
		return 0xfffd;
	*used = 12;
	return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

static size_t
utf8_encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

bool
json_equals(struct json string, const char *s)
{
	size_t i = 1, n = strlen(s), at = 0;

	/* Unescaping makes no string longer. */
	if (!json_is_string(string) || string.len < n + 2)
		return false;
	/* Without an escape, which is nearly always, it is one comparison. */
	if (string.len > 2 && string.p[1] != '\\' && string.p[1] != s[0])
		return false;
	if (memchr(string.p + 1, '\\', string.len - 2) == NULL)
		return string.len == n + 2 && memcmp(string.p + 1, s, n) == 0;
	while (i < string.len - 1) {
		char octets[4];
		size_t used, len;

		if (string.p[i] != '\\') {
			if (at == n || string.p[i] != s[at])
				return false;
			at++;
			i++;
			continue;
		}
		len = utf8_encode(unescape(string.p + i, string.len - 1 - i, &used), octets);
		if (len > n - at || memcmp(s + at, octets, len) != 0)
			return false;
		at += len;
		i += used;
	}
	return at == n;
}

bool
json_decode(struct json string, struct buf *out)
{
	const char *p, *end;

	if (!json_is_string(string))
		return false;
	p = string.p + 1;
	end = string.p + string.len - 1;
	while (p < end) {
		const char *escape = memchr(p, '\\', (size_t)(end - p));
		char octets[4];
		size_t used;

		buf_put(out, p, (size_t)((escape ? escape : end) - p));
		if (escape == NULL)
			break;
		buf_put(out, octets, utf8_encode(unescape(escape, (size_t)(end - escape), &used), octets));
		p = escape + used;
	}
	return true;
}

bool
json_decode_octets(struct json string, struct buf *out)
{
	size_t i = 1, end = string.len - 1;

	if (!json_is_string(string))
		return false;
	while (i < end) {
		unsigned char c = (unsigned char)string.p[i];
		uint32_t character = c;
		size_t used = 1;

		if (c == '\\') {
			character = unescape(string.p + i, end - i, &used);
		} else if (c >= 0x80) {
			/* Only U+0080 to U+00FF, whose two octets in UTF-8 begin with 0xC2 or 0xC3, stand for an octet. */
			if ((c & 0xfe) != 0xc2 || i + 1 >= end || (string.p[i + 1] & 0xc0) != 0x80)
				return false;
			character = (uint32_t)(c & 0x03) << 6 | (string.p[i + 1] & 0x3f);
			used = 2;
		}
		if (character > 0xff)
			return false;
		buf_putc(out, (char)character);
		i += used;
	}
	return true;
}

bool
json_u64(struct json number, uint64_t max, uint64_t *value)
{
	return num_parse(number.p, number.len, max, value);
}

size_t
json_utf8_length(const unsigned char *p, size_t n)
{
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

static void
put_escaped(struct buf *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char escape[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	switch (c) {
	case '"':
		buf_put(out, "\\\"", 2);
		break;
	case '\\':
		buf_put(out, "\\\\", 2);
		break;
	case '\n':
		buf_put(out, "\\n", 2);
		break;
	default:
		buf_put(out, escape, sizeof escape);
	}
}

static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void
json_put_string(struct buf *out, const char *p, size_t n)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < n;) {
		size_t from = i, len;

		while (i < n && is_plain((unsigned char)p[i]))
			i++;
		buf_put(out, p + from, i - from);
		if (i >= n)
			break;
		if ((unsigned char)p[i] < 0x80) {
			put_escaped(out, (unsigned char)p[i++]);
		} else if ((len = json_utf8_length((const unsigned char *)p + i, n - i)) > 0) {
			buf_put(out, p + i, len);
			i += len;
		} else {
			buf_puts(out, "\\ufffd");
			i++;
		}
	}
	buf_putc(out, '"');
}

void
json_put_octets(struct buf *out, const char *p, size_t n)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < n;) {
		size_t from = i;

		while (i < n && is_plain((unsigned char)p[i]))
			i++;
		buf_put(out, p + from, i - from);
		if (i < n)
			put_escaped(out, (unsigned char)p[i++]);
	}
	buf_putc(out, '"');
}
