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

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/own_segment.h"
#include "bench/pairs.h"
#include "bench/series.h"

#ifdef PEEPS_DISABLE
#define PROGRAM "sem_disabled"
#else
#define PROGRAM "sem"
#endif

static BENCH_ALONE sem_t posix_sem;
static BENCH_ALONE struct peeps_sem *peeps_sem;

BENCH_PAIRS(pairs_posix, sem_wait(&posix_sem), sem_post(&posix_sem))
BENCH_PAIRS(pairs_peeps, peeps_sem_acquire(peeps_sem, 1), peeps_sem_release(peeps_sem, 1))

static struct bench_pairs all[] = {
	{ "posix", pairs_posix, pairs_posix_working, 0, { 0 } },
	{ "peeps", pairs_peeps, pairs_peeps_working, 0, { 0 } },
};

static const struct bench_pairs_set set = { PROGRAM, all, sizeof(all) / sizeof(all[0]) };

static void make(unsigned int permits)
{
	if (sem_init(&posix_sem, 0, permits) != 0 ||
	    peeps_sem_new(&peeps_sem, "bench.semaphore", permits) != 0)
		exit(2);
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
	const size_t rounds =
		argc > 2 ? bench_count_of(argv[2], BENCH_ROUNDS_MAX) : BENCH_ROUNDS_USUALLY;
	const unsigned int threads =
		(unsigned int)strtoul(what + strcspn(what, "0123456789"), NULL, 10);

	if (threads > BENCH_THREADS_MAX)
		return 2;
	make(threads > 1 ? threads / 2 : 1);
	if (strcmp(what, "uncontended") == 0) {
		bench_pairs_uncontended(&set, what, rounds);
	} else if (strncmp(what, "contended", 9) == 0 && threads) {
		bench_pairs_contended(&set, what, threads, rounds);
	} else if (strncmp(what, "working", 7) == 0 && threads) {
		bench_pairs_working(&set, what, threads, rounds);
	} else {
		(void)fprintf(stderr,
			      "usage: " PROGRAM " uncontended|contendedN|workingN [ROUNDS]\n");
		return 2;
	}
	require_seen();
	return 0;
}
