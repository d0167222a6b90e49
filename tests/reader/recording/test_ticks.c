/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "reader/recording/ticks.h"

#define START UINT64_C(5000)

static struct peeps_ticks ticks(uint64_t interval_ns, uint64_t time_ns)
{
	return (struct peeps_ticks){ .start_ns = START,
				     .interval_ns = interval_ns,
				     .time_ns = time_ns };
}

static void ticks__each_done_in_time__are_at_a_fixed_rate(void **state)
{
	struct peeps_ticks t = ticks(100, 1000);
	uint64_t due_ns = START, count = 1;

	(void)state;
	while (peeps_ticks_next(&t, due_ns + 7, &due_ns)) {
		assert_int_equal(due_ns, START + 100 * count);
		count++;
	}
	assert_int_equal(count, 10);
	assert_int_equal(t.missed, 0);
}

static void ticks__one_takes_long__those_in_between_are_missed_and_not_made_up_for(void **state)
{
	struct peeps_ticks t = ticks(100, 0);
	uint64_t due_ns = 0;

	(void)state;
	assert_true(peeps_ticks_next(&t, START + 350, &due_ns)); /* 100, 200, 300 have passed */
	assert_int_equal(due_ns, START + 400);
	assert_int_equal(t.missed, 3);
	assert_true(peeps_ticks_next(&t, START + 450, &due_ns));
	assert_int_equal(due_ns, START + 500);
	assert_int_equal(t.missed, 3);
}

static void ticks__done_when_the_next_is_due__that_one_is_missed(void **state)
{
	struct peeps_ticks t = ticks(100, 0);
	uint64_t due_ns = 0;

	(void)state;
	assert_true(peeps_ticks_next(&t, START + 100, &due_ns));
	assert_int_equal(due_ns, START + 200);
	assert_int_equal(t.missed, 1);
}

static void ticks__time_over__what_would_come_after_it_was_not_missed(void **state)
{
	struct peeps_ticks t = ticks(100, 250); /* at 0, 100, 200 */
	uint64_t due_ns = 0;

	(void)state;
	assert_false(peeps_ticks_next(&t, START + 10000, &due_ns));
	assert_int_equal(t.missed, 2);
	t = ticks(100, 100);
	assert_false(peeps_ticks_next(&t, START + 1, &due_ns));
	assert_int_equal(t.missed, 0);
}

static void ticks__further_apart_than_time_can_tell__is_the_last(void **state)
{
	struct peeps_ticks t = ticks(UINT64_MAX, 0);
	uint64_t due_ns = 0;

	(void)state;
	assert_false(peeps_ticks_next(&t, START + 1, &due_ns));
	assert_int_equal(t.missed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ticks__each_done_in_time__are_at_a_fixed_rate),
		cmocka_unit_test(
			ticks__one_takes_long__those_in_between_are_missed_and_not_made_up_for),
		cmocka_unit_test(ticks__done_when_the_next_is_due__that_one_is_missed),
		cmocka_unit_test(ticks__time_over__what_would_come_after_it_was_not_missed),
		cmocka_unit_test(ticks__further_apart_than_time_can_tell__is_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
