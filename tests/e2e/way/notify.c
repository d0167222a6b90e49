/* SPDX-License-Identifier: MIT */
/* The standard cases of a notify: one, all, the permit, the order, races, cancellation and forks; and errno as before. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/e2e/way/way.h"

#define ERRNO_BEFORE 4711
#define MS           UINT64_C(1000000)
#define LATE_NS      (20000 * MS)
#define WAITERS      5

#define SAY(call)                                                        \
	do {                                                             \
		int say_result;                                          \
		errno = ERRNO_BEFORE;                                    \
		say_result = (call);                                     \
		way_say("%s = %d%s", #call, say_result,                  \
			errno == ERRNO_BEFORE ? "" : ", errno changed"); \
	} while (0)

#define DO(call)                                                                        \
	do {                                                                            \
		errno = ERRNO_BEFORE;                                                   \
		(call);                                                                 \
		way_say("%s%s", #call, errno == ERRNO_BEFORE ? "" : ", errno changed"); \
	} while (0)

static struct peeps_notify *make(const char *name)
{
	struct peeps_notify *n = NULL;

	if (peeps_notify_new(&n, name) != 0)
		exit(90);
	return n;
}

static void permits(void)
{
	struct peeps_notify *n = NULL;

	SAY(peeps_notify_new(&n, "permits"));
	SAY(peeps_notify_try_wait(n));
	SAY(peeps_notify_timed_wait(n, 0));
	SAY(peeps_notify_timed_wait(n, 10 * MS));
	DO(peeps_notify_one(n));
	SAY(peeps_notify_wait(n));
	DO(peeps_notify_one(n));
	DO(peeps_notify_one(n)); /* the same permit */
	SAY(peeps_notify_timed_wait(n, 0));
	SAY(peeps_notify_try_wait(n));
	DO(peeps_notify_all(n)); /* nobody waits: nothing is kept */
	SAY(peeps_notify_try_wait(n));
	DO(peeps_notify_one(n));
	DO(peeps_notify_all(n)); /* nor lost */
	SAY(peeps_notify_try_wait(n));
	DO(peeps_notify_one(n));
	SAY(peeps_notify_timed_wait(n, UINT64_MAX));
	SAY(peeps_notify_try_wait(n));
	DO(peeps_notify_one(n));
	DO(peeps_notify_free(n));
	DO(peeps_notify_free(NULL));
}

static void unnamed(void)
{
	struct peeps_notify *n = make(NULL), *m = make("");

	DO(peeps_notify_one(n));
	SAY(peeps_notify_wait(n));
	SAY(peeps_notify_timed_wait(m, MS));
	peeps_notify_free(n);
	peeps_notify_free(m);
}

static void plain_symbols(void)
{
	struct peeps_notify *n = NULL;

	SAY((peeps_notify_new)(&n, "plain"));
	DO((peeps_notify_one)(n));
	SAY((peeps_notify_wait)(n));
	SAY((peeps_notify_try_wait)(n));
	SAY((peeps_notify_timed_wait)(n, MS));
	DO((peeps_notify_all)(n));
	DO((peeps_notify_free)(n));
}

/* --- several who wait --- */

static struct peeps_notify *shared;
static int order[WAITERS];
static int came, places, went;

static void *wait_in_order(void *argument)
{
	const int me = (int)(uintptr_t)argument;
	int result;

	(void)__atomic_add_fetch(&came, 1, __ATOMIC_RELAXED);
	result = me % 2 ? peeps_notify_wait(shared) : peeps_notify_timed_wait(shared, LATE_NS);
	if (result != 0)
		way_wrong("waiter %d: %d", me, result);
	order[__atomic_fetch_add(&places, 1, __ATOMIC_RELAXED)] = me;
	(void)__atomic_add_fetch(&went, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void await(const int *count, int wanted)
{
	while (__atomic_load_n(count, __ATOMIC_ACQUIRE) != wanted)
		(void)sched_yield();
}

/* One after the other, so that it is known who came first. */
static void start_in_order(pthread_t *threads)
{
	came = places = went = 0;
	for (int i = 0; i < WAITERS; i++) {
		(void)pthread_create(&threads[i], NULL, wait_in_order, (void *)(uintptr_t)i);
		await(&came, i + 1);
		way_sleep_ms(20);
	}
}

static void in_order(void)
{
	pthread_t threads[WAITERS];

	shared = make("in order");
	start_in_order(threads);
	for (int i = 0; i < WAITERS; i++) {
		peeps_notify_one(shared);
		await(&went, i + 1);
		way_say("notified %d", order[i]);
	}
	for (int i = 0; i < WAITERS; i++)
		(void)pthread_join(threads[i], NULL);
	SAY(peeps_notify_try_wait(shared));
	peeps_notify_free(shared);
}

static void all_at_once(void)
{
	pthread_t threads[WAITERS];

	shared = make("all");
	start_in_order(threads);
	DO(peeps_notify_all(shared));
	for (int i = 0; i < WAITERS; i++)
		(void)pthread_join(threads[i], NULL);
	way_say("went %d", went);
	SAY(peeps_notify_try_wait(shared));
	peeps_notify_free(shared);
}

/* As many notifications as there are waiters in the line: nobody who asks meanwhile takes one of theirs. */
static void handed_over(void)
{
	pthread_t threads[WAITERS];

	shared = make("handed over");
	for (int round = 0; round < way_scaled(20); round++) {
		came = places = went = 0;
		for (int i = 0; i < WAITERS; i++)
			(void)pthread_create(&threads[i], NULL, wait_in_order,
					     (void *)(uintptr_t)i);
		await(&came, WAITERS);
		way_sleep_ms(20);
		for (int i = 0; i < WAITERS; i++) {
			peeps_notify_one(shared);
			if (peeps_notify_try_wait(shared) == 0)
				way_wrong("a notification was taken from who waited");
		}
		for (int i = 0; i < WAITERS; i++)
			(void)pthread_join(threads[i], NULL);
	}
	way_say("went %d", went);
	peeps_notify_free(shared);
}

/* --- races --- */

static long tickets, taken;

/* Consumers look until there is nothing; each of the producers' things is found, and the last wakeup is not lost. */
static void *consume(void *argument)
{
	const long wanted = (long)(intptr_t)argument;

	while (__atomic_load_n(&taken, __ATOMIC_RELAXED) < wanted) {
		long now = __atomic_load_n(&tickets, __ATOMIC_ACQUIRE);

		while (now > 0 && !__atomic_compare_exchange_n(&tickets, &now, now - 1, 0,
							       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			;
		if (now > 0) {
			if (__atomic_add_fetch(&taken, 1, __ATOMIC_RELAXED) == wanted)
				peeps_notify_all(shared);
			/* One permit may stand for several of them. */
			if (now > 1)
				peeps_notify_one(shared);
		} else if (__atomic_load_n(&taken, __ATOMIC_RELAXED) < wanted) {
			/* The last one's peeps_notify_all() may come before this: so not for ever. */
			(void)peeps_notify_timed_wait(shared, 50 * MS);
		}
	}
	return NULL;
}

static void *produce(void *argument)
{
	for (long i = 0; i < (long)(intptr_t)argument; i++) {
		(void)__atomic_add_fetch(&tickets, 1, __ATOMIC_RELEASE);
		peeps_notify_one(shared);
	}
	return NULL;
}

static void races(void)
{
	const long each = way_scaled(20000);
	pthread_t threads[4];

	shared = make("races");
	tickets = taken = 0;
	for (int i = 0; i < 2; i++) {
		(void)pthread_create(&threads[i], NULL, consume, (void *)(intptr_t)(2 * each));
		(void)pthread_create(&threads[2 + i], NULL, produce, (void *)(intptr_t)each);
	}
	for (int i = 0; i < 4; i++)
		(void)pthread_join(threads[i], NULL);
	way_say("taken %ld, left %ld", taken, tickets);
	peeps_notify_free(shared);
}

static struct peeps_notify *ping, *pong;

static void *answer(void *argument)
{
	for (long i = 0; i < (long)(intptr_t)argument; i++) {
		if (peeps_notify_wait(ping) != 0)
			way_wrong("ping");
		peeps_notify_one(pong);
	}
	return NULL;
}

/* Not one is lost, and not one comes twice: else it stops, or runs ahead. */
static void in_turns(void)
{
	const long rounds = way_scaled(5000);
	pthread_t thread;
	long late = 0;

	ping = make("ping");
	pong = make("pong");
	(void)pthread_create(&thread, NULL, answer, (void *)(intptr_t)rounds);
	for (long i = 0; i < rounds; i++) {
		peeps_notify_one(ping);
		while (peeps_notify_timed_wait(pong, i % 3 ? LATE_NS : (uint64_t)i % 100) ==
		       -ETIMEDOUT)
			late++;
	}
	(void)pthread_join(thread, NULL);
	SAY(peeps_notify_try_wait(ping));
	SAY(peeps_notify_try_wait(pong));
	way_say("late: %s", late >= 0 ? "at times" : "");
	peeps_notify_free(ping);
	peeps_notify_free(pong);
}

static void *notify_shared(void *unused)
{
	(void)unused;
	peeps_notify_one(shared);
	return NULL;
}

/* Who was notified frees it, whatever the notifier has still to do. */
static void freed_at_once(void)
{
	for (int i = 0; i < way_scaled(300); i++) {
		pthread_t thread;

		shared = make("brief");
		(void)pthread_create(&thread, NULL, notify_shared, NULL);
		if (i % 2)
			(void)sched_yield();
		if (peeps_notify_wait(shared) != 0)
			way_wrong("wait");
		peeps_notify_free(shared);
		(void)pthread_join(thread, NULL);
	}
	way_say("freed");
}

/* --- cancelled, interrupted, forked --- */

static int ended;

static void note_end(void *unused)
{
	(void)unused;
	(void)__atomic_add_fetch(&ended, 1, __ATOMIC_RELAXED);
}

static void *wait_to_be_cancelled(void *timed)
{
	pthread_cleanup_push(note_end, NULL);
	(void)__atomic_add_fetch(&came, 1, __ATOMIC_RELAXED);
	(void)(timed ? peeps_notify_timed_wait(shared, LATE_NS) : peeps_notify_wait(shared));
	(void)__atomic_add_fetch(&went, 1, __ATOMIC_RELAXED);
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancelled(void)
{
	pthread_t thread;
	void *result;

	shared = make("cancelled");
	for (int i = 0; i < 4; i++) {
		came = went = ended = 0;
		(void)pthread_create(&thread, NULL, wait_to_be_cancelled,
				     (void *)(uintptr_t)(i % 2));
		await(&came, 1);
		way_sleep_ms(20);
		(void)pthread_cancel(thread);
		(void)pthread_join(thread, &result);
		way_say("cancelled %d, ended %d", result == PTHREAD_CANCELED, ended);
	}
	SAY(peeps_notify_try_wait(shared));
	DO(peeps_notify_one(shared));
	SAY(peeps_notify_wait(shared));
	peeps_notify_free(shared);
}

/* Notified and cancelled at once: the notification is his who came back, or the next one's, or a permit. */
static void cancelled_and_notified(void)
{
	shared = make("handed on");
	for (int i = 0; i < way_scaled(200); i++) {
		pthread_t threads[2];
		int left = 0;

		came = went = ended = 0;
		for (int j = 0; j < 2; j++)
			(void)pthread_create(&threads[j], NULL, wait_to_be_cancelled, NULL);
		await(&came, 2);
		for (int j = 0; j < i % 50; j++)
			(void)sched_yield();
		peeps_notify_one(shared);
		(void)pthread_cancel(threads[0]);
		(void)pthread_join(threads[0], NULL);
		if (__atomic_load_n(&ended, __ATOMIC_RELAXED) == 0)
			(void)pthread_cancel(threads[1]);
		(void)pthread_join(threads[1], NULL);
		while (peeps_notify_try_wait(shared) == 0)
			left++;
		if (went + left != 1)
			way_wrong("%d went, %d left, %d ended", went, left, ended);
	}
	way_say("each was somebody's");
	peeps_notify_free(shared);
}

static int handled;

static void handle(int number)
{
	(void)number;
	(void)__atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
}

static void interrupted(void)
{
	struct sigaction action = { .sa_handler = handle };
	pthread_t thread;

	(void)sigaction(SIGUSR1, &action, NULL);
	shared = make("interrupted");
	came = went = 0;
	(void)pthread_create(&thread, NULL, wait_to_be_cancelled, NULL);
	await(&came, 1);
	for (int i = 1; i <= 5; i++) {
		(void)pthread_kill(thread, SIGUSR1);
		await(&handled, i);
		way_sleep_ms(5);
	}
	way_say("went %d", __atomic_load_n(&went, __ATOMIC_RELAXED));
	DO(peeps_notify_one(shared));
	(void)pthread_join(thread, NULL);
	way_say("went %d", went);
	peeps_notify_free(shared);
}

/* The parent's thread waits, with the lock of the notify or without; in the child it is not there. */
static void forked(void)
{
	pthread_t thread;

	shared = make("forked");
	came = went = 0;
	(void)pthread_create(&thread, NULL, wait_to_be_cancelled, NULL);
	await(&came, 1);
	way_sleep_ms(20);
	for (int i = 0; i < way_scaled(20); i++) {
		const pid_t child = fork();

		if (child == 0) {
			(void)alarm(20);
			if (peeps_notify_try_wait(shared) != -EAGAIN ||
			    peeps_notify_timed_wait(shared, MS) != -ETIMEDOUT)
				_exit(1);
			peeps_notify_all(shared);
			peeps_notify_one(shared);
			if (peeps_notify_wait(shared) != 0)
				_exit(2);
			peeps_notify_free(shared);
			_exit(0);
		}
		way_say_child("child", child);
	}
	peeps_notify_one(shared);
	(void)pthread_join(thread, NULL);
	SAY(peeps_notify_try_wait(shared));
	DO(peeps_notify_one(shared)); /* a permit goes with the fork */
	for (int i = 0; i < 2; i++) {
		const pid_t child = fork();

		if (child == 0)
			_exit(peeps_notify_try_wait(shared) == 0 ? 0 : 1);
		way_say_child("child", child);
	}
	SAY(peeps_notify_try_wait(shared));
	peeps_notify_free(shared);
}

static void forked_amid_races(void)
{
	const long each = way_scaled(5000);
	pthread_t threads[4];

	shared = make("amid");
	tickets = taken = 0;
	for (int i = 0; i < 2; i++) {
		(void)pthread_create(&threads[i], NULL, consume, (void *)(intptr_t)(2 * each));
		(void)pthread_create(&threads[2 + i], NULL, produce, (void *)(intptr_t)each);
	}
	for (int i = 0; i < way_scaled(20); i++) {
		const pid_t child = fork();

		if (child == 0) {
			(void)alarm(20);
			(void)peeps_notify_timed_wait(shared, MS);
			peeps_notify_one(shared);
			_exit(peeps_notify_wait(shared));
		}
		way_say_child("child", child);
	}
	for (int i = 0; i < 4; i++)
		(void)pthread_join(threads[i], NULL);
	way_say("taken %ld", taken);
	peeps_notify_free(shared);
}

WAY_MAIN({ "permits", permits }, { "unnamed", unnamed }, { "plain_symbols", plain_symbols },
	 { "in_order", in_order }, { "all_at_once", all_at_once }, { "handed_over", handed_over },
	 { "races", races }, { "in_turns", in_turns }, { "freed_at_once", freed_at_once },
	 { "cancelled", cancelled }, { "cancelled_and_notified", cancelled_and_notified },
	 { "interrupted", interrupted }, { "forked", forked },
	 { "forked_amid_races", forked_amid_races })
