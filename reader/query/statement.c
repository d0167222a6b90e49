/* SPDX-License-Identifier: MIT */
#include "reader/query/statement.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>

#include "reader/format/print.h"
#include "reader/graph/arena.h"
#include "reader/graph/text.h"
#include "reader/problem.h"
#include "reader/query/confine.h"

#define PARAMETERS_HINT \
	"there are ?1, the snapshot; :before, the one before it; :min_ns, what --min says"
#define TABLES_HINT \
	"tables: snapshots processes entities nodes edges scopes entity_scope_links findings"
#define COLUMNS_HINT "what a table has: -e \"SELECT name FROM pragma_table_info('edges')\""

/* --- problems ----------------------------------------------------------------------------------------------------- */

static int refuse(const struct peeps_statement *statement, int error, const char *hint,
		  const char *why, struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "%s",
		       statement->is_ours ? "the database does not have what is asked for"
					  : "this SQL cannot be asked");
	return peeps_problem_set(
		problem, statement->is_ours ? PEEPS_PROBLEM_BAD_SEGMENT : PEEPS_PROBLEM_USAGE,
		error, hint, "%s", why);
}

static int stopped(int error, const char *hint, struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "gave up before the answer was whole");
	problem->status = PEEPS_PROBLEM_OTHER;
	(void)snprintf(problem->hint, sizeof(problem->hint), "%s", hint);
	return error;
}

static const char *hint_at(const char *message)
{
	if (strncmp(message, "no such table", strlen("no such table")) == 0)
		return TABLES_HINT;
	if (strncmp(message, "no such column", strlen("no such column")) == 0)
		return COLUMNS_HINT;
	return "docs/query.md says what can be asked";
}

/* What SQLite says of SQL, and where: a few words from there on. */
static int not_understood(const struct peeps_statement *statement, const char *sql,
			  struct peeps_problem *problem)
{
	sqlite3 *sqlite = statement->confinement->sqlite;
	const char *message = sqlite3_errmsg(sqlite);
	const int offset = sqlite3_error_offset(sqlite);
	char why[512];

	if (offset >= 0 && (size_t)offset < strlen(sql))
		(void)snprintf(why, sizeof(why), "%.200s, at: %.60s", message, sql + offset);
	else
		(void)snprintf(why, sizeof(why), "%.200s", message);
	return refuse(statement, -EINVAL, hint_at(message), why, problem);
}

static int not_allowed(const struct peeps_statement *statement, const char *what,
		       struct peeps_problem *problem)
{
	char why[256];

	(void)snprintf(why, sizeof(why), "%s is not allowed", what);
	return refuse(statement, -EINVAL, "a query reads, and does nothing else", why, problem);
}

/* Of preparing, and of running. */
static int failed(const struct peeps_statement *statement, int code, const char *sql,
		  struct peeps_problem *problem)
{
	const struct peeps_confinement *confinement = statement->confinement;
	char duration[PEEPS_DURATION_BYTES];

	if (*confinement->refused) /* which may be told as some other error */
		return not_allowed(statement, confinement->refused, problem);
	switch (code & 0xff) {
	case SQLITE_INTERRUPT:
		(void)snprintf(problem->why, sizeof(problem->why), "it took more than %s",
			       peeps_duration_floor(duration, confinement->bounds.timeout_ns));
		return stopped(-ETIME, "--timeout 5m gives it more time", problem);
	case SQLITE_NOMEM:
		(void)snprintf(problem->why, sizeof(problem->why),
			       "it needs more than %" PRId64 " MiB of memory",
			       confinement->bounds.memory_bytes >> 20);
		return stopped(-ENOMEM, "ask for less at once: fewer columns, or without sorting",
			       problem);
	case SQLITE_TOOBIG:
		(void)snprintf(problem->why, sizeof(problem->why),
			       "a text or the SQL is longer than is allowed");
		return stopped(-EFBIG, "docs/query.md lists the bounds", problem);
	case SQLITE_READONLY:
		return not_allowed(statement, "writing", problem);
	case SQLITE_ERROR:
	case SQLITE_RANGE:
	case SQLITE_MISMATCH:
		break;
	default: /* the file: damaged, busy, unreadable */
		(void)snprintf(problem->what, sizeof(problem->what), "cannot read the database");
		return peeps_problem_set(problem,
					 (code & 0xff) == SQLITE_CORRUPT ||
							 (code & 0xff) == SQLITE_NOTADB
						 ? PEEPS_PROBLEM_BAD_SEGMENT
						 : PEEPS_PROBLEM_OTHER,
					 -EBADMSG, "", "%s", sqlite3_errmsg(confinement->sqlite));
	}
	return not_understood(statement, sql, problem);
}

/* --- preparing ---------------------------------------------------------------------------------------------------- */

/* After the statement there are only blanks and comments. */
static int check_rest(const struct peeps_statement *statement, const char *rest,
		      struct peeps_problem *problem)
{
	while (*rest) {
		sqlite3_stmt *another = NULL;
		const char *begin = rest;
		const int code = sqlite3_prepare_v2(statement->confinement->sqlite, rest, -1,
						    &another, &rest);
		char why[128];

		(void)sqlite3_finalize(another);
		if (code == SQLITE_OK && !another)
			continue;
		(void)snprintf(why, sizeof(why), "another one follows the first, at: %.60s",
			       begin + strspn(begin, " \t\r\n;"));
		return refuse(statement, -EINVAL, "one statement at a time", why, problem);
	}
	return 0;
}

int peeps_statement_prepare(struct peeps_statement *statement,
			    struct peeps_confinement *confinement, const char *sql, bool is_ours,
			    struct peeps_problem *problem)
{
	const char *rest = sql;
	int code;
	int r = 0;

	*statement = (struct peeps_statement){ .confinement = confinement,
					       .is_ours = is_ours,
					       .bytes_max = PEEPS_ANSWER_BYTES_MAX };
	confinement->refused[0] = '\0';
	do { /* an empty statement is none */
		sql = rest;
		code = sqlite3_prepare_v2(confinement->sqlite, sql, -1, &statement->prepared,
					  &rest);
	} while (code == SQLITE_OK && !statement->prepared && *rest);
	if (code != SQLITE_OK)
		r = failed(statement, code, sql, problem);
	else if (!statement->prepared)
		r = refuse(statement, -EINVAL, "such as: -e 'SELECT count(*) FROM nodes'",
			   "there is no statement in it", problem);
	else if (!sqlite3_stmt_readonly(statement->prepared) ||
		 sqlite3_column_count(statement->prepared) == 0)
		r = not_allowed(statement, "what it does", problem);
	if (r == 0)
		r = check_rest(statement, rest, problem);
	if (r)
		peeps_statement_finish(statement);
	else
		statement->column_count = (size_t)sqlite3_column_count(statement->prepared);
	return r;
}

void peeps_statement_finish(struct peeps_statement *statement)
{
	(void)sqlite3_finalize(statement->prepared);
	statement->prepared = NULL;
}

/* --- parameters --------------------------------------------------------------------------------------------------- */

static int bind_id(sqlite3_stmt *prepared, int parameter, int64_t id)
{
	return id ? sqlite3_bind_int64(prepared, parameter, id)
		  : sqlite3_bind_null(prepared, parameter);
}

static int bind_one(struct peeps_statement *statement, int parameter,
		    const struct peeps_parameters *parameters, struct peeps_problem *problem)
{
	const char *name = sqlite3_bind_parameter_name(statement->prepared, parameter);
	char why[128];

	if ((!name && parameter == 1) || (name && strcmp(name, "?1") == 0)) {
		statement->asks_of_one = true;
		(void)bind_id(statement->prepared, parameter, parameters->snapshot);
		return 0;
	}
	if (name && strcmp(name, ":before") == 0) {
		statement->asks_of_one = true;
		statement->asks_of_before = true;
		(void)bind_id(statement->prepared, parameter, parameters->before);
		return 0;
	}
	if (name && strcmp(name, ":min_ns") == 0) {
		statement->asks_of_min = true;
		(void)sqlite3_bind_int64(
			statement->prepared, parameter,
			parameters->min_ns <= INT64_MAX ? (int64_t)parameters->min_ns : INT64_MAX);
		return 0;
	}
	(void)snprintf(why, sizeof(why), "nothing is known that %.60s could stand for",
		       name ? name : "a further ?");
	return refuse(statement, -EINVAL, PARAMETERS_HINT, why, problem);
}

int peeps_statement_bind(struct peeps_statement *statement,
			 const struct peeps_parameters *parameters, struct peeps_problem *problem)
{
	const int count = sqlite3_bind_parameter_count(statement->prepared);
	const char *first = sqlite3_bind_parameter_name(statement->prepared, 1);
	int r = 0;

	/* SQLite would give both the same value. */
	if (first && first[0] == ':' && strstr(sqlite3_sql(statement->prepared), "?1"))
		return refuse(statement, -EINVAL, "write ?1 before the parameters with names",
			      "?1 is the first parameter, and here another one is", problem);
	/* With ?3 there are three, and the first two may have no name and no use. */
	for (int i = 1; i <= count && r == 0; i++)
		r = bind_one(statement, i, parameters, problem);
	return r;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

#define CELL_BYTES 8 /* about, of a number */

static uint64_t bytes_of_row(const struct peeps_statement *statement)
{
	uint64_t bytes = 0;

	for (int i = 0; i < (int)statement->column_count; i++) {
		const int type = sqlite3_column_type(statement->prepared, i);

		bytes += CELL_BYTES;
		if (type == SQLITE_TEXT || type == SQLITE_BLOB)
			bytes += (uint64_t)sqlite3_column_bytes(statement->prepared, i);
	}
	return bytes;
}

int peeps_statement_next(struct peeps_statement *statement, struct peeps_problem *problem)
{
	int code;

	peeps_confine_resume(statement->confinement);
	code = sqlite3_step(statement->prepared);
	peeps_confine_pause(statement->confinement);
	if (code == SQLITE_DONE)
		return 0;
	if (code != SQLITE_ROW)
		return failed(statement, code, sqlite3_sql(statement->prepared), problem);
	if (statement->rows_max && statement->row_count == statement->rows_max) {
		statement->has_more = true;
		return 0;
	}
	statement->row_count++;
	statement->byte_count += bytes_of_row(statement);
	if (statement->byte_count <= statement->bytes_max)
		return 1;
	(void)snprintf(problem->why, sizeof(problem->why),
		       "the answer is longer than %" PRIu64 " MiB", statement->bytes_max >> 20);
	return stopped(-EFBIG, "--max-rows takes a part of it", problem);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static bool is_taken(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

const char *const *peeps_statement_names(const struct peeps_statement *statement,
					 struct peeps_arena *arena)
{
	const char **names = peeps_arena_take(arena, statement->column_count, sizeof(names[0]));

	for (size_t i = 0; names && i < statement->column_count; i++) {
		const char *given = sqlite3_column_name(statement->prepared, (int)i);
		const char *name = given ? peeps_text_mend(arena, peeps_bytes_of(given)) : NULL;

		given = name;
		for (unsigned int number = 2; name && is_taken(names, i, name); number++)
			name = peeps_arena_format(arena, "%s_%u", given, number);
		if (!name)
			return NULL;
		names[i] = name;
	}
	return names;
}
