/* SPDX-License-Identifier: MIT */
/*
 * Waiting for the end of a thread, and being seen to: who waits for whom, since when, and from where.
 *
 * Every call returns what its pthread counterpart returns, and does to the program what that does; a
 * thread that ends at once is joined without a trace. Telemetry that is off, full or failed changes
 * nothing else. Compiled with PEEPS_DISABLE, the calls are the plain pthread ones.
 *
 * Nothing has to be done to the thread that is waited for: it may be made with pthread_create(), and
 * may have recorded nothing yet (it is shown as `unseen thread` until it does).
 *
 * The end of a task is a matter of the program's own, which runs it: whoever waits for it says so with
 * peeps_op_begin(actor, PEEPS_OP_JOIN, task, 0), peeps_op_pend() and peeps_op_end().
 *
 * Not async-signal-safe, as pthread's own.
 */
#ifndef PEEPS_JOIN_H
#define PEEPS_JOIN_H

#include <pthread.h>
#include <time.h>

#ifdef PEEPS_DISABLE
#include <peeps/disabled.h>

/* glibc declares these to programs compiled with _GNU_SOURCE, as C++ always is. */
#ifndef __USE_GNU
extern int pthread_tryjoin_np(pthread_t thread, void **result);
extern int pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *abstime);
extern int pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock,
				const struct timespec *abstime);
#endif

#define peeps_thread_join(thread, result)    pthread_join((thread), (result))
#define peeps_thread_tryjoin(thread, result) pthread_tryjoin_np((thread), (result))
#define peeps_thread_timedjoin(thread, result, abstime) \
	pthread_timedjoin_np((thread), (result), (abstime))
#define peeps_thread_clockjoin(thread, result, clock, abstime) \
	pthread_clockjoin_np((thread), (result), (clock), (abstime))

#else /* !PEEPS_DISABLE */

#include <peeps/api.h>
#include <peeps/site.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * peeps_thread_join - pthread_join(): wait until a thread ends
 * @thread: joinable, as pthread_create() gave it
 * @result: where its result goes; NULL: nowhere
 *
 * Returns 0; EDEADLK for the calling thread itself; EINVAL for a detached one, or one that somebody else
 * joins already.
 * Context: any thread; a cancellation point if it has to wait.
 * Telemetry: one `needs` edge with op_kind join from the calling actor to the thread, only if it has to
 * wait.
 *
 * The plain symbols, for bindings and function pointers; the macros below add the place of the call.
 */
PEEPS_API int peeps_thread_join(pthread_t thread, void **result);
PEEPS_API int peeps_thread_join_at(pthread_t thread, void **result, struct peeps_site *site);

/* pthread_tryjoin_np(): EBUSY if it has not ended yet. Leaves no trace. */
PEEPS_API int peeps_thread_tryjoin(pthread_t thread, void **result);

/* pthread_timedjoin_np() and pthread_clockjoin_np(): no longer than until @abstime (NULL: for ever), on
 * CLOCK_REALTIME or @clock; ETIMEDOUT then. */
PEEPS_API int peeps_thread_timedjoin(pthread_t thread, void **result,
				     const struct timespec *abstime);
PEEPS_API int peeps_thread_timedjoin_at(pthread_t thread, void **result,
					const struct timespec *abstime, struct peeps_site *site);
PEEPS_API int peeps_thread_clockjoin(pthread_t thread, void **result, clockid_t clock,
				     const struct timespec *abstime);
PEEPS_API int peeps_thread_clockjoin_at(pthread_t thread, void **result, clockid_t clock,
					const struct timespec *abstime, struct peeps_site *site);

#define peeps_thread_join(thread, result) peeps_thread_join_at((thread), (result), PEEPS_HERE)
#define peeps_thread_timedjoin(thread, result, abstime) \
	peeps_thread_timedjoin_at((thread), (result), (abstime), PEEPS_HERE)
#define peeps_thread_clockjoin(thread, result, clock, abstime) \
	peeps_thread_clockjoin_at((thread), (result), (clock), (abstime), PEEPS_HERE)

#ifdef __cplusplus
}
#endif

#endif /* !PEEPS_DISABLE */
#endif
