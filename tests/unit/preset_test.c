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

/* What the documentation of the providers says, for the two that are used most. */
static void
test_facts(void)
{
	const struct preset *a = preset_find("anthropic", 9), *m = preset_find("minimax", 7);

	TEST(strcmp(a->base_url[DIALECT_ANTHROPIC], "https://api.anthropic.com") == 0 &&
	    a->auth[DIALECT_ANTHROPIC] == AUTH_X_API_KEY && strcmp(a->key_variable, "ANTHROPIC_API_KEY") == 0, "anthropic");
	TEST(strcmp(m->base_url[DIALECT_ANTHROPIC], "https://api.minimax.io/anthropic") == 0 &&
	    strcmp(m->base_url[DIALECT_OPENAI], "https://api.minimax.io/v1") == 0 &&
	    m->auth[DIALECT_OPENAI] == AUTH_BEARER && strcmp(m->model, "MiniMax-M3") == 0, "minimax");
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
