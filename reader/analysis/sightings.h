/* SPDX-License-Identifier: MIT */
/*
 * Which waits, holds and links were seen in an earlier look: what is there again has been there all the time. A wait is
 * the same if it is in the same slot of the same process, with the same sequence number, between the same ends.
 */
#ifndef PEEPS_READER_SIGHTINGS_H
#define PEEPS_READER_SIGHTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "reader/graph/graph.h"

struct peeps_sightings {
	size_t count;
	struct peeps_sighting *sorted;
};

/**
 * peeps_sightings_init - those of a graph, which is not needed any more
 * @proved_only: without what the graph's quality leaves uncertain
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_sightings_init(struct peeps_sightings *sightings, const struct peeps_graph *graph,
			 bool proved_only);
void peeps_sightings_deinit(struct peeps_sightings *sightings);

bool peeps_sightings_have(const struct peeps_sightings *sightings, const struct peeps_graph *graph,
			  const struct peeps_edge *edge);

/* Forget what others have not seen. */
void peeps_sightings_intersect(struct peeps_sightings *sightings,
			       const struct peeps_sightings *others);

#endif
