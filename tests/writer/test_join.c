/* SPDX-License-Identifier: MIT */
/* What the slots say while a thread is waited for. What the calls return is the business of tests/e2e/way/join.c. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <time.h>

#include <peeps/peeps.h>
#include "writer/awaited.h"

#define TID_MASK ((UINT64_C(1) << PEEPS_THREAD_TID_BITS) - 1)

static const struct peeps_edge_slot *edge(uint64_t index)
{
	return segment_row(PEEPS_SECTION_EDGES, index);
}

static uint64_t bits(const struct peeps_edge_slot *slot, int shift)
{
	return peeps_load_relaxed(&slot->status) >> shift & 0xff;
}

/* The newest join that @actor has in this state; NULL if there is none. */
static const struct peeps_edge_slot *join_by(uint64_t actor, enum peeps_state state)
{
	const struct peeps_edge_slot *found = NULL;

	for (uint64_t i = 0; i < segment_section(PEEPS_SECTION_EDGES)->high_water; i++)
		if (bits(edge(i), PEEPS_EDGE_KIND_SHIFT) == PEEPS_EDGE_NEEDS &&
		    bits(edge(i), PEEPS_EDGE_OP_SHIFT) == PEEPS_OP_JOIN &&
		    bits(edge(i), PEEPS_EDGE_STATE_SHIFT) == state && edge(i)->src == actor &&
		    (!found || found->last_change_ns < edge(i)->last_change_ns))
			found = edge(i);
	return found;
}

static bool is_live(uint64_t entity)
{
	return (peeps_load_relaxed(&entity_at(entity)->status) & PEEPS_STATUS_LIFE_MASK) ==
		       PEEPS_LIFE_LIVE &&
	       peeps_load_relaxed(&entity_at(entity)->identity) == entity;
}

/* A thread to wait for, and one that waits for it. */
struct scene {
	bool is_seen; /* records something before it is waited for */
	bool records; /* ... while it is waited for */
	bool timed, monotonic;
	sem_t seen, record, recorded, end;
	pthread_t thread, joiner;
	uint64_t actor, joiner_actor;
	int result;
	void *value;
};

static void *work(void *argument)
{
	struct scene *const scene = argument;

	if (scene->is_seen)
		scene->actor = peeps_actor_self().bits;
	(void)sem_post(&scene->seen);
	(void)sem_wait(&scene->record);
	if (scene->records)
		scene->actor = peeps_actor_self().bits;
	(void)sem_post(&scene->recorded);
	(void)sem_wait(&scene->end);
	return argument;
}

static void *join_it(void *argument)
{
	struct scene *const scene = argument;
	struct timespec when;

	__atomic_store_n(&scene->joiner_actor, peeps_actor_self().bits, __ATOMIC_RELEASE);
	(void)clock_gettime(scene->monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME, &when);
	when.tv_sec += 30;
	if (scene->monotonic)
		scene->result = peeps_thread_clockjoin(scene->thread, &scene->value,
						       CLOCK_MONOTONIC, &when);
	else if (scene->timed)
		scene->result = peeps_thread_timedjoin(scene->thread, &scene->value, &when);
	else
		scene->result = peeps_thread_join(scene->thread, &scene->value);
	return NULL;
}

/* Returns the edge of the wait. */
static const struct peeps_edge_slot *stage(struct scene *scene)
{
	const struct peeps_edge_slot *wait = NULL;

	(void)sem_init(&scene->seen, 0, 0);
	(void)sem_init(&scene->record, 0, 0);
	(void)sem_init(&scene->recorded, 0, 0);
	(void)sem_init(&scene->end, 0, 0);
	assert_int_equal(pthread_create(&scene->thread, NULL, work, scene), 0);
	(void)sem_wait(&scene->seen);
	assert_int_equal(pthread_create(&scene->joiner, NULL, join_it, scene), 0);
	while (!wait) {
		const uint64_t actor = __atomic_load_n(&scene->joiner_actor, __ATOMIC_ACQUIRE);

		if (actor)
			wait = join_by(actor, PEEPS_STATE_PENDING);
		(void)sched_yield();
	}
	return wait;
}

static void end(struct scene *scene)
{
	(void)sem_post(&scene->record);
	(void)sem_post(&scene->end);
	assert_int_equal(pthread_join(scene->joiner, NULL), 0);
}

static void join__seen_thread__edge_from_actor_to_actor(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct scene scene = { .is_seen = true, .timed = i == 1, .monotonic = i == 2 };
		const struct peeps_edge_slot *const wait = stage(&scene);
		const uint64_t now_ns = segment_ptime_ns();

		assert_int_equal(wait->dst, scene.actor);
		assert_int_equal(wait->status >> PEEPS_EDGE_MODE_SHIFT & PEEPS_OPERATION_BLOCKS,
				 PEEPS_OPERATION_BLOCKS);
		assert_int_equal(wait->details[PEEPS_DETAIL_JOIN_UNTIL] > now_ns, i > 0);
		assert_true(wait->details[PEEPS_DETAIL_JOIN_UNTIL] <=
			    now_ns + UINT64_C(30000000000));
		assert_int_not_equal(wait->origin & PEEPS_EDGE_SITE_MASK, 0);
		end(&scene);
		assert_int_equal(scene.result, 0);
		assert_ptr_equal(scene.value, &scene);
		assert_ptr_equal(join_by(scene.joiner_actor, PEEPS_STATE_DONE), wait);
	}
}

static void join__unseen_thread__has_an_entity_until_it_ends(void **state)
{
	struct scene scene = { 0 };
	const struct peeps_edge_slot *const wait = stage(&scene);
	const uint64_t target = wait->dst;

	(void)state;
	assert_true(is_live(target));
	assert_int_equal(entity_at(target)->kind & 0xffff, PEEPS_KIND_THREAD);
	assert_int_equal(entity_at(target)->body[PEEPS_THREAD_TID_WORD], 0);
	assert_int_equal(entity_at(target)->creator, scene.joiner_actor);
	end(&scene);
	assert_int_equal(scene.result, 0);
	assert_ptr_equal(join_by(scene.joiner_actor, PEEPS_STATE_DONE), wait);
	assert_false(is_live(target));
}

static void join__unseen_thread_records__takes_its_entity_over(void **state)
{
	struct scene scene = { .records = true };
	const struct peeps_edge_slot *const wait = stage(&scene);
	const uint64_t target = wait->dst;

	(void)state;
	(void)sem_post(&scene.record);
	(void)sem_wait(&scene.recorded);
	assert_int_equal(scene.actor, target);
	assert_int_not_equal(entity_at(target)->body[PEEPS_THREAD_TID_WORD] & TID_MASK, 0);
	assert_int_not_equal(
		entity_at(target)->body[PEEPS_THREAD_TID_WORD] >> PEEPS_THREAD_RECORD_SHIFT, 0);
	end(&scene);
	assert_true(is_live(target)); /* as any thread's: until its record serves another one */
	assert_ptr_equal(join_by(scene.joiner_actor, PEEPS_STATE_DONE), wait);
}

static void *join_too(void *argument)
{
	struct scene *const scene = argument;
	struct timespec when;

	(void)clock_gettime(CLOCK_REALTIME, &when);
	when.tv_nsec = 0;
	return (void *)(intptr_t)peeps_thread_timedjoin(scene->thread, NULL, &when);
}

static void join__unseen_thread_by_two__one_entity_which_the_last_ends(void **state)
{
	struct scene scene = { 0 };
	const uint64_t target = stage(&scene)->dst;
	struct self *const self = self_enter(CALLER_STACK());

	(void)state;
	assert_non_null(self);
	assert_int_equal(awaited_begin(self, scene.thread), target);
	self_leave(self);
	end(&scene);
	assert_true(is_live(target));
	assert_ptr_equal(self_enter(CALLER_STACK()), self);
	awaited_end(self, target);
	self_leave(self);
	assert_false(is_live(target));
}

static void *join_until_now(void *argument)
{
	struct scene *const scene = argument;

	scene->joiner_actor = peeps_actor_self().bits;
	return join_too(argument);
}

static void timedjoin__out_of_time__has_failed(void **state)
{
	struct scene scene = { .is_seen = true };
	const struct peeps_edge_slot *wait;
	pthread_t joiner;
	void *result;

	(void)state;
	(void)sem_init(&scene.seen, 0, 0);
	(void)sem_init(&scene.record, 0, 1);
	(void)sem_init(&scene.recorded, 0, 0);
	(void)sem_init(&scene.end, 0, 0);
	assert_int_equal(pthread_create(&scene.thread, NULL, work, &scene), 0);
	(void)sem_wait(&scene.seen);
	assert_int_equal(pthread_create(&joiner, NULL, join_until_now, &scene), 0);
	assert_int_equal(pthread_join(joiner, &result), 0);
	assert_int_equal((intptr_t)result, ETIMEDOUT);
	wait = join_by(scene.joiner_actor, PEEPS_STATE_FAILED);
	assert_non_null(wait);
	assert_int_equal(wait->origin >> PEEPS_EDGE_REASON_SHIFT, ETIMEDOUT);
	(void)sem_post(&scene.end);
	assert_int_equal(peeps_thread_join(scene.thread, NULL), 0);
}

static void join__cancelled__the_operation_is_too(void **state)
{
	struct scene scene = { .is_seen = true };
	const struct peeps_edge_slot *const wait = stage(&scene);
	void *result;

	(void)state;
	assert_int_equal(pthread_cancel(scene.joiner), 0);
	assert_int_equal(pthread_join(scene.joiner, &result), 0);
	assert_ptr_equal(result, PTHREAD_CANCELED);
	assert_ptr_equal(join_by(scene.joiner_actor, PEEPS_STATE_CANCELLED), wait);
	(void)sem_post(&scene.record);
	(void)sem_post(&scene.end);
	assert_int_equal(pthread_join(scene.thread, NULL), 0);
}

static void join__itself__no_edge(void **state)
{
	const uint64_t me = peeps_actor_self().bits;
	const struct peeps_edge_slot *const before = join_by(me, PEEPS_STATE_FAILED);

	(void)state;
	assert_int_equal(peeps_thread_join(pthread_self(), NULL), EDEADLK);
	assert_ptr_equal(join_by(me, PEEPS_STATE_FAILED), before);
}

static void *name_itself(void *unused)
{
	peeps_thread_name("first of its handle");
	return unused;
}

static void *wait_unseen(void *argument)
{
	(void)sem_wait(argument);
	return argument;
}

/* glibc gives the next thread the stack, and so the handle, of one that was joined. */
static void join__handle_of_before__is_not_taken_for_that_thread(void **state)
{
	struct scene scene = { 0 };
	pthread_t first, second;
	uint64_t target;

	(void)state;
	(void)sem_init(&scene.end, 0, 0);
	assert_int_equal(pthread_create(&first, NULL, name_itself, NULL), 0);
	assert_int_equal(pthread_join(first, NULL), 0);
	assert_int_equal(pthread_create(&second, NULL, wait_unseen, &scene.end), 0);
	assert_true(pthread_equal(first, second));
	scene.thread = second;
	assert_int_equal(pthread_create(&scene.joiner, NULL, join_it, &scene), 0);
	while (!__atomic_load_n(&scene.joiner_actor, __ATOMIC_ACQUIRE) ||
	       !join_by(scene.joiner_actor, PEEPS_STATE_PENDING))
		(void)sched_yield();
	target = join_by(scene.joiner_actor, PEEPS_STATE_PENDING)->dst;
	assert_int_equal(entity_at(target)->body[PEEPS_THREAD_NAME_WORD], 0);
	assert_int_equal(entity_at(target)->body[PEEPS_THREAD_TID_WORD], 0);
	(void)sem_post(&scene.end);
	assert_int_equal(pthread_join(scene.joiner, NULL), 0);
	assert_int_equal(scene.result, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(join__seen_thread__edge_from_actor_to_actor),
		cmocka_unit_test(join__unseen_thread__has_an_entity_until_it_ends),
		cmocka_unit_test(join__unseen_thread_records__takes_its_entity_over),
		cmocka_unit_test(join__unseen_thread_by_two__one_entity_which_the_last_ends),
		cmocka_unit_test(timedjoin__out_of_time__has_failed),
		cmocka_unit_test(join__cancelled__the_operation_is_too),
		cmocka_unit_test(join__itself__no_edge),
		cmocka_unit_test(join__handle_of_before__is_not_taken_for_that_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
