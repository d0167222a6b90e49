/* SPDX-License-Identifier: MIT */
/* The semaphore, and what the segment says of it. Its results alone: tests/e2e/way/sem.c. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peeps/peeps.h>

#include "writer/edge.h"
#include "writer/entity.h"
#include "writer/permit.h"

#define PATIENT_NS UINT64_C(20000000000)

static uint64_t me(void)
{
	return peeps_actor_self().bits;
}

/* --- looking at a semaphore by its name, which no two have at a time --- */

static bool is_text(uint64_t ref, const char *text)
{
	return text_head_at(ref)->length == strlen(text) &&
	       memcmp(text_at(ref), text, strlen(text)) == 0;
}

static struct peeps_entity_slot *slot_named(const char *name)
{
	for (uint64_t i = 0; i < segment_section(PEEPS_SECTION_ENTITIES)->high_water; i++) {
		struct peeps_entity_slot *const slot = segment_row(PEEPS_SECTION_ENTITIES, i);

		if ((slot->kind & 0xffff) == PEEPS_KIND_SEMAPHORE &&
		    (slot->status & PEEPS_STATUS_LIFE_MASK) == PEEPS_LIFE_LIVE &&
		    is_text(slot->name, name))
			return slot;
	}
	return NULL;
}

static uint64_t word(const struct peeps_entity_slot *slot, int number)
{
	return peeps_load_relaxed(&slot->body[number]);
}

static int64_t unattributed(const struct peeps_entity_slot *slot)
{
	return (int64_t)word(slot, PEEPS_SEMAPHORE_UNATTRIBUTED_WORD);
}

static uint64_t anonymous(const struct peeps_entity_slot *slot)
{
	return word(slot, PEEPS_SEMAPHORE_ANONYMOUS_RELEASES_WORD);
}

static const struct peeps_edge_slot *next_edge(uint64_t *at, enum peeps_edge_kind kind)
{
	const uint64_t count = segment_section(PEEPS_SECTION_EDGES)->high_water;

	while (*at < count) {
		const struct peeps_edge_slot *const slot = edge_at((uint32_t)(*at)++);

		if ((peeps_load_acquire(&slot->status) >> PEEPS_EDGE_KIND_SHIFT &
		     PEEPS_EDGE_BYTE_MASK) == kind)
			return slot;
	}
	return NULL;
}

/* The hold of that actor, @actor 0: any; NULL if it holds nothing. */
static const struct peeps_edge_slot *hold_of(const struct peeps_entity_slot *semaphore,
					     uint64_t actor)
{
	const struct peeps_edge_slot *edge;
	uint64_t at = 0;

	while ((edge = next_edge(&at, PEEPS_EDGE_HOLDS)))
		if (edge->src == semaphore->identity && (actor == 0 || edge->dst == actor) &&
		    (uint32_t)peeps_load_relaxed(&edge->wait) != 0)
			return edge;
	return NULL;
}

static uint32_t held_by(const struct peeps_entity_slot *semaphore, uint64_t actor)
{
	const struct peeps_edge_slot *const edge = hold_of(semaphore, actor);

	return edge ? (uint32_t)edge->wait : 0;
}

static uint64_t line_of(const struct peeps_edge_slot *hold)
{
	const uint64_t site = hold->origin & PEEPS_EDGE_SITE_MASK;

	assert_int_not_equal(site, 0);
	return ((const struct peeps_site_row *)segment_row(PEEPS_SECTION_SITES, site))->line;
}

static int64_t available(const struct peeps_entity_slot *semaphore)
{
	int64_t left = (int64_t)word(semaphore, PEEPS_SEMAPHORE_MAX_WORD) - unattributed(semaphore);
	const struct peeps_edge_slot *edge;
	uint64_t at = 0;

	while ((edge = next_edge(&at, PEEPS_EDGE_HOLDS)))
		if (edge->src == semaphore->identity)
			left -= (uint32_t)edge->wait;
	return left;
}

static const struct peeps_edge_slot *wait_of(const struct peeps_entity_slot *semaphore,
					     uint64_t actor, enum peeps_state state)
{
	const struct peeps_edge_slot *edge;
	uint64_t at = 0;

	while ((edge = next_edge(&at, PEEPS_EDGE_NEEDS)))
		if (actor && edge->src == actor && edge->dst == semaphore->identity &&
		    (peeps_load_acquire(&edge->status) & PEEPS_EDGE_BYTE_MASK) == state)
			return edge;
	return NULL;
}

/* --- a thread that acquires, and keeps what it got for as long as it is told to --- */

struct acquirer {
	struct peeps_sem *s;
	uint32_t n;
	uint64_t timeout_ns; /* 0 = none */
	uint64_t actor;
	int result, errno_after;
	bool is_done, may_end;
	pthread_t thread;
};

static void *acquire(void *argument)
{
	struct acquirer *const a = argument;

	__atomic_store_n(&a->actor, me(), __ATOMIC_SEQ_CST);
	errno = 4711;
	a->result = a->timeout_ns ? peeps_sem_timed_acquire(a->s, a->n, a->timeout_ns)
				  : peeps_sem_acquire(a->s, a->n);
	a->errno_after = errno;
	__atomic_store_n(&a->is_done, true, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&a->may_end, __ATOMIC_SEQ_CST))
		(void)usleep(1000);
	if (a->result == 0)
		(void)peeps_sem_release(a->s, a->n);
	return NULL;
}

static void start(struct acquirer *a)
{
	assert_int_equal(pthread_create(&a->thread, NULL, acquire, a), 0);
}

static const struct peeps_edge_slot *await_pending(const struct acquirer *a,
						   const struct peeps_entity_slot *semaphore)
{
	const struct peeps_edge_slot *edge;

	for (int i = 0; !(edge = wait_of(semaphore, __atomic_load_n(&a->actor, __ATOMIC_SEQ_CST),
					 PEEPS_STATE_PENDING));
	     i++) {
		assert_true(i < 10000);
		(void)usleep(1000);
	}
	return edge;
}

static void await_done(const struct acquirer *a)
{
	for (int i = 0; !__atomic_load_n(&a->is_done, __ATOMIC_SEQ_CST); i++) {
		assert_true(i < 10000);
		(void)usleep(1000);
	}
}

static void finish(struct acquirer *a)
{
	__atomic_store_n(&a->may_end, true, __ATOMIC_SEQ_CST);
	assert_int_equal(pthread_join(a->thread, NULL), 0);
}

static void *release_one(void *s)
{
	return (void *)(intptr_t)peeps_sem_release(s, 1);
}

static int release_elsewhere(struct peeps_sem *s)
{
	pthread_t thread;
	void *result;

	assert_int_equal(pthread_create(&thread, NULL, release_one, s), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	return (int)(intptr_t)result;
}

/* --- alone --- */

static void peeps_sem_new__max_name_and_creator__are_the_entitys(void **state)
{
	const struct peeps_entity_slot *slot;
	struct peeps_sem *s = NULL;
	char name[] = "pool", place[32];

	(void)state;
	assert_int_equal(peeps_sem_new(&s, name, 0), -EINVAL);
	assert_null(s);
	errno = 4711;
	assert_int_equal(peeps_sem_new(&s, name, UINT32_MAX), 0);
	assert_int_equal(errno, 4711);
	name[0] = 't';
	slot = slot_named("pool");
	assert_non_null(slot);
	assert_int_equal(slot->creator, me());
	assert_int_equal(word(slot, PEEPS_SEMAPHORE_MAX_WORD), UINT32_MAX);
	assert_int_equal(unattributed(slot), 0);
	peeps_sem_free(s);
	assert_null(slot_named("pool"));
	peeps_sem_free(NULL);
	assert_int_equal(peeps_sem_new(&s, NULL, 1), 0);
	(void)snprintf(place, sizeof(place), "test_sem.c.%d", __LINE__ - 1);
	assert_non_null(slot_named(place));
	peeps_sem_free(s);
}

static void peeps_sem_acquire__uncontended__one_hold_that_counts(void **state)
{
	const struct peeps_entity_slot *slot;
	const struct peeps_edge_slot *hold;
	uint64_t sequence;
	struct peeps_sem *s;

	(void)state;
	(void)peeps_sem_new(&s, "counted", 10);
	slot = slot_named("counted");
	for (int round = 0; round < 3; round++) { /* the first is slow */
		assert_int_equal(peeps_sem_acquire(s, 2), 0);
		hold = hold_of(slot, me());
		assert_non_null(hold);
		assert_int_equal(line_of(hold), __LINE__ - 3);
		assert_int_equal(hold->status >> PEEPS_HOLD_ROLE_SHIFT & PEEPS_HOLD_NIBBLE_MASK,
				 PEEPS_HOLD_ROLE_PERMIT);
		assert_int_not_equal(hold->pending_since_ns, 0);
		sequence = hold->wait >> PEEPS_EDGE_WAIT_SEQUENCE_SHIFT;
		assert_int_equal(peeps_sem_try_acquire(s, 3), 0);
		assert_int_equal(peeps_sem_timed_acquire(s, 1, PATIENT_NS), 0);
		assert_int_equal(held_by(slot, me()), 6);
		assert_int_equal(available(slot), 4);
		assert_int_equal(peeps_sem_release(s, 5), 0);
		assert_int_equal(held_by(slot, me()), 1);
		assert_int_equal(hold->wait >> PEEPS_EDGE_WAIT_SEQUENCE_SHIFT, sequence);
		assert_int_equal(peeps_sem_release(s, 1), 0);
		assert_null(hold_of(slot, me()));
		assert_int_equal(available(slot), 10);
	}
	assert_int_equal(word(slot, PEEPS_SEMAPHORE_CONTENDED_WORD), 0);
	assert_int_equal(anonymous(slot), 0);
	peeps_sem_free(s);
}

static void peeps_sem__what_cannot_be__refused_and_nothing_recorded(void **state)
{
	const struct peeps_entity_slot *slot;
	struct peeps_sem *s;

	(void)state;
	(void)peeps_sem_new(&s, "refused", 3);
	slot = slot_named("refused");
	for (uint32_t held = 0; held < 3; held++) {
		errno = 4711;
		assert_int_equal(peeps_sem_acquire(s, 0), 0);
		assert_int_equal(peeps_sem_acquire(s, 4), -EINVAL);
		assert_int_equal(peeps_sem_try_acquire(s, UINT32_MAX), -EINVAL);
		assert_int_equal(peeps_sem_timed_acquire(s, 4, 0), -EINVAL);
		assert_int_equal(peeps_sem_try_acquire(s, 4 - held), held == 0 ? -EINVAL : -EAGAIN);
		assert_int_equal(peeps_sem_release(s, 0), 0);
		assert_int_equal(peeps_sem_release(s, held + 1), -EOVERFLOW);
		assert_int_equal(peeps_sem_release(s, UINT32_MAX), -EOVERFLOW);
		assert_int_equal(errno, 4711);
		assert_int_equal(held_by(slot, me()), held);
		assert_int_equal(available(slot), 3 - held);
		assert_int_equal(peeps_sem_acquire(s, 1), 0);
	}
	assert_int_equal(peeps_sem_timed_acquire(s, 1, 0), -ETIMEDOUT);
	assert_int_equal(peeps_sem_release(s, 3), 0);
	assert_int_equal(anonymous(slot), 0);
	peeps_sem_free(s);
}

/* --- by who holds none --- */

static void peeps_sem_release__by_who_holds_none__anonymous_until_settled(void **state)
{
	const struct peeps_entity_slot *slot;
	struct peeps_sem *s;

	(void)state;
	(void)peeps_sem_new(&s, "signal", 2);
	slot = slot_named("signal");
	for (uint64_t round = 1; round <= 5; round++) {
		/* The permit given back is first of all the one that this thread got before. */
		assert_int_equal(peeps_sem_acquire(s, 1), 0);
		assert_int_equal(held_by(slot, me()), 1);
		assert_int_equal(unattributed(slot), 0);
		assert_int_equal(available(slot), 1);
		assert_int_equal(release_elsewhere(s), 0);
		assert_int_equal(held_by(slot, me()), 1);
		assert_int_equal(unattributed(slot), -1);
		assert_int_equal(anonymous(slot), round);
		assert_int_equal(available(slot), 2);
		assert_int_equal(release_elsewhere(s), -EOVERFLOW);
		assert_int_equal(peeps_sem_release(s, 1), -EOVERFLOW);
		assert_int_equal(anonymous(slot), round);
		assert_int_equal(unattributed(slot), -1);
		assert_int_equal(held_by(slot, me()), 1);
	}
	assert_int_equal(peeps_sem_acquire(s, 2), 0);
	assert_int_equal(held_by(slot, me()), 2);
	assert_int_equal(unattributed(slot), 0);
	assert_int_equal(peeps_sem_release(s, 2), 0);
	assert_int_equal(available(slot), 2);
	peeps_sem_free(s);
}

static void peeps_sem_release__more_than_held__the_rest_is_anonymous(void **state)
{
	struct acquirer other = { .n = 3 };
	const struct peeps_entity_slot *slot;

	(void)state;
	(void)peeps_sem_new(&other.s, "shared", 6);
	slot = slot_named("shared");
	start(&other);
	await_done(&other);
	assert_int_equal(peeps_sem_acquire(other.s, 2), 0);
	assert_int_equal(peeps_sem_release(other.s, 4), 0);
	assert_int_equal(held_by(slot, me()), 0);
	assert_int_equal(held_by(slot, other.actor), 3);
	assert_int_equal(unattributed(slot), -2);
	assert_int_equal(anonymous(slot), 2);
	assert_int_equal(available(slot), 5);
	assert_int_equal(peeps_sem_try_acquire(other.s, 5), 0);
	assert_int_equal(peeps_sem_try_acquire(other.s, 1), -EAGAIN);
	assert_int_equal(available(slot), 0);
	assert_int_equal(peeps_sem_release(other.s, 3), 0);
	finish(&other); /* has 3 to give back, and so it does */
	assert_int_equal(available(slot), 6);
	peeps_sem_free(other.s);
}

static void peeps_sem__acquired_in_a_task__the_task_holds_wherever_it_goes(void **state)
{
	const struct peeps_ref task = peeps_task_new("traveller");
	struct peeps_ref before = peeps_task_enter(task);
	const struct peeps_entity_slot *slot;
	struct peeps_sem *s;

	(void)state;
	(void)peeps_sem_new(&s, "luggage", 5);
	slot = slot_named("luggage");
	(void)peeps_sem_acquire(s, 2);
	peeps_task_leave(before);
	(void)peeps_sem_acquire(s, 1);
	assert_int_equal(held_by(slot, task.bits), 2);
	assert_int_equal(held_by(slot, before.bits), 1);
	(void)peeps_sem_release(s, 1);
	before = peeps_task_enter(task);
	(void)peeps_sem_release(s, 2);
	assert_int_equal(available(slot), 5);
	assert_int_equal(anonymous(slot), 0);
	peeps_task_leave(before);
	peeps_task_end(task);
	peeps_sem_free(s);
}

/* --- waiting --- */

static void peeps_sem_acquire__none_left__pending_then_done_and_counted(void **state)
{
	struct acquirer waiter = { .n = 2 };
	const struct peeps_entity_slot *slot;
	const struct peeps_edge_slot *edge;

	(void)state;
	(void)peeps_sem_new(&waiter.s, "waited for", 3);
	slot = slot_named("waited for");
	(void)peeps_sem_acquire(waiter.s, 2);
	start(&waiter);
	edge = await_pending(&waiter, slot);
	assert_int_equal(edge->status >> PEEPS_EDGE_OP_SHIFT & PEEPS_EDGE_BYTE_MASK,
			 PEEPS_OP_ACQUIRE);
	assert_int_equal(edge->details[PEEPS_DETAIL_ACQUIRE_PERMITS], 2 + 1);
	assert_int_equal(edge->details[PEEPS_DETAIL_ACQUIRE_AVAILABLE], 1 + 1);
	assert_int_equal(edge->details[PEEPS_DETAIL_ACQUIRE_UNTIL], 0);
	assert_int_equal(available(slot), 1);
	(void)usleep(5000);
	assert_int_equal(peeps_sem_release(waiter.s, 2), 0);
	await_done(&waiter);
	assert_int_equal(waiter.result, 0);
	assert_int_equal(waiter.errno_after, 4711);
	assert_ptr_equal(wait_of(slot, waiter.actor, PEEPS_STATE_DONE), edge);
	assert_int_equal(held_by(slot, waiter.actor), 2);
	/* granted after a wait: the clock's own stamp */
	assert_int_equal(hold_of(slot, waiter.actor)->origin >> PEEPS_EDGE_REASON_SHIFT,
			 PEEPS_HOLD_EXACT);
	assert_int_equal((uint32_t)word(slot, PEEPS_SEMAPHORE_CONTENDED_WORD), 1);
	assert_true(word(slot, PEEPS_SEMAPHORE_WAIT_TOTAL_WORD) >= 5000000);
	assert_true(word(slot, PEEPS_SEMAPHORE_WAIT_MAX_WORD) >> PEEPS_SEMAPHORE_WAIT_MAX_SHIFT >=
		    5000);
	finish(&waiter);
	assert_int_equal(available(slot), 3);
	peeps_sem_free(waiter.s);
}

static void peeps_sem_timed_acquire__time_is_over__edge_failed_and_nothing_held(void **state)
{
	struct acquirer waiter = { .n = 1, .timeout_ns = 20000000 };
	const uint64_t before = segment_ptime_ns();
	const struct peeps_entity_slot *slot;
	const struct peeps_edge_slot *edge;

	(void)state;
	(void)peeps_sem_new(&waiter.s, "waited for in vain", 1);
	slot = slot_named("waited for in vain");
	(void)peeps_sem_acquire(waiter.s, 1);
	start(&waiter);
	await_done(&waiter);
	assert_int_equal(waiter.result, -ETIMEDOUT);
	assert_int_equal(waiter.errno_after, 4711);
	edge = wait_of(slot, waiter.actor, PEEPS_STATE_FAILED);
	assert_non_null(edge);
	assert_int_equal(edge->origin >> PEEPS_EDGE_REASON_SHIFT, ETIMEDOUT);
	assert_true(edge->details[PEEPS_DETAIL_ACQUIRE_UNTIL] >= before + waiter.timeout_ns);
	assert_int_equal(word(slot, PEEPS_SEMAPHORE_CONTENDED_WORD), 0);
	finish(&waiter);
	assert_int_equal(held_by(slot, 0), 1);
	assert_int_equal(peeps_sem_release(waiter.s, 1), 0);
	assert_int_equal(peeps_sem_try_acquire(waiter.s, 1), 0);
	peeps_sem_free(waiter.s);
}

static void peeps_sem_acquire__cancelled__edge_cancelled_and_the_next_is_served(void **state)
{
	struct acquirer first = { .n = 3 }, second = { .n = 1 };
	const struct peeps_entity_slot *slot;
	void *result;

	(void)state;
	(void)peeps_sem_new(&first.s, "cancelled", 3);
	second.s = first.s;
	slot = slot_named("cancelled");
	(void)peeps_sem_acquire(first.s, 3);
	start(&first);
	(void)await_pending(&first, slot);
	(void)usleep(2000); /* until it stands in line */
	start(&second);
	(void)await_pending(&second, slot);
	assert_int_equal(peeps_sem_release(first.s, 1), 0); /* not enough for the first */
	assert_int_equal(available(slot), 1);
	assert_int_equal(pthread_cancel(first.thread), 0);
	assert_int_equal(pthread_join(first.thread, &result), 0);
	assert_ptr_equal(result, PTHREAD_CANCELED);
	assert_non_null(wait_of(slot, first.actor, PEEPS_STATE_CANCELLED));
	await_done(&second);
	assert_int_equal(second.result, 0);
	assert_int_equal(held_by(slot, second.actor), 1);
	assert_int_equal(held_by(slot, first.actor), 0);
	finish(&second);
	assert_int_equal(peeps_sem_release(first.s, 2), 0);
	assert_int_equal(available(slot), 3);
	peeps_sem_free(first.s);
}

static void peeps_sem_acquire__several_wait__served_in_their_order(void **state)
{
	struct acquirer waiters[4] = { { .n = 1 }, { .n = 2 }, { .n = 1 }, { .n = 1 } };
	const struct peeps_entity_slot *slot;
	struct peeps_sem *s;

	(void)state;
	(void)peeps_sem_new(&s, "line", 2);
	slot = slot_named("line");
	(void)peeps_sem_acquire(s, 2);
	for (int i = 0; i < 4; i++) {
		waiters[i].s = s;
		start(&waiters[i]);
		(void)await_pending(&waiters[i], slot);
		(void)usleep(2000); /* pending comes just before the line */
	}
	(void)peeps_sem_release(s, 1);
	await_done(&waiters[0]);
	(void)peeps_sem_release(s, 1); /* enough for the third, but the second is before it */
	(void)usleep(5000);
	for (int i = 1; i < 4; i++)
		assert_false(waiters[i].is_done);
	finish(&waiters[0]);
	await_done(&waiters[1]);
	(void)usleep(2000);
	assert_false(waiters[2].is_done || waiters[3].is_done);
	finish(&waiters[1]);
	for (int i = 2; i < 4; i++) {
		await_done(&waiters[i]);
		finish(&waiters[i]);
	}
	assert_int_equal(available(slot), 2);
	peeps_sem_free(s);
}

/* Who wants all permits at once, among others that never let all of them be free. */
struct bustle {
	struct peeps_sem *s;
	uint64_t passed;
	bool is_over;
};

static void *take_one_at_a_time(void *argument)
{
	struct bustle *const bustle = argument;

	(void)peeps_sem_acquire(bustle->s, 1);
	while (!__atomic_load_n(&bustle->is_over, __ATOMIC_SEQ_CST)) {
		(void)peeps_sem_acquire(bustle->s, 1); /* hand over hand: one is always held */
		(void)peeps_sem_release(bustle->s, 1);
		(void)__atomic_add_fetch(&bustle->passed, 1, __ATOMIC_RELAXED);
	}
	(void)peeps_sem_release(bustle->s, 1);
	return NULL;
}

static void peeps_sem_acquire__passed_again_and_again__then_no_more(void **state)
{
	struct acquirer greedy = { .n = 2 };
	const struct peeps_entity_slot *slot;

	(void)state;
	(void)peeps_sem_new(&greedy.s, "greedy", 3);
	slot = slot_named("greedy");
	(void)peeps_sem_acquire(greedy.s, 2);
	start(&greedy);
	(void)await_pending(&greedy, slot);
	(void)usleep(2000);
	/* One permit is free, and comes and goes: twice its two, and it goes no more. */
	for (int i = 0; i < 4; i++) {
		assert_int_equal(peeps_sem_try_acquire(greedy.s, 1), 0);
		assert_int_equal(peeps_sem_release(greedy.s, 1), 0);
	}
	assert_int_equal(peeps_sem_try_acquire(greedy.s, 1), -EAGAIN);
	assert_int_equal(peeps_sem_timed_acquire(greedy.s, 1, 1000000), -ETIMEDOUT);
	assert_int_equal(available(slot), 1);
	assert_false(greedy.is_done);
	assert_int_equal(peeps_sem_release(greedy.s, 1), 0);
	await_done(&greedy);
	assert_int_equal(peeps_sem_try_acquire(greedy.s, 1), -EAGAIN);
	finish(&greedy);
	assert_int_equal(peeps_sem_try_acquire(greedy.s, 2), 0); /* nobody waits: open again */
	(void)peeps_sem_release(greedy.s, 3);
	assert_int_equal(available(slot), 3);
	peeps_sem_free(greedy.s);
}

static void peeps_sem_acquire__all_of_them_amid_bustle__is_served(void **state)
{
	struct bustle bustle = { 0 };
	pthread_t threads[2];

	(void)state;
	(void)peeps_sem_new(&bustle.s, "bustle", 4);
	for (int i = 0; i < 2; i++)
		(void)pthread_create(&threads[i], NULL, take_one_at_a_time, &bustle);
	while (__atomic_load_n(&bustle.passed, __ATOMIC_RELAXED) < 100)
		(void)sched_yield();
	for (int i = 0; i < 200; i++) {
		/* two are always held, so two can be had: if nobody were stopped, hardly ever */
		assert_int_equal(peeps_sem_timed_acquire(bustle.s, 2, PATIENT_NS), 0);
		assert_int_equal(peeps_sem_release(bustle.s, 2), 0);
	}
	__atomic_store_n(&bustle.is_over, true, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 2; i++)
		(void)pthread_join(threads[i], NULL);
	assert_int_equal(available(slot_named("bustle")), 4);
	peeps_sem_free(bustle.s);
}

/* Grants race with timeouts and cancellation; at the end every permit is there, and nobody sleeps. */
struct race {
	struct peeps_sem *s;
	uint32_t seed;
	int64_t *inside;
	bool is_wrong;
};

static void leave(void *argument)
{
	struct race *const race = argument;

	(void)__atomic_sub_fetch(race->inside, 1, __ATOMIC_SEQ_CST);
	(void)peeps_sem_release(race->s, 1);
}

static void *race_for_it(void *argument)
{
	struct race *const race = argument;

	for (int i = 0; i < 3000; i++) {
		race->seed = race->seed * 1103515245 + 12345;
		if (race->seed >> 16 & 1
			    ? peeps_sem_acquire(race->s, 1)
			    : peeps_sem_timed_acquire(race->s, 1, race->seed >> 16 & 0xfff))
			continue;
		pthread_cleanup_push(leave, race);
		if (__atomic_add_fetch(race->inside, 1, __ATOMIC_SEQ_CST) > 2)
			race->is_wrong = true;
		if (race->seed >> 20 & 1)
			(void)sched_yield();
		pthread_cleanup_pop(1);
	}
	return NULL;
}

static void peeps_sem__timeouts_and_cancellation_race_with_grants__nothing_is_lost(void **state)
{
	struct race races[6];
	pthread_t threads[6];
	int64_t inside = 0;
	struct peeps_sem *s;

	(void)state;
	(void)peeps_sem_new(&s, "raced for", 2);
	for (int round = 0; round < 10; round++) {
		for (uint32_t i = 0; i < 6; i++) {
			races[i] = (struct race){ s, i + 7 * (uint32_t)round, &inside, false };
			(void)pthread_create(&threads[i], NULL, race_for_it, &races[i]);
		}
		(void)usleep(3000);
		for (int i = 0; i < 3; i++)
			(void)pthread_cancel(threads[i]);
		for (int i = 0; i < 6; i++) {
			(void)pthread_join(threads[i], NULL);
			assert_false(races[i].is_wrong);
		}
		assert_int_equal(available(slot_named("raced for")), 2);
		assert_int_equal(unattributed(slot_named("raced for")), 0);
		assert_int_equal(peeps_sem_try_acquire(s, 2), 0);
		assert_int_equal(peeps_sem_release(s, 2), 0);
	}
	peeps_sem_free(s);
}

/* Several give back what only one has taken, and have to wait for the semaphore's lock: another thread has it,
 * and waits for the process lock to make its hold. */
struct late {
	struct peeps_sem *s;
	pthread_barrier_t
		known; /* to the segment, so that nothing else waits for the process lock */
	int result;
};

static int try_one(struct peeps_sem *s)
{
	return peeps_sem_try_acquire(s, 1);
}

static void *try_late(void *argument)
{
	struct late *const late = argument;
	struct peeps_sem *other;

	(void)peeps_sem_new(&other, "other", 1);
	(void)try_one(other);
	peeps_sem_free(other);
	(void)pthread_barrier_wait(&late->known);
	(void)pthread_barrier_wait(&late->known);
	late->result = try_one(late->s);
	return NULL;
}

static void *release_late(void *argument)
{
	struct late *const late = argument;

	(void)me();
	(void)pthread_barrier_wait(&late->known);
	(void)pthread_barrier_wait(&late->known);
	late->result = peeps_sem_release(late->s, 1);
	return NULL;
}

static void start_late(struct late *late, void *(*run)(void *), pthread_t *thread)
{
	(void)pthread_barrier_init(&late->known, NULL, 2);
	assert_int_equal(pthread_create(thread, NULL, run, late), 0);
	(void)pthread_barrier_wait(&late->known);
}

static void peeps_sem_release__more_at_once_than_is_out__the_rest_overflow(void **state)
{
	const struct peeps_entity_slot *slot;
	struct late trier, releasers[2];
	pthread_t threads[3];
	struct peeps_sem *s;
	sigset_t mask;
	int given = 1;

	(void)state;
	(void)peeps_sem_new(&s, "given thrice", 1);
	slot = slot_named("given thrice");
	trier.s = releasers[0].s = releasers[1].s = s;
	/* Its hold says that it gives back itself: there is nothing more to say at the release below. */
	assert_int_equal(try_one(s), 0);
	assert_int_equal(peeps_sem_release(s, 1), 0);
	assert_int_equal(try_one(s), 0);
	start_late(&trier, try_late, &threads[0]);
	for (int i = 0; i < 2; i++)
		start_late(&releasers[i], release_late, &threads[1 + i]);
	process_lock(&mask);
	(void)pthread_barrier_wait(&trier.known);
	(void)usleep(20000);
	for (int i = 0; i < 2; i++)
		(void)pthread_barrier_wait(&releasers[i].known);
	(void)usleep(20000);
	assert_int_equal(peeps_sem_release(s, 1), 0); /* needs no lock */
	process_unlock(&mask);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < 2; i++) {
		assert_true(releasers[i].result == 0 || releasers[i].result == -EOVERFLOW);
		given += releasers[i].result == 0;
	}
	/* The third may have got the permit in between, and one of the others may have given it back. */
	assert_true(trier.result == 0 || trier.result == -EAGAIN);
	assert_in_range(given, 1, trier.result == 0 ? 2 : 1);
	assert_int_equal(available(slot), given - (trier.result == 0));
	peeps_sem_free(s);
}

/* The last permit may be the word to free it. */
static void *release_and_forget(void *s)
{
	(void)peeps_sem_release(s, 1);
	return NULL;
}

static void peeps_sem_free__by_who_was_let_go_by_a_release__releaser_is_done_with_it(void **state)
{
	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct peeps_sem *s;
		pthread_t thread;

		(void)peeps_sem_new(&s, "done", 1);
		(void)peeps_sem_acquire(s, 1);
		(void)pthread_create(&thread, NULL, release_and_forget, s);
		(void)peeps_sem_acquire(s, 1);
		peeps_sem_free(s);
		(void)pthread_join(thread, NULL);
	}
	assert_null(slot_named("done"));
}

/* --- forks --- */

static bool child_works(struct peeps_sem *s)
{
	const struct peeps_entity_slot *slot;

	if (peeps_sem_try_acquire(s, 4) != -EAGAIN || peeps_sem_try_acquire(s, 1) != 0)
		return false;
	slot = slot_named("inherited");
	if (!slot || word(slot, PEEPS_SEMAPHORE_MAX_WORD) != 5 || unattributed(slot) != 2 ||
	    held_by(slot, me()) != 1 || available(slot) != 2)
		return false;
	/* one of its own, and one that its parent's thread had, with whom the child began */
	if (peeps_sem_release(s, 2) != 0 || available(slot) != 4 || anonymous(slot) != 1)
		return false;
	/* Whoever waited in the parent does not wait here, and is not passed. */
	for (int i = 0; i < 20; i++)
		if (peeps_sem_try_acquire(s, 1) != 0 || peeps_sem_release(s, 1) != 0)
			return false;
	return peeps_sem_timed_acquire(s, 5, 1000000) == -ETIMEDOUT &&
	       peeps_sem_release(s, 1) == 0 && peeps_sem_acquire(s, 5) == 0 &&
	       peeps_sem_release(s, 5) == 0 && available(slot) == 5;
}

static void assert_child_works(struct peeps_sem *s)
{
	const pid_t child = fork();
	int status;

	if (child == 0) {
		(void)alarm(20);
		_exit(child_works(s) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void peeps_sem__in_a_forked_child__max_and_what_is_out_are_right(void **state)
{
	struct peeps_sem *s;

	(void)state;
	(void)peeps_sem_new(&s, "inherited", 5);
	(void)peeps_sem_acquire(s, 2);
	assert_child_works(s);
	assert_int_equal(available(slot_named("inherited")), 3);
	peeps_sem_free(s);
}

static void peeps_sem__forked_while_others_wait__child_is_alone_with_it(void **state)
{
	struct acquirer first = { .n = 5 }, second = { .n = 4 };

	(void)state;
	(void)peeps_sem_new(&first.s, "inherited", 5);
	second.s = first.s;
	(void)peeps_sem_acquire(first.s, 2);
	/* In this order: the second is served when the first has let go. */
	start(&first);
	(void)await_pending(&first, slot_named("inherited"));
	(void)usleep(2000);
	start(&second);
	(void)await_pending(&second, slot_named("inherited"));
	(void)usleep(2000);
	assert_child_works(first.s);
	(void)peeps_sem_release(first.s, 2);
	finish(&first);
	finish(&second);
	peeps_sem_free(first.s);
}

/* As a fork amid another thread's relinking may leave it. */
static void permits_forget__list_in_a_circle__is_never_walked(void **state)
{
	struct permit_call call = { .site = PEEPS_HERE, .stack = CALLER_STACK() };
	struct permits permits;
	struct permit *before;

	(void)state;
	permits_init(&permits, "half done", 3, PEEPS_HERE, CALLER_STACK());
	permits_look_up(&permits, &call);
	before = call.permit;
	assert_non_null(before);
	for (uint32_t i = 0; i < permits.bucket_count; i++)
		permits.buckets[i] = before;
	before->next = before;
	before->actor = ~before->actor; /* so that a search goes round and round */
	permits_forget(&permits);
	assert_null(permit_in_cache(&permits));
	(void)alarm(20);
	permits_look_up(&permits, &call);
	assert_non_null(call.permit);
	assert_ptr_not_equal(call.permit, before);
	permits_deinit(&permits, CALLER_STACK());
	(void)alarm(0);
}

/* --- where there is less of everything --- */

static void *use_once(void *s)
{
	(void)peeps_sem_acquire(s, 1);
	(void)peeps_sem_release(s, 1);
	return NULL;
}

static void use_by_threads(struct peeps_sem *s, int count)
{
	for (int i = 0; i < count; i++) {
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, use_once, s), 0);
		(void)pthread_join(thread, NULL);
	}
}

static void peeps_sem__actors_that_come_and_go__nothing_grows(void **state)
{
	const uint64_t *const edges = &segment_section(PEEPS_SECTION_EDGES)->high_water;
	uint64_t before;
	struct peeps_sem *s;

	(void)state;
	(void)peeps_sem_new(&s, "visited", 3);
	use_by_threads(s, 400);
	before = *edges;
	use_by_threads(s, 500);
	assert_true(*edges <= before + 8);
	before = *edges;
	for (int i = 0; i < 3000; i++) {
		const struct peeps_ref task = peeps_task_new("visitor");
		const struct peeps_ref thread = peeps_task_enter(task);

		(void)use_once(s);
		peeps_task_leave(thread);
		peeps_task_end(task);
	}
	assert_true(*edges <= before + 32);
	before = *edges;
	peeps_sem_free(s);
	for (int i = 0; i < 3000; i++) {
		(void)peeps_sem_new(&s, "made and freed", 3);
		(void)use_once(s);
		peeps_sem_free(s);
	}
	assert_int_equal(*edges, before);
}

static void peeps_sem_release__by_its_holder__hold_says_that_it_returns(void **state)
{
	const struct peeps_edge_slot *hold;
	struct peeps_sem *s;

	(void)state;
	(void)peeps_sem_new(&s, "returned", 3);
	(void)peeps_sem_acquire(s, 2);
	hold = hold_of(slot_named("returned"), me());
	assert_int_equal(hold->status >> PEEPS_HOLD_MODE_SHIFT & PEEPS_HOLD_NIBBLE_MASK,
			 PEEPS_HOLD_MODE_NONE);
	(void)peeps_sem_release(s, 1);
	assert_int_equal(hold->status >> PEEPS_HOLD_MODE_SHIFT & PEEPS_HOLD_NIBBLE_MASK,
			 PEEPS_HOLD_MODE_RETURNS);
	assert_int_equal(held_by(slot_named("returned"), me()), 1);
	(void)peeps_sem_release(s, 1);
	peeps_sem_free(s);
}

static void peeps_sem__many_actors_at_once__each_has_its_own_hold(void **state)
{
	static struct peeps_ref tasks[300];
	const struct peeps_entity_slot *slot;
	struct peeps_ref thread;
	struct peeps_sem *s;

	(void)state;
	(void)peeps_sem_new(&s, "crowded", 1000);
	slot = slot_named("crowded");
	for (int i = 0; i < 300; i++) {
		tasks[i] = peeps_task_new("one of many");
		thread = peeps_task_enter(tasks[i]);
		(void)peeps_sem_acquire(s, 1 + (uint32_t)i % 3);
		peeps_task_leave(thread);
	}
	for (int i = 0; i < 300; i++)
		assert_int_equal(held_by(slot, tasks[i].bits), 1 + i % 3);
	assert_int_equal(available(slot), 400);
	for (int i = 0; i < 300; i++) {
		thread = peeps_task_enter(tasks[i]);
		(void)peeps_sem_release(s, 1 + (uint32_t)i % 3);
		peeps_task_leave(thread);
		peeps_task_end(tasks[i]);
	}
	assert_int_equal(available(slot), 1000);
	assert_int_equal(anonymous(slot), 0);
	peeps_sem_free(s);
}

static void peeps_sem_acquire__no_room_for_a_hold__unattributed_and_counted(void **state)
{
	static struct peeps_edge_slot *all[1 << 17];
	const uint64_t dropped = counted(PEEPS_COUNTER_DROPPED_EDGES);
	const struct peeps_entity_slot *slot;
	struct peeps_sem *s;
	int count = 0;

	(void)state;
	(void)peeps_sem_new(&s, "unseen", 5);
	slot = slot_named("unseen");
	while ((all[count] = edge_take()))
		count++;
	assert_int_equal(peeps_sem_acquire(s, 2), 0);
	assert_int_equal(unattributed(slot), 2);
	assert_int_equal(available(slot), 3);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_EDGES), dropped + 1);
	edge_give(all[--count], (struct rest){ .over = true });
	assert_int_equal(peeps_sem_acquire(s, 1), 0);
	assert_int_equal(held_by(slot, me()), 1);
	assert_int_equal(peeps_sem_release(s, 3), 0);
	assert_int_equal(anonymous(slot), 2);
	assert_int_equal(unattributed(slot), 0);
	assert_int_equal(available(slot), 5);
	while (count > 0)
		edge_give(all[--count], (struct rest){ .over = true });
	peeps_sem_free(s);
}

static void peeps_sem_acquire__from_inside_a_wrapper__unattributed(void **state)
{
	const struct peeps_entity_slot *slot;
	struct peeps_sem *s;
	struct self *self;

	(void)state;
	(void)peeps_sem_new(&s, "nested", 2);
	slot = slot_named("nested");
	self = self_enter(UINT64_MAX);
	assert_int_equal(peeps_sem_acquire(s, 1), 0);
	assert_int_equal(unattributed(slot), 1);
	assert_int_equal(peeps_sem_release(s, 1), 0);
	assert_int_equal(unattributed(slot), 0);
	self_leave(self);
	assert_int_equal(available(slot), 2);
	peeps_sem_free(s);
}

/* As in our own handler of fork: those that the program registered before us run meanwhile. */
static void *use_amid_fork(void *s)
{
	uint64_t stack;
	sigset_t mask;

	(void)peeps_actor_self();
	process_lock(&mask);
	stack = self_suspend();
	(void)peeps_sem_acquire(s, 1);
	self_resume(stack);
	process_unlock(&mask);
	return NULL;
}

static void peeps_sem_acquire__from_a_handler_of_fork__comes_back(void **state)
{
	struct timespec until;
	pthread_t thread;
	struct peeps_sem *s;

	(void)state;
	(void)peeps_sem_new(&s, "locked around fork", 2);
	assert_int_equal(pthread_create(&thread, NULL, use_amid_fork, s), 0);
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	assert_int_equal(pthread_timedjoin_np(thread, NULL, &until), 0);
	assert_int_equal(unattributed(slot_named("locked around fork")), 1);
	assert_int_equal(peeps_sem_release(s, 1), 0);
	peeps_sem_free(s);
}

static void peeps_sem__first_write_after_a_cut__shadow_has_the_state_before(void **state)
{
	const struct peeps_edge_slot *hold;
	struct peeps_sem *s;

	(void)state;
	(void)peeps_sem_new(&s, "cut", 2);
	(void)peeps_sem_acquire(s, 1);
	hold = hold_of(slot_named("cut"), me());
	for (int i = 0; i < 3; i++) {
		(void)start_cut();
		(void)peeps_sem_acquire(s, 1);
		assert_int_equal((uint32_t)hold->shadow[3], 1);
		stop_cut();
		(void)start_cut();
		(void)peeps_sem_release(s, 1);
		assert_int_equal((uint32_t)hold->shadow[3], 2);
		stop_cut();
	}
	peeps_sem_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peeps_sem_new__max_name_and_creator__are_the_entitys),
		cmocka_unit_test(peeps_sem_acquire__uncontended__one_hold_that_counts),
		cmocka_unit_test(peeps_sem__what_cannot_be__refused_and_nothing_recorded),
		cmocka_unit_test(peeps_sem_release__by_who_holds_none__anonymous_until_settled),
		cmocka_unit_test(peeps_sem_release__more_than_held__the_rest_is_anonymous),
		cmocka_unit_test(peeps_sem__acquired_in_a_task__the_task_holds_wherever_it_goes),
		cmocka_unit_test(peeps_sem_acquire__none_left__pending_then_done_and_counted),
		cmocka_unit_test(
			peeps_sem_timed_acquire__time_is_over__edge_failed_and_nothing_held),
		cmocka_unit_test(
			peeps_sem_acquire__cancelled__edge_cancelled_and_the_next_is_served),
		cmocka_unit_test(peeps_sem_acquire__several_wait__served_in_their_order),
		cmocka_unit_test(peeps_sem_acquire__passed_again_and_again__then_no_more),
		cmocka_unit_test(peeps_sem_acquire__all_of_them_amid_bustle__is_served),
		cmocka_unit_test(
			peeps_sem__timeouts_and_cancellation_race_with_grants__nothing_is_lost),
		cmocka_unit_test(peeps_sem_release__more_at_once_than_is_out__the_rest_overflow),
		cmocka_unit_test(
			peeps_sem_free__by_who_was_let_go_by_a_release__releaser_is_done_with_it),
		cmocka_unit_test(peeps_sem__in_a_forked_child__max_and_what_is_out_are_right),
		cmocka_unit_test(peeps_sem__forked_while_others_wait__child_is_alone_with_it),
		cmocka_unit_test(permits_forget__list_in_a_circle__is_never_walked),
		cmocka_unit_test(peeps_sem__actors_that_come_and_go__nothing_grows),
		cmocka_unit_test(peeps_sem_release__by_its_holder__hold_says_that_it_returns),
		cmocka_unit_test(peeps_sem__many_actors_at_once__each_has_its_own_hold),
		cmocka_unit_test(peeps_sem_acquire__no_room_for_a_hold__unattributed_and_counted),
		cmocka_unit_test(peeps_sem_acquire__from_inside_a_wrapper__unattributed),
		cmocka_unit_test(peeps_sem_acquire__from_a_handler_of_fork__comes_back),
		cmocka_unit_test(peeps_sem__first_write_after_a_cut__shadow_has_the_state_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
