/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "reader/database/database.h"
#include "reader/graph/graph.h"
#include "reader/problem.h"
#include "reader/query/about.h"
#include "reader/query/confine.h"

static const struct peeps_bounds bounds = { .timeout_ns = UINT64_C(60000000000),
					    .memory_bytes = INT64_C(1) << 28 };

/* Snapshots 2, 3 and 5, of which the last two are of a recording. */
#define THREE                                                                                                                 \
	"INSERT INTO snapshots (id, schema, sequence, taken_at_unix_ns, quality, notes_json, origin) VALUES "                 \
	"(2, 'peeps.snapshot/1', NULL, 1000, 'cut', '[]', NULL),"                                                             \
	"(3, 'peeps.snapshot/1', 7, 2000, 'passive', '[\"a\", \"b\"]', 'x.msgpack'),"                                         \
	"(5, 'peeps.snapshot/1', 8, 3000, 'cut', '[]', NULL);"                                                                \
	"INSERT INTO processes (snapshot_id, proc_key, pid, own_pid, name, cmdline, coverage, threads, gone, counters_json) " \
	"VALUES (3, 'orders-1', 11, 1, 'orders', '', '', 4, 0, '{\"dropped_entities\": 3, \"dropped_edges\": 0}'),"           \
	"(3, 'bank-2', 12, 2, 'bank', '', '', 5, 1, '{\"torn\": 0, \"dropped_text\": 9}');"

struct fixture {
	struct peeps_database database;
	struct peeps_confinement confinement;
	struct peeps_about about;
	struct peeps_problem problem;
};

static void begin(struct fixture *fixture, const char *with)
{
	*fixture = (struct fixture){ .problem = { .status = 0 } };
	assert_int_equal(peeps_database_in_memory(&fixture->database, &fixture->problem), 0);
	assert_int_equal(sqlite3_exec(fixture->database.sqlite, with, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(peeps_confine(&fixture->confinement, fixture->database.sqlite, &bounds,
				       &fixture->problem),
			 0);
}

static int find(struct fixture *fixture, int64_t at, bool by_sequence)
{
	peeps_about_free(&fixture->about);
	return peeps_about_find(&fixture->about, fixture->database.sqlite, at, by_sequence,
				&fixture->problem);
}

static void end(struct fixture *fixture)
{
	peeps_about_free(&fixture->about);
	peeps_confine_end(&fixture->confinement);
	peeps_database_close(&fixture->database);
}

static void find__each_way_to_say_it__is_that_snapshot(void **state)
{
	static const struct {
		int64_t at;
		bool by_sequence;
		int64_t snapshot, before;
		int64_t number, before_number;
	} rows[] = {
		{ 0, false, 5, 3, 5, 3 },  { -1, false, 5, 3, 5, 3 }, { -2, false, 3, 2, 3, 2 },
		{ -3, false, 2, 0, 2, 0 }, { 2, false, 2, 0, 2, 0 },  { 5, false, 5, 3, 5, 3 },
		{ 7, true, 3, 2, 7, 2 },   { 8, true, 5, 3, 8, 7 },   { 2, true, 2, 0, 2, 0 },
		{ 0, true, 5, 3, 8, 7 },   { -2, true, 3, 2, 7, 2 },
	};
	struct fixture fixture;

	(void)state;
	begin(&fixture, THREE);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("# %lld\n", (long long)rows[i].at);
		assert_int_equal(find(&fixture, rows[i].at, rows[i].by_sequence), 0);
		assert_int_equal(fixture.about.snapshot, rows[i].snapshot);
		assert_int_equal(fixture.about.before, rows[i].before);
		assert_int_equal(fixture.about.number, rows[i].number);
		assert_int_equal(fixture.about.before_number, rows[i].before_number);
		assert_int_equal(fixture.about.first_number, 2);
		assert_int_equal(fixture.about.last_number, rows[i].by_sequence ? 8 : 5);
		assert_int_equal(fixture.about.count, 3);
		assert_int_equal(fixture.about.doubted_count, 1);
		assert_int_equal(fixture.about.lossy_count, 1);
		assert_int_equal(fixture.about.first_taken_at_unix_ns, 1000);
		assert_int_equal(fixture.about.last_taken_at_unix_ns, 3000);
		assert_int_equal(fixture.about.before_taken_at_unix_ns,
				 rows[i].before ? (rows[i].before - 1) * 1000 : 0);
	}
	end(&fixture);
}

static void find__none_such__is_refused(void **state)
{
	static const struct {
		int64_t at;
		bool by_sequence;
	} rows[] = { { 1, false }, { 4, false },         { -4, false }, { 6, false },
		     { 5, true },  { INT64_MAX, false }, { 9, true },   { INT64_MIN, true } };
	struct fixture fixture;

	(void)state;
	begin(&fixture, THREE);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("# %lld\n", (long long)rows[i].at);
		assert_int_equal(find(&fixture, rows[i].at, rows[i].by_sequence), -ENOENT);
		assert_int_equal(fixture.problem.status, PEEPS_PROBLEM_NO_PROCESS);
		assert_non_null(strstr(fixture.problem.why, rows[i].by_sequence
								    ? "there are 3: from 2 to 8"
								    : "there are 3: from 2 to 5"));
	}
	end(&fixture);
}

static void find__an_empty_database__has_none_and_that_is_fine(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, "");
	assert_int_equal(find(&fixture, 0, false), 0);
	assert_int_equal(fixture.about.snapshot, 0);
	assert_null(fixture.about.graph);
	assert_int_equal(find(&fixture, -1, false), -ENOENT);
	end(&fixture);
}

static void find__counters_that_are_no_json__are_no_loss_and_no_error(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, THREE "UPDATE processes SET counters_json = '{' WHERE name = 'bank';"
			      "UPDATE processes SET counters_json = '{}' WHERE name = 'orders';");
	assert_int_equal(find(&fixture, 5, false), 0);
	assert_int_equal(fixture.about.lossy_count, 0);
	end(&fixture);
}

static void find__what_headings_tell__is_read(void **state)
{
	const struct peeps_graph *graph;
	struct fixture fixture;

	(void)state;
	begin(&fixture, THREE);
	assert_int_equal(find(&fixture, 3, false), 0);
	graph = fixture.about.graph;
	assert_int_equal(graph->quality, PEEPS_QUALITY_PASSIVE);
	assert_int_equal(graph->taken_at_unix_ns, 2000);
	assert_int_equal(graph->sequence, 7);
	assert_string_equal(graph->origin, "x.msgpack");
	assert_int_equal(graph->note_count, 2);
	assert_string_equal(graph->notes[1], "b");
	assert_int_equal(graph->process_count, 2);
	assert_string_equal(graph->processes[0].proc_key, "orders-1");
	assert_int_equal(graph->processes[0].thread_count, 4);
	assert_int_equal(graph->processes[0].counter_count, 1); /* what is 0 is not worth telling */
	assert_string_equal(graph->processes[0].counters[0].name, "dropped_entities");
	assert_int_equal(graph->processes[0].counters[0].value, 3);
	assert_true(graph->processes[1].gone);
	assert_int_equal(peeps_process_lost(&graph->processes[1], "dropped_text"), 9);
	end(&fixture);
}

/* Nothing in a file is what it should be. */
static void find__hostile_tables__are_refused_or_read_as_they_are(void **state)
{
	static const struct {
		const char *with;
		int result;
	} rows[] = {
		{ "PRAGMA foreign_keys = OFF; DROP TABLE snapshots", -EBADMSG },
		{ "INSERT INTO snapshots (schema, taken_at_unix_ns, quality, notes_json) VALUES ('', -5, 'best', '[')",
		  -EBADMSG },
		{ "INSERT INTO snapshots (schema, taken_at_unix_ns, quality, notes_json) VALUES ('', -5, 'best', '{}')",
		  0 },
		{ "INSERT INTO snapshots (schema, taken_at_unix_ns, quality, notes_json) VALUES "
		  "('', 5, 'cut', '[[1, 2], null, {\"a\": 1}, 1e99]')",
		  0 },
		{ "PRAGMA foreign_keys = OFF; DROP TABLE snapshots; CREATE VIEW snapshots AS "
		  "SELECT load_extension('/tmp/peeps-never') AS id, 1 AS taken_at_unix_ns, 'cut' AS quality",
		  -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture fixture;

		print_message("# %s\n", rows[i].with);
		begin(&fixture, rows[i].with);
		assert_int_equal(find(&fixture, 0, false), rows[i].result);
		assert_int_equal(fixture.problem.status,
				 rows[i].result ? PEEPS_PROBLEM_BAD_SEGMENT : 0);
		if (i == 2) { /* a quality that is not known is none to rely on */
			assert_int_equal(fixture.about.graph->quality, PEEPS_QUALITY_PARTIAL);
			assert_int_equal(fixture.about.graph->taken_at_unix_ns, 0);
		}
		end(&fixture);
	}
}

static void find__counting_without_end__is_stopped_in_time(void **state)
{
	static const struct peeps_bounds brief = { .timeout_ns = 20000000,
						   .memory_bytes = INT64_C(1) << 28 };
	struct fixture fixture = { .problem = { .status = 0 } };

	(void)state;
	assert_int_equal(peeps_database_in_memory(&fixture.database, &fixture.problem), 0);
	assert_int_equal(
		sqlite3_exec(
			fixture.database.sqlite,
			"PRAGMA foreign_keys = OFF; DROP TABLE snapshots; CREATE VIEW snapshots AS "
			"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS id FROM c",
			NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(peeps_confine(&fixture.confinement, fixture.database.sqlite, &brief,
				       &fixture.problem),
			 0);
	assert_int_equal(find(&fixture, 0, false), -ETIME);
	assert_int_equal(fixture.problem.status, PEEPS_PROBLEM_OTHER);
	end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find__each_way_to_say_it__is_that_snapshot),
		cmocka_unit_test(find__none_such__is_refused),
		cmocka_unit_test(find__an_empty_database__has_none_and_that_is_fine),
		cmocka_unit_test(find__counters_that_are_no_json__are_no_loss_and_no_error),
		cmocka_unit_test(find__what_headings_tell__is_read),
		cmocka_unit_test(find__hostile_tables__are_refused_or_read_as_they_are),
		cmocka_unit_test(find__counting_without_end__is_stopped_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
