/* SPDX-License-Identifier: MIT */
/*
 * The update section: a few plain stores that a cut shows all or none of. docs/protocol.md says why
 * this is right.
 *
 *	epoch = peeps_section_begin(thread, control, slot);
 *	peeps_entity_touch(slot, epoch, thread);
 *	... peeps_store_relaxed() into the slot's hot words ...
 *	peeps_section_end(thread);
 *
 * Between begin and end: no call, no lock, no clock, no page touched for the first time.
 */
#ifndef PEEPS_SECTION_H
#define PEEPS_SECTION_H

#include <peeps/atomic.h>
#include <peeps/fault.h>
#include <peeps/layout.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Inside a section already: this is a signal handler that broke into one, or the section's frame is
 * gone. */
PEEPS_INLINE int peeps_section_is_open(const struct peeps_thread *thread)
{
	return (int)(peeps_load_relaxed(&thread->txn) & 1);
}

/* What a write set says of a slot: how far behind the control page it lies. */
PEEPS_INLINE uint64_t peeps_slot_offset(const struct peeps_control *control, const void *slot)
{
	return (uint64_t)((const char *)slot - (const char *)control);
}

/* The frame that the section belongs to: a handler finds by it whether the section can still go on. */
PEEPS_INLINE void peeps_section_sign(struct peeps_thread *thread)
{
#if defined(__x86_64__)
	__asm__ volatile("movq %%rsp, %0" : "=m"(thread->stack));
#else
	peeps_store_relaxed(&thread->stack, (uint64_t)(uintptr_t)__builtin_frame_address(0));
#endif
}

/**
 * peeps_section_begin - enter a section that writes one slot
 *
 * Returns the epoch the section belongs to.
 * Context: the thread's own record, not inside a section, not in fence mode.
 */
PEEPS_INLINE uint64_t peeps_section_begin(struct peeps_thread *thread,
					  const struct peeps_control *control, const void *slot)
{
	uint64_t epoch;

	peeps_increment_release(&thread->txn);
	PEEPS_STEP(PEEPS_STEP_SECTION_ENTERED);
	peeps_store_relaxed(&thread->write_set[0], peeps_slot_offset(control, slot) | 1);
	peeps_section_sign(thread);
	PEEPS_STEP(PEEPS_STEP_SECTION_DECLARED);
	/* A: txn is odd before the epoch is loaded; of the machine, the reader's membarrier sees to
	 * it. Pairs with that. */
	peeps_barrier_compiler();
	/* Acquire: `cut` as it was when that epoch was stored. Pairs with the reader's release of
	 * the epoch. */
	epoch = peeps_load_acquire(&control->epoch);
	PEEPS_STEP(PEEPS_STEP_SECTION_EPOCH);
	return epoch;
}

PEEPS_INLINE void peeps_section_end(struct peeps_thread *thread)
{
	PEEPS_STEP(PEEPS_STEP_SECTION_WRITTEN);
	peeps_barrier_compiler();
	peeps_store_relaxed(&thread->stack, 0);
	/* Release: every word of the section before the even txn. Pairs with the reader's acquire
	 * of txn. */
	peeps_increment_release(&thread->txn);
	PEEPS_STEP(PEEPS_STEP_SECTION_LEFT);
}

/* The hot words as they were, saved for the cut that is being copied. Once a slot and cut. */
PEEPS_INLINE void peeps_words_shadow(uint64_t *shadow, const uint64_t *hot, int count)
{
	int i;

	for (i = 0; i < count; i++)
		peeps_store_relaxed(&shadow[i], peeps_load_relaxed(&hot[i]));
}

/**
 * peeps_entity_touch - before a section's first write to a slot: keep what the cut must show
 *
 * Context: inside a section, which loaded @epoch and declared @slot.
 */
PEEPS_INLINE void peeps_entity_touch(struct peeps_entity_slot *slot, uint64_t epoch,
				     struct peeps_thread *thread)
{
	const uint64_t slot_epoch = peeps_load_relaxed(&slot->epoch);

	if (peeps_likely(slot_epoch == epoch) || PEEPS_MUTATED(NO_TOUCH))
		return;           /* no reader has cut since we last wrote here */
	if (slot_epoch > epoch) { /* only if somebody wrote the control page against the rules */
		peeps_store_relaxed(&thread->order_violations, thread->order_violations + 1);
		return;
	}
	/* F: what the last cut's reader must notice (its epoch is over), before its shadow goes.
	 * Pairs with its last look. */
	peeps_fence_release();
	peeps_words_shadow(slot->shadow, &slot->status, PEEPS_HOT_WORDS);
	PEEPS_STEP(PEEPS_STEP_TOUCH_SHADOWED);
	/* B: the shadow before the epoch that points readers at it. Pairs with C. */
	peeps_store_release(&slot->epoch, epoch);
	/* D: that epoch before any new hot word. Pairs with E. */
	peeps_fence_release();
	PEEPS_STEP(PEEPS_STEP_TOUCH_DONE);
}

/* The same for an edge, whose details are part of the cut. */
PEEPS_INLINE void peeps_edge_touch(struct peeps_edge_slot *slot, uint64_t epoch,
				   struct peeps_thread *thread)
{
	const uint64_t slot_epoch = peeps_load_relaxed(&slot->epoch);

	if (peeps_likely(slot_epoch == epoch) || PEEPS_MUTATED(NO_TOUCH))
		return;
	if (slot_epoch > epoch) {
		peeps_store_relaxed(&thread->order_violations, thread->order_violations + 1);
		return;
	}
	peeps_fence_release(); /* F */
	peeps_words_shadow(slot->shadow, &slot->status, PEEPS_HOT_WORDS);
	peeps_words_shadow(slot->details_shadow, slot->details, PEEPS_DETAIL_WORDS);
	PEEPS_STEP(PEEPS_STEP_TOUCH_SHADOWED);
	peeps_store_release(&slot->epoch, epoch); /* B */
	peeps_fence_release();                    /* D */
	PEEPS_STEP(PEEPS_STEP_TOUCH_DONE);
}

#ifdef __cplusplus
}
#endif

#endif
