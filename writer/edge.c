/* SPDX-License-Identifier: MIT */
#include "writer/edge.h"

#include <signal.h>

#include <peeps/atomic.h>
#include "writer/pool.h"
#include "writer/process.h"
#include "writer/segment.h"
#include "writer/update.h"

/* Finished operations that stay to be seen, at least: 12 KiB of them. */
#define HISTORY 64

#define GENERATION_MASK (PEEPS_REF_GENERATION_MASK << PEEPS_STATUS_GENERATION_SHIFT)

static struct pool edges = { .keep = HISTORY }; /* under the process lock */

bool edges_init(void)
{
	return pool_init(&edges, PEEPS_SECTION_EDGES);
}

struct peeps_edge_slot *edge_at(uint32_t index)
{
	return segment_row(PEEPS_SECTION_EDGES, index);
}

uint32_t edge_index(const struct peeps_edge_slot *slot)
{
	return (uint32_t)(slot - edge_at(0));
}

struct peeps_edge_slot *edge_take_locked(void)
{
	const uint32_t index = pool_take(&edges);

	return index == POOL_NONE ? NULL : edge_at(index);
}

struct peeps_edge_slot *edge_take(void)
{
	struct peeps_edge_slot *slot = NULL;
	sigset_t mask;

	if (pool_may_have(&edges)) {
		process_lock(&mask);
		slot = edge_take_locked();
		process_unlock(&mask);
	}
	return slot;
}

void edge_give(struct peeps_edge_slot *slot, struct rest rest)
{
	sigset_t mask;

	process_lock(&mask);
	edge_give_locked(slot, rest);
	process_unlock(&mask);
}

void edge_give_locked(struct peeps_edge_slot *slot, struct rest rest)
{
	pool_give(&edges, edge_index(slot), rest);
}

bool edge_retire(struct peeps_edge_slot *slot, struct self *self)
{
	const void *const slots[1] = { slot };
	struct update update;
	struct rest rest;

	if (!update_begin(&update, self, slots, 1))
		return false;
	rest = rest_begin(update.epoch);
	peeps_edge_touch(slot, update.epoch, update.record);
	edge_write_nothing(slot);
	update_end(&update);
	edge_give_locked(slot, rest);
	return true;
}

uint64_t edge_life(const struct peeps_edge_slot *slot)
{
	return peeps_load_relaxed(&slot->status) & GENERATION_MASK;
}

uint64_t edge_next_life(const struct peeps_edge_slot *slot)
{
	return segment_next_generation(edge_life(slot) >> PEEPS_STATUS_GENERATION_SHIFT)
	       << PEEPS_STATUS_GENERATION_SHIFT;
}

uint64_t edge_ref(const struct peeps_edge_slot *slot)
{
	return (uint64_t)PEEPS_SPACE_EDGE << PEEPS_REF_SPACE_SHIFT | edge_life(slot) |
	       edge_index(slot);
}

struct peeps_edge_slot *edge_find(uint64_t ref)
{
	const uint64_t index = ref & PEEPS_REF_INDEX_MASK;
	struct peeps_edge_slot *slot;

	if (ref >> PEEPS_REF_SPACE_SHIFT != PEEPS_SPACE_EDGE ||
	    index >= peeps_load_relaxed(&segment_section(PEEPS_SECTION_EDGES)->high_water))
		return NULL;
	slot = edge_at((uint32_t)index);
	return edge_life(slot) == (ref & GENERATION_MASK) && edge_life(slot) != 0 ? slot : NULL;
}

void edge_write_nothing(struct peeps_edge_slot *slot)
{
	peeps_store_relaxed(&slot->status, edge_life(slot));
}
