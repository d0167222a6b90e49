/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "reader/database/database.h"
#include "reader/database/database_read.h"
#include "reader/format/document.h"
#include "reader/graph/arena.h"
#include "reader/problem.h"
#include "reader/snapshot/snapshot.h"
#include "tests/reader/graph_builder.h"
#include "tests/reader/graph_compare.h"
#include "tests/reader/graph_rich.h"

/* --- databases -------------------------------------------------------------------------------------------------- */

static struct peeps_database in_memory(void)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database;

	if (peeps_database_in_memory(&database, &problem) != 0)
		fail_msg("%s: %s", problem.what, problem.why);
	return database;
}

static int64_t add(struct peeps_database *database, const struct peeps_graph *graph)
{
	struct peeps_problem problem = { .status = 0 };
	int64_t id = 0;

	if (peeps_database_add(database, graph, &id, &problem) != 0)
		fail_msg("%s: %s", problem.what, problem.why);
	return id;
}

static void run(struct peeps_database *database, const char *sql)
{
	if (sqlite3_exec(database->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(database->sqlite));
}

static struct peeps_graph *read_at(struct peeps_database *database, int64_t at)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;

	if (peeps_database_snapshot(database, at, &graph, &problem) != 0)
		fail_msg("%s: %s", problem.what, problem.why);
	return graph;
}

/* Returns what it says; the graph is not touched. */
static struct peeps_problem refused(struct peeps_database *database, int64_t at, int error)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;

	assert_int_equal(peeps_database_snapshot(database, at, &graph, &problem), error);
	assert_null(graph);
	assert_true(problem.what[0] && problem.why[0]);
	return problem;
}

typedef int write_fn(const struct peeps_graph *graph, FILE *out);

static void assert_written_alike(write_fn *write, const struct peeps_graph *got,
				 const struct peeps_graph *wanted)
{
	char *a = printed(write, got), *b = printed(write, wanted);

	assert_string_equal(a, b);
	free(a);
	free(b);
}

static void assert_same(const struct peeps_graph *got, const struct peeps_graph *wanted)
{
	assert_same_graph(got, wanted);
	assert_same_findings(got, wanted);
	assert_written_alike(peeps_document_write_json, got, wanted);
	assert_written_alike(peeps_document_write_msgpack, got, wanted);
}

static void assert_comes_back(const struct peeps_graph *graph)
{
	struct peeps_database database = in_memory();
	struct peeps_graph *back;

	(void)add(&database, graph);
	back = read_at(&database, 0);
	assert_same(back, graph);
	peeps_graph_free(back);
	peeps_database_close(&database);
}

/* --- as it went in ---------------------------------------------------------------------------------------------- */

static void snapshot__all_there_is__comes_back_as_it_was(void **state)
{
	struct peeps_graph *graph = graph_rich();

	(void)state;
	assert_comes_back(graph);
	graph->sequence = 12;
	assert_comes_back(graph);
	peeps_graph_free(graph);
}

static void snapshot__nothing_at_all__comes_back_as_it_was(void **state)
{
	struct peeps_graph *graph = graph_new();

	(void)state;
	assert_comes_back(graph);
	peeps_graph_free(graph);
}

/* Longer than what the reader of JSON files takes at once. */
static void snapshot__long_and_hostile_texts__come_back_as_they_were(void **state)
{
	const size_t length = (3 << 20) + 1;
	struct peeps_graph *graph = graph_new();
	char *text = peeps_arena_take(graph->arena, length, 1);
	const uint32_t node =
		graph_mutex(graph, "'; DROP TABLE edges; --\"\x1b\x7f\xc2\x9b", "a", 1);

	(void)state;
	assert_non_null(text);
	memset(text, '\\', length - 1);
	graph->nodes[node].created_ns = PEEPS_NO_TIME;
	graph->nodes[node].kind = "\xf0\x9f\x94\x92";
	graph->nodes[node].kind_number = PEEPS_KIND_NONE;
	graph_attribute(graph, node, "long",
			(struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = text });
	graph_attribute(graph, node, "empty",
			(struct peeps_value){ .type = PEEPS_VALUE_TEXT, .as.text = "" });
	graph_note(graph, "");
	graph_note(graph, text);
	assert_comes_back(graph);
	peeps_graph_free(graph);
}

/* --- which ------------------------------------------------------------------------------------------------------ */

static const char *const goldens[] = { "deadlock", "full_stall", "starvation",
				       "tasks",    "history",    "everything" };
#define GOLDEN_COUNT (sizeof(goldens) / sizeof(goldens[0]))

static struct peeps_graph *golden(size_t number)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;
	char path[4096];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s.msgpack", PEEPS_GOLDEN_FOLDER, goldens[number]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || peeps_snapshot_read(fd, path, &graph, &problem) != 0)
		fail_msg("%s: %s", path, problem.why);
	(void)close(fd);
	return graph;
}

static void assert_is_golden(const struct peeps_graph *got, size_t number)
{
	struct peeps_graph *wanted = golden(number);

	assert_same(got, wanted);
	peeps_graph_free(wanted);
}

static void add_goldens(struct peeps_database *database)
{
	for (size_t i = 0; i < GOLDEN_COUNT; i++) {
		struct peeps_graph *graph = golden(i);

		graph->origin = goldens[i];
		(void)add(database, graph);
		peeps_graph_free(graph);
	}
}

static int count_up(void *context, const struct peeps_graph *graph, struct peeps_problem *problem)
{
	size_t *count = context;

	(void)problem;
	assert_is_golden(graph, (*count)++ % GOLDEN_COUNT);
	return 0;
}

static size_t count_all(struct peeps_database *database, int64_t at)
{
	struct peeps_problem problem = { .status = 0 };
	size_t count = 0;

	if (peeps_database_snapshots(database, at, count_up, &count, &problem) != 0)
		fail_msg("%s: %s", problem.what, problem.why);
	return count;
}

static void snapshots__of_several__are_each_what_they_were(void **state)
{
	struct peeps_database database = in_memory();

	(void)state;
	add_goldens(&database);
	add_goldens(&database);
	for (int64_t id = 1; id <= (int64_t)(2 * GOLDEN_COUNT); id++) {
		struct peeps_graph *graph = read_at(&database, id);

		assert_is_golden(graph, (size_t)(id - 1) % GOLDEN_COUNT);
		peeps_graph_free(graph);
	}
	assert_int_equal(count_all(&database, 0), 2 * GOLDEN_COUNT);
	run(&database, "VACUUM");
	assert_int_equal(count_all(&database, 0), 2 * GOLDEN_COUNT);
	assert_int_equal(count_all(&database, 1), 1);
	peeps_database_close(&database);
}

static void assert_origin(struct peeps_database *database, int64_t at, const char *origin)
{
	struct peeps_graph *graph = read_at(database, at);

	assert_string_equal(graph->origin, origin);
	peeps_graph_free(graph);
}

static void snapshot__by_its_number__is_that_one(void **state)
{
	struct peeps_database database = in_memory();

	(void)state;
	add_goldens(&database);
	assert_origin(&database, 0, ":memory:, snapshot 6 of 6 (everything)");
	assert_origin(&database, 1, ":memory:, snapshot 1 of 6 (deadlock)");
	assert_origin(&database, -1, ":memory:, snapshot 6 of 6 (everything)");
	assert_origin(&database, -6, ":memory:, snapshot 1 of 6 (deadlock)");
	assert_string_equal(refused(&database, 7, -ENOENT).why, "it has 6: from 1 to 6");
	assert_string_equal(refused(&database, -7, -ENOENT).why, "it has 6: from 1 to 6");
	assert_int_equal(refused(&database, INT64_MIN, -ENOENT).status, PEEPS_PROBLEM_NO_PROCESS);
	assert_int_equal(refused(&database, INT64_MAX, -ENOENT).status, PEEPS_PROBLEM_NO_PROCESS);
	peeps_database_close(&database);
}

static void snapshot__where_older_ones_were_removed__keeps_its_number(void **state)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database = in_memory();

	(void)state;
	add_goldens(&database);
	assert_int_equal(peeps_database_keep(&database, 2, &problem), 4);
	assert_origin(&database, 0, ":memory:, snapshot 6, one of 2 from 5 to 6 (everything)");
	assert_origin(&database, 5, ":memory:, snapshot 5, one of 2 from 5 to 6 (history)");
	assert_string_equal(refused(&database, 4, -ENOENT).why, "it has 2: from 5 to 6");
	assert_int_equal(peeps_database_keep(&database, 1, &problem), 1);
	assert_origin(&database, 0, ":memory:, snapshot 6 (everything)");
	assert_string_equal(refused(&database, 1, -ENOENT).why, "it has 1: number 6");
	assert_int_equal(peeps_database_keep(&database, 0, &problem), 1);
	assert_string_equal(refused(&database, 0, -ENOENT).why, "there is no snapshot in it");
	peeps_database_close(&database);
}

/* An origin is told again with each database that it goes through. */
static void snapshot__from_one_database_into_another__does_not_grow_for_ever(void **state)
{
	struct peeps_database database = in_memory();
	struct peeps_graph *graph = golden(0);

	(void)state;
	for (int i = 0; i < 100; i++) {
		(void)add(&database, graph);
		peeps_graph_free(graph);
		graph = read_at(&database, 0);
	}
	assert_in_range(strlen(graph->origin), 200, 400);
	assert_is_golden(graph, 0);
	peeps_graph_free(graph);
	peeps_database_close(&database);
}

/* --- hostile databases ------------------------------------------------------------------------------------------ */

#define WEAKEN(table)                                                                         \
	"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = "                        \
	"replace(replace(replace(sql, ' TEXT', ''), ' INTEGER NOT', ' NOT'), ' STRICT', '') " \
	"WHERE name = '" table "'; PRAGMA writable_schema = RESET;"

/* Views name the columns that they show. */
#define WITHOUT_VIEWS "DROP VIEW wakers; DROP VIEW channels; DROP VIEW waits; DROP VIEW nodes; "

static const struct hostile {
	const char *name, *sql, *word; /* of why */
} hostiles[] = {
	{ "view", "DROP TABLE edges; CREATE VIEW edges AS SELECT 1 AS row", "its table edges" },
	{ "endless view",
	  "DROP TABLE findings; CREATE VIEW findings AS WITH RECURSIVE r(row) AS (SELECT 0 UNION ALL SELECT row + 1 "
	  "FROM r) SELECT row, 1 AS snapshot_id FROM r",
	  "its table findings" },
	{ "virtual table",
	  "DROP TABLE scopes; CREATE VIRTUAL TABLE scopes USING fts5(row, snapshot_id)",
	  "its table scopes" },
	{ "missing table", "DROP TABLE findings", "its table findings" },
	{ "missing column", WITHOUT_VIEWS "ALTER TABLE edges DROP COLUMN attrs_json",
	  "attrs_json" },
	{ "generated column",
	  "DROP TABLE findings; CREATE TABLE findings (row INTEGER PRIMARY KEY, snapshot_id, kind AS (zeroblob(9)))",
	  "its table findings" },
	{ "a blob", WEAKEN("findings") "UPDATE findings SET sentence = x'00ff'",
	  "findings[0].sentence: is no text" },
	{ "a number for JSON", WEAKEN("edges") "UPDATE edges SET attrs_json = 1.5",
	  "edges[0].attrs_json: is no text" },
	{ "a text for a number", WEAKEN("processes") "UPDATE processes SET pid = 'many'",
	  "processes[0].pid: is no number" },
	{ "a number below 0", "UPDATE snapshots SET cut_ns = -1",
	  "snapshots.cut_ns: is no number" },
	{ "a number for true", "UPDATE processes SET gone = 2", "gone: is neither 0 nor 1" },
	{ "a PID of 33 bits", "UPDATE processes SET pid = 4294967296", "processes[0].pid" },
	{ "no JSON", "UPDATE entities SET attrs_json = 'x' WHERE row = 2",
	  "entities[1].attrs_json: is no JSON" },
	{ "JSON cut off", "UPDATE entities SET attrs_json = '{\"a\":'", "is no JSON" },
	{ "no value", "UPDATE entities SET attrs_json = ''", "is no JSON" },
	{ "two values", "UPDATE entities SET attrs_json = '{} {}'", "is no JSON" },
	{ "two entries", "UPDATE entities SET attrs_json = '{}, {}'", "it is not one whole value" },
	{ "a value too many", "UPDATE entities SET attrs_json = '{}]'", "is no JSON" },
	{ "an open text", "UPDATE entities SET attrs_json = '{} \"'", "is no JSON" },
	{ "a number alone", "UPDATE entities SET attrs_json = '12'", "nodes[0].attrs" },
	{ "an array for a map", "UPDATE edges SET attrs_json = '[]'", "edges[0].meta" },
	{ "a map for an array", "UPDATE snapshots SET notes_json = '{}'", "notes" },
	{ "deep", "UPDATE edges SET attrs_json = replace(hex(zeroblob(99)), '0', '[')", "nested" },
	{ "bad UTF-8", "UPDATE entities SET name = CAST(x'ff' AS TEXT)", "UTF-8" },
	{ "NUL", "UPDATE entities SET name = CAST(x'6100' AS TEXT)", "NUL" },
	{ "bad UTF-8 in JSON", "UPDATE snapshots SET notes_json = CAST(x'5b22ff225d' AS TEXT)",
	  "is no JSON" },
	{ "an edge's end is missing", "DELETE FROM entities WHERE row = 1", "no node" },
	{ "a process is missing", "DELETE FROM processes", "nodes[0].process" },
	{ "an edge is missing", "DELETE FROM edges WHERE position = 1", "edges[1].position" },
	{ "an edge of another",
	  "UPDATE findings SET edges_json = replace(edges_json, '\"index\":0', '\"index\":2')",
	  "findings[0].edges" },
	{ "an edge twice",
	  "INSERT INTO edges (snapshot_id, position, src_id, dst_id, kind, attrs_json) "
	  "SELECT snapshot_id, position, src_id, dst_id, kind, attrs_json FROM edges",
	  "edges[5].position" },
	{ "another schema", "UPDATE snapshots SET schema = 'peeps.snapshot/2'",
	  "peeps.snapshot/2" },
	{ "no such quality", "UPDATE snapshots SET quality = 'good'", "quality" },
	{ "no such role", "UPDATE entities SET role = 'king'", "role" },
};

/* As whoever finds it opens it. */
static void reopen(struct peeps_database *database)
{
	sqlite3_int64 length = 0;
	unsigned char *image = sqlite3_serialize(database->sqlite, "main", &length, 0);
	sqlite3 *sqlite = NULL;

	assert_non_null(image);
	peeps_database_close(database);
	assert_int_equal(sqlite3_open(":memory:", &sqlite), SQLITE_OK);
	assert_int_equal(sqlite3_deserialize(sqlite, "main", image, length, length,
					     SQLITE_DESERIALIZE_FREEONCLOSE),
			 SQLITE_OK);
	*database = (struct peeps_database){ .sqlite = sqlite, .name = ":memory:" };
}

static void snapshot__hostile_rows__are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hostiles) / sizeof(hostiles[0]); i++) {
		const struct hostile *hostile = &hostiles[i];
		struct peeps_database database = in_memory();
		struct peeps_graph *graph = golden(0), *got = NULL;
		struct peeps_problem problem = { .status = 0 };

		(void)add(&database, graph);
		(void)sqlite3_db_config(database.sqlite, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
		run(&database, "PRAGMA foreign_keys = OFF");
		run(&database, hostile->sql);
		reopen(&database);
		if (peeps_database_snapshot(&database, 0, &got, &problem) == 0)
			fail_msg("%s: taken", hostile->name);
		if (!strstr(problem.why, hostile->word))
			fail_msg("%s: %s", hostile->name, problem.why);
		assert_int_equal(problem.status, PEEPS_PROBLEM_BAD_SEGMENT);
		assert_null(got);
		peeps_database_close(&database);
		peeps_graph_free(graph);
	}
}

/* What is added to the tables does no harm. */
static void snapshot__among_what_others_made__comes_back_as_it_was(void **state)
{
	struct peeps_database database = in_memory();

	(void)state;
	add_goldens(&database);
	run(&database,
	    "ALTER TABLE edges ADD COLUMN comment TEXT; CREATE INDEX mine ON edges (abs(row)); "
	    "CREATE TABLE notes (text); CREATE VIEW mine_too AS SELECT * FROM notes; ANALYZE; "
	    "CREATE TRIGGER t BEFORE UPDATE ON edges BEGIN SELECT raise(ABORT, 'no'); END");
	assert_int_equal(count_all(&database, 0), GOLDEN_COUNT);
	peeps_database_close(&database);
}

/* --- files ------------------------------------------------------------------------------------------------------ */

struct place {
	char folder[64], path[256];
};

static struct place place_new(const char *name)
{
	struct place place = { .folder = "/tmp/peeps-test-XXXXXX" };

	assert_non_null(mkdtemp(place.folder));
	(void)snprintf(place.path, sizeof(place.path), "%s/%s", place.folder, name);
	return place;
}

static void place_remove(const struct place *place)
{
	static const char *const ends[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char path[300];

		(void)snprintf(path, sizeof(path), "%s%s", place->path, ends[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(place->folder), 0);
}

static struct peeps_database append(const char *path)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database;

	if (peeps_database_append(&database, path, &problem) != 0)
		fail_msg("%s: %s", problem.what, problem.why);
	return database;
}

static size_t count_in_file(const char *path)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database;
	size_t count;

	if (peeps_database_read(&database, path, &problem) != 0)
		fail_msg("%s: %s", problem.what, problem.why);
	count = count_all(&database, 0);
	peeps_database_close(&database);
	return count;
}

static void file__whatever_it_is_called__is_that_file(void **state)
{
	static const char *const names[] = { "plain.db", "file:x?mode=memory", "a%41 #?&b=\n.db",
					     "\xff\x80'\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct place place = place_new(names[i]);
		struct peeps_database database = append(place.path);

		add_goldens(&database);
		peeps_database_close(&database);
		assert_int_equal(count_in_file(place.path), GOLDEN_COUNT);
		place_remove(&place);
	}
}

/* ":memory:", as a word on the command line. */
static void file__called_like_no_file__is_that_file(void **state)
{
	const struct place place = place_new(":memory:");
	char *const here = getcwd(NULL, 0);

	(void)state;
	assert_non_null(here);
	{
		struct peeps_database database = append(place.path);

		add_goldens(&database);
		peeps_database_close(&database);
	}
	assert_int_equal(chdir(place.folder), 0);
	assert_int_equal(count_in_file(":memory:"), GOLDEN_COUNT);
	assert_int_equal(chdir(here), 0);
	free(here);
	place_remove(&place);
}

struct writing {
	struct peeps_database database;
	size_t count;
};

static int add_meanwhile(void *context, const struct peeps_graph *graph,
			 struct peeps_problem *problem)
{
	struct writing *writing = context;

	(void)problem;
	assert_is_golden(graph, writing->count++);
	add_goldens(&writing->database);
	return 0;
}

static void file__that_is_written_to_meanwhile__is_read_as_it_was(void **state)
{
	const struct place place = place_new("db");
	struct writing writing = { .database = append(place.path) };
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database;

	(void)state;
	add_goldens(&writing.database);
	assert_int_equal(peeps_database_read(&database, place.path, &problem), 0);
	assert_int_equal(peeps_database_snapshots(&database, 0, add_meanwhile, &writing, &problem),
			 0);
	assert_int_equal(writing.count, GOLDEN_COUNT);
	assert_int_equal(count_all(&database, 0), (1 + GOLDEN_COUNT) * GOLDEN_COUNT);
	peeps_database_close(&database);
	peeps_database_close(&writing.database);
	place_remove(&place);
}

/* A child that may write nothing there. Returns how many snapshots it found. */
static size_t count_as_another_user(const struct place *place)
{
	int status;
	const pid_t pid = fork();

	if (pid == 0) {
		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(201);
		_exit((int)count_in_file(place->path));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return (size_t)WEXITSTATUS(status);
}

static void permit(const struct place *place, mode_t folder)
{
	assert_int_equal(chmod(place->path, 0444), 0);
	assert_int_equal(chmod(place->folder, folder), 0);
}

static void file__where_nothing_may_be_written__is_read(void **state)
{
	const struct place place = place_new("db");
	struct peeps_database database = append(place.path);

	(void)state;
	add_goldens(&database);
	peeps_database_close(&database);
	permit(&place, 0555);
	assert_int_equal(count_as_another_user(&place), GOLDEN_COUNT);
	permit(&place, 0755);
	place_remove(&place);
}

static void copy(const char *from, const char *to)
{
	static char bytes[8 << 20];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t length;

	assert_true(in && out);
	length = fread(bytes, 1, sizeof(bytes), in);
	assert_int_equal(fwrite(bytes, 1, length, out), length);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(fclose(in), 0);
}

/* Copied as it was, with its WAL, in which all of it is: a program that was killed leaves it so. */
static void file__with_all_in_its_wal__is_not_read_without_it(void **state)
{
	const struct place place = place_new("db"), left = place_new("db");
	struct peeps_database database = append(place.path);
	char from[300], to[300];

	(void)state;
	run(&database, "PRAGMA wal_autocheckpoint = 0");
	add_goldens(&database);
	(void)snprintf(from, sizeof(from), "%s-wal", place.path);
	(void)snprintf(to, sizeof(to), "%s-wal", left.path);
	copy(place.path, left.path);
	copy(from, to);
	peeps_database_close(&database);
	permit(&left, 0555);
	assert_int_equal(count_as_another_user(&left), GOLDEN_COUNT);
	permit(&left, 0755);
	assert_int_equal(count_in_file(left.path), GOLDEN_COUNT);
	place_remove(&left);
	place_remove(&place);
}

static void file__cut_off__is_refused(void **state)
{
	const struct place place = place_new("db");
	struct peeps_database database = append(place.path);
	struct stat status;

	(void)state;
	add_goldens(&database);
	peeps_database_close(&database);
	assert_int_equal(stat(place.path, &status), 0);
	for (int i = 7; i >= 0; i--) {
		struct peeps_problem problem = { .status = 0 };
		size_t count = 0;
		int r;

		assert_int_equal(truncate(place.path, status.st_size * i / 8), 0);
		r = peeps_database_read(&database, place.path, &problem);
		if (r == 0) {
			r = peeps_database_snapshots(&database, 0, count_up, &count, &problem);
			peeps_database_close(&database);
		}
		assert_int_equal(r, -EBADMSG);
		assert_int_equal(problem.status, PEEPS_PROBLEM_BAD_SEGMENT);
	}
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshot__all_there_is__comes_back_as_it_was),
		cmocka_unit_test(snapshot__nothing_at_all__comes_back_as_it_was),
		cmocka_unit_test(snapshot__long_and_hostile_texts__come_back_as_they_were),
		cmocka_unit_test(snapshots__of_several__are_each_what_they_were),
		cmocka_unit_test(snapshot__by_its_number__is_that_one),
		cmocka_unit_test(snapshot__where_older_ones_were_removed__keeps_its_number),
		cmocka_unit_test(snapshot__from_one_database_into_another__does_not_grow_for_ever),
		cmocka_unit_test(snapshot__hostile_rows__are_refused),
		cmocka_unit_test(snapshot__among_what_others_made__comes_back_as_it_was),
		cmocka_unit_test(file__whatever_it_is_called__is_that_file),
		cmocka_unit_test(file__called_like_no_file__is_that_file),
		cmocka_unit_test(file__that_is_written_to_meanwhile__is_read_as_it_was),
		cmocka_unit_test(file__where_nothing_may_be_written__is_read),
		cmocka_unit_test(file__with_all_in_its_wal__is_not_read_without_it),
		cmocka_unit_test(file__cut_off__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
