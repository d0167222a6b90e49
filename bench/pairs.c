/* SPDX-License-Identifier: MIT */
#include "bench/pairs.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <peeps/atomic.h>
#include <peeps/thread.h>
#include "bench/series.h"

#define PAIRS_A_ROUND 5000
#define PAIRS_A_BATCH 64
#define CONTENDED_NS  UINT64_C(20000000) /* a round */

/* --- nobody else wants it ------------------------------------------------------------------- */

static void *be_there(void *met)
{
	peeps_thread_name("companion");
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

static double uncontended_round_ns(struct bench_pairs *series)
{
	const uint64_t began_ns = bench_now_ns();

	series->pairs(PAIRS_A_ROUND);
	series->done += PAIRS_A_ROUND;
	return (double)(bench_now_ns() - began_ns) / PAIRS_A_ROUND;
}

/* --- several want it ------------------------------------------------------------------------ */

static pthread_barrier_t gate;
static BENCH_ALONE uint64_t is_over;      /* the round */
static void (*contended_pairs)(uint64_t); /* of the round; NULL = the end */
static struct {
	BENCH_ALONE uint64_t count;
} batches[BENCH_THREADS_MAX]; /* in the round */
static pthread_t contenders[BENCH_THREADS_MAX];
static unsigned int contender_count;

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

static void start_contenders(unsigned int threads)
{
	contender_count = threads;
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
	for (unsigned int i = 0; i < contender_count; i++)
		(void)pthread_join(contenders[i], NULL);
}

/* Pairs in a microsecond, by all. */
static double rate_of(struct bench_pairs *series, void (*pairs_of)(uint64_t))
{
	uint64_t pairs = 0;
	uint64_t began_ns;

	contended_pairs = pairs_of;
	peeps_store_relaxed(&is_over, 0);
	began_ns = bench_now_ns();
	(void)pthread_barrier_wait(&gate);
	(void)usleep(CONTENDED_NS / 1000);
	peeps_store_relaxed(&is_over, 1);
	(void)pthread_barrier_wait(&gate);
	for (unsigned int i = 0; i < contender_count; i++)
		pairs += batches[i].count * PAIRS_A_BATCH;
	series->done += pairs;
	return (double)pairs * 1000 / (double)(bench_now_ns() - began_ns);
}

static double contended_round_rate(struct bench_pairs *series)
{
	return rate_of(series, series->pairs);
}

static double working_round_rate(struct bench_pairs *series)
{
	return rate_of(series, series->working);
}

/* --- all of them ---------------------------------------------------------------------------- */

/* By turns, so that what else the machine does befalls all alike. */
static void measure(const struct bench_pairs_set *set, double (*round)(struct bench_pairs *),
		    size_t rounds)
{
	for (size_t i = 0; i < set->count; i++)
		(void)round(&set->all[i]); /* to warm up */
	for (size_t at = 0; at < rounds; at++)
		for (size_t i = 0; i < set->count; i++)
			set->all[i].rounds[at] = round(&set->all[i]);
}

static void print(const struct bench_pairs_set *set, const char *what, const char *unit,
		  bool as_ratio, size_t rounds)
{
	struct bench_pairs *const base = &set->all[0];
	char base_name[64], name[64];

	(void)snprintf(base_name, sizeof(base_name), "%s.%s.%s", set->program, what, base->name);
	for (size_t i = 1; i < set->count; i++) {
		struct bench_pairs *const series = &set->all[i];

		for (size_t at = 0; at < rounds; at++)
			series->rounds[at] = as_ratio ? series->rounds[at] / base->rounds[at]
						      : series->rounds[at] - base->rounds[at];
		(void)snprintf(name, sizeof(name), "%s.%s.%s", set->program, what, series->name);
		bench_series_print(name, as_ratio ? "ratio" : unit, base_name, series->rounds,
				   rounds);
	}
	bench_series_print(base_name, unit, NULL, base->rounds, rounds);
}

void bench_pairs_uncontended(const struct bench_pairs_set *set, const char *what, size_t rounds)
{
	start_companion();
	measure(set, uncontended_round_ns, rounds);
	print(set, what, "ns", false, rounds);
}

static void contest(const struct bench_pairs_set *set, const char *what, unsigned int threads,
		    double (*round)(struct bench_pairs *), size_t rounds)
{
	start_contenders(threads);
	measure(set, round, rounds);
	stop_contenders();
	print(set, what, "pairs/us", true, rounds);
}

void bench_pairs_contended(const struct bench_pairs_set *set, const char *what,
			   unsigned int threads, size_t rounds)
{
	contest(set, what, threads, contended_round_rate, rounds);
}

void bench_pairs_working(const struct bench_pairs_set *set, const char *what, unsigned int threads,
			 size_t rounds)
{
	contest(set, what, threads, working_round_rate, rounds);
}
