/* SPDX-License-Identifier: MIT */
/* The database that is asked: a file as it is, or one in memory of whatever else the targets are. */
#ifndef PEEPS_READER_ASKED_H
#define PEEPS_READER_ASKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peeps_database;
struct peeps_options;
struct peeps_place;
struct peeps_problem;

#define PEEPS_ASKED_BYTES_MAX (INT64_C(4) << 30)

/**
 * peeps_asked_open - the database of these places
 * @bytes_max: of one in memory
 * @in_place:  set: a file, which is read only, and is the only place
 *
 * In memory all snapshots are loaded that the places have, whatever options->at says, in their order.
 * Returns 0; -EAGAIN likewise, with the problem filled: there was no consistent snapshot in time, and what was got is
 * in it; another -errno with the problem filled. Undo with peeps_database_close().
 */
int peeps_asked_open(struct peeps_database *database, const struct peeps_options *options,
		     const struct peeps_place *places, size_t count, int64_t bytes_max,
		     bool *in_place, struct peeps_problem *problem);

#endif
