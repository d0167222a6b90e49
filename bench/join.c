/* SPDX-License-Identifier: MIT */
/*
 * What a join of ours costs beside pthread's: rounds of threads that are made and waited for, raw and ours by turns.
 *
 * usage: join seen|unseen|ended [ROUNDS]
 *
 *   seen    the thread records something before it ends, as most do
 *   unseen  it records nothing: while it is waited for, it has an entity all the same
 *   ended   it has ended before it is joined: there is nothing to wait for
 *
 * ns a thread; a round's figure of ours is taken relative to the raw one's in the same round.
 */
#include <peeps/peeps.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/series.h"

#define THREADS        50
#define ROUNDS_MAX     10000
#define ROUNDS_USUALLY 40

enum how { RAW, PEEPS, HOWS };

static const char *const how_names[HOWS] = { "raw", "peeps" };
static const char *what;

static void *work(void *unused)
{
	if (strcmp(what, "seen") == 0)
		peeps_thread_name("worker");
	return unused;
}

static void fail(const char *why)
{
	(void)fprintf(stderr, "join: %s\n", why);
	exit(1);
}

/* Long enough for a thread that has nothing to do. */
static void let_it_end(void)
{
	const struct timespec pause = { .tv_nsec = 200000 };

	if (strcmp(what, "ended") == 0)
		(void)nanosleep(&pause, NULL);
}

static double round_of(enum how how)
{
	uint64_t spent_ns = 0;

	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;
		uint64_t before_ns = bench_now_ns();

		if (pthread_create(&thread, NULL, work, NULL) != 0)
			fail("no thread");
		spent_ns += bench_now_ns() - before_ns;
		let_it_end();
		before_ns = bench_now_ns();
		if ((how == RAW ? pthread_join(thread, NULL) : peeps_thread_join(thread, NULL)) !=
		    0)
			fail("not joined");
		spent_ns += bench_now_ns() - before_ns;
	}
	return (double)spent_ns / THREADS;
}

static int by_size(const void *left, const void *right)
{
	const double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static void report(enum how how, double *rounds, size_t count)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "join.%s.%s", what, how_names[how]);
	qsort(rounds, count, sizeof(*rounds), by_size);
	bench_series_print(name, "ns", how == RAW ? NULL : "raw", rounds, count);
}

int main(int argc, char **argv)
{
	static double rounds[HOWS][ROUNDS_MAX];
	const size_t count = argc > 2 ? bench_count_of(argv[2], ROUNDS_MAX) : ROUNDS_USUALLY;

	what = argc > 1 ? argv[1] : "";
	if (strcmp(what, "seen") != 0 && strcmp(what, "unseen") != 0 &&
	    strcmp(what, "ended") != 0) {
		(void)fprintf(stderr, "usage: join seen|unseen|ended [ROUNDS]\n");
		return 2;
	}
	(void)round_of(RAW); /* the first threads have no stack at hand */
	for (size_t i = 0; i < count; i++) {
		rounds[RAW][i] = round_of(RAW);
		rounds[PEEPS][i] = round_of(PEEPS) - rounds[RAW][i];
	}
	report(RAW, rounds[RAW], count);
	report(PEEPS, rounds[PEEPS], count);
	return 0;
}
