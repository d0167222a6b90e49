/* SPDX-License-Identifier: MIT */
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "reader/format/color.h"
#include "reader/format/terminal.h"

static int terminal = -1, leader = -1, nowhere[2];

static int open_terminal(void **state)
{
	const struct winsize size = { .ws_row = 25, .ws_col = 77 };

	(void)state;
	return openpty(&leader, &terminal, NULL, NULL, &size) || pipe(nowhere);
}

static int close_terminal(void **state)
{
	(void)state;
	return close(leader) || close(terminal) || close(nowhere[0]) || close(nowhere[1]);
}

/* NULL: not set */
static void set(const char *name, const char *value)
{
	assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void color_on__each_wish__terminal_and_environment_decide(void **state)
{
	static const struct {
		const char *name;
		enum peeps_color when;
		bool is_terminal;
		const char *term, *no_color;
		bool on;
	} rows[] = {
		{ "a terminal", PEEPS_COLOR_AUTO, true, "xterm", NULL, true },
		{ "a pipe", PEEPS_COLOR_AUTO, false, "xterm", NULL, false },
		{ "a dumb one", PEEPS_COLOR_AUTO, true, "dumb", NULL, false },
		{ "an unknown one", PEEPS_COLOR_AUTO, true, NULL, NULL, false },
		{ "an unnamed one", PEEPS_COLOR_AUTO, true, "", NULL, false },
		{ "not wanted", PEEPS_COLOR_AUTO, true, "xterm", "1", false },
		{ "NO_COLOR=0 too", PEEPS_COLOR_AUTO, true, "xterm", "0", false },
		{ "an empty NO_COLOR", PEEPS_COLOR_AUTO, true, "xterm", "", true },
		{ "always in a pipe", PEEPS_COLOR_ALWAYS, false, "dumb", "1", true },
		{ "never", PEEPS_COLOR_NEVER, true, "xterm", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set("TERM", rows[i].term);
		set("NO_COLOR", rows[i].no_color);
		print_message("# %s\n", rows[i].name);
		assert_int_equal(
			peeps_color_on(rows[i].when, rows[i].is_terminal ? terminal : nowhere[1]),
			rows[i].on);
	}
}

static char *written(bool on)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	peeps_color_text(on, PEEPS_MEANING_CERTAIN, "certain", out);
	peeps_color_text(on, PEEPS_MEANING_POSSIBLE, "possible", out);
	peeps_color_text(on, PEEPS_MEANING_DIM, "dim", out);
	peeps_color_text(on, PEEPS_MEANING_HEADER, "header", out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void color_text__off__is_the_text_byte_for_byte(void **state)
{
	char *text = written(false);

	(void)state;
	assert_string_equal(text, "certainpossibledimheader");
	free(text);
}

static void color_text__on__each_meaning_has_its_own_and_ends(void **state)
{
	char *text = written(true);

	(void)state;
	assert_string_equal(text, "\x1b[1;31mcertain\x1b[0m\x1b[33mpossible\x1b[0m"
				  "\x1b[2mdim\x1b[0m\x1b[1mheader\x1b[0m");
	free(text);
}

static void terminal_width__each_place__columns_first(void **state)
{
	(void)state;
	set("COLUMNS", NULL);
	assert_int_equal(peeps_terminal_width(terminal), 77);
	assert_int_equal(peeps_terminal_width(nowhere[1]), 0);
	set("COLUMNS", "60");
	assert_int_equal(peeps_terminal_width(terminal), 60);
	assert_int_equal(peeps_terminal_width(nowhere[1]), 60);
	for (const char *const *bad =
		     (const char *const[]){ "", "0", "-5", "60x", "99999999999999999999", NULL };
	     *bad; bad++) {
		set("COLUMNS", *bad);
		print_message("# COLUMNS='%s'\n", *bad);
		assert_int_equal(peeps_terminal_width(terminal), 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(color_on__each_wish__terminal_and_environment_decide),
		cmocka_unit_test(color_text__off__is_the_text_byte_for_byte),
		cmocka_unit_test(color_text__on__each_meaning_has_its_own_and_ends),
		cmocka_unit_test(terminal_width__each_place__columns_first),
	};

	return cmocka_run_group_tests(tests, open_terminal, close_terminal);
}
