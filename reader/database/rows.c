/* SPDX-License-Identifier: MIT */
#include "reader/database/rows.h"

#include <errno.h>
#include <inttypes.h>
#include <msgpack.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "reader/database/row_range.h"
#include "reader/problem.h"
#include "reader/snapshot/json_to_msgpack.h"
#include "reader/snapshot/snapshot.h"

#define ARRAY_32 0xdd

/* --- what stands where ------------------------------------------------------------------------------------------ */

enum column_type {
	TEXT,
	NUMBER,
	BOOL,
	JSON,
	POSITION, /* a number that is not in the document: which of its rows this is */
};

struct column {
	const char *name; /* NULL: there are no more */
	const char *key;  /* in the document's row */
	enum column_type type;
};

#define COLUMNS_MAX 16

struct table {
	const char *name;
	const char *section; /* of the document; NULL: its own keys */
	struct column columns[COLUMNS_MAX];
};

/* Columns that repeat what is in a column of JSON are there to be searched, not to be read. */
static const struct table tables[] = {
	{ "snapshots",
	  NULL,
	  { { "schema", "schema", TEXT },
	    { "sequence", "sequence", NUMBER },
	    { "taken_at_unix_ns", "taken_at_unix_ns", NUMBER },
	    { "cut_ns", "cut_ns", NUMBER },
	    { "skew_ns", "skew_ns", NUMBER },
	    { "quality", "quality", TEXT },
	    { "notes_json", "notes", JSON } } },
	{ "processes",
	  "processes",
	  { { "proc_key", "proc_key", TEXT },
	    { "pid", "pid", NUMBER },
	    { "name", "name", TEXT },
	    { "cmdline", "cmdline", TEXT },
	    { "start_time", "start_time", NUMBER },
	    { "ptime_now_ns", "ptime_now_ns", NUMBER },
	    { "coverage", "coverage", TEXT },
	    { "counters_json", "counters", JSON },
	    { "own_pid", "own_pid", NUMBER },
	    { "threads", "threads", NUMBER },
	    { "gone", "gone", BOOL } } },
	{ "entities",
	  "nodes",
	  { { "id", "id", TEXT },
	    { "kind", "kind", TEXT },
	    { "process", "process", TEXT },
	    { "name", "name", TEXT },
	    { "site", "site", TEXT },
	    { "uncertain", "uncertain", BOOL },
	    { "attrs_json", "attrs", JSON },
	    { "role", "role", TEXT },
	    { "tid", "tid", NUMBER },
	    { "exited", "exited", BOOL },
	    { "sleeping", "sleeping", BOOL },
	    { "function", "function", TEXT },
	    { "krate", "krate", TEXT },
	    { "site_as_compiled", "site_as_compiled", BOOL } } },
	{ "edges",
	  "edges",
	  { { "position", NULL, POSITION },
	    { "src_id", "src", TEXT },
	    { "dst_id", "dst", TEXT },
	    { "kind", "kind", TEXT },
	    { "attrs_json", "meta", JSON } } },
	{ "scopes",
	  "scopes",
	  { { "id", "id", TEXT },
	    { "kind", "kind", TEXT },
	    { "process", "process", TEXT },
	    { "name", "name", TEXT },
	    { "attrs_json", "attrs", JSON } } },
	{ "entity_scope_links",
	  "memberships",
	  { { "entity_id", "entity", TEXT }, { "scope_id", "scope", TEXT } } },
	{ "findings",
	  "findings",
	  { { "kind", "kind", TEXT },
	    { "certainty", "certainty", TEXT },
	    { "sentence", "sentence", TEXT },
	    { "steps_json", "steps", JSON },
	    { "nodes_json", "nodes", JSON },
	    { "edges_json", "edges", JSON },
	    { "victims_json", "victims", JSON } } },
};

#define TABLE_COUNT (sizeof(tables) / sizeof(tables[0]))

struct rows {
	sqlite3 *sqlite;
	struct peeps_problem *problem;
	int64_t snapshot;
	msgpack_sbuffer buffer;
	msgpack_packer packer;
	struct peeps_json_to_msgpack *json;
	const struct table *table;
	uint32_t row; /* in the table, of this snapshot */
};

/* --- problems --------------------------------------------------------------------------------------------------- */

static int fail(struct rows *rows, const char *column, const char *why)
{
	char row[32] = "";

	if (rows->table->section)
		(void)snprintf(row, sizeof(row), "[%" PRIu32 "]", rows->row);
	return peeps_problem_set(rows->problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, "",
				 "%s%s.%s: %s", rows->table->name, row, column, why);
}

static int damaged(struct rows *rows)
{
	return peeps_problem_set(rows->problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, "",
				 "it is damaged: rows of %s are not where they should be",
				 rows->table->name);
}

static int too_long(struct rows *rows)
{
	return peeps_problem_set(rows->problem, PEEPS_PROBLEM_BAD_SEGMENT, -EFBIG, "",
				 "it is longer than this reader takes: %zu bytes of msgpack",
				 PEEPS_SNAPSHOT_KEPT_MAX);
}

/* --- values ----------------------------------------------------------------------------------------------------- */

/* Returns 0 or -ENOMEM. */
static int put_text(struct rows *rows, const char *text, size_t length)
{
	return msgpack_pack_str_with_body(&rows->packer, text, length) ? -ENOMEM : 0;
}

static int bad_json(struct rows *rows, const struct column *column)
{
	char why[160];
	uint64_t at;

	(void)snprintf(why, sizeof(why), "is no JSON: %s",
		       peeps_json_to_msgpack_fault(rows->json, &at));
	return fail(rows, column->name, why);
}

static int put_json(struct rows *rows, const struct column *column, const unsigned char *text,
		    size_t length)
{
	const unsigned char *msgpack;
	size_t made;
	const int r = peeps_json_to_msgpack_value(rows->json, text, length, &msgpack, &made);

	if (r == -EFBIG)
		return too_long(rows);
	if (r == -EBADMSG)
		return bad_json(rows, column);
	if (r)
		return r;
	if (made > PEEPS_SNAPSHOT_KEPT_MAX - rows->buffer.size)
		return too_long(rows);
	return msgpack_sbuffer_write(&rows->buffer, (const char *)msgpack, made) ? -ENOMEM : 0;
}

static int put_characters(struct rows *rows, const struct column *column, sqlite3_stmt *statement,
			  int number)
{
	const unsigned char *text;
	size_t length;

	if (sqlite3_column_type(statement, number) != SQLITE_TEXT)
		return fail(rows, column->name, "is no text");
	text = sqlite3_column_text(statement, number);
	length = (size_t)sqlite3_column_bytes(statement, number);
	if (!text)
		return -ENOMEM;
	if (length > PEEPS_SNAPSHOT_KEPT_MAX - rows->buffer.size)
		return too_long(rows);
	return column->type == JSON ? put_json(rows, column, text, length)
				    : put_text(rows, (const char *)text, length);
}

static int put_number(struct rows *rows, const struct column *column, sqlite3_stmt *statement,
		      int number)
{
	const bool is_number = sqlite3_column_type(statement, number) == SQLITE_INTEGER;
	const int64_t value = sqlite3_column_int64(statement, number);

	if (!is_number || value < 0)
		return fail(rows, column->name, "is no number from 0 on");
	if (column->type == NUMBER)
		return msgpack_pack_uint64(&rows->packer, (uint64_t)value) ? -ENOMEM : 0;
	if (column->type == POSITION)
		return value == rows->row
			       ? 0
			       : fail(rows, column->name, "is not the next: rows are missing");
	if (value > 1)
		return fail(rows, column->name, "is neither 0 nor 1");
	return (value ? msgpack_pack_true(&rows->packer) : msgpack_pack_false(&rows->packer))
		       ? -ENOMEM
		       : 0;
}

/* What is null is left out. */
static int put_column(struct rows *rows, const struct column *column, sqlite3_stmt *statement,
		      int number)
{
	int r = 0;

	if (sqlite3_column_type(statement, number) == SQLITE_NULL)
		return 0;
	if (column->key)
		r = put_text(rows, column->key, strlen(column->key));
	if (r)
		return r;
	return column->type == TEXT || column->type == JSON
		       ? put_characters(rows, column, statement, number)
		       : put_number(rows, column, statement, number);
}

/* --- rows ------------------------------------------------------------------------------------------------------- */

#define FIRST_COLUMN 1 /* after the row's number */

static int put_columns(struct rows *rows, sqlite3_stmt *statement)
{
	const struct column *columns = rows->table->columns;
	int r = 0;

	for (int i = 0; r == 0 && columns[i].name; i++)
		r = put_column(rows, &columns[i], statement, FIRST_COLUMN + i);
	return r;
}

static uint32_t count_keys(const struct rows *rows, sqlite3_stmt *statement)
{
	const struct column *columns = rows->table->columns;
	uint32_t count = 0;

	for (int i = 0; columns[i].name; i++)
		count += columns[i].key &&
			 sqlite3_column_type(statement, FIRST_COLUMN + i) != SQLITE_NULL;
	return count;
}

static int put_row(struct rows *rows, sqlite3_stmt *statement)
{
	if (msgpack_pack_map(&rows->packer, count_keys(rows, statement)))
		return -ENOMEM;
	return put_columns(rows, statement);
}

/* Rows come in the order of their numbers; a file that is not sound may give the same ones again and again. */
static int put_rows(struct rows *rows, sqlite3_stmt *statement)
{
	int64_t before = INT64_MIN;
	int result, r = 0;

	for (rows->row = 0; r == 0; rows->row++) {
		result = sqlite3_step(statement);
		if (result != SQLITE_ROW)
			return result == SQLITE_DONE ? 0 : -EIO;
		if (rows->row && sqlite3_column_int64(statement, 0) <= before)
			return damaged(rows);
		if (rows->row == UINT32_MAX)
			return too_long(rows);
		before = sqlite3_column_int64(statement, 0);
		r = put_row(rows, statement);
	}
	return r;
}

/* --- tables ----------------------------------------------------------------------------------------------------- */

/* Returns NULL without memory. */
static char *columns_of(const struct table *table, const char *first)
{
	char *list = sqlite3_mprintf("%s", first);

	for (const struct column *column = table->columns; column->name; column++)
		list = sqlite3_mprintf("%z, %s", list, column->name);
	return list;
}

/* Takes sql over. */
static int prepare(struct rows *rows, char *sql, sqlite3_stmt **statement)
{
	int result;

	*statement = NULL;
	if (!sql)
		return -ENOMEM;
	result = sqlite3_prepare_v2(rows->sqlite, sql, -1, statement, NULL);
	sqlite3_free(sql);
	if (result == SQLITE_OK && sqlite3_bind_parameter_count(*statement) > 0)
		result = sqlite3_bind_int64(*statement, 1, rows->snapshot);
	return result == SQLITE_OK ? 0 : -EIO;
}

/* From the first to the last, in their order: nothing has to be sorted. */
static int prepare_rows(struct rows *rows, sqlite3_stmt **statement)
{
	const char *table = rows->table->name;
	struct peeps_row_range range;
	const int r = peeps_row_range_find(rows->sqlite, table, rows->snapshot, &range);

	*statement = NULL;
	if (r)
		return r == -EBADMSG ? damaged(rows) : r;
	return prepare(
		rows,
		sqlite3_mprintf("SELECT %z FROM %s NOT INDEXED WHERE row BETWEEN %lld AND %lld "
				"AND snapshot_id = ?1 ORDER BY row",
				columns_of(rows->table, "row"), table, (long long)range.first,
				(long long)range.last),
		statement);
}

/* How many there are is known at the end. */
static int put_table(struct rows *rows)
{
	static const unsigned char head[5] = { ARRAY_32 };
	sqlite3_stmt *statement = NULL;
	size_t count_offset;
	int r = put_text(rows, rows->table->section, strlen(rows->table->section));

	if (r == 0 && msgpack_sbuffer_write(&rows->buffer, (const char *)head, sizeof(head)))
		r = -ENOMEM;
	if (r)
		return r;
	count_offset = rows->buffer.size - 4;
	r = prepare_rows(rows, &statement);
	if (r == 0)
		r = put_rows(rows, statement);
	(void)sqlite3_finalize(statement);
	for (unsigned int i = 0; r == 0 && i < 4; i++)
		rows->buffer.data[count_offset + i] = (char)(rows->row >> (24 - 8 * i));
	return r;
}

/* --- the document ----------------------------------------------------------------------------------------------- */

/* It was just found there: but of what is damaged, not all that SQLite says agrees. */
static int step_to_row(struct rows *rows, sqlite3_stmt *statement)
{
	const int result = sqlite3_step(statement);

	if (result == SQLITE_ROW)
		return 0;
	return result == SQLITE_DONE ? fail(rows, "id", "is not there") : -EIO;
}

static int put_own_keys(struct rows *rows)
{
	sqlite3_stmt *statement = NULL;
	int r = prepare(rows,
			sqlite3_mprintf("SELECT %z FROM snapshots WHERE id = ?1",
					columns_of(rows->table, "id")),
			&statement);

	if (r == 0)
		r = step_to_row(rows, statement);
	if (r == 0 && msgpack_pack_map(&rows->packer,
				       count_keys(rows, statement) + (uint32_t)TABLE_COUNT - 1))
		r = -ENOMEM;
	if (r == 0)
		r = put_columns(rows, statement);
	(void)sqlite3_finalize(statement);
	return r;
}

static int put_document(struct rows *rows)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < TABLE_COUNT; i++) {
		rows->table = &tables[i];
		r = rows->table->section ? put_table(rows) : put_own_keys(rows);
	}
	return r;
}

int peeps_rows_document(sqlite3 *sqlite, int64_t snapshot, unsigned char **msgpack, size_t *length,
			struct peeps_problem *problem)
{
	struct rows rows = { .sqlite = sqlite, .problem = problem, .snapshot = snapshot };
	int r;

	rows.json = peeps_json_to_msgpack_new(PEEPS_SNAPSHOT_KEPT_MAX);
	if (!rows.json)
		return -ENOMEM;
	msgpack_sbuffer_init(&rows.buffer);
	msgpack_packer_init(&rows.packer, &rows.buffer, msgpack_sbuffer_write);
	r = put_document(&rows);
	if (r == 0) {
		*length = rows.buffer.size;
		*msgpack = (unsigned char *)msgpack_sbuffer_release(&rows.buffer);
	}
	msgpack_sbuffer_destroy(&rows.buffer);
	peeps_json_to_msgpack_free(rows.json);
	return r;
}

/* --- what the tables are ---------------------------------------------------------------------------------------- */

#define XINFO_NAME   1
#define XINFO_HIDDEN 6

static bool is_read(const struct table *table, const char *name)
{
	if (sqlite3_stricmp(name, "row") == 0 || sqlite3_stricmp(name, "snapshot_id") == 0)
		return true;
	for (const struct column *column = table->columns; column->name; column++) {
		if (sqlite3_stricmp(column->name, name) == 0)
			return true;
	}
	return false;
}

static int not_ours(struct rows *rows)
{
	return peeps_problem_set(rows->problem, PEEPS_PROBLEM_BAD_SEGMENT, -EBADMSG, "",
				 "its table %s is missing, or not as peeps-read load makes it",
				 rows->table->name);
}

/* A schema may say so and yet have something else under that name: SQLite will not use that. */
static int check_type(struct rows *rows)
{
	sqlite3_stmt *statement;
	int result = SQLITE_OK;
	int r = prepare(rows,
			sqlite3_mprintf("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND "
					"rootpage > 0 AND name = '%s' COLLATE NOCASE",
					rows->table->name),
			&statement);

	if (r == 0)
		result = sqlite3_step(statement);
	(void)sqlite3_finalize(statement);
	if (r || result == SQLITE_ROW)
		return r;
	return result == SQLITE_DONE ? not_ours(rows) : -EIO;
}

static int check_columns(struct rows *rows)
{
	sqlite3_stmt *statement;
	int result = SQLITE_OK;
	int r = prepare(rows, sqlite3_mprintf("PRAGMA table_xinfo(%s)", rows->table->name),
			&statement);

	while (r == 0 && (result = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(statement, XINFO_NAME);

		if (!name)
			r = -ENOMEM;
		else if (sqlite3_column_int(statement, XINFO_HIDDEN) && is_read(rows->table, name))
			r = not_ours(rows);
	}
	if (r == 0 && result != SQLITE_DONE)
		r = -EIO;
	(void)sqlite3_finalize(statement);
	return r;
}

int peeps_rows_check_tables(sqlite3 *sqlite, struct peeps_problem *problem)
{
	struct rows rows = { .sqlite = sqlite, .problem = problem };
	int r = 0;

	for (size_t i = 0; r == 0 && i < TABLE_COUNT; i++) {
		rows.table = &tables[i];
		r = check_type(&rows);
		if (r == 0)
			r = check_columns(&rows);
	}
	return r;
}
