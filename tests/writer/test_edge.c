/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include <pthread.h>

#include "writer/edge.h"
#include "writer/update.h"

#define EDGES 8 /* of PEEPS_CAPACITY */

static const struct rest nobody_looks = { .over = true };
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

static uint64_t live(struct peeps_edge_slot *slot)
{
	const void *const slots[1] = { slot };
	struct update update;

	assert_true(update_begin(&update, self, slots, 1));
	peeps_edge_touch(slot, update.epoch, update.record);
	slot->status = edge_next_life(slot) | (uint64_t)PEEPS_EDGE_RPC_LINK
						      << PEEPS_EDGE_KIND_SHIFT;
	update_end(&update);
	return edge_ref(slot);
}

static void edge_find__life_after_life__finds_the_present_one_alone(void **state)
{
	struct peeps_edge_slot *const slot = edge_take();
	const uint64_t first = live(slot);
	uint64_t second;

	(void)state;
	assert_int_equal(first >> PEEPS_REF_SPACE_SHIFT, PEEPS_SPACE_EDGE);
	assert_int_equal(first & PEEPS_REF_INDEX_MASK, edge_index(slot));
	assert_ptr_equal(edge_at(edge_index(slot)), slot);
	assert_ptr_equal(edge_find(first), slot);
	edge_write_nothing(slot);
	assert_ptr_equal(edge_find(first), slot); /* its life goes on */
	assert_int_equal(slot->status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK,
			 PEEPS_EDGE_NONE);
	second = live(slot);
	assert_int_not_equal(first, second);
	assert_null(edge_find(first));
	assert_ptr_equal(edge_find(second), slot);
	edge_give(slot, nobody_looks);
}

static void edge_find__what_names_no_edge__null(void **state)
{
	struct peeps_edge_slot *const slot = edge_take();
	const uint64_t space = (uint64_t)PEEPS_SPACE_EDGE << PEEPS_REF_SPACE_SHIFT;
	uint64_t ref;

	(void)state;
	assert_int_equal(edge_life(slot), 0);
	assert_null(edge_find(space | edge_index(slot))); /* it never lived */
	ref = live(slot);
	assert_null(edge_find(0));
	assert_null(edge_find(UINT64_MAX));
	assert_null(edge_find(self->actor));
	assert_null(edge_find((ref & ~PEEPS_REF_INDEX_MASK) |
			      segment_section(PEEPS_SECTION_EDGES)->high_water));
	edge_give(slot, nobody_looks);
}

static void edge_next_life__last_generation__goes_round_past_0(void **state)
{
	struct peeps_edge_slot *const slot = edge_take();

	(void)state;
	slot->status = PEEPS_REF_GENERATION_MASK << PEEPS_STATUS_GENERATION_SHIFT;
	assert_int_equal(edge_next_life(slot), UINT64_C(1) << PEEPS_STATUS_GENERATION_SHIFT);
	edge_give(slot, nobody_looks);
}

static void edge_take__given_back__oldest_comes_first_and_only_when_none_is_fresh(void **state)
{
	struct peeps_edge_slot *all[EDGES];

	(void)state;
	for (int i = 0; i < EDGES; i++) {
		all[i] = edge_take();
		assert_non_null(all[i]);
	}
	assert_null(edge_take());
	for (int i = 0; i < EDGES; i++)
		edge_give(all[(i * 3) % EDGES], nobody_looks);
	for (int i = 0; i < EDGES; i++)
		assert_ptr_equal(edge_take(), all[(i * 3) % EDGES]);
	for (int i = 0; i < EDGES; i++)
		edge_give(all[i], nobody_looks);
}

static void edge_retire__a_link__is_nothing_and_rests_while_a_cut_looks(void **state)
{
	struct peeps_edge_slot *const slot = edge_take();
	const uint64_t ref = live(slot);
	sigset_t mask;
	struct peeps_edge_slot *other;

	(void)state;
	(void)start_cut();
	process_lock(&mask);
	assert_true(edge_retire(slot, self));
	process_unlock(&mask);
	assert_int_equal(slot->status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK,
			 PEEPS_EDGE_NONE);
	assert_int_equal(slot->shadow[0] >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK,
			 PEEPS_EDGE_RPC_LINK);
	assert_ptr_equal(edge_find(ref), slot);
	for (int i = 0; i < 2 * EDGES; i++) {
		other = edge_take();
		assert_ptr_not_equal(other, slot);
		edge_give(other, nobody_looks);
	}
	stop_cut();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edge_find__life_after_life__finds_the_present_one_alone),
		cmocka_unit_test(edge_find__what_names_no_edge__null),
		cmocka_unit_test(edge_next_life__last_generation__goes_round_past_0),
		cmocka_unit_test(
			edge_take__given_back__oldest_comes_first_and_only_when_none_is_fresh),
		cmocka_unit_test(edge_retire__a_link__is_nothing_and_rests_while_a_cut_looks),
	};

	return cmocka_run_group_tests(tests, enter_first, leave_again);
}
