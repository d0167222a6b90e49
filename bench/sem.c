/* SPDX-License-Identifier: MIT */
/*
 * What a semaphore of ours costs beside POSIX's: rounds of acquire and release, sem_t and ours by turns, in one binary.
 *
 * usage: sem uncontended|contended2|contended4|working2|working4 [ROUNDS]
 *
 * uncontended: one thread, while another is alive. contended: so many threads for half as many permits, that do nothing
 * else. working: the same with something to do with the permit and without.
 *
 * Compiled with PEEPS_DISABLE, ours is the one of libpeeps-disabled. A round's figure of ours is taken relative to the
 * base's in the same round.
 */
#include <peeps/peeps.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <peeps/atomic.h>
#include "bench/own_segment.h"
#include "bench/series.h"

#ifdef PEEPS_DISABLE
#define PROGRAM "sem_disabled"
#else
#define PROGRAM "sem"
#endif

#define PAIRS_A_ROUND  5000
#define PAIRS_A_BATCH  64
#define CONTENDED_NS   UINT64_C(20000000) /* a round */
#define THREADS_MAX    4
#define ROUNDS_MAX     100000
#define ROUNDS_USUALLY 200
#define WORKING_STEPS  64 /* that wait for each other: some 60 ns */
#define ALONE \
	__attribute__((aligned(128))) /* no line, nor the one that is fetched with it, is shared */

/* What the program does with the permit. The compiler does not know that it may be nothing. */
#define HELD() __asm__ volatile("" : : : "memory")

static inline void work(void)
{
	uint64_t value = 1;

	for (int i = 0; i < WORKING_STEPS; i++) {
		value = value * 5 + 1;
		__asm__ volatile("" : "+r"(value));
	}
}

static ALONE sem_t posix_sem;
static ALONE struct peeps_sem *peeps_sem;

/* name(count): so many pairs. name_working(count): with something to do. */
#define PAIRS(name, acquire, release)                  \
	static void name(uint64_t count)               \
	{                                              \
		for (uint64_t i = 0; i < count; i++) { \
			(void)acquire;                 \
			HELD();                        \
			(void)release;                 \
		}                                      \
	}                                              \
	static void name##_working(uint64_t count)     \
	{                                              \
		for (uint64_t i = 0; i < count; i++) { \
			(void)acquire;                 \
			work();                        \
			(void)release;                 \
			work();                        \
		}                                      \
	}

PAIRS(pairs_posix, sem_wait(&posix_sem), sem_post(&posix_sem))
PAIRS(pairs_peeps, peeps_sem_acquire(peeps_sem, 1), peeps_sem_release(peeps_sem, 1))

struct series {
	const char *name;
	void (*pairs)(uint64_t count);
	void (*pairs_working)(uint64_t count);
	double rounds[ROUNDS_MAX];
};

/* The first is the base of the other. */
static struct series all_series[] = {
	{ "posix", pairs_posix, pairs_posix_working, { 0 } },
	{ "peeps", pairs_peeps, pairs_peeps_working, { 0 } },
};

#define SERIES (sizeof(all_series) / sizeof(all_series[0]))

static void make(unsigned int permits)
{
	if (sem_init(&posix_sem, 0, permits) != 0 ||
	    peeps_sem_new(&peeps_sem, "bench.semaphore", permits) != 0)
		exit(2);
}

/* --- nobody else wants it ------------------------------------------------------------------- */

/* A second thread, alive and known to the segment: from then on the tick runs. */
static void *be_there(void *met)
{
	struct peeps_sem *s;

	if (peeps_sem_new(&s, "bench.companion", 1) != 0)
		exit(2);
	(void)peeps_sem_acquire(s, 1);
	peeps_sem_free(s);
	(void)pthread_barrier_wait(met);
	for (;;)
		(void)pause();
	return NULL;
}

static void start_companion(void)
{
	static pthread_barrier_t met;
	pthread_t thread;

	if (pthread_barrier_init(&met, NULL, 2) != 0 ||
	    pthread_create(&thread, NULL, be_there, &met) != 0)
		exit(2);
	(void)pthread_barrier_wait(&met);
}

static double uncontended_round_ns(struct series *series)
{
	const uint64_t began_ns = bench_now_ns();

	series->pairs(PAIRS_A_ROUND);
	return (double)(bench_now_ns() - began_ns) / PAIRS_A_ROUND;
}

/* --- several want it ------------------------------------------------------------------------ */

static pthread_barrier_t gate;
static ALONE uint64_t is_over;            /* the round */
static void (*contended_pairs)(uint64_t); /* of the round; NULL = the end */
static struct {
	ALONE uint64_t count;
} batches[THREADS_MAX]; /* in the round */
static pthread_t contenders[THREADS_MAX];
static unsigned int threads;

static void *contend(void *slot)
{
	uint64_t *const count = slot;

	for (;;) {
		(void)pthread_barrier_wait(&gate);
		if (!contended_pairs)
			return NULL;
		for (*count = 0; !peeps_load_relaxed(&is_over); ++*count)
			contended_pairs(PAIRS_A_BATCH);
		(void)pthread_barrier_wait(&gate);
	}
}

static void start_contenders(void)
{
	if (pthread_barrier_init(&gate, NULL, threads + 1) != 0)
		exit(2);
	for (unsigned int i = 0; i < threads; i++)
		if (pthread_create(&contenders[i], NULL, contend, &batches[i].count) != 0)
			exit(2);
}

static void stop_contenders(void)
{
	contended_pairs = NULL;
	(void)pthread_barrier_wait(&gate);
	for (unsigned int i = 0; i < threads; i++)
		(void)pthread_join(contenders[i], NULL);
}

/* Pairs in a microsecond, by all. */
static double rate_of(void (*todo)(uint64_t))
{
	uint64_t pairs = 0;
	uint64_t began_ns;

	contended_pairs = todo;
	peeps_store_relaxed(&is_over, 0);
	began_ns = bench_now_ns();
	(void)pthread_barrier_wait(&gate);
	(void)usleep(CONTENDED_NS / 1000);
	peeps_store_relaxed(&is_over, 1);
	(void)pthread_barrier_wait(&gate);
	for (unsigned int i = 0; i < threads; i++)
		pairs += batches[i].count * PAIRS_A_BATCH;
	return (double)pairs * 1000 / (double)(bench_now_ns() - began_ns);
}

static double contended_round_rate(struct series *series)
{
	return rate_of(series->pairs);
}

static double working_round_rate(struct series *series)
{
	return rate_of(series->pairs_working);
}

/* --- both ----------------------------------------------------------------------------------- */

/* By turns, so that what else the machine does befalls all alike. */
static void measure(double (*round)(struct series *), size_t rounds)
{
	for (size_t i = 0; i < SERIES; i++)
		(void)round(&all_series[i]); /* to warm up */
	for (size_t at = 0; at < rounds; at++)
		for (size_t i = 0; i < SERIES; i++)
			all_series[i].rounds[at] = round(&all_series[i]);
}

static void print(const char *what, const char *unit, bool as_ratio, size_t rounds)
{
	struct series *const base = &all_series[0], *const ours = &all_series[1];
	char base_name[64], name[64];

	(void)snprintf(base_name, sizeof(base_name), PROGRAM ".%s.%s", what, base->name);
	(void)snprintf(name, sizeof(name), PROGRAM ".%s.%s", what, ours->name);
	for (size_t at = 0; at < rounds; at++)
		ours->rounds[at] = as_ratio ? ours->rounds[at] / base->rounds[at]
					    : ours->rounds[at] - base->rounds[at];
	bench_series_print(name, as_ratio ? "ratio" : unit, base_name, ours->rounds, rounds);
	bench_series_print(base_name, unit, NULL, base->rounds, rounds);
}

/* The permit that is held now is in the segment, and no other. */
static void require_seen(void)
{
#ifndef PEEPS_DISABLE
	(void)peeps_sem_acquire(peeps_sem, 1);
	own_segment_require_permits(1);
	(void)peeps_sem_release(peeps_sem, 1);
	own_segment_require_permits(0);
#endif
}

int main(int argc, char **argv)
{
	const char *const what = argc > 1 ? argv[1] : "";
	const size_t rounds = argc > 2 ? bench_count_of(argv[2], ROUNDS_MAX) : ROUNDS_USUALLY;
	const bool is_contended = strncmp(what, "contended", 9) == 0;

	if (strcmp(what, "uncontended") == 0) {
		make(1);
		start_companion();
		measure(uncontended_round_ns, rounds);
		print(what, "ns", false, rounds);
	} else if (is_contended || strncmp(what, "working", 7) == 0) {
		threads = (unsigned int)bench_count_of(what + strcspn(what, "0123456789"),
						       THREADS_MAX);
		make(threads > 1 ? threads / 2 : 1);
		start_contenders();
		measure(is_contended ? contended_round_rate : working_round_rate, rounds);
		stop_contenders();
		print(what, "pairs/us", true, rounds);
	} else {
		(void)fprintf(stderr,
			      "usage: " PROGRAM " uncontended|contendedN|workingN [ROUNDS]\n");
		return 2;
	}
	require_seen();
	return 0;
}
