/* SPDX-License-Identifier: MIT */
#include "reader/verbs/verbs.h"

#include "reader/format/json.h"
#include "reader/look/subject.h"
#include "reader/verbs/verb_blocked.h"
#include "reader/verbs/verb_check.h"
#include "reader/verbs/verb_explain.h"
#include "reader/words/report.h"

static int print_text(const struct peeps_options *options, const struct peeps_graph *graph,
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
	const struct peeps_check_view verdict = { .all = options->all,
						  .colored = options->colored };
	int r = peeps_blocked_view_check(graph, &view, problem);

	if (r)
		return r;
	peeps_report_heading(graph, out);
	if (options->verb != PEEPS_VERB_CHECK) {
		(void)fputc('\n', out);
		r = options->tree ? peeps_blocked_tree(graph, &view, out)
				  : peeps_blocked_table(graph, &view, out, problem);
	}
	if (r == 0 && options->verb != PEEPS_VERB_BLOCKED) {
		(void)fputc('\n', out);
		r = peeps_check_text(graph, &verdict, out);
	}
	peeps_report_notes(graph, out);
	return r;
}

/* What is asked of the graph, in JSON: keys of an open map. */
static int write_look(const struct peeps_options *options, const struct peeps_graph *graph,
		      const struct peeps_subject *subject, struct peeps_json *json)
{
	int r;

	if (subject)
		return peeps_explain_json(graph, subject, json);
	if (options->verb == PEEPS_VERB_CHECK)
		r = peeps_check_waits_json(graph, json);
	else
		r = peeps_blocked_json(graph, options->min_ns, json);
	if (r == 0 && options->verb != PEEPS_VERB_BLOCKED)
		peeps_check_json(graph, json);
	return r;
}

static int print_json(const struct peeps_options *options, const struct peeps_graph *graph,
		      const struct peeps_subject *subject, FILE *out)
{
	struct peeps_json json;
	int r = peeps_json_open(&json, out);
	int written;

	if (r)
		return r;
	peeps_json_map(&json);
	peeps_report_json(graph, &json);
	r = write_look(options, graph, subject, &json);
	peeps_json_map_end(&json);
	written = peeps_json_close(&json);
	return r ? r : written;
}

int peeps_print_look(const struct peeps_options *options, const struct peeps_graph *graph,
		     FILE *out, struct peeps_problem *problem)
{
	return options->format == PEEPS_FORMAT_JSON ? print_json(options, graph, NULL, out)
						    : print_text(options, graph, out, problem);
}

int peeps_print_explain(const struct peeps_options *options, const struct peeps_graph *graph,
			FILE *out, struct peeps_problem *problem)
{
	struct peeps_subject subject;
	int r = peeps_subject_find(&subject, graph, options->subject, problem);

	if (r)
		return r;
	if (options->format == PEEPS_FORMAT_JSON)
		return print_json(options, graph, &subject, out);
	peeps_report_heading(graph, out);
	(void)fputc('\n', out);
	r = peeps_explain_text(graph, &subject, options->all, out);
	peeps_report_notes(graph, out);
	return r;
}
