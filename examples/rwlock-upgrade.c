/* SPDX-License-Identifier: MIT */
/*
 * rwlock-upgrade - who reads asks to write, and waits for himself
 *
 * Two workers read the configuration, find it out of date, and ask to write it while they still read: each waits until
 * nobody else reads, which the other one, and he himself, go on doing for ever. A third one only ever reads, and goes on
 * doing so. Prints its PID and runs until it is killed.
 *
 *	rwlock-upgrade               the deadlock
 *	rwlock-upgrade --drop-first  each unlocks before it asks to write, and looks again: the same program without the
 *	                             mistake
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <peeps/peeps.h>

static struct peeps_rwlock config = PEEPS_RWLOCK_INIT("config");
static struct peeps_rwlock routes = PEEPS_RWLOCK_INIT("routes");
static unsigned long version, wanted = 1;

/* So that both read before either asks to write, and the third has begun. */
static pthread_barrier_t all_there;
static bool drop_first;

static void rest_ms(long ms)
{
	const struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&pause, NULL);
}

static void refresh(void)
{
	(void)peeps_rwlock_rdlock(&config);
	if (!drop_first)
		(void)pthread_barrier_wait(&all_there);
	if (version < wanted) {
		if (drop_first)
			(void)peeps_rwlock_unlock(&config);
		(void)peeps_rwlock_wrlock(&config);
		if (version < wanted)
			version = wanted;
		else
			wanted++;
	}
	(void)peeps_rwlock_unlock(&config);
}

static void *worker(void *name)
{
	peeps_thread_name(name);
	for (;;) {
		refresh();
		rest_ms(1);
	}
	return name;
}

static void *router(void *name)
{
	peeps_thread_name(name);
	(void)peeps_rwlock_rdlock(&routes);
	(void)peeps_rwlock_unlock(&routes);
	if (!drop_first)
		(void)pthread_barrier_wait(&all_there);
	for (;;) {
		(void)peeps_rwlock_rdlock(&routes);
		rest_ms(10);
		(void)peeps_rwlock_unlock(&routes);
		rest_ms(1);
	}
	return name;
}

int main(int argc, char **argv)
{
	static const struct {
		void *(*body)(void *);
		const char *name;
	} threads[] = { { worker, "left" }, { worker, "right" }, { router, "router" } };
	pthread_t thread;

	drop_first = argc > 1 && strcmp(argv[1], "--drop-first") == 0;
	(void)pthread_barrier_init(&all_there, NULL, 3);
	(void)printf("%ld\n", (long)getpid());
	(void)fflush(stdout);
	for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
		if (pthread_create(&thread, NULL, threads[i].body,
				   (void *)(uintptr_t)threads[i].name) != 0) {
			(void)fprintf(stderr, "no thread\n");
			return EXIT_FAILURE;
		}
	}
	for (;;)
		(void)pause();
}
