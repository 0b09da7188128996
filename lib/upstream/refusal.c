/* SPDX-License-Identifier: MIT */
#include "upstream/refusal.h"

#include <string.h>
#include <strings.h>

#include "base/limits.h"

/* Shapes */

/* The members that may mean something, of the object at the top. */
struct top {
	struct json error;
	struct json type;
	struct json object;
	struct json message;
	struct json code;
	struct json detail;
	struct json success;
	struct json base_resp;
};

static const struct {
	const char *name;
	size_t at;
} top_members[] = {
	{ "error", offsetof(struct top, error) },
	{ "errors", offsetof(struct top, error) },
	{ "type", offsetof(struct top, type) },
	{ "error_type", offsetof(struct top, type) },
	{ "object", offsetof(struct top, object) },
	{ "message", offsetof(struct top, message) },
	{ "msg", offsetof(struct top, message) },
	{ "Message", offsetof(struct top, message) },
	{ "code", offsetof(struct top, code) },
	{ "detail", offsetof(struct top, detail) },
	{ "success", offsetof(struct top, success) },
	{ "base_resp", offsetof(struct top, base_resp) },
};

static bool
is_set(struct json value)
{
	return value.len > 0 && !json_is_null(value);
}

/* The first element of an array, empty if it has none; any other value as it is. */
static struct json
first_of(struct json value)
{
	struct json_iter it;
	struct json key, element;

	if (!json_is_array(value))
		return value;
	json_iter_init(&it, value.p, value.len);
	return json_next(&it, &key, &element) == JSON_OK ? element : (struct json){ NULL, 0 };
}

/* Whether the value of a member `error` tells of one: some answers have it empty. */
static bool
tells_error(struct json error)
{
	return is_set(error) && (json_is_object(error) || json_is_true(error) || json_is_number(error) ||
	    (json_is_string(error) && error.len > 2) || (json_is_array(error) && first_of(error).len > 0));
}

/* Of a name that comes twice the first that is set counts. */
static void
read_top(struct top *top, struct json object)
{
	struct json_iter it;
	struct json key, value;

	*top = (struct top){ .error = { NULL, 0 } };
	json_iter_init(&it, object.p, object.len);
	while (json_next(&it, &key, &value) == JSON_OK)
		for (size_t i = 0; i < sizeof top_members / sizeof *top_members; i++) {
			struct json *member = (struct json *)(void *)((char *)top + top_members[i].at);

			if (!is_set(*member) && json_equals(key, top_members[i].name))
				*member = value;
		}
}

static struct json
member(struct json object, const char *name)
{
	struct json value;

	if (json_is_object(object) && json_find(object, name, &value) && is_set(value))
		return value;
	return (struct json){ NULL, 0 };
}

/* FastAPI's `detail`: a text, or an array of objects with `msg`, which repeat the request in other members. */
static struct json
message_of_detail(struct json detail)
{
	struct json first = first_of(detail), message;

	if (!json_is_object(first))
		return json_is_string(first) ? first : (struct json){ NULL, 0 };
	message = member(first, "msg");
	return message.len > 0 ? message : member(first, "message");
}

/* Mistral's `message` may hold FastAPI's `detail`. */
static struct json
string_of_message(struct json message)
{
	return json_is_object(message) ? message_of_detail(member(message, "detail")) : message;
}

static struct json
string_only(struct json value)
{
	return json_is_string(value) ? value : (struct json){ NULL, 0 };
}

static struct json
string_or_number(struct json value)
{
	return json_is_string(value) || json_is_number(value) ? value : (struct json){ NULL, 0 };
}

/* What `error` says: an object, or its message at once. */
static void
read_error(struct refusal *refusal, struct json error, const struct top *top)
{
	error = first_of(error);
	if (!json_is_object(error)) {
		refusal->message = string_only(error).len > 0 ? error : string_only(top->message);
		refusal->type = json_equals(top->type, "error") ? (struct json){ NULL, 0 } : string_only(top->type);
		refusal->code = string_or_number(top->code);
		return;
	}
	refusal->type = string_only(member(error, "type"));
	if (refusal->type.len == 0)
		refusal->type = string_only(member(error, "status"));
	refusal->code = string_or_number(member(error, "code"));
	refusal->message = string_only(string_of_message(member(error, "message")));
	if (refusal->message.len == 0)
		refusal->message = string_only(member(error, "msg"));
	refusal->reason = string_only(member(member(error, "details"), "error_code"));
	refusal->detail = string_only(member(member(error, "metadata"), "raw"));
}

/* An error without a member `error`: Mistral's, Alibaba's, FastAPI's. */
static void
read_flat(struct refusal *refusal, const struct top *top)
{
	refusal->type = json_equals(top->type, "error") ? (struct json){ NULL, 0 } : string_only(top->type);
	refusal->code = string_or_number(top->code);
	refusal->message = string_only(string_of_message(top->message));
	if (refusal->message.len == 0)
		refusal->message = string_only(message_of_detail(top->detail));
}

/* Meaning */

static bool
number_of(struct json value, uint64_t *number)
{
	if (json_is_string(value) && value.len > 2)
		value = (struct json){ value.p + 1, value.len - 2 };
	return json_u64(value, UINT32_MAX, number);
}

static void
take_cause(struct refusal *refusal, struct cause cause)
{
	if (cause.cause != REFUSAL_UNKNOWN)
		refusal->cause = cause.cause;
	if (cause.status != 0)
		refusal->status = cause.status;
}

static void
take_text(struct refusal *refusal, struct json string)
{
	struct buf text = BUF_INIT(string.len + 1);
	enum refusal_cause cause;

	if (json_decode(string, &text) && !text.failed && buf_len(&text) > 0) {
		cause = cause_of_text(buf_data(&text), buf_len(&text), refusal->cause);
		/* Anthropic's whole sentence is `model: NAME`. */
		if (cause == REFUSAL_REQUEST && refusal->status == 404 &&
		    memmem(buf_data(&text), buf_len(&text), "model", 5) != NULL)
			cause = REFUSAL_MODEL;
		if (cause != refusal->cause) {
			refusal->cause = cause;
			refusal->status = cause_status(cause);
		}
	}
	buf_free(&text);
}

/* From what is general to what is exact; the prose fills in what they leave open. */
static void
find_cause(struct refusal *refusal)
{
	uint64_t number;

	take_cause(refusal, cause_of_name(refusal->type));
	if (number_of(refusal->code, &number))
		take_cause(refusal, cause_of_number(number));
	else
		take_cause(refusal, cause_of_name(refusal->code));
	/* Z.ai, in Anthropic's dialect. */
	if (json_is_string(refusal->type) && number_of(refusal->type, &number))
		take_cause(refusal, cause_of_number(number));
	take_cause(refusal, cause_of_name(refusal->reason));
	if (refusal->message.len > 0)
		take_text(refusal, refusal->message);
	if (refusal->detail.len > 0)
		take_text(refusal, refusal->detail);
}

/* MiniMax's own shape, beside or in place of the dialect's. False if it says that all is well. */
static bool
read_base_resp(struct refusal *refusal, struct json base_resp)
{
	struct json code = member(base_resp, "status_code");
	uint64_t number;

	if (!json_is_number(code) || (number_of(code, &number) && number == 0))
		return false;
	refusal->found = true;
	refusal->code = code;
	refusal->message = string_only(member(base_resp, "status_msg"));
	take_cause(refusal, cause_of_minimax(number_of(code, &number) ? number : 1));
	if (refusal->message.len > 0)
		take_text(refusal, refusal->message);
	return true;
}

static bool
is_flat_error(const struct top *top)
{
	return json_equals(top->type, "error") || json_equals(top->object, "error") ||
	    (json_is_bool(top->success) && !json_is_true(top->success) && (is_set(top->code) || is_set(top->message)));
}

/* An object; one that does not say of itself that it is an error is one if `lenient`. */
static void
read_object(struct refusal *refusal, struct json object, bool lenient)
{
	struct top top;

	read_top(&top, object);
	if (tells_error(top.error))
		read_error(refusal, top.error, &top);
	else if (read_base_resp(refusal, top.base_resp))
		return;
	else if (lenient || is_flat_error(&top))
		read_flat(refusal, &top);
	else
		return;
	refusal->found = !lenient || refusal->message.len + refusal->type.len + refusal->code.len > 0;
	find_cause(refusal);
}

void
refusal_read_value(struct refusal *refusal, struct json value)
{
	*refusal = (struct refusal){ .found = false };
	if (json_is_object(value))
		read_object(refusal, value, false);
}

void
refusal_read_event(struct refusal *refusal, const struct event *event)
{
	*refusal = (struct refusal){ .found = false };
	if (json_is_object(event->object))
		read_object(refusal, event->object, event->type == EVENT_ERROR);
	if (event->type == EVENT_ERROR)
		refusal->found = true;
}

/* Bodies */

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
trim(const char **p, size_t *n)
{
	while (*n > 0 && is_space(**p)) {
		++*p;
		--*n;
	}
	while (*n > 0 && is_space((*p)[*n - 1]))
		--*n;
}

/* The title stands near a page's beginning. */
static void
read_page(struct refusal *refusal, const char *p, size_t n)
{
	const char *end = p + (n < 8 * KIB ? n : 8 * KIB), *close;
	static const char tag[] = "<title";

	refusal->cause = REFUSAL_PAGE;
	while (end - p > (ptrdiff_t)sizeof tag && strncasecmp(p, tag, sizeof tag - 1) != 0)
		p++;
	if (end - p <= (ptrdiff_t)sizeof tag || (p = memchr(p, '>', (size_t)(end - p))) == NULL)
		return;
	p++;
	if ((close = memchr(p, '<', (size_t)(end - p))) == NULL)
		return;
	refusal->text = p;
	refusal->text_len = (size_t)(close - p);
	trim(&refusal->text, &refusal->text_len);
}

static size_t
line_length(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] != '\n' && p[i] != '\r')
		i++;
	return i;
}

/* The JSON of the first `data:` of an event stream. */
static bool
find_data(const char *p, size_t n, struct json *value)
{
	while (n > 0) {
		size_t len = line_length(p, n), pos = 5;

		if (len > 5 && memcmp(p, "data:", 5) == 0)
			return json_scan(p, len, &pos, value) == JSON_OK;
		len += len < n;
		p += len;
		n -= len;
	}
	return false;
}

static void
read_text(struct refusal *refusal, const char *p, size_t n)
{
	refusal->text = p;
	refusal->text_len = line_length(p, n);
	trim(&refusal->text, &refusal->text_len);
	refusal->cause = cause_of_text(p, n, REFUSAL_UNKNOWN);
	refusal->status = cause_status(refusal->cause);
}

void
refusal_read(struct refusal *refusal, const char *body, size_t n)
{
	const char *p = body;
	struct json value;
	size_t left = n, pos = 0;

	*refusal = (struct refusal){ .found = false };
	if (left >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		p += 3;
		left -= 3;
	}
	trim(&p, &left);
	if (left == 0)
		return;
	if (*p == '<') {
		read_page(refusal, p, left);
		return;
	}
	if (json_scan(p, left, &pos, &value) != JSON_OK && !find_data(p, left, &value)) {
		read_text(refusal, p, left);
		return;
	}
	/* Google answers with an array of one. */
	if (json_is_object(first_of(value)))
		read_object(refusal, first_of(value), true);
	else if (json_is_string(value) && (refusal->message = value, refusal->found = true))
		find_cause(refusal);
	if (json_is_object(value) && json_whole(body, n, &value) == JSON_OK)
		refusal->object = value;
}

/* What goes to people and clients */

static bool
is_api_type(struct json type)
{
	static const char *const types[] = { "invalid_request_error", "authentication_error", "billing_error",
		"permission_error", "not_found_error", "conflict_error", "request_too_large", "rate_limit_error",
		"api_error", "timeout_error", "overloaded_error" };

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (json_equals(type, types[i]))
			return true;
	return false;
}

/* Once and of the kind asked for: readers differ over a member that comes twice. */
static bool
has_string(struct json object, const char *name, struct json *found)
{
	struct json_iter it;
	struct json key, value;
	unsigned count = 0;

	if (!json_is_object(object))
		return false;
	json_iter_init(&it, object.p, object.len);
	while (json_next(&it, &key, &value) == JSON_OK)
		if (json_equals(key, name)) {
			count++;
			*found = value;
		}
	return count == 1 && json_is_string(*found);
}

static bool
is_string_or_absent(struct json object, const char *name)
{
	struct json value = member(object, name);

	return value.len == 0 || json_is_string(value);
}

/* Where a page in HTML begins in a text: gateways put those of what is behind them into their messages. `n` if it has none. */
static size_t
page_at(const char *p, size_t n)
{
	static const char *const begins[] = { "<html", "<!doctype html" };

	for (size_t at = 0; at < n; at++)
		for (size_t i = 0; p[at] == '<' && i < sizeof begins / sizeof *begins; i++)
			if (n - at >= strlen(begins[i]) && strncasecmp(p + at, begins[i], strlen(begins[i])) == 0)
				return at;
	return n;
}

static bool
has_page(struct json message)
{
	struct buf text = BUF_INIT(SIZE_MAX);
	bool found;

	json_decode(message, &text);
	found = page_at(buf_data(&text), buf_len(&text)) < buf_len(&text);
	buf_free(&text);
	return found;
}

bool
refusal_is_shaped(const struct refusal *refusal, enum dialect dialect)
{
	struct json error = member(refusal->object, "error"), type, message;

	if (!has_string(error, "type", &type) || !has_string(error, "message", &message) || has_page(message))
		return false;
	if (dialect == DIALECT_ANTHROPIC)
		return has_string(refusal->object, "type", &message) && json_equals(message, "error") &&
		    is_api_type(type);
	return is_string_or_absent(error, "param") && is_string_or_absent(error, "code");
}

/* Adds text as one line; a run of what is no text is one space, what is no UTF-8 a question mark. */
static void
put_line(struct buf *out, const char *p, size_t n)
{
	size_t begin = buf_len(out), room = REFUSAL_TEXT_MAX - 3, length;
	bool gap = false;

	for (size_t i = 0; i < n; i += length) {
		unsigned char c = (unsigned char)p[i];

		length = 1;
		if (c <= ' ' || c == 0x7f) {
			gap = buf_len(out) > begin;
			continue;
		}
		length = json_utf8_length((const unsigned char *)p + i, n - i);
		if (gap + (length > 0 ? length : 1) > room) {
			buf_puts(out, "…");
			return;
		}
		if (gap)
			buf_putc(out, ' ');
		buf_put(out, length > 0 ? p + i : "?", length > 0 ? length : 1);
		length += length == 0;
		room -= gap + length;
		gap = false;
	}
}

/* Of a page only its title is for people. */
static void
put_without_page(struct buf *out, const struct buf *text)
{
	const char *p = buf_data(text);
	size_t n = buf_len(text), at = page_at(p, n);
	struct refusal page = { .found = false };
	struct buf line = BUF_INIT(SIZE_MAX);

	if (at == n) {
		put_line(out, p, n);
		return;
	}
	read_page(&page, p + at, n - at);
	buf_put(&line, p, at);
	buf_puts(&line, " an HTML page");
	if (page.text_len > 0) {
		buf_puts(&line, " (");
		buf_put(&line, page.text, page.text_len);
		buf_putc(&line, ')');
	}
	put_line(out, buf_data(&line), buf_len(&line));
	buf_free(&line);
}

bool
refusal_put_text(struct buf *out, const struct refusal *refusal)
{
	const struct json said[] = { refusal->message, refusal->type, refusal->code };
	struct buf text = BUF_INIT(SIZE_MAX);
	size_t before = buf_len(out);

	for (size_t i = 0; i < sizeof said / sizeof *said && buf_len(&text) == 0; i++)
		if (!json_decode(said[i], &text) && json_is_number(said[i]))
			buf_put(&text, said[i].p, said[i].len);
	if (refusal->detail.len > 0) {
		buf_puts(&text, " (");
		json_decode(refusal->detail, &text);
		buf_putc(&text, ')');
	}
	if (!refusal->found && refusal->text != NULL)
		buf_put(&text, refusal->text, refusal->text_len);
	put_without_page(out, &text);
	buf_free(&text);
	return buf_len(out) > before;
}
