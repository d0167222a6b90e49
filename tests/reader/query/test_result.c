/* SPDX-License-Identifier: MIT */
/* Rows as they are shown: reader/query/result_text.c, result_json.c, result_csv.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reader/database/database.h"
#include "reader/format/json.h"
#include "reader/format/table.h"
#include "reader/problem.h"
#include "reader/query/confine.h"
#include "reader/query/result.h"
#include "reader/query/statement.h"

#define MANY "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 100) "

enum shape { TEXT, JSON, CSV };

static int print_text(struct peeps_statement *statement, size_t width, FILE *out,
		      struct peeps_problem *problem)
{
	const struct peeps_table_view view = { .width = width };
	struct peeps_result *result = NULL;
	int r = peeps_result_collect(statement, &view, &result, problem);

	if (r == 0)
		r = peeps_result_print(result, out);
	peeps_result_free(result);
	return r;
}

static int print_json(struct peeps_statement *statement, FILE *out, struct peeps_problem *problem)
{
	struct peeps_json json;
	int r;

	assert_int_equal(peeps_json_open(&json, out), 0);
	peeps_json_map(&json);
	r = peeps_result_json(statement, &json, problem);
	peeps_json_map_end(&json);
	assert_int_equal(peeps_json_close(&json), 0);
	return r;
}

struct asked {
	enum shape shape;
	const char *sql;
	uint64_t rows_max;
	size_t width;
	bool is_ours;
};

/* For the caller to free. */
static char *answer_to(const struct asked *asked)
{
	const struct peeps_bounds bounds = { .timeout_ns = UINT64_C(60000000000),
					     .memory_bytes = PEEPS_QUERY_MEMORY_BYTES };
	const struct peeps_parameters parameters = { .snapshot = 0 };
	struct peeps_problem problem = { .status = 0 };
	struct peeps_confinement confinement;
	struct peeps_statement statement;
	struct peeps_database database;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!strpbrk(asked->sql, "\x1b\n")) /* the report of a run is XML */
		print_message("# %.100s\n", asked->sql);
	assert_int_equal(peeps_database_in_memory(&database, &problem), 0);
	assert_int_equal(peeps_confine(&confinement, database.sqlite, &bounds, &problem), 0);
	assert_int_equal(peeps_statement_prepare(&statement, &confinement, asked->sql,
						 asked->is_ours, &problem),
			 0);
	assert_int_equal(peeps_statement_bind(&statement, &parameters, &problem), 0);
	statement.rows_max = asked->rows_max;
	if (asked->shape == TEXT)
		assert_int_equal(print_text(&statement, asked->width, out, &problem), 0);
	else if (asked->shape == JSON)
		assert_int_equal(print_json(&statement, out, &problem), 0);
	else
		assert_int_equal(peeps_result_csv(&statement, out, &problem), 0);
	assert_int_equal(fclose(out), 0);
	peeps_statement_finish(&statement);
	peeps_confine_end(&confinement);
	peeps_database_close(&database);
	return text;
}

static char *answer(enum shape shape, const char *sql, uint64_t rows_max)
{
	const struct asked asked = { .shape = shape, .sql = sql, .rows_max = rows_max };

	return answer_to(&asked);
}

static void expect(enum shape shape, const char *sql, const char *wanted)
{
	char *text = answer(shape, sql, 0);

	assert_string_equal(text, wanted);
	free(text);
}

/* --- text --------------------------------------------------------------------------------------------------------- */

static void text__numbers__stand_to_the_right_and_texts_to_the_left(void **state)
{
	(void)state;
	expect(TEXT,
	       "SELECT 1 AS held_by, 'a' AS name, 1.5 AS real UNION ALL SELECT 1000, 'bcd', NULL",
	       "HELD BY  NAME  REAL\n"
	       "      1  a      1.5\n"
	       "   1000  bcd      -\n");
	/* one that is none */
	expect(TEXT, "SELECT 1 AS x UNION ALL SELECT 'abc'",
	       "X\n"
	       "1\n"
	       "abc\n");
}

static void text__durations_and_times__are_what_the_names_say(void **state)
{
	(void)state;
	expect(TEXT,
	       "SELECT 12400000000 AS waited_ns, 1500 AS held_ms, 0 AS taken_at_unix_ns, NULL AS idle_ms",
	       "WAITED   HELD                  TAKEN AT  IDLE\n"
	       "12.4 s  1.5 s  1970-01-01T00:00:00.000Z  -\n");
	expect(TEXT, "SELECT -1500 AS change_ms, 0.25 AS mean_ms",
	       "CHANGE    MEAN\n"
	       "-1.5 s  250 µs\n");
	/* a hold is never shown shorter than it is, and a wait never longer */
	expect(TEXT, "SELECT 1501 AS held_ms, 1501000000 AS held_ns, 1599 AS waited_ms",
	       " HELD   HELD  WAITED\n"
	       "1.6 s  1.6 s   1.5 s\n");
	/* the ending alone is a name, and these are no durations */
	expect(TEXT, "SELECT 5 AS _ns, 5 AS columns, 'soon' AS due_ms",
	       " NS  COLUMNS  DUE\n"
	       "  5        5  soon\n");
	expect(TEXT, "SELECT 9223372036854775807 AS x_ms, -9223372036854775807 AS y_ns",
	       "                  X                     Y\n"
	       "9223372036854775807  -9223372036854775807\n");
}

static void text__whatever_a_terminal_obeys__is_escaped(void **state)
{
	(void)state;
	expect(TEXT,
	       "SELECT char(27) || '[2J' || char(10) || char(8238) AS x, 'a' || char(0) || 'b' || char(0) AS y",
	       "X                  Y\n"
	       "\\x1b[2J\\n\\u{202e}  a\\x00b\\x00\n");
	expect(TEXT, "SELECT CAST(x'ff61c328' AS TEXT) AS x, 1 AS 'a\x1b\tb'",
	       "X           A\\x1b\\tB\n"
	       "\\xffa\\xc3(         1\n");
	expect(TEXT, "SELECT x'00ff' AS x, x'' AS y, '' AS z",
	       "X        Y    Z\n"
	       "x'00ff'  x''  \n");
}

static void text__what_is_long__loses_its_middle(void **state)
{
	char *text = answer(
		TEXT,
		"SELECT 'begin' || hex(zeroblob(1000000)) || 'end' AS x, zeroblob(1000000) AS y",
		0);

	(void)state;
	assert_non_null(strstr(text, "begin00"));
	assert_non_null(strstr(text, "…"));
	assert_non_null(strstr(text, "00end"));
	assert_non_null(strstr(text, "… (1000000 bytes)"));
	assert_in_range(strlen(text), 100, 500);
	free(text);
	/* between the bytes of a character is no place to cut it */
	text = answer(TEXT, "SELECT 'x' || replace(hex(zeroblob(2000)), '0', 'é') AS x", 0);
	assert_null(strstr(text, "\\x"));
	free(text);
}

static void text__no_rows_and_more_rows__are_said(void **state)
{
	char *text;

	(void)state;
	expect(TEXT, "SELECT 1 WHERE 0", "(no rows)\n");
	text = answer(TEXT, MANY "SELECT x FROM c", 2);
	assert_string_equal(
		text,
		"X\n1\n2\n(the first 2 rows; there are more: --max-rows N shows N, -f csv and -J have all)\n");
	free(text);
}

static void text__without_room__a_question_of_ours_loses_the_ids_it_ends_with(void **state)
{
	static const char sql[] =
		"SELECT 'thread:orders-4711:4712' AS first_id, 'alpha' AS waiter, 'thread:orders-4711:4712' AS waiter_id, "
		"'mutex:orders-4711:accounts' AS id";
	static const struct {
		size_t width;
		bool is_ours;
		bool has_ids;
	} rows[] = {
		{ 0, true, true }, { 200, true, true }, { 60, true, false }, { 60, false, true }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct asked asked = { .sql = sql,
					     .width = rows[i].width,
					     .is_ours = rows[i].is_ours };
		char *text = answer_to(&asked);

		assert_non_null(strstr(text, "FIRST ID"));
		assert_non_null(strstr(text, "alpha"));
		assert_int_equal(strstr(text, "WAITER ID") != NULL, rows[i].has_ids);
		free(text);
	}
}

static void text__without_room__a_question_of_ours_loses_its_last_columns_and_says_so(void **state)
{
	static const char sql[] =
		"SELECT 'demo.work_queue' AS channel, 'demo.idle_queue' AS other, 1 AS items, NULL AS lost_at, "
		"'/home/somebody/orders/src/queue.c:123' AS made_at, 'full' AS state, 'mpsc:orders-4711:jobs' AS channel_id";
	static const struct {
		size_t width;
		const char *wanted;
	} rows[] = {
		{ 80,
		  "CHANNEL          OTHER            ITEMS  LOST AT  MADE AT                  STATE\n"
		  "demo.work_queue  demo.idle_queue      1  -        …orders/src/queue.c:123  full\n" },
		{ 60, "CHANNEL         OTHER           ITEMS  MADE AT         STATE\n"
		      "demo.wo…_queue  demo.id…_queue      1  …c/queue.c:123  full\n"
		      "(no room for LOST AT: a wider terminal and -J show them)\n" },
		/* three are kept, however narrow it is */
		{ 30,
		  "CHANNEL     OTHER        ITEMS\n"
		  "demo.…ueue  demo.…queue      1\n"
		  "(no room for LOST AT, MADE AT, STATE: a wider terminal and -J show them)\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct asked asked = { .sql = sql, .width = rows[i].width, .is_ours = true };
		char *text = answer_to(&asked);

		assert_string_equal(text, rows[i].wanted);
		free(text);
	}
}

/* However many are wanted, they have to fit. */
static void text__more_than_fits_into_memory__ends_and_says_so(void **state)
{
	char *text = answer(
		TEXT,
		"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 200000) "
		"SELECT hex(zeroblob(500)) FROM c",
		1000000);
	const char *said = strstr(text, "there are more");

	(void)state;
	assert_non_null(said);
	assert_null(strstr(said, "--max-rows")); /* would not help */
	assert_non_null(strstr(said, "-f csv"));
	free(text);
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static void json__values__are_exact_and_of_their_type(void **state)
{
	(void)state;
	expect(JSON,
	       "SELECT 9223372036854775807 AS a, -9223372036854775807 - 1 AS b, 0.5 AS c, NULL AS d, 'x\"y' AS e, x'00ff' AS f",
	       "{\"columns\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"],\"rows\":[{\"a\":9223372036854775807,"
	       "\"b\":-9223372036854775808,\"c\":0.5,\"d\":null,\"e\":\"x\\\"y\",\"f\":\"x'00ff'\"}],\"more\":false}\n");
	expect(JSON, "SELECT 9e999 AS a, -9e999 AS b, '' AS c, x'' AS d",
	       "{\"columns\":[\"a\",\"b\",\"c\",\"d\"],\"rows\":[{\"a\":null,\"b\":null,\"c\":\"\",\"d\":\"x''\"}],"
	       "\"more\":false}\n");
}

static void json__names_that_are_alike__are_keys_of_their_own(void **state)
{
	(void)state;
	expect(JSON, "SELECT 1 AS id, 2 AS id",
	       "{\"columns\":[\"id\",\"id_2\"],\"rows\":[{\"id\":1,\"id_2\":2}],\"more\":false}\n");
}

static void json__bytes_that_are_no_text__are_mended(void **state)
{
	(void)state;
	expect(JSON,
	       "SELECT CAST(x'61ff62' AS TEXT) AS x, 'a' || char(0) || 'b' AS y, char(27, 127, 155) AS z",
	       "{\"columns\":[\"x\",\"y\",\"z\"],\"rows\":[{\"x\":\"a\xef\xbf\xbd"
	       "b\",\"y\":\"a\xef\xbf\xbd"
	       "b\",\"z\":\"\\u001B\\u007F\\u009B\"}],\"more\":false}\n");
}

static void json__no_rows_and_more_rows__are_said(void **state)
{
	char *text;

	(void)state;
	expect(JSON, "SELECT 1 AS x WHERE 0", "{\"columns\":[\"x\"],\"rows\":[],\"more\":false}\n");
	text = answer(JSON, MANY "SELECT x FROM c", 2);
	assert_string_equal(text,
			    "{\"columns\":[\"x\"],\"rows\":[{\"x\":1},{\"x\":2}],\"more\":true}\n");
	free(text);
}

/* --- CSV ---------------------------------------------------------------------------------------------------------- */

static void csv__what_has_to_be_quoted__is(void **state)
{
	(void)state;
	expect(CSV,
	       "SELECT 'plain' AS a, 'a,b' AS b, 'say \"x\"' AS c, 'two' || char(10) || 'lines' AS d, ' x' AS e",
	       "a,b,c,d,e\n"
	       "plain,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\" x\"\n");
	expect(CSV,
	       "SELECT NULL AS n, '' AS empty, 1 AS i, 0.1 AS r, x'00ff' AS b, 2 AS i, 3 AS 'a,b'",
	       "n,empty,i,r,b,i_2,\"a,b\"\n"
	       ",\"\",1,0.10000000000000001,x'00ff',2,3\n");
	expect(CSV, "SELECT 1 AS x WHERE 0", "x\n");
}

static void csv__whatever_a_terminal_obeys__is_replaced(void **state)
{
	(void)state;
	expect(CSV,
	       "SELECT 'a' || char(27) || 'b' AS x, char(155) AS y, char(127) AS z, CAST(x'ff' AS TEXT) AS v, 'a' || char(9) AS w",
	       "x,y,z,v,w\n"
	       "\"a\xef\xbf\xbd"
	       "b\",\"\xef\xbf\xbd\",\"\xef\xbf\xbd\",\xef\xbf\xbd,\"a\t\"\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text__numbers__stand_to_the_right_and_texts_to_the_left),
		cmocka_unit_test(text__durations_and_times__are_what_the_names_say),
		cmocka_unit_test(text__whatever_a_terminal_obeys__is_escaped),
		cmocka_unit_test(text__what_is_long__loses_its_middle),
		cmocka_unit_test(text__no_rows_and_more_rows__are_said),
		cmocka_unit_test(text__without_room__a_question_of_ours_loses_the_ids_it_ends_with),
		cmocka_unit_test(
			text__without_room__a_question_of_ours_loses_its_last_columns_and_says_so),
		cmocka_unit_test(text__more_than_fits_into_memory__ends_and_says_so),
		cmocka_unit_test(json__values__are_exact_and_of_their_type),
		cmocka_unit_test(json__names_that_are_alike__are_keys_of_their_own),
		cmocka_unit_test(json__bytes_that_are_no_text__are_mended),
		cmocka_unit_test(json__no_rows_and_more_rows__are_said),
		cmocka_unit_test(csv__what_has_to_be_quoted__is),
		cmocka_unit_test(csv__whatever_a_terminal_obeys__is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
