/* SPDX-License-Identifier: MIT */
#include "reader/table.h"

#include <errno.h>
#include <stdlib.h>

#include "reader/arena.h"
#include "reader/print.h"

struct row {
	struct row *next;
	const char *cells[];
};

struct peeps_table {
	struct peeps_arena *arena;
	const struct peeps_column *columns;
	size_t column_count;
	size_t *widths;
	struct row *rows, **rows_end;
};

struct peeps_table *peeps_table_new(const struct peeps_column *columns, size_t column_count)
{
	struct peeps_arena *arena = peeps_arena_new(0);
	struct peeps_table *table;

	if (!arena)
		return NULL;
	table = peeps_arena_take(arena, 1, sizeof(*table));
	if (table)
		table->widths = peeps_arena_take(arena, column_count, sizeof(table->widths[0]));
	if (!table || !table->widths) {
		peeps_arena_free(arena);
		return NULL;
	}
	table->arena = arena;
	table->columns = columns;
	table->column_count = column_count;
	table->rows_end = &table->rows;
	for (size_t i = 0; i < column_count; i++)
		table->widths[i] = peeps_columns(columns[i].title);
	return table;
}

void peeps_table_free(struct peeps_table *table)
{
	if (table)
		peeps_arena_free(table->arena); /* the table lies in it */
}

int peeps_table_row(struct peeps_table *table, const char *const *cells)
{
	struct row *row = peeps_arena_take(
		table->arena, 1, sizeof(*row) + table->column_count * sizeof(row->cells[0]));

	if (!row)
		return -ENOMEM;
	for (size_t i = 0; i < table->column_count; i++) {
		const char *cell = table->columns[i].is_escaped
					   ? peeps_arena_format(table->arena, "%s", cells[i])
					   : peeps_escape(table->arena, cells[i]);
		size_t width;

		if (cell && table->columns[i].columns_max)
			cell = peeps_elide(table->arena, cell, table->columns[i].columns_max);
		if (!cell)
			return -ENOMEM;
		row->cells[i] = cell;
		width = peeps_columns(cell);
		if (width > table->widths[i])
			table->widths[i] = width;
	}
	*table->rows_end = row;
	table->rows_end = &row->next;
	return 0;
}

static void print_cell(const struct peeps_table *table, size_t column, const char *text, FILE *out)
{
	const int blanks = (int)(table->widths[column] - peeps_columns(text));
	const bool last = column + 1 == table->column_count;

	if (table->columns[column].right)
		(void)fprintf(out, "%*s%s", blanks, "", text);
	else
		(void)fprintf(out, "%s%*s", text, last ? 0 : blanks, "");
	(void)fputs(last ? "\n" : "  ", out);
}

void peeps_table_print(const struct peeps_table *table, FILE *out)
{
	for (size_t i = 0; i < table->column_count; i++)
		print_cell(table, i, table->columns[i].title, out);
	for (const struct row *row = table->rows; row; row = row->next) {
		for (size_t i = 0; i < table->column_count; i++)
			print_cell(table, i, row->cells[i], out);
	}
}
