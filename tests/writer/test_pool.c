/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include "writer/pool.h"

/* Over a section that nothing else uses yet. */
static struct pool pool;

static int make_pool(void **state)
{
	(void)state;
	return pool_init(&pool, PEEPS_SECTION_SCOPES) ? 0 : -1;
}

static const struct rest nobody_looks = { .over = true };

static void pool_take__fresh__rows_in_order_below_the_mark(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2000; i++) {
		assert_int_equal(pool_take(&pool), i);
		assert_true(segment_section(PEEPS_SECTION_SCOPES)->high_water > i);
	}
	assert_true(peeps_segment.reserved[PEEPS_SECTION_SCOPES] >=
		    2000 * sizeof(struct peeps_scope_row));
}

static void pool_take__row_given_back__comes_again(void **state)
{
	uint32_t rows[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		rows[i] = pool_take(&pool);
	pool_give(&pool, rows[1], nobody_looks);
	assert_int_equal(pool_take(&pool), rows[1]);
	assert_int_equal(pool_take(&pool), 3);
}

static void pool_take__row_rests_while_a_cut_looks__another_one_comes(void **state)
{
	const uint32_t row = pool_take(&pool);

	(void)state;
	(void)start_cut();
	pool_give(&pool, row, (struct rest){ .epoch = peeps_segment.control->epoch });
	assert_int_equal(pool_take(&pool), row + 1);
	assert_int_equal(pool_take(&pool), row + 2);
	stop_cut();
	assert_int_equal(pool_take(&pool), row);
}

static void pool_take__rows_rest_in_two_epochs__the_older_comes_when_its_cut_is_over(void **state)
{
	const uint32_t first = pool_take(&pool), second = pool_take(&pool);

	(void)state;
	(void)start_cut();
	pool_give(&pool, first, (struct rest){ .epoch = peeps_segment.control->epoch });
	(void)start_cut(); /* the next reader's */
	pool_give(&pool, second, (struct rest){ .epoch = peeps_segment.control->epoch });
	assert_int_equal(pool_take(&pool), first);
	assert_int_equal(pool_take(&pool), second + 1);
	stop_cut();
	assert_int_equal(pool_take(&pool), second);
}

static void pool_take__last_row_rests__comes_when_the_cut_is_over(void **state)
{
	const uint64_t capacity = segment_section(PEEPS_SECTION_SCOPES)->capacity;

	(void)state;
	for (uint64_t i = 0; i < capacity; i++)
		(void)pool_take(&pool);
	(void)start_cut();
	pool_give(&pool, 5, (struct rest){ .epoch = peeps_segment.control->epoch });
	assert_int_equal(pool_take(&pool), POOL_NONE);
	assert_true(pool_may_have(&pool)); /* nobody will say when */
	stop_cut();
	assert_int_equal(pool_take(&pool), 5);
	assert_int_equal(pool_take(&pool), POOL_NONE);
	assert_false(pool_may_have(&pool));
}

static struct pool keeping = { .keep = 3 };

static void pool_take__rows_are_kept__fresh_ones_first_and_then_the_oldest(void **state)
{
	const uint32_t capacity = (uint32_t)segment_section(PEEPS_SECTION_SCOPES)->capacity;
	uint32_t row;

	(void)state;
	assert_true(pool_init(&keeping, PEEPS_SECTION_SCOPES));
	for (uint32_t i = 0; i < 100;
	     i++) { /* one at a time: three stay free, and the fourth is used */
		row = pool_take(&keeping);
		assert_int_equal(row, i % 4);
		pool_give(&keeping, row, nobody_looks);
	}
	for (uint32_t i = 0; i < 4; i++) { /* more at once: fresh ones, until there are no more */
		row = pool_take(&keeping);
		assert_int_equal(row, i == 0 ? 0 : 3 + i);
	}
	for (uint32_t i = 7; i < capacity; i++)
		assert_int_equal(pool_take(&keeping), i);
	for (uint32_t i = 1; i < 4; i++)
		assert_int_equal(pool_take(&keeping), i);
	assert_int_equal(pool_take(&keeping), POOL_NONE);
	pool_give(&keeping, 9, nobody_looks);
	assert_int_equal(pool_take(&keeping), 9);
	pool_give(&keeping, 2, nobody_looks);
	pool_give(&keeping, 1, nobody_looks);
	assert_int_equal(pool_take(&keeping), 2);
}

static void pool_take__all_taken__is_none_until_one_is_given_back(void **state)
{
	const uint64_t capacity = segment_section(PEEPS_SECTION_SCOPES)->capacity;

	(void)state;
	for (uint64_t i = 0; i < capacity; i++)
		assert_int_equal(pool_take(&pool), i);
	assert_true(pool_may_have(&pool));
	assert_int_equal(pool_take(&pool), POOL_NONE);
	assert_false(pool_may_have(&pool));
	assert_int_equal(pool_take(&pool), POOL_NONE);
	pool_give(&pool, 77, nobody_looks);
	assert_true(pool_may_have(&pool));
	assert_int_equal(pool_take(&pool), 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(pool_take__fresh__rows_in_order_below_the_mark, make_pool),
		cmocka_unit_test_setup(pool_take__row_given_back__comes_again, make_pool),
		cmocka_unit_test_setup(pool_take__row_rests_while_a_cut_looks__another_one_comes,
				       make_pool),
		cmocka_unit_test_setup(
			pool_take__rows_rest_in_two_epochs__the_older_comes_when_its_cut_is_over,
			make_pool),
		cmocka_unit_test_setup(pool_take__last_row_rests__comes_when_the_cut_is_over,
				       make_pool),
		cmocka_unit_test(pool_take__rows_are_kept__fresh_ones_first_and_then_the_oldest),
		cmocka_unit_test_setup(pool_take__all_taken__is_none_until_one_is_given_back,
				       make_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
