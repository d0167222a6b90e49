/* SPDX-License-Identifier: MIT */
/*
 * Rwlocks. check_shelf.c says what ties their writers, their readers' holds and the threads' own mutexes together in every
 * cut.
 *
 * shelf: threads read some of its locks, one inside the other, and write them. Each holds a mutex of its own meanwhile.
 */
#include "tests/stress/scenes.h"
#include "tests/stress/target.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include <peeps/mutex.h>
#include <peeps/rwlock.h>

static struct peeps_rwlock shelf[SHELF_LOCKS];
static struct peeps_mutex browsing[SHELF_THREADS];
static unsigned long pages[SHELF_LOCKS][2]; /* the same, but for who writes */

static struct timespec in_30_us(void)
{
	struct timespec when;

	(void)clock_gettime(CLOCK_REALTIME, &when);
	when.tv_nsec += 30000;
	when.tv_sec += when.tv_nsec / 1000000000;
	when.tv_nsec %= 1000000000;
	return when;
}

/* Returns whether it was had. */
static bool read_somehow(struct peeps_rwlock *l)
{
	const struct timespec soon = in_30_us();
	int result;

	switch (target_random() % 4) {
	case 0:
		result = peeps_rwlock_timedrdlock(l, &soon);
		break;
	case 1:
		result = peeps_rwlock_tryrdlock(l);
		break;
	default:
		result = peeps_rwlock_rdlock(l);
	}
	target_must(result == 0 || result == EBUSY || result == ETIMEDOUT, "a lock is read");
	return result == 0;
}

static void read_one(unsigned int at)
{
	if (!read_somehow(&shelf[at]))
		return;
	target_must(pages[at][0] == pages[at][1], "no writer is beside a reader");
	if (target_random() % 4 == 0 && peeps_rwlock_tryrdlock(&shelf[at]) == 0)
		(void)peeps_rwlock_unlock(&shelf[at]);
	if (at + 1 < SHELF_LOCKS && target_random() % 2 == 0)
		read_one(at + 1);
	(void)peeps_rwlock_unlock(&shelf[at]);
}

static void write_one(unsigned int at)
{
	const struct timespec soon = in_30_us();
	const int result = target_random() % 4 == 0 ? peeps_rwlock_timedwrlock(&shelf[at], &soon)
						    : peeps_rwlock_wrlock(&shelf[at]);

	target_must(result == 0 || result == ETIMEDOUT, "a lock is written");
	if (result != 0)
		return;
	pages[at][0]++;
	pages[at][1]++;
	(void)peeps_rwlock_unlock(&shelf[at]);
}

static void run_reader(void *argument)
{
	struct peeps_mutex *const own = argument;

	target_ready();
	while (!target_stops()) {
		const unsigned int at = (unsigned int)(target_random() % SHELF_LOCKS);

		(void)peeps_mutex_lock(own);
		if (target_random() % 3 == 0)
			write_one(at);
		else
			read_one(at);
		(void)peeps_mutex_unlock(own);
		target_round();
	}
}

void shelf_start(void)
{
	char name[32];

	for (unsigned int i = 0; i < SHELF_LOCKS; i++) {
		pthread_rwlockattr_t attributes;

		(void)pthread_rwlockattr_init(&attributes);
		(void)pthread_rwlockattr_setkind_np(
			&attributes, i % 2 ? PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP
					   : PTHREAD_RWLOCK_PREFER_READER_NP);
		(void)snprintf(name, sizeof(name), SHELF_NAME "%u", i);
		(void)peeps_rwlock_init(&shelf[i], name, &attributes);
		target_gap();
	}
	for (unsigned int i = 0; i < SHELF_THREADS; i++) {
		(void)snprintf(name, sizeof(name), SHELF_BROWSING_NAME "%u", i);
		(void)peeps_mutex_init(&browsing[i], name, NULL);
		(void)snprintf(name, sizeof(name), SHELF_THREAD_NAME "%u", i);
		(void)target_thread(name, run_reader, &browsing[i]);
	}
}
