/* SPDX-License-Identifier: MIT */
/*
 * A counting semaphore that a reader can look at: who holds how many permits, and who waits for how many.
 *
 * A permit is held by the actor that acquired it until that actor releases it. Whoever releases without
 * holding any does give a permit back (as sem_post() does), but nobody is known to have let go: such a
 * release is anonymous, and is counted. A deadlock that rests on this semaphore is certain only if no
 * release was anonymous and each of its holders has given permits back itself before; else it is possible.
 *
 * Waiters are served in the order of their coming, but for callers that find enough permits free on the
 * way. The first in the line is passed no more once it was woken twice only to find others faster, or saw
 * twice its permits come back, never enough of them at a time.
 *
 * With PEEPS_DISABLE the same semaphore without telemetry, from libpeeps-disabled.
 */
#ifndef PEEPS_SEM_H
#define PEEPS_SEM_H

#include <stdint.h>

#include <peeps/api.h>
#ifdef PEEPS_DISABLE
#include <peeps/disabled.h>
#else
#include <peeps/site.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct peeps_sem;

/**
 * peeps_sem_new - a semaphore with all its permits free
 * @name:        copied; NULL or "": named after the place of the call
 * @permits_max: at least 1
 *
 * Returns 0 with *out to be freed by peeps_sem_free(); -EINVAL; -ENOMEM.
 */
PEEPS_API int peeps_sem_new(struct peeps_sem **out, const char *name, uint32_t permits_max);

/**
 * peeps_sem_acquire - take @n permits, all at once, waiting until there are that many
 *
 * Returns 0; -EINVAL if there can never be that many. 0 permits are had at once. A signal handler that
 * ran does not end the wait.
 * Context: any thread; a cancellation point while it waits. Not async-signal-safe, nor may a handler leave
 * the wait by siglongjmp().
 * Telemetry: one `holds` edge an actor (role permit); one `needs` edge of op acquire, only if it has to
 * wait.
 */
PEEPS_API int peeps_sem_acquire(struct peeps_sem *s, uint32_t n);

/* The same without waiting: -EAGAIN, also while somebody who was passed waits. */
PEEPS_API int peeps_sem_try_acquire(struct peeps_sem *s, uint32_t n);

/* The same, but -ETIMEDOUT after @timeout_ns (CLOCK_MONOTONIC) of waiting. */
PEEPS_API int peeps_sem_timed_acquire(struct peeps_sem *s, uint32_t n, uint64_t timeout_ns);

/**
 * peeps_sem_release - give @n permits back
 *
 * Returns 0; -EOVERFLOW, with nothing done, if more than permits_max would then be free. Who acquires what
 * was released may free the semaphore at once: the release does not touch it any more.
 * Context: any thread, never waits for a permit. Not async-signal-safe (sem_post() is).
 */
PEEPS_API int peeps_sem_release(struct peeps_sem *s, uint32_t n);

/* Nobody may hold, want or release any more; NULL is fine. */
PEEPS_API void peeps_sem_free(struct peeps_sem *s);

#ifndef PEEPS_DISABLE
PEEPS_API int peeps_sem_new_at(struct peeps_sem **out, const char *name, uint32_t permits_max,
			       struct peeps_site *site);
PEEPS_API int peeps_sem_acquire_at(struct peeps_sem *s, uint32_t n, struct peeps_site *site);
PEEPS_API int peeps_sem_try_acquire_at(struct peeps_sem *s, uint32_t n, struct peeps_site *site);
PEEPS_API int peeps_sem_timed_acquire_at(struct peeps_sem *s, uint32_t n, uint64_t timeout_ns,
					 struct peeps_site *site);

#define peeps_sem_new(out, name, permits_max) \
	peeps_sem_new_at((out), (name), (permits_max), PEEPS_HERE)
#define peeps_sem_acquire(s, n)     peeps_sem_acquire_at((s), (n), PEEPS_HERE)
#define peeps_sem_try_acquire(s, n) peeps_sem_try_acquire_at((s), (n), PEEPS_HERE)
#define peeps_sem_timed_acquire(s, n, timeout_ns) \
	peeps_sem_timed_acquire_at((s), (n), (timeout_ns), PEEPS_HERE)
#endif

#ifdef __cplusplus
}
#endif

#endif
