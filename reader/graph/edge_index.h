/* SPDX-License-Identifier: MIT */
/* Which edges of some kind begin, or end, at a node. */
#ifndef PEEPS_READER_EDGE_INDEX_H
#define PEEPS_READER_EDGE_INDEX_H

#include "reader/graph/graph.h"

enum peeps_edge_end { PEEPS_END_SRC, PEEPS_END_DST };

struct peeps_edge_index {
	uint32_t *starts; /* node_count + 1 positions in edges */
	uint32_t *edges;  /* of one node in the graph's order */
};

/**
 * peeps_edge_index_init - index those edges that are wanted
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_edge_index_init(struct peeps_edge_index *index, const struct peeps_graph *graph,
			  enum peeps_edge_end end,
			  bool (*wanted)(const struct peeps_graph *graph,
					 const struct peeps_edge *edge));
void peeps_edge_index_deinit(struct peeps_edge_index *index);

static inline const uint32_t *peeps_edge_index_at(const struct peeps_edge_index *index,
						  uint32_t node, size_t *count)
{
	*count = index->starts[node + 1] - index->starts[node];
	return index->edges + index->starts[node];
}

/* Blocked now: pending, of an actor that lives. A thread that has exited waits for nothing, whatever it left behind. */
bool peeps_edge_is_wait(const struct peeps_graph *graph, const struct peeps_edge *edge);

#endif
