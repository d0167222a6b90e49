/* SPDX-License-Identifier: MIT */
/* Hashes of texts, for tables in memory. */
#ifndef PEEPS_READER_HASH_H
#define PEEPS_READER_HASH_H

#include <stdint.h>

/* Another seed makes other texts collide. */
static inline uint64_t peeps_hash_text(uint64_t seed, const char *text)
{
	uint64_t hash = seed ^ UINT64_C(0xcbf29ce484222325);

	for (; *text; text++) {
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
		hash ^= hash >> 29;
	}
	return hash;
}

#endif
