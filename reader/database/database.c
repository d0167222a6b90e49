/* SPDX-License-Identifier: MIT */
#include "reader/database/database.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "reader/database/database_read.h"
#include "reader/database/inserts.h"
#include "reader/database/read_only.h"
#include "reader/database/schema.h"
#include "reader/database/tables.h"
#include "reader/problem.h"

#define IN_MEMORY     ":memory:"
#define BUSY_WAIT_MS  5000
#define BUSY_PAUSE_MS 10
#define HEADER_BYTES  100 /* of every SQLite database */

/* Pages of 8 KiB, because rows have hundreds of bytes; the size of one that is there stays. In memory are those of the
 * indexes that are written here and there: what does not fit is written to the log, and read from there, again and again. */
#define WRITE_PRAGMAS                                           \
	"PRAGMA page_size = 8192; PRAGMA cache_size = -131072;" \
	"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL"

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
		{ SQLITE_NOTADB, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
		  "name one that is new, or was made by peeps-read load" },
		{ SQLITE_CORRUPT, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
		  "it is damaged: sqlite3 FILE .recover saves what can be saved" },
		{ SQLITE_CONSTRAINT, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
		  "the snapshot contradicts itself: nothing was added" },
		{ SQLITE_TOOBIG, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, "nothing was added" },
		{ SQLITE_PERM, PEEPS_PROBLEM_PERMISSION, -EACCES, "" },
		{ SQLITE_READONLY, PEEPS_PROBLEM_PERMISSION, -EACCES, "may you write it?" },
		{ SQLITE_CANTOPEN, PEEPS_PROBLEM_PERMISSION, -EACCES,
		  "may you write it, and in its folder?" },
		{ SQLITE_FULL, PEEPS_PROBLEM_OTHER, -ENOSPC,
		  "nothing of this snapshot was added, and what was there is whole" },
		{ SQLITE_IOERR, PEEPS_PROBLEM_OTHER, -EIO,
		  "nothing of this snapshot was added, and what was there is whole" },
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

static void name_what(const struct peeps_database *database, struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "cannot use the database '%.128s'",
		       database->name);
}

int peeps_database_fail(struct peeps_database *database, struct peeps_problem *problem)
{
	const int code = sqlite3_extended_errcode(database->sqlite);
	const struct failure *failure = failure_of(code);

	name_what(database, problem);
	return peeps_problem_set(
		problem, failure->status, failure->error, failure->hint, "%s%s",
		sqlite3_errmsg(database->sqlite),
		code == SQLITE_IOERR_WRITE
			? ": a write failed, as of a file that may not grow (ulimit -f)"
			: "");
}

/* What SQLite would say less of: fails with an errno. */
static int fail_by_errno(const struct peeps_database *database, int error, const char *path,
			 struct peeps_problem *problem)
{
	const int status = error == ENOENT || error == ENOTDIR ? PEEPS_PROBLEM_NO_PROCESS
			   : error == EACCES || error == EROFS || error == EPERM
				   ? PEEPS_PROBLEM_PERMISSION
				   : PEEPS_PROBLEM_OTHER;

	name_what(database, problem);
	errno = error;
	return peeps_problem_set(problem, status, -error,
				 status == PEEPS_PROBLEM_NO_PROCESS ? "is there such a folder?"
				 : status == PEEPS_PROBLEM_PERMISSION
					 ? "may you write it, and in its folder?"
					 : "",
				 "%.512s: %m", path);
}

static int run(struct peeps_database *database, const char *sql, struct peeps_problem *problem)
{
	return sqlite3_exec(database->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : peeps_database_fail(database, problem);
}

/* --- whose it is ------------------------------------------------------------------------------------------------ */

int peeps_database_ask(struct peeps_database *database, const char *sql, int64_t *out,
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

static int check_tables(struct peeps_database *database, struct peeps_problem *problem)
{
	char *differs = NULL;
	int r = peeps_tables_check(database->sqlite, &differs);

	if (r == -EIO)
		r = peeps_database_fail(database, problem);
	if (differs) {
		name_what(database, problem);
		r = peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
				      "name one that is new, or was made by peeps-read load",
				      "'%.64s' is missing in it, or is not as it should be",
				      differs);
	}
	free(differs);
	return r;
}

/* Nothing is in it yet, or it is ours. */
static int check_schema(struct peeps_database *database, struct peeps_problem *problem)
{
	int64_t application, version, tables;
	int r = peeps_database_ask(database, "PRAGMA application_id", &application, problem);

	if (r == 0)
		r = peeps_database_ask(database, "PRAGMA user_version", &version, problem);
	if (r == 0)
		r = peeps_database_ask(database, "SELECT exists(SELECT 1 FROM sqlite_schema)",
				       &tables, problem);
	if (r)
		return r;
	database->is_new = application == 0 && version == 0 && tables == 0;
	if (database->is_new)
		return 0;
	name_what(database, problem);
	if (application != PEEPS_DATABASE_APPLICATION)
		return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
					 "name one that is new, or was made by peeps-read load",
					 "it is some other program's");
	if (version != PEEPS_DATABASE_VERSION)
		return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EPROTONOSUPPORT,
					 "use the peeps-read that made it, or load into another",
					 "its tables are of version %lld, and these here of %d",
					 (long long)version, PEEPS_DATABASE_VERSION);
	return check_tables(database, problem);
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

/* A file's name, and nothing that SQLite would take for something else: ":memory:", "file:x?mode=memory", "". */
static int name_file(struct peeps_database *database, const char *path)
{
	*database = (struct peeps_database){ .name = path };
	if (asprintf(&database->file, "%s%s", *path == '/' ? "" : "./", path) >= 0)
		return 0;
	database->file = NULL;
	return -ENOMEM;
}

static int open_database(struct peeps_database *database, const char *file, int flags,
			 struct peeps_problem *problem)
{
	if (sqlite3_open_v2(file, &database->sqlite, flags | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return peeps_database_fail(database, problem);
	(void)sqlite3_extended_result_codes(database->sqlite, 1);
	(void)sqlite3_busy_timeout(database->sqlite, BUSY_WAIT_MS);
	(void)sqlite3_db_config(database->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(database->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(database->sqlite, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	return run(database, "PRAGMA foreign_keys = ON", problem);
}

static int close_if(int failed, struct peeps_database *database)
{
	if (failed)
		peeps_database_close(database);
	return failed;
}

/* What is there: a file, or (returns -ENOENT, no problem filled) nothing. */
static int find_file(const struct peeps_database *database, struct peeps_problem *problem)
{
	struct stat status;

	if (stat(database->file, &status) != 0)
		return errno == ENOENT ? -ENOENT
				       : fail_by_errno(database, errno, database->name, problem);
	/* SQLite takes a file of one byte for an empty one. */
	if (S_ISREG(status.st_mode) && (status.st_size == 0 || status.st_size >= HEADER_BYTES))
		return 0;
	name_what(database, problem);
	return peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
				 "name one that is new, or was made by peeps-read load", "it is %s",
				 S_ISDIR(status.st_mode)   ? "a folder"
				 : S_ISREG(status.st_mode) ? "no database"
							   : "no file");
}

/* The write-ahead log lies beside it. */
static int check_folder(const struct peeps_database *database, struct peeps_problem *problem)
{
	char *file = strdup(database->file);
	const char *folder;
	int r = 0;

	if (!file)
		return -ENOMEM;
	folder = dirname(file);
	if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0)
		r = fail_by_errno(database, errno, folder, problem);
	free(file);
	return r;
}

static int open_to_write(struct peeps_database *database, int flags, struct peeps_problem *problem)
{
	int r = open_database(database, database->file, flags | SQLITE_OPEN_READWRITE, problem);

	if (r == 0) /* all of one moment: another program may be making it */
		r = run(database, "BEGIN", problem);
	if (r == 0)
		r = check_schema(database, problem);
	if (r == 0)
		r = run(database, "COMMIT", problem);
	if (r == 0 && sqlite3_db_readonly(database->sqlite, "main") == 1)
		r = fail_by_errno(database, EACCES, database->name, problem);
	return r;
}

/* To go over to a log SQLite does not wait for others who do the same: so it is tried again for as long. */
static int set_modes(struct peeps_database *database, struct peeps_problem *problem)
{
	const struct timespec pause = { .tv_nsec = BUSY_PAUSE_MS * 1000000L };
	int r = run(database, WRITE_PRAGMAS, problem);

	for (int tries = BUSY_WAIT_MS / BUSY_PAUSE_MS; r == -EBUSY && tries > 0; tries--) {
		(void)nanosleep(&pause, NULL);
		r = run(database, WRITE_PRAGMAS, problem);
	}
	if (r == 0)
		*problem = (struct peeps_problem){ .status = 0 };
	return r;
}

/* Another program may have been quicker: now that none can write, it is looked at again. */
static int make_tables(struct peeps_database *database, struct peeps_problem *problem)
{
	int r = run(database, "BEGIN IMMEDIATE", problem);

	if (r == 0)
		r = check_schema(database, problem);
	if (r == 0 && database->is_new)
		r = run(database, peeps_schema_sql, problem);
	if (r == 0)
		r = run(database, "COMMIT", problem);
	return r;
}

/* Whether it may be appended to, and found: whether it is there. */
static int find_to_append(struct peeps_database *database, const char *path, bool *found,
			  struct peeps_problem *problem)
{
	int r = name_file(database, path);

	if (r)
		return r;
	r = find_file(database, problem);
	*found = r == 0;
	return r && r != -ENOENT ? r : check_folder(database, problem);
}

int peeps_database_check(const char *path, struct peeps_problem *problem)
{
	struct peeps_database database;
	bool found;
	int r = find_to_append(&database, path, &found, problem);

	if (r == 0 && found)
		r = open_to_write(&database, 0, problem);
	peeps_database_close(&database);
	return r;
}

int peeps_database_append(struct peeps_database *database, const char *path,
			  struct peeps_problem *problem)
{
	bool found;
	int r = find_to_append(database, path, &found, problem);

	if (r == 0)
		r = open_to_write(database, SQLITE_OPEN_CREATE, problem);
	if (r == 0)
		r = set_modes(database, problem);
	if (r == 0 && database->is_new)
		r = make_tables(database, problem);
	return close_if(r, database);
}

int peeps_database_in_memory(struct peeps_database *database, struct peeps_problem *problem)
{
	int r;

	*database = (struct peeps_database){ .name = IN_MEMORY };
	r = open_database(database, IN_MEMORY, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, problem);
	if (r == 0)
		r = run(database, "BEGIN", problem);
	if (r == 0)
		r = run(database, peeps_schema_sql, problem);
	if (r == 0)
		r = run(database, "COMMIT", problem);
	return close_if(r, database);
}

int peeps_database_read(struct peeps_database *database, const char *path,
			struct peeps_problem *problem)
{
	int r = name_file(database, path);

	database->tidies = r == 0;
	if (r == 0 && peeps_database_open_read_only(&database->sqlite, path) != SQLITE_OK)
		r = peeps_database_fail_to_read(database, problem);
	if (r == 0)
		r = check_schema(database, problem);
	if (r == 0 && database->is_new) {
		name_what(database, problem);
		r = peeps_problem_set(problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG,
				      "peeps-read load fills one", "it is empty");
	}
	return close_if(r, database);
}

void peeps_database_close(struct peeps_database *database)
{
	peeps_inserts_free(database->inserts);
	(void)sqlite3_close(database->sqlite);
	if (database->tidies)
		peeps_database_tidy(database->file);
	free(database->file);
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
	r = peeps_inserts_graph(database->inserts, graph, &database->progress, id);
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
