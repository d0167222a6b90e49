/* SPDX-License-Identifier: MIT */
/*
 * belfry: threads ring one after the other. Each waits for its turn at one condition, under one mutex. So nobody holds that
 * mutex while he waits for the condition, and who was woken waits for one of the two at a time (check.c).
 */
#include "tests/stress/scenes.h"
#include "tests/stress/target.h"

#include <stdio.h>
#include <time.h>

#include <peeps/cond.h>

static struct peeps_mutex belfry;
static struct peeps_cond rope;
static unsigned int next;

static struct timespec in_a_while(void)
{
	struct timespec when;

	(void)clock_gettime(CLOCK_REALTIME, &when);
	when.tv_nsec += 50000;
	when.tv_sec += when.tv_nsec / 1000000000;
	when.tv_nsec %= 1000000000;
	return when;
}

/* Some are woken in vain, and some run out of time. */
static void ring(unsigned int me)
{
	const struct timespec soon = in_a_while();

	(void)peeps_mutex_lock(&belfry);
	while (next != me && !target_stops())
		(void)(target_random() % 8 ? peeps_cond_timedwait(&rope, &belfry, &soon)
					   : peeps_cond_wait(&rope, &belfry));
	if (next == me)
		next = (me + 1) % BELFRY_THREADS;
	(void)peeps_cond_broadcast(&rope);
	(void)peeps_mutex_unlock(&belfry);
}

static void run_ringer(void *argument)
{
	const unsigned int me = (unsigned int)(uintptr_t)argument;

	target_ready();
	while (!target_stops()) {
		ring(me);
		target_round();
	}
	/* Those who wait for ever are to see that it is over. */
	(void)peeps_cond_broadcast(&rope);
}

void belfry_start(void)
{
	char name[32];

	(void)peeps_mutex_init(&belfry, BELFRY_NAME, NULL);
	target_gap();
	(void)peeps_cond_init(&rope, "rope", NULL);
	for (unsigned int i = 0; i < BELFRY_THREADS; i++) {
		(void)snprintf(name, sizeof(name), "ringer-%u", i);
		(void)target_thread(name, run_ringer, (void *)(uintptr_t)i);
	}
}
