/* SPDX-License-Identifier: MIT */
/* peeps-read: which thread of a running process is blocked on what, since when, and who holds it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "reader/arena.h"
#include "reader/format_json.h"
#include "reader/format_text.h"
#include "reader/graph.h"
#include "reader/json.h"
#include "reader/look.h"
#include "reader/options.h"
#include "reader/output.h"
#include "reader/print.h"
#include "reader/problem.h"
#include "reader/report.h"
#include "reader/verb_blocked.h"
#include "reader/verb_check.h"

static void print_line(const char *before, const char *text)
{
	if (!*text)
		return;
	(void)fputs(before, stderr);
	peeps_escape_to(stderr, text); /* it may be of the target's making */
	(void)fputc('\n', stderr);
}

/* At most three lines: what, why, and how to go on. Returns the exit status. */
static int complain(const struct peeps_problem *problem)
{
	print_line("peeps-read: ", problem->what);
	print_line("peeps-read: ", problem->why);
	print_line("hint: ", problem->hint);
	return problem->status;
}

/* For errors that filled in no problem. */
static int complain_of(int error, struct peeps_problem *problem)
{
	if (!problem->status) {
		problem->status = PEEPS_PROBLEM_OTHER;
		(void)snprintf(problem->what, sizeof(problem->what), "cannot go on");
		/* NOLINTNEXTLINE(concurrency-mt-unsafe): peeps-read has one thread */
		(void)snprintf(problem->why, sizeof(problem->why), "%s", strerror(-error));
	}
	return complain(problem);
}

static int print_text(const struct peeps_options *options, const struct peeps_graph *graph,
		      FILE *out)
{
	int r = 0;

	peeps_report_heading(graph, out);
	if (options->verb != PEEPS_VERB_CHECK) {
		(void)fputc('\n', out);
		r = options->tree ? peeps_blocked_tree(graph, options->min_ns, out)
				  : peeps_blocked_table(graph, options->min_ns, out);
	}
	if (r == 0 && options->verb != PEEPS_VERB_BLOCKED) {
		(void)fputc('\n', out);
		r = peeps_check_text(graph, out);
	}
	peeps_report_notes(graph, out);
	return r;
}

static int print_json(const struct peeps_options *options, const struct peeps_graph *graph,
		      FILE *out)
{
	struct peeps_json json;
	int r = peeps_json_open(&json, out);
	int written;

	if (r)
		return r;
	peeps_json_map(&json);
	peeps_format_json_quality(&json, graph);
	if (options->verb != PEEPS_VERB_CHECK)
		r = peeps_blocked_json(graph, options->min_ns, &json);
	if (r == 0 && options->verb != PEEPS_VERB_BLOCKED)
		peeps_check_json(graph, &json);
	peeps_json_map_end(&json);
	written = peeps_json_close(&json);
	return r ? r : written;
}

static int print_answer(const struct peeps_options *options, const struct peeps_graph *graph,
			FILE *out)
{
	const bool json = options->format == PEEPS_FORMAT_JSON;

	if (options->verb == PEEPS_VERB_DUMP)
		return json ? peeps_format_json(graph, out) : peeps_format_text(graph, out);
	return json ? print_json(options, graph, out) : print_text(options, graph, out);
}

static int print_help(const struct peeps_options *options, FILE *out)
{
	if (options->verb == PEEPS_VERB_VERSION)
		(void)fprintf(out, "peeps-read %s\n", PEEPS_VERSION);
	else
		peeps_options_help(options->topic, out);
	return 0;
}

/* Prints an answer, or without a graph what help and version say. Returns 0 or an exit status, having complained. */
static int answer(const struct peeps_options *options, const struct peeps_graph *graph)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_output output;
	int r = peeps_output_open(&output, options->output, &problem);

	if (r)
		return complain_of(r, &problem);
	r = graph ? print_answer(options, graph, output.stream)
		  : print_help(options, output.stream);
	if (r == -ENOMEM)
		peeps_output_abandon(&output);
	else /* failed writes are found here, too */
		r = peeps_output_commit(&output, &problem);
	return r ? complain_of(r, &problem) : 0;
}

static int look_and_answer(const struct peeps_options *options)
{
	struct peeps_problem problem = { .status = 0 };
	struct peeps_graph *graph = NULL;
	const int looked = peeps_look(options, &graph, &problem);
	bool judges, found, incomplete;
	int status;

	if (!graph)
		return complain_of(looked, &problem);
	judges = options->verb == PEEPS_VERB_CHECK || options->verb == PEEPS_VERB_LOOK;
	found = judges && peeps_check_found(graph);
	incomplete = looked != 0 || graph->quality == PEEPS_QUALITY_PARTIAL;

	status = answer(options, graph);
	peeps_graph_free(graph);
	if (status)
		return status;
	if (looked)
		(void)complain_of(looked, &problem);
	return found ? PEEPS_EXIT_FINDING : incomplete ? PEEPS_PROBLEM_NO_CUT : PEEPS_EXIT_FINE;
}

int main(int argc, char **argv)
{
	struct peeps_problem problem;
	struct peeps_options options;

	if (peeps_options_parse(&options, argc > 0 ? argc - 1 : 0, argv + 1, &problem) != 0)
		return complain(&problem);
	if (options.verb == PEEPS_VERB_HELP || options.verb == PEEPS_VERB_VERSION)
		return answer(&options, NULL);
	return look_and_answer(&options);
}
