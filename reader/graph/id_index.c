/* SPDX-License-Identifier: MIT */
#include "reader/graph/id_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "reader/graph/hash.h"

#define PROBES_MAX \
	256 /* by chance it takes 72 among a million ids; beyond, somebody has made our hashes collide */

int peeps_id_index_init(struct peeps_id_index *index, size_t count)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): so the kernel gives it */
	const unsigned char *random = (const unsigned char *)getauxval(AT_RANDOM);
	size_t places = 16;

	while (places < 2 * count)
		places *= 2;
	*index = (struct peeps_id_index){ .mask = places - 1 };
	index->entries = calloc(places, sizeof(*index->entries));
	if (!index->entries)
		return -ENOMEM;
	if (random)
		memcpy(&index->seed, random, sizeof(index->seed));
	return 0;
}

void peeps_id_index_deinit(struct peeps_id_index *index)
{
	free(index->entries);
	index->entries = NULL;
}

/* Where an id is or would be; NULL if that is too far away. */
static struct peeps_id_entry *place_of(const struct peeps_id_index *index, const char *id,
				       size_t length, uint64_t hash)
{
	for (size_t probe = 0; probe < PROBES_MAX; probe++) {
		struct peeps_id_entry *entry = &index->entries[(hash + probe) & index->mask];

		if (!entry->id || (entry->hash == hash >> 32 && strlen(entry->id) == length &&
				   memcmp(entry->id, id, length) == 0))
			return entry;
	}
	return NULL;
}

int peeps_id_index_add(struct peeps_id_index *index, const char *id, uint32_t position)
{
	const size_t length = strlen(id);
	const uint64_t hash = peeps_hash_bytes(index->seed, id, length);
	struct peeps_id_entry *entry = place_of(index, id, length, hash);

	if (!entry)
		return -ELOOP;
	if (entry->id)
		return -EEXIST;
	*entry = (struct peeps_id_entry){ .id = id, .hash = hash >> 32, .position = position };
	return 0;
}

uint32_t peeps_id_index_find(const struct peeps_id_index *index, const char *id, size_t length)
{
	const struct peeps_id_entry *entry =
		place_of(index, id, length, peeps_hash_bytes(index->seed, id, length));

	return entry && entry->id ? entry->position : PEEPS_ID_NONE;
}
