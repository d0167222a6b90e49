/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "reader/database/database.h"
#include "reader/database/tables.h"
#include "reader/problem.h"
#include "tests/reader/graph_builder.h"

/* A folder of the test's own, and a name in it. */
struct place {
	char folder[32];
	char path[64];
};

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	(void)snprintf(place->folder, sizeof(place->folder), "/tmp/test-database-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	(void)snprintf(place->path, sizeof(place->path), "%s/hang.db", place->folder);
	*state = place;
	return 0;
}

/* Fails if anything but the database lies in it. */
static int remove_place(void **state)
{
	struct place *place = *state;
	int r;

	(void)unlink(place->path);
	r = rmdir(place->folder);
	free(place);
	return r;
}

static int64_t ask(struct peeps_database *database, const char *sql)
{
	sqlite3_stmt *statement;
	int64_t answer;

	assert_int_equal(sqlite3_prepare_v2(database->sqlite, sql, -1, &statement, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	answer = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	return answer;
}

static void run(struct peeps_database *database, const char *sql)
{
	assert_int_equal(sqlite3_exec(database->sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
}

static struct peeps_database appended(const char *path)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database;

	assert_int_equal(peeps_database_append(&database, path, &problem), 0);
	return database;
}

static int64_t added(struct peeps_database *database, const struct peeps_graph *graph)
{
	struct peeps_problem problem = { .status = 0 };
	int64_t id;

	assert_int_equal(peeps_database_add(database, graph, &id, &problem), 0);
	return id;
}

static void append__new_and_again__numbers_go_on(void **state)
{
	const struct place *place = *state;
	struct peeps_graph *graph = graph_deadlocked();
	struct peeps_database database = appended(place->path);

	assert_int_equal(added(&database, graph), 1);
	assert_int_equal(ask(&database, "PRAGMA foreign_keys"), 1);
	peeps_database_close(&database);
	database = appended(place->path);
	assert_int_equal(added(&database, graph), 2);
	assert_int_equal(added(&database, graph), 3);
	peeps_database_close(&database);
	peeps_graph_free(graph);
}

static void check__nothing_there__says_yes_and_makes_nothing(void **state)
{
	const struct place *place = *state;
	struct peeps_problem problem = { .status = 0 };

	assert_int_equal(peeps_database_check(place->path, &problem), 0);
	assert_int_equal(access(place->path, F_OK), -1);
	assert_int_equal(peeps_database_check("/no/such/folder/x.db", &problem), -ENOENT);
	assert_int_equal(problem.status, PEEPS_PROBLEM_NO_PROCESS);
}

static void check__a_database__says_what_append_would(void **state)
{
	const struct place *place = *state;
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database = appended(place->path);

	peeps_database_close(&database);
	assert_int_equal(peeps_database_check(place->path, &problem), 0);
	database = appended(place->path);
	run(&database, "PRAGMA user_version = 78");
	peeps_database_close(&database);
	assert_int_equal(peeps_database_check(place->path, &problem), -EPROTONOSUPPORT);
	assert_non_null(strstr(problem.why, "version 78"));
	assert_int_equal(peeps_database_append(&database, place->path, &problem), -EPROTONOSUPPORT);
}

static void read__no_tables_yet__is_refused(void **state)
{
	const struct place *place = *state;
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database;
	FILE *file = fopen(place->path, "we");

	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(peeps_database_read(&database, place->path, &problem), -EBADMSG);
	assert_int_equal(problem.status, PEEPS_PROBLEM_BAD_SEGMENT);
}

static void keep__newest__the_others_go_with_all_they_had(void **state)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = graph_deadlocked();
	struct peeps_database database;
	const size_t rows = graph->node_count + graph->edge_count;

	(void)state;
	assert_int_equal(peeps_database_in_memory(&database, &problem), 0);
	for (int i = 0; i < 5; i++)
		(void)added(&database, graph);
	assert_int_equal(peeps_database_keep(&database, 9, &problem), 0);
	assert_int_equal(peeps_database_keep(&database, 2, &problem), 3);
	assert_int_equal(ask(&database, "SELECT min(id) FROM snapshots"), 4);
	assert_int_equal(
		ask(&database,
		    "SELECT (SELECT count(*) FROM entities) + (SELECT count(*) FROM edges)"),
		2 * rows);
	assert_int_equal(peeps_database_keep(&database, 0, &problem), 2);
	assert_int_equal(ask(&database, "SELECT count(*) FROM processes"), 0);
	assert_int_equal(added(&database, graph), 6);
	peeps_database_close(&database);
	peeps_graph_free(graph);
}

static void add__no_room__nothing_is_added_and_with_room_it_is(void **state)
{
	const struct place *place = *state;
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = graph_deadlocked();
	struct peeps_database database = appended(place->path);
	char *text = calloc(1, 100000);
	int64_t id, pages;
	char sql[64];

	assert_non_null(text);
	memset(text, 'x', 99999);
	(void)added(&database, graph);
	graph_attribute(graph, 0, "text",
			(struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = text });
	pages = ask(&database, "PRAGMA page_count");
	(void)snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %lld", (long long)pages + 1);
	run(&database, sql);
	assert_int_equal(peeps_database_add(&database, graph, &id, &problem), -ENOSPC);
	assert_int_equal(problem.status, PEEPS_PROBLEM_OTHER);
	assert_non_null(strstr(problem.hint, "nothing of this snapshot was added"));
	assert_int_equal(ask(&database, "SELECT count(*) FROM snapshots"), 1);
	run(&database, "PRAGMA max_page_count = 1000000");
	(void)added(&database, graph);
	assert_int_equal(ask(&database, "SELECT count(*) FROM snapshots"), 2);
	peeps_database_close(&database);
	free(text);
	peeps_graph_free(graph);
}

static void append__another_writes_at_the_same_time__both_are_there(void **state)
{
	const struct place *place = *state;
	struct peeps_graph *graph = graph_deadlocked();
	struct peeps_database one = appended(place->path), other = appended(place->path);

	assert_int_equal(added(&one, graph), 1);
	assert_int_equal(added(&other, graph), 2);
	assert_int_equal(added(&one, graph), 3);
	peeps_database_close(&one);
	assert_int_equal(ask(&other, "SELECT count(*) FROM snapshots"), 3);
	peeps_database_close(&other);
	peeps_graph_free(graph);
}

static void tables__as_the_schema_has_them__but_for_space_and_comments(void **state)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database;
	char *differs = NULL;

	(void)state;
	assert_int_equal(peeps_database_in_memory(&database, &problem), 0);
	assert_int_equal(peeps_tables_check(database.sqlite, &differs), 0);
	run(&database, "DROP INDEX findings_by_snapshot; CREATE INDEX findings_by_snapshot\n"
		       "-- a comment; not the end\n ON  findings (snapshot_id)");
	assert_int_equal(peeps_tables_check(database.sqlite, &differs), 0);
	run(&database, "CREATE TABLE mine (x)");
	assert_int_equal(peeps_tables_check(database.sqlite, &differs), 0);
	assert_null(differs);
	peeps_database_close(&database);
}

static void tables__one_of_another_kind__is_named(void **state)
{
	static const struct {
		const char *sql, *name;
	} changes[] = {
		{ "DROP INDEX findings_by_snapshot", "findings_by_snapshot" },
		{ "DROP INDEX edges_pending; CREATE INDEX edges_pending ON edges (snapshot_id, pending_since_ptime_ns) "
		  "WHERE state = 'pending--'",
		  "edges_pending" },
		{ "DROP TABLE findings; CREATE VIEW findings AS SELECT * FROM scopes", "findings" },
		{ "ALTER TABLE snapshots ADD COLUMN more TEXT", "snapshots" },
		{ "DROP TABLE entity_scope_links", "entity_scope_links" },
		{ "DROP TABLE entity_scope_links; CREATE TABLE entity_scope_links (row INTEGER PRIMARY KEY)",
		  "entity_scope_links" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct peeps_problem problem = { .status = 0 };
		struct peeps_database database;
		char *differs = NULL;

		assert_int_equal(peeps_database_in_memory(&database, &problem), 0);
		run(&database, changes[i].sql);
		print_message("# %s\n", changes[i].sql);
		assert_int_equal(peeps_tables_check(database.sqlite, &differs), -EBADMSG);
		assert_string_equal(differs, changes[i].name);
		free(differs);
		peeps_database_close(&database);
	}
}

int main(void)
{
#define TEST_IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
	const struct CMUnitTest tests[] = {
		TEST_IN_PLACE(append__new_and_again__numbers_go_on),
		TEST_IN_PLACE(check__nothing_there__says_yes_and_makes_nothing),
		TEST_IN_PLACE(check__a_database__says_what_append_would),
		TEST_IN_PLACE(read__no_tables_yet__is_refused),
		cmocka_unit_test(keep__newest__the_others_go_with_all_they_had),
		TEST_IN_PLACE(add__no_room__nothing_is_added_and_with_room_it_is),
		TEST_IN_PLACE(append__another_writes_at_the_same_time__both_are_there),
		cmocka_unit_test(tables__as_the_schema_has_them__but_for_space_and_comments),
		cmocka_unit_test(tables__one_of_another_kind__is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
