/* SPDX-License-Identifier: MIT */
/* What an open stream costs: no allocation an event once it runs, and little memory. */
#include <malloc.h>
#include <stdint.h>

#include "stream/reframe.h"
#include "test.h"

static size_t allocations, held;

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define COUNTED true

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

static void *
account(void *p)
{
	allocations++;
	held += p ? malloc_usable_size(p) : 0;
	return p;
}

void *
malloc(size_t n)
{
	return account(__libc_malloc(n));
}

void *
calloc(size_t n, size_t size)
{
	return account(__libc_calloc(n, size));
}

void *
realloc(void *p, size_t n)
{
	held -= p ? malloc_usable_size(p) : 0;
	return account(__libc_realloc(p, n));
}

void
free(void *p)
{
	held -= p ? malloc_usable_size(p) : 0;
	__libc_free(p);
}
#else
#define COUNTED false
#endif

static const char open_header[] =
    "{\"type\":\"open\",\"id\":1,\"request_id\":\"req_1\",\"dialect\":\"anthropic\",\"stream\":true}";
static const char head_header[] =
    "{\"type\":\"head\",\"id\":1,\"status\":200,\"headers\":{\"content-type\":\"text/event-stream\"},\"provider\":\"acme\"}";

static const char end_header[] = "{\"type\":\"end\",\"id\":1,\"result\":\"complete\"}";

/* Whether the record that was given was an end, of a whole answer. */
static bool was_whole;

/* Gives a record to the stream. */
static void
take(struct reframe *r, enum record_type type, struct json header, const char *p, size_t n, struct reframe_work *work)
{
	struct record record = { .type = type, .id = 1, .header = header, .payload = p, .payload_len = n };
	struct reframe_output out;

	if (!reframe_take(r, &record, 1000, work, &out))
		abort();
	was_whole = out.end.len > 0 && memmem(out.end.p, out.end.len, "\"complete\"", 10) != NULL;
}

static struct reframe *
begin(struct reframe_work *work)
{
	struct reframe *r = reframe_new(1, (struct json){ open_header, sizeof open_header - 1 }, 0);

	if (r == NULL)
		abort();
	take(r, RECORD_HEAD, (struct json){ head_header, sizeof head_header - 1 }, NULL, 0, work);
	return r;
}

/* Feeds a text in pieces of `step` octets. */
static void
feed(struct reframe *r, const char *text, size_t n, size_t step, struct reframe_work *work)
{
	for (size_t at = 0; at < n; at += step)
		take(r, RECORD_DATA, (struct json){ NULL, 0 }, text + at, n - at < step ? n - at : step, work);
}

static const char start[] =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\","
    "\"model\":\"x\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":3,"
    "\"output_tokens\":1}}}\n\n";

static const char last[] = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\","
			   "\"stop_sequence\":null},\"usage\":{\"output_tokens\":9}}\n\n";

static char text[200000];

/* Writes an event of a block: what stands before and behind `size` octets. */
static size_t
put_event(size_t at, const char *type, unsigned index, const char *before, size_t size, const char *after)
{
	at += (size_t)snprintf(text + at, sizeof text - at, "event: %s\ndata: {\"type\":\"%s\",\"index\":%u%s", type, type, index,
	    before);
	memset(text + at, 'x', size);
	at += size;
	return at + (size_t)snprintf(text + at, sizeof text - at, "%s}\n\n", after);
}

/*
 * Feeds a block of thinking, one of text and a tool call, with deltas of `size` octets, a ping that needs mending and an
 * event of an unknown type; `index` is the first one's.
 */
static void
feed_blocks(struct reframe *r, unsigned index, size_t size, size_t step, struct reframe_work *work)
{
	static const struct {
		const char *block, *before, *after, *ends;
	} kinds[] = {
		{ "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}", ",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"",
		    "\"}", ",\"delta\":{\"type\":\"signature_delta\",\"signature\":\"s\"}" },
		{ "{\"type\":\"text\",\"text\":\"\"}", ",\"delta\":{\"type\":\"text_delta\",\"text\":\"", "\"}", NULL },
		{ "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"read_file\",\"input\":{}}",
		    ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":{\\\"b\\\":[1.5,\\\"", "\\\\n\"}",
		    ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\\\"]}}\"}" },
	};
	size_t n = 0;

	for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		n = put_event(n, "content_block_start", index + i, ",\"content_block\":", 0, kinds[i].block);
		n = put_event(n, "content_block_delta", index + i, kinds[i].before, size, kinds[i].after);
		n += (size_t)snprintf(text + n, sizeof text - n, "data:{\"type\":\"ping\"}\r\n\r\nevent: x\ndata: {\"type\":\"x\"}\n\n");
		if (kinds[i].ends != NULL)
			n = put_event(n, "content_block_delta", index + i, kinds[i].ends, 0, "");
		n = put_event(n, "content_block_stop", index + i, "", 0, "");
	}
	feed(r, text, n, step, work);
}

int
main(void)
{
	struct reframe_work work;
	size_t before, used;
	struct reframe *r;

	setvbuf(stdout, NULL, _IONBF, 0);
	reframe_work_init(&work);
	before = held;
	r = begin(&work);
	feed(r, start, sizeof start - 1, sizeof start, &work);
	feed_blocks(r, 0, 300, 700, &work);
	feed_blocks(r, 3, 300, 7, &work);
	feed_blocks(r, 7, 300, 100000, &work);
	allocations = 0;
	for (unsigned i = 0; i < 300; i++)
		feed_blocks(r, 9 + 3 * i, 300, i % 3 == 0 ? 700 : i % 3 == 1 ? 7 : 100000, &work);
	TEST(allocations == 0, "text, thinking and tool calls allocate nothing once the stream runs");
	for (unsigned i = 0; i < 100; i++)
		feed_blocks(r, 0, 300, 700, &work);
	TEST(allocations == 0, "nor does an index that is not the right one");
	feed_blocks(r, 909, 50000, 4096, &work);
	feed(r, last, sizeof last - 1, 700, &work);
	reframe_work_free(&work);
	used = held - before;
	printf("# octets an open stream: %zu\n", used);
	TEST(used <= 16384, "an open stream takes at most 16 KiB, after a large event too");
	TEST(!COUNTED || used > 0, "what is allocated is counted, where the C library lets it be");
	take(r, RECORD_END, (struct json){ end_header, sizeof end_header - 1 }, NULL, 0, &work);
	TEST(was_whole, "the stream is whole");
	reframe_free(r);
	reframe_work_free(&work);
	return test_exit();
}
