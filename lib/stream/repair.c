/* SPDX-License-Identifier: MIT */
#include "stream/repair.h"

static const char *const names[REPAIR_COUNT] = {
	[REPAIR_BOM] = "bom",
	[REPAIR_LINE_ENDS] = "line-ends",
	[REPAIR_DATA_SPACE] = "data-space",
	[REPAIR_EVENT_NAME] = "event-name",
	[REPAIR_BARE_JSON] = "bare-json",
	[REPAIR_JOINED_LINES] = "joined-lines",
	[REPAIR_DROPPED_LINES] = "dropped-lines",
	[REPAIR_BLANK_LINES] = "blank-lines",
	[REPAIR_LAST_LINE] = "last-line",
	[REPAIR_NO_DATA] = "no-data",
	[REPAIR_DONE] = "done",
	[REPAIR_TYPE] = "type",
	[REPAIR_ERROR_SHAPE] = "error-shape",
	[REPAIR_AFTER_END] = "after-end",
	[REPAIR_START] = "start",
	[REPAIR_START_FIELDS] = "start-fields",
	[REPAIR_USAGE] = "usage",
	[REPAIR_BLOCK_START] = "block-start",
	[REPAIR_BLOCK_STOP] = "block-stop",
	[REPAIR_LATE_STOP] = "late-stop",
	[REPAIR_INDEX] = "index",
	[REPAIR_BLOCK_FIELDS] = "block-fields",
	[REPAIR_TEXT_IN_START] = "text-in-start",
	[REPAIR_TOOL_ID] = "tool-id",
	[REPAIR_INPUT] = "input",
	[REPAIR_INPUT_IN_START] = "input-in-start",
	[REPAIR_EMPTY_DELTA] = "empty-delta",
	[REPAIR_MESSAGE_DELTA] = "message-delta",
	[REPAIR_MERGED_DELTA] = "merged-delta",
	[REPAIR_STOP_REASON] = "stop-reason",
	[REPAIR_LATE_CONTENT] = "late-content",
	[REPAIR_MESSAGE_STOP] = "message-stop",
};

const char *
anthropic_repair_name(enum anthropic_repair repair)
{
	return names[repair];
}
