/* SPDX-License-Identifier: MIT */
/* lb-sse: the stage that turns what a provider sent into what the client's dialect promises (lb-sse.1). */
#include <getopt.h>
#include <signal.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/clock.h"
#include "base/diag.h"
#include "edge/single.h"
#include "health/health.h"
#include "record/stage.h"
#include "stream/inflight.h"

static const char usage[] = "usage: lb-sse [-H]\n"
			    "Reframes the streams among the answers: response records from stdin to stdout.\n"
			    "  -H, --http     write the one answer as HTTP/1.1, not as records\n"
			    "      --help     print this and exit\n"
			    "      --version  print the version and exit\n"
			    "The page is lb-sse(1).\n";

/* Returned by the handler once the answer of -H has ended; no exit code. */
enum { FINISHED = -1 };

struct sse {
	struct stage stage;
	struct inflight inflight;
	struct single *single;	/* the answer of -H; NULL without it */
	struct health *health;	/* opened with the first answer that it is told of */
};

/* A record goes on: as it came, or as the answer's own. */
static int
put(const struct record *record, bool copied, void *context)
{
	struct sse *sse = context;

	if (sse->single != NULL) {
		if (single_take(sse->single, record, &sse->stage.output))
			return sse->single->ended ? FINISHED : EXIT_DONE;
		diag_error("unable to write the answer: a head without status and headers, or a second one");
		return EXIT_BUG;
	}
	/* What it says is for this stage alone. */
	if (record->type == RECORD_OPEN)
		return EXIT_DONE;
	if (copied)
		return stage_pass(&sse->stage, record);
	if (record->type == RECORD_DATA)
		record_put_data(&sse->stage.output, record->id, record->payload, record->payload_len);
	else
		record_put_copy(&sse->stage.output, record);
	return EXIT_DONE;
}

static void
note_end(uint64_t row, int status, struct json end, void *context)
{
	struct sse *sse = context;

	if (sse->health == NULL)
		sse->health = health_open();
	health_note_end(sse->health, health_find(sse->health, row, clock_unix_ms()), status, end, clock_unix_ms());
}

static int
handle(struct stage *stage, const struct record *record, void *context)
{
	return inflight_take(&((struct sse *)context)->inflight, record, stage->now);
}

static int
due(struct stage *stage, uint64_t *next, void *context)
{
	return inflight_wake(&((struct sse *)context)->inflight, stage->now, next);
}

static int
run(struct single *single)
{
	struct sse sse = { .single = single };
	struct stage *stage = &sse.stage;
	int code;

	inflight_init(&sse.inflight, put, &sse);
	sse.inflight.ended = note_end;
	stage_init(stage, STDIN_FILENO, STDOUT_FILENO, handle, &sse);
	stage->due = due;
	code = stage_run(stage);
	if (code != FINISHED) {
		/* The input has ended, or cannot be read any further. */
		(void)inflight_end(&sse.inflight, stage->now);
		if (single != NULL)
			single_finish(single, &stage->output);
		if (stage_flush(stage) != EXIT_DONE && code == EXIT_DONE)
			code = EXIT_SYSTEM;
	}
	if (single != NULL) {
		single_close(single, STDOUT_FILENO);
		if (code == FINISHED || code == EXIT_DONE)
			code = single->whole && !stage->no_reader ? EXIT_DONE : EXIT_NO;
	}
	stage_free(stage);
	inflight_free(&sse.inflight);
	health_close(sse.health);
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
