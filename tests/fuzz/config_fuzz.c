/* SPDX-License-Identifier: MIT */
/* Any text as a configuration: it has mistakes, or it can be used. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "config/read.h"
#include "route/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config = calloc(1, sizeof *config);
	struct mistakes mistakes = { .list = NULL };
	struct buf errors = BUF_INIT(16 * MIB);
	char *text = malloc(size ? size : 1);

	if (config == NULL || text == NULL)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	config_read(config, text, size, &mistakes);
	if (mistakes.count == 0) {
		if (config->provider_count == 0 || (config->route_count == 0 && !config_derive_routes(config)))
			abort();
		router_free(router_new(config));
	}
	mistakes_put(&mistakes, "f", &errors);
	if ((buf_len(&errors) == 0) != (mistakes.count == 0))
		abort();
	mistakes_free(&mistakes);
	config_free(config);
	buf_free(&errors);
	free(text);
	return 0;
}
