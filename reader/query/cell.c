/* SPDX-License-Identifier: MIT */
#include "reader/query/cell.h"

#include <sqlite3.h>

#include "reader/graph/arena.h"

const char *peeps_cell_blob(struct peeps_arena *arena, struct sqlite3_stmt *row, int column,
			    size_t bytes_max)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = sqlite3_column_blob(row, column);
	const size_t all = (size_t)sqlite3_column_bytes(row, column);
	const size_t length = all < bytes_max ? all : bytes_max;
	char *text = peeps_arena_take(arena, 2 * length + sizeof("x''"), 1);
	char *end = text;

	if (!text)
		return NULL;
	*end++ = 'x';
	*end++ = '\'';
	for (size_t i = 0; bytes && i < length; i++) {
		*end++ = digits[bytes[i] >> 4];
		*end++ = digits[bytes[i] & 0xf];
	}
	*end = '\'';
	return text;
}
