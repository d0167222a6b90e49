/* SPDX-License-Identifier: MIT */
/*
 * semaphore-starvation - a permit that never comes back
 *
 * demo.api_gate has one permit. permit_holder takes it and keeps it, permit_waiter waits for it for ever. Prints its
 * PID and runs until it is killed.
 *
 *	semaphore-starvation             the starvation
 *	semaphore-starvation --sharing   both give it back soon: the same program without the mistake
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <peeps/peeps.h>

#define MILLISECOND UINT64_C(1000000)
#define HOUR        (UINT64_C(3600000) * MILLISECOND)

static struct peeps_sem *api_gate;

/* So that the holder comes first. */
static pthread_barrier_t permit_is_taken;
static bool sharing;

static void call_the_api(uint64_t for_ns)
{
	(void)peeps_sleep_ns(for_ns);
}

static void *permit_holder(void *unused)
{
	peeps_thread_name("permit_holder");
	(void)peeps_sem_acquire(api_gate, 1);
	(void)pthread_barrier_wait(&permit_is_taken);
	while (!sharing)
		call_the_api(HOUR);
	for (;;) {
		call_the_api(MILLISECOND);
		(void)peeps_sem_release(api_gate, 1);
		(void)peeps_sem_acquire(api_gate, 1);
	}
	return unused;
}

static void *permit_waiter(void *unused)
{
	peeps_thread_name("permit_waiter");
	(void)pthread_barrier_wait(&permit_is_taken);
	for (;;) {
		(void)peeps_sem_acquire(api_gate, 1);
		call_the_api(MILLISECOND);
		(void)peeps_sem_release(api_gate, 1);
	}
	return unused;
}

int main(int argc, char **argv)
{
	static void *(*const bodies[])(void *) = { permit_holder, permit_waiter };
	pthread_t thread;

	sharing = argc > 1 && strcmp(argv[1], "--sharing") == 0;
	(void)pthread_barrier_init(&permit_is_taken, NULL, 2);
	if (peeps_sem_new(&api_gate, "demo.api_gate", 1) != 0) {
		(void)fprintf(stderr, "no memory\n");
		return EXIT_FAILURE;
	}
	peeps_thread_name("main");
	(void)printf("%ld\n", (long)getpid());
	(void)fflush(stdout);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		if (pthread_create(&thread, NULL, bodies[i], NULL) != 0) {
			(void)fprintf(stderr, "no thread\n");
			return EXIT_FAILURE;
		}
	}
	for (;;)
		(void)pause();
}
