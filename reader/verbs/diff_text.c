/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "reader/format/color.h"
#include "reader/format/print.h"
#include "reader/graph/edge_index.h"
#include "reader/verbs/diff_sections.h"
#include "reader/words/report.h"

/* --- processes -------------------------------------------------------------------------------------------------------- */

static size_t *count_nodes(const struct peeps_graph *graph)
{
	size_t *counts = calloc(graph->process_count + 1, sizeof(*counts));

	for (size_t i = 0; counts && i < graph->node_count; i++)
		counts[graph->nodes[i].process]++;
	return counts;
}

static size_t *count_waits(const struct peeps_graph *graph)
{
	size_t *counts = calloc(graph->process_count + 1, sizeof(*counts));

	for (size_t i = 0; counts && i < graph->edge_count; i++) {
		if (peeps_edge_is_wait(graph, &graph->edges[i]))
			counts[peeps_edge_process(graph, &graph->edges[i])]++;
	}
	return counts;
}

/* With all that it had, in one line. */
static int print_lone(const struct peeps_diff_text *t, const struct peeps_graph *graph,
		      const uint32_t *counterparts, const char *what)
{
	size_t *nodes = count_nodes(graph), *waits = count_waits(graph);
	char entities[PEEPS_COUNT_BYTES], blocked[PEEPS_COUNT_BYTES];

	for (size_t i = 0; nodes && waits && i < graph->process_count; i++) {
		const struct peeps_process *process = &graph->processes[i];

		if (counterparts[i] != PEEPS_NOT_THERE)
			continue;
		(void)fputs("Process ", t->out);
		peeps_escape_to(t->out, process->proc_key);
		(void)fprintf(t->out, " %s, with %s entit%s, %s wait%s.\n", what,
			      peeps_count(entities, nodes[i]), nodes[i] == 1 ? "y" : "ies",
			      peeps_count(blocked, waits[i]), waits[i] == 1 ? "" : "s");
	}
	free(nodes);
	free(waits);
	return nodes && waits ? 0 : -ENOMEM;
}

static int print_processes(const struct peeps_diff_text *t)
{
	const struct peeps_difference *difference = t->difference;
	const int r = print_lone(t, difference->before, difference->processes.after, "went");

	return r ? r : print_lone(t, difference->after, difference->processes.before, "came");
}

/* --- findings --------------------------------------------------------------------------------------------------------- */

static void print_finding(const struct peeps_diff_text *t, const char *what,
			  const struct peeps_finding *finding)
{
	(void)fprintf(t->out, "%s: ", what);
	peeps_color_text(t->view->colored,
			 finding->certain ? PEEPS_MEANING_CERTAIN : PEEPS_MEANING_POSSIBLE,
			 peeps_certainty_name(finding), t->out);
	(void)fputs(", ", t->out);
	peeps_escape_to(t->out, finding->sentence);
	(void)fputc('\n', t->out);
}

static void print_findings_of(const struct peeps_diff_text *t, const struct peeps_graph *graph,
			      const uint32_t *counterparts, bool matched, const char *what)
{
	size_t count = 0;

	for (size_t i = 0; i < graph->finding_count; i++) {
		if ((counterparts[i] != PEEPS_NOT_THERE) != matched)
			continue;
		if (count++ < PEEPS_DIFF_ROWS_MAX || t->view->all)
			print_finding(t, what, &graph->findings[i]);
	}
	if (count > PEEPS_DIFF_ROWS_MAX && !t->view->all)
		(void)fprintf(t->out, "%s: %zu more: --all shows them\n", what,
			      count - PEEPS_DIFF_ROWS_MAX);
}

static void print_findings(const struct peeps_diff_text *t)
{
	const struct peeps_difference *difference = t->difference;

	if (difference->before->finding_count + difference->after->finding_count == 0)
		return;
	peeps_diff_title(t, "Findings");
	print_findings_of(t, difference->after, difference->findings.before, true, "still there");
	print_findings_of(t, difference->after, difference->findings.before, false, "new");
	print_findings_of(t, difference->before, difference->findings.after, false, "gone");
}

/* --- notes ------------------------------------------------------------------------------------------------------------ */

static void print_doubt(const struct peeps_diff_text *t, const struct peeps_graph *graph,
			const char *which)
{
	if (!peeps_difference_is_exact(graph))
		(void)fprintf(
			t->out,
			"note: the snapshot %s is %s: what it leaves uncertain, or may have missed, is said to be "
			"unproved\n",
			which, peeps_quality_name(graph->quality));
}

static void print_notes_of(const struct peeps_diff_text *t, const struct peeps_graph *graph,
			   const char *which)
{
	for (size_t i = 0; i < graph->note_count; i++) {
		(void)fprintf(t->out, "note (%s): ", which);
		peeps_escape_to(t->out, graph->notes[i]);
		(void)fputc('\n', t->out);
	}
}

static void print_losses(const struct peeps_diff_text *t, uint32_t position)
{
	const struct peeps_process *process = &t->difference->after->processes[position];

	for (size_t i = 0; i < process->counter_count; i++) {
		const struct peeps_counter_value *counter = &process->counters[i];
		const uint64_t more = peeps_difference_lost(t->difference, position, counter);
		char text[PEEPS_COUNT_BYTES], all[PEEPS_COUNT_BYTES];

		if (!counter->value)
			continue;
		(void)fputs("note: not everything of ", t->out);
		peeps_escape_to(t->out, process->proc_key);
		(void)fputs(" could be recorded: ", t->out);
		peeps_escape_to(t->out, counter->name);
		(void)fprintf(t->out, " %s, of which %s meanwhile\n",
			      peeps_count(all, counter->value), peeps_count(text, more));
	}
}

static void print_notes(const struct peeps_diff_text *t)
{
	const struct peeps_difference *difference = t->difference;

	(void)fputc('\n', t->out);
	print_doubt(t, difference->before, "before");
	print_doubt(t, difference->after, "after");
	print_notes_of(t, difference->before, "before");
	print_notes_of(t, difference->after, "after");
	for (uint32_t i = 0; i < difference->after->process_count; i++)
		print_losses(t, i);
}

static bool lost_something(const struct peeps_graph *graph)
{
	for (size_t i = 0; i < graph->process_count; i++) {
		for (size_t k = 0; k < graph->processes[i].counter_count; k++) {
			if (graph->processes[i].counters[k].value)
				return true;
		}
	}
	return false;
}

static bool has_notes(const struct peeps_difference *difference)
{
	return !peeps_difference_is_exact(difference->before) ||
	       !peeps_difference_is_exact(difference->after) || difference->before->note_count ||
	       difference->after->note_count || lost_something(difference->after);
}

/* --- all of it -------------------------------------------------------------------------------------------------------- */

static void print_headings(const struct peeps_diff_text *t)
{
	(void)fputs("before: ", t->out);
	peeps_report_heading(t->difference->before, t->out);
	(void)fputs("after:  ", t->out);
	peeps_report_heading(t->difference->after, t->out);
	(void)fputc('\n', t->out);
}

static int print_details(const struct peeps_diff_text *t, const struct peeps_movement *movement,
			 const struct peeps_traffic *traffic)
{
	int r;

	print_findings(t);
	r = peeps_diff_waits(t);
	if (r == 0)
		r = peeps_diff_traffic(t, traffic);
	return r ? r : peeps_diff_moved(t, movement);
}

int peeps_diff_text(const struct peeps_difference *difference, const struct peeps_diff_view *view,
		    FILE *out, struct peeps_problem *problem)
{
	const struct peeps_diff_text t = { difference, view, out, problem };
	const struct peeps_traffic traffic = peeps_diff_count_traffic(difference);
	struct peeps_movement *movement = peeps_movement_new(difference);
	int r;

	if (!movement)
		return -ENOMEM;
	print_headings(&t);
	peeps_diff_verdict(difference, movement, &traffic, view, out);
	r = print_processes(&t);
	if (r == 0)
		r = print_details(&t, movement, &traffic);
	if (r == 0 && has_notes(difference))
		print_notes(&t);
	free(movement);
	return r;
}
