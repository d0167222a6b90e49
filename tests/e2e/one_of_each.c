/* SPDX-License-Identifier: MIT */
/*
 * one_of_each - locks, permits, and what is notified, in a state that stays: each is had by somebody and waited for by another
 *
 * main had each of them, and the waiters' names say what for they wait. Prints its PID once all have been started, and runs
 * until it is killed.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <peeps/peeps.h>

#define HOUR_NS UINT64_C(3600000000000)

static struct peeps_mutex door = PEEPS_MUTEX_INIT("door");
static struct peeps_rwlock table = PEEPS_RWLOCK_INIT("table");
static struct peeps_rwlock book = PEEPS_RWLOCK_INIT("book");
static struct peeps_cond filled = PEEPS_COND_INIT("filled");
static struct peeps_mutex store = PEEPS_MUTEX_INIT("store");
static struct peeps_sem *gate;
static struct peeps_notify *ready, *never, *stored;

static void *locks(void *unused)
{
	peeps_thread_name("locks");
	(void)peeps_mutex_lock(&door);
	return unused;
}

/* Of the table, who reads as well as who wants to write. */
static void *reads(void *unused)
{
	peeps_thread_name("reads");
	(void)peeps_rwlock_rdlock(&table);
	(void)peeps_sleep_ns(HOUR_NS);
	return unused;
}

static void *writes(void *unused)
{
	peeps_thread_name("writes");
	(void)peeps_rwlock_wrlock(&table);
	return unused;
}

static void *reads_a_book(void *unused)
{
	peeps_thread_name("reads-a-book");
	(void)peeps_rwlock_rdlock(&book);
	return unused;
}

static void *acquires(void *unused)
{
	peeps_thread_name("acquires");
	(void)peeps_sem_acquire(gate, 2);
	return unused;
}

static void *awaits(void *unused)
{
	peeps_thread_name("awaits");
	(void)peeps_mutex_lock(&store);
	(void)peeps_cond_wait(&filled, &store);
	return unused;
}

static void *is_notified(void *unused)
{
	peeps_thread_name("is-notified");
	(void)peeps_notify_wait(ready);
	(void)peeps_notify_wait(ready);
	(void)peeps_notify_timed_wait(ready, HOUR_NS);
	return unused;
}

static void *is_never_notified(void *unused)
{
	peeps_thread_name("is-never-notified");
	(void)peeps_notify_wait(never);
	return unused;
}

static void start(void *(*run)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, NULL) != 0) {
		perror("pthread_create");
		exit(1);
	}
}

static void make(void)
{
	if (peeps_sem_new(&gate, "gate", 3) != 0 || peeps_notify_new(&ready, "ready") != 0 ||
	    peeps_notify_new(&never, "never") != 0 || peeps_notify_new(&stored, "stored") != 0) {
		(void)fputs("one_of_each: no memory\n", stderr);
		exit(1);
	}
}

int main(void)
{
	peeps_thread_name("main");
	make();
	(void)peeps_mutex_lock(&door);
	(void)peeps_rwlock_rdlock(&table);
	(void)peeps_rwlock_wrlock(&book);
	(void)peeps_sem_acquire(gate, 2);
	(void)peeps_cond_signal(&filled);
	peeps_notify_one(stored);
	start(reads);
	(void)peeps_sleep_ns(UINT64_C(50000000)); /* it reads before anybody wants to write */
	start(locks);
	start(writes);
	start(reads_a_book);
	start(acquires);
	start(awaits);
	start(is_notified);
	start(is_never_notified);
	peeps_notify_one(ready);
	(void)peeps_sleep_ns(UINT64_C(50000000));
	peeps_notify_one(ready);

	(void)printf("%d\n", (int)getpid());
	(void)fflush(stdout);
	(void)peeps_sleep_ns(24 * HOUR_NS);
	return 0;
}
