/* SPDX-License-Identifier: MIT */
/*
 * Threads that live briefly, one after the other: worker-N names itself, makes held-N, locks it, and lets go of it all
 * before it ends. So at most one held-N is there, its maker and its holder are the live thread of that number.
 */
#include "tests/stress/scenes.h"
#include "tests/stress/target.h"

#include <pthread.h>
#include <stdio.h>

#include <peeps/peeps.h>

static void *work(void *argument)
{
	const unsigned long long number = (uintptr_t)argument;
	struct peeps_mutex held;
	char name[32];

	(void)snprintf(name, sizeof(name), WORKER_NAME "%llu", number);
	peeps_thread_name(name);
	(void)snprintf(name, sizeof(name), HELD_NAME "%llu", number);
	(void)peeps_mutex_init(&held, name, NULL);
	for (int i = 0; i < WORKER_ACQUIRES; i++) {
		(void)peeps_mutex_lock(&held);
		(void)peeps_mutex_unlock(&held);
	}
	(void)peeps_mutex_destroy(&held);
	return NULL;
}

static void run(void *unused)
{
	pthread_t thread;

	(void)unused;
	target_ready();
	for (uintptr_t number = 0; !target_stops(); number++) {
		target_must(pthread_create(&thread, NULL, work, (void *)number) == 0,
			    "a worker can be created");
		(void)pthread_join(thread, NULL);
		target_round();
	}
}

void workers_start(void)
{
	(void)target_thread("foreman", run, NULL);
}
