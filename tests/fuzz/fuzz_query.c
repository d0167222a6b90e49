/* SPDX-License-Identifier: MIT */
/*
 * SQL of any bytes, asked of a snapshot: refused with a reason, stopped, or answered in each format; and nothing of the
 * database is another after it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reader/database/database.h"
#include "reader/format/json.h"
#include "reader/format/table.h"
#include "reader/graph/graph.h"
#include "reader/problem.h"
#include "reader/query/confine.h"
#include "reader/query/deadline.h"
#include "reader/query/result.h"
#include "reader/query/statement.h"
#include "reader/snapshot/snapshot.h"

/* Enough for what ends, and no test waits for the rest. */
#define TIMEOUT_NS   UINT64_C(30000000)
#define MEMORY_BYTES (INT64_C(16) << 20)
#define BYTES_MAX    (UINT64_C(4) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool fine)
{
	if (!fine)
		abort();
}

static struct peeps_database *loaded(void)
{
	static struct peeps_database database; /* made once: nothing is to change it */
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;
	int64_t id;
	int fd;

	if (database.sqlite)
		return &database;
	fd = open(PEEPS_GOLDEN_FOLDER "/../snapshots/deadlock.json", O_RDONLY | O_CLOEXEC);
	need(fd >= 0);
	need(peeps_snapshot_read(fd, "deadlock.json", &graph, &problem) == 0);
	(void)close(fd);
	need(peeps_database_in_memory(&database, &problem) == 0);
	need(peeps_database_add(&database, graph, &id, &problem) == 0);
	peeps_graph_free(graph);
	return &database;
}

static int64_t number(struct sqlite3 *sqlite, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int64_t value;

	need(sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL) == SQLITE_OK);
	need(sqlite3_step(statement) == SQLITE_ROW);
	value = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	return value;
}

static int print_text(struct peeps_statement *statement, FILE *out, struct peeps_problem *problem)
{
	const struct peeps_table_view view = { .width = 80 };
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

	need(peeps_json_open(&json, out) == 0);
	peeps_json_map(&json);
	r = peeps_result_json(statement, &json, problem);
	peeps_json_map_end(&json);
	need(peeps_json_close(&json) == 0);
	return r;
}

static int answer(struct peeps_statement *statement, uint8_t shape, FILE *out,
		  struct peeps_problem *problem)
{
	switch (shape % 3) {
	case 0:
		return print_text(statement, out, problem);
	case 1:
		return print_json(statement, out, problem);
	default:
		return peeps_result_csv(statement, out, problem);
	}
}

/* Of a terminal, no byte that it would obey. */
static void need_escaped(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		need(((unsigned char)text[i] >= 0x20 && text[i] != 0x7f) ||
		     strchr("\t\n\r", text[i]));
}

static void ask(struct peeps_confinement *confinement, const char *sql, uint8_t shape)
{
	const struct peeps_parameters parameters = { .snapshot = 1 };
	struct peeps_problem problem = { .status = 0 };
	struct peeps_statement statement;
	char *text = NULL;
	size_t length = 0;
	FILE *out;
	int r = peeps_statement_prepare(&statement, confinement, sql, false, &problem);

	if (r == 0) {
		r = peeps_statement_bind(&statement, &parameters, &problem);
		out = open_memstream(&text, &length);
		need(out != NULL);
		statement.rows_max = 1000;
		statement.bytes_max = BYTES_MAX;
		if (r == 0)
			r = answer(&statement, shape, out, &problem);
		need(fclose(out) == 0);
		need_escaped(text, length);
		free(text);
		peeps_statement_finish(&statement);
	}
	need(r == 0 || r == -ENOMEM || (problem.status && problem.why[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct peeps_bounds bounds = { .timeout_ns = TIMEOUT_NS,
						    .memory_bytes = MEMORY_BYTES };
	struct peeps_database *database = loaded();
	const int64_t changes = sqlite3_total_changes64(database->sqlite);
	const int64_t version = number(database->sqlite, "PRAGMA schema_version");
	struct peeps_problem problem = { .status = 0 };
	struct peeps_confinement confinement;
	char *sql;

	if (size == 0)
		return 0;
	sql = strndup((const char *)data + 1, size - 1);
	need(sql != NULL);
	need(peeps_confine(&confinement, database->sqlite, &bounds, &problem) == 0);
	peeps_deadline_end(); /* the fuzzer has one, and reports what it ends */
	ask(&confinement, sql, data[0]);
	peeps_confine_end(&confinement);
	free(sql);
	need(sqlite3_total_changes64(database->sqlite) == changes);
	need(number(database->sqlite, "PRAGMA schema_version") == version);
	need(number(database->sqlite, "SELECT count(*) FROM sqlite_temp_schema") == 0);
	need(number(database->sqlite, "SELECT count(*) FROM pragma_database_list WHERE seq > 1") ==
	     0);
	return 0;
}
