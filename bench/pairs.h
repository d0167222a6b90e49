/* SPDX-License-Identifier: MIT */
/* Pairs of a taking and a giving back, of one primitive and others by turns: what the benches of locks have in common.
 * Compiled into each of them, with PEEPS_DISABLE or without. */
#ifndef PEEPS_BENCH_PAIRS_H
#define PEEPS_BENCH_PAIRS_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_ROUNDS_MAX     100000
#define BENCH_ROUNDS_USUALLY 200
#define BENCH_THREADS_MAX    4
#define BENCH_ALONE \
	__attribute__((aligned(128))) /* no line, nor the one that is fetched with it, is shared */

/* What the program does with what it took. The compiler does not know that it may be nothing. */
#define BENCH_HELD() __asm__ volatile("" : : : "memory")

#define BENCH_WORKING_STEPS 64 /* that wait for each other: some 60 ns */

static inline void bench_work(void)
{
	uint64_t value = 1;

	for (int i = 0; i < BENCH_WORKING_STEPS; i++) {
		value = value * 5 + 1;
		__asm__ volatile("" : "+r"(value));
	}
}

/* name(count): so many pairs. name_working(count): with something to do, while it is taken and between. */
#define BENCH_PAIRS(name, take, give)                  \
	static void name(uint64_t count)               \
	{                                              \
		for (uint64_t i = 0; i < count; i++) { \
			(void)take;                    \
			BENCH_HELD();                  \
			(void)give;                    \
		}                                      \
	}                                              \
	static void name##_working(uint64_t count)     \
	{                                              \
		for (uint64_t i = 0; i < count; i++) { \
			(void)take;                    \
			bench_work();                  \
			(void)give;                    \
			bench_work();                  \
		}                                      \
	}

/**
 * struct bench_pairs - one of those that take turns
 * @done: pairs, in all
 */
struct bench_pairs {
	const char *name;
	void (*pairs)(uint64_t count);
	void (*working)(uint64_t count);
	uint64_t done;
	double rounds[BENCH_ROUNDS_MAX];
};

/**
 * struct bench_pairs_set - all of them; the first is the base of the others
 * @program: first part of the names of the figures
 */
struct bench_pairs_set {
	const char *program;
	struct bench_pairs *all;
	size_t count;
};

/* One thread, while another is alive and known to the segment: pthread locks for real, and the tick runs. Prints ns a
 * pair, those of the others as what they cost more. */
void bench_pairs_uncontended(const struct bench_pairs_set *set, const char *what, size_t rounds);

/* So many threads, that do nothing else. Prints pairs in a microsecond by all of them, those of the others as ratios. */
void bench_pairs_contended(const struct bench_pairs_set *set, const char *what,
			   unsigned int threads, size_t rounds);

/* The same, with something to do. */
void bench_pairs_working(const struct bench_pairs_set *set, const char *what, unsigned int threads,
			 size_t rounds);

#endif
