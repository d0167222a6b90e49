/* SPDX-License-Identifier: MIT */
/*
 * What a notify of ours costs beside what programs do without one: a flag, a mutex and a condition, and a sem_t.
 *
 * usage: notify stored|handover [ROUNDS]
 *
 *   stored    notified while nobody waits; then waited for, which takes what was stored
 *   handover  two threads wait for each other: there and back again
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

#include "bench/own_segment.h"
#include "bench/pairs.h"
#include "bench/series.h"

#ifdef PEEPS_DISABLE
#define PROGRAM "notify_disabled"
#else
#define PROGRAM "notify"
#endif

struct flag {
	pthread_mutex_t m;
	pthread_cond_t c;
	bool is_set;
};

#define FLAG_INIT                                                          \
	{                                                                  \
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false \
	}

static BENCH_ALONE struct flag raw[2] = { FLAG_INIT, FLAG_INIT };
static BENCH_ALONE sem_t posix[2];
static BENCH_ALONE struct peeps_notify *ours[2];

static void flag_set(struct flag *flag)
{
	(void)pthread_mutex_lock(&flag->m);
	flag->is_set = true;
	(void)pthread_cond_signal(&flag->c);
	(void)pthread_mutex_unlock(&flag->m);
}

static void flag_wait(struct flag *flag)
{
	(void)pthread_mutex_lock(&flag->m);
	while (!flag->is_set)
		(void)pthread_cond_wait(&flag->c, &flag->m);
	flag->is_set = false;
	(void)pthread_mutex_unlock(&flag->m);
}

static void *answer_raw(void *unused)
{
	for (;;) {
		flag_wait(&raw[0]);
		flag_set(&raw[1]);
	}
	return unused;
}

static void *answer_posix(void *unused)
{
	for (;;) {
		(void)sem_wait(&posix[0]);
		(void)sem_post(&posix[1]);
	}
	return unused;
}

static void *answer_peeps(void *unused)
{
	for (;;) {
		(void)peeps_notify_wait(ours[0]);
		peeps_notify_one(ours[1]);
	}
	return unused;
}

BENCH_PAIRS(stored_raw, (flag_set(&raw[0]), 0), (flag_wait(&raw[0]), 0))
BENCH_PAIRS(stored_posix, sem_post(&posix[0]), sem_wait(&posix[0]))
BENCH_PAIRS(stored_peeps, (peeps_notify_one(ours[0]), 0), peeps_notify_wait(ours[0]))
BENCH_PAIRS(turns_raw, (flag_set(&raw[0]), 0), (flag_wait(&raw[1]), 0))
BENCH_PAIRS(turns_posix, sem_post(&posix[0]), sem_wait(&posix[1]))
BENCH_PAIRS(turns_peeps, (peeps_notify_one(ours[0]), 0), peeps_notify_wait(ours[1]))

static struct bench_pairs stored[] = {
	{ "raw", stored_raw, stored_raw_working, 0, { 0 } },
	{ "posix", stored_posix, stored_posix_working, 0, { 0 } },
	{ "peeps", stored_peeps, stored_peeps_working, 0, { 0 } },
};
static struct bench_pairs handovers[] = {
	{ "raw", turns_raw, turns_raw_working, 0, { 0 } },
	{ "posix", turns_posix, turns_posix_working, 0, { 0 } },
	{ "peeps", turns_peeps, turns_peeps_working, 0, { 0 } },
};

static void make(void)
{
	for (int i = 0; i < 2; i++)
		if (sem_init(&posix[i], 0, 0) != 0 ||
		    peeps_notify_new(&ours[i], "bench.notify") != 0)
			exit(2);
}

static bool start_those_who_answer(void)
{
	void *(*const all[])(void *) = { answer_raw, answer_posix, answer_peeps };
	pthread_t thread;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (pthread_create(&thread, NULL, all[i], NULL) != 0)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	const char *const what = argc > 1 ? argv[1] : "";
	const size_t rounds =
		argc > 2 ? bench_count_of(argv[2], BENCH_ROUNDS_MAX) : BENCH_ROUNDS_USUALLY;
	const bool hands_over = strcmp(what, "handover") == 0;
	const struct bench_pairs_set set = { PROGRAM, hands_over ? handovers : stored, 3 };

	if (!hands_over && strcmp(what, "stored") != 0) {
		(void)fprintf(stderr, "usage: " PROGRAM " stored|handover [ROUNDS]\n");
		return 2;
	}
	make();
	if (hands_over && !start_those_who_answer())
		return 2;
	bench_pairs_uncontended(&set, what, rounds);
#ifndef PEEPS_DISABLE
	own_segment_require_notifies("bench.notify", set.all[2].done);
#endif
	return 0;
}
