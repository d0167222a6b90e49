/* SPDX-License-Identifier: MIT */
/*
 * A series file, read: snapshot documents one after the other (docs/snapshot.md). A plain snapshot is a series of one.
 *
 * A snapshot's number is its `sequence`; where a document has none, its position in the file, from 1.
 */
#ifndef PEEPS_READER_SERIES_H
#define PEEPS_READER_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#include "reader/snapshot/snapshot_stream.h"

struct peeps_graph;
struct peeps_problem;

/* What there is, by walking over it: no graph is made. */
struct peeps_series_survey {
	uint64_t count;         /* of whole snapshots */
	uint64_t first, last;   /* their numbers */
	bool is_numbered;       /* the last has a sequence */
	uint64_t foreign;       /* documents that are something else */
	uint64_t cut_off_bytes; /* of one more at the end, which is not whole */
	bool is_stump; /* after a failure: there is the begin of one of ours, and no more */
};

/* One that was walked over: where it begins, and its number. */
typedef int peeps_series_walk_fn(void *context, uint64_t number,
				 struct peeps_snapshot_position position);

/**
 * peeps_series_walk - walk over a series
 * @fd:      a regular file, read from its begin
 * @each:    called for each whole snapshot, until it returns another number than 0, which is returned; NULL = for none
 * @end:     where the next one would begin; NULL = not of interest
 * @problem: filled on failure
 *
 * Memory is taken for one document at a time, time as the file is long.
 * Returns 0 or -errno as peeps_snapshot_stream_next().
 */
int peeps_series_walk(int fd, const char *name, struct peeps_series_survey *survey,
		      struct peeps_snapshot_position *end, peeps_series_walk_fn *each,
		      void *context, struct peeps_problem *problem);

/**
 * peeps_series_read - make the graph of one snapshot
 * @at: its number, or from the last, -1; 0 = the last
 *
 * The graph's origin says which one of how many it is.
 * Returns 0; -ENOENT if there is none such; -errno as peeps_snapshot_read(); with the problem filled.
 */
int peeps_series_read(int fd, const char *name, int64_t at, struct peeps_graph **graph,
		      struct peeps_problem *problem);

/* What is done with each: graph is borrowed. Returns 0 to go on, or -errno with the problem filled. */
typedef int peeps_snapshot_fn(void *context, const struct peeps_graph *graph,
			      struct peeps_problem *problem);

/**
 * peeps_series_each - make the graph of each, one after the other; its origin is the file's name
 * @cut_off_bytes: set on success, as in a survey
 *
 * Returns 0, or -errno with the problem filled, of the first that failed.
 */
int peeps_series_each(int fd, const char *name, peeps_snapshot_fn *each, void *context,
		      uint64_t *cut_off_bytes, struct peeps_problem *problem);

#endif
