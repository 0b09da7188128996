/* SPDX-License-Identifier: MIT */
#include "upstream/failover.h"

#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/limits.h"

static const char *const fault_names[FAULT_COUNT] = {
	[FAULT_LIMITED] = "limited",
	[FAULT_BUSY] = "busy",
	[FAULT_TIMEOUT] = "timeout",
	[FAULT_BROKEN] = "broken",
	[FAULT_KEY] = "key",
	[FAULT_MODEL] = "model",
	[FAULT_TOO_LONG] = "too-long",
	[FAULT_REQUEST] = "request",
	[FAULT_SKIPPED] = "skipped",
};

const char *
failover_fault_name(enum fault fault)
{
	return fault_names[fault];
}

/* By the status alone. */
static enum fault
fault_of_status(int status)
{
	switch (status) {
	case 401: case 402: case 403:
	case 412:	/* Fireworks: the account is suspended */
		return FAULT_KEY;
	case 404: case 405: case 410:
		return FAULT_MODEL;
	case 429:
		return FAULT_LIMITED;
	case 498:	/* Groq: no room for requests of the flexible tier */
	case 503: case 529:
		return FAULT_BUSY;
	case 504: case 524:
		return FAULT_TIMEOUT;
	case 408: case 425: case 499:
		return FAULT_BROKEN;
	default:
		return status >= 400 && status < 500 ? FAULT_REQUEST : FAULT_BROKEN;
	}
}

/* A page says nothing about the request: whoever made it does not know the API. */
static enum fault
fault_of_page(int status)
{
	enum fault fault = fault_of_status(status);

	return status == 403 || (fault == FAULT_REQUEST && status != 413) ? FAULT_BROKEN : fault;
}

enum fault
failover_fault(int status, enum refusal_cause cause)
{
	switch (cause) {
	case REFUSAL_MONEY:
	case REFUSAL_KEY:
		return FAULT_KEY;
	case REFUSAL_TOO_LONG:
		/* Too many tokens a minute is worded much like too many tokens, and so is too little money for them. */
		return status == 429 || status == 402 ? fault_of_status(status) : FAULT_TOO_LONG;
	case REFUSAL_MODEL:
		return FAULT_MODEL;
	case REFUSAL_CONTENT:
		return status == 429 ? FAULT_LIMITED : FAULT_REQUEST;
	case REFUSAL_LIMITED:
		return FAULT_LIMITED;
	case REFUSAL_BUSY:
		return FAULT_BUSY;
	case REFUSAL_TIMEOUT:
		return status >= 500 ? FAULT_TIMEOUT : fault_of_status(status);
	case REFUSAL_THINKING:
	case REFUSAL_REQUEST:
		/* What is not there is not the model. OpenAI's type for a wrong key is that of a wrong request too. */
		return status == 404 ? FAULT_REQUEST : fault_of_status(status);
	case REFUSAL_PAGE:
		return fault_of_page(status);
	case REFUSAL_UNKNOWN:
	case REFUSAL_FAILURE:
		break;
	}
	return fault_of_status(status);
}

int
failover_status(enum fault fault, int status, enum refusal_cause cause)
{
	switch (fault) {
	case FAULT_LIMITED:
		return 429;
	case FAULT_BUSY:
		return 529;
	case FAULT_TIMEOUT:
		return 504;
	case FAULT_KEY:
		if (cause == REFUSAL_MONEY)
			return 402;
		return status == 402 || status == 403 ? status : status == 412 ? 403 : 401;
	case FAULT_MODEL:
		return 404;
	case FAULT_TOO_LONG:
		return 400;
	case FAULT_REQUEST:
		return status == 403 || status == 404 || status == 409 || status == 413 ? status : 400;
	default:
		return 502;
	}
}

bool
failover_goes_on(enum fault fault, bool own_key, uint64_t this_context, uint64_t next_context)
{
	switch (fault) {
	case FAULT_REQUEST:
		return false;
	case FAULT_KEY:
		return !own_key;
	case FAULT_TOO_LONG:
		return next_context > this_context;
	default:
		return true;
	}
}

void
failover_add(struct failover_tally *tally, unsigned number, enum fault fault, int status, uint64_t wait_ms)
{
	if (tally->counts[fault]++ == 0)
		tally->first_status[fault] = status;
	if ((fault == FAULT_KEY || fault == FAULT_MODEL) && tally->first_own == 0)
		tally->first_own = status;
	if (fault != FAULT_SKIPPED) {
		tally->last = number;
		tally->last_fault = fault;
	}
	if ((fault == FAULT_LIMITED || fault == FAULT_BUSY) && wait_ms > 0 &&
	    (!tally->has_wait || wait_ms < tally->wait_ms)) {
		tally->has_wait = true;
		tally->wait_ms = wait_ms;
	}
}

/* Of the faults that pass with time. */
static int
status_for_now(const unsigned *counts)
{
	if (counts[FAULT_TIMEOUT] + counts[FAULT_BROKEN] == 0)
		return counts[FAULT_BUSY] > 0 ? 529 : 429;
	return counts[FAULT_LIMITED] + counts[FAULT_BUSY] + counts[FAULT_BROKEN] == 0 ? 504 : 502;
}

struct failover_final
failover_conclude(const struct failover_tally *tally)
{
	const unsigned *counts = tally->counts;
	struct failover_final final = { .status = 502 };

	if (counts[FAULT_REQUEST] > 0) {
		final.status = tally->first_status[FAULT_REQUEST];
		final.passes = tally->last;
	} else if (counts[FAULT_LIMITED] + counts[FAULT_BUSY] + counts[FAULT_TIMEOUT] + counts[FAULT_BROKEN] > 0) {
		final.status = status_for_now(counts);
		final.timed_out = final.status == 504;
	} else if (counts[FAULT_TOO_LONG] > 0) {
		final.status = tally->first_status[FAULT_TOO_LONG];
		final.passes = tally->last_fault == FAULT_TOO_LONG ? tally->last : 0;
	} else if (tally->first_own != 0) {
		final.status = tally->first_own;
		final.passes = counts[FAULT_KEY] == 0 ? tally->last : 0;
	}
	if (tally->has_wait && (final.status == 429 || final.status == 529))
		final.wait_ms = tally->wait_ms < RETRY_AFTER_MAX * 1000 ? tally->wait_ms : RETRY_AFTER_MAX * 1000;
	return final;
}

/* Digits, with a fraction or without, in units of `unit` ms. What is more than WAIT_MS_MAX is that. */
static bool
read_number(const char *value, size_t n, uint64_t unit, uint64_t *wait_ms)
{
	uint64_t ms = 0, scale = unit;
	size_t i = 0;

	for (; i < n && value[i] >= '0' && value[i] <= '9'; i++)
		if (ms <= WAIT_MS_MAX)
			ms = ms * 10 + (uint64_t)(value[i] - '0') * unit;
	if (i == 0)
		return false;
	if (i < n && value[i] == '.')
		for (i++; i < n && value[i] >= '0' && value[i] <= '9'; i++) {
			scale /= 10;
			ms += (uint64_t)(value[i] - '0') * scale;
		}
	*wait_ms = ms < WAIT_MS_MAX ? ms : WAIT_MS_MAX;
	return i == n;
}

/* A date begins with its day's name; libcurl's reader takes more than that, such as bare numbers. */
static bool
read_date(const char *value, size_t n, uint64_t now, uint64_t *wait_ms)
{
	char text[64];
	time_t then;

	if (n < 20 || n >= sizeof text || memchr(value, '\0', n) != NULL || memchr("MTWFS", value[0], 5) == NULL)
		return false;
	memcpy(text, value, n);
	text[n] = '\0';
	if ((then = curl_getdate(text, NULL)) < 0)
		return false;
	*wait_ms = (uint64_t)then * 1000 > now ? (uint64_t)then * 1000 - now : 0;
	if (*wait_ms > WAIT_MS_MAX)
		*wait_ms = WAIT_MS_MAX;
	return true;
}

bool
failover_wait_field(const char *name, const char *value, size_t n, uint64_t now, uint64_t *wait_ms)
{
	if (strcasecmp(name, "retry-after-ms") == 0)
		return read_number(value, n, 1, wait_ms);
	return strcasecmp(name, "retry-after") == 0 &&
	    (read_number(value, n, 1000, wait_ms) || read_date(value, n, now, wait_ms));
}

bool
failover_wait(const char *lines, size_t n, uint64_t now, uint64_t *wait_ms)
{
	static const char *const names[] = { "retry-after-ms", "retry-after" };

	for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
		size_t len = strlen(names[k]);

		for (size_t i = 0; i < n; i += strlen(lines + i) + 1) {
			const char *value = lines + i + len;

			if (strncmp(lines + i, names[k], len) == 0 && strncmp(value, ": ", 2) == 0 &&
			    failover_wait_field(names[k], value + 2, strlen(value + 2), now, wait_ms))
				return true;
		}
	}
	return false;
}
