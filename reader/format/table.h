/* SPDX-License-Identifier: MIT */
/*
 * Columns of text, as wide as their widest cell.
 *
 * On a terminal and in a pipe a table has the same rows, columns and order. Where the terminal's width is known
 * (struct peeps_table_view), long cells give way to it.
 */
#ifndef PEEPS_READER_TABLE_H
#define PEEPS_READER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct peeps_problem;

/**
 * struct peeps_column - one column
 * @title:       as it is printed; --columns and --sort call it in lower case, with - for blanks: "HELD BY" is held-by
 * @columns_max: longer cells are elided in their middle, and further where the terminal is narrow; 0 = never
 * @is_escaped:  its cells are already: who makes them knows better what can be left out
 * @ends_count:  what is left of an elided cell is its end, as of a path with a line
 * @is_number:   sorted by the numbers given to peeps_table_row_keyed(), not as text
 * @is_extra:    shown only if --columns names it
 */
struct peeps_column {
	const char *title;
	bool right;
	size_t columns_max;
	bool is_escaped;
	bool ends_count;
	bool is_number;
	bool is_extra;
};

/**
 * struct peeps_table_view - how a table is looked at
 * @columns: those to show, in this order: "pid,name"; NULL = all but the extra ones. Borrowed while the table lives
 * @sort:    the column that orders the rows, smallest first, or with - before it largest first; NULL = as they were
 *           added. What is unknown comes last either way
 * @width:   columns of the terminal, 0 = no limit (struct peeps_options.width)
 * @colored: titles are (struct peeps_options.colored)
 */
struct peeps_table_view {
	const char *columns;
	const char *sort;
	size_t width;
	bool colored;
};

struct peeps_table;

/**
 * peeps_table_new - a table without rows
 * @columns: borrowed until it is freed
 *
 * Returns NULL without memory.
 */
struct peeps_table *peeps_table_new(const struct peeps_column *columns, size_t column_count);
void peeps_table_free(struct peeps_table *table);

/**
 * peeps_table_look - say how it is looked at; without this: all columns, rows as added, no limit, no colors
 *
 * To be called before rows are made, so that a bad --columns is refused even where there is nothing to show.
 * Returns 0; -ENOMEM; -EINVAL with the problem filled (status 2) if there is no such column.
 */
int peeps_table_look(struct peeps_table *table, const struct peeps_table_view *view,
		     struct peeps_problem *problem);

/* The number of a cell that has none. */
#define PEEPS_TABLE_UNKNOWN UINT64_MAX

/**
 * peeps_table_row - add a row
 * @cells: column_count texts as they came from the target: they are escaped here, unless the column is
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_table_row(struct peeps_table *table, const char *const *cells);

/**
 * peeps_table_row_keyed - the same, with what its cells are sorted by
 * @numbers: column_count of them, durations in ns; only those of is_number columns are used
 */
int peeps_table_row_keyed(struct peeps_table *table, const char *const *cells,
			  const uint64_t *numbers);

/**
 * peeps_table_width - columns of the widest row, were there no limit
 */
size_t peeps_table_width(const struct peeps_table *table);

/**
 * peeps_table_width_readable - the same, of cells elided only so far that names can still be told apart
 */
size_t peeps_table_width_readable(const struct peeps_table *table);

/**
 * peeps_table_hide - leave a column out of what is printed, should it be in it
 */
void peeps_table_hide(struct peeps_table *table, size_t column);

/**
 * peeps_table_print - print titles and rows
 *
 * Returns 0 or -ENOMEM; failed writes stay with the stream.
 */
int peeps_table_print(struct peeps_table *table, FILE *out);

#endif
