/* SPDX-License-Identifier: MIT */
#include "replay/gzip.h"

enum {
	STORED_MAX = 65535,
	CRC_POLYNOMIAL_BITS = 8
};

/* RFC 1952 §8, bit by bit: these are tests' bodies. */
static uint32_t
crc_update(uint32_t crc, const char *p, size_t n)
{
	crc = ~crc;
	for (size_t i = 0; i < n; i++) {
		crc ^= (unsigned char)p[i];
		for (int bit = 0; bit < CRC_POLYNOMIAL_BITS; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320U : crc >> 1;
	}
	return ~crc;
}

static void
put_little_endian(struct buf *out, uint32_t v, int octets)
{
	for (int i = 0; i < octets; i++)
		buf_putc(out, (char)(v >> 8 * i & 0xff));
}

static void
put_block(struct buf *out, const char *p, size_t n, bool last)
{
	buf_putc(out, last);
	put_little_endian(out, (uint32_t)n, 2);
	put_little_endian(out, ~(uint32_t)n & 0xffff, 2);
	buf_put(out, p, n);
}

static void
begin(struct replay_gzip *gzip, struct buf *out)
{
	/* Magic, deflate, no flags, no time, no extra flags, operating system unknown. */
	static const char head[10] = { 0x1f, (char)0x8b, 8, 0, 0, 0, 0, 0, 0, (char)0xff };

	if (!gzip->began)
		buf_put(out, head, sizeof head);
	gzip->began = true;
}

void
replay_gzip_put(struct replay_gzip *gzip, struct buf *out, const char *p, size_t n)
{
	begin(gzip, out);
	gzip->crc = crc_update(gzip->crc, p, n);
	gzip->size += (uint32_t)n;
	while (n > 0) {
		size_t block = n < STORED_MAX ? n : STORED_MAX;

		put_block(out, p, block, false);
		p += block;
		n -= block;
	}
}

void
replay_gzip_finish(struct replay_gzip *gzip, struct buf *out)
{
	begin(gzip, out);
	put_block(out, NULL, 0, true);
	put_little_endian(out, gzip->crc, 4);
	put_little_endian(out, gzip->size, 4);
}
