/* SPDX-License-Identifier: MIT */
/*
 * A series file, written: each snapshot is appended whole, and the oldest make room when there are too many.
 *
 * Whoever is killed loses what he was just writing. The oldest are dropped by copying the others into a new file, which
 * then takes the old one's name: there is a whole file at any moment. That is done for a quarter of them at once, so that
 * in all each byte is copied some three times.
 */
#ifndef PEEPS_READER_SERIES_WRITER_H
#define PEEPS_READER_SERIES_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader/command/options_table.h"

struct peeps_graph;
struct peeps_problem;

struct peeps_series_bounds {
	uint64_t snapshots; /* at most so many; 0 = no limit */
	uint64_t bytes;     /* likewise; 0 = no limit */
};

/* Documents that can be dropped only together: one, but of what others have compressed. */
struct peeps_series_unit {
	uint64_t end; /* offset of what comes after it */
	uint64_t snapshots;
};

struct peeps_series_writer {
	char *path; /* behind all links */
	char *temporary;
	int fd; /* its lock tells others that somebody writes */
	enum peeps_format format;
	bool compressed;
	struct peeps_series_bounds bounds;
	uint64_t bytes;         /* of the file */
	uint64_t snapshots;     /* in it */
	uint64_t last;          /* number of the last one; 0 = none yet */
	uint64_t dropped;       /* by this writer */
	uint64_t cut_off_bytes; /* that were there when it was opened, and were removed */
	size_t unit_count, unit_room;
	struct peeps_series_unit *units;
};

/**
 * peeps_series_writer_open - begin a series, or go on with one; undo with peeps_series_writer_close()
 * @format: JSON or msgpack
 *
 * A file that is there is only taken if it is a series, or empty; what is cut off at its end is removed.
 * Returns 0 or -errno with the problem filled: -EBUSY somebody else is writing it, -EBADMSG it is something else.
 */
int peeps_series_writer_open(struct peeps_series_writer *writer, const char *path,
			     enum peeps_format format, bool compressed,
			     struct peeps_series_bounds bounds, struct peeps_problem *problem);

/**
 * peeps_series_writer_add - append a snapshot: all of it or nothing
 * @graph: its sequence is set
 *
 * The file is beyond its bounds for no longer than this takes, and by no more than this snapshot.
 * Returns 0; -EFBIG it alone is beyond them; another -errno; with the problem filled.
 */
int peeps_series_writer_add(struct peeps_series_writer *writer, struct peeps_graph *graph,
			    struct peeps_problem *problem);

/**
 * peeps_series_writer_close - see that all is on the disk
 *
 * A file that has nothing in it is removed.
 * Returns 0 or -errno with the problem filled.
 */
int peeps_series_writer_close(struct peeps_series_writer *writer, struct peeps_problem *problem);

#endif
