/* SPDX-License-Identifier: MIT */
#include "edge/single.h"

#include <sys/socket.h>

#include "base/limits.h"

void
single_init(struct single *s)
{
	*s = (struct single){
		.answer = { .minor_version = 1, .close = true },
		.dialect = DIALECT_ANTHROPIC,
		.text = BUF_INIT(STREAM_NAME_MAX),
	};
}

void
single_free(struct single *s)
{
	buf_free(&s->text);
}

static void
take_open(struct single *s, struct json open)
{
	struct json value;

	s->answer.is_head = json_find(open, "method", &value) && json_equals(value, "HEAD");
	s->answer.minor_version = json_find(open, "version", &value) && json_equals(value, "1.0") ? 0 : 1;
	if (json_find(open, "dialect", &value))
		dialect_parse(value, &s->dialect);
	buf_clear(&s->text);
	if (json_find(open, "request_id", &value) && json_decode(value, &s->text))
		s->request_id = buf_str(&s->text);
}

static void
take_end(struct single *s, const struct record *end, struct buf *out)
{
	bool answered = s->answer.began;

	s->end = answer_end(&s->answer, end, s->dialect, s->request_id, out);
	s->whole = answered && (s->end == ANSWER_KEEP || s->end == ANSWER_CLOSE);
	s->ended = true;
}

bool
single_take(struct single *s, const struct record *record, struct buf *out)
{
	if (s->ended)
		return true;
	switch (record->type) {
	case RECORD_OPEN:
		if (!s->answer.began)
			take_open(s, record->header);
		return true;
	case RECORD_HEAD:
		return answer_head(&s->answer, record, out);
	case RECORD_DATA:
		answer_data(&s->answer, record->payload, record->payload_len, out);
		return true;
	case RECORD_END:
		take_end(s, record, out);
		return true;
	default:
		return true;
	}
}

void
single_finish(struct single *s, struct buf *out)
{
	if (s->ended)
		return;
	s->end = ANSWER_BROKEN;
	if (!s->answer.began)
		s->end = answer_fail(&s->answer, 502, "lb ended before it had an answer", s->dialect, s->request_id, out);
	s->ended = true;
}

void
single_close(const struct single *s, int fd)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	if (s->end == ANSWER_RESET)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	else
		(void)shutdown(fd, SHUT_WR);
}
