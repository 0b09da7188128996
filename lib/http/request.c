/* SPDX-License-Identifier: MIT */
#include "http/request.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/num.h"
#include "http/chars.h"

enum { REQUEST_LINE_MAX = HEAD_MAX / 2 };

/* What the head's checks need to know beyond what the request says. */
struct head {
	struct http_span authority;	/* of a target in absolute-form */
	const struct http_span *host;
	bool has_length;
	bool has_codings;
	bool other_coding;	/* a registered one beside chunked */
	bool unknown_coding;
	bool ends_chunked;	/* the last coding is chunked */
	bool says_close;
	bool says_keep_alive;
	bool expects_continue;
	bool expects_other;
};

static enum http_result
refuse(struct http_request *request, int status, const char *why)
{
	request->status = status;
	request->why = why;
	return HTTP_BAD;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct http_span
trim(const char *p, size_t n)
{
	while (n > 0 && is_blank(p[0])) {
		p++;
		n--;
	}
	while (n > 0 && is_blank(p[n - 1]))
		n--;
	return (struct http_span){ p, n };
}

/* `host`, `host:port`: a name, an IPv4 address or an IPv6 address in brackets. Without userinfo, which HTTP forbids. */
static bool
is_host(struct http_span s)
{
	uint64_t port;
	size_t len;

	if (s.len > 0 && s.p[0] == '[') {
		const char *bracket = memchr(s.p, ']', s.len);
		char text[INET6_ADDRSTRLEN] = "";
		struct in6_addr address;

		len = bracket ? (size_t)(bracket - s.p) + 1 : 0;
		if (len < 2 || len - 2 >= sizeof text)
			return false;
		memcpy(text, s.p + 1, len - 2);
		if (inet_pton(AF_INET6, text, &address) != 1)
			return false;
	} else {
		len = http_span_of(s.p, s.len, HTTP_HOST);
	}
	if (len == 0)
		return false;
	if (len == s.len)
		return true;
	return s.p[len] == ':' && s.len - len <= sizeof ":65535" - 1 &&
	    num_parse(s.p + len + 1, s.len - len - 1, UINT16_MAX, &port);
}

static bool
same_span(struct http_span a, struct http_span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		char c = a.p[i], d = b.p[i];

		if (c != d && ((c ^ d) != 0x20 || (c | 0x20) < 'a' || (c | 0x20) > 'z'))
			return false;
	}
	return true;
}

/* RFC 3986 §2.1: each percent sign begins two hexadecimal digits. */
static bool
escapes_are_whole(const char *p, size_t n)
{
	const char *end = p + n;

	while ((p = memchr(p, '%', (size_t)(end - p))) != NULL) {
		if (end - p < 3 || !http_is(p[1], HTTP_HEX) || !http_is(p[2], HTTP_HEX))
			return false;
		p += 3;
	}
	return true;
}

static bool
is_method(const struct http_request *request, const char *name)
{
	return request->method.len == strlen(name) && memcmp(request->method.p, name, request->method.len) == 0;
}

static enum http_result
check_path(struct http_request *request)
{
	struct http_span path = request->target;

	if (http_span_of(path.p, path.len, HTTP_PATH) < path.len)
		return refuse(request, 400, "a bracket in the path");
	if (!escapes_are_whole(path.p, path.len))
		return refuse(request, 400, "a percent sign in the path without two digits");
	return HTTP_OK;
}

/* RFC 9112 §3.2: origin-form; absolute-form, which is cut to its origin-form; asterisk-form. */
static enum http_result
parse_target(struct http_request *request, struct head *head)
{
	static const char scheme[] = "http://";
	struct http_span *target = &request->target;
	const char *end = target->p + target->len, *path;

	if (is_method(request, "CONNECT"))
		return refuse(request, 400, "this server makes no tunnels");
	if (target->p[0] == '/')
		return check_path(request);
	if (target->len == 1 && target->p[0] == '*' && is_method(request, "OPTIONS"))
		return HTTP_OK;
	if (target->len < sizeof scheme || !http_same(target->p, sizeof scheme - 1, scheme))
		return refuse(request, 400, "the target is neither a path nor an http URI");
	head->authority.p = target->p + sizeof scheme - 1;
	for (path = head->authority.p; path < end && *path != '/' && *path != '?'; path++)
		;
	head->authority.len = (size_t)(path - head->authority.p);
	if (!is_host(head->authority))
		return refuse(request, 400, "the target's host is none");
	if (path < end && *path == '?')
		return refuse(request, 400, "the target has a query without a path");
	/* Without a path it is `/` (RFC 9110 §4.2.3), of which there is one in front of the host. */
	*target = (struct http_span){ path, (size_t)(end - path) };
	if (path == end)
		*target = (struct http_span){ head->authority.p - 1, 1 };
	return check_path(request);
}

/* The `n` octets at `p` without their line end. */
static enum http_result
parse_request_line(struct http_request *request, struct head *head, const char *p, size_t n)
{
	size_t method = http_span_of(p, n, HTTP_TOKEN), target, at;

	if (method == 0 || method == n || p[method] != ' ')
		return refuse(request, 400, "the request line does not begin with a method and one space");
	at = method + 1;
	target = http_span_of(p + at, n - at, HTTP_TARGET);
	if (target == 0 || at + target == n || p[at + target] != ' ')
		return refuse(request, 400, "the request line has no target, or one with a character that none has");
	request->method = (struct http_span){ p, method };
	request->target = (struct http_span){ p + at, target };
	at += target + 1;
	p += at;
	if (n - at != 8 || memcmp(p, "HTTP/", 5) != 0 || !is_digit(p[5]) || p[6] != '.' || !is_digit(p[7]))
		return refuse(request, 400, "the request line does not end in an HTTP version");
	if (p[5] != '1' || p[7] > '1')
		return refuse(request, 505, "the version is neither HTTP/1.0 nor HTTP/1.1");
	request->minor_version = p[7] - '0';
	return parse_target(request, head);
}

/* The next element of a comma-separated list, blanks around it gone. An empty list has one, an empty one. */
static bool
next_element(struct http_span *rest, struct http_span *element)
{
	const char *comma;

	if (rest->p == NULL)
		return false;
	comma = memchr(rest->p, ',', rest->len);
	if (comma == NULL) {
		*element = trim(rest->p, rest->len);
		*rest = (struct http_span){ NULL, 0 };
		return true;
	}
	*element = trim(rest->p, (size_t)(comma - rest->p));
	rest->len -= (size_t)(comma + 1 - rest->p);
	rest->p = comma + 1;
	return true;
}

static void
read_connection(struct head *head, struct http_span value)
{
	struct http_span option;

	while (next_element(&value, &option)) {
		head->says_close |= http_same(option.p, option.len, "close");
		head->says_keep_alive |= http_same(option.p, option.len, "keep-alive");
	}
}

/* RFC 9112 §6.1. A parameter, an empty element or anything else that is no bare name is refused. */
static enum http_result
read_codings(struct http_request *request, struct head *head, struct http_span value)
{
	static const char *const registered[] = { "gzip", "deflate", "compress", "x-gzip", "x-compress" };
	struct http_span coding;

	head->has_codings = true;
	while (next_element(&value, &coding)) {
		bool known = false;

		if (coding.len == 0 || http_span_of(coding.p, coding.len, HTTP_TOKEN) < coding.len)
			return refuse(request, 400, "transfer-encoding is no list of names");
		if (head->ends_chunked)
			return refuse(request, 400, "chunked is not the last transfer coding");
		if (http_same(coding.p, coding.len, "chunked")) {
			head->ends_chunked = true;
			continue;
		}
		for (size_t i = 0; i < sizeof registered / sizeof *registered; i++)
			known |= http_same(coding.p, coding.len, registered[i]);
		if (known)
			head->other_coding = true;
		else
			head->unknown_coding = true;
	}
	return HTTP_OK;
}

/* The fields that say where the request ends, for whom it is, and what becomes of the connection. */
static enum http_result
read_field(struct http_request *request, struct head *head, const struct http_field *field)
{
	struct http_span name = field->name, value = field->value;

	switch (name.len) {
	case 4:
		if (!http_same(name.p, name.len, "host"))
			break;
		if (head->host != NULL)
			return refuse(request, 400, "host stands twice");
		if (!is_host(value))
			return refuse(request, 400, "host is no host");
		head->host = &field->value;
		break;
	case 6:
		if (!http_same(name.p, name.len, "expect"))
			break;
		if (http_same(value.p, value.len, "100-continue"))
			head->expects_continue = true;
		else
			head->expects_other = true;
		break;
	case 10:
		if (http_same(name.p, name.len, "connection"))
			read_connection(head, value);
		break;
	case 14:
		if (!http_same(name.p, name.len, "content-length"))
			break;
		if (head->has_length)
			return refuse(request, 400, "content-length stands twice");
		if (!num_parse(value.p, value.len, UINT64_MAX, &request->content_length))
			return refuse(request, 400, "content-length is no number");
		head->has_length = true;
		break;
	case 17:
		if (http_same(name.p, name.len, "transfer-encoding"))
			return read_codings(request, head, value);
		break;
	}
	return HTTP_OK;
}

/* The `n` octets at `p` without their line end; that there is no control character among them is known. */
static enum http_result
parse_field(struct http_request *request, struct head *head, const char *p, size_t n)
{
	size_t name = http_span_of(p, n, HTTP_TOKEN);
	struct http_field *field = &request->fields[request->field_count];

	if (name == 0 || name == n || p[name] != ':') {
		if (is_blank(p[0]))
			return refuse(request, 400, "a header line begins with white space");
		if (name > 0 && name < n && is_blank(p[name]))
			return refuse(request, 400, "white space in a header name or before its colon");
		return refuse(request, 400, "a header line without a name and a colon");
	}
	if (request->field_count == HEAD_FIELDS_MAX)
		return refuse(request, 431, "too many header lines");
	field->name = (struct http_span){ p, name };
	field->value = trim(p + name + 1, n - name - 1);
	request->field_count++;
	return read_field(request, head, field);
}

/* RFC 9112 §6.3. */
static enum http_result
decide_body(struct http_request *request, const struct head *head)
{
	request->body = HTTP_BODY_NONE;
	if (head->has_length)
		request->body = HTTP_BODY_LENGTH;
	if (!head->has_codings)
		return HTTP_OK;
	if (head->has_length)
		return refuse(request, 400, "both content-length and transfer-encoding");
	if (request->minor_version == 0)
		return refuse(request, 400, "transfer-encoding from HTTP/1.0");
	if (head->unknown_coding)
		return refuse(request, 501, "an unknown transfer coding");
	if (!head->ends_chunked)
		return refuse(request, 400, "chunked is not the last transfer coding");
	if (head->other_coding)
		return refuse(request, 501, "a transfer coding other than chunked");
	request->body = HTTP_BODY_CHUNKED;
	return HTTP_OK;
}

static enum http_result
decide(struct http_request *request, const struct head *head)
{
	if (head->host == NULL && request->minor_version == 1)
		return refuse(request, 400, "no host");
	if (head->host != NULL && head->authority.p != NULL && !same_span(*head->host, head->authority))
		return refuse(request, 400, "host is not the target's");
	if (decide_body(request, head) != HTTP_OK)
		return HTTP_BAD;
	if (head->expects_other)
		return refuse(request, 417, "only 100-continue can be expected");
	request->close = head->says_close || (request->minor_version == 0 && !head->says_keep_alive);
	request->expect_continue = head->expects_continue && request->minor_version == 1 &&
	    (request->body == HTTP_BODY_CHUNKED || request->content_length > 0);
	return HTTP_OK;
}

/* Whether a word of eight octets has a control character, a tab too. */
static bool
has_control(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
	uint64_t del = w ^ (ones * 0x7f);

	return (((w - ones * 0x20) & ~w) | ((del - ones) & ~del)) & highs;
}

/* From `*i` to the next CRLF, on which `*i` then stands. HTTP_MORE: none before `limit`. */
static enum http_result
find_line_end(struct http_request *request, const char *p, size_t limit, size_t *i)
{
	uint64_t word;

	for (; limit - *i >= sizeof word; *i += sizeof word) {
		memcpy(&word, p + *i, sizeof word);
		if (has_control(word))
			break;
	}
	*i += http_span_of(p + *i, limit - *i, HTTP_TEXT);
	if (*i == limit)
		return HTTP_MORE;
	if (p[*i] == '\n')
		return refuse(request, 400, "a line feed without a carriage return");
	if (p[*i] != '\r')
		return refuse(request, 400, "a control character in the head");
	if (*i + 1 == limit)
		return HTTP_MORE;
	if (p[*i + 1] != '\n')
		return refuse(request, 400, "a carriage return without a line feed");
	return HTTP_OK;
}

static enum http_result
parse_fields(struct http_request *request, struct head *head, const char *p, const char *end)
{
	while (p < end) {
		const char *line_end = memchr(p, '\r', (size_t)(end - p));

		if (parse_field(request, head, p, (size_t)(line_end - p)) != HTTP_OK)
			return HTTP_BAD;
		p = line_end + 2;
	}
	return decide(request, head);
}

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * The octets are checked in their order, the request line as soon as it is whole, the fields once all are there: so
 * the outcome is the same however the input was split, and nothing is read twice that the caller has `seen`, but for a
 * search for the request line's end.
 */
enum http_result
http_request_parse(struct http_request *request, const char *p, size_t n, size_t seen)
{
	struct head head = { .host = NULL };
	size_t start = n >= 2 && memcmp(p, "\r\n", 2) == 0 ? 2 : 0;
	size_t i = seen > start ? smaller(seen, n) : start, limit, fields;
	const char *newline;
	enum http_result result;

	request->field_count = 0;
	request->content_length = 0;
	if (i > start && p[i - 1] == '\r')
		i--;
	newline = i > start ? memchr(p + start, '\n', i - start) : NULL;
	if (newline == NULL) {
		limit = smaller(n, start + REQUEST_LINE_MAX + 2);
		result = find_line_end(request, p, limit, &i);
		if (result == HTTP_MORE && limit == start + REQUEST_LINE_MAX + 2)
			return refuse(request, 414, "the request line is too long");
		if (result == HTTP_OK)
			result = parse_request_line(request, &head, p + start, i - start);
		if (result != HTTP_OK)
			return result;
		i += 2;
		fields = i;
	} else {
		fields = (size_t)(newline + 1 - p);
	}
	limit = smaller(n, HEAD_MAX);
	do {
		result = find_line_end(request, p, limit, &i);
		if (result == HTTP_MORE && limit == HEAD_MAX)
			return refuse(request, 431, "the head is too long");
		if (result != HTTP_OK)
			return result;
		i += 2;
	} while (p[i - 3] != '\n');
	if (newline != NULL)
		parse_request_line(request, &head, p + start, fields - 2 - start);
	request->head_len = i;
	return parse_fields(request, &head, p + fields, p + i - 2);
}

const struct http_span *
http_request_field(const struct http_request *request, const char *name, size_t *count)
{
	const struct http_span *value = NULL;

	*count = 0;
	for (size_t i = 0; i < request->field_count; i++)
		if (http_same(request->fields[i].name.p, request->fields[i].name.len, name)) {
			value = &request->fields[i].value;
			++*count;
		}
	return *count == 1 ? value : NULL;
}
