/* SPDX-License-Identifier: MIT */
#include "reader/format/table.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "reader/format/color.h"
#include "reader/format/print.h"
#include "reader/graph/arena.h"
#include "reader/problem.h"

struct cell {
	const char *text;
	uint64_t number;
};

struct row {
	struct row *next;
	size_t place; /* rows that are equal stay in the order in which they were added */
	struct cell cells[];
};

struct peeps_table {
	struct peeps_arena *arena;
	const struct peeps_column *columns;
	size_t column_count;
	size_t *widths;
	size_t *shown; /* positions in columns, in the order of the view */
	size_t shown_count;
	size_t sort; /* position in columns; column_count = as added */
	bool largest_first;
	size_t width;
	bool colored;
	struct row *rows, **rows_end;
	size_t row_count;
};

#define SEPARATOR          "  "
#define SEPARATOR_COLUMNS  2
#define ELIDED_COLUMNS_MIN 8
#define NAME_COLUMNS \
	14 /* of a name: with less, "demo.work_queue" and "demo.idle_queue" look the same */

struct peeps_table *peeps_table_new(const struct peeps_column *columns, size_t column_count)
{
	struct peeps_arena *arena = peeps_arena_new(0);
	struct peeps_table *table;

	if (!arena)
		return NULL;
	table = peeps_arena_take(arena, 1, sizeof(*table));
	if (table) {
		table->widths = peeps_arena_take(arena, column_count, sizeof(table->widths[0]));
		table->shown = peeps_arena_take(arena, column_count, sizeof(table->shown[0]));
	}
	if (peeps_arena_failed(arena)) {
		peeps_arena_free(arena);
		return NULL;
	}
	table->arena = arena;
	table->columns = columns;
	table->column_count = column_count;
	table->sort = column_count;
	table->rows_end = &table->rows;
	for (size_t i = 0; i < column_count; i++) {
		table->widths[i] = peeps_columns(columns[i].title);
		if (!columns[i].is_extra)
			table->shown[table->shown_count++] = i;
	}
	return table;
}

void peeps_table_free(struct peeps_table *table)
{
	if (table)
		peeps_arena_free(table->arena); /* the table lies in it */
}

/* Which columns, and in which order */

#define NAME_BYTES 64

/* "HELD BY" is called held-by. */
static void name_column(const struct peeps_column *column, char name[static NAME_BYTES])
{
	size_t i;

	for (i = 0; column->title[i] && i < NAME_BYTES - 1; i++)
		name[i] = column->title[i] == ' ' ? '-'
						  : (char)tolower((unsigned char)column->title[i]);
	name[i] = '\0';
}

static int refuse_column(const struct peeps_table *table, const char *option, const char *name,
			 size_t length, struct peeps_problem *problem)
{
	char *hint = problem->hint;
	size_t room = sizeof(problem->hint);

	problem->status = PEEPS_PROBLEM_USAGE;
	(void)snprintf(problem->what, sizeof(problem->what), "no such column");
	(void)snprintf(problem->why, sizeof(problem->why), "--%s: '%.*s'", option,
		       (int)(length < 100 ? length : 100), name);
	for (size_t i = 0; i < table->column_count; i++) {
		char known[NAME_BYTES];
		size_t used;

		name_column(&table->columns[i], known);
		used = (size_t)snprintf(hint, room, "%s%s", i ? ", " : "there are ", known);
		if (used >= room)
			break;
		hint += used;
		room -= used;
	}
	return -EINVAL;
}

static int find_column(const struct peeps_table *table, const char *option, const char *name,
		       size_t length, size_t *found, struct peeps_problem *problem)
{
	for (size_t i = 0; i < table->column_count; i++) {
		char known[NAME_BYTES];

		name_column(&table->columns[i], known);
		if (strlen(known) == length && strncasecmp(known, name, length) == 0) {
			*found = i;
			return 0;
		}
	}
	return refuse_column(table, option, name, length, problem);
}

static int choose_columns(struct peeps_table *table, const char *list,
			  struct peeps_problem *problem)
{
	size_t commas = 0;

	for (const char *at = list; *at; at++)
		commas += *at == ',';
	table->shown = peeps_arena_take(table->arena, commas + 1, sizeof(table->shown[0]));
	if (!table->shown)
		return -ENOMEM;
	table->shown_count = 0;
	for (const char *name = list;; name++) {
		const size_t length = strcspn(name, ",");
		const int r = find_column(table, "columns", name, length,
					  &table->shown[table->shown_count], problem);

		if (r)
			return r;
		table->shown_count++;
		name += length;
		if (!*name)
			return 0;
	}
}

int peeps_table_look(struct peeps_table *table, const struct peeps_table_view *view,
		     struct peeps_problem *problem)
{
	int r = view->columns ? choose_columns(table, view->columns, problem) : 0;

	if (r == 0 && view->sort) {
		table->largest_first = view->sort[0] == '-';
		r = find_column(table, "sort", view->sort + table->largest_first,
				strlen(view->sort + table->largest_first), &table->sort, problem);
	}
	table->width = view->width;
	table->colored = view->colored;
	return r;
}

/* Rows */

static const char *cell_text(struct peeps_table *table, const struct peeps_column *column,
			     const char *text)
{
	const char *cell = column->is_escaped ? peeps_arena_format(table->arena, "%s", text)
					      : peeps_escape(table->arena, text);

	return cell && column->columns_max ? peeps_elide(table->arena, cell, column->columns_max)
					   : cell;
}

int peeps_table_row_keyed(struct peeps_table *table, const char *const *cells,
			  const uint64_t *numbers)
{
	struct row *row = peeps_arena_take(
		table->arena, 1, sizeof(*row) + table->column_count * sizeof(row->cells[0]));

	if (!row)
		return -ENOMEM;
	for (size_t i = 0; i < table->column_count; i++) {
		struct cell *cell = &row->cells[i];
		size_t width;

		cell->text = cell_text(table, &table->columns[i], cells[i]);
		if (!cell->text)
			return -ENOMEM;
		cell->number = numbers ? numbers[i] : PEEPS_TABLE_UNKNOWN;
		width = peeps_columns(cell->text);
		if (width > table->widths[i])
			table->widths[i] = width;
	}
	row->place = table->row_count++;
	*table->rows_end = row;
	table->rows_end = &row->next;
	return 0;
}

int peeps_table_row(struct peeps_table *table, const char *const *cells)
{
	return peeps_table_row_keyed(table, cells, NULL);
}

/* Order */

static int compare_cells(const struct peeps_table *table, const struct cell *a,
			 const struct cell *b)
{
	int order;

	if (!table->columns[table->sort].is_number) {
		order = strcmp(a->text, b->text);
	} else {
		if (a->number == PEEPS_TABLE_UNKNOWN || b->number == PEEPS_TABLE_UNKNOWN)
			return (a->number == PEEPS_TABLE_UNKNOWN) -
			       (b->number == PEEPS_TABLE_UNKNOWN);
		order = (a->number > b->number) - (a->number < b->number);
	}
	return table->largest_first ? -order : order;
}

static int compare_rows(const void *a, const void *b, void *of_table)
{
	const struct peeps_table *table = of_table;
	const struct row *left = *(const struct row *const *)a;
	const struct row *right = *(const struct row *const *)b;
	const int order =
		compare_cells(table, &left->cells[table->sort], &right->cells[table->sort]);

	return order ? order : (left->place > right->place) - (left->place < right->place);
}

static int sort_rows(struct peeps_table *table)
{
	struct row **rows;
	size_t count = 0;

	if (table->sort == table->column_count || table->row_count == 0)
		return 0;
	rows = peeps_arena_take(table->arena, table->row_count, sizeof(rows[0]));
	if (!rows)
		return -ENOMEM;
	for (struct row *row = table->rows; row; row = row->next)
		rows[count++] = row;
	qsort_r(rows, count, sizeof(rows[0]), compare_rows, table);
	table->rows_end = &table->rows;
	for (size_t i = 0; i < count; i++) {
		*table->rows_end = rows[i];
		table->rows_end = &rows[i]->next;
	}
	*table->rows_end = NULL;
	return 0;
}

/* Width */

static size_t width_min(const struct peeps_column *column)
{
	const size_t title = peeps_columns(column->title);

	return title > ELIDED_COLUMNS_MIN ? title : ELIDED_COLUMNS_MIN;
}

/* The column that gives way next: the widest that still can. NULL if none can. */
static size_t *widest(struct peeps_table *table)
{
	size_t *found = NULL;

	for (size_t i = 0; i < table->shown_count; i++) {
		const size_t at = table->shown[i];
		size_t *width = &table->widths[at];

		if (table->columns[at].columns_max && *width > width_min(&table->columns[at]) &&
		    (!found || *width > *found))
			found = width;
	}
	return found;
}

size_t peeps_table_width(const struct peeps_table *table)
{
	size_t total = 0;

	for (size_t i = 0; i < table->shown_count; i++)
		total += (i ? SEPARATOR_COLUMNS : 0) + table->widths[table->shown[i]];
	return total;
}

size_t peeps_table_width_readable(const struct peeps_table *table)
{
	size_t total = 0;

	for (size_t i = 0; i < table->shown_count; i++) {
		const size_t at = table->shown[i];
		const size_t title = peeps_columns(table->columns[at].title);
		const size_t enough = title > NAME_COLUMNS ? title : NAME_COLUMNS;
		const bool gives_way = table->columns[at].columns_max && table->widths[at] > enough;

		total += (i ? SEPARATOR_COLUMNS : 0) + (gives_way ? enough : table->widths[at]);
	}
	return total;
}

void peeps_table_hide(struct peeps_table *table, size_t column)
{
	size_t kept = 0;

	for (size_t i = 0; i < table->shown_count; i++) {
		if (table->shown[i] != column)
			table->shown[kept++] = table->shown[i];
	}
	table->shown_count = kept;
}

static void fit_width(struct peeps_table *table)
{
	size_t total = peeps_table_width(table);

	if (table->width == 0)
		return;
	while (total > table->width) {
		size_t *width = widest(table);

		if (!width)
			return; /* it has to wrap */
		(*width)--;
		total--;
	}
}

/* Printing */

static void print_cell(const struct peeps_table *table, size_t i, const char *text, bool title,
		       FILE *out)
{
	const size_t at = table->shown[i];
	const size_t columns = peeps_columns(text);
	const int blanks = columns < table->widths[at] ? (int)(table->widths[at] - columns) : 0;
	const bool last = i + 1 == table->shown_count;
	const bool right = table->columns[at].right;

	(void)fprintf(out, "%*s", right ? blanks : 0, "");
	if (title)
		peeps_color_text(table->colored, PEEPS_MEANING_HEADER, text, out);
	else
		(void)fputs(text, out);
	(void)fprintf(out, "%*s%s", right || last ? 0 : blanks, "", last ? "\n" : SEPARATOR);
}

static int print_row(const struct peeps_table *table, const struct row *row, FILE *out)
{
	for (size_t i = 0; i < table->shown_count; i++) {
		const size_t at = table->shown[i];
		const char *text = row->cells[at].text;

		if (table->columns[at].ends_count)
			text = peeps_elide_begin(table->arena, text, table->widths[at]);
		else if (table->columns[at].columns_max)
			text = peeps_elide(table->arena, text, table->widths[at]);
		if (!text)
			return -ENOMEM;
		print_cell(table, i, text, false, out);
	}
	return 0;
}

int peeps_table_print(struct peeps_table *table, FILE *out)
{
	int r = sort_rows(table);

	if (r)
		return r;
	fit_width(table);
	for (size_t i = 0; i < table->shown_count; i++)
		print_cell(table, i, table->columns[table->shown[i]].title, true, out);
	for (const struct row *row = table->rows; row && r == 0; row = row->next)
		r = print_row(table, row, out);
	return r;
}
