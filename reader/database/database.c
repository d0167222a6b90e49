/* SPDX-License-Identifier: MIT */
#include "reader/database/database.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "reader/database/inserts.h"
#include "reader/database/schema.h"
#include "reader/problem.h"

#define IN_MEMORY    ":memory:"
#define BUSY_WAIT_MS 5000

/* --- problems --------------------------------------------------------------------------------------------------- */

struct failure {
	int code; /* SQLite's */
	int status;
	int error;
	const char *hint;
};

static const struct failure *failure_of(int code)
{
	static const struct failure failures[] = {
		{ SQLITE_NOTADB, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, "it is no SQLite database" },
		{ SQLITE_CORRUPT, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, "it is damaged" },
		{ SQLITE_PERM, PEEPS_PROBLEM_PERMISSION, -EACCES, "" },
		{ SQLITE_READONLY, PEEPS_PROBLEM_PERMISSION, -EACCES, "" },
		{ SQLITE_FULL, PEEPS_PROBLEM_OTHER, -ENOSPC, "nothing was added" },
		{ SQLITE_IOERR, PEEPS_PROBLEM_OTHER, -EIO, "nothing was added" },
		{ SQLITE_BUSY, PEEPS_PROBLEM_OTHER, -EBUSY,
		  "another program is writing to it: try again" },
		{ SQLITE_NOMEM, PEEPS_PROBLEM_OTHER, -ENOMEM, "" },
	};
	static const struct failure other = { SQLITE_ERROR, PEEPS_PROBLEM_OTHER, -EIO, "" };

	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		if (failures[i].code == (code & 0xff))
			return &failures[i];
	}
	return &other;
}

int peeps_database_fail(struct peeps_database *database, struct peeps_problem *problem)
{
	const struct failure *failure = failure_of(sqlite3_errcode(database->sqlite));

	(void)snprintf(problem->what, sizeof(problem->what), "cannot use the database '%.128s'",
		       database->name);
	return peeps_problem_set(problem, failure->status, failure->error, failure->hint, "%s",
				 sqlite3_errmsg(database->sqlite));
}

static int run(struct peeps_database *database, const char *sql, struct peeps_problem *problem)
{
	return sqlite3_exec(database->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : peeps_database_fail(database, problem);
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

/* The first column of the first row. */
static int ask(struct peeps_database *database, const char *sql, int64_t *out,
	       struct peeps_problem *problem)
{
	sqlite3_stmt *statement = NULL;
	int r = 0;

	if (sqlite3_prepare_v2(database->sqlite, sql, -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		r = peeps_database_fail(database, problem);
	else
		*out = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	return r;
}

static int check_schema(struct peeps_database *database, bool *is_new,
			struct peeps_problem *problem)
{
	int64_t application, version, tables;
	int r = ask(database, "PRAGMA application_id", &application, problem);

	if (r == 0)
		r = ask(database, "PRAGMA user_version", &version, problem);
	if (r == 0)
		r = ask(database, "SELECT count(*) FROM sqlite_schema", &tables, problem);
	if (r)
		return r;
	*is_new = application == 0 && version == 0 && tables == 0;
	if (*is_new)
		return 0;
	(void)snprintf(problem->what, sizeof(problem->what), "cannot use the database '%.128s'",
		       database->name);
	if (application != PEEPS_DATABASE_APPLICATION)
		return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
					 "name one that is new, or was made by peeps-read load",
					 "it is some other program's");
	if (version != PEEPS_DATABASE_VERSION)
		return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EPROTONOSUPPORT,
					 "use the peeps-read that made it, or load into another",
					 "its tables are of version %lld, and these here of %d",
					 (long long)version, PEEPS_DATABASE_VERSION);
	return 0;
}

static int open_database(struct peeps_database *database, const char *path, int flags,
			 struct peeps_problem *problem)
{
	*database = (struct peeps_database){ .name = path };
	if (sqlite3_open_v2(path, &database->sqlite, flags, NULL) != SQLITE_OK)
		return peeps_database_fail(database, problem);
	(void)sqlite3_extended_result_codes(database->sqlite, 1);
	(void)sqlite3_busy_timeout(database->sqlite, BUSY_WAIT_MS);
	(void)sqlite3_db_config(database->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(database->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return run(database, "PRAGMA foreign_keys = ON", problem);
}

static int make_schema(struct peeps_database *database, struct peeps_problem *problem)
{
	int r = run(database, "BEGIN IMMEDIATE", problem);

	if (r == 0)
		r = run(database, peeps_schema_sql, problem);
	return r ? r : run(database, "COMMIT", problem);
}

static int close_if(int failed, struct peeps_database *database)
{
	if (failed)
		peeps_database_close(database);
	return failed;
}

int peeps_database_append(struct peeps_database *database, const char *path,
			  struct peeps_problem *problem)
{
	bool is_new = false;
	int r = open_database(database, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, problem);

	if (r == 0)
		r = check_schema(database, &is_new, problem);
	if (r == 0)
		r = run(database, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
			problem);
	if (r == 0 && is_new)
		r = make_schema(database, problem);
	return close_if(r, database);
}

int peeps_database_in_memory(struct peeps_database *database, struct peeps_problem *problem)
{
	int r = open_database(database, IN_MEMORY, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
			      problem);

	if (r == 0)
		r = make_schema(database, problem);
	return close_if(r, database);
}

int peeps_database_read(struct peeps_database *database, const char *path,
			struct peeps_problem *problem)
{
	bool is_new = false;
	int r = open_database(database, path, SQLITE_OPEN_READONLY, problem);

	if (r == 0)
		r = check_schema(database, &is_new, problem);
	if (r == 0 && is_new) {
		(void)snprintf(problem->what, sizeof(problem->what),
			       "cannot use the database '%.128s'", path);
		r = peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
				      "peeps-read load fills one", "it is empty");
	}
	return close_if(r, database);
}

void peeps_database_close(struct peeps_database *database)
{
	peeps_inserts_free(database->inserts);
	(void)sqlite3_close(database->sqlite);
	*database = (struct peeps_database){ .sqlite = NULL };
}

/* --- snapshots -------------------------------------------------------------------------------------------------- */

static int add(struct peeps_database *database, const struct peeps_graph *graph, int64_t *id,
	       struct peeps_problem *problem)
{
	int r;

	if (!database->inserts)
		database->inserts = peeps_inserts_new(database->sqlite);
	if (!database->inserts)
		return peeps_database_fail(database, problem);
	r = peeps_inserts_graph(database->inserts, graph, id);
	return r == -EIO ? peeps_database_fail(database, problem) : r;
}

int peeps_database_add(struct peeps_database *database, const struct peeps_graph *graph,
		       int64_t *id, struct peeps_problem *problem)
{
	int r = run(database, "BEGIN IMMEDIATE", problem);

	if (r)
		return r;
	r = add(database, graph, id, problem);
	if (r == 0)
		r = run(database, "COMMIT", problem);
	if (r) /* SQLite may have done so itself */
		(void)sqlite3_exec(database->sqlite, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

int64_t peeps_database_keep(struct peeps_database *database, uint64_t count,
			    struct peeps_problem *problem)
{
	static const char sql[] =
		"DELETE FROM snapshots WHERE id NOT IN (SELECT id FROM snapshots ORDER BY id DESC LIMIT ?)";
	sqlite3_stmt *statement = NULL;
	int64_t removed;

	if (sqlite3_prepare_v2(database->sqlite, sql, -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_bind_int64(statement, 1, (int64_t)count) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_DONE)
		removed = peeps_database_fail(database, problem);
	else
		removed = sqlite3_changes64(database->sqlite);
	(void)sqlite3_finalize(statement);
	return removed;
}
