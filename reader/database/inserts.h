/* SPDX-License-Identifier: MIT */
/* From a graph to rows: prepared inserts, one a table. Whoever calls has begun a transaction (reader/database/database.c). */
#ifndef PEEPS_READER_DATABASE_INSERTS_H
#define PEEPS_READER_DATABASE_INSERTS_H

#include <stdint.h>

struct peeps_graph;
struct peeps_inserts;
struct peeps_progress;
struct sqlite3;

/**
 * peeps_inserts_new - prepare them
 *
 * Returns NULL if SQLite refuses, or without memory: sqlite3_errcode() says which.
 */
struct peeps_inserts *peeps_inserts_new(struct sqlite3 *sqlite);
void peeps_inserts_free(struct peeps_inserts *inserts);

/**
 * peeps_inserts_graph - a row for each thing of a graph
 * @progress: told of every some thousand rows (reader/database/database.h)
 * @id:       set to the snapshot's number
 *
 * Returns 0; -EIO if SQLite failed, which knows why; -ENOMEM; -EINTR if progress said no.
 */
int peeps_inserts_graph(struct peeps_inserts *inserts, const struct peeps_graph *graph,
			const struct peeps_progress *progress, int64_t *id);

#endif
