/* SPDX-License-Identifier: MIT */
#include "edge/reader.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "record/record.h"

enum {
	HEAD_READ = 16 * 1024,		/* most requests come whole in one read of this */
	BODY_READ = 256 * 1024,
	IN_MAX = HEAD_MAX + PIPELINED_MAX
};

void
reader_init(struct reader *r, size_t max_body)
{
	*r = (struct reader){
		.max_body = max_body,
		.in = BUF_INIT(IN_MAX),
		.record = BUF_INIT(RECORD_HEADER_MAX),
		.body = BUF_INIT(max_body + 1),
	};
}

void
reader_free(struct reader *r)
{
	buf_free(&r->in);
	buf_free(&r->record);
	buf_free(&r->body);
}

void
reader_next(struct reader *r)
{
	struct buf in = r->in;
	struct access *access = r->access;
	size_t max_body = r->max_body;

	buf_free(&r->record);
	buf_free(&r->body);
	reader_init(r, max_body);
	r->access = access;
	r->in = in;
	buf_trim(&r->in, 0);
}

bool
reader_is_idle(const struct reader *r)
{
	return r->state == READER_HEAD && buf_len(&r->in) == 0;
}

struct buf *
reader_room(struct reader *r, size_t *want)
{
	if (r->state == READER_LENGTH) {
		size_t left = (size_t)r->length - buf_len(&r->body);

		*want = left < BODY_READ ? left : BODY_READ;
		return &r->body;
	}
	*want = HEAD_READ;
	return &r->in;
}

static enum reader_state
refuse(struct reader *r, int status, const char *why)
{
	r->state = READER_BAD;
	r->status = status;
	r->why = why;
	return r->state;
}

static bool
same_name(struct http_span a, struct http_span b)
{
	return a.len == b.len && strncasecmp(a.p, b.p, a.len) == 0;
}

/* A name, which is a token and so needs no escape, in lower case. */
static void
put_name(struct buf *out, struct http_span name)
{
	size_t from = buf_len(out);

	buf_putc(out, '"');
	buf_put(out, name.p, name.len);
	for (char *c = buf_data(out) + from; !out->failed && c < buf_data(out) + buf_len(out); c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	buf_puts(out, "\":");
}

/* The value of field `i` and of its repeats behind it, joined (RFC 9110 §5.2). False if memory is short. */
static bool
put_value(struct buf *out, const struct http_request *head, size_t i)
{
	struct buf joined = BUF_INIT(HEAD_MAX * 2);
	const struct http_field *field = &head->fields[i];
	bool failed;

	for (size_t k = i + 1; k < head->field_count; k++) {
		if (!same_name(field->name, head->fields[k].name))
			continue;
		if (buf_len(&joined) == 0)
			buf_put(&joined, field->value.p, field->value.len);
		buf_puts(&joined, ", ");
		buf_put(&joined, head->fields[k].value.p, head->fields[k].value.len);
	}
	if (buf_len(&joined) > 0)
		json_put_octets(out, buf_data(&joined), buf_len(&joined));
	else
		json_put_octets(out, field->value.p, field->value.len);
	failed = joined.failed;
	buf_free(&joined);
	return !failed;
}

static bool
is_repeat(const struct http_request *head, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_name(head->fields[k].name, head->fields[i].name))
			return true;
	return false;
}

/* The request record's header (lb-record.5), up to where the length of the body goes. */
static bool
put_record(struct reader *r, const struct http_request *head, const char *peer, uint64_t at)
{
	struct buf *out = &r->record;
	const char *comma = "";

	record_begin(out, "request", r->id);
	buf_printf(out, ",\"request_id\":\"%s\",\"method\":", r->request_id);
	json_put_octets(out, head->method.p, head->method.len);
	buf_puts(out, ",\"target\":");
	json_put_octets(out, head->target.p, head->target.len);
	buf_printf(out, ",\"version\":\"1.%d\",\"close\":%s,\"headers\":{", head->minor_version,
	    head->close ? "true" : "false");
	for (size_t i = 0; i < head->field_count; i++) {
		if (is_repeat(head, i))
			continue;
		buf_puts(out, comma);
		put_name(out, head->fields[i].name);
		if (!put_value(out, head, i))
			return false;
		comma = ",";
	}
	buf_puts(out, "},\"peer\":");
	json_put_octets(out, peer, strlen(peer));
	buf_puts(out, ",\"at\":");
	buf_put_u64(out, at);
	return !out->failed;
}

static enum dialect
dialect_of(const struct http_request *head)
{
	size_t versions;

	http_request_field(head, "anthropic-version", &versions);
	return dialect_of_request(head->target.p, head->target.len, versions > 0);
}

/* What the access line says of the head. */
static void
note(struct reader *r, const struct http_request *head, const char *peer)
{
	if (r->access != NULL)
		access_request(r->access, r->request_id, peer, head->method, head->target);
}

static enum reader_state
take_head(struct reader *r, const struct http_request *head, const char *peer)
{
	uint64_t at = clock_unix_ms();

	snprintf(r->request_id, sizeof r->request_id, "req_%llx%06x%llx", (unsigned long long)at,
	    (unsigned)getpid() & 0xffffff, (unsigned long long)r->id);
	note(r, head, peer);
	r->dialect = dialect_of(head);
	r->minor_version = head->minor_version;
	r->is_head = head->method.len == 4 && memcmp(head->method.p, "HEAD", 4) == 0;
	r->close = head->close;
	if (head->body == HTTP_BODY_LENGTH && head->content_length > r->max_body)
		return refuse(r, 413, "the request body is larger than this server takes");
	if (!put_record(r, head, peer, at))
		return refuse(r, 431, "the request head is too large");
	r->expects_continue = head->expect_continue && buf_len(&r->in) == head->head_len;
	r->length = head->body == HTTP_BODY_LENGTH ? head->content_length : 0;
	buf_consume(&r->in, head->head_len);
	r->state = head->body == HTTP_BODY_CHUNKED ? READER_CHUNKED : r->length > 0 ? READER_LENGTH : READER_WHOLE;
	return r->state;
}

static enum reader_state
read_head(struct reader *r, uint64_t id, const char *peer)
{
	struct http_request head;

	/* A bad request may have come to its target before it went bad. */
	head.method = head.target = (struct http_span){ NULL, 0 };
	switch (http_request_parse(&head, buf_data(&r->in), buf_len(&r->in), r->seen)) {
	case HTTP_OK:
		r->id = id;
		return take_head(r, &head, peer);
	case HTTP_MORE:
		r->seen = buf_len(&r->in);
		return r->state;
	default:
		if (head.target.p != NULL)
			r->dialect = dialect_of_request(head.target.p, head.target.len, false);
		note(r, &head, peer);
		return refuse(r, head.status, head.why);
	}
}

/* What came with the head is moved into the body; the rest is read straight into it. */
static enum reader_state
read_length(struct reader *r)
{
	size_t left = (size_t)r->length - buf_len(&r->body);
	size_t n = buf_len(&r->in) < left ? buf_len(&r->in) : left;

	buf_put(&r->body, buf_data(&r->in), n);
	buf_consume(&r->in, n);
	if (r->body.failed)
		return refuse(r, 503, "out of memory for the request body");
	if (n == left)
		r->state = READER_WHOLE;
	return r->state;
}

static enum reader_state
read_chunked(struct reader *r)
{
	size_t used, len;
	enum http_result result =
	    http_chunked_decode(&r->chunked, buf_data(&r->in), buf_len(&r->in), &used, &len);

	if (result == HTTP_BAD)
		return refuse(r, 400, r->chunked.why);
	if (r->chunked.total + r->chunked.left > r->max_body)
		return refuse(r, 413, "the request body is larger than this server takes");
	buf_put(&r->body, buf_data(&r->in), len);
	buf_consume(&r->in, used);
	if (r->body.failed)
		return refuse(r, 503, "out of memory for the request body");
	if (result == HTTP_OK)
		r->state = READER_WHOLE;
	return r->state;
}

enum reader_state
reader_advance(struct reader *r, uint64_t id, const char *peer)
{
	if (r->state == READER_HEAD && buf_len(&r->in) > 0)
		read_head(r, id, peer);
	if (r->state == READER_LENGTH)
		read_length(r);
	if (r->state == READER_CHUNKED && buf_len(&r->in) > 0)
		read_chunked(r);
	return r->state;
}
