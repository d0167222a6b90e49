/* SPDX-License-Identifier: MIT */
/* What a text about waits is made from: the graph, how its nodes are called, who waits, and memory for the sentences. */
#ifndef PEEPS_READER_TELLING_H
#define PEEPS_READER_TELLING_H

#include "reader/arena.h"
#include "reader/labels.h"
#include "reader/waits.h"

struct peeps_telling {
	const struct peeps_graph *graph;
	struct peeps_arena *arena;
	struct peeps_labels labels;
	struct peeps_waits waits;
};

/**
 * peeps_telling_init - prepare to tell of what has been pending for at least min_ns
 * @graph: borrowed until peeps_telling_deinit()
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_telling_init(struct peeps_telling *telling, const struct peeps_graph *graph,
		       uint64_t min_ns);
void peeps_telling_deinit(struct peeps_telling *telling);

static inline const struct peeps_edge *peeps_telling_edge(const struct peeps_telling *telling,
							  const struct peeps_wait *wait)
{
	return &telling->graph->edges[wait->edge];
}

#endif
