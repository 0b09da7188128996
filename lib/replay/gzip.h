/* SPDX-License-Identifier: MIT */
/* A gzip stream (RFC 1952) of stored blocks (RFC 1951 §3.2.4): any decoder takes it, and it needs no compressor. */
#ifndef LB_REPLAY_GZIP_H
#define LB_REPLAY_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Zero it to begin. */
struct replay_gzip {
	bool began;
	uint32_t crc;
	uint32_t size;	/* octets so far, modulo 2^32 */
};

/* Adds `n` octets of content: what a decoder has got by then decodes to all of them. */
void replay_gzip_put(struct replay_gzip *gzip, struct buf *out, const char *p, size_t n);

/* Adds the last block and the trailer. */
void replay_gzip_finish(struct replay_gzip *gzip, struct buf *out);

#endif
