/* SPDX-License-Identifier: MIT */
#include "stream/contract.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "stream/anthropic.h"
#include "stream/members.h"

void
contract_init(struct contract *c, const struct anthropic_origin *origin, struct repairs *repairs)
{
	*c = (struct contract){ .origin = origin, .repairs = repairs };
	buf_init(&c->name, STREAM_NAME_MAX);
	buf_init(&c->start_input, SSE_EVENT_MAX);
	buf_init(&c->held.json, SIZE_MAX);
}

void
contract_free(struct contract *c)
{
	buf_free(&c->name);
	buf_free(&c->start_input);
	buf_free(&c->held.json);
}

static enum contract_verdict
fail(struct contract_step *step, const char *deed)
{
	buf_puts(step->why, "sent ");
	buf_puts(step->why, deed);
	return CONTRACT_FAIL;
}

/* Adds ` NAME` of the tool call that is open, if it is known to be one. */
static void
put_name(const struct contract *c, struct buf *out)
{
	if (buf_len(&c->name) == 0)
		return;
	buf_putc(out, ' ');
	buf_put(out, buf_data(&c->name), buf_len(&c->name));
}

/* A tool call was cut. A client told so by its own limits has to change these: asking again would end as this did. */
static enum contract_verdict
fail_cut(const struct contract *c, struct json stop_reason, struct contract_step *step)
{
	bool tokens = json_is_string(stop_reason) && json_equals(stop_reason, "max_tokens");
	bool window = json_is_string(stop_reason) && json_equals(stop_reason, "model_context_window_exceeded");

	step->cut = true;
	if (tokens || window)
		step->status = 400;
	buf_puts(step->why, tokens ? "reached max_tokens" : window ? "reached the end of the model's context window" :
	    "ended its answer");
	buf_puts(step->why, " within the input of tool call");
	put_name(c, step->why);
	buf_puts(step->why, tokens ? ": raise max_tokens" : "");
	return CONTRACT_FAIL;
}

static const struct json no_reason = { NULL, 0 };

/* Whether the open block may have input: one of an unknown type too, since its deltas say by themselves what they bring. */
static bool
takes_input(const struct contract *c)
{
	return block_has_input(c->open) || c->open == BLOCK_OTHER;
}

/* Whether the open block, if there is one, could end here: only the input of a tool call could not. */
static bool
may_close(const struct contract *c)
{
	return !takes_input(c) || toolinput_extent(&c->input) != TOOLINPUT_CUT;
}

static void
put_made(struct buf *out, const char *type, uint64_t index, const char *rest)
{
	buf_puts(out, "event: ");
	buf_puts(out, type);
	buf_puts(out, "\ndata: {\"type\":\"");
	buf_puts(out, type);
	buf_puts(out, "\",\"index\":");
	buf_put_u64(out, index);
	buf_puts(out, rest);
}

/* What goes before the stop of the open block: a tool call's input, if only its start had it, or nobody. */
static void
put_input(struct contract *c, struct contract_step *step)
{
	enum toolinput_extent extent = toolinput_extent(&c->input);
	const char *p = buf_data(&c->start_input);
	size_t n = buf_len(&c->start_input);

	if (!takes_input(c) || extent == TOOLINPUT_WHOLE || (extent == TOOLINPUT_NONE && n == 0))
		return;
	/* White space is no JSON, as an octet less would have been. */
	repairs_add(c->repairs, REPAIR_INPUT, n == 0);
	put_made(step->made, "content_block_delta", c->blocks - 1, ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":");
	json_put_string(step->made, n > 0 ? p : "{}", n > 0 ? n : 2);
	buf_puts(step->made, "}}\n\n");
}

static void
close_block(struct contract *c)
{
	c->open = BLOCK_NONE;
	c->has_index = false;
	buf_clear(&c->start_input);
	buf_trim(&c->start_input, SSE_PARTIAL_KEEP);
}

/* Closes the open block, if there is one, in place of the provider. */
static void
end_block(struct contract *c, struct contract_step *step)
{
	if (c->open == BLOCK_NONE)
		return;
	put_input(c, step);
	put_made(step->made, "content_block_stop", c->blocks - 1, "}\n\n");
	repairs_add(c->repairs, REPAIR_BLOCK_STOP, true);
	close_block(c);
}

/* Makes a message_start, if none has come before something that must follow it. */
static void
begin_message(struct contract *c, struct contract_step *step)
{
	if (c->started)
		return;
	message_start_put(step->made, c->origin, &c->usage);
	repairs_add(c->repairs, REPAIR_START, true);
	c->started = true;
}

static void
see_index(struct contract *c, uint64_t index)
{
	c->has_index = true;
	c->index = index;
	if (index >= c->unseen)
		c->unseen = index + 1;
}

static void
open_block(struct contract *c, enum block_kind kind)
{
	c->open = c->latest = kind;
	c->blocks++;
	toolinput_begin(&c->input);
	buf_clear(&c->name);
}

/* Whether an event of a block is one of the open block: by the provider's own index, if it gave both one. */
static bool
is_of_open(const struct contract *c, bool given, uint64_t index)
{
	return c->open != BLOCK_NONE && !c->withheld && (!given || !c->has_index || index == c->index);
}

/* Passes an event of the open block with the right index. */
static enum contract_verdict
pass_in_block(struct contract *c, const struct event *event, struct json block, struct contract_step *step)
{
	struct member_edit edits[2];
	char number[24];
	uint64_t index;
	size_t n = 0;

	repairs_add(c->repairs, REPAIR_LATE_CONTENT, buf_len(&c->held.json) > 0);
	if (block.len > 0)
		edits[n++] = (struct member_edit){ "content_block", block };
	if (!json_u64(event->index, UINT64_MAX, &index) || index != c->blocks - 1) {
		int len = snprintf(number, sizeof number, "%" PRIu64, c->blocks - 1);

		edits[n++] = (struct member_edit){ "index", { number, (size_t)len } };
		repairs_add(c->repairs, REPAIR_INDEX, true);
	}
	if (n > 0)
		members_put(step->json, event->object, edits, n);
	return CONTRACT_PASS;
}

/* Keeps a tool call's name, for messages: of one that no tool can have the beginning, as it stands. */
static void
keep_name(struct contract *c, struct json name)
{
	json_decode(name, &c->name);
	if (!c->name.failed)
		return;
	buf_clear(&c->name);
	buf_put(&c->name, name.p + 1, name.len - 2 < STREAM_NAME_MAX ? name.len - 2 : STREAM_NAME_MAX);
}

static void
put_text(struct contract *c, const char *delta, struct json text, struct contract_step *step)
{
	if (text.len == 0)
		return;
	put_made(step->made, "content_block_delta", c->blocks - 1, ",\"delta\":{\"type\":\"");
	buf_puts(step->made, delta);
	buf_put(step->made, text.p, text.len);
	buf_puts(step->made, "}}\n\n");
}

/* The text that a block began with follows its start as deltas: clients read it only there. */
static enum contract_verdict
put_start_text(struct contract *c, const struct event *event, const struct block *block, struct contract_step *step)
{
	if (block->text.len == 0 && block->signature.len == 0)
		return CONTRACT_PASS;
	event_put(step->made, event, (struct json){ buf_data(step->json), buf_len(step->json) });
	put_text(c, block->kind == BLOCK_TEXT ? "text_delta\",\"text\":" : "thinking_delta\",\"thinking\":", block->text, step);
	put_text(c, "signature_delta\",\"signature\":", block->signature, step);
	return CONTRACT_HOLD;
}

static enum contract_verdict
take_block_start(struct contract *c, const struct event *event, struct contract_step *step)
{
	struct buf mended = BUF_INIT(SIZE_MAX);
	enum contract_verdict verdict;
	struct block block;
	const char *wrong = block_read(&block, event->block);
	uint64_t index;

	if (!may_close(c))
		return fail_cut(c, no_reason, step);
	if (wrong != NULL)
		return fail(step, wrong);
	begin_message(c, step);
	end_block(c, step);
	open_block(c, block.kind);
	if (usage_count(event->index, &index))
		see_index(c, index);
	if (block_has_input(block.kind)) {
		keep_name(c, block.name);
		buf_put(&c->start_input, block.input.p, block.input.len);
		step->json->failed |= c->start_input.failed;
	}
	block_mend(&block, c->blocks - 1, c->origin->request_id, c->repairs, &mended);
	step->json->failed |= mended.failed;
	pass_in_block(c, event, (struct json){ buf_data(&mended), buf_len(&mended) }, step);
	verdict = put_start_text(c, event, &block, step);
	buf_free(&mended);
	return verdict;
}

/* Begins the block that a delta belongs to, if its start is missing and can be made. NULL, or what the delta is. */
static const char *
begin_for_delta(struct contract *c, const struct delta *delta, bool given, uint64_t index, struct contract_step *step)
{
	if (given && index < c->unseen)
		return "a delta for a block that is not open";
	if (delta->block != BLOCK_TEXT && delta->block != BLOCK_THINKING)
		return "a delta for a block that has not begun";
	begin_message(c, step);
	end_block(c, step);
	open_block(c, delta->block);
	put_made(step->made, "content_block_start", c->blocks - 1, delta->block == BLOCK_TEXT ?
	    ",\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n" :
	    ",\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n");
	repairs_add(c->repairs, REPAIR_BLOCK_START, true);
	return NULL;
}

/* Whether a delta may stand in the open block. */
static bool
fits(const struct contract *c, const struct delta *delta)
{
	return delta->block == c->open || delta->block == BLOCK_OTHER || c->open == BLOCK_OTHER ||
	    (delta->block == BLOCK_TOOL && c->open == BLOCK_SERVER_TOOL);
}

static enum contract_verdict
take_input(struct contract *c, struct json text, struct contract_step *step)
{
	if (toolinput_take(&c->input, text))
		return CONTRACT_PASS;
	buf_puts(step->why, "sent input that is no JSON object for tool call");
	put_name(c, step->why);
	return CONTRACT_FAIL;
}

static enum contract_verdict
take_delta(struct contract *c, const struct event *event, struct contract_step *step)
{
	struct delta delta;
	const char *wrong = NULL;
	uint64_t index;
	bool given = usage_count(event->index, &index);

	if (event->delta.len == 0 || json_is_null(event->delta) ||
	    ((wrong = delta_read(&delta, event->delta)) == NULL && delta.known && delta.payload.len == 0)) {
		repairs_add(c->repairs, REPAIR_EMPTY_DELTA, true);
		return CONTRACT_DROP;
	}
	if (wrong != NULL)
		return fail(step, wrong);
	if (!is_of_open(c, given, index)) {
		if (!may_close(c))
			return fail_cut(c, no_reason, step);
		if ((wrong = begin_for_delta(c, &delta, given, index, step)) != NULL)
			return fail(step, wrong);
	}
	if (given && !c->has_index)
		see_index(c, index);
	if (!fits(c, &delta))
		return fail(step, "a delta in a block of another type");
	if (takes_input(c) && delta.block == BLOCK_TOOL && take_input(c, delta.payload, step) == CONTRACT_FAIL)
		return CONTRACT_FAIL;
	return pass_in_block(c, event, no_reason, step);
}

static enum contract_verdict
take_block_stop(struct contract *c, const struct event *event, struct contract_step *step)
{
	enum contract_verdict verdict;
	uint64_t index;
	bool given = usage_count(event->index, &index);

	if (!is_of_open(c, given, index)) {
		repairs_add(c->repairs, REPAIR_LATE_STOP, true);
		return CONTRACT_DROP;
	}
	if (!may_close(c)) {
		c->withheld = true;
		return CONTRACT_DROP;
	}
	if (given && !c->has_index)
		see_index(c, index);
	put_input(c, step);
	verdict = pass_in_block(c, event, no_reason, step);
	close_block(c);
	return verdict;
}

static enum contract_verdict
take_message_start(struct contract *c, const struct event *event, struct contract_step *step)
{
	const char *wrong;

	if (c->started)
		return fail(step, "a second message_start");
	wrong = message_start_mend(event, c->origin, &c->usage, c->repairs, step->json);
	if (wrong != NULL)
		return fail(step, wrong);
	c->started = true;
	return CONTRACT_PASS;
}

static enum contract_verdict
take_message_delta(struct contract *c, const struct event *event, struct contract_step *step)
{
	const char *wrong;

	/* What was used was used, whatever becomes of the message. */
	usage_add(&c->usage, event->usage);
	if (!may_close(c))
		return fail_cut(c, message_delta_reason(event), step);
	wrong = message_delta_take(&c->held, event, c->repairs);
	if (wrong != NULL)
		return fail(step, wrong);
	begin_message(c, step);
	end_block(c, step);
	step->json->failed |= c->held.json.failed;
	return CONTRACT_HOLD;
}

/* Adds the message_delta, which has to be there before message_stop. */
static void
put_message_delta(struct contract *c, struct contract_step *step)
{
	message_delta_put(&c->held, c->latest == BLOCK_TOOL ? "tool_use" : "end_turn", &c->usage, c->repairs, step->made);
}

static enum contract_verdict
take_message_stop(struct contract *c, struct contract_step *step)
{
	if (!c->started)
		return fail(step, "message_stop without a message");
	if (!may_close(c))
		return fail_cut(c, no_reason, step);
	end_block(c, step);
	put_message_delta(c, step);
	return CONTRACT_PASS;
}

enum contract_verdict
contract_take(struct contract *c, const struct event *event, struct contract_step *step)
{
	switch (event->type) {
	case EVENT_BLOCK_DELTA:
		return take_delta(c, event, step);
	case EVENT_BLOCK_START:
		return take_block_start(c, event, step);
	case EVENT_BLOCK_STOP:
		return take_block_stop(c, event, step);
	case EVENT_MESSAGE_START:
		return take_message_start(c, event, step);
	case EVENT_MESSAGE_DELTA:
		return take_message_delta(c, event, step);
	case EVENT_MESSAGE_STOP:
		return take_message_stop(c, step);
	default:
		return CONTRACT_PASS;
	}
}

enum contract_verdict
contract_end(struct contract *c, struct contract_step *step)
{
	if (!may_close(c))
		return fail_cut(c, no_reason, step);
	/* A block that is still open has begun, or gone on, behind the message_delta: nobody said that it is whole. */
	if (!c->held.has_reason || c->open != BLOCK_NONE) {
		step->cut = true;
		buf_puts(step->why, "ended its answer without message_stop");
		return CONTRACT_FAIL;
	}
	put_message_delta(c, step);
	buf_puts(step->made, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
	repairs_add(c->repairs, REPAIR_MESSAGE_STOP, true);
	return CONTRACT_PASS;
}
