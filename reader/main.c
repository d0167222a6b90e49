/* SPDX-License-Identifier: MIT */
/* peeps-read: which thread of a running process is blocked on what, since when, and who holds it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "reader/command/answer.h"
#include "reader/command/complain.h"
#include "reader/command/completion.h"
#include "reader/command/help.h"
#include "reader/command/options.h"
#include "reader/command/watch.h"
#include "reader/format/color.h"
#include "reader/format/document.h"
#include "reader/format/format_dot.h"
#include "reader/format/format_text.h"
#include "reader/format/terminal.h"
#include "reader/problem.h"
#include "reader/verbs/verb_diff.h"
#include "reader/verbs/verb_doctor.h"
#include "reader/verbs/verb_gc.h"
#include "reader/verbs/verb_load.h"
#include "reader/verbs/verb_ps.h"
#include "reader/verbs/verb_query.h"
#include "reader/verbs/verb_record.h"
#include "reader/verbs/verbs.h"

/* Bytes that a terminal would obey, and nobody read. */
static int refuse_terminal(struct peeps_problem *problem)
{
	(void)snprintf(problem->what, sizeof(problem->what), "msgpack is not for a terminal");
	return peeps_problem_set(problem, PEEPS_PROBLEM_USAGE, -EINVAL,
				 "-o FILE, or a pipe; -f json can be read",
				 "standard output is one");
}

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
	case PEEPS_FORMAT_CSV: /* the options refuse it */
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
	case PEEPS_VERB_RECORD:
		return peeps_record(options);
	case PEEPS_VERB_LOAD:
		return peeps_load(options);
	case PEEPS_VERB_DIFF:
		return peeps_diff(options);
	case PEEPS_VERB_QUERY:
		return peeps_query(options);
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
	return PEEPS_PROBLEM_USAGE;
}

int main(int argc, char **argv)
{
	struct peeps_problem problem;
	struct peeps_options options;

	/* A file that may not grow (ulimit -f) is an error of that write: what was begun is removed, and it is told. */
	(void)signal(SIGXFSZ, SIG_IGN);
	if (peeps_options_parse(&options, argc > 0 ? argc - 1 : 0, argv + 1, &problem) != 0)
		return peeps_complain(&problem);
	if (!options.output) {
		options.colored = peeps_color_on(options.color, STDOUT_FILENO);
		options.width = peeps_terminal_width(STDOUT_FILENO);
	}
	return options.watch_ns ? peeps_watch(&options, STDOUT_FILENO, run) : run(&options);
}
