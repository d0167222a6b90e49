/* SPDX-License-Identifier: MIT */
#include "reader/look/look.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "reader/analysis/across.h"
#include "reader/analysis/analysis.h"
#include "reader/graph/arena.h"
#include "reader/target/core.h"
#include "reader/cut/cut.h"
#include "reader/database/database.h"
#include "reader/database/database_read.h"
#include "reader/decode/decode.h"
#include "reader/cut/image.h"
#include "reader/target/proc.h"
#include "reader/problem.h"
#include "reader/snapshot/series.h"
#include "reader/graph/text.h"

struct look {
	const struct peeps_options *options;
	struct peeps_problem *problem;
	struct peeps_target *targets;
	struct peeps_image *images;
	size_t count; /* attached */
};

/* --- attaching -------------------------------------------------------------------------------------------------- */

static int attach(struct look *look, const struct peeps_place *place)
{
	struct peeps_target *target = &look->targets[look->count];
	int r;

	switch (place->kind) {
	case PEEPS_PLACE_PROCESS:
		r = peeps_attach(target, place->pid, look->problem);
		break;
	case PEEPS_PLACE_SEGMENT:
		r = peeps_attach_file(target, place->fd, place->word, look->problem);
		break;
	case PEEPS_PLACE_CORE:
		r = peeps_attach_core(target, place->fd, place->word, look->problem);
		break;
	case PEEPS_PLACE_SNAPSHOT:
	case PEEPS_PLACE_DATABASE:
	default:
		(void)snprintf(look->problem->what, sizeof(look->problem->what),
			       "a snapshot stands alone");
		r = peeps_problem_set(
			look->problem, PEEPS_PROBLEM_USAGE, -EINVAL, "look at it by itself",
			"%s was taken at another moment than the others", place->word);
	}
	if (r == 0)
		peeps_image_init(&look->images[look->count++]);
	return r;
}

/* One that is there twice would keep the lock from itself. */
static bool are_same(const struct peeps_target *a, const struct peeps_target *b)
{
	struct stat one, other;

	return fstat(a->segment_fd, &one) == 0 && fstat(b->segment_fd, &other) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static int attach_all(struct look *look, const struct peeps_place *places, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const int r = attach(look, &places[i]);

		if (r)
			return r;
		for (size_t k = 0; k < i; k++) {
			if (are_same(&look->targets[k], &look->targets[i]))
				return peeps_problem_set(look->problem, PEEPS_PROBLEM_USAGE,
							 -EINVAL, "name each only once",
							 "%s and %s are the same", places[k].word,
							 places[i].word);
		}
	}
	return 0;
}

/* --- from one cut to a graph ------------------------------------------------------------------------------------ */

static int read_names(struct look *look)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < look->count; i++)
		r = peeps_image_read_names(&look->targets[i], &look->images[i]);
	return r;
}

/* What a target says of itself may be so much that no reader could show it. */
static int is_too_much(struct look *look)
{
	(void)snprintf(look->problem->what, sizeof(look->problem->what),
		       "cannot make a graph of this snapshot");
	return peeps_problem_set(look->problem, PEEPS_PROBLEM_BAD_SEGMENT, -EFBIG, "",
				 "it takes more memory than this reader has for one");
}

/* Returns 0; -EAGAIN beside a graph, of which not all is a cut; or another -errno. */
static int cut_and_decode(struct look *look, struct peeps_graph **graph)
{
	const struct peeps_options *options = look->options;
	uint64_t skew_ns;
	const int cut =
		peeps_cut_set(look->targets, look->images, look->count,
			      options->passive ? PEEPS_CUT_PASSIVE : 0, &skew_ns, look->problem);
	int r = cut == -EAGAIN ? 0 : cut;

	if (r == 0)
		r = read_names(look);
	if (r == 0)
		r = peeps_decode_set(look->images, look->count,
				     options->history ? PEEPS_DECODE_HISTORY : 0, graph);
	if (r == -EFBIG)
		return is_too_much(look);
	if (r)
		return r;
	(*graph)->skew_ns = skew_ns;
	return cut;
}

static int analyse(struct look *look, struct peeps_graph *graph)
{
	const struct peeps_analysis_options wishes = { .max_wait_ns = look->options->max_wait_ns };

	const int r = peeps_analyse(graph, &wishes);

	return r && peeps_arena_is_full(graph->arena) ? is_too_much(look) : r;
}

/* --- looking ---------------------------------------------------------------------------------------------------- */

/* A second time, for a graph whose findings across processes are certain. The first graph is replaced. */
static int look_again(struct look *look, struct peeps_graph **graph)
{
	struct peeps_sightings before;
	struct peeps_graph *again = NULL;
	int cut, r = peeps_sightings_init(&before, *graph, true);

	if (r)
		return r;
	peeps_graph_free(*graph);
	*graph = NULL;
	cut = cut_and_decode(look, &again);
	r = again ? peeps_across_confirm(again, &before) : cut;
	if (r == 0)
		r = analyse(look, again);
	peeps_sightings_deinit(&before);
	if (r) {
		peeps_graph_free(again);
		return r;
	}
	*graph = again;
	return cut;
}

static int look_at_all(struct look *look, struct peeps_graph **graph)
{
	struct peeps_graph *made = NULL;
	int cut = cut_and_decode(look, &made);
	int r = made ? analyse(look, made) : cut;

	if (r == 0 && peeps_across_asks_again(made)) {
		cut = look_again(look, &made);
		r = made ? 0 : cut;
	}
	if (r)
		peeps_graph_free(made);
	else
		*graph = made;
	return r ? r : cut;
}

static int read_database(const struct peeps_place *place, int64_t at, struct peeps_graph **graph,
			 struct peeps_problem *problem)
{
	struct peeps_database database;
	int r = peeps_database_read(&database, place->word, problem);

	if (r)
		return r;
	r = peeps_database_snapshot(&database, at, graph, problem);
	peeps_database_close(&database);
	return r;
}

/* As it was taken, findings included, unless others are asked for. */
static int look_at_snapshot(const struct peeps_options *options, const struct peeps_place *place,
			    struct peeps_graph **graph, struct peeps_problem *problem)
{
	const struct peeps_analysis_options wishes = { .max_wait_ns = options->max_wait_ns };
	struct peeps_graph *read = NULL;
	int r = place->kind == PEEPS_PLACE_DATABASE
			? read_database(place, options->at, &read, problem)
			: peeps_series_read(place->fd, place->word, options->at, &read, problem);

	if (r == 0 && options->max_wait_ns)
		r = peeps_analyse_waits(read, &wishes);
	if (r)
		peeps_graph_free(read);
	else
		*graph = read;
	return r;
}

/* Of one file: where what is shown came from. */
static int name_origin(struct peeps_graph *graph, const struct peeps_place *places, size_t count)
{
	if (count != 1 || places[0].kind == PEEPS_PLACE_PROCESS || graph->origin)
		return 0;
	graph->origin = peeps_text_mend(graph->arena, peeps_bytes_of(places[0].word));
	return graph->origin ? 0 : -ENOMEM;
}

static int look_at_processes(const struct peeps_options *options, const struct peeps_place *places,
			     size_t count, struct peeps_graph **graph,
			     struct peeps_problem *problem)
{
	struct look look = { .options = options, .problem = problem };
	int r;

	look.targets = calloc(count + 1, sizeof(*look.targets));
	look.images = calloc(count + 1, sizeof(*look.images));
	r = look.targets && look.images ? attach_all(&look, places, count) : -ENOMEM;
	if (r == 0)
		r = look_at_all(&look, graph);
	for (size_t i = 0; i < look.count; i++) {
		peeps_image_deinit(&look.images[i]);
		peeps_detach(&look.targets[i]);
	}
	free(look.targets);
	free(look.images);
	return r;
}

static int is_no_series(const struct peeps_place *place, struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "--at is for a series of snapshots");
	return peeps_problem_set(problem, PEEPS_PROBLEM_USAGE, -EINVAL,
				 "peeps-read record makes a series", "%s is none", place->word);
}

int peeps_look(const struct peeps_options *options, const struct peeps_place *places, size_t count,
	       struct peeps_graph **graph, struct peeps_problem *problem)
{
	const bool alone = count == 1 && (places[0].kind == PEEPS_PLACE_SNAPSHOT ||
					  places[0].kind == PEEPS_PLACE_DATABASE);
	int r;

	if (alone)
		r = look_at_snapshot(options, &places[0], graph, problem);
	else if (options->at)
		r = is_no_series(&places[0], problem);
	else
		r = look_at_processes(options, places, count, graph, problem);
	if (*graph && name_origin(*graph, places, count) != 0)
		r = -ENOMEM;
	if (r && r != -EAGAIN) {
		peeps_graph_free(*graph);
		*graph = NULL;
	}
	return r;
}
