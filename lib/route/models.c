/* SPDX-License-Identifier: MIT */
#include "route/models.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "route/glob.h"

const struct config_route *
models_route(const struct config *config, const char *model, size_t n)
{
	for (size_t i = 0; i < config->route_count; i++)
		if (glob_match(config->routes[i].model, model, n))
			return &config->routes[i];
	return NULL;
}

static cJSON *
entry(const struct config_route *route, const char *model, enum dialect dialect)
{
	cJSON *object = cJSON_CreateObject();
	bool done = cJSON_AddStringToObject(object, "id", model) != NULL;

	if (dialect == DIALECT_ANTHROPIC)
		/* The day of a release is not known here; the epoch is what Anthropic itself gives then. */
		done = done && cJSON_AddStringToObject(object, "type", "model") &&
		    cJSON_AddStringToObject(object, "display_name", model) &&
		    cJSON_AddStringToObject(object, "created_at", "1970-01-01T00:00:00Z");
	else
		done = done && cJSON_AddStringToObject(object, "object", "model") &&
		    cJSON_AddNumberToObject(object, "created", 0) &&
		    cJSON_AddStringToObject(object, "owned_by", route->targets[0].provider->name);
	if (done)
		return object;
	cJSON_Delete(object);
	return NULL;
}

static bool
is_listed(const cJSON *data, const char *model)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, data)
		if (strcmp(cJSON_GetObjectItem(item, "id")->valuestring, model) == 0)
			return true;
	return false;
}

/* Adds a model unless it is there, or is none that may be asked for. */
static bool
add_model(const struct config *config, cJSON *data, const char *model, enum dialect dialect)
{
	const struct config_route *route;
	cJSON *object;

	if (model == NULL || strchr(model, '*') != NULL || is_listed(data, model))
		return true;
	if ((route = models_route(config, model, strlen(model))) == NULL)
		return true;
	object = entry(route, model, dialect);
	return object != NULL && cJSON_AddItemToArray(data, object);
}

static bool
add_models(const struct config *config, cJSON *data, enum dialect dialect)
{
	for (size_t i = 0; i < config->route_count; i++)
		if (!add_model(config, data, config->routes[i].model, dialect))
			return false;
	for (size_t i = 0; i < config->route_count; i++)
		for (size_t k = 0; k < config->routes[i].target_count; k++)
			if (!add_model(config, data, config->routes[i].targets[k].model, dialect))
				return false;
	return true;
}

/* What Anthropic's list has beside the models, for pages that there are none of. */
static bool
add_pages(cJSON *list, const cJSON *data)
{
	static const char *const names[] = { "first_id", "last_id" };
	int count = cJSON_GetArraySize(data);

	if (!cJSON_AddBoolToObject(list, "has_more", false))
		return false;
	for (int i = 0; i < 2; i++) {
		const cJSON *item = cJSON_GetArrayItem(data, i == 0 ? 0 : count - 1);

		if (item ? !cJSON_AddStringToObject(list, names[i], cJSON_GetObjectItem(item, "id")->valuestring)
			 : !cJSON_AddNullToObject(list, names[i]))
			return false;
	}
	return true;
}

/* As text of malloc(3), NULL if memory was short at any step. Frees the object. */
static char *
print(cJSON *object, bool done)
{
	char *printed = object && done ? cJSON_PrintUnformatted(object) : NULL;
	char *text = printed ? strdup(printed) : NULL;

	cJSON_free(printed);
	cJSON_Delete(object);
	return text;
}

char *
models_list(const struct config *config, enum dialect dialect)
{
	cJSON *list = cJSON_CreateObject(), *data;
	bool done = dialect == DIALECT_ANTHROPIC || cJSON_AddStringToObject(list, "object", "list");

	data = cJSON_AddArrayToObject(list, "data");
	done = done && data && add_models(config, data, dialect) &&
	    (dialect == DIALECT_OPENAI || add_pages(list, data));
	return print(list, done);
}

char *
models_entry(const struct config_route *route, const char *model, size_t n, enum dialect dialect)
{
	char *name = strndup(model, n);
	char *text = name ? print(entry(route, name, dialect), true) : NULL;

	free(name);
	return text;
}

void
models_put_patterns(const struct config *config, struct buf *out)
{
	for (size_t i = 0; i < config->route_count; i++) {
		if (i == MODELS_TOLD_MAX) {
			buf_printf(out, " and %zu more", config->route_count - i);
			return;
		}
		if (i > 0)
			buf_puts(out, ", ");
		buf_puts(out, config->routes[i].model);
	}
}
