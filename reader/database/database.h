/* SPDX-License-Identifier: MIT */
/*
 * A SQLite database of snapshots: the tables of schema.sql (docs/database.md).
 *
 * A file is trusted as little as a snapshot: it may be damaged, or made to do harm when it is read.
 */
#ifndef PEEPS_READER_DATABASE_H
#define PEEPS_READER_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peeps_graph;
struct peeps_inserts;
struct peeps_problem;
struct sqlite3;

/* How far a load is, now and then while it goes on: rows of how many. Returns whether it shall go on. */
struct peeps_progress {
	bool (*tell)(void *context, size_t done, size_t total); /* NULL: nobody wants to know */
	void *context;
};

struct peeps_database {
	struct sqlite3 *sqlite;
	const char *name; /* for problems: its path, borrowed; or what stands for one in memory */
	char *file;       /* as SQLite is told it; NULL in memory */
	bool is_new;      /* it had no tables when it was opened */
	bool tidies;      /* what reading has made beside the file is removed */
	struct peeps_inserts *inserts;  /* prepared when the first snapshot is added */
	struct peeps_progress progress; /* of peeps_database_add(): whoever opened it may set it */
};

/**
 * peeps_database_append - open a database to add snapshots to; a new one is made if there is no file, or an empty one
 * @path: of a file: nothing in it has a meaning for SQLite. Borrowed
 *
 * Files that are something else are not touched.
 * Returns 0 or -errno with the problem filled: -EBADMSG no database, or not one of ours, or its tables are not as
 * schema.sql makes them; -EPROTONOSUPPORT another version's; -ENOENT no such folder; -EACCES, ... it cannot be written.
 * Undo with peeps_database_close().
 */
int peeps_database_append(struct peeps_database *database, const char *path,
			  struct peeps_problem *problem);

/**
 * peeps_database_check - what peeps_database_append() would say, before anything is made
 */
int peeps_database_check(const char *path, struct peeps_problem *problem);

/**
 * peeps_database_in_memory - a new one, gone when it is closed
 */
int peeps_database_in_memory(struct peeps_database *database, struct peeps_problem *problem);

/**
 * peeps_database_read - open a database, for reading only
 *
 * Returns likewise.
 */
int peeps_database_read(struct peeps_database *database, const char *path,
			struct peeps_problem *problem);

/**
 * peeps_database_add - add a snapshot: in one transaction, all of it or nothing
 * @id: set to its number
 *
 * Returns 0; -EINTR if progress said no; -errno with the problem filled: the database is as it was before.
 */
int peeps_database_add(struct peeps_database *database, const struct peeps_graph *graph,
		       int64_t *id, struct peeps_problem *problem);

/**
 * peeps_database_keep - remove all but the newest: the file does not shrink, but what comes next takes their room
 * @count: of snapshots to keep
 *
 * Returns how many were removed, or -errno with the problem filled.
 */
int64_t peeps_database_keep(struct peeps_database *database, uint64_t count,
			    struct peeps_problem *problem);

/**
 * peeps_database_ask - the first column of the first row, as a number; null is 0
 *
 * Returns 0 or -errno with the problem filled, also if there is no row.
 */
int peeps_database_ask(struct peeps_database *database, const char *sql, int64_t *out,
		       struct peeps_problem *problem);

/**
 * peeps_database_fail - fill a problem with what SQLite says of its last error
 *
 * Returns -errno: -ENOSPC, -EIO, -EBADMSG (damaged, or not as it should be), -EBUSY, -ENOMEM, ...
 */
int peeps_database_fail(struct peeps_database *database, struct peeps_problem *problem);

void peeps_database_close(struct peeps_database *database);

#endif
