/* SPDX-License-Identifier: MIT */
#include "reader/database/row_range.h"

#include <errno.h>
#include <sqlite3.h>
#include <stddef.h>

/* Takes sql over. */
static int prepare(sqlite3 *sqlite, char *sql, sqlite3_stmt **statement)
{
	int result;

	*statement = NULL;
	if (!sql)
		return -ENOMEM;
	result = sqlite3_prepare_v2(sqlite, sql, -1, statement, NULL);
	sqlite3_free(sql);
	return result == SQLITE_OK ? 0 : -EIO;
}

/* Two numbers of the one row that there is; those that are null, or not there, stay. */
static int ask(sqlite3_stmt *statement, int64_t parameter, int64_t numbers[static 2])
{
	int result = sqlite3_bind_int64(statement, 1, parameter);

	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	for (int i = 0; result == SQLITE_ROW && i < 2; i++) {
		if (sqlite3_column_type(statement, i) != SQLITE_NULL)
			numbers[i] = sqlite3_column_int64(statement, i);
	}
	(void)sqlite3_reset(statement);
	return result == SQLITE_ROW || result == SQLITE_DONE ? 0 : -EIO;
}

struct found {
	int64_t row, snapshot; /* INT64_MAX: there is none any more */
};

/* The first row from that on, and whose it is. */
static int look_from(sqlite3_stmt *look, int64_t row, struct found *found)
{
	int64_t numbers[2] = { INT64_MAX, INT64_MAX };
	const int r = ask(look, row, numbers);

	*found = (struct found){ numbers[0], numbers[1] };
	return r == 0 && found->row < row ? -EBADMSG : r;
}

/* The first row of this snapshot or a later one, by halving. */
static int look_for_first(sqlite3_stmt *look, int64_t snapshot, int64_t end, struct found *found)
{
	int64_t low = 0;
	int r = 0;

	while (r == 0 && low < end) {
		const int64_t middle = low + (end - low) / 2;

		r = look_from(look, middle, found);
		if (found->snapshot >= snapshot)
			end = middle;
		else
			low = found->row + 1; /* it is someone's: not the end */
	}
	return r ? r : look_from(look, low, found);
}

/* Before, and right behind. */
static int look_around(sqlite3_stmt *look, int64_t snapshot, int64_t end,
		       const struct peeps_row_range *range)
{
	struct found found;
	int r = look_for_first(look, snapshot, end, &found);

	if (r == 0 && found.snapshot == snapshot && found.row < range->first)
		return -EBADMSG;
	if (r || range->last < range->first || range->last == INT64_MAX)
		return r;
	r = look_from(look, range->last + 1, &found);
	return r == 0 && found.snapshot == snapshot ? -EBADMSG : r;
}

static int find_last(sqlite3 *sqlite, const char *table, int64_t *last)
{
	sqlite3_stmt *statement;
	int64_t numbers[2] = { -1, 0 };
	int r = prepare(sqlite,
			sqlite3_mprintf("SELECT row, snapshot_id FROM %s NOT INDEXED "
					"ORDER BY row DESC LIMIT ?1",
					table),
			&statement);

	if (r == 0)
		r = ask(statement, 1, numbers);
	(void)sqlite3_finalize(statement);
	*last = numbers[0];
	return r;
}

static int check(sqlite3 *sqlite, const char *table, int64_t snapshot,
		 const struct peeps_row_range *range)
{
	sqlite3_stmt *look = NULL;
	int64_t last;
	int r = find_last(sqlite, table, &last);

	if (r == 0)
		r = prepare(sqlite,
			    sqlite3_mprintf("SELECT row, snapshot_id FROM %s NOT INDEXED "
					    "WHERE row >= ?1 ORDER BY row LIMIT 1",
					    table),
			    &look);
	if (r == 0)
		r = look_around(look, snapshot, last, range);
	(void)sqlite3_finalize(look);
	return r;
}

int peeps_row_range_find(sqlite3 *sqlite, const char *table, int64_t snapshot,
			 struct peeps_row_range *range)
{
	int64_t numbers[2] = { INT64_MAX, INT64_MIN };
	sqlite3_stmt *statement;
	int r = prepare(
		sqlite,
		sqlite3_mprintf("SELECT min(row), max(row) FROM %s WHERE snapshot_id = ?1", table),
		&statement);

	if (r == 0)
		r = ask(statement, snapshot, numbers);
	(void)sqlite3_finalize(statement);
	*range = (struct peeps_row_range){ numbers[0], numbers[1] };
	return r ? r : check(sqlite, table, snapshot, range);
}
