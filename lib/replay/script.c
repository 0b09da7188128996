/* SPDX-License-Identifier: MIT */
#include "replay/script.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/limits.h"

struct replay_script *
replay_new(const char *name, const char *text, size_t n)
{
	struct replay_script *script = calloc(1, sizeof *script);

	if (script == NULL)
		return NULL;
	buf_init(&script->blocks, REPLAY_ITEMS_MAX * sizeof(struct replay_block));
	buf_init(&script->conditions, REPLAY_ITEMS_MAX * sizeof(struct replay_condition));
	buf_init(&script->answers, REPLAY_ITEMS_MAX * sizeof(struct replay_answer));
	buf_init(&script->headers, REPLAY_ITEMS_MAX * sizeof(struct replay_header));
	buf_init(&script->steps, REPLAY_STEPS_MAX * sizeof(struct replay_step));
	buf_init(&script->files, REPLAY_STEPS_MAX * sizeof(char *));
	script->name = strdup(name);
	script->text = malloc(n + 1);
	if (script->name == NULL || script->text == NULL) {
		replay_free(script);
		return NULL;
	}
	if (n > 0)
		memcpy(script->text, text, n);
	return script;
}

void
replay_free(struct replay_script *script)
{
	if (script == NULL)
		return;
	for (size_t i = 0; i < buf_len(&script->files) / sizeof(char *); i++)
		free(((char **)(void *)buf_data(&script->files))[i]);
	free(script->name);
	free(script->text);
	buf_free(&script->blocks);
	buf_free(&script->conditions);
	buf_free(&script->answers);
	buf_free(&script->headers);
	buf_free(&script->steps);
	buf_free(&script->files);
	free(script);
}

/* Reads a file whole, onto `content`. Returns 0 or an errno. */
static int
read_file(const char *path, struct buf *content)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error;

	if (fd < 0)
		return errno;
	error = io_read_all(fd, content) == 0 ? 0 : errno;
	close(fd);
	return error;
}

/* The path of `name` as seen from the folder of `script`; an absolute one stays. */
static const char *
path_from(const char *script, struct replay_text name, struct buf *path)
{
	const char *slash = strrchr(script, '/');

	if (slash != NULL && *name.p != '/')
		buf_put(path, script, (size_t)(slash - script) + 1);
	buf_put(path, name.p, name.len);
	return buf_str(path);
}

static bool
load_file(struct replay_script *script, struct replay_step *step, struct buf *errors)
{
	struct buf content = BUF_INIT(REPLAY_FILE_MAX), path = BUF_INIT(PATH_MAX);
	const char *p = path_from(script->name, step->name, &path);
	int error = p == NULL ? ENAMETOOLONG : read_file(p, &content);

	if (error == 0) {
		buf_put(&script->files, &content.mem, sizeof content.mem);
		if (script->files.failed)
			error = ENOMEM;
	}
	if (error == 0) {
		step->text = (struct replay_text){ buf_data(&content), buf_len(&content) };
	} else {
		buf_printf(errors, "%s:%u: unable to read %.*s: %s\n", script->name, step->line,
		    (int)step->name.len, step->name.p, strerror(error));
		buf_free(&content);
	}
	buf_free(&path);
	return error == 0;
}

static bool
load_files(struct replay_script *script, struct buf *errors)
{
	size_t steps = buf_len(&script->steps) / sizeof(struct replay_step);
	bool loaded = true;

	for (size_t i = 0; i < steps; i++)
		if (replay_step(script, i)->op == REPLAY_FILE)
			loaded &= load_file(script, replay_step(script, i), errors);
	return loaded;
}

struct replay_script *
replay_load(const char *path, struct buf *errors)
{
	struct buf text = BUF_INIT(REPLAY_SCRIPT_MAX);
	struct replay_script *script = NULL;
	int error = read_file(path, &text);

	if (error != 0)
		buf_printf(errors, "%s:1: unable to read the script: %s\n", path, strerror(error));
	else
		script = replay_parse(path, buf_data(&text), buf_len(&text), errors);
	buf_free(&text);
	if (script != NULL && !load_files(script, errors)) {
		replay_free(script);
		return NULL;
	}
	return script;
}
