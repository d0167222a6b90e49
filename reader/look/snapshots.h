/* SPDX-License-Identifier: MIT */
/* All the snapshots that targets give: of processes one, looked at now and in one moment; of a file all that it has, or the one of --at. */
#ifndef PEEPS_READER_SNAPSHOTS_H
#define PEEPS_READER_SNAPSHOTS_H

#include <stddef.h>

struct peeps_graph;
struct peeps_options;
struct peeps_place;
struct peeps_problem;

/* What is done with each: graph is borrowed. Returns 0 to go on, or -errno with the problem filled. */
typedef int peeps_snapshot_fn(void *context, const struct peeps_graph *graph,
			      struct peeps_problem *problem);

/**
 * peeps_snapshots_each - one after the other: files in their order, and in theirs; processes last
 *
 * Returns 0; -errno with the problem filled, of the first that failed: -EAGAIN if there was no consistent snapshot of
 * the processes in time (what was got was handed out).
 */
int peeps_snapshots_each(const struct peeps_options *options, const struct peeps_place *places,
			 size_t count, peeps_snapshot_fn *each, void *context,
			 struct peeps_problem *problem);

#endif
