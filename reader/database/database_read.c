/* SPDX-License-Identifier: MIT */
#include "reader/database/database_read.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader/database/database.h"
#include "reader/database/rows.h"
#include "reader/graph/arena.h"
#include "reader/graph/graph.h"
#include "reader/graph/text.h"
#include "reader/problem.h"
#include "reader/snapshot/snapshot.h"

/* How much of SQLite's work a snapshot may take: a row takes some thirty steps, and hundreds of bytes. What is damaged
 * can lead it round in circles. */
#define STEPS_AT_ONCE  1000
#define STEPS_FREE     UINT64_C(10000000)
#define STEPS_PER_BYTE 4
#define STEPS_MAX      UINT64_C(4000000000)

#define NAME_BYTES       200
#define FORMER_BYTES_MAX 256 /* of what the origin of a snapshot was */

struct reading {
	struct peeps_database *database;
	int64_t count, first, last; /* snapshots */
	uint64_t steps_max, steps;
	struct peeps_problem *problem;
};

/* --- problems --------------------------------------------------------------------------------------------------- */

int peeps_database_fail_to_read(struct peeps_database *database, struct peeps_problem *problem)
{
	sqlite3 *sqlite = database->sqlite;

	(void)snprintf(problem->what, sizeof(problem->what), "cannot read '%.128s'",
		       database->name);
	switch (sqlite ? sqlite3_errcode(sqlite) & 0xff : SQLITE_NOMEM) {
	case SQLITE_NOMEM:
		return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -ENOMEM, "", "no memory");
	case SQLITE_IOERR:
	case SQLITE_FULL:
		return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -EIO, "", "%s",
					 sqlite3_errmsg(sqlite));
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -EBUSY,
					 "another program is writing to it: try again", "%s",
					 sqlite3_errmsg(sqlite));
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return peeps_problem_set(
			problem, PEEPS_PROBLEM_PERMISSION, -EACCES,
			"copy it, with the -wal file beside it, to where you may write", "%s",
			sqlite3_errmsg(sqlite));
	case SQLITE_INTERRUPT:
		return peeps_problem_set(
			problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, "",
			"it takes longer than anything of its length could: it is damaged, "
			"or made to do that");
	default:
		return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
					 "is it whole, and as peeps-read load made it?", "%s",
					 sqlite3_errmsg(sqlite));
	}
}

static int fail_of_sqlite(struct reading *reading)
{
	return peeps_database_fail_to_read(reading->database, reading->problem);
}

static int no_such_snapshot(struct reading *reading, int64_t at)
{
	struct peeps_problem *problem = reading->problem;
	const char *name = reading->database->name;

	if (reading->count == 0) {
		(void)snprintf(problem->what, sizeof(problem->what), "cannot read '%.128s'", name);
		return peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS, -ENOENT,
					 "peeps-read load adds some", "there is no snapshot in it");
	}
	(void)snprintf(problem->what, sizeof(problem->what),
		       "there is no snapshot %" PRId64 " in '%.128s'", at, name);
	return peeps_problem_set(problem, PEEPS_PROBLEM_NO_PROCESS, -ENOENT,
				 "--at -1 is the last, --at -2 the one before it",
				 reading->count == 1 ? "it has %" PRId64 ": number %" PRId64
						     : "it has %" PRId64 ": from %" PRId64
						       " to %" PRId64,
				 reading->count, reading->first, reading->last);
}

/* --- questions -------------------------------------------------------------------------------------------------- */

static int on_progress(void *context)
{
	struct reading *reading = context;

	reading->steps += STEPS_AT_ONCE;
	return reading->steps > reading->steps_max;
}

/* Numbers of the one row that answers. Returns 0, -ENOENT if there is none, or another -errno with the problem filled. */
static int ask(struct reading *reading, const char *sql, int64_t parameter, int64_t *numbers,
	       int count)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(reading->database->sqlite, sql, -1, &statement, NULL);

	if (result == SQLITE_OK && sqlite3_bind_parameter_count(statement) > 0)
		result = sqlite3_bind_int64(statement, 1, parameter);
	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	for (int i = 0; result == SQLITE_ROW && i < count; i++)
		numbers[i] = sqlite3_column_int64(statement, i);
	(void)sqlite3_finalize(statement);
	if (result == SQLITE_ROW)
		return 0;
	return result == SQLITE_DONE ? -ENOENT : fail_of_sqlite(reading);
}

static int run(struct reading *reading, const char *sql)
{
	return sqlite3_exec(reading->database->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : fail_of_sqlite(reading);
}

/* --- where it came from ----------------------------------------------------------------------------------------- */

/* "snapshot 3 of 7"; of one whose ids do not begin with 1: which there are, for those are what --at takes. */
static void say_which(char *out, size_t room, const struct reading *reading, int64_t id)
{
	if (reading->first == 1 && reading->last == reading->count)
		(void)snprintf(out, room, "snapshot %" PRId64 " of %" PRId64, id, reading->count);
	else if (reading->count == 1)
		(void)snprintf(out, room, "snapshot %" PRId64, id);
	else
		(void)snprintf(out, room,
			       "snapshot %" PRId64 ", one of %" PRId64 " from %" PRId64
			       " to %" PRId64,
			       id, reading->count, reading->first, reading->last);
}

/* Its origin when it was loaded, shortened; empty: none. */
static int read_former(struct reading *reading, int64_t id, char former[static FORMER_BYTES_MAX])
{
	static const char sql[] = "SELECT origin FROM snapshots WHERE id = ?1";
	sqlite3_stmt *statement = NULL;
	int r = 0;

	*former = '\0';
	if (sqlite3_prepare_v2(reading->database->sqlite, sql, -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_bind_int64(statement, 1, id) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		r = fail_of_sqlite(reading);
	else if (sqlite3_column_type(statement, 0) == SQLITE_TEXT)
		(void)snprintf(former, FORMER_BYTES_MAX, "%s",
			       (const char *)sqlite3_column_text(statement, 0) ?: "");
	(void)sqlite3_finalize(statement);
	return r;
}

static int name_origin(struct reading *reading, struct peeps_graph *graph, int64_t id)
{
	char which[128], former[FORMER_BYTES_MAX];
	char *origin;
	int r = read_former(reading, id, former);

	if (r)
		return r;
	say_which(which, sizeof(which), reading, id);
	origin = sqlite3_mprintf("%s, %s%s%s%s", reading->database->name, which,
				 *former ? " (" : "", former, *former ? ")" : "");
	if (!origin)
		return -ENOMEM;
	graph->origin = peeps_text_mend(graph->arena, peeps_bytes_of(origin));
	sqlite3_free(origin);
	return graph->origin ? 0 : -ENOMEM;
}

/* --- snapshots -------------------------------------------------------------------------------------------------- */

static int make_graph(struct reading *reading, int64_t id, struct peeps_graph **graph)
{
	unsigned char *document = NULL;
	char name[NAME_BYTES];
	size_t length;
	int r;

	(void)snprintf(name, sizeof(name), "%" PRId64 " of '%.128s'", id, reading->database->name);
	(void)snprintf(reading->problem->what, sizeof(reading->problem->what),
		       "cannot read the snapshot %s", name);
	r = peeps_rows_document(reading->database->sqlite, id, &document, &length,
				reading->problem);
	if (r == -EIO)
		return fail_of_sqlite(reading);
	if (r)
		return r;
	r = peeps_snapshot_decode((struct peeps_msgpack_span){ document, length }, name, graph,
				  reading->problem);
	free(document);
	return r;
}

static int read_snapshot(struct reading *reading, int64_t id, struct peeps_graph **graph)
{
	struct peeps_graph *made = NULL;
	int r;

	reading->steps = 0;
	r = make_graph(reading, id, &made);
	if (r == 0)
		r = name_origin(reading, made, id);
	if (r)
		peeps_graph_free(made);
	else
		*graph = made;
	return r;
}

static int find(struct reading *reading, int64_t at, int64_t *id)
{
	int r;

	if (at > 0)
		r = ask(reading, "SELECT id FROM snapshots WHERE id = ?1", at, id, 1);
	else
		r = ask(reading, "SELECT id FROM snapshots ORDER BY id DESC LIMIT 1 OFFSET ?1",
			at ? -(at + 1) : 0, id, 1);
	return r == -ENOENT ? no_such_snapshot(reading, at) : r;
}

static int hand_out(struct reading *reading, int64_t id, peeps_database_read_fn *each,
		    void *context)
{
	struct peeps_graph *graph = NULL;
	int r = read_snapshot(reading, id, &graph);

	if (r == 0)
		r = each(context, graph, reading->problem);
	peeps_graph_free(graph);
	return r;
}

static int hand_out_all(struct reading *reading, peeps_database_read_fn *each, void *context)
{
	int64_t id = reading->first;
	int r = reading->count ? hand_out(reading, id, each, context)
			       : no_such_snapshot(reading, -1);

	while (r == 0 && id < reading->last) {
		r = ask(reading, "SELECT id FROM snapshots WHERE id > ?1 ORDER BY id LIMIT 1", id,
			&id, 1);
		if (r == 0)
			r = hand_out(reading, id, each, context);
	}
	return r == -ENOENT && !reading->problem->status ? no_such_snapshot(reading, -1) : r;
}

/* --- the database ----------------------------------------------------------------------------------------------- */

/* Nothing that it defines is run: neither views, nor what stands in for tables (none of which may be in use: SQLite would free
 * it twice). */
static int prepare(struct reading *reading)
{
	sqlite3 *sqlite = reading->database->sqlite;
	int64_t pages = 0, page_bytes = 0;
	int r;

	(void)sqlite3_db_config(sqlite, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	(void)sqlite3_drop_modules(sqlite, NULL);
	(void)snprintf(reading->problem->what, sizeof(reading->problem->what),
		       "cannot read '%.128s'", reading->database->name);
	reading->steps_max = STEPS_FREE;
	sqlite3_progress_handler(sqlite, STEPS_AT_ONCE, on_progress, reading);
	r = run(reading, "BEGIN");
	if (r == 0)
		r = peeps_rows_check_tables(sqlite, reading->problem);
	if (r == -EIO)
		r = fail_of_sqlite(reading);
	if (r == 0)
		r = ask(reading, "PRAGMA page_count", 0, &pages, 1);
	if (r == 0)
		r = ask(reading, "PRAGMA page_size", 0, &page_bytes, 1);
	reading->steps_max += (uint64_t)pages * (uint64_t)page_bytes * STEPS_PER_BYTE;
	if (reading->steps_max > STEPS_MAX)
		reading->steps_max = STEPS_MAX;
	return r;
}

/* Not count(*), which goes round in circles where there are some. */
static int count(struct reading *reading)
{
	int64_t numbers[3] = { 0 };
	const int r =
		ask(reading, "SELECT count(id), min(id), max(id) FROM snapshots", 0, numbers, 3);

	reading->count = numbers[0];
	reading->first = numbers[1];
	reading->last = numbers[2];
	return r;
}

/* Begins to read; end() has to follow, also after a failure. */
static int begin(struct reading *reading, struct peeps_database *database,
		 struct peeps_problem *problem)
{
	int r;

	*reading = (struct reading){ .database = database, .problem = problem };
	r = prepare(reading);
	return r ? r : count(reading);
}

static void end(struct reading *reading)
{
	sqlite3 *sqlite = reading->database->sqlite;

	sqlite3_progress_handler(sqlite, 0, NULL, NULL);
	(void)sqlite3_exec(sqlite, "ROLLBACK", NULL, NULL, NULL);
}

int peeps_database_snapshot(struct peeps_database *database, int64_t at, struct peeps_graph **graph,
			    struct peeps_problem *problem)
{
	struct reading reading;
	int64_t id;
	int r = begin(&reading, database, problem);

	if (r == 0)
		r = find(&reading, at, &id);
	if (r == 0)
		r = read_snapshot(&reading, id, graph);
	end(&reading);
	return r;
}

int peeps_database_snapshots(struct peeps_database *database, int64_t at,
			     peeps_database_read_fn *each, void *context,
			     struct peeps_problem *problem)
{
	struct reading reading;
	int64_t id;
	int r = begin(&reading, database, problem);

	if (r == 0 && at == 0) {
		r = hand_out_all(&reading, each, context);
	} else if (r == 0) {
		r = find(&reading, at, &id);
		if (r == 0)
			r = hand_out(&reading, id, each, context);
	}
	end(&reading);
	return r;
}
