/* SPDX-License-Identifier: MIT */
#include "route/route.h"

#include "base/limits.h"
#include "config/read.h"
#include "route/access.h"
#include "route/body.h"
#include "route/glob.h"
#include "route/path.h"
#include "route/plan.h"
#include "test.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof *(ARRAY))

static const struct {
	const char *pattern, *text;
	bool matches;
} globs[] = {
	{ "", "", true },
	{ "", "a", false },
	{ "a", "", false },
	{ "a", "a", true },
	{ "a", "A", false },
	{ "a", "ab", false },
	{ "*", "", true },
	{ "*", "any/thing", true },
	{ "**", "a", true },
	{ "claude-*", "claude-", true },
	{ "claude-*", "claude-opus", true },
	{ "claude-*", "xclaude-opus", false },
	{ "*-opus", "claude-opus", true },
	{ "*-opus", "claude-opus-5", false },
	{ "a*b*c", "abc", true },
	{ "a*b*c", "a-b-b-c", true },
	{ "a*b*c", "a-c-b", false },
	{ "*ab", "aab", true },
	{ "*aab*", "aaaab", true },
	{ "a*", "*", false },
	{ "?", "a", false },
	{ "[a]", "a", false },
	{ "a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
};

static void
test_globs(void)
{
	for (size_t i = 0; i < COUNT(globs); i++) {
		size_t n = strlen(globs[i].text);
		struct test_page page = test_page(globs[i].text, n);

		TEST(glob_match(globs[i].pattern, page.text, n) == globs[i].matches, globs[i].pattern);
		test_page_free(page);
	}
}

static const struct {
	const char *text;
	const char *model;	/* as it stands in the body; NULL: it is refused, and this is why: */
	const char *why;
	bool stream;
} bodies[] = {
	{ "{\"model\":\"m\"}", "\"m\"", NULL, false },
	{ " {\n\"stream\" : true , \"model\" : \"m\\u0041\" } \r\n", "\"m\\u0041\"", NULL, true },
	{ "{\"\\u006dodel\":\"m\",\"\\u0073tream\":true}", "\"m\"", NULL, true },
	{ "{\"messages\":[{\"model\":1,\"stream\":2}],\"model\":\"m\",\"stream\":false,\"x\":{\"model\":\"n\"}}", "\"m\"", NULL, false },
	{ "{\"a\":1e400,\"b\":12345678901234567890,\"model\":\"m\",\"a\":1.0}", "\"m\"", NULL, false },
	{ "{\"Model\":1,\"models\":2,\"mode\":3,\"model\":\"m\"}", "\"m\"", NULL, false },
	{ "", NULL, "the body is empty: it must be a JSON object", false },
	{ "[]", NULL, "the body is no JSON object", false },
	{ "\"model\"", NULL, "the body is no JSON object", false },
	{ "null", NULL, "the body is no JSON object", false },
	{ "model=m", NULL, "the body is no JSON object", false },
	{ "{", NULL, "the body is no JSON object: it ends too early", false },
	{ "{\"model\":\"m\"", NULL, "the body is no JSON object: it ends too early", false },
	{ "{\"model\":\"m\"}}", NULL, "the body is no JSON object: octet 14 does not belong there", false },
	{ "{\"model\":\"m\",}", NULL, "the body is no JSON object: octet 14 does not belong there", false },
	{ "{\"model\":\"m\"} {\"model\":\"n\"}", NULL, "the body is no JSON object: octet 14 does not belong there", false },
	{ "{}", NULL, "the body names no model: 'model' is missing", false },
	{ "{\"x\":{\"model\":\"m\"}}", NULL, "the body names no model: 'model' is missing", false },
	{ "{\"model\":1}", NULL, "'model' must be a string", false },
	{ "{\"model\":null}", NULL, "'model' must be a string", false },
	{ "{\"model\":[\"m\"]}", NULL, "'model' must be a string", false },
	{ "{\"model\":\"\"}", NULL, "'model' is empty", false },
	{ "{\"model\":\"m\",\"model\":\"m\"}", NULL, "the body has 'model' twice", false },
	{ "{\"model\":\"m\",\"\\u006dodel\":\"n\"}", NULL, "the body has 'model' twice", false },
	{ "{\"model\":\"m\",\"mod\\u0065\\u006C\":null}", NULL, "the body has 'model' twice", false },
	{ "{\"stream\":true,\"model\":\"m\",\"stream\":true}", NULL, "the body has 'stream' twice", false },
	{ "{\"model\":\"m\",\"stream\":false,\"strea\\u006d\":false}", NULL, "the body has 'stream' twice", false },
	{ "{\"model\":\"m\",\"stream\":1}", NULL, "'stream' must be true or false", false },
	{ "{\"model\":\"m\",\"stream\":\"true\"}", NULL, "'stream' must be true or false", false },
	{ "{\"model\":\"m\",\"stream\":null}", NULL, "'stream' must be true or false", false },
};

static void
test_bodies(void)
{
	struct buf why = BUF_INIT(KIB);

	for (size_t i = 0; i < COUNT(bodies); i++) {
		size_t n = strlen(bodies[i].text);
		struct test_page page = test_page(bodies[i].text, n);
		struct body body;
		bool passed = true;

		buf_clear(&why);
		EXPECT(body_scan(&body, DIALECT_ANTHROPIC, page.text, n, &why) == (bodies[i].model != NULL), "result");
		if (bodies[i].model != NULL) {
			EXPECT(body.model.len == strlen(bodies[i].model), "length of the model");
			EXPECT(memcmp(body.model.p, bodies[i].model, body.model.len) == 0, "the model");
			EXPECT(body.stream == bodies[i].stream, "stream");
		} else {
			EXPECT(strcmp(buf_str(&why), bodies[i].why) == 0, buf_str(&why));
		}
		TEST(passed, bodies[i].text);
		/* Whatever is missing at its end, a body that was cut is none. */
		size_t last = n;

		while (last > 0 && strchr(" \r\n", page.text[last - 1]) != NULL)
			last--;
		for (size_t cut = 0; bodies[i].model != NULL && cut < last; cut++) {
			struct test_page prefix = test_page(bodies[i].text, cut);

			EXPECT(!body_scan(&body, DIALECT_ANTHROPIC, prefix.text, cut, &why), "a prefix");
			test_page_free(prefix);
		}
		if (!passed)
			TEST(passed, "every prefix of it is refused");
		test_page_free(page);
	}
	struct body body;

	TEST(body_scan(&body, DIALECT_OPENAI, "{\"stream\":null,\"model\":\"m\"}", 27, &why) && !body.stream,
	    "OpenAI's stream may be null");
	buf_free(&why);
}

static void
test_large_body(void)
{
	struct buf text = BUF_INIT(64 * MIB), why = BUF_INIT(KIB);
	struct body body;

	buf_puts(&text, "{\"messages\":[");
	while (buf_len(&text) < 10 * MIB)
		buf_puts(&text, "{\"role\":\"user\",\"content\":\"caf\\u00e9 \xc3\xa9 9007199254740993\",\"n\":9007199254740993},");
	buf_puts(&text, "0],\"model\":\"m\",\"stream\":true}");
	TEST(body_scan(&body, DIALECT_ANTHROPIC, buf_data(&text), buf_len(&text), &why) && body.stream &&
	    body.model.p == buf_data(&text) + buf_len(&text) - strlen("\"m\",\"stream\":true}"), "a body of 10 MB");
	buf_clear(&text);
	buf_puts(&text, "{\"model\":\"");
	for (size_t i = 0; i < MODEL_MAX; i++)
		buf_putc(&text, 'm');
	buf_puts(&text, "\"}");
	TEST(!body_scan(&body, DIALECT_ANTHROPIC, buf_data(&text), buf_len(&text), &why) &&
	    strcmp(buf_str(&why), "'model' is too long") == 0, "a model's name without end");
	buf_free(&text);
	buf_free(&why);
}

static const struct {
	const char *target;
	enum path_kind kind;
} paths[] = {
	{ "/v1/messages", PATH_BY_MODEL },
	{ "/v1/messages?beta=true", PATH_BY_MODEL },
	{ "/v1/messages/count_tokens?a=%2e%2e//..", PATH_BY_MODEL },
	{ "/v1/chat/completions", PATH_BY_MODEL },
	{ "http://localhost:9000/v1/messages", PATH_BY_MODEL },
	{ "HTTPS://localhost/v1/models?limit=1", PATH_MODELS },
	{ "http://localhost", PATH_ROOT },
	{ "http://localhost?x", PATH_ROOT },
	{ "/", PATH_ROOT },
	{ "/?x", PATH_ROOT },
	{ "/health", PATH_HEALTH },
	{ "/ready?x", PATH_READY },
	{ "/v1/models", PATH_MODELS },
	{ "/v1/models/anthropic/claude", PATH_MODEL },
	{ "/v1/models/", PATH_NONE },
	{ "/v1/messages/", PATH_OTHER },
	{ "/v1/messages/batches", PATH_OTHER },
	{ "/v1/files/x.pdf", PATH_OTHER },
	{ "/v1/embeddings?a=..&b=//&c=%2f", PATH_OTHER },
	{ "/v1/", PATH_NONE },
	{ "/v1", PATH_NONE },
	{ "/v1beta/x", PATH_NONE },
	{ "/v1/v1/messages", PATH_NONE },
	{ "/healthy", PATH_NONE },
	{ "//v1/messages", PATH_NONE },
	{ "/V1/messages", PATH_NONE },
	{ "/v1%2fmessages", PATH_NONE },
	{ "", PATH_BAD },
	{ "*", PATH_BAD },
	{ "v1/messages", PATH_BAD },
	{ "localhost:443", PATH_BAD },
	{ "/v1/../admin", PATH_BAD },
	{ "/v1/x/..", PATH_BAD },
	{ "/v1/x/..;/y", PATH_BAD },
	{ "/v1/./x", PATH_BAD },
	{ "/v1/x/.", PATH_BAD },
	{ "/v1//x", PATH_BAD },
	{ "/v1/x%2F..%2Fy", PATH_BAD },
	{ "/v1/%2e%2E/x", PATH_BAD },
	{ "/v1/x%5cy", PATH_BAD },
	{ "/v1/x\\y", PATH_BAD },
	{ "/v1/x%00", PATH_BAD },
	{ "/v1/x#y", PATH_BAD },
	{ "/v1/messages#y", PATH_BAD },
	{ "/v1/messages?caf\xc3\xa9", PATH_BAD },
	{ "/v1/messages?a b", PATH_BAD },
	{ "/v1/messages?a\x7f", PATH_BAD },
};

static void
test_paths(void)
{
	for (size_t i = 0; i < COUNT(paths); i++) {
		size_t n = strlen(paths[i].target);
		struct test_page page = test_page(paths[i].target, n);
		struct path path;

		path_read(&path, page.text, n);
		TEST(path.kind == paths[i].kind && (path.kind == PATH_BAD) == (path.why != NULL), paths[i].target);
		test_page_free(page);
	}
}

static const struct {
	const char *host;
	bool allowed;
} hosts[] = {
	{ "localhost", true }, { "localhost:9000", true }, { "LocalHost:1", true }, { "localhost.", true },
	{ "a.b.localhost:80", true }, { "127.0.0.1", true }, { "127.255.1.9:9000", true }, { "[::1]", true },
	{ "[::1]:9000", true }, { "lb.example", true }, { "LB.EXAMPLE:9000", true }, { "[2001:db8::1]:1", true },
	{ "", false }, { ":9000", false }, { "evil.example", false }, { "localhost.evil.example", false },
	{ "evillocalhost", false }, { ".localhost", false }, { "127.0.0.1.evil.example", false }, { "127.0.0", false },
	{ "127.0.0.256", false }, { "127.0.0.0001", false }, { "128.0.0.1", false }, { "0.0.0.0", false }, { "[::2]", false },
	{ "[::1", false }, { "[::1]evil", false }, { "localhost:80:80", false }, { "localhost:x", false },
	{ "localhost, evil.example", false }, { "evil.example:127.0.0.1", false }, { "lb.example.evil", false },
};

static void
test_access(void)
{
	char *names[] = { "lb.example", "[2001:db8::1]" }, *origins[] = { "https://app.example" };
	struct config config = { .hosts = names, .host_count = 2, .origins = origins, .origin_count = 1 };

	for (size_t i = 0; i < COUNT(hosts); i++) {
		size_t n = strlen(hosts[i].host);
		struct test_page page = test_page(hosts[i].host, n);

		TEST(access_host(&config, page.text, n) == hosts[i].allowed, hosts[i].host);
		test_page_free(page);
	}
	TEST(access_origin(&config, "https://app.example", 19), "an origin that is configured");
	TEST(!access_origin(&config, "https://app.example:1", 21) && !access_origin(&config, "https://app.exampl", 18) &&
	    !access_origin(&config, "null", 4) && !access_origin(&config, "", 0), "origins that are not");
}

static const char configuration[] =
    "{\"providers\":{"
    "\"a\":{\"base_url\":\"https://a.example/api\",\"dialect\":\"anthropic\",\"keys\":[\"env:A1\",\"env:A2\"]},"
    "\"o\":{\"base_url\":\"https://o.example/v1\",\"dialect\":\"openai\",\"key\":\"env:O\",\"first_byte_ms\":7},"
    "\"b\":{\"base_url\":{\"anthropic\":\"http://b\",\"openai\":\"http://b/v1\"}}},"
    "\"routes\":["
    "{\"model\":\"one\",\"targets\":[{\"provider\":\"a\",\"model\":\"A-1\"},{\"provider\":\"o\"},{\"provider\":\"b\",\"model\":\"one\"}]},"
    "{\"model\":\"only-o\",\"targets\":[{\"provider\":\"o\",\"model\":\"x-7\",\"context\":128000}]},"
    "{\"model\":\"x-*\",\"targets\":[{\"provider\":\"b\"}]}],"
    "\"origins\":[\"https://app.example\"],\"hosts\":[\"lb.example\"]}";

static struct config *
make_config(void)
{
	struct config *config = calloc(1, sizeof *config);
	struct mistakes mistakes = { .list = NULL };
	struct buf text = BUF_INIT(MIB);

	buf_puts(&text, configuration);
	config_read(config, buf_data(&text), buf_len(&text), &mistakes);
	TEST(mistakes.count == 0, "the configuration of the tests below");
	mistakes_free(&mistakes);
	buf_free(&text);
	return config;
}

#define REQUEST(METHOD, TARGET, HEADERS, BODY) \
	"{\"type\":\"request\",\"id\":7,\"request_id\":\"req_7\",\"method\":\"" METHOD "\",\"target\":\"" TARGET \
	"\",\"version\":\"1.1\",\"headers\":{" HEADERS "},\"peer\":\"127.0.0.1:5\"}", BODY
#define LOCAL "\"host\":\"localhost:9000\""
#define VERSION LOCAL ",\"anthropic-version\":\"2023-06-01\""
#define LIMITS_OF(FIRST, MORE) \
	"\"connect_ms\":10000,\"first_byte_ms\":" FIRST ",\"idle_ms\":120000,\"total_ms\":3600000" MORE ",\"not_before\":0"
#define LIMITS(FIRST) LIMITS_OF(FIRST, "")
#define ERROR_A(TYPE, MESSAGE) \
	"{\"type\":\"error\",\"error\":{\"type\":\"" TYPE "\",\"message\":\"" MESSAGE "\"},\"request_id\":\"req_7\"}"
#define ERROR_O(TYPE, MESSAGE) \
	"{\"error\":{\"message\":\"" MESSAGE "\",\"type\":\"" TYPE "\",\"param\":null,\"code\":null}}"
#define SERVES ": lb serves /v1/messages and whatever else Anthropic's API has below /v1/, and /v1/chat/completions and " \
	"whatever else OpenAI's has; check the base URL that the client was given"
#define MODEL(ID) "{\"id\":\"" ID "\",\"type\":\"model\",\"display_name\":\"" ID "\",\"created_at\":\"1970-01-01T00:00:00Z\"}"
#define ONLY "route 'only-o' is the first that matches the model"

static const struct {
	const char *header, *body;
	int status;
	const char *text;
} decisions[] = {
	{ REQUEST("POST", "/v1/messages?beta=true", LOCAL, "{\"model\":\"one\",\"stream\":true}"), 0,
	    "\"plan\":{\"dialect\":\"anthropic\",\"stream\":true,\"model\":\"one\",\"model_at\":[9,5],\"route\":\"one\","
	    "\"policy\":\"failover\",\"reasons\":[\"route 'one' is the first that matches the model\","
	    "\"o is left out: it does not speak anthropic\"],\"attempts\":["
	    "{\"provider\":\"a\",\"dialect\":\"anthropic\",\"url\":\"https://a.example/api/v1/messages?beta=true\","
	    "\"model\":\"A-1\",\"key\":\"env:A1\"," LIMITS("120000") "},"
	    "{\"provider\":\"a\",\"dialect\":\"anthropic\",\"url\":\"https://a.example/api/v1/messages?beta=true\","
	    "\"model\":\"A-1\",\"key\":\"env:A2\"," LIMITS("120000") "},"
	    "{\"provider\":\"b\",\"dialect\":\"anthropic\",\"url\":\"http://b/v1/messages?beta=true\"," LIMITS("120000") "}]}" },
	{ REQUEST("POST", "/v1/chat/completions?q=\\\"", LOCAL, "{\"model\":\"only-o\"}"), 0,
	    "\"plan\":{\"dialect\":\"openai\",\"stream\":false,\"model\":\"only-o\",\"model_at\":[9,8],\"route\":\"only-o\","
	    "\"policy\":\"failover\",\"reasons\":[\"" ONLY "\"],\"attempts\":["
	    "{\"provider\":\"o\",\"dialect\":\"openai\",\"url\":\"https://o.example/v1/chat/completions?q=\\\"\","
	    "\"model\":\"x-7\",\"key\":\"env:O\"," LIMITS_OF("7", ",\"context\":128000")  "}]}" },
	{ REQUEST("POST", "/v1/messages/count_tokens", LOCAL, "{\"model\":\"x-\\u00e9\\\"\",\"stream\":true}"), 0,
	    "\"plan\":{\"dialect\":\"anthropic\",\"stream\":false,\"model\":\"x-\xc3\xa9\\\"\",\"model_at\":[9,12],"
	    "\"route\":\"x-*\",\"policy\":\"failover\",\"reasons\":[\"route 'x-*' is the first that matches the model\"],"
	    "\"attempts\":[{\"provider\":\"b\",\"dialect\":\"anthropic\",\"url\":\"http://b/v1/messages/count_tokens\","
	    LIMITS("600000") "}]}" },
	{ REQUEST("DELETE", "/v1/files/f?x=..", LOCAL, "any"), 0,
	    "\"plan\":{\"dialect\":\"openai\",\"stream\":false,\"policy\":\"failover\",\"reasons\":[\"this path has no model: "
	    "o is the first provider that speaks openai\"],\"attempts\":[{\"provider\":\"o\",\"dialect\":\"openai\","
	    "\"url\":\"https://o.example/v1/files/f?x=..\",\"key\":\"env:O\"," LIMITS("7") "}]}" },
	{ REQUEST("GET", "http://lb.example/v1/files", VERSION, ""), 0,
	    "\"plan\":{\"dialect\":\"anthropic\",\"stream\":false,\"policy\":\"failover\",\"reasons\":[\"this path has no model: "
	    "a is the first provider that speaks anthropic\"],\"attempts\":["
	    "{\"provider\":\"a\",\"dialect\":\"anthropic\",\"url\":\"https://a.example/api/v1/files\",\"key\":\"env:A1\","
	    LIMITS("600000") "},{\"provider\":\"a\",\"dialect\":\"anthropic\",\"url\":\"https://a.example/api/v1/files\","
	    "\"key\":\"env:A2\"," LIMITS("600000") "}]}" },
	/* What the body lacks. */
	{ REQUEST("POST", "/v1/messages", LOCAL, "[]"), 400, ERROR_A("invalid_request_error", "the body is no JSON object") },
	{ REQUEST("POST", "/v1/chat/completions", LOCAL, "{\"model\":\"a\",\"\\u006dodel\":\"a\"}"), 400,
	    ERROR_O("invalid_request_error", "the body has 'model' twice") },
	{ REQUEST("POST", "/v1/messages", LOCAL, "{\"model\":\"only-o\"}"), 400,
	    ERROR_A("invalid_request_error", "no provider of route 'only-o' speaks the anthropic dialect: o speaks openai") },
	{ REQUEST("POST", "/v1/messages", LOCAL, "{\"model\":\"two\\n\"}"), 404,
	    ERROR_A("not_found_error", "no route is for the model 'two\\n'; there are: one, only-o, x-*") },
	{ REQUEST("POST", "/v1/chat/completions", LOCAL, "{\"model\":\"On\\u0000e\"}"), 404,
	    ERROR_O("invalid_request_error", "no route is for the model 'On e'; there are: one, only-o, x-*") },
	/* Paths and methods. */
	{ REQUEST("GET", "/v1/messages", LOCAL, ""), 405, ERROR_A("invalid_request_error", "'/v1/messages' takes POST only") },
	{ REQUEST("POST", "/v1/models/x", LOCAL, ""), 405,
	    ERROR_O("invalid_request_error", "'/v1/models/x' takes GET, HEAD only") },
	{ REQUEST("post", "/v1/messages", LOCAL, "{\"model\":\"one\"}"), 405,
	    ERROR_A("invalid_request_error", "'/v1/messages' takes POST only") },
	{ REQUEST("GET", "/x?y", LOCAL, ""), 404, ERROR_A("not_found_error", "there is nothing at '/x'" SERVES) },
	{ REQUEST("GET", "/v1/../x", LOCAL, ""), 400, ERROR_O("invalid_request_error", "the path has '..'") },
	{ REQUEST("OPTIONS", "*", LOCAL, ""), 400, ERROR_A("invalid_request_error", "the target is no path") },
	/* What lb itself answers. */
	{ REQUEST("HEAD", "/", LOCAL, ""), 200, "{\"name\":\"lb\",\"version\":\"0.1.0\"}" },
	{ REQUEST("GET", "/health", LOCAL, ""), 200, "{\"status\":\"ok\"}" },
	{ REQUEST("GET", "/ready", LOCAL, ""), 200, "{\"status\":\"ready\"}" },
	{ REQUEST("GET", "/v1/models", LOCAL, ""), 200,
	    "{\"object\":\"list\",\"data\":[{\"id\":\"one\",\"object\":\"model\",\"created\":0,\"owned_by\":\"a\"},"
	    "{\"id\":\"only-o\",\"object\":\"model\",\"created\":0,\"owned_by\":\"o\"},"
	    "{\"id\":\"x-7\",\"object\":\"model\",\"created\":0,\"owned_by\":\"b\"}]}" },
	{ REQUEST("GET", "/v1/models?limit=9", VERSION, ""), 200,
	    "{\"data\":[" MODEL("one") "," MODEL("only-o") "," MODEL("x-7") "],\"has_more\":false,\"first_id\":\"one\","
	    "\"last_id\":\"x-7\"}" },
	{ REQUEST("GET", "/v1/models/x-%2Fy", VERSION, ""), 200, MODEL("x-/y") },
	{ REQUEST("GET", "/v1/models/two", VERSION, ""), 404,
	    ERROR_A("not_found_error", "no route is for the model 'two'; there are: one, only-o, x-*") },
	/* Web pages. */
	{ REQUEST("POST", "/v1/messages", LOCAL ",\"origin\":\"https://evil.example\"", "{}"), 403,
	    ERROR_A("permission_error", "calls from the web origin 'https://evil.example' are not allowed: name it in "
	    "'origins' of lb's configuration if they should be") },
	{ REQUEST("GET", "/health", LOCAL ",\"origin\":\"null\"", ""), 403,
	    ERROR_A("permission_error", "calls from the web origin 'null' are not allowed: name it in 'origins' of lb's "
	    "configuration if they should be") },
	{ REQUEST("GET", "/health", LOCAL ",\"origin\":\"https://app.example\"", ""), 200, "{\"status\":\"ok\"}" },
	{ REQUEST("GET", "/v1/models", "\"host\":\"evil.example:9000\"", ""), 403,
	    ERROR_O("invalid_request_error", "calls to the host 'evil.example:9000' are not allowed: name it in 'hosts' of "
	    "lb's configuration, without its port, if they should be") },
	{ REQUEST("GET", "http://evil.example/health", LOCAL, ""), 403,
	    ERROR_A("permission_error", "calls to the host 'evil.example' are not allowed: name it in 'hosts' of lb's "
	    "configuration, without its port, if they should be") },
	{ REQUEST("GET", "/health", "\"host\":\"\\u00e9\"", ""), 403,
	    ERROR_A("permission_error", "calls to the host '\\ufffd' are not allowed: name it in 'hosts' of lb's "
	    "configuration, without its port, if they should be") },
	{ REQUEST("GET", "/health", "\"host\":\"lb.example:9000\"", ""), 200, "{\"status\":\"ok\"}" },
	{ REQUEST("GET", "/health", "", ""), 200, "{\"status\":\"ok\"}" },
	{ "{\"type\":\"request\",\"id\":7,\"method\":\"GET\",\"target\":\"/health\",\"headers\":{\"host\":\"any.example\"},"
	  "\"peer\":\"unix\"}", "", 200, "{\"status\":\"ok\"}" },
	{ "{\"type\":\"request\",\"id\":7,\"method\":\"GET\",\"target\":\"/health\",\"headers\":{\"origin\":\"https://x\"},"
	  "\"peer\":\"unix\"}", "", 403,
	  "{\"type\":\"error\",\"error\":{\"type\":\"permission_error\",\"message\":\"calls from the web origin 'https://x' are "
	  "not allowed: name it in 'origins' of lb's configuration if they should be\"}}" },
};

static const struct moment nothing_known = { .now = 1 };

/* What the configuration says of pings is in every plan; what it does not say is not. */
static void
test_pings(void)
{
	struct config *config = make_config();
	struct plan_request request = { .target = "/v1/messages", .target_len = 12 };
	struct buf scratch = BUF_INIT(MIB), text = BUF_INIT(MIB);
	struct order order;
	struct plan *plan;

	config->ping = (struct config_ms){ .set = true, .ms = 0 };
	config->first_ping = (struct config_ms){ .set = true, .ms = 15000 };
	plan = plan_of_route(config, &config->routes[0], DIALECT_ANTHROPIC);
	plan_order(plan, &request, &nothing_known, &order);
	plan_put(plan, &request, &nothing_known, &order, &scratch, &text);
	TEST(strstr(buf_str(&text), ",\"policy\":\"failover\",\"ping_ms\":0,\"first_ping_ms\":15000,\"reasons\":[") != NULL,
	    "a plan says when to ping");
	plan_free(plan);
	buf_clear(&text);
	config->ping.set = false;
	plan = plan_of_dialect(config, DIALECT_OPENAI);
	plan_order(plan, &request, &nothing_known, &order);
	plan_put(plan, &request, &nothing_known, &order, &scratch, &text);
	TEST(strstr(buf_str(&text), ",\"policy\":\"failover\",\"first_ping_ms\":15000,\"reasons\":[") != NULL,
	    "one without a model, too");
	plan_free(plan);
	buf_free(&text);
	buf_free(&scratch);
	config_free(config);
}

static void
test_decisions(void)
{
	struct config *config = make_config();
	struct router *router = router_new(config);
	struct buf scratch = BUF_INIT(RECORD_HEADER_MAX);

	for (size_t i = 0; i < COUNT(decisions); i++) {
		const char *header = decisions[i].header, *body = decisions[i].body;
		struct test_page page = test_page(header, strlen(header)), payload = test_page(body, strlen(body));
		struct record record = { .type = RECORD_REQUEST, .id = 7, .header = { page.text, strlen(header) },
			.payload = payload.text, .payload_len = strlen(body), .has_payload = true };
		struct request request;
		struct decision decision;
		bool passed = true;

		EXPECT(request_read(&request, &record, &scratch) == NULL, "the request");
		EXPECT(route_decide(router, &request, &nothing_known, &decision), "a decision");
		EXPECT(decision.status == decisions[i].status, "status");
		if (decision.len != strlen(decisions[i].text) || memcmp(decision.text, decisions[i].text, decision.len) != 0) {
			printf("# got:  %.*s\n# want: %s\n", (int)decision.len, decision.text, decisions[i].text);
			passed = false;
		}
		TEST(passed, header);
		test_page_free(page);
		test_page_free(payload);
	}
	buf_free(&scratch);
	router_free(router);
	config_free(config);
}

/* A record that has grown too long for the next stage is never written. */
static void
test_long_target(void)
{
	struct config *config = make_config();
	struct router *router = router_new(config);
	struct buf header = BUF_INIT(RECORD_HEADER_MAX), scratch = BUF_INIT(RECORD_HEADER_MAX);
	struct record record = { .type = RECORD_REQUEST, .id = 7, .payload = "{\"model\":\"one\"}", .payload_len = 15 };
	struct request request;
	struct decision decision;

	buf_puts(&header, "{\"type\":\"request\",\"id\":7,\"method\":\"POST\",\"target\":\"/v1/messages?");
	for (size_t i = 0; i < 300 * KIB; i++)
		buf_putc(&header, 'x');
	buf_puts(&header, "\",\"headers\":{}}");
	record.header = (struct json){ buf_data(&header), buf_len(&header) };
	TEST(request_read(&request, &record, &scratch) == NULL && route_decide(router, &request, &nothing_known, &decision) &&
	    decision.status == 414, "a target that is too long three times over");
	buf_free(&header);
	buf_free(&scratch);
	router_free(router);
	config_free(config);
}

static void
test_bad_requests(void)
{
	static const char *const bad[] = {
		"{\"type\":\"request\",\"id\":1,\"target\":\"/\",\"headers\":{}}",
		"{\"type\":\"request\",\"id\":1,\"method\":\"GET\",\"headers\":{}}",
		"{\"type\":\"request\",\"id\":1,\"method\":\"GET\",\"method\":\"GET\",\"target\":\"/\",\"headers\":{}}",
		"{\"type\":\"request\",\"id\":1,\"method\":\"GET\",\"target\":1,\"headers\":{}}",
		"{\"type\":\"request\",\"id\":1,\"method\":\"GET\",\"target\":\"/\\u0100\",\"headers\":{}}",
		"{\"type\":\"request\",\"id\":1,\"method\":\"GET\",\"target\":\"/\",\"headers\":[]}",
		"{\"type\":\"request\",\"id\":1,\"method\":\"GET\",\"target\":\"/\",\"headers\":{\"host\":1}}",
		"{\"type\":\"request\",\"id\":1,\"method\":\"GET\",\"target\":\"/\",\"headers\":{\"host\":\"a\",\"host\":\"b\"}}",
		"{\"type\":\"request\",\"id\":1,\"method\":\"GET\",\"target\":\"/\",\"headers\":{},\"plan\":{}}",
	};
	struct buf scratch = BUF_INIT(RECORD_HEADER_MAX);

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct record record = { .type = RECORD_REQUEST, .id = 1, .header = { bad[i], strlen(bad[i]) } };
		struct request request;

		TEST(request_read(&request, &record, &scratch) != NULL, bad[i]);
	}
	buf_free(&scratch);
}

#define NOW UINT64_C(1800000000000)

static const char policies[] =
    "{\"providers\":{\"a\":{\"base_url\":\"https://a.example\",\"dialect\":\"anthropic\",\"keys\":[\"env:A1\",\"env:A2\"]},"
    "\"b\":{\"base_url\":\"https://b.example\",\"dialect\":\"anthropic\",\"idle_ms\":7}},"
    "\"routes\":[{\"model\":\"turns\",\"policy\":\"round-robin\",\"targets\":[{\"provider\":\"b\",\"model\":\"x\"},"
    "{\"provider\":\"b\",\"model\":\"y\"}]},{\"model\":\"stays\",\"policy\":\"sticky\",\"targets\":[{\"provider\":\"b\",\"model\":\"x\"},"
    "{\"provider\":\"b\",\"model\":\"y\"},{\"provider\":\"b\",\"model\":\"z\"}]},{\"model\":\"*\",\"targets\":["
    "{\"provider\":\"a\",\"model\":\"m\"},{\"provider\":\"b\",\"max_in_flight\":2,\"idle_ms\":9}]}]}";

struct decider {
	struct config *config;
	struct router *router;
	struct moment moment;
	struct buf scratch;
	struct decision decision;
};

/* Decides about a request with this session (or NULL) and body. */
static void
decide_about(struct decider *d, const char *session, const char *body)
{
	struct buf header = BUF_INIT(KIB);
	struct record record = { .type = RECORD_REQUEST, .id = 7, .payload = body, .payload_len = strlen(body) };
	struct request request;

	buf_printf(&header, "{\"type\":\"request\",\"id\":7,\"method\":\"POST\",\"target\":\"/v1/messages\",\"headers\":{" LOCAL);
	if (session != NULL)
		buf_printf(&header, ",\"x-claude-code-session-id\":\"%s\"", session);
	buf_puts(&header, "}}");
	record.header = (struct json){ buf_data(&header), buf_len(&header) };
	d->moment.random++;
	if (request_read(&request, &record, &d->scratch) != NULL ||
	    !route_decide(d->router, &request, &d->moment, &d->decision))
		abort();
	buf_free(&header);
}

static bool
has(const struct decider *d, const char *text)
{
	return memmem(d->decision.text, d->decision.len, text, strlen(text)) != NULL;
}

static bool
says(const struct decider *d, const char *text)
{
	bool found = has(d, text);

	if (!found)
		printf("# %s is not in %.*s\n", text, (int)d->decision.len, d->decision.text);
	return found;
}

/* What stands behind the first `name` of the decision, up to a quote. */
static const char *
first(const struct decider *d, const char *name)
{
	static char value[32];
	const char *at = memmem(d->decision.text, d->decision.len, name, strlen(name));

	snprintf(value, sizeof value, "%.*s", at ? (int)strcspn(at + strlen(name), "\"") : 0, at ? at + strlen(name) : "");
	return value;
}

static void
test_cooling(struct decider *d)
{
	struct health *health = d->moment.health;
	struct health_row a1 = health_row(health, &(struct health_names){ "a", "m", "env:A1" }, NOW);
	struct health_row a2 = health_row(health, &(struct health_names){ "a", "m", "env:A2" }, NOW);
	struct health_row b = health_row(health, &(struct health_names){ "b", "any", NULL }, NOW);

	decide_about(d, NULL, "{\"model\":\"any\"}");
	TEST(says(d, "\"key\":\"env:A1\"") && says(d, "\"idle_ms\":9,\"total_ms\":3600000,\"max_in_flight\":2,\"not_before\":0}"),
	    "what a target says goes before its provider, and lb-fetch learns how many it may have");
	health_note_attempt(health, a1, HEALTH_LIMITED, 429, 30000, NOW);
	decide_about(d, NULL, "{\"model\":\"any\"}");
	TEST(!strcmp(first(d, "\"key\":\""), "env:A2") &&
	    says(d, ",\"a (m) with env:A1 is left out: it cools down for 30 s (limited)\"],\"attempts\":[{"),
	    "a key that is limited is left out, its provider's other key is not");
	health_note_attempt(health, a2, HEALTH_LIMITED, 429, 1500, NOW);
	health_note_attempt(health, b, HEALTH_LIMITED, 429, 9000, NOW);
	decide_about(d, NULL, "{\"model\":\"any\"}");
	TEST(d->decision.status == 0 && says(d, "\"not_before\":1800000001500}]") && !has(d, "https://b"),
	    "where all cool down the one that is due within two seconds is waited for");
	health_note_attempt(health, a2, HEALTH_LIMITED, 429, 90000, NOW);
	decide_about(d, NULL, "{\"model\":\"any\"}");
	TEST(d->decision.status == 429 && !strcmp(d->decision.extra_headers, ",\"retry-after\":\"9\"") &&
	    says(d, "\"rate_limit_error\",\"message\":\"rate limited: nobody can serve route '*' now: a (m) with env:A1 is left out"),
	    "else it is said at once, with the time");
	health_note_attempt(health, b, HEALTH_BUSY, 529, 100000, NOW);
	decide_about(d, NULL, "{\"model\":\"any\"}");
	TEST(d->decision.status == 529 && says(d, "\"overloaded_error\",\"message\":\"Overloaded: nobody"),
	    "and 529 where not all are limited");
	d->moment.now = NOW + 30000;
	decide_about(d, NULL, "{\"model\":\"any\"}");
	TEST(says(d, "a (m) with env:A1 is tried: after failures one request is let through"), "a cool-down that is over is tried");
	d->moment.now = NOW;
}

static void
test_turns_and_conversations(struct decider *d)
{
	char turns[5] = "", stays[2];
	bool same = true;

	for (size_t i = 0; i < 4; i++) {
		decide_about(d, NULL, "{\"model\":\"turns\"}");
		turns[i] = first(d, "messages\",\"model\":\"")[0];
	}
	TEST(!strcmp(turns, "xyxy"), "round-robin: in turn");
	decide_about(d, "s1", "{\"model\":\"stays\"}");
	stays[0] = first(d, "messages\",\"model\":\"")[0];
	for (int i = 0; i < 20; i++) {
		decide_about(d, "s1", "{\"model\":\"stays\",\"system\":\"x\"}");
		same &= first(d, "messages\",\"model\":\"")[0] == stays[0];
	}
	TEST(same, "sticky: a session stays");
	for (int i = 0; i < 20 && same; i++) {
		char session[16];

		snprintf(session, sizeof session, "t%d", i);
		decide_about(d, session, "{\"model\":\"stays\"}");
		same &= first(d, "messages\",\"model\":\"")[0] == stays[0];
	}
	TEST(!same, "others go elsewhere");
}

static void
test_policies(void)
{
	struct decider d = { .moment = { .now = NOW }, .scratch = BUF_INIT(RECORD_HEADER_MAX) };
	struct mistakes mistakes = { .list = NULL };
	char folder[] = "/tmp/lb-route-test.XXXXXX", path[64], *text = strdup(policies);

	if ((d.config = calloc(1, sizeof *d.config)) == NULL || text == NULL || mkdtemp(folder) == NULL)
		abort();
	config_read(d.config, text, strlen(text), &mistakes);
	TEST(mistakes.count == 0, "the configuration with policies");
	snprintf(path, sizeof path, "%s/health", folder);
	d.moment.health = health_open_at(path);
	d.router = router_new(d.config);
	test_cooling(&d);
	test_turns_and_conversations(&d);
	health_close(d.moment.health);
	unlink(path);
	rmdir(folder);
	router_free(d.router);
	config_free(d.config);
	mistakes_free(&mistakes);
	buf_free(&d.scratch);
	free(text);
}

int
main(void)
{
	test_policies();
	test_globs();
	test_bodies();
	test_large_body();
	test_paths();
	test_access();
	test_pings();
	test_decisions();
	test_long_target();
	test_bad_requests();
	return test_exit();
}
