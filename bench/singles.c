/* SPDX-License-Identifier: MIT */
/*
 * What a oneshot, a watch and a broadcast of ours cost. Compiled with PEEPS_DISABLE: the same without telemetry.
 *
 * usage: singles SCENE [ROUNDS]
 *
 *   oneshot_items  sent and received, of those made beforehand, by one thread
 *   oneshot_lives  made, sent, received, freed, by one thread
 *   oneshot_calls  made, sent by another thread, who is asked by a watch, waited for, freed
 *   watch_changes  changed, while there is a receiver that looks at none
 *   watch_seen     changed and seen, by one thread
 *   watch_waits    changed by one thread, waited for by another, and back by another watch
 *   broadcast_items   sent and received, by one thread
 *   broadcast_stream  sent by another thread, who waits for the only receiver when it is 1,024 behind
 *
 * ns each, of 8 bytes.
 */
#include <peeps/peeps.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/series.h"

#ifdef PEEPS_DISABLE
#define PROGRAM "singles_disabled"
#else
#define PROGRAM "singles"
#endif

#define ROUNDS_MAX     10000
#define ROUNDS_USUALLY 20
#define MADE_AT_ONCE   1000
#define THE_END        UINT64_MAX

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	(void)fprintf(stderr, PROGRAM ": %s\n", what);
	exit(1);
}

/* --- oneshots ------------------------------------------------------------------------------------ */

struct oneshot {
	struct peeps_oneshot_tx *tx;
	struct peeps_oneshot_rx *rx;
};

static struct oneshot made(void)
{
	struct oneshot one;

	require(peeps_oneshot_new(&one.tx, &one.rx, "bench.oneshot", sizeof(uint64_t)) == 0,
		"no oneshot");
	return one;
}

static double per(uint64_t began_ns, uint64_t count)
{
	return (double)(bench_now_ns() - began_ns) / (double)count;
}

static double oneshot_items(void)
{
	static struct oneshot all[MADE_AT_ONCE];
	uint64_t began_ns, item, sum = 0;
	double ns;

	for (int i = 0; i < MADE_AT_ONCE; i++)
		all[i] = made();
	began_ns = bench_now_ns();
	for (uint64_t i = 0; i < MADE_AT_ONCE; i++) {
		(void)peeps_oneshot_send(all[i].tx, &i);
		(void)peeps_oneshot_recv(all[i].rx, &item);
		sum += item;
	}
	ns = per(began_ns, MADE_AT_ONCE);
	for (int i = 0; i < MADE_AT_ONCE; i++)
		peeps_oneshot_rx_free(all[i].rx);
	require(sum == (uint64_t)MADE_AT_ONCE * (MADE_AT_ONCE - 1) / 2, "items were lost");
	return ns;
}

static double oneshot_lives(void)
{
	const uint64_t count = 20000, began_ns = bench_now_ns();

	for (uint64_t i = 0; i < count; i++) {
		const struct oneshot one = made();
		uint64_t item = 0;

		(void)peeps_oneshot_send(one.tx, &i);
		(void)peeps_oneshot_recv(one.rx, &item);
		require(item == i, "an item was lost");
		peeps_oneshot_rx_free(one.rx);
	}
	return per(began_ns, count);
}

/* --- two threads --------------------------------------------------------------------------------- */

static struct peeps_watch_tx *there_tx, *back_tx;
static struct peeps_watch_rx *there_rx, *back_rx;
static struct peeps_oneshot_tx *asked;
static bool echoes; /* by a watch; else by the oneshot that was asked by */

static void watch(struct peeps_watch_tx **tx, struct peeps_watch_rx **rx, const char *name)
{
	const uint64_t initial = 0;

	require(peeps_watch_new(tx, rx, name, sizeof(initial), &initial) == 0, "no watch");
}

static void *answer(void *unused)
{
	uint64_t number;

	peeps_watch_rx_moved(there_rx);
	peeps_watch_tx_moved(back_tx);
	while (peeps_watch_changed(there_rx, &number) == 0 && number != THE_END) {
		if (echoes) {
			(void)peeps_watch_send(back_tx, &number);
		} else {
			peeps_oneshot_tx_moved(asked);
			(void)peeps_oneshot_send(asked, &number);
		}
	}
	return unused;
}

static double oneshot_calls(void)
{
	const uint64_t count = 5000, began_ns = bench_now_ns();

	for (uint64_t i = 0; i < count; i++) {
		const struct oneshot one = made();
		uint64_t item = 0;

		asked = one.tx;
		(void)peeps_watch_send(there_tx, &i);
		(void)peeps_oneshot_recv(one.rx, &item);
		require(item == i, "an item was lost");
		peeps_oneshot_rx_free(one.rx);
	}
	return per(began_ns, count);
}

static double watch_waits(void)
{
	const uint64_t count = 5000, began_ns = bench_now_ns();

	for (uint64_t i = 0; i < count; i++) {
		uint64_t number = 0;

		(void)peeps_watch_send(there_tx, &i);
		(void)peeps_watch_changed(back_rx, &number);
		require(number == i, "a change was lost");
	}
	return per(began_ns, count);
}

/* --- a watch ------------------------------------------------------------------------------------- */

static double watch_changes(void)
{
	const uint64_t count = 200000, began_ns = bench_now_ns();

	for (uint64_t i = 0; i < count; i++)
		(void)peeps_watch_send(there_tx, &i);
	return per(began_ns, count);
}

static double watch_seen(void)
{
	const uint64_t count = 200000, began_ns = bench_now_ns();
	uint64_t number = 0, sum = 0;

	for (uint64_t i = 0; i < count; i++) {
		(void)peeps_watch_send(there_tx, &i);
		(void)peeps_watch_changed(there_rx, &number);
		sum += number;
	}
	require(sum == count * (count - 1) / 2, "changes were lost");
	return per(began_ns, count);
}

/* --- a broadcast --------------------------------------------------------------------------------- */

static struct peeps_broadcast_tx *bus_tx;
static struct peeps_broadcast_rx *bus_rx;

static double receive(uint64_t count, bool sends)
{
	const uint64_t began_ns = bench_now_ns();
	uint64_t item = 0;

	for (uint64_t i = 0; i < count; i++) {
		if (sends)
			(void)peeps_broadcast_send(bus_tx, &i);
		require(peeps_broadcast_recv(bus_rx, &item, NULL) == 0, "an item was lost");
	}
	return per(began_ns, count);
}

static double broadcast_items(void)
{
	return receive(200000, true);
}

static double broadcast_stream(void)
{
	return receive(200000, false);
}

static void *stream(void *unused)
{
	uint64_t item = 0;

	peeps_broadcast_tx_moved(bus_tx);
	while (peeps_broadcast_send(bus_tx, &item) == 0)
		item++;
	return unused;
}

/* So that pthread locks for real, and the tick runs. */
static void *accompany(void *stop)
{
	(void)pthread_mutex_lock(stop);
	(void)pthread_mutex_unlock(stop);
	return NULL;
}

static const struct scene {
	const char *name;
	double (*round)(void);
	bool is_answered, echoes;
	bool is_streamed;
} scenes[] = {
	{ "oneshot_items", oneshot_items, false, false, false },
	{ "oneshot_lives", oneshot_lives, false, false, false },
	{ "oneshot_calls", oneshot_calls, true, false, false },
	{ "watch_changes", watch_changes, false, false, false },
	{ "watch_seen", watch_seen, false, false, false },
	{ "watch_waits", watch_waits, true, true, false },
	{ "broadcast_items", broadcast_items, false, false, false },
	{ "broadcast_stream", broadcast_stream, false, false, true },
};

static const struct scene *scene_called(const char *name)
{
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		if (strcmp(scenes[i].name, name) == 0)
			return &scenes[i];
	(void)fprintf(stderr, "usage: " PROGRAM " SCENE [ROUNDS]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static double rounds_ns[ROUNDS_MAX];
	static pthread_mutex_t stop = PTHREAD_MUTEX_INITIALIZER;
	const struct scene *const scene = scene_called(argc > 1 ? argv[1] : "");
	const size_t rounds = argc > 2 ? bench_count_of(argv[2], ROUNDS_MAX) : ROUNDS_USUALLY;
	const uint64_t end = THE_END;
	pthread_t other;
	char name[80];

	watch(&there_tx, &there_rx, "bench.there");
	watch(&back_tx, &back_rx, "bench.back");
	echoes = scene->echoes;
	(void)pthread_mutex_lock(&stop);
	require(peeps_broadcast_new(&bus_tx, &bus_rx, "bench.broadcast", sizeof(uint64_t), 1024,
				    PEEPS_BROADCAST_WAIT) == 0,
		"no broadcast");
	require(pthread_create(&other, NULL,
			       scene->is_answered   ? answer
			       : scene->is_streamed ? stream
						    : accompany,
			       &stop) == 0,
		"no thread");
	peeps_watch_tx_moved(there_tx);
	peeps_broadcast_rx_moved(bus_rx);
	(void)scene->round(); /* for warming up */
	for (size_t round = 0; round < rounds; round++)
		rounds_ns[round] = scene->round();
	(void)pthread_mutex_unlock(&stop);
	(void)peeps_watch_send(there_tx, &end);
	peeps_broadcast_rx_free(bus_rx); /* ends the stream */
	(void)pthread_join(other, NULL);
	(void)snprintf(name, sizeof(name), PROGRAM ".%s", scene->name);
	bench_series_print(name, "ns", NULL, rounds_ns, rounds);
	return 0;
}
