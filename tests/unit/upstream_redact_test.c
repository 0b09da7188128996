/* SPDX-License-Identifier: MIT */
#include "upstream/redact.h"

#include "test.h"

static const struct {
	const char *text, *want;
} texts[] = {
	{ "", "" },
	{ "nothing of the kind", "nothing of the kind" },
	{ "sk-secret", "[key]" },
	{ "bad key: sk-secret.", "bad key: [key]." },
	{ "sk-secretsk-secret sk-secre", "[key][key] sk-secre" },
	{ "sk-secret-longer", "[key]" },
	{ "sk-secret-longe", "[key]-longe" },
	{ "sksk-secret", "sk[key]" },
	{ "a/b\"c\\d+e a\\/b\\\"c\\\\d+e", "[key] [key]" },
	{ "a\\/b\\\"c\\\\d", "a\\/b\\\"c\\\\d" },
	{ "none of these, short", "none of these, short" },
	{ "Bearer client-key-1, client-key-2", "Bearer [key], [key]" },
};

static void
test_texts(void)
{
	static const char headers[] = "{\"authorization\":\"Bearer client-key-1\",\"x-api-key\":\"client-key-2\",\"api-key\":7,"
	    "\"x-goog-api-key\":\"\"}";
	static const char *const keys[] = { "sk-secret", "sk-secret-longer", "a/b\"c\\d+e", "none", "short" };
	struct buf values = BUF_INIT(4096);

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		redact_add(&values, keys[i], strlen(keys[i]));
	redact_add_client(&values, (struct json){ headers, sizeof headers - 1 });
	redact_add_client(&values, (struct json){ NULL, 0 });
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		size_t n = strlen(texts[i].text);
		struct test_page page = test_page(texts[i].text, n);
		struct buf out = BUF_INIT(4096);

		redact_put(&out, &values, page.text, n);
		TEST(strcmp(buf_str(&out), texts[i].want) == 0 &&
			redact_finds(&values, page.text, n) == (strcmp(texts[i].text, texts[i].want) != 0),
		    texts[i].text);
		buf_free(&out);
		test_page_free(page);
	}
	buf_free(&values);
}

static void
test_none(void)
{
	struct buf values = BUF_INIT(16), out = BUF_INIT(16);

	redact_put(&out, &values, "abc", 3);
	TEST(!redact_finds(&values, "abc", 3) && strcmp(buf_str(&out), "abc") == 0, "without keys nothing changes");
	buf_free(&out);
}

int
main(void)
{
	test_texts();
	test_none();
	return test_exit();
}
