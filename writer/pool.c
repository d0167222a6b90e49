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
	pool->free_tail = POOL_NONE;
	pool->free_count = 0;
	pool->resting_head = POOL_NONE;
	pool->resting_tail = POOL_NONE;
	pool->used = 0;
	pool->full = 0;
	return pool->next && pool->rested_epoch;
}

static void add_free(struct pool *pool, uint32_t index)
{
	if (pool->keep && pool->free_tail != POOL_NONE) {
		pool->next[pool->free_tail] = index;
		pool->next[index] = POOL_NONE;
	} else {
		pool->next[index] = pool->free_head;
		pool->free_head = index;
	}
	if (pool->keep || pool->next[index] == POOL_NONE)
		pool->free_tail = index;
	pool->free_count++;
}

static uint32_t take_free(struct pool *pool)
{
	const uint32_t index = pool->free_head;

	if (index == POOL_NONE)
		return POOL_NONE;
	pool->free_head = pool->next[index];
	if (pool->free_head == POOL_NONE)
		pool->free_tail = POOL_NONE;
	pool->free_count--;
	return index;
}

static void wake_rested(struct pool *pool)
{
	while (pool->resting_head != POOL_NONE &&
	       rest_is_over(pool->rested_epoch[pool->resting_head])) {
		const uint32_t index = pool->resting_head;

		pool->resting_head = pool->next[index];
		if (pool->resting_head == POOL_NONE)
			pool->resting_tail = POOL_NONE;
		add_free(pool, index);
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
	uint32_t index = POOL_NONE;

	if (pool->free_count <= pool->keep)
		wake_rested(pool);
	if (pool->free_count > pool->keep)
		index = take_free(pool);
	if (index == POOL_NONE)
		index = take_fresh(pool);
	if (index == POOL_NONE)
		index = take_free(pool);
	/* Nobody says when a rest is over: while any row rests, asking is worth it. */
	peeps_store_relaxed(&pool->full, index == POOL_NONE && pool->resting_head == POOL_NONE);
	return index;
}

void pool_give(struct pool *pool, uint32_t index, struct rest rest)
{
	peeps_store_relaxed(&pool->full, 0);
	if (rest.over) {
		add_free(pool, index);
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
