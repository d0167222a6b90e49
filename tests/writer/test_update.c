/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include <string.h>

#include "writer/update.h"

/* Slots that nothing else uses: the last ones of their sections. */
static struct peeps_entity_slot *slot(int i)
{
	return segment_row(PEEPS_SECTION_ENTITIES,
			   segment_section(PEEPS_SECTION_ENTITIES)->capacity - 1 - (uint64_t)i);
}

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

static unsigned int declared(void)
{
	return (unsigned int)(self->record->write_set[0] & PEEPS_WRITE_SET_COUNT_MASK);
}

static void expect_declared(unsigned int i, const void *what)
{
	assert_int_equal(self->record->write_set[i] & ~PEEPS_WRITE_SET_COUNT_MASK,
			 peeps_slot_offset(peeps_segment.control, what));
}

static void update__three_slots__declared_while_it_lasts(void **state)
{
	const void *const slots[3] = { slot(0), slot(1), slot(2) };
	const uint64_t txn = self->record->txn;
	struct update update;

	(void)state;
	assert_true(update_begin(&update, self, slots, 3));
	assert_int_equal(self->record->txn, txn + 1);
	assert_int_equal(txn & 1, 0);
	assert_int_equal(declared(), 3);
	for (unsigned int i = 0; i < 3; i++)
		expect_declared(i, slots[i]);
	assert_int_equal(update.epoch, peeps_segment.control->epoch);
	update_end(&update);
	assert_int_equal(self->record->txn, txn + 2);
	assert_int_equal(self->record->stack, 0);
}

static void update__no_slot__declares_none(void **state)
{
	const uint64_t txn = self->record->txn;
	struct update update;

	(void)state;
	assert_true(update_begin(&update, self, NULL, 0));
	assert_int_equal(self->record->txn, txn + 1);
	assert_int_equal(self->record->write_set[0], 0);
	update_end(&update);
	assert_int_equal(self->record->txn, txn + 2);
}

static void update__handler_with_another_slot__adds_to_the_write_set_and_takes_it_back(void **state)
{
	const void *const outer_slots[1] = { slot(0) };
	const void *const inner_slots[2] = { slot(1), slot(2) };
	struct update outer, inner;
	uint64_t txn;

	(void)state;
	assert_true(update_begin(&outer, self, outer_slots, 1));
	txn = self->record->txn;
	/* the handler's: a frame below */
	self->stack -= 256;
	assert_true(update_begin(&inner, self, inner_slots, 2));
	assert_int_equal(inner.kind, UPDATE_NESTED);
	assert_int_equal(self->record->txn, txn); /* one section, for a reader that waits */
	assert_int_equal(declared(), 3);
	expect_declared(0, slot(0));
	expect_declared(1, slot(1));
	expect_declared(2, slot(2));
	update_end(&inner);
	assert_int_equal(declared(), 1);
	expect_declared(0, slot(0));
	self->stack += 256;
	update_end(&outer);
	assert_int_equal(self->record->txn, txn + 1);
}

static void update__handler_in_a_later_epoch__has_its_own(void **state)
{
	const void *const outer_slots[1] = { slot(0) };
	const void *const inner_slots[1] = { slot(1) };
	struct update outer, inner;

	(void)state;
	assert_true(update_begin(&outer, self, outer_slots, 1));
	(void)start_cut();
	self->stack -= 256;
	assert_true(update_begin(&inner, self, inner_slots, 1));
	assert_int_equal(inner.epoch, outer.epoch + 1);
	update_end(&inner);
	self->stack += 256;
	update_end(&outer);
	stop_cut();
}

static void update__handler_with_a_slot_of_the_outer_section__refused_and_counted(void **state)
{
	const void *const outer_slots[2] = { slot(0), slot(1) };
	const void *const same[1] = { slot(1) };
	const uint64_t nested = counted(PEEPS_COUNTER_DROPPED_NESTED);
	struct update outer, inner;

	(void)state;
	assert_true(update_begin(&outer, self, outer_slots, 2));
	self->stack -= 256;
	assert_false(update_begin(&inner, self, same, 1));
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_NESTED), nested + 1);
	assert_int_equal(declared(), 2);
	self->stack += 256;
	update_end(&outer);
}

static void update__handler_with_more_slots_than_there_is_room_for__refused_and_counted(
	void **state)
{
	const void *const outer_slots[2] = { slot(0), slot(1) };
	const void *const inner_slots[2] = { slot(2), slot(3) };
	const uint64_t nested = counted(PEEPS_COUNTER_DROPPED_NESTED);
	struct update outer, inner;

	(void)state;
	assert_true(update_begin(&outer, self, outer_slots, 2));
	self->stack -= 256;
	assert_false(update_begin(&inner, self, inner_slots, 2));
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_NESTED), nested + 1);
	assert_true(update_begin(&inner, self, inner_slots, 1));
	update_end(&inner);
	self->stack += 256;
	update_end(&outer);
}

static void update__outer_section_left_by_siglongjmp__torn_and_begun_anew(void **state)
{
	const void *const slots[1] = { slot(0) };
	const uint64_t torn = counted(PEEPS_COUNTER_TORN);
	struct update lost, update;
	uint64_t txn;

	(void)state;
	self->stack -= 256; /* a frame that is gone soon */
	assert_true(update_begin(&lost, self, slots, 1));
	txn = self->record->txn;
	self->stack += 256;
	assert_true(update_begin(&update, self, slots, 1));
	assert_int_equal(update.kind, UPDATE_PLAIN);
	assert_int_equal(counted(PEEPS_COUNTER_TORN), torn + 1);
	assert_int_equal(self->record->txn, txn + 2);
	update_end(&update);
	assert_int_equal(self->record->txn & 1, 0);
}

static void touch__first_write_after_a_cut__shadow_has_what_was(void **state)
{
	struct peeps_entity_slot *const entity = slot(5);
	const void *const slots[1] = { entity };
	struct update update;

	(void)state;
	for (uint64_t round = 1; round < 4; round++) {
		assert_true(update_begin(&update, self, slots, 1));
		peeps_entity_touch(entity, update.epoch, update.record);
		for (int i = 0; i < PEEPS_BODY_WORDS; i++)
			entity->body[i] = round * 10 + (uint64_t)i;
		update_end(&update);
		assert_int_equal(entity->epoch, peeps_segment.control->epoch);
		(void)start_cut();
		assert_true(update_begin(&update, self, slots, 1));
		peeps_entity_touch(entity, update.epoch, update.record);
		entity->body[0] = 99;
		peeps_entity_touch(entity, update.epoch, update.record); /* once a cut */
		update_end(&update);
		for (int i = 0; i < PEEPS_BODY_WORDS; i++)
			assert_int_equal(entity->shadow[1 + i], round * 10 + (uint64_t)i);
		stop_cut();
	}
}

static void touch__edge__details_are_kept_too(void **state)
{
	struct peeps_edge_slot *const edge = segment_row(
		PEEPS_SECTION_EDGES, segment_section(PEEPS_SECTION_EDGES)->capacity - 1);
	const void *const slots[1] = { edge };
	struct update update;

	(void)state;
	edge->status = 5;
	edge->details[2] = 77;
	(void)start_cut();
	assert_true(update_begin(&update, self, slots, 1));
	peeps_edge_touch(edge, update.epoch, update.record);
	edge->details[2] = 78;
	update_end(&update);
	assert_int_equal(edge->details_shadow[2], 77);
	assert_int_equal(edge->shadow[0], 5);
	stop_cut();
}

/* Only if somebody writes the control page against the rules. */
static void touch__slot_from_the_future__counted_and_left_alone(void **state)
{
	struct peeps_entity_slot *const entity = slot(6);
	const uint64_t violations = self->record->order_violations;

	(void)state;
	entity->epoch = peeps_segment.control->epoch + 5;
	peeps_entity_touch(entity, peeps_segment.control->epoch, self->record);
	assert_int_equal(entity->epoch, peeps_segment.control->epoch + 5);
	assert_int_equal(self->record->order_violations, violations + 1);
	entity->epoch = peeps_segment.control->epoch;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(update__three_slots__declared_while_it_lasts),
		cmocka_unit_test(update__no_slot__declares_none),
		cmocka_unit_test(
			update__handler_with_another_slot__adds_to_the_write_set_and_takes_it_back),
		cmocka_unit_test(update__handler_in_a_later_epoch__has_its_own),
		cmocka_unit_test(
			update__handler_with_a_slot_of_the_outer_section__refused_and_counted),
		cmocka_unit_test(
			update__handler_with_more_slots_than_there_is_room_for__refused_and_counted),
		cmocka_unit_test(update__outer_section_left_by_siglongjmp__torn_and_begun_anew),
		cmocka_unit_test(touch__first_write_after_a_cut__shadow_has_what_was),
		cmocka_unit_test(touch__edge__details_are_kept_too),
		cmocka_unit_test(touch__slot_from_the_future__counted_and_left_alone),
	};

	return cmocka_run_group_tests(tests, enter_first, leave_again);
}
