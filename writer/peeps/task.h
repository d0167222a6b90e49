/* SPDX-License-Identifier: MIT */
/*
 * Tasks: actors that a program declares, and that threads enter and leave. What a thread does while it is
 * inside a task, the task does: its waits, its holds and what it creates are the task's.
 *
 * A task is a thing of the program's: nothing here runs it. Who moves one between threads sees to it that
 * the leave on one comes before the enter on the other, as a queue with a lock does.
 */
#ifndef PEEPS_TASK_H
#define PEEPS_TASK_H

#include <stdint.h>

#include <peeps/layout.h>

#ifdef PEEPS_DISABLE
#include <errno.h>
#include <time.h>

#include <peeps/disabled.h>

static inline struct peeps_ref peeps_task_new(const char *name)
{
	const struct peeps_ref none = { 0 };

	(void)name;
	return none;
}

static inline struct peeps_ref peeps_task_enter(struct peeps_ref task)
{
	const struct peeps_ref none = { 0 };

	(void)task;
	return none;
}

static inline void peeps_task_leave(struct peeps_ref before)
{
	(void)before;
}

static inline void peeps_task_end(struct peeps_ref task)
{
	(void)task;
}

static inline int peeps_sleep_ns(uint64_t ns)
{
	const struct timespec time = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };

	return -clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}
#else

#include <peeps/api.h>
#include <peeps/site.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * peeps_task_new - declare a task
 * @name: copied; NULL or "": named after the place of the call
 *
 * Returns it, to be ended with peeps_task_end(); the null reference with telemetry off or full, which every
 * call accepts. No thread has entered it yet: it is shown as suspended.
 * Context: any thread; not async-signal-safe. So all below.
 */
PEEPS_API struct peeps_ref peeps_task_new(const char *name);
PEEPS_API struct peeps_ref peeps_task_new_at(const char *name, struct peeps_site *site);

/**
 * peeps_task_enter - the calling thread runs as this task from now on
 *
 * Returns the actor before, for peeps_task_leave(): tasks nest. A null or stale task changes nothing, and
 * returns the present actor.
 */
PEEPS_API struct peeps_ref peeps_task_enter(struct peeps_ref task);

/* The calling thread runs as @before again; the task it leaves is suspended, and may be entered elsewhere. */
PEEPS_API void peeps_task_leave(struct peeps_ref before);

/* It is over. No thread may be inside it. */
PEEPS_API void peeps_task_end(struct peeps_ref task);

/**
 * peeps_sleep_ns - sleep, and be seen to: the actor's activity is sleeping, until when is known
 *
 * A sleep is no wait for anybody, so there is no edge.
 * Returns 0, or -EINTR if a signal handler ran. Context: a cancellation point.
 */
PEEPS_API int peeps_sleep_ns(uint64_t ns);

#define peeps_task_new(name) peeps_task_new_at((name), PEEPS_HERE)

#ifdef __cplusplus
}
#endif

#endif
#endif
