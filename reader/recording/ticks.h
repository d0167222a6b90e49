/* SPDX-License-Identifier: MIT */
/* When the snapshots of a recording are due: at a fixed rate, whatever they take. */
#ifndef PEEPS_READER_TICKS_H
#define PEEPS_READER_TICKS_H

#include <stdbool.h>
#include <stdint.h>

struct peeps_ticks {
	uint64_t start_ns; /* CLOCK_MONOTONIC: the first is due */
	uint64_t interval_ns;
	uint64_t time_ns; /* from the start on; 0 = without end */
	uint64_t index;   /* of the one that is due, from 0 */
	uint64_t missed;  /* whose time had passed when the one before them was done */
};

/**
 * peeps_ticks_next - after one was done: which is the next
 * @due_ns: when: later than now, so that those that are late are not made up for in a bunch
 *
 * Returns false after the last one.
 */
bool peeps_ticks_next(struct peeps_ticks *ticks, uint64_t now_ns, uint64_t *due_ns);

#endif
