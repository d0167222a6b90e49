/* SPDX-License-Identifier: MIT */
#include "reader/query/asked.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>

#include "reader/command/options.h"
#include "reader/database/database.h"
#include "reader/look/place.h"
#include "reader/look/snapshots.h"
#include "reader/problem.h"

static int add(void *context, const struct peeps_graph *graph, struct peeps_problem *problem)
{
	int64_t id;

	return peeps_database_add(context, graph, &id, problem);
}

static int load(struct peeps_database *database, const struct peeps_options *options,
		const struct peeps_place *places, size_t count, struct peeps_problem *problem)
{
	struct peeps_options all = *options;
	int r = peeps_database_in_memory(database, problem);

	if (r)
		return r;
	all.at = 0; /* the one before it is wanted as well */
	r = peeps_snapshots_each(&all, places, count, add, database, problem);
	if (r && r != -EAGAIN)
		peeps_database_close(database);
	return r;
}

int peeps_asked_open(struct peeps_database *database, const struct peeps_options *options,
		     const struct peeps_place *places, size_t count, int64_t bytes_max,
		     bool *in_place, struct peeps_problem *problem)
{
	int r;

	*in_place = count == 1 && places[0].kind == PEEPS_PLACE_DATABASE;
	if (*in_place)
		return peeps_database_read(database, places[0].word, problem);
	(void)sqlite3_hard_heap_limit64(sqlite3_memory_used() + bytes_max);
	r = load(database, options, places, count, problem);
	(void)sqlite3_hard_heap_limit64(0);
	if (r != -ENOMEM)
		return r;
	(void)snprintf(problem->what, sizeof(problem->what), "cannot load what is asked");
	return peeps_problem_set(problem, PEEPS_PROBLEM_OTHER, -ENOMEM,
				 "peeps-read load FILE.db TARGET..., and ask that",
				 "there is not enough memory for it, or it needs more than %" PRId64
				 " MiB",
				 bytes_max >> 20);
}
