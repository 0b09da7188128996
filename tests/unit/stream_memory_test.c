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

/* Gives a record to the stream. */
static void
take(struct reframe *r, enum record_type type, struct json header, const char *p, size_t n, struct reframe_work *work)
{
	struct record record = { .type = type, .id = 1, .header = header, .payload = p, .payload_len = n };
	struct reframe_output out;

	if (!reframe_take(r, &record, 1000, work, &out))
		abort();
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

/* Feeds `rounds` times an event that needs mending and one of `size` octets that does not, in pieces of `step` octets. */
static void
feed(struct reframe *r, size_t size, size_t step, int rounds, struct reframe_work *work)
{
	static char text[100000];
	size_t n = (size_t)snprintf(text, sizeof text, "data:{\"type\":\"ping\"}\r\n\r\nevent: x\ndata: {\"type\":\"x\",\"t\":\"");

	memset(text + n, 'x', size);
	n += size;
	memcpy(text + n, "\"}\n\n", 4);
	n += 4;
	for (int i = 0; i < rounds; i++)
		for (size_t at = 0; at < n; at += step)
			take(r, RECORD_DATA, (struct json){ NULL, 0 }, text + at, n - at < step ? n - at : step, work);
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
	feed(r, 300, 700, 10, &work);
	feed(r, 300, 7, 10, &work);
	allocations = 0;
	feed(r, 300, 700, 1000, &work);
	feed(r, 300, 7, 1000, &work);
	TEST(allocations == 0, "an event allocates nothing once the stream runs");
	feed(r, 90000, 4096, 1, &work);
	feed(r, 300, 700, 1, &work);
	reframe_work_free(&work);
	used = held - before;
	printf("# octets an open stream: %zu\n", used);
	TEST(used <= 16384, "an open stream takes at most 16 KiB, after a large event too");
	TEST(!COUNTED || used > 0, "what is allocated is counted, where the C library lets it be");
	reframe_free(r);
	return test_exit();
}
