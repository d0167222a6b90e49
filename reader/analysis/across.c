/* SPDX-License-Identifier: MIT */
#include "reader/analysis/across.h"

#include <errno.h>
#include <stdlib.h>

static bool crosses(const struct peeps_graph *graph, const struct peeps_edge *edge)
{
	return graph->nodes[edge->src].process != graph->nodes[edge->dst].process;
}

static bool something_crosses(const struct peeps_graph *graph)
{
	for (size_t i = 0; graph->process_count > 1 && i < graph->edge_count; i++) {
		if (crosses(graph, &graph->edges[i]))
			return true;
	}
	return false;
}

bool peeps_across_asks_again(const struct peeps_graph *graph)
{
	bool certain = false;

	for (size_t i = 0; i < graph->finding_count; i++)
		certain |= graph->findings[i].certain &&
			   graph->findings[i].kind != PEEPS_FINDING_LONG_WAIT;
	return certain && something_crosses(graph);
}

/* A core file is the same at every look, but nothing tells whether its process went on after it was written. */
static bool is_of_another_time(const struct peeps_graph *graph, const struct peeps_edge *edge)
{
	return crosses(graph, edge) && (graph->processes[graph->nodes[edge->src].process].dumped ||
					graph->processes[graph->nodes[edge->dst].process].dumped);
}

int peeps_across_confirm(struct peeps_graph *graph, const struct peeps_sightings *before)
{
	bool *joined = calloc(graph->process_count + 1, sizeof(*joined)); /* with another */

	if (!joined)
		return -ENOMEM;
	for (size_t i = 0; i < graph->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[i];

		if (!crosses(graph, edge))
			continue;
		joined[graph->nodes[edge->src].process] = true;
		joined[graph->nodes[edge->dst].process] = true;
	}
	for (size_t i = 0; i < graph->edge_count; i++) {
		struct peeps_edge *edge = &graph->edges[i];

		edge->unconfirmed = is_of_another_time(graph, edge) ||
				    (joined[peeps_edge_process(graph, edge)] &&
				     !peeps_sightings_have(before, graph, edge));
	}
	free(joined);
	return 0;
}
