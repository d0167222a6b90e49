/* SPDX-License-Identifier: MIT */
#include "reader/look/confirm.h"

#include "reader/analysis/sightings.h"
#include "reader/clock.h"

#define EVERY_USUALLY_NS UINT64_C(1000000000)

static bool was_there(const struct peeps_sightings *sightings, const struct peeps_graph *graph,
		      const struct peeps_finding *finding)
{
	for (size_t i = 0; i < finding->edge_count; i++) {
		if (!peeps_sightings_have(sightings, graph, &graph->edges[finding->edges[i]]))
			return false;
	}
	return true;
}

static void drop_the_new(struct peeps_graph *graph, const struct peeps_sightings *sightings)
{
	size_t kept = 0;

	for (size_t i = 0; i < graph->finding_count; i++) {
		if (was_there(sightings, graph, &graph->findings[i]))
			graph->findings[kept++] = graph->findings[i];
	}
	graph->finding_count = kept;
}

/* Returns 0 or -ENOMEM. */
static int narrow(struct peeps_sightings *sightings, const struct peeps_graph *graph)
{
	struct peeps_sightings latest;
	const int r = peeps_sightings_init(&latest, graph, false);

	if (r)
		return r;
	peeps_sightings_intersect(sightings, &latest);
	peeps_sightings_deinit(&latest);
	return 0;
}

static bool something_runs(const struct peeps_place *places, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (places[i].kind == PEEPS_PLACE_PROCESS)
			return true;
	}
	return false;
}

/* The looks after the first, whose graph is replaced by each. */
static int look_on(const struct peeps_options *options, const struct peeps_place *places,
		   size_t count, struct peeps_graph **graph, struct peeps_problem *problem)
{
	struct peeps_sightings sightings;
	int r = peeps_sightings_init(&sightings, *graph, false);

	for (uint32_t i = 1; r == 0 && i < options->confirm && (*graph)->finding_count; i++) {
		peeps_graph_free(*graph);
		*graph = NULL;
		peeps_sleep_for_ns(options->every_ns ? options->every_ns : EVERY_USUALLY_NS);
		r = peeps_look(options, places, count, graph, problem);
		if (!*graph)
			break;
		drop_the_new(*graph, &sightings);
		if (r == 0)
			r = narrow(&sightings, *graph);
	}
	peeps_sightings_deinit(&sightings);
	return r;
}

int peeps_confirm(const struct peeps_options *options, const struct peeps_place *places,
		  size_t count, struct peeps_graph **graph, struct peeps_problem *problem)
{
	const int r = peeps_look(options, places, count, graph, problem);

	if (r || options->confirm < 2 || !something_runs(places, count))
		return r;
	return look_on(options, places, count, graph, problem);
}
