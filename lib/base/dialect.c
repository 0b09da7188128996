/* SPDX-License-Identifier: MIT */
#include "base/dialect.h"

#include <string.h>

static const char *const names[DIALECT_COUNT] = { "anthropic", "openai" };

const char *
dialect_name(enum dialect dialect)
{
	return names[dialect];
}

bool
dialect_parse(struct json name, enum dialect *dialect)
{
	for (int i = 0; i < DIALECT_COUNT; i++)
		if (json_equals(name, names[i])) {
			*dialect = (enum dialect)i;
			return true;
		}
	return false;
}

static bool
path_is(const char *path, size_t n, const char *prefix)
{
	size_t len = strlen(prefix);

	return n >= len && memcmp(path, prefix, len) == 0 && (n == len || path[len] == '/');
}

enum dialect
dialect_of_request(const char *target, size_t n, bool has_anthropic_version)
{
	static const char *const anthropic_only[] = { "/v1/messages", "/v1/complete" };
	static const char *const openai_only[] = { "/v1/chat", "/v1/completions", "/v1/responses", "/v1/embeddings",
		"/v1/audio", "/v1/images", "/v1/moderations", "/v1/fine_tuning" };
	const char *query = memchr(target, '?', n);
	size_t path = query ? (size_t)(query - target) : n;

	for (size_t i = 0; i < sizeof anthropic_only / sizeof *anthropic_only; i++)
		if (path_is(target, path, anthropic_only[i]))
			return DIALECT_ANTHROPIC;
	for (size_t i = 0; i < sizeof openai_only / sizeof *openai_only; i++)
		if (path_is(target, path, openai_only[i]))
			return DIALECT_OPENAI;
	/* Elsewhere Anthropic's clients are known by their header; outside /v1/ nobody is asked for one. */
	if (!path_is(target, path, "/v1"))
		return DIALECT_ANTHROPIC;
	return has_anthropic_version ? DIALECT_ANTHROPIC : DIALECT_OPENAI;
}

const char *
dialect_error_type(enum dialect dialect, int status)
{
	static const struct {
		int status;
		const char *type[DIALECT_COUNT];
	} types[] = {
		{ 400, { "invalid_request_error", "invalid_request_error" } },
		{ 401, { "authentication_error", "invalid_request_error" } },
		{ 402, { "billing_error", "insufficient_quota" } },
		{ 403, { "permission_error", "invalid_request_error" } },
		{ 404, { "not_found_error", "invalid_request_error" } },
		{ 409, { "conflict_error", "invalid_request_error" } },
		{ 413, { "request_too_large", "invalid_request_error" } },
		{ 429, { "rate_limit_error", "rate_limit_error" } },
		{ 504, { "timeout_error", "server_error" } },
		{ 503, { "overloaded_error", "service_unavailable_error" } },
		{ 529, { "overloaded_error", "service_unavailable_error" } },
	};

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].status == status)
			return types[i].type[dialect];
	if (status >= 400 && status < 500)
		return "invalid_request_error";
	return dialect == DIALECT_ANTHROPIC ? "api_error" : "server_error";
}

int
dialect_error_status(struct json type)
{
	static const int statuses[] = { 400, 401, 402, 403, 404, 409, 413, 429, 504, 529 };

	for (size_t i = 0; i < sizeof statuses / sizeof *statuses && json_is_string(type); i++)
		if (json_equals(type, dialect_error_type(DIALECT_ANTHROPIC, statuses[i])))
			return statuses[i];
	return 0;
}

/* `code` is a JSON value. */
static void
put_error(struct buf *out, enum dialect dialect, const char *type, const char *code, const char *message,
    const char *request_id)
{
	if (dialect == DIALECT_OPENAI) {
		buf_puts(out, "{\"error\":{\"message\":");
		json_put_string(out, message, strlen(message));
		buf_printf(out, ",\"type\":\"%s\",\"param\":null,\"code\":%s}}", type, code);
		return;
	}
	buf_printf(out, "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":", type);
	json_put_string(out, message, strlen(message));
	buf_putc(out, '}');
	if (request_id != NULL) {
		buf_puts(out, ",\"request_id\":");
		json_put_string(out, request_id, strlen(request_id));
	}
	buf_putc(out, '}');
}

void
dialect_put_error(struct buf *out, enum dialect dialect, int status, const char *message, const char *request_id)
{
	put_error(out, dialect, dialect_error_type(dialect, status), "null", message, request_id);
}

void
dialect_put_too_long(struct buf *out, enum dialect dialect, const char *message, const char *request_id)
{
	put_error(out, dialect, dialect_error_type(dialect, 400), "\"context_length_exceeded\"", message, request_id);
}

void
dialect_put_error_event(struct buf *out, enum dialect dialect, int status, const char *message, const char *request_id)
{
	if (dialect == DIALECT_ANTHROPIC)
		buf_puts(out, "event: error\n");
	buf_puts(out, "data: ");
	dialect_put_error(out, dialect, status, message, request_id);
	buf_puts(out, "\n\n");
}
