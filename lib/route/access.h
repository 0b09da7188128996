/* SPDX-License-Identifier: MIT */
/*
 * Who may call as long as no client has a key: not the pages of the web, which can make a browser call localhost.
 * Such a call has an Origin; and one through a name that was made to point here (DNS rebinding) has that name for its
 * Host.
 */
#ifndef LB_ROUTE_ACCESS_H
#define LB_ROUTE_ACCESS_H

#include "config/config.h"

/* Whether an Origin field's value is one of those configured. */
bool access_origin(const struct config *config, const char *origin, size_t n);

/*
 * Whether a Host field's value, with or without a port, is a loopback name or address (`localhost`, below `.localhost`,
 * 127.0.0.0/8, `[::1]`) or one of the hosts configured.
 */
bool access_host(const struct config *config, const char *host, size_t n);

#endif
