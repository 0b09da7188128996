/* SPDX-License-Identifier: MIT */
#include "health/show.h"

#include <stdlib.h>
#include <string.h>

static int
compare(const void *a, const void *b)
{
	const struct health_sight *one = a, *other = b;
	int order = strcmp(one->provider, other->provider);

	if (order == 0)
		order = strcmp(one->model, other->model);
	return order != 0 ? order : strcmp(one->key, other->key);
}

struct health_sight *
show_sights(struct health *health, uint64_t now, size_t *n)
{
	struct health_sight *sights = calloc(HEALTH_ROWS, sizeof *sights);
	uint32_t at = 0;

	*n = 0;
	while (sights != NULL && *n < HEALTH_ROWS && health_next(health, &at, now, &sights[*n]))
		if (sights[*n].provider[0] != '\0')
			(*n)++;
	if (sights != NULL)
		qsort(sights, *n, sizeof *sights, compare);
	return sights;
}

/* For a person */

enum { COLUMNS = 11 };

/* Cells, each ended by a NUL, a row after the other. */
struct cells {
	struct buf text;
	size_t widths[COLUMNS];
	size_t count;
	size_t start;	/* of the cell at hand */
};

static void
end_cell(struct cells *cells)
{
	size_t width = buf_len(&cells->text) - cells->start, column = cells->count++ % COLUMNS;

	if (width > cells->widths[column])
		cells->widths[column] = width;
	buf_putc(&cells->text, '\0');
	cells->start = buf_len(&cells->text);
}

/* A name may come from a client: what would be a command to the terminal is not shown as it is. */
static void
put_cell(struct cells *cells, const char *text)
{
	if (*text == '\0')
		buf_putc(&cells->text, '-');
	for (; *text != '\0'; text++)
		buf_putc(&cells->text, (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
	end_cell(cells);
}

static void
put_state(struct cells *cells, const struct health_view *view, uint64_t now)
{
	buf_puts(&cells->text, health_state_name(view->state));
	if (view->state == HEALTH_COOLING)
		buf_printf(&cells->text, " %llu s", (unsigned long long)(view->until - now + 999) / 1000);
	if (view->state != HEALTH_CLEAR)
		buf_printf(&cells->text, " (%s)", health_fault_name(view->why));
	if (view->trial)
		buf_puts(&cells->text, ", tried");
	end_cell(cells);
}

/* A number that is easy to read: 999, 1.2k, 34.5M. */
static void
put_count(struct cells *cells, uint64_t n)
{
	static const char units[] = " kMGT";
	size_t unit = 0;
	uint64_t tenths = n;

	if (n >= 1000)
		for (tenths = n / 100, unit = 1; tenths >= 10000 && unit < sizeof units - 2; unit++)
			tenths /= 1000;
	if (unit == 0)
		buf_put_u64(&cells->text, n);
	else
		buf_printf(&cells->text, "%llu.%llu%c", (unsigned long long)tenths / 10, (unsigned long long)tenths % 10, units[unit]);
	end_cell(cells);
}

/* The share of attempts that were the target's fault. */
static void
put_errors(struct cells *cells, const struct health_sight *sight)
{
	static const enum health_fault blamed[] = { HEALTH_LIMITED, HEALTH_BUSY, HEALTH_TIMEOUT, HEALTH_BROKEN, HEALTH_KEY, HEALTH_CUT };
	uint64_t errors = 0, mille;

	for (size_t i = 0; i < sizeof blamed / sizeof *blamed; i++)
		errors += sight->faults[blamed[i]];
	mille = sight->requests > 0 ? (errors * 1000 + sight->requests / 2) / sight->requests : 0;
	if (sight->requests == 0)
		buf_putc(&cells->text, '-');
	else
		buf_printf(&cells->text, "%llu.%llu %%", (unsigned long long)mille / 10, (unsigned long long)mille % 10);
	end_cell(cells);
}

static void
put_row(struct cells *cells, const struct health_sight *sight, uint64_t now)
{
	put_cell(cells, sight->provider);
	put_cell(cells, sight->model);
	put_cell(cells, sight->key);
	put_state(cells, &sight->view, now);
	put_count(cells, sight->view.in_flight);
	if (sight->view.first_at != 0)
		buf_printf(&cells->text, "%u ms", (unsigned)(sight->view.first_us / 1000));
	else
		buf_putc(&cells->text, '-');
	end_cell(cells);
	if (sight->view.rate_at != 0)
		buf_printf(&cells->text, "%u.%u", (unsigned)(sight->view.rate_milli / 1000), (unsigned)(sight->view.rate_milli / 100 % 10));
	else
		buf_putc(&cells->text, '-');
	end_cell(cells);
	put_count(cells, sight->requests);
	put_errors(cells, sight);
	put_count(cells, sight->tokens[0] + sight->tokens[2] + sight->tokens[3]);
	put_count(cells, sight->tokens[1]);
}

/* Names to the left, numbers to the right. */
static void
put_lines(struct buf *out, const struct cells *cells)
{
	const char *cell = buf_data(&cells->text);

	for (size_t i = 0; i < cells->count; i++) {
		size_t column = i % COLUMNS, len = strlen(cell);
		int pad = (int)(cells->widths[column] - len);

		if (column > 0)
			buf_puts(out, "  ");
		if (column < 4)
			buf_printf(out, "%s%*s", cell, pad, "");
		else
			buf_printf(out, "%*s%s", pad, "", cell);
		cell += len + 1;
		if (column == COLUMNS - 1)
			buf_putc(out, '\n');
	}
}

void
show_person(struct buf *out, const struct health_sight *sights, size_t n, uint64_t now)
{
	static const char *const names[COLUMNS] = { "PROVIDER", "MODEL", "KEY", "STATE", "IN FLIGHT", "FIRST", "TOKENS/S", "REQUESTS",
		"ERRORS", "INPUT", "OUTPUT" };
	struct cells cells = { .text = BUF_INIT(SIZE_MAX) };

	for (size_t i = 0; i < COLUMNS; i++)
		put_cell(&cells, names[i]);
	for (size_t i = 0; i < n; i++)
		put_row(&cells, &sights[i], now);
	if (cells.text.failed)
		out->failed = true;
	else
		put_lines(out, &cells);
	buf_free(&cells.text);
}

/* For jq */

static void
put_string(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, "\"%s\":", name);
	json_put_string(out, text, strlen(text));
	buf_putc(out, ',');
}

static void
put_number(struct buf *out, const char *name, uint64_t n)
{
	buf_printf(out, "\"%s\":%llu,", name, (unsigned long long)n);
}

static void
put_thousandths(struct buf *out, const char *name, uint64_t n)
{
	buf_printf(out, "\"%s\":%llu.%03llu,", name, (unsigned long long)n / 1000, (unsigned long long)n % 1000);
}

/* Puts `}` in the place of the last comma. */
static void
close_with(struct buf *out, const char *end)
{
	if (buf_len(out) > 0 && buf_data(out)[buf_len(out) - 1] == ',')
		out->end--;
	buf_puts(out, end);
}

static void
put_histogram(struct buf *out, const char *name, const uint64_t *counts, uint64_t sum)
{
	buf_printf(out, "\"%s\":{\"sum\":%llu,\"counts\":[", name, (unsigned long long)sum);
	for (size_t i = 0; i < HEALTH_BUCKETS; i++) {
		if (i < HEALTH_BUCKETS - 1)
			buf_printf(out, "[%lu,%llu],", (unsigned long)health_bounds[i], (unsigned long long)counts[i]);
		else
			buf_printf(out, "[null,%llu]]},", (unsigned long long)counts[i]);
	}
}

static void
put_view(struct buf *out, const struct health_view *view)
{
	put_string(out, "state", health_state_name(view->state));
	if (view->why != HEALTH_NONE) {
		put_string(out, "why", health_fault_name(view->why));
		put_number(out, "until", view->until);
	}
	if (view->trial)
		buf_puts(out, "\"trial\":true,");
	put_number(out, "failures", view->failures);
	put_number(out, "in_flight", view->in_flight);
	if (view->first_at != 0) {
		put_thousandths(out, "first_ms", view->first_us);
		put_number(out, "first_at", view->first_at);
	}
	if (view->rate_at != 0) {
		put_thousandths(out, "tokens_per_second", view->rate_milli);
		put_number(out, "rate_at", view->rate_at);
	}
	if (view->recovered != 0)
		put_number(out, "recovered_at", view->recovered);
}

static const char *const token_names[4] = { "input", "output", "cache_read", "cache_creation" };

static void
put_object(struct buf *out, const struct health_sight *sight)
{
	buf_puts(out, "{\"row\":\"");
	health_put_id(out, sight->row.id);
	buf_puts(out, "\",");
	put_string(out, "provider", sight->provider);
	put_string(out, "model", sight->model);
	put_string(out, "key", sight->key);
	put_view(out, &sight->view);
	if (sight->view.failed != 0) {
		put_number(out, "failed_at", sight->view.failed);
		put_string(out, "failed_fault", health_fault_name(sight->failed_fault));
		put_number(out, "failed_status", (uint64_t)sight->failed_status);
	}
	put_number(out, "made_at", sight->made);
	put_number(out, "touched_at", sight->touched);
	put_number(out, "requests", sight->requests);
	put_number(out, "trials", sight->trials);
	buf_puts(out, "\"answers\":{");
	for (int i = 0; i < HEALTH_RESULTS; i++)
		put_number(out, health_result_name((enum health_result)i), sight->results[i]);
	close_with(out, "},\"faults\":{");
	for (int i = HEALTH_NONE + 1; i < HEALTH_FAULTS; i++)
		put_number(out, health_fault_name((enum health_fault)i), sight->faults[i]);
	close_with(out, "},\"tokens\":{");
	for (size_t i = 0; i < 4; i++)
		put_number(out, token_names[i], sight->tokens[i]);
	close_with(out, "},");
	put_histogram(out, "first_content_ms", sight->first_counts, sight->first_sum);
	put_histogram(out, "duration_ms", sight->total_counts, sight->total_sum);
	close_with(out, "}\n");
}

void
show_json(struct buf *out, const struct health_sight *sights, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_object(out, &sights[i]);
}
