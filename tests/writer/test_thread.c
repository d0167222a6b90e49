/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <peeps/thread.h>
#include "writer/entity.h"
#include "writer/operation.h"

/* PEEPS_CAPACITY gives 6 records of threads' own. */
#define RECORDS 6

static void self_enter__first_call__thread_is_an_actor(void **state)
{
	struct self *const self = enter();
	const struct peeps_entity_slot *const entity = self->entity;

	(void)state;
	assert_int_equal(self->record->tid, gettid());
	assert_int_equal(self->record->state, PEEPS_THREAD_LIVE);
	assert_int_equal(self->record->actor, self->actor);
	assert_int_equal(self->record->entity, self->actor);
	assert_ptr_equal(entity_at(self->actor), entity);
	assert_int_equal(entity->kind & 0xffff, PEEPS_KIND_THREAD);
	assert_int_equal((uint32_t)entity->body[PEEPS_THREAD_TID_WORD], gettid());
	assert_int_equal(entity->body[PEEPS_THREAD_RECORD_WORD] >> PEEPS_THREAD_RECORD_SHIFT & 0xffffff,
			 self->record_index);
	assert_true(segment_section(PEEPS_SECTION_THREADS)->high_water > self->record_index);
	assert_int_equal(peeps_actor_self().bits, 0); /* inside: not recorded */
	self_leave(self);
	assert_int_equal(peeps_actor_self().bits, self->actor);
}

static void self_enter__from_inside__is_null_and_counted(void **state)
{
	struct self *const self = enter();
	const uint64_t nested = counted(PEEPS_COUNTER_DROPPED_NESTED);

	(void)state;
	assert_null(self_enter(CALLER_STACK() - 64)); /* as from a handler's frame, below */
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_NESTED), nested + 1);
	self_leave(self);
	assert_ptr_equal(enter(), self);
	self_leave(self);
}

static void self_enter__frame_left_by_siglongjmp__enters_and_counts(void **state)
{
	struct self *const self = enter();
	const uint64_t torn = counted(PEEPS_COUNTER_TORN);

	(void)state;
	assert_ptr_equal(self_enter(CALLER_STACK() + 64), self); /* a frame above ours: ours is gone */
	assert_true(counted(PEEPS_COUNTER_TORN) > torn);
	self_leave(self);
}

static void self_suspend__while_forking__calls_go_unrecorded(void **state)
{
	const uint64_t before = self_suspend();

	(void)state;
	assert_null(self_enter(CALLER_STACK()));
	assert_null(self_enter(CALLER_STACK() + 4096));
	self_resume(before);
	self_leave(enter());
}

static void peeps_thread_name__long_and_none__is_a_text_of_the_entity(void **state)
{
	static const char name[] = "a name that the kernel would find far too long";
	const struct peeps_entity_slot *const entity = entity_at(peeps_actor_self().bits);

	(void)state;
	peeps_thread_name(name);
	assert_text(entity->body[PEEPS_THREAD_NAME_WORD], name);
	peeps_thread_name("another");
	assert_text(entity->body[PEEPS_THREAD_NAME_WORD], "another");
	peeps_thread_name("");
	assert_int_equal(entity->body[PEEPS_THREAD_NAME_WORD], 0);
	peeps_thread_name("again");
	peeps_thread_name(NULL);
	assert_int_equal(entity->body[PEEPS_THREAD_NAME_WORD], 0);
}

struct seen {
	uint32_t record_index;
	uint64_t actor, txn;
	bool has_record;
};

static pthread_barrier_t *wait_at;

static void *look_at_self(void *argument)
{
	struct seen *const seen = argument;
	struct self *const self = enter();

	seen->record_index = self->record_index;
	seen->has_record = self->record != NULL;
	seen->actor = self->actor;
	seen->txn = self->record ? self->record->txn : 0;
	self_leave(self);
	if (wait_at)
		(void)pthread_barrier_wait(wait_at);
	return NULL;
}

static struct seen run_thread(void)
{
	struct seen seen = { 0 };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, look_at_self, &seen), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	return seen;
}

static void thread_leaving__thread_ends__record_leaves_and_entity_stays(void **state)
{
	const struct seen seen = run_thread();
	const struct peeps_thread *const record =
		segment_row(PEEPS_SECTION_THREADS, seen.record_index);

	(void)state;
	assert_int_equal(record->state, PEEPS_THREAD_LEAVING);
	assert_int_equal(record->txn & 1, 0);
	/* what it still holds is held by one that exited, and that one has a name */
	assert_int_equal(entity_at(seen.actor)->status & PEEPS_STATUS_LIFE_MASK, PEEPS_LIFE_LIVE);
	assert_int_equal(record->entity, seen.actor);
}

static void self_enter__more_threads_one_after_the_other_than_records__records_are_reused(void **state)
{
	const uint64_t overflow = counted(PEEPS_COUNTER_OVERFLOW_THREADS);
	uint64_t txns[RECORDS + 1] = { 0 };

	(void)state;
	for (int i = 0; i < 4 * RECORDS; i++) {
		const struct seen seen = run_thread();

		assert_true(seen.has_record);
		assert_true(seen.record_index >= 1 && seen.record_index <= RECORDS);
		assert_true(seen.txn >= txns[seen.record_index]); /* it never restarts */
		txns[seen.record_index] = seen.txn;
		assert_int_equal(entity_at(seen.actor)->identity, seen.actor);
	}
	assert_int_equal(counted(PEEPS_COUNTER_OVERFLOW_THREADS), overflow);
}

static void self_enter__more_threads_at_once_than_records__the_rest_share_one(void **state)
{
	const uint64_t overflow = counted(PEEPS_COUNTER_OVERFLOW_THREADS);
	struct seen seen[RECORDS + 3];
	pthread_t threads[RECORDS + 3];
	pthread_barrier_t barrier;
	int without = 0;

	(void)state;
	(void)pthread_barrier_init(&barrier, NULL, RECORDS + 4);
	wait_at = &barrier;
	for (int i = 0; i < RECORDS + 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look_at_self, &seen[i]), 0);
	(void)pthread_barrier_wait(&barrier);
	for (int i = 0; i < RECORDS + 3; i++) {
		(void)pthread_join(threads[i], NULL);
		without += !seen[i].has_record;
		assert_int_not_equal(seen[i].actor, 0);
		for (int j = 0; j < i; j++) {
			assert_int_not_equal(seen[i].actor, seen[j].actor);
			assert_true(!seen[i].has_record || !seen[j].has_record ||
				    seen[i].record_index != seen[j].record_index);
		}
	}
	wait_at = NULL;
	/* main has one of the records */
	assert_int_equal(without, 4);
	assert_int_equal(counted(PEEPS_COUNTER_OVERFLOW_THREADS), overflow + 4);
	assert_true(run_thread().has_record);
}

static void stack_is_gone__frames_above_and_below__as_stacks_grow(void **state)
{
	(void)state;
	assert_false(stack_is_gone(1000, 999));
	assert_true(stack_is_gone(1000, 1000));
	assert_true(stack_is_gone(1000, 1001));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(self_enter__first_call__thread_is_an_actor),
		cmocka_unit_test(self_enter__from_inside__is_null_and_counted),
		cmocka_unit_test(self_enter__frame_left_by_siglongjmp__enters_and_counts),
		cmocka_unit_test(self_suspend__while_forking__calls_go_unrecorded),
		cmocka_unit_test(peeps_thread_name__long_and_none__is_a_text_of_the_entity),
		cmocka_unit_test(thread_leaving__thread_ends__record_leaves_and_entity_stays),
		cmocka_unit_test(
			self_enter__more_threads_one_after_the_other_than_records__records_are_reused),
		cmocka_unit_test(
			self_enter__more_threads_at_once_than_records__the_rest_share_one),
		cmocka_unit_test(stack_is_gone__frames_above_and_below__as_stacks_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
