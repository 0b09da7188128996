/* SPDX-License-Identifier: MIT */
#include "health/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/io.h"

#define SIZE sizeof(struct health_table)

/* Losing the file's memory */

/* The mapped files of this process: a table, and another while it changes over. */
static struct watched {
	_Atomic uintptr_t at;	/* 0: free */
	_Atomic bool lost;
} watched[8];

static struct sigaction before;

/*
 * Memory of a file that was cut short, or of a disk that fails, is a SIGBUS. In its place comes empty memory, and what was
 * interrupted goes on.
 */
static void
on_bus_error(int number, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;
	int saved = errno;

	(void)context;
	for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) {
		uintptr_t map = atomic_load(&watched[i].at);

		if (info->si_code <= 0 || map == 0 || at < map || at - map >= SIZE)
			continue;
		if (mmap((void *)map, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			break;
		atomic_store(&watched[i].lost, true);
		errno = saved;
		return;
	}
	/* Somebody else's: what the process would have done without this handler, when it comes again. */
	sigaction(SIGBUS, &before, NULL);
	if (info->si_code <= 0)
		raise(number);
}

/* False if that cannot be done: without it the file is not used. */
static bool
watch(const struct health_table *table)
{
	static bool installed;
	struct sigaction action = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_RESTART };

	sigemptyset(&action.sa_mask);
	if (!installed && sigaction(SIGBUS, &action, &before) != 0)
		return false;
	installed = true;
	for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) {
		uintptr_t free_place = 0;

		if (atomic_compare_exchange_strong(&watched[i].at, &free_place, (uintptr_t)table)) {
			atomic_store(&watched[i].lost, false);
			return true;
		}
	}
	errno = EMFILE;
	return false;
}

static struct watched *
find_watched(const struct health_table *table)
{
	for (size_t i = 0; i < sizeof watched / sizeof *watched; i++)
		if (atomic_load(&watched[i].at) == (uintptr_t)table)
			return &watched[i];
	return NULL;
}

/* Locks */

bool
health_file_lock(const struct health_file *file, int which, int wait_ms)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = which, .l_len = 1 };
	uint64_t end = wait_ms > 0 ? clock_monotonic_ms() + (uint64_t)wait_ms : 0;

	if (file->fd < 0)
		return true;
	/* Not F_OFD_SETLKW: a holder that was stopped must not stop all the others. */
	while (fcntl(file->fd, F_OFD_SETLK, &lock) != 0) {
		if ((errno != EAGAIN && errno != EACCES) || wait_ms <= 0 || clock_monotonic_ms() >= end)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
	}
	return true;
}

void
health_file_unlock(const struct health_file *file, int which)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = which, .l_len = 1 };

	if (file->fd >= 0)
		(void)fcntl(file->fd, F_OFD_SETLK, &lock);
}

/* Opening */

enum kind { KIND_GOOD, KIND_EMPTY, KIND_OTHER_VERSION, KIND_DAMAGED, KIND_UNREADABLE };

/* What the file is, by its size and its header. */
static enum kind
look(int fd, off_t size, uint32_t *version)
{
	struct buf read = BUF_INIT(sizeof(struct health_header));
	struct health_header header = { .version = 0 };
	ssize_t n;

	if (size == 0)
		return KIND_EMPTY;
	if (lseek(fd, 0, SEEK_SET) != 0 || (n = io_read(fd, &read, sizeof header)) < 0) {
		buf_free(&read);
		return KIND_UNREADABLE;
	}
	if (n > 0)
		memcpy(&header, buf_data(&read), (size_t)n);
	buf_free(&read);
	*version = header.version;
	if (header.magic == 0 && header.version == 0 && size == (off_t)SIZE)
		return KIND_EMPTY;
	if (header.magic != HEALTH_MAGIC || (size_t)n < sizeof header)
		return KIND_DAMAGED;
	if (header.version != HEALTH_VERSION)
		return KIND_OTHER_VERSION;
	return header.rows == HEALTH_ROWS && header.slots == HEALTH_SLOTS && header.row_size == sizeof(struct health_line) &&
		header.size == SIZE && size == (off_t)SIZE
	    ? KIND_GOOD
	    : KIND_DAMAGED;
}

static bool
map(struct health_file *file, const char **why)
{
	void *table = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);

	if (table == MAP_FAILED) {
		*why = strerror(errno);
		return false;
	}
	if (!watch(table)) {
		*why = strerror(errno);
		munmap(table, SIZE);
		return false;
	}
	file->table = table;
	return true;
}

/*
 * Gives the file its size and its blocks, so that no write to its memory needs a new one, and its header, the magic last.
 * The caller has the lock.
 */
static bool
make(struct health_file *file, const char **why)
{
	struct rlimit limit;
	struct health_header *header;
	int error;

	/* Beyond that limit there would be a signal. */
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < SIZE)
		error = EFBIG;
	else
		error = posix_fallocate(file->fd, 0, SIZE);
	if (error != 0) {
		/* What there was of it is needed elsewhere, on a disk that is full. */
		(void)!ftruncate(file->fd, 0);
		*why = strerror(error);
		return false;
	}
	if (!map(file, why))
		return false;
	header = &file->table->header;
	header->version = HEALTH_VERSION;
	header->rows = HEALTH_ROWS;
	header->slots = HEALTH_SLOTS;
	header->row_size = sizeof(struct health_line);
	header->size = SIZE;
	header->made = clock_unix_ms();
	atomic_store(&header->magic, HEALTH_MAGIC);
	return true;
}

/* Renames a file that cannot be used. False if that fails. */
static bool
set_aside(int folder, const struct health_place *place, enum kind kind, uint32_t version)
{
	struct buf to = BUF_INIT(PATH_BYTES_MAX);
	const char *path = buf_data(&place->path);
	bool done;

	buf_puts(&to, health_place_name(place));
	if (kind == KIND_OTHER_VERSION)
		buf_printf(&to, ".v%lu", (unsigned long)version);
	else
		buf_puts(&to, ".damaged");
	done = buf_str(&to) != NULL && renameat(folder, health_place_name(place), folder, buf_data(&to)) == 0;
	if (!done)
		;
	else if (kind == KIND_OTHER_VERSION)
		diag_warning("the health table %s is of version %lu and this program's is %d: it is renamed to %s, and a new one is begun",
		    path, (unsigned long)version, HEALTH_VERSION, buf_data(&to));
	else
		diag_warning("the health table %s is damaged: it is renamed to %s, and a new one is begun", path, buf_data(&to));
	buf_free(&to);
	return done;
}

/* Whether the descriptor is still of the file that the folder has under the name. */
static bool
is_at(int folder, const char *name, int fd)
{
	struct stat here, there;

	return fstat(fd, &here) == 0 && fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && here.st_ino == there.st_ino &&
	    here.st_dev == there.st_dev;
}

enum tried { TRIED_DONE, TRIED_AGAIN, TRIED_FAILED };

/* What is no good table is looked at again with the lock: another process may be at it. */
static enum tried
mend(struct health_file *file, int folder, const struct health_place *place, bool running, const char **why)
{
	enum tried result = TRIED_FAILED;
	uint32_t version = 0;
	struct stat st;
	enum kind kind;

	if (!health_file_lock(file, HEALTH_LOCK_MAKING, HEALTH_MAKE_MS)) {
		*why = errno == EAGAIN || errno == EACCES ? "another process has been making it for too long" : strerror(errno);
		return TRIED_FAILED;
	}
	if (!is_at(folder, health_place_name(place), file->fd) || fstat(file->fd, &st) != 0)
		result = TRIED_AGAIN;
	else if ((kind = look(file->fd, st.st_size, &version)) == KIND_GOOD)
		result = TRIED_AGAIN;
	else if (kind == KIND_UNREADABLE)
		*why = strerror(errno);
	else if (kind == KIND_EMPTY)
		result = make(file, why) ? TRIED_DONE : TRIED_FAILED;
	else if (kind == KIND_OTHER_VERSION && running)
		*why = "it is of another version by now";
	else if (set_aside(folder, place, kind, version))
		result = TRIED_AGAIN;
	else
		*why = strerror(errno);
	health_file_unlock(file, HEALTH_LOCK_MAKING);
	return result;
}

static enum tried
try_open(struct health_file *file, int folder, const struct health_place *place, bool running, const char **why)
{
	uint32_t version;
	struct stat st;

	/* Not to wait for the other end, should it be a FIFO. */
	file->fd = openat(folder, health_place_name(place), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (file->fd < 0 || fstat(file->fd, &st) != 0) {
		*why = errno == ELOOP ? "it is a symbolic link" : strerror(errno);
		return TRIED_FAILED;
	}
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
		*why = S_ISREG(st.st_mode) ? "it is another user's" : "it is no regular file";
		return TRIED_FAILED;
	}
	if ((st.st_mode & 077) != 0)
		(void)!fchmod(file->fd, 0600);
	if (look(file->fd, st.st_size, &version) != KIND_GOOD)
		return mend(file, folder, place, running, why);
	return map(file, why) ? TRIED_DONE : TRIED_FAILED;
}

bool
health_file_open(struct health_file *file, const struct health_place *place, bool running, const char **why)
{
	enum tried result = TRIED_AGAIN;
	int folder;

	*file = (struct health_file){ .fd = -1 };
	if ((folder = health_place_open(place, why)) < 0)
		return false;
	/* Each round another process was faster. */
	for (int rounds = 0; rounds < 100 && result == TRIED_AGAIN; rounds++) {
		*why = "other processes make and remove it all the time";
		result = try_open(file, folder, place, running, why);
		if (result != TRIED_DONE && file->fd >= 0) {
			close(file->fd);
			file->fd = -1;
		}
	}
	close(folder);
	return result == TRIED_DONE;
}

bool
health_file_private(struct health_file *file)
{
	void *table = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*file = (struct health_file){ .table = table != MAP_FAILED ? table : NULL, .fd = -1 };
	return file->table != NULL;
}

void
health_file_close(struct health_file *file)
{
	struct watched *entry = file->table != NULL ? find_watched(file->table) : NULL;

	if (file->table != NULL)
		munmap(file->table, SIZE);
	if (entry != NULL)
		atomic_store(&entry->at, 0);
	if (file->fd >= 0)
		close(file->fd);
	*file = (struct health_file){ .fd = -1 };
}

bool
health_file_is_lost(const struct health_file *file, const struct health_place *place)
{
	const struct watched *entry = find_watched(file->table);
	struct stat here, there;

	if (file->fd < 0)
		return false;
	if (entry != NULL && atomic_load(&entry->lost))
		return true;
	if (fstat(file->fd, &here) != 0 || stat(buf_data(&place->path), &there) != 0)
		return true;
	return here.st_ino != there.st_ino || here.st_dev != there.st_dev || here.st_size < (off_t)SIZE;
}
