/* SPDX-License-Identifier: MIT */
#include "reader/look.h"

#include <errno.h>

#include "reader/analysis.h"
#include "reader/cut.h"
#include "reader/decode.h"
#include "reader/image.h"
#include "reader/proc.h"
#include "reader/problem.h"
#include "reader/snapshot.h"

static int cut_and_decode(const struct peeps_options *options, struct peeps_target *target,
			  struct peeps_image *image, struct peeps_graph **graph,
			  struct peeps_problem *problem)
{
	const struct peeps_analysis_options wishes = { .max_wait_ns = options->max_wait_ns };
	const int cut = peeps_cut(target, image, options->passive ? PEEPS_CUT_PASSIVE : 0, problem);
	struct peeps_graph *made = NULL;
	int r;

	if (cut && cut != -EAGAIN)
		return cut;
	r = peeps_image_read_names(target, image);
	if (r)
		return r;
	r = peeps_decode(image, options->history ? PEEPS_DECODE_HISTORY : 0, &made);
	if (r)
		return r;
	r = peeps_analyse(made, &wishes);
	if (r) {
		peeps_graph_free(made);
		return r;
	}
	*graph = made;
	return cut;
}

static int look_at_process(const struct peeps_options *options, pid_t pid,
			   struct peeps_graph **graph, struct peeps_problem *problem)
{
	struct peeps_target target;
	struct peeps_image image;
	int r = peeps_attach(&target, pid, problem);

	if (r)
		return r;
	peeps_image_init(&image);
	r = cut_and_decode(options, &target, &image, graph, problem);
	peeps_image_deinit(&image);
	peeps_detach(&target);
	return r;
}

/* As it was taken, findings included, unless others are asked for. */
static int look_at_snapshot(const struct peeps_options *options, const struct peeps_place *place,
			    struct peeps_graph **graph, struct peeps_problem *problem)
{
	const struct peeps_analysis_options wishes = { .max_wait_ns = options->max_wait_ns };
	struct peeps_graph *read = NULL;
	int r = peeps_snapshot_read(place->fd, place->word, &read, problem);

	if (r == 0 && options->max_wait_ns)
		r = peeps_analyse(read, &wishes);
	if (r)
		peeps_graph_free(read);
	else
		*graph = read;
	return r;
}

int peeps_look(const struct peeps_options *options, const struct peeps_place *places, size_t count,
	       struct peeps_graph **graph, struct peeps_problem *problem)
{
	if (count != 1)
		return peeps_problem_set(problem, PEEPS_EXIT_USAGE, -EINVAL, "", "one at a time");
	if (places[0].kind == PEEPS_PLACE_SNAPSHOT)
		return look_at_snapshot(options, &places[0], graph, problem);
	return look_at_process(options, places[0].pid, graph, problem);
}
