/* SPDX-License-Identifier: MIT */
#include "writer/update.h"

#include <pthread.h>
#include <signal.h>

#include "writer/process.h"
#include "writer/segment.h"

/* A frame that cannot be told to be gone (not signed yet, or the program went on below it) is taken
 * to be alive, but not for ever: so many entries of its thread may find it so. No handler locks as
 * often in one go. */
#define PATIENCE 4096

/* Threads beyond the last record share record 0, one at a time, with signals blocked. */
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static sigset_t shared_mask; /* of the thread that holds it */

void update_reset_locks(void)
{
	shared_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

static bool outer_is_gone(const struct peeps_thread *record, uint64_t caller_stack)
{
	static __thread uint64_t met_txn;
	static __thread unsigned int met_count;
	const uint64_t stack = peeps_load_relaxed(&record->stack);
	const uint64_t txn = peeps_load_relaxed(&record->txn);

	if (stack != 0 && stack_is_gone(stack, caller_stack))
		return true;
	if (txn != met_txn) {
		met_txn = txn;
		met_count = 0;
	}
	return ++met_count > PATIENCE;
}

/* Add slots to the write set behind the first @from. The count first: a handler that comes between the
 * stores then adds behind ours, and not over them. */
static void declare(struct peeps_thread *record, unsigned int from, const void *const *slots,
		    unsigned int count)
{
	const uint64_t first =
		from > 0 ? peeps_load_relaxed(&record->write_set[0]) & ~PEEPS_WRITE_SET_COUNT_MASK
		: count > 0 ? peeps_slot_offset(peeps_segment.control, slots[0])
			    : 0;

	peeps_store_relaxed(&record->write_set[0], first | (from + count));
	for (unsigned int i = from > 0 ? 0 : 1; i < count; i++) {
		peeps_barrier_compiler();
		peeps_store_relaxed(&record->write_set[from + i],
				    peeps_slot_offset(peeps_segment.control, slots[i]));
	}
}

static bool declares(const struct peeps_thread *record, unsigned int declared,
		     const void *const *slots, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		for (unsigned int j = 0; j < declared; j++)
			if ((peeps_load_relaxed(&record->write_set[j]) &
			     ~PEEPS_WRITE_SET_COUNT_MASK) ==
			    peeps_slot_offset(peeps_segment.control, slots[i]))
				return true;
	return false;
}

/* A: as in peeps_section_begin(); without membarrier the machine has to be told here. Pairs with the
 * reader's. */
static void barrier_a(const struct peeps_thread *record)
{
	if (peeps_load_relaxed(&record->fence_mode))
		peeps_fence_full();
	else
		peeps_barrier_compiler();
}

/* A handler's section inside another one: of its own epoch, on slots of its own, over before the
 * outer one goes on. */
static bool begin_nested(struct update *update, const void *const *slots, unsigned int count)
{
	struct peeps_thread *const record = update->record;
	const uint64_t outer_set = peeps_load_relaxed(&record->write_set[0]);
	const unsigned int declared = (unsigned int)(outer_set & PEEPS_WRITE_SET_COUNT_MASK);

	if (declared + count > PEEPS_WRITE_SET_MAX || declares(record, declared, slots, count)) {
		segment_count(PEEPS_COUNTER_DROPPED_NESTED);
		return false;
	}
	declare(record, declared, slots, count);
	update->kind = UPDATE_NESTED;
	update->outer_set = outer_set;
	barrier_a(record); /* the outer section's may be still to come */
	update->epoch = peeps_load_acquire(&peeps_segment.control->epoch);
	return true;
}

static void begin_plain(struct update *update, const void *const *slots, unsigned int count)
{
	struct peeps_thread *const record = update->record;

	peeps_increment_release(&record->txn);
	PEEPS_STEP(PEEPS_STEP_SECTION_ENTERED);
	/* A reader that gives up on this section must not take the next one's write set for its own; without
	 * membarrier it cannot see to that. */
	peeps_fence_release();
	declare(record, 0, slots, count);
	peeps_store_relaxed(&record->stack, update->self->stack);
	PEEPS_STEP(PEEPS_STEP_SECTION_DECLARED);
	barrier_a(record);
	update->kind = UPDATE_PLAIN;
	update->epoch = peeps_load_acquire(&peeps_segment.control->epoch);
	PEEPS_STEP(PEEPS_STEP_SECTION_EPOCH);
}

static void enter_shared_record(struct update *update)
{
	sigset_t mask;

	signals_block(&mask);
	(void)pthread_mutex_lock(&shared_lock);
	shared_mask = mask;
	update->record = segment_row(PEEPS_SECTION_THREADS, 0);
}

static void leave_shared_record(void)
{
	const sigset_t mask = shared_mask;

	(void)pthread_mutex_unlock(&shared_lock);
	signals_restore(&mask);
}

void update_left(const struct self *self, uint64_t frame)
{
	struct peeps_thread *const record = self->record;

	if (record && peeps_section_is_open(record) && peeps_load_relaxed(&record->stack) != 0 &&
	    peeps_load_relaxed(&record->stack) <= frame)
		peeps_increment_release(&record->txn);
}

bool update_begin(struct update *update, struct self *self, const void *const *slots,
		  unsigned int count)
{
	update->self = self;
	update->record = self->record;
	if (!update->record)
		enter_shared_record(update);
	if (peeps_section_is_open(update->record)) {
		if (!outer_is_gone(update->record, self->stack))
			return begin_nested(update, slots, count);
		segment_count(PEEPS_COUNTER_TORN);
		peeps_increment_release(&update->record->txn);
	}
	begin_plain(update, slots, count);
	return true;
}

void update_end(struct update *update)
{
	if (update->kind == UPDATE_NESTED) {
		/* Release: what was written while the slots were declared comes before they no longer are. */
		peeps_store_release(&update->record->write_set[0], update->outer_set);
		return;
	}
	peeps_section_end(update->record);
	if (!update->self->record)
		leave_shared_record();
}
