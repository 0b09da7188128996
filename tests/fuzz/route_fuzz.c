/* SPDX-License-Identifier: MIT */
/*
 * Any request: method, target, Host and Origin a line each, then the body. Whatever is decided is JSON, an attempt's
 * URL stays below its provider's base, and the model is a string of the body.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "config/read.h"
#include "route/route.h"

#define CHECK(PASSED)            \
	do {                     \
		if (!(PASSED))   \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char configuration[] =
    "{\"providers\":{\"a\":{\"base_url\":\"https://a.example/x\",\"dialect\":\"anthropic\",\"keys\":[\"env:A\",\"env:B\"]},"
    "\"o\":{\"base_url\":\"https://a.example/x/v1\",\"dialect\":\"openai\",\"key\":\"client\"}},"
    "\"routes\":[{\"model\":\"m\",\"targets\":[{\"provider\":\"a\",\"model\":\"A\"},{\"provider\":\"o\"}]},"
    "{\"model\":\"*-*\",\"targets\":[{\"provider\":\"o\",\"model\":\"O\"}]}],\"origins\":[\"https://b\"],\"hosts\":[\"b\"]}";

static struct router *
router(void)
{
	static struct router *made;
	struct config *config;
	struct mistakes mistakes = { .list = NULL };
	char text[sizeof configuration];

	if (made != NULL)
		return made;
	CHECK((config = calloc(1, sizeof *config)) != NULL);
	memcpy(text, configuration, sizeof text);
	config_read(config, text, sizeof text - 1, &mistakes);
	CHECK(mistakes.count == 0 && (made = router_new(config)) != NULL);
	return made;
}

/* The next line of the input; absent if it is empty. */
static struct text
line(const char **p, const char *end)
{
	const char *from = *p, *feed = *p < end ? memchr(*p, '\n', (size_t)(end - *p)) : NULL;
	struct text text = { from, (size_t)((feed ? feed : end) - from) };

	*p = feed ? feed + 1 : end;
	return text.len > 0 ? text : (struct text){ NULL, 0 };
}

/* An attempt's URL begins with the base, and its path has nothing that leads out of it. */
static void
check_url(struct json string)
{
	static const char base[] = "https://a.example/x/v1/";
	struct buf unescaped = BUF_INIT(16 * MIB);
	const char *url, *query;
	size_t len, path;

	CHECK(json_decode(string, &unescaped));
	url = buf_data(&unescaped);
	len = buf_len(&unescaped);
	query = memchr(url, '?', len);
	path = query ? (size_t)(query - url) : len;
	CHECK(len > sizeof base - 1 && memcmp(url, base, sizeof base - 1) == 0);
	CHECK(memmem(url, path, "..", 2) == NULL && memmem(url + 8, path - 8, "//", 2) == NULL);
	CHECK(memchr(url, '#', len) == NULL && memchr(url, '\\', path) == NULL);
	buf_free(&unescaped);
}

static void
check_plan(struct json plan, const struct request *request)
{
	struct json value, attempt, key, string;
	struct json_iter it;
	uint64_t at = 0, len = 0;

	CHECK(json_find(plan, "attempts", &value) && json_iter_init(&it, value.p, value.len));
	while (json_next(&it, &key, &attempt) == JSON_OK) {
		CHECK(json_find(attempt, "url", &value));
		check_url(value);
	}
	if (!json_find(plan, "model_at", &value))
		return;
	json_iter_init(&it, value.p, value.len);
	CHECK(json_next(&it, &key, &value) == JSON_OK && json_u64(value, request->body_len, &at));
	CHECK(json_next(&it, &key, &value) == JSON_OK && json_u64(value, request->body_len - at, &len));
	CHECK(json_whole(request->body + at, len, &string) == JSON_OK && json_is_string(string) && string.len == len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size;
	struct request request = { .id = 1 };
	struct decision decision;
	struct buf out = BUF_INIT(16 * MIB);
	struct json whole, plan;

	request.method = line(&p, end);
	request.target = line(&p, end);
	request.host = line(&p, end);
	request.origin = line(&p, end);
	request.body = p;
	request.body_len = (size_t)(end - p);
	if (request.method.p == NULL || request.target.p == NULL)
		return 0;
	CHECK(route_decide(router(), &request, &(struct moment){ .now = 1 }, &decision));
	if (decision.status == 0) {
		buf_putc(&out, '{');
		buf_put(&out, decision.text, decision.len);
		buf_putc(&out, '}');
		CHECK(json_whole(buf_data(&out), buf_len(&out), &whole) == JSON_OK && json_find(whole, "plan", &plan));
		check_plan(plan, &request);
	} else {
		CHECK(json_whole(decision.text, decision.len, &whole) == JSON_OK);
	}
	route_explain(&request, &decision, &out);
	CHECK(!out.failed);
	buf_free(&out);
	return 0;
}
