/* SPDX-License-Identifier: MIT */
#include "health/rules.h"

#include "base/limits.h"

/* The packed word, from its lowest bit. */
enum { UNTIL_BITS = 43, WHY_BITS = 4, STEP_BITS = 4, FAILURES_BITS = 12, WHY_AT = UNTIL_BITS, STEP_AT = WHY_AT + WHY_BITS,
	FAILURES_AT = STEP_AT + STEP_BITS, TRIPPED_AT = FAILURES_AT + FAILURES_BITS };
_Static_assert(TRIPPED_AT == 63, "a cool-down is one word");
_Static_assert(HEALTH_FAULTS <= 1 << WHY_BITS, "a fault has four bits");

#define MASK(BITS) (((uint64_t)1 << (BITS)) - 1)

enum { STEP_MAX = 7, FAILURES_MAX = 4095 };

const char *
health_fault_name(enum health_fault fault)
{
	static const char *const names[HEALTH_FAULTS] = { "none", "limited", "busy", "timeout", "broken", "key", "model",
		"too-long", "request", "skipped", "cut" };

	return (unsigned)fault < HEALTH_FAULTS ? names[fault] : "unknown";
}

const char *
health_state_name(enum health_state state)
{
	static const char *const names[] = { "clear", "cooling", "half-open" };

	return names[state];
}

uint64_t
health_cool_pack(struct health_cool cool)
{
	return (cool.until & MASK(UNTIL_BITS)) | (uint64_t)cool.why << WHY_AT | (uint64_t)(cool.step & MASK(STEP_BITS)) << STEP_AT |
	    (uint64_t)(cool.failures & MASK(FAILURES_BITS)) << FAILURES_AT | (uint64_t)cool.tripped << TRIPPED_AT;
}

/* Whatever the word is: it comes from a file. */
struct health_cool
health_cool_unpack(uint64_t word)
{
	unsigned why = (unsigned)(word >> WHY_AT & MASK(WHY_BITS)), step = (unsigned)(word >> STEP_AT & MASK(STEP_BITS));

	return (struct health_cool){
		.until = word & MASK(UNTIL_BITS),
		.why = why < HEALTH_FAULTS ? (enum health_fault)why : HEALTH_NONE,
		.step = step < STEP_MAX ? step : STEP_MAX,
		.failures = (unsigned)(word >> FAILURES_AT & MASK(FAILURES_BITS)),
		.tripped = word >> TRIPPED_AT != 0,
	};
}

enum health_state
health_cool_state(struct health_cool cool, uint64_t now)
{
	if (cool.why == HEALTH_NONE)
		return HEALTH_CLEAR;
	return now < cool.until && cool.until - now <= HEALTH_COOL_MS_MAX ? HEALTH_COOLING : HEALTH_HALF_OPEN;
}

/* The kind of cool-down that a fault leads to; HEALTH_NONE: it leads to none. */
static enum health_fault
kind(enum health_fault fault)
{
	switch (fault) {
	case HEALTH_LIMITED:
	case HEALTH_BUSY:
	case HEALTH_KEY:
		return fault;
	case HEALTH_TIMEOUT:
	case HEALTH_BROKEN:
	case HEALTH_CUT:
		return HEALTH_BROKEN;
	default:
		return HEALTH_NONE;
	}
}

/* The wait where the provider did not ask for one. */
static uint64_t
own_wait(enum health_fault kind_of_wait, unsigned step)
{
	uint64_t doubled = (uint64_t)1000 << step, most = HEALTH_DOUBLED_MS_MAX;

	if (kind_of_wait == HEALTH_KEY)
		return HEALTH_KEY_MS;
	if (kind_of_wait == HEALTH_BUSY)
		most = HEALTH_BUSY_MS_MAX;
	return doubled < most ? doubled : most;
}

struct health_cool
health_cool_failed(struct health_cool cool, enum health_fault fault, uint64_t retry_after_ms, uint64_t now)
{
	enum health_fault kind_now = kind(fault);
	enum health_state state = health_cool_state(cool, now);
	uint64_t wait, until;
	unsigned step;

	if (kind_now == HEALTH_NONE)
		return cool;
	if (kind_now == HEALTH_BROKEN) {
		if (cool.failures < FAILURES_MAX)
			cool.failures++;
		if (cool.failures < HEALTH_BREAKER_FAILURES && state != HEALTH_HALF_OPEN)
			return cool;
		cool.tripped = true;
	}
	/* Between a breaker's cool-downs, `why` may be lifted: the doubling goes on until an answer is whole. */
	step = kind(cool.why) == kind_now || (cool.why == HEALTH_NONE && kind_now == HEALTH_BROKEN) ? cool.step : 0;
	if (state == HEALTH_COOLING && kind(cool.why) == kind_now && retry_after_ms == 0 && kind_now != HEALTH_KEY)
		return cool;
	wait = retry_after_ms > 0 ? retry_after_ms : own_wait(kind_now, step);
	if (kind_now == HEALTH_KEY && wait < HEALTH_KEY_MS)
		wait = HEALTH_KEY_MS;
	until = now + (wait < HEALTH_COOL_MS_MAX ? wait : HEALTH_COOL_MS_MAX);
	if (state == HEALTH_COOLING && until <= cool.until)
		return cool;
	cool.until = until;
	cool.why = fault;
	cool.step = retry_after_ms > 0 || step == STEP_MAX ? step : step + 1;
	return cool;
}

struct health_cool
health_cool_began(struct health_cool cool, uint64_t now)
{
	if (health_cool_state(cool, now) != HEALTH_HALF_OPEN)
		return cool;
	if (cool.tripped)
		cool.failures = HEALTH_BREAKER_FAILURES - 1;
	else
		cool.step = 0;
	cool.why = HEALTH_NONE;
	cool.until = 0;
	cool.tripped = false;
	return cool;
}

struct health_cool
health_cool_done(struct health_cool cool, uint64_t now)
{
	if (health_cool_state(cool, now) != HEALTH_COOLING)
		return (struct health_cool){ 0 };
	if (!cool.tripped)
		cool.failures = 0;
	return cool;
}

uint64_t
health_average_pack(struct health_average average)
{
	return (uint64_t)average.at << 32 | average.value;
}

struct health_average
health_average_unpack(uint64_t word)
{
	return (struct health_average){ (uint32_t)word, (uint32_t)(word >> 32) };
}

struct health_average
health_average_add(struct health_average average, uint32_t sample, uint64_t now)
{
	uint64_t s = now / 1000, ago = s > average.at ? s - average.at : 0;
	int64_t part = 8192, difference = (int64_t)sample - (int64_t)average.value, by;

	if (average.at == 0)
		return (struct health_average){ sample, (uint32_t)s };
	/* In 65536ths. */
	if ((int64_t)(ago * 65536 / (ago + 60)) > part)
		part = (int64_t)(ago * 65536 / (ago + 60));
	/* Rounded away from the old value, so that an average arrives at a value that stays. */
	by = difference * part;
	by = by >= 0 ? (by + 65535) / 65536 : -((-by + 65535) / 65536);
	return (struct health_average){ (uint32_t)((int64_t)average.value + by), (uint32_t)s };
}
