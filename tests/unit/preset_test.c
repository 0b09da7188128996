/* SPDX-License-Identifier: MIT */
#include "config/preset.h"

#include "base/limits.h"
#include "config/check.h"
#include "test.h"

static void
test_table(void)
{
	static const char *const wanted[] = { "anthropic", "minimax", "minimax-cn", "deepseek", "moonshot", "moonshot-cn",
		"kimi-code", "zai", "zhipu", "openrouter", "openai", "groq", "mistral", "together", "fireworks", "xai", "gemini",
		"alibaba", "alibaba-cn", "ollama", "llamacpp", "llama.cpp", "vllm", "lmstudio", "replay" };

	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		TEST(preset_find(wanted[i], strlen(wanted[i])) != NULL, wanted[i]);
	TEST(preset_find("minima", 6) == NULL && preset_find("minimaxx", 8) == NULL && preset_find("", 0) == NULL,
	    "a part of a name is none");
}

/* Each one's own settings pass the checks that a configuration's do. */
static void
test_settings(void)
{
	bool passed = true;

	for (const struct preset *p = presets; p->name != NULL; p++) {
		bool speaks = false, needs_key = p->base_url_variable == NULL;

		EXPECT(check_name(p->name) == NULL, p->name);
		for (int d = 0; d < DIALECT_COUNT; d++) {
			const char *url = p->base_url[d];

			if (url == NULL)
				continue;
			speaks = true;
			EXPECT(check_base_url(url) == NULL && url[strlen(url) - 1] != '/', url);
			EXPECT((strncmp(url, "https://", 8) == 0) == needs_key, url);
			EXPECT(p->key_variable == NULL || p->auth[d] != AUTH_NONE, p->name);
		}
		EXPECT(speaks, p->name);
		EXPECT(!needs_key || (p->key_variable != NULL && p->model != NULL && p->patterns[0] != NULL), p->name);
		EXPECT(preset_find(p->name, strlen(p->name)) == p, "each name stands once");
	}
	TEST(passed, "settings of all presets");
}

#define K AUTH_X_API_KEY
#define B AUTH_BEARER

/* What the providers' own documentation says; `auth` in Anthropic's dialect (in OpenAI's it is always Bearer). */
static const struct {
	const char *name;
	const char *anthropic;
	const char *openai;
	enum config_auth auth;
	const char *key_variable;
} facts[] = {
	{ "anthropic", "https://api.anthropic.com", "https://api.anthropic.com/v1", K, "ANTHROPIC_API_KEY" },
	{ "minimax", "https://api.minimax.io/anthropic", "https://api.minimax.io/v1", K, "MINIMAX_API_KEY" },
	{ "minimax-cn", "https://api.minimaxi.com/anthropic", "https://api.minimaxi.com/v1", K, "MINIMAX_API_KEY" },
	{ "deepseek", "https://api.deepseek.com/anthropic", "https://api.deepseek.com", K, "DEEPSEEK_API_KEY" },
	{ "moonshot", "https://api.moonshot.ai/anthropic", "https://api.moonshot.ai/v1", B, "MOONSHOT_API_KEY" },
	{ "moonshot-cn", "https://api.moonshot.cn/anthropic", "https://api.moonshot.cn/v1", B, "MOONSHOT_API_KEY" },
	{ "kimi-code", "https://api.kimi.com/coding", "https://api.kimi.com/coding/v1", K, "KIMI_API_KEY" },
	{ "zai", "https://api.z.ai/api/anthropic", "https://api.z.ai/api/paas/v4", K, "ZAI_API_KEY" },
	{ "zhipu", NULL, "https://open.bigmodel.cn/api/paas/v4", B, "ZHIPU_API_KEY" },
	{ "openrouter", "https://openrouter.ai/api", "https://openrouter.ai/api/v1", B, "OPENROUTER_API_KEY" },
	{ "openai", NULL, "https://api.openai.com/v1", B, "OPENAI_API_KEY" },
	{ "groq", NULL, "https://api.groq.com/openai/v1", B, "GROQ_API_KEY" },
	{ "mistral", NULL, "https://api.mistral.ai/v1", B, "MISTRAL_API_KEY" },
	{ "together", NULL, "https://api.together.ai/v1", B, "TOGETHER_API_KEY" },
	{ "fireworks", "https://api.fireworks.ai/inference", "https://api.fireworks.ai/inference/v1", B,
	    "FIREWORKS_API_KEY" },
	{ "xai", NULL, "https://api.x.ai/v1", B, "XAI_API_KEY" },
	{ "gemini", NULL, "https://generativelanguage.googleapis.com/v1beta/openai", B, "GEMINI_API_KEY" },
	{ "alibaba", "https://dashscope-intl.aliyuncs.com/apps/anthropic",
	    "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", B, "DASHSCOPE_API_KEY" },
	{ "alibaba-cn", "https://dashscope.aliyuncs.com/apps/anthropic",
	    "https://dashscope.aliyuncs.com/compatible-mode/v1", B, "DASHSCOPE_API_KEY" },
	{ "ollama", "http://127.0.0.1:11434", "http://127.0.0.1:11434/v1", B, "OLLAMA_API_KEY" },
	{ "llamacpp", "http://127.0.0.1:8080", "http://127.0.0.1:8080/v1", K, NULL },
	{ "vllm", "http://127.0.0.1:8000", "http://127.0.0.1:8000/v1", B, "VLLM_API_KEY" },
	{ "lmstudio", "http://127.0.0.1:1234", "http://127.0.0.1:1234/v1", K, "LM_API_TOKEN" },
};

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
test_facts(void)
{
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
		const struct preset *p = preset_find(facts[i].name, strlen(facts[i].name));

		TEST(p != NULL && same(p->base_url[DIALECT_ANTHROPIC], facts[i].anthropic) &&
		    same(p->base_url[DIALECT_OPENAI], facts[i].openai) &&
		    (facts[i].anthropic == NULL || p->auth[DIALECT_ANTHROPIC] == facts[i].auth) &&
		    p->auth[DIALECT_OPENAI] == AUTH_BEARER && same(p->key_variable, facts[i].key_variable), facts[i].name);
	}
}

static void
expect_presets(const char *want)
{
	struct buf out = BUF_INIT(KIB);

	preset_put_from_environment(&out);
	TEST(buf_str(&out) && strcmp(buf_str(&out), want) == 0, *want ? want : "nothing set");
	buf_free(&out);
}

static void
test_environment(void)
{
	for (const struct preset *p = presets; p->name != NULL; p++) {
		if (p->key_variable != NULL)
			unsetenv(p->key_variable);
		if (p->base_url_variable != NULL)
			unsetenv(p->base_url_variable);
	}
	unsetenv("LB_PRESETS");
	expect_presets("");
	setenv("OPENAI_API_KEY", "", 1);
	setenv("MINIMAX_API_KEY", "secret", 1);
	setenv("OLLAMA_BASE_URL", "http://127.0.0.1:1", 1);
	expect_presets("minimax,ollama");
	setenv("VLLM_API_KEY", "secret", 1);
	setenv("LLAMACPP_BASE_URL", "http://127.0.0.1:2", 1);
	expect_presets("minimax,ollama,llamacpp,vllm+key");
	setenv("ANTHROPIC_BASE_URL", "http://localhost:9000", 1);
	expect_presets("minimax,ollama,llamacpp,vllm+key");
	setenv("LB_PRESETS", "replay", 1);
	expect_presets("replay");
}

int
main(void)
{
	test_table();
	test_settings();
	test_facts();
	test_environment();
	return test_exit();
}
