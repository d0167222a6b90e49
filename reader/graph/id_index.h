/* SPDX-License-Identifier: MIT */
/* From ids to positions, however many there are and whoever chose them. */
#ifndef PEEPS_READER_ID_INDEX_H
#define PEEPS_READER_ID_INDEX_H

#include <stddef.h>
#include <stdint.h>

#define PEEPS_ID_NONE UINT32_MAX /* PEEPS_NO_NODE, where positions are nodes */

struct peeps_id_entry {
	const char *id; /* NULL = free */
	uint32_t hash;  /* the half that says nothing of its place */
	uint32_t position;
};

struct peeps_id_index {
	struct peeps_id_entry *entries; /* open addressing */
	size_t mask;
	uint64_t seed;
};

/**
 * peeps_id_index_init - nothing in it yet
 * @count: at most as many will be added
 *
 * Returns 0 or -ENOMEM. Undo with peeps_id_index_deinit(), which is right on a zeroed one, too.
 */
int peeps_id_index_init(struct peeps_id_index *index, size_t count);
void peeps_id_index_deinit(struct peeps_id_index *index);

/**
 * peeps_id_index_add - an id that is not in it
 * @id: borrowed, NUL-terminated
 *
 * Returns 0; -EEXIST; -ELOOP if so many ids of one hash are no chance.
 */
int peeps_id_index_add(struct peeps_id_index *index, const char *id, uint32_t position);

/**
 * peeps_id_index_find - the position of an id
 *
 * Returns PEEPS_ID_NONE if it is not there.
 */
uint32_t peeps_id_index_find(const struct peeps_id_index *index, const char *id, size_t length);

#endif
