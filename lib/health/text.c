/* SPDX-License-Identifier: MIT */
/* What stands in records as text. */
#include "base/num.h"
#include "health/health.h"

uint64_t
health_parse_id(struct json text)
{
	uint64_t id;

	return json_is_string(text) && text.len == 18 && num_parse_hex(text.p + 1, 16, UINT64_MAX, &id) ? id : 0;
}

void
health_put_id(struct buf *out, uint64_t id)
{
	buf_printf(out, "%016llx", (unsigned long long)id);
}

const char *
health_result_name(enum health_result result)
{
	static const char *const names[HEALTH_RESULTS] = { "complete", "truncated", "upstream-error", "timeout", "cancelled",
		"refused" };

	return names[result];
}

enum health_result
health_parse_result(struct json name)
{
	for (int i = 0; i < HEALTH_RESULTS; i++)
		if (json_equals(name, health_result_name((enum health_result)i)))
			return (enum health_result)i;
	return HEALTH_TRUNCATED;
}

static uint64_t
number(struct json object, const char *name)
{
	struct json value;
	uint64_t n;

	return json_find(object, name, &value) && json_u64(value, INT64_MAX, &n) ? n : 0;
}

/* How long the last attempt took: the whole of the request has those before it too. */
static uint64_t
last_attempt_ms(struct json end)
{
	struct json attempts, attempt, last = { NULL, 0 };
	struct json_iter it;

	if (!json_find(end, "attempts", &attempts) || !json_is_array(attempts))
		return 0;
	json_iter_init(&it, attempts.p, attempts.len);
	while (json_next(&it, NULL, &attempt) == JSON_OK)
		last = attempt;
	return number(last, "ms");
}

void
health_note_end(struct health *health, struct health_row row, int status, struct json end, uint64_t now)
{
	struct json usage = { NULL, 0 }, result = { NULL, 0 };
	struct health_answer answer = { .status = status };
	uint64_t first = number(end, "first_ms"), all = number(end, "total_ms");

	(void)json_find(end, "result", &result);
	(void)json_find(end, "usage", &usage);
	answer.result = health_parse_result(result);
	answer.input_tokens = number(usage, "input_tokens");
	answer.output_tokens = number(usage, "output_tokens");
	answer.cache_read_tokens = number(usage, "cache_read_input_tokens");
	answer.cache_creation_tokens = number(usage, "cache_creation_input_tokens");
	answer.total_ms = last_attempt_ms(end);
	/* Both of them are told from the request's beginning. */
	if (first < all && all - first < answer.total_ms)
		answer.first_ms = answer.total_ms - (all - first);
	health_note_answer(health, row, &answer, now);
}
