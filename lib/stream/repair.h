/* SPDX-License-Identifier: MIT */
/* The repairs that are made on streams: each has a name, and lb-sse.1 has a line for it. */
#ifndef LB_STREAM_REPAIR_H
#define LB_STREAM_REPAIR_H

#include <stdbool.h>
#include <stdint.h>

enum anthropic_repair {
	/* Of the framing. */
	REPAIR_BOM,
	REPAIR_LINE_ENDS,
	REPAIR_DATA_SPACE,
	REPAIR_EVENT_NAME,
	REPAIR_BARE_JSON,
	REPAIR_JOINED_LINES,
	REPAIR_DROPPED_LINES,
	REPAIR_BLANK_LINES,
	REPAIR_LAST_LINE,
	REPAIR_NO_DATA,
	REPAIR_DONE,
	REPAIR_TYPE,
	REPAIR_ERROR_SHAPE,
	REPAIR_AFTER_END,

	/* Of the message. */
	REPAIR_START,
	REPAIR_START_FIELDS,
	REPAIR_USAGE,
	REPAIR_BLOCK_START,
	REPAIR_BLOCK_STOP,
	REPAIR_LATE_STOP,
	REPAIR_INDEX,
	REPAIR_BLOCK_FIELDS,
	REPAIR_TEXT_IN_START,
	REPAIR_TOOL_ID,
	REPAIR_INPUT,
	REPAIR_INPUT_IN_START,
	REPAIR_EMPTY_DELTA,
	REPAIR_MESSAGE_DELTA,
	REPAIR_MERGED_DELTA,
	REPAIR_STOP_REASON,
	REPAIR_LATE_CONTENT,
	REPAIR_MESSAGE_STOP,
	REPAIR_COUNT
};

/* How often each was made. */
struct repairs {
	uint32_t count[REPAIR_COUNT];
};

/* `bom`, `line-ends`, … */
const char *anthropic_repair_name(enum anthropic_repair repair);

static inline void
repairs_add(struct repairs *repairs, enum anthropic_repair repair, bool made)
{
	repairs->count[repair] += made;
}

#endif
