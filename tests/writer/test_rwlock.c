/* SPDX-License-Identifier: MIT */
/* What the slots say after each call. What the calls return is the business of tests/e2e/way/rwlock.c. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <peeps/peeps.h>

static uint64_t me(void)
{
	return peeps_actor_self().bits;
}

static uint64_t word(const struct peeps_rwlock *l, int number)
{
	assert_non_null(l->hook.slot);
	return l->hook.slot->body[number];
}

static uint64_t writer(const struct peeps_rwlock *l)
{
	return word(l, PEEPS_RWLOCK_HOLDER_WORD);
}

static uint64_t acquires(const struct peeps_rwlock *l)
{
	return word(l, PEEPS_RWLOCK_ACQUIRES_WORD);
}

static uint64_t anonymous(const struct peeps_rwlock *l)
{
	return word(l, PEEPS_RWLOCK_ANONYMOUS_UNLOCKS_WORD) >>
		       PEEPS_RWLOCK_ANONYMOUS_UNLOCKS_SHIFT &
	       ((UINT64_C(1) << PEEPS_RWLOCK_ANONYMOUS_UNLOCKS_BITS) - 1);
}

static const struct peeps_edge_slot *edge(uint64_t index)
{
	return segment_row(PEEPS_SECTION_EDGES, index);
}

static uint64_t edge_count(void)
{
	return segment_section(PEEPS_SECTION_EDGES)->high_water;
}

static uint64_t status_bits(const struct peeps_edge_slot *slot, int shift, uint64_t mask)
{
	return slot->status >> shift & mask;
}

static uint32_t count_of(const struct peeps_edge_slot *slot)
{
	return (uint32_t)slot->wait;
}

static uint32_t sequence_of(const struct peeps_edge_slot *slot)
{
	return (uint32_t)(slot->wait >> 32);
}

/* The one hold of a lock by an actor; NULL if there is none, and it fails if there are two. */
static const struct peeps_edge_slot *hold_by(const struct peeps_rwlock *l, uint64_t actor)
{
	const struct peeps_edge_slot *found = NULL;

	for (uint64_t i = 0; i < edge_count(); i++) {
		if (status_bits(edge(i), PEEPS_EDGE_KIND_SHIFT, 0xff) != PEEPS_EDGE_HOLDS ||
		    edge(i)->src != l->hook.slot->identity || edge(i)->dst != actor ||
		    count_of(edge(i)) == 0)
			continue;
		assert_null(found);
		found = edge(i);
	}
	return found;
}

static const struct peeps_edge_slot *my_hold(const struct peeps_rwlock *l)
{
	return hold_by(l, me());
}

static uint32_t line_of(uint64_t site)
{
	const struct peeps_site_row *const row = segment_row(PEEPS_SECTION_SITES, (uint32_t)site);

	assert_int_not_equal((uint32_t)site, 0);
	assert_text(row->file, __FILE__);
	return row->line;
}

static void *run_in_a_thread(void *(*body)(void *), void *argument)
{
	pthread_t thread;
	void *result;

	assert_int_equal(pthread_create(&thread, NULL, body, argument), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	return result;
}

static void peeps_rwlock_init__name_and_preference__are_the_entitys(void **state)
{
	static const struct {
		int kind;
		uint64_t shown;
	} rows[] = { { PTHREAD_RWLOCK_PREFER_READER_NP, PEEPS_RWLOCK_PREFERS_READERS },
		     { PTHREAD_RWLOCK_PREFER_WRITER_NP, PEEPS_RWLOCK_PREFERS_READERS },
		     { PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP,
		       PEEPS_RWLOCK_PREFERS_WRITERS } };

	(void)state;
	for (int i = 0; i < 3; i++) {
		pthread_rwlockattr_t attributes;
		struct peeps_rwlock l;

		(void)pthread_rwlockattr_init(&attributes);
		(void)pthread_rwlockattr_setkind_np(&attributes, rows[i].kind);
		assert_int_equal(peeps_rwlock_init(&l, "typed", &attributes), 0);
		assert_text(l.hook.slot->name, "typed");
		assert_int_equal(l.hook.slot->kind & 0xffff, PEEPS_KIND_RWLOCK);
		assert_int_equal(l.hook.slot->status >> PEEPS_RWLOCK_PREFERS_SHIFT &
					 ((1u << PEEPS_RWLOCK_PREFERS_BITS) - 1),
				 rows[i].shown);
		assert_int_equal(l.hook.slot->creator, me());
		assert_int_equal(writer(&l), 0);
		assert_int_equal(acquires(&l), 0);
		assert_int_equal(peeps_rwlock_destroy(&l), 0);
	}
}

static void peeps_rwlock_wrlock__uncontended__writer_since_and_site(void **state)
{
	static struct peeps_rwlock l = PEEPS_RWLOCK_INIT("static");

	(void)state;
	for (uint64_t round = 1; round <= 3; round++) { /* the first is slow, the others inline */
		const uint64_t before = segment_ptime_ns();

		assert_int_equal(peeps_rwlock_wrlock(&l), 0);
		assert_int_equal(line_of(word(&l, PEEPS_RWLOCK_HELD_SITE_WORD)), __LINE__ - 1);
		assert_int_equal(writer(&l), me());
		assert_int_equal(acquires(&l), round);
		if (round == 1)
			assert_true(word(&l, PEEPS_RWLOCK_HELD_SINCE_WORD) >= before);
		assert_null(my_hold(&l));
		assert_int_equal(peeps_rwlock_unlock(&l), 0);
		assert_int_equal(writer(&l), 0);
	}
	assert_int_equal(word(&l, PEEPS_RWLOCK_CONTENDED_WORD), 0);
}

static void peeps_rwlock_rdlock__uncontended__a_hold_of_mode_read(void **state)
{
	static struct peeps_rwlock l = PEEPS_RWLOCK_INIT("read");
	const struct peeps_edge_slot *slot = NULL;

	(void)state;
	for (uint32_t round = 1; round <= 3; round++) {
		const struct peeps_edge_slot *hold;

		assert_int_equal(peeps_rwlock_rdlock(&l), 0);
		hold = my_hold(&l);
		assert_non_null(hold);
		assert_int_equal(line_of(hold->origin), __LINE__ - 3);
		assert_int_equal(count_of(hold), 1);
		assert_int_equal(status_bits(hold, PEEPS_HOLD_MODE_SHIFT, 0xf),
				 PEEPS_HOLD_MODE_READ);
		assert_int_equal(status_bits(hold, PEEPS_HOLD_ROLE_SHIFT, 0xf),
				 PEEPS_HOLD_ROLE_LOCK);
		if (slot)
			assert_ptr_equal(hold, slot); /* no new one each time */
		slot = hold;
		assert_int_equal(sequence_of(hold), round);
		assert_int_equal(writer(&l), 0);
		assert_int_equal(peeps_rwlock_unlock(&l), 0);
		assert_null(my_hold(&l));
	}
}

static void peeps_rwlock_rdlock__again_by_its_reader__the_hold_counts(void **state)
{
	static struct peeps_rwlock l = PEEPS_RWLOCK_INIT("again");
	uint64_t since_ns;
	uint32_t line;

	(void)state;
	for (int round = 0; round < 2; round++) {
		assert_int_equal(peeps_rwlock_rdlock(&l), 0);
		line = __LINE__ - 1;
		since_ns = my_hold(&l)->pending_since_ns;
		assert_int_equal(peeps_rwlock_rdlock(&l), 0);
		assert_int_equal(peeps_rwlock_tryrdlock(&l), 0);
		assert_int_equal(count_of(my_hold(&l)), 3);
		assert_int_equal(my_hold(&l)->pending_since_ns, since_ns);
		assert_int_equal(line_of(my_hold(&l)->origin), line);
		for (uint32_t left = 3; left > 0; left--) {
			assert_int_equal(count_of(my_hold(&l)), left);
			assert_int_equal(peeps_rwlock_unlock(&l), 0);
		}
		assert_null(my_hold(&l));
	}
	assert_int_equal(anonymous(&l), 0);
}

static void peeps_rwlock_unlock__several_locks_read__each_has_its_own_hold(void **state)
{
	struct peeps_rwlock l[20];
	uint64_t edges;

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(peeps_rwlock_init(&l[i], "one of many", NULL), 0);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 20; i++)
			assert_int_equal(peeps_rwlock_rdlock(&l[i]), 0);
		for (int i = 0; i < 20; i++)
			assert_int_equal(count_of(my_hold(&l[i])), 1);
		for (int i = 0; i < 20; i += 2) { /* not in the order of a stack */
			assert_int_equal(peeps_rwlock_unlock(&l[i]), 0);
			assert_null(my_hold(&l[i]));
			assert_non_null(my_hold(&l[i + 1]));
		}
		for (int i = 1; i < 20; i += 2)
			assert_int_equal(peeps_rwlock_unlock(&l[i]), 0);
		if (round == 0)
			edges = edge_count();
	}
	assert_int_equal(edge_count(), edges); /* slots serve one lock after the other */
	for (int i = 0; i < 20; i++)
		assert_int_equal(anonymous(&l[i]), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(peeps_rwlock_destroy(&l[i]), 0);
}

static void peeps_rwlock_rdlock__more_locks_than_can_be_seen__the_rest_is_dropped(void **state)
{
	static struct peeps_rwlock l[PEEPS_READS_MAX + 8];
	uint64_t dropped;

	(void)state;
	dropped = counted(PEEPS_COUNTER_DROPPED_EDGES);
	for (int i = 0; i < PEEPS_READS_MAX + 8; i++) {
		assert_int_equal(peeps_rwlock_init(&l[i], "crowd", NULL), 0);
		assert_int_equal(peeps_rwlock_rdlock(&l[i]), 0);
	}
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_EDGES), dropped + 8);
	assert_non_null(my_hold(&l[PEEPS_READS_MAX - 1]));
	assert_null(my_hold(&l[PEEPS_READS_MAX]));
	for (int i = 0; i < PEEPS_READS_MAX + 8; i++)
		assert_int_equal(peeps_rwlock_unlock(&l[i]), 0);
	for (int i = 0; i < PEEPS_READS_MAX + 8; i++) {
		assert_null(my_hold(&l[i]));
		assert_int_equal(anonymous(&l[i]), i >= PEEPS_READS_MAX);
		assert_int_equal(peeps_rwlock_destroy(&l[i]), 0);
	}
	/* And there is room again. */
	assert_int_equal(peeps_rwlock_init(&l[0], "after", NULL), 0);
	assert_int_equal(peeps_rwlock_rdlock(&l[0]), 0);
	assert_non_null(my_hold(&l[0]));
	assert_int_equal(peeps_rwlock_unlock(&l[0]), 0);
	assert_int_equal(peeps_rwlock_destroy(&l[0]), 0);
}

static void peeps_rwlock_rdlock__many_times__acquires_follow_in_lots(void **state)
{
	static struct peeps_rwlock l = PEEPS_RWLOCK_INIT("counted");
	uint64_t rounds;

	(void)state;
	for (rounds = 1; rounds <= 1000; rounds++) {
		assert_int_equal(peeps_rwlock_rdlock(&l), 0);
		assert_int_equal(peeps_rwlock_unlock(&l), 0);
		assert_true(acquires(&l) <= rounds);
		assert_true(acquires(&l) >= rounds / 2);
		assert_true(acquires(&l) + 63 >= rounds);
	}
	assert_int_equal(peeps_rwlock_wrlock(&l), 0);
	assert_int_equal(peeps_rwlock_unlock(&l), 0);
	assert_true(acquires(&l) <= rounds);
}

/* Another thread's attempts. */
struct attempt {
	struct peeps_rwlock *l;
	uint64_t actor;
	int rdlock, wrlock;
};

static void *attempt(void *argument)
{
	struct attempt *const a = argument;

	a->actor = me();
	a->rdlock = peeps_rwlock_tryrdlock(a->l);
	if (a->rdlock == 0) {
		assert_non_null(my_hold(a->l));
		(void)peeps_rwlock_unlock(a->l);
	}
	a->wrlock = peeps_rwlock_trywrlock(a->l);
	if (a->wrlock == 0)
		(void)peeps_rwlock_unlock(a->l);
	return NULL;
}

static void peeps_rwlock_try__held__only_success_is_recorded(void **state)
{
	struct peeps_rwlock l;
	struct attempt a = { .l = &l };

	(void)state;
	(void)peeps_rwlock_init(&l, "tried", NULL);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(peeps_rwlock_rdlock(&l), 0);
		(void)run_in_a_thread(attempt, &a);
		assert_int_equal(a.rdlock, 0);
		assert_int_equal(a.wrlock, EBUSY);
		assert_non_null(my_hold(&l));
		assert_null(hold_by(&l, a.actor));
		assert_int_equal(writer(&l), 0);
		assert_int_equal(peeps_rwlock_unlock(&l), 0);
		assert_int_equal(peeps_rwlock_trywrlock(&l), 0);
		(void)run_in_a_thread(attempt, &a);
		assert_int_equal(a.rdlock, EBUSY);
		assert_int_equal(a.wrlock, EBUSY);
		assert_int_equal(writer(&l), me());
		assert_int_equal(peeps_rwlock_unlock(&l), 0);
	}
	(void)peeps_rwlock_destroy(&l);
}

/* A wait, seen from the thread that keeps the other waiting. */
struct contender {
	struct peeps_rwlock *l;
	bool write;
	uint64_t actor;
	int result;
	bool timed;
	bool failed;
};

static const struct peeps_edge_slot *wait_by(const struct peeps_rwlock *l, uint64_t actor,
					     enum peeps_state state)
{
	for (uint64_t i = 0; i < edge_count(); i++)
		if (status_bits(edge(i), PEEPS_EDGE_KIND_SHIFT, 0xff) == PEEPS_EDGE_NEEDS &&
		    edge(i)->src == actor && edge(i)->dst == l->hook.slot->identity &&
		    status_bits(edge(i), PEEPS_EDGE_STATE_SHIFT, 0xff) == state)
			return edge(i);
	return NULL;
}

static void *contend(void *argument)
{
	struct contender *const c = argument;
	struct timespec soon;

	(void)clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_sec += c->failed ? 0 : 20;
	soon.tv_nsec = 0;
	__atomic_store_n(&c->actor, me(), __ATOMIC_RELEASE);
	if (c->timed)
		c->result = c->write ? peeps_rwlock_timedwrlock(c->l, &soon)
				     : peeps_rwlock_timedrdlock(c->l, &soon);
	else
		c->result = c->write ? peeps_rwlock_wrlock(c->l) : peeps_rwlock_rdlock(c->l);
	if (c->result == 0) {
		assert_true(c->write ? writer(c->l) == c->actor : my_hold(c->l) != NULL);
		(void)peeps_rwlock_unlock(c->l);
	}
	return NULL;
}

static void peeps_rwlock_lock__contended__operation_with_its_mode_and_the_grant(void **state)
{
	uint64_t contended = 0;
	struct peeps_rwlock l;

	(void)state;
	(void)peeps_rwlock_init(&l, "contended", NULL);
	for (int i = 0; i < 8; i++) {
		struct contender c = { .l = &l, .write = i % 2 == 0, .timed = i % 4 >= 2 };
		const struct peeps_edge_slot *wait = NULL;
		pthread_t thread;

		assert_int_equal(peeps_rwlock_wrlock(&l), 0);
		assert_int_equal(pthread_create(&thread, NULL, contend, &c), 0);
		while (!wait)
			wait = wait_by(&l, __atomic_load_n(&c.actor, __ATOMIC_ACQUIRE),
				       PEEPS_STATE_PENDING);
		assert_int_equal(status_bits(wait, PEEPS_EDGE_OP_SHIFT, 0xff), PEEPS_OP_LOCK);
		assert_int_equal(wait->details[PEEPS_DETAIL_LOCK_MODE],
				 c.write ? PEEPS_HOLD_MODE_EXCLUSIVE : PEEPS_HOLD_MODE_READ);
		assert_int_equal(wait->details[PEEPS_DETAIL_LOCK_UNTIL] != 0, c.timed);
		assert_int_equal(peeps_rwlock_unlock(&l), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(c.result, 0);
		assert_int_equal(status_bits(wait, PEEPS_EDGE_STATE_SHIFT, 0xff), PEEPS_STATE_DONE);
		assert_int_equal((uint32_t)word(&l, PEEPS_RWLOCK_CONTENDED_WORD), ++contended);
		assert_int_not_equal(word(&l, PEEPS_RWLOCK_WAIT_TOTAL_WORD), 0);
	}
	(void)peeps_rwlock_destroy(&l);
}

static void peeps_rwlock_timed__out_of_time__the_operation_has_failed(void **state)
{
	struct peeps_rwlock l;

	(void)state;
	(void)peeps_rwlock_init(&l, "late", NULL);
	assert_int_equal(peeps_rwlock_wrlock(&l), 0);
	for (int i = 0; i < 2; i++) {
		struct contender c = { .l = &l, .write = i, .timed = true, .failed = true };
		const struct peeps_edge_slot *wait;

		(void)run_in_a_thread(contend, &c);
		assert_int_equal(c.result, ETIMEDOUT);
		wait = wait_by(&l, c.actor, PEEPS_STATE_FAILED);
		assert_non_null(wait);
		assert_int_equal(wait->origin >> PEEPS_EDGE_REASON_SHIFT, ETIMEDOUT);
		assert_null(hold_by(&l, c.actor));
	}
	assert_int_equal(writer(&l), me());
	assert_int_equal((uint32_t)word(&l, PEEPS_RWLOCK_CONTENDED_WORD), 0);
	assert_int_equal(peeps_rwlock_unlock(&l), 0);
	(void)peeps_rwlock_destroy(&l);
}

static void peeps_rwlock_lock__by_its_writer__deadlock_is_said_and_nothing_changes(void **state)
{
	struct peeps_rwlock l;

	(void)state;
	(void)peeps_rwlock_init(&l, "its own", NULL);
	assert_int_equal(peeps_rwlock_wrlock(&l), 0);
	assert_int_equal(peeps_rwlock_wrlock(&l), EDEADLK);
	assert_int_equal(peeps_rwlock_rdlock(&l), EDEADLK);
	assert_int_equal(writer(&l), me());
	assert_int_equal(acquires(&l), 1);
	assert_null(my_hold(&l));
	assert_null(wait_by(&l, me(), PEEPS_STATE_PENDING));
	assert_int_equal(peeps_rwlock_unlock(&l), 0);
	(void)peeps_rwlock_destroy(&l);
}

static void *unlock(void *l)
{
	return (void *)(intptr_t)peeps_rwlock_unlock((struct peeps_rwlock *)l);
}

static void peeps_rwlock_unlock__by_a_stranger__is_counted_and_proves_nothing(void **state)
{
	struct peeps_rwlock l;

	(void)state;
	(void)peeps_rwlock_init(&l, "strange", NULL);
	for (uint64_t round = 1; round <= 2; round++) {
		assert_int_equal(peeps_rwlock_rdlock(&l), 0);
		assert_int_equal((intptr_t)run_in_a_thread(unlock, &l), 0);
		assert_int_equal(anonymous(&l), round);
		assert_int_equal(count_of(my_hold(&l)), round); /* as far as anybody can know */
		/* It is free, in fact. */
		assert_int_equal(pthread_rwlock_trywrlock(&l.raw), 0);
		assert_int_equal(pthread_rwlock_unlock(&l.raw), 0);
	}
	/* A writer's word keeps the count. */
	assert_int_equal(peeps_rwlock_wrlock(&l), 0);
	assert_int_equal(anonymous(&l), 2);
	assert_int_equal(peeps_rwlock_unlock(&l), 0);
	(void)peeps_rwlock_destroy(&l);
}

static void peeps_rwlock_rdlock__unlocked_behind_our_back__the_writer_is_forgotten(void **state)
{
	struct peeps_rwlock l;

	(void)state;
	(void)peeps_rwlock_init(&l, "behind", NULL);
	for (int round = 0; round < 3; round++) {
		assert_int_equal(peeps_rwlock_wrlock(&l), 0);
		assert_int_equal(pthread_rwlock_unlock(&l.raw), 0);
		assert_int_equal(writer(&l), me());
		assert_int_equal(peeps_rwlock_rdlock(&l), 0);
		assert_int_equal(writer(&l), 0);
		assert_int_equal(count_of(my_hold(&l)), 1);
		assert_int_equal(peeps_rwlock_unlock(&l), 0);
		assert_null(my_hold(&l));
	}
	(void)peeps_rwlock_destroy(&l);
}

static void peeps_rwlock_destroy__read__its_slot_serves_again(void **state)
{
	struct peeps_rwlock l;
	uint64_t edges;

	(void)state;
	for (int round = 0; round < 2 * PEEPS_READS_MAX; round++) {
		(void)peeps_rwlock_init(&l, "dropped", NULL);
		assert_int_equal(peeps_rwlock_rdlock(&l), 0);
		assert_non_null(my_hold(&l));
		assert_int_equal(count_of(my_hold(&l)), 1);
		assert_int_equal(peeps_rwlock_destroy(&l), 0);
		if (round == 1)
			edges = edge_count();
	}
	assert_int_equal(edge_count(), edges);
}

static void *read_and_exit(void *l)
{
	(void)peeps_rwlock_rdlock((struct peeps_rwlock *)l);
	return (void *)(uintptr_t)me();
}

static void peeps_rwlock_rdlock__thread_exits_with_it__its_hold_stays(void **state)
{
	struct peeps_rwlock l;
	uint64_t actor;

	(void)state;
	(void)peeps_rwlock_init(&l, "left behind", NULL);
	actor = (uintptr_t)run_in_a_thread(read_and_exit, &l);
	assert_int_equal(count_of(hold_by(&l, actor)), 1);
	assert_int_equal(peeps_rwlock_tryrdlock(&l), 0);
	assert_int_equal(peeps_rwlock_unlock(&l), 0);
	assert_int_equal(count_of(hold_by(&l, actor)), 1);
	assert_int_equal(anonymous(&l), 0);
	(void)peeps_rwlock_destroy(&l);
}

/* A task that reads moves to another thread, and unlocks there. */
struct moved {
	struct peeps_rwlock *l;
	struct peeps_ref task;
};

static void *unlock_as_task(void *argument)
{
	struct moved *const m = argument;
	const struct peeps_ref before = peeps_task_enter(m->task);

	(void)peeps_rwlock_unlock(m->l);
	peeps_task_leave(before);
	return NULL;
}

static void peeps_rwlock_unlock__by_a_task_that_moved__its_own_hold_ends(void **state)
{
	struct peeps_rwlock l;
	struct moved m = { .l = &l, .task = peeps_task_new("wanderer") };

	(void)state;
	(void)peeps_rwlock_init(&l, "wandering", NULL);
	for (int round = 0; round < 3; round++) {
		const struct peeps_ref before = peeps_task_enter(m.task);

		assert_int_equal(peeps_rwlock_rdlock(&l), 0);
		assert_non_null(hold_by(&l, m.task.bits));
		peeps_task_leave(before);
		/* Meanwhile the thread reads it, too. */
		assert_int_equal(peeps_rwlock_rdlock(&l), 0);
		assert_int_equal(count_of(my_hold(&l)), 1);
		(void)run_in_a_thread(unlock_as_task, &m);
		assert_null(hold_by(&l, m.task.bits));
		assert_int_equal(count_of(my_hold(&l)), 1);
		assert_int_equal(peeps_rwlock_unlock(&l), 0);
	}
	assert_int_equal(anonymous(&l), 0);
	peeps_task_end(m.task);
	(void)peeps_rwlock_destroy(&l);
}

static void peeps_rwlock_unlock__as_another_actor_of_the_thread__its_hold_ends(void **state)
{
	struct peeps_rwlock l;
	const struct peeps_ref task = peeps_task_new("inner");
	struct peeps_ref before;

	(void)state;
	(void)peeps_rwlock_init(&l, "inside out", NULL);
	assert_int_equal(peeps_rwlock_rdlock(&l), 0);
	before = peeps_task_enter(task);
	assert_int_equal(peeps_rwlock_unlock(&l), 0);
	assert_int_equal(peeps_rwlock_wrlock(&l), 0);
	assert_int_equal(writer(&l), task.bits);
	peeps_task_leave(before);
	assert_null(my_hold(&l));
	assert_int_equal(peeps_rwlock_unlock(&l), 0);
	assert_int_equal(writer(&l), 0);
	assert_int_equal(anonymous(&l), 0);
	peeps_task_end(task);
	(void)peeps_rwlock_destroy(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peeps_rwlock_init__name_and_preference__are_the_entitys),
		cmocka_unit_test(peeps_rwlock_wrlock__uncontended__writer_since_and_site),
		cmocka_unit_test(peeps_rwlock_rdlock__uncontended__a_hold_of_mode_read),
		cmocka_unit_test(peeps_rwlock_rdlock__again_by_its_reader__the_hold_counts),
		cmocka_unit_test(peeps_rwlock_unlock__several_locks_read__each_has_its_own_hold),
		cmocka_unit_test(
			peeps_rwlock_rdlock__more_locks_than_can_be_seen__the_rest_is_dropped),
		cmocka_unit_test(peeps_rwlock_rdlock__many_times__acquires_follow_in_lots),
		cmocka_unit_test(peeps_rwlock_try__held__only_success_is_recorded),
		cmocka_unit_test(
			peeps_rwlock_lock__contended__operation_with_its_mode_and_the_grant),
		cmocka_unit_test(peeps_rwlock_timed__out_of_time__the_operation_has_failed),
		cmocka_unit_test(
			peeps_rwlock_lock__by_its_writer__deadlock_is_said_and_nothing_changes),
		cmocka_unit_test(peeps_rwlock_unlock__by_a_stranger__is_counted_and_proves_nothing),
		cmocka_unit_test(
			peeps_rwlock_rdlock__unlocked_behind_our_back__the_writer_is_forgotten),
		cmocka_unit_test(peeps_rwlock_destroy__read__its_slot_serves_again),
		cmocka_unit_test(peeps_rwlock_rdlock__thread_exits_with_it__its_hold_stays),
		cmocka_unit_test(peeps_rwlock_unlock__by_a_task_that_moved__its_own_hold_ends),
		cmocka_unit_test(
			peeps_rwlock_unlock__as_another_actor_of_the_thread__its_hold_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
