/* SPDX-License-Identifier: MIT */
/* The record reader: a record is one however it was split, and its copy is the same record. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "record/record.h"

#define CHECK(PASSED)            \
	do {                     \
		if (!(PASSED))   \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* From memory of its own size, so that the sanitizer sees a read past it. The caller frees it. */
static enum record_result
parse(const char *p, size_t n, struct record *record, char **memory)
{
	const char *why = NULL;
	enum record_result result;

	CHECK((*memory = malloc(n > 0 ? n : 1)) != NULL);
	if (n > 0)
		memcpy(*memory, p, n);
	result = record_parse(*memory, n, record, &why);
	CHECK(result != RECORD_BAD || why != NULL);
	CHECK(result != RECORD_OK || (record->size > 0 && record->size <= n));
	CHECK(result != RECORD_MORE || record->size == 0 || record->size > n);
	return result;
}

/* Before a record's end nothing is wrong with it; before a bad one's, either it shows or it does not. */
static void
check_cuts(const char *p, size_t n, enum record_result whole)
{
	enum record_result result = RECORD_MORE;

	for (size_t k = 0; k < n && k < 512; k++) {
		struct record record;
		char *memory;
		enum record_result before = result;

		result = parse(p, k, &record, &memory);
		CHECK(result != RECORD_OK && (before != RECORD_BAD || result == RECORD_BAD));
		CHECK(whole == RECORD_BAD || result == RECORD_MORE);
		free(memory);
	}
}

static void
check_record(const struct record *record)
{
	struct buf copy = BUF_INIT(2 * RECORD_HEADER_MAX);
	struct record again;
	struct json header;
	char *memory;

	CHECK(json_whole(record->header.p, record->header.len, &header) == JSON_OK && json_is_object(header));
	CHECK(header.len == record->header.len);
	CHECK(record->id > 0 || record->type == RECORD_UNKNOWN || record->type == RECORD_HELLO);
	if (record->type == RECORD_END)
		CHECK(record_end_of(record) < END_COUNT);
	record_put_copy(&copy, record);
	CHECK(parse(buf_data(&copy), buf_len(&copy), &again, &memory) == RECORD_OK && again.size == buf_len(&copy));
	CHECK(again.type == record->type && again.id == record->id && again.has_payload == record->has_payload);
	CHECK(again.payload_len == record->payload_len);
	CHECK(record->payload_len == 0 || memcmp(again.payload, record->payload, record->payload_len) == 0);
	free(memory);
	buf_free(&copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data;
	struct record record;
	char *memory;
	enum record_result result = parse(p, n, &record, &memory);

	if (result == RECORD_OK)
		check_record(&record);
	check_cuts(p, result == RECORD_OK ? record.size : n, result);
	free(memory);
	return 0;
}
