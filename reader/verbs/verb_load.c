/* SPDX-License-Identifier: MIT */
#include "reader/verbs/verb_load.h"

#include "reader/command/complain.h"
#include "reader/command/options.h"
#include "reader/database/database.h"
#include "reader/graph/graph.h"
#include "reader/look/place.h"
#include "reader/look/snapshots.h"
#include "reader/problem.h"

struct load {
	struct peeps_database database;
	size_t count;
};

static int load_one(void *context, const struct peeps_graph *graph, struct peeps_problem *problem)
{
	struct load *load = context;
	int64_t id;
	const int r = peeps_database_add(&load->database, graph, &id, problem);

	if (r == 0) {
		load->count++;
		(void)printf("snapshot %lld: %zu entities, %zu edges, %zu findings\n",
			     (long long)id, graph->node_count, graph->edge_count,
			     graph->finding_count);
	}
	return r;
}

int peeps_load(const struct peeps_options *options)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_place places[PEEPS_WORDS_MAX];
	size_t count = options->target_count;
	struct load load = { .count = 0 };
	int r = peeps_places_find(places, options->targets, &count, &problem);

	if (r)
		return peeps_complain_of(r, &problem);
	r = peeps_database_append(&load.database, options->subject, &problem);
	if (r == 0) {
		r = peeps_snapshots_each(options, places, count, load_one, &load, &problem);
		peeps_database_close(&load.database);
	}
	peeps_places_close(places, count);
	return r ? peeps_complain_of(r, &problem) : PEEPS_EXIT_FINE;
}
