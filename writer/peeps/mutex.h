/* SPDX-License-Identifier: MIT */
/*
 * A pthread mutex that a reader can look at: who holds it, since when and where it was locked, who
 * waits.
 *
 * Every call returns what its pthread counterpart returns, and does to the program what that does;
 * types normal, recursive and errorcheck, robust and priority-inheriting ones too. Telemetry that
 * is off, full or failed changes nothing else. Compiled with PEEPS_DISABLE, the calls are the plain
 * pthread ones.
 *
 * In a signal handler these are as unsafe as pthread's own (but trylock and unlock do no harm
 * there).
 */
#ifndef PEEPS_MUTEX_H
#define PEEPS_MUTEX_H

#include <errno.h>
#include <pthread.h>
#include <time.h>

#ifdef PEEPS_DISABLE
#include <peeps/disabled.h>

#ifdef __cplusplus
extern "C" {
#endif

struct peeps_mutex {
	pthread_mutex_t raw;
};

#define PEEPS_MUTEX_INIT(name)            \
	{                                 \
		PTHREAD_MUTEX_INITIALIZER \
	}
#define peeps_mutex_init(m, name, attr)   ((void)(name), pthread_mutex_init(&(m)->raw, (attr)))
#define peeps_mutex_lock(m)               pthread_mutex_lock(&(m)->raw)
#define peeps_mutex_trylock(m)            pthread_mutex_trylock(&(m)->raw)
#define peeps_mutex_timedlock(m, abstime) pthread_mutex_timedlock(&(m)->raw, (abstime))
#define peeps_mutex_unlock(m)             pthread_mutex_unlock(&(m)->raw)
#define peeps_mutex_destroy(m)            pthread_mutex_destroy(&(m)->raw)

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
 * struct peeps_mutex - may be used wherever a pthread_mutex_t may
 * @raw: for foreign code; conditions are in peeps/cond.h. What is done to it directly is not seen until
 *       the next call here.
 */
struct peeps_mutex {
	pthread_mutex_t raw;
	struct peeps_hook hook;
};

/* A constant expression, C and C++, any linkage. The name is a string literal; this is the entity's
 * place. */
#define PEEPS_MUTEX_INIT(name)                                   \
	{                                                        \
		PTHREAD_MUTEX_INITIALIZER, PEEPS_HOOK_INIT(name) \
	}

/**
 * peeps_mutex_init - pthread_mutex_init(), and an entity
 * @name: copied; need not be unique; NULL: named after the place of the call
 *
 * The plain symbols, for bindings and function pointers; the macros below add the place of the
 * call.
 */
PEEPS_API int peeps_mutex_init(struct peeps_mutex *m, const char *name,
			       const pthread_mutexattr_t *attr);
PEEPS_API int peeps_mutex_lock(struct peeps_mutex *m);
PEEPS_API int peeps_mutex_trylock(struct peeps_mutex *m);
PEEPS_API int peeps_mutex_timedlock(struct peeps_mutex *m, const struct timespec *abstime);
PEEPS_API int peeps_mutex_unlock(struct peeps_mutex *m);
PEEPS_API int peeps_mutex_destroy(struct peeps_mutex *m);

/* Out of line: everything that is not the plain uncontended case. Each does the whole of what its
 * name says. */
PEEPS_API int peeps_mutex_init_at(struct peeps_mutex *m, const char *name,
				  const pthread_mutexattr_t *attr, struct peeps_site *site);
PEEPS_API int peeps_mutex_lock_slow(struct peeps_mutex *m, struct peeps_site *site);
PEEPS_API int peeps_mutex_lock_after_try(struct peeps_mutex *m, struct peeps_site *site, int tried);
PEEPS_API int peeps_mutex_trylock_slow(struct peeps_mutex *m, struct peeps_site *site);
PEEPS_API int peeps_mutex_timedlock_slow(struct peeps_mutex *m, const struct timespec *abstime,
					 struct peeps_site *site);
PEEPS_API int peeps_mutex_timedlock_after_try(struct peeps_mutex *m, const struct timespec *abstime,
					      struct peeps_site *site, int tried);
PEEPS_API int peeps_mutex_unlock_slow(struct peeps_mutex *m);
PEEPS_API void peeps_mutex_acquired_slow(struct peeps_mutex *m, struct peeps_site *site);

/* The mutex has an entity in this process, the site an id, the thread (as far as is known) a
 * record. */
PEEPS_INLINE int peeps_mutex_quick(const struct peeps_mutex *m, const struct peeps_site *site)
{
	return peeps_hook_ready(&m->hook) && peeps_load_relaxed(&site->id) != 0;
}

/* Report that the calling thread holds the mutex, which pthread has just said it does. */
PEEPS_INLINE void peeps_mutex_acquired(struct peeps_mutex *m, struct peeps_site *site,
				       uint64_t tick_ns)
{
	struct peeps_thread *const thread = peeps_tls.thread;
	struct peeps_entity_slot *const slot = m->hook.slot;
	uint64_t *const body = slot->body;
	uint64_t epoch;

	/* A holder: locked before by ourselves (recursive), or unlocked behind our back. */
	if (peeps_unlikely(peeps_section_is_open(thread) ||
			   peeps_load_relaxed(&body[PEEPS_MUTEX_HOLDER_WORD]) != 0)) {
		peeps_mutex_acquired_slow(m, site);
		return;
	}
	epoch = peeps_section_begin(thread, peeps_tls.control, slot);
	peeps_entity_touch(slot, epoch, thread);
	peeps_store_relaxed(&body[PEEPS_MUTEX_HOLDER_WORD], peeps_load_relaxed(&thread->actor));
	PEEPS_STEP(PEEPS_STEP_SECTION_HALF);
	peeps_store_relaxed(&body[PEEPS_MUTEX_HELD_SINCE_WORD], tick_ns);
	peeps_store_relaxed(&body[PEEPS_MUTEX_HELD_SITE_WORD], peeps_load_relaxed(&site->id));
	peeps_store_relaxed(&body[PEEPS_MUTEX_ACQUIRES_WORD],
			    peeps_load_relaxed(&body[PEEPS_MUTEX_ACQUIRES_WORD]) + 1);
	peeps_section_end(thread);
}

/* The last tick before the call: a hold is never shown shorter than it is. 0 = no tick runs, no
 * honest stamp. */
PEEPS_INLINE uint64_t peeps_mutex_tick(void)
{
	return peeps_load_relaxed(&peeps_tls.control->tick_ns);
}

PEEPS_INLINE int peeps_mutex_lock_at(struct peeps_mutex *m, struct peeps_site *site)
{
	uint64_t tick_ns;
	int tried;

	if (peeps_unlikely(!peeps_mutex_quick(m, site)))
		return peeps_mutex_lock_slow(m, site);
	tick_ns = peeps_mutex_tick();
	tried = pthread_mutex_trylock(&m->raw);
	if (peeps_unlikely(tried != 0))
		return peeps_mutex_lock_after_try(m, site, tried);
	peeps_mutex_acquired(m, site, tick_ns);
	return 0;
}

PEEPS_INLINE int peeps_mutex_trylock_at(struct peeps_mutex *m, struct peeps_site *site)
{
	uint64_t tick_ns;
	int tried;

	if (peeps_unlikely(!peeps_mutex_quick(m, site)))
		return peeps_mutex_trylock_slow(m, site);
	tick_ns = peeps_mutex_tick();
	tried = pthread_mutex_trylock(&m->raw);
	if (peeps_likely(tried == 0))
		peeps_mutex_acquired(m, site, tick_ns);
	else if (tried == EOWNERDEAD)
		peeps_mutex_acquired_slow(m, site);
	return tried;
}

PEEPS_INLINE int peeps_mutex_timedlock_at(struct peeps_mutex *m, const struct timespec *abstime,
					  struct peeps_site *site)
{
	uint64_t tick_ns;
	int tried;

	if (peeps_unlikely(!peeps_mutex_quick(m, site)))
		return peeps_mutex_timedlock_slow(m, abstime, site);
	tick_ns = peeps_mutex_tick();
	tried = pthread_mutex_trylock(&m->raw);
	if (peeps_unlikely(tried != 0))
		return peeps_mutex_timedlock_after_try(m, abstime, site, tried);
	peeps_mutex_acquired(m, site, tick_ns);
	return 0;
}

PEEPS_INLINE int peeps_mutex_unlock_inline(struct peeps_mutex *m)
{
	struct peeps_thread *thread;
	struct peeps_entity_slot *slot;
	uint64_t epoch;

	if (peeps_unlikely(!peeps_hook_ready(&m->hook)))
		return peeps_mutex_unlock_slow(m);
	thread = peeps_tls.thread;
	slot = m->hook.slot;
	if (peeps_unlikely(peeps_section_is_open(thread) ||
			   peeps_load_relaxed(&slot->body[PEEPS_MUTEX_HOLDER_WORD]) !=
				   peeps_load_relaxed(&thread->actor)))
		return peeps_mutex_unlock_slow(m);
	epoch = peeps_section_begin(thread, peeps_tls.control, slot);
	peeps_entity_touch(slot, epoch, thread);
	peeps_store_relaxed(&slot->body[PEEPS_MUTEX_HOLDER_WORD], 0);
	peeps_section_end(thread);
	return pthread_mutex_unlock(&m->raw);
}

#define peeps_mutex_init(m, name, attr)   peeps_mutex_init_at((m), (name), (attr), PEEPS_HERE)
#define peeps_mutex_lock(m)               peeps_mutex_lock_at((m), PEEPS_HERE)
#define peeps_mutex_trylock(m)            peeps_mutex_trylock_at((m), PEEPS_HERE)
#define peeps_mutex_timedlock(m, abstime) peeps_mutex_timedlock_at((m), (abstime), PEEPS_HERE)
#define peeps_mutex_unlock(m)             peeps_mutex_unlock_inline(m)

#ifdef __cplusplus
}
#endif

#endif /* !PEEPS_DISABLE */
#endif
