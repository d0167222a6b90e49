/* SPDX-License-Identifier: MIT */
#include "reader/graph/edge_index.h"

#include <errno.h>
#include <stdlib.h>

bool peeps_edge_is_wait(const struct peeps_graph *graph, const struct peeps_edge *edge)
{
	return edge->kind == PEEPS_EDGE_NEEDS && edge->state == PEEPS_STATE_PENDING &&
	       !graph->nodes[edge->src].gone;
}

int peeps_edge_index_init(struct peeps_edge_index *index, const struct peeps_graph *graph,
			  enum peeps_edge_end end,
			  bool (*wanted)(const struct peeps_graph *graph,
					 const struct peeps_edge *edge))
{
	/* Counted one place to the right, so that the sums are where each node's edges begin. */
	uint32_t *starts = calloc(graph->node_count + 2, sizeof(*starts));
	uint32_t *edges = NULL;

	if (!starts)
		return -ENOMEM;
	for (size_t i = 0; i < graph->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[i];

		if (wanted(graph, edge))
			starts[(end == PEEPS_END_SRC ? edge->src : edge->dst) + 2]++;
	}
	for (size_t i = 2; i < graph->node_count + 2; i++)
		starts[i] += starts[i - 1];

	edges = calloc((size_t)starts[graph->node_count + 1] + 1, sizeof(*edges));
	if (!edges) {
		free(starts);
		return -ENOMEM;
	}
	for (size_t i = 0; i < graph->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[i];

		if (wanted(graph, edge))
			edges[starts[(end == PEEPS_END_SRC ? edge->src : edge->dst) + 1]++] =
				(uint32_t)i;
	}
	index->starts = starts;
	index->edges = edges;
	return 0;
}

void peeps_edge_index_deinit(struct peeps_edge_index *index)
{
	free(index->starts);
	free(index->edges);
	index->starts = NULL;
	index->edges = NULL;
}
