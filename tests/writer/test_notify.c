/* SPDX-License-Identifier: MIT */
/* The notify, and what the segment says of it. Its results alone: tests/e2e/way/notify.c. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peeps/peeps.h>

#include "writer/edge.h"

#define BRIEF_NS 1000

static uint64_t me(void)
{
	return peeps_actor_self().bits;
}

/* By its name, which no two have at a time. */
static struct peeps_entity_slot *slot_named(const char *name)
{
	for (uint64_t i = 0; i < segment_section(PEEPS_SECTION_ENTITIES)->high_water; i++) {
		struct peeps_entity_slot *const slot = segment_row(PEEPS_SECTION_ENTITIES, i);

		if ((slot->kind & 0xffff) == PEEPS_KIND_NOTIFY &&
		    (slot->status & PEEPS_STATUS_LIFE_MASK) == PEEPS_LIFE_LIVE &&
		    text_head_at(slot->name)->length == strlen(name) &&
		    memcmp(text_at(slot->name), name, strlen(name)) == 0)
			return slot;
	}
	return NULL;
}

static struct peeps_entity_slot *make(struct peeps_notify **n, const char *name)
{
	struct peeps_entity_slot *slot;

	assert_int_equal(peeps_notify_new(n, name), 0);
	slot = slot_named(name);
	assert_non_null(slot);
	return slot;
}

static uint64_t status_bits(uint64_t status, int shift, int bits)
{
	return peeps_load_acquire(&status) >> shift & ((UINT64_C(1) << bits) - 1);
}

/* Permits stored, as they are shown; -1: null. */
static int stored(const struct peeps_entity_slot *slot)
{
	return (int)status_bits(slot->status, PEEPS_NOTIFY_PERMITS_SHIFT,
				PEEPS_NOTIFY_PERMITS_BITS) -
	       1;
}

static uint64_t word(const struct peeps_entity_slot *slot, int number)
{
	return peeps_load_relaxed(&slot->body[number]);
}

static void assert_notified(const struct peeps_entity_slot *slot, uint64_t notifies,
			    uint64_t broadcasts)
{
	assert_int_equal(word(slot, PEEPS_NOTIFY_NOTIFIES_WORD), notifies);
	assert_int_equal(word(slot, PEEPS_NOTIFY_BROADCASTS_WORD), broadcasts);
}

/* Any operation on it in that state; NULL if there is none. */
static const struct peeps_edge_slot *operation(const struct peeps_entity_slot *slot,
					       enum peeps_state state)
{
	for (uint64_t i = 0; i < segment_section(PEEPS_SECTION_EDGES)->high_water; i++) {
		const struct peeps_edge_slot *const edge = edge_at((uint32_t)i);
		const uint64_t status = peeps_load_acquire(&edge->status);

		if ((status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK) == PEEPS_EDGE_NEEDS &&
		    edge->dst == slot->identity && (status & PEEPS_EDGE_BYTE_MASK) == state)
			return edge;
	}
	return NULL;
}

static const struct peeps_edge_slot *await_wait(const struct peeps_entity_slot *slot)
{
	const struct peeps_edge_slot *edge;

	while (!(edge = operation(slot, PEEPS_STATE_PENDING)))
		(void)sched_yield();
	return edge;
}

static void *wait_there(void *n)
{
	return (void *)(intptr_t)peeps_notify_wait(n);
}

static void peeps_notify_one__nobody_waits__one_permit_is_shown_and_taken(void **state)
{
	struct peeps_notify *n;
	struct peeps_entity_slot *const slot = make(&n, "alone");

	(void)state;
	assert_int_equal(
		status_bits(slot->status, PEEPS_NOTIFY_FLAVOR_SHIFT, PEEPS_NOTIFY_FLAVOR_BITS),
		PEEPS_NOTIFY_FLAVOR_NOTIFY);
	assert_int_equal(stored(slot), 0);
	assert_int_equal(word(slot, PEEPS_NOTIFY_LAST_NOTIFIER_WORD), 0);
	peeps_notify_one(n);
	assert_int_equal(stored(slot), 1);
	peeps_notify_one(n);
	assert_int_equal(stored(slot), 1);
	assert_notified(slot, 2, 0);
	assert_int_equal(word(slot, PEEPS_NOTIFY_LAST_NOTIFIER_WORD), me());
	assert_int_not_equal(word(slot, PEEPS_NOTIFY_LAST_NOTIFIED_WORD), 0);
	assert_int_equal(peeps_notify_wait(n), 0);
	assert_int_equal(stored(slot), 0);
	assert_int_equal(peeps_notify_try_wait(n), -EAGAIN);
	/* Without a wait there is no operation. */
	for (int done = PEEPS_STATE_ACTIVE; done <= PEEPS_STATE_CANCELLED; done++)
		assert_null(operation(slot, (enum peeps_state)done));
	assert_int_equal((uint32_t)word(slot, PEEPS_NOTIFY_WAITS_WORD), 0);
	peeps_notify_free(n);
	assert_null(slot_named("alone"));
}

static void peeps_notify_all__nobody_waits__the_permit_stays_as_it_was(void **state)
{
	struct peeps_notify *n;
	struct peeps_entity_slot *const slot = make(&n, "to nobody");

	(void)state;
	peeps_notify_all(n);
	assert_int_equal(stored(slot), 0);
	assert_notified(slot, 1, 1);
	peeps_notify_one(n);
	peeps_notify_all(n);
	assert_int_equal(stored(slot), 1);
	assert_notified(slot, 3, 2);
	peeps_notify_free(n);
}

static void peeps_notify_wait__notified__its_wait_is_done_and_nothing_stored(void **state)
{
	const struct peeps_edge_slot *wait;
	struct peeps_notify *n;
	struct peeps_entity_slot *const slot = make(&n, "ready");
	pthread_t thread;
	void *result;

	(void)state;
	for (int all = 0; all < 2; all++) {
		assert_int_equal(pthread_create(&thread, NULL, wait_there, n), 0);
		wait = await_wait(slot);
		assert_int_equal(peeps_load_relaxed(&wait->status) >> PEEPS_EDGE_OP_SHIFT &
					 PEEPS_EDGE_BYTE_MASK,
				 PEEPS_OP_NOTIFY_WAIT);
		assert_int_equal(wait->details[PEEPS_DETAIL_NOTIFY_WAIT_NOTIFIES],
				 word(slot, PEEPS_NOTIFY_NOTIFIES_WORD) + 1);
		assert_int_equal(wait->details[PEEPS_DETAIL_NOTIFY_WAIT_UNTIL], 0);
		assert_int_equal(wait->details[PEEPS_DETAIL_NOTIFY_WAIT_MUTEX], 0);
		/* To all, until it was in the line. */
		while (operation(slot, PEEPS_STATE_PENDING)) {
			if (all)
				peeps_notify_all(n);
			else if (word(slot, PEEPS_NOTIFY_NOTIFIES_WORD) == 0)
				peeps_notify_one(n);
			(void)sched_yield();
		}
		assert_int_equal(pthread_join(thread, &result), 0);
		assert_int_equal((intptr_t)result, 0);
		assert_int_equal(stored(slot), 0);
		assert_int_equal((uint32_t)word(slot, PEEPS_NOTIFY_WAITS_WORD), all + 1);
	}
	assert_int_equal(word(slot, PEEPS_NOTIFY_NOTIFIES_WORD) -
				 word(slot, PEEPS_NOTIFY_BROADCASTS_WORD),
			 1);
	peeps_notify_free(n);
}

static void peeps_notify_timed_wait__out_of_time__has_failed(void **state)
{
	const struct peeps_edge_slot *wait;
	struct peeps_notify *n;
	struct peeps_entity_slot *const slot = make(&n, "late");

	(void)state;
	assert_int_equal(peeps_notify_timed_wait(n, BRIEF_NS), -ETIMEDOUT);
	wait = operation(slot, PEEPS_STATE_FAILED);
	assert_non_null(wait);
	assert_int_equal(wait->origin >> PEEPS_EDGE_REASON_SHIFT, ETIMEDOUT);
	assert_int_not_equal(wait->details[PEEPS_DETAIL_NOTIFY_WAIT_UNTIL], 0);
	assert_int_equal((uint32_t)word(slot, PEEPS_NOTIFY_WAITS_WORD), 0);
	peeps_notify_one(n); /* it is not in the line any more */
	assert_int_equal(stored(slot), 1);
	peeps_notify_free(n);
}

static void peeps_notify_wait__cancelled__is_out_of_the_line(void **state)
{
	struct peeps_notify *n;
	struct peeps_entity_slot *const slot = make(&n, "given up");
	pthread_t thread;
	void *result;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, wait_there, n), 0);
	(void)await_wait(slot);
	assert_int_equal(pthread_cancel(thread), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, PTHREAD_CANCELED);
	assert_non_null(operation(slot, PEEPS_STATE_CANCELLED));
	assert_null(operation(slot, PEEPS_STATE_PENDING));
	peeps_notify_one(n);
	assert_int_equal(stored(slot), 1);
	peeps_notify_free(n);
}

/* Whichever comes first, what is shown to be stored is what the next one gets. */
static void peeps_notify_wait__cancelled_when_notified__the_permit_is_shown(void **state)
{
	struct peeps_notify *n;
	struct peeps_entity_slot *const slot = make(&n, "passed on");

	(void)state;
	for (int i = 0; i < 100; i++) {
		pthread_t thread;
		void *result;

		assert_int_equal(pthread_create(&thread, NULL, wait_there, n), 0);
		(void)await_wait(slot);
		peeps_notify_one(n);
		assert_int_equal(pthread_cancel(thread), 0);
		assert_int_equal(pthread_join(thread, &result), 0);
		assert_int_equal(stored(slot), result == PTHREAD_CANCELED ? 1 : 0);
		assert_int_equal(peeps_notify_try_wait(n),
				 result == PTHREAD_CANCELED ? 0 : -EAGAIN);
		assert_int_equal(stored(slot), 0);
	}
	peeps_notify_free(n);
}

static void peeps_notify__in_a_child__is_shown_anew_with_its_permit(void **state)
{
	struct peeps_notify *n;
	int status;
	pid_t child;

	(void)state;
	(void)make(&n, "inherited");
	peeps_notify_one(n);
	child = fork();
	if (child == 0) {
		const struct peeps_entity_slot *slot;

		peeps_notify_one(n);
		slot = slot_named("inherited");
		_exit(slot && stored(slot) == 1 && peeps_notify_wait(n) == 0 && stored(slot) == 0
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(peeps_notify_try_wait(n), 0);
	peeps_notify_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peeps_notify_one__nobody_waits__one_permit_is_shown_and_taken),
		cmocka_unit_test(peeps_notify_all__nobody_waits__the_permit_stays_as_it_was),
		cmocka_unit_test(peeps_notify_wait__notified__its_wait_is_done_and_nothing_stored),
		cmocka_unit_test(peeps_notify_timed_wait__out_of_time__has_failed),
		cmocka_unit_test(peeps_notify_wait__cancelled__is_out_of_the_line),
		cmocka_unit_test(peeps_notify_wait__cancelled_when_notified__the_permit_is_shown),
		cmocka_unit_test(peeps_notify__in_a_child__is_shown_anew_with_its_permit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
