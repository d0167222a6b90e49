/* SPDX-License-Identifier: MIT */
/* Columns of text, as wide as their widest cell. The same on a terminal and in a pipe. */
#ifndef PEEPS_READER_TABLE_H
#define PEEPS_READER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/**
 * struct peeps_column - one column
 * @columns_max: longer cells are elided in their middle; 0 = never
 * @is_escaped:  its cells are already: who makes them knows better what can be left out
 */
struct peeps_column {
	const char *title;
	bool right;
	size_t columns_max;
	bool is_escaped;
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
 * peeps_table_row - add a row
 * @cells: column_count texts as they came from the target: they are escaped here, unless the column is
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_table_row(struct peeps_table *table, const char *const *cells);

void peeps_table_print(const struct peeps_table *table, FILE *out);

#endif
