/* SPDX-License-Identifier: MIT */
/* All the snapshots that targets give: of processes one, looked at now and in one moment; of a file all that it has, or the one of --at. */
#ifndef PEEPS_READER_SNAPSHOTS_H
#define PEEPS_READER_SNAPSHOTS_H

#include <stddef.h>

#include "reader/snapshot/series.h"

struct peeps_options;
struct peeps_place;
struct peeps_problem;

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
