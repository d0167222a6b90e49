/* SPDX-License-Identifier: MIT */
#include "reader/command/answer.h"

#include <errno.h>

#include "reader/command/complain.h"
#include "reader/command/output.h"
#include "reader/look/confirm.h"
#include "reader/look/place.h"
#include "reader/problem.h"
#include "reader/verbs/verb_check.h"

int peeps_answer_of(const struct peeps_options *options, peeps_print_of_fn *print, void *context)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_output output;
	int r;

	if (options->frame) { /* who watches sees what became of it */
		r = print(context, options->frame, &problem);
		return r ? peeps_complain_of(r, &problem) : 0;
	}
	r = peeps_output_open(&output, options->output, &problem);
	if (r == 0 && options->compressed)
		r = peeps_output_compress(&output, &problem);
	if (r)
		return peeps_complain_of(r, &problem);
	r = print(context, output.stream, &problem);
	output.error = -r;
	if (r == -ENOMEM || problem.status)
		peeps_output_abandon(&output);
	else /* failed writes are found here, too */
		r = peeps_output_commit(&output, &problem);
	return r ? peeps_complain_of(r, &problem) : 0;
}

struct graph_answer {
	const struct peeps_options *options;
	peeps_print_fn *print;
	const struct peeps_graph *graph;
};

static int print_graph(void *context, FILE *out, struct peeps_problem *problem)
{
	const struct graph_answer *answer = context;

	return answer->print(answer->options, answer->graph, out, problem);
}

int peeps_answer(const struct peeps_options *options, peeps_print_fn *print,
		 const struct peeps_graph *graph)
{
	struct graph_answer answer = { .options = options, .print = print, .graph = graph };

	return peeps_answer_of(options, print_graph, &answer);
}

static int exit_status(const struct peeps_options *options, const struct peeps_graph *graph,
		       bool complete)
{
	const bool judges = options->verb == PEEPS_VERB_CHECK || options->verb == PEEPS_VERB_LOOK;

	if (judges && peeps_check_found(graph))
		return PEEPS_EXIT_FINDING;
	return complete && graph->quality != PEEPS_QUALITY_PARTIAL ? PEEPS_EXIT_FINE
								   : PEEPS_PROBLEM_NO_CUT;
}

/* Nothing is called like that word: the first may be a verb misspelt. */
static void suggest_verb(const struct peeps_options *options, size_t word,
			 struct peeps_problem *problem)
{
	const char *verb = word == 0 && options->verb == PEEPS_VERB_LOOK &&
					   problem->status == PEEPS_PROBLEM_NO_PROCESS
				   ? peeps_verb_like(options->targets[0])
				   : NULL;

	if (verb)
		(void)snprintf(problem->hint, sizeof(problem->hint),
			       "did you mean the verb %s? peeps-read ps lists the processes", verb);
}

static int look(const struct peeps_options *options, struct peeps_graph **graph,
		struct peeps_problem *problem)
{
	struct peeps_place places[PEEPS_WORDS_MAX];
	size_t count = options->target_count;
	int r;

	if (count) {
		r = peeps_places_find(places, options->targets, &count, problem);
		if (r)
			suggest_verb(options, count, problem);
	} else { /* explain: the id says whose it is */
		count = 1;
		r = peeps_place_of_id(&places[0], options->subject, problem);
	}
	if (r)
		return r;
	r = peeps_confirm(options, places, count, graph, problem);
	peeps_places_close(places, count);
	return r;
}

int peeps_answer_look(const struct peeps_options *options, peeps_print_fn *print)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;
	const int looked = look(options, &graph, &problem);
	int status;

	if (!graph)
		return peeps_complain_of(looked, &problem);
	status = peeps_answer(options, print, graph);
	if (status == 0) {
		if (looked)
			(void)peeps_complain_of(looked, &problem);
		status = exit_status(options, graph, looked == 0);
	}
	peeps_graph_free(graph);
	return status;
}
