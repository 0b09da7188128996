/* SPDX-License-Identifier: MIT */
#include "upstream/refusal.h"

#include "base/limits.h"
#include "test.h"

struct refusal_case {
	const char *name;
	const char *body;
	bool found;
	enum refusal_cause cause;
	int status;
	const char *text;	/* NULL: none */
	int shaped;		/* bits: 1 Anthropic's, 2 OpenAI's */
};

#define CASE(NAME, BODY, CAUSE, STATUS, TEXT, SHAPED) { NAME, BODY, true, CAUSE, STATUS, TEXT, SHAPED }

static const struct refusal_case cases[] = {
	/* Anthropic */
	CASE("overloaded", "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},\"request_id\":\"r\"}",
	    REFUSAL_BUSY, 529, "Overloaded", 3),
	CASE("rate limit", "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"Number of request tokens has "
		"exceeded your per-minute rate limit\"}}", REFUSAL_LIMITED, 429,
	    "Number of request tokens has exceeded your per-minute rate limit", 3),
	CASE("a monthly cap within a 429", "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"You have reached your rate limit\","
		"\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}", REFUSAL_MONEY, 402,
	    "You have reached your rate limit", 3),
	CASE("no credit with 400", "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your credit balance is "
		"too low to access the Anthropic API.\"}}", REFUSAL_MONEY, 402,
	    "Your credit balance is too low to access the Anthropic API.", 3),
	CASE("prompt is too long", "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 210000 "
		"tokens > 200000 maximum\"}}", REFUSAL_TOO_LONG, 400, "prompt is too long: 210000 tokens > 200000 maximum", 3),
	CASE("prompt and max_tokens", "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"input length and "
		"`max_tokens` exceed context limit: 188240 + 21333 > 200000\"}}", REFUSAL_TOO_LONG, 400,
	    "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000", 3),
	CASE("too much output is the request's fault", "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"max_tokens: "
		"100000 > 64000, which is the maximum allowed number of output tokens for claude-x\"}}", REFUSAL_REQUEST, 400,
	    "max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens for claude-x", 3),
	CASE("model", "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"model: claude-9\"}}", REFUSAL_MODEL, 404,
	    "model: claude-9", 3),
	CASE("another thing not found", "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"File not found: file_1\"}}",
	    REFUSAL_REQUEST, 404, "File not found: file_1", 3),
	CASE("key", "{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid x-api-key\"}}", REFUSAL_KEY, 401,
	    "invalid x-api-key", 3),
	CASE("a type the API does not have", "{\"type\":\"error\",\"error\":{\"type\":\"internal_error\",\"message\":\"x\"}}", REFUSAL_FAILURE,
	    500, "x", 2),
	CASE("no type inside", "{\"type\":\"error\",\"error\":{\"message\":\"x\"}}", REFUSAL_UNKNOWN, 0, "x", 0),
	CASE("message twice", "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"x\",\"message\":\"y\"}}", REFUSAL_FAILURE, 500,
	    "x", 0),
	CASE("not on the top", "{\"type\":\"error\",\"message\":\"it broke\"}", REFUSAL_UNKNOWN, 0, "it broke", 0),
	CASE("a page in the message", "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"upstream said: "
		"\\u003c!DOCTYPE HTML>\\n<html>\\n<head><title> 502 Bad\\nGateway </title></head><body>x</body></html>\"}}", REFUSAL_FAILURE,
	    500, "upstream said: an HTML page (502 Bad Gateway)", 0),
	CASE("a page without a title", "{\"error\":{\"type\":\"x\",\"message\":\"<HTML><body>no</body>\"}}", REFUSAL_UNKNOWN, 0, "an HTML page", 0),
	CASE("a tag is no page", "{\"error\":{\"type\":\"x\",\"message\":\"<htm <b>: no\"}}", REFUSAL_UNKNOWN, 0, "<htm <b>: no", 2),
	/* OpenAI */
	CASE("quota within a 429", "{\"error\":{\"message\":\"You exceeded your current quota\",\"type\":\"insufficient_quota\",\"param\":null,"
		"\"code\":\"insufficient_quota\"}}", REFUSAL_MONEY, 402, "You exceeded your current quota", 2),
	CASE("credit", "{\"error\":{\"message\":\"m\",\"type\":\"insufficient_quota\",\"param\":null,\"code\":\"credit_balance_exhausted\"}}",
	    REFUSAL_MONEY, 402, "m", 2),
	CASE("slow down", "{\"error\":{\"message\":\"m\",\"type\":\"rate_limit_error\",\"code\":\"slow_down\"}}", REFUSAL_LIMITED, 429, "m", 2),
	CASE("a limit of tokens", "{\"error\":{\"message\":\"Request too large for gpt-x on tokens per min: Limit 30000, Requested 40000. The "
		"input or output tokens must be reduced\",\"type\":\"tokens\",\"param\":null,\"code\":\"rate_limit_exceeded\"}}", REFUSAL_LIMITED, 429,
	    "Request too large for gpt-x on tokens per min: Limit 30000, Requested 40000. The input or output tokens must be reduced", 2),
	CASE("context by code", "{\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\",\"param\":\"messages\",\"code\":"
		"\"context_length_exceeded\"}}", REFUSAL_TOO_LONG, 400, "m", 2),
	CASE("context by text", "{\"error\":{\"message\":\"Your input exceeds the context window of this model.\",\"type\":"
		"\"invalid_request_error\"}}", REFUSAL_TOO_LONG, 400, "Your input exceeds the context window of this model.", 2),
	CASE("model by code", "{\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"model_not_found\"}}",
	    REFUSAL_MODEL, 404, "m", 2),
	CASE("model by text, with 403", "{\"error\":{\"message\":\"Project `p` does not have access to model `m`\",\"type\":"
		"\"permission_error\"}}", REFUSAL_MODEL, 404, "Project `p` does not have access to model `m`", 2),
	CASE("path", "{\"error\":{\"message\":\"Invalid URL (POST /v1/messages)\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":"
		"null}}", REFUSAL_MODEL, 404, "Invalid URL (POST /v1/messages)", 2),
	CASE("busy", "{\"error\":{\"message\":\"m\",\"type\":\"service_unavailable_error\",\"code\":\"server_is_overloaded\"}}", REFUSAL_BUSY,
	    529, "m", 2),
	CASE("a code that is a number", "{\"error\":{\"message\":\"m\",\"type\":\"x\",\"param\":null,\"code\":429}}", REFUSAL_UNKNOWN, 429, "m", 0),
	CASE("a code that is a number's text", "{\"error\":{\"message\":\"litellm.Timeout\",\"type\":null,\"param\":null,\"code\":\"408\"}}",
	    REFUSAL_UNKNOWN, 408, "litellm.Timeout", 0),
	/* Those that come near */
	CASE("Moonshot: balance", "{\"error\":{\"type\":\"exceeded_current_quota_error\",\"message\":\"Your account is suspended\"}}",
	    REFUSAL_MONEY, 402, "Your account is suspended", 2),
	CASE("Moonshot: overload", "{\"error\":{\"type\":\"engine_overloaded_error\",\"message\":\"try later\"}}", REFUSAL_BUSY, 529,
	    "try later", 2),
	CASE("Moonshot: too long", "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Invalid request: Your request exceeded model "
		"token limit: 262144 (requested: 291351)\"}}", REFUSAL_TOO_LONG, 400,
	    "Invalid request: Your request exceeded model token limit: 262144 (requested: 291351)", 2),
	CASE("Moonshot: model", "{\"error\":{\"type\":\"resource_not_found_error\",\"message\":\"Not found the model k or Permission "
		"denied\"}}", REFUSAL_MODEL, 404, "Not found the model k or Permission denied", 2),
	CASE("Z.ai: balance", "{\"error\":{\"code\":\"1113\",\"message\":\"Insufficient balance or no resource package. Please "
		"recharge.\"}}", REFUSAL_MONEY, 402, "Insufficient balance or no resource package. Please recharge.", 0),
	CASE("Z.ai: concurrency", "{\"error\":{\"code\":\"1302\",\"message\":\"High concurrency usage of this API\"}}", REFUSAL_LIMITED, 429,
	    "High concurrency usage of this API", 0),
	CASE("Z.ai: overload", "{\"error\":{\"code\":\"1305\",\"message\":\"m\"}}", REFUSAL_BUSY, 529, "m", 0),
	CASE("Z.ai: key", "{\"error\":{\"code\":\"1002\",\"message\":\"m\"}}", REFUSAL_KEY, 401, "m", 0),
	CASE("Z.ai: a week's limit", "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"code\":\"1310\",\"message\":"
		"\"[1310][Weekly/Monthly Limit Exhausted. Your limit will reset at 2026-08-01 10:03:40]\"}}", REFUSAL_MONEY, 402,
	    "[1310][Weekly/Monthly Limit Exhausted. Your limit will reset at 2026-08-01 10:03:40]", 3),
	CASE("Z.ai: too long", "{\"error\":{\"code\":\"1261\",\"message\":\"Prompt exceeds max length\"}}", REFUSAL_TOO_LONG, 400,
	    "Prompt exceeds max length", 0),
	CASE("Z.ai: in front of the API", "{\"code\":500,\"msg\":\"404 NOT_FOUND\",\"success\":false}", REFUSAL_UNKNOWN, 500, "404 NOT_FOUND", 0),
	CASE("Z.ai: a number for a type", "{\"type\":\"error\",\"error\":{\"type\":\"1113\",\"message\":\"m\"}}", REFUSAL_MONEY, 402, "m", 2),
	CASE("MiniMax: balance", "{\"base_resp\":{\"status_code\":1008,\"status_msg\":\"insufficient balance\"}}", REFUSAL_MONEY, 402,
	    "insufficient balance", 0),
	CASE("MiniMax: rate", "{\"base_resp\":{\"status_code\":1002,\"status_msg\":\"rate limit\"}}", REFUSAL_LIMITED, 429, "rate limit", 0),
	CASE("MiniMax: its 1004 is a key too", "{\"base_resp\":{\"status_code\":1004,\"status_msg\":\"login fail\"}}", REFUSAL_KEY, 401,
	    "login fail", 0),
	CASE("MiniMax: timeout", "{\"base_resp\":{\"status_code\":1001,\"status_msg\":\"m\"}}", REFUSAL_TIMEOUT, 504, "m", 0),
	CASE("MiniMax: content", "{\"base_resp\":{\"status_code\":1026,\"status_msg\":\"input new_sensitive\"}}", REFUSAL_CONTENT, 400,
	    "input new_sensitive", 0),
	CASE("MiniMax: too long", "{\"base_resp\":{\"status_code\":2013,\"status_msg\":\"invalid params, context window exceeds limit\"}}",
	    REFUSAL_TOO_LONG, 400, "invalid params, context window exceeds limit", 0),
	CASE("MiniMax: a number nobody knows", "{\"base_resp\":{\"status_code\":9,\"status_msg\":\"\"}}", REFUSAL_FAILURE, 500, "9", 0),
	CASE("MiniMax: a window of five hours", "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"usage limit exceeded "
		"(2056)\"}}", REFUSAL_LIMITED, 429, "usage limit exceeded (2056)", 3),
	CASE("overload that is called a limit", "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"The service is "
		"temporarily overloaded\"}}", REFUSAL_BUSY, 529, "The service is temporarily overloaded", 3),
	CASE("MiniMax: traffic", "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"high traffic detected (2064)\"}}",
	    REFUSAL_BUSY, 529, "high traffic detected (2064)", 3),
	CASE("OpenRouter", "{\"error\":{\"code\":502,\"message\":\"Provider returned error\",\"metadata\":{\"raw\":\"upstream\\nis gone\"}},"
		"\"user_id\":\"u\"}", REFUSAL_UNKNOWN, 502, "Provider returned error (upstream is gone)", 0),
	CASE("OpenRouter: too long behind it", "{\"error\":{\"code\":400,\"message\":\"Provider returned error\",\"metadata\":{\"raw\":\"{\\\"error\\\":"
		"\\\"This endpoint's maximum context length is 131072 tokens\\\"}\"}}}", REFUSAL_TOO_LONG, 400,
	    "Provider returned error ({\"error\":\"This endpoint's maximum context length is 131072 tokens\"})", 0),
	CASE("OpenRouter: no such model", "{\"error\":{\"code\":404,\"message\":\"No endpoints found for a/b.\"}}", REFUSAL_MODEL, 404,
	    "No endpoints found for a/b.", 0),
	CASE("OpenRouter: moderation", "{\"error\":{\"code\":403,\"message\":\"a/b requires moderation. Your input was flagged\"}}",
	    REFUSAL_CONTENT, 400, "a/b requires moderation. Your input was flagged", 0),
	CASE("Mistral", "{\"object\":\"error\",\"message\":\"Prompt contains 40000 tokens, too large for model with 32768 maximum context "
		"length\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"3051\"}", REFUSAL_TOO_LONG, 400,
	    "Prompt contains 40000 tokens, too large for model with 32768 maximum context length", 0),
	CASE("Mistral: an object for a message", "{\"object\":\"error\",\"message\":{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\"],\"msg\":"
		"\"Field required\",\"input\":\"prompt is too long\"}]},\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}",
	    REFUSAL_REQUEST, 400, "Field required", 0),
	CASE("FastAPI: what the request said is not read", "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"field required\",\"input\":"
		"\"prompt is too long\"}]}", REFUSAL_UNKNOWN, 0, "field required", 0),
	CASE("FastAPI", "{\"detail\":\"Not Found\"}", REFUSAL_UNKNOWN, 0, "Not Found", 0),
	CASE("Together: 403", "{\"error\":{\"message\":\"Input (9000 tokens) is longer than the model's context length (8192 tokens)\",\"type\":"
		"\"invalid_request_error\",\"param\":null,\"code\":null}}", REFUSAL_TOO_LONG, 400,
	    "Input (9000 tokens) is longer than the model's context length (8192 tokens)", 2),
	CASE("Ollama", "{\"error\":\"model 'x' not found, try pulling it first\"}", REFUSAL_MODEL, 404,
	    "model 'x' not found, try pulling it first", 0),
	CASE("xAI", "{\"code\":\"The service is currently unavailable\",\"error\":\"The model is at capacity\"}", REFUSAL_BUSY, 529,
	    "The model is at capacity", 0),
	CASE("llama.cpp", "{\"error\":{\"code\":400,\"message\":\"request (12 tokens) exceeds the available context size (8 tokens), try "
		"increasing it\",\"type\":\"exceed_context_size_error\",\"n_ctx\":8}}", REFUSAL_TOO_LONG, 400,
	    "request (12 tokens) exceeds the available context size (8 tokens), try increasing it", 0),
	CASE("llama.cpp loads", "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}", REFUSAL_BUSY, 503,
	    "Loading model", 0),
	CASE("Google: an array", "[{\"error\":{\"code\":400,\"message\":\"API key not valid. Please pass a valid API key.\",\"status\":"
		"\"INVALID_ARGUMENT\"}}]", REFUSAL_KEY, 401, "API key not valid. Please pass a valid API key.", 0),
	CASE("Google: a rate that speaks of billing", "{\"error\":{\"code\":429,\"message\":\"You exceeded your current quota, please check your "
		"plan and billing details.\",\"status\":\"RESOURCE_EXHAUSTED\"}}", REFUSAL_LIMITED, 429,
	    "You exceeded your current quota, please check your plan and billing details.", 0),
	CASE("Alibaba: a limit that is no balance", "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"Allocated quota exceeded, please "
		"increase your quota limit.\",\"type\":\"insufficient_quota\"}}", REFUSAL_LIMITED, 429,
	    "Allocated quota exceeded, please increase your quota limit.", 2),
	CASE("Alibaba: flat", "{\"code\":\"Throttling.RateQuota\",\"message\":\"Requests rate limit exceeded\",\"request_id\":\"r\"}",
	    REFUSAL_LIMITED, 429, "Requests rate limit exceeded", 0),
	CASE("Alibaba: too long", "{\"code\":\"InvalidParameter\",\"message\":\"Range of input length should be [1, 30720]\"}",
	    REFUSAL_TOO_LONG, 400, "Range of input length should be [1, 30720]", 0),
	CASE("DeepSeek", "{\"error\":{\"message\":\"Insufficient Balance\",\"type\":\"unknown_error\",\"param\":null,\"code\":"
		"\"invalid_request_error\"}}", REFUSAL_MONEY, 402, "Insufficient Balance", 2),
	CASE("DeepSeek: model", "{\"error\":{\"message\":\"Model Not Exist\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":"
		"\"invalid_request_error\"}}", REFUSAL_MODEL, 404, "Model Not Exist", 2),
	/* Other forms */
	CASE("an event stream", "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"o\"}}\n\n",
	    REFUSAL_BUSY, 529, "o", 0),
	CASE("a text in quotes", "\"you have reached your session usage limit, please wait\"", REFUSAL_LIMITED, 429,
	    "you have reached your session usage limit, please wait", 0),
	CASE("type for want of a message", "{\"error\":{\"type\":\"server_error\",\"message\":\"\"}}", REFUSAL_FAILURE, 500, "server_error", 2),
	CASE("escapes, controls and lines", "{\"error\":\"\\u0050rompt\\u0020is\\n\\ttoo \\u0000 long \\u00e9\"}", REFUSAL_UNKNOWN, 0,
	    "Prompt is too long \xc3\xa9", 0),
	CASE("with a byte order mark", "\xef\xbb\xbf{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"}}", REFUSAL_FAILURE, 500,
	    "m", 0),
	CASE("with more behind it", "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"}} {}", REFUSAL_FAILURE, 500, "m", 0),
	CASE("space around it", " {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"}}\n", REFUSAL_FAILURE, 500, "m", 3),
	{ "nothing", "", false, REFUSAL_UNKNOWN, 0, NULL, 0 },
	{ "white space", " \r\n\t", false, REFUSAL_UNKNOWN, 0, NULL, 0 },
	{ "an object that says nothing", "{\"a\":1}", false, REFUSAL_UNKNOWN, 0, NULL, 0 },
	{ "an empty array", "[]", false, REFUSAL_UNKNOWN, 0, NULL, 0 },
	{ "a number", "12", false, REFUSAL_UNKNOWN, 0, NULL, 0 },
	{ "JSON that is cut", "{\"error\":{\"message\":\"It is over", false, REFUSAL_UNKNOWN, 0, "{\"error\":{\"message\":\"It is over", 0 },
	{ "a text", "upstream connect error\nor disconnect", false, REFUSAL_UNKNOWN, 0, "upstream connect error", 0 },
	{ "a text about a limit", "Too Many Requests", false, REFUSAL_LIMITED, 429, "Too Many Requests", 0 },
	{ "a text of no encoding", "a\xff\xc3(\x80 b", false, REFUSAL_UNKNOWN, 0, "a?\?(? b", 0 },
	{ "a page", "<!DOCTYPE html><html>\n<head><TITLE lang=\"en\">\n 502 Bad\tGateway </title></head><body>sk-1</body>", false, REFUSAL_PAGE, 0,
	    "502 Bad Gateway", 0 },
	{ "a page without a title", "\n<html><body>prompt is too long</body></html>", false, REFUSAL_PAGE, 0, NULL, 0 },
	{ "a page that is cut in its title", "<html><title>Bad", false, REFUSAL_PAGE, 0, NULL, 0 },
	{ "a page with a title alone", "<title>", false, REFUSAL_PAGE, 0, NULL, 0 },
};

static bool
check_case(const struct refusal_case *c)
{
	struct test_page page = test_page(c->body, strlen(c->body));
	struct refusal refusal;
	struct buf text = BUF_INIT(REFUSAL_TEXT_MAX + 1);
	bool passed = true, said;

	refusal_read(&refusal, page.text, strlen(c->body));
	EXPECT(refusal.found == c->found, "found");
	EXPECT(refusal.cause == c->cause, "cause");
	EXPECT(refusal.status == c->status, "status");
	EXPECT(refusal_is_shaped(&refusal, DIALECT_ANTHROPIC) == (bool)(c->shaped & 1), "Anthropic's shape");
	EXPECT(refusal_is_shaped(&refusal, DIALECT_OPENAI) == (bool)(c->shaped & 2), "OpenAI's shape");
	said = refusal_put_text(&text, &refusal);
	EXPECT(said == (c->text != NULL), "says something");
	EXPECT(said == (buf_len(&text) > 0) && (!said || strcmp(buf_str(&text), c->text) == 0), buf_len(&text) ? buf_str(&text) : "");
	buf_free(&text);
	test_page_free(page);
	return passed;
}

/* Whatever is cut off, nothing is read beyond it. */
static bool
check_cuts(const struct refusal_case *c)
{
	bool passed = true;

	for (size_t n = 0; n < strlen(c->body); n++) {
		struct test_page page = test_page(c->body, n);
		struct refusal refusal;
		struct buf text = BUF_INIT(REFUSAL_TEXT_MAX + 1);

		refusal_read(&refusal, page.text, n);
		refusal_put_text(&text, &refusal);
		EXPECT(!text.failed, "the text fits");
		buf_free(&text);
		test_page_free(page);
	}
	return passed;
}

static void
test_lengths(void)
{
	char body[2000];
	bool passed = true;

	for (size_t n = REFUSAL_TEXT_MAX - 10; n < REFUSAL_TEXT_MAX + 10; n++) {
		struct refusal refusal;
		struct buf text = BUF_INIT(REFUSAL_TEXT_MAX + 1);

		memcpy(body, "{\"error\":\"", 10);
		for (size_t i = 0; i < n; i++)
			memcpy(body + 10 + 2 * i, "\xc3\xa9", 2);
		memcpy(body + 10 + 2 * n, "\"}", 3);
		refusal_read(&refusal, body, strlen(body));
		refusal_put_text(&text, &refusal);
		EXPECT(buf_len(&text) <= REFUSAL_TEXT_MAX && buf_len(&text) > REFUSAL_TEXT_MAX - 3 &&
		    memcmp(buf_data(&text) + buf_len(&text) - 3, "…", 3) == 0 && (buf_len(&text) - 3) % 2 == 0,
		    "cut at a character");
		buf_free(&text);
	}
	TEST(passed, "a long text is cut");
}

static struct refusal
read_value(const char *text)
{
	struct refusal refusal;

	refusal_read_value(&refusal, (struct json){ text, strlen(text) });
	return refusal;
}

static void
test_values(void)
{
	static const char *const errors[] = { "{\"error\":{}}", "{\"error\":\"x\"}", "{\"type\":\"error\"}", "{\"type\":\"message\",\"error\":true}",
		"{\"id\":1,\"choices\":null,\"base_resp\":{\"status_code\":1}}", "{\"success\":false,\"msg\":\"x\"}", "{\"object\":\"error\"}",
		"{\"error\":[{\"message\":\"x\"}]}", "{\"errors\":[{\"code\":7003}]}", "{\"error\":null,\"error\":\"x\"}" };
	static const char *const answers[] = { "{}", "{\"error\":null}", "{\"error\":false}", "{\"error\":\"\"}", "{\"error\":[]}",
		"{\"base_resp\":{\"status_code\":0}}", "{\"base_resp\":null}", "{\"message\":\"x\"}", "{\"detail\":\"x\"}", "{\"success\":true}",
		"{\"success\":false}", "{\"type\":\"message\"}", "[{\"error\":\"x\"}]", "1" };
	bool passed = true;

	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		EXPECT(read_value(errors[i]).found, errors[i]);
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
		EXPECT(!read_value(answers[i]).found, answers[i]);
	TEST(passed, "with status 200 only what says so is an error");
}

/* What is said of thinking in the history, each by those who were seen to. */
static const struct {
	enum refusal_cause cause;
	const char *message;
} thinking[] = {
	{ REFUSAL_THINKING, "messages.1.content.0: Invalid `signature` in `thinking` block" },
	{ REFUSAL_THINKING, "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a different "
		"conversation. Remove the block, or set `thinking.block_binding.prefix_mismatch_behavior` to \"drop_block\"." },
	{ REFUSAL_THINKING, "***.***.content.0: Invalid `signature` in `thinking`       block" },
	{ REFUSAL_THINKING, "messages.1.content.0: Invalid signature in thinking block (Service: BedrockRuntime, Status Code: 400)" },
	{ REFUSAL_THINKING, "The thinking block has no valid signature" },
	{ REFUSAL_THINKING, "The model returned the following errors: messages.369.content.0.thinking.signature: Field required" },
	{ REFUSAL_THINKING, "messages.1.content.0.thinking.thinking: Field required" },
	{ REFUSAL_THINKING, "messages.21.content.1: Invalid `data` in `redacted_thinking` block" },
	{ REFUSAL_THINKING, "Invalid 'data' in 'redacted_thinking' block" },
	{ REFUSAL_THINKING, "messages.0.content.0.redacted_thinking.data: Field required" },
	{ REFUSAL_THINKING, "messages.3.content.9: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be "
		"modified. These blocks must remain as they were in the original response." },
	{ REFUSAL_THINKING, "messages.3.content.10: When providing `thinking` or `redacted_thinking` blocks, the blocks must match the "
		"parameters during the original request." },
	{ REFUSAL_THINKING, "messages.5.content.0: If an assistant message contains any thinking blocks, the first block must be "
		"`thinking` or `redacted_thinking`. Found `text`." },
	{ REFUSAL_THINKING, "messages.5: When thinking is disabled, an `assistant` message in the final position cannot contain "
		"`thinking`. To use thinking blocks, enable `thinking` in your request." },
	{ REFUSAL_THINKING, "messages.1.content.0: Input tag 'thinking' found using 'type' does not match any of the expected tags: "
		"'text', 'image', 'tool_use', 'tool_result'" },
	{ REFUSAL_THINKING, "Input tag 'redacted_thinking' found using 'type' does not match any of the expected tags" },
	{ REFUSAL_THINKING, "Your session is forging thinking signature" },
	/* Thinking that is missing is not in the way; and other things have names like it. */
	{ REFUSAL_REQUEST, "messages.129.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`. When `thinking` "
		"is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and "
		"`tool_result` blocks)." },
	{ REFUSAL_REQUEST, "The `content[].thinking` in the thinking mode must be passed back to the API." },
	{ REFUSAL_REQUEST, "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024" },
	{ REFUSAL_REQUEST, "Function call is missing a thought_signature in functionCall parts." },
	{ REFUSAL_REQUEST, "The request signature is not valid" },
};

/* Each as Anthropic's API says it, with Bedrock's type, and as others pass on what was said to them. */
static void
test_thinking(void)
{
	static const struct {
		const char *before, *behind;
		int depth;	/* how many texts in texts it is */
		enum refusal_cause without;
	} envelopes[] = {
		{ "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":", "},\"request_id\":\"req_1\"}", 1,
		    REFUSAL_REQUEST },
		{ "{\"type\":\"error\",\"error\":{\"type\":\"ValidationException\",\"message\":", "}}", 1, REFUSAL_UNKNOWN },
		{ "{\"error\":{\"code\":400,\"status\":\"INVALID_ARGUMENT\",\"message\":", "}}", 2, REFUSAL_REQUEST },
		{ "{\"error\":{\"message\":\"Provider returned error\",\"code\":400,\"metadata\":{\"raw\":", "}}}", 2, REFUSAL_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof thinking / sizeof *thinking; i++) {
		bool passed = true;

		for (size_t k = 0; k < sizeof envelopes / sizeof *envelopes; k++) {
			struct buf inner = BUF_INIT(4 * KIB), body = BUF_INIT(4 * KIB);
			struct refusal refusal;

			json_put_string(&inner, thinking[i].message, strlen(thinking[i].message));
			buf_puts(&body, envelopes[k].before);
			if (envelopes[k].depth == 1)
				buf_put(&body, buf_data(&inner), buf_len(&inner));
			else
				json_put_string(&body, buf_data(&inner), buf_len(&inner));
			buf_puts(&body, envelopes[k].behind);
			refusal_read(&refusal, buf_data(&body), buf_len(&body));
			EXPECT(refusal.found && refusal.cause ==
			    (thinking[i].cause == REFUSAL_THINKING ? REFUSAL_THINKING : envelopes[k].without), buf_str(&body));
			buf_free(&inner);
			buf_free(&body);
		}
		TEST(passed, thinking[i].message);
	}
}

int
main(void)
{
	test_thinking();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		TEST(check_case(&cases[i]) && check_cuts(&cases[i]), cases[i].name);
	test_lengths();
	test_values();
	return test_exit();
}
