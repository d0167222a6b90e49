/* SPDX-License-Identifier: MIT */
/* Sleeping, as the actor's slot shows it. How long it takes is nobody's business here. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peeps/peeps.h>

#define FOR_EVER UINT64_MAX

static uint64_t me(void)
{
	return peeps_actor_self().bits;
}

static uint64_t thread_activity(uint64_t thread)
{
	return peeps_load_acquire(&entity_at(thread)->body[PEEPS_THREAD_ACTIVITY_WORD]) >>
	       PEEPS_THREAD_ACTIVITY_SHIFT;
}

static uint64_t thread_until(uint64_t thread)
{
	return entity_at(thread)->body[PEEPS_THREAD_SLEEP_UNTIL_WORD];
}

struct sleeper {
	struct peeps_ref task; /* none: as the thread itself */
	uint64_t ns, thread;
	uint32_t tid;
	int result, errno_after;
	bool is_done;
};

static void *sleep_for(void *argument)
{
	struct sleeper *const sleeper = argument;

	(void)peeps_task_enter(sleeper->task);
	sleeper->tid = (uint32_t)gettid();
	errno = 4711;
	__atomic_store_n(&sleeper->thread, enter()->record->entity, __ATOMIC_SEQ_CST);
	self_leave(enter());
	sleeper->result = peeps_sleep_ns(sleeper->ns);
	sleeper->errno_after = errno;
	sleeper->is_done = true;
	return NULL;
}

static pthread_t start(struct sleeper *sleeper)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, sleep_for, sleeper), 0);
	while (!__atomic_load_n(&sleeper->thread, __ATOMIC_SEQ_CST))
		(void)usleep(1000);
	return thread;
}

static void await(uint64_t (*activity)(uint64_t), uint64_t actor, uint64_t wanted)
{
	for (int i = 0; activity(actor) != wanted; i++) {
		assert_true(i < 5000);
		(void)usleep(1000);
	}
}

static void peeps_sleep_ns__a_thread__sleeping_until_then_running(void **state)
{
	struct sleeper sleeper = { .ns = 50000000 };
	const uint64_t before = segment_ptime_ns();
	const pthread_t thread = start(&sleeper);
	uint64_t until;

	(void)state;
	await(thread_activity, sleeper.thread, PEEPS_ACTIVITY_SLEEPING);
	until = thread_until(sleeper.thread);
	assert_true(until >= before + sleeper.ns);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(sleeper.result, 0);
	assert_int_equal(sleeper.errno_after, 4711);
	assert_int_equal(thread_activity(sleeper.thread), PEEPS_ACTIVITY_RUNNING);
	assert_int_equal(thread_until(sleeper.thread), 0);
	/* tid and record stand beside it */
	assert_int_equal((uint32_t)entity_at(sleeper.thread)->body[PEEPS_THREAD_TID_WORD],
			 sleeper.tid);
	assert_true(segment_ptime_ns() >= until);
}

static uint64_t task_activity(uint64_t task)
{
	return peeps_load_acquire(&entity_at(task)->body[PEEPS_TASK_ACTIVITY_WORD]);
}

static void peeps_sleep_ns__a_task__the_task_sleeps_and_not_the_thread(void **state)
{
	struct sleeper sleeper = { .task = peeps_task_new("sleeper"), .ns = 50000000 };
	const pthread_t thread = start(&sleeper);

	(void)state;
	await(task_activity, sleeper.task.bits, PEEPS_ACTIVITY_SLEEPING);
	assert_int_equal(thread_activity(sleeper.thread), PEEPS_ACTIVITY_RUNNING);
	assert_int_not_equal(entity_at(sleeper.task.bits)->body[PEEPS_TASK_SLEEP_UNTIL_WORD], 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(task_activity(sleeper.task.bits), PEEPS_ACTIVITY_RUNNING);
	assert_int_equal(entity_at(sleeper.task.bits)->body[PEEPS_TASK_SLEEP_UNTIL_WORD], 0);
	peeps_task_end(sleeper.task);
}

static void nothing(int signal)
{
	(void)signal;
}

static void peeps_sleep_ns__handler_ran__eintr_and_running(void **state)
{
	const struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	struct sleeper sleeper = { .ns = FOR_EVER };
	pthread_t thread;

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	thread = start(&sleeper);
	await(thread_activity, sleeper.thread, PEEPS_ACTIVITY_SLEEPING);
	assert_int_equal(thread_until(sleeper.thread), UINT64_MAX);
	for (int i = 0; !__atomic_load_n(&sleeper.is_done, __ATOMIC_SEQ_CST); i++) {
		assert_true(i < 5000);
		(void)pthread_kill(thread, SIGUSR1);
		(void)usleep(1000);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(sleeper.result, -EINTR);
	assert_int_equal(sleeper.errno_after, 4711);
	assert_int_equal(thread_activity(sleeper.thread), PEEPS_ACTIVITY_RUNNING);
}

static void peeps_sleep_ns__cancelled__running_again(void **state)
{
	struct sleeper sleeper = { .ns = FOR_EVER };
	const pthread_t thread = start(&sleeper);
	void *result;

	(void)state;
	await(thread_activity, sleeper.thread, PEEPS_ACTIVITY_SLEEPING);
	assert_int_equal(pthread_cancel(thread), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, PTHREAD_CANCELED);
	assert_false(sleeper.is_done);
	assert_int_equal(thread_activity(sleeper.thread), PEEPS_ACTIVITY_RUNNING);
	assert_int_equal(thread_until(sleeper.thread), 0);
}

static void peeps_sleep_ns__nothing__returns_at_once_as_running(void **state)
{
	(void)state;
	assert_int_equal(peeps_sleep_ns(0), 0);
	assert_int_equal(thread_activity(me()), PEEPS_ACTIVITY_RUNNING);
	assert_int_equal(thread_until(me()), 0);
}

static bool was_forked; /* by the handler, in the child */
static pid_t forked;

static void fork_once(int signal)
{
	(void)signal;
	forked = fork();
	if (forked == 0) {
		was_forked = true;
		(void)me(); /* the child's own telemetry begins here */
	}
}

static void peeps_sleep_ns__handler_forks__childs_segment_is_not_written_by_the_rest(void **state)
{
	const struct sigaction action = { .sa_handler = fork_once };
	const struct itimerval soon = { .it_value = { .tv_usec = 20000 } };
	int status;

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	(void)setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(peeps_sleep_ns(UINT64_C(30000000000)), -EINTR);
	if (was_forked)
		_exit(me() && thread_activity(me()) == PEEPS_ACTIVITY_RUNNING ? 0 : 1);
	assert_int_equal(waitpid(forked, &status, 0), forked);
	assert_int_equal(status, 0);
	assert_int_equal(thread_activity(me()), PEEPS_ACTIVITY_RUNNING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peeps_sleep_ns__a_thread__sleeping_until_then_running),
		cmocka_unit_test(peeps_sleep_ns__a_task__the_task_sleeps_and_not_the_thread),
		cmocka_unit_test(peeps_sleep_ns__handler_ran__eintr_and_running),
		cmocka_unit_test(peeps_sleep_ns__cancelled__running_again),
		cmocka_unit_test(peeps_sleep_ns__nothing__returns_at_once_as_running),
		cmocka_unit_test(
			peeps_sleep_ns__handler_forks__childs_segment_is_not_written_by_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
