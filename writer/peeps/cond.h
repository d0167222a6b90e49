/* SPDX-License-Identifier: MIT */
/*
 * A pthread condition variable, for mutexes of ours (peeps/mutex.h), that a reader can look at: who waits, since when and
 * from where, how often and when it was notified, and by whom last.
 *
 * Every call returns what its pthread counterpart returns, and does to the program what that does; so
 * does cancelling a wait, which takes the mutex again first. While a thread waits, the mutex is shown
 * as free, or held by another; that it has been woken and waits for the mutex is shown as such a
 * wait. Telemetry that is off, full or failed changes nothing else. Compiled with PEEPS_DISABLE, the
 * calls are the plain pthread ones.
 *
 * Who waits through these calls must be notified through them: pthread_cond_signal(&c.raw) may come
 * too early for a wait that has just begun.
 *
 * Not for signal handlers, as pthread's own are not.
 */
#ifndef PEEPS_COND_H
#define PEEPS_COND_H

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include <peeps/mutex.h>

#ifdef PEEPS_DISABLE

#ifdef __cplusplus
extern "C" {
#endif

struct peeps_cond {
	pthread_cond_t raw;
};

#define PEEPS_COND_INIT(name)            \
	{                                \
		PTHREAD_COND_INITIALIZER \
	}
#define peeps_cond_init(c, name, attr)      ((void)(name), pthread_cond_init(&(c)->raw, (attr)))
#define peeps_cond_wait(c, m)               pthread_cond_wait(&(c)->raw, &(m)->raw)
#define peeps_cond_timedwait(c, m, abstime) pthread_cond_timedwait(&(c)->raw, &(m)->raw, (abstime))
#define peeps_cond_signal(c)                pthread_cond_signal(&(c)->raw)
#define peeps_cond_broadcast(c)             pthread_cond_broadcast(&(c)->raw)
#define peeps_cond_destroy(c)               pthread_cond_destroy(&(c)->raw)

#ifdef __cplusplus
}
#endif

#else /* !PEEPS_DISABLE */

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct peeps_cond
 * @raw:     what waits end by
 * @gate:    between leaving the mutex and waiting; whoever notifies somebody goes through it, too
 * @waiting: who has not yet passed the gate on the way back
 * @lineage: of the process that gate and waiting are of
 * @clock:   that timed waits go by
 */
struct peeps_cond {
	pthread_cond_t raw;
	struct peeps_hook hook;
	pthread_mutex_t gate;
	uint64_t waiting;
	uint64_t lineage;
	clockid_t clock;
};

/* A constant expression, C and C++, any linkage. The name is a string literal; this is the entity's
 * place. */
#define PEEPS_COND_INIT(name)                                                                     \
	{                                                                                         \
		PTHREAD_COND_INITIALIZER, PEEPS_HOOK_INIT(name), PTHREAD_MUTEX_INITIALIZER, 0, 0, \
			CLOCK_REALTIME                                                            \
	}

/**
 * peeps_cond_init - pthread_cond_init(), and an entity
 * @name: copied; need not be unique; NULL: named after the place of the call
 *
 * The plain symbols, for bindings and function pointers; the macros below add the place of the
 * call.
 */
PEEPS_API int peeps_cond_init(struct peeps_cond *c, const char *name,
			      const pthread_condattr_t *attr);

/**
 * peeps_cond_wait - leave the mutex, wait to be notified, and take the mutex again
 *
 * Returns what pthread_cond_wait() returns; like that, at times without having been notified. A
 * cancellation point.
 */
PEEPS_API int peeps_cond_wait(struct peeps_cond *c, struct peeps_mutex *m);
PEEPS_API int peeps_cond_timedwait(struct peeps_cond *c, struct peeps_mutex *m,
				   const struct timespec *abstime);
PEEPS_API int peeps_cond_signal(struct peeps_cond *c);
PEEPS_API int peeps_cond_broadcast(struct peeps_cond *c);

/* Once all who waited have been woken, even if they have not yet returned. */
PEEPS_API int peeps_cond_destroy(struct peeps_cond *c);

/* @abstime NULL: wait for ever. */
PEEPS_API int peeps_cond_init_at(struct peeps_cond *c, const char *name,
				 const pthread_condattr_t *attr, struct peeps_site *site);
PEEPS_API int peeps_cond_wait_at(struct peeps_cond *c, struct peeps_mutex *m,
				 const struct timespec *abstime, struct peeps_site *site);

/* Out of line: the first time, and while somebody waits. */
PEEPS_API void peeps_cond_note_slow(struct peeps_cond *c, int all, struct peeps_site *site);
PEEPS_API int peeps_cond_wake(struct peeps_cond *c, int all);

/* Who notifies may hold the mutex, or not: what several of them write together is a statistic. */
PEEPS_INLINE void peeps_cond_note(struct peeps_cond *c, int all, struct peeps_site *site)
{
	uint64_t *body;

	if (peeps_unlikely(!peeps_hook_ready(&c->hook))) {
		peeps_cond_note_slow(c, all, site);
		return;
	}
	body = c->hook.slot->body;
	(void)__atomic_fetch_add(&body[PEEPS_NOTIFY_NOTIFIES_WORD], 1, __ATOMIC_RELAXED);
	if (all)
		(void)__atomic_fetch_add(&body[PEEPS_NOTIFY_BROADCASTS_WORD], 1, __ATOMIC_RELAXED);
	peeps_store_relaxed(&body[PEEPS_NOTIFY_LAST_NOTIFIER_WORD],
			    peeps_load_relaxed(&peeps_tls.thread->actor));
	peeps_store_relaxed(&body[PEEPS_NOTIFY_LAST_NOTIFIED_WORD],
			    peeps_load_relaxed(&peeps_tls.control->tick_ns));
}

PEEPS_INLINE int peeps_cond_signal_at(struct peeps_cond *c, struct peeps_site *site)
{
	peeps_cond_note(c, 0, site);
	/* Acquire: who came to wait before the mutex was ours is seen here, by way of that. */
	if (peeps_load_acquire(&c->waiting) != 0)
		return peeps_cond_wake(c, 0);
	return pthread_cond_signal(&c->raw);
}

PEEPS_INLINE int peeps_cond_broadcast_at(struct peeps_cond *c, struct peeps_site *site)
{
	peeps_cond_note(c, 1, site);
	if (peeps_load_acquire(&c->waiting) != 0)
		return peeps_cond_wake(c, 1);
	return pthread_cond_broadcast(&c->raw);
}

#define peeps_cond_init(c, name, attr)      peeps_cond_init_at((c), (name), (attr), PEEPS_HERE)
#define peeps_cond_wait(c, m)               peeps_cond_wait_at((c), (m), 0, PEEPS_HERE)
#define peeps_cond_timedwait(c, m, abstime) peeps_cond_wait_at((c), (m), (abstime), PEEPS_HERE)
#define peeps_cond_signal(c)                peeps_cond_signal_at((c), PEEPS_HERE)
#define peeps_cond_broadcast(c)             peeps_cond_broadcast_at((c), PEEPS_HERE)

#ifdef __cplusplus
}
#endif

#endif /* !PEEPS_DISABLE */
#endif
