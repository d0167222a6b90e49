/* SPDX-License-Identifier: MIT */
/*
 * The page that a test and the program it looks at share besides the segment: what the program shall do, and how far
 * it has come by its own account.
 */
#ifndef PEEPS_TESTS_STRESS_STAGE_H
#define PEEPS_TESTS_STRESS_STAGE_H

#include <stdint.h>

#include <peeps/atomic.h>

#define STAGE_THREADS 48

/* Where peeps_fault_step() does what: tests/stress/fault.c. */
struct stage_fault {
	uint64_t step; /* 0 = none; cleared by the thread that takes it */
	uint64_t skip; /* so many passes of that step are let through first */
	uint64_t signal;
	uint64_t tid; /* of the thread that took it */
	uint64_t taken;
};

struct stage {
	uint64_t ready; /* by the target: all threads are at work */
	uint64_t stop;
	uint64_t pace_us; /* a pause in every round; 0 = none */
	uint64_t seed;
	uint64_t reserved[4];
	struct stage_fault fault;
	uint64_t fault_reserved[3];
	struct {
		uint64_t rounds;
		uint64_t reserved[7];
	} threads[STAGE_THREADS];
};

static inline uint64_t stage_rounds(const struct stage *stage)
{
	uint64_t rounds = 0;

	for (int i = 0; i < STAGE_THREADS; i++)
		rounds += peeps_load_relaxed(&stage->threads[i].rounds);
	return rounds;
}

#endif
