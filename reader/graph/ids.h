/* SPDX-License-Identifier: MIT */
/* Node ids: `{prefix}:{proc_key}:{name}`, and no two alike whatever the targets claim. */
#ifndef PEEPS_READER_IDS_H
#define PEEPS_READER_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "reader/graph/id_index.h"

struct peeps_arena;

struct peeps_ids {
	struct peeps_arena *arena;
	struct peeps_id_index index;
	size_t count; /* as many may be issued */
	uint64_t issued;
	uint64_t doubles; /* ids that were taken, and got a suffix */
};

/**
 * peeps_ids_init - no ids yet
 * @count: at most as many will be issued
 *
 * Returns 0 or -ENOMEM. Undo with peeps_ids_deinit(), which is right on a zeroed one, too.
 */
int peeps_ids_init(struct peeps_ids *ids, struct peeps_arena *arena, size_t count);
void peeps_ids_deinit(struct peeps_ids *ids);

/**
 * peeps_ids_issue - the id itself, or, if it is taken, the id with a suffix that no other has
 * @id:   lives as long as the ids do; NULL is handed through
 * @node: whose it is from now on; PEEPS_NO_NODE = no node's
 *
 * Returns NULL without memory.
 */
const char *peeps_ids_issue(struct peeps_ids *ids, const char *id, uint32_t node);

/**
 * peeps_ids_make - issue the id `{stem}{key}{suffix}`, or `{stem}{key}~{ordinal}{suffix}`
 * @key:     NULL is handed through
 * @ordinal: 0 = none
 *
 * Returns NULL without memory.
 */
const char *peeps_ids_make(struct peeps_ids *ids, const char *stem, const char *key,
			   uint32_t ordinal, const char *suffix, uint32_t node);

/* The node whose id that is; PEEPS_NO_NODE if it is no node's. */
uint32_t peeps_ids_find(const struct peeps_ids *ids, const char *id);

/**
 * peeps_proc_key - `{sanitized name}-{pid}`, of [a-z0-9._-] only
 *
 * Returns NULL without memory.
 */
const char *peeps_proc_key(struct peeps_arena *arena, const char *name, uint32_t pid);

#endif
