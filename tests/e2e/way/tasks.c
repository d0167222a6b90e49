/* SPDX-License-Identifier: MIT */
/* Tasks and sleeps: what a program does as a task, it does all the same. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "tests/e2e/way/way.h"

#define ERRNO_BEFORE 4711
#define MS           UINT64_C(1000000)

#define SAY(call)                                                        \
	do {                                                             \
		int say_result;                                          \
		errno = ERRNO_BEFORE;                                    \
		say_result = (call);                                     \
		way_say("%s = %d%s", #call, say_result,                  \
			errno == ERRNO_BEFORE ? "" : ", errno changed"); \
	} while (0)

/* A void call, for SAY. */
#define VOID(call) ((call), 0)

static const struct peeps_ref none = { 0 };

static void nested(void)
{
	struct peeps_ref tasks[3], before[3];

	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 3; i++) {
			tasks[i] = peeps_task_new(i ? "inner" : NULL);
			before[i] = peeps_task_enter(tasks[i]);
		}
		for (int i = 2; i >= 0; i--) {
			peeps_task_leave(before[i]);
			peeps_task_end(tasks[i]);
		}
	}
	SAY(VOID(tasks[0] = peeps_task_new("errno")));
	SAY(VOID(before[0] = peeps_task_enter(tasks[0])));
	SAY(VOID(peeps_task_leave(before[0])));
	SAY(VOID(peeps_task_end(tasks[0])));
	SAY(VOID(before[0] = peeps_task_enter(tasks[0])));
	SAY(VOID(before[0] = peeps_task_enter(none)));
	SAY(VOID(peeps_task_leave(none)));
	SAY(VOID(peeps_task_end(none)));
}

/* Locked as one actor, unlocked as another. */
static void mutexes(void)
{
	struct peeps_mutex m = PEEPS_MUTEX_INIT("in and out");
	const struct peeps_ref task = peeps_task_new("locker");
	pthread_mutexattr_t attributes;
	struct peeps_mutex deep;
	struct peeps_ref before;

	(void)pthread_mutexattr_init(&attributes);
	(void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	SAY(peeps_mutex_init(&deep, "recursive", &attributes));
	for (int round = 0; round < 3; round++) {
		SAY(peeps_mutex_lock(&m));
		SAY(peeps_mutex_lock(&deep));
		before = peeps_task_enter(task);
		SAY(peeps_mutex_trylock(&m));
		SAY(peeps_mutex_lock(&deep));
		SAY(peeps_mutex_unlock(&m));
		SAY(peeps_mutex_lock(&m));
		peeps_task_leave(before);
		SAY(peeps_mutex_unlock(&deep));
		SAY(peeps_mutex_unlock(&m));
		SAY(peeps_mutex_unlock(&deep));
		SAY(peeps_mutex_unlock(&deep));
	}
	peeps_task_end(task);
	SAY(peeps_mutex_destroy(&m));
	SAY(peeps_mutex_destroy(&deep));
}

/* --- tasks that move between threads ------------------------------------------------------------ */

#define TASKS   20
#define THREADS 4
#define STEPS   100

static struct job {
	struct peeps_ref task;
	long steps, slept;
} jobs[TASKS];

static struct peeps_mutex queue_lock = PEEPS_MUTEX_INIT("queue");
static struct job *queue[TASKS];
static int queued;

static struct job *take_job(void)
{
	struct job *job = NULL;

	(void)peeps_mutex_lock(&queue_lock);
	if (queued > 0) {
		job = queue[0];
		queued--;
		for (int i = 0; i < queued; i++)
			queue[i] = queue[i + 1];
	}
	(void)peeps_mutex_unlock(&queue_lock);
	return job;
}

static void put_job(struct job *job)
{
	(void)peeps_mutex_lock(&queue_lock);
	queue[queued++] = job;
	(void)peeps_mutex_unlock(&queue_lock);
}

static struct peeps_mutex work_lock = PEEPS_MUTEX_INIT("work");
static long work;

static void *run_jobs(void *unused)
{
	struct job *job;

	while ((job = take_job())) {
		const struct peeps_ref before = peeps_task_enter(job->task);

		job->steps++;
		(void)peeps_mutex_lock(&work_lock);
		work++;
		if (job->steps % 10 == 0)
			job->slept += peeps_sleep_ns(MS / 20) == 0;
		(void)peeps_mutex_unlock(&work_lock);
		peeps_task_leave(before);
		if (job->steps < STEPS)
			put_job(job);
	}
	return unused;
}

static void moved(void)
{
	pthread_t threads[THREADS];
	long steps = 0, slept = 0;

	for (int i = 0; i < TASKS; i++) {
		jobs[i].task = peeps_task_new("job");
		put_job(&jobs[i]);
	}
	for (int i = 0; i < THREADS; i++)
		(void)pthread_create(&threads[i], NULL, run_jobs, NULL);
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	(void)run_jobs(NULL); /* what was out of the queue when the last thread looked */
	for (int i = 0; i < TASKS; i++) {
		steps += jobs[i].steps;
		slept += jobs[i].slept;
		peeps_task_end(jobs[i].task);
	}
	way_say("work %ld, steps %ld, slept %ld", work, steps, slept);
}

/* --- sleeping ------------------------------------------------------------------------------------ */

static void sleeps(void)
{
	SAY(peeps_sleep_ns(0));
	SAY(peeps_sleep_ns(1));
	SAY(peeps_sleep_ns(MS));
	SAY(peeps_sleep_ns(20 * MS + 999));
}

static void on_signal(int signal)
{
	(void)signal;
}

static int is_back;

static void *sleep_long(void *result)
{
	*(int *)result = peeps_sleep_ns(UINT64_MAX);
	__atomic_store_n(&is_back, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void interrupted(void)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	pthread_t thread;
	int result = 4711;

	(void)sigaction(SIGUSR1, &action, NULL);
	(void)pthread_create(&thread, NULL, sleep_long, &result);
	while (!__atomic_load_n(&is_back, __ATOMIC_SEQ_CST)) {
		way_sleep_ms(5);
		(void)pthread_kill(thread, SIGUSR1);
	}
	(void)pthread_join(thread, NULL);
	way_say("result %d", result);
}

static int cleaned_up;

static void clean_up(void *task)
{
	peeps_task_leave(none);
	peeps_task_end(*(const struct peeps_ref *)task);
	cleaned_up++;
}

static void *sleep_as_a_task(void *unused)
{
	struct peeps_ref task = peeps_task_new("sleeper");

	(void)peeps_task_enter(task);
	pthread_cleanup_push(clean_up, &task);
	(void)peeps_sleep_ns(UINT64_MAX);
	way_wrong("slept enough");
	pthread_cleanup_pop(1);
	return unused;
}

static void cancelled(void)
{
	pthread_t thread;
	void *result;

	for (int i = 0; i < 5; i++) {
		(void)pthread_create(&thread, NULL, sleep_as_a_task, NULL);
		way_sleep_ms(5);
		(void)pthread_cancel(thread);
		(void)pthread_join(thread, &result);
		way_say("cancelled %d, cleaned up %d", result == PTHREAD_CANCELED, cleaned_up);
	}
}

/* In a child the tasks of its parent are nobody's. */
static void forked(void)
{
	const struct peeps_ref task = peeps_task_new("of the parent");
	const struct peeps_ref before = peeps_task_enter(task);

	for (int i = 0; i < way_scaled(20); i++) {
		const pid_t child = fork();

		if (child == 0) {
			struct peeps_mutex m = PEEPS_MUTEX_INIT("of the child");
			const struct peeps_ref own = peeps_task_new("of the child");
			int failures = peeps_mutex_lock(&m);

			peeps_task_leave(before);
			(void)peeps_task_enter(own);
			failures += peeps_mutex_unlock(&m) + peeps_sleep_ns(1000);
			peeps_task_end(task);
			_exit(failures);
		}
		way_say_child("child", child);
	}
	peeps_task_leave(before);
	peeps_task_end(task);
}

WAY_MAIN({ "nested", nested }, { "mutexes", mutexes }, { "moved", moved }, { "sleeps", sleeps },
	 { "interrupted", interrupted }, { "cancelled", cancelled }, { "forked", forked })
