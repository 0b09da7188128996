/* SPDX-License-Identifier: MIT */
/*
 * Thinking cut out of a request: cuts are whole values and their commas, the copy is as much shorter as they are long, is
 * JSON, and has nothing left to cut.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "upstream/strip.h"

#define CHECK(PASSED)            \
	do {                     \
		if (!(PASSED))   \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The cuts are in order, apart from each other, and each begins and ends where a value or a comma's place does. */
static void
check_cuts(const struct strip *strip, const char *body, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < strip_count(strip); i++) {
		const struct strip_cut *cut = strip_cuts(strip) + i;
		const char *p = body + cut->at;

		CHECK(cut->at > at && cut->len > 0 && cut->at <= n && cut->len < n - cut->at);
		CHECK(*p == '{' || *p == ',' || memchr(" \t\r\n", *p, 4) != NULL);
		CHECK(p[cut->len - 1] == '}' || p[cut->len - 1] == ',' || memchr(" \t\r\n", p[cut->len - 1], 4) != NULL);
		at = cut->at + cut->len;
	}
	CHECK((strip_count(strip) == 0) == (strip->blocks == 0) && strip_count(strip) <= strip->blocks);
}

/* How many members and elements a value has, in all depths. */
static size_t
count_values(const char *p, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"')
			for (i++; p[i] != '"'; i++)
				i += p[i] == '\\';
		else
			count += p[i] == ',' || p[i] == '{' || p[i] == '[';
	}
	return count;
}

static void
check_copy(struct strip *strip, const char *body, size_t n)
{
	struct buf copy = BUF_INIT(SIZE_MAX);
	size_t cut = 0, instead = 0;
	struct json whole;

	for (size_t i = 0; i < strip_count(strip); i++) {
		const struct strip_cut *one = strip_cuts(strip) + i;

		cut += one->len;
		instead += one->instead != NULL ? strlen(one->instead) : 0;
	}
	strip_put(&copy, strip, body, n);
	CHECK(!copy.failed && buf_len(&copy) == n - cut + instead);
	CHECK(json_whole(buf_data(&copy), buf_len(&copy), &whole) == JSON_OK);
	CHECK(strip->blocks == 0 || instead > 0 ||
	    count_values(buf_data(&copy), buf_len(&copy)) < count_values(body, n));
	CHECK(strip_find(strip, buf_data(&copy), buf_len(&copy)) && strip->blocks == 0);
	buf_free(&copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *body = malloc(n > 0 ? n : 1);
	struct strip strip;
	struct json whole;

	CHECK(body != NULL);
	if (n > 0)
		memcpy(body, data, n);
	strip_init(&strip);
	if (strip_find(&strip, body, n)) {
		check_cuts(&strip, body, n);
		check_copy(&strip, body, n);
	} else {
		CHECK(strip.blocks == 0 && strip_count(&strip) == 0);
		CHECK(json_whole(body, n, &whole) != JSON_OK || !json_is_object(whole));
	}
	strip_free(&strip);
	free(body);
	return 0;
}
