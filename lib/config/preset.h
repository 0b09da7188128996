/* SPDX-License-Identifier: MIT */
/* What is known of each provider by name: base URLs, how the key is sent, the key's variable, its models. */
#ifndef LB_CONFIG_PRESET_H
#define LB_CONFIG_PRESET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "config/config.h"

struct preset {
	const char *name;			/* `minimax` */
	const char *base_url[DIALECT_COUNT];	/* NULL: not spoken there */
	enum config_auth auth[DIALECT_COUNT];
	const char *key_variable;		/* `MINIMAX_API_KEY`; NULL: no key */
	const char *base_url_variable;		/* of a server of one's own, whose key is optional; else NULL */
	const char *model;			/* the default model; NULL: whatever was asked for */
	const char *patterns[4];		/* the models it has: `MiniMax-*`; unused ones NULL */
};

/* All presets, in the order in which they are tried; the last one's name is NULL. */
extern const struct preset presets[];

/* The preset of that name (`llama.cpp` is `llamacpp`), or NULL. */
const struct preset *preset_find(const char *name, size_t n);

/* Stands behind a name in $LB_PRESETS if the preset's key is optional and its variable is set. */
#define PRESET_WITH_KEY "+key"

/*
 * Adds the names of the presets that the environment provides for, joined by commas: $LB_PRESETS if it is set, else
 * each whose key variable or base URL variable is (of those with the same key variable only the first). Reads whether
 * a value is there, never the value. A variable that is empty counts as not set.
 */
void preset_put_from_environment(struct buf *out);

#endif
