/* SPDX-License-Identifier: MIT */
/*
 * From the rows of a snapshot to its document, in msgpack: the way back of reader/database/inserts.h.
 *
 * Of rows it is only known that they have the right types, and are JSON where they have to be; whether they make a
 * snapshot is for its reader to see (reader/snapshot/snapshot.h).
 */
#ifndef PEEPS_READER_DATABASE_ROWS_H
#define PEEPS_READER_DATABASE_ROWS_H

#include <stddef.h>
#include <stdint.h>

struct peeps_problem;
struct sqlite3;

/**
 * peeps_rows_check_tables - whether all columns that are read are plain ones: no others are made by what a file says
 *
 * Returns as the next one.
 */
int peeps_rows_check_tables(struct sqlite3 *sqlite, struct peeps_problem *problem);

/**
 * peeps_rows_document - put a snapshot's rows together
 * @snapshot: its id
 * @msgpack:  for the caller to free; at most PEEPS_SNAPSHOT_KEPT_MAX bytes
 *
 * Returns 0; -EBADMSG or -EFBIG with why filled; -EIO if SQLite failed, which knows why; -ENOMEM.
 */
int peeps_rows_document(struct sqlite3 *sqlite, int64_t snapshot, unsigned char **msgpack,
			size_t *length, struct peeps_problem *problem);

#endif
