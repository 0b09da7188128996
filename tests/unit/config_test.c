/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include <fcntl.h>

#include "base/io.h"
#include "base/limits.h"
#include "config/check.h"
#include "config/comment.h"
#include "config/mistake.h"
#include "config/preset.h"
#include "config/read.h"
#include "test.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof *(ARRAY))

/* Reads a text that ends at an unreadable page. Returns the configuration; `errors` gets its mistakes as `f:LINE: …`. */
static struct config *
read_text(const char *text, size_t n, struct buf *errors)
{
	struct config *config = calloc(1, sizeof *config);
	struct mistakes mistakes = { .list = NULL };
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (n + page - 1) / page * page + page;
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *copy = map + size - page - n;

	if (config == NULL || map == MAP_FAILED || mprotect(map + size - page, page, PROT_NONE) != 0)
		abort();
	memcpy(copy, text, n);
	config_read(config, copy, n, &mistakes);
	mistakes_put(&mistakes, "f", errors);
	mistakes_free(&mistakes);
	munmap(map, size);
	return config;
}

static void
expect_mistakes(const char *text, const char *want)
{
	struct buf errors = BUF_INIT(MIB);
	bool passed = true;

	config_free(read_text(text, strlen(text), &errors));
	if (buf_str(&errors) == NULL || strcmp(buf_str(&errors), want) != 0) {
		printf("# got:  %s# want: %s", buf_str(&errors), want);
		passed = false;
	}
	TEST(passed, *want ? want : text);
	buf_free(&errors);
}

#define PROVIDER(MEMBERS) "{\"providers\":{\"p\":{" MEMBERS "}}}"
#define BASE "\"base_url\":\"https://a.example\",\"dialect\":\"openai\""
#define URL(TEXT) PROVIDER("\"base_url\":\"" TEXT "\",\"dialect\":\"openai\"")
#define ROUTES(TEXT) "{\"providers\":{\"p\":{" BASE "}},\n\"routes\":" TEXT "}"
#define TARGET(MEMBERS) ROUTES("[{\"model\":\"m\",\"targets\":[{\"provider\":\"p\"," MEMBERS "}]}]")
#define ROUTE(MEMBERS) ROUTES("[{\"model\":\"m\",\"targets\":[{\"provider\":\"p\"}]," MEMBERS "}]")
#define DECIMAL " from 0 to 1000000, with at most six digits behind the point\n"
#define MS " must be a whole number of milliseconds from 1 to 86400000, in digits\n"

static const struct {
	const char *text;
	const char *want;
} mistakes_of[] = {
	/* Not JSON. */
	{ "", "f:1: the text ends too early: a bracket, a quote or a value is missing\n" },
	{ "{\n", "f:1: the text ends too early: a bracket, a quote or a value is missing\n" },
	{ "// a\n/* b\n*/ { /* c\n", "f:3: a comment is not closed\n" },
	{ "{\n\"a\": 1,\n}", "f:2: a comma stands before the closing '}'\n" },
	{ "{\n\"a\n\": 1}", "f:2: a string is not closed in its line\n" },
	{ "{\n'a': 1}", "f:2: not JSON: strings stand in double quotes\n" },
	{ "{\n# a\n}", "f:2: not JSON from '#' on\n" },
	{ "{}\n/**/ 1", "f:2: something stands behind the configuration's end\n" },
	{ "{\n\001}", "f:2: not JSON: there is an octet 0x01, or the brackets are nested too deep\n" },
	/* Shape. */
	{ "[]", "f:1: the configuration must be an object, {…}\n" },
	{ "{}", "f:1: there are no 'providers'\n" },
	{ "{\"providers\":[]}", "f:1: 'providers' must be an object, {\"NAME\": {…}}\n" },
	{ "{\"providers\":{}}", "f:1: 'providers' is empty\n" },
	{ "{\"providers\":{\"a\":1}}", "f:1: a provider must be an object, {…}\n" },
	{ "{\"providers\":{\"a/b\":{" BASE "}}}",
	    "f:1: a provider's name may have letters, digits, '.', '_' and '-' only\n" },
	{ "{\"providers\":{\"\":{" BASE "}}}", "f:1: a provider's name is empty\n" },
	{ "{\"providers\":{\"p\":{" BASE "}},\n\"route\":[]}", "f:2: unknown key 'route'; did you mean 'routes'?\n" },
	{ "{\"providers\":{\"p\":{" BASE "}},\n\"wholly_other\":[]}", "f:2: unknown key 'wholly_other'\n" },
	{ "{\"providers\":{\"p\":{" BASE "}},\n\"hosts\":[\"a\"],\n\"h\\u006fsts\":[\"b\"]}",
	    "f:3: key 'h\\u006fsts' stands twice, first in line 2\n" },
	{ "{\"providers\":{\"p\":{" BASE "},\n\"p\":{" BASE "}}}", "f:2: key 'p' stands twice, first in line 1\n" },
	/* Providers. */
	{ PROVIDER(""), "f:1: provider 'p' has neither 'preset' nor 'base_url'\n" },
	{ PROVIDER("\"preset\":\"minmax\""), "f:1: there is no preset 'minmax'; did you mean 'minimax'?\n" },
	{ PROVIDER("\"preset\":1"), "f:1: 'preset' must be a string\n" },
	{ PROVIDER("\"preset\":\"minimax\",\"keyy\":\"env:A\""), "f:1: unknown key 'keyy'; did you mean 'key'?\n" },
	{ PROVIDER("\"preset\":\"openai\",\"dialect\":\"anthropic\""),
	    "f:1: provider 'p' has no base URL for that dialect\n" },
	{ PROVIDER("\"base_url\":\"https://a.example\""),
	    "f:1: 'base_url' needs a 'dialect' beside it, or must be {\"anthropic\": …, \"openai\": …}\n" },
	{ PROVIDER("\"preset\":\"minimax\",\"base_url\":\"https://a.example\""),
	    "f:1: 'base_url' needs a 'dialect' beside it, or must be {\"anthropic\": …, \"openai\": …}\n" },
	{ PROVIDER("\"base_url\":{}"), "f:1: 'base_url' names no dialect\n" },
	{ PROVIDER("\"base_url\":{\"opnai\":\"https://a\"}"),
	    "f:1: unknown key 'opnai'; did you mean 'openai'?\nf:1: 'base_url' names no dialect\n" },
	{ PROVIDER("\"base_url\":\"https://a\",\"dialect\":\"open\""),
	    "f:1: 'dialect' must be \"anthropic\" or \"openai\"\n" },
	{ PROVIDER(BASE ",\"auth\":\"basic\""), "f:1: 'auth' must be \"none\", \"x-api-key\" or \"bearer\"\n" },
	{ PROVIDER(BASE ",\"auth\":\"none\",\"key\":\"env:A\""), "f:1: 'auth' is \"none\", but there is a key\n" },
	{ PROVIDER(BASE ",\"http2\":1"), "f:1: 'http2' must be true or false\n" },
	{ URL(""), "f:1: 'base_url' is empty\n" },
	{ URL("a\\u0000"), "f:1: 'base_url' has a control character\n" },
	{ URL("ftp://a"), "f:1: 'base_url' must begin with http:// or https://\n" },
	{ URL("https://"), "f:1: 'base_url' has no host, or one that is none\n" },
	{ URL("https://:80"), "f:1: 'base_url' has no host, or one that is none\n" },
	{ URL("https://u:secret@a"), "f:1: 'base_url' must not hold a user or password: a key goes into 'key'\n" },
	{ URL("https://a?b"), "f:1: 'base_url' must not have a query or a fragment\n" },
	{ URL("https://a/b#c"), "f:1: 'base_url' must not have a query or a fragment\n" },
	{ URL("https://a:0"), "f:1: 'base_url' has a port that is not a number from 1 to 65535\n" },
	{ URL("https://a:65536/"), "f:1: 'base_url' has a port that is not a number from 1 to 65535\n" },
	{ URL("https://a:/"), "f:1: 'base_url' has a port that is not a number from 1 to 65535\n" },
	{ URL("https://a b/"), "f:1: 'base_url' has something behind the host that is no path\n" },
	{ URL("https://a/b c"), "f:1: 'base_url' has a character that must be percent-encoded\n" },
	{ URL("https://a/../c"), "f:1: 'base_url' must not have '//' or '..' in its path\n" },
	{ URL("https://[::1"), "f:1: 'base_url' has no host, or one that is none\n" },
	/* Keys: what was written is never repeated. */
	{ PROVIDER(BASE ",\"key\":\"sk-secret\""),
	    "f:1: 'key' must be env:NAME, file:PATH, credential:NAME or client; a key itself does not belong here\n" },
	{ PROVIDER(BASE ",\"key\":\"env:A-B\""), "f:1: 'key' must name a variable after 'env:'\n" },
	{ PROVIDER(BASE ",\"key\":\"file:\""), "f:1: 'key' must give a path after 'file:'\n" },
	{ PROVIDER(BASE ",\"key\":\"credential:../x\""),
	    "f:1: 'key' must name a credential after 'credential:', without a slash\n" },
	{ PROVIDER(BASE ",\"keys\":[]"), "f:1: 'keys' is empty\n" },
	{ PROVIDER(BASE ",\"keys\":\"env:A\""), "f:1: 'keys' must be an array, […]\n" },
	{ PROVIDER(BASE ",\"keys\":[\"env:A\",\n2]"), "f:2: 'keys' must be a string\n" },
	{ PROVIDER(BASE ",\"key\":\"env:A\",\"keys\":[\"env:B\"]"),
	    "f:1: 'key' and 'keys' stand side by side: give one of them\n" },
	/* Numbers are digits. */
	{ PROVIDER(BASE ",\"idle_ms\":0"), "f:1: 'idle_ms'" MS },
	{ PROVIDER(BASE ",\"idle_ms\":-1"), "f:1: 'idle_ms'" MS },
	{ PROVIDER(BASE ",\"idle_ms\":1.0"), "f:1: 'idle_ms'" MS },
	{ PROVIDER(BASE ",\"total_ms\":1e3"), "f:1: 'total_ms'" MS },
	{ PROVIDER(BASE ",\"connect_ms\":\"1000\""), "f:1: 'connect_ms'" MS },
	{ PROVIDER(BASE ",\"first_byte_ms\":86400001"), "f:1: 'first_byte_ms'" MS },
	{ PROVIDER(BASE ",\"first_byte_ms\":null"), "f:1: 'first_byte_ms'" MS },
	/* What a policy looks at. */
	{ TARGET("\"weight\":0"), "f:2: 'weight' must be a whole number from 1 to 1000, in digits\n" },
	{ TARGET("\"weight\":0.5"), "f:2: 'weight' must be a whole number from 1 to 1000, in digits\n" },
	{ TARGET("\"priority\":1001"), "f:2: 'priority' must be a whole number from 0 to 1000, in digits\n" },
	{ TARGET("\"max_in_flight\":0"),
	    "f:2: 'max_in_flight' must be a whole number of requests from 1 to 30000, in digits\n" },
	{ TARGET("\"idle_ms\":0"), "f:2: 'idle_ms'" MS },
	{ TARGET("\"price\":1"), "f:2: 'price' must be an object, {…}\n" },
	{ TARGET("\"price\":{\"input\":3}"), "f:2: 'price' needs 'input' and 'output', for a million tokens each\n" },
	{ TARGET("\"price\":{\"input\":3,\"output\":-1}"), "f:2: 'output' must be a price" DECIMAL },
	{ TARGET("\"price\":{\"input\":0.0000001,\"output\":1}"), "f:2: 'input' must be a price" DECIMAL },
	{ TARGET("\"price\":{\"input\":1e2,\"output\":1}"), "f:2: 'input' must be a price" DECIMAL },
	{ TARGET("\"price\":{\"input\":1000000.000001,\"output\":1}"), "f:2: 'input' must be a price" DECIMAL },
	{ TARGET("\"price\":{\"input\":1,\"output\":1,\"cache_read\":\"1\"}"), "f:2: 'cache_read' must be a price" DECIMAL },
	{ TARGET("\"price\":{\"input\":1000000,\"output\":0.000001}"), "" },
	{ ROUTE("\"sticky_return_ms\":86400001"),
	    "f:2: 'sticky_return_ms' must be a whole number of milliseconds from 0 to 86400000, in digits\n" },
	{ ROUTE("\"explore_percent\":101"), "f:2: 'explore_percent' must be a whole number from 0 to 100, in digits\n" },
	{ ROUTE("\"sticky_return_ms\":0"), "" },
	/* Routes. */
	{ ROUTES("[]"), "f:2: 'routes' is empty\n" },
	{ ROUTES("{}"), "f:2: 'routes' must be an array, […]\n" },
	{ ROUTES("[{}]"), "f:2: a route has no 'model'\nf:2: a route has no 'targets'\n" },
	{ ROUTES("[{\"model\":\"m\",\"targets\":[]}]"), "f:2: 'targets' is empty\n" },
	{ ROUTES("[{\"model\":\"m\",\"targets\":[{}]}]"), "f:2: a target has no 'provider'\n" },
	{ ROUTES("[{\"model\":\"m\",\"targets\":[\"p\"]}]"), "f:2: a target must be an object, {…}\n" },
	{ ROUTES("[{\"model\":\"m\",\"targets\":[{\"provider\":\"q\"}]}]"), "f:2: there is no provider 'q'\n" },
	{ ROUTES("[{\"model\":\"m\",\"targets\":[{\"provider\":\"p\",\"model\":\"x*\"}]}]"),
	    "f:2: a target's 'model' is one model's name, without '*'\n" },
	{ ROUTES("[{\"model\":\"m\",\"policy\":\"random\",\"targets\":[{\"provider\":\"p\"}]}]"),
	    "f:2: 'policy' must be \"failover\", \"weighted\", \"round-robin\", \"least-busy\", \"fastest\", \"cheapest\" or \"sticky\"\n" },
	{ ROUTES("[{\"model\":\"*\",\"targets\":[{\"provider\":\"p\"}]},\n{\"model\":\"m\",\"targets\":[{\"provider\":\"p\"}]}]"),
	    "f:3: this route is never reached: an earlier one has \"*\"\n" },
	{ "{\"providers\":{\"p\":{" BASE "}},\n\"origins\":[\"https://a.example/\"],\n\"hosts\":[\"a:80\"]}",
	    "f:2: 'origins' must be as browsers send it, such as https://app.example or http://localhost:3000\n"
	    "f:3: 'hosts' must be without a port: any port will do\n" },
	{ "{\"providers\":{\"p\":{" BASE "}},\n\"hold_bytes\":0,\n\"ping_ms\":-1,\n\"first_ping_ms\":86400001}",
	    "f:2: 'hold_bytes' must be a whole number of octets from 1 to 67108864, in digits\n"
	    "f:3: 'ping_ms' must be a whole number of milliseconds from 0 to 86400000, in digits\n"
	    "f:4: 'first_ping_ms' must be a whole number of milliseconds from 0 to 86400000, in digits\n" },
	{ "{\"providers\":{\"p\":{" BASE "}},\n\"hold_bytes\":67108865}",
	    "f:2: 'hold_bytes' must be a whole number of octets from 1 to 67108864, in digits\n" },
	{ ROUTES("[{\"model\":\"m\",\"targets\":[{\"provider\":\"p\",\"context\":0},\n{\"provider\":\"p\",\"context\":\"1M\"}]}]"),
	    "f:2: 'context' must be a whole number of tokens from 1 to 1000000000, in digits\n"
	    "f:3: 'context' must be a whole number of tokens from 1 to 1000000000, in digits\n" },
	{ "{\"providers\":{\"p\":{" BASE "}},\n\"h\\\"//\": /* \" */ 1}", "f:2: unknown key 'h\\\"//'\n" },
	/* All at once, in the order of the lines, though routes are read after providers. */
	{ "{ // one\n\"routes\":[{\"model\":1,\n\"targets\":[{\"provider\":\"x\"}]}],\n/* two\n three */\n"
	  "\"providers\":{\"p\":{" BASE ",\n\"htp2\":true}}}",
	    "f:2: 'model' must be a string\nf:3: there is no provider 'x'\nf:7: unknown key 'htp2'; did you mean 'http2'?\n" },
	/* None. */
	{ "\xef\xbb\xbf{\"providers\": /* a \" */ {\"p\":{\"base_url\":\"https://a//*b*/\"}}}",
	    "f:1: 'base_url' must not have '//' or '..' in its path\n" },
	{ PROVIDER("\"preset\":\"llama.cpp\",\"base_url\":\"http://[::1]:1/v1/\""), "" },
	{ PROVIDER(BASE ",\"key\":\"client\",\"http2\":false,\"auth\":\"x-api-key\",\"idle_ms\":86400000"), "" },
};

static const char whole[] =
    "{\n"
    "  // One of each.\n"
    "  \"providers\": {\n"
    "    \"a\": { \"preset\": \"minimax\", \"keys\": [\"env:A\", \"file:/b\"], \"http2\": true, \"idle_ms\": 5 },\n"
    "    \"b\": { \"base_url\": \"https://b.example/v1//\", \"dialect\": \"openai\", \"key\": \"credential:b\" },\n"
    "    \"c\": { \"preset\": \"vllm\", \"base_url\": \"http://127.0.0.1:8081/v1/\" },\n"
    "    \"d\": { \"base_url\": { \"anthropic\": \"http://d\", \"openai\": \"http://d/x\" }, \"auth\": \"bearer\" },\n"
    "    \"e\": { \"preset\": \"deepseek\", \"dialect\": \"anthropic\", \"auth\": \"bearer\" },\n"
    "    \"f\": { \"preset\": \"deepseek\", \"auth\": \"none\" }\n"
    "  },\n"
    "  \"routes\": [ { \"model\": \"m*\", \"policy\": \"failover\",\n"
    "    \"targets\": [ { \"provider\": \"b\", \"model\": \"x\", \"context\": 200000 }, { \"provider\": \"a\" } ] } ],\n"
    "  \"hold_bytes\": 4096, \"ping_ms\": 0, // never\n"
    "  \"origins\": [ \"https://app.example:8443\" ], /* and */ \"hosts\": [ \"LB.example\", \"[2001:db8::1]\" ]\n"
    "}\n";

static void
expect_whole(const struct config *c)
{
	const struct config_provider *p = c->providers;
	bool passed = true;

	EXPECT(c->provider_count == 6 && c->route_count == 1 && c->origin_count == 1 && c->host_count == 2, "counts");
	EXPECT(strcmp(p[0].base_url[DIALECT_ANTHROPIC], "https://api.minimax.io/anthropic") == 0, "the preset's base");
	EXPECT(p[0].key_count == 2 && strcmp(p[0].keys[1], "file:/b") == 0 && p[0].http2, "keys, http2");
	EXPECT(p[0].limits.idle_ms == 5 && p[0].limits.total_ms == 0, "limits");
	EXPECT(p[1].base_url[DIALECT_ANTHROPIC] == NULL, "one dialect");
	EXPECT(strcmp(p[2].base_url[DIALECT_ANTHROPIC], "http://127.0.0.1:8081") == 0, "own server, anthropic");
	EXPECT(strcmp(p[2].base_url[DIALECT_OPENAI], "http://127.0.0.1:8081/v1") == 0, "own server, openai");
	EXPECT(p[2].key_count == 0, "own server, no key");
	EXPECT(p[3].auth[DIALECT_ANTHROPIC] == AUTH_BEARER && p[3].auth[DIALECT_OPENAI] == AUTH_BEARER, "auth");
	EXPECT(p[4].base_url[DIALECT_OPENAI] == NULL && p[4].base_url[DIALECT_ANTHROPIC] != NULL, "dialect narrows");
	EXPECT(p[4].key_count == 1 && strcmp(p[4].keys[0], "env:DEEPSEEK_API_KEY") == 0, "the preset's key, sent otherwise");
	EXPECT(p[5].key_count == 0, "no key where none is to be sent");
	EXPECT(c->routes[0].target_count == 2 && c->routes[0].targets[0].provider == &p[1], "targets");
	EXPECT(strcmp(c->routes[0].targets[0].model, "x") == 0 && c->routes[0].targets[1].model == NULL, "target models");
	EXPECT(c->routes[0].targets[0].context == 200000 && c->routes[0].targets[1].context == 0, "contexts");
	EXPECT(c->hold_bytes == 4096, "what is held");
	EXPECT(c->ping.set && c->ping.ms == 0 && !c->first_ping.set, "pings");
	EXPECT(strcmp(c->hosts[0], "lb.example") == 0, "hosts in lower case");
	EXPECT(config_find_provider(c, "d", 1) == &p[3] && config_find_provider(c, "dd", 2) == NULL, "find");
	TEST(passed, "a whole configuration");
}

static void
test_whole(void)
{
	struct buf errors = BUF_INIT(MIB);
	const char *slashes = strstr(whole, "//\",");
	struct config *config = read_text(whole, strlen(whole), &errors);

	TEST(buf_len(&errors) > 0 && config->provider_count == 6, "a mistake in one provider hides no other");
	config_free(config);
	buf_clear(&errors);
	struct buf text = BUF_INIT(MIB);

	buf_put(&text, whole, (size_t)(slashes - whole));
	buf_puts(&text, slashes + 1);
	config = read_text(buf_data(&text), buf_len(&text), &errors);
	TEST(buf_len(&errors) == 0, "no mistakes");
	if (buf_len(&errors) == 0)
		expect_whole(config);
	TEST(strcmp(config->providers[1].base_url[DIALECT_OPENAI], "https://b.example/v1") == 0, "no slash at the end");
	config_free(config);
	buf_clear(&errors);

	/* Cut short anywhere it is a mistake, and nothing is read beyond its end. */
	bool passed = true;

	for (size_t n = 0; n < buf_len(&text) - 2; n++) {
		config_free(read_text(buf_data(&text), n, &errors));
		EXPECT(buf_len(&errors) > 0, "a cut text has a mistake");
		buf_clear(&errors);
	}
	TEST(passed, "every prefix");
	buf_free(&text);
	buf_free(&errors);
}

/* The derived routes as `PATTERN>PROVIDER:MODEL,…;…`. */
static void
put_routes(struct buf *out, const struct config *config)
{
	for (size_t i = 0; i < config->route_count; i++) {
		const struct config_route *route = &config->routes[i];

		buf_printf(out, "%s>", route->model);
		for (size_t k = 0; k < route->target_count; k++)
			buf_printf(out, "%s%s:%s", k ? "," : "", route->targets[k].provider->name,
			    route->targets[k].model ? route->targets[k].model : "");
		buf_putc(out, ';');
	}
}

static void
test_environment(void)
{
	static const char want[] =
	    "anthropic>anthropic:claude-opus-5-5,minimax:MiniMax-M3,vllm:;"
	    "minimax>minimax:MiniMax-M3,anthropic:claude-opus-5-5,vllm:;"
	    "vllm>vllm:,anthropic:claude-opus-5-5,minimax:MiniMax-M3;"
	    "claude-*>anthropic:,minimax:MiniMax-M3,vllm:;"
	    "MiniMax-*>minimax:,anthropic:claude-opus-5-5,vllm:;"
	    "*>anthropic:claude-opus-5-5,minimax:MiniMax-M3,vllm:;";
	struct buf errors = BUF_INIT(MIB), routes = BUF_INIT(MIB);
	struct config *config;

	setenv("MINIMAX_API_KEY", "x", 1);
	setenv("ANTHROPIC_API_KEY", "x", 1);
	setenv("VLLM_API_KEY", "x", 1);
	setenv("VLLM_BASE_URL", "http://10.0.0.1:8000", 1);
	setenv("OPENAI_API_KEY", "", 1);
	config = config_load(NULL, &errors);
	if (config == NULL) {
		TEST(false, "the environment's configuration");
		printf("# %s", buf_str(&errors));
		return;
	}
	put_routes(&routes, config);
	TEST(buf_str(&routes) && strcmp(buf_str(&routes), want) == 0, "providers from the environment, and their routes");
	TEST(strcmp(config->source, "environment") == 0, "the source");
	TEST(strcmp(config->providers[2].base_url[DIALECT_OPENAI], "http://10.0.0.1:8000/v1") == 0, "a base URL variable");
	TEST(config->providers[2].key_count == 1 && strcmp(config->providers[2].keys[0], "env:VLLM_API_KEY") == 0,
	    "an optional key that is set");
	config_free(config);

	setenv("LB_PRESETS", "vllm,openai", 1);
	config = config_load(NULL, &errors);
	TEST(config != NULL && config->provider_count == 2 && config->providers[0].key_count == 0 &&
	    config->providers[1].key_count == 1, "$LB_PRESETS goes before the variables of keys");
	config_free(config);

	setenv("LB_PRESETS", "vlm,openai,openai", 1);
	setenv("VLLM_BASE_URL", "localhost:8000", 1);
	TEST(config_load(NULL, &errors) == NULL && buf_str(&errors) &&
	    strcmp(buf_str(&errors), "environment: LB_PRESETS: there is no preset 'vlm'\n"
	    "environment: LB_PRESETS: 'openai' stands twice\n") == 0, "mistakes in $LB_PRESETS");
	buf_clear(&errors);
	setenv("LB_PRESETS", "vllm", 1);
	TEST(config_load(NULL, &errors) == NULL && buf_str(&errors) &&
	    strcmp(buf_str(&errors), "environment: VLLM_BASE_URL must begin with http:// or https://\n") == 0,
	    "a mistake in a base URL variable");
	buf_clear(&errors);
	for (size_t i = 0; i < 5; i++)
		unsetenv((const char *[]){ "LB_PRESETS", "MINIMAX_API_KEY", "ANTHROPIC_API_KEY", "VLLM_API_KEY", "VLLM_BASE_URL" }[i]);
	config = config_load(NULL, &errors);
	TEST(config != NULL && config->provider_count == 0 && config->route_count == 0, "nothing set: nothing configured");
	config_free(config);
	TEST(config_load("/nonexistent/lb.json", &errors) == NULL && buf_str(&errors) &&
	    strcmp(buf_str(&errors), "/nonexistent/lb.json: unable to open it: No such file or directory\n") == 0,
	    "a file that is not there");
	buf_free(&errors);
	buf_free(&routes);
}

static void
test_near(void)
{
	static const char *const words[] = { "provider", "model", "key", "keys" };

	TEST(strcmp(mistake_near("modle", words, 4), "model") == 0, "letters swapped");
	TEST(strcmp(mistake_near("providers", words, 4), "provider") == 0, "one letter more");
	TEST(mistake_near("x", words, 4) == NULL && mistake_near("", words, 4) == NULL, "nothing is near to a letter");
	TEST(mistake_near("temperature", words, 4) == NULL, "nothing near");
}

static void
test_choice(void)
{
	static const char text[] = "{\"providers\":{\"p\":{" BASE ",\"idle_ms\":7}},\"routes\":[{\"model\":\"a\",\"policy\":\"sticky\","
	    "\"sticky_return_ms\":0,\"explore_percent\":9,\"targets\":["
	    "{\"provider\":\"p\",\"weight\":3,\"priority\":2,\"max_in_flight\":4,\"idle_ms\":5,\"price\":{\"input\":3,\"output\":0.25,"
	    "\"cache_read\":0.000001}}]},{\"model\":\"b\",\"targets\":[{\"provider\":\"p\"}]}]}";
	struct buf errors = BUF_INIT(MIB);
	struct config *config = read_text(text, sizeof text - 1, &errors);
	const struct config_route *a = &config->routes[0], *b = &config->routes[1];
	const struct config_target *t = a->targets;

	TEST(buf_len(&errors) == 0 && config->route_count == 2, "routes with all that policies look at are read");
	TEST(a->policy == POLICY_STICKY && a->sticky_return_ms == 0 && a->explore_percent == 9,
	    "what a route says is taken");
	TEST(t->weight == 3 && t->priority == 2 && t->max_in_flight == 4 && t->limits.idle_ms == 5, "what a target says too");
	TEST(t->price.known && t->price.input == 3000000 && t->price.output == 250000 && t->price.cache_read == 1 &&
	    t->price.cache_write == 3000000, "prices are millionths; what is not said of a cache costs what input does");
	TEST(b->policy == POLICY_FAILOVER && b->sticky_return_ms == 300000 &&
	    b->explore_percent == 5 && b->targets->weight == 1 &&
	    !b->targets->price.known, "the rest has its defaults");
	config_free(config);
	buf_free(&errors);
}

int
main(void)
{
	for (size_t i = 0; i < COUNT(mistakes_of); i++)
		expect_mistakes(mistakes_of[i].text, mistakes_of[i].want);
	test_whole();
	test_environment();
	test_near();
	test_choice();
	return test_exit();
}
