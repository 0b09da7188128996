/* SPDX-License-Identifier: MIT */
#include "stream/toolinput.h"

#include <stdint.h>
#include <string.h>

#include "base/num.h"

enum state {
	BEGIN,
	FIRST_NAME,	/* a member's name, or the object's end */
	NAME,
	COLON,
	FIRST_VALUE,	/* an element, or the array's end */
	VALUE,
	AFTER_VALUE,
	STRING,
	ESCAPE,
	HEX,
	WORD,
	MINUS,
	ZERO,
	INTEGER,
	POINT,
	FRACTION,
	EXPONENT,
	EXPONENT_SIGN,
	EXPONENT_DIGITS,
	WHOLE,
	BAD
};

static bool
is_space(uint32_t c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool
is_digit(uint32_t c)
{
	return c >= '0' && c <= '9';
}

static bool
in_object(const struct toolinput *t)
{
	return t->bits[(t->depth - 1) / 8] >> ((t->depth - 1) % 8) & 1;
}

static enum state
open_bracket(struct toolinput *t, bool object)
{
	unsigned char bit = (unsigned char)(1u << (t->depth % 8));

	if (t->depth == JSON_DEPTH_MAX)
		return BAD;
	if (object)
		t->bits[t->depth / 8] |= bit;
	else
		t->bits[t->depth / 8] &= (unsigned char)~bit;
	t->depth++;
	return object ? FIRST_NAME : FIRST_VALUE;
}

static enum state
close_bracket(struct toolinput *t, uint32_t c)
{
	if (c != (in_object(t) ? '}' : ']'))
		return BAD;
	return --t->depth == 0 ? WHOLE : AFTER_VALUE;
}

static enum state
begin_string(struct toolinput *t, bool name)
{
	t->in_name = name;
	return STRING;
}

static enum state
begin_word(struct toolinput *t, const char *rest)
{
	t->word = rest;
	return WORD;
}

static enum state
begin_value(struct toolinput *t, uint32_t c)
{
	switch (c) {
	case '{':
	case '[':
		return open_bracket(t, c == '{');
	case '"':
		return begin_string(t, false);
	case 't':
		return begin_word(t, "rue");
	case 'f':
		return begin_word(t, "alse");
	case 'n':
		return begin_word(t, "ull");
	case '-':
		return MINUS;
	case '0':
		return ZERO;
	default:
		return is_digit(c) ? INTEGER : BAD;
	}
}

static enum state
after_value(struct toolinput *t, uint32_t c)
{
	if (c == ',')
		return in_object(t) ? NAME : VALUE;
	return close_bracket(t, c);
}

/* A character between the tokens; white space was skipped. */
static enum state
take_token(struct toolinput *t, uint32_t c)
{
	switch (t->state) {
	case BEGIN:
		return c == '{' ? open_bracket(t, true) : BAD;
	case FIRST_NAME:
		return c == '"' ? begin_string(t, true) : close_bracket(t, c);
	case NAME:
		return c == '"' ? begin_string(t, true) : BAD;
	case COLON:
		return c == ':' ? VALUE : BAD;
	case FIRST_VALUE:
		return c == ']' ? close_bracket(t, c) : begin_value(t, c);
	case VALUE:
		return begin_value(t, c);
	case AFTER_VALUE:
		return after_value(t, c);
	default:
		return BAD;
	}
}

static enum state
take_in_string(struct toolinput *t, uint32_t c)
{
	if (c == '"')
		return t->in_name ? COLON : AFTER_VALUE;
	if (c == '\\')
		return ESCAPE;
	return c < 0x20 ? BAD : STRING;
}

static enum state
take_escape(struct toolinput *t, uint32_t c)
{
	if (c == 'u') {
		t->digits = 4;
		return HEX;
	}
	return c > 0 && c < 0x80 && strchr("\"\\/bfnrt", (int)c) != NULL ? STRING : BAD;
}

static enum state
take_hex(struct toolinput *t, uint32_t c)
{
	char octet = (char)c;
	uint64_t value;

	if (c >= 0x80 || !num_parse_hex(&octet, 1, 15, &value))
		return BAD;
	return --t->digits == 0 ? STRING : HEX;
}

static enum state
take_in_word(struct toolinput *t, uint32_t c)
{
	if (c != (unsigned char)*t->word)
		return BAD;
	return *++t->word == '\0' ? AFTER_VALUE : WORD;
}

/* A character behind one of a number: AFTER_VALUE if the number has ended before it. */
static enum state
take_in_number(const struct toolinput *t, uint32_t c)
{
	bool exponent = c == 'e' || c == 'E';

	switch (t->state) {
	case MINUS:
		return c == '0' ? ZERO : is_digit(c) ? INTEGER : BAD;
	case ZERO:
		return c == '.' ? POINT : exponent ? EXPONENT : AFTER_VALUE;
	case INTEGER:
		return is_digit(c) ? INTEGER : c == '.' ? POINT : exponent ? EXPONENT : AFTER_VALUE;
	case POINT:
		return is_digit(c) ? FRACTION : BAD;
	case FRACTION:
		return is_digit(c) ? FRACTION : exponent ? EXPONENT : AFTER_VALUE;
	case EXPONENT:
		return c == '+' || c == '-' ? EXPONENT_SIGN : is_digit(c) ? EXPONENT_DIGITS : BAD;
	case EXPONENT_SIGN:
		return is_digit(c) ? EXPONENT_DIGITS : BAD;
	default:
		return is_digit(c) ? EXPONENT_DIGITS : AFTER_VALUE;
	}
}

static enum state
take(struct toolinput *t, uint32_t c)
{
	switch (t->state) {
	case STRING:
		return take_in_string(t, c);
	case ESCAPE:
		return take_escape(t, c);
	case HEX:
		return take_hex(t, c);
	case WORD:
		return take_in_word(t, c);
	default:
		break;
	}
	if (t->state >= MINUS && t->state <= EXPONENT_DIGITS) {
		enum state next = take_in_number(t, c);

		if (next != AFTER_VALUE)
			return next;
		t->state = AFTER_VALUE;
	}
	if (!is_space(c))
		return take_token(t, c);
	t->blank |= t->state == BEGIN;
	return t->state;
}

/* The UTF-16 unit that an escape of a JSON string stands for; `*used` octets are it. */
static uint32_t
unescape(const char *p, size_t *used)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *found;
	uint64_t unit = 0;

	*used = 2;
	if (p[1] == 'u') {
		*used = 6;
		num_parse_hex(p + 2, 4, 0xffff, &unit);
		return (uint32_t)unit;
	}
	found = strchr(from, p[1]);
	return (unsigned char)(found ? to[found - from] : p[1]);
}

void
toolinput_begin(struct toolinput *t)
{
	/* The bits need no beginning. */
	t->state = BEGIN;
	t->blank = false;
	t->depth = 0;
}

bool
toolinput_take(struct toolinput *t, struct json string)
{
	const char *p = string.p + 1, *end = string.p + string.len - 1;

	while (p < end && t->state != BAD) {
		size_t used = 1;
		uint32_t c;

		/* A quote or backslash of the input is escaped in the string: what lies before the next escape is text. */
		if (t->state == STRING && (p = memchr(p, '\\', (size_t)(end - p))) == NULL)
			break;
		c = *p == '\\' ? unescape(p, &used) : (unsigned char)*p;
		t->state = (unsigned char)take(t, c);
		p += used;
	}
	return t->state != BAD;
}

enum toolinput_extent
toolinput_extent(const struct toolinput *t)
{
	if (t->state == WHOLE)
		return TOOLINPUT_WHOLE;
	if (t->state == BEGIN)
		return t->blank ? TOOLINPUT_BLANK : TOOLINPUT_NONE;
	return TOOLINPUT_CUT;
}
