/* SPDX-License-Identifier: MIT */
/*
 * condvar-lost-wakeup - notified before it waited
 *
 * The consumer finds nothing ready, and only then locks the mutex and waits; in between, the producer has made it ready
 * and notified whoever waits, which was nobody. It will not do so again before the next delivery, in an hour. Prints its
 * PID and runs until it is killed.
 *
 *	condvar-lost-wakeup               the consumer waits for what has long been there
 *	condvar-lost-wakeup --look-again  it looks with the mutex held, before it waits and after: the same program without
 *	                                  the mistake, with a delivery every few milliseconds
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <peeps/peeps.h>

#define MS UINT64_C(1000000)

static struct peeps_mutex store = PEEPS_MUTEX_INIT("store");
static struct peeps_cond ready = PEEPS_COND_INIT("ready");
static unsigned long delivered; /* under the mutex; the consumer looks without it */

/* So that the producer delivers between the consumer's look and its wait. */
static pthread_barrier_t looked, notified;
static bool look_again;

static void deliver(void)
{
	(void)peeps_mutex_lock(&store);
	(void)__atomic_add_fetch(&delivered, 1, __ATOMIC_RELAXED);
	(void)peeps_cond_signal(&ready);
	(void)peeps_mutex_unlock(&store);
}

static void *produce(void *unused)
{
	peeps_thread_name("producer");
	if (!look_again)
		(void)pthread_barrier_wait(&looked);
	for (;;) {
		deliver();
		if (!look_again)
			(void)pthread_barrier_wait(&notified);
		(void)peeps_sleep_ns(look_again ? 3 * MS : 3600000 * MS);
	}
	return unused;
}

static void wait_without_a_look(unsigned long seen)
{
	if (__atomic_load_n(&delivered, __ATOMIC_RELAXED) != seen)
		return;
	(void)pthread_barrier_wait(&looked);
	(void)pthread_barrier_wait(&notified);
	(void)peeps_mutex_lock(&store);
	(void)peeps_cond_wait(&ready, &store);
	(void)peeps_mutex_unlock(&store);
}

static unsigned long wait_and_look(unsigned long seen)
{
	unsigned long now;

	(void)peeps_mutex_lock(&store);
	while (delivered == seen)
		(void)peeps_cond_wait(&ready, &store);
	now = delivered;
	(void)peeps_mutex_unlock(&store);
	return now;
}

static void *consume(void *unused)
{
	unsigned long seen = 0;

	peeps_thread_name("consumer");
	while (look_again)
		seen = wait_and_look(seen);
	wait_without_a_look(seen);
	return unused;
}

int main(int argc, char **argv)
{
	static void *(*const bodies[])(void *) = { produce, consume };
	pthread_t thread;

	look_again = argc > 1 && strcmp(argv[1], "--look-again") == 0;
	(void)pthread_barrier_init(&looked, NULL, 2);
	(void)pthread_barrier_init(&notified, NULL, 2);
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
