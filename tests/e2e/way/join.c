/* SPDX-License-Identifier: MIT */
/* Every way to join a thread, every result, and errno as it was before. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/e2e/way/way.h"

#define ERRNO_BEFORE 4711

#define SAY(call)                                                        \
	do {                                                             \
		int say_result;                                          \
		errno = ERRNO_BEFORE;                                    \
		say_result = (call);                                     \
		way_say("%s = %d%s", #call, say_result,                  \
			errno == ERRNO_BEFORE ? "" : ", errno changed"); \
	} while (0)

static struct timespec in_ms(clockid_t clock, long ms)
{
	struct timespec when;

	(void)clock_gettime(clock, &when);
	when.tv_nsec += ms * 1000000;
	when.tv_sec += when.tv_nsec / 1000000000;
	when.tv_nsec %= 1000000000;
	return when;
}

struct worker {
	sem_t end;
	bool records;
	pthread_t thread;
};

static void *work(void *argument)
{
	struct worker *const worker = argument;

	if (worker->records)
		peeps_thread_name("worker");
	while (sem_wait(&worker->end) != 0)
		;
	return argument;
}

static void hire(struct worker *worker, bool records)
{
	worker->records = records;
	(void)sem_init(&worker->end, 0, 0);
	(void)pthread_create(&worker->thread, NULL, work, worker);
}

static void *let_go(void *worker)
{
	way_sleep_ms(20);
	(void)sem_post(&((struct worker *)worker)->end);
	return NULL;
}

/* That it has to be waited for. */
static pthread_t let_go_soon(struct worker *worker)
{
	pthread_t thread;

	(void)pthread_create(&thread, NULL, let_go, worker);
	return thread;
}

static void results(void)
{
	const struct timespec past = { .tv_sec = 1 };

	for (int round = 0; round < 4; round++) {
		struct timespec soon = in_ms(CLOCK_REALTIME, 20),
				soon_too = in_ms(CLOCK_MONOTONIC, 20);
		struct worker w;
		pthread_t helper;
		void *value = NULL;

		hire(&w, round % 2);
		SAY(peeps_thread_tryjoin(w.thread, &value));
		SAY(peeps_thread_timedjoin(w.thread, &value, &past));
		SAY(peeps_thread_timedjoin(w.thread, &value, &soon));
		SAY(peeps_thread_clockjoin(w.thread, &value, CLOCK_MONOTONIC, &soon_too));
		SAY(peeps_thread_clockjoin(w.thread, &value, CLOCK_REALTIME, &past));
		way_say("value %s", value ? "set" : "left alone");
		helper = let_go_soon(&w);
		SAY(peeps_thread_join(helper, NULL));
		soon = in_ms(CLOCK_REALTIME, 20000);
		soon_too = in_ms(CLOCK_MONOTONIC, 20000);
		if (round < 2)
			SAY(peeps_thread_join(w.thread, &value));
		else if (round == 2)
			SAY(peeps_thread_timedjoin(w.thread, &value, &soon));
		else
			SAY(peeps_thread_clockjoin(w.thread, &value, CLOCK_MONOTONIC, &soon_too));
		way_say("value %s", value == &w ? "its own" : "wrong");
	}
}

/* A thread that has ended is joined at once, however. */
static void ended(void)
{
	const struct timespec past = { .tv_sec = 1 }, invalid = { .tv_nsec = 1000000000 };

	for (int how = 0; how < 5; how++) {
		struct worker w;
		void *value = NULL;

		hire(&w, how % 2);
		(void)sem_post(&w.end);
		way_sleep_ms(30);
		if (how == 0)
			SAY(peeps_thread_join(w.thread, &value));
		else if (how == 1)
			SAY(peeps_thread_tryjoin(w.thread, &value));
		else if (how == 2)
			SAY(peeps_thread_timedjoin(w.thread, &value, &past));
		else if (how == 3)
			SAY(peeps_thread_timedjoin(w.thread, &value, NULL));
		else
			SAY(peeps_thread_timedjoin(w.thread, &value, &invalid));
		way_say("value %s", value == &w ? "its own" : "wrong");
	}
}

static struct worker detached;

static void *join_detached(void *unused)
{
	SAY(peeps_thread_join(detached.thread, NULL));
	return unused;
}

static void refused(void)
{
	pthread_t thread;

	SAY(peeps_thread_join(pthread_self(), NULL));
	SAY(peeps_thread_tryjoin(pthread_self(), NULL));
	hire(&detached, true);
	(void)pthread_detach(detached.thread);
	SAY(peeps_thread_join(detached.thread, NULL));
	(void)pthread_create(&thread, NULL, join_detached, NULL);
	SAY(peeps_thread_join(thread, NULL));
	(void)sem_post(&detached.end);
	way_sleep_ms(20);
}

struct cancelled {
	struct worker worker;
	int cleaned;
};

static void clean(void *argument)
{
	((struct cancelled *)argument)->cleaned++;
}

static void *join_for_ever(void *argument)
{
	struct cancelled *const c = argument;

	pthread_cleanup_push(clean, c);
	(void)peeps_thread_join(c->worker.thread, NULL);
	pthread_cleanup_pop(0);
	return NULL;
}

/* Who is cancelled while he waits leaves the thread to be joined by another. */
static void cancelled(void)
{
	for (int round = 0; round < 4; round++) {
		struct cancelled c = { 0 };
		pthread_t joiner;
		void *value;

		hire(&c.worker, round % 2);
		(void)pthread_create(&joiner, NULL, join_for_ever, &c);
		if (round < 2) /* else perhaps before it waits */
			way_sleep_ms(20);
		(void)pthread_cancel(joiner);
		SAY(peeps_thread_join(joiner, &value));
		way_say("cancelled %d, cleaned %d", value == PTHREAD_CANCELED, c.cleaned);
		(void)sem_post(&c.worker.end);
		SAY(peeps_thread_join(c.worker.thread, &value));
		way_say("value %s", value == &c.worker ? "its own" : "wrong");
	}
}

static void plain_symbols(void)
{
	struct timespec soon;
	struct worker w;

	for (int how = 0; how < 4; how++) {
		void *value = NULL;
		pthread_t helper;
		int result;

		hire(&w, true);
		helper = let_go_soon(&w);
		soon = in_ms(how == 3 ? CLOCK_MONOTONIC : CLOCK_REALTIME, 20000);
#ifdef PEEPS_DISABLE
		result = how == 0   ? pthread_join(w.thread, &value)
			 : how == 1 ? pthread_tryjoin_np(w.thread, &value)
			 : how == 2
				 ? pthread_timedjoin_np(w.thread, &value, &soon)
				 : pthread_clockjoin_np(w.thread, &value, CLOCK_MONOTONIC, &soon);
#else
		result = how == 0   ? (peeps_thread_join)(w.thread, &value)
			 : how == 1 ? (peeps_thread_tryjoin)(w.thread, &value)
			 : how == 2 ? (peeps_thread_timedjoin)(w.thread, &value, &soon)
				    : (peeps_thread_clockjoin)(w.thread, &value, CLOCK_MONOTONIC,
							       &soon);
#endif
		way_say("%d: %d, value %s", how, result, value == &w ? "its own" : "none");
		(void)peeps_thread_join(helper, NULL);
		if (how == 1)
			SAY(peeps_thread_join(w.thread, NULL));
	}
}

static void *join_a_few(void *unused)
{
	for (int i = 0; i < 20; i++) {
		struct worker w[2];

		hire(&w[0], i % 3 == 0);
		hire(&w[1], true);
		(void)sem_post(&w[i % 2].end);
		if (peeps_thread_join(w[i % 2].thread, NULL) != 0)
			way_wrong("join");
		(void)sem_post(&w[1 - i % 2].end);
		if (peeps_thread_join(w[1 - i % 2].thread, NULL) != 0)
			way_wrong("second join");
	}
	return unused;
}

/* Threads come and go, and so do their handles, while others wait for some. */
static void churn(void)
{
	pthread_t threads[6];
	int failed = 0;

	for (int round = 0; round < way_scaled(10); round++) {
		for (int i = 0; i < 6; i++)
			(void)pthread_create(&threads[i], NULL, join_a_few, NULL);
		for (int i = 0; i < 6; i++)
			failed += peeps_thread_join(threads[i], NULL) != 0;
	}
	way_say("failed %d", failed);
}

/* The child has one thread, which may have had others wait for it. */
static void *fork_and_join(void *argument)
{
	const pid_t child = fork();

	if (child == 0) {
		struct worker w;
		pthread_t helper;

		hire(&w, true);
		helper = let_go_soon(&w);
		SAY(peeps_thread_join(w.thread, NULL));
		SAY(peeps_thread_join(helper, NULL));
		_exit(0);
	}
	way_say_child("child", child);
	return argument;
}

static void forked(void)
{
	pthread_t thread;

	for (int round = 0; round < 3; round++) {
		(void)pthread_create(&thread, NULL, fork_and_join, NULL);
		SAY(peeps_thread_join(thread, NULL)); /* which forks meanwhile */
	}
	(void)fork_and_join(NULL);
}

WAY_MAIN({ "results", results }, { "ended", ended }, { "refused", refused },
	 { "cancelled", cancelled }, { "plain_symbols", plain_symbols }, { "churn", churn },
	 { "forked", forked })
