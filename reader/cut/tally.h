/* SPDX-License-Identifier: MIT */
/* Counting what a live segment holds, without writing to it and without copying it. */
#ifndef PEEPS_READER_TALLY_H
#define PEEPS_READER_TALLY_H

#include <stdint.h>

#include "reader/target/attach.h"
#include "reader/target/bounds.h"

/* Each number is what was seen in passing, while the process ran on: no cut. */
struct peeps_tally {
	struct peeps_marks marks;
	uint64_t threads;  /* that the segment knows, and that have not left */
	uint64_t entities; /* alive */
	uint64_t blocked;  /* operations that are pending */
	uint64_t
		oldest_wait_ns; /* how long the oldest of those has waited; PEEPS_NO_TIME if there is none */
	uint64_t order_violations;
	uint64_t counters[PEEPS_COUNTER_ROOM];
	uint64_t lost; /* all that the counters say was not recorded */
};

/**
 * peeps_tally - count
 *
 * Returns 0; -EBADMSG with the problem filled: the segment claims more than it has memory for.
 */
int peeps_tally(const struct peeps_target *target, struct peeps_tally *tally,
		struct peeps_problem *problem);

#endif
