/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reader/format/table.h"
#include "reader/problem.h"
#include "reader/target/attach.h"

enum { PID, NAME, HELD_BY, EXTRA, COLUMNS };

static const struct peeps_column columns[COLUMNS] = {
	[PID] = { .title = "PID", .right = true, .is_number = true },
	[NAME] = { .title = "NAME", .columns_max = 30 },
	[HELD_BY] = { .title = "HELD BY", .columns_max = 12 },
	[EXTRA] = { .title = "EXTRA", .is_extra = true },
};

static const struct {
	const char *cells[COLUMNS];
	uint64_t numbers[COLUMNS];
} sample[] = {
	{ { "100", "beta", "alpha", "x" }, { 100 } },
	{ { "?", "gamma", "-", "y" }, { PEEPS_TABLE_UNKNOWN } },
	{ { "9", "alpha", "beta", "z" }, { 9 } },
	{ { "20", "beta", "\x1b[31m\n", "w" }, { 20 } },
};

/* What the sample looks like; for the caller to free. */
static char *look(const struct peeps_table_view *view)
{
	struct peeps_table *table = peeps_table_new(columns, COLUMNS);
	struct peeps_problem problem = { .status = 0 };
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(table);
	assert_non_null(out);
	if (view)
		assert_int_equal(peeps_table_look(table, view, &problem), 0);
	for (size_t i = 0; i < sizeof(sample) / sizeof(sample[0]); i++)
		assert_int_equal(peeps_table_row_keyed(table, sample[i].cells, sample[i].numbers),
				 0);
	assert_int_equal(peeps_table_print(table, out), 0);
	assert_int_equal(fclose(out), 0);
	peeps_table_free(table);
	return text;
}

static void assert_looks(const struct peeps_table_view *view, const char *wanted)
{
	char *text = look(view);

	assert_string_equal(text, wanted);
	free(text);
}

static void table__no_view__all_but_extra_columns_as_added(void **state)
{
	(void)state;
	assert_looks(NULL, "PID  NAME   HELD BY\n"
			   "100  beta   alpha\n"
			   "  ?  gamma  -\n"
			   "  9  alpha  beta\n"
			   " 20  beta   \\x1b[31m\\n\n");
}

static void table__columns_chosen__are_those_in_that_order(void **state)
{
	(void)state;
	assert_looks(&(struct peeps_table_view){ .columns = "held-by,EXTRA,pid" },
		     "HELD BY     EXTRA  PID\n"
		     "alpha       x      100\n"
		     "-           y        ?\n"
		     "beta        z        9\n"
		     "\\x1b[31m\\n  w       20\n");
	assert_looks(&(struct peeps_table_view){ .columns = "extra" }, "EXTRA\nx\ny\nz\nw\n");
}

static void table__sorted__by_number_or_text_the_unknown_last(void **state)
{
	static const struct {
		const char *sort, *rows;
	} rows[] = {
		{ "pid", "z w x y " },   { "-pid", "x w z y " },
		{ "PID", "z w x y " },   { "name", "z x w y " }, /* equal ones as added */
		{ "-name", "y x w z " }, { "extra", "w x y z " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = look(
			&(struct peeps_table_view){ .columns = "extra", .sort = rows[i].sort });

		for (char *end = strchr(text, '\n'); end; end = strchr(end, '\n'))
			*end = ' ';
		print_message("# %s\n", rows[i].sort);
		assert_string_equal(text + strlen("EXTRA "), rows[i].rows);
		free(text);
	}
}

static void table__unknown_column__is_refused_with_the_list(void **state)
{
	static const struct {
		struct peeps_table_view view;
		const char *why;
	} rows[] = {
		{ { .columns = "pid,nmae" }, "--columns: 'nmae'" },
		{ { .columns = "" }, "--columns: ''" },
		{ { .columns = "pid," }, "--columns: ''" },
		{ { .columns = "held by" }, "--columns: 'held by'" },
		{ { .sort = "age" }, "--sort: 'age'" },
		{ { .sort = "-" }, "--sort: ''" },
		{ { .sort = "--pid" }, "--sort: '-pid'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_table *table = peeps_table_new(columns, COLUMNS);
		struct peeps_problem problem = { .status = 0 };

		print_message("# %s\n", rows[i].why);
		assert_int_equal(peeps_table_look(table, &rows[i].view, &problem), -EINVAL);
		assert_int_equal(problem.status, PEEPS_PROBLEM_USAGE);
		assert_string_equal(problem.why, rows[i].why);
		assert_string_equal(problem.hint, "there are pid, name, held-by, extra");
		peeps_table_free(table);
	}
}

static void table__narrow_terminal__the_widest_give_way_down_to_a_minimum(void **state)
{
	static const char *const cells[COLUMNS] = { "4194304", "a-rather-long-name-of-a-process",
						    "holder-0123456789", "" };
	static const struct {
		size_t width;
		const char *row;
	} rows[] = {
		{ 0, "4194304  a-rather-long-n…e-of-a-process  holder…56789\n" },
		{ 200, "4194304  a-rather-long-n…e-of-a-process  holder…56789\n" },
		{ 40, "4194304  a-rather…-process  holder…56789\n" },
		{ 1, "4194304  a-ra…ess  hold…789\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peeps_table *table = peeps_table_new(columns, COLUMNS);
		const struct peeps_table_view view = { .width = rows[i].width };
		struct peeps_problem problem;
		char *text = NULL;
		size_t length;
		FILE *out = open_memstream(&text, &length);

		assert_int_equal(peeps_table_look(table, &view, &problem), 0);
		assert_int_equal(peeps_table_row(table, cells), 0);
		assert_int_equal(peeps_table_print(table, out), 0);
		assert_int_equal(fclose(out), 0);
		print_message("# %zu columns\n", rows[i].width);
		assert_string_equal(strchr(text, '\n') + 1, rows[i].row);
		free(text);
		peeps_table_free(table);
	}
}

static void table__colored__only_its_titles_are(void **state)
{
	(void)state;
	assert_looks(&(struct peeps_table_view){ .columns = "extra,name", .colored = true },
		     "\x1b[1mEXTRA\x1b[0m  \x1b[1mNAME\x1b[0m\n"
		     "x      beta\n"
		     "y      gamma\n"
		     "z      alpha\n"
		     "w      beta\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table__no_view__all_but_extra_columns_as_added),
		cmocka_unit_test(table__columns_chosen__are_those_in_that_order),
		cmocka_unit_test(table__sorted__by_number_or_text_the_unknown_last),
		cmocka_unit_test(table__unknown_column__is_refused_with_the_list),
		cmocka_unit_test(table__narrow_terminal__the_widest_give_way_down_to_a_minimum),
		cmocka_unit_test(table__colored__only_its_titles_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
