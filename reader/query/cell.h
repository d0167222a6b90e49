/* SPDX-License-Identifier: MIT */
/* One value of a row, where all formats agree on it. */
#ifndef PEEPS_READER_CELL_H
#define PEEPS_READER_CELL_H

#include <stddef.h>

struct peeps_arena;
struct sqlite3_stmt;

/**
 * peeps_cell_blob - x'00ff', as SQL writes it
 * @bytes_max: of more, the first
 *
 * Returns NULL without memory.
 */
const char *peeps_cell_blob(struct peeps_arena *arena, struct sqlite3_stmt *row, int column,
			    size_t bytes_max);

#endif
