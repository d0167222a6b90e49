/* SPDX-License-Identifier: MIT */
/* Hashes of texts, for tables in memory. */
#ifndef PEEPS_READER_HASH_H
#define PEEPS_READER_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Eight bytes at a time. Another seed makes other texts collide. */
static inline uint64_t peeps_hash_bytes(uint64_t seed, const char *bytes, size_t length)
{
	uint64_t hash = (seed ^ UINT64_C(0xcbf29ce484222325)) + length;
	uint64_t word;

	for (; length >= sizeof(word); bytes += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	word = 0;
	memcpy(&word, bytes, length);
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

static inline uint64_t peeps_hash_text(uint64_t seed, const char *text)
{
	return peeps_hash_bytes(seed, text, strlen(text));
}

#endif
