/* SPDX-License-Identifier: MIT */
/* lb-sse: the stage that turns what a provider sent into what the client's dialect promises (lb-sse.1). */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/diag.h"
#include "base/idmap.h"
#include "base/limits.h"
#include "edge/single.h"
#include "record/stage.h"
#include "stream/reframe.h"

static const char usage[] = "usage: lb-sse [-H]\n"
			    "Reframes the streams among the answers: response records from stdin to stdout.\n"
			    "  -H, --http     write the one answer as HTTP/1.1, not as records\n"
			    "      --help     print this and exit\n"
			    "      --version  print the version and exit\n"
			    "The page is lb-sse(1).\n";

/* Returned by the handler once the answer of -H has ended; no exit code. */
enum { FINISHED = -1 };

struct sse {
	struct idmap requests;	/* struct reframe of each request in flight */
	struct anthropic_work work;
	struct buf header;	/* of the record at hand, where it changes */
	struct single *single;	/* the answer of -H; NULL without it */
};

static int
out_of_memory(void)
{
	diag_error("unable to hold an answer: out of memory");
	return EXIT_SYSTEM;
}

/* Puts a record out, as one or as HTTP. */
static int
put_record(struct stage *stage, struct sse *sse, const struct record *record)
{
	if (sse->single == NULL)
		return stage_pass(stage, record);
	if (single_take(sse->single, record, &stage->output))
		return sse->single->ended ? FINISHED : EXIT_DONE;
	diag_error("unable to write the answer: a head without status and headers, or a second one");
	return EXIT_BUG;
}

/* Puts a payload out likewise. */
static void
put_payload(struct stage *stage, struct sse *sse, uint64_t id, const struct anthropic_output *out)
{
	struct record data = { .type = RECORD_DATA, .id = id, .payload = out->p, .payload_len = out->len };

	if (sse->single != NULL)
		(void)single_take(sse->single, &data, &stage->output);
	else if (out->len > 0)
		record_put_data(&stage->output, id, out->p, out->len);
}

static int
take_open(struct stage *stage, struct sse *sse, const struct record *record)
{
	struct reframe *reframe;

	if (idmap_get(&sse->requests, record->id) != NULL) {
		diag_error("unable to take up request %" PRIu64 ": it is open already", record->id);
		return EXIT_BUG;
	}
	reframe = reframe_new(record->id, record->header);
	if (reframe == NULL || !idmap_put(&sse->requests, record->id, reframe)) {
		reframe_free(reframe);
		return out_of_memory();
	}
	return sse->single != NULL ? put_record(stage, sse, record) : EXIT_DONE;
}

/* Takes a record of an answer; `reframe` is the answer's. */
static int
take_answer(struct stage *stage, struct sse *sse, const struct record *record, struct reframe *reframe)
{
	struct anthropic_output out = { NULL, 0 };
	struct record changed = *record;
	enum reframe_result result;

	buf_clear(&sse->header);
	if (record->type == RECORD_HEAD)
		result = reframe_head(reframe, record->header, &sse->header);
	else if (record->type == RECORD_DATA)
		result = reframe_data(reframe, record->payload, record->payload_len, &sse->work, &out);
	else
		result = reframe_end(reframe, record->header, &sse->work, &out, &sse->header);
	if (record->type == RECORD_END)
		reframe_free(idmap_remove(&sse->requests, record->id));
	if (result == REFRAME_FAILED || sse->header.failed)
		return out_of_memory();
	if (result == REFRAME_UNCHANGED)
		return put_record(stage, sse, record);
	put_payload(stage, sse, record->id, &out);
	if (record->type == RECORD_DATA)
		return EXIT_DONE;
	changed.header = (struct json){ buf_data(&sse->header), buf_len(&sse->header) };
	return put_record(stage, sse, &changed);
}

static int
handle(struct stage *stage, const struct record *record, void *context)
{
	struct sse *sse = context;
	struct reframe *reframe = idmap_get(&sse->requests, record->id);

	if (record->type == RECORD_OPEN)
		return take_open(stage, sse, record);
	if (reframe != NULL && (record->type == RECORD_HEAD || record->type == RECORD_DATA || record->type == RECORD_END))
		return take_answer(stage, sse, record, reframe);
	return put_record(stage, sse, record);
}

/* The input has ended, or cannot be read any further: what is open ends now, and not as if it were whole. */
static void
end_all(struct stage *stage, struct sse *sse)
{
	static const char why[] = ",\"result\":\"truncated\",\"error\":\"lb-fetch ended before the answer did\"}";
	struct buf header = BUF_INIT(RECORD_HEADER_MAX);
	struct reframe *reframe;

	while ((reframe = idmap_any(&sse->requests)) != NULL) {
		struct record end = { .type = RECORD_END, .id = reframe_id(reframe) };

		buf_clear(&header);
		record_begin(&header, "end", end.id);
		buf_puts(&header, why);
		end.header = (struct json){ buf_data(&header), buf_len(&header) };
		(void)take_answer(stage, sse, &end, reframe);
	}
	buf_free(&header);
}

static int
run(struct single *single)
{
	struct sse sse = { .work = ANTHROPIC_WORK_INIT, .header = BUF_INIT(2 * RECORD_HEADER_MAX), .single = single };
	struct reframe *reframe;
	struct stage stage;
	int code;

	stage_init(&stage, STDIN_FILENO, STDOUT_FILENO, handle, &sse);
	code = stage_run(&stage);
	if (code != FINISHED) {
		end_all(&stage, &sse);
		if (single != NULL)
			single_finish(single, &stage.output);
		if (stage_flush(&stage) != EXIT_DONE && code == EXIT_DONE)
			code = EXIT_SYSTEM;
	}
	if (single != NULL) {
		single_close(single, STDOUT_FILENO);
		if (code == FINISHED || code == EXIT_DONE)
			code = single->whole && !stage.no_reader ? EXIT_DONE : EXIT_NO;
	}
	while ((reframe = idmap_any(&sse.requests)) != NULL)
		reframe_free(idmap_remove(&sse.requests, reframe_id(reframe)));
	stage_free(&stage);
	idmap_free(&sse.requests);
	anthropic_work_free(&sse.work);
	buf_free(&sse.header);
	return code;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "http", no_argument, NULL, 'H' },
		CLI_OPTIONS,
	};
	struct single single;
	bool as_http = false;
	int option, code;

	diag_init(argv[0]);
	signal(SIGPIPE, SIG_IGN);
	single_init(&single);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":H", options, NULL)) != -1) {
		if (option != 'H')
			cli_default(option, argv, usage);
		as_http = true;
	}
	if (optind < argc)
		diag_usage("lb-sse takes no arguments: %s", argv[optind]);
	code = run(as_http ? &single : NULL);
	single_free(&single);
	return code;
}
