/* SPDX-License-Identifier: MIT */
#include "route/conversation.h"

#include "test.h"

/* The number of a request with this body and session header; what it points to ends at an unreadable page. */
static uint64_t
number(const char *body, const char *session)
{
	struct test_page page = test_page(body, strlen(body));
	struct conversation c = { 0 };
	struct json whole, value;
	uint64_t result;

	if (json_whole(page.text, strlen(body), &whole) != JSON_OK)
		abort();
	if (json_find(whole, "metadata", &value))
		c.metadata = value;
	if (json_find(whole, "system", &value))
		c.system = value;
	if (json_find(whole, "messages", &value))
		c.messages = value;
	result = conversation_number(&c, (struct text){ session, session ? strlen(session) : 0 });
	test_page_free(page);
	return result;
}

#define SYSTEM "\"system\":\"You help.\""
#define FIRST "{\"role\":\"user\",\"content\":\"Hi\"}"
#define LATER ",{\"role\":\"assistant\",\"content\":\"Hello\"},{\"role\":\"user\",\"content\":\"Go on\"}"

static const struct {
	const char *name;
	const char *a, *a_session;
	const char *b, *b_session;
	bool same;
} pairs[] = {
	{ "the session's header tells it, whatever the body", "{" SYSTEM "}", "s1", "{}", "s1", true },
	{ "another session is another one", "{" SYSTEM "}", "s1", "{" SYSTEM "}", "s2", false },
	{ "an empty header is none", "{" SYSTEM "}", "", "{" SYSTEM "}", NULL, true },
	{ "the header goes before the metadata", "{\"metadata\":{\"user_id\":\"u_session_9\"}}", "s1", "{}", "s1", true },
	{ "a session in the user id",
	    "{\"metadata\":{\"user_id\":\"{\\\"device_id\\\":\\\"d1\\\",\\\"session_id\\\":\\\"s1\\\"}\"},\"messages\":[1]}", NULL,
	    "{\"metadata\":{\"user_id\":\"{\\\"session_id\\\":\\\"s1\\\",\\\"device_id\\\":\\\"d2\\\"}\"}}", NULL, true },
	{ "it is the same as the header's", "{\"metadata\":{\"user_id\":\"{\\\"session_id\\\":\\\"s1\\\"}\"}}", NULL, "{}", "s1", true },
	{ "the older form of a user id", "{\"metadata\":{\"user_id\":\"user_1_account_2_session_s1\"}," SYSTEM "}", NULL, "{}", "s1", true },
	{ "another one there", "{\"metadata\":{\"user_id\":\"user_1_session_s1\"}}", NULL,
	    "{\"metadata\":{\"user_id\":\"user_1_session_s2\"}}", NULL, false },
	{ "a user id without a session does not count", "{\"metadata\":{\"user_id\":\"me\"}," SYSTEM "}", NULL, "{" SYSTEM "}", NULL, true },
	{ "neither does one that is no string", "{\"metadata\":{\"user_id\":7}," SYSTEM "}", NULL, "{" SYSTEM "}", NULL, true },
	{ "a conversation goes on", "{" SYSTEM ",\"messages\":[" FIRST "]}", NULL,
	    "{" SYSTEM ",\"messages\":[" FIRST LATER "]}", NULL, true },
	{ "it began otherwise", "{" SYSTEM ",\"messages\":[" FIRST "]}", NULL,
	    "{" SYSTEM ",\"messages\":[{\"role\":\"user\",\"content\":\"Ho\"}]}", NULL, false },
	{ "another system prompt", "{" SYSTEM ",\"messages\":[" FIRST "]}", NULL, "{\"messages\":[" FIRST "]}", NULL, false },
	{ "marks for caches do not count",
	    "{\"system\":[{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{\"type\":\"ephemeral\"}}],\"messages\":[" FIRST "]}", NULL,
	    "{\"system\":[{\"text\":\"a\",\"type\":\"text\"}],\"messages\":[" FIRST "]}", NULL, true },
	{ "what stands in which text does", "{\"system\":[{\"text\":\"ab\"},{\"text\":\"c\"}]}", NULL,
	    "{\"system\":[{\"text\":\"a\"},{\"text\":\"bc\"}]}", NULL, false },
	{ "OpenAI's instructions count", "{\"messages\":[{\"role\":\"system\",\"content\":\"a\"}," FIRST "]}", NULL,
	    "{\"messages\":[{\"role\":\"system\",\"content\":\"b\"}," FIRST "]}", NULL, false },
	{ "and are repeated", "{\"messages\":[{\"role\":\"developer\",\"content\":\"a\"}," FIRST "]}", NULL,
	    "{\"messages\":[{\"role\":\"developer\",\"content\":\"a\"}," FIRST LATER "]}", NULL, true },
	{ "what is no message tells nothing", "{\"messages\":7,\"system\":null}", NULL, "{\"messages\":[3,{}],\"system\":\"\"}", NULL, false },
	{ "neither does what is not there", "{}", NULL, "{\"messages\":7}", NULL, true },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		TEST((number(pairs[i].a, pairs[i].a_session) == number(pairs[i].b, pairs[i].b_session)) == pairs[i].same,
		    pairs[i].name);
	TEST(number("{}", "a") == UINT64_C(0xaf63dc4c8601ec8c), "the number is the standard's FNV-1a, on every machine");
	return test_exit();
}
