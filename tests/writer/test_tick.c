/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include <pthread.h>
#include <unistd.h>

#include "writer/tick.h"

static uint64_t tick_ns(void)
{
	return peeps_load_relaxed(&peeps_segment.control->tick_ns);
}

static void *register_me(void *unused)
{
	self_leave(enter());
	return unused;
}

static void tick__one_thread__does_not_run(void **state)
{
	(void)state;
	self_leave(enter());
	assert_false(tick_runs());
	assert_int_equal(tick_ns(), 0);
}

static void tick_or_reclaim__no_tick__reclaims(void **state)
{
	const struct interned **const gone = strings_come_and_go(100);

	(void)state;
	assert_false(are_reclaimed(gone));
	tick_or_reclaim();
	assert_true(are_reclaimed(gone));
}

static void tick__second_thread__runs_and_stamps(void **state)
{
	pthread_t thread;
	uint64_t first;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, register_me, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(tick_runs());
	first = tick_ns();
	assert_int_not_equal(first, 0);
	assert_int_not_equal(peeps_load_relaxed(&peeps_segment.control->tick_period_ns), 0);
	for (int i = 0; tick_ns() == first; i++) {
		assert_true(i < 3000);
		(void)usleep(1000);
	}
	assert_true(tick_ns() > first);
	assert_true(tick_ns() <= segment_ptime_ns());
}

/* While somebody looks, stamps come more often than ten times a second. */
static void tick__after_a_cut__runs_faster(void **state)
{
	uint64_t last = tick_ns();
	int changes = 0;

	(void)state;
	(void)start_cut();
	stop_cut();
	(void)usleep(150000);
	for (int i = 0; i < 100; i++) {
		(void)usleep(2000);
		changes += tick_ns() != last;
		last = tick_ns();
	}
	assert_true(changes > 10);
}

static void tick_or_reclaim__more_than_should_wait_for_the_tick__reclaims(void **state)
{
	const struct interned **const gone = strings_come_and_go(STRINGS_MAX);

	(void)state;
	assert_true(tick_runs());
	tick_or_reclaim();
	assert_true(are_reclaimed(gone));
}

static void tick_stop__main_thread_leaves__no_stamp_and_no_thread_any_more(void **state)
{
	(void)state;
	tick_stop();
	assert_false(tick_runs());
	assert_int_equal(tick_ns(), 0);
	tick_start(); /* never again */
	assert_false(tick_runs());
	tick_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tick__one_thread__does_not_run),
		cmocka_unit_test(tick_or_reclaim__no_tick__reclaims),
		cmocka_unit_test(tick__second_thread__runs_and_stamps),
		cmocka_unit_test(tick_or_reclaim__more_than_should_wait_for_the_tick__reclaims),
		cmocka_unit_test(tick__after_a_cut__runs_faster),
		cmocka_unit_test(tick_stop__main_thread_leaves__no_stamp_and_no_thread_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
