/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include <string.h>

#include "writer/entity.h"

static struct interned *get(const char *text)
{
	return intern_get(text, strlen(text));
}

static struct peeps_entity_slot *make(const struct entity_new *entity)
{
	struct self *const self = enter();
	struct peeps_entity_slot *slot;
	sigset_t mask;

	process_lock(&mask);
	slot = entity_make(self, entity);
	process_unlock(&mask);
	self_leave(self);
	return slot;
}

static void retire(struct peeps_entity_slot *slot)
{
	struct self *const self = enter();
	sigset_t mask;

	process_lock(&mask);
	entity_retire(self, slot);
	process_unlock(&mask);
	self_leave(self);
}

static uint64_t life_of(const struct peeps_entity_slot *slot)
{
	return slot->status & PEEPS_STATUS_LIFE_MASK;
}

static void entity_make__all_given__slot_says_so(void **state)
{
	struct interned *const name = get("entity");
	const struct entity_new new = { .kind = PEEPS_KIND_MUTEX,
					.traits = PEEPS_MUTEX_TYPE_RECURSIVE << PEEPS_MUTEX_TYPE_SHIFT,
					.body = { 1, 2, 3, 4, 5, 6 },
					.name = name,
					.site = 9,
					.creator = 4711 };
	struct peeps_entity_slot *const slot = make(&new);

	(void)state;
	assert_non_null(slot);
	assert_int_equal(life_of(slot), PEEPS_LIFE_LIVE);
	assert_int_equal(slot->status & PEEPS_STATUS_KIND_BITS_MASK, new.traits);
	assert_memory_equal(slot->body, new.body, sizeof(new.body));
	assert_int_equal(slot->kind & 0xffff, PEEPS_KIND_MUTEX);
	assert_int_equal(slot->identity, entity_ref(slot));
	assert_int_equal(slot->identity >> PEEPS_REF_SPACE_SHIFT, PEEPS_SPACE_ENTITY);
	assert_ptr_equal(entity_at(slot->identity), slot);
	assert_text(slot->name, "entity");
	assert_int_equal(slot->site, 9);
	assert_int_equal(slot->creator, 4711);
	assert_int_not_equal(slot->created_ns, 0);
	assert_int_equal(slot->epoch, peeps_segment.control->epoch);
	retire(slot);
	assert_int_equal(life_of(slot), PEEPS_LIFE_RETIRED);
}

static void entity_make__slot_of_a_retired_one__next_generation(void **state)
{
	const struct entity_new new = { .kind = PEEPS_KIND_MUTEX };
	struct peeps_entity_slot *const first = make(&new);
	const uint64_t ref = entity_ref(first);
	struct peeps_entity_slot *second;

	(void)state;
	retire(first);
	second = make(&new);
	assert_ptr_equal(first, second);
	assert_int_equal(entity_ref(second),
			 ref + (UINT64_C(1) << PEEPS_REF_GENERATION_SHIFT));
	retire(second);
}

static void entity_make__three_of_one_name__numbered(void **state)
{
	struct interned *const name = get("three");
	const struct entity_new new = { .kind = PEEPS_KIND_MUTEX, .name = name };
	struct peeps_entity_slot *slots[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		slots[i] = make(&new);
	assert_int_equal(slots[0]->kind >> 32, 0);
	assert_int_equal(slots[1]->kind >> 32, 2);
	assert_int_equal(slots[2]->kind >> 32, 3);
	assert_int_equal(name->lives, 3);
	for (int i = 0; i < 3; i++)
		retire(slots[i]);
	assert_int_equal(name->lives, 0);
}

/* A cut that copies still finds the old life: in the slot, or in its shadow; the slot is not used again meanwhile. */
static void entity_retire__while_a_cut_looks__old_life_is_in_the_shadow(void **state)
{
	const struct entity_new new = { .kind = PEEPS_KIND_MUTEX, .body = { 7 } };
	struct peeps_entity_slot *const slot = make(&new);
	const uint64_t status = slot->status;
	struct peeps_entity_slot *other;

	(void)state;
	(void)start_cut();
	retire(slot);
	assert_int_equal(slot->epoch, peeps_segment.control->epoch);
	assert_int_equal(slot->shadow[0], status);
	assert_int_equal(slot->shadow[1], 7);
	assert_int_equal(life_of(slot), PEEPS_LIFE_RETIRED);
	other = make(&new);
	assert_ptr_not_equal(other, slot);
	stop_cut();
	retire(other);
}

static void entity_make__no_room__is_null_and_counted(void **state)
{
	const struct entity_new new = { .kind = PEEPS_KIND_MUTEX };
	const uint64_t dropped = counted(PEEPS_COUNTER_DROPPED_ENTITIES);
	struct peeps_entity_slot *slots[64];
	int count = 0;

	(void)state;
	while ((slots[count] = make(&new)))
		assert_true(++count < 64);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_ENTITIES), dropped + 1);
	assert_false(entity_room());
	assert_int_equal(segment_section(PEEPS_SECTION_ENTITIES)->high_water, 64);
	while (count > 0)
		retire(slots[--count]);
	assert_true(entity_room());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entity_make__all_given__slot_says_so),
		cmocka_unit_test(entity_make__slot_of_a_retired_one__next_generation),
		cmocka_unit_test(entity_make__three_of_one_name__numbered),
		cmocka_unit_test(entity_retire__while_a_cut_looks__old_life_is_in_the_shadow),
		cmocka_unit_test(entity_make__no_room__is_null_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
