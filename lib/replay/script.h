/* SPDX-License-Identifier: MIT */
/*
 * The scripts of lb-replay, whose page has the format: blocks that match requests, each with the answers it gives in
 * turn, each a list of steps.
 */
#ifndef LB_REPLAY_SCRIPT_H
#define LB_REPLAY_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "replay/text.h"

enum replay_op {
	REPLAY_HEAD,	/* send the head now */
	REPLAY_EVENT,	/* `name` and `text`: an event */
	REPLAY_DATA,	/* `text`: an event without a name */
	REPLAY_SEND,	/* `text`: octets, substituted */
	REPLAY_BODY,	/* `text`: lines, substituted, their ends by `newline` */
	REPLAY_FILE,	/* `text`: octets as they are, once replay_load has read them (`name` is the file's) */
	REPLAY_NEWLINE,	/* `text`: what ends a line from here on */
	REPLAY_SPLIT,	/* `n`: octets of a data record from here on, 0 for no limit */
	REPLAY_PAUSE,	/* `n` milliseconds */
	REPLAY_REPEAT,	/* `n` rounds, up to the matching REPLAY_END */
	REPLAY_END,	/* `n` is the step behind the matching REPLAY_REPEAT */
	REPLAY_CUT,	/* end without being whole */
	REPLAY_RESET,	/* the same, and the connection is to be reset */
	REPLAY_HANG,	/* nothing more, and no end */
	REPLAY_DONE	/* the end of every answer */
};

struct replay_step {
	enum replay_op op;
	unsigned line;
	struct replay_text name;
	struct replay_text text;
	uint64_t n;
};

struct replay_header {
	struct replay_text name;	/* lower case */
	struct replay_text value;	/* may have ${count} */
};

struct replay_answer {
	unsigned line;
	int status;
	size_t first_header, headers;	/* in the script's headers */
	size_t first_step;		/* in the script's steps, up to REPLAY_DONE */
	bool gzip;
	bool has_type;			/* it has a content-type of its own */
	bool is_stream;			/* it has events */
	bool no_length;			/* the length is not known beforehand, or not to be told */
	bool has_length;		/* a length is given: `length` */
	uint64_t length;
	bool breaks;			/* it ends after so many octets of its body: `break_at`, REPLAY_CUT or REPLAY_RESET */
	struct replay_step break_at;
};

enum replay_subject { REPLAY_ON_MODEL, REPLAY_ON_STREAM, REPLAY_ON_HEADER };

struct replay_condition {
	enum replay_subject subject;
	struct replay_text name;	/* REPLAY_ON_HEADER: in lower case */
	struct replay_text value;	/* a glob; for REPLAY_ON_STREAM `true` or `false` */
};

struct replay_block {
	unsigned line;
	struct replay_text method;		/* `*`: any */
	struct replay_text path;		/* a glob */
	size_t first_condition, conditions;	/* in the script's conditions */
	size_t first_answer, answers;		/* in the script's answers */
	bool cycle;				/* after the last answer comes the first again, else the last again */
	uint64_t count;				/* requests so far */
};

struct replay_script {
	char *name;			/* the file's */
	char *text;			/* what all spans point into, but for files' content */
	struct buf blocks;		/* arrays of the structs above */
	struct buf conditions;
	struct buf answers;
	struct buf headers;
	struct buf steps;
	struct buf files;		/* char *: the content of the files */
};

/* A script with nothing in it but a copy of its text, for replay_parse. NULL without memory. */
struct replay_script *replay_new(const char *name, const char *text, size_t n);

/*
 * Reads the `n` octets at `text` as a script. Returns NULL after adding to `errors` every mistake found, each a line
 * `NAME:LINE: what is wrong`. Reads no file: the REPLAY_FILE steps are empty. To be freed by replay_free.
 */
struct replay_script *replay_parse(const char *name, const char *text, size_t n, struct buf *errors);

/* Reads the script in the file `path`, and the files it names, which are sought from the script's folder. */
struct replay_script *replay_load(const char *path, struct buf *errors);

void replay_free(struct replay_script *script);

static inline struct replay_block *
replay_blocks(const struct replay_script *script, size_t *count)
{
	*count = buf_len(&script->blocks) / sizeof(struct replay_block);
	return (struct replay_block *)(void *)buf_data(&script->blocks);
}

static inline const struct replay_condition *
replay_condition(const struct replay_script *script, size_t i)
{
	return (const struct replay_condition *)(const void *)buf_data(&script->conditions) + i;
}

static inline struct replay_answer *
replay_answer(const struct replay_script *script, size_t i)
{
	return (struct replay_answer *)(void *)buf_data(&script->answers) + i;
}

static inline const struct replay_header *
replay_header(const struct replay_script *script, size_t i)
{
	return (const struct replay_header *)(const void *)buf_data(&script->headers) + i;
}

static inline struct replay_step *
replay_step(const struct replay_script *script, size_t i)
{
	return (struct replay_step *)(void *)buf_data(&script->steps) + i;
}

#endif
