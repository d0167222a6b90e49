/* SPDX-License-Identifier: MIT */
/* The barrier that a reader makes its target's running threads go through. */
#ifndef PEEPS_READER_BARRIER_H
#define PEEPS_READER_BARRIER_H

#include <linux/membarrier.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <peeps/atomic.h>

/**
 * peeps_barrier_process - a full barrier here, and in every running thread of the target
 * @fence_mode: of the target's header: 1 = its sections fence for themselves, as membarrier was refused to it
 *
 * Returns whether it was done: membarrier may be refused to us as well.
 */
static inline bool peeps_barrier_process(uint32_t fence_mode)
{
	peeps_fence_full(); /* pairs with the sections' own fence (A) in fence mode */
	return fence_mode || syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;
}

#endif
