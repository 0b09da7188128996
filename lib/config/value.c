/* SPDX-License-Identifier: MIT */
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/num.h"

size_t
value_line(const struct reader *r, const char *at)
{
	size_t line = 1;

	for (const char *p = r->text; (p = memchr(p, '\n', (size_t)(at - p))) != NULL; p++)
		line++;
	return line;
}

void
value_wrong(struct reader *r, const char *at, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	mistake_vadd(r->mistakes, value_line(r, at), format, ap);
	va_end(ap);
}

void
value_wrong_word(struct reader *r, const char *at, const char *problem, const char *word, const char *const *words,
    size_t count)
{
	const char *near = mistake_near(word, words, count);

	value_wrong(r, at, "%s '%.*s'%s%s%s", problem, PROVIDER_NAME_MAX, word, near ? "; did you mean '" : "",
	    near ? near : "", near ? "'?" : "");
}

void
value_no_memory(struct reader *r)
{
	r->mistakes->no_memory = true;
}

static const char *
problem_of_text(const char *p, size_t n)
{
	if (n == 0)
		return "is empty";
	for (size_t i = 0; i < n;) {
		size_t len = json_utf8_length((const unsigned char *)p + i, n - i);

		if (len == 0)
			return "is not UTF-8";
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			return "has a control character";
		i += len;
	}
	return NULL;
}

char *
value_string(struct reader *r, struct json value, const char *what)
{
	const char *problem;
	char *s;

	buf_clear(&r->scratch);
	if (!json_decode(value, &r->scratch)) {
		value_wrong(r, value.p, "%s must be a string", what);
		return NULL;
	}
	if (r->scratch.failed) {
		value_no_memory(r);
		return NULL;
	}
	if ((problem = problem_of_text(buf_data(&r->scratch), buf_len(&r->scratch))) != NULL) {
		value_wrong(r, value.p, "%s %s", what, problem);
		return NULL;
	}
	if ((s = strndup(buf_data(&r->scratch), buf_len(&r->scratch))) == NULL)
		value_no_memory(r);
	return s;
}

static bool
same_string(struct reader *r, struct json a, struct json b)
{
	const char *s;

	buf_clear(&r->scratch);
	json_decode(a, &r->scratch);
	s = buf_str(&r->scratch);
	return s != NULL && json_equals(b, s);
}

/* The length of a string between its quotes, as much as fits into a line. */
static int
quoted(struct json string)
{
	return string.len - 2 < PROVIDER_NAME_MAX ? (int)string.len - 2 : PROVIDER_NAME_MAX;
}

void
value_check_duplicates(struct reader *r, struct json object)
{
	struct json_iter outer, inner;
	struct json key, value, earlier, unused;

	json_iter_init(&outer, object.p, object.len);
	while (json_next(&outer, &key, &value) == JSON_OK) {
		json_iter_init(&inner, object.p, object.len);
		while (json_next(&inner, &earlier, &unused) == JSON_OK && earlier.p < key.p)
			if (same_string(r, earlier, key)) {
				value_wrong(r, key.p, "key '%.*s' stands twice, first in line %zu", quoted(key), key.p + 1,
				    value_line(r, earlier.p));
				break;
			}
	}
}

bool
value_members(struct reader *r, struct json object, const char *what, const char *const *names, size_t count,
    struct json *values)
{
	struct json_iter it;
	struct json key, value;

	memset(values, 0, count * sizeof *values);
	if (!json_is_object(object)) {
		value_wrong(r, object.p, "%s must be an object, {…}", what);
		return false;
	}
	value_check_duplicates(r, object);
	json_iter_init(&it, object.p, object.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		size_t i = 0;

		while (i < count && !json_equals(key, names[i]))
			i++;
		if (i < count) {
			if (values[i].len == 0)
				values[i] = value;
			continue;
		}
		buf_clear(&r->scratch);
		buf_put(&r->scratch, key.p + 1, key.len - 2);
		if (buf_str(&r->scratch) != NULL)
			value_wrong_word(r, key.p, "unknown key", buf_data(&r->scratch), names, count);
	}
	return true;
}

size_t
value_count(struct json value)
{
	struct json_iter it;
	struct json key, element;
	size_t count = 0;

	if (!json_iter_init(&it, value.p, value.len))
		return 0;
	while (json_next(&it, &key, &element) == JSON_OK)
		count++;
	return count;
}

size_t
value_array(struct reader *r, struct json value, const char *what, size_t max)
{
	size_t count = value_count(value);

	if (!json_is_array(value))
		value_wrong(r, value.p, "%s must be an array, […]", what);
	else if (count == 0)
		value_wrong(r, value.p, "%s is empty", what);
	else if (count > max)
		value_wrong(r, value.p, "%s has more than %zu elements", what, max);
	else
		return count;
	return 0;
}

void
value_strings(struct reader *r, struct json value, const char *what, size_t max, const char *(*check)(const char *),
    char ***list, size_t *count)
{
	size_t room = value_array(r, value, what, max);
	struct json_iter it;
	struct json element;

	if (room == 0)
		return;
	if ((*list = calloc(room, sizeof **list)) == NULL) {
		value_no_memory(r);
		return;
	}
	json_iter_init(&it, value.p, value.len);
	while (json_next(&it, NULL, &element) == JSON_OK) {
		char *s = value_string(r, element, what);
		const char *problem = s ? check(s) : NULL;

		if (problem != NULL)
			value_wrong(r, element.p, "%s %s", what, problem);
		if (s != NULL)
			(*list)[(*count)++] = s;
	}
}

size_t
value_choice(struct reader *r, struct json value, const char *what, const char *const *words, size_t count)
{
	const char *word;

	for (size_t i = 0; i < count; i++)
		if (json_equals(value, words[i]))
			return i;
	buf_clear(&r->scratch);
	buf_printf(&r->scratch, "'%s' must be ", what);
	for (size_t i = 0; i < count; i++)
		buf_printf(&r->scratch, "%s\"%s\"", i == 0 ? "" : i + 1 < count ? ", " : " or ", words[i]);
	if ((word = buf_str(&r->scratch)) != NULL)
		value_wrong(r, value.p, "%s", word);
	return count;
}

void
value_number(struct reader *r, struct json value, const char *what, uint64_t min, uint64_t max, uint64_t *number)
{
	uint64_t n;

	if (json_u64(value, max, &n) && n >= min)
		*number = n;
	else
		value_wrong(r, value.p, "%s from %llu to %llu, in digits", what, (unsigned long long)min,
		    (unsigned long long)max);
}

void
value_decimal(struct reader *r, struct json value, const char *what, uint64_t max, uint64_t *millionths)
{
	size_t whole = 0, fraction;
	uint64_t units, rest = 0;

	while (whole < value.len && value.p[whole] >= '0' && value.p[whole] <= '9')
		whole++;
	fraction = whole < value.len && value.p[whole] == '.' ? value.len - whole - 1 : 0;
	if (json_is_number(value) && whole + (fraction ? fraction + 1 : 0) == value.len && fraction <= 6 &&
	    num_parse(value.p, whole, max, &units) &&
	    (fraction == 0 || num_parse(value.p + whole + 1, fraction, 999999, &rest))) {
		for (; fraction < 6; fraction++)
			rest *= 10;
		if ((*millionths = units * 1000000 + rest) <= max * 1000000)
			return;
	}
	value_wrong(r, value.p, "%s from 0 to %llu, with at most six digits behind the point", what,
	    (unsigned long long)max);
}

void
value_limits(struct reader *r, const struct json *values, struct config_limits *limits)
{
	static const char *const names[] = { "connect_ms", "first_byte_ms", "idle_ms", "total_ms" };
	uint64_t *const times[] = { &limits->connect_ms, &limits->first_byte_ms, &limits->idle_ms, &limits->total_ms };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (values[i].len > 0 && (!json_u64(values[i], LIMIT_MS_MAX, times[i]) || *times[i] == 0))
			value_wrong(r, values[i].p, "'%s' must be a whole number of milliseconds from 1 to %d, in digits",
			    names[i], LIMIT_MS_MAX);
}
