/* SPDX-License-Identifier: MIT */
#include "upstream/headers.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/num.h"

struct name {
	const char *p;
	size_t len;
};

#define NAME(S) { S, sizeof S - 1 }

static const struct name never_sent[] = {
	NAME("connection"), NAME("keep-alive"), NAME("proxy-connection"), NAME("te"), NAME("trailer"),
	NAME("transfer-encoding"), NAME("upgrade"), NAME("http2-settings"), NAME("proxy-authenticate"),
	NAME("proxy-authorization"), NAME("host"), NAME("content-length"), NAME("expect"), NAME("accept-encoding"),
	NAME("cookie"), NAME("origin"), NAME("referer"), NAME("forwarded"), NAME("via"), NAME("x-real-ip"),
};

static const struct name credential_names[] = {
	NAME("authorization"), NAME("x-api-key"), NAME("api-key"), NAME("x-goog-api-key"),
};

static const struct name kept[] = {
	NAME("content-type"), NAME("retry-after"), NAME("retry-after-ms"), NAME("request-id"), NAME("x-request-id"),
	NAME("x-should-retry"),
};

static const struct name kept_prefixes[] = { NAME("anthropic-"), NAME("x-ratelimit-") };

static bool
is_among(const char *p, size_t n, const struct name *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (n == names[i].len && strncasecmp(p, names[i].p, n) == 0)
			return true;
	return false;
}

#define IS_AMONG(P, N, NAMES) is_among(P, N, NAMES, sizeof NAMES / sizeof *NAMES)

static bool
has_prefix(const char *p, size_t n, struct name prefix)
{
	return n >= prefix.len && strncasecmp(p, prefix.p, prefix.len) == 0;
}

/* A token (RFC 9110 §5.6.2). */
static bool
is_name(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-')
			continue;
		if (c == '\0' || strchr("!#$%&'*+.^_`|~", c) == NULL)
			return false;
	}
	return n > 0;
}

static bool
is_value(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)p[i] < 0x20 && p[i] != '\t') || p[i] == 0x7f)
			return false;
	return true;
}

/* Whether a list of names, as Connection has, contains the name. */
static bool
list_has(const char *list, size_t n, const char *name, size_t name_len)
{
	for (size_t i = 0; i < n;) {
		size_t begin, end;

		while (i < n && (list[i] == ',' || list[i] == ' ' || list[i] == '\t'))
			i++;
		begin = i;
		while (i < n && list[i] != ',')
			i++;
		end = i;
		while (end > begin && (list[end - 1] == ' ' || list[end - 1] == '\t'))
			end--;
		if (end - begin == name_len && strncasecmp(list + begin, name, name_len) == 0)
			return true;
	}
	return false;
}

static bool
is_sent(const char *name, size_t n, struct json connection, bool credentials)
{
	if (IS_AMONG(name, n, never_sent) || has_prefix(name, n, (struct name)NAME("x-forwarded-")))
		return false;
	if (!credentials && IS_AMONG(name, n, credential_names))
		return false;
	return connection.len < 2 || !list_has(connection.p + 1, connection.len - 2, name, n);
}

/* Adds the field's line; what is no field adds nothing. */
static void
put_request_line(struct buf *lines, struct json key, struct json value, struct json connection, bool credentials)
{
	size_t begin = buf_len(lines), name_len, value_at;

	if (!json_decode_octets(key, lines))
		goto drop;
	name_len = buf_len(lines) - begin;
	if (!is_name(buf_data(lines) + begin, name_len) ||
	    !is_sent(buf_data(lines) + begin, name_len, connection, credentials))
		goto drop;
	buf_put(lines, ": ", 2);
	value_at = buf_len(lines);
	if (!json_decode_octets(value, lines) ||
	    !is_value(buf_data(lines) + value_at, buf_len(lines) - value_at))
		goto drop;
	if (buf_len(lines) == value_at) {
		lines->end -= 2;
		buf_putc(lines, ';');
	}
	buf_putc(lines, '\0');
	return;
drop:
	lines->end = lines->start + begin;
}

void
headers_put_request(struct buf *lines, struct json headers, bool credentials)
{
	struct json connection = { NULL, 0 }, key, value;
	struct json_iter it;

	json_find(headers, "connection", &connection);
	if (!json_iter_init(&it, headers.p, headers.len) || !it.in_object)
		return;
	while (json_next(&it, &key, &value) == JSON_OK)
		put_request_line(lines, key, value, connection, credentials);
}

bool
headers_have(const char *lines, size_t n, const char *name)
{
	size_t name_len = strlen(name);

	for (size_t i = 0; i < n; i += strlen(lines + i) + 1)
		if (strncasecmp(lines + i, name, name_len) == 0 &&
		    (lines[i + name_len] == ':' || lines[i + name_len] == ';'))
			return true;
	return false;
}

/* The parts of a field line of a response. False if it is none. */
static bool
split(const char *line, size_t n, size_t *name_len, const char **value, size_t *len)
{
	const char *colon = memchr(line, ':', n);
	size_t begin, end = n;

	if (colon == NULL || !is_name(line, (size_t)(colon - line)))
		return false;
	begin = (size_t)(colon - line) + 1;
	*name_len = begin - 1;
	while (end > begin && strchr(" \t\r\n", line[end - 1]) != NULL)
		end--;
	while (begin < end && (line[begin] == ' ' || line[begin] == '\t'))
		begin++;
	*value = line + begin;
	*len = end - begin;
	return true;
}

bool
headers_is(const char *line, size_t n, const char *name, const char **value, size_t *len)
{
	size_t name_len;

	return split(line, n, &name_len, value, len) && name_len == strlen(name) &&
	    strncasecmp(line, name, name_len) == 0;
}

static bool
is_kept(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof kept_prefixes / sizeof *kept_prefixes; i++)
		if (has_prefix(name, n, kept_prefixes[i]))
			return true;
	return IS_AMONG(name, n, kept);
}

void
headers_keep_response(struct buf *lines, const char *line, size_t n)
{
	const char *value;
	size_t name_len, len, begin = buf_len(lines);

	if (!split(line, n, &name_len, &value, &len) || !is_kept(line, name_len) || !is_value(value, len))
		return;
	buf_put(lines, line, name_len);
	buf_put(lines, ": ", 2);
	buf_put(lines, value, len);
	buf_putc(lines, '\0');
	if (lines->failed)
		return;
	for (char *c = buf_data(lines) + begin; *c != ':'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
}

const char *
headers_find(const char *lines, size_t n, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < n; i += strlen(lines + i) + 1)
		if (strncmp(lines + i, name, len) == 0 && strncmp(lines + i + len, ": ", 2) == 0)
			return lines + i + len + 2;
	return NULL;
}

void
headers_put_typed(struct buf *out, const char *lines, size_t n, const char *type)
{
	static const char name[] = "content-type: ";

	buf_put(out, name, sizeof name - 1);
	buf_put(out, type, strlen(type) + 1);
	for (size_t i = 0, len; i < n; i += len) {
		len = strlen(lines + i) + 1;
		if (strncmp(lines + i, name, sizeof name - 1) != 0)
			buf_put(out, lines + i, len);
	}
}

static bool
is_digits(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return n > 0;
}

/*
 * Of a field that says how long to wait the value becomes what the client is told: some wait for as long as they are told.
 * False if that is nothing.
 */
static bool
shorten_wait(const char *name, size_t name_len, const char **value)
{
	bool seconds = name_len == 11 && strncmp(name, "retry-after", 11) == 0;
	bool milliseconds = name_len == 14 && strncmp(name, "retry-after-ms", 14) == 0;
	uint64_t wait;

	if (!seconds && !milliseconds)
		return true;
	if (!is_digits(*value, strlen(*value)))
		return false;
	if (!num_parse(*value, strlen(*value), seconds ? RETRY_AFTER_MAX : RETRY_AFTER_MAX * 1000, &wait))
		*value = seconds ? "60" : "60000";
	return true;
}

/* Where in `lines` the field that begins at `at` came last before; SIZE_MAX if it did not. */
static bool
came_before(const char *lines, size_t at, size_t name_len)
{
	for (size_t i = 0; i < at; i += strlen(lines + i) + 1)
		if (strncmp(lines + i, lines + at, name_len + 1) == 0)
			return true;
	return false;
}

static void
put_values(struct buf *out, const char *lines, size_t n, size_t at, size_t name_len, const char *value)
{
	bool one = strncmp(lines + at, "content-type:", 13) == 0 || strncmp(lines + at, "retry-after", 11) == 0;

	json_put_octets(out, value, strlen(value));
	for (size_t i = at + strlen(lines + at) + 1; i < n && !one; i += strlen(lines + i) + 1)
		if (strncmp(lines + i, lines + at, name_len + 1) == 0) {
			/* The value goes inside the quotes of the string before it. */
			out->end--;
			buf_put(out, ", ", 2);
			size_t quote = out->end;
			json_put_octets(out, lines + i + name_len + 2, strlen(lines + i + name_len + 2));
			if (out->failed)
				return;
			memmove(out->mem + quote, out->mem + quote + 1, out->end - quote - 1);
			out->end--;
		}
}

void
headers_put_members(struct buf *out, const char *lines, size_t n)
{
	const char *comma = "";

	for (size_t i = 0; i < n && !out->failed; i += strlen(lines + i) + 1) {
		const char *colon = strchr(lines + i, ':');
		size_t name_len = colon ? (size_t)(colon - (lines + i)) : 0;
		const char *value = colon ? colon + 2 : NULL;

		if (colon == NULL || came_before(lines, i, name_len) || !shorten_wait(lines + i, name_len, &value))
			continue;
		buf_puts(out, comma);
		comma = ",";
		json_put_octets(out, lines + i, name_len);
		buf_putc(out, ':');
		put_values(out, lines, n, i, name_len, value);
	}
}

