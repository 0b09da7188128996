/* SPDX-License-Identifier: MIT */
#include "upstream/plan.h"

#include <string.h>

#include "base/limits.h"

/* Which dialect to answer in if there is no plan to say so. */
static enum dialect
guess_dialect(struct json target, struct json headers)
{
	struct json version;
	bool has_version = headers.len > 0 && json_find(headers, "anthropic-version", &version);

	if (target.len < 2)
		return DIALECT_ANTHROPIC;
	return dialect_of_request(target.p + 1, target.len - 2, has_version);
}

/* Reads `[offset, length]`. */
static bool
read_model_at(struct plan *plan, struct json value)
{
	struct json_iter it;
	struct json key, at, len;
	uint64_t offset, length;

	if (!json_iter_init(&it, value.p, value.len) || it.in_object || json_next(&it, &key, &at) != JSON_OK ||
	    json_next(&it, &key, &len) != JSON_OK || json_next(&it, &key, &value) != JSON_END)
		return false;
	if (!json_u64(at, SIZE_MAX, &offset) || !json_u64(len, SIZE_MAX, &length))
		return false;
	plan->has_model = true;
	plan->model_at = (size_t)offset;
	plan->model_len = (size_t)length;
	return true;
}

static const char *
read_plan(struct plan *plan, struct json object)
{
	struct json_iter it;
	struct json key, value;
	bool has_dialect = false;
	uint64_t number;

	if (!json_iter_init(&it, object.p, object.len) || !it.in_object)
		return "the plan is no object";
	while (json_next(&it, &key, &value) == JSON_OK) {
		if (json_equals(key, "dialect"))
			has_dialect = dialect_parse(value, &plan->dialect);
		else if (json_equals(key, "stream"))
			plan->stream = json_is_true(value);
		else if (json_equals(key, "attempts"))
			plan->attempts = value;
		else if (json_equals(key, "model") && json_is_string(value))
			plan->model = value;
		else if (json_equals(key, "policy") && json_is_string(value))
			plan->policy = value;
		else if (json_equals(key, "reasons") && json_is_array(value))
			plan->reasons = value;
		else if (json_equals(key, "ping_ms") && json_u64(value, UINT64_MAX, &number))
			plan->ping_ms = value;
		else if (json_equals(key, "first_ping_ms") && json_u64(value, UINT64_MAX, &number))
			plan->first_ping_ms = value;
		else if (json_equals(key, "model_at") && !read_model_at(plan, value))
			return "model_at in the plan is no pair of numbers";
	}
	if (!has_dialect)
		return "the plan has no dialect";
	if (!json_is_array(plan->attempts))
		return "the plan has no attempts";
	return NULL;
}

/* A method is a token (RFC 9110 §9.1); those in use are letters, and a few have a hyphen. */
static bool
is_method(struct json method)
{
	if (method.len < 3 || method.len - 2 > METHOD_MAX)
		return false;
	for (size_t i = 1; i < method.len - 1; i++)
		if ((method.p[i] < 'A' || method.p[i] > 'Z') && (method.p[i] < 'a' || method.p[i] > 'z') && method.p[i] != '-')
			return false;
	return true;
}

const char *
plan_read(struct plan *plan, struct json header)
{
	struct json_iter it;
	struct json key, value, object = { NULL, 0 }, target = { NULL, 0 };

	*plan = (struct plan){ .close = false };
	json_iter_init(&it, header.p, header.len);
	while (json_next(&it, &key, &value) == JSON_OK) {
		if (json_equals(key, "method") && json_is_string(value))
			plan->method = value;
		else if (json_equals(key, "request_id") && json_is_string(value))
			plan->request_id = value;
		else if (json_equals(key, "version") && json_is_string(value))
			plan->version = value;
		else if (json_equals(key, "target") && json_is_string(value))
			target = value;
		else if (json_equals(key, "close"))
			plan->close = json_is_true(value);
		else if (json_equals(key, "headers") && json_is_object(value))
			plan->headers = value;
		else if (json_equals(key, "plan"))
			object = value;
	}
	plan->dialect = guess_dialect(target, plan->headers);
	if (!is_method(plan->method))
		return "the request has no method that can be sent";
	if (object.len == 0)
		return "the request has no plan: lb-route stands before lb-fetch";
	return read_plan(plan, object);
}

void
plan_attempts(const struct plan *plan, struct json_iter *it)
{
	json_iter_init(it, plan->attempts.p, plan->attempts.len);
}

/* Reads a member that is a number; false if it is another. */
static bool
read_number(struct attempt *attempt, struct json key, struct json value)
{
	const struct {
		const char *name;
		uint64_t *place;
	} numbers[] = {
		{ "connect_ms", &attempt->limits.connect_ms },
		{ "first_byte_ms", &attempt->limits.first_byte_ms },
		{ "idle_ms", &attempt->limits.idle_ms },
		{ "total_ms", &attempt->limits.total_ms },
		{ "not_before", &attempt->not_before },
		{ "context", &attempt->context },
	};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (json_equals(key, numbers[i].name))
			return json_u64(value, INT64_MAX, numbers[i].place);
	return true;
}

bool
plan_next(struct json_iter *it, struct attempt *attempt, const char **why)
{
	struct json key, value;
	struct json_iter members;
	bool has_dialect = false;

	*attempt = (struct attempt){ .not_before = 0 };
	*why = NULL;
	if (json_next(it, &key, &value) != JSON_OK)
		return false;
	*why = "an attempt of the plan is not as it should be";
	if (!json_iter_init(&members, value.p, value.len) || !members.in_object)
		return false;
	while (json_next(&members, &key, &value) == JSON_OK) {
		if (json_equals(key, "provider") && json_is_string(value))
			attempt->provider = value;
		else if (json_equals(key, "url") && json_is_string(value))
			attempt->url = value;
		else if (json_equals(key, "model") && json_is_string(value))
			attempt->model = value;
		else if (json_equals(key, "key") && json_is_string(value))
			attempt->key = value;
		else if (json_equals(key, "dialect"))
			has_dialect = dialect_parse(value, &attempt->dialect);
		else if (!read_number(attempt, key, value))
			return false;
	}
	if (attempt->provider.len == 0 || attempt->url.len == 0 || !has_dialect)
		return false;
	*why = NULL;
	return true;
}

/* Whether a path segment is `.` or `..`, each dot as it is or as %2e. */
static bool
is_dots(const char *p, size_t n)
{
	size_t dots = 0;

	for (size_t i = 0; i < n; dots++) {
		if (p[i] == '.')
			i++;
		else if (n - i >= 3 && p[i] == '%' && p[i + 1] == '2' && (p[i + 2] | 0x20) == 'e')
			i += 3;
		else
			return false;
	}
	return dots == 1 || dots == 2;
}

bool
plan_url_is_below(const char *url, size_t n, const char *base)
{
	size_t at = strlen(base), segment;

	if (n < at || memcmp(url, base, at) != 0 || (n > at && url[at] != '/' && url[at] != '?'))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)url[i] <= 0x20 || (unsigned char)url[i] >= 0x7f || url[i] == '#' || url[i] == '\\')
			return false;
	while (at < n && url[at] == '/') {
		segment = ++at;
		while (at < n && url[at] != '/' && url[at] != '?')
			at++;
		if (is_dots(url + segment, at - segment))
			return false;
	}
	return true;
}
