/* SPDX-License-Identifier: MIT */
/* Where in a table the rows of a snapshot stand: together, for one transaction wrote them, and after those of snapshots
 * before it. */
#ifndef PEEPS_READER_DATABASE_ROW_RANGE_H
#define PEEPS_READER_DATABASE_ROW_RANGE_H

#include <stdint.h>

struct sqlite3;

struct peeps_row_range {
	int64_t first, last; /* last < first: there are none */
};

/**
 * peeps_row_range_find - by an index, which is not believed: one that is damaged hides rows without a word
 *
 * Returns 0; -EBADMSG if rows are elsewhere, too; -EIO if SQLite failed, which knows why; -ENOMEM.
 */
int peeps_row_range_find(struct sqlite3 *sqlite, const char *table, int64_t snapshot,
			 struct peeps_row_range *range);

#endif
