/* SPDX-License-Identifier: MIT */
/* Where snapshots are recorded: a series file (reader/recording/series_writer.h), or a database. */
#ifndef PEEPS_READER_RECORDING_H
#define PEEPS_READER_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "reader/database/database.h"
#include "reader/recording/series_writer.h"

enum peeps_recording_kind { PEEPS_RECORDING_SERIES, PEEPS_RECORDING_DATABASE };

struct peeps_recording {
	enum peeps_recording_kind kind;
	struct peeps_series_bounds bounds;
	struct peeps_series_writer series; /* if it is one; of a database: */
	struct peeps_database database;
	const char *path;   /* borrowed */
	int lock_fd;        /* tells others that somebody records into it */
	bool is_new;        /* it had nothing in it */
	uint64_t last;      /* number of the last snapshot; 0 = none yet */
	uint64_t snapshots; /* in it */
	uint64_t dropped;   /* by this recording */
	uint64_t bytes;     /* that it takes */
};

/**
 * peeps_recording_open - as its name says; undo with peeps_recording_close()
 * @path: borrowed. *.msgpack and *.json, each perhaps with .zst, are series; *.db, *.sqlite, *.sqlite3 and what is one
 *        already are databases
 *
 * What is there is gone on with.
 * Returns 0 or -errno with the problem filled.
 */
int peeps_recording_open(struct peeps_recording *recording, const char *path,
			 struct peeps_series_bounds bounds, struct peeps_problem *problem);

/**
 * peeps_recording_add - add a snapshot: all of it or nothing
 * @graph: its sequence is set
 *
 * Returns 0 or -errno with the problem filled.
 */
int peeps_recording_add(struct peeps_recording *recording, struct peeps_graph *graph,
			struct peeps_problem *problem);

/**
 * peeps_recording_close - all counts stay as they are; what was new and has nothing in it is removed
 *
 * Returns 0 or -errno with the problem filled: it may not be on the disk.
 */
int peeps_recording_close(struct peeps_recording *recording, struct peeps_problem *problem);

#endif
