/* SPDX-License-Identifier: MIT */
/*
 * In place of libFuzzer: a fuzzer built with this runs each of its seeds once, which any compiler can build and `make test`
 * does. X_fuzz has them in tests/fuzz/seeds/X; files named as arguments, such as one that libFuzzer found, go in their place.
 */
#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char running[4096];	/* the seed's path, for whoever has to find out what went wrong */

static void
tell(int number)
{
	static const char text[] = "# aborted at the seed ";

	if (write(STDOUT_FILENO, text, sizeof text - 1) < 0 || write(STDOUT_FILENO, running, strlen(running)) < 0 ||
	    write(STDOUT_FILENO, "\n", 1) < 0)
		_exit(111);
	signal(number, SIG_DFL);
	raise(number);
}

static void
fail(const char *what)
{
	fprintf(stderr, "unable to %s %s\n", what, running);
	exit(111);
}

/* Runs the file at `running`, from memory of its own size. */
static void
run(void)
{
	FILE *file = fopen(running, "rb");
	uint8_t *data;
	long size;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0)
		fail("open");
	rewind(file);
	if ((data = malloc(size > 0 ? (size_t)size : 1)) == NULL || fread(data, 1, (size_t)size, file) != (size_t)size)
		fail("read");
	fclose(file);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
}

/* Runs what is in a folder; how much that was. */
static unsigned
run_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	unsigned count = 0;

	if (folder == NULL)
		return 0;
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(running, sizeof running, "%s/%s", path, entry->d_name);
		run();
		count++;
	}
	closedir(folder);
	return count;
}

int
main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	char path[512];
	unsigned count = 0;

	signal(SIGABRT, tell);
	for (int i = 1; i < argc; i++, count++) {
		snprintf(running, sizeof running, "%s", argv[i]);
		run();
	}
	if (argc < 2) {
		snprintf(path, sizeof path, "tests/fuzz/seeds/%.*s", (int)(strlen(name) - strlen("_fuzz")), name);
		count = run_folder(path);
	}
	printf("%sok - %s: %u seeds\n", count > 0 ? "" : "not ", name, count);
	return count > 0 ? 0 : 1;
}
