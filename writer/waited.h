/* SPDX-License-Identifier: MIT */
/* What a resource says of the waits for it: how many, the longest, and all together. */
#ifndef PEEPS_WRITER_WAITED_H
#define PEEPS_WRITER_WAITED_H

#include <stdint.h>

#include <peeps/atomic.h>
#include <peeps/kinds.h>

/* One format for all kinds. Both stay at their greatest value. */
#define WAITED_COUNT_BITS 32
#define WAITED_LIMIT      ((UINT64_C(1) << WAITED_COUNT_BITS) - 1)

_Static_assert(PEEPS_MUTEX_CONTENDED_SHIFT == 0 &&
		       PEEPS_MUTEX_WAIT_MAX_SHIFT == WAITED_COUNT_BITS &&
		       PEEPS_MUTEX_WAIT_MAX_BITS == 64 - WAITED_COUNT_BITS,
	       "waits of a mutex");
_Static_assert(PEEPS_SEMAPHORE_CONTENDED_SHIFT == 0 &&
		       PEEPS_SEMAPHORE_WAIT_MAX_SHIFT == WAITED_COUNT_BITS &&
		       PEEPS_SEMAPHORE_WAIT_MAX_BITS == 64 - WAITED_COUNT_BITS,
	       "waits of a semaphore");
_Static_assert(PEEPS_RWLOCK_CONTENDED_SHIFT == 0 &&
		       PEEPS_RWLOCK_WAIT_MAX_SHIFT == WAITED_COUNT_BITS &&
		       PEEPS_RWLOCK_WAIT_MAX_BITS == 64 - WAITED_COUNT_BITS,
	       "waits of a rwlock");
_Static_assert(PEEPS_NOTIFY_WAITS_SHIFT == 0 && PEEPS_NOTIFY_WAIT_MAX_SHIFT == WAITED_COUNT_BITS &&
		       PEEPS_NOTIFY_WAIT_MAX_BITS == 64 - WAITED_COUNT_BITS,
	       "waits for a notification");

/* Inside a section that touched the slot: one wait more, of @waited_ns. */
static inline void write_waited(uint64_t *contended_word, uint64_t *total_word, uint64_t waited_ns)
{
	const uint64_t word = peeps_load_relaxed(contended_word);
	const uint64_t waited_us =
		waited_ns / 1000 > WAITED_LIMIT ? WAITED_LIMIT : waited_ns / 1000;
	uint64_t contended = word & WAITED_LIMIT;
	uint64_t longest_us = word >> WAITED_COUNT_BITS;

	if (contended < WAITED_LIMIT)
		contended++;
	if (longest_us < waited_us)
		longest_us = waited_us;
	peeps_store_relaxed(contended_word, contended | longest_us << WAITED_COUNT_BITS);
	peeps_store_relaxed(total_word, peeps_load_relaxed(total_word) + waited_ns);
}

/* The same, of several who go on at once: not part of the cut. */
static inline void add_waited(uint64_t *contended_word, uint64_t *total_word, uint64_t waited_ns)
{
	uint64_t old = peeps_load_relaxed(contended_word), total, new;

	(void)__atomic_fetch_add(total_word, waited_ns, __ATOMIC_RELAXED);
	do {
		new = old;
		total = 0;
		write_waited(&new, &total, waited_ns);
	} while (!__atomic_compare_exchange_n(contended_word, &old, new, 1, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
}

#endif
