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
#include <stdio.h>
#include <string.h>

#include "bench/own_segment.h"
#include "bench/pairs.h"
#include "bench/series.h"

#ifdef PEEPS_DISABLE
#define PROGRAM "mutex_pair_disabled"
#else
#define PROGRAM "mutex_pair"
#endif

#define THREADS 2

static BENCH_ALONE pthread_mutex_t raw_mutex = PTHREAD_MUTEX_INITIALIZER;
static BENCH_ALONE struct peeps_mutex peeps_mutex = PEEPS_MUTEX_INIT("bench.peeps");

BENCH_PAIRS(pairs_raw, pthread_mutex_lock(&raw_mutex), pthread_mutex_unlock(&raw_mutex))
BENCH_PAIRS(pairs_peeps, peeps_mutex_lock(&peeps_mutex), peeps_mutex_unlock(&peeps_mutex))

#ifndef PEEPS_DISABLE
static BENCH_ALONE struct peeps_mutex library_mutex = PEEPS_MUTEX_INIT("bench.library");

BENCH_PAIRS(pairs_library, (peeps_mutex_lock)(&library_mutex), (peeps_mutex_unlock)(&library_mutex))
#endif

static struct bench_pairs all[] = {
	{ "raw", pairs_raw, pairs_raw_working, 0, { 0 } },
	{ "peeps", pairs_peeps, pairs_peeps_working, 0, { 0 } },
#ifndef PEEPS_DISABLE
	{ "library", pairs_library, pairs_library_working, 0, { 0 } },
#endif
};

static const struct bench_pairs_set set = { PROGRAM, all, sizeof(all) / sizeof(all[0]) };

/* Each pair of ours is in the segment, and so is the lock held now. */
static void require_seen(struct peeps_mutex *mutex, const char *name,
			 const struct bench_pairs *pairs)
{
#ifdef PEEPS_DISABLE
	(void)mutex;
	(void)name;
	(void)pairs;
#else
	(void)peeps_mutex_lock(mutex);
	own_segment_require(name, pairs->done + 1);
	(void)peeps_mutex_unlock(mutex);
#endif
}

int main(int argc, char **argv)
{
	const char *const what = argc > 1 ? argv[1] : "";
	const size_t rounds =
		argc > 2 ? bench_count_of(argv[2], BENCH_ROUNDS_MAX) : BENCH_ROUNDS_USUALLY;

	if (strcmp(what, "uncontended") == 0) {
		bench_pairs_uncontended(&set, what, rounds);
	} else if (strcmp(what, "contended") == 0) {
		bench_pairs_contended(&set, what, THREADS, rounds);
	} else if (strcmp(what, "working") == 0) {
		bench_pairs_working(&set, what, THREADS, rounds);
	} else {
		(void)fprintf(stderr,
			      "usage: " PROGRAM " uncontended|contended|working [ROUNDS]\n");
		return 2;
	}
	require_seen(&peeps_mutex, "bench.peeps", &all[1]);
#ifndef PEEPS_DISABLE
	require_seen(&library_mutex, "bench.library", &all[2]);
#endif
	return 0;
}
