/* SPDX-License-Identifier: MIT */
/* From a configuration's text to its structure. */
#ifndef LB_CONFIG_READ_H
#define LB_CONFIG_READ_H

#include "config/config.h"
#include "config/mistake.h"
#include "config/preset.h"

/*
 * Reads the `n` octets at `text`, JSON with comments, into `config`, which is empty. The text is changed: its
 * comments are overwritten. What is wrong is added to `mistakes`; `config` then holds whatever could be read, good
 * for config_free only.
 */
void config_read(struct config *config, char *text, size_t n, struct mistakes *mistakes);

/*
 * Fills a provider from a preset: its name (copied; NULL leaves it), base URLs and how the key is sent. False if
 * memory is short.
 */
bool config_apply_preset(struct config_provider *provider, const char *name, const struct preset *preset);

/* Gives a provider without keys the one of its preset's variable. False if memory is short. */
bool config_set_preset_key(struct config_provider *provider);

/*
 * Gives a provider the base URL of a server of one's own, which speaks both dialects below one address: `url`, with
 * or without `/v1` at its end, is checked already. Only the dialects that the preset speaks are set. False if memory
 * is short.
 */
bool config_set_own_url(struct config_provider *provider, const struct preset *preset, const char *url);

/* Derives the routes of a configuration without any (lb.json.5, DEFAULT ROUTES). False if memory is short. */
bool config_derive_routes(struct config *config);

#endif
