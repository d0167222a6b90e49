/* SPDX-License-Identifier: MIT */
/*
 * Slots for the rwlocks that threads read: a `holds` edge each, in a slot of the thread's own that serves one lock after
 * the other. So who reads writes nothing that another reader writes, and nothing grows with locks, or with their readers.
 *
 * A slot is written by the thread that has it; but a task that moved on while it read gives its hold back from where it is
 * then, and that is the last that is written of it (docs/protocol.md, rule 3).
 */
#ifndef PEEPS_WRITER_READS_H
#define PEEPS_WRITER_READS_H

#include <stdbool.h>
#include <stdint.h>

#include <peeps/hook.h>
#include "writer/holder.h"
#include "writer/thread.h"

/* See to it that reads_take() has a slot. Context: none of the program's locks is held, nor is the process lock. */
void reads_prepare(struct self *self, uint64_t lock);

/**
 * reads_take - where the calling actor's hold of a lock is, or will be
 *
 * Returns NULL without room. Context: the calling thread reads the lock.
 */
struct peeps_read *reads_take(struct self *self, uint64_t lock);

/* The same without a look at the library's own affairs; NULL if that does not do. Context: the thread has a record, and may
 * take the fast path (peeps_hook_ready()). */
struct peeps_read *reads_at_hand(uint64_t lock);

/* Its hold of the lock is what the thread used last. */
void reads_turn_to(struct peeps_read *read, uint64_t lock);

/* In a forked child: the calling thread has another record. */
void reads_forget(void);

/**
 * reads_find - what the calling thread gives back when it unlocks a lock
 *
 * Its actor's; else another of its own actors'; else its actor's that it took on another thread. Returns the slot, or NULL
 * if it is not seen to read it.
 */
struct peeps_edge_slot *reads_find(struct self *self, uint64_t lock);

static inline uint32_t read_count(const struct peeps_edge_slot *slot)
{
	/* Acquire: pairs with read_write_less(). */
	return (uint32_t)(peeps_load_acquire(&slot->wait) & PEEPS_EDGE_POLL_COUNT_MASK);
}

/* --- inside a section that declares the slot and has touched it --- */

/* Read once more; the first time, since and from where @stamp says. */
void read_write_more(struct peeps_edge_slot *slot, uint64_t lock, uint64_t actor,
		     const struct holder_stamp *stamp);
void read_write_less(struct peeps_edge_slot *slot);

#endif
