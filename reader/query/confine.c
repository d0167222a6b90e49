/* SPDX-License-Identifier: MIT */
#include "reader/query/confine.h"

#include <errno.h>
#include <sqlite3.h>
#include <stddef.h>
#include <string.h>

#include "reader/clock.h"
#include "reader/problem.h"
#include "reader/query/deadline.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define GRACE_NS            UINT64_C(1000000000) /* from being told to stop to being stopped */
#define STEPS_BETWEEN_LOOKS 1000 /* of SQLite's machine, at the clock: microseconds */

/* --- what it may do ---------------------------------------------------------------------------------------------- */

/* What tells of tables and columns; pragma_table_info('edges') is a table itself. */
static const char *const harmless_pragmas[] = { "table_info",      "table_xinfo", "table_list",
						"index_list",      "index_info",  "index_xinfo",
						"foreign_key_list" };

static bool is_harmless_pragma(const char *name)
{
	for (size_t i = 0; i < COUNT(harmless_pragmas); i++) {
		if (strcmp(name, harmless_pragmas[i]) == 0)
			return true;
	}
	return false;
}

/* What does more than to make a value out of values. */
static bool is_harmless_function(const char *name)
{
	static const char *const harmful[] = { "load_extension", "fts3_tokenizer" };

	for (size_t i = 0; i < COUNT(harmful); i++) {
		if (sqlite3_stricmp(name, harmful[i]) == 0)
			return false;
	}
	return true;
}

/* How what is not allowed is called. */
static const char *name_of(int action)
{
	switch (action) {
	case SQLITE_INSERT:
		return "INSERT";
	case SQLITE_UPDATE:
		return "UPDATE";
	case SQLITE_DELETE:
		return "DELETE";
	case SQLITE_ATTACH:
		return "ATTACH";
	case SQLITE_DETACH:
		return "DETACH";
	case SQLITE_PRAGMA:
		return "PRAGMA";
	case SQLITE_FUNCTION:
		return "the function";
	case SQLITE_TRANSACTION:
	case SQLITE_SAVEPOINT:
		return "a transaction";
	case SQLITE_ALTER_TABLE:
		return "ALTER TABLE";
	case SQLITE_REINDEX:
		return "REINDEX";
	case SQLITE_ANALYZE:
		return "ANALYZE";
	default: /* the rest makes or drops something */
		return "a change of tables";
	}
}

static int authorize(void *context, int action, const char *first, const char *second,
		     const char *database, const char *by)
{
	struct peeps_confinement *confinement = context;
	const char *what = action == SQLITE_FUNCTION ? second : first;
	bool allowed;

	(void)database;
	(void)by;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		allowed = second && is_harmless_function(second);
		break;
	case SQLITE_PRAGMA:
		allowed = first && is_harmless_pragma(first);
		break;
	default:
		allowed = false;
	}
	if (allowed)
		return SQLITE_OK;
	(void)sqlite3_snprintf(sizeof(confinement->refused), confinement->refused, "%s%s%.64s",
			       name_of(action), what && *what ? " " : "", what ? what : "");
	return SQLITE_DENY;
}

/* --- how much of it ---------------------------------------------------------------------------------------------- */

static int look_at_clock(void *context)
{
	struct peeps_confinement *confinement = context;

	confinement->is_late =
		confinement->deadline_ns && peeps_clock_monotonic_ns() >= confinement->deadline_ns;
	return confinement->is_late;
}

static void limit(struct sqlite3 *sqlite)
{
	static const struct {
		int which;
		int most;
	} limits[] = {
		{ SQLITE_LIMIT_LENGTH, 64 << 20 }, /* bytes of a value, or a row */
		{ SQLITE_LIMIT_SQL_LENGTH, 1 << 20 }, { SQLITE_LIMIT_COLUMN, 256 },
		{ SQLITE_LIMIT_EXPR_DEPTH, 200 },     { SQLITE_LIMIT_COMPOUND_SELECT, 64 },
		{ SQLITE_LIMIT_VDBE_OP, 1 << 20 },    { SQLITE_LIMIT_FUNCTION_ARG, 64 },
		{ SQLITE_LIMIT_ATTACHED, 0 },         { SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256 },
		{ SQLITE_LIMIT_VARIABLE_NUMBER, 16 }, { SQLITE_LIMIT_TRIGGER_DEPTH, 0 },
		{ SQLITE_LIMIT_WORKER_THREADS, 0 },
	};
	static const struct {
		int which;
		int on;
	} settings[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
		{ SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0 },
		{ SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_DQS_DML, 0 }, /* "nmae" is a mistake, and no text */
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },
	};

	for (size_t i = 0; i < COUNT(limits); i++)
		(void)sqlite3_limit(sqlite, limits[i].which, limits[i].most);
	for (size_t i = 0; i < COUNT(settings); i++)
		(void)sqlite3_db_config(sqlite, settings[i].which, settings[i].on, NULL);
}

/*
 * Tables that SQLite makes when they are first named, which to an authorizer looks like a change of the schema: they are made
 * before there is one.
 */
static int make_tables(struct sqlite3 *sqlite)
{
	int code = sqlite3_exec(sqlite, "SELECT 1 FROM json_each('[]'), json_tree('[]')", NULL,
				NULL, NULL);
	char sql[64];

	for (size_t i = 0; i < COUNT(harmless_pragmas) && code == SQLITE_OK; i++) {
		(void)sqlite3_snprintf(sizeof(sql), sql, "SELECT 1 FROM pragma_%s LIMIT 0",
				       harmless_pragmas[i]);
		code = sqlite3_exec(sqlite, sql, NULL, NULL, NULL);
	}
	return code;
}

/* --- both -------------------------------------------------------------------------------------------------------- */

int peeps_confine(struct peeps_confinement *confinement, struct sqlite3 *sqlite,
		  const struct peeps_bounds *bounds, struct peeps_problem *problem)
{
	/* No temporary files, and no file that is mapped: somebody may cut it off. */
	static const char sql[] = "PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; "
				  "PRAGMA cell_size_check = ON; PRAGMA query_only = ON; BEGIN";

	*confinement = (struct peeps_confinement){
		.sqlite = sqlite,
		.bounds = *bounds,
		.left_ns = bounds->timeout_ns,
	};
	if (sqlite3_exec(sqlite, sql, NULL, NULL, NULL) != SQLITE_OK ||
	    make_tables(sqlite) != SQLITE_OK) {
		(void)snprintf(problem->what, sizeof(problem->what), "cannot ask the database");
		return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -EIO, "", "%s",
					 sqlite3_errmsg(sqlite));
	}
	limit(sqlite);
	sqlite3_progress_handler(sqlite, STEPS_BETWEEN_LOOKS, look_at_clock, confinement);
	(void)sqlite3_set_authorizer(sqlite, authorize, confinement);
	(void)sqlite3_hard_heap_limit64(sqlite3_memory_used() + bounds->memory_bytes);
	peeps_deadline_begin();
	peeps_confine_resume(confinement);
	return 0;
}

void peeps_confine_resume(struct peeps_confinement *confinement)
{
	if (confinement->deadline_ns)
		return;
	if (__builtin_add_overflow(peeps_clock_monotonic_ns(), confinement->left_ns,
				   &confinement->deadline_ns) ||
	    confinement->deadline_ns > UINT64_MAX - GRACE_NS)
		confinement->deadline_ns = UINT64_MAX - GRACE_NS;
	peeps_deadline_set(confinement->deadline_ns + GRACE_NS);
}

void peeps_confine_pause(struct peeps_confinement *confinement)
{
	const uint64_t now_ns = peeps_clock_monotonic_ns();

	if (!confinement->deadline_ns)
		return;
	confinement->left_ns =
		confinement->deadline_ns > now_ns ? confinement->deadline_ns - now_ns : 0;
	confinement->deadline_ns = 0;
	peeps_deadline_set(0);
}

void peeps_confine_end(struct peeps_confinement *confinement)
{
	peeps_deadline_end();
	(void)sqlite3_hard_heap_limit64(0);
	(void)sqlite3_set_authorizer(confinement->sqlite, NULL, NULL);
	sqlite3_progress_handler(confinement->sqlite, 0, NULL, NULL);
	(void)sqlite3_exec(confinement->sqlite, "ROLLBACK", NULL, NULL, NULL);
}
