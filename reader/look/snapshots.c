/* SPDX-License-Identifier: MIT */
#include "reader/look/snapshots.h"

#include <inttypes.h>
#include <stdio.h>

#include "reader/database/database.h"
#include "reader/database/database_read.h"
#include "reader/format/print.h"
#include "reader/graph/graph.h"
#include "reader/look/look.h"
#include "reader/snapshot/series.h"

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

static int each_of_database(const struct peeps_place *place, int64_t at, peeps_snapshot_fn *each,
			    void *context, struct peeps_problem *problem)
{
	struct peeps_database database;
	int r = peeps_database_read(&database, place->word, problem);

	if (r)
		return r;
	r = peeps_database_snapshots(&database, at, each, context, problem);
	peeps_database_close(&database);
	return r;
}

static int series(const struct peeps_place *place, peeps_snapshot_fn *each, void *context,
		  struct peeps_problem *problem)
{
	uint64_t cut_off_bytes = 0;
	const int r =
		peeps_series_each(place->fd, place->word, each, context, &cut_off_bytes, problem);

	if (r == 0 && cut_off_bytes) {
		(void)fputs("note: the last snapshot of ", stderr);
		peeps_escape_to(stderr, place->word);
		(void)fprintf(stderr, " is cut off: %" PRIu64 " bytes were passed over\n",
			      cut_off_bytes);
	}
	return r;
}

int peeps_snapshots_each(const struct peeps_options *options, const struct peeps_place *places,
			 size_t count, peeps_snapshot_fn *each, void *context,
			 struct peeps_problem *problem)
{
	struct peeps_place processes[PEEPS_WORDS_MAX];
	size_t process_count = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		if (places[i].kind == PEEPS_PLACE_SNAPSHOT && !options->at)
			r = series(&places[i], each, context, problem);
		else if (places[i].kind == PEEPS_PLACE_SNAPSHOT)
			r = one(options, &places[i], 1, each, context, problem);
		else if (places[i].kind == PEEPS_PLACE_DATABASE)
			r = each_of_database(&places[i], options->at, each, context, problem);
		else
			processes[process_count++] = places[i];
	}
	if (r == 0 && process_count)
		r = one(options, processes, process_count, each, context, problem);
	return r;
}
