/* SPDX-License-Identifier: MIT */
/* Where the health table's file is. */
#ifndef LB_HEALTH_PLACE_H
#define LB_HEALTH_PLACE_H

#include <stdbool.h>

#include "base/buf.h"

struct health_place {
	struct buf folder;
	struct buf path;	/* of the file */
	bool none;		/* the path is /dev/null: there is to be no file */
	bool own;		/* the folder is lb's: nobody else may be able to write there */
};

/* Finds the place: `path`, or for NULL the one of this environment. False if memory is short. To be freed either way. */
bool health_place_find(struct health_place *place, const char *path);
void health_place_free(struct health_place *place);

/* The file's name in its folder. */
const char *health_place_name(const struct health_place *place);

/*
 * Opens the folder, which is made with mode 0700 if only it is missing. Returns its descriptor, or -1 and `*why` says why
 * it cannot be used, such as a folder below /tmp that somebody else made.
 */
int health_place_open(const struct health_place *place, const char **why);

#endif
