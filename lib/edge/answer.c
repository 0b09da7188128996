/* SPDX-License-Identifier: MIT */
#include "edge/answer.h"

#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/num.h"
#include "http/response.h"

/* Beyond what any count of an honest body reaches; marks one that went beyond its length. */
#define OVERRUN UINT64_MAX

/* Some servers answer with statuses that nobody has registered; three digits is all that the grammar asks for. */
#define STATUS_MAX 999

static bool
name_is(const char *name, size_t n, const char *is)
{
	return n == strlen(is) && strncasecmp(name, is, n) == 0;
}

/* A field of the head record: passed on, unless it is for the edge to say. */
static void
put_header(struct answer *a, const char *name, size_t name_len, const char *value, size_t value_len, bool *has_date,
    struct buf *out)
{
	if (name_is(name, name_len, "content-length")) {
		uint64_t length;

		/* One that is no number, or a second, would only mislead the client. */
		if (!num_parse(value, value_len, OVERRUN - 1, &length) || a->framing == ANSWER_LENGTH)
			return;
		if (a->framing != ANSWER_NO_BODY) {
			a->framing = ANSWER_LENGTH;
			a->left = length;
		} else if (!a->is_head) {
			return;
		}
	}
	if (name_is(name, name_len, "date"))
		*has_date = true;
	if (name_is(name, name_len, "content-type"))
		a->is_event_stream = value_len >= 17 && strncasecmp(value, "text/event-stream", 17) == 0;
	http_put_field(out, name, name_len, value, value_len);
}

static bool
put_headers(struct answer *a, struct json headers, bool *has_date, struct buf *out)
{
	struct buf text = BUF_INIT(RECORD_HEADER_MAX);
	struct json_iter it;
	struct json key, value;
	bool good = json_iter_init(&it, headers.p, headers.len) && it.in_object;

	while (good && json_next(&it, &key, &value) == JSON_OK) {
		size_t name_len;

		buf_clear(&text);
		good = json_decode_octets(key, &text);
		name_len = buf_len(&text);
		good = good && json_decode_octets(value, &text) && !text.failed;
		if (good)
			put_header(a, buf_data(&text), name_len, buf_data(&text) + name_len, buf_len(&text) - name_len,
			    has_date, out);
	}
	buf_free(&text);
	return good && !out->failed;
}

bool
answer_head(struct answer *a, const struct record *head, struct buf *out)
{
	struct buf fields = BUF_INIT(2 * RECORD_HEADER_MAX);
	struct json status, headers;
	uint64_t number;
	bool has_date = false;

	if (a->began || !json_find(head->header, "status", &status) || !json_u64(status, STATUS_MAX, &number) ||
	    number < 200 || !json_find(head->header, "headers", &headers))
		return false;
	a->status = (int)number;
	a->framing = http_has_no_body(a->is_head ? "HEAD" : "", a->is_head ? 4 : 0, a->status) ? ANSWER_NO_BODY
	    : a->minor_version == 0                                                             ? ANSWER_UNTIL_CLOSE
	                                                                                        : ANSWER_CHUNKED;
	/* Nothing goes out of a head that turns out to be none. */
	if (!put_headers(a, headers, &has_date, &fields)) {
		buf_free(&fields);
		return false;
	}
	a->began = true;
	http_put_status(out, a->status);
	buf_put(out, buf_data(&fields), buf_len(&fields));
	buf_free(&fields);
	if (!has_date)
		http_put_date(out);
	if (a->framing == ANSWER_CHUNKED)
		http_put_chunked(out);
	if (a->framing == ANSWER_UNTIL_CLOSE)
		a->close = true;
	if (a->close)
		http_put_close(out);
	else if (a->minor_version == 0)
		buf_puts(out, "connection: keep-alive\r\n");
	http_put_head_end(out);
	return true;
}

void
answer_data(struct answer *a, const char *p, size_t n, struct buf *out)
{
	switch (a->framing) {
	case ANSWER_NO_BODY:
		break;
	case ANSWER_CHUNKED:
		http_put_chunk(out, p, n);
		break;
	case ANSWER_UNTIL_CLOSE:
		buf_put(out, p, n);
		break;
	case ANSWER_LENGTH:
		if (a->left == OVERRUN)
			break;
		buf_put(out, p, n < a->left ? n : (size_t)a->left);
		a->left = n <= a->left ? a->left - n : OVERRUN;
		break;
	}
}

/* What becomes of the connection when the body ends as it stands now. */
static enum answer_end
finish(struct answer *a, bool whole, struct buf *out)
{
	if (a->framing == ANSWER_LENGTH && a->left != 0)
		whole = false;
	if (!whole && a->framing != ANSWER_NO_BODY)
		return a->framing == ANSWER_UNTIL_CLOSE ? ANSWER_RESET : ANSWER_BROKEN;
	if (a->framing == ANSWER_CHUNKED)
		http_put_last_chunk(out);
	return a->close ? ANSWER_CLOSE : ANSWER_KEEP;
}

enum answer_end
answer_end(struct answer *a, const struct record *end, enum dialect dialect, const char *request_id, struct buf *out)
{
	struct json reset;

	if (json_find(end->header, "reset", &reset) && json_is_true(reset))
		return ANSWER_RESET;
	if (!a->began)
		return answer_fail(a, 502, "the answer ended before it began", dialect, request_id, out);
	return finish(a, record_end_is_whole(a->status, record_end_of(end)), out);
}

enum answer_end
answer_fail(struct answer *a, int status, const char *message, enum dialect dialect, const char *request_id,
    struct buf *out)
{
	struct buf body = BUF_INIT(64 * KIB);

	if (a->began) {
		if (!a->is_event_stream)
			return finish(a, false, out);
		dialect_put_error_event(&body, dialect, status, message, request_id);
		answer_data(a, buf_data(&body), buf_len(&body), out);
		buf_free(&body);
		return finish(a, false, out);
	}
	a->began = true;
	a->status = status;
	a->close = true;
	dialect_put_error(&body, dialect, status, message, request_id);
	http_put_status(out, status);
	buf_puts(out, "content-type: application/json\r\n");
	http_put_length(out, buf_len(&body));
	http_put_date(out);
	http_put_close(out);
	http_put_head_end(out);
	if (!a->is_head)
		buf_put(out, buf_data(&body), buf_len(&body));
	buf_free(&body);
	return ANSWER_CLOSE;
}
