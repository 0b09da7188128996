/* SPDX-License-Identifier: MIT */
#include "route/conversation.h"

#include <string.h>

#include "base/limits.h"

#define FNV_PRIME UINT64_C(0x00000100000001b3)

uint64_t
conversation_hash(uint64_t hash, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)p[i]) * FNV_PRIME;
	return hash;
}

/* A text with its end, so that "ab" and "c" are not "a" and "bc". What is no string counts as an empty one. */
static uint64_t
hash_string(uint64_t hash, struct json string)
{
	if (json_is_string(string))
		hash = conversation_hash(hash, string.p, string.len);
	return conversation_hash(hash, "", 1);
}

/* The texts of content: a string, or blocks of which each may have a `text`. */
static uint64_t
hash_content(uint64_t hash, struct json content)
{
	struct json_iter it;
	struct json key, block, text;

	if (!json_is_array(content))
		return hash_string(hash, content);
	json_iter_init(&it, content.p, content.len);
	while (json_next(&it, &key, &block) == JSON_OK)
		if (json_find(block, "text", &text))
			hash = hash_string(hash, text);
	return hash;
}

/* The messages up to the first of the user's: that one, and in OpenAI's dialect the instructions before it. */
static uint64_t
hash_beginning(uint64_t hash, struct json messages)
{
	struct json_iter it;
	struct json key, message, role, content;

	if (!json_is_array(messages))
		return hash;
	json_iter_init(&it, messages.p, messages.len);
	while (json_next(&it, &key, &message) == JSON_OK) {
		if (!json_find(message, "role", &role) || !json_find(message, "content", &content))
			continue;
		hash = hash_content(hash, content);
		if (json_equals(role, "user"))
			break;
	}
	return hash;
}

/* The session in a user id. False if there is none. */
static bool
find_session(struct buf *id, const char **session, size_t *n)
{
	static const char mark[] = "_session_";
	const char *text = buf_data(id);
	size_t len = buf_len(id);
	struct json object, value;

	if (json_whole(text, len, &object) == JSON_OK && json_find(object, "session_id", &value) && json_is_string(value) &&
	    value.len > 2) {
		*session = value.p + 1;
		*n = value.len - 2;
		return true;
	}
	for (size_t i = len; i >= sizeof mark; i--) {
		size_t at = i - sizeof mark;

		if (memcmp(text + at, mark, sizeof mark - 1) == 0) {
			*session = text + at + sizeof mark - 1;
			*n = len - (size_t)(*session - text);
			return true;
		}
	}
	return false;
}

static bool
hash_session(struct json metadata, uint64_t *hash)
{
	struct buf id = BUF_INIT(USER_ID_MAX);
	struct json value;
	const char *session;
	size_t n;
	bool found = json_find(metadata, "user_id", &value) && json_decode(value, &id) && buf_len(&id) > 0 && !id.failed &&
	    find_session(&id, &session, &n);

	if (found)
		*hash = conversation_hash(CONVERSATION_BASIS, session, n);
	buf_free(&id);
	return found;
}

uint64_t
conversation_number(const struct conversation *conversation, struct text session)
{
	uint64_t hash;

	if (session.p != NULL && session.len > 0)
		return conversation_hash(CONVERSATION_BASIS, session.p, session.len);
	if (hash_session(conversation->metadata, &hash))
		return hash;
	hash = hash_content(CONVERSATION_BASIS, conversation->system);
	return hash_beginning(hash, conversation->messages);
}
