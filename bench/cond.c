/* SPDX-License-Identifier: MIT */
/*
 * What a condition of ours costs beside a plain one: raw and ours by turns, in one binary.
 *
 * usage: cond signal|handover [ROUNDS]
 *
 *   signal    notified, with the mutex held, while nobody waits
 *   handover  two threads wait for each other: there and back again
 *
 * Compiled with PEEPS_DISABLE, `peeps` is to be the plain primitive. A round's figure of ours is taken relative to the raw
 * one's in the same round.
 */
#include <peeps/peeps.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/pairs.h"
#include "bench/series.h"

#ifdef PEEPS_DISABLE
#define PROGRAM "cond_disabled"
#else
#define PROGRAM "cond"
#endif

static BENCH_ALONE struct {
	pthread_mutex_t m;
	pthread_cond_t c;
	int turn;
} raw = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };

static BENCH_ALONE struct {
	struct peeps_mutex m;
	struct peeps_cond c;
	int turn;
} ours = { PEEPS_MUTEX_INIT("bench.mutex"), PEEPS_COND_INIT("bench.condition"), 0 };

static void raw_turn(int me)
{
	(void)pthread_mutex_lock(&raw.m);
	while (raw.turn != me)
		(void)pthread_cond_wait(&raw.c, &raw.m);
	raw.turn = !me;
	(void)pthread_cond_signal(&raw.c);
	(void)pthread_mutex_unlock(&raw.m);
}

static void our_turn(int me)
{
	(void)peeps_mutex_lock(&ours.m);
	while (ours.turn != me)
		(void)peeps_cond_wait(&ours.c, &ours.m);
	ours.turn = !me;
	(void)peeps_cond_signal(&ours.c);
	(void)peeps_mutex_unlock(&ours.m);
}

static void *play(void *take_turn)
{
	void (*const turn)(int) = *(void (**)(int))take_turn;

	for (;;)
		turn(1);
	return NULL;
}

BENCH_PAIRS(signal_raw, pthread_mutex_lock(&raw.m),
	    (pthread_cond_signal(&raw.c) + pthread_mutex_unlock(&raw.m)))
BENCH_PAIRS(signal_peeps, peeps_mutex_lock(&ours.m),
	    (peeps_cond_signal(&ours.c) + peeps_mutex_unlock(&ours.m)))
BENCH_PAIRS(turns_raw, raw_turn(0), 0)
BENCH_PAIRS(turns_peeps, our_turn(0), 0)

static struct bench_pairs signals[] = {
	{ "raw", signal_raw, signal_raw_working, 0, { 0 } },
	{ "peeps", signal_peeps, signal_peeps_working, 0, { 0 } },
};
static struct bench_pairs handovers[] = {
	{ "raw", turns_raw, turns_raw_working, 0, { 0 } },
	{ "peeps", turns_peeps, turns_peeps_working, 0, { 0 } },
};

/* A measured wrapper that recorded nothing measured nothing. */
static void require_seen(uint64_t notifies)
{
#ifdef PEEPS_DISABLE
	(void)notifies;
#else
	const uint64_t seen = ours.c.hook.slot->body[PEEPS_NOTIFY_NOTIFIES_WORD];

	if (seen >= notifies)
		return;
	(void)fprintf(stderr, PROGRAM ": notified %llu times, and the segment has %llu\n",
		      (unsigned long long)notifies, (unsigned long long)seen);
	exit(1);
#endif
}

int main(int argc, char **argv)
{
	static void (*raw_player)(int) = raw_turn, (*our_player)(int) = our_turn;
	const char *const what = argc > 1 ? argv[1] : "";
	const size_t rounds =
		argc > 2 ? bench_count_of(argv[2], BENCH_ROUNDS_MAX) : BENCH_ROUNDS_USUALLY;
	struct bench_pairs_set set = { PROGRAM, signals, 2 };
	pthread_t thread;

	if (strcmp(what, "signal") == 0) {
		bench_pairs_uncontended(&set, what, rounds);
	} else if (strcmp(what, "handover") == 0) {
		set.all = handovers;
		if (pthread_create(&thread, NULL, play, (void *)&raw_player) != 0 ||
		    pthread_create(&thread, NULL, play, (void *)&our_player) != 0)
			return 2;
		bench_pairs_uncontended(&set, what, rounds);
	} else {
		(void)fprintf(stderr, "usage: " PROGRAM " signal|handover [ROUNDS]\n");
		return 2;
	}
	require_seen(set.all[1].done);
	return 0;
}
