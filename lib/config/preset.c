/* SPDX-License-Identifier: MIT */
#include "config/preset.h"

#include <stdlib.h>
#include <string.h>

#define BOTH(ANTHROPIC, OPENAI) { [DIALECT_ANTHROPIC] = (ANTHROPIC), [DIALECT_OPENAI] = (OPENAI) }
#define OPENAI_ONLY(BASE) { [DIALECT_OPENAI] = (BASE) }
#define OWN(BASE) BOTH(BASE, BASE "/v1")
#define X_API_KEY { [DIALECT_ANTHROPIC] = AUTH_X_API_KEY, [DIALECT_OPENAI] = AUTH_BEARER }
#define BEARER { [DIALECT_ANTHROPIC] = AUTH_BEARER, [DIALECT_OPENAI] = AUTH_BEARER }

/*
 * One with a narrow pattern stands before one with a wide pattern: the order is that of the routes derived from it.
 * Of two with the same key variable the environment means the first.
 */
const struct preset presets[] = {
	{ "anthropic", BOTH("https://api.anthropic.com", "https://api.anthropic.com/v1"), X_API_KEY,
	    "ANTHROPIC_API_KEY", NULL, "claude-opus-5-5", { "claude-*" } },
	{ "minimax", BOTH("https://api.minimax.io/anthropic", "https://api.minimax.io/v1"), X_API_KEY,
	    "MINIMAX_API_KEY", NULL, "MiniMax-M3", { "MiniMax-*" } },
	{ "minimax-cn", BOTH("https://api.minimaxi.com/anthropic", "https://api.minimaxi.com/v1"), X_API_KEY,
	    "MINIMAX_API_KEY", NULL, "MiniMax-M3", { "MiniMax-*" } },
	{ "deepseek", BOTH("https://api.deepseek.com/anthropic", "https://api.deepseek.com"), X_API_KEY,
	    "DEEPSEEK_API_KEY", NULL, "deepseek-v4-pro", { "deepseek-*" } },
	{ "kimi-code", BOTH("https://api.kimi.com/coding", "https://api.kimi.com/coding/v1"), X_API_KEY,
	    "KIMI_API_KEY", NULL, "k3", { "k3", "kimi-for-coding" } },
	{ "moonshot", BOTH("https://api.moonshot.ai/anthropic", "https://api.moonshot.ai/v1"), BEARER,
	    "MOONSHOT_API_KEY", NULL, "kimi-k3", { "kimi-*", "moonshot-*" } },
	{ "moonshot-cn", BOTH("https://api.moonshot.cn/anthropic", "https://api.moonshot.cn/v1"), BEARER,
	    "MOONSHOT_API_KEY", NULL, "kimi-k3", { "kimi-*", "moonshot-*" } },
	{ "zai", BOTH("https://api.z.ai/api/anthropic", "https://api.z.ai/api/paas/v4"), X_API_KEY,
	    "ZAI_API_KEY", NULL, "glm-5.3", { "glm-*" } },
	{ "zhipu", OPENAI_ONLY("https://open.bigmodel.cn/api/paas/v4"), BEARER,
	    "ZHIPU_API_KEY", NULL, "glm-5.3", { "glm-*" } },
	{ "openai", OPENAI_ONLY("https://api.openai.com/v1"), BEARER,
	    "OPENAI_API_KEY", NULL, "gpt-6-astra", { "gpt-*", "text-embedding-*" } },
	{ "groq", OPENAI_ONLY("https://api.groq.com/openai/v1"), BEARER,
	    "GROQ_API_KEY", NULL, "openai/gpt-oss-120b", { "openai/gpt-oss-*" } },
	{ "mistral", OPENAI_ONLY("https://api.mistral.ai/v1"), BEARER,
	    "MISTRAL_API_KEY", NULL, "mistral-medium-3.5",
	    { "mistral-*", "magistral-*", "codestral-*", "devstral-*" } },
	{ "together", OPENAI_ONLY("https://api.together.ai/v1"), BEARER,
	    "TOGETHER_API_KEY", NULL, "deepseek-ai/DeepSeek-V4-Pro", { "deepseek-ai/*" } },
	{ "fireworks", BOTH("https://api.fireworks.ai/inference", "https://api.fireworks.ai/inference/v1"), BEARER,
	    "FIREWORKS_API_KEY", NULL, "accounts/fireworks/models/kimi-k3", { "accounts/*" } },
	{ "xai", OPENAI_ONLY("https://api.x.ai/v1"), BEARER,
	    "XAI_API_KEY", NULL, "grok-4.7", { "grok-*" } },
	{ "gemini", OPENAI_ONLY("https://generativelanguage.googleapis.com/v1beta/openai"), BEARER,
	    "GEMINI_API_KEY", NULL, "gemini-4-argon", { "gemini-*" } },
	{ "alibaba", BOTH("https://dashscope-intl.aliyuncs.com/apps/anthropic",
	    "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"), BEARER,
	    "DASHSCOPE_API_KEY", NULL, "qwen3.8-max", { "qwen*" } },
	{ "alibaba-cn", BOTH("https://dashscope.aliyuncs.com/apps/anthropic",
	    "https://dashscope.aliyuncs.com/compatible-mode/v1"), BEARER,
	    "DASHSCOPE_API_KEY", NULL, "qwen3.8-max", { "qwen*" } },
	{ "openrouter", BOTH("https://openrouter.ai/api", "https://openrouter.ai/api/v1"), BEARER,
	    "OPENROUTER_API_KEY", NULL, "anthropic/claude-opus-5", { "*/*" } },
	{ "ollama", OWN("http://127.0.0.1:11434"), BEARER, "OLLAMA_API_KEY", "OLLAMA_BASE_URL", NULL, { NULL } },
	{ "llamacpp", OWN("http://127.0.0.1:8080"), X_API_KEY, NULL, "LLAMACPP_BASE_URL", NULL, { NULL } },
	{ "vllm", OWN("http://127.0.0.1:8000"), BEARER, "VLLM_API_KEY", "VLLM_BASE_URL", NULL, { NULL } },
	{ "lmstudio", OWN("http://127.0.0.1:1234"), X_API_KEY, "LM_API_TOKEN", "LMSTUDIO_BASE_URL", NULL, { NULL } },
	{ "replay", { [DIALECT_ANTHROPIC] = "http://127.0.0.1:9101" }, { AUTH_NONE, AUTH_NONE }, NULL,
	    "REPLAY_BASE_URL", NULL, { NULL } },
	{ .name = NULL },
};

const struct preset *
preset_find(const char *name, size_t n)
{
	static const char alias[] = "llama.cpp";

	if (n == sizeof alias - 1 && memcmp(name, alias, n) == 0)
		return preset_find("llamacpp", strlen("llamacpp"));
	for (const struct preset *p = presets; p->name != NULL; p++)
		if (strlen(p->name) == n && memcmp(p->name, name, n) == 0)
			return p;
	return NULL;
}

static bool
is_set(const char *variable)
{
	const char *value = variable ? getenv(variable) : NULL;

	return value != NULL && *value != '\0';
}

/* Whether an earlier preset has the same key variable. */
static bool
is_second(const struct preset *preset)
{
	for (const struct preset *p = presets; p < preset; p++)
		if (p->key_variable != NULL && preset->key_variable != NULL &&
		    strcmp(p->key_variable, preset->key_variable) == 0)
			return true;
	return false;
}

void
preset_put_from_environment(struct buf *out)
{
	size_t before = buf_len(out);

	if (is_set("LB_PRESETS")) {
		buf_puts(out, getenv("LB_PRESETS"));
		return;
	}
	for (const struct preset *p = presets; p->name != NULL; p++) {
		bool has_key = is_set(p->key_variable) && !is_second(p);

		if (!has_key && !is_set(p->base_url_variable))
			continue;
		if (buf_len(out) > before)
			buf_putc(out, ',');
		buf_puts(out, p->name);
		if (has_key && p->base_url_variable != NULL)
			buf_puts(out, PRESET_WITH_KEY);
	}
}
