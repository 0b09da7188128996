/* SPDX-License-Identifier: MIT */
/*
 * The providers' keys. They are read once, at start, and are in the memory of lb-fetch only; everywhere else a key is a
 * reference: `env:NAME`, `file:PATH`, `credential:NAME` (in $CREDENTIALS_DIRECTORY) or `client` (the client's own).
 */
#ifndef LB_UPSTREAM_SECRET_H
#define LB_UPSTREAM_SECRET_H

#include <stdbool.h>

#include "base/json.h"
#include "config/config.h"

struct secret {
	const struct config_provider *provider;
	const char *reference;
	bool client;		/* the client's own credentials pass; there is no value */
	char *value;		/* what to send; NULL for `client` and for a key that could not be had */
	char *why;		/* why it could not be had; NULL if it could */
};

struct secrets;

/*
 * Resolves every key of every provider. One that cannot be had is told as a warning and kept with its reason. The result
 * points into `config`, which must outlive it. NULL if memory is short.
 */
struct secrets *secrets_load(const struct config *config);

/* Overwrites the keys and frees them. */
void secrets_free(struct secrets *secrets);

/* The values of all keys, for redact.h. */
const struct buf *secrets_values(const struct secrets *secrets);

/* The key of `provider` whose reference is the JSON string `reference`. NULL if the configuration has none such. */
const struct secret *secrets_find(
    const struct secrets *secrets, const struct config_provider *provider, struct json reference);

#endif
