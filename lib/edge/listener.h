/* SPDX-License-Identifier: MIT */
/* Listening sockets, from addresses as a person writes them. */
#ifndef LB_EDGE_LISTENER_H
#define LB_EDGE_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LISTENERS_MAX 64
#define ADDRESS_TEXT_MAX 160

/*
 * Opens a listening socket at `address`: `HOST:PORT` with a numeric IPv4 address or `localhost`, `[IPV6]:PORT`, or
 * `unix:PATH` (whose file gets `mode`; one that nobody serves any more is replaced). Without `open` only loopback and
 * Unix sockets are allowed. Returns the descriptor, close-on-exec and non-blocking, or -1 with errno (EINVAL:
 * the address is none, or not allowed), after writing what is wrong and what to do to `why` (`why_size` octets).
 */
int listener_open(const char *address, bool open, mode_t mode, char *why, size_t why_size);

/* Whether a listening socket is a Unix socket or bound to a loopback address. */
bool listener_is_local(int fd);

/* Writes the address of a socket's own end, `127.0.0.1:9000`, `[::1]:9000`, `unix:PATH`, to `text`. */
void listener_text(int fd, char text[ADDRESS_TEXT_MAX]);

/* The same of its other end; `unix` for a Unix socket. */
void listener_peer_text(int fd, char text[ADDRESS_TEXT_MAX]);

/* Removes the file of a Unix socket; nothing for another. */
void listener_remove(int fd);

/*
 * The listening sockets that a service manager handed over (sd_listen_fds(3)): $LISTEN_PID, $LISTEN_FDS, from descriptor 3
 * on. Makes them close-on-exec, and takes the variables out of the environment. Returns how many (at most LISTENERS_MAX).
 */
size_t listener_inherited(void);

#define LISTENER_FIRST_INHERITED 3

#endif
