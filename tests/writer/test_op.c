/* SPDX-License-Identifier: MIT */
/* What the edge of an operation of the program's own says after each call. Scarce: 8 edges. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peeps/peeps.h>
#include "writer/edge.h"

#define EDGES 8

static const struct peeps_ref none;
static struct peeps_ref resource;

static int make_resource(void **state)
{
	(void)state;
	resource = peeps_entity_new(PEEPS_KIND_SEMAPHORE, "resource");
	return resource.bits ? 0 : -1;
}

static struct peeps_edge_slot *slot_of(struct peeps_ref op)
{
	assert_int_not_equal(op.bits, 0);
	assert_non_null(edge_find(op.bits));
	return edge_find(op.bits);
}

static uint64_t state_of(struct peeps_ref op)
{
	return slot_of(op)->status & PEEPS_EDGE_BYTE_MASK;
}

static uint64_t polls(struct peeps_ref op)
{
	return slot_of(op)->wait & PEEPS_EDGE_POLL_COUNT_MASK;
}

static uint64_t sequence(struct peeps_ref op)
{
	return slot_of(op)->wait >> PEEPS_EDGE_WAIT_SEQUENCE_SHIFT;
}

static struct peeps_ref begin(void)
{
	return peeps_op_begin(none, PEEPS_OP_ACQUIRE, resource, 4);
}

static void peeps_op_begin__on_a_resource__active_with_all_that_is_known(void **state)
{
	const uint64_t before = segment_ptime_ns();
	const struct peeps_ref op = peeps_op_begin(none, PEEPS_OP_ACQUIRE, resource, 4);
	const uint32_t line = __LINE__ - 1;
	const struct peeps_edge_slot *const slot = slot_of(op);
	const struct peeps_site_row *const row =
		segment_row(PEEPS_SECTION_SITES, slot->origin & PEEPS_EDGE_SITE_MASK);
	struct self *const self = enter();

	(void)state;
	self_leave(self);
	assert_int_equal(state_of(op), PEEPS_STATE_ACTIVE);
	assert_int_equal(slot->status >> PEEPS_EDGE_OP_SHIFT & PEEPS_EDGE_BYTE_MASK,
			 PEEPS_OP_ACQUIRE);
	assert_int_equal(slot->status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK,
			 PEEPS_EDGE_NEEDS);
	assert_int_equal(slot->status >> PEEPS_EDGE_MODE_SHIFT & PEEPS_EDGE_BYTE_MASK, 0);
	assert_int_equal(slot->src, peeps_actor_self().bits);
	assert_int_equal(slot->dst, resource.bits);
	assert_int_equal(polls(op), 0);
	assert_int_equal(slot->pending_since_ns, 0);
	assert_true(slot->last_change_ns >= before);
	assert_int_equal(row->line, line);
	assert_int_equal(slot->origin >> PEEPS_EDGE_THREAD_SHIFT & PEEPS_EDGE_THREAD_MASK,
			 self->record_index);
	assert_int_equal(slot->details[0], 4);
	assert_int_equal(slot->details[1], 0);
	peeps_op_detail(op, PEEPS_DETAIL_ACQUIRE_AVAILABLE, 2);
	peeps_op_detail(op, PEEPS_DETAIL_WORDS, 99);
	assert_int_equal(slot->details[1], 2);
	assert_int_equal(slot->details[2], 0);
	peeps_op_end(op, PEEPS_STATE_DONE);
}

static void peeps_op_pend__again_and_again__counts_polls_and_waits(void **state)
{
	const struct peeps_ref op = begin();
	const struct peeps_edge_slot *const slot = slot_of(op);
	const uint64_t first = sequence(op);
	uint64_t since;

	(void)state;
	peeps_op_poll(op); /* of one that is not pending: nothing */
	assert_int_equal(polls(op), 0);
	peeps_op_pend(op);
	since = slot->pending_since_ns;
	assert_int_equal(state_of(op), PEEPS_STATE_PENDING);
	assert_int_not_equal(since, 0);
	assert_int_equal(slot->last_change_ns, since);
	assert_int_equal(polls(op), 1);
	assert_int_equal(sequence(op), first + 1);
	peeps_op_poll(op);
	peeps_op_pend(op); /* it was: the same wait */
	assert_int_equal(state_of(op), PEEPS_STATE_PENDING);
	assert_int_equal(slot->pending_since_ns, since);
	assert_int_equal(slot->last_change_ns, since);
	assert_int_equal(polls(op), 3);
	assert_int_equal(sequence(op), first + 1);
	peeps_op_resume(op);
	assert_int_equal(state_of(op), PEEPS_STATE_ACTIVE);
	assert_true(slot->last_change_ns > since);
	assert_int_equal(polls(op), 3);
	peeps_op_pend(op);
	assert_true(slot->pending_since_ns > since);
	assert_int_equal(polls(op), 4);
	assert_int_equal(sequence(op), first + 2);
	peeps_op_end(op, PEEPS_STATE_CANCELLED);
	assert_int_equal(state_of(op), PEEPS_STATE_CANCELLED);
	assert_int_equal(polls(op), 4);
}

static void peeps_op_poll__count_is_at_its_greatest__stays_there(void **state)
{
	const struct peeps_ref op = begin();
	const uint64_t first = sequence(op);

	(void)state;
	peeps_op_pend(op);
	slot_of(op)->wait |= PEEPS_EDGE_POLL_COUNT_MASK;
	peeps_op_poll(op);
	assert_int_equal(polls(op), PEEPS_EDGE_POLL_COUNT_MASK);
	assert_int_equal(sequence(op), first + 1);
	peeps_op_end(op, PEEPS_STATE_DONE);
}

static void peeps_op_end__each_state__is_kept_with_its_reason(void **state)
{
	static const struct {
		int error; /* 0: by peeps_op_end() */
		uint32_t end;
		uint64_t reason;
	} rows[] = {
		{ 0, PEEPS_STATE_DONE, 0 },         { 0, PEEPS_STATE_FAILED, 0 },
		{ 0, PEEPS_STATE_CANCELLED, 0 },    { ETIMEDOUT, PEEPS_STATE_FAILED, ETIMEDOUT },
		{ 4095, PEEPS_STATE_FAILED, 4095 }, { 4096, PEEPS_STATE_FAILED, 0 },
		{ -EPERM, PEEPS_STATE_FAILED, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct peeps_ref op = begin();
		const uint64_t site = slot_of(op)->origin & PEEPS_EDGE_SITE_MASK;

		if (rows[i].error)
			peeps_op_fail(op, rows[i].error);
		else
			peeps_op_end(op, rows[i].end);
		assert_int_equal(state_of(op), rows[i].end);
		assert_int_equal(slot_of(op)->origin >> PEEPS_EDGE_REASON_SHIFT, rows[i].reason);
		assert_int_equal(slot_of(op)->origin & PEEPS_EDGE_SITE_MASK, site);
		assert_true(slot_of(op)->last_change_ns > 0);
	}
}

static void peeps_op_end__state_that_is_no_end__is_ignored(void **state)
{
	static const uint32_t states[] = { PEEPS_STATE_NONE, PEEPS_STATE_ACTIVE,
					   PEEPS_STATE_PENDING, 6, UINT32_MAX };
	const struct peeps_ref op = begin();

	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		peeps_op_end(op, states[i]);
	assert_int_equal(state_of(op), PEEPS_STATE_ACTIVE);
	peeps_op_end(op, PEEPS_STATE_DONE);
}

static void peeps_op_begin__two_identical__are_two_edges(void **state)
{
	struct peeps_ref ops[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		ops[i] = begin();
	assert_ptr_not_equal(slot_of(ops[0]), slot_of(ops[1]));
	for (int i = 0; i < 2; i++)
		peeps_op_pend(ops[i]);
	peeps_op_end(ops[0], PEEPS_STATE_DONE);
	assert_int_equal(state_of(ops[0]), PEEPS_STATE_DONE);
	assert_int_equal(state_of(ops[1]), PEEPS_STATE_PENDING);
	peeps_op_end(ops[1], PEEPS_STATE_DONE);
}

static void peeps_op_begin__one_after_the_other__oldest_slot_is_used_again(void **state)
{
	struct peeps_ref ops[3 * EDGES];

	(void)state;
	for (int i = 0; i < 3 * EDGES; i++) {
		ops[i] = begin();
		peeps_op_end(ops[i], PEEPS_STATE_DONE);
		/* all the others are still what they were */
		for (int j = i - 1; j >= EDGES && j > i - EDGES; j--)
			assert_int_equal(state_of(ops[j]), PEEPS_STATE_DONE);
		if (i >= 2 * EDGES)
			assert_null(edge_find(ops[i - EDGES].bits));
	}
}

static void peeps_op__null_stale_or_over__is_harmless(void **state)
{
	const struct peeps_ref over = begin();
	const struct peeps_ref refs[] = {
		none, over, resource, { UINT64_MAX }, { over.bits + (UINT64_C(1) << 32) }
	};
	const struct peeps_edge_slot *const slot = slot_of(over);
	struct peeps_edge_slot before;
	struct peeps_ref next[EDGES];

	(void)state;
	peeps_op_pend(over);
	peeps_op_fail(over, ETIMEDOUT);
	before = *slot;
	for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
		peeps_op_detail(refs[i], 0, 99);
		peeps_op_pend(refs[i]);
		peeps_op_poll(refs[i]);
		peeps_op_resume(refs[i]);
		peeps_op_end(refs[i], PEEPS_STATE_DONE);
		peeps_op_fail(refs[i], EPERM);
		peeps_unlink(refs[i]);
	}
	assert_memory_equal(slot, &before, sizeof(before));
	/* Given back once: no slot comes twice. */
	for (int i = 0; i < EDGES; i++) {
		next[i] = begin();
		for (int j = 0; j < i; j++)
			assert_ptr_not_equal(slot_of(next[i]), slot_of(next[j]));
	}
	assert_null(edge_find(over.bits));
	peeps_op_end(over, PEEPS_STATE_CANCELLED);
	for (int i = 0; i < EDGES; i++) {
		assert_int_equal(state_of(next[i]), PEEPS_STATE_ACTIVE);
		peeps_op_end(next[i], PEEPS_STATE_DONE);
	}
}

static void peeps_op_begin__what_is_no_operation__null(void **state)
{
	const struct peeps_ref gone = peeps_entity_new(PEEPS_KIND_MUTEX, "gone");
	const uint64_t dropped = counted(PEEPS_COUNTER_DROPPED_EDGES);
	static struct peeps_site other = { .layout_hash = PEEPS_LAYOUT_HASH + 1 };

	(void)state;
	peeps_entity_end(gone);
	assert_int_equal(peeps_op_begin(none, PEEPS_OP_ACQUIRE, none, 0).bits, 0);
	assert_int_equal(peeps_op_begin(none, PEEPS_OP_ACQUIRE, gone, 0).bits, 0);
	assert_int_equal(peeps_op_begin(gone, PEEPS_OP_ACQUIRE, resource, 0).bits, 0);
	assert_int_equal(peeps_op_begin(resource, PEEPS_OP_ACQUIRE, resource, 0).bits, 0);
	assert_int_equal(peeps_op_begin(none, PEEPS_OP_NONE, resource, 0).bits, 0);
	assert_int_equal(peeps_op_begin(none, 200, resource, 0).bits, 0);
	assert_int_equal(peeps_op_begin(none, PEEPS_OP_LOCK | 256, resource, 0).bits, 0);
	assert_int_equal(peeps_op_begin_at(none, PEEPS_OP_LOCK, resource, 0, &other).bits, 0);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_EDGES), dropped);
}

static void peeps_op_begin__join_by_plain_symbol__is_on_an_actor_and_knows_no_place(void **state)
{
	const struct peeps_ref me = peeps_actor_self();
	const struct peeps_ref op = (peeps_op_begin)(me, PEEPS_OP_JOIN, me, 0);

	(void)state;
	assert_int_equal(slot_of(op)->dst, me.bits);
	assert_int_equal(slot_of(op)->origin & PEEPS_EDGE_SITE_MASK, 0);
	peeps_op_end(op, PEEPS_STATE_DONE);
}

static void peeps_op_begin__full__null_and_counted(void **state)
{
	const uint64_t dropped = counted(PEEPS_COUNTER_DROPPED_EDGES);
	struct peeps_ref ops[EDGES + 1];

	(void)state;
	for (int i = 0; i < EDGES; i++)
		assert_int_not_equal((ops[i] = begin()).bits, 0);
	ops[EDGES] = begin();
	assert_int_equal(ops[EDGES].bits, 0);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_EDGES), dropped + 1);
	for (int i = 0; i <= EDGES; i++)
		peeps_op_end(ops[i], PEEPS_STATE_DONE);
	assert_int_not_equal((ops[0] = begin()).bits, 0);
	peeps_op_end(ops[0], PEEPS_STATE_DONE);
}

struct other {
	struct peeps_ref op;
	uint64_t record;
};

static void *end_on_another_thread(void *argument)
{
	struct other *const other = argument;
	struct self *const self = enter();

	other->record = self->record_index;
	self_leave(self);
	peeps_op_end(other->op, PEEPS_STATE_DONE);
	return NULL;
}

static void peeps_op_end__on_another_thread__says_who_wrote_it(void **state)
{
	struct other other = { .op = begin() };
	const uint64_t actor = slot_of(other.op)->src;
	const uint64_t record =
		slot_of(other.op)->origin >> PEEPS_EDGE_THREAD_SHIFT & PEEPS_EDGE_THREAD_MASK;
	pthread_t thread;

	(void)state;
	peeps_op_pend(other.op);
	assert_int_equal(pthread_create(&thread, NULL, end_on_another_thread, &other), 0);
	(void)pthread_join(thread, NULL);
	assert_int_equal(state_of(other.op), PEEPS_STATE_DONE);
	assert_int_equal(slot_of(other.op)->src, actor);
	assert_int_not_equal(other.record, record);
	assert_int_equal(slot_of(other.op)->origin >> PEEPS_EDGE_THREAD_SHIFT &
				 PEEPS_EDGE_THREAD_MASK,
			 other.record);
	peeps_op_end(other.op, PEEPS_STATE_CANCELLED);
	assert_int_equal(state_of(other.op), PEEPS_STATE_DONE);
}

static void peeps_op__handler_broke_into_a_section__only_what_that_writes_is_left_alone(
	void **state)
{
	const struct peeps_ref busy = begin(), idle = begin();
	struct self *const self = enter();
	const uint64_t nested = counted(PEEPS_COUNTER_DROPPED_NESTED);
	struct peeps_ref made;

	(void)state;
	self_leave(self);
	(void)peeps_section_begin(self->record, peeps_segment.control, slot_of(busy));
	self->record->stack = UINT64_MAX / 2; /* a frame above all of ours */
	peeps_op_pend(busy);
	peeps_op_end(busy, PEEPS_STATE_DONE);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_NESTED), nested + 2);
	peeps_op_end(idle, PEEPS_STATE_DONE);
	made = begin();
	peeps_section_end(self->record);
	assert_int_equal(state_of(busy), PEEPS_STATE_ACTIVE);
	assert_int_equal(state_of(idle), PEEPS_STATE_DONE);
	assert_int_equal(state_of(made), PEEPS_STATE_ACTIVE);
	peeps_op_end(made, PEEPS_STATE_DONE);
	peeps_op_end(busy, PEEPS_STATE_DONE);
	assert_int_equal(state_of(busy), PEEPS_STATE_DONE);
}

static void peeps_op__while_a_cut_looks__its_shadow_keeps_what_was(void **state)
{
	const struct peeps_ref op = begin();
	const struct peeps_edge_slot *const slot = slot_of(op);
	struct peeps_ref next;
	int rested = 0;

	(void)state;
	peeps_op_detail(op, 1, 7);
	(void)start_cut();
	peeps_op_detail(op, 1, 8);
	peeps_op_pend(op);
	assert_int_equal(slot->shadow[0] & PEEPS_EDGE_BYTE_MASK, PEEPS_STATE_ACTIVE);
	assert_int_equal(slot->details_shadow[1], 7);
	peeps_op_end(op, PEEPS_STATE_DONE);
	/* It rests, and so does each that comes after it. */
	while ((next = begin()).bits) {
		assert_ptr_not_equal(slot_of(next), slot);
		peeps_op_end(next, PEEPS_STATE_DONE);
		rested++;
	}
	assert_int_equal(rested, EDGES - 1);
	stop_cut();
}

static int check_child(struct peeps_ref parents, struct peeps_ref parents_resource)
{
	struct peeps_ref mine, op;
	int bad = 0;

	mine = peeps_entity_new(PEEPS_KIND_SEMAPHORE, "child's");
	op = peeps_op_begin(none, PEEPS_OP_ACQUIRE, mine, 0);
	peeps_op_pend(op);
	peeps_op_end(parents, PEEPS_STATE_DONE);
	if (edge_find(parents.bits) ||
	    peeps_op_begin(none, PEEPS_OP_ACQUIRE, parents_resource, 0).bits)
		bad |= 1;
	if (!edge_find(op.bits) ||
	    (edge_find(op.bits)->status & PEEPS_EDGE_BYTE_MASK) != PEEPS_STATE_PENDING)
		bad |= 2;
	return bad;
}

static void peeps_op__reference_of_the_parent__means_nothing_in_a_child(void **state)
{
	const struct peeps_ref op = begin();
	int status = -1;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0)
		_exit(check_child(op, resource));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(state_of(op), PEEPS_STATE_ACTIVE);
	peeps_op_end(op, PEEPS_STATE_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peeps_op_begin__on_a_resource__active_with_all_that_is_known),
		cmocka_unit_test(peeps_op_pend__again_and_again__counts_polls_and_waits),
		cmocka_unit_test(peeps_op_poll__count_is_at_its_greatest__stays_there),
		cmocka_unit_test(peeps_op_end__each_state__is_kept_with_its_reason),
		cmocka_unit_test(peeps_op_end__state_that_is_no_end__is_ignored),
		cmocka_unit_test(peeps_op_begin__two_identical__are_two_edges),
		cmocka_unit_test(peeps_op_begin__one_after_the_other__oldest_slot_is_used_again),
		cmocka_unit_test(peeps_op__null_stale_or_over__is_harmless),
		cmocka_unit_test(peeps_op_begin__what_is_no_operation__null),
		cmocka_unit_test(
			peeps_op_begin__join_by_plain_symbol__is_on_an_actor_and_knows_no_place),
		cmocka_unit_test(peeps_op_begin__full__null_and_counted),
		cmocka_unit_test(peeps_op_end__on_another_thread__says_who_wrote_it),
		cmocka_unit_test(
			peeps_op__handler_broke_into_a_section__only_what_that_writes_is_left_alone),
		cmocka_unit_test(peeps_op__while_a_cut_looks__its_shadow_keeps_what_was),
		cmocka_unit_test(peeps_op__reference_of_the_parent__means_nothing_in_a_child),
	};

	return cmocka_run_group_tests(tests, make_resource, NULL);
}
