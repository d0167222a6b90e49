/* SPDX-License-Identifier: MIT */
#include "writer/pool.h"

#include <peeps/atomic.h>
#include "writer/memory.h"
#include "writer/segment.h"

bool pool_init(struct pool *pool, enum peeps_section_id section)
{
	const uint64_t rows = segment_section(section)->capacity;

	if (!pool->next)
		pool->next = memory_reserve(rows * sizeof(*pool->next));
	if (!pool->rested_epoch)
		pool->rested_epoch = memory_reserve(rows * sizeof(*pool->rested_epoch));
	pool->section = section;
	pool->free_head = POOL_NONE;
	pool->resting_head = POOL_NONE;
	pool->resting_tail = POOL_NONE;
	pool->used = 0;
	pool->full = 0;
	return pool->next && pool->rested_epoch;
}

static void wake_rested(struct pool *pool)
{
	while (pool->resting_head != POOL_NONE &&
	       rest_is_over(pool->rested_epoch[pool->resting_head])) {
		const uint32_t index = pool->resting_head;

		pool->resting_head = pool->next[index];
		if (pool->resting_head == POOL_NONE)
			pool->resting_tail = POOL_NONE;
		pool->next[index] = pool->free_head;
		pool->free_head = index;
	}
}

static uint32_t take_fresh(struct pool *pool)
{
	const uint64_t index = pool->used;

	if (index == segment_section(pool->section)->capacity ||
	    !segment_reserve(pool->section, index + 1))
		return POOL_NONE;
	segment_raise(pool->section, index + 1);
	pool->used++;
	return (uint32_t)index;
}

uint32_t pool_take(struct pool *pool)
{
	uint32_t index;

	if (pool->free_head == POOL_NONE)
		wake_rested(pool);
	index = pool->free_head;
	if (index != POOL_NONE)
		pool->free_head = pool->next[index];
	else
		index = take_fresh(pool);
	peeps_store_relaxed(&pool->full, index == POOL_NONE);
	return index;
}

void pool_give(struct pool *pool, uint32_t index, struct rest rest)
{
	peeps_store_relaxed(&pool->full, 0);
	if (rest.over) {
		pool->next[index] = pool->free_head;
		pool->free_head = index;
		return;
	}
	pool->rested_epoch[index] = rest.epoch;
	pool->next[index] = POOL_NONE;
	if (pool->resting_tail == POOL_NONE)
		pool->resting_head = index;
	else
		pool->next[pool->resting_tail] = index;
	pool->resting_tail = index;
}

bool pool_may_have(const struct pool *pool)
{
	return !peeps_load_relaxed(&pool->full);
}
