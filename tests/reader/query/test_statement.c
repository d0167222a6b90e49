/* SPDX-License-Identifier: MIT */
/* What statements may do and how much of it: reader/query/confine.c, reader/query/statement.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "reader/database/database.h"
#include "reader/graph/arena.h"
#include "reader/problem.h"
#include "reader/query/confine.h"
#include "reader/query/statement.h"

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

static const struct peeps_bounds roomy = { .timeout_ns = 60 * S, .memory_bytes = INT64_C(1) << 28 };

#define ENDLESS "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "

struct fixture {
	struct peeps_database database;
	struct peeps_confinement confinement;
	struct peeps_statement statement;
	struct peeps_problem problem;
};

/* with: SQL that is run before it is confined; NULL = none */
static void begin(struct fixture *fixture, const char *with, const struct peeps_bounds *bounds)
{
	*fixture = (struct fixture){ .problem = { .status = 0 } };
	assert_int_equal(peeps_database_in_memory(&fixture->database, &fixture->problem), 0);
	if (with)
		assert_int_equal(sqlite3_exec(fixture->database.sqlite, with, NULL, NULL, NULL),
				 SQLITE_OK);
	assert_int_equal(peeps_confine(&fixture->confinement, fixture->database.sqlite, bounds,
				       &fixture->problem),
			 0);
}

static void end(struct fixture *fixture)
{
	peeps_statement_finish(&fixture->statement);
	peeps_confine_end(&fixture->confinement);
	peeps_database_close(&fixture->database);
}

static int prepare(struct fixture *fixture, const char *sql)
{
	peeps_statement_finish(&fixture->statement);
	memset(&fixture->problem, 0, sizeof(fixture->problem));
	return peeps_statement_prepare(&fixture->statement, &fixture->confinement, sql, false,
				       &fixture->problem);
}

/* Prepares, and takes all rows. Returns what went wrong first. */
static int ask(struct fixture *fixture, const char *sql)
{
	int r = prepare(fixture, sql);

	if (r)
		return r;
	do
		r = peeps_statement_next(&fixture->statement, &fixture->problem);
	while (r > 0);
	return r;
}

static void expect_refused(struct fixture *fixture, const char *sql)
{
	print_message("# %.100s\n", sql);
	assert_int_not_equal(ask(fixture, sql), 0);
	assert_int_equal(fixture->problem.status, PEEPS_PROBLEM_USAGE);
	assert_string_equal(fixture->problem.what, "this SQL cannot be asked");
	assert_true(*fixture->problem.why && *fixture->problem.hint);
}

/* --- what it may do ----------------------------------------------------------------------------------------------- */

static void ask__anything_but_reading__is_refused(void **state)
{
	static const char *const statements[] = {
		"INSERT INTO snapshots VALUES (1, 'x', 1, 1, 1, 1, 'cut', '[]', NULL)",
		"INSERT INTO snapshots SELECT * FROM snapshots RETURNING id",
		"UPDATE snapshots SET quality = 'cut' RETURNING 1",
		"DELETE FROM snapshots RETURNING 1",
		"REPLACE INTO snapshots (id) VALUES (1)",
		"CREATE TABLE t (a)",
		"CREATE TEMP TABLE t (a)",
		"CREATE TABLE t AS SELECT 1",
		"CREATE VIEW v AS SELECT 1",
		"CREATE TEMP VIEW v AS SELECT 1",
		"CREATE INDEX i ON edges (kind)",
		"CREATE TRIGGER t AFTER INSERT ON edges BEGIN SELECT 1; END",
		"CREATE VIRTUAL TABLE v USING fts5 (a)",
		"CREATE VIRTUAL TABLE temp.v USING rtree (a, b, c)",
		"DROP TABLE edges",
		"DROP VIEW nodes",
		"ALTER TABLE edges RENAME TO egdes",
		"ATTACH ':memory:' AS other",
		"DETACH main",
		"VACUUM",
		"VACUUM INTO '/tmp/peeps-never'",
		"REINDEX",
		"ANALYZE",
		"BEGIN",
		"COMMIT",
		"ROLLBACK",
		"SAVEPOINT s",
		"PRAGMA user_version = 2",
		"PRAGMA journal_mode = DELETE",
		"PRAGMA query_only = OFF",
		"PRAGMA trusted_schema = ON",
		"PRAGMA writable_schema = ON",
		"PRAGMA temp_store_directory = '/tmp'",
		"PRAGMA hard_heap_limit = 0",
		"PRAGMA wal_checkpoint",
		"SELECT * FROM pragma_user_version",
		"SELECT * FROM pragma_wal_checkpoint",
		"SELECT load_extension('/tmp/peeps-never')",
		"SELECT LOAD_EXTENSION('/tmp/peeps-never', 'x')",
		"SELECT fts3_tokenizer('simple')",
		"SELECT writefile('/tmp/peeps-never', 'x')",
		"SELECT readfile('/etc/passwd')",
		"SELECT edit('x')",
		"UPDATE sqlite_schema SET sql = ''",
		"DELETE FROM sqlite_sequence",
		"EXPLAIN DELETE FROM edges",
	};
	struct fixture fixture;

	(void)state;
	begin(&fixture, NULL, &roomy);
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		expect_refused(&fixture, statements[i]);
	assert_int_not_equal(access("/tmp/peeps-never", F_OK), 0);
	expect_refused(&fixture, "SELECT LOAD_EXTENSION('/tmp/peeps-never')");
	assert_string_equal(fixture.problem.why, "the function load_extension is not allowed");
	expect_refused(&fixture, "SELECT fts3_tokenizer('simple')");
	assert_string_equal(fixture.problem.why, "the function fts3_tokenizer is not allowed");
	end(&fixture);
}

static void ask__whatever_reads__is_answered(void **state)
{
	static const struct {
		const char *sql;
		uint64_t rows;
	} statements[] = {
		{ "SELECT 1", 1 },
		{ "VALUES (1), (2)", 2 },
		{ "; ;SELECT 1;; -- and no more\n /* really */", 1 },
		{ "SELECT * FROM snapshots", 0 },
		{ "SELECT * FROM nodes", 0 },
		{ "SELECT value FROM json_each('[1, 2, 3]')", 3 },
		{ "SELECT fullkey FROM json_tree('{\"a\": 1}')", 2 },
		{ "SELECT name FROM pragma_table_info('edges') WHERE name LIKE '%_id'", 3 },
		{ "SELECT name FROM sqlite_schema WHERE name = 'nodes'", 1 },
		{ "PRAGMA table_info(scopes)", 7 },
		{ "EXPLAIN QUERY PLAN SELECT * FROM snapshots", 1 },
		{ ENDLESS "SELECT x FROM c LIMIT 4", 4 },
		{ "SELECT row_number() OVER (), group_concat(x) FROM (SELECT 1 AS x)", 1 },
		{ "SELECT json_object('a', 1), printf('%d', 1), sqrt(2), datetime(0)", 1 },
	};
	struct fixture fixture;

	(void)state;
	begin(&fixture, NULL, &roomy);
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		print_message("# %.*s\n", (int)strcspn(statements[i].sql, "\n"),
			      statements[i].sql); /* TAP goes by lines */
		assert_int_equal(ask(&fixture, statements[i].sql), 0);
		assert_int_equal(fixture.statement.row_count, statements[i].rows);
	}
	end(&fixture);
}

/* A view has no more rights than who reads it. */
static void ask__views_of_a_hostile_database__are_refused(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture,
	      "CREATE VIEW a AS SELECT load_extension('/tmp/peeps-never') AS x;"
	      "CREATE VIEW b AS SELECT * FROM pragma_user_version;"
	      "CREATE TABLE t (x);"
	      "CREATE VIEW c AS SELECT fts3_tokenizer('simple') AS x;",
	      &roomy);
	expect_refused(&fixture, "SELECT * FROM a");
	expect_refused(&fixture, "SELECT * FROM b");
	expect_refused(&fixture, "SELECT * FROM c");
	end(&fixture);
}

static void ask__what_is_no_statement__is_refused_and_says_where(void **state)
{
	static const struct {
		const char *sql;
		const char *why, *hint;
	} statements[] = {
		{ "-- nothing", "there is no statement in it", "such as" },
		{ " ;; ", "there is no statement in it", "such as" },
		{ "SELEC 1", "near \"SELEC\": syntax error, at: SELEC 1", "docs/query.md" },
		{ "SELECT", "incomplete input", "docs/query.md" },
		{ "SELECT 1; SELECT 2", "another one follows the first, at: SELECT 2",
		  "one statement" },
		{ "SELECT 1; DROP TABLE edges", "another one follows", "one statement" },
		{ "SELECT 1; nonsense", "another one follows", "one statement" },
		{ "SELECT * FROM egdes", "no such table: egdes", "entity_scope_links" },
		{ "SELECT src FROM edges", "no such column: src, at: src FROM edges",
		  "pragma_table_info" },
		{ "SELECT \"kind_\" FROM edges", "no such column", "pragma_table_info" },
		{ "SELECT json('{')", "malformed JSON", "docs/query.md" },
		{ "SELECT abs(-9223372036854775807 - 1)", "integer overflow", "docs/query.md" },
	};
	struct fixture fixture;

	(void)state;
	begin(&fixture, NULL, &roomy);
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		expect_refused(&fixture, statements[i].sql);
		assert_non_null(strstr(fixture.problem.why, statements[i].why));
		assert_non_null(strstr(fixture.problem.hint, statements[i].hint));
	}
	end(&fixture);
}

/* What a question of ours does not find is the file's fault. */
static void ask__ours_and_a_table_is_missing__says_the_database_is_wrong(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, "DROP TABLE findings", &roomy);
	assert_int_equal(peeps_statement_prepare(&fixture.statement, &fixture.confinement,
						 "SELECT * FROM findings", true, &fixture.problem),
			 -EINVAL);
	assert_int_equal(fixture.problem.status, PEEPS_PROBLEM_BAD_SEGMENT);
	end(&fixture);
}

/* --- how much of it ----------------------------------------------------------------------------------------------- */

static void expect_stopped(struct fixture *fixture, const char *sql, int error, const char *why)
{
	print_message("# %.100s\n", sql);
	assert_int_equal(ask(fixture, sql), error);
	assert_int_equal(fixture->problem.status, PEEPS_PROBLEM_OTHER);
	assert_string_equal(fixture->problem.what, "gave up before the answer was whole");
	assert_non_null(strstr(fixture->problem.why, why));
}

static void ask__without_end__is_stopped_in_time(void **state)
{
	static const char *const statements[] = {
		ENDLESS "SELECT count(*) FROM c",
		ENDLESS "SELECT a.x FROM c AS a, c AS b, c AS d WHERE a.x < 0",
		"SELECT count(*) FROM pragma_table_info('edges') a, pragma_table_info('edges') b, "
		"pragma_table_info('edges') c, pragma_table_info('edges') d, pragma_table_info('edges') e, "
		"pragma_table_info('edges') f, pragma_table_info('edges') g, pragma_table_info('edges') h",
	};
	const struct peeps_bounds brief = { .timeout_ns = 20 * MS,
					    .memory_bytes = INT64_C(1) << 28 };

	(void)state;
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		struct fixture fixture;

		begin(&fixture, NULL, &brief);
		expect_stopped(&fixture, statements[i], -ETIME, "more than 20 ms");
		end(&fixture);
	}
}

static void ask__more_memory_than_is_allowed__is_stopped(void **state)
{
	static const char *const statements[] = {
		/* a sort, a union without doubles, a concatenation, values */
		ENDLESS
		"SELECT zeroblob(100000) || x AS y FROM (SELECT x FROM c LIMIT 1000) ORDER BY y",
		"WITH RECURSIVE c(x) AS (SELECT 1 UNION SELECT x + 1 FROM c) SELECT count(*) FROM c",
		ENDLESS
		"SELECT group_concat(y) FROM (SELECT hex(zeroblob(100000)) AS y FROM c LIMIT 200)",
		ENDLESS
		"SELECT json_group_array(y) FROM (SELECT hex(zeroblob(100000)) AS y FROM c LIMIT 200)",
		"SELECT randomblob(20000000)",
		"SELECT printf('%20000000d', 1)",
		"SELECT replace(hex(zeroblob(100000)), '0', hex(zeroblob(10000)))",
	};
	const struct peeps_bounds small = { .timeout_ns = 60 * S, .memory_bytes = 8 << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		struct fixture fixture;

		begin(&fixture, NULL, &small);
		expect_stopped(&fixture, statements[i], -ENOMEM, "more than 8 MiB of memory");
		end(&fixture);
	}
	assert_int_equal(sqlite3_hard_heap_limit64(-1), 0); /* it was for that while */
}

static void ask__a_longer_value_than_is_allowed__is_stopped(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, NULL, &roomy);
	assert_int_equal(ask(&fixture, "SELECT length(zeroblob(67108864))"), 0);
	expect_stopped(&fixture, "SELECT zeroblob(67108865)", -EFBIG, "longer than is allowed");
	end(&fixture);
}

/* Makes SQL of a head, and a piece so many times, and a tail. */
static char *repeated(const char *head, const char *piece, size_t count, const char *tail)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	(void)fputs(head, out);
	for (size_t i = 0; i < count; i++)
		(void)fputs(piece, out);
	(void)fputs(tail, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void ask__sql_beyond_its_bounds__is_refused(void **state)
{
	static const struct {
		const char *head, *piece, *tail;
		size_t fits, exceeds;
		bool too_long; /* told as a bound, not as bad SQL */
	} rows[] = {
		{ "SELECT 1", " + 1", "", 100, 300, false },
		{ "SELECT 1", " UNION ALL SELECT 1", "", 60, 70, false },
		{ "SELECT 1", ", 1", "", 255, 256, false },
		{ "SELECT max(1", ", 1", ")", 63, 64, false },
		{ "SELECT 'a' LIKE '", "a", "'", 256, 257, false },
		{ "SELECT 1 --", "xxxxxxxxxxxxxxxx", "", 65000, 66000, true },
	};
	struct fixture fixture;

	(void)state;
	begin(&fixture, NULL, &roomy);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *fits = repeated(rows[i].head, rows[i].piece, rows[i].fits, rows[i].tail);
		char *exceeds =
			repeated(rows[i].head, rows[i].piece, rows[i].exceeds, rows[i].tail);

		print_message("# %s%s...\n", rows[i].head, rows[i].piece);
		assert_int_equal(ask(&fixture, fits), 0);
		if (rows[i].too_long)
			expect_stopped(&fixture, exceeds, -EFBIG, "longer than is allowed");
		else
			expect_refused(&fixture, exceeds);
		free(fits);
		free(exceeds);
	}
	end(&fixture);
}

static void ask__more_rows_than_wanted__ends_there_and_knows_of_more(void **state)
{
	struct fixture fixture;

	(void)state;
	for (uint64_t wanted = 4; wanted <= 6; wanted++) {
		int r;

		begin(&fixture, NULL, &roomy);
		assert_int_equal(prepare(&fixture, ENDLESS "SELECT x FROM c LIMIT 5"), 0);
		fixture.statement.rows_max = wanted;
		do
			r = peeps_statement_next(&fixture.statement, &fixture.problem);
		while (r > 0);
		assert_int_equal(r, 0);
		assert_int_equal(fixture.statement.row_count, wanted < 5 ? wanted : 5);
		assert_int_equal(fixture.statement.has_more, wanted < 5);
		end(&fixture);
	}
}

static void ask__more_bytes_than_allowed__is_stopped(void **state)
{
	struct fixture fixture;
	int r;

	(void)state;
	begin(&fixture, NULL, &roomy);
	assert_int_equal(prepare(&fixture, ENDLESS "SELECT hex(zeroblob(1000)) FROM c"), 0);
	fixture.statement.bytes_max = 1 << 20;
	do
		r = peeps_statement_next(&fixture.statement, &fixture.problem);
	while (r > 0);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(fixture.problem.status, PEEPS_PROBLEM_OTHER);
	assert_non_null(strstr(fixture.problem.why, "longer than 1 MiB"));
	assert_in_range(fixture.statement.row_count, 500, 525);
	end(&fixture);
}

/* --- parameters and names ------------------------------------------------------------------------------------------ */

static void bind__known_parameters__get_what_they_stand_for(void **state)
{
	static const struct peeps_parameters parameters = { .snapshot = 7,
							    .before = 6,
							    .min_ns = 5 };
	static const struct peeps_parameters first = { .snapshot = 1 };
	static const int wanted[] = { 7, 6, 5, 7 };
	struct fixture fixture;

	(void)state;
	begin(&fixture, NULL, &roomy);
	assert_int_equal(prepare(&fixture, "SELECT ?1, :before, :min_ns, ?1"), 0);
	assert_int_equal(peeps_statement_bind(&fixture.statement, &parameters, &fixture.problem),
			 0);
	assert_int_equal(peeps_statement_next(&fixture.statement, &fixture.problem), 1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(sqlite3_column_int(fixture.statement.prepared, i), wanted[i]);
	assert_true(fixture.statement.asks_of_one);
	assert_true(fixture.statement.asks_of_before);
	assert_true(fixture.statement.asks_of_min);

	assert_int_equal(prepare(&fixture, "SELECT :before"), 0);
	assert_int_equal(peeps_statement_bind(&fixture.statement, &first, &fixture.problem), 0);
	assert_int_equal(peeps_statement_next(&fixture.statement, &fixture.problem), 1);
	assert_int_equal(sqlite3_column_type(fixture.statement.prepared, 0), SQLITE_NULL);

	assert_int_equal(prepare(&fixture, "SELECT 1"), 0);
	assert_int_equal(peeps_statement_bind(&fixture.statement, &first, &fixture.problem), 0);
	assert_false(fixture.statement.asks_of_one || fixture.statement.asks_of_before ||
		     fixture.statement.asks_of_min);
	end(&fixture);
}

static void bind__unknown_parameters__are_refused_and_the_known_listed(void **state)
{
	static const struct peeps_parameters parameters = { .snapshot = 7 };
	static const struct {
		const char *sql;
		const char *why;
	} rows[] = {
		{ "SELECT :befroe", ":befroe" },
		{ "SELECT @snapshot", "@snapshot" },
		{ "SELECT $1", "$1" },
		{ "SELECT ?2", "?2" },
		{ "SELECT ?, ?", "a further ?" },
		/* the first two parameters would be one */
		{ "SELECT :before, ?1", "another one is" },
	};
	struct fixture fixture;

	(void)state;
	begin(&fixture, NULL, &roomy);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("# %s\n", rows[i].sql);
		assert_int_equal(prepare(&fixture, rows[i].sql), 0);
		assert_int_equal(
			peeps_statement_bind(&fixture.statement, &parameters, &fixture.problem),
			-EINVAL);
		assert_int_equal(fixture.problem.status, PEEPS_PROBLEM_USAGE);
		assert_non_null(strstr(fixture.problem.why, rows[i].why));
		assert_non_null(strstr(fixture.problem.hint, "?1"));
	}
	assert_int_not_equal(prepare(&fixture, "SELECT ?17"), 0);
	end(&fixture);
}

static void names__that_are_alike__are_numbered(void **state)
{
	static const char *const wanted[] = { "id", "id_2", "id_3", "id_2_2", "kind" };
	struct peeps_arena *arena = peeps_arena_new(0);
	struct fixture fixture;
	const char *const *names;

	(void)state;
	begin(&fixture, NULL, &roomy);
	assert_int_equal(
		prepare(&fixture, "SELECT 1 AS id, 2 AS id, 3 AS id, 4 AS id_2, 5 AS kind"), 0);
	names = peeps_statement_names(&fixture.statement, arena);
	assert_non_null(names);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_string_equal(names[i], wanted[i]);
	end(&fixture);
	peeps_arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ask__anything_but_reading__is_refused),
		cmocka_unit_test(ask__whatever_reads__is_answered),
		cmocka_unit_test(ask__views_of_a_hostile_database__are_refused),
		cmocka_unit_test(ask__what_is_no_statement__is_refused_and_says_where),
		cmocka_unit_test(ask__ours_and_a_table_is_missing__says_the_database_is_wrong),
		cmocka_unit_test(ask__without_end__is_stopped_in_time),
		cmocka_unit_test(ask__more_memory_than_is_allowed__is_stopped),
		cmocka_unit_test(ask__a_longer_value_than_is_allowed__is_stopped),
		cmocka_unit_test(ask__sql_beyond_its_bounds__is_refused),
		cmocka_unit_test(ask__more_rows_than_wanted__ends_there_and_knows_of_more),
		cmocka_unit_test(ask__more_bytes_than_allowed__is_stopped),
		cmocka_unit_test(bind__known_parameters__get_what_they_stand_for),
		cmocka_unit_test(bind__unknown_parameters__are_refused_and_the_known_listed),
		cmocka_unit_test(names__that_are_alike__are_numbered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
