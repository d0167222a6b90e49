/* SPDX-License-Identifier: MIT */
/*
 * "A graph is loaded at no less than 0.7 times the speed of a loop of prepared inserts of what is ready already, into the
 * same tables with the same indexes and keys."
 *
 * usage: load [NODES [FOLDER]]
 *
 * NODES nodes and as many edges of the examples' kinds (bench/mix.h) are loaded into a database, on disk or wherever
 * FOLDER is; that loop inserts the rows that came of it, from memory, into another database, by turns. Each time from
 * before the transaction is begun until the database is closed and its write-ahead log folded in. Both as time goes by, which
 * is what a user sees, and as the processor's: that says more where others use it, too.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/mix.h"
#include "bench/series.h"
#include "reader/database/database.h"
#include "reader/graph/graph.h"
#include "reader/problem.h"

#define ROUNDS        3
#define NODES_USUALLY 100000
#define NODES_MAX     4000000
#define COLUMNS_MAX   16

static void need(bool fine, const char *what)
{
	if (fine)
		return;
	(void)fprintf(stderr, "load: %s\n", what);
	exit(1);
}

/* --- rows, ready to be inserted --------------------------------------------------------------------------------- */

struct value {
	const char *text; /* NULL: a number, or null */
	int64_t number;   /* or the text's length */
	bool is_null;
};

struct rows {
	const char *table;
	bool has_id; /* a first column that others refer to; else SQLite makes it */
	int column_count;
	size_t count;
	struct value *values; /* row by row */
};

static struct rows all_rows[] = {
	{ .table = "snapshots", .has_id = true },
	{ .table = "processes" },
	{ .table = "entities" },
	{ .table = "edges" },
};
#define TABLES (sizeof(all_rows) / sizeof(all_rows[0]))

static sqlite3_stmt *prepare(sqlite3 *sqlite, const char *sql)
{
	sqlite3_stmt *statement;

	need(sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL) == SQLITE_OK,
	     sqlite3_errmsg(sqlite));
	return statement;
}

static int64_t count_rows(sqlite3 *sqlite, const char *table)
{
	char sql[128];
	sqlite3_stmt *statement;
	int64_t count;

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	statement = prepare(sqlite, sql);
	(void)sqlite3_step(statement);
	count = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	return count;
}

static struct value copy(sqlite3_stmt *statement, int column)
{
	struct value value = { .is_null = sqlite3_column_type(statement, column) == SQLITE_NULL };

	if (sqlite3_column_type(statement, column) != SQLITE_TEXT) {
		value.number = sqlite3_column_int64(statement, column);
		return value;
	}
	value.number = sqlite3_column_bytes(statement, column);
	value.text =
		strndup((const char *)sqlite3_column_text(statement, column), (size_t)value.number);
	need(value.text, "no memory");
	return value;
}

static void take_rows(sqlite3 *sqlite, struct rows *rows)
{
	char sql[128];
	sqlite3_stmt *statement;
	size_t at = 0;

	(void)snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY rowid", rows->table);
	statement = prepare(sqlite, sql);
	rows->column_count = sqlite3_column_count(statement);
	rows->count = (size_t)count_rows(sqlite, rows->table);
	rows->values = calloc(rows->count * (size_t)rows->column_count, sizeof(*rows->values));
	need(rows->values, "no memory");
	while (sqlite3_step(statement) == SQLITE_ROW) {
		for (int i = 0; i < rows->column_count; i++, at++)
			rows->values[at] = copy(statement, i);
		if (!rows->has_id)
			rows->values[at - (size_t)rows->column_count].is_null = true;
	}
	(void)sqlite3_finalize(statement);
}

/* --- the loop --------------------------------------------------------------------------------------------------- */

static void insert_rows(sqlite3 *sqlite, const struct rows *rows)
{
	char sql[256];
	int length = snprintf(sql, sizeof(sql), "INSERT INTO %s VALUES (?", rows->table);
	const struct value *value = rows->values;
	sqlite3_stmt *statement;

	for (int i = 1; i < rows->column_count; i++)
		length += snprintf(sql + length, sizeof(sql) - (size_t)length, ", ?");
	(void)snprintf(sql + length, sizeof(sql) - (size_t)length, ")");
	statement = prepare(sqlite, sql);
	for (size_t row = 0; row < rows->count; row++) {
		for (int i = 1; i <= rows->column_count; i++, value++) {
			if (value->text)
				(void)sqlite3_bind_text(statement, i, value->text,
							(int)value->number, SQLITE_STATIC);
			else if (value->is_null)
				(void)sqlite3_bind_null(statement, i);
			else
				(void)sqlite3_bind_int64(statement, i, value->number);
		}
		need(sqlite3_step(statement) == SQLITE_DONE, sqlite3_errmsg(sqlite));
		(void)sqlite3_reset(statement);
	}
	(void)sqlite3_finalize(statement);
}

/* --- rounds ----------------------------------------------------------------------------------------------------- */

/* A database that was opened for reading only leaves these two behind, empty. */
static void remove_database(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char name[320];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		(void)unlink(name);
	}
}

/* A new database with its tables, and an empty snapshot in it: what comes next is none of their making. */
static void make_database(struct peeps_database *database, const char *path)
{
	const struct peeps_graph nothing = { .taken_at_unix_ns = 1 };
	struct peeps_problem problem = { .status = 0 };
	int64_t id;

	remove_database(path);
	need(peeps_database_append(database, path, &problem) == 0, problem.why);
	need(peeps_database_add(database, &nothing, &id, &problem) == 0, problem.why);
}

struct cost {
	double passed_ns, processor_ns;
};

static struct cost now(void)
{
	struct timespec used;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (struct cost){ (double)bench_now_ns(),
			      (double)used.tv_sec * 1e9 + (double)used.tv_nsec };
}

static struct cost since(struct cost begin)
{
	const struct cost end = now();

	return (struct cost){ end.passed_ns - begin.passed_ns,
			      end.processor_ns - begin.processor_ns };
}

static struct cost load(const char *path, const struct peeps_graph *graph)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database;
	struct cost begin;
	int64_t id;

	make_database(&database, path);
	begin = now();
	need(peeps_database_add(&database, graph, &id, &problem) == 0, problem.why);
	peeps_database_close(&database);
	return since(begin);
}

static struct cost insert(const char *path)
{
	struct peeps_database database;
	struct cost begin;

	make_database(&database, path);
	need(sqlite3_exec(database.sqlite, "DELETE FROM snapshots", NULL, NULL, NULL) == SQLITE_OK,
	     "cannot delete");
	begin = now();
	need(sqlite3_exec(database.sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK,
	     sqlite3_errmsg(database.sqlite));
	for (size_t i = 0; i < TABLES; i++)
		insert_rows(database.sqlite, &all_rows[i]);
	need(sqlite3_exec(database.sqlite, "COMMIT", NULL, NULL, NULL) == SQLITE_OK,
	     sqlite3_errmsg(database.sqlite));
	peeps_database_close(&database);
	return since(begin);
}

static void take_all(const char *path, const struct peeps_graph *graph)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database database;

	(void)load(path, graph);
	need(peeps_database_read(&database, path, &problem) == 0, problem.why);
	for (size_t i = 0; i < TABLES; i++)
		take_rows(database.sqlite, &all_rows[i]);
	peeps_database_close(&database);
}

/* Both hold the same, so far as can be counted. */
static void compare(const char *loaded, const char *inserted)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_database databases[2];

	need(peeps_database_read(&databases[0], loaded, &problem) == 0, problem.why);
	need(peeps_database_read(&databases[1], inserted, &problem) == 0, problem.why);
	for (size_t i = 0; i < TABLES; i++)
		need(count_rows(databases[0].sqlite, all_rows[i].table) ==
			     count_rows(databases[1].sqlite, all_rows[i].table),
		     "the two databases are not alike");
	peeps_database_close(&databases[0]);
	peeps_database_close(&databases[1]);
}

static void print(const char *what, size_t count, const char *unit, const char *base,
		  double rounds[static ROUNDS])
{
	char name[96];

	(void)snprintf(name, sizeof(name), "%s, %zu nodes and as many edges", what, count);
	bench_series_print(name, unit, base, rounds, ROUNDS);
}

static void measure(const struct peeps_graph *graph, const char *loaded, const char *inserted)
{
	const size_t count = graph->node_count;
	const double rows = (double)(graph->node_count + graph->edge_count);
	double ours[ROUNDS], plain[ROUNDS], ratio[ROUNDS], processor[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		const struct cost load_cost = load(loaded, graph), insert_cost = insert(inserted);

		ours[round] = rows * 1e9 / load_cost.passed_ns;
		plain[round] = rows * 1e9 / insert_cost.passed_ns;
		ratio[round] = insert_cost.passed_ns / load_cost.passed_ns;
		processor[round] = insert_cost.processor_ns / load_cost.processor_ns;
	}
	compare(loaded, inserted);
	print("load", count, "rows/s", NULL, ours);
	print("insert the same rows", count, "rows/s", NULL, plain);
	print("speed of load", count, "ratio", "insert the same rows", ratio);
	print("speed of load in processor time", count, "ratio", "insert the same rows", processor);
}

int main(int argc, char **argv)
{
	const size_t count = argc > 1 ? bench_count_of(argv[1], NODES_MAX) : NODES_USUALLY;
	const char *below = argc > 2 ? argv[2] : "/var/tmp";
	char folder[256], loaded[300], inserted[300];
	struct peeps_graph *graph = bench_mix_new(
		(uint32_t)(count < BENCH_MIX_GROUP ? BENCH_MIX_GROUP
						   : count - count % BENCH_MIX_GROUP));

	(void)snprintf(folder, sizeof(folder), "%s/load-XXXXXX", below);
	need(mkdtemp(folder), "cannot make a folder");
	(void)snprintf(loaded, sizeof(loaded), "%s/loaded.db", folder);
	(void)snprintf(inserted, sizeof(inserted), "%s/inserted.db", folder);
	take_all(loaded, graph);
	measure(graph, loaded, inserted);
	remove_database(loaded);
	remove_database(inserted);
	(void)rmdir(folder);
	peeps_graph_free(graph);
	return 0;
}
