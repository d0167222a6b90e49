/* SPDX-License-Identifier: MIT */
/* What a reader sees of this very process: a bench that measured a wrapper which reported nothing measured nothing. */
#ifndef PEEPS_BENCH_OWN_SEGMENT_H
#define PEEPS_BENCH_OWN_SEGMENT_H

#include <stdint.h>

/**
 * own_segment_require - check one of our mutexes in a cut of our own segment, while the calling thread holds it
 * @name:     of the mutex
 * @acquires: how often it has been locked, this time included
 *
 * Says on stderr what is wrong, and exits with 1: no cut, another count, not held by this thread, or no held_since.
 */
void own_segment_require(const char *name, uint64_t acquires);

/**
 * own_segment_require_permits - check in a cut of our own segment how many permits are held of all semaphores
 *
 * Says on stderr what is wrong, and exits with 1.
 */
void own_segment_require_permits(uint64_t held);

/**
 * own_segment_require_channels - check all our channels in a cut of our own segment, when they are empty
 * @count: of channels
 * @items: how many were sent and received through each
 *
 * Says on stderr what is wrong, and exits with 1: no cut, or another count.
 */
void own_segment_require_channels(uint64_t count, uint64_t items);

/**
 * own_segment_require_notifies - check in a cut of our own segment how often a notify was notified, at least
 * @name: of the notify, or of several: one is enough
 *
 * Says on stderr what is wrong, and exits with 1.
 */
void own_segment_require_notifies(const char *name, uint64_t notifies);

#endif
