/* SPDX-License-Identifier: MIT */
/*
 * From a database back to graphs: each snapshot as it was when it was loaded.
 *
 * All is read as it was at one moment, whoever writes to the database meanwhile.
 */
#ifndef PEEPS_READER_DATABASE_READ_H
#define PEEPS_READER_DATABASE_READ_H

#include <stdint.h>

struct peeps_database;
struct peeps_graph;
struct peeps_problem;

/* What is done with a snapshot: graph is borrowed. Returns 0 to go on, or -errno with the problem filled. */
typedef int peeps_database_read_fn(void *context, const struct peeps_graph *graph,
				   struct peeps_problem *problem);

/**
 * peeps_database_snapshot - one snapshot
 * @database: opened by peeps_database_read(); no virtual table of it was used, and none, and no view, can be afterwards
 * @at:    its id; below zero: counted from the last, which is -1; 0: the last
 * @graph: for the caller to free; its origin names the database, and which of how many it is
 *
 * Returns 0; -errno with the problem filled: -EBADMSG damaged, or no such tables as they have to be, -EFBIG too long,
 * -ENOENT no such snapshot (status 3, and it says which there are), -EBUSY, -EIO, -ENOMEM.
 */
int peeps_database_snapshot(struct peeps_database *database, int64_t at, struct peeps_graph **graph,
			    struct peeps_problem *problem);

/**
 * peeps_database_snapshots - all, in the order in which they were loaded
 * @at: only that one, unless 0
 *
 * Returns likewise, or what each returned.
 */
int peeps_database_snapshots(struct peeps_database *database, int64_t at,
			     peeps_database_read_fn *each, void *context,
			     struct peeps_problem *problem);

/**
 * peeps_database_fail_to_read - fill a problem with what SQLite says of its last error, which was met while reading
 *
 * What is not for want of permission, memory or a working disk is the file's fault.
 * Returns -errno.
 */
int peeps_database_fail_to_read(struct peeps_database *database, struct peeps_problem *problem);

#endif
