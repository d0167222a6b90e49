/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include "writer/hold.h"

#define RESOURCE UINT64_C(0x1000000500000007)
#define ACTOR    UINT64_C(0x1000000100000003)
#define EDGES    8 /* of PEEPS_CAPACITY */

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

static const struct hold_new three_permits = {
	.resource = RESOURCE, .actor = ACTOR, .role = PEEPS_HOLD_ROLE_PERMIT, .count = 3, .site = 5
};

static struct hold make(const struct hold_new *new)
{
	struct hold hold;

	assert_true(hold_make(&hold, self, new));
	assert_true(hold_is_made(&hold));
	return hold;
}

static void begin(struct update *update, const struct hold *hold)
{
	const void *const slots[1] = { hold->slot };

	assert_true(update_begin(update, self, slots, 1));
	peeps_edge_touch(hold->slot, update->epoch, update->record);
}

static uint64_t status_bits(const struct hold *hold, int shift, uint64_t mask)
{
	return hold->slot->status >> shift & mask;
}

static uint64_t sequence(const struct hold *hold)
{
	return hold->slot->wait >> PEEPS_EDGE_WAIT_SEQUENCE_SHIFT;
}

static void hold_make__some_of_it__edge_says_who_holds_how_much_since_when(void **state)
{
	const uint64_t before = segment_ptime_ns();
	struct hold hold = make(&three_permits);
	const struct peeps_edge_slot *const slot = hold.slot;

	(void)state;
	assert_int_equal(status_bits(&hold, PEEPS_EDGE_KIND_SHIFT, PEEPS_EDGE_BYTE_MASK),
			 PEEPS_EDGE_HOLDS);
	assert_int_equal(status_bits(&hold, PEEPS_HOLD_ROLE_SHIFT, PEEPS_HOLD_NIBBLE_MASK),
			 PEEPS_HOLD_ROLE_PERMIT);
	assert_int_equal(status_bits(&hold, PEEPS_HOLD_MODE_SHIFT, PEEPS_HOLD_NIBBLE_MASK),
			 PEEPS_HOLD_MODE_NONE);
	assert_int_equal(slot->src, RESOURCE);
	assert_int_equal(slot->dst, ACTOR);
	assert_int_equal(hold_count(&hold), 3);
	assert_true(slot->pending_since_ns >= before); /* no tick runs: the clock's own */
	assert_int_equal(slot->origin >> PEEPS_EDGE_REASON_SHIFT, PEEPS_HOLD_EXACT);
	assert_int_equal(slot->origin & PEEPS_EDGE_SITE_MASK, 5);
	hold_end(&hold, self);
	assert_false(hold_is_made(&hold));
	assert_int_equal(slot->status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK,
			 PEEPS_EDGE_NONE);
	hold_end(&hold, self);
}

static void hold_write_more__from_something_and_from_nothing__the_latter_is_a_hold_of_its_own(
	void **state)
{
	struct hold hold = make(&three_permits);
	const uint64_t first = sequence(&hold);
	const uint64_t since = hold.slot->pending_since_ns;
	struct update update;

	(void)state;
	begin(&update, &hold);
	hold_write_more(&hold, 2, since + 10, false, 6);
	assert_int_equal(hold_count(&hold), 5);
	assert_int_equal(sequence(&hold), first);
	assert_int_equal(hold.slot->pending_since_ns, since);
	hold_write_less(&hold, 5);
	assert_int_equal(hold_count(&hold), 0);
	assert_int_equal(sequence(&hold), first);
	hold_write_more(&hold, 1, since + 20, false, 7);
	update_end(&update);
	assert_int_equal(hold_count(&hold), 1);
	assert_int_equal(sequence(&hold), first + 1);
	assert_int_equal(hold.slot->pending_since_ns, since + 20);
	assert_int_equal(hold.slot->origin, 7); /* of a tick: not exact */
	hold_end(&hold, self);
}

static void hold_write_owner__another_actor__same_role_and_another_hold(void **state)
{
	const struct hold_new handle = { .resource = RESOURCE,
					 .actor = ACTOR,
					 .role = PEEPS_HOLD_ROLE_SENDER,
					 .mode = PEEPS_HOLD_MODE_CREATOR,
					 .count = 1 };
	struct hold hold = make(&handle);
	const uint64_t first = sequence(&hold), ref = edge_ref(hold.slot);
	struct update update;

	(void)state;
	begin(&update, &hold);
	hold_write_owner(&hold, ACTOR + 1, PEEPS_HOLD_MODE_OWNER, 99, true, 8);
	update_end(&update);
	assert_int_equal(hold.slot->dst, ACTOR + 1);
	assert_int_equal(status_bits(&hold, PEEPS_HOLD_ROLE_SHIFT, PEEPS_HOLD_NIBBLE_MASK),
			 PEEPS_HOLD_ROLE_SENDER);
	assert_int_equal(status_bits(&hold, PEEPS_HOLD_MODE_SHIFT, PEEPS_HOLD_NIBBLE_MASK),
			 PEEPS_HOLD_MODE_OWNER);
	assert_int_equal(hold_count(&hold), 1);
	assert_int_equal(sequence(&hold), first + 1);
	assert_int_equal(hold.slot->pending_since_ns, 99);
	assert_int_equal(edge_ref(hold.slot), ref);
	hold_end(&hold, self);
}

static void hold_stamp__tick__is_the_tick_and_not_exact(void **state)
{
	bool exact;

	(void)state;
	peeps_segment.control->tick_ns = 4711;
	assert_int_equal(hold_stamp(&exact), 4711);
	assert_false(exact);
	peeps_segment.control->tick_ns = 0;
	assert_int_not_equal(hold_stamp(&exact), 4711);
	assert_true(exact);
}

static void hold_make__full__refused_and_counted(void **state)
{
	const uint64_t dropped = counted(PEEPS_COUNTER_DROPPED_EDGES);
	struct hold all[EDGES], more = { .slot = (void *)1 };

	(void)state;
	for (int i = 0; i < EDGES; i++)
		all[i] = make(&three_permits);
	assert_false(hold_make(&more, self, &three_permits));
	assert_false(hold_is_made(&more));
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_EDGES), dropped + 1);
	for (int i = 0; i < EDGES; i++)
		hold_end(&all[i], self);
}

static void hold_end__another_process_made_it__is_left(void **state)
{
	struct hold hold = make(&three_permits);
	struct hold parents = hold;

	(void)state;
	parents.generation -= 2;
	assert_false(hold_is_made(&parents));
	hold_end(&parents, self);
	assert_int_equal(hold_count(&hold), 3);
	assert_int_equal(status_bits(&hold, PEEPS_EDGE_KIND_SHIFT, PEEPS_EDGE_BYTE_MASK),
			 PEEPS_EDGE_HOLDS);
	hold_end(&hold, self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hold_make__some_of_it__edge_says_who_holds_how_much_since_when),
		cmocka_unit_test(
			hold_write_more__from_something_and_from_nothing__the_latter_is_a_hold_of_its_own),
		cmocka_unit_test(hold_write_owner__another_actor__same_role_and_another_hold),
		cmocka_unit_test(hold_stamp__tick__is_the_tick_and_not_exact),
		cmocka_unit_test(hold_make__full__refused_and_counted),
		cmocka_unit_test(hold_end__another_process_made_it__is_left),
	};

	return cmocka_run_group_tests(tests, enter_first, leave_again);
}
