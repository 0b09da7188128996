/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "health/show.h"

/* A family of metrics, and what puts its lines of a row. */
struct family {
	const char *name;
	const char *type;
	const char *help;
	void (*put)(struct buf *out, const char *name, const struct health_sight *sight, uint64_t now);
};

static void
put_label(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s=\"", name);
	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"')
			buf_putc(out, '\\');
		if (*value == '\n')
			buf_puts(out, "\\n");
		else
			buf_putc(out, *value);
	}
	buf_putc(out, '"');
}

/* A line up to its value. `label` may be NULL. */
static void
begin(struct buf *out, const char *name, const char *suffix, const struct health_sight *sight, const char *label, const char *value)
{
	buf_puts(out, name);
	buf_puts(out, suffix);
	buf_putc(out, '{');
	put_label(out, "provider", sight->provider);
	buf_putc(out, ',');
	put_label(out, "model", sight->model);
	buf_putc(out, ',');
	put_label(out, "key", sight->key);
	if (label != NULL) {
		buf_putc(out, ',');
		put_label(out, label, value);
	}
	buf_puts(out, "} ");
}

static void
put_value(struct buf *out, uint64_t value)
{
	buf_put_u64(out, value);
	buf_putc(out, '\n');
}

/* Milliseconds as seconds, without zeros that say nothing. */
static void
put_seconds(struct buf *out, uint64_t ms)
{
	unsigned fraction = (unsigned)(ms % 1000), digits = 3;

	buf_put_u64(out, ms / 1000);
	if (fraction == 0)
		return;
	for (; fraction % 10 == 0; digits--)
		fraction /= 10;
	buf_printf(out, ".%0*u", (int)digits, fraction);
}

static void
put_requests(struct buf *out, const char *name, const struct health_sight *sight, uint64_t now)
{
	(void)now;
	begin(out, name, "", sight, NULL, NULL);
	put_value(out, sight->requests);
}

static void
put_answers(struct buf *out, const char *name, const struct health_sight *sight, uint64_t now)
{
	(void)now;
	for (int i = 0; i < HEALTH_RESULTS; i++) {
		begin(out, name, "", sight, "result", health_result_name((enum health_result)i));
		put_value(out, sight->results[i]);
	}
}

static void
put_faults(struct buf *out, const char *name, const struct health_sight *sight, uint64_t now)
{
	(void)now;
	for (int i = HEALTH_NONE + 1; i < HEALTH_FAULTS; i++) {
		begin(out, name, "", sight, "fault", health_fault_name((enum health_fault)i));
		put_value(out, sight->faults[i]);
	}
}

static void
put_trials(struct buf *out, const char *name, const struct health_sight *sight, uint64_t now)
{
	(void)now;
	begin(out, name, "", sight, NULL, NULL);
	put_value(out, sight->trials);
}

static void
put_tokens(struct buf *out, const char *name, const struct health_sight *sight, uint64_t now)
{
	static const char *const kinds[4] = { "input", "output", "cache_read", "cache_creation" };

	(void)now;
	for (size_t i = 0; i < 4; i++) {
		begin(out, name, "", sight, "kind", kinds[i]);
		put_value(out, sight->tokens[i]);
	}
}

static void
put_in_flight(struct buf *out, const char *name, const struct health_sight *sight, uint64_t now)
{
	(void)now;
	begin(out, name, "", sight, NULL, NULL);
	put_value(out, sight->view.in_flight);
}

static void
put_state(struct buf *out, const char *name, const struct health_sight *sight, uint64_t now)
{
	(void)now;
	for (int i = HEALTH_CLEAR; i <= HEALTH_HALF_OPEN; i++) {
		begin(out, name, "", sight, "state", health_state_name((enum health_state)i));
		put_value(out, sight->view.state == (enum health_state)i);
	}
}

static void
put_cool_down(struct buf *out, const char *name, const struct health_sight *sight, uint64_t now)
{
	begin(out, name, "", sight, NULL, NULL);
	put_seconds(out, sight->view.state == HEALTH_COOLING ? sight->view.until - now : 0);
	buf_putc(out, '\n');
}

static void
put_failures(struct buf *out, const char *name, const struct health_sight *sight, uint64_t now)
{
	(void)now;
	begin(out, name, "", sight, NULL, NULL);
	put_value(out, sight->view.failures);
}

static void
put_histogram(struct buf *out, const char *name, const struct health_sight *sight, const uint64_t *counts, uint64_t sum)
{
	uint64_t below = 0;

	for (size_t i = 0; i < HEALTH_BUCKETS; i++) {
		struct buf bound = BUF_INIT(32);

		if (i < HEALTH_BUCKETS - 1)
			put_seconds(&bound, health_bounds[i]);
		else
			buf_puts(&bound, "+Inf");
		below += counts[i];
		begin(out, name, "_bucket", sight, "le", buf_str(&bound) != NULL ? buf_data(&bound) : "");
		put_value(out, below);
		buf_free(&bound);
	}
	begin(out, name, "_sum", sight, NULL, NULL);
	put_seconds(out, sum);
	buf_putc(out, '\n');
	begin(out, name, "_count", sight, NULL, NULL);
	put_value(out, below);
}

static void
put_first(struct buf *out, const char *name, const struct health_sight *sight, uint64_t now)
{
	(void)now;
	put_histogram(out, name, sight, sight->first_counts, sight->first_sum);
}

static void
put_duration(struct buf *out, const char *name, const struct health_sight *sight, uint64_t now)
{
	(void)now;
	put_histogram(out, name, sight, sight->total_counts, sight->total_sum);
}

static const struct family families[] = {
	{ "lb_target_requests_total", "counter", "Attempts made.", put_requests },
	{ "lb_target_answers_total", "counter", "Answers passed to clients, by how they ended.", put_answers },
	{ "lb_target_faults_total", "counter", "Attempts and answers that failed, by what was at fault.", put_faults },
	{ "lb_target_trials_total", "counter", "Requests let through to see whether a target has recovered.", put_trials },
	{ "lb_target_tokens_total", "counter", "Tokens of answers, by kind.", put_tokens },
	{ "lb_target_in_flight", "gauge", "Requests in flight.", put_in_flight },
	{ "lb_target_state", "gauge", "1 for the state that the target is in.", put_state },
	{ "lb_target_cool_down_seconds", "gauge", "How long the target is left alone from now on.", put_cool_down },
	{ "lb_target_failures", "gauge", "Failures in a row that count for the breaker.", put_failures },
	{ "lb_target_first_content_seconds", "histogram", "From an attempt's beginning to its first content.", put_first },
	{ "lb_target_duration_seconds", "histogram", "From an attempt's beginning to the end of its whole answer.", put_duration },
};

void
show_prometheus(struct buf *out, const struct health_sight *sights, size_t n, uint64_t now)
{
	for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
		const struct family *family = &families[i];

		buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name, family->type);
		for (size_t k = 0; k < n; k++)
			family->put(out, family->name, &sights[k], now);
	}
}
