/* SPDX-License-Identifier: MIT */
/* Threads as actors. Every OS thread is one without a call; this only tells more of it. */
#ifndef PEEPS_THREAD_H
#define PEEPS_THREAD_H

#ifdef PEEPS_DISABLE
#include <peeps/disabled.h>
#include <peeps/layout.h>

static inline void peeps_thread_name(const char *name)
{
	(void)name;
}

static inline struct peeps_ref peeps_actor_self(void)
{
	const struct peeps_ref none = { 0 };

	return none;
}
#else

#include <peeps/api.h>
#include <peeps/layout.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * peeps_thread_name - name the calling thread, for readers
 * @name: copied; UTF-8, any length (the kernel's own stops at 15 bytes); NULL or "": back to the
 *        kernel's name
 *
 * Wins over the kernel's name, and leaves that alone.
 * Context: any thread; not async-signal-safe.
 */
PEEPS_API void peeps_thread_name(const char *name);

/**
 * peeps_actor_self - the calling thread's actor
 *
 * Returns the null reference with telemetry off or full.
 */
PEEPS_API struct peeps_ref peeps_actor_self(void);

#ifdef __cplusplus
}
#endif

#endif
#endif
