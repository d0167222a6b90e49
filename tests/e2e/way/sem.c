/* SPDX-License-Identifier: MIT */
/* The semaphore's standard cases: those of POSIX's, and those of several permits at once; and errno as before. */
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

#define SAY(call)                                                        \
	do {                                                             \
		int say_result;                                          \
		errno = ERRNO_BEFORE;                                    \
		say_result = (call);                                     \
		way_say("%s = %d%s", #call, say_result,                  \
			errno == ERRNO_BEFORE ? "" : ", errno changed"); \
	} while (0)

static struct peeps_sem *make(const char *name, uint32_t max)
{
	struct peeps_sem *s = NULL;

	if (peeps_sem_new(&s, name, max) != 0)
		exit(90);
	return s;
}

/* How many are free: taken one by one, and given back. */
static void say_free(struct peeps_sem *s)
{
	int count = 0;

	while (count < 100 && peeps_sem_try_acquire(s, 1) == 0)
		count++;
	for (int i = 0; i < count; i++)
		if (peeps_sem_release(s, 1) != 0)
			way_wrong("release of what was acquired");
	way_say("free: %d", count);
}

static void values(void)
{
	static const uint32_t maxima[] = { 1, 2, 7, UINT32_MAX };
	struct peeps_sem *s = NULL;

	SAY(peeps_sem_new(&s, "none", 0));
	way_say("untouched: %d", s == NULL);
	for (int i = 0; i < 4; i++) {
		const uint32_t max = maxima[i];

		way_say("max %u", max);
		SAY(peeps_sem_new(&s, "values", max));
		SAY(peeps_sem_acquire(s, 0));
		SAY(peeps_sem_release(s, 0));
		SAY(peeps_sem_release(s, 1));
		SAY(peeps_sem_acquire(s, max));
		SAY(peeps_sem_acquire(s, 0));
		SAY(peeps_sem_try_acquire(s, 0));
		SAY(peeps_sem_timed_acquire(s, 0, 0));
		SAY(peeps_sem_try_acquire(s, 1));
		SAY(peeps_sem_timed_acquire(s, 1, 0));
		SAY(peeps_sem_timed_acquire(s, 1, 10 * MS));
		SAY(peeps_sem_release(s, max));
		SAY(peeps_sem_release(s, 1));
		SAY(peeps_sem_release(s, max));
		SAY(peeps_sem_timed_acquire(s, 1, 0)); /* there is one: no matter how late it is */
		SAY(peeps_sem_timed_acquire(s, max - 1, UINT64_MAX));
		SAY(peeps_sem_release(s, 1));
		SAY(peeps_sem_try_acquire(s, 1));
		SAY(peeps_sem_release(s, max));
		if (max != UINT32_MAX) {
			SAY(peeps_sem_acquire(s, max + 1));
			SAY(peeps_sem_try_acquire(s, max + 1));
			SAY(peeps_sem_timed_acquire(s, UINT32_MAX, 0));
			SAY(peeps_sem_release(s, UINT32_MAX));
			say_free(s);
		}
		peeps_sem_free(s);
	}
	peeps_sem_free(NULL);
}

static void unnamed(void)
{
	struct peeps_sem *many[200];

	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 200; i++)
			many[i] = make(i % 2 ? NULL : "", 1 + (uint32_t)i);
		for (int i = 0; i < 200; i++)
			if (peeps_sem_acquire(many[i], 1 + (uint32_t)i) != 0)
				way_wrong("acquire");
		for (int i = 0; i < 200; i++)
			peeps_sem_free(many[i]); /* held or not */
	}
	way_say("freed");
}

/* Through the plain symbols, as bindings and function pointers call them. */
static void plain_symbols(void)
{
	struct peeps_sem *s = NULL;

	SAY((peeps_sem_new)(&s, "plain", 3));
	SAY((peeps_sem_acquire)(s, 2));
	SAY((peeps_sem_try_acquire)(s, 2));
	SAY((peeps_sem_timed_acquire)(s, 2, MS));
	SAY((peeps_sem_release)(s, 3));
	SAY((peeps_sem_release)(s, 2));
	say_free(s);
	(peeps_sem_free)(s);
}

/* --- two threads ------------------------------------------------------------------------------ */

static struct peeps_sem *shared;

static void *release_some(void *count)
{
	return (void *)(intptr_t)peeps_sem_release(shared, (uint32_t)(uintptr_t)count);
}

static void say_release_elsewhere(uint32_t count)
{
	pthread_t thread;
	void *result;

	(void)pthread_create(&thread, NULL, release_some, (void *)(uintptr_t)count);
	(void)pthread_join(thread, &result);
	way_say("another thread releases %u: %d", count, (int)(intptr_t)result);
}

static void by_another_thread(void)
{
	shared = make("anonymous", 4);
	for (int round = 0; round < 3; round++) {
		say_release_elsewhere(1);
		SAY(peeps_sem_acquire(shared, 3));
		say_release_elsewhere(2);
		say_free(shared);
		SAY(peeps_sem_release(shared, 2));
		say_release_elsewhere(1);
		SAY(peeps_sem_release(shared, 1));
		say_release_elsewhere(1);
		say_free(shared);
	}
	peeps_sem_free(shared);
}

static struct peeps_sem *ping, *pong;

static void *answer(void *unused)
{
	for (int i = 0; i < 2000; i++) {
		if (peeps_sem_acquire(ping, 1) != 0 || peeps_sem_release(pong, 1) != 0)
			way_wrong("answer");
	}
	return unused;
}

/* As a signal: one acquires, the other releases. */
static void signals(void)
{
	pthread_t thread;
	int answers = 0;

	ping = make("ping", 1);
	pong = make("pong", 1);
	(void)peeps_sem_acquire(ping, 1);
	(void)peeps_sem_acquire(pong, 1);
	(void)pthread_create(&thread, NULL, answer, NULL);
	for (int i = 0; i < 2000; i++)
		answers += peeps_sem_release(ping, 1) == 0 && peeps_sem_acquire(pong, 1) == 0;
	(void)pthread_join(thread, NULL);
	way_say("answers %d", answers);
	SAY(peeps_sem_try_acquire(ping, 1));
	SAY(peeps_sem_try_acquire(pong, 1));
	peeps_sem_free(ping);
	peeps_sem_free(pong);
}

/* Who is let go frees it, while the other may not have come back from the release yet. */
static void freed_at_once(void)
{
	for (int i = 0; i < way_scaled(2000); i++) {
		pthread_t thread;

		shared = make("done", 1);
		(void)peeps_sem_acquire(shared, 1);
		(void)pthread_create(&thread, NULL, release_some, (void *)1);
		(void)peeps_sem_acquire(shared, 1);
		peeps_sem_free(shared);
		(void)pthread_join(thread, NULL);
	}
	way_say("freed");
}

/* --- many --------------------------------------------------------------------------------------- */

#define MAX 5

static long inside, entered;
static long given_up;

static void *compete(void *number)
{
	uint32_t seed = (uint32_t)(uintptr_t)number;

	for (int i = 0; i < 2000; i++) {
		const uint32_t n = 1 + (seed = seed * 1103515245 + 12345) / 65536 % MAX;
		int result;

		switch (seed / 65536 / MAX % 4) {
		case 0:
			result = peeps_sem_timed_acquire(shared, n, LATE_NS);
			break;
		case 1:
			result = peeps_sem_timed_acquire(shared, n, seed % 50000);
			break;
		case 2:
			result = peeps_sem_try_acquire(shared, n);
			break;
		default:
			result = peeps_sem_acquire(shared, n);
		}
		if (result != 0) {
			if (result != -EAGAIN && result != -ETIMEDOUT)
				way_wrong("acquire: %d", result);
			(void)__atomic_add_fetch(&given_up, 1, __ATOMIC_RELAXED);
			continue;
		}
		if (__atomic_add_fetch(&inside, n, __ATOMIC_SEQ_CST) > MAX)
			way_wrong("more than there are");
		if (i % 50 == 0)
			(void)sched_yield();
		(void)__atomic_sub_fetch(&inside, n, __ATOMIC_SEQ_CST);
		if (peeps_sem_release(shared, n) != 0)
			way_wrong("release");
		(void)__atomic_add_fetch(&entered, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void contention(void)
{
	pthread_t threads[8];

	shared = make("contended", MAX);
	for (int i = 0; i < 8; i++)
		(void)pthread_create(&threads[i], NULL, compete, (void *)(uintptr_t)i);
	for (int i = 0; i < 8; i++)
		(void)pthread_join(threads[i], NULL);
	way_say("all told %ld", entered + given_up);
	say_free(shared);
	peeps_sem_free(shared);
}

static void *come_and_go(void *unused)
{
	if (peeps_sem_acquire(shared, 1) != 0 || peeps_sem_release(shared, 1) != 0)
		way_wrong("come and go");
	return unused;
}

static void churn(void)
{
	pthread_t threads[4];

	shared = make("visited", 2);
	for (int round = 0; round < way_scaled(500); round++) {
		for (int i = 0; i < 4; i++)
			(void)pthread_create(&threads[i], NULL, come_and_go, NULL);
		for (int i = 0; i < 4; i++)
			(void)pthread_join(threads[i], NULL);
	}
	say_free(shared);
	peeps_sem_free(shared);
}

/* --- waits that end otherwise ------------------------------------------------------------------- */

static int cleaned_up;

static void clean_up(void *unused)
{
	(void)unused;
	cleaned_up++;
}

static void *wait_to_be_cancelled(void *n)
{
	pthread_cleanup_push(clean_up, NULL);
	(void)peeps_sem_acquire(shared, (uint32_t)(uintptr_t)n);
	pthread_cleanup_pop(0);
	return NULL;
}

static void *acquire_one(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)peeps_sem_acquire(shared, 1);
}

static void cancelled(void)
{
	pthread_t first, second;
	void *result;

	shared = make("cancelled", 3);
	for (int round = 0; round < 5; round++) {
		(void)peeps_sem_acquire(shared, 3);
		(void)pthread_create(&first, NULL, wait_to_be_cancelled, (void *)(uintptr_t)3);
		way_sleep_ms(10);
		(void)pthread_create(&second, NULL, acquire_one, NULL);
		way_sleep_ms(10);
		SAY(peeps_sem_release(shared,
				      1)); /* the first wants more, the second is behind it */
		(void)pthread_cancel(first);
		(void)pthread_join(first, &result);
		way_say("cancelled %d, cleaned up %d", result == PTHREAD_CANCELED, cleaned_up);
		(void)pthread_join(second, &result);
		way_say("behind it: %d", (int)(intptr_t)result);
		SAY(peeps_sem_release(shared, 2));
		SAY(peeps_sem_release(shared, 1)); /* the second's */
		say_free(shared);
	}
	peeps_sem_free(shared);
}

static int handled;

static void on_signal(int signal)
{
	(void)signal;
	(void)__atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST);
}

static int waiter_is_back;

static void *wait_through_signals(void *timeout_ns)
{
	const int result = timeout_ns ? peeps_sem_timed_acquire(shared, 1, LATE_NS)
				      : peeps_sem_acquire(shared, 1);

	__atomic_store_n(&waiter_is_back, 1, __ATOMIC_SEQ_CST);
	return (void *)(intptr_t)result;
}

/* Unlike sem_wait(): a handler that ran does not end the wait. */
static void interrupted(void)
{
	const struct sigaction action = { .sa_handler = on_signal };
	pthread_t thread;
	void *result;

	(void)sigaction(SIGUSR1, &action, NULL);
	shared = make("interrupted", 1);
	(void)peeps_sem_acquire(shared, 1);
	for (intptr_t timed = 0; timed < 2; timed++) {
		handled = 0;
		waiter_is_back = 0;
		(void)pthread_create(&thread, NULL, wait_through_signals, (void *)timed);
		for (int i = 0; i < 5; i++) {
			way_sleep_ms(5);
			(void)pthread_kill(thread, SIGUSR1);
		}
		while (!__atomic_load_n(&handled, __ATOMIC_SEQ_CST))
			way_sleep_ms(1);
		way_sleep_ms(5);
		way_say("back %d", __atomic_load_n(&waiter_is_back, __ATOMIC_SEQ_CST));
		SAY(peeps_sem_release(shared, 1));
		(void)pthread_join(thread, &result);
		way_say("result %d", (int)(intptr_t)result);
	}
	peeps_sem_free(shared);
}

/* One wants two of three, among others who never let go of all: it gets them, because they stop passing it. */
static int bustle_is_over;

static void *take_hand_over_hand(void *unused)
{
	(void)peeps_sem_acquire(shared, 1);
	while (!__atomic_load_n(&bustle_is_over, __ATOMIC_SEQ_CST)) {
		(void)peeps_sem_acquire(shared, 1);
		(void)peeps_sem_release(shared, 1);
	}
	(void)peeps_sem_release(shared, 1);
	return unused;
}

static void starved(void)
{
	pthread_t threads[2];
	int served = 0;

	shared = make("starved", 4);
	for (int i = 0; i < 2; i++)
		(void)pthread_create(&threads[i], NULL, take_hand_over_hand, NULL);
	for (int i = 0; i < 50; i++) {
		way_sleep_ms(1);
		served += peeps_sem_timed_acquire(shared, 2, LATE_NS) == 0;
		if (peeps_sem_release(shared, 2) != 0)
			way_wrong("release");
	}
	__atomic_store_n(&bustle_is_over, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 2; i++)
		(void)pthread_join(threads[i], NULL);
	way_say("served %d", served);
	say_free(shared);
	peeps_sem_free(shared);
}

/* --- forks -------------------------------------------------------------------------------------- */

/* The parent's thread waits, with the lock of the semaphore or without; in the child it is not there. */
static void forked(void)
{
	pthread_t threads[3];

	shared = make("forked", 3);
	(void)peeps_sem_acquire(shared, 2);
	(void)pthread_create(&threads[0], NULL, wait_to_be_cancelled, (void *)(uintptr_t)3);
	way_sleep_ms(10);
	for (int i = 0; i < way_scaled(20); i++) {
		const pid_t child = fork();

		if (child == 0) {
			(void)alarm(20);
			if (peeps_sem_try_acquire(shared, 2) != -EAGAIN ||
			    peeps_sem_acquire(shared, 1) != 0 ||
			    peeps_sem_timed_acquire(shared, 1, MS) != -ETIMEDOUT ||
			    peeps_sem_release(shared, 3) != 0 ||
			    peeps_sem_release(shared, 1) != -EOVERFLOW ||
			    peeps_sem_acquire(shared, 3) != 0)
				_exit(1);
			_exit(0);
		}
		way_say_child("child", child);
	}
	SAY(peeps_sem_release(shared, 2));
	(void)pthread_join(threads[0], NULL);
	SAY(peeps_sem_try_acquire(shared, 1));
	peeps_sem_free(shared);
}

static void forked_amid_contention(void)
{
	pthread_t threads[4];

	shared = make("contended", MAX);
	for (int i = 0; i < 4; i++)
		(void)pthread_create(&threads[i], NULL, compete, (void *)(uintptr_t)i);
	for (int i = 0; i < way_scaled(20); i++) {
		const pid_t child = fork();

		if (child == 0) {
			(void)alarm(20);
			(void)peeps_sem_timed_acquire(shared, MAX, MS); /* what is out stays out */
			(void)peeps_sem_release(shared, 1);
			_exit(peeps_sem_acquire(shared, 1));
		}
		way_say_child("child", child);
	}
	for (int i = 0; i < 4; i++)
		(void)pthread_join(threads[i], NULL);
	way_say("all told %ld", entered + given_up);
	peeps_sem_free(shared);
}

WAY_MAIN({ "values", values }, { "unnamed", unnamed }, { "plain_symbols", plain_symbols },
	 { "by_another_thread", by_another_thread }, { "signals", signals },
	 { "freed_at_once", freed_at_once }, { "contention", contention }, { "churn", churn },
	 { "cancelled", cancelled }, { "interrupted", interrupted }, { "starved", starved },
	 { "forked", forked }, { "forked_amid_contention", forked_amid_contention })
