/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reader/format/print.h"
#include "reader/format/table.h"
#include "reader/graph/arena.h"
#include "reader/graph/graph.h"

#define US UINT64_C(1000)
#define MS (1000 * US)
#define S  (1000 * MS)

static void duration_floor__each_size__is_told_in_its_unit(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} rows[] = {
		{ 0, "0 µs" },
		{ 999 * US + 999, "999 µs" },
		{ 1 * MS, "1 ms" },
		{ 999 * MS, "999 ms" },
		{ 1 * S, "1.0 s" },
		{ 12 * S + 499 * MS, "12.4 s" },
		{ 59 * S + 999 * MS, "59.9 s" },
		{ 60 * S, "1 min 00 s" },
		{ 3599 * S, "59 min 59 s" },
		{ 3600 * S, "1 h 00 min" },
		{ 86399 * S, "23 h 59 min" },
		{ 90000 * S, "1 d 01 h" },
		{ PEEPS_NO_TIME, "?" },
		{ PEEPS_NO_TIME - 1, "213503 d 23 h" },
	};
	char text[PEEPS_DURATION_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(peeps_duration_floor(text, rows[i].ns), rows[i].text);
}

static void duration_ceil__each_accuracy__is_never_shorter_nor_finer(void **state)
{
	static const struct {
		uint64_t ns, accuracy_ns;
		const char *text;
	} rows[] = {
		{ 0, 100 * MS, "0.0 s" },
		{ 1, 100 * MS, "0.1 s" },
		{ 340 * MS, 100 * MS, "0.4 s" },
		{ 340 * MS, 1 * MS, "340 ms" },
		{ 340 * MS + 1, 1 * MS, "341 ms" },
		{ 340 * MS, 0, "340 ms" },
		{ 5 * US, 0, "5 µs" },
		{ 12 * S + 401 * MS, 100 * MS, "12.5 s" },
		{ 12 * S + 401 * MS, 1 * S, "13 s" },
		{ 59 * S + 960 * MS, 100 * MS, "1 min 00 s" },
		{ 999 * MS + 1, 1 * MS, "1.0 s" },
		{ 61 * S + 1, 100 * MS, "1 min 02 s" },
		{ 3599 * S + 1, 0, "1 h 00 min" },
		{ PEEPS_NO_TIME, 100 * MS, "?" },
		{ PEEPS_NO_TIME - 1, 0, "213503 d 23 h" },
	};
	char text[PEEPS_DURATION_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(peeps_duration_ceil(text, rows[i].ns, rows[i].accuracy_ns),
				    rows[i].text);
}

static void time_utc__a_moment__is_iso_8601(void **state)
{
	char text[PEEPS_TIME_BYTES];

	(void)state;
	assert_string_equal(peeps_time_utc(text, UINT64_C(1777636800) * S + 250 * MS),
			    "2026-05-01T12:00:00.250Z");
	assert_string_equal(peeps_time_utc(text, 0), "1970-01-01T00:00:00.000Z");
	assert_true(strlen(peeps_time_utc(text, UINT64_MAX)) < PEEPS_TIME_BYTES);
}

static const struct {
	const char *text, *escaped;
} hostile[] = {
	{ "plain name-1", "plain name-1" },
	{ "", "" },
	{ "two\nlines\r\n", "two\\nlines\\r\\n" },
	{ "\x1b[31mred\x1b]0;title\a", "\\x1b[31mred\\x1b]0;title\\a" },
	{ "tab\tback\b\x7f\x01", "tab\\tback\\b\\x7f\\x01" },
	{ "C:\\n", "C:\\\\n" },
	{ "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80",
	  "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80" },
	{ "\xc2\x9b[31m", "\\u{9b}[31m" }, /* C1: CSI */
	{ "a\xe2\x80\xae"
	  "b",
	  "a\\u{202e}b" }, /* right-to-left override */
	{ "a\xe2\x81\xa6"
	  "b\xe2\x81\xa9",
	  "a\\u{2066}b\\u{2069}" }, /* isolates */
	{ "a\xe2\x80\x8b"
	  "b\xef\xbb\xbf",
	  "a\\u{200b}b\\u{feff}" },           /* not seen */
	{ "\xf3\xa0\x81\x81", "\\u{e0041}" }, /* a tag */
	{ "\xff\xc0\x80 \xed\xa0\x80 \xe2\x82",
	  "\\xff\\xc0\\x80 \\xed\\xa0\\x80 \\xe2\\x82" }, /* no UTF-8 */
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },   /* beyond the last code point */
};

static void escape__hostile_text__is_harmless(void **state)
{
	struct peeps_arena *arena = peeps_arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		char *text = NULL;
		size_t length;
		FILE *out = open_memstream(&text, &length);

		assert_string_equal(peeps_escape(arena, hostile[i].text), hostile[i].escaped);
		peeps_escape_to(out, hostile[i].text);
		assert_int_equal(fclose(out), 0);
		assert_string_equal(text, hostile[i].escaped);
		free(text);
	}
	peeps_arena_free(arena);
}

static void columns__wide_and_combining__count_as_shown(void **state)
{
	(void)state;
	assert_int_equal(peeps_columns("abc"), 3);
	assert_int_equal(peeps_columns("caf\xc3\xa9"), 4);
	assert_int_equal(peeps_columns("cafe\xcc\x81"), 4);
	assert_int_equal(peeps_columns("\xe6\x97\xa5\xe6\x9c\xac"), 4);
}

static void elide__any_text__keeps_both_ends_and_the_limit(void **state)
{
	struct peeps_arena *arena = peeps_arena_new(0);
	const char *text = "abcdefghijklmnop";

	(void)state;
	assert_string_equal(peeps_elide(arena, text, 16), text);
	assert_string_equal(peeps_elide(arena, text, 9), "abcd…mnop");
	assert_string_equal(peeps_elide(arena, text, 2), "a…");
	/* No half of an escape, which would read as text. */
	assert_string_equal(peeps_elide(arena, "abc\\nefghijk\\amnop", 9), "abc…mnop");
	assert_string_equal(peeps_elide(arena, "ab\\x1bcdefghi\\u{202e}no", 9), "ab…no");
	for (size_t columns = 1; columns < 20; columns++) {
		const char *wide =
			"\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac";

		assert_true(peeps_columns(peeps_elide(arena, wide, columns)) <= columns);
		assert_true(peeps_columns(peeps_elide(arena, text, columns)) <= columns);
	}
	peeps_arena_free(arena);
}

static void elide_begin__any_text__keeps_its_end_and_the_limit(void **state)
{
	struct peeps_arena *arena = peeps_arena_new(0);
	const char *text = "/src/queue.c:42";

	(void)state;
	assert_string_equal(peeps_elide_begin(arena, text, 15), text);
	assert_string_equal(peeps_elide_begin(arena, text, 11), "…queue.c:42");
	assert_string_equal(peeps_elide_begin(arena, text, 1), "…");
	/* no half of an escape */
	assert_string_equal(peeps_elide_begin(arena, "abc\\x1bdef.c:1", 9), "…def.c:1");
	for (size_t columns = 1; columns < 20; columns++) {
		const char *wide = "\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac";

		assert_true(peeps_columns(peeps_elide_begin(arena, wide, columns)) <= columns);
	}
	peeps_arena_free(arena);
}

static void table_print__hostile_and_long_cells__stay_in_their_columns(void **state)
{
	static const struct peeps_column columns[] = { { .title = "N", .right = true },
						       { .title = "NAME", .columns_max = 9 },
						       { .title = "LAST", .is_escaped = true } };
	struct peeps_table *table = peeps_table_new(columns, 3);
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	assert_int_equal(peeps_table_row(table, (const char *[]){ "1", "a\nb", "\\n" }), 0);
	assert_int_equal(
		peeps_table_row(table, (const char *[]){ "1000", "abcdefghijklmnop", "yy" }), 0);
	peeps_table_print(table, out);
	peeps_table_free(table);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, "   N  NAME       LAST\n"
				  "   1  a\\nb       \\n\n"
				  "1000  abcd…mnop  yy\n");
	free(text);
}

static void count__digits__are_in_threes(void **state)
{
	char text[PEEPS_COUNT_BYTES];

	(void)state;
	assert_string_equal(peeps_count(text, 0), "0");
	assert_string_equal(peeps_count(text, 999), "999");
	assert_string_equal(peeps_count(text, 1204), "1,204");
	assert_string_equal(peeps_count(text, UINT64_MAX), "18,446,744,073,709,551,615");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(duration_floor__each_size__is_told_in_its_unit),
		cmocka_unit_test(duration_ceil__each_accuracy__is_never_shorter_nor_finer),
		cmocka_unit_test(time_utc__a_moment__is_iso_8601),
		cmocka_unit_test(escape__hostile_text__is_harmless),
		cmocka_unit_test(columns__wide_and_combining__count_as_shown),
		cmocka_unit_test(elide__any_text__keeps_both_ends_and_the_limit),
		cmocka_unit_test(elide_begin__any_text__keeps_its_end_and_the_limit),
		cmocka_unit_test(table_print__hostile_and_long_cells__stay_in_their_columns),
		cmocka_unit_test(count__digits__are_in_threes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
