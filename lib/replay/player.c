/* SPDX-License-Identifier: MIT */
#include "replay/player.h"

#include <stdlib.h>
#include <string.h>

#include "base/dialect.h"
#include "base/limits.h"
#include "replay/gzip.h"
#include "replay/match.h"

struct round {
	uint64_t left;	/* rounds after this one */
	uint64_t number;
};

struct replay_player {
	const struct replay_script *script;
	const struct replay_answer *answer;	/* NULL: nothing matched, `whole` is the answer */
	uint64_t id;
	uint64_t count;
	struct buf model;		/* as the request's body has it, between the quotes */
	struct buf whole;		/* records, ready */
	bool head_only;			/* to HEAD there is no body */
	bool head_sent;
	bool ending;			/* the last piece, the gzip trailer, is on its way */
	const struct replay_step *step;
	const char *newline;
	struct round rounds[REPLAY_DEPTH_MAX + 1];	/* of the open repeats; the first stands for none */
	size_t depth;
	size_t split;			/* 0: no limit of the script's */
	struct buf piece;		/* what a step made, to be sent */
	const char *left;		/* what is still to be sent of it, or of a file */
	size_t left_len;
	uint64_t sent;			/* octets of the body */
	struct replay_gzip gzip;
};

static void
no_block_matches(struct replay_player *player, const struct replay_request *request)
{
	struct buf message = BUF_INIT(RECORD_HEADER_MAX), body = BUF_INIT(8 * RECORD_HEADER_MAX);
	enum dialect dialect = dialect_of_request(
	    buf_data(&request->target), buf_len(&request->target), request->has_anthropic_version);
	const char *text, *request_id = NULL;
	struct buf id = BUF_INIT(RECORD_HEADER_MAX);

	buf_printf(&message, "lb-replay: no block of %s matches %.*s %.*s", player->script->name,
	    (int)buf_len(&request->method), buf_data(&request->method), (int)buf_len(&request->target),
	    buf_data(&request->target));
	if (request->has_model)
		buf_printf(&message, " with the model %.*s", (int)buf_len(&request->model), buf_data(&request->model));
	if (request->request_id.len > 0 && json_decode(request->request_id, &id))
		request_id = buf_str(&id);
	text = buf_str(&message);
	dialect_put_error(&body, dialect, 404, text ? text : "lb-replay: no block matches", request_id);
	record_put_answer(&player->whole, player->id, 404, NULL, buf_data(&body), buf_len(&body), player->head_only);
	buf_free(&message);
	buf_free(&body);
	buf_free(&id);
}

static void
choose_answer(struct replay_player *player, struct replay_block *block)
{
	size_t turn = block->count < block->answers ? (size_t)block->count : block->answers - 1;

	if (block->cycle)
		turn = (size_t)(block->count % block->answers);
	player->count = ++block->count;
	player->answer = replay_answer(player->script, block->first_answer + turn);
	player->step = replay_step(player->script, player->answer->first_step);
}

struct replay_player *
replay_begin(struct replay_script *script, const struct record *record)
{
	struct replay_player *player = calloc(1, sizeof *player);
	struct replay_request request;
	struct replay_block *block;

	if (player == NULL)
		return NULL;
	player->script = script;
	player->id = record->id;
	player->newline = "\n";
	buf_init(&player->model, MODEL_MAX);
	buf_init(&player->whole, SIZE_MAX);
	buf_init(&player->piece, REPLAY_FILE_MAX);
	replay_request_init(&request, record);
	player->head_only = replay_text_is(
	    (struct replay_text){ buf_data(&request.method), buf_len(&request.method) }, "HEAD");
	buf_put(&player->model, request.raw_model.p, request.raw_model.len);
	if ((block = replay_match(script, &request)) != NULL)
		choose_answer(player, block);
	else
		no_block_matches(player, &request);
	replay_request_free(&request);
	return player;
}

void
replay_player_free(struct replay_player *player)
{
	if (player == NULL)
		return;
	buf_free(&player->model);
	buf_free(&player->whole);
	buf_free(&player->piece);
	free(player);
}

uint64_t
replay_player_id(const struct replay_player *player)
{
	return player->id;
}

static struct replay_values
values_of(const struct replay_player *player)
{
	return (struct replay_values){
		.model = { buf_data(&player->model), buf_len(&player->model) },
		.count = player->count,
		.round = player->rounds[player->depth].number,
	};
}

/* Makes the piece that a step sends. A file's content is not copied. */
static void
make_piece(struct replay_player *player, const struct replay_step *step)
{
	struct replay_values values = values_of(player);
	struct buf *piece = &player->piece;

	buf_clear(piece);
	if (step->op == REPLAY_FILE) {
		player->left = step->text.p;
		player->left_len = step->text.len;
		return;
	}
	if (step->op == REPLAY_EVENT) {
		buf_puts(piece, "event: ");
		replay_text_put(piece, step->name, &values, NULL);
		buf_puts(piece, player->newline);
	}
	if (step->op == REPLAY_EVENT || step->op == REPLAY_DATA)
		buf_puts(piece, "data: ");
	replay_text_put(piece, step->text, &values, step->op == REPLAY_BODY ? player->newline : NULL);
	if (step->op == REPLAY_EVENT || step->op == REPLAY_DATA) {
		buf_puts(piece, player->newline);
		buf_puts(piece, player->newline);
	}
	player->left = buf_data(piece);
	player->left_len = buf_len(piece);
}

static void
compress_piece(struct replay_player *player)
{
	struct buf encoded = BUF_INIT(2 * REPLAY_FILE_MAX);

	if (player->ending)
		replay_gzip_finish(&player->gzip, &encoded);
	else if (player->left_len > 0)
		replay_gzip_put(&player->gzip, &encoded, player->left, player->left_len);
	encoded.failed |= player->piece.failed;
	buf_free(&player->piece);
	player->piece = encoded;
	player->left = buf_data(&player->piece);
	player->left_len = buf_len(&player->piece);
}

/* The length of the body, where all of it is known: the texts of the steps, each made once. */
static uint64_t
body_length(struct replay_player *player)
{
	const char *newline = player->newline, *left = player->left;
	size_t left_len = player->left_len;
	struct buf piece = player->piece;
	const struct replay_step *step = replay_step(player->script, player->answer->first_step);
	uint64_t length = 0;

	player->piece = BUF_INIT(REPLAY_FILE_MAX);
	player->newline = "\n";
	for (; step->op != REPLAY_DONE; step++) {
		if (step->op == REPLAY_NEWLINE)
			player->newline = step->text.p;
		if (step->op != REPLAY_SEND && step->op != REPLAY_BODY && step->op != REPLAY_FILE)
			continue;
		make_piece(player, step);
		length += player->left_len;
	}
	buf_free(&player->piece);
	player->piece = piece;
	player->newline = newline;
	player->left = left;
	player->left_len = left_len;
	return length;
}

static void
put_header(struct buf *out, bool *first, struct replay_text name, const char *value, size_t n)
{
	if (!*first)
		buf_putc(out, ',');
	*first = false;
	json_put_octets(out, name.p, name.len);
	buf_putc(out, ':');
	json_put_octets(out, value, n);
}

static void
put_default_header(struct buf *out, bool *first, const char *name, const char *value)
{
	put_header(out, first, (struct replay_text){ name, strlen(name) }, value, strlen(value));
}

static void
put_head(struct replay_player *player, struct buf *out)
{
	const struct replay_answer *answer = player->answer;
	struct replay_values values = values_of(player);
	struct buf value = BUF_INIT(REPLAY_SCRIPT_MAX);
	bool first = true;

	player->head_sent = true;
	record_begin(out, "head", player->id);
	buf_printf(out, ",\"status\":%d,\"headers\":{", answer->status);
	if (!answer->has_type)
		put_default_header(out, &first, "content-type",
		    answer->is_stream ? "text/event-stream" : "application/json");
	if (answer->gzip)
		put_default_header(out, &first, "content-encoding", "gzip");
	for (size_t i = 0; i < answer->headers; i++) {
		const struct replay_header *header = replay_header(player->script, answer->first_header + i);

		buf_clear(&value);
		replay_text_put(&value, header->value, &values, NULL);
		put_header(out, &first, header->name, buf_data(&value), buf_len(&value));
	}
	if (answer->has_length || !answer->no_length) {
		buf_clear(&value);
		buf_put_u64(&value, answer->has_length ? answer->length : body_length(player));
		put_default_header(out, &first, "content-length", buf_str(&value) ? buf_data(&value) : "0");
	}
	buf_putc(out, '}');
	record_finish(out);
	buf_free(&value);
}

static void
put_truncated(struct replay_player *player, bool reset, const char *why, struct buf *out)
{
	record_begin(out, "end", player->id);
	buf_printf(out, ",\"result\":\"%s\",\"error\":", record_end_name(END_TRUNCATED));
	json_put_string(out, why, strlen(why));
	if (reset)
		buf_puts(out, ",\"reset\":true");
	record_finish(out);
}

static enum replay_state
break_off(struct replay_player *player, const struct replay_step *step, const char *what, struct buf *out)
{
	struct buf why = BUF_INIT(RECORD_HEADER_MAX);
	const char *text;

	buf_printf(&why, "%s at %s:%u", what, player->script->name, step->line);
	text = buf_str(&why);
	put_truncated(player, step->op == REPLAY_RESET, text ? text : what, out);
	buf_free(&why);
	return REPLAY_FINISHED;
}

/* Sends the next part of the piece at hand, up to where the answer breaks. */
static enum replay_state
send_piece(struct replay_player *player, struct buf *out)
{
	const struct replay_answer *answer = player->answer;
	size_t n = player->left_len, most = READ_MAX;

	if (player->split > 0 && player->split < most)
		most = player->split;
	if (answer->breaks && answer->break_at.n - player->sent < most)
		most = (size_t)(answer->break_at.n - player->sent);
	if (n > most)
		n = most;
	if (n > 0)
		record_put_data(out, player->id, player->left, n);
	player->left += n;
	player->left_len -= n;
	player->sent += n;
	if (answer->breaks && player->sent == answer->break_at.n)
		return break_off(player, &answer->break_at, answer->break_at.op == REPLAY_RESET ? "reset" : "cut", out);
	return player->split > 0 ? REPLAY_FLUSH : REPLAY_GOING;
}

/* A step that sends something. */
static enum replay_state
play_piece(struct replay_player *player, const struct replay_step *step, struct buf *out)
{
	if (!player->head_sent)
		put_head(player, out);
	make_piece(player, step);
	if (player->answer->gzip)
		compress_piece(player);
	if (player->piece.failed) {
		player->left_len = 0;
		return break_off(player, step, "the piece grew too large", out);
	}
	if (player->head_only)
		player->left_len = 0;
	return REPLAY_GOING;
}

static enum replay_state
play_done(struct replay_player *player, struct buf *out)
{
	if (!player->head_sent)
		put_head(player, out);
	if (player->answer->gzip && !player->ending && !player->head_only) {
		player->ending = true;
		compress_piece(player);
		player->step--;	/* back here once that has been sent */
		return REPLAY_GOING;
	}
	record_put_end(out, player->id, END_COMPLETE);
	return REPLAY_FINISHED;
}

static void
play_repeat(struct replay_player *player, const struct replay_step *step)
{
	if (step->op == REPLAY_REPEAT) {
		player->rounds[++player->depth] = (struct round){ .left = step->n - 1, .number = 1 };
	} else if (player->rounds[player->depth].left == 0) {
		player->depth--;
	} else {
		player->rounds[player->depth].left--;
		player->rounds[player->depth].number++;
		player->step = replay_step(player->script, (size_t)step->n);
	}
}

static enum replay_state
play_step(struct replay_player *player, struct buf *out, uint64_t *wait_ms)
{
	const struct replay_step *step = player->step++;

	switch (step->op) {
	case REPLAY_EVENT:
	case REPLAY_DATA:
	case REPLAY_SEND:
	case REPLAY_BODY:
	case REPLAY_FILE:
		return play_piece(player, step, out);
	case REPLAY_HEAD:
		put_head(player, out);
		return REPLAY_GOING;
	case REPLAY_NEWLINE:
		player->newline = step->text.p;
		return REPLAY_GOING;
	case REPLAY_SPLIT:
		player->split = (size_t)step->n;
		return REPLAY_GOING;
	case REPLAY_PAUSE:
		*wait_ms = step->n;
		return REPLAY_PAUSED;
	case REPLAY_REPEAT:
	case REPLAY_END:
		play_repeat(player, step);
		return REPLAY_GOING;
	case REPLAY_CUT:
		return break_off(player, step, "cut", out);
	case REPLAY_RESET:
		return break_off(player, step, "reset", out);
	case REPLAY_HANG:
		player->step--;
		return REPLAY_HANGING;
	case REPLAY_DONE:
		break;
	}
	return play_done(player, out);
}

enum replay_state
replay_play(struct replay_player *player, struct buf *out, uint64_t *wait_ms)
{
	*wait_ms = 0;
	if (player->answer == NULL) {
		buf_put(out, buf_data(&player->whole), buf_len(&player->whole));
		return REPLAY_FINISHED;
	}
	if (player->left_len > 0)
		return send_piece(player, out);
	return play_step(player, out, wait_ms);
}

void
replay_stop(struct replay_player *player, enum record_end end, const char *why, struct buf *out)
{
	if (end == END_TRUNCATED)
		put_truncated(player, false, why, out);
	else
		record_put_end(out, player->id, end);
}
