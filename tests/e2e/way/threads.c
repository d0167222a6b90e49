/* SPDX-License-Identifier: MIT */
/* Threads by the thousand, more threads than records, and the ways in which threads and processes end. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/way/way.h"

static struct peeps_mutex locks[4] = {
	PEEPS_MUTEX_INIT("lock 0"),
	PEEPS_MUTEX_INIT("lock 1"),
	PEEPS_MUTEX_INIT("lock 2"),
	PEEPS_MUTEX_INIT("lock 3"),
};
static long counters[4]; /* each under its lock */
static long failed;

static void *count_up(void *unused)
{
	const int failures = way_work(locks, 4, counters, 40);

	if (failures)
		(void)__atomic_fetch_add(&failed, 1, __ATOMIC_RELAXED);
	return unused;
}

static void say_counters(void)
{
	way_say("counters %ld %ld %ld %ld, failed %ld", counters[0], counters[1], counters[2],
		counters[3], failed);
}

static void churn_of(int rounds, int at_once)
{
	pthread_t threads[200];

	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < at_once; i++)
			if (pthread_create(&threads[i], NULL, count_up, NULL) != 0)
				way_wrong("no thread");
		for (int i = 0; i < at_once; i++)
			(void)pthread_join(threads[i], NULL);
	}
}

/* 10,000, one after the other and a few at once. */
static void churn(void)
{
	const int rounds = way_scaled(2500);

	churn_of(rounds, 4);
	say_counters();
}

static void named(void *name)
{
	peeps_thread_name(name);
}

static void *count_under_a_name(void *number)
{
	char name[5000];

	(void)snprintf(name, sizeof(name), "a thread with a name longer than the kernel's, %d",
		       *(int *)number % 7);
	named(name);
	(void)count_up(NULL);
	memset(name, 'x', sizeof(name) - 1);
	name[*(int *)number * 10 % 4999] = '\0';
	named(name);
	if (*(int *)number % 2)
		named(NULL);
	return NULL;
}

static void names(void)
{
	pthread_t threads[8];
	int numbers[8];

	named((void *)"main");
	named((void *)"");
	for (int round = 0; round < way_scaled(50); round++) {
		for (int i = 0; i < 8; i++) {
			numbers[i] = round * 8 + i;
			(void)pthread_create(&threads[i], NULL, count_under_a_name, &numbers[i]);
		}
		for (int i = 0; i < 8; i++)
			(void)pthread_join(threads[i], NULL);
	}
	say_counters();
}

/* All alive at once, every one of them inside the library's books. */
static pthread_barrier_t all_here;

static void *count_together(void *unused)
{
	(void)count_up(NULL);
	(void)pthread_barrier_wait(&all_here);
	(void)count_up(NULL);
	return unused;
}

static void alive(int count)
{
	pthread_t *const threads = calloc((size_t)count, sizeof(*threads));
	pthread_attr_t attributes;
	int created = 0;

	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, (size_t)64 << 10);
	(void)pthread_barrier_init(&all_here, NULL, (unsigned int)count + 1);
	for (int i = 0; i < count; i++)
		created += pthread_create(&threads[i], &attributes, count_together, NULL) == 0;
	way_say("created %d", created);
	if (created < count)
		exit(3);
	(void)pthread_barrier_wait(&all_here);
	for (int i = 0; i < count; i++)
		(void)pthread_join(threads[i], NULL);
	say_counters();
	free(threads);
}

static void alive_300(void)
{
	alive(300);
	alive(10); /* there is room again */
}

static void alive_10000(void)
{
	alive(way_scaled(10000));
}

/* The process ends with the last of its threads, not later, and not earlier. */
static void *outlive_main(void *ms)
{
	way_sleep_ms(*(long *)ms);
	(void)count_up(NULL);
	return NULL;
}

static void end_by_last_thread(long ms)
{
	static long when;
	pthread_t thread;

	when = ms;
	for (int i = 0; i < 3; i++) {
		(void)pthread_create(&thread, NULL, outlive_main, &when);
		(void)pthread_detach(thread);
	}
	(void)atexit(say_counters);
	pthread_exit(NULL);
}

static void main_leaves(void)
{
	(void)count_up(NULL);
	end_by_last_thread(150);
}

static void main_leaves_at_once(void)
{
	end_by_last_thread(0);
}

static void main_leaves_a_child(void)
{
	const pid_t child = fork();

	if (child == 0)
		end_by_last_thread(20);
	way_say_child("child whose main thread left", child);
	(void)count_up(NULL);
	say_counters();
}

/* SIGTERM ends a process whose main thread is gone. */
static void *sleep_for_ever(void *unused)
{
	(void)count_up(NULL);
	for (;;)
		(void)pause();
	return unused;
}

static void terminated(void)
{
	pid_t child = fork();
	pthread_t thread;

	if (child == 0) {
		(void)pthread_create(&thread, NULL, sleep_for_ever, NULL);
		pthread_exit(NULL);
	}
	way_sleep_ms(100);
	(void)kill(child, SIGTERM);
	way_say_child("child with a thread that sleeps", child);
	child = fork();
	if (child == 0) {
		(void)pthread_create(&thread, NULL, sleep_for_ever, NULL);
		(void)count_up(NULL);
		way_sleep_ms(10000);
		_exit(1);
	}
	way_sleep_ms(100);
	(void)kill(child, SIGTERM);
	way_say_child("child whose main thread sleeps", child);
}

/* exit() and _exit() amid threads that lock. */
static void *lock_for_ever(void *unused)
{
	for (;;)
		(void)count_up(NULL);
	return unused;
}

static void exit_amid(void)
{
	for (int i = 0; i < way_scaled(20); i++) {
		const pid_t child = fork();
		pthread_t thread;

		if (child == 0) {
			for (int t = 0; t < 4; t++)
				(void)pthread_create(&thread, NULL, lock_for_ever, NULL);
			way_sleep_ms(2);
			if (i % 2)
				exit(4); // NOLINT
			_exit(4);
		}
		way_say_child("child", child);
	}
}

/* A thread that ends without any destructor, holding a lock; its record serves others later. */
static int vanished_count;

static void *vanish(void *unused)
{
	(void)count_up(NULL);
	(void)__atomic_add_fetch(&vanished_count, 1, __ATOMIC_RELEASE);
	(void)syscall(SYS_exit, 0);
	return unused;
}

static void vanished(void)
{
	pthread_t thread;
	pthread_attr_t attributes;

	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < 50; i++) {
		if (pthread_create(&thread, &attributes, vanish, NULL) != 0)
			way_wrong("no thread");
		if (i % 10 == 0)
			way_sleep_ms(1);
	}
	while (__atomic_load_n(&vanished_count, __ATOMIC_ACQUIRE) < 50)
		way_sleep_ms(1);
	churn_of(20, 4);
	(void)peeps_mutex_lock(&locks[0]);
	say_counters();
	(void)peeps_mutex_unlock(&locks[0]);
}

/* Cancelled while it waits for a lock: it is not a cancellation point, so it gets the lock first. */
static void *lock_and_test(void *reached)
{
	(void)peeps_mutex_lock(&locks[0]);
	*(int *)reached = 1;
	(void)peeps_mutex_unlock(&locks[0]);
	pthread_testcancel();
	*(int *)reached = 2;
	return NULL;
}

static void cancelled(void)
{
	for (int i = 0; i < 10; i++) {
		int reached = 0;
		pthread_t thread;
		void *result;

		(void)peeps_mutex_lock(&locks[0]);
		(void)pthread_create(&thread, NULL, lock_and_test, &reached);
		way_sleep_ms(i);
		way_say("cancel %d", pthread_cancel(thread));
		way_sleep_ms(5);
		(void)peeps_mutex_unlock(&locks[0]);
		(void)pthread_join(thread, &result);
		WAY_SAY2("reached, cancelled", reached, result == PTHREAD_CANCELED);
	}
}

/* Cancelled before its first lock, in which the library registers it. */
static void *lock_first(void *reached)
{
	(void)pthread_cancel(pthread_self());
	peeps_thread_name("cancelled already");
	*(int *)reached = 1;
	(void)lock_and_test(reached);
	return NULL;
}

static void cancelled_before(void)
{
	for (int i = 0; i < 20; i++) {
		int reached = 0;
		pthread_t thread;
		void *result;

		(void)pthread_create(&thread, NULL, lock_first, &reached);
		(void)pthread_join(thread, &result);
		WAY_SAY2("reached, cancelled", reached, result == PTHREAD_CANCELED);
	}
}

/* Locks in destructors of thread-specific data that run after the library's own, round after round. */
static pthread_key_t keys[40];

static void lock_in_destructor(void *rounds)
{
	const uintptr_t left = (uintptr_t)rounds;

	(void)way_work(locks, 4, counters, 4);
	peeps_thread_name("in a destructor");
	if (left > 1)
		(void)pthread_setspecific(keys[left], (void *)(left - 1));
}

static void *leave_work(void *unused)
{
	(void)count_up(NULL);
	for (uintptr_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		(void)pthread_setspecific(keys[i], (void *)(i % 4 + 1));
	return unused;
}

static void *leave_first_lock(void *unused)
{
	(void)pthread_setspecific(keys[0], (void *)(uintptr_t)3);
	return unused;
}

static void destructors(void)
{
	pthread_t threads[4];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		(void)pthread_key_create(&keys[i], lock_in_destructor);
	for (int round = 0; round < way_scaled(50); round++) {
		for (int i = 0; i < 4; i++)
			(void)pthread_create(&threads[i], NULL,
					     i % 2 ? leave_work : leave_first_lock, NULL);
		for (int i = 0; i < 4; i++)
			(void)pthread_join(threads[i], NULL);
	}
	say_counters();
}

/* For peeps-read to look at, until they are killed. */
static void main_sleeps_for_ever(void)
{
	pthread_t thread;

	(void)count_up(NULL);
	(void)pthread_create(&thread, NULL, sleep_for_ever, NULL);
	way_say("ready");
	pthread_exit(NULL);
}

static void closed_for_ever(void)
{
	(void)count_up(NULL);
	(void)close_range(3, ~0u, 0);
	way_say("ready");
	(void)sleep_for_ever(NULL);
}

static void child_waits(void)
{
	pid_t child;

	(void)count_up(NULL);
	child = fork();
	if (child == 0)
		for (;;)
			(void)pause();
	way_say("%d", (int)child);
	(void)sleep_for_ever(NULL);
}

WAY_MAIN({ "main_sleeps_for_ever", main_sleeps_for_ever }, { "closed_for_ever", closed_for_ever },
	 { "child_waits", child_waits }, { "churn", churn }, { "names", names }, { "alive_300", alive_300 },
	 { "alive_10000", alive_10000 }, { "main_leaves", main_leaves },
	 { "main_leaves_at_once", main_leaves_at_once },
	 { "main_leaves_a_child", main_leaves_a_child }, { "terminated", terminated },
	 { "exit_amid", exit_amid }, { "vanished", vanished }, { "cancelled", cancelled },
	 { "cancelled_before", cancelled_before }, { "destructors", destructors })
