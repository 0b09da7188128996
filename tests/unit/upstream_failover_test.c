/* SPDX-License-Identifier: MIT */
#include "upstream/failover.h"

#include "base/limits.h"
#include "test.h"

static void
test_faults(void)
{
	static const struct {
		int status;
		enum refusal_cause cause;
		enum fault fault;
		int told;
	} rows[] = {
		/* The status alone */
		{ 400, REFUSAL_UNKNOWN, FAULT_REQUEST, 400 }, { 401, REFUSAL_UNKNOWN, FAULT_KEY, 401 },
		{ 402, REFUSAL_UNKNOWN, FAULT_KEY, 402 }, { 403, REFUSAL_UNKNOWN, FAULT_KEY, 403 },
		{ 404, REFUSAL_UNKNOWN, FAULT_MODEL, 404 }, { 405, REFUSAL_UNKNOWN, FAULT_MODEL, 404 },
		{ 408, REFUSAL_UNKNOWN, FAULT_BROKEN, 502 }, { 409, REFUSAL_UNKNOWN, FAULT_REQUEST, 409 },
		{ 412, REFUSAL_UNKNOWN, FAULT_KEY, 403 }, { 413, REFUSAL_UNKNOWN, FAULT_REQUEST, 413 },
		{ 415, REFUSAL_UNKNOWN, FAULT_REQUEST, 400 }, { 422, REFUSAL_UNKNOWN, FAULT_REQUEST, 400 },
		{ 429, REFUSAL_UNKNOWN, FAULT_LIMITED, 429 }, { 498, REFUSAL_UNKNOWN, FAULT_BUSY, 529 },
		{ 500, REFUSAL_UNKNOWN, FAULT_BROKEN, 502 }, { 502, REFUSAL_UNKNOWN, FAULT_BROKEN, 502 },
		{ 503, REFUSAL_UNKNOWN, FAULT_BUSY, 529 }, { 504, REFUSAL_UNKNOWN, FAULT_TIMEOUT, 504 },
		{ 524, REFUSAL_UNKNOWN, FAULT_TIMEOUT, 504 }, { 529, REFUSAL_UNKNOWN, FAULT_BUSY, 529 },
		{ 301, REFUSAL_UNKNOWN, FAULT_BROKEN, 502 }, { 304, REFUSAL_UNKNOWN, FAULT_BROKEN, 502 },
		{ 600, REFUSAL_UNKNOWN, FAULT_BROKEN, 502 }, { 0, REFUSAL_UNKNOWN, FAULT_BROKEN, 502 },
		/* The error says more */
		{ 429, REFUSAL_MONEY, FAULT_KEY, 402 }, { 400, REFUSAL_MONEY, FAULT_KEY, 402 },
		{ 400, REFUSAL_KEY, FAULT_KEY, 401 }, { 403, REFUSAL_KEY, FAULT_KEY, 403 },
		{ 429, REFUSAL_BUSY, FAULT_BUSY, 529 }, { 500, REFUSAL_BUSY, FAULT_BUSY, 529 },
		{ 500, REFUSAL_LIMITED, FAULT_LIMITED, 429 }, { 413, REFUSAL_LIMITED, FAULT_LIMITED, 429 },
		{ 400, REFUSAL_TOO_LONG, FAULT_TOO_LONG, 400 }, { 403, REFUSAL_TOO_LONG, FAULT_TOO_LONG, 400 },
		{ 413, REFUSAL_TOO_LONG, FAULT_TOO_LONG, 400 }, { 500, REFUSAL_TOO_LONG, FAULT_TOO_LONG, 400 },
		{ 429, REFUSAL_TOO_LONG, FAULT_LIMITED, 429 }, { 402, REFUSAL_TOO_LONG, FAULT_KEY, 402 },
		{ 400, REFUSAL_MODEL, FAULT_MODEL, 404 }, { 403, REFUSAL_MODEL, FAULT_MODEL, 404 },
		{ 503, REFUSAL_MODEL, FAULT_MODEL, 404 }, { 403, REFUSAL_CONTENT, FAULT_REQUEST, 403 },
		{ 400, REFUSAL_CONTENT, FAULT_REQUEST, 400 }, { 429, REFUSAL_CONTENT, FAULT_LIMITED, 429 },
		{ 404, REFUSAL_REQUEST, FAULT_REQUEST, 404 }, { 401, REFUSAL_REQUEST, FAULT_KEY, 401 },
		{ 400, REFUSAL_REQUEST, FAULT_REQUEST, 400 }, { 500, REFUSAL_REQUEST, FAULT_BROKEN, 502 },
		{ 500, REFUSAL_TIMEOUT, FAULT_TIMEOUT, 504 }, { 408, REFUSAL_TIMEOUT, FAULT_BROKEN, 502 },
		{ 500, REFUSAL_FAILURE, FAULT_BROKEN, 502 }, { 400, REFUSAL_FAILURE, FAULT_REQUEST, 400 },
		{ 400, REFUSAL_THINKING, FAULT_REQUEST, 400 }, { 500, REFUSAL_THINKING, FAULT_BROKEN, 502 },
		/* A page is nobody's word on the request */
		{ 400, REFUSAL_PAGE, FAULT_BROKEN, 502 }, { 403, REFUSAL_PAGE, FAULT_BROKEN, 502 },
		{ 401, REFUSAL_PAGE, FAULT_KEY, 401 }, { 404, REFUSAL_PAGE, FAULT_MODEL, 404 },
		{ 413, REFUSAL_PAGE, FAULT_REQUEST, 413 }, { 429, REFUSAL_PAGE, FAULT_LIMITED, 429 },
		{ 503, REFUSAL_PAGE, FAULT_BUSY, 529 }, { 502, REFUSAL_PAGE, FAULT_BROKEN, 502 },
	};
	char name[64];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum fault fault = failover_fault(rows[i].status, rows[i].cause);

		snprintf(name, sizeof name, "%d with cause %d: %s, told as %d", rows[i].status, rows[i].cause,
		    failover_fault_name(rows[i].fault), rows[i].told);
		TEST(fault == rows[i].fault && failover_status(fault, rows[i].status, rows[i].cause) == rows[i].told, name);
	}
}

static void
test_going_on(void)
{
	bool passed = true;

	for (int fault = 0; fault < FAULT_COUNT; fault++)
		for (int own = 0; own <= 1; own++) {
			bool want = fault != FAULT_REQUEST && fault != FAULT_TOO_LONG && !(fault == FAULT_KEY && own);

			EXPECT(failover_goes_on((enum fault)fault, own, 0, 0) == want, failover_fault_name((enum fault)fault));
		}
	TEST(passed, "a request's own fault ends it, and so does the client's own key");
	TEST(failover_goes_on(FAULT_TOO_LONG, false, 0, 1) && failover_goes_on(FAULT_TOO_LONG, true, 8192, 32768) &&
	    !failover_goes_on(FAULT_TOO_LONG, false, 8192, 8192) && !failover_goes_on(FAULT_TOO_LONG, false, 8192, 0),
	    "a prompt too long goes on to a larger context only");
}

/* Attempts as letters: L429 B529 T504 F502 K401 $402 M404 C400 R400 r413 S0; `waits` are seconds, one for each. */
struct tally_case {
	const char *attempts;
	unsigned waits[8];
	int status;
	unsigned wait;
	unsigned passes;
};

static const struct {
	char letter;
	enum fault fault;
	int status;
} kinds[] = {
	{ 'L', FAULT_LIMITED, 429 }, { 'B', FAULT_BUSY, 529 }, { 'T', FAULT_TIMEOUT, 504 }, { 'F', FAULT_BROKEN, 502 },
	{ 'K', FAULT_KEY, 401 }, { '$', FAULT_KEY, 402 }, { 'M', FAULT_MODEL, 404 }, { 'C', FAULT_TOO_LONG, 400 },
	{ 'R', FAULT_REQUEST, 400 }, { 'r', FAULT_REQUEST, 413 }, { 'S', FAULT_SKIPPED, 0 },
};

static const struct tally_case tallies[] = {
	{ "L", { 7 }, 429, 7, 0 },
	{ "L", { 0 }, 429, 0, 0 },
	{ "L", { 3600 }, 429, 60, 0 },
	{ "LL", { 7, 5 }, 429, 5, 0 },
	{ "LL", { 0, 9 }, 429, 9, 0 },
	{ "LLL", { 5, 70, 6 }, 429, 5, 0 },
	{ "B", { 0 }, 529, 0, 0 },
	{ "LB", { 7, 3 }, 529, 3, 0 },
	{ "BL", { 0, 3 }, 529, 3, 0 },
	{ "T", { 0 }, 504, 0, 0 },
	{ "TT", { 0 }, 504, 0, 0 },
	{ "TF", { 0 }, 502, 0, 0 },
	{ "TL", { 0, 3 }, 502, 0, 0 },
	{ "FB", { 0, 3 }, 502, 0, 0 },
	{ "F", { 0 }, 502, 0, 0 },
	/* Keys, models and what was skipped are left out where others are. */
	{ "KL", { 0, 4 }, 429, 4, 0 },
	{ "LK", { 4 }, 429, 4, 0 },
	{ "MB", { 0 }, 529, 0, 0 },
	{ "SL", { 0, 4 }, 429, 4, 0 },
	{ "KSMT", { 0 }, 504, 0, 0 },
	/* Alone they are the answer, the first of them. */
	{ "K", { 0 }, 401, 0, 0 },
	{ "$", { 0 }, 402, 0, 0 },
	{ "$K", { 0 }, 402, 0, 0 },
	{ "KM", { 0 }, 401, 0, 0 },
	{ "MK", { 0 }, 404, 0, 0 },
	{ "M", { 0 }, 404, 0, 1 },
	{ "MM", { 0 }, 404, 0, 2 },
	{ "SMS", { 0 }, 404, 0, 2 },
	{ "SK", { 0 }, 401, 0, 0 },
	/* A request's fault ends the walk. */
	{ "R", { 0 }, 400, 0, 1 },
	{ "LR", { 4 }, 400, 0, 2 },
	{ "KFr", { 0 }, 413, 0, 3 },
	{ "CR", { 0 }, 400, 0, 2 },
	/* A prompt too long is told only if time does not help. */
	{ "C", { 0 }, 400, 0, 1 },
	{ "CC", { 0 }, 400, 0, 2 },
	{ "KC", { 0 }, 400, 0, 2 },
	{ "CK", { 0 }, 400, 0, 0 },
	{ "CS", { 0 }, 400, 0, 1 },
	{ "CL", { 0, 4 }, 429, 4, 0 },
	{ "LC", { 4 }, 429, 4, 0 },
	{ "CF", { 0 }, 502, 0, 0 },
	{ "BC", { 0 }, 529, 0, 0 },
	/* Nothing was tried. */
	{ "", { 0 }, 502, 0, 0 },
	{ "S", { 0 }, 502, 0, 0 },
	{ "SS", { 0 }, 502, 0, 0 },
};

static void
test_tallies(void)
{
	char name[64];

	for (size_t i = 0; i < sizeof tallies / sizeof *tallies; i++) {
		const struct tally_case *c = &tallies[i];
		struct failover_tally tally = { .last = 0 };
		struct failover_final final;

		for (unsigned k = 0; c->attempts[k] != '\0'; k++)
			for (size_t j = 0; j < sizeof kinds / sizeof *kinds; j++)
				if (kinds[j].letter == c->attempts[k])
					failover_add(&tally, k + 1, kinds[j].fault, kinds[j].status, c->waits[k] * 1000);
		final = failover_conclude(&tally);
		snprintf(name, sizeof name, "attempts %s: %d, wait %u, passes %u", c->attempts, c->status, c->wait, c->passes);
		TEST(final.status == c->status && final.wait_ms == c->wait * 1000 && final.passes == c->passes &&
		    final.timed_out == (c->status == 504), name);
	}
}

static void
test_waits(void)
{
	/* 784111777 is RFC 9110's Sun, 06 Nov 1994 08:49:37 GMT. */
	const uint64_t now = (uint64_t)784111777 * 1000;
	static const struct {
		const char *name;
		const char *value;
		bool is;
		uint64_t ms;
	} rows[] = {
		{ "retry-after", "0", true, 0 },
		{ "retry-after", "12", true, 12000 },
		{ "Retry-After", "12", true, 12000 },
		{ "retry-after", "1.5", true, 1500 },
		{ "retry-after", "0.0004", true, 0 },
		{ "retry-after", "86400", true, WAIT_MS_MAX },
		{ "retry-after", "86401", true, WAIT_MS_MAX },
		{ "retry-after", "18446744073709551616", true, WAIT_MS_MAX },
		{ "retry-after", "99999999999999999999999999999999999999", true, WAIT_MS_MAX },
		{ "retry-after", "Sun, 06 Nov 1994 08:49:47 GMT", true, 10000 },
		{ "retry-after", "Sun, 06 Nov 1994 08:49:37 GMT", true, 0 },
		{ "retry-after", "Sun, 06 Nov 1994 08:49:36 GMT", true, 0 },
		{ "retry-after", "Sunday, 06-Nov-94 08:49:47 GMT", true, 10000 },
		{ "retry-after", "Sun Nov  6 08:49:47 1994", true, 10000 },
		{ "retry-after", "Mon, 06 Nov 2094 08:49:37 GMT", true, WAIT_MS_MAX },
		{ "retry-after", "", false, 0 },
		{ "retry-after", "-1", false, 0 },
		{ "retry-after", "1s", false, 0 },
		{ "retry-after", ".5", false, 0 },
		{ "retry-after", "1.5.5", false, 0 },
		{ "retry-after", "soon", false, 0 },
		{ "retry-after", "Sun, 99 Nov 1994 08:49:47 GMT", false, 0 },
		{ "retry-after", "Sunday is a day on which we do not work, and so is the one after that one", false, 0 },
		{ "retry-after", "2026-11-06T08:49:47Z and so on", false, 0 },
		{ "retry-after-ms", "250", true, 250 },
		{ "retry-after-ms", "250.9", true, 250 },
		{ "retry-after-ms", "Sun, 06 Nov 1994 08:49:47 GMT", false, 0 },
		{ "date", "12", false, 0 },
	};
	char name[128];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct test_page page = test_page(rows[i].value, strlen(rows[i].value));
		uint64_t ms = 0;
		bool is = failover_wait_field(rows[i].name, page.text, strlen(rows[i].value), now, &ms);

		snprintf(name, sizeof name, "%s: %s", rows[i].name, rows[i].value);
		TEST(is == rows[i].is && (!is || ms == rows[i].ms), name);
		test_page_free(page);
	}
}

static void
test_lines(void)
{
	static const char both[] = "retry-after: 12\0content-type: x\0retry-after-ms: 11500";
	static const char bad[] = "retry-after-ms: soon\0retry-after: 3";
	static const char none[] = "retry-after-\0retry-after;\0retry-afterwards: 4\0x-retry-after: 5";
	uint64_t ms = 0;

	TEST(failover_wait(both, sizeof both, 0, &ms) && ms == 11500, "milliseconds go before seconds");
	TEST(failover_wait(bad, sizeof bad, 0, &ms) && ms == 3000, "what cannot be read is passed over");
	TEST(!failover_wait(none, sizeof none, 0, &ms) && !failover_wait("", 0, 0, &ms), "other fields say nothing");
}

int
main(void)
{
	test_faults();
	test_going_on();
	test_tallies();
	test_waits();
	test_lines();
	return test_exit();
}
