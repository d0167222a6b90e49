/* SPDX-License-Identifier: MIT */
/*
 * A pthread rwlock that a reader can look at: who reads, who writes, since when and from where, who
 * waits for what.
 *
 * Every call returns what its pthread counterpart returns, and does to the program what that does.
 * Telemetry that is off, full or failed changes nothing else. Compiled with PEEPS_DISABLE, the calls
 * are the plain pthread ones.
 *
 * Who reads writes to memory of its own thread only, so that readers do not wait for each other's
 * cache lines more than they did before. A thread's first read of another lock than last time costs
 * a call; up to PEEPS_READS_MAX locks are seen to be read by one thread at once.
 *
 * In a signal handler these are as unsafe as pthread's own.
 */
#ifndef PEEPS_RWLOCK_H
#define PEEPS_RWLOCK_H

#include <errno.h>
#include <pthread.h>
#include <time.h>

#ifdef PEEPS_DISABLE
#include <peeps/disabled.h>

#ifdef __cplusplus
extern "C" {
#endif

struct peeps_rwlock {
	pthread_rwlock_t raw;
};

#define PEEPS_RWLOCK_INIT(name)            \
	{                                  \
		PTHREAD_RWLOCK_INITIALIZER \
	}
#define peeps_rwlock_init(l, name, attr)     ((void)(name), pthread_rwlock_init(&(l)->raw, (attr)))
#define peeps_rwlock_rdlock(l)               pthread_rwlock_rdlock(&(l)->raw)
#define peeps_rwlock_tryrdlock(l)            pthread_rwlock_tryrdlock(&(l)->raw)
#define peeps_rwlock_timedrdlock(l, abstime) pthread_rwlock_timedrdlock(&(l)->raw, (abstime))
#define peeps_rwlock_wrlock(l)               pthread_rwlock_wrlock(&(l)->raw)
#define peeps_rwlock_trywrlock(l)            pthread_rwlock_trywrlock(&(l)->raw)
#define peeps_rwlock_timedwrlock(l, abstime) pthread_rwlock_timedwrlock(&(l)->raw, (abstime))
#define peeps_rwlock_unlock(l)               pthread_rwlock_unlock(&(l)->raw)
#define peeps_rwlock_destroy(l)              pthread_rwlock_destroy(&(l)->raw)

#ifdef __cplusplus
}
#endif

#else /* !PEEPS_DISABLE */

#include <peeps/api.h>
#include <peeps/hook.h>
#include <peeps/section.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct peeps_rwlock - may be used wherever a pthread_rwlock_t may
 * @raw: for foreign code. What is done to it directly is not seen
 */
struct peeps_rwlock {
	pthread_rwlock_t raw;
	struct peeps_hook hook;
};

/* A constant expression, C and C++, any linkage. The name is a string literal; this is the entity's
 * place. */
#define PEEPS_RWLOCK_INIT(name)                                   \
	{                                                         \
		PTHREAD_RWLOCK_INITIALIZER, PEEPS_HOOK_INIT(name) \
	}

/**
 * peeps_rwlock_init - pthread_rwlock_init(), and an entity
 * @name: copied; need not be unique; NULL: named after the place of the call
 *
 * The plain symbols, for bindings and function pointers; the macros below add the place of the
 * call.
 */
PEEPS_API int peeps_rwlock_init(struct peeps_rwlock *l, const char *name,
				const pthread_rwlockattr_t *attr);
PEEPS_API int peeps_rwlock_rdlock(struct peeps_rwlock *l);
PEEPS_API int peeps_rwlock_tryrdlock(struct peeps_rwlock *l);
PEEPS_API int peeps_rwlock_timedrdlock(struct peeps_rwlock *l, const struct timespec *abstime);
PEEPS_API int peeps_rwlock_wrlock(struct peeps_rwlock *l);
PEEPS_API int peeps_rwlock_trywrlock(struct peeps_rwlock *l);
PEEPS_API int peeps_rwlock_timedwrlock(struct peeps_rwlock *l, const struct timespec *abstime);

/* Of whichever of the two the caller has. A read lock may be unlocked as another actor than it was
 * taken as; by another thread only of a task that moved there. */
PEEPS_API int peeps_rwlock_unlock(struct peeps_rwlock *l);
PEEPS_API int peeps_rwlock_destroy(struct peeps_rwlock *l);

/* Out of line: everything that is not the plain uncontended case. @write: 0 = to read. @abstime
 * NULL: wait for ever. Each does the whole of what its name says. */
PEEPS_API int peeps_rwlock_init_at(struct peeps_rwlock *l, const char *name,
				   const pthread_rwlockattr_t *attr, struct peeps_site *site);
PEEPS_API int peeps_rwlock_try_slow(struct peeps_rwlock *l, int write, struct peeps_site *site);
PEEPS_API int peeps_rwlock_lock_slow(struct peeps_rwlock *l, int write,
				     const struct timespec *abstime, struct peeps_site *site);
PEEPS_API int peeps_rwlock_lock_after_try(struct peeps_rwlock *l, int write,
					  const struct timespec *abstime, struct peeps_site *site,
					  int tried);
PEEPS_API void peeps_rwlock_acquired_slow(struct peeps_rwlock *l, int write,
					  struct peeps_site *site);
PEEPS_API void peeps_rwlock_count_reads(struct peeps_rwlock *l);
PEEPS_API int peeps_rwlock_unlock_slow(struct peeps_rwlock *l);

/* The lock has an entity in this process, the site an id, the thread (as far as is known) a
 * record. */
PEEPS_INLINE int peeps_rwlock_quick(const struct peeps_rwlock *l, const struct peeps_site *site)
{
	return peeps_hook_ready(&l->hook) && peeps_load_relaxed(&site->id) != 0;
}

/* The hold that the thread used last is of this lock, and the calling actor's. */
PEEPS_INLINE int peeps_rwlock_read_last(const struct peeps_rwlock *l,
					const struct peeps_edge_slot *hold)
{
	return peeps_load_relaxed(&hold->src) == peeps_load_relaxed(&l->hook.slot->identity) &&
	       peeps_load_relaxed(&hold->dst) == peeps_load_relaxed(&peeps_tls.thread->actor);
}

PEEPS_INLINE uint32_t peeps_rwlock_reads(const struct peeps_edge_slot *hold)
{
	/* Acquire: whoever gave this back for a task that had moved to it has done with the slot.
	 * Pairs with writer/reads.c. */
	return (uint32_t)(peeps_load_acquire(&hold->wait) & PEEPS_EDGE_POLL_COUNT_MASK);
}

PEEPS_INLINE int peeps_rwlock_quick_read(const struct peeps_rwlock *l,
					 const struct peeps_site *site)
{
	const struct peeps_edge_slot *const hold = peeps_tls.read->slot;

	return peeps_rwlock_quick(l, site) && peeps_rwlock_read_last(l, hold) &&
	       peeps_rwlock_reads(hold) == 0;
}

/* Report that the calling thread reads: its last hold, which was one of this lock, begins anew. */
PEEPS_INLINE void peeps_rwlock_read_acquired(struct peeps_rwlock *l, struct peeps_site *site,
					     uint64_t tick_ns)
{
	struct peeps_thread *const thread = peeps_tls.thread;
	struct peeps_read *const read = peeps_tls.read;
	struct peeps_edge_slot *const hold = read->slot;
	uint64_t epoch;

	/* A writer: it unlocked behind our back. */
	if (peeps_unlikely(peeps_section_is_open(thread) ||
			   peeps_load_relaxed(&l->hook.slot->body[PEEPS_RWLOCK_HOLDER_WORD]) !=
				   0)) {
		peeps_rwlock_acquired_slow(l, 0, site);
		return;
	}
	epoch = peeps_section_begin(thread, peeps_tls.control, hold);
	peeps_edge_touch(hold, epoch, thread);
	/* Which of the slot's holds this is: one more. And held once. */
	peeps_store_relaxed(&hold->wait,
			    ((peeps_load_relaxed(&hold->wait) >> PEEPS_EDGE_WAIT_SEQUENCE_SHIFT) +
			     1) << PEEPS_EDGE_WAIT_SEQUENCE_SHIFT |
				    1);
	PEEPS_STEP(PEEPS_STEP_SECTION_HALF);
	peeps_store_relaxed(&hold->pending_since_ns, tick_ns);
	peeps_store_relaxed(&hold->last_change_ns, tick_ns);
	peeps_store_relaxed(&hold->origin, peeps_load_relaxed(&site->id) & PEEPS_EDGE_SITE_MASK);
	peeps_section_end(thread);
	if (peeps_unlikely(--read->left == 0))
		peeps_rwlock_count_reads(l);
}

/* Report that the calling thread writes. */
PEEPS_INLINE void peeps_rwlock_write_acquired(struct peeps_rwlock *l, struct peeps_site *site,
					      uint64_t tick_ns)
{
	struct peeps_thread *const thread = peeps_tls.thread;
	struct peeps_entity_slot *const slot = l->hook.slot;
	uint64_t *const body = slot->body;
	uint64_t epoch;

	if (peeps_unlikely(peeps_section_is_open(thread) ||
			   peeps_load_relaxed(&body[PEEPS_RWLOCK_HOLDER_WORD]) != 0)) {
		peeps_rwlock_acquired_slow(l, 1, site);
		return;
	}
	epoch = peeps_section_begin(thread, peeps_tls.control, slot);
	peeps_entity_touch(slot, epoch, thread);
	peeps_store_relaxed(&body[PEEPS_RWLOCK_HOLDER_WORD], peeps_load_relaxed(&thread->actor));
	PEEPS_STEP(PEEPS_STEP_SECTION_HALF);
	peeps_store_relaxed(&body[PEEPS_RWLOCK_HELD_SINCE_WORD], tick_ns);
	peeps_store_relaxed(&body[PEEPS_RWLOCK_HELD_SITE_WORD],
			    (peeps_load_relaxed(&body[PEEPS_RWLOCK_HELD_SITE_WORD]) &
			     ((UINT64_C(1) << PEEPS_RWLOCK_ANONYMOUS_UNLOCKS_BITS) - 1)
				     << PEEPS_RWLOCK_ANONYMOUS_UNLOCKS_SHIFT) |
				    (peeps_load_relaxed(&site->id) & PEEPS_EDGE_SITE_MASK));
	peeps_store_relaxed(&body[PEEPS_RWLOCK_ACQUIRES_WORD],
			    peeps_load_relaxed(&body[PEEPS_RWLOCK_ACQUIRES_WORD]) + 1);
	peeps_section_end(thread);
}

PEEPS_INLINE int peeps_rwlock_tryrdlock_at(struct peeps_rwlock *l, struct peeps_site *site)
{
	uint64_t tick_ns;
	int tried;

	if (peeps_unlikely(!peeps_rwlock_quick_read(l, site)))
		return peeps_rwlock_try_slow(l, 0, site);
	/* Before the lock is asked for: a hold is never shown shorter than it is. 0 = no tick runs,
	 * no honest stamp. */
	tick_ns = peeps_load_relaxed(&peeps_tls.control->tick_ns);
	tried = pthread_rwlock_tryrdlock(&l->raw);
	if (peeps_likely(tried == 0))
		peeps_rwlock_read_acquired(l, site, tick_ns);
	return tried;
}

PEEPS_INLINE int peeps_rwlock_trywrlock_at(struct peeps_rwlock *l, struct peeps_site *site)
{
	uint64_t tick_ns;
	int tried;

	if (peeps_unlikely(!peeps_rwlock_quick(l, site)))
		return peeps_rwlock_try_slow(l, 1, site);
	tick_ns = peeps_load_relaxed(&peeps_tls.control->tick_ns);
	tried = pthread_rwlock_trywrlock(&l->raw);
	if (peeps_likely(tried == 0))
		peeps_rwlock_write_acquired(l, site, tick_ns);
	return tried;
}

/* pthread looks at the time before it looks at the lock. */
PEEPS_INLINE int peeps_rwlock_time_is_sound(const struct timespec *abstime)
{
	return !abstime || (abstime->tv_nsec >= 0 && abstime->tv_nsec < 1000000000);
}

PEEPS_INLINE int peeps_rwlock_read_at(struct peeps_rwlock *l, const struct timespec *abstime,
				      struct peeps_site *site)
{
	uint64_t tick_ns;
	int tried;

	if (peeps_unlikely(!peeps_rwlock_quick_read(l, site) ||
			   !peeps_rwlock_time_is_sound(abstime)))
		return peeps_rwlock_lock_slow(l, 0, abstime, site);
	tick_ns = peeps_load_relaxed(&peeps_tls.control->tick_ns);
	tried = pthread_rwlock_tryrdlock(&l->raw);
	if (peeps_unlikely(tried != 0))
		return peeps_rwlock_lock_after_try(l, 0, abstime, site, tried);
	peeps_rwlock_read_acquired(l, site, tick_ns);
	return 0;
}

PEEPS_INLINE int peeps_rwlock_write_at(struct peeps_rwlock *l, const struct timespec *abstime,
				       struct peeps_site *site)
{
	uint64_t tick_ns;
	int tried;

	if (peeps_unlikely(!peeps_rwlock_quick(l, site) || !peeps_rwlock_time_is_sound(abstime)))
		return peeps_rwlock_lock_slow(l, 1, abstime, site);
	tick_ns = peeps_load_relaxed(&peeps_tls.control->tick_ns);
	tried = pthread_rwlock_trywrlock(&l->raw);
	if (peeps_unlikely(tried != 0))
		return peeps_rwlock_lock_after_try(l, 1, abstime, site, tried);
	peeps_rwlock_write_acquired(l, site, tick_ns);
	return 0;
}

/* After the section that says so, except where the tests turn that round. */
PEEPS_INLINE int peeps_rwlock_unlock_raw(struct peeps_rwlock *l)
{
	return PEEPS_MUTATED(UNLOCK_FIRST) ? 0 : pthread_rwlock_unlock(&l->raw);
}

PEEPS_INLINE int peeps_rwlock_unlock_inline(struct peeps_rwlock *l)
{
	struct peeps_thread *thread;
	struct peeps_edge_slot *hold;
	struct peeps_entity_slot *slot;
	uint64_t epoch;

	if (peeps_unlikely(!peeps_hook_ready(&l->hook) || peeps_section_is_open(peeps_tls.thread)))
		return peeps_rwlock_unlock_slow(l);
	thread = peeps_tls.thread;
	hold = peeps_tls.read->slot;
	if (peeps_rwlock_read_last(l, hold) && peeps_rwlock_reads(hold) != 0) {
		if (PEEPS_MUTATED(UNLOCK_FIRST))
			(void)pthread_rwlock_unlock(&l->raw);
		epoch = peeps_section_begin(thread, peeps_tls.control, hold);
		peeps_edge_touch(hold, epoch, thread);
		peeps_store_relaxed(&hold->wait, peeps_load_relaxed(&hold->wait) - 1);
		peeps_section_end(thread);
		return peeps_rwlock_unlock_raw(l);
	}
	slot = l->hook.slot;
	if (peeps_unlikely(peeps_load_relaxed(&slot->body[PEEPS_RWLOCK_HOLDER_WORD]) !=
			   peeps_load_relaxed(&thread->actor)))
		return peeps_rwlock_unlock_slow(l);
	if (PEEPS_MUTATED(UNLOCK_FIRST))
		(void)pthread_rwlock_unlock(&l->raw);
	epoch = peeps_section_begin(thread, peeps_tls.control, slot);
	peeps_entity_touch(slot, epoch, thread);
	peeps_store_relaxed(&slot->body[PEEPS_RWLOCK_HOLDER_WORD], 0);
	peeps_section_end(thread);
	return peeps_rwlock_unlock_raw(l);
}

#define peeps_rwlock_init(l, name, attr)     peeps_rwlock_init_at((l), (name), (attr), PEEPS_HERE)
#define peeps_rwlock_rdlock(l)               peeps_rwlock_read_at((l), 0, PEEPS_HERE)
#define peeps_rwlock_tryrdlock(l)            peeps_rwlock_tryrdlock_at((l), PEEPS_HERE)
#define peeps_rwlock_timedrdlock(l, abstime) peeps_rwlock_read_at((l), (abstime), PEEPS_HERE)
#define peeps_rwlock_wrlock(l)               peeps_rwlock_write_at((l), 0, PEEPS_HERE)
#define peeps_rwlock_trywrlock(l)            peeps_rwlock_trywrlock_at((l), PEEPS_HERE)
#define peeps_rwlock_timedwrlock(l, abstime) peeps_rwlock_write_at((l), (abstime), PEEPS_HERE)
#define peeps_rwlock_unlock(l)               peeps_rwlock_unlock_inline(l)

#ifdef __cplusplus
}
#endif

#endif /* !PEEPS_DISABLE */
#endif
