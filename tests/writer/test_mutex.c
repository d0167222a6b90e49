/* SPDX-License-Identifier: MIT */
/* What the slot says after each call. What the calls return is the business of tests/e2e/way/mutex.c. */
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

static uint64_t word(const struct peeps_mutex *m, int number)
{
	assert_non_null(m->hook.slot);
	return m->hook.slot->body[number];
}

static uint64_t holder(const struct peeps_mutex *m)
{
	return word(m, PEEPS_MUTEX_HOLDER_WORD);
}

static uint64_t acquires(const struct peeps_mutex *m)
{
	return word(m, PEEPS_MUTEX_ACQUIRES_WORD);
}

static uint64_t depth(const struct peeps_mutex *m)
{
	return word(m, PEEPS_MUTEX_HELD_DEPTH_WORD) >> PEEPS_MUTEX_HELD_DEPTH_SHIFT &
	       ((UINT64_C(1) << PEEPS_MUTEX_HELD_DEPTH_BITS) - 1);
}

static uint32_t held_line(const struct peeps_mutex *m)
{
	const uint32_t site = (uint32_t)word(m, PEEPS_MUTEX_HELD_SITE_WORD);
	const struct peeps_site_row *const row = segment_row(PEEPS_SECTION_SITES, site);

	assert_int_not_equal(site, 0);
	assert_text(row->file, __FILE__);
	return row->line;
}

static int make(struct peeps_mutex *m, const char *name, int type)
{
	pthread_mutexattr_t attributes;

	(void)pthread_mutexattr_init(&attributes);
	(void)pthread_mutexattr_settype(&attributes, type);
	return peeps_mutex_init(m, name, &attributes);
}

static void peeps_mutex_init__name_and_type__are_the_entitys(void **state)
{
	static const struct {
		int type;
		uint64_t shown;
	} rows[] = { { PTHREAD_MUTEX_NORMAL, PEEPS_MUTEX_TYPE_NORMAL },
		     { PTHREAD_MUTEX_RECURSIVE, PEEPS_MUTEX_TYPE_RECURSIVE },
		     { PTHREAD_MUTEX_ERRORCHECK, PEEPS_MUTEX_TYPE_ERRORCHECK } };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct peeps_mutex m;

		assert_int_equal(make(&m, "typed", rows[i].type), 0);
		assert_text(m.hook.slot->name, "typed");
		assert_int_equal(m.hook.slot->status >> PEEPS_MUTEX_TYPE_SHIFT &
					 ((1u << PEEPS_MUTEX_TYPE_BITS) - 1),
				 rows[i].shown);
		assert_int_equal(m.hook.slot->creator, me());
		assert_int_equal(holder(&m), 0);
		assert_int_equal(acquires(&m), 0);
		assert_int_equal(peeps_mutex_destroy(&m), 0);
	}
}

static void peeps_mutex_lock__uncontended__holder_since_and_site(void **state)
{
	static struct peeps_mutex m = PEEPS_MUTEX_INIT("static");

	(void)state;
	for (uint64_t round = 1; round <= 3; round++) { /* the first is slow, the others inline */
		const uint64_t before = segment_ptime_ns();

		assert_int_equal(peeps_mutex_lock(&m), 0);
		assert_int_equal(held_line(&m), __LINE__ - 1);
		assert_int_equal(holder(&m), me());
		assert_int_equal(acquires(&m), round);
		if (round == 1)
			assert_true(word(&m, PEEPS_MUTEX_HELD_SINCE_WORD) >= before);
		assert_int_equal(peeps_mutex_unlock(&m), 0);
		assert_int_equal(holder(&m), 0);
	}
	assert_int_equal(word(&m, PEEPS_MUTEX_CONTENDED_WORD), 0);
}

static void peeps_mutex_trylock__held_and_free__only_success_is_recorded(void **state)
{
	struct peeps_mutex m;

	(void)state;
	(void)peeps_mutex_init(&m, "tried", NULL);
	for (uint64_t round = 1; round <= 3; round++) {
		assert_int_equal(peeps_mutex_trylock(&m), 0);
		assert_int_equal(holder(&m), me());
		assert_int_equal(peeps_mutex_trylock(&m), EBUSY);
		assert_int_equal(acquires(&m), round);
		assert_int_equal(peeps_mutex_unlock(&m), 0);
	}
	(void)peeps_mutex_destroy(&m);
}

static void peeps_mutex_lock__recursive__depth_counts_and_first_site_stays(void **state)
{
	struct peeps_mutex m;
	uint32_t line;

	(void)state;
	(void)make(&m, "recursive", PTHREAD_MUTEX_RECURSIVE);
	for (int round = 0; round < 2; round++) {
		(void)peeps_mutex_lock(&m), line = __LINE__;
		assert_int_equal(depth(&m), 0);
		(void)peeps_mutex_lock(&m);
		(void)peeps_mutex_trylock(&m);
		assert_int_equal(depth(&m), 2);
		assert_int_equal(holder(&m), me() | PEEPS_HOLDER_DEEP);
		assert_int_equal(held_line(&m), line);
		(void)peeps_mutex_unlock(&m);
		assert_int_equal(depth(&m), 1);
		(void)peeps_mutex_unlock(&m);
		assert_int_equal(depth(&m), 0);
		assert_int_equal(holder(&m), me());
		(void)peeps_mutex_unlock(&m);
		assert_int_equal(holder(&m), 0);
	}
	assert_int_equal(acquires(&m), 6);
	(void)peeps_mutex_destroy(&m);
}

static void peeps_mutex_lock__errorcheck_held_by_me__nothing_changes(void **state)
{
	struct peeps_mutex m;

	(void)state;
	(void)make(&m, "errorcheck", PTHREAD_MUTEX_ERRORCHECK);
	assert_int_equal(peeps_mutex_unlock(&m), EPERM);
	(void)peeps_mutex_lock(&m);
	assert_int_equal(peeps_mutex_lock(&m), EDEADLK);
	assert_int_equal(holder(&m), me());
	assert_int_equal(acquires(&m), 1);
	assert_int_equal(word(&m, PEEPS_MUTEX_CONTENDED_WORD), 0);
	assert_int_equal(peeps_mutex_unlock(&m), 0);
	assert_int_equal(peeps_mutex_unlock(&m), EPERM);
	assert_int_equal(holder(&m), 0);
	(void)peeps_mutex_destroy(&m);
}

struct waiter {
	struct peeps_mutex *m;
	uint64_t actor, holder_after;
	int result;
	bool timed;
};

static void *wait_for_it(void *argument)
{
	struct waiter *const waiter = argument;
	struct timespec soon;

	(void)clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 20000000;
	soon.tv_sec += soon.tv_nsec / 1000000000;
	soon.tv_nsec %= 1000000000;
	__atomic_store_n(&waiter->actor, me(), __ATOMIC_SEQ_CST);
	waiter->result = waiter->timed ? peeps_mutex_timedlock(waiter->m, &soon) :
					 peeps_mutex_lock(waiter->m);
	waiter->holder_after = holder(waiter->m);
	if (waiter->result == 0)
		(void)peeps_mutex_unlock(waiter->m);
	return NULL;
}

/* The newest edge of that actor to the mutex; NULL while there is none in that state. */
static const struct peeps_edge_slot *find_edge(uint64_t actor, const struct peeps_mutex *m, uint64_t state)
{
	const uint64_t count = segment_section(PEEPS_SECTION_EDGES)->high_water;

	for (uint64_t i = 0; i < count; i++) {
		const struct peeps_edge_slot *const slot = segment_row(PEEPS_SECTION_EDGES, i);

		if (actor && slot->src == actor && slot->dst == m->hook.slot->identity &&
		    (peeps_load_acquire(&slot->status) & PEEPS_EDGE_BYTE_MASK) == state)
			return slot;
	}
	return NULL;
}

static void peeps_mutex_lock__another_holds_it__pending_then_done_and_counted(void **state)
{
	struct peeps_mutex m;
	struct waiter waiter = { .m = &m };
	const struct peeps_edge_slot *edge;
	pthread_t thread;

	(void)state;
	(void)peeps_mutex_init(&m, "waited for", NULL);
	(void)peeps_mutex_lock(&m);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_it, &waiter), 0);
	for (int i = 0; !(edge = find_edge(__atomic_load_n(&waiter.actor, __ATOMIC_SEQ_CST), &m,
					   PEEPS_STATE_PENDING));
	     i++) {
		assert_true(i < 5000);
		(void)usleep(1000);
	}
	assert_int_equal(holder(&m), me());
	assert_int_not_equal(edge->pending_since_ns, 0);
	(void)usleep(5000);
	(void)peeps_mutex_unlock(&m);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(waiter.result, 0);
	assert_int_equal(waiter.holder_after, waiter.actor);
	assert_ptr_equal(find_edge(waiter.actor, &m, PEEPS_STATE_DONE), edge);
	assert_true(edge->last_change_ns >= edge->pending_since_ns + 5000000);
	assert_int_equal(holder(&m), 0);
	assert_int_equal(acquires(&m), 2);
	assert_int_equal((uint32_t)word(&m, PEEPS_MUTEX_CONTENDED_WORD), 1);
	assert_true(word(&m, PEEPS_MUTEX_WAIT_TOTAL_WORD) >= 5000000);
	assert_true(word(&m, PEEPS_MUTEX_WAIT_MAX_WORD) >> PEEPS_MUTEX_WAIT_MAX_SHIFT >= 5000);
	/* granted after a wait: the clock's own stamp */
	assert_int_equal(word(&m, PEEPS_MUTEX_HELD_SINCE_EXACT_WORD) >>
				 PEEPS_MUTEX_HELD_SINCE_EXACT_SHIFT & 1,
			 1);
	(void)peeps_mutex_destroy(&m);
}

static void peeps_mutex_timedlock__time_is_over__edge_failed_and_slot_untouched(void **state)
{
	struct peeps_mutex m;
	struct waiter waiter = { .m = &m, .timed = true };
	const struct peeps_edge_slot *edge;
	pthread_t thread;

	(void)state;
	(void)peeps_mutex_init(&m, "waited for in vain", NULL);
	(void)peeps_mutex_lock(&m);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_it, &waiter), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(waiter.result, ETIMEDOUT);
	assert_int_equal(waiter.holder_after, me());
	edge = find_edge(waiter.actor, &m, PEEPS_STATE_FAILED);
	assert_non_null(edge);
	assert_int_equal(edge->origin >> PEEPS_EDGE_REASON_SHIFT, ETIMEDOUT);
	assert_int_equal(acquires(&m), 1);
	assert_int_equal(word(&m, PEEPS_MUTEX_CONTENDED_WORD), 0);
	(void)peeps_mutex_unlock(&m);
	(void)peeps_mutex_destroy(&m);
}

static void *unlock_it(void *m)
{
	(void)peeps_mutex_unlock((struct peeps_mutex *)m);
	return NULL;
}

static void peeps_mutex_unlock__by_another_thread__slot_stays_until_the_next_lock(void **state)
{
	struct peeps_mutex m;
	pthread_t thread;

	(void)state;
	(void)peeps_mutex_init(&m, "unlocked by another", NULL);
	(void)peeps_mutex_lock(&m);
	(void)pthread_create(&thread, NULL, unlock_it, &m);
	(void)pthread_join(thread, NULL);
	assert_int_equal(holder(&m), me()); /* it was not his to write */
	(void)peeps_mutex_lock(&m);
	assert_int_equal(holder(&m), me());
	assert_int_equal(depth(&m), 0);
	(void)peeps_mutex_unlock(&m);
	assert_int_equal(holder(&m), 0);
	(void)peeps_mutex_destroy(&m);
}

static void peeps_mutex_destroy__held_and_free__entity_ends_only_with_it(void **state)
{
	struct peeps_mutex m;
	const struct peeps_entity_slot *slot;

	(void)state;
	(void)peeps_mutex_init(&m, "destroyed", NULL);
	slot = m.hook.slot;
	(void)peeps_mutex_lock(&m);
	assert_int_equal(peeps_mutex_destroy(&m), EBUSY);
	assert_int_equal(slot->status & PEEPS_STATUS_LIFE_MASK, PEEPS_LIFE_LIVE);
	(void)peeps_mutex_unlock(&m);
	assert_int_equal(peeps_mutex_destroy(&m), 0);
	assert_int_equal(slot->status & PEEPS_STATUS_LIFE_MASK, PEEPS_LIFE_RETIRED);
	assert_null(m.hook.slot);
}

static void *lock_and_die(void *m)
{
	(void)peeps_mutex_lock((struct peeps_mutex *)m);
	return NULL;
}

static void peeps_mutex_lock__robust_owner_died__holder_is_the_next(void **state)
{
	pthread_mutexattr_t attributes;
	struct peeps_mutex m;
	pthread_t thread;

	(void)state;
	(void)pthread_mutexattr_init(&attributes);
	(void)pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	(void)peeps_mutex_init(&m, "robust", &attributes);
	(void)pthread_create(&thread, NULL, lock_and_die, &m);
	(void)pthread_join(thread, NULL);
	assert_int_not_equal(holder(&m), 0);
	assert_int_not_equal(holder(&m), me());
	assert_int_equal(peeps_mutex_lock(&m), EOWNERDEAD);
	assert_int_equal(holder(&m), me());
	(void)peeps_mutex_unlock(&m); /* not made consistent */
	assert_int_equal(holder(&m), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(peeps_mutex_lock(&m), ENOTRECOVERABLE);
	assert_int_equal(holder(&m), 0);
	(void)peeps_mutex_destroy(&m);
}

static void peeps_mutex_lock__site_of_another_layout__works_unrecorded(void **state)
{
	static struct peeps_site other = { .file = "other.c", .line = 1, .layout_hash = PEEPS_LAYOUT_HASH + 1 };
	struct peeps_mutex m = PEEPS_MUTEX_INIT("of another layout");

	(void)state;
	assert_int_equal(peeps_mutex_lock_at(&m, &other), 0);
	assert_int_equal(peeps_mutex_trylock_at(&m, &other), EBUSY);
	assert_null(m.hook.slot);
	assert_int_equal(other.id, 0);
	assert_int_equal(peeps_mutex_unlock(&m), 0);
}

static void peeps_mutex_lock__first_write_after_a_cut__shadow_has_the_state_before(void **state)
{
	struct peeps_mutex m;

	(void)state;
	(void)peeps_mutex_init(&m, "cut", NULL);
	for (int i = 0; i < 3; i++) {
		(void)start_cut();
		(void)peeps_mutex_lock(&m);
		assert_int_equal(m.hook.slot->shadow[1 + PEEPS_MUTEX_HOLDER_WORD], 0);
		assert_int_equal(m.hook.slot->shadow[1 + PEEPS_MUTEX_ACQUIRES_WORD], i);
		stop_cut();
		(void)start_cut();
		(void)peeps_mutex_unlock(&m);
		assert_int_equal(m.hook.slot->shadow[1 + PEEPS_MUTEX_HOLDER_WORD], me());
		assert_int_equal(holder(&m), 0);
		stop_cut();
	}
	(void)peeps_mutex_destroy(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peeps_mutex_init__name_and_type__are_the_entitys),
		cmocka_unit_test(peeps_mutex_lock__uncontended__holder_since_and_site),
		cmocka_unit_test(peeps_mutex_trylock__held_and_free__only_success_is_recorded),
		cmocka_unit_test(peeps_mutex_lock__recursive__depth_counts_and_first_site_stays),
		cmocka_unit_test(peeps_mutex_lock__errorcheck_held_by_me__nothing_changes),
		cmocka_unit_test(peeps_mutex_lock__another_holds_it__pending_then_done_and_counted),
		cmocka_unit_test(
			peeps_mutex_timedlock__time_is_over__edge_failed_and_slot_untouched),
		cmocka_unit_test(
			peeps_mutex_unlock__by_another_thread__slot_stays_until_the_next_lock),
		cmocka_unit_test(peeps_mutex_destroy__held_and_free__entity_ends_only_with_it),
		cmocka_unit_test(peeps_mutex_lock__robust_owner_died__holder_is_the_next),
		cmocka_unit_test(peeps_mutex_lock__site_of_another_layout__works_unrecorded),
		cmocka_unit_test(
			peeps_mutex_lock__first_write_after_a_cut__shadow_has_the_state_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
