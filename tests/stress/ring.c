/* SPDX-License-Identifier: MIT */
/*
 * Threads go round a ring of mutexes, hand over hand and downwards: the next one is locked before the last one is
 * unlocked, so each always holds one or two, and nobody overtakes anybody. How often neighbours in the ring were
 * acquired, and who holds them, is written by different threads and tied together in every cut: check.c.
 */
#include "tests/stress/scenes.h"
#include "tests/stress/target.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>

#include <peeps/mutex.h>

static struct peeps_mutex ring[RING_MUTEXES];

static void lock_patiently(struct peeps_mutex *m)
{
	struct timespec until;
	int result;

	do {
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 30000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		result = peeps_mutex_timedlock(m, &until);
	} while (result == ETIMEDOUT);
	target_must(result == 0, "timedlock gives the lock or times out");
}

static void lock_somehow(struct peeps_mutex *m)
{
	switch (target_random() % 8) {
	case 0:
		lock_patiently(m);
		break;
	case 1:
		if (peeps_mutex_trylock(m) == 0)
			break;
		(void)peeps_mutex_lock(m);
		break;
	default:
		target_must(peeps_mutex_lock(m) == 0, "lock gives the lock");
	}
}

static void run(void *argument)
{
	const unsigned int me = (unsigned int)(uintptr_t)argument;
	unsigned int at = me * RING_APART;

	(void)peeps_mutex_lock(&ring[at]);
	if (target_plays("signals"))
		handlers_start(me);
	target_ready();
	for (unsigned int moves = 1; !target_stops(); moves++) {
		const unsigned int next = ring_next(at);

		lock_somehow(&ring[next]);
		target_must(peeps_mutex_unlock(&ring[at]) == 0, "unlock lets go");
		at = next;
		target_round();
		if (moves % 64 == 0)
			(void)sched_yield();
	}
	if (target_plays("signals"))
		handlers_stop(me);
	(void)peeps_mutex_unlock(&ring[at]);
}

void ring_start(void)
{
	char name[16];

	for (unsigned int i = 0; i < RING_MUTEXES; i++) {
		(void)snprintf(name, sizeof(name), "ring-%u", i);
		(void)peeps_mutex_init(&ring[i], name, NULL);
		target_gap();
	}
	for (unsigned int i = 0; i < RING_THREADS; i++) {
		(void)snprintf(name, sizeof(name), "ring-thread-%u", i);
		(void)target_thread(name, run, (void *)(uintptr_t)i);
	}
}
