/* SPDX-License-Identifier: MIT */
#include "upstream/account.h"

#include <string.h>

#include "base/limits.h"

void
account_init(struct account *account)
{
	*account = (struct account){
		.attempts = BUF_INIT(SIZE_MAX),
		.answered = BUF_INIT(SIZE_MAX),
		.said = BUF_INIT(SIZE_MAX),
		.brief = BUF_INIT(SIZE_MAX),
	};
}

void
account_free(struct account *account)
{
	buf_free(&account->attempts);
	buf_free(&account->answered);
	buf_free(&account->said);
	buf_free(&account->brief);
}

void
account_clear(struct account *account)
{
	buf_clear(&account->attempts);
	buf_clear(&account->answered);
	buf_clear(&account->said);
	buf_clear(&account->brief);
	buf_trim(&account->attempts, KIB);
	buf_trim(&account->answered, KIB);
	buf_trim(&account->said, KIB);
	account->untold = 0;
	account->stripped = 0;
}

/* The first ones are told, and one in any case. */
static void
say(struct account *account, const char *provider, size_t provider_len, const char *error)
{
	struct buf *said = &account->said;

	if (buf_len(said) > 0 && buf_len(said) + provider_len + strlen(error) > SAID_MAX) {
		account->untold++;
		return;
	}
	if (buf_len(said) > 0)
		buf_puts(said, "; ");
	buf_put(said, provider, provider_len);
	buf_puts(said, ": ");
	buf_puts(said, error);
}

/* For a header field: a status alone where there was one that is none of an answer. */
static void
brief(struct account *account, const char *provider, size_t provider_len, int status, const char *error)
{
	struct buf *to = &account->brief;
	size_t n = strlen(error);

	if (buf_len(to) > REASON_MAX)
		return;
	buf_put(to, provider, provider_len);
	buf_puts(to, ": ");
	if (status >= 300)
		buf_printf(to, "answered %d", status);
	else if (n <= REASON_PART_MAX)
		buf_put(to, error, n);
	else {
		buf_put(to, error, REASON_PART_MAX - 3);
		buf_puts(to, "...");
	}
	buf_putc(to, '\0');
}

void
account_put_answerer(struct buf *out, const struct account_answerer *who)
{
	buf_puts(out, ",\"provider\":");
	json_put_string(out, who->provider, strlen(who->provider));
	buf_puts(out, ",\"attempt\":");
	buf_put_u64(out, who->attempt);
	if (who->model.len == 0)
		return;
	buf_puts(out, ",\"model\":");
	buf_put(out, who->model.p, who->model.len);
}

void
account_add(struct account *account, const char *provider, size_t provider_len, int status, enum record_end result,
    uint64_t ms, const char *error)
{
	struct buf *to = &account->attempts;

	buf_puts(to, buf_len(to) > 0 ? ",{\"provider\":" : "{\"provider\":");
	json_put_string(to, provider, provider_len);
	if (status != 0) {
		buf_puts(to, ",\"status\":");
		buf_put_u64(to, (uint64_t)status);
	}
	buf_puts(to, ",\"result\":\"");
	buf_puts(to, record_end_name(result));
	buf_puts(to, "\",\"ms\":");
	buf_put_u64(to, ms);
	if (error != NULL) {
		buf_puts(to, ",\"error\":");
		json_put_string(to, error, strlen(error));
		say(account, provider, provider_len, error);
		brief(account, provider, provider_len, status, error);
	}
	buf_putc(to, '}');
}

void
account_put_said(struct buf *out, const struct account *account)
{
	buf_put(out, buf_data(&account->said), buf_len(&account->said));
	if (account->untold > 0)
		buf_printf(out, "; and %u more", account->untold);
}
