/* SPDX-License-Identifier: MIT */
/*
 * The health table as it lies in its file: the machine's own byte order, every word that changes an atomic. Whoever changes
 * a struct here counts HEALTH_VERSION up. Nothing that is read from it is trusted: it may be any octets.
 */
#ifndef LB_HEALTH_LAYOUT_H
#define LB_HEALTH_LAYOUT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "health/health.h"

#define HEALTH_VERSION 1

/* `lbhealth`, where the lowest octet comes first. */
#define HEALTH_MAGIC UINT64_C(0x68746c616568626c)

/* A row's id that stands for no row: one that is being made, or whose making was cut short. Searches go on behind it. */
#define HEALTH_ID_MAKING 1

/* A slot's word for a row: this bit while a claim is being decided, the requests in flight below it. */
#define HEALTH_TRYING 0x8000u
#define HEALTH_IN_FLIGHT 0x7fffu

struct health_header {
	_Atomic uint64_t magic;		/* written last: 0 while the file is being made */
	uint32_t version;
	uint32_t rows;
	uint32_t slots;
	uint32_t row_size;
	uint64_t size;			/* of the file */
	uint64_t made;			/* unix ms */
	_Atomic uint64_t swept;		/* when the slots were last looked through */
	_Atomic uint32_t slots_used;	/* no slot from here on was ever taken */
};

/* What was seen of a target with one of its keys. The names are padded with NUL; the lengths are those of the whole names. */
struct health_line {
	_Atomic uint32_t provider_len;
	_Atomic uint32_t model_len;
	_Atomic uint32_t key_len;
	_Atomic uint32_t unused;
	_Atomic char provider[PROVIDER_NAME_MAX];
	_Atomic char model[HEALTH_MODEL_MAX];
	_Atomic char key[HEALTH_KEY_MAX];
	_Atomic uint64_t made;		/* unix ms; so the next */
	_Atomic uint64_t touched;	/* the row untouched for longest is the first to be taken over */
	_Atomic uint64_t cool;		/* health_cool_pack */
	_Atomic uint64_t trial;		/* whose half-open trial: slot + 1 in the upper 16 bits, since when below; 0: nobody's */
	_Atomic uint64_t recovered;	/* when a cool-down was last lifted */
	_Atomic uint64_t failed;	/* when an attempt last failed, */
	_Atomic uint32_t failed_fault;	/* how, */
	_Atomic uint32_t failed_status;	/* with which status */
	_Atomic uint64_t first;		/* health_average_pack: time to first content, microseconds */
	_Atomic uint64_t rate;		/* likewise: thousandths of a token a second */
	_Atomic uint64_t turn;		/* for whoever takes turns */
	_Atomic uint64_t requests;	/* claims */
	_Atomic uint64_t trials;
	_Atomic uint64_t results[8];	/* by enum health_result */
	_Atomic uint64_t faults[16];	/* by enum health_fault */
	_Atomic uint64_t tokens[4];	/* input, output, cache read, cache creation */
	_Atomic uint64_t first_sum;	/* ms; of all in first_counts */
	_Atomic uint64_t total_sum;
	_Atomic uint64_t first_counts[HEALTH_BUCKETS];
	_Atomic uint64_t total_counts[HEALTH_BUCKETS];
	_Atomic uint32_t recent_next;	/* where in `recent` the next one goes, modulo its size */
	_Atomic uint32_t recent_unused;
	_Atomic uint32_t recent[HEALTH_RECENT];	/* ms + 1; 0: none yet */
	_Atomic uint64_t spare[83];
};

struct health_table {
	struct health_header header;
	char padding[4096 - sizeof(struct health_header)];
	_Atomic uint64_t ids[HEALTH_ROWS];	/* 0: never used. By open addressing; a row does not move */
	_Atomic uint32_t taken[HEALTH_SLOTS];	/* 1: by a process that lives, or died without giving it back */
	_Atomic uint16_t in_flight[HEALTH_ROWS][HEALTH_SLOTS];
	struct health_line lines[HEALTH_ROWS];
};

_Static_assert(sizeof(struct health_header) == 56, "the same in every build");
_Static_assert(sizeof(struct health_line) == 2048, "likewise");
_Static_assert(offsetof(struct health_table, lines) % 4096 == 0, "pages");
_Static_assert(HEALTH_RESULTS <= 8 && HEALTH_FAULTS <= 16, "counts");
_Static_assert(HEALTH_SLOTS < 0xffff && (HEALTH_ROWS & (HEALTH_ROWS - 1)) == 0, "a trial's owner has 16 bits; a hash is masked");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_SHORT_LOCK_FREE == 2, "an atomic with a lock works in one process only");

#endif
