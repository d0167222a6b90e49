/* SPDX-License-Identifier: MIT */
#include "tests/writer/writer_test.h"

#include <time.h>

#include "writer/rest.h"

static const struct row {
	const char *name;
	uint64_t cut, retired_at;
	bool past_deadline, over_at_once, over_later;
} rows[] = {
	{ "no reader", 0, 5, false, true, true },
	{ "the cut began after it was retired", 6, 5, false, true, true },
	{ "retired in the cut's own epoch", 5, 5, false, false, false },
	{ "retired after a cut that still copies", 5, 7, false, false, false },
	{ "the cut's reader is dead or stopped", 5, 5, true, false, true },
};

static uint64_t clock_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void rest__table_of_cuts__is_over_when_no_cut_looks(void **state)
{
	struct peeps_control *const control = peeps_segment.control;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rest rest;

		control->cut = rows[i].cut;
		control->cut_deadline_ns =
			rows[i].past_deadline ? clock_ns() - UINT64_C(2000000000) : clock_ns();
		rest = rest_begin(rows[i].retired_at);
		if (rest.epoch != rows[i].retired_at || rest.over != rows[i].over_at_once)
			fail_msg("%s: over at once is %d", rows[i].name, rest.over);
		if (rest_is_over(rows[i].retired_at) != rows[i].over_later)
			fail_msg("%s: over later is %d", rows[i].name, !rows[i].over_later);
	}
	control->cut = 0;
	control->cut_deadline_ns = 0;
}

/* A clock read in two places: the deadline alone is not enough. */
static void rest_is_over__just_past_the_deadline__not_yet(void **state)
{
	struct peeps_control *const control = peeps_segment.control;

	(void)state;
	control->cut = 5;
	control->cut_deadline_ns = clock_ns() - 1000;
	assert_false(rest_is_over(5));
	control->cut = 0;
	control->cut_deadline_ns = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rest__table_of_cuts__is_over_when_no_cut_looks),
		cmocka_unit_test(rest_is_over__just_past_the_deadline__not_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
