/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "reader/command/duration.h"

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

static void duration_parse__units_and_fractions__are_understood(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} rows[] = {
		{ "1ns", 1 },
		{ "1us", 1000 },
		{ "100ms", 100 * MS },
		{ "2s", 2 * S },
		{ "1m", 60 * S },
		{ "1h", 3600 * S },
		{ "1d", 86400 * S },
		{ "0.5s", 500 * MS },
		{ "1.25m", 75 * S },
		{ "0s", 0 },
		{ "2.000000000000001s", 2 * S },
		{ "0.1ms", 100000 },
		{ "213503d", UINT64_C(213503) * 86400 * S },
		{ "18446744073709551615ns", UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t ns = 4711;

		print_message("# %s\n", rows[i].text);
		assert_true(peeps_duration_parse(rows[i].text, &ns));
		assert_int_equal(ns, rows[i].ns);
	}
}

static void duration_parse__anything_else__is_none(void **state)
{
	static const char *const rows[] = {
		"",
		"s",
		"5",
		"0",
		"5x",
		"-5s",
		"+5s",
		" 5s",
		"5s ",
		"1.s",
		".5s",
		"1..5s",
		"1.5",
		"0x5s",
		"1e3s",
		"5S",
		"5 s",
		"5ss",
		"nans",
		"infs",
		"1.-5s",
		"213504d",
		"18446744073709551616ns",
		"18446744073709551617ns",
		"18446744073709551620ns", /* 4 if it wrapped */
		"999999999999d",
		"18446744073709551615.5s",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t ns = 4711;

		print_message("# '%s'\n", rows[i]);
		assert_false(peeps_duration_parse(rows[i], &ns));
		assert_int_equal(ns, 4711);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(duration_parse__units_and_fractions__are_understood),
		cmocka_unit_test(duration_parse__anything_else__is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
