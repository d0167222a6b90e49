/* SPDX-License-Identifier: MIT */
/*
 * join-deadlock - a thread is waited for with the lock held that it needs to end
 *
 * The manager holds the list of workers while it waits for a worker's end; the worker, which is done, wants to strike itself
 * off the list. A visitor, which only ever looks at a list of its own, goes on. Prints its PID and runs until it is killed.
 *
 *	join-deadlock                 the deadlock
 *	join-deadlock --unlock-first  the manager unlocks before it waits, and hires the next one: the same program without
 *	                              the mistake
 *	join-deadlock --ring          three threads, each of which waits for the end of the next
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <peeps/peeps.h>

#define RING 3

static struct peeps_mutex workers = PEEPS_MUTEX_INIT("workers");
static struct peeps_mutex guests = PEEPS_MUTEX_INIT("guests");
static int working;

static bool unlock_first;

static pthread_t ring[RING];
static pthread_barrier_t ring_closed;

static void rest_ms(long ms)
{
	const struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&pause, NULL);
}

static void *worker(void *unused)
{
	(void)unused;
	peeps_thread_name("worker");
	rest_ms(1);
	(void)peeps_mutex_lock(&workers);
	working--;
	(void)peeps_mutex_unlock(&workers);
	return NULL;
}

static void *manager(void *unused)
{
	pthread_t hired;

	peeps_thread_name("manager");
	do {
		(void)peeps_mutex_lock(&workers);
		if (pthread_create(&hired, NULL, worker, NULL) != 0)
			exit(EXIT_FAILURE);
		working++;
		if (unlock_first)
			(void)peeps_mutex_unlock(&workers);
		(void)peeps_thread_join(hired, NULL);
	} while (unlock_first);
	(void)peeps_mutex_unlock(&workers);
	return unused;
}

static void *visitor(void *unused)
{
	peeps_thread_name("visitor");
	for (;;) {
		(void)peeps_mutex_lock(&guests);
		rest_ms(1);
		(void)peeps_mutex_unlock(&guests);
		rest_ms(1);
	}
	return unused;
}

static void *link_of_ring(void *place)
{
	static const char *const names[RING] = { "anna", "bert", "carl" };
	const size_t own = (size_t)(uintptr_t)place;

	peeps_thread_name(names[own]);
	(void)pthread_barrier_wait(&ring_closed);
	(void)peeps_thread_join(ring[(own + 1) % RING], NULL);
	return NULL;
}

static int close_ring(void)
{
	(void)pthread_barrier_init(&ring_closed, NULL, RING + 1);
	for (size_t i = 0; i < RING; i++)
		if (pthread_create(&ring[i], NULL, link_of_ring, (void *)(uintptr_t)i) != 0)
			return EXIT_FAILURE;
	(void)pthread_barrier_wait(&ring_closed);
	return EXIT_SUCCESS;
}

static int hire(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, visitor, NULL) == 0 &&
			       pthread_create(&thread, NULL, manager, NULL) == 0
		       ? EXIT_SUCCESS
		       : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	unlock_first = argc > 1 && strcmp(argv[1], "--unlock-first") == 0;
	(void)printf("%ld\n", (long)getpid());
	(void)fflush(stdout);
	if ((argc > 1 && strcmp(argv[1], "--ring") == 0 ? close_ring() : hire()) != EXIT_SUCCESS) {
		(void)fprintf(stderr, "no thread\n");
		return EXIT_FAILURE;
	}
	for (;;)
		(void)pause();
}
