/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include <errno.h>

#include "writer/operation.h"

#define TARGET UINT64_C(0x1000000500000007)

static struct self *self;

static int enter_first(void **state)
{
	(void)state;
	self = enter();
	return 0;
}

static int leave_again(void **state)
{
	(void)state;
	self_leave(self);
	return 0;
}

static uint64_t state_of(const struct peeps_edge_slot *slot)
{
	return slot->status & PEEPS_EDGE_BYTE_MASK;
}

static struct operation pend(void)
{
	const struct operation_new new = {
		.op = PEEPS_OP_LOCK, .target = TARGET, .site = 3, .details = { 1, 2, 3 }
	};
	struct operation operation;

	operation_pend(&operation, self, &new);
	return operation;
}

static void operation_pend__a_wait__edge_says_who_waits_for_what(void **state)
{
	struct operation operation = pend();
	const struct peeps_edge_slot *const slot = operation.slot;

	(void)state;
	assert_non_null(slot);
	assert_int_equal(state_of(slot), PEEPS_STATE_PENDING);
	assert_int_equal(slot->status >> PEEPS_EDGE_OP_SHIFT & PEEPS_EDGE_BYTE_MASK, PEEPS_OP_LOCK);
	assert_int_equal(slot->status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK, PEEPS_EDGE_NEEDS);
	assert_int_equal(slot->src, self->actor);
	assert_int_equal(slot->dst, TARGET);
	assert_int_equal(slot->origin & PEEPS_EDGE_SITE_MASK, 3);
	assert_int_equal(slot->origin >> PEEPS_EDGE_THREAD_SHIFT & PEEPS_EDGE_THREAD_MASK,
			 self->record_index);
	assert_int_equal(slot->wait & PEEPS_EDGE_POLL_COUNT_MASK, 1);
	assert_int_equal(slot->pending_since_ns, operation.since_ns);
	assert_int_equal(slot->last_change_ns, slot->pending_since_ns);
	assert_int_equal(slot->details[2], 3);
	operation_end(&operation, self, PEEPS_STATE_DONE, slot->pending_since_ns + 5, 0);
	assert_int_equal(state_of(slot), PEEPS_STATE_DONE);
	assert_int_equal(slot->last_change_ns, slot->pending_since_ns + 5);
	assert_int_equal(slot->origin >> PEEPS_EDGE_REASON_SHIFT, 0);
	assert_null(operation.slot);
}

static void operation_end__failed__reason_is_kept(void **state)
{
	struct operation operation = pend();
	const struct peeps_edge_slot *const slot = operation.slot;

	(void)state;
	operation_end(&operation, self, PEEPS_STATE_FAILED, segment_ptime_ns(), ETIMEDOUT);
	assert_int_equal(state_of(slot), PEEPS_STATE_FAILED);
	assert_int_equal(slot->origin >> PEEPS_EDGE_REASON_SHIFT, ETIMEDOUT);
}

static void operation_pend__one_after_the_other__last_four_stay_as_history(void **state)
{
	const struct peeps_edge_slot *slots[12];
	uint64_t sequence = 0;

	(void)state;
	for (int i = 0; i < 12; i++) {
		struct operation operation = pend();

		slots[i] = operation.slot;
		if (i >= THREAD_EDGES) {
			/* the one that finished longest ago, and another wait of it */
			assert_ptr_equal(slots[i], slots[i - THREAD_EDGES]);
			sequence = slots[i]->wait >> PEEPS_EDGE_WAIT_SEQUENCE_SHIFT;
			assert_true(sequence >= 2);
		}
		for (int j = i - 1; j >= 0 && j > i - THREAD_EDGES; j--)
			assert_ptr_not_equal(slots[i], slots[j]);
		operation_end(&operation, self, PEEPS_STATE_DONE, segment_ptime_ns(), 0);
	}
}

static void operation_pend__more_at_once_than_a_thread_has_edges__dropped_and_counted(void **state)
{
	struct operation operations[THREAD_EDGES + 1];
	const uint64_t dropped = counted(PEEPS_COUNTER_DROPPED_EDGES);

	(void)state;
	for (int i = 0; i < THREAD_EDGES; i++) {
		operations[i] = pend();
		assert_non_null(operations[i].slot);
		self->stack -= 64; /* each in a handler that broke into the one before */
	}
	operations[THREAD_EDGES] = pend();
	assert_null(operations[THREAD_EDGES].slot);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_EDGES), dropped + 1);
	operation_end(&operations[THREAD_EDGES], self, PEEPS_STATE_DONE, segment_ptime_ns(), 0);
	for (int i = THREAD_EDGES - 1; i >= 0; i--) {
		self->stack += 64;
		operation_end(&operations[i], self, PEEPS_STATE_DONE, segment_ptime_ns(), 0);
	}
}

static void operation_pend__earlier_wait_left_by_siglongjmp__is_cancelled(void **state)
{
	const uint64_t torn = counted(PEEPS_COUNTER_TORN);
	struct operation left, next;
	const struct peeps_edge_slot *slot;

	(void)state;
	self->stack -= 256;
	left = pend();
	slot = left.slot;
	self->stack += 256;
	next = pend();
	assert_int_equal(state_of(slot), PEEPS_STATE_CANCELLED);
	assert_int_equal(state_of(next.slot), PEEPS_STATE_PENDING);
	assert_true(counted(PEEPS_COUNTER_TORN) > torn);
	operation_end(&next, self, PEEPS_STATE_DONE, segment_ptime_ns(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operation_pend__a_wait__edge_says_who_waits_for_what),
		cmocka_unit_test(operation_end__failed__reason_is_kept),
		cmocka_unit_test(operation_pend__one_after_the_other__last_four_stay_as_history),
		cmocka_unit_test(
			operation_pend__more_at_once_than_a_thread_has_edges__dropped_and_counted),
		cmocka_unit_test(operation_pend__earlier_wait_left_by_siglongjmp__is_cancelled),
	};

	return cmocka_run_group_tests(tests, enter_first, leave_again);
}
