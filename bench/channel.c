/* SPDX-License-Identifier: MIT */
/*
 * What an item costs through a channel of ours, and through others: rounds of items, all kinds by turns.
 *
 * usage: channel pair|one|four|full|empty [ROUNDS]
 *
 *   peeps      ours, of 1,024 items; compiled with PEEPS_DISABLE: without telemetry
 *   unbounded  ours
 *   condition  a ring of 1,024 items with a mutex and two conditions, as one writes it by hand
 *   glib       GAsyncQueue (unbounded; an item is a pointer)
 *   ck         a ring of the Concurrency Kit, for one sender, which knows no sleep: who finds nothing to do yields
 *              the processor. Not with four senders: 0.7.1's ring for several can come to a halt where processors
 *              are scarce, all of them waiting for their turn
 *
 * pair: one thread sends an item and receives it. one: one sender, one receiver. four: four senders. full: the
 * receiver is slow, so that it is full; empty: the sender is slow, so that it is empty. Slow: some microseconds.
 *
 * ns an item of 8 bytes. The last two kinds are there if their libraries are.
 */
#include <peeps/peeps.h>

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef BENCH_GLIB
#include <glib.h>
#endif
#ifdef BENCH_CK
#include <ck_ring.h>
#endif

#include <peeps/atomic.h>
#include "bench/series.h"
#ifndef PEEPS_DISABLE
#include "bench/own_segment.h"
#endif

#ifdef PEEPS_DISABLE
#define PROGRAM "channel_disabled"
#else
#define PROGRAM "channel"
#endif

#define CAPACITY       1024
#define SENDERS_MOST   4
#define ROUNDS_MAX     10000
#define ROUNDS_USUALLY 20
#define SLOW_STEPS     4000 /* that wait for each other */
#define THE_END        UINT64_MAX

static inline void work(void)
{
	uint64_t value = 1;

	for (int i = 0; i < SLOW_STEPS; i++) {
		value = value * 5 + 1;
		__asm__ volatile("" : "+r"(value));
	}
}

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	(void)fprintf(stderr, PROGRAM ": %s\n", what);
	exit(1);
}

/* --- the kinds -------------------------------------------------------------------------------- */

struct kind {
	const char *name;
	void (*init)(void);
	bool for_one_sender;
	void (*send)(int sender, uint64_t item);
	uint64_t (*receive)(void);
	double rounds[ROUNDS_MAX];
};

struct ours {
	struct peeps_mpsc_tx *tx[SENDERS_MOST];
	struct peeps_mpsc_rx *rx;
};

static struct ours bounded, unbounded;

static void ours_init(struct ours *c, const char *name, size_t capacity)
{
	require(peeps_mpsc_new(&c->tx[0], &c->rx, name, sizeof(uint64_t), capacity) == 0,
		"no channel");
	for (int i = 1; i < SENDERS_MOST; i++)
		c->tx[i] = peeps_mpsc_tx_clone(c->tx[0]);
}

/* Each handle is its user's own, as it should be. */
static __thread const void *moved[2];

static void ours_init_bounded(void)
{
	ours_init(&bounded, "bench.bounded", CAPACITY);
}

static void ours_init_unbounded(void)
{
	ours_init(&unbounded, "bench.unbounded", 0);
}

static inline void ours_send(struct ours *c, int sender, uint64_t item)
{
	if (peeps_unlikely(moved[c == &unbounded] != c->tx[sender])) {
		peeps_mpsc_tx_moved(c->tx[sender]);
		moved[c == &unbounded] = c->tx[sender];
	}
	(void)peeps_mpsc_send(c->tx[sender], &item);
}

static void bounded_send(int sender, uint64_t item)
{
	ours_send(&bounded, sender, item);
}

static uint64_t bounded_receive(void)
{
	uint64_t item = 0;

	(void)peeps_mpsc_recv(bounded.rx, &item);
	return item;
}

static void unbounded_send(int sender, uint64_t item)
{
	ours_send(&unbounded, sender, item);
}

static uint64_t unbounded_receive(void)
{
	uint64_t item = 0;

	(void)peeps_mpsc_recv(unbounded.rx, &item);
	return item;
}

/* As one writes it: the lock around everything, a signal after every change. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t not_full, not_empty;
	uint64_t items[CAPACITY], put, taken;
} plain = { .lock = PTHREAD_MUTEX_INITIALIZER,
	    .not_full = PTHREAD_COND_INITIALIZER,
	    .not_empty = PTHREAD_COND_INITIALIZER };

static void plain_init(void)
{
}

static void plain_send(int sender, uint64_t item)
{
	(void)sender;
	(void)pthread_mutex_lock(&plain.lock);
	while (plain.put - plain.taken == CAPACITY)
		(void)pthread_cond_wait(&plain.not_full, &plain.lock);
	plain.items[plain.put++ % CAPACITY] = item;
	(void)pthread_mutex_unlock(&plain.lock);
	(void)pthread_cond_signal(&plain.not_empty);
}

static uint64_t plain_receive(void)
{
	uint64_t item;

	(void)pthread_mutex_lock(&plain.lock);
	while (plain.put == plain.taken)
		(void)pthread_cond_wait(&plain.not_empty, &plain.lock);
	item = plain.items[plain.taken++ % CAPACITY];
	(void)pthread_mutex_unlock(&plain.lock);
	(void)pthread_cond_signal(&plain.not_full);
	return item;
}

#ifdef BENCH_GLIB
static GAsyncQueue *glib_queue;

static void glib_init(void)
{
	glib_queue = g_async_queue_new();
}

/* NULL cannot be an item. */
static void glib_send(int sender, uint64_t item)
{
	(void)sender;
	g_async_queue_push(glib_queue, GSIZE_TO_POINTER(item + 2));
}

static uint64_t glib_receive(void)
{
	return GPOINTER_TO_SIZE(g_async_queue_pop(glib_queue)) - 2;
}
#endif

#ifdef BENCH_CK
static ck_ring_t ck_ring;
static ck_ring_buffer_t ck_buffer[CAPACITY];

static void ck_init(void)
{
	ck_ring_init(&ck_ring, CAPACITY);
}

static void ck_send(int sender, uint64_t item)
{
	void *const entry = (void *)(uintptr_t)item; // NOLINT

	(void)sender;
	while (!ck_ring_enqueue_spsc(&ck_ring, ck_buffer, entry))
		(void)sched_yield();
}

static uint64_t ck_receive(void)
{
	void *entry;

	while (!ck_ring_dequeue_spsc(&ck_ring, ck_buffer, &entry))
		(void)sched_yield();
	return (uint64_t)(uintptr_t)entry;
}
#endif

/* The first is the base of the others. */
static struct kind kinds[] = {
	{ "peeps", ours_init_bounded, false, bounded_send, bounded_receive, { 0 } },
	{ "unbounded", ours_init_unbounded, false, unbounded_send, unbounded_receive, { 0 } },
	{ "condition", plain_init, false, plain_send, plain_receive, { 0 } },
#ifdef BENCH_GLIB
	{ "glib", glib_init, false, glib_send, glib_receive, { 0 } },
#endif
#ifdef BENCH_CK
	{ "ck", ck_init, true, ck_send, ck_receive, { 0 } },
#endif
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* --- a round ---------------------------------------------------------------------------------- */

struct scene {
	const char *name;
	int senders; /* 0: the receiver's own thread sends */
	uint64_t items;
	bool slow_sender, slow_receiver;
};

static const struct scene scenes[] = {
	{ "pair", 0, 100000, false, false }, { "one", 1, 200000, false, false },
	{ "four", 4, 200000, false, false }, { "full", 1, 5000, false, true },
	{ "empty", 1, 5000, true, false },
};

static const struct scene *scene;
static struct kind *kind; /* of the round; NULL = the end */
static pthread_barrier_t gate;

static void *send_rounds(void *number)
{
	const int sender = *(const int *)number;

	for (;;) {
		(void)pthread_barrier_wait(&gate);
		if (!kind)
			return NULL;
		for (uint64_t i = 0; i < scene->items / (uint64_t)scene->senders; i++) {
			if (scene->slow_sender)
				work();
			kind->send(sender, i);
		}
	}
}

static pthread_t threads[SENDERS_MOST];
static int numbers[SENDERS_MOST];

static void start_senders(void)
{
	require(pthread_barrier_init(&gate, NULL, (unsigned int)scene->senders + 1) == 0,
		"no barrier");
	for (int i = 0; i < scene->senders; i++) {
		numbers[i] = i;
		require(pthread_create(&threads[i], NULL, send_rounds, &numbers[i]) == 0,
			"no thread");
	}
}

static void stop_senders(void)
{
	kind = NULL;
	(void)pthread_barrier_wait(&gate);
	for (int i = 0; i < scene->senders; i++)
		(void)pthread_join(threads[i], NULL);
}

/* Another thread, alive: from then on pthread locks for real. */
static void *be_there(void *unused)
{
	(void)pthread_barrier_wait(&gate);
	return unused;
}

static void start_companion(void)
{
	require(pthread_barrier_init(&gate, NULL, 2) == 0, "no barrier");
	require(pthread_create(&threads[0], NULL, be_there, NULL) == 0, "no thread");
}

static void stop_companion(void)
{
	(void)pthread_barrier_wait(&gate);
	(void)pthread_join(threads[0], NULL);
}

/* The sum tells whether all have come. */
static uint64_t receive_round(void)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < scene->items; i++) {
		if (scene->senders == 0)
			kind->send(0, i);
		if (scene->slow_receiver)
			work();
		sum += kind->receive();
	}
	return sum;
}

static uint64_t expected_sum(void)
{
	const uint64_t senders = scene->senders ? (uint64_t)scene->senders : 1;
	const uint64_t each = scene->items / senders;

	return senders * (each * (each - 1) / 2);
}

static bool takes_part(const struct kind *of)
{
	return !of->for_one_sender || scene->senders <= 1;
}

static double round_ns(struct kind *of)
{
	uint64_t began_ns, sum;

	kind = of;
	if (scene->senders > 0)
		(void)pthread_barrier_wait(&gate);
	began_ns = bench_now_ns();
	sum = receive_round();
	require(sum == expected_sum(), "items were lost");
	return (double)(bench_now_ns() - began_ns) / (double)scene->items;
}

/* What was sent and received is in the segment, to the last item. */
static void require_all_seen(size_t rounds)
{
#ifndef PEEPS_DISABLE
	own_segment_require_channels(2, scene->items * (rounds + 1));
#else
	(void)rounds;
#endif
}

int main(int argc, char **argv)
{
	const size_t rounds = argc > 2 ? bench_count_of(argv[2], ROUNDS_MAX) : ROUNDS_USUALLY;

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]) && argc > 1; i++)
		if (strcmp(scenes[i].name, argv[1]) == 0)
			scene = &scenes[i];
	if (!scene) {
		(void)fprintf(stderr, "usage: " PROGRAM " pair|one|four|full|empty [ROUNDS]\n");
		return 2;
	}
	for (size_t i = 0; i < KINDS; i++)
		kinds[i].init();
	if (scene->senders > 0)
		start_senders();
	else
		start_companion();
	for (size_t round = 0; round <= rounds; round++) /* the first is for warming up */
		for (size_t i = 0; i < KINDS; i++)
			if (takes_part(&kinds[i]))
				kinds[i].rounds[round > 0 ? round - 1 : 0] = round_ns(&kinds[i]);
	if (scene->senders > 0)
		stop_senders();
	else
		stop_companion();
	for (size_t i = 0; i < KINDS; i++) {
		char name[80];

		if (!takes_part(&kinds[i]))
			continue;
		(void)snprintf(name, sizeof(name), PROGRAM ".%s.%s", scene->name, kinds[i].name);
		bench_series_print(name, "ns", NULL, kinds[i].rounds, rounds);
	}
	require_all_seen(rounds);
	return 0;
}
