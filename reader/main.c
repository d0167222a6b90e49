/* SPDX-License-Identifier: MIT */
/* peeps-read: which thread of a running process is blocked on what, since when, and who holds it. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "reader/answer.h"
#include "reader/color.h"
#include "reader/complain.h"
#include "reader/document.h"
#include "reader/completion.h"
#include "reader/format_dot.h"
#include "reader/format_text.h"
#include "reader/graph.h"
#include "reader/help.h"
#include "reader/json.h"
#include "reader/options.h"
#include "reader/problem.h"
#include "reader/report.h"
#include "reader/subject.h"
#include "reader/terminal.h"
#include "reader/verb_blocked.h"
#include "reader/verb_check.h"
#include "reader/verb_doctor.h"
#include "reader/verb_gc.h"
#include "reader/watch.h"
#include "reader/verb_ps.h"
#include "reader/verb_explain.h"

static int print_blocked(const struct peeps_options *options, const struct peeps_graph *graph,
			 FILE *out, struct peeps_problem *problem)
{
	const struct peeps_blocked_view view = {
		.min_ns = options->min_ns,
		.all = options->all,
		.table = { .columns = options->columns,
			   .sort = options->sort,
			   .width = options->width,
			   .colored = options->colored },
	};

	return options->tree ? peeps_blocked_tree(graph, &view, out)
			     : peeps_blocked_table(graph, &view, out, problem);
}

static int print_text(const struct peeps_options *options, const struct peeps_graph *graph,
		      FILE *out, struct peeps_problem *problem)
{
	int r = 0;

	peeps_report_heading(graph, out);
	if (options->verb != PEEPS_VERB_CHECK) {
		(void)fputc('\n', out);
		r = print_blocked(options, graph, out, problem);
	}
	if (r == 0 && options->verb != PEEPS_VERB_BLOCKED) {
		(void)fputc('\n', out);
		r = peeps_check_text(graph,
				     &(struct peeps_check_view){ .all = options->all,
								 .colored = options->colored },
				     out);
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
	peeps_report_json(graph, &json);
	if (options->verb == PEEPS_VERB_CHECK)
		r = peeps_check_waits_json(graph, &json);
	else
		r = peeps_blocked_json(graph, options->min_ns, &json);
	if (r == 0 && options->verb != PEEPS_VERB_BLOCKED)
		peeps_check_json(graph, &json);
	peeps_json_map_end(&json);
	written = peeps_json_close(&json);
	return r ? r : written;
}

/* blocked, check, and both of them. */
static int print_look(const struct peeps_options *options, const struct peeps_graph *graph,
		      FILE *out, struct peeps_problem *problem)
{
	return options->format == PEEPS_FORMAT_JSON ? print_json(options, graph, out)
						    : print_text(options, graph, out, problem);
}

/* Bytes that a terminal would obey, and nobody read. */
static int refuse_terminal(struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "msgpack is not for a terminal");
	return peeps_problem_set(problem, PEEPS_EXIT_USAGE, -EINVAL,
				 "-o FILE, or a pipe; -f json can be read",
				 "standard output is one");
}

static int explain_in_json(const struct peeps_graph *graph, const struct peeps_subject *subject,
			   FILE *out)
{
	struct peeps_json json;
	int r = peeps_json_open(&json, out);
	int written;

	if (r)
		return r;
	peeps_json_map(&json);
	peeps_report_json(graph, &json);
	r = peeps_explain_json(graph, subject, &json);
	peeps_json_map_end(&json);
	written = peeps_json_close(&json);
	return r ? r : written;
}

static int print_explain(const struct peeps_options *options, const struct peeps_graph *graph,
			 FILE *out, struct peeps_problem *problem)
{
	struct peeps_subject subject;
	int r = peeps_subject_find(&subject, graph, options->subject, problem);

	if (r)
		return r;
	if (options->format == PEEPS_FORMAT_JSON)
		return explain_in_json(graph, &subject, out);
	peeps_report_heading(graph, out);
	(void)fputc('\n', out);
	r = peeps_explain_text(graph, &subject, options->all, out);
	peeps_report_notes(graph, out);
	return r;
}
#include "reader/options.h"
#include "reader/terminal.h"
#include "reader/verbs.h"

static int print_dump(const struct peeps_options *options, const struct peeps_graph *graph,
		      FILE *out, struct peeps_problem *problem)
{
	switch (options->format) {
	case PEEPS_FORMAT_JSON:
		return peeps_document_write_json(graph, out);
	case PEEPS_FORMAT_MSGPACK:
		if (isatty(fileno(out)))
			return refuse_terminal(problem);
		return peeps_document_write_msgpack(graph, out);
	case PEEPS_FORMAT_DOT:
		return peeps_format_dot(graph, out);
	case PEEPS_FORMAT_TEXT:
		break;
	}
	return peeps_format_text(graph, out);
}

static int print_help(const struct peeps_options *options, const struct peeps_graph *graph,
		      FILE *out, struct peeps_problem *problem)
{
	(void)graph;
	(void)problem;
	peeps_help(options->topic, out);
	return 0;
}

static int print_completion(const struct peeps_options *options, const struct peeps_graph *graph,
			    FILE *out, struct peeps_problem *problem)
{
	(void)graph;
	(void)problem;
	peeps_completion(options->shell, out);
	return 0;
}

static int print_version(const struct peeps_options *options, const struct peeps_graph *graph,
			 FILE *out, struct peeps_problem *problem)
{
	(void)options;
	(void)graph;
	(void)problem;
	(void)fprintf(out, "peeps-read %s\n", PEEPS_VERSION);
	return 0;
}

static int run(const struct peeps_options *options)
{
	switch (options->verb) {
	case PEEPS_VERB_LOOK:
	case PEEPS_VERB_BLOCKED:
	case PEEPS_VERB_CHECK:
		return peeps_answer_look(options, peeps_print_look);
	case PEEPS_VERB_EXPLAIN:
		return peeps_answer_look(options, peeps_print_explain);
	case PEEPS_VERB_DUMP:
		return peeps_answer_look(options, print_dump);
	case PEEPS_VERB_PS:
		return peeps_answer(options, peeps_ps_print, NULL);
	case PEEPS_VERB_DOCTOR:
		return peeps_doctor(options);
	case PEEPS_VERB_GC:
		return peeps_answer(options, peeps_gc_print, NULL);
	case PEEPS_VERB_COMPLETION:
		return peeps_answer(options, print_completion, NULL);
	case PEEPS_VERB_HELP:
		return peeps_answer(options, print_help, NULL);
	case PEEPS_VERB_VERSION:
		return peeps_answer(options, print_version, NULL);
	}
	return PEEPS_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct peeps_problem problem;
	struct peeps_options options;

	if (peeps_options_parse(&options, argc > 0 ? argc - 1 : 0, argv + 1, &problem) != 0)
		return peeps_complain(&problem);
	if (!options.output) {
		options.colored = peeps_color_on(options.color, STDOUT_FILENO);
		options.width = peeps_terminal_width(STDOUT_FILENO);
	}
	return options.watch_ns ? peeps_watch(&options, STDOUT_FILENO, run) : run(&options);
}
