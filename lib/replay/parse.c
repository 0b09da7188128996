/* SPDX-License-Identifier: MIT */
#include "replay/script.h"

#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/num.h"

struct parser {
	struct replay_script *script;
	struct buf *errors;
	unsigned mistakes;
	size_t pos, n;			/* in the script's text */
	unsigned line;			/* of the directive at hand */
	unsigned next_line;
	struct replay_block *block;	/* being read, or NULL; valid until the next one begins */
	struct replay_answer *answer;	/* likewise */
	const char *ended_by;		/* the directive that ended the answer, or NULL */
	bool has_body;			/* the head has gone by now */
	size_t repeats[REPLAY_DEPTH_MAX];	/* the open ones' steps */
	size_t depth;

	/* What is read into these once an array is full goes nowhere: the script is refused. */
	struct replay_step spare_step;
	struct replay_block spare_block;
	struct replay_answer spare_answer;
};

static void __attribute__((format(printf, 3, 4)))
mistake(struct parser *parser, unsigned line, const char *format, ...)
{
	va_list ap;

	if (++parser->mistakes > REPLAY_MISTAKES_MAX)
		return;
	buf_printf(parser->errors, "%s:%u: ", parser->script->name, line);
	if (parser->mistakes == REPLAY_MISTAKES_MAX) {
		buf_puts(parser->errors, "and more mistakes, which are not shown\n");
		return;
	}
	va_start(ap, format);
	buf_vprintf(parser->errors, format, ap);
	va_end(ap);
	buf_putc(parser->errors, '\n');
}

/* For messages: a piece of the script as `%.*s`, not too long. */
#define SHOWN(TEXT) (int)((TEXT).len < 60 ? (TEXT).len : 60), (TEXT).p

/* The next line, without its line feed. */
static bool
next_line(struct parser *parser, struct replay_text *line)
{
	const char *p = parser->script->text + parser->pos, *lf;
	size_t left = parser->n - parser->pos;

	if (left == 0)
		return false;
	lf = memchr(p, '\n', left);
	*line = (struct replay_text){ p, lf ? (size_t)(lf - p) : left };
	parser->pos += line->len + (lf != NULL);
	parser->next_line++;
	return true;
}

/* The octets of a span, which lie in the script's own copy of its text. */
static char *
writable(struct parser *parser, struct replay_text text)
{
	return parser->script->text + (text.p - parser->script->text);
}

static void
lower_case(struct parser *parser, struct replay_text text)
{
	char *p = writable(parser, text);

	for (size_t i = 0; i < text.len; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] - 'A' + 'a');
}

static bool
is_token(struct replay_text text)
{
	static const char extra[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) &&
		    memchr(extra, c, sizeof extra - 1) == NULL)
			return false;
	}
	return text.len > 0;
}

static struct replay_step *
add_step(struct parser *parser, enum replay_op op)
{
	struct replay_step step = { .op = op, .line = parser->line };

	buf_put(&parser->script->steps, &step, sizeof step);
	if (parser->script->steps.failed)
		return &parser->spare_step;
	return replay_step(parser->script, buf_len(&parser->script->steps) / sizeof step - 1);
}

static void
check_substitutions(struct parser *parser, struct replay_text text, unsigned allowed)
{
	struct replay_text bad;

	if (replay_text_check(text, allowed, &bad))
		return;
	if (replay_text_is(bad, "${round}"))
		mistake(parser, parser->line, "${round} stands outside any `repeat`");
	else if (replay_text_is(bad, "${model}"))
		mistake(parser, parser->line, "${model} stands in a header: only ${count} can");
	else
		mistake(parser, parser->line, "`%.*s` is no substitution (write $${ for ${)", SHOWN(bad));
}

/* A step that sends `text`. */
static struct replay_step *
add_text_step(struct parser *parser, enum replay_op op, struct replay_text text)
{
	struct replay_step *step = add_step(parser, op);

	check_substitutions(
	    parser, text, REPLAY_MODEL | REPLAY_COUNT | (parser->depth > 0 ? (unsigned)REPLAY_ROUND : 0));
	step->text = text;
	parser->has_body = true;
	return step;
}

static void
close_answer(struct parser *parser)
{
	if (parser->answer == NULL)
		return;
	for (; parser->depth > 0; parser->depth--)
		mistake(parser, replay_step(parser->script, parser->repeats[parser->depth - 1])->line,
		    "`repeat` has no `end`");
	/* What is counted is what the client is to get: nothing of an answer that breaks off. */
	if (parser->ended_by != NULL || parser->answer->breaks || parser->answer->is_stream || parser->answer->gzip)
		parser->answer->no_length = true;
	add_step(parser, REPLAY_DONE);
	parser->answer = NULL;
	parser->ended_by = NULL;
	parser->has_body = false;
}

static void
close_block(struct parser *parser)
{
	close_answer(parser);
	if (parser->block != NULL && parser->block->answers == 0)
		mistake(parser, parser->block->line, "`on` has no `answer`");
	parser->block = NULL;
}

static void
parse_condition(struct parser *parser, struct replay_text word)
{
	struct replay_condition condition = { 0 };
	const char *equals = memchr(word.p, '=', word.len), *colon;
	struct replay_text key = { word.p, equals ? (size_t)(equals - word.p) : word.len };

	if (equals != NULL)
		condition.value = (struct replay_text){ equals + 1, word.len - key.len - 1 };
	if (equals != NULL && replay_text_is(key, "model")) {
		condition.subject = REPLAY_ON_MODEL;
	} else if (equals != NULL && replay_text_is(key, "stream")) {
		condition.subject = REPLAY_ON_STREAM;
		if (!replay_text_is(condition.value, "true") && !replay_text_is(condition.value, "false"))
			mistake(parser, parser->line, "`stream=` takes true or false");
	} else if (equals != NULL && replay_text_is(key, "header")) {
		condition.subject = REPLAY_ON_HEADER;
		condition.name = condition.value;
		colon = memchr(condition.value.p, ':', condition.value.len);
		condition.value = (struct replay_text){ "*", 1 };
		if (colon != NULL) {
			condition.value.len = condition.name.len - (size_t)(colon - condition.name.p) - 1;
			condition.value.p = colon + 1;
			condition.name.len = (size_t)(colon - condition.name.p);
		}
		if (!is_token(condition.name))
			mistake(parser, parser->line, "`%.*s` is no header name", SHOWN(condition.name));
		lower_case(parser, condition.name);
	} else {
		mistake(parser, parser->line, "`%.*s` is no condition: model=, stream= and header= are", SHOWN(word));
		return;
	}
	buf_put(&parser->script->conditions, &condition, sizeof condition);
	parser->block->conditions++;
}

static void
parse_on(struct parser *parser, struct replay_text rest)
{
	struct replay_block block = { .line = parser->line };
	struct replay_text word;
	size_t count;

	close_block(parser);
	block.method = replay_text_word(&rest);
	block.path = replay_text_word(&rest);
	if (block.path.len == 0)
		mistake(parser, parser->line, "`on` takes a method and a path: on POST /v1/messages");
	else if (!is_token(block.method))
		mistake(parser, parser->line, "`%.*s` is no method", SHOWN(block.method));
	else if (*block.path.p != '/' && *block.path.p != '*')
		mistake(parser, parser->line, "the path `%.*s` does not begin with a slash", SHOWN(block.path));
	block.first_condition = buf_len(&parser->script->conditions) / sizeof(struct replay_condition);
	block.first_answer = buf_len(&parser->script->answers) / sizeof(struct replay_answer);
	buf_put(&parser->script->blocks, &block, sizeof block);
	parser->block = replay_blocks(parser->script, &count);
	parser->block = parser->script->blocks.failed ? &parser->spare_block : parser->block + count - 1;
	while ((word = replay_text_word(&rest)).len > 0)
		parse_condition(parser, word);
}

static void
parse_cycle(struct parser *parser, struct replay_text rest)
{
	if (rest.len > 0)
		mistake(parser, parser->line, "`cycle` takes nothing");
	if (parser->block->answers > 0)
		mistake(parser, parser->line, "`cycle` stands behind an `answer`: it belongs right below its `on`");
	parser->block->cycle = true;
}

static void
parse_answer(struct parser *parser, struct replay_text rest)
{
	struct replay_answer answer = { .line = parser->line };
	uint64_t status = 0;

	close_answer(parser);
	if (!num_parse(rest.p, rest.len, 599, &status) || status < 200)
		mistake(parser, parser->line, "`answer` takes a status from 200 to 599");
	answer.status = (int)status;
	answer.first_header = buf_len(&parser->script->headers) / sizeof(struct replay_header);
	answer.first_step = buf_len(&parser->script->steps) / sizeof(struct replay_step);
	buf_put(&parser->script->answers, &answer, sizeof answer);
	parser->answer = &parser->spare_answer;
	if (!parser->script->answers.failed)
		parser->answer = replay_answer(parser->script, parser->block->first_answer + parser->block->answers);
	parser->block->answers++;
}

/* For the directives that are about the head. */
static void
check_before_body(struct parser *parser, const char *directive)
{
	if (parser->has_body)
		mistake(parser, parser->line, "`%s` comes too late: the head has gone by then", directive);
}

static bool
is_header_given(struct parser *parser, struct replay_text name)
{
	for (size_t i = 0; i < parser->answer->headers; i++) {
		struct replay_text given = replay_header(parser->script, parser->answer->first_header + i)->name;

		if (given.len == name.len && memcmp(given.p, name.p, name.len) == 0)
			return true;
	}
	return false;
}

static void
parse_header(struct parser *parser, struct replay_text rest)
{
	/* RFC 9110 §7.6.1: these are about one connection, which is not this program's. */
	static const char *const hop[] = { "connection", "keep-alive", "transfer-encoding", "upgrade", "trailer" };
	const char *colon = memchr(rest.p, ':', rest.len);
	struct replay_header header = { .name = { rest.p, colon ? (size_t)(colon - rest.p) : 0 } };
	struct replay_text value;

	check_before_body(parser, "header");
	if (!is_token(header.name)) {
		mistake(parser, parser->line, "`header` takes NAME: VALUE");
		return;
	}
	lower_case(parser, header.name);
	value = (struct replay_text){ colon + 1, rest.len - header.name.len - 1 };
	while (value.len > 0 && (*value.p == ' ' || *value.p == '\t')) {
		value.p++;
		value.len--;
	}
	header.value = value;
	check_substitutions(parser, value, REPLAY_COUNT);
	for (size_t i = 0; i < sizeof hop / sizeof *hop; i++)
		if (replay_text_is(header.name, hop[i]))
			mistake(parser, parser->line, "the header %s is the connection's, not the answer's", hop[i]);
	if (replay_text_is(header.name, "content-length"))
		mistake(parser, parser->line, "write `length N` for the header content-length");
	if (is_header_given(parser, header.name))
		mistake(parser, parser->line, "the header %.*s stands twice", SHOWN(header.name));
	parser->answer->has_type |= replay_text_is(header.name, "content-type");
	buf_put(&parser->script->headers, &header, sizeof header);
	parser->answer->headers++;
}

static void
parse_length(struct parser *parser, struct replay_text rest)
{
	check_before_body(parser, "length");
	if (replay_text_is(rest, "none"))
		parser->answer->no_length = true;
	else if (num_parse(rest.p, rest.len, UINT64_MAX / 2, &parser->answer->length))
		parser->answer->has_length = true;
	else
		mistake(parser, parser->line, "`length` takes a number of octets, or none");
}

static void
parse_gzip(struct parser *parser, struct replay_text rest)
{
	check_before_body(parser, "gzip");
	if (rest.len > 0)
		mistake(parser, parser->line, "`gzip` takes nothing");
	parser->answer->gzip = true;
}

static void
parse_head(struct parser *parser, struct replay_text rest)
{
	check_before_body(parser, "head");
	if (rest.len > 0)
		mistake(parser, parser->line, "`head` takes nothing");
	add_step(parser, REPLAY_HEAD);
	parser->has_body = true;
}

static void
parse_event(struct parser *parser, struct replay_text rest)
{
	struct replay_step *step = add_text_step(parser, REPLAY_EVENT, rest);
	struct json type;

	parser->answer->is_stream = true;
	if (rest.len > 0 && *rest.p == '{') {
		if (!json_find((struct json){ rest.p, rest.len }, "type", &type) || !json_is_string(type) ||
		    memchr(type.p, '\\', type.len) != NULL)
			mistake(parser, parser->line, "the event has no string `type` to be named by: event NAME DATA");
		else
			step->name = (struct replay_text){ type.p + 1, type.len - 2 };
		return;
	}
	step->name = replay_text_word(&rest);
	step->text = rest;
	if (rest.len == 0)
		mistake(parser, parser->line, "`event` takes an object with a type, or a name and data");
}

static void
parse_data(struct parser *parser, struct replay_text rest)
{
	add_text_step(parser, REPLAY_DATA, rest);
	parser->answer->is_stream = true;
}

static void
parse_send(struct parser *parser, struct replay_text rest)
{
	const char *bad;

	if (!replay_unescape(writable(parser, rest), rest.len, &rest.len, &bad))
		mistake(parser, parser->line, "`send` has an escape that is none of \\n \\r \\t \\\\ \\xHH");
	add_text_step(parser, REPLAY_SEND, rest);
}

static void
parse_body(struct parser *parser, struct replay_text rest)
{
	struct replay_text word, line, body = { parser->script->text + parser->pos, 0 };

	if (rest.len < 3 || memcmp(rest.p, "<<", 2) != 0) {
		mistake(parser, parser->line, "`body` takes <<WORD: the lines up to one that is WORD are the body");
		return;
	}
	word = (struct replay_text){ rest.p + 2, rest.len - 2 };
	while (next_line(parser, &line)) {
		if (line.len == word.len && memcmp(line.p, word.p, word.len) == 0) {
			body.len = (size_t)(line.p - body.p);
			add_text_step(parser, REPLAY_BODY, body);
			return;
		}
	}
	mistake(parser, parser->line, "`body` has no end: no line is `%.*s`", SHOWN(word));
}

static void
parse_file(struct parser *parser, struct replay_text rest)
{
	if (rest.len == 0)
		mistake(parser, parser->line, "`file` takes a file's name");
	add_step(parser, REPLAY_FILE)->name = rest;
	parser->has_body = true;
}

static void
parse_newline(struct parser *parser, struct replay_text rest)
{
	static const char *const names[] = { "lf", "crlf", "cr" }, *const ends[] = { "\n", "\r\n", "\r" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (replay_text_is(rest, names[i])) {
			add_step(parser, REPLAY_NEWLINE)->text = (struct replay_text){ ends[i], strlen(ends[i]) };
			return;
		}
	mistake(parser, parser->line, "`newline` takes lf, crlf or cr");
}

static void
parse_split(struct parser *parser, struct replay_text rest)
{
	uint64_t n = 0;

	if (!replay_text_is(rest, "none") && (!num_parse(rest.p, rest.len, REPLAY_FILE_MAX, &n) || n == 0))
		mistake(parser, parser->line, "`split` takes a number of octets, or none");
	add_step(parser, REPLAY_SPLIT)->n = n;
}

static void
parse_pause(struct parser *parser, struct replay_text rest)
{
	struct replay_step *step = add_step(parser, REPLAY_PAUSE);

	if (!replay_text_time(rest, REPLAY_PAUSE_MAX_MS, &step->n))
		mistake(parser, parser->line, "`pause` takes a time of at most a day: 20ms or 2s");
}

static void
parse_repeat(struct parser *parser, struct replay_text rest)
{
	struct replay_step *step = add_step(parser, REPLAY_REPEAT);

	if (!num_parse(rest.p, rest.len, REPLAY_ROUNDS_MAX, &step->n) || step->n == 0)
		mistake(parser, parser->line, "`repeat` takes a number from 1 to %d", REPLAY_ROUNDS_MAX);
	if (parser->depth == REPLAY_DEPTH_MAX) {
		mistake(parser, parser->line, "`repeat` stands deeper than %d in another", REPLAY_DEPTH_MAX);
		return;
	}
	parser->answer->no_length = true;
	parser->repeats[parser->depth++] = buf_len(&parser->script->steps) / sizeof *step - 1;
}

static void
parse_end(struct parser *parser, struct replay_text rest)
{
	if (rest.len > 0)
		mistake(parser, parser->line, "`end` takes nothing");
	if (parser->depth == 0)
		mistake(parser, parser->line, "`end` has no `repeat`");
	else
		add_step(parser, REPLAY_END)->n = parser->repeats[--parser->depth] + 1;
}

static void
end_answer(struct parser *parser, enum replay_op op, const char *directive, struct replay_text rest)
{
	if (rest.len > 0)
		mistake(parser, parser->line,
		    op == REPLAY_HANG ? "`%s` takes nothing" : "`%s` takes nothing, or `after` and a number of octets", directive);
	add_step(parser, op);
	parser->ended_by = directive;
}

/* With `after N` it is about the whole body, of which nothing may have come yet; without, the answer ends here. */
static void
break_answer(struct parser *parser, enum replay_op op, const char *directive, struct replay_text rest)
{
	struct replay_text number = rest, word = replay_text_word(&number);
	struct replay_step step = { .op = op, .line = parser->line };

	if (!replay_text_is(word, "after")) {
		end_answer(parser, op, directive, rest);
		return;
	}
	check_before_body(parser, directive);
	if (!num_parse(number.p, number.len, UINT64_MAX / 2, &step.n))
		mistake(parser, parser->line, "`%s after` takes a number of octets", directive);
	if (parser->answer->breaks)
		mistake(parser, parser->line, "the answer ends after some octets twice");
	parser->answer->breaks = true;
	parser->answer->break_at = step;
}

static void
parse_cut(struct parser *parser, struct replay_text rest)
{
	break_answer(parser, REPLAY_CUT, "cut", rest);
}

static void
parse_reset(struct parser *parser, struct replay_text rest)
{
	break_answer(parser, REPLAY_RESET, "reset", rest);
}

static void
parse_hang(struct parser *parser, struct replay_text rest)
{
	end_answer(parser, REPLAY_HANG, "hang", rest);
}

enum place { ANYWHERE, IN_BLOCK, IN_ANSWER };

static const struct directive {
	const char *name;
	enum place place;
	void (*parse)(struct parser *, struct replay_text);
} directives[] = {
	{ "on", ANYWHERE, parse_on },
	{ "cycle", IN_BLOCK, parse_cycle },
	{ "answer", IN_BLOCK, parse_answer },
	{ "header", IN_ANSWER, parse_header },
	{ "length", IN_ANSWER, parse_length },
	{ "gzip", IN_ANSWER, parse_gzip },
	{ "head", IN_ANSWER, parse_head },
	{ "event", IN_ANSWER, parse_event },
	{ "data", IN_ANSWER, parse_data },
	{ "send", IN_ANSWER, parse_send },
	{ "body", IN_ANSWER, parse_body },
	{ "file", IN_ANSWER, parse_file },
	{ "newline", IN_ANSWER, parse_newline },
	{ "split", IN_ANSWER, parse_split },
	{ "pause", IN_ANSWER, parse_pause },
	{ "repeat", IN_ANSWER, parse_repeat },
	{ "end", IN_ANSWER, parse_end },
	{ "cut", IN_ANSWER, parse_cut },
	{ "reset", IN_ANSWER, parse_reset },
	{ "hang", IN_ANSWER, parse_hang },
};

static const struct directive *
find_directive(struct replay_text name)
{
	for (size_t i = 0; i < sizeof directives / sizeof *directives; i++)
		if (replay_text_is(name, directives[i].name))
			return &directives[i];
	return NULL;
}

static bool
has_control(struct replay_text line)
{
	for (size_t i = 0; i < line.len; i++)
		if (((unsigned char)line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7f)
			return true;
	return false;
}

static void
parse_line(struct parser *parser, struct replay_text line)
{
	struct replay_text rest = line, name = replay_text_word(&rest);
	const struct directive *directive;

	if (name.len == 0 || *name.p == '#')
		return;
	if (has_control(line)) {
		mistake(parser, parser->line, "a control character: `send` takes them as \\xHH, and lines end in LF");
		return;
	}
	if ((directive = find_directive(name)) == NULL)
		mistake(parser, parser->line, "`%.*s` is no directive", SHOWN(name));
	else if (directive->place == IN_BLOCK && parser->block == NULL)
		mistake(parser, parser->line, "`%s` stands before any `on`", directive->name);
	else if (directive->place == IN_ANSWER && parser->answer == NULL)
		mistake(parser, parser->line, "`%s` stands before any `answer`", directive->name);
	else if (directive->place == IN_ANSWER && parser->ended_by != NULL)
		mistake(parser, parser->line, "`%s` is never reached, behind `%s`", directive->name, parser->ended_by);
	else
		directive->parse(parser, rest);
}

/* Whether one of the arrays has run full; what is read then has nowhere to go. */
static bool
is_full(const struct replay_script *script)
{
	return script->blocks.failed || script->conditions.failed || script->answers.failed ||
	    script->headers.failed || script->steps.failed;
}

struct replay_script *
replay_parse(const char *name, const char *text, size_t n, struct buf *errors)
{
	struct parser parser = { .script = replay_new(name, text, n), .errors = errors, .n = n };
	struct replay_text line;
	size_t blocks;

	if (parser.script == NULL) {
		buf_printf(errors, "%s:1: out of memory\n", name);
		return NULL;
	}
	while (!is_full(parser.script) && next_line(&parser, &line)) {
		parser.line = parser.next_line;
		parse_line(&parser, line);
	}
	close_block(&parser);
	if (is_full(parser.script))
		mistake(&parser, parser.line, "the script is too long from here on");
	replay_blocks(parser.script, &blocks);
	if (blocks == 0 && parser.mistakes == 0)
		mistake(&parser, 1, "the script has no `on`");
	if (parser.mistakes == 0)
		return parser.script;
	replay_free(parser.script);
	return NULL;
}
