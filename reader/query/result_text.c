/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "reader/format/print.h"
#include "reader/format/table.h"
#include "reader/graph/arena.h"
#include "reader/query/cell.h"
#include "reader/query/result.h"
#include "reader/query/statement.h"

#define CELL_COLUMNS_MAX  120 /* a path, a sentence */
#define TITLE_COLUMNS_MAX 40
#define COLUMNS_KEPT      3 /* however narrow it is */
#define BLOB_BYTES_MAX    ((size_t)24)
#define CELL_BYTES_MAX    1024 /* of a text, before all but its begin and its end is left out anyway */

/* What the numbers of a column are, by its name. */
enum unit { PLAIN, NS, MS, UNIX_NS };

struct column {
	enum unit unit;
	bool rounds_up;  /* a hold: never shown shorter than it is, as other tables show it */
	bool has_others; /* than numbers and nulls */
	bool has_numbers;
	bool is_place; /* "held_at": files and lines */
	bool is_left_out;
};

struct peeps_result {
	struct peeps_arena *arena; /* of the columns; the cells are the table's */
	struct column *kinds;
	struct peeps_column *columns;
	size_t column_count;
	struct peeps_table *table;
	size_t row_count;
	size_t byte_count;
	bool has_more; /* than were wanted */
	bool is_full;  /* and there are more than there is room for */
};

/* --- columns ------------------------------------------------------------------------------------------------------ */

static bool ends_with(const char *text, const char *suffix)
{
	const size_t length = strlen(text), suffix_length = strlen(suffix);

	return length > suffix_length && strcasecmp(text + length - suffix_length, suffix) == 0;
}

static enum unit unit_of(const char *name, size_t *suffix_length)
{
	static const struct {
		const char *suffix;
		enum unit unit;
	} units[] = { { "_unix_ns", UNIX_NS }, { "_ns", NS }, { "_ms", MS } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!ends_with(name, units[i].suffix))
			continue;
		*suffix_length = strlen(units[i].suffix);
		return units[i].unit;
	}
	*suffix_length = 0;
	return PLAIN;
}

/* As the titles of our other tables: "held_by" is HELD BY. */
static const char *title_of(struct peeps_arena *arena, const char *name, size_t suffix_length)
{
	char *title = peeps_arena_format(arena, "%.*s", (int)(strlen(name) - suffix_length), name);
	const char *escaped = NULL;

	for (char *at = title; at && *at; at++)
		*at = *at == '_' ? ' ' : (char)toupper((unsigned char)*at);
	if (title)
		escaped = peeps_escape(arena, title);
	return escaped ? peeps_elide(arena, escaped, TITLE_COLUMNS_MAX) : NULL;
}

static int make_columns(struct peeps_result *result, const struct peeps_statement *statement)
{
	result->column_count = statement->column_count;
	result->kinds =
		peeps_arena_take(result->arena, result->column_count, sizeof(result->kinds[0]));
	result->columns =
		peeps_arena_take(result->arena, result->column_count, sizeof(result->columns[0]));
	if (!result->columns)
		return -ENOMEM;
	for (size_t i = 0; i < result->column_count; i++) {
		const char *name = sqlite3_column_name(statement->prepared, (int)i);
		size_t suffix_length;

		if (!name)
			return -ENOMEM;
		result->kinds[i].unit = unit_of(name, &suffix_length);
		result->kinds[i].rounds_up =
			strcmp(name, "held_ms") == 0 || strcmp(name, "held_ns") == 0;
		result->kinds[i].is_place = ends_with(name, "_at");
		result->columns[i] = (struct peeps_column){
			.title = title_of(result->arena, name, suffix_length),
			.columns_max = CELL_COLUMNS_MAX,
			.is_escaped = true,
		};
		if (!result->columns[i].title)
			return -ENOMEM;
	}
	result->table = peeps_table_new(result->columns, result->column_count);
	return result->table ? 0 : -ENOMEM;
}

/* --- cells -------------------------------------------------------------------------------------------------------- */

/* With its sign: what is compared may have become less. */
static const char *duration_of(struct peeps_arena *arena, double ns, bool rounds_up)
{
	char duration[PEEPS_DURATION_BYTES];
	const uint64_t length_ns = (uint64_t)fabs(ns);

	return peeps_arena_format(arena, "%s%s", ns < 0 ? "-" : "",
				  rounds_up ? peeps_duration_ceil(duration, length_ns, 0)
					    : peeps_duration_floor(duration, length_ns));
}

static const char *number_text(struct peeps_arena *arena, const struct column *kind,
			       sqlite3_stmt *row, int column)
{
	const enum unit unit = kind->unit;
	const double number = sqlite3_column_double(row, column);
	const double ns = unit == MS ? number * 1e6 : number;
	char time[PEEPS_TIME_BYTES];

	if (unit == UNIX_NS && number >= 0 && number < 9e18)
		return peeps_arena_format(
			arena, "%s",
			peeps_time_utc(time, (uint64_t)sqlite3_column_int64(row, column)));
	if (unit != PLAIN && unit != UNIX_NS && fabs(ns) < 9e18)
		return duration_of(arena, ns, kind->rounds_up);
	return peeps_arena_format(arena, "%s", (const char *)sqlite3_column_text(row, column));
}

/* Where the next character begins: a cut between its bytes would show them. */
static size_t whole_from(const unsigned char *bytes, size_t at, size_t length)
{
	while (at < length && (bytes[at] & 0xc0) == 0x80)
		at++;
	return at;
}

/* With a NUL at its end that is no part of it. */
static const char *with_nuls_escaped(struct peeps_arena *arena, const char *text, size_t length)
{
	const char *escaped = peeps_escape(arena, text);

	for (size_t at = strlen(text); at < length && escaped; at += strlen(text + at)) {
		const char *rest = peeps_escape(arena, text + ++at);

		escaped = rest ? peeps_arena_format(arena, "%s\\x00%s", escaped, rest) : NULL;
	}
	return escaped;
}

/* Bytes that may be anything. Of many, the begin and the end. */
static const char *escaped_text(struct peeps_arena *arena, const unsigned char *bytes,
				size_t length)
{
	size_t head = length, tail = length;
	char *text;

	if (!bytes)
		return NULL;
	if (length > CELL_BYTES_MAX) {
		head = whole_from(bytes, CELL_BYTES_MAX / 2, length);
		tail = whole_from(bytes, length - CELL_BYTES_MAX / 2, length);
	}
	text = peeps_arena_take(arena, head + (length - tail) + 1, 1);
	if (!text)
		return NULL;
	memcpy(text, bytes, head);
	memcpy(text + head, bytes + tail, length - tail);
	return with_nuls_escaped(arena, text, head + (length - tail));
}

/* Nobody reads more than its begin. */
static const char *blob_text(struct peeps_arena *arena, sqlite3_stmt *row, int column)
{
	const size_t length = (size_t)sqlite3_column_bytes(row, column);
	const char *begin = peeps_cell_blob(arena, row, column, BLOB_BYTES_MAX);

	if (!begin || length <= BLOB_BYTES_MAX)
		return begin;
	return peeps_arena_format(arena, "%s… (%zu bytes)", begin, length);
}

static const char *cell_of(struct peeps_result *result, struct peeps_arena *arena,
			   sqlite3_stmt *row, size_t column)
{
	struct column *kind = &result->kinds[column];
	const int at = (int)column;

	switch (sqlite3_column_type(row, at)) {
	case SQLITE_NULL:
		return "-";
	case SQLITE_INTEGER:
	case SQLITE_FLOAT:
		kind->has_numbers = true;
		return number_text(arena, kind, row, at);
	case SQLITE_BLOB:
		kind->has_others = true;
		return blob_text(arena, row, at);
	default:
		kind->has_others = true;
		return escaped_text(arena, sqlite3_column_text(row, at),
				    (size_t)sqlite3_column_bytes(row, at));
	}
}

static int add_row(struct peeps_result *result, sqlite3_stmt *row, const char **cells)
{
	struct peeps_arena *arena = peeps_arena_new(0); /* the table copies */
	int r = arena ? 0 : -ENOMEM;

	for (size_t i = 0; i < result->column_count && r == 0; i++) {
		cells[i] = cell_of(result, arena, row, i);
		if (!cells[i])
			r = -ENOMEM;
		else
			result->byte_count +=
				sizeof(void *) * 2 + strnlen(cells[i], CELL_BYTES_MAX);
	}
	if (r == 0)
		r = peeps_table_row(result->table, cells);
	peeps_arena_free(arena);
	result->row_count += r == 0;
	return r;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static bool is_id(const char *name)
{
	return strcmp(name, "id") == 0 || ends_with(name, "_id");
}

static void leave_out(struct peeps_result *result, size_t column)
{
	result->kinds[column].is_left_out = true;
	peeps_table_hide(result->table, column);
}

/* First what says nothing, then what stands last: a question of ours begins with what matters most. */
static void keep_readable(struct peeps_result *result, size_t count, size_t width)
{
	for (size_t i = count; i-- > COLUMNS_KEPT;) {
		if (peeps_table_width_readable(result->table) <= width)
			return;
		if (!result->kinds[i].has_numbers && !result->kinds[i].has_others)
			leave_out(result, i);
	}
	for (size_t i = count; i-- > COLUMNS_KEPT;) {
		if (peeps_table_width_readable(result->table) <= width)
			return;
		if (!result->kinds[i].is_left_out)
			leave_out(result, i);
	}
}

/* The ids that a question of ours ends with are for programs: where there is no room for them, they are left out. */
static void make_room(struct peeps_result *result, const struct peeps_statement *statement,
		      size_t width)
{
	size_t count = result->column_count;

	if (!statement->is_ours || width == 0 || peeps_table_width(result->table) <= width)
		return;
	for (; count > 1 && is_id(sqlite3_column_name(statement->prepared, (int)count - 1));
	     count--)
		peeps_table_hide(result->table, count - 1);
	keep_readable(result, count, width);
}

static int collect_rows(struct peeps_result *result, struct peeps_statement *statement,
			struct peeps_problem *problem)
{
	const char **cells =
		peeps_arena_take(result->arena, result->column_count, sizeof(cells[0]));
	int r = cells ? 0 : -ENOMEM;

	while (r == 0) {
		r = peeps_statement_next(statement, problem);
		if (r <= 0 || result->byte_count > PEEPS_RESULT_BYTES_MAX)
			break;
		r = add_row(result, statement->prepared, cells);
	}
	result->is_full = r > 0;
	result->has_more = statement->has_more;
	return r > 0 ? 0 : r;
}

/* What is known of a column only when all its cells are. */
static void align(struct peeps_result *result)
{
	for (size_t i = 0; i < result->column_count; i++) {
		struct peeps_column *column = &result->columns[i];

		column->right = result->kinds[i].has_numbers && !result->kinds[i].has_others;
		column->ends_count = result->kinds[i].is_place;
		if (column->right) /* half a number is none */
			column->columns_max = 0;
	}
}

static int collect(struct peeps_result *result, struct peeps_statement *statement,
		   const struct peeps_table_view *view, struct peeps_problem *problem)
{
	int r = make_columns(result, statement);

	if (r == 0)
		r = peeps_table_look(result->table, view, problem);
	if (r == 0)
		r = collect_rows(result, statement, problem);
	if (r == 0) {
		align(result);
		make_room(result, statement, view->width);
	}
	return r;
}

int peeps_result_collect(struct peeps_statement *statement, const struct peeps_table_view *view,
			 struct peeps_result **result, struct peeps_problem *problem)
{
	struct peeps_result *made = calloc(1, sizeof(*made));
	int r;

	if (!made)
		return -ENOMEM;
	made->arena = peeps_arena_new(0);
	r = made->arena ? collect(made, statement, view, problem) : -ENOMEM;
	if (r)
		peeps_result_free(made);
	else
		*result = made;
	return r;
}

static void say_what_is_left_out(const struct peeps_result *result, FILE *out)
{
	const char *before = "(no room for ";

	for (size_t i = 0; i < result->column_count; i++) {
		if (!result->kinds[i].is_left_out)
			continue;
		(void)fprintf(out, "%s%s", before, result->columns[i].title);
		before = ", ";
	}
	if (*before == ',')
		(void)fputs(": a wider terminal and -J show them)\n", out);
}

int peeps_result_print(struct peeps_result *result, FILE *out)
{
	int r;

	if (result->row_count == 0) {
		(void)fputs("(no rows)\n", out);
		return 0;
	}
	r = peeps_table_print(result->table, out);
	say_what_is_left_out(result, out);
	if (result->has_more || result->is_full)
		(void)fprintf(out,
			      "(the first %zu rows; there are more: %s-f csv and -J have all)\n",
			      result->row_count, result->is_full ? "" : "--max-rows N shows N, ");
	return r;
}

void peeps_result_free(struct peeps_result *result)
{
	if (!result)
		return;
	if (result->table)
		peeps_table_free(result->table);
	if (result->arena)
		peeps_arena_free(result->arena);
	free(result);
}
