/* SPDX-License-Identifier: MIT */
/*
 * What a rwlock of ours costs beside a plain one: rounds of pairs, raw and ours by turns, in one binary.
 *
 * usage: rwlock read|write|nested|mixed|readers [ROUNDS]
 *
 *   read     one thread, while another is alive: rdlock and unlock
 *   write    likewise: wrlock and unlock
 *   nested   likewise: a read inside a read of another lock, which cannot go the quickest way
 *   readers  two threads that read one lock, and do nothing else
 *   mixed    two threads, of whose pairs one in eight writes, with something to do inside and outside
 *
 * Compiled with PEEPS_DISABLE, `peeps` is to be the plain primitive. A round's figure of ours is taken relative to the raw
 * one's in the same round.
 */
#include <peeps/peeps.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/own_segment.h"
#include "bench/pairs.h"
#include "bench/series.h"

#ifdef PEEPS_DISABLE
#define PROGRAM "rwlock_disabled"
#else
#define PROGRAM "rwlock"
#endif

#define THREADS     2
#define WRITE_EVERY 8

static BENCH_ALONE pthread_rwlock_t raw = PTHREAD_RWLOCK_INITIALIZER,
				    raw_inner = PTHREAD_RWLOCK_INITIALIZER;
static BENCH_ALONE struct peeps_rwlock peeps = PEEPS_RWLOCK_INIT("bench.peeps"),
				       peeps_inner = PEEPS_RWLOCK_INIT("bench.inner");

BENCH_PAIRS(read_raw, pthread_rwlock_rdlock(&raw), pthread_rwlock_unlock(&raw))
BENCH_PAIRS(read_peeps, peeps_rwlock_rdlock(&peeps), peeps_rwlock_unlock(&peeps))
BENCH_PAIRS(write_raw, pthread_rwlock_wrlock(&raw), pthread_rwlock_unlock(&raw))
BENCH_PAIRS(write_peeps, peeps_rwlock_wrlock(&peeps), peeps_rwlock_unlock(&peeps))
BENCH_PAIRS(nested_raw, (pthread_rwlock_rdlock(&raw) + pthread_rwlock_rdlock(&raw_inner)),
	    (pthread_rwlock_unlock(&raw_inner) + pthread_rwlock_unlock(&raw)))
BENCH_PAIRS(nested_peeps, (peeps_rwlock_rdlock(&peeps) + peeps_rwlock_rdlock(&peeps_inner)),
	    (peeps_rwlock_unlock(&peeps_inner) + peeps_rwlock_unlock(&peeps)))
BENCH_PAIRS(mixed_raw,
	    (i % WRITE_EVERY ? pthread_rwlock_rdlock(&raw) : pthread_rwlock_wrlock(&raw)),
	    pthread_rwlock_unlock(&raw))
BENCH_PAIRS(mixed_peeps,
	    (i % WRITE_EVERY ? peeps_rwlock_rdlock(&peeps) : peeps_rwlock_wrlock(&peeps)),
	    peeps_rwlock_unlock(&peeps))

static struct bench_pairs reads[] = {
	{ "raw", read_raw, read_raw_working, 0, { 0 } },
	{ "peeps", read_peeps, read_peeps_working, 0, { 0 } },
};
static struct bench_pairs writes[] = {
	{ "raw", write_raw, write_raw_working, 0, { 0 } },
	{ "peeps", write_peeps, write_peeps_working, 0, { 0 } },
};
static struct bench_pairs nested[] = {
	{ "raw", nested_raw, nested_raw_working, 0, { 0 } },
	{ "peeps", nested_peeps, nested_peeps_working, 0, { 0 } },
};
static struct bench_pairs mixed[] = {
	{ "raw", mixed_raw, mixed_raw_working, 0, { 0 } },
	{ "peeps", mixed_peeps, mixed_peeps_working, 0, { 0 } },
};

#ifndef PEEPS_DISABLE
/* It was recorded: the segment says how often, but for what readers have not told it yet, and who holds it now. */
static void require_seen(const struct bench_pairs *pairs)
{
	const uint64_t acquires = peeps.hook.slot->body[PEEPS_RWLOCK_ACQUIRES_WORD];

	if (acquires <= pairs->done && pairs->done - acquires < 1000 && acquires > 0)
		return;
	(void)fprintf(stderr, PROGRAM ": %llu pairs, and the segment has %llu\n",
		      (unsigned long long)pairs->done, (unsigned long long)acquires);
	exit(1);
}
#endif

int main(int argc, char **argv)
{
	const char *const what = argc > 1 ? argv[1] : "";
	const size_t rounds =
		argc > 2 ? bench_count_of(argv[2], BENCH_ROUNDS_MAX) : BENCH_ROUNDS_USUALLY;
	struct bench_pairs_set set = { PROGRAM, reads, 2 };

	if (strcmp(what, "read") == 0) {
		bench_pairs_uncontended(&set, what, rounds);
	} else if (strcmp(what, "write") == 0) {
		set.all = writes;
		bench_pairs_uncontended(&set, what, rounds);
	} else if (strcmp(what, "nested") == 0) {
		set.all = nested;
		bench_pairs_uncontended(&set, what, rounds);
	} else if (strcmp(what, "readers") == 0) {
		bench_pairs_contended(&set, what, THREADS, rounds);
	} else if (strcmp(what, "mixed") == 0) {
		set.all = mixed;
		bench_pairs_working(&set, what, THREADS, rounds);
	} else {
		(void)fprintf(stderr,
			      "usage: " PROGRAM " read|write|nested|readers|mixed [ROUNDS]\n");
		return 2;
	}
#ifndef PEEPS_DISABLE
	require_seen(&set.all[1]);
#endif
	return 0;
}
