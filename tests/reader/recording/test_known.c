/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "reader/recording/known.h"

#define MS    UINT64_C(1000000)
#define START (UINT64_C(1000) * 1000 * MS)
#define COUNT 500

/* Asks for all of them, from the last to the first; counts[pid] is how often each was due. Returns how many were. */
static size_t ask(struct peeps_known *known, uint64_t now_ns, unsigned int counts[COUNT + 1])
{
	size_t due = 0;

	peeps_known_begin(known, now_ns);
	for (pid_t pid = COUNT; pid > 0; pid--) {
		const bool is_due = peeps_known_is_due(known, pid);

		counts[pid] += is_due;
		due += is_due;
	}
	peeps_known_end(known);
	return due;
}

static void known__young__are_looked_at_each_time(void **state)
{
	unsigned int counts[COUNT + 1] = { 0 };
	struct peeps_known known = { .turns = 0 };

	(void)state;
	for (uint64_t ms = 0; ms < 2000; ms += 100)
		assert_int_equal(ask(&known, START + ms * MS, counts), COUNT);
	peeps_known_deinit(&known);
}

static void known__for_long__take_turns_and_none_is_left_out(void **state)
{
	unsigned int counts[COUNT + 1] = { 0 };
	struct peeps_known known = { .turns = 0 };
	size_t most = 0;

	(void)state;
	(void)ask(&known, START, counts);
	(void)ask(&known, START + 1900 * MS, counts);
	memset(counts, 0, sizeof(counts));
	for (uint64_t ms = 2000; ms < 12000; ms += 100) {
		const size_t due = ask(&known, START + ms * MS, counts);

		most = due > most ? due : most;
	}
	assert_in_range(most, 1, COUNT / 10); /* of 20 rounds in 2 s */
	for (size_t pid = 1; pid <= COUNT; pid++)
		assert_in_range(counts[pid], 3, 6);
	peeps_known_deinit(&known);
}

static void known__seldom_asked__all_are_looked_at(void **state)
{
	unsigned int counts[COUNT + 1] = { 0 };
	struct peeps_known known = { .turns = 0 };

	(void)state;
	for (uint64_t s = 0; s < 20; s += 5)
		assert_int_equal(ask(&known, START + s * 1000 * MS, counts), COUNT);
	peeps_known_deinit(&known);
}

static void known__gone_and_there_again__is_new(void **state)
{
	unsigned int counts[COUNT + 1] = { 0 };
	struct peeps_known known = { .turns = 0 };

	(void)state;
	(void)ask(&known, START, counts);
	(void)ask(&known, START + 2500 * MS, counts);
	peeps_known_begin(&known, START + 2510 * MS); /* none is there */
	peeps_known_end(&known);
	assert_int_equal(ask(&known, START + 2520 * MS, counts), COUNT);
	peeps_known_deinit(&known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known__young__are_looked_at_each_time),
		cmocka_unit_test(known__for_long__take_turns_and_none_is_left_out),
		cmocka_unit_test(known__seldom_asked__all_are_looked_at),
		cmocka_unit_test(known__gone_and_there_again__is_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
