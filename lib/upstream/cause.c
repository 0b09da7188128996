/* SPDX-License-Identifier: MIT */
#include "upstream/cause.h"

#include <string.h>

#include "base/limits.h"

static const int statuses[] = {
	[REFUSAL_UNKNOWN] = 0,
	[REFUSAL_TOO_LONG] = 400,
	[REFUSAL_MODEL] = 404,
	[REFUSAL_MONEY] = 402,
	[REFUSAL_KEY] = 401,
	[REFUSAL_LIMITED] = 429,
	[REFUSAL_BUSY] = 529,
	[REFUSAL_TIMEOUT] = 504,
	[REFUSAL_CONTENT] = 400,
	[REFUSAL_THINKING] = 400,
	[REFUSAL_REQUEST] = 400,
	[REFUSAL_FAILURE] = 500,
	[REFUSAL_PAGE] = 502,
};

int
cause_status(enum refusal_cause cause)
{
	return statuses[cause];
}

static const struct {
	const char *name;
	enum refusal_cause cause;
	int status;	/* 0: the cause's */
} names[] = {
	/* Anthropic, and those that keep to its types */
	{ "invalid_request_error", REFUSAL_REQUEST, 0 },
	{ "authentication_error", REFUSAL_KEY, 0 },
	{ "billing_error", REFUSAL_MONEY, 0 },
	{ "permission_error", REFUSAL_KEY, 403 },
	{ "not_found_error", REFUSAL_REQUEST, 404 },
	{ "conflict_error", REFUSAL_REQUEST, 409 },
	{ "request_too_large", REFUSAL_REQUEST, 413 },
	{ "rate_limit_error", REFUSAL_LIMITED, 0 },
	{ "api_error", REFUSAL_FAILURE, 0 },
	{ "timeout_error", REFUSAL_TIMEOUT, 0 },
	{ "overloaded_error", REFUSAL_BUSY, 0 },
	{ "enforced_spend_limit_reached", REFUSAL_MONEY, 0 },
	/* OpenAI */
	{ "server_error", REFUSAL_FAILURE, 0 },
	{ "insufficient_quota", REFUSAL_MONEY, 0 },
	{ "credit_balance_exhausted", REFUSAL_MONEY, 0 },
	{ "billing_hard_limit_reached", REFUSAL_MONEY, 0 },
	{ "billing_not_active", REFUSAL_MONEY, 0 },
	{ "account_deactivated", REFUSAL_KEY, 0 },
	{ "invalid_api_key", REFUSAL_KEY, 0 },
	{ "unsupported_country_region_territory", REFUSAL_KEY, 403 },
	{ "rate_limit_exceeded", REFUSAL_LIMITED, 0 },
	{ "slow_down", REFUSAL_LIMITED, 0 },
	{ "tokens", REFUSAL_LIMITED, 0 },
	{ "requests", REFUSAL_LIMITED, 0 },
	{ "server_is_overloaded", REFUSAL_BUSY, 0 },
	{ "service_unavailable_error", REFUSAL_BUSY, 0 },
	{ "context_length_exceeded", REFUSAL_TOO_LONG, 0 },
	{ "model_not_found", REFUSAL_MODEL, 0 },
	{ "content_policy_violation", REFUSAL_CONTENT, 0 },
	{ "content_filter", REFUSAL_CONTENT, 0 },
	/* Moonshot */
	{ "exceeded_current_quota_error", REFUSAL_MONEY, 0 },
	{ "rate_limit_reached_error", REFUSAL_LIMITED, 0 },
	{ "engine_overloaded_error", REFUSAL_BUSY, 0 },
	{ "invalid_authentication_error", REFUSAL_KEY, 0 },
	{ "incorrect_api_key_error", REFUSAL_KEY, 0 },
	{ "permission_denied_error", REFUSAL_KEY, 403 },
	{ "resource_not_found_error", REFUSAL_MODEL, 0 },
	{ "server_unavailable", REFUSAL_BUSY, 503 },
	{ "unexpected_output", REFUSAL_FAILURE, 0 },
	/* llama.cpp, vLLM, Groq, those in front of others */
	{ "exceed_context_size_error", REFUSAL_TOO_LONG, 0 },
	{ "unavailable_error", REFUSAL_BUSY, 503 },
	{ "BadRequestError", REFUSAL_REQUEST, 0 },
	{ "internal_error", REFUSAL_FAILURE, 0 },
	{ "InternalServerError", REFUSAL_FAILURE, 0 },
	{ "capacity_exceeded", REFUSAL_BUSY, 0 },
	{ "insufficient_user_quota", REFUSAL_MONEY, 0 },
	{ "pre_consume_token_quota_failed", REFUSAL_MONEY, 0 },
	{ "sensitive_words_detected", REFUSAL_CONTENT, 0 },
	/* Google */
	{ "INVALID_ARGUMENT", REFUSAL_REQUEST, 0 },
	{ "NOT_FOUND", REFUSAL_REQUEST, 404 },
	{ "UNAUTHENTICATED", REFUSAL_KEY, 0 },
	{ "PERMISSION_DENIED", REFUSAL_KEY, 403 },
	{ "RESOURCE_EXHAUSTED", REFUSAL_LIMITED, 0 },
	{ "UNAVAILABLE", REFUSAL_BUSY, 503 },
	{ "DEADLINE_EXCEEDED", REFUSAL_TIMEOUT, 0 },
	{ "INTERNAL", REFUSAL_FAILURE, 0 },
	/* Alibaba */
	{ "Throttling", REFUSAL_LIMITED, 0 },
	{ "Throttling.RateQuota", REFUSAL_LIMITED, 0 },
	{ "Throttling.AllocationQuota", REFUSAL_LIMITED, 0 },
	{ "Throttling.BurstRate", REFUSAL_LIMITED, 0 },
	{ "limit_requests", REFUSAL_LIMITED, 0 },
	{ "AllocationQuota.FreeTierOnly", REFUSAL_MONEY, 0 },
	{ "Arrearage", REFUSAL_MONEY, 0 },
	{ "InvalidApiKey", REFUSAL_KEY, 0 },
	{ "ModelNotFound", REFUSAL_MODEL, 0 },
	{ "Model.AccessDenied", REFUSAL_MODEL, 0 },
	{ "DataInspectionFailed", REFUSAL_CONTENT, 0 },
	{ "data_inspection_failed", REFUSAL_CONTENT, 0 },
	{ "InternalError", REFUSAL_FAILURE, 0 },
	{ "InternalError.Timeout", REFUSAL_TIMEOUT, 0 },
	{ "ServiceUnavailable", REFUSAL_BUSY, 503 },
	{ "ModelServingError", REFUSAL_BUSY, 503 },
	/* finish_reasons that are failures: OpenRouter, DeepSeek, Z.ai */
	{ "error", REFUSAL_FAILURE, 0 },
	{ "insufficient_system_resource", REFUSAL_BUSY, 0 },
	{ "network_error", REFUSAL_FAILURE, 0 },
};

struct cause
cause_of_name(struct json name)
{
	if (json_is_string(name))
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			if (json_equals(name, names[i].name))
				return (struct cause){ names[i].cause,
					names[i].status != 0 ? names[i].status : statuses[names[i].cause] };
	return (struct cause){ REFUSAL_UNKNOWN, 0 };
}

struct range {
	uint64_t first, last;
	enum refusal_cause cause;
};

static struct cause
find_range(const struct range *ranges, size_t n, uint64_t number)
{
	for (size_t i = 0; i < n; i++)
		if (number >= ranges[i].first && number <= ranges[i].last)
			return (struct cause){ ranges[i].cause, statuses[ranges[i].cause] };
	return (struct cause){ REFUSAL_UNKNOWN, 0 };
}

struct cause
cause_of_number(uint64_t number)
{
	/* 1308 is a limit of hours, 1310 one of a week or a month; 1309 and 1311 are about the plan, 1312 the model. */
	static const struct range zai[] = {
		{ 1000, 1004, REFUSAL_KEY }, { 1113, 1113, REFUSAL_MONEY }, { 1100, 1121, REFUSAL_KEY },
		{ 1200, 1200, REFUSAL_FAILURE }, { 1210, 1210, REFUSAL_REQUEST }, { 1211, 1212, REFUSAL_MODEL },
		{ 1213, 1215, REFUSAL_REQUEST }, { 1220, 1220, REFUSAL_KEY }, { 1221, 1222, REFUSAL_MODEL },
		{ 1230, 1230, REFUSAL_FAILURE }, { 1231, 1231, REFUSAL_REQUEST }, { 1234, 1234, REFUSAL_FAILURE },
		{ 1261, 1261, REFUSAL_TOO_LONG }, { 1300, 1301, REFUSAL_CONTENT }, { 1302, 1304, REFUSAL_LIMITED },
		{ 1305, 1305, REFUSAL_BUSY }, { 1308, 1308, REFUSAL_LIMITED }, { 1309, 1310, REFUSAL_MONEY },
		{ 1311, 1311, REFUSAL_MODEL }, { 1312, 1312, REFUSAL_BUSY }, { 1313, 1313, REFUSAL_LIMITED },
	};

	if (number >= 400 && number <= 599)
		return (struct cause){ REFUSAL_UNKNOWN, (int)number };
	return find_range(zai, sizeof zai / sizeof *zai, number);
}

struct cause
cause_of_minimax(uint64_t number)
{
	/* 1028, 1030: a quota that is used up; 2056: one that comes back in hours; 2061: a model not in the plan. */
	static const struct range minimax[] = {
		{ 1000, 1000, REFUSAL_FAILURE }, { 1001, 1001, REFUSAL_TIMEOUT }, { 1002, 1002, REFUSAL_LIMITED },
		{ 1004, 1004, REFUSAL_KEY }, { 1008, 1008, REFUSAL_MONEY }, { 1013, 1013, REFUSAL_FAILURE },
		{ 1024, 1024, REFUSAL_FAILURE }, { 1026, 1027, REFUSAL_CONTENT }, { 1028, 1028, REFUSAL_MONEY },
		{ 1030, 1030, REFUSAL_MONEY }, { 1033, 1033, REFUSAL_FAILURE }, { 1039, 1039, REFUSAL_LIMITED },
		{ 1041, 1041, REFUSAL_LIMITED }, { 1042, 1044, REFUSAL_REQUEST }, { 2013, 2013, REFUSAL_REQUEST },
		{ 2045, 2045, REFUSAL_LIMITED }, { 2049, 2049, REFUSAL_KEY }, { 2056, 2056, REFUSAL_LIMITED },
		{ 2061, 2061, REFUSAL_MODEL }, { 2064, 2064, REFUSAL_BUSY }, { 20132, 20132, REFUSAL_REQUEST },
	};
	struct cause cause = find_range(minimax, sizeof minimax / sizeof *minimax, number);

	return cause.cause != REFUSAL_UNKNOWN ? cause : (struct cause){ REFUSAL_FAILURE, 500 };
}

#define BIT(CAUSE) (1u << (CAUSE))
#define OPEN (BIT(REFUSAL_UNKNOWN) | BIT(REFUSAL_FAILURE))

/* What a text may put in place of what type and code say: they are exact where they say anything, texts are prose. */
static const struct {
	enum refusal_cause cause;
	unsigned replaces;
} replacements[] = {
	{ REFUSAL_MONEY, OPEN | BIT(REFUSAL_REQUEST) | BIT(REFUSAL_LIMITED) | BIT(REFUSAL_KEY) },
	{ REFUSAL_TOO_LONG, OPEN | BIT(REFUSAL_REQUEST) },
	{ REFUSAL_THINKING, OPEN | BIT(REFUSAL_REQUEST) },
	{ REFUSAL_MODEL, OPEN | BIT(REFUSAL_REQUEST) | BIT(REFUSAL_KEY) },
	{ REFUSAL_CONTENT, OPEN | BIT(REFUSAL_REQUEST) | BIT(REFUSAL_KEY) },
	{ REFUSAL_KEY, OPEN | BIT(REFUSAL_REQUEST) },
	{ REFUSAL_BUSY, OPEN | BIT(REFUSAL_LIMITED) },
	{ REFUSAL_LIMITED, OPEN },
};

/* In lower case. With `then` it is two words, the second behind the first and not far from it. */
static const struct {
	enum refusal_cause cause;
	const char *words;
	const char *then;
} texts[] = {
	{ REFUSAL_MONEY, "credit balance is too low", NULL },	/* Anthropic, with 400 */
	{ REFUSAL_MONEY, "insufficient balance", NULL },
	{ REFUSAL_MONEY, "balance is insufficient", NULL },
	{ REFUSAL_MONEY, "insufficient credit", NULL },
	{ REFUSAL_MONEY, "insufficient funds", NULL },
	{ REFUSAL_MONEY, "account balance", NULL },
	{ REFUSAL_MONEY, "in arrears", NULL },
	{ REFUSAL_MONEY, "monthly limit exhausted", NULL },
	{ REFUSAL_MONEY, "spend limit", NULL },
	{ REFUSAL_MONEY, "spending limit", NULL },
	{ REFUSAL_MONEY, "specified api usage limits", NULL },	/* Anthropic, with 400: the monthly cap */
	{ REFUSAL_MONEY, "free tier", "exhausted" },
	{ REFUSAL_MONEY, "余额不足", NULL },
	{ REFUSAL_MONEY, "欠费", NULL },
	{ REFUSAL_TOO_LONG, "prompt is too long", NULL },	/* Anthropic */
	{ REFUSAL_TOO_LONG, "prompt too long", NULL },		/* Ollama, Together */
	{ REFUSAL_TOO_LONG, "input is too long", NULL },	/* Bedrock */
	{ REFUSAL_TOO_LONG, "exceed context limit", NULL },	/* Anthropic, prompt and max_tokens together */
	{ REFUSAL_TOO_LONG, "maximum context length", NULL },	/* OpenAI, DeepSeek, vLLM, OpenRouter, Mistral */
	{ REFUSAL_TOO_LONG, "maximum prompt length", NULL },	/* xAI */
	{ REFUSAL_TOO_LONG, "maximum model length", NULL },
	{ REFUSAL_TOO_LONG, "maximum allowed input length", NULL },
	{ REFUSAL_TOO_LONG, "context length exceeded", NULL },
	{ REFUSAL_TOO_LONG, "context_length_exceeded", NULL },
	{ REFUSAL_TOO_LONG, "context_window_exceeded", NULL },
	{ REFUSAL_TOO_LONG, "context window exceeds limit", NULL },	/* MiniMax */
	{ REFUSAL_TOO_LONG, "exceed", "context window" },	/* OpenAI */
	{ REFUSAL_TOO_LONG, "exceed", "context length" },	/* Ollama */
	{ REFUSAL_TOO_LONG, "exceed", "context size" },		/* llama.cpp */
	{ REFUSAL_TOO_LONG, "context size has been exceeded", NULL },
	{ REFUSAL_TOO_LONG, "configured context size", NULL },
	{ REFUSAL_TOO_LONG, "than", "context length" },		/* Together, LM Studio */
	{ REFUSAL_TOO_LONG, "exceeded model token limit", NULL },	/* Moonshot */
	{ REFUSAL_TOO_LONG, "exceeds max length", NULL },	/* Z.ai */
	{ REFUSAL_TOO_LONG, "input token count", "exceeds" },	/* Google */
	{ REFUSAL_TOO_LONG, "prompt token count", "exceeds" },
	{ REFUSAL_TOO_LONG, "reduce the length of", NULL },	/* Groq */
	{ REFUSAL_TOO_LONG, "range of input length should be", NULL },	/* Alibaba */
	{ REFUSAL_TOO_LONG, "too large to process", NULL },	/* llama.cpp's batch */
	{ REFUSAL_TOO_LONG, "超长", NULL },
	/*
	 * What helps here is to leave thinking out. That some is missing (`Expected `thinking`, but found`, `must be passed
	 * back`) is not among them.
	 */
	{ REFUSAL_THINKING, "invalid `signature`", NULL },	/* Anthropic, Vertex */
	{ REFUSAL_THINKING, "signature", "thinking block" },	/* Bedrock */
	{ REFUSAL_THINKING, "thinking block", "signature" },
	{ REFUSAL_THINKING, "thinking signature", NULL },
	{ REFUSAL_THINKING, "thinking.signature", NULL },	/* the place of what is wrong: messages.1.content.0.thinking.… */
	{ REFUSAL_THINKING, "content.", ".thinking.thinking" },
	{ REFUSAL_THINKING, "redacted_thinking.data", NULL },
	{ REFUSAL_THINKING, "invalid", "in `redacted_thinking`" },
	{ REFUSAL_THINKING, "invalid", "in 'redacted_thinking'" },
	{ REFUSAL_THINKING, "thinking", "cannot be modified" },
	{ REFUSAL_THINKING, "thinking", "must match the parameters during the original request" },
	{ REFUSAL_THINKING, "contains any thinking blocks", NULL },	/* then the first block must be one */
	{ REFUSAL_THINKING, "final position cannot contain", "thinking" },	/* it is not asked for */
	{ REFUSAL_THINKING, "tag 'thinking' found", NULL },	/* a block of a type that is not known there */
	{ REFUSAL_THINKING, "tag 'redacted_thinking' found", NULL },
	{ REFUSAL_MODEL, "model not exist", NULL },		/* DeepSeek */
	{ REFUSAL_MODEL, "model_not_found", NULL },
	{ REFUSAL_MODEL, "not found the model", NULL },		/* Moonshot */
	{ REFUSAL_MODEL, "unknown model", NULL },
	{ REFUSAL_MODEL, "no such model", NULL },
	{ REFUSAL_MODEL, "invalid model", NULL },
	{ REFUSAL_MODEL, "unsupported model", NULL },
	{ REFUSAL_MODEL, "model is not supported", NULL },
	{ REFUSAL_MODEL, "model not supported", NULL },
	{ REFUSAL_MODEL, "not a valid model", NULL },		/* OpenRouter */
	{ REFUSAL_MODEL, "no endpoints found", NULL },		/* OpenRouter */
	{ REFUSAL_MODEL, "access to model", NULL },		/* OpenAI, with 403 */
	{ REFUSAL_MODEL, "access to the model", NULL },
	{ REFUSAL_MODEL, "no available channel", NULL },	/* new-api, with 503 */
	{ REFUSAL_MODEL, "model", "not found" },		/* Ollama, Google, Fireworks */
	{ REFUSAL_MODEL, "model", "does not exist" },		/* OpenAI, vLLM, xAI, Z.ai */
	{ REFUSAL_MODEL, "model", "decommissioned" },		/* Groq */
	{ REFUSAL_MODEL, "model", "is not available" },
	{ REFUSAL_MODEL, "invalid url (", NULL },		/* OpenAI: the path */
	{ REFUSAL_MODEL, "unknown request url", NULL },		/* Groq: the path */
	{ REFUSAL_CONTENT, "content policy", NULL },
	{ REFUSAL_CONTENT, "content exists risk", NULL },	/* DeepSeek */
	{ REFUSAL_CONTENT, "moderation", NULL },		/* OpenRouter, with 403 */
	{ REFUSAL_CONTENT, "was flagged", NULL },
	{ REFUSAL_CONTENT, "usage guidelines", NULL },		/* xAI, with 403 */
	{ REFUSAL_CONTENT, "sensitive content", NULL },
	{ REFUSAL_CONTENT, "new_sensitive", NULL },		/* MiniMax */
	{ REFUSAL_CONTENT, "inappropriate content", NULL },	/* Alibaba */
	{ REFUSAL_KEY, "invalid api key", NULL },
	{ REFUSAL_KEY, "incorrect api key", NULL },
	{ REFUSAL_KEY, "api key not valid", NULL },		/* Google, with 400 */
	{ REFUSAL_KEY, "invalid x-api-key", NULL },
	{ REFUSAL_KEY, "api key expired", NULL },
	{ REFUSAL_BUSY, "overload", NULL },
	{ REFUSAL_BUSY, "high traffic", NULL },
	{ REFUSAL_BUSY, "high demand", NULL },
	{ REFUSAL_BUSY, "high load", NULL },
	{ REFUSAL_BUSY, "over capacity", NULL },
	{ REFUSAL_BUSY, "at capacity", NULL },
	{ REFUSAL_BUSY, "server busy", NULL },
	{ REFUSAL_BUSY, "server is busy", NULL },
	{ REFUSAL_BUSY, "too busy", NULL },
	{ REFUSAL_LIMITED, "rate limit", NULL },
	{ REFUSAL_LIMITED, "too many requests", NULL },
	{ REFUSAL_LIMITED, "usage limit", NULL },
};

/* How far apart two words may be: a model's name may stand between them. */
enum { APART = 160 };

static bool
has_words(const char *text, size_t n, const char *words, const char *then)
{
	const char *p = text, *end = text + n, *limit;

	while ((p = memmem(p, (size_t)(end - p), words, strlen(words))) != NULL) {
		p += strlen(words);
		if (then == NULL)
			return true;
		limit = end - p > APART ? p + APART : end;
		if (memmem(p, (size_t)(limit - p), then, strlen(then)) != NULL)
			return true;
	}
	return false;
}

static bool
replaces(enum refusal_cause cause, enum refusal_cause so_far)
{
	for (size_t i = 0; i < sizeof replacements / sizeof *replacements; i++)
		if (replacements[i].cause == cause)
			return replacements[i].replaces & BIT(so_far);
	return false;
}

enum refusal_cause
cause_of_text(const char *text, size_t n, enum refusal_cause so_far)
{
	char lower[KIB];

	if (n > sizeof lower)
		n = sizeof lower;
	for (size_t i = 0; i < n; i++)
		lower[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
	/* Alibaba gives insufficient_quota, which is OpenAI's for no money, with a limit by the minute too. */
	if (so_far == REFUSAL_MONEY && has_words(lower, n, "allocated quota exceeded", NULL) &&
	    !has_words(lower, n, "free", NULL))
		return REFUSAL_LIMITED;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (replaces(texts[i].cause, so_far) && has_words(lower, n, texts[i].words, texts[i].then))
			return texts[i].cause;
	return so_far;
}
