/* SPDX-License-Identifier: MIT */
/* What the slots say after each call. What the calls return is the business of tests/e2e/way/cond.c. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <peeps/peeps.h>

static uint64_t me(void)
{
	return peeps_actor_self().bits;
}

static uint64_t word(const struct peeps_cond *c, int number)
{
	assert_non_null(c->hook.slot);
	return c->hook.slot->body[number];
}

static uint64_t notifies(const struct peeps_cond *c)
{
	return word(c, PEEPS_NOTIFY_NOTIFIES_WORD);
}

static uint64_t holder(const struct peeps_mutex *m)
{
	return m->hook.slot->body[PEEPS_MUTEX_HOLDER_WORD];
}

static uint64_t status_bits(const struct peeps_edge_slot *slot, int shift)
{
	return slot->status >> shift & PEEPS_EDGE_BYTE_MASK;
}

/* The operation of an actor on a resource in that state; NULL if there is none. */
static const struct peeps_edge_slot *operation(uint64_t actor, uint64_t target,
					       enum peeps_state state)
{
	for (uint64_t i = 0; i < segment_section(PEEPS_SECTION_EDGES)->high_water; i++) {
		const struct peeps_edge_slot *const slot = segment_row(PEEPS_SECTION_EDGES, i);

		if (status_bits(slot, PEEPS_EDGE_KIND_SHIFT) == PEEPS_EDGE_NEEDS &&
		    slot->src == actor && slot->dst == target &&
		    status_bits(slot, PEEPS_EDGE_STATE_SHIFT) == state)
			return slot;
	}
	return NULL;
}

/* A thread that waits, seen from another. */
struct waiter {
	struct peeps_cond c;
	struct peeps_mutex m;
	pthread_t thread;
	uint64_t actor;
	bool may_go;
	int rounds; /* that it came back, and waited again with the mutex still held */
	int result;
	bool timed, cancelled_holding;
};

static void leave(void *argument)
{
	struct waiter *const w = argument;

	w->cancelled_holding = holder(&w->m) == w->actor;
	(void)peeps_mutex_unlock(&w->m);
}

static void *wait_there(void *argument)
{
	struct waiter *const w = argument;
	struct timespec soon;

	(void)clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec = 0;
	(void)peeps_mutex_lock(&w->m);
	__atomic_store_n(&w->actor, me(), __ATOMIC_RELEASE);
	pthread_cleanup_push(leave, w);
	while (!w->may_go) {
		w->result = w->timed ? peeps_cond_timedwait(&w->c, &w->m, &soon)
				     : peeps_cond_wait(&w->c, &w->m);
		assert_int_equal(holder(&w->m), w->actor);
		w->rounds++;
		if (w->timed)
			break;
	}
	pthread_cleanup_pop(1);
	return NULL;
}

static const struct peeps_edge_slot *await_wait(struct waiter *w)
{
	const struct peeps_edge_slot *found = NULL;

	while (!found) {
		(void)sched_yield();
		found = operation(__atomic_load_n(&w->actor, __ATOMIC_ACQUIRE),
				  w->c.hook.slot->identity, PEEPS_STATE_PENDING);
	}
	return found;
}

static void start(struct waiter *w, bool timed)
{
	*w = (struct waiter){ .timed = timed };
	assert_int_equal(peeps_cond_init(&w->c, "ready", NULL), 0);
	assert_int_equal(peeps_mutex_init(&w->m, "store", NULL), 0);
	assert_int_equal(pthread_create(&w->thread, NULL, wait_there, w), 0);
}

static void end(struct waiter *w)
{
	assert_int_equal(pthread_join(w->thread, NULL), 0);
	assert_int_equal(peeps_cond_destroy(&w->c), 0);
	assert_int_equal(peeps_mutex_destroy(&w->m), 0);
}

static void peeps_cond_signal__nobody_waits__is_counted(void **state)
{
	static struct peeps_cond c = PEEPS_COND_INIT("static");

	(void)state;
	for (uint64_t round = 1; round <= 3; round++) { /* the first is slow, the others inline */
		assert_int_equal(peeps_cond_signal(&c), 0);
		assert_int_equal(notifies(&c), 2 * round - 1);
		assert_int_equal(peeps_cond_broadcast(&c), 0);
		assert_int_equal(notifies(&c), 2 * round);
		assert_int_equal(word(&c, PEEPS_NOTIFY_BROADCASTS_WORD), round);
		assert_int_equal(word(&c, PEEPS_NOTIFY_LAST_NOTIFIER_WORD), me());
	}
	assert_text(c.hook.slot->name, "static");
	assert_int_equal(c.hook.slot->kind & 0xffff, PEEPS_KIND_NOTIFY);
}

static void peeps_cond_wait__waiting__the_mutex_is_shown_as_left(void **state)
{
	const struct peeps_edge_slot *wait;
	struct waiter w;

	(void)state;
	start(&w, false);
	wait = await_wait(&w);
	assert_int_equal(status_bits(wait, PEEPS_EDGE_OP_SHIFT), PEEPS_OP_NOTIFY_WAIT);
	assert_int_equal(wait->details[PEEPS_DETAIL_NOTIFY_WAIT_MUTEX], w.m.hook.slot->identity);
	assert_int_equal(wait->details[PEEPS_DETAIL_NOTIFY_WAIT_NOTIFIES], 0 + 1);
	assert_int_equal(wait->details[PEEPS_DETAIL_NOTIFY_WAIT_UNTIL], 0);
	assert_int_equal(holder(&w.m), 0);
	assert_int_equal(peeps_mutex_lock(&w.m), 0);
	w.may_go = true;
	assert_int_equal(peeps_cond_signal(&w.c), 0);
	assert_int_equal(peeps_mutex_unlock(&w.m), 0);
	assert_int_equal(pthread_join(w.thread, NULL), 0);
	assert_int_equal(w.result, 0);
	assert_int_equal(status_bits(wait, PEEPS_EDGE_STATE_SHIFT), PEEPS_STATE_DONE);
	assert_int_equal((uint32_t)word(&w.c, PEEPS_NOTIFY_WAITS_WORD), w.rounds);
	assert_int_equal(peeps_cond_destroy(&w.c), 0);
}

static void peeps_cond_wait__woken_while_the_mutex_is_held__waits_for_the_mutex(void **state)
{
	const struct peeps_edge_slot *wait, *relock = NULL;
	struct waiter w;

	(void)state;
	start(&w, false);
	wait = await_wait(&w);
	assert_int_equal(peeps_mutex_lock(&w.m), 0);
	w.may_go = true;
	assert_int_equal(peeps_cond_broadcast(&w.c), 0);
	while (!relock) {
		(void)sched_yield();
		relock = operation(w.actor, w.m.hook.slot->identity, PEEPS_STATE_PENDING);
	}
	assert_int_equal(status_bits(relock, PEEPS_EDGE_OP_SHIFT), PEEPS_OP_LOCK);
	assert_int_equal(status_bits(wait, PEEPS_EDGE_STATE_SHIFT), PEEPS_STATE_DONE);
	assert_int_equal(holder(&w.m), me());
	assert_int_equal(peeps_mutex_unlock(&w.m), 0);
	end(&w);
}

static void peeps_cond_wait__woken_and_waits_again__is_a_poll_more(void **state)
{
	struct waiter w;

	(void)state;
	start(&w, false);
	for (uint32_t polls = 1; polls <= 4; polls++) {
		while ((uint32_t)await_wait(&w)->wait != polls)
			(void)sched_yield();
		assert_int_equal(peeps_mutex_lock(&w.m), 0);
		w.may_go = polls == 4;
		assert_int_equal(peeps_cond_signal(&w.c), 0);
		assert_int_equal(peeps_mutex_unlock(&w.m), 0);
	}
	end(&w);
}

static void peeps_cond_timedwait__out_of_time__has_failed_and_holds_the_mutex(void **state)
{
	const struct peeps_edge_slot *wait;
	struct waiter w;

	(void)state;
	start(&w, true);
	assert_int_equal(pthread_join(w.thread, NULL), 0);
	assert_int_equal(w.result, ETIMEDOUT);
	wait = operation(w.actor, w.c.hook.slot->identity, PEEPS_STATE_FAILED);
	assert_non_null(wait);
	assert_int_equal(wait->origin >> PEEPS_EDGE_REASON_SHIFT, ETIMEDOUT);
	assert_int_not_equal(wait->details[PEEPS_DETAIL_NOTIFY_WAIT_UNTIL], 0);
	assert_int_equal(holder(&w.m), 0);
	assert_int_equal((uint32_t)word(&w.c, PEEPS_NOTIFY_WAITS_WORD), 0);
	assert_int_equal(peeps_cond_destroy(&w.c), 0);
}

static void peeps_cond_wait__cancelled__its_cleanup_holds_the_mutex(void **state)
{
	const struct peeps_edge_slot *wait;
	struct waiter w;

	(void)state;
	start(&w, false);
	wait = await_wait(&w);
	assert_int_equal(pthread_cancel(w.thread), 0);
	assert_int_equal(pthread_join(w.thread, NULL), 0);
	assert_true(w.cancelled_holding);
	assert_int_equal(status_bits(wait, PEEPS_EDGE_STATE_SHIFT), PEEPS_STATE_CANCELLED);
	assert_int_equal(holder(&w.m), 0);
	assert_int_equal(w.c.waiting, 0);
	assert_int_equal(peeps_mutex_trylock(&w.m), 0);
	assert_int_equal(peeps_mutex_unlock(&w.m), 0);
	assert_int_equal(peeps_cond_destroy(&w.c), 0);
}

static void peeps_cond_wait__mutex_of_another__is_refused_as_by_pthread(void **state)
{
	pthread_mutexattr_t attributes;
	struct peeps_cond c;
	struct peeps_mutex m;

	(void)state;
	(void)pthread_mutexattr_init(&attributes);
	(void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
	assert_int_equal(peeps_mutex_init(&m, "not ours", &attributes), 0);
	assert_int_equal(peeps_cond_init(&c, "refused", NULL), 0);
	assert_int_equal(peeps_cond_wait(&c, &m), EPERM);
	assert_null(operation(me(), c.hook.slot->identity, PEEPS_STATE_PENDING));
	assert_int_equal(c.waiting, 0);
	assert_int_equal(peeps_cond_destroy(&c), 0);
	assert_int_equal(peeps_mutex_destroy(&m), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peeps_cond_signal__nobody_waits__is_counted),
		cmocka_unit_test(peeps_cond_wait__waiting__the_mutex_is_shown_as_left),
		cmocka_unit_test(
			peeps_cond_wait__woken_while_the_mutex_is_held__waits_for_the_mutex),
		cmocka_unit_test(peeps_cond_wait__woken_and_waits_again__is_a_poll_more),
		cmocka_unit_test(peeps_cond_timedwait__out_of_time__has_failed_and_holds_the_mutex),
		cmocka_unit_test(peeps_cond_wait__cancelled__its_cleanup_holds_the_mutex),
		cmocka_unit_test(peeps_cond_wait__mutex_of_another__is_refused_as_by_pthread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
