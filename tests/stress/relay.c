/* SPDX-License-Identifier: MIT */
/*
 * Two threads take turns. On its turn, each locks and unlocks its own mutex RELAY_BURST times, each time inside a mutex
 * that both use. So the number of acquisitions of one's own mutex and the other's, which different threads store in
 * different slots, never get more than a turn apart.
 */
#include "tests/stress/scenes.h"
#include "tests/stress/target.h"

#include <stdio.h>

#include <peeps/mutex.h>

static struct peeps_mutex own[2], both;
static struct baton baton;

static void run(void *argument)
{
	const uint32_t me = (uint32_t)(uintptr_t)argument;

	target_ready();
	while (baton_wait(&baton, me)) {
		for (int i = 0; i < RELAY_BURST; i++) {
			(void)peeps_mutex_lock(&both);
			(void)peeps_mutex_lock(&own[me]);
			(void)peeps_mutex_unlock(&own[me]);
			(void)peeps_mutex_unlock(&both);
		}
		target_round();
		baton_pass(&baton, !me);
	}
}

void relay_start(void)
{
	(void)peeps_mutex_init(&own[0], "relay-0", NULL);
	target_gap();
	(void)peeps_mutex_init(&both, "relay-both", NULL);
	target_gap();
	(void)peeps_mutex_init(&own[1], "relay-1", NULL);
	(void)target_thread("relay-thread-0", run, (void *)0);
	(void)target_thread("relay-thread-1", run, (void *)1);
}
