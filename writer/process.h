/* SPDX-License-Identifier: MIT */
/*
 * The writer's one piece of process-wide state: whether telemetry is on, which segment is ours, and
 * the lock.
 *
 * Everything below is private to the library; programs see <peeps/...> only. Nothing here prints,
 * exits, aborts, or lets an error out to the program.
 */
#ifndef PEEPS_WRITER_PROCESS_H
#define PEEPS_WRITER_PROCESS_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "layout/segment.h"
#include <peeps/atomic.h>

enum process_state {
	/* the constructor has not run, or the first wrapper of a forked child */
	PROCESS_UNSTARTED = 0,
	PROCESS_ON = 1,
	PROCESS_OFF = 2, /* for good: PEEPS=0, no memory, an old kernel, ... */
};

struct process {
	uint64_t state;      /* enum process_state; stored with release when all else is in place */
	uint64_t generation; /* of this process's segment; another one in every forked child */
	uint64_t *word; /* in a page wiped on fork: holds generation, and 0 in any kind of child */
	pthread_mutex_t
		/* pools, text, intern tables, thread list. Taken inside the program's locks, never
		 * around */
		lock;
	pthread_key_t leaving_key;
};

extern struct process peeps_process;

/**
 * process_start_once - make the segment, if that was not tried yet in this process
 *
 * Called by the constructor, and by the first wrapper of a program that locks before it, or of a
 * forked child.
 */
void process_start_once(void);

/* Telemetry is on in this very process: not off, and not a child whose fork handlers never ran. */
static inline bool process_is_on(void)
{
	return peeps_load_acquire(&peeps_process.state) == PROCESS_ON &&
	       peeps_load_relaxed(peeps_process.word) == peeps_process.generation;
}

static inline void signals_block(sigset_t *mask)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, mask);
}

static inline void signals_restore(const sigset_t *mask)
{
	(void)pthread_sigmask(SIG_SETMASK, mask, NULL);
}

/**
 * process_lock - take the lock, with all signals blocked
 *
 * No handler of the program runs while we hold it: none can come back here and wait for it, fork
 * with it held, or leave it held for ever by a siglongjmp.
 */
static inline void process_lock(sigset_t *mask)
{
	signals_block(mask);
	(void)pthread_mutex_lock(&peeps_process.lock);
}

static inline void process_unlock(const sigset_t *mask)
{
	(void)pthread_mutex_unlock(&peeps_process.lock);
	signals_restore(mask);
}

#endif
