/* SPDX-License-Identifier: MIT */
/* A configuration told to a person: what `lb check` prints. */
#ifndef LB_CONFIG_SUMMARY_H
#define LB_CONFIG_SUMMARY_H

#include "base/buf.h"
#include "config/config.h"

/*
 * Adds lines with the source, each provider with its base URLs and where its keys come from, and each route; of the other
 * settings those that are set. Of a key it says only whether it is there, as seen by this process; no value is read but to
 * see that it is not empty.
 */
void summary_put(struct buf *out, const struct config *config);

/* Adds the providers' names, joined by `, `. */
void summary_put_names(struct buf *out, const struct config *config);

#endif
