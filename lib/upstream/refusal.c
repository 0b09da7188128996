/* SPDX-License-Identifier: MIT */
#include "upstream/refusal.h"

void
refusal_read(struct refusal *refusal, const char *body, size_t n)
{
	*refusal = (struct refusal){ .found = false };
	(void)body;
	(void)n;
}

void
refusal_read_value(struct refusal *refusal, struct json value)
{
	*refusal = (struct refusal){ .found = false };
	(void)value;
}

void
refusal_read_event(struct refusal *refusal, const struct event *event)
{
	refusal_read_value(refusal, event->object);
}

bool
refusal_is_shaped(const struct refusal *refusal, enum dialect dialect)
{
	(void)refusal;
	(void)dialect;
	return false;
}

bool
refusal_put_text(struct buf *out, const struct refusal *refusal)
{
	(void)out;
	(void)refusal;
	return false;
}
