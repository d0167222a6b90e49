/* SPDX-License-Identifier: MIT */
#include "writer/reads.h"

#include "writer/edge.h"
#include "writer/entity.h"
#include "writer/process.h"
#include "writer/task.h"

#define COUNT_MASK   PEEPS_EDGE_POLL_COUNT_MASK
#define SEQUENCE_ONE (UINT64_C(1) << PEEPS_EDGE_WAIT_SEQUENCE_SHIFT)

/* The calling thread's, once it has read something. */
static __thread struct thread_reads *mine;

static bool is_of(const struct peeps_edge_slot *slot, uint64_t lock)
{
	return peeps_load_relaxed(&slot->src) == lock;
}

static bool is_by(const struct peeps_edge_slot *slot, uint64_t actor)
{
	return peeps_load_relaxed(&slot->dst) == actor;
}

/* A lock that was destroyed while it was read is read no more. */
static bool is_free(const struct peeps_edge_slot *slot)
{
	return read_count(slot) == 0 || !entity_find(peeps_load_relaxed(&slot->src));
}

/* The actor's hold of the lock; else, to begin one, a free slot: the one that was the actor's last of this lock, or the
 * one that was taken longest ago. */
static struct peeps_read *choose(struct thread_reads *own, uint64_t lock, uint64_t actor)
{
	struct peeps_read *chosen = NULL;

	for (uint32_t step = 1; step <= own->count; step++) {
		struct peeps_read *const read = &own->reads[(own->last + step) % own->count];

		if (is_of(read->slot, lock) && is_by(read->slot, actor))
			return read;
		if (!chosen && is_free(read->slot))
			chosen = read;
	}
	return chosen;
}

static void add(struct thread_reads *own)
{
	struct peeps_edge_slot *const slot = own->count < PEEPS_READS_MAX ? edge_take() : NULL;

	if (!slot)
		return;
	own->reads[own->count] = (struct peeps_read){ .slot = slot, .left = 1, .lot = 1 };
	/* Release: pairs with look_elsewhere(). */
	__atomic_store_n(&own->count, own->count + 1, __ATOMIC_RELEASE);
}

void reads_prepare(struct self *self, uint64_t lock)
{
	struct thread_reads *const own = thread_reads_of(self);

	if (own && !choose(own, lock, self_actor(self)))
		add(own);
}

void reads_turn_to(struct peeps_read *read, uint64_t lock)
{
	mine->last = (uint32_t)(read - mine->reads);
	if (!is_of(read->slot, lock)) {
		read->left = 1;
		read->lot = 1;
	}
	peeps_tls.read = read;
}

struct peeps_read *reads_at_hand(uint64_t lock)
{
	return mine ? choose(mine, lock, peeps_load_relaxed(&peeps_tls.thread->actor)) : NULL;
}

struct peeps_read *reads_take(struct self *self, uint64_t lock)
{
	struct thread_reads *const own = thread_reads_of(self);
	struct peeps_read *const read = own ? choose(own, lock, self_actor(self)) : NULL;

	mine = own;
	if (read)
		reads_turn_to(read, lock);
	return read;
}

void reads_forget(void)
{
	mine = NULL;
}

/* A task's hold, in the slots of the thread that it ran on when it locked. */
static struct peeps_edge_slot *look_elsewhere(uint64_t lock, uint64_t actor)
{
	struct thread_reads *other;

	for (uint32_t record = 1; (other = thread_reads_at(record)) != NULL; record++) {
		/* Acquire: pairs with add(). */
		const uint32_t count = __atomic_load_n(&other->count, __ATOMIC_ACQUIRE);

		for (uint32_t i = 0; i < count; i++) {
			struct peeps_edge_slot *const slot = other->reads[i].slot;

			if (read_count(slot) != 0 && is_of(slot, lock) && is_by(slot, actor))
				return slot;
		}
	}
	return NULL;
}

struct peeps_edge_slot *reads_find(struct self *self, uint64_t lock)
{
	struct thread_reads *const own = thread_reads_of(self);
	const uint64_t actor = self_actor(self);
	struct peeps_edge_slot *found = NULL;

	for (uint32_t i = 0; own && i < own->count; i++) {
		struct peeps_edge_slot *const slot = own->reads[i].slot;

		if (read_count(slot) == 0 || !is_of(slot, lock))
			continue;
		if (is_by(slot, actor))
			return slot;
		if (task_is_here(self, peeps_load_relaxed(&slot->dst)))
			found = slot;
	}
	return found || actor == task_thread_of(self) ? found : look_elsewhere(lock, actor);
}

void read_write_more(struct peeps_edge_slot *slot, uint64_t lock, uint64_t actor,
		     const struct holder_stamp *stamp)
{
	const uint64_t word = peeps_load_relaxed(&slot->wait);

	if ((word & COUNT_MASK) != 0 && is_of(slot, lock) && is_by(slot, actor)) {
		peeps_store_relaxed(&slot->wait, word + 1);
		return;
	}
	if (!is_of(slot, lock) || !is_by(slot, actor)) {
		peeps_store_relaxed(
			&slot->status,
			edge_next_life(slot) |
				(uint64_t)PEEPS_HOLD_MODE_READ << PEEPS_HOLD_MODE_SHIFT |
				(uint64_t)PEEPS_HOLD_ROLE_LOCK << PEEPS_HOLD_ROLE_SHIFT |
				(uint64_t)PEEPS_EDGE_HOLDS << PEEPS_EDGE_KIND_SHIFT);
		peeps_store_relaxed(&slot->src, lock);
		peeps_store_relaxed(&slot->dst, actor);
	}
	peeps_store_relaxed(&slot->wait, ((word & ~COUNT_MASK) + SEQUENCE_ONE) | 1);
	peeps_store_relaxed(&slot->pending_since_ns, stamp->since_ns);
	peeps_store_relaxed(&slot->last_change_ns, stamp->since_ns);
	peeps_store_relaxed(&slot->origin, (stamp->site & PEEPS_EDGE_SITE_MASK) |
						   (stamp->exact ? PEEPS_HOLD_EXACT : 0)
							   << PEEPS_EDGE_REASON_SHIFT);
}

void read_write_less(struct peeps_edge_slot *slot)
{
	/* Release: all else that was written here, for the thread whose slot it is. Pairs with read_count(). */
	peeps_store_release(&slot->wait, peeps_load_relaxed(&slot->wait) - 1);
}
