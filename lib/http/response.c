/* SPDX-License-Identifier: MIT */
#include "http/response.h"

#include <string.h>
#include <time.h>

#include "http/chars.h"

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 100, "Continue" },
	{ 101, "Switching Protocols" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 203, "Non-Authoritative Information" },
	{ 204, "No Content" },
	{ 205, "Reset Content" },
	{ 206, "Partial Content" },
	{ 300, "Multiple Choices" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 305, "Use Proxy" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 402, "Payment Required" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 407, "Proxy Authentication Required" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 426, "Upgrade Required" },
	/* RFC 6585 */
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
	/* Anthropic's own */
	{ 529, "Overloaded" },
};

/* The phrase of a status, or `Unknown`. */
static const char *
reason_of(int status)
{
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

void
http_put_status(struct buf *out, int status)
{
	buf_put(out, "HTTP/1.1 ", 9);
	buf_put_u64(out, (uint64_t)status);
	buf_putc(out, ' ');
	buf_puts(out, reason_of(status));
	buf_put(out, "\r\n", 2);
}

static bool
belongs_to_connection(const char *name, size_t n)
{
	static const char *const names[] = { "connection", "keep-alive", "transfer-encoding", "te", "trailer",
		"upgrade", "proxy-connection" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (http_same(name, n, names[i]))
			return true;
	return false;
}

bool
http_put_field(struct buf *out, const char *name, size_t name_len, const char *value, size_t value_len)
{
	if (name_len == 0 || http_span_of(name, name_len, HTTP_TOKEN) < name_len ||
	    http_span_of(value, value_len, HTTP_TEXT) < value_len || belongs_to_connection(name, name_len))
		return false;
	buf_put(out, name, name_len);
	buf_put(out, ": ", 2);
	buf_put(out, value, value_len);
	buf_put(out, "\r\n", 2);
	return true;
}

/* Not strftime(3): the names are English whatever the locale is (RFC 9110 §5.6.7). */
static void
format_date(struct buf *out, time_t now)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
		"Dec" };
	struct tm t;

	if (gmtime_r(&now, &t) == NULL)
		return;
	buf_printf(out, "date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[t.tm_wday], t.tm_mday, months[t.tm_mon],
	    t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

void
http_put_date(struct buf *out)
{
	static char mem[64];
	static struct buf line = { .mem = mem, .cap = sizeof mem, .max = sizeof mem };
	static time_t made;
	time_t now = time(NULL);

	if (now != made || buf_len(&line) == 0) {
		buf_clear(&line);
		format_date(&line, now);
		made = now;
	}
	buf_put(out, buf_data(&line), buf_len(&line));
}

void
http_put_close(struct buf *out)
{
	buf_puts(out, "connection: close\r\n");
}

void
http_put_chunked(struct buf *out)
{
	buf_puts(out, "transfer-encoding: chunked\r\n");
}

void
http_put_length(struct buf *out, size_t n)
{
	buf_puts(out, "content-length: ");
	buf_put_u64(out, n);
	buf_put(out, "\r\n", 2);
}

void
http_put_head_end(struct buf *out)
{
	buf_put(out, "\r\n", 2);
}

void
http_put_chunk(struct buf *out, const char *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	char line[2 * sizeof n + 2];
	size_t i = sizeof line, left = n;

	if (n == 0)
		return;
	line[--i] = '\n';
	line[--i] = '\r';
	for (; left > 0; left >>= 4)
		line[--i] = hex[left & 15];
	buf_put(out, line + i, sizeof line - i);
	buf_put(out, p, n);
	buf_put(out, "\r\n", 2);
}

void
http_put_last_chunk(struct buf *out)
{
	buf_put(out, "0\r\n\r\n", 5);
}

bool
http_has_no_body(const char *method, size_t n, int status)
{
	bool head = n == 4 && memcmp(method, "HEAD", 4) == 0;

	return head || (status >= 100 && status < 200) || status == 204 || status == 304;
}
