/* SPDX-License-Identifier: MIT */
/*
 * What a mutex of ours costs beside a plain one: rounds of lock and unlock, raw and ours by turns, in one binary.
 *
 * usage: mutex_pair uncontended|contended|working [ROUNDS]
 *
 *   raw      pthread_mutex_lock(), pthread_mutex_unlock()
 *   peeps    ours, as programs compile it in
 *   library  ours through the plain symbols of the library, as bindings call it
 *
 * uncontended: one thread, while another is alive. contended: two threads that do nothing else, so that mostly one of them
 * has the lock as if it were alone. working: two threads that have something to do with the lock and without.
 *
 * Compiled with PEEPS_DISABLE, `peeps` is to be the plain primitive, and there is no library. A round's figure of a series
 * that has a base is taken relative to the base's in the same round.
 */
#include <peeps/peeps.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <peeps/atomic.h>
#include "bench/own_segment.h"
#include "bench/series.h"

#ifdef PEEPS_DISABLE
#define PROGRAM "mutex_pair_disabled"
#else
#define PROGRAM "mutex_pair"
#endif

#define PAIRS_A_ROUND  5000
#define PAIRS_A_BATCH  64
#define CONTENDED_NS   UINT64_C(20000000) /* a round */
#define THREADS        2
#define ROUNDS_MAX     100000
#define ROUNDS_USUALLY 200
#define ALONE \
	__attribute__((aligned(128))) /* no line, nor the one that is fetched with it, is shared */

/* What the program does with the lock. The compiler does not know that it may be nothing. */
#define HELD() __asm__ volatile("" : : : "memory")

#define WORKING_STEPS 64 /* that wait for each other: some 60 ns */

static inline void work(void)
{
	uint64_t value = 1;

	for (int i = 0; i < WORKING_STEPS; i++) {
		value = value * 5 + 1;
		__asm__ volatile("" : "+r"(value));
	}
}

static ALONE pthread_mutex_t raw_mutex = PTHREAD_MUTEX_INITIALIZER;
static ALONE struct peeps_mutex peeps_mutex = PEEPS_MUTEX_INIT("bench.peeps");

/* name(count): so many pairs. name_working(count): with something to do. */
#define PAIRS(name, lock, unlock)                      \
	static void name(uint64_t count)               \
	{                                              \
		for (uint64_t i = 0; i < count; i++) { \
			(void)lock;                    \
			HELD();                        \
			(void)unlock;                  \
		}                                      \
	}                                              \
	static void name##_working(uint64_t count)     \
	{                                              \
		for (uint64_t i = 0; i < count; i++) { \
			(void)lock;                    \
			work();                        \
			(void)unlock;                  \
			work();                        \
		}                                      \
	}

PAIRS(pairs_raw, pthread_mutex_lock(&raw_mutex), pthread_mutex_unlock(&raw_mutex))
PAIRS(pairs_peeps, peeps_mutex_lock(&peeps_mutex), peeps_mutex_unlock(&peeps_mutex))

#ifndef PEEPS_DISABLE
static ALONE struct peeps_mutex library_mutex = PEEPS_MUTEX_INIT("bench.library");

PAIRS(pairs_library, (peeps_mutex_lock)(&library_mutex), (peeps_mutex_unlock)(&library_mutex))
#endif

struct series {
	const char *name;
	void (*pairs)(uint64_t count);
	void (*pairs_working)(uint64_t count);
	const char *mutex; /* its name in the segment; NULL = not there */
	uint64_t done;     /* pairs */
	double rounds[ROUNDS_MAX];
};

/* The first is the base of the others. */
static struct series all_series[] = {
	{ "raw", pairs_raw, pairs_raw_working, NULL, 0, { 0 } },
#ifdef PEEPS_DISABLE
	{ "peeps", pairs_peeps, pairs_peeps_working, NULL, 0, { 0 } },
#else
	{ "peeps", pairs_peeps, pairs_peeps_working, "bench.peeps", 0, { 0 } },
	{ "library", pairs_library, pairs_library_working, "bench.library", 0, { 0 } },
#endif
};

#define SERIES (sizeof(all_series) / sizeof(all_series[0]))

/* --- nobody else wants it ------------------------------------------------------------------- */

/* A second thread, alive and known to the segment: from then on pthread locks for real, and the tick runs. */
static void *be_there(void *met)
{
	struct peeps_mutex mutex = PEEPS_MUTEX_INIT("bench.companion");

	(void)peeps_mutex_lock(&mutex);
	(void)peeps_mutex_unlock(&mutex);
	(void)peeps_mutex_destroy(&mutex);
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
	series->done += PAIRS_A_ROUND;
	return (double)(bench_now_ns() - began_ns) / PAIRS_A_ROUND;
}

/* --- two threads want it -------------------------------------------------------------------- */

static pthread_barrier_t gate;
static ALONE uint64_t is_over;            /* the round */
static void (*contended_pairs)(uint64_t); /* of the round; NULL = the end */
static uint64_t batches[THREADS];         /* in the round */

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

static pthread_t contenders[THREADS];

static void start_contenders(void)
{
	if (pthread_barrier_init(&gate, NULL, THREADS + 1) != 0)
		exit(2);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&contenders[i], NULL, contend, &batches[i]) != 0)
			exit(2);
}

static void stop_contenders(void)
{
	contended_pairs = NULL;
	(void)pthread_barrier_wait(&gate);
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(contenders[i], NULL);
}

/* Pairs in a microsecond, by both. */
static double rate_of(struct series *series, void (*todo)(uint64_t))
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
	for (int i = 0; i < THREADS; i++)
		pairs += batches[i] * PAIRS_A_BATCH;
	series->done += pairs;
	return (double)pairs * 1000 / (double)(bench_now_ns() - began_ns);
}

static double contended_round_rate(struct series *series)
{
	return rate_of(series, series->pairs);
}

static double working_round_rate(struct series *series)
{
	return rate_of(series, series->pairs_working);
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
	struct series *const base = &all_series[0];
	char base_name[64], name[64];

	(void)snprintf(base_name, sizeof(base_name), PROGRAM ".%s.%s", what, base->name);
	for (size_t i = 1; i < SERIES; i++) {
		struct series *const series = &all_series[i];

		for (size_t at = 0; at < rounds; at++)
			series->rounds[at] = as_ratio ? series->rounds[at] / base->rounds[at]
						      : series->rounds[at] - base->rounds[at];
		(void)snprintf(name, sizeof(name), PROGRAM ".%s.%s", what, series->name);
		bench_series_print(name, as_ratio ? "ratio" : unit, base_name, series->rounds,
				   rounds);
	}
	bench_series_print(base_name, unit, NULL, base->rounds, rounds);
}

/* Each pair of ours is in the segment, and so is the lock held now. */
static void require_all_seen(void)
{
#ifndef PEEPS_DISABLE
	struct peeps_mutex *const mutexes[] = { NULL, &peeps_mutex, &library_mutex };

	for (size_t i = 1; i < SERIES; i++) {
		(void)peeps_mutex_lock(mutexes[i]);
		own_segment_require(all_series[i].mutex, all_series[i].done + 1);
		(void)peeps_mutex_unlock(mutexes[i]);
	}
#endif
}

int main(int argc, char **argv)
{
	const char *const what = argc > 1 ? argv[1] : "";
	const size_t rounds = argc > 2 ? bench_count_of(argv[2], ROUNDS_MAX) : ROUNDS_USUALLY;

	if (strcmp(what, "uncontended") == 0) {
		start_companion();
		measure(uncontended_round_ns, rounds);
		print(what, "ns", false, rounds);
	} else if (strcmp(what, "contended") == 0) {
		start_contenders();
		measure(contended_round_rate, rounds);
		stop_contenders();
		print(what, "pairs/us", true, rounds);
	} else if (strcmp(what, "working") == 0) {
		start_contenders();
		measure(working_round_rate, rounds);
		stop_contenders();
		print(what, "pairs/us", true, rounds);
	} else {
		(void)fprintf(stderr,
			      "usage: " PROGRAM " uncontended|contended|working [ROUNDS]\n");
		return 2;
	}
	require_all_seen();
	return 0;
}
