/* SPDX-License-Identifier: MIT */
/* Any text as a replay script: it is refused with mistakes, or its answers play, and end but for those that hang. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "replay/player.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char request[] = "{\"type\":\"request\",\"id\":1,\"method\":\"POST\",\"target\":\"/v1/messages?a\","
			      "\"headers\":{\"x\":\"y\"},\"bytes\":30}\n{\"model\":\"m-1\",\"stream\":true }\n";

enum {
	TURNS = 4,
	STEPS_MAX = 2000
};

/* What is written must be records, whatever the script. */
static void
check_records(const struct buf *out)
{
	struct record record;
	const char *why;

	for (size_t pos = 0; pos < buf_len(out); pos += record.size)
		if (record_parse(buf_data(out) + pos, buf_len(out) - pos, &record, &why) != RECORD_OK)
			abort();
}

static void
play(struct replay_script *script, const struct record *record)
{
	struct replay_player *player = replay_begin(script, record);
	struct buf out = BUF_INIT(64 * MIB);
	enum replay_state state = REPLAY_GOING;
	uint64_t wait_ms;

	for (int i = 0; i < STEPS_MAX && state != REPLAY_FINISHED && state != REPLAY_HANGING; i++)
		state = replay_play(player, &out, &wait_ms);
	if (state != REPLAY_FINISHED)
		replay_stop(player, END_TRUNCATED, "enough", &out);
	if (!out.failed)
		check_records(&out);
	replay_player_free(player);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf errors = BUF_INIT(MIB);
	struct replay_script *script = replay_parse("fuzz", (const char *)data, size, &errors);
	struct record record;
	const char *why;

	if ((script == NULL) != (buf_len(&errors) > 0))
		abort();
	if (record_parse(request, sizeof request - 1, &record, &why) != RECORD_OK)
		abort();
	for (int i = 0; script != NULL && i < TURNS; i++)
		play(script, &record);
	replay_free(script);
	buf_free(&errors);
	return 0;
}
