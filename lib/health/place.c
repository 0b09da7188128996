/* SPDX-License-Identifier: MIT */
#include "health/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

/* sudo and su leave another user's folder in the environment: what is made there is a nuisance to that user. */
static bool
is_own_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

static void
set_folder_of(struct health_place *place, const char *path)
{
	const char *slash = strrchr(path, '/');

	buf_puts(&place->path, path);
	if (slash == NULL)
		buf_puts(&place->folder, ".");
	else
		buf_put(&place->folder, path, slash > path ? (size_t)(slash - path) : 1);
}

static void
set_by_environment(struct health_place *place)
{
	const char *runtime = variable("RUNTIME_DIRECTORY"), *user = variable("XDG_RUNTIME_DIR");

	if (runtime != NULL)
		/* systemd joins several by colons. */
		buf_put(&place->folder, runtime, strcspn(runtime, ":"));
	else if (user != NULL && is_own_folder(user)) {
		buf_printf(&place->folder, "%s/lb", user);
		place->own = true;
	} else {
		buf_printf(&place->folder, "/tmp/lb-%lu", (unsigned long)geteuid());
		place->own = true;
	}
	buf_put(&place->path, buf_data(&place->folder), buf_len(&place->folder));
	buf_puts(&place->path, "/health");
}

bool
health_place_find(struct health_place *place, const char *path)
{
	*place = (struct health_place){ .folder = BUF_INIT(PATH_BYTES_MAX), .path = BUF_INIT(PATH_BYTES_MAX) };
	if (path == NULL)
		path = variable("LB_STATE");
	if (path != NULL)
		set_folder_of(place, path);
	else
		set_by_environment(place);
	place->none = path != NULL && strcmp(path, "/dev/null") == 0;
	return buf_str(&place->folder) != NULL && buf_str(&place->path) != NULL;
}

void
health_place_free(struct health_place *place)
{
	buf_free(&place->folder);
	buf_free(&place->path);
}

const char *
health_place_name(const struct health_place *place)
{
	const char *path = buf_data(&place->path), *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

int
health_place_open(const struct health_place *place, const char **why)
{
	const char *folder = buf_data(&place->folder);
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (place->own ? O_NOFOLLOW : 0), fd;
	struct stat st;

	if ((fd = open(folder, flags)) < 0 && errno == ENOENT && (mkdir(folder, 0700) == 0 || errno == EEXIST))
		fd = open(folder, flags);
	if (fd < 0) {
		*why = errno == ELOOP || errno == ENOTDIR ? "its folder is none" : strerror(errno);
		return -1;
	}
	if (!place->own)
		return fd;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077) == 0)
		return fd;
	close(fd);
	*why = "its folder is another user's, or open to others (its mode must be 0700)";
	return -1;
}
