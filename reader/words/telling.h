/* SPDX-License-Identifier: MIT */
/* What a text about waits is made from: the graph, how its nodes are called, who waits, and memory for the sentences. */
#ifndef PEEPS_READER_TELLING_H
#define PEEPS_READER_TELLING_H

#include "reader/analysis/waits.h"
#include "reader/graph/arena.h"
#include "reader/words/labels.h"

/* Which waits begin, or end, at a node: positions in waits, so longest first. */
struct peeps_wait_index {
	uint32_t *starts; /* node_count + 1 positions in waits */
	uint32_t *waits;
};

struct peeps_telling {
	const struct peeps_graph *graph;
	struct peeps_arena *arena;
	struct peeps_labels labels;
	struct peeps_waits waits;
	struct peeps_wait_index by_actor, by_resource; /* in the arena */
};

/**
 * peeps_telling_init - prepare to tell of what has been pending for at least min_ns
 * @graph: borrowed until peeps_telling_deinit()
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_telling_init(struct peeps_telling *telling, const struct peeps_graph *graph,
		       uint64_t min_ns);
int peeps_telling_init_some(struct peeps_telling *telling, const struct peeps_graph *graph,
			    const struct peeps_wait_filter *filter);
void peeps_telling_deinit(struct peeps_telling *telling);

static inline const uint32_t *peeps_wait_index_at(const struct peeps_wait_index *index,
						  uint32_t node, size_t *count)
{
	*count = index->starts[node + 1] - index->starts[node];
	return index->waits + index->starts[node];
}

static inline const struct peeps_edge *peeps_telling_edge(const struct peeps_telling *telling,
							  const struct peeps_wait *wait)
{
	return &telling->graph->edges[wait->edge];
}

#endif
