/* SPDX-License-Identifier: MIT */
/*
 * A program to look at: so many entities of mixed kinds, each with a name of its own, and so many threads, of which a tenth
 * are blocked. Prints "ready" and its PID, and ends when its standard input does.
 *
 * usage: crowd ENTITIES THREADS
 *
 * Of ten entities four are mutexes, two semaphores, two a channel's ends, two tasks. PEEPS_CAPACITY has to have room.
 */
#include <peeps/peeps.h>

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/series.h"

#define ENTITIES_MAX 100000000
#define THREADS_MAX  100000
#define STACK_BYTES  ((size_t)64 << 10)
#define NAME_BYTES   64

static struct peeps_mutex *held;   /* one for each thread that is blocked */
static pthread_barrier_t all_here; /* all threads, and main */

static void *live(void *number)
{
	const uintptr_t at = (uintptr_t)number;
	char name[NAME_BYTES];

	(void)snprintf(name, sizeof(name), "orders.worker-%05zu", (size_t)at);
	peeps_thread_name(name);
	(void)pthread_barrier_wait(&all_here);
	if (at % 10 == 0)
		(void)peeps_mutex_lock(&held[at / 10]);
	for (;;)
		(void)pause();
	return NULL;
}

static void start_threads(size_t count)
{
	pthread_attr_t attributes;

	held = calloc(count / 10 + 1, sizeof(*held));
	if (!held || pthread_barrier_init(&all_here, NULL, (unsigned int)count + 1) != 0 ||
	    pthread_attr_init(&attributes) != 0 ||
	    pthread_attr_setstacksize(&attributes, STACK_BYTES) != 0)
		exit(2);
	for (size_t at = 0; at < count; at++) {
		pthread_t thread;
		char name[NAME_BYTES];

		if (at % 10 == 0) {
			(void)snprintf(name, sizeof(name), "orders.account-%05zu", at);
			(void)peeps_mutex_init(&held[at / 10], name, NULL);
			(void)peeps_mutex_lock(&held[at / 10]);
		}
		if (pthread_create(&thread, &attributes, live, (void *)(uintptr_t)at) != 0)
			exit(2);
	}
	(void)pthread_barrier_wait(&all_here);
	(void)pthread_attr_destroy(&attributes);
}

static void make_mutex(const char *name)
{
	struct peeps_mutex *const mutex = malloc(sizeof(*mutex));

	if (!mutex || peeps_mutex_init(mutex, name, NULL) != 0)
		exit(2);
}

/* Never freed: there they are to stay. */
static size_t make_entity(size_t at)
{
	struct peeps_mpsc_tx *tx;
	struct peeps_mpsc_rx *rx;
	struct peeps_sem *sem;
	char name[NAME_BYTES];

	(void)snprintf(name, sizeof(name), "orders.shard-%07zu.resource", at);
	switch (at % 9) {
	case 0:
	case 1:
	case 2:
	case 3:
		make_mutex(name);
		return 1;
	case 4:
	case 5:
		if (peeps_sem_new(&sem, name, 4) != 0)
			exit(2);
		return 1;
	case 6:
		if (peeps_mpsc_new(&tx, &rx, name, sizeof(int), 2) != 0)
			exit(2);
		return 2;
	default:
		(void)peeps_task_new(name);
		return 1;
	}
}

int main(int argc, char **argv)
{
	const size_t entities = argc > 2 ? bench_count_of(argv[1], ENTITIES_MAX) : 0;
	const size_t threads = argc > 2 ? bench_count_of(argv[2], THREADS_MAX) : 0;
	size_t made = 0;
	char byte;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: crowd ENTITIES THREADS\n");
		return 2;
	}
	for (size_t at = 0; made < entities; at++)
		made += make_entity(at);
	start_threads(threads);
	(void)printf("ready %d\n", (int)getpid());
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	_exit(0); /* without waiting for the threads */
}
