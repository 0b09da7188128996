/* SPDX-License-Identifier: MIT */
/* The models that the routes offer, for /v1/models and for error messages. */
#ifndef LB_ROUTE_MODELS_H
#define LB_ROUTE_MODELS_H

#include "config/config.h"

/* The first route whose pattern matches a model's name, or NULL. */
const struct config_route *models_route(const struct config *config, const char *model, size_t n);

/*
 * The list as a JSON text, to be freed by free(3): Anthropic's shape or OpenAI's. It has the routes' models without a
 * `*`, and those of their targets that may be asked for by name, each once. NULL if memory is short.
 */
char *models_list(const struct config *config, enum dialect dialect);

/* One entry of such a list, for a model that `route` matches. */
char *models_entry(const struct config_route *route, const char *model, size_t n, enum dialect dialect);

/* Adds the routes' patterns, joined by commas, at most MODELS_TOLD_MAX of them. */
void models_put_patterns(const struct config *config, struct buf *out);

#endif
