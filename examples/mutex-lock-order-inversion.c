/* SPDX-License-Identifier: MIT */
/*
 * mutex-lock-order-inversion - the classic deadlock
 *
 * alpha locks left and then right, beta locks right and then left, and each waits for the other for
 * ever. A heartbeat goes on locking a mutex of its own, and has nothing to do with it. Prints its
 * PID and runs until it is killed.
 *
 *	mutex-lock-order-inversion             the deadlock
 * 	mutex-lock-order-inversion --ordered   both lock left first: the same program without the
 * 	mistake
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <peeps/peeps.h>

static struct peeps_mutex left = PEEPS_MUTEX_INIT("left");
static struct peeps_mutex right = PEEPS_MUTEX_INIT("right");
static struct peeps_mutex pulse = PEEPS_MUTEX_INIT("pulse");

/* So that both hold their first mutex before either asks for its second, while the heart beats. */
static pthread_barrier_t all_there;
static bool ordered;

static void rest_ms(long ms)
{
	const struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&pause, NULL);
}

static void *alpha(void *unused)
{
	peeps_thread_name("alpha");
	for (;;) {
		(void)peeps_mutex_lock(&left);
		if (!ordered)
			(void)pthread_barrier_wait(&all_there);
		(void)peeps_mutex_lock(&right);
		rest_ms(1);
		(void)peeps_mutex_unlock(&right);
		(void)peeps_mutex_unlock(&left);
	}
	return unused;
}

static void *beta(void *unused)
{
	struct peeps_mutex *const first = ordered ? &left : &right;
	struct peeps_mutex *const second = ordered ? &right : &left;

	peeps_thread_name("beta");
	for (;;) {
		(void)peeps_mutex_lock(first);
		if (!ordered)
			(void)pthread_barrier_wait(&all_there);
		(void)peeps_mutex_lock(second);
		rest_ms(1);
		(void)peeps_mutex_unlock(second);
		(void)peeps_mutex_unlock(first);
	}
	return unused;
}

static void beat(void)
{
	(void)peeps_mutex_lock(&pulse);
	rest_ms(10);
	(void)peeps_mutex_unlock(&pulse);
}

static void *heartbeat(void *unused)
{
	peeps_thread_name("heartbeat");
	beat();
	if (!ordered)
		(void)pthread_barrier_wait(&all_there);
	for (;;) {
		beat();
		rest_ms(10);
	}
	return unused;
}

int main(int argc, char **argv)
{
	static void *(*const bodies[])(void *) = { alpha, beta, heartbeat };
	pthread_t thread;

	ordered = argc > 1 && strcmp(argv[1], "--ordered") == 0;
	(void)pthread_barrier_init(&all_there, NULL, 3);
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
