/* SPDX-License-Identifier: MIT */
/*
 * A notify: somebody waits until somebody else says that something happened. Unlike a condition it needs no mutex beside it,
 * and a notification that comes before the wait is not lost: one is kept, as a permit, for whoever waits next.
 *
 * What happened is in the program's own data; who is notified looks there. All that was done before peeps_notify_one() is
 * seen by the wait that it ends. Several notifications that nobody waited for are one permit: look until nothing is left.
 *
 *	while (!take_work(&work))                (consumers)
 *		(void)peeps_notify_wait(ready);
 *
 *	add_work(work);                          (producers)
 *	peeps_notify_one(ready);
 *
 * Those who wait are notified in the order of their coming, and nobody who comes later takes their notification.
 *
 * With PEEPS_DISABLE the same notify without telemetry, from libpeeps-disabled.
 */
#ifndef PEEPS_NOTIFY_H
#define PEEPS_NOTIFY_H

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

struct peeps_notify;

/**
 * peeps_notify_new - a notify that nobody waits for, without a permit
 * @name: copied; NULL or "": named after the place of the call
 *
 * Returns 0 with *out to be freed by peeps_notify_free(); -ENOMEM.
 */
PEEPS_API int peeps_notify_new(struct peeps_notify **out, const char *name);

/**
 * peeps_notify_one - end the wait that began first; if nobody waits, keep one permit
 *
 * A permit that is there already stays the only one. If the wait is cancelled before it returns, the next one's is ended.
 * Whoever was notified may free the notify at once: this call does not touch it any more.
 * Context: any thread, never waits for another one's doing. Not async-signal-safe.
 */
PEEPS_API void peeps_notify_one(struct peeps_notify *n);

/* End all waits that have begun. Nothing is kept for later ones: those who look after this see what happened before. */
PEEPS_API void peeps_notify_all(struct peeps_notify *n);

/**
 * peeps_notify_wait - take the permit, or wait to be notified
 *
 * Returns 0, only ever after a notification: there are no spurious wakeups. A signal handler that ran does not end the wait.
 * Context: any thread; a cancellation point while it waits. Not async-signal-safe, nor may a handler leave the wait by
 * siglongjmp().
 * Telemetry: one `needs` edge of op notify_wait, only if it has to wait.
 */
PEEPS_API int peeps_notify_wait(struct peeps_notify *n);

/* The same without waiting: -EAGAIN if there is no permit. */
PEEPS_API int peeps_notify_try_wait(struct peeps_notify *n);

/* The same, but -ETIMEDOUT after @timeout_ns (CLOCK_MONOTONIC) of waiting. */
PEEPS_API int peeps_notify_timed_wait(struct peeps_notify *n, uint64_t timeout_ns);

/* Nobody may wait or notify any more; NULL is fine. */
PEEPS_API void peeps_notify_free(struct peeps_notify *n);

#ifndef PEEPS_DISABLE
PEEPS_API int peeps_notify_new_at(struct peeps_notify **out, const char *name,
				  struct peeps_site *site);
PEEPS_API int peeps_notify_wait_at(struct peeps_notify *n, struct peeps_site *site);
PEEPS_API int peeps_notify_timed_wait_at(struct peeps_notify *n, uint64_t timeout_ns,
					 struct peeps_site *site);

#define peeps_notify_new(out, name) peeps_notify_new_at((out), (name), PEEPS_HERE)
#define peeps_notify_wait(n)        peeps_notify_wait_at((n), PEEPS_HERE)
#define peeps_notify_timed_wait(n, timeout_ns) \
	peeps_notify_timed_wait_at((n), (timeout_ns), PEEPS_HERE)
#endif

#ifdef __cplusplus
}
#endif

#endif
