/* SPDX-License-Identifier: MIT */
/* What the edge of a link of the program's own says. Scarce: 8 edges. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peeps/peeps.h>
#include "writer/edge.h"

#define EDGES 8

static const struct peeps_ref none;
static struct peeps_ref tx, rx;

static int make_ends(void **state)
{
	(void)state;
	tx = peeps_entity_new(PEEPS_KIND_MPSC_TX, "end");
	rx = peeps_entity_new(PEEPS_KIND_MPSC_RX, "end");
	return tx.bits && rx.bits ? 0 : -1;
}

static struct peeps_edge_slot *slot_of(struct peeps_ref link)
{
	assert_int_not_equal(link.bits, 0);
	assert_non_null(edge_find(link.bits));
	return edge_find(link.bits);
}

static uint64_t kind_of(const struct peeps_edge_slot *slot)
{
	return slot->status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK;
}

static void expect_place(const struct peeps_edge_slot *slot, uint32_t line)
{
	const struct peeps_site_row *const row =
		segment_row(PEEPS_SECTION_SITES, slot->origin & PEEPS_EDGE_SITE_MASK);

	assert_int_not_equal(slot->origin & PEEPS_EDGE_SITE_MASK, 0);
	assert_int_equal(row->line, line);
}

static void peeps_link__each_kind__edge_until_unlinked(void **state)
{
	static const uint32_t kinds[] = { PEEPS_EDGE_CHANNEL_LINK, PEEPS_EDGE_RPC_LINK };

	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct peeps_ref link = peeps_link(kinds[i], tx, rx);
		const struct peeps_edge_slot *const slot = slot_of(link);

		assert_int_equal(kind_of(slot), kinds[i]);
		assert_int_equal(slot->status & 0xffff, 0);
		assert_int_equal(slot->src, tx.bits);
		assert_int_equal(slot->dst, rx.bits);
		assert_int_equal(slot->pending_since_ns, 0);
		assert_int_not_equal(slot->last_change_ns, 0);
		expect_place(slot, __LINE__ - 9);
		peeps_unlink(link);
		assert_int_equal(kind_of(slot), PEEPS_EDGE_NONE);
		peeps_unlink(link);
	}
}

static void peeps_link__holds__edge_that_says_lock_one_and_since_when(void **state)
{
	const struct peeps_ref lock = peeps_entity_new(PEEPS_KIND_RWLOCK, "lock");
	const uint64_t before = segment_ptime_ns();
	const struct peeps_ref link = peeps_link(PEEPS_EDGE_HOLDS, lock, peeps_actor_self());
	const uint32_t line = __LINE__ - 1;
	const struct peeps_edge_slot *const slot = slot_of(link);

	(void)state;
	assert_int_equal(kind_of(slot), PEEPS_EDGE_HOLDS);
	assert_int_equal(slot->status >> PEEPS_HOLD_ROLE_SHIFT & PEEPS_HOLD_NIBBLE_MASK,
			 PEEPS_HOLD_ROLE_LOCK);
	assert_int_equal(slot->src, lock.bits);
	assert_int_equal(slot->dst, peeps_actor_self().bits);
	assert_int_equal(slot->wait & PEEPS_EDGE_POLL_COUNT_MASK, 1);
	assert_true(slot->pending_since_ns >= before);
	expect_place(slot, line);
	peeps_op_end(link, PEEPS_STATE_DONE); /* it is no operation */
	assert_int_equal(kind_of(slot), PEEPS_EDGE_HOLDS);
	peeps_unlink(link);
	assert_int_equal(kind_of(slot), PEEPS_EDGE_NONE);
	peeps_entity_end(lock);
}

static void peeps_link__what_is_no_link__null(void **state)
{
	static const uint32_t kinds[] = { PEEPS_EDGE_NONE, PEEPS_EDGE_NEEDS, 5,
					  PEEPS_EDGE_HOLDS | 256 };
	static struct peeps_site other = { .layout_hash = PEEPS_LAYOUT_HASH + 1 };
	const uint64_t dropped = counted(PEEPS_COUNTER_DROPPED_EDGES);

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		assert_int_equal(peeps_link(kinds[i], tx, rx).bits, 0);
	assert_int_equal(peeps_link(PEEPS_EDGE_RPC_LINK, none, rx).bits, 0);
	assert_int_equal(peeps_link(PEEPS_EDGE_RPC_LINK, tx, none).bits, 0);
	assert_int_equal(peeps_link(PEEPS_EDGE_HOLDS, tx,
				    (struct peeps_ref){ tx.bits + (UINT64_C(1) << 32) })
				 .bits,
			 0);
	assert_int_equal(peeps_link_at(PEEPS_EDGE_RPC_LINK, tx, rx, &other).bits, 0);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_EDGES), dropped);
}

static void peeps_unlink__null_stale_or_an_operation__is_harmless(void **state)
{
	const struct peeps_ref op = peeps_op_begin(none, PEEPS_OP_SEND, tx, 0);
	const struct peeps_ref over = (peeps_link)(PEEPS_EDGE_RPC_LINK, tx, rx);
	struct peeps_ref next[EDGES - 1];

	(void)state;
	assert_int_equal(slot_of(over)->origin & PEEPS_EDGE_SITE_MASK, 0);
	peeps_unlink(over);
	peeps_unlink(over);
	peeps_unlink(none);
	peeps_unlink(tx);
	peeps_unlink(op);
	assert_int_equal(slot_of(op)->status & PEEPS_EDGE_BYTE_MASK, PEEPS_STATE_ACTIVE);
	/* Given back once: no slot comes twice. */
	for (int i = 0; i < EDGES - 1; i++) {
		next[i] = peeps_link(PEEPS_EDGE_RPC_LINK, tx, rx);
		for (int j = 0; j < i; j++)
			assert_ptr_not_equal(slot_of(next[i]), slot_of(next[j]));
	}
	peeps_unlink(over);
	for (int i = 0; i < EDGES - 1; i++) {
		assert_int_equal(kind_of(slot_of(next[i])), PEEPS_EDGE_RPC_LINK);
		peeps_unlink(next[i]);
	}
	peeps_op_end(op, PEEPS_STATE_DONE);
}

static void peeps_link__full__null_and_counted(void **state)
{
	static const uint32_t kinds[] = { PEEPS_EDGE_RPC_LINK, PEEPS_EDGE_HOLDS };
	const uint64_t dropped = counted(PEEPS_COUNTER_DROPPED_EDGES);
	struct peeps_ref all[EDGES];

	(void)state;
	for (int i = 0; i < EDGES; i++)
		assert_int_not_equal((all[i] = peeps_link(kinds[i % 2], tx, rx)).bits, 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(peeps_link(kinds[i], tx, rx).bits, 0);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_EDGES), dropped + 2);
	for (int i = 0; i < EDGES; i++)
		peeps_unlink(all[i]);
	assert_int_not_equal((all[0] = peeps_link(kinds[1], tx, rx)).bits, 0);
	peeps_unlink(all[0]);
}

static void *unlink_it(void *argument)
{
	peeps_unlink(*(struct peeps_ref *)argument);
	return NULL;
}

static void peeps_unlink__on_another_thread__ends_it(void **state)
{
	struct peeps_ref link = peeps_link(PEEPS_EDGE_CHANNEL_LINK, tx, rx);
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, unlink_it, &link), 0);
	(void)pthread_join(thread, NULL);
	assert_int_equal(kind_of(slot_of(link)), PEEPS_EDGE_NONE);
}

static void peeps_link__in_a_forked_child__parents_reference_means_nothing(void **state)
{
	const struct peeps_ref link = peeps_link(PEEPS_EDGE_CHANNEL_LINK, tx, rx);
	int status = -1;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0) {
		struct peeps_ref mine;

		if (make_ends(NULL) != 0)
			_exit(1);
		mine = peeps_link(PEEPS_EDGE_CHANNEL_LINK, tx, rx);
		peeps_unlink(link);
		_exit(!edge_find(mine.bits) ||
		      kind_of(edge_find(mine.bits)) != PEEPS_EDGE_CHANNEL_LINK);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(kind_of(slot_of(link)), PEEPS_EDGE_CHANNEL_LINK);
	peeps_unlink(link);
}

static void peeps_link__any_call__leaves_errno_alone(void **state)
{
	(void)state;
	errno = ENOTTY;
	peeps_unlink(peeps_link(PEEPS_EDGE_CHANNEL_LINK, tx, rx));
	peeps_unlink(none);
	assert_int_equal(errno, ENOTTY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peeps_link__each_kind__edge_until_unlinked),
		cmocka_unit_test(peeps_link__holds__edge_that_says_lock_one_and_since_when),
		cmocka_unit_test(peeps_link__what_is_no_link__null),
		cmocka_unit_test(peeps_unlink__null_stale_or_an_operation__is_harmless),
		cmocka_unit_test(peeps_link__full__null_and_counted),
		cmocka_unit_test(peeps_unlink__on_another_thread__ends_it),
		cmocka_unit_test(peeps_link__in_a_forked_child__parents_reference_means_nothing),
		cmocka_unit_test(peeps_link__any_call__leaves_errno_alone),
	};

	return cmocka_run_group_tests(tests, make_ends, NULL);
}
