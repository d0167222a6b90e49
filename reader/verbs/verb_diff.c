/* SPDX-License-Identifier: MIT */
#include "reader/verbs/verb_diff.h"

#include <errno.h>

#include "reader/analysis/difference.h"
#include "reader/clock.h"
#include "reader/command/complain.h"
#include "reader/command/options.h"
#include "reader/command/output.h"
#include "reader/look/look.h"
#include "reader/look/place.h"
#include "reader/look/snapshots.h"
#include "reader/problem.h"

struct pair {
	struct peeps_graph *before, *after;
	int looked; /* 0, or -EAGAIN of a look that was no cut in time */
};

static int refuse(struct peeps_problem *problem, const char *what, const char *hint,
		  const char *why, const char *about)
{
	(void)snprintf(problem->what, sizeof(problem->what), "%s", what);
	return peeps_problem_set(problem, PEEPS_PROBLEM_USAGE, -EINVAL, hint, "%s%s", why, about);
}

/* What was got of a process that did not let itself be seen in time is compared, too. */
static int look_at(const struct peeps_options *options, const struct peeps_place *place,
		   struct peeps_graph **graph, struct pair *pair, struct peeps_problem *problem)
{
	const int r = peeps_look(options, place, 1, graph, problem);

	if (r)
		pair->looked = r;
	return *graph ? 0 : r;
}

/* What has several snapshots, or might. */
static bool is_of_snapshots(const struct peeps_place *place)
{
	return place->kind != PEEPS_PLACE_PROCESS && place->kind != PEEPS_PLACE_SEGMENT &&
	       place->kind != PEEPS_PLACE_CORE;
}

static int look_at_both(const struct peeps_options *options, const struct peeps_place *places,
			struct pair *pair, struct peeps_problem *problem)
{
	struct peeps_options of_both[2] = { *options, *options };
	int r;

	for (size_t i = 0; i < 2; i++) { /* --at is of the other then; of neither, it is refused */
		if (!is_of_snapshots(&places[i]) && is_of_snapshots(&places[1 - i]))
			of_both[i].at = 0;
	}
	r = look_at(&of_both[0], &places[0], &pair->before, pair, problem);
	return r ? r : look_at(&of_both[1], &places[1], &pair->after, pair, problem);
}

/* --- one target ------------------------------------------------------------------------------------------------- */

/* Does anything move in it? */
static int look_twice(const struct peeps_options *options, const struct peeps_place *place,
		      struct pair *pair, struct peeps_problem *problem)
{
	const int r = look_at(options, place, &pair->before, pair, problem);

	if (r)
		return r;
	peeps_sleep_for_ns(options->every_ns);
	return look_at(options, place, &pair->after, pair, problem);
}

static int count_one(void *context, const struct peeps_graph *graph, struct peeps_problem *problem)
{
	int64_t *count = context;

	(void)graph;
	(void)problem;
	++*count;
	return 0;
}

static int look_at_ends(const struct peeps_options *options, const struct peeps_place *place,
			struct pair *pair, struct peeps_problem *problem)
{
	struct peeps_options first = *options, last = *options;
	int64_t count = 0;
	int r = options->at ? 0
			    : peeps_snapshots_each(options, place, 1, count_one, &count, problem);

	if (r)
		return r;
	if (count < 2)
		return refuse(problem, "nothing to compare with",
			      "name a second one, or a process: peeps-read diff A B",
			      options->at ? "--at takes one snapshot of "
					  : "there is one snapshot in ",
			      place->word);
	first.at = -count;
	last.at = -1;
	r = look_at(&first, place, &pair->before, pair, problem);
	return r ? r : look_at(&last, place, &pair->after, pair, problem);
}

static int look_at_one(const struct peeps_options *options, const struct peeps_place *place,
		       struct pair *pair, struct peeps_problem *problem)
{
	if (place->kind == PEEPS_PLACE_PROCESS)
		return look_twice(options, place, pair, problem);
	if (is_of_snapshots(place))
		return look_at_ends(options, place, pair, problem);
	return refuse(problem, "nothing to compare with",
		      "name a second one, such as a snapshot that was taken before",
		      "it stays as it is: ", place->word);
}

/* --- the answer ------------------------------------------------------------------------------------------------- */

static int look(const struct peeps_options *options, struct pair *pair,
		struct peeps_problem *problem)
{
	struct peeps_place places[PEEPS_WORDS_MAX];
	size_t count = options->target_count;
	int r;

	if (count > 2)
		return refuse(problem, "too many targets", "peeps-read diff A B",
			      "diff compares two, and does not know what to do with ",
			      options->targets[2]);
	r = peeps_places_find(places, options->targets, &count, problem);
	if (r)
		return r;
	r = count == 1 ? look_at_one(options, &places[0], pair, problem)
		       : look_at_both(options, places, pair, problem);
	peeps_places_close(places, count);
	return r;
}

/* Time goes one way, whichever was named first. */
static void put_in_order(struct pair *pair)
{
	struct peeps_graph *const first = pair->before;

	if (pair->before->taken_at_unix_ns <= pair->after->taken_at_unix_ns)
		return;
	pair->before = pair->after;
	pair->after = first;
}

static int print(const struct peeps_options *options, const struct pair *pair, FILE *out,
		 struct peeps_problem *problem)
{
	const struct peeps_diff_view view = { .min_ns = options->min_ns,
					      .all = options->all,
					      .width = options->width,
					      .colored = options->colored };
	struct peeps_difference difference;
	int r = peeps_difference_init(&difference, pair->before, pair->after);

	if (r)
		return r;
	if (options->format == PEEPS_FORMAT_JSON)
		r = peeps_diff_json(&difference, view.min_ns, out);
	else
		r = peeps_diff_text(&difference, &view, out, problem);
	peeps_difference_deinit(&difference);
	return r;
}

/* As peeps_answer(), of two graphs. */
static int answer(const struct peeps_options *options, struct pair *pair,
		  struct peeps_problem *problem)
{
	struct peeps_output output;
	int r = peeps_output_open(&output, NULL, problem);

	if (r)
		return r;
	put_in_order(pair);
	r = print(options, pair, output.stream, problem);
	output.error = -r;
	if (r == -ENOMEM || r == -ELOOP || problem->status) {
		peeps_output_abandon(&output);
		return r;
	}
	return peeps_output_commit(&output, problem);
}

static bool is_partial(const struct pair *pair)
{
	return pair->before->quality == PEEPS_QUALITY_PARTIAL ||
	       pair->after->quality == PEEPS_QUALITY_PARTIAL;
}

int peeps_diff(const struct peeps_options *options)
{
	struct peeps_problem problem = { .status = 0 }, of_answer = { .status = 0 };
	struct pair pair = { .looked = 0 };
	int status, r = look(options, &pair, &problem);

	if (r) {
		status = peeps_complain_of(r, &problem);
	} else {
		r = answer(options, &pair, &of_answer);
		if (r)
			status = peeps_complain_of(r, &of_answer);
		else if (pair.looked)
			status = peeps_complain_of(pair.looked, &problem);
		else
			status = is_partial(&pair) ? PEEPS_PROBLEM_NO_CUT : PEEPS_EXIT_FINE;
	}
	peeps_graph_free(pair.before);
	peeps_graph_free(pair.after);
	return status;
}
