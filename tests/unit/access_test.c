/* SPDX-License-Identifier: MIT */
#include "edge/access.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/limits.h"
#include "edge/accesslog.h"
#include "test.h"

static struct http_span
span(const char *text)
{
	return (struct http_span){ text, strlen(text) };
}

static struct record
record_of(const char *header)
{
	return (struct record){ .header = { header, strlen(header) } };
}

/* A request at 2026-11-22T10:15:02.007Z. */
static void
begin(struct access *a, const char *target)
{
	access_begin(a, true, 1795342502007u, 1000);
	access_request(a, "req_1", "127.0.0.1:5", span("POST"), span(target));
}

/* Whether the line is `want`, and JSON; ends the request. */
static bool
is_line(struct access *a, uint64_t dropped, const char *want)
{
	struct buf out = BUF_INIT(ACCESS_LINE_MAX);
	struct json value;
	bool same;

	access_put(a, dropped, &out);
	same = buf_str(&out) != NULL && strcmp(buf_str(&out), want) == 0 &&
	    json_whole(buf_data(&out), buf_len(&out), &value) == JSON_OK;
	if (!same)
		printf("# got:  %.*s# want: %s", (int)buf_len(&out), buf_data(&out), want);
	buf_free(&out);
	access_free(a);
	return same;
}

#define BEGUN "{\"time\":\"2026-11-22T10:15:02.007Z\",\"request_id\":\"req_1\",\"peer\":\"127.0.0.1:5\",\"method\":\"POST\",\"path\":\"/p\""

static void
test_members(void)
{
	struct access a;
	struct record head = record_of("{\"type\":\"head\",\"id\":1,\"status\":200,\"headers\":{\"x\":\"y\"},\"provider\":\"p\",\"attempt\":2,"
				       "\"model\":\"m\\u00e9\\n\",\"dialect\":\"anthropic\"}");
	struct record bare = record_of("{\"type\":\"head\",\"id\":1,\"status\":200,\"headers\":{}}");
	struct record end = record_of("{\"type\":\"end\",\"id\":1,\"result\":\"complete\",\"attempts\":[{\"provider\":\"o\",\"status\":529,"
				      "\"result\":\"upstream-error\",\"ms\":7,\"error\":\"e\"},{}],\"provider\":\"p\",\"attempt\":2,"
				      "\"model\":\"m\",\"first_ms\":30,\"total_ms\":40,\"stripped\":3,\"repairs\":{\"bom\":1},"
				      "\"usage\":{\"input_tokens\":1,\"output_tokens\":2,\"x\":3,\"cache_read_input_tokens\":4,"
				      "\"cache_creation_input_tokens\":5}}");

	begin(&a, "/p?key=k");
	access_head(&a, &head, 200);
	access_content(&a, 1020);
	access_content(&a, 1021);
	access_end(&a, &end);
	a.bytes_in = 10;
	a.bytes_out = 11;
	a.total_ms = 50;
	TEST(is_line(&a, 3, BEGUN ",\"provider\":\"p\",\"attempt\":2,\"model\":\"m\xc3\xa9\\n\",\"attempts\":[{\"provider\":\"o\",\"status\":529,"
		"\"result\":\"upstream-error\",\"ms\":7},{}],\"stripped\":3,\"repairs\":{\"bom\":1},\"input_tokens\":1,\"output_tokens\":2,"
		"\"cache_read_input_tokens\":4,\"cache_creation_input_tokens\":5,\"result\":\"complete\",\"status\":200,"
		"\"first_ms\":20,\"total_ms\":50,\"bytes_in\":10,\"bytes_out\":11,\"dropped\":3}\n"),
	    "every member, the query left out, each once");
	begin(&a, "/p");
	a.queued_ms = 1005;
	access_head(&a, &bare, 200);
	access_content(&a, 1020);
	access_end(&a, &(struct record){ .header = { "{\"result\":\"complete\",\"first_ms\":30,\"provider\":\"p\",\"attempt\":2,\"model\":\"m\"}", 74 } });
	TEST(is_line(&a, 0, BEGUN ",\"provider\":\"p\",\"attempt\":2,\"model\":\"m\",\"result\":\"complete\",\"status\":200,"
		"\"first_ms\":35,\"total_ms\":0,\"bytes_in\":0,\"bytes_out\":0}\n"),
	    "after pings the end says who answered, and when");
}

static void
test_ends(void)
{
	struct access a;
	struct record end = record_of("{\"result\":\"complete\",\"error\":\"theirs\",\"attempts\":[]}");
	struct record wrong = record_of("{\"result\":7,\"error\":{\"a\":1},\"attempts\":{\"a\":{}},\"usage\":[1],\"repairs\":\"x\",\"first_ms\":-1,"
					"\"provider\":null,\"attempt\":1.5,\"model\":[]}");

	begin(&a, "/p");
	access_fail(&a, END_CANCELLED, "ours \"\x01\n\xff");
	access_fail(&a, END_REFUSED, "later");
	access_end(&a, &end);
	TEST(is_line(&a, 0, BEGUN ",\"error\":\"ours \\\"\\u0001\\n\\ufffd\",\"attempts\":[],\"result\":\"cancelled\",\"total_ms\":0,"
		"\"bytes_in\":0,\"bytes_out\":0}\n"),
	    "the first end says the result, a later one what else is known");
	begin(&a, "/p");
	access_end(&a, &end);
	access_correct(&a, END_TIMEOUT, "unread");
	TEST(is_line(&a, 0, BEGUN ",\"attempts\":[],\"error\":\"unread\",\"result\":\"timeout\",\"total_ms\":0,\"bytes_in\":0,\"bytes_out\":0}\n"),
	    "a complete answer that was not taken has another result, and one error");
	begin(&a, "/p");
	access_end(&a, &wrong);
	TEST(is_line(&a, 0, BEGUN ",\"result\":\"truncated\",\"total_ms\":0,\"bytes_in\":0,\"bytes_out\":0}\n"),
	    "members of another kind than they should be are left out");
	access_begin(&a, true, 0, 0);
	access_request(&a, "", "unix", span(""), span(""));
	access_fail(&a, END_REFUSED, "no");
	a.status = 400;
	TEST(is_line(&a, 0, "{\"time\":\"1970-01-01T00:00:00.000Z\",\"peer\":\"unix\",\"error\":\"no\",\"result\":\"refused\",\"status\":400,"
		"\"total_ms\":0,\"bytes_in\":0,\"bytes_out\":0}\n"),
	    "a request of which there is nothing to tell");
	access_begin(&a, false, 0, 0);
	access_request(&a, "", "unix", span("GET"), span("/"));
	access_end(&a, &end);
	access_fail(&a, END_REFUSED, "no");
	TEST(a.members.mem == NULL, "a request without a line costs no memory");
	access_free(&a);
}

/* The longest texts of octets that are written as one, two, three or six. */
static bool
is_bounded(const char *unit)
{
	static char text[100000], end_text[600000];
	struct buf out = BUF_INIT(2 * ACCESS_LINE_MAX), end = BUF_INIT(sizeof end_text);
	struct access a;
	struct json value;
	size_t unit_len = strlen(unit);
	bool passed = true;

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = unit[i % unit_len];
	access_begin(&a, true, UINT64_MAX, 0);
	access_request(&a, "req_123456789012345678901234567890", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	    (struct http_span){ text, sizeof text }, (struct http_span){ text, sizeof text });
	buf_puts(&end, "{\"provider\":");
	json_put_string(&end, text, 3000);
	buf_puts(&end, ",\"model\":");
	json_put_string(&end, text, sizeof text / 7);
	buf_puts(&end, ",\"attempt\":18446744073709551615,\"error\":");
	json_put_string(&end, text, sizeof text / 7);
	buf_puts(&end, ",\"attempts\":[");
	for (int i = 0; i < 64; i++) {
		buf_puts(&end, i > 0 ? ",{\"provider\":" : "{\"provider\":");
		json_put_string(&end, text, 60);
		buf_puts(&end, ",\"status\":999,\"result\":\"upstream-error\",\"ms\":18446744073709551615}");
	}
	buf_printf(&end, "],\"repairs\":{\"%0*d\":1},\"usage\":{", (int)ACCESS_REPAIRS_MAX - 6, 0);
	buf_puts(&end, "\"input_tokens\":18446744073709551615,\"output_tokens\":18446744073709551615,"
		       "\"cache_read_input_tokens\":18446744073709551615,\"cache_creation_input_tokens\":18446744073709551615}}");
	access_end(&a, &(struct record){ .header = { buf_data(&end), buf_len(&end) } });
	a.status = 999;
	a.has_first = true;
	a.first_ms = a.total_ms = a.bytes_in = a.bytes_out = UINT64_MAX;
	access_put(&a, UINT64_MAX, &out);
	EXPECT(!end.failed && !out.failed, "memory");
	EXPECT(buf_len(&out) <= ACCESS_LINE_MAX, "bounded");
	EXPECT(buf_len(&out) > ACCESS_LINE_MAX / 2, "with what there is room for");
	EXPECT(json_whole(buf_data(&out), buf_len(&out), &value) == JSON_OK, "JSON");
	EXPECT(json_find(value, "repairs", &value), "repairs");
	access_free(&a);
	buf_free(&out);
	buf_free(&end);
	return passed;
}

static void
test_bounds(void)
{
	static const char *const units[] = { "a", "\"", "\x01", "\xc3\xa9", "a\xe5\x9b\x9b", "\xff", "\xf0\x9f\x98\x80", "x\x01\"\xc3\xa9\xff" };
	bool passed = true;

	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		EXPECT(is_bounded(units[i]), units[i]);
	TEST(passed, "whatever comes, a line is no longer than it may be, and JSON");
}

/* Requests' lines into a log. */
static void
put_lines(struct accesslog *log, int count)
{
	for (int i = 0; i < count; i++) {
		struct access a;

		begin(&a, "/p");
		access_fail(&a, END_REFUSED, "no");
		accesslog_put(log, &a);
		access_free(&a);
	}
}

/* The lines in a file; 0 if one of them is none. `*dropped`: how many they say are missing. */
static int
count_lines(int fd, uint64_t *dropped)
{
	struct buf all = BUF_INIT(MIB);
	int count = 0;

	*dropped = 0;
	lseek(fd, 0, SEEK_SET);
	if (io_read_all(fd, &all) != 0)
		return 0;
	for (const char *p = buf_data(&all), *end = p + buf_len(&all), *feed; p < end; p = feed + 1, count++) {
		struct json line, value;
		uint64_t n;

		if ((feed = memchr(p, '\n', (size_t)(end - p))) == NULL ||
		    json_whole(p, (size_t)(feed - p), &line) != JSON_OK) {
			printf("# not a line: %.*s\n", (int)(end - p), p);
			count = 0;
			break;
		}
		if (json_find(line, "dropped", &value) && json_u64(value, UINT64_MAX, &n))
			*dropped += n;
	}
	buf_free(&all);
	return count;
}

static void
test_full_file(void)
{
	char path[] = "/tmp/lb-access-test.XXXXXX";
	struct rlimit limit;
	struct accesslog log;
	bool passed = true;
	int fd = mkstemp(path);
	uint64_t dropped;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	for (rlim_t size = 1; size < 1000; size += 7) {
		rlim_t was = limit.rlim_cur;

		if (ftruncate(fd, 0) != 0)
			abort();
		accesslog_init(&log, 1);
		accesslog_take(&log, accesslog_open(path));
		limit.rlim_cur = size;
		setrlimit(RLIMIT_FSIZE, &limit);
		put_lines(&log, 7);
		EXPECT(!accesslog_flush(&log), "a file is not waited for");
		put_lines(&log, 2);
		accesslog_flush(&log);
		limit.rlim_cur = was;
		setrlimit(RLIMIT_FSIZE, &limit);
		put_lines(&log, 1);
		accesslog_close(&log);
		EXPECT(count_lines(fd, &dropped) + (int)dropped == 10 && log.total == dropped, "every line, or its count");
	}
	TEST(passed, "a file that is full, wherever in a line, has whole lines, and says how many are missing");
	/* The same, and another file afterwards. */
	if (ftruncate(fd, 0) != 0)
		abort();
	accesslog_init(&log, 1);
	accesslog_take(&log, accesslog_open(path));
	limit.rlim_cur = 500;
	setrlimit(RLIMIT_FSIZE, &limit);
	put_lines(&log, 7);
	accesslog_flush(&log);
	limit.rlim_cur = RLIM_INFINITY;
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		limit.rlim_cur = limit.rlim_max;
	unlink(path);
	accesslog_take(&log, accesslog_open(path));
	put_lines(&log, 1);
	accesslog_close(&log);
	close(fd);
	fd = open(path, O_RDONLY);
	TEST(count_lines(fd, &dropped) == 1 && dropped > 0, "a line that was begun is not ended in another file");
	close(fd);
	unlink(path);
}

/* What is in a pipe, to the end of a file. */
static void
move(int from, int to)
{
	struct buf b = BUF_INIT(MIB);

	while (io_read(from, &b, READ_MAX) > 0)
		;
	if (io_flush(to, &b) != 0)
		abort();
	buf_free(&b);
}

static void
test_slow_reader(void)
{
	struct accesslog log;
	char path[] = "/tmp/lb-access-test.XXXXXX";
	int fds[2], file = mkstemp(path), others;
	uint64_t dropped;

	if (pipe(fds) != 0)
		abort();
	others = fcntl(fds[1], F_GETFL);
	for (int blocking = 0; blocking < 2; blocking++) {
		bool passed = true;

		if (ftruncate(file, 0) != 0 || lseek(file, 0, SEEK_SET) != 0)
			abort();
		accesslog_init(&log, 1);
		fcntl(fds[1], F_SETFL, blocking ? others : others | O_NONBLOCK);
		accesslog_take(&log, dup(fds[1]));
		EXPECT(log.is_blocking == (blocking == 1), "blocking");
		for (int i = 0; i < 300; i++) {
			put_lines(&log, 10);
			accesslog_flush(&log);
		}
		EXPECT(accesslog_flush(&log), "what waits is to be written once there is room");
		EXPECT(log.dropped > 0 && log.total == log.dropped, "dropped");
		fcntl(fds[0], F_SETFL, O_NONBLOCK);
		do
			move(fds[0], file);
		while (accesslog_flush(&log));
		move(fds[0], file);
		put_lines(&log, 1);
		accesslog_close(&log);
		move(fds[0], file);
		EXPECT(count_lines(file, &dropped) + (int)dropped == 3001 && dropped == log.total, "every line, or its count");
		TEST(passed, blocking ? "a pipe that may not be made non-blocking is not waited for" : "nor is one that is");
	}
	close(fds[0]);
	accesslog_init(&log, 1);
	signal(SIGPIPE, SIG_IGN);
	accesslog_take(&log, dup(fds[1]));
	put_lines(&log, 3);
	TEST(!accesslog_flush(&log) && log.total == 3 && buf_len(&log.waiting) == 0, "a reader that has gone");
	accesslog_close(&log);
	close(fds[1]);
	close(file);
	unlink(path);
}

static void
test_every(void)
{
	struct accesslog log;
	int count = 0;

	accesslog_init(&log, 7);
	TEST(!accesslog_wants(&log), "without a log no request has a line");
	accesslog_take(&log, open("/dev/null", O_WRONLY));
	for (int i = 0; i < 70; i++)
		count += accesslog_wants(&log);
	TEST(count == 10, "one in seven");
	accesslog_close(&log);
}

int
main(int argc, char **argv)
{
	(void)argc;
	/* What is dropped is told on stderr, many times here. */
	dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
	diag_init(argv[0]);
	test_members();
	test_ends();
	test_bounds();
	test_every();
	test_full_file();
	test_slow_reader();
	return test_exit();
}
