/* SPDX-License-Identifier: MIT */
#include "stream/reframe.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/dialect.h"
#include "base/limits.h"

struct reframe {
	uint64_t id;
	enum dialect dialect;
	bool known;			/* `open` told a dialect */
	bool stream;			/* what the client asked for */
	struct buf request_id;
	struct buf provider_buf;
	const char *provider;		/* its name, once known */
	struct anthropic *anthropic;	/* the stream, once it is one to be reframed */
};

struct reframe *
reframe_new(uint64_t id, struct json open)
{
	struct reframe *r = calloc(1, sizeof *r);
	struct json value;

	if (r == NULL)
		return NULL;
	r->id = id;
	r->known = json_find(open, "dialect", &value) && dialect_parse(value, &r->dialect);
	r->stream = json_find(open, "stream", &value) && json_is_true(value);
	buf_init(&r->request_id, STREAM_NAME_MAX);
	buf_init(&r->provider_buf, STREAM_NAME_MAX);
	if (r->stream && json_find(open, "request_id", &value))
		json_decode(value, &r->request_id);
	return r;
}

void
reframe_free(struct reframe *r)
{
	if (r == NULL)
		return;
	anthropic_free(r->anthropic);
	buf_free(&r->request_id);
	buf_free(&r->provider_buf);
	free(r);
}

uint64_t
reframe_id(const struct reframe *r)
{
	return r->id;
}

/* Whether a field's value is a media type (RFC 9110 §8.3.1), whatever its parameters. */
static bool
is_media_type(struct json value, const char *type)
{
	struct buf text = BUF_INIT(HEAD_MAX);
	const char *p = json_decode_octets(value, &text) ? buf_str(&text) : NULL;
	size_t n = strlen(type);
	bool is = p != NULL && strncasecmp(p, type, n) == 0 && strchr("; \t", p[n]) != NULL;

	buf_free(&text);
	return is;
}

/* Whether a head, from a provider, is that of an event stream. */
static bool
is_event_stream(struct json head)
{
	struct json value, type;

	return json_find(head, "provider", &value) && json_find(head, "status", &value) && value.len == 3 &&
	    memcmp(value.p, "200", 3) == 0 && json_find(head, "headers", &value) &&
	    json_find(value, "content-type", &type) && is_media_type(type, "text/event-stream");
}

static void
put_member(struct buf *out, struct json key, struct json value)
{
	buf_put(out, key.p, key.len);
	buf_putc(out, ':');
	buf_put(out, value.p, value.len);
	buf_putc(out, ',');
}

/* Closes an object of which each member was written with a comma behind it. */
static void
close_object(struct buf *out)
{
	if (buf_len(out) > 0 && buf_data(out)[buf_len(out) - 1] == ',')
		out->end--;
	buf_putc(out, '}');
}

/* The fields of a stream. A length no longer holds once framing is mended, and no cache may keep a stream. */
static void
put_fields(struct buf *out, struct json fields, bool reframed)
{
	struct json_iter it;
	struct json key, value;

	buf_puts(out, reframed ? "{\"content-type\":\"text/event-stream\"," : "{");
	json_iter_init(&it, fields.p, fields.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		if (json_equals(key, "cache-control") ||
		    (reframed && (json_equals(key, "content-type") || json_equals(key, "content-length"))))
			continue;
		put_member(out, key, value);
	}
	buf_puts(out, "\"cache-control\":\"no-cache\"}");
}

/* Begins the stream of the provider that the head names. */
static bool
begin_stream(struct reframe *r, struct json head)
{
	struct anthropic_origin origin = { .provider = NULL };
	struct json name;

	if (json_find(head, "provider", &name) && json_decode(name, &r->provider_buf))
		r->provider = buf_str(&r->provider_buf);
	if (r->provider == NULL || *r->provider == '\0')
		r->provider = "the provider";
	origin.provider = r->provider;
	origin.request_id = buf_len(&r->request_id) > 0 ? buf_str(&r->request_id) : NULL;
	r->anthropic = anthropic_new(&origin);
	return r->anthropic != NULL;
}

enum reframe_result
reframe_head(struct reframe *r, struct json head, struct buf *header)
{
	bool reframed = r->dialect == DIALECT_ANTHROPIC;
	struct json_iter it;
	struct json key, value;

	if (!r->known || !r->stream || r->anthropic != NULL || !is_event_stream(head))
		return REFRAME_UNCHANGED;
	if (reframed && !begin_stream(r, head))
		return REFRAME_FAILED;
	buf_putc(header, '{');
	json_iter_init(&it, head.p, head.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		if (!json_equals(key, "headers")) {
			put_member(header, key, value);
			continue;
		}
		buf_puts(header, "\"headers\":");
		put_fields(header, value, reframed);
		buf_putc(header, ',');
	}
	close_object(header);
	return REFRAME_CHANGED;
}

enum reframe_result
reframe_data(struct reframe *r, const char *p, size_t n, struct anthropic_work *work, struct anthropic_output *out)
{
	if (r->anthropic == NULL)
		return REFRAME_UNCHANGED;
	if (!anthropic_feed(r->anthropic, p, n, work, out))
		return REFRAME_FAILED;
	return out->p == p && out->len == n ? REFRAME_UNCHANGED : REFRAME_CHANGED;
}

static void
put_repairs(struct buf *out, const struct anthropic *a)
{
	bool any = false;

	for (int i = 0; i < REPAIR_COUNT; i++) {
		uint32_t n = anthropic_repairs(a, (enum anthropic_repair)i);

		if (n == 0)
			continue;
		buf_puts(out, any ? "" : "\"repairs\":{");
		buf_printf(out, "\"%s\":%u,", anthropic_repair_name((enum anthropic_repair)i), (unsigned)n);
		any = true;
	}
	if (any) {
		close_object(out);
		buf_putc(out, ',');
	}
}

static void
put_text_member(struct buf *out, const char *name, const char *text)
{
	if (text == NULL)
		return;
	buf_printf(out, "\"%s\":", name);
	json_put_string(out, text, strlen(text));
	buf_putc(out, ',');
}

/* The header of an `end` with the stream's own result, error (NULL if there is none) and repairs. */
static void
put_end(struct buf *out, struct json end, const char *result, const char *error, const struct anthropic *a)
{
	struct json_iter it;
	struct json key, value;

	buf_putc(out, '{');
	json_iter_init(&it, end.p, end.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		if (json_equals(key, "result") || json_equals(key, "error"))
			continue;
		put_member(out, key, value);
		if (!json_equals(key, "id"))
			continue;
		put_text_member(out, "result", result);
		put_text_member(out, "error", error);
	}
	put_repairs(out, a);
	close_object(out);
}

/* The name of a broken stream's result: lb-fetch's, or `truncated` if that saw nothing wrong or said nothing known. */
static const char *
broken_result(struct json result)
{
	static const char *const names[] = { "upstream-error", "timeout", "cancelled" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_equals(result, names[i]))
			return names[i];
	return "truncated";
}

/* What happened to a stream that did not end as it should, in the words of lb-fetch's `end`. */
static void
put_reason(struct buf *out, const struct reframe *r, struct json end)
{
	struct json value;

	if (json_find(end, "error", &value) && json_is_string(value) && value.len > 2) {
		json_decode(value, out);
		return;
	}
	buf_puts(out, r->provider);
	buf_puts(out, " broke its answer off");
}

enum reframe_result
reframe_end(struct reframe *r, struct json end, struct anthropic_work *work, struct anthropic_output *out,
    struct buf *header)
{
	struct anthropic *a = r->anthropic;
	struct buf reason = BUF_INIT(RECORD_HEADER_MAX);
	struct json fetched = { NULL, 0 };
	const char *result, *text;
	bool clean, done;

	*out = (struct anthropic_output){ NULL, 0 };
	if (a == NULL)
		return REFRAME_UNCHANGED;
	clean = json_find(end, "result", &fetched) && json_equals(fetched, "complete");
	put_reason(&reason, r, end);
	text = buf_str(&reason);
	done = text != NULL && anthropic_end(a, clean, json_equals(fetched, "timeout") ? 504 : 502, text, work, out);
	buf_free(&reason);
	if (!done)
		return REFRAME_FAILED;
	/* What the client got decides; how the connection ended matters only to a stream that it broke off. */
	if (anthropic_state(a) == ANTHROPIC_STOPPED)
		result = "complete";
	else
		result = anthropic_state(a) == ANTHROPIC_FAILED ? "upstream-error" : broken_result(fetched);
	put_end(header, end, result, anthropic_error(a), a);
	return header->failed ? REFRAME_FAILED : REFRAME_CHANGED;
}
