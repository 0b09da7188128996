/* SPDX-License-Identifier: MIT */
/* What the unit tests share: checks that print a line of TAP, and memory that ends at an unreadable page. */
#ifndef LB_TESTS_UNIT_TEST_H
#define LB_TESTS_UNIT_TEST_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int test_failures;

/* One test: `name` is what is true when it passes. */
static inline void
test_ok(bool passed, const char *file, int line, const char *name)
{
	const char *base = strrchr(file, '/');

	printf("%sok - %s: ", passed ? "" : "not ", base ? base + 1 : file);
	for (; *name != '\0'; name++)
		putchar((unsigned char)*name < 0x20 || *name == '#' ? '?' : *name);
	putchar('\n');
	if (!passed) {
		test_failures++;
		printf("# %s:%d\n", file, line);
	}
	fflush(stdout);
}

#define TEST(PASSED, NAME) test_ok((PASSED), __FILE__, __LINE__, (NAME))

/* For checks within one test, where a line each would be too many: tells the place and makes `passed` false. */
#define EXPECT(PASSED, WHAT)                                                           \
	do {                                                                           \
		if (!(PASSED)) {                                                       \
			printf("# %s:%d: failed: %s\n", __FILE__, __LINE__, (WHAT));    \
			passed = false;                                                \
		}                                                                      \
	} while (0)

/* To be returned by main. */
static inline int
test_exit(void)
{
	return test_failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

struct test_page {
	char *map;
	size_t size;
	char *text;	/* the copy: reading one octet past it, or writing any of it, is a fault */
};

/* A copy of `n` octets whose end is the end of readable memory. */
static inline struct test_page
test_page(const void *p, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (n + page - 1) / page * page + page;
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct test_page result = { map, size, map + size - page - n };

	if (map == MAP_FAILED)
		abort();
	if (n > 0)
		memcpy(result.text, p, n);
	if (mprotect(map, size - page, PROT_READ) != 0 || mprotect(map + size - page, page, PROT_NONE) != 0)
		abort();
	return result;
}

static inline void
test_page_free(struct test_page page)
{
	munmap(page.map, page.size);
}

#endif
