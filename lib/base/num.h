/* SPDX-License-Identifier: MIT */
/* Numbers as text: digits only, bounded, the whole string. */
#ifndef LB_BASE_NUM_H
#define LB_BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads `n` octets as a decimal number of at most `max`. False for anything else: no sign, no blank, not empty. */
bool num_parse(const char *p, size_t n, uint64_t max, uint64_t *value);

/* The same in hexadecimal, either case, without `0x`. */
bool num_parse_hex(const char *p, size_t n, uint64_t max, uint64_t *value);

#endif
