/* SPDX-License-Identifier: MIT */
#include "health/internal.h"
#include "health/show.h"

#include "test.h"

/* A day in 2026, unix ms. */
#define NOW UINT64_C(1790000000000)

static bool
is(struct buf *b, const char *want)
{
	const char *text = buf_str(b);

	if (text != NULL && strcmp(text, want) == 0)
		return true;
	printf("# got:\n%s\n# want:\n%s\n", text ? text : "(null)", want);
	return false;
}

static bool
has(struct buf *b, const char *want)
{
	const char *text = buf_str(b);

	if (text != NULL && strstr(text, want) != NULL)
		return true;
	printf("# in:\n%s\n# there is no:\n%s\n", text ? text : "(null)", want);
	return false;
}

/* A table with a row of each kind. */
static void
fill(struct health *health)
{
	struct health_row row = health_row(health, &(struct health_names){ "beta", "m\"1\\\n", "env:B" }, NOW);
	struct health_answer answer = { .result = HEALTH_COMPLETE, .status = 200, .input_tokens = 1500, .output_tokens = 123456789,
		.cache_read_tokens = 20, .cache_creation_tokens = 4, .first_ms = 250, .total_ms = 61000 };
	struct health_claim claim, trial;

	health_claim(health, row, 0, NOW, &claim);
	health_note_began(health, &claim, 250, NOW);
	health_note_answer(health, row, &answer, NOW);
	health_release(health, &claim);
	health_claim(health, row, 0, NOW, &claim);
	health_note_attempt(health, row, HEALTH_LIMITED, 429, 41500, NOW);
	row = health_row(health, &(struct health_names){ "beta", "m0", "" }, NOW);
	health_note_attempt(health, row, HEALTH_BUSY, 529, 5, NOW - 1000);
	health_claim(health, row, 0, NOW, &trial);
	(void)health_row(health, &(struct health_names){ "alpha", "a", "env:A" }, NOW);
	/* Of no target. */
	(void)health_turn(health, health_row(health, &(struct health_names){ "", "route", "" }, NOW), NOW);
}

static bool
shows_person(const struct health_sight *sights, size_t n)
{
	struct buf out = BUF_INIT(SIZE_MAX);
	bool passed;

	show_person(&out, sights, n, NOW);
	passed = is(&out,
	    "PROVIDER  MODEL  KEY    STATE                    IN FLIGHT   FIRST   TOKENS/S  REQUESTS   ERRORS  INPUT  OUTPUT\n"
	    "alpha     a      env:A  clear                            0       -          -         0        -      0       0\n"
	    "beta      m\"1\\?  env:B  cooling 42 s (limited)           1  250 ms  2032210.5         2   50.0 %   1.5k  123.4M\n"
	    "beta      m0     -      half-open (busy), tried          1       -          -         1  100.0 %      0       0\n");
	buf_free(&out);
	return passed;
}

static bool
shows_json(const struct health_sight *sights, size_t n)
{
	struct buf out = BUF_INIT(SIZE_MAX);
	struct json value;
	bool passed = true;

	show_json(&out, sights, 0);
	EXPECT(buf_len(&out) == 0, "nothing");
	show_json(&out, &sights[0], 1);
	EXPECT(json_whole(buf_data(&out), buf_len(&out), &value) == JSON_OK, "it is JSON");
	EXPECT(has(&out, "\"provider\":\"alpha\",\"model\":\"a\",\"key\":\"env:A\",\"state\":\"clear\",\"failures\":0,\"in_flight\":0,\"made_at\":"),
	    "a row without anything");
	buf_clear(&out);
	show_json(&out, &sights[1], 1);
	EXPECT(n > 1 && json_whole(buf_data(&out), buf_len(&out), &value) == JSON_OK, "it is JSON");
	EXPECT(has(&out, "\"model\":\"m\\\"1\\\\\\n\",\"key\":\"env:B\",\"state\":\"cooling\",\"why\":\"limited\",\"until\":1790000041500,"), "state");
	EXPECT(has(&out, "\"first_ms\":250.000,\"first_at\":1790000000000,\"tokens_per_second\":"), "averages");
	EXPECT(has(&out, "\"failed_fault\":\"limited\",\"failed_status\":429,"), "failed");
	EXPECT(has(&out, "\"answers\":{\"complete\":1,\"truncated\":0,\"upstream-error\":0,\"timeout\":0,\"cancelled\":0,\"refused\":0},"), "answers");
	EXPECT(has(&out, "\"tokens\":{\"input\":1500,\"output\":123456789,\"cache_read\":20,\"cache_creation\":4},"), "tokens");
	EXPECT(has(&out, "\"first_content_ms\":{\"sum\":250,\"counts\":[[50,0],[100,0],[200,0],[300,1],"), "histogram");
	buf_free(&out);
	return passed;
}

static bool
shows_prometheus(const struct health_sight *sights, size_t n)
{
#define LABELS "provider=\"beta\",model=\"m\\\"1\\\\\\n\",key=\"env:B\""
	struct buf out = BUF_INIT(SIZE_MAX);
	bool passed = true;

	show_prometheus(&out, sights, n, NOW);
	EXPECT(has(&out, "# HELP lb_target_requests_total Attempts made.\n# TYPE lb_target_requests_total counter\n"
			 "lb_target_requests_total{provider=\"alpha\",model=\"a\",key=\"env:A\"} 0\n"
			 "lb_target_requests_total{" LABELS "} 2\n"), "a family");
	EXPECT(has(&out, "\nlb_target_state{" LABELS ",state=\"clear\"} 0\nlb_target_state{" LABELS ",state=\"cooling\"} 1\n"), "states");
	EXPECT(has(&out, "\nlb_target_cool_down_seconds{" LABELS "} 41.5\n"), "a time");
	EXPECT(has(&out, "\nlb_target_tokens_total{" LABELS ",kind=\"cache_read\"} 20\n"), "tokens");
	EXPECT(has(&out, "\nlb_target_first_content_seconds_bucket{" LABELS ",le=\"0.2\"} 0\n"
			 "lb_target_first_content_seconds_bucket{" LABELS ",le=\"0.3\"} 1\n"), "buckets add up");
	EXPECT(has(&out, "\nlb_target_first_content_seconds_bucket{" LABELS ",le=\"+Inf\"} 1\n"
			 "lb_target_first_content_seconds_sum{" LABELS "} 0.25\n"
			 "lb_target_first_content_seconds_count{" LABELS "} 1\n"), "the end of a histogram");
	EXPECT(has(&out, "\nlb_target_duration_seconds_bucket{" LABELS ",le=\"60\"} 0\n"
			 "lb_target_duration_seconds_bucket{" LABELS ",le=\"120\"} 1\n"), "durations");
	EXPECT(buf_str(&out) != NULL && strstr(buf_data(&out), "route") == NULL, "nothing of what is no target");
	buf_free(&out);
	return passed;
}

int
main(void)
{
	char folder[] = "/tmp/lb-health-show.XXXXXX", path[64];
	struct health_sight *sights;
	struct health *health;
	size_t n;

	if (mkdtemp(folder) == NULL)
		abort();
	snprintf(path, sizeof path, "%s/health", folder);
	health = health_open_at(path);
	fill(health);
	sights = show_sights(health, NOW, &n);
	TEST(sights != NULL && n == 3, "the rows of targets, in order");
	TEST(shows_person(sights, n), "for a person");
	TEST(shows_json(sights, n), "as JSON");
	TEST(shows_prometheus(sights, n), "for Prometheus");
	free(sights);
	health_close(health);
	unlink(path);
	rmdir(folder);
	return test_exit();
}
