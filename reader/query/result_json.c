/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdint.h>

#include "reader/format/json.h"
#include "reader/graph/arena.h"
#include "reader/graph/text.h"
#include "reader/query/cell.h"
#include "reader/query/result.h"
#include "reader/query/statement.h"

/* Of bytes that are no UTF-8 as they are, or have a NUL in them. */
static int write_mended(struct peeps_json *json, struct peeps_bytes bytes)
{
	struct peeps_arena *arena = peeps_arena_new(0);
	const char *text = arena ? peeps_text_mend(arena, bytes) : NULL;

	if (text)
		peeps_json_text(json, text);
	peeps_arena_free(arena);
	return text ? 0 : -ENOMEM;
}

static int write_text(struct peeps_json *json, sqlite3_stmt *row, int column)
{
	const struct peeps_bytes bytes = {
		.start = sqlite3_column_text(row, column),
		.length = (size_t)sqlite3_column_bytes(row, column),
	};

	if (!bytes.start)
		return -ENOMEM;
	if (!peeps_text_is_sound(bytes))
		return write_mended(json, bytes);
	peeps_json_text(json, (const char *)bytes.start);
	return 0;
}

static int write_blob(struct peeps_json *json, sqlite3_stmt *row, int column)
{
	struct peeps_arena *arena = peeps_arena_new(0);
	const char *text = arena ? peeps_cell_blob(arena, row, column, SIZE_MAX) : NULL;

	if (text)
		peeps_json_text(json, text);
	peeps_arena_free(arena);
	return text ? 0 : -ENOMEM;
}

static int write_cell(struct peeps_json *json, sqlite3_stmt *row, int column)
{
	switch (sqlite3_column_type(row, column)) {
	case SQLITE_INTEGER:
		peeps_json_integer(json, sqlite3_column_int64(row, column));
		return 0;
	case SQLITE_FLOAT:
		if (isfinite(sqlite3_column_double(row, column)))
			peeps_json_real(json, sqlite3_column_double(row, column));
		else
			peeps_json_text(json, NULL);
		return 0;
	case SQLITE_TEXT:
		return write_text(json, row, column);
	case SQLITE_BLOB:
		return write_blob(json, row, column);
	default:
		peeps_json_text(json, NULL);
		return 0;
	}
}

static int write_row(struct peeps_json *json, const struct peeps_statement *statement,
		     const char *const *names)
{
	int r = 0;

	peeps_json_map(json);
	for (size_t i = 0; i < statement->column_count && r == 0; i++) {
		peeps_json_key(json, names[i]);
		r = write_cell(json, statement->prepared, (int)i);
	}
	peeps_json_map_end(json);
	return r ? r : -json->sink.error;
}

static int write_rows(struct peeps_statement *statement, struct peeps_json *json,
		      const char *const *names, struct peeps_problem *problem)
{
	int r;

	peeps_json_key(json, "columns");
	peeps_json_array(json);
	for (size_t i = 0; i < statement->column_count; i++)
		peeps_json_text(json, names[i]);
	peeps_json_array_end(json);
	peeps_json_key(json, "rows");
	peeps_json_array(json);
	while ((r = peeps_statement_next(statement, problem)) > 0) {
		r = write_row(json, statement, names);
		if (r)
			break;
	}
	peeps_json_array_end(json);
	peeps_json_key(json, "more");
	peeps_json_bool(json, statement->has_more);
	return r;
}

int peeps_result_json(struct peeps_statement *statement, struct peeps_json *json,
		      struct peeps_problem *problem)
{
	struct peeps_arena *arena = peeps_arena_new(0);
	const char *const *names = arena ? peeps_statement_names(statement, arena) : NULL;
	const int r = names ? write_rows(statement, json, names, problem) : -ENOMEM;

	peeps_arena_free(arena);
	return r;
}
