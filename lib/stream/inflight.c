/* SPDX-License-Identifier: MIT */
#include "stream/inflight.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/diag.h"
#include "base/limits.h"
#include "base/num.h"

#define STATUS_MAX 999

struct answer {
	struct deadline deadline;
	struct reframe *reframe;
	uint64_t row;		/* of the health table; 0: none was named */
	int status;		/* the provider's */
};

void
inflight_init(struct inflight *f, int (*put)(const struct record *, bool, void *), void *context)
{
	*f = (struct inflight){ .put = put, .context = context };
	reframe_work_init(&f->work);
}

static int
out_of_memory(void)
{
	diag_error("unable to hold an answer: out of memory");
	return EXIT_SYSTEM;
}

static void
forget(struct inflight *f, struct answer *answer)
{
	if (answer == NULL)
		return;
	deadlines_remove(&f->deadlines, &answer->deadline);
	reframe_free(answer->reframe);
	free(answer);
}

void
inflight_free(struct inflight *f)
{
	struct answer *answer;

	while ((answer = idmap_any(&f->answers)) != NULL)
		forget(f, idmap_remove(&f->answers, reframe_id(answer->reframe)));
	idmap_free(&f->answers);
	deadlines_free(&f->deadlines);
	reframe_work_free(&f->work);
}

/* An answer that is due later than it was is looked at when it would have been: so a record costs no sorting. */
static bool
set_deadline(struct inflight *f, struct answer *answer)
{
	uint64_t due = reframe_due(answer->reframe);

	if (due == REFRAME_NEVER || (answer->deadline.place != 0 && answer->deadline.at <= due))
		return true;
	return deadlines_set(&f->deadlines, &answer->deadline, due);
}

static int
take_open(struct inflight *f, const struct record *record, uint64_t now)
{
	struct answer *answer;

	if (idmap_get(&f->answers, record->id) != NULL) {
		diag_error("unable to take up request %" PRIu64 ": it is open already", record->id);
		return EXIT_BUG;
	}
	if ((answer = calloc(1, sizeof *answer)) == NULL)
		return out_of_memory();
	answer->deadline.owner = answer;
	answer->reframe = reframe_new(record->id, record->header, now);
	if (answer->reframe == NULL || !set_deadline(f, answer) || !idmap_put(&f->answers, record->id, answer)) {
		forget(f, answer);
		return out_of_memory();
	}
	return f->put(record, true, f->context);
}

/* The provider's own head: lb-sse's may have gone out before, or come of another one. */
static void
keep_row(struct answer *answer, struct json head)
{
	struct json value;
	uint64_t status = 0;

	if (!json_find(head, "row", &value) || !json_is_string(value) || value.len != 18 ||
	    !num_parse_hex(value.p + 1, 16, UINT64_MAX, &answer->row))
		return;
	if (json_find(head, "status", &value) && json_u64(value, STATUS_MAX, &status))
		answer->status = (int)status;
}

static void
tell_end(struct inflight *f, struct answer *answer, struct json end)
{
	if (answer->row != 0 && f->ended != NULL)
		f->ended(answer->row, answer->status, end, f->context);
}

/* Hands out what goes on. */
static int
put_output(struct inflight *f, struct answer *answer, const struct reframe_output *out)
{
	uint64_t id = reframe_id(answer->reframe);
	struct record head = { .type = RECORD_HEAD, .id = id, .header = out->head };
	struct record data = { .type = RECORD_DATA, .id = id, .payload = out->data.p, .payload_len = out->data.len,
		.has_payload = true };
	struct record end = { .type = RECORD_END, .id = id, .header = out->end };
	int code = EXIT_DONE;

	if (out->end.len > 0)
		tell_end(f, answer, out->end);
	if (out->head.len > 0)
		code = f->put(&head, false, f->context);
	if (code == EXIT_DONE && out->data.len > 0)
		code = f->put(&data, false, f->context);
	if (code == EXIT_DONE && out->end.len > 0)
		code = f->put(&end, false, f->context);
	return code;
}

static int
take_answer(struct inflight *f, const struct record *record, struct answer *answer, uint64_t now)
{
	struct reframe_output out;
	int code;

	if (record->type == RECORD_HEAD)
		keep_row(answer, record->header);
	if (!reframe_take(answer->reframe, record, now, &f->work, &out) || !set_deadline(f, answer))
		return out_of_memory();
	if (out.unchanged && record->type == RECORD_END)
		tell_end(f, answer, record->header);
	code = out.unchanged ? f->put(record, true, f->context) : put_output(f, answer, &out);
	if (record->type == RECORD_END)
		forget(f, idmap_remove(&f->answers, record->id));
	return code;
}

int
inflight_take(struct inflight *f, const struct record *record, uint64_t now)
{
	struct answer *answer;

	if (record->type == RECORD_OPEN)
		return take_open(f, record, now);
	if (record->type != RECORD_HEAD && record->type != RECORD_DATA && record->type != RECORD_END)
		return f->put(record, true, f->context);
	answer = idmap_get(&f->answers, record->id);
	return answer != NULL ? take_answer(f, record, answer, now) : f->put(record, true, f->context);
}

int
inflight_wake(struct inflight *f, uint64_t now, uint64_t *next)
{
	struct deadline *first;
	int code = EXIT_DONE;

	while (code == EXIT_DONE && (first = deadlines_first(&f->deadlines)) != NULL && first->at <= now) {
		struct answer *answer = first->owner;
		struct reframe_output out;

		deadlines_remove(&f->deadlines, first);
		if (!reframe_wake(answer->reframe, now, &f->work, &out) || !set_deadline(f, answer))
			return out_of_memory();
		code = put_output(f, answer, &out);
	}
	first = deadlines_first(&f->deadlines);
	*next = first != NULL ? first->at : REFRAME_NEVER;
	return code;
}

int
inflight_end(struct inflight *f, uint64_t now)
{
	struct buf header = BUF_INIT(RECORD_HEADER_MAX);
	struct answer *answer;
	int code = EXIT_DONE;

	while (code == EXIT_DONE && (answer = idmap_any(&f->answers)) != NULL) {
		struct record end = { .type = RECORD_END, .id = reframe_id(answer->reframe) };

		/* It was lb that ended, maybe since its client left: the provider is not to blame. */
		answer->row = 0;
		buf_clear(&header);
		record_begin(&header, "end", end.id);
		buf_puts(&header, ",\"result\":\"truncated\",\"error\":\"lb-fetch ended before the answer did\"}");
		end.header = (struct json){ buf_data(&header), buf_len(&header) };
		code = take_answer(f, &end, answer, now);
	}
	buf_free(&header);
	return code;
}
