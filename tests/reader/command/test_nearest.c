/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "reader/command/nearest.h"

static void nearest_offer__each_slip__finds_what_was_meant_or_nothing(void **state)
{
	static const char *const names[] = { "passive", "history",  "columns", "sort",
					     "min",     "max-wait", "every",   "very" };
	static const struct {
		const char *word, *name; /* NULL: none is near */
	} rows[] = {
		{ "passive", "passive" },
		{ "passiv", "passive" },
		{ "very", "very" }, /* the nearer one, though it is offered later */
		{ "pasive", "passive" },
		{ "psasive", "passive" }, /* swapped */
		{ "passsive", "passive" },
		{ "colums", "columns" },
		{ "column", "columns" },
		{ "colu", "columns" }, /* abbreviated */
		{ "hist", "history" },
		{ "maxwait", "max-wait" },
		{ "mim", "min" },
		{ "mni", "min" },
		{ "m", NULL }, /* begins two, and is too short to tell */
		{ "xy", NULL },
		{ "abcdef", NULL },
		{ "", NULL },
		{ "sorting-hats", NULL },
		{ "a-word-that-is-far-longer-than-any-name-could-be", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_nearest nearest = peeps_nearest_to(rows[i].word, strlen(rows[i].word));

		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++)
			peeps_nearest_offer(&nearest, names[j]);
		print_message("# '%s'\n", rows[i].word);
		if (rows[i].name)
			assert_string_equal(nearest.name, rows[i].name);
		else
			assert_null(nearest.name);
	}
}

static void nearest_to__a_part_of_a_text__ends_there(void **state)
{
	struct peeps_nearest nearest = peeps_nearest_to("colour=always", strlen("colour"));

	(void)state;
	peeps_nearest_offer(&nearest, "color");
	assert_string_equal(nearest.name, "color");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearest_offer__each_slip__finds_what_was_meant_or_nothing),
		cmocka_unit_test(nearest_to__a_part_of_a_text__ends_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
