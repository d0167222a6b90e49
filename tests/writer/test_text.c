/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include <string.h>

#include "writer/text.h"

static const struct rest nobody_looks = { .over = true };

static int empty(void **state)
{
	(void)state;
	return text_init() ? 0 : -1;
}

static uint32_t index_of(uint64_t ref)
{
	return (uint32_t)(ref & PEEPS_REF_INDEX_MASK);
}

static uint64_t generation_of(uint64_t ref)
{
	return ref >> PEEPS_REF_GENERATION_SHIFT & PEEPS_REF_GENERATION_MASK;
}

static void text_put__lengths_around_each_class__as_many_granules_as_needed(void **state)
{
	static const struct {
		size_t length;
		uint32_t granules;
	} rows[] = { { 0, 1 }, { 1, 1 }, { 24, 1 }, { 25, 2 }, { 56, 2 }, { 57, 4 }, { 120, 4 }, { 121, 8 } };
	char text[256];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint64_t ref = text_put(text, rows[i].length);
		const uint64_t after = text_put("x", 1);

		assert_int_equal(ref >> PEEPS_REF_SPACE_SHIFT, PEEPS_SPACE_TEXT);
		assert_int_equal(text_head_at(ref)->length, rows[i].length);
		assert_memory_equal(text_at(ref), text, rows[i].length);
		if (index_of(after) - index_of(ref) != rows[i].granules)
			fail_msg("length %zu: %u granules", rows[i].length,
				 index_of(after) - index_of(ref));
		assert_true(segment_section(PEEPS_SECTION_TEXT)->high_water > index_of(after));
	}
}

static void text_put__place_given_back__same_place_next_generation(void **state)
{
	const uint64_t first = text_put("first", 5);
	uint64_t second;

	(void)state;
	text_give(first, nobody_looks);
	second = text_put("2nd", 3);
	assert_int_equal(index_of(first), index_of(second));
	assert_int_equal(generation_of(second), generation_of(first) + 1);
	assert_text(second, "2nd");
	/* a stale reference is recognized */
	assert_int_not_equal(text_head_at(first)->generation, generation_of(first));
}

static void text_put__place_of_another_class__is_not_taken(void **state)
{
	const uint64_t small = text_put("small", 5);
	uint64_t large;

	(void)state;
	text_give(small, nobody_looks);
	large = text_put("much longer than one granule has room for", 41);
	assert_int_not_equal(index_of(small), index_of(large));
	assert_int_equal(index_of(text_put("small", 5)), index_of(small));
}

static void text_put__place_rests_while_a_cut_looks__bytes_stay(void **state)
{
	const uint64_t first = text_put("looked at", 9);

	(void)state;
	(void)start_cut();
	text_give(first, (struct rest){ .epoch = peeps_segment.control->epoch });
	assert_int_not_equal(index_of(text_put("another", 7)), index_of(first));
	assert_text(first, "looked at");
	stop_cut();
	assert_int_equal(index_of(text_put("another", 7)), index_of(first));
}

static void text_put__no_room__is_0_and_counted(void **state)
{
	const uint64_t dropped = counted(PEEPS_COUNTER_DROPPED_TEXT);
	uint64_t refs[200];
	int count = 0;

	(void)state;
	while ((refs[count] = text_put("something", 9)) != 0)
		assert_true(++count < 200);
	assert_int_equal(count, 4096 / PEEPS_TEXT_GRANULE);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_TEXT), dropped + 1);
	text_give(0, nobody_looks); /* nothing to give back */
	text_give(refs[5], nobody_looks);
	assert_int_equal(index_of(text_put("again", 5)), index_of(refs[5]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(text_put__lengths_around_each_class__as_many_granules_as_needed,
				       empty),
		cmocka_unit_test_setup(text_put__place_given_back__same_place_next_generation, empty),
		cmocka_unit_test_setup(text_put__place_of_another_class__is_not_taken, empty),
		cmocka_unit_test_setup(text_put__place_rests_while_a_cut_looks__bytes_stay, empty),
		cmocka_unit_test_setup(text_put__no_room__is_0_and_counted, empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
