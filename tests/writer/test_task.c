/* SPDX-License-Identifier: MIT */
/* Tasks: which actor a thread runs as, and what the slots say of it. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peeps/peeps.h>

#include "writer/entity.h"

static const struct peeps_ref none = { 0 };

static uint64_t me(void)
{
	return peeps_actor_self().bits;
}

static uint64_t activity(struct peeps_ref task)
{
	return entity_at(task.bits)->body[PEEPS_TASK_ACTIVITY_WORD];
}

static uint64_t thread_of(struct peeps_ref task)
{
	return entity_at(task.bits)->body[PEEPS_TASK_THREAD_WORD];
}

static uint64_t current_task(uint64_t thread)
{
	return entity_at(thread)->body[PEEPS_THREAD_CURRENT_TASK_WORD];
}

static void in_a_thread(void *(*run)(void *), void *argument)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, run, argument), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void peeps_task_new__named_and_not__suspended_of_its_creator(void **state)
{
	const struct peeps_ref named = peeps_task_new("baker"), unnamed = peeps_task_new(NULL);
	const int line = __LINE__ - 1;
	char place[32];

	(void)state;
	(void)snprintf(place, sizeof(place), "test_task.c.%d", line);
	assert_text(entity_at(named.bits)->name, "baker");
	assert_text(entity_at(unnamed.bits)->name, place);
	assert_int_equal(entity_at(named.bits)->kind & 0xffff, PEEPS_KIND_TASK);
	assert_int_equal(entity_at(named.bits)->creator, me());
	assert_int_equal(activity(named), PEEPS_ACTIVITY_SUSPENDED);
	assert_int_equal(thread_of(named), 0);
	peeps_task_end(named);
	peeps_task_end(unnamed);
	assert_null(entity_find(named.bits));
	assert_null(entity_find(unnamed.bits));
}

static void peeps_task_enter__nested__outer_stays_and_leave_goes_back(void **state)
{
	const struct peeps_ref outer = peeps_task_new("outer"), inner = peeps_task_new("inner");
	const uint64_t thread = me();
	struct peeps_ref before, between, made;

	(void)state;
	before = peeps_task_enter(outer);
	assert_int_equal(before.bits, thread);
	assert_int_equal(me(), outer.bits);
	assert_int_equal(current_task(thread), outer.bits);
	assert_int_equal(activity(outer), PEEPS_ACTIVITY_RUNNING);
	assert_int_equal(thread_of(outer), thread);

	between = peeps_task_enter(inner);
	assert_int_equal(between.bits, outer.bits);
	assert_int_equal(current_task(thread), inner.bits);
	assert_int_equal(activity(outer), PEEPS_ACTIVITY_RUNNING);
	assert_int_equal(thread_of(outer), thread);
	made = peeps_task_new("made inside");
	assert_int_equal(entity_at(made.bits)->creator, inner.bits);

	peeps_task_leave(between);
	assert_int_equal(me(), outer.bits);
	assert_int_equal(current_task(thread), outer.bits);
	assert_int_equal(activity(inner), PEEPS_ACTIVITY_SUSPENDED);
	assert_int_equal(thread_of(inner), thread);
	assert_int_equal(activity(outer), PEEPS_ACTIVITY_RUNNING);
	peeps_task_leave(before);
	assert_int_equal(me(), thread);
	assert_int_equal(current_task(thread), 0);
	assert_int_equal(activity(outer), PEEPS_ACTIVITY_SUSPENDED);
	peeps_task_end(made);
	peeps_task_end(inner);
	peeps_task_end(outer);
}

static void peeps_task_enter__once_more_further_in__runs_when_left_to(void **state)
{
	const struct peeps_ref a = peeps_task_new("a"), b = peeps_task_new("b");
	struct peeps_ref before[3];

	(void)state;
	before[0] = peeps_task_enter(a);
	before[1] = peeps_task_enter(b);
	before[2] = peeps_task_enter(a);
	peeps_task_leave(before[2]);
	assert_int_equal(me(), b.bits);
	assert_int_equal(activity(a), PEEPS_ACTIVITY_SUSPENDED);
	peeps_task_leave(before[1]);
	assert_int_equal(me(), a.bits);
	assert_int_equal(activity(a), PEEPS_ACTIVITY_RUNNING);
	assert_int_equal(activity(b), PEEPS_ACTIVITY_SUSPENDED);
	peeps_task_leave(before[0]);
	assert_int_equal(me(), before[0].bits);
	peeps_task_end(a);
	peeps_task_end(b);
}

static void peeps_task__null_stale_and_no_task__nothing_changes(void **state)
{
	const struct peeps_ref stale = peeps_task_new("stale"), task = peeps_task_new("live");
	const struct peeps_ref thread = peeps_actor_self();
	const struct peeps_ref refs[] = { none, stale, thread, { 0x1fffffff12345678 } };
	struct peeps_ref before;

	(void)state;
	peeps_task_end(stale);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(peeps_task_enter(refs[i]).bits, thread.bits);
		assert_int_equal(me(), thread.bits);
	}
	before = peeps_task_enter(task);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(peeps_task_enter(refs[i]).bits, task.bits);
		peeps_task_leave(task); /* as that enter said */
		assert_int_equal(me(), task.bits);
		assert_int_equal(activity(task), PEEPS_ACTIVITY_RUNNING);
		peeps_task_leave(refs[i]); /* to no task: to the thread itself */
		assert_int_equal(me(), thread.bits);
		assert_int_equal(peeps_task_enter(task).bits, before.bits);
		peeps_task_end(refs[i]);
	}
	assert_int_equal(me(), task.bits);
	peeps_task_end(task); /* from inside, which it should not be */
	assert_int_equal(me(), thread.bits);
	assert_int_equal(current_task(thread.bits), 0);
	peeps_task_end(task);
	assert_non_null(entity_find(thread.bits));
}

struct visit {
	struct peeps_ref task;
	uint64_t thread, before, inside, current;
};

static void *visit(void *argument)
{
	struct visit *const visit = argument;
	struct peeps_ref before;

	visit->thread = me();
	before = peeps_task_enter(visit->task);
	visit->before = before.bits;
	visit->inside = me();
	visit->current = current_task(visit->thread);
	peeps_task_leave(before);
	return NULL;
}

static void peeps_task_enter__on_another_thread_after_leaving__it_moves(void **state)
{
	struct visit visits = { .task = peeps_task_new("wanderer") };

	(void)state;
	peeps_task_leave(peeps_task_enter(visits.task));
	assert_int_equal(thread_of(visits.task), me());
	in_a_thread(visit, &visits);
	assert_int_equal(visits.before, visits.thread);
	assert_int_equal(visits.inside, visits.task.bits);
	assert_int_equal(visits.current, visits.task.bits);
	assert_int_equal(thread_of(visits.task), visits.thread);
	assert_int_equal(activity(visits.task), PEEPS_ACTIVITY_SUSPENDED);
	peeps_task_end(visits.task);
}

static void peeps_task_enter__entered_elsewhere__not_written(void **state)
{
	struct visit visits = { .task = peeps_task_new("taken") };
	const struct peeps_ref before = peeps_task_enter(visits.task);

	(void)state;
	in_a_thread(visit, &visits);
	assert_int_equal(visits.inside, visits.thread);
	assert_int_equal(visits.current, 0);
	assert_int_equal(thread_of(visits.task), before.bits);
	assert_int_equal(activity(visits.task), PEEPS_ACTIVITY_RUNNING);
	peeps_task_leave(before);
	peeps_task_end(visits.task);
}

static void *enter_and_end(void *task)
{
	(void)peeps_task_enter(*(const struct peeps_ref *)task);
	return NULL;
}

static void peeps_task_enter__thread_inside_has_ended__it_is_free_again(void **state)
{
	struct peeps_ref task = peeps_task_new("abandoned");
	const uint64_t thread = me();

	(void)state;
	in_a_thread(enter_and_end, &task);
	assert_int_equal(activity(task), PEEPS_ACTIVITY_RUNNING);
	assert_int_equal(peeps_task_enter(task).bits, thread);
	assert_int_equal(me(), task.bits);
	assert_int_equal(thread_of(task), thread);
	peeps_task_end(task);
}

/* --- mutexes --- */

static uint64_t holder(const struct peeps_mutex *m)
{
	return m->hook.slot->body[PEEPS_MUTEX_HOLDER_WORD];
}

static void peeps_mutex_unlock__locked_as_another_actor_of_this_thread__released(void **state)
{
	const struct peeps_ref task = peeps_task_new("locker");
	struct peeps_mutex m = PEEPS_MUTEX_INIT("locked inside and outside");
	struct peeps_ref before;

	(void)state;
	for (int round = 0; round < 3; round++) {
		(void)peeps_mutex_lock(&m);
		before = peeps_task_enter(task);
		assert_int_equal(holder(&m), before.bits);
		(void)peeps_mutex_unlock(&m);
		assert_int_equal(holder(&m), 0);

		(void)peeps_mutex_lock(&m);
		assert_int_equal(holder(&m), task.bits);
		peeps_task_leave(before);
		(void)peeps_mutex_unlock(&m);
		assert_int_equal(holder(&m), 0);
	}
	before = peeps_task_enter(task);
	(void)peeps_mutex_lock(&m);
	peeps_task_leave(before);
	peeps_task_end(task);
	(void)peeps_mutex_unlock(&m);
	assert_int_equal(holder(&m), 0);
	(void)peeps_mutex_destroy(&m);
}

static void *unlock_it(void *m)
{
	assert_int_not_equal(me(), 0); /* known: else it has nothing to report */
	(void)peeps_mutex_unlock((struct peeps_mutex *)m);
	return NULL;
}

static void peeps_mutex_unlock__locked_in_a_task_elsewhere__not_this_threads(void **state)
{
	const struct peeps_ref task = peeps_task_new("locker");
	struct peeps_mutex m = PEEPS_MUTEX_INIT("locked elsewhere");
	const struct peeps_ref before = peeps_task_enter(task);

	(void)state;
	(void)peeps_mutex_lock(&m);
	in_a_thread(unlock_it, &m);
	assert_int_equal(holder(&m), task.bits);
	peeps_task_leave(before);
	(void)peeps_mutex_lock(&m);
	assert_int_equal(holder(&m), before.bits);
	(void)peeps_mutex_unlock(&m);
	assert_int_equal(holder(&m), 0);
	peeps_task_end(task);
	(void)peeps_mutex_destroy(&m);
}

static void peeps_mutex_lock__recursive_by_two_actors_of_a_thread__held_until_the_last(void **state)
{
	const struct peeps_ref task = peeps_task_new("deeper");
	pthread_mutexattr_t attributes;
	struct peeps_mutex m;
	struct peeps_ref before;

	(void)state;
	(void)pthread_mutexattr_init(&attributes);
	(void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	(void)peeps_mutex_init(&m, "recursive", &attributes);
	for (int round = 0; round < 2; round++) {
		(void)peeps_mutex_lock(&m);
		before = peeps_task_enter(task);
		(void)peeps_mutex_lock(&m);
		assert_int_equal(holder(&m), before.bits | PEEPS_HOLDER_DEEP);
		(void)peeps_mutex_unlock(&m);
		assert_int_equal(holder(&m), before.bits);
		(void)peeps_mutex_lock(&m);
		peeps_task_leave(before);
		(void)peeps_mutex_unlock(&m);
		assert_int_equal(holder(&m), before.bits);
		(void)peeps_mutex_unlock(&m);
		assert_int_equal(holder(&m), 0);
	}
	assert_int_equal(pthread_mutex_trylock(&m.raw), 0);
	(void)pthread_mutex_unlock(&m.raw);
	peeps_task_end(task);
	(void)peeps_mutex_destroy(&m);
}

/* --- where there is less of everything --- */

/* More threads than there are records. */
struct crowd {
	pthread_barrier_t there;
	struct visit visits[8];
	bool has_record[8];
};

struct one {
	struct crowd *crowd;
	int number;
};

static void *visit_together(void *argument)
{
	const struct one *const one = argument;
	struct crowd *const crowd = one->crowd;
	struct self *const self = enter();

	crowd->has_record[one->number] = self->record != NULL;
	self_leave(self);
	(void)pthread_barrier_wait(&crowd->there);
	(void)visit(&crowd->visits[one->number]);
	(void)pthread_barrier_wait(&crowd->there);
	return NULL;
}

static void peeps_task_enter__threads_without_a_record__all_the_same(void **state)
{
	struct crowd crowd = { 0 };
	pthread_t threads[8];
	struct one ones[8];
	int overflowed = 0;

	(void)state;
	(void)pthread_barrier_init(&crowd.there, NULL, 8);
	for (int i = 0; i < 8; i++) {
		crowd.visits[i].task = peeps_task_new("of the crowd");
		ones[i] = (struct one){ &crowd, i };
		assert_int_equal(pthread_create(&threads[i], NULL, visit_together, &ones[i]), 0);
	}
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < 8; i++) {
		overflowed += !crowd.has_record[i];
		assert_int_equal(crowd.visits[i].before, crowd.visits[i].thread);
		assert_int_equal(crowd.visits[i].inside, crowd.visits[i].task.bits);
		assert_int_equal(crowd.visits[i].current, crowd.visits[i].task.bits);
		assert_int_equal(thread_of(crowd.visits[i].task), crowd.visits[i].thread);
		peeps_task_end(crowd.visits[i].task);
	}
	assert_true(overflowed > 0);
}

static void peeps_task_new__no_room__null_reference_and_counted(void **state)
{
	const uint64_t dropped = counted(PEEPS_COUNTER_DROPPED_ENTITIES);
	const uint64_t thread = me();
	struct peeps_ref tasks[64];
	int count = 0;

	(void)state;
	while (count < 64 && (tasks[count] = peeps_task_new("many")).bits)
		count++;
	assert_true(count < 64);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_ENTITIES), dropped + 1);
	assert_int_equal(peeps_task_enter(tasks[count]).bits, thread);
	while (count-- > 0)
		peeps_task_end(tasks[count]);
}

static void peeps_task__in_a_forked_child__parents_tasks_are_stale(void **state)
{
	const struct peeps_ref task = peeps_task_new("of the parent");
	const struct peeps_ref before = peeps_task_enter(task);
	int status;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0) {
		const uint64_t own = me();
		bool right = own != 0 && own != before.bits;
		struct peeps_ref fresh;

		peeps_task_leave(before);
		right = right && me() == own && peeps_task_enter(task).bits == own && me() == own;
		fresh = peeps_task_new("of the child");
		right = right && peeps_task_enter(fresh).bits == own && me() == fresh.bits;
		_exit(right ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(me(), task.bits);
	peeps_task_leave(before);
	peeps_task_end(task);
}

static void peeps_task__calls__errno_is_left_alone(void **state)
{
	struct peeps_ref task;

	(void)state;
	errno = 4711;
	task = peeps_task_new("quiet");
	peeps_task_leave(peeps_task_enter(task));
	peeps_task_end(task);
	assert_int_equal(errno, 4711);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peeps_task_new__named_and_not__suspended_of_its_creator),
		cmocka_unit_test(peeps_task_enter__nested__outer_stays_and_leave_goes_back),
		cmocka_unit_test(peeps_task_enter__once_more_further_in__runs_when_left_to),
		cmocka_unit_test(peeps_task__null_stale_and_no_task__nothing_changes),
		cmocka_unit_test(peeps_task_enter__on_another_thread_after_leaving__it_moves),
		cmocka_unit_test(peeps_task_enter__entered_elsewhere__not_written),
		cmocka_unit_test(peeps_task_enter__thread_inside_has_ended__it_is_free_again),
		cmocka_unit_test(
			peeps_mutex_unlock__locked_as_another_actor_of_this_thread__released),
		cmocka_unit_test(peeps_mutex_unlock__locked_in_a_task_elsewhere__not_this_threads),
		cmocka_unit_test(
			peeps_mutex_lock__recursive_by_two_actors_of_a_thread__held_until_the_last),
		cmocka_unit_test(peeps_task_enter__threads_without_a_record__all_the_same),
		cmocka_unit_test(peeps_task_new__no_room__null_reference_and_counted),
		cmocka_unit_test(peeps_task__in_a_forked_child__parents_tasks_are_stale),
		cmocka_unit_test(peeps_task__calls__errno_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
