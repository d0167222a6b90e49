/* SPDX-License-Identifier: MIT */
/*
 * What a mutex's words say of its holder, written inside a section that touched the slot.
 * For the wrapper, and for locks of the program's own. The wrapper's inline path has the plain case once more.
 */
#ifndef PEEPS_WRITER_HOLDER_H
#define PEEPS_WRITER_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include <peeps/atomic.h>
#include <peeps/fault.h>
#include <peeps/layout.h>

#define HOLDER_SINCE_EXACT (UINT64_C(1) << PEEPS_MUTEX_HELD_SINCE_EXACT_SHIFT)
#define HOLDER_DEPTH_ONE   (UINT64_C(1) << PEEPS_MUTEX_HELD_DEPTH_SHIFT)
#define HOLDER_DEPTH_MASK  (((UINT64_C(1) << PEEPS_MUTEX_HELD_DEPTH_BITS) - 1) * HOLDER_DEPTH_ONE)

/**
 * struct holder_stamp - where and since when a lock is held
 * @since_ns: ptime; 0 = no honest stamp
 * @exact:    the clock's own stamp, not the tick's
 * @site:     id
 */
struct holder_stamp {
	uint64_t since_ns;
	bool exact;
	uint64_t site;
};

/* Ref of the actor that holds it; 0 = nobody. */
static inline uint64_t holder_of(const struct peeps_entity_slot *slot)
{
	return peeps_load_relaxed(&slot->body[PEEPS_MUTEX_HOLDER_WORD]) & ~PEEPS_HOLDER_DEEP;
}

static inline bool holder_may_recur(const struct peeps_entity_slot *slot)
{
	const uint64_t traits = peeps_load_relaxed(&slot->status) >> PEEPS_MUTEX_TYPE_SHIFT;

	return (traits & ((1u << PEEPS_MUTEX_TYPE_BITS) - 1)) == PEEPS_MUTEX_TYPE_RECURSIVE;
}

static inline void holder_write_acquired(struct peeps_entity_slot *slot, uint64_t actor,
					 const struct holder_stamp *stamp)
{
	uint64_t *const body = slot->body;

	peeps_store_relaxed(&body[PEEPS_MUTEX_HOLDER_WORD], actor);
	PEEPS_STEP(PEEPS_STEP_SECTION_HALF);
	peeps_store_relaxed(&body[PEEPS_MUTEX_HELD_SINCE_WORD], stamp->since_ns);
	peeps_store_relaxed(&body[PEEPS_MUTEX_HELD_SITE_WORD],
			    (stamp->site & PEEPS_EDGE_SITE_MASK) |
				    (stamp->exact ? HOLDER_SINCE_EXACT : 0));
	peeps_store_relaxed(&body[PEEPS_MUTEX_ACQUIRES_WORD],
			    peeps_load_relaxed(&body[PEEPS_MUTEX_ACQUIRES_WORD]) + 1);
}

/* Once more by its holder: since and site stay those of the first lock. */
static inline void holder_write_deeper(struct peeps_entity_slot *slot, uint64_t actor)
{
	uint64_t *const body = slot->body;

	peeps_store_relaxed(&body[PEEPS_MUTEX_HOLDER_WORD], actor | PEEPS_HOLDER_DEEP);
	peeps_store_relaxed(&body[PEEPS_MUTEX_HELD_DEPTH_WORD],
			    peeps_load_relaxed(&body[PEEPS_MUTEX_HELD_DEPTH_WORD]) +
				    HOLDER_DEPTH_ONE);
	peeps_store_relaxed(&body[PEEPS_MUTEX_ACQUIRES_WORD],
			    peeps_load_relaxed(&body[PEEPS_MUTEX_ACQUIRES_WORD]) + 1);
}

/* Any other holder unlocked it behind our back, or died with it. */
static inline void holder_write_taken(struct peeps_entity_slot *slot, uint64_t actor,
				      const struct holder_stamp *stamp)
{
	if (holder_of(slot) == actor && holder_may_recur(slot))
		holder_write_deeper(slot, actor);
	else
		holder_write_acquired(slot, actor, stamp);
}

/* Given back by its holder, once. */
static inline void holder_write_released(struct peeps_entity_slot *slot)
{
	uint64_t *const body = slot->body;
	uint64_t held;

	if (!(peeps_load_relaxed(&body[PEEPS_MUTEX_HOLDER_WORD]) & PEEPS_HOLDER_DEEP)) {
		peeps_store_relaxed(&body[PEEPS_MUTEX_HOLDER_WORD], 0);
		return;
	}
	held = peeps_load_relaxed(&body[PEEPS_MUTEX_HELD_DEPTH_WORD]) - HOLDER_DEPTH_ONE;
	peeps_store_relaxed(&body[PEEPS_MUTEX_HELD_DEPTH_WORD], held);
	if ((held & HOLDER_DEPTH_MASK) == 0)
		peeps_store_relaxed(&body[PEEPS_MUTEX_HOLDER_WORD], holder_of(slot));
}

#endif
