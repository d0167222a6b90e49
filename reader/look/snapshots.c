/* SPDX-License-Identifier: MIT */
#include "reader/look/snapshots.h"

#include <errno.h>

#include "reader/graph/graph.h"
#include "reader/look/look.h"

static int one(const struct peeps_options *options, const struct peeps_place *places, size_t count,
	       peeps_snapshot_fn *each, void *context, struct peeps_problem *problem)
{
	struct peeps_graph *graph = NULL;
	const int looked = peeps_look(options, places, count, &graph, problem);
	int r = looked;

	if (graph) {
		r = each(context, graph, problem);
		peeps_graph_free(graph);
	}
	return r ? r : looked;
}

int peeps_snapshots_each(const struct peeps_options *options, const struct peeps_place *places,
			 size_t count, peeps_snapshot_fn *each, void *context,
			 struct peeps_problem *problem)
{
	struct peeps_place processes[PEEPS_WORDS_MAX];
	size_t process_count = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		if (places[i].kind == PEEPS_PLACE_SNAPSHOT)
			r = one(options, &places[i], 1, each, context, problem);
		else
			processes[process_count++] = places[i];
	}
	if (r == 0 && process_count)
		r = one(options, processes, process_count, each, context, problem);
	return r;
}
