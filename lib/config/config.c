/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/limits.h"
#include "config/check.h"
#include "config/read.h"

static const char default_path[] = "/etc/lb/lb.json";

static void
free_strings(char **list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i]);
	free(list);
}

struct config *
config_load_or_exit(const char *path)
{
	struct buf errors = BUF_INIT(CONFIG_MAX);
	struct config *config = config_load(path, &errors);

	if (config == NULL) {
		diag_lines(buf_data(&errors), buf_len(&errors));
		diag_fatal(EXIT_USAGE, "unable to use the configuration: see above");
	}
	buf_free(&errors);
	return config;
}

void
config_route_defaults(struct config_route *route)
{
	route->sticky_return_ms = STICKY_RETURN_MS_DEFAULT;
	route->explore_percent = EXPLORE_PERCENT_DEFAULT;
}

void
config_free(struct config *config)
{
	if (config == NULL)
		return;
	for (size_t i = 0; i < config->provider_count; i++) {
		struct config_provider *provider = &config->providers[i];

		free(provider->name);
		for (int d = 0; d < DIALECT_COUNT; d++)
			free(provider->base_url[d]);
		free_strings(provider->keys, provider->key_count);
	}
	for (size_t i = 0; i < config->route_count; i++) {
		struct config_route *route = &config->routes[i];

		for (size_t k = 0; k < route->target_count; k++)
			free(route->targets[k].model);
		free(route->targets);
		free(route->model);
	}
	free(config->providers);
	free(config->routes);
	free_strings(config->origins, config->origin_count);
	free_strings(config->hosts, config->host_count);
	free(config->source);
	free(config);
}

const struct config_provider *
config_find_provider(const struct config *config, const char *name, size_t n)
{
	for (size_t i = 0; i < config->provider_count; i++)
		if (strlen(config->providers[i].name) == n && memcmp(config->providers[i].name, name, n) == 0)
			return &config->providers[i];
	return NULL;
}

/* Reads all of a file. False after telling what is wrong; with `may_lack` a file that is not there is no mistake. */
static bool
read_file(const char *path, bool may_lack, struct buf *text, struct mistakes *mistakes, bool *lacks)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool done;

	*lacks = false;
	if (fd < 0) {
		*lacks = may_lack && (errno == ENOENT || errno == ENOTDIR);
		if (!*lacks)
			mistake_add(mistakes, 0, "unable to open it: %s", strerror(errno));
		return false;
	}
	if (!(done = io_read_all(fd, text) == 0))
		mistake_add(mistakes, 0, "unable to read it: %s",
		    errno == EMSGSIZE ? "it is larger than 4 MiB" : strerror(errno));
	close(fd);
	return done;
}

/* A preset of the environment, `n` octets at `word`, becomes the next provider. */
static void
take_preset(struct config *config, const char *word, size_t n, struct mistakes *mistakes)
{
	static const char with_key[] = PRESET_WITH_KEY;
	size_t suffix = sizeof with_key - 1;
	bool key = n > suffix && memcmp(word + n - suffix, with_key, suffix) == 0;
	const struct preset *preset = preset_find(word, key ? n - suffix : n);
	struct config_provider *provider = &config->providers[config->provider_count];
	const char *url, *problem;

	if (preset == NULL) {
		mistake_add(mistakes, 0, "LB_PRESETS: there is no preset '%.*s'",
		    (int)(n < PROVIDER_NAME_MAX ? n : PROVIDER_NAME_MAX), word);
		return;
	}
	if (config_find_provider(config, preset->name, strlen(preset->name)) != NULL) {
		mistake_add(mistakes, 0, "LB_PRESETS: '%s' stands twice", preset->name);
		return;
	}
	config->provider_count++;
	mistakes->no_memory |= !config_apply_preset(provider, preset->name, preset);
	if (preset->key_variable != NULL && (key || preset->base_url_variable == NULL))
		mistakes->no_memory |= !config_set_preset_key(provider);
	url = preset->base_url_variable ? getenv(preset->base_url_variable) : NULL;
	if (url == NULL || *url == '\0')
		return;
	if ((problem = check_base_url(url)) != NULL)
		mistake_add(mistakes, 0, "%s %s", preset->base_url_variable, problem);
	else
		mistakes->no_memory |= !config_set_own_url(provider, preset, url);
}

static void
read_environment(struct config *config, struct mistakes *mistakes)
{
	struct buf names = BUF_INIT(CONFIG_MAX);
	const char *p;
	size_t room = 1;

	preset_put_from_environment(&names);
	if ((p = buf_str(&names)) == NULL) {
		mistakes->no_memory = true;
		return;
	}
	for (const char *comma = p; (comma = strchr(comma, ',')) != NULL; comma++)
		room++;
	if ((config->providers = calloc(room, sizeof *config->providers)) == NULL)
		mistakes->no_memory = true;
	while (config->providers != NULL && *p != '\0') {
		size_t n = strcspn(p, ",");

		if (n > 0)
			take_preset(config, p, n, mistakes);
		p += n + (p[n] == ',');
	}
	buf_free(&names);
}

/* Fills the configuration from the file at `path` or, if there is none and it is not asked for, the environment. */
static void
load(struct config *config, const char *path, bool may_lack, struct mistakes *mistakes)
{
	struct buf text = BUF_INIT(CONFIG_MAX);
	bool lacks;

	if (read_file(path, may_lack, &text, mistakes, &lacks)) {
		config->source = strdup(path);
		if (buf_len(&text) == 0)
			mistake_add(mistakes, 1, "the file is empty");
		else
			config_read(config, buf_data(&text), buf_len(&text), mistakes);
	} else if (lacks) {
		config->source = strdup("environment");
		read_environment(config, mistakes);
	} else {
		config->source = strdup(path);
	}
	buf_free(&text);
	if (config->source == NULL)
		mistakes->no_memory = true;
	if (mistakes->count == 0 && !mistakes->no_memory && config->route_count == 0 && !config_derive_routes(config))
		mistakes->no_memory = true;
}

struct config *
config_load(const char *path, struct buf *errors)
{
	struct config *config = calloc(1, sizeof *config);
	struct mistakes mistakes = { .list = NULL };
	const char *variable = getenv("LB_CONFIG");

	if (path == NULL && variable != NULL && *variable != '\0')
		path = variable;
	if (config == NULL)
		mistakes.no_memory = true;
	else
		load(config, path ? path : default_path, path == NULL, &mistakes);
	if (mistakes.count > 0 || mistakes.no_memory) {
		mistakes_put(&mistakes, config && config->source ? config->source : "configuration", errors);
		config_free(config);
		config = NULL;
	}
	mistakes_free(&mistakes);
	return config;
}
