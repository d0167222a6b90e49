/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "reader/analysis/attribute_changes.h"
#include "reader/analysis/waits.h"
#include "reader/format/document.h"
#include "reader/format/json.h"
#include "reader/verbs/verb_diff.h"
#include "reader/verbs/wait_json.h"
#include "reader/words/report.h"

struct writer {
	const struct peeps_difference *difference;
	struct peeps_json *json;
};

static void bool_at(struct peeps_json *json, const char *key, bool value)
{
	peeps_sink_bool_at(&json->sink, key, value);
}

static void write_snapshot(const struct writer *w, const char *key, const struct peeps_graph *graph)
{
	peeps_json_key(w->json, key);
	peeps_json_map(w->json);
	peeps_report_json(graph, w->json);
	peeps_json_number_at(w->json, "sequence",
			     graph->sequence ? graph->sequence : PEEPS_NO_TIME);
	peeps_json_map_end(w->json);
}

/* --- processes -------------------------------------------------------------------------------------------------- */

static void write_losses(const struct writer *w, uint32_t position)
{
	const struct peeps_process *process = &w->difference->after->processes[position];

	peeps_json_key(w->json, "lost");
	peeps_json_map(w->json);
	for (size_t i = 0; i < process->counter_count; i++) {
		const uint64_t more =
			peeps_difference_lost(w->difference, position, &process->counters[i]);

		if (more)
			peeps_json_number_at(w->json, process->counters[i].name, more);
	}
	peeps_json_map_end(w->json);
}

static void write_process(const struct writer *w, const struct peeps_process *process,
			  const char *change)
{
	peeps_json_map(w->json);
	peeps_json_text_at(w->json, "change", change);
	peeps_json_text_at(w->json, "proc_key", process->proc_key);
	peeps_json_number_at(w->json, "pid", process->pid);
}

static void write_processes(const struct writer *w)
{
	const struct peeps_difference *difference = w->difference;

	peeps_json_key(w->json, "processes");
	peeps_json_array(w->json);
	for (uint32_t i = 0; i < difference->after->process_count; i++) {
		const bool stayed = difference->processes.before[i] != PEEPS_NOT_THERE;

		write_process(w, &difference->after->processes[i], stayed ? "stayed" : "came");
		if (stayed) {
			peeps_json_number_at(w->json, "elapsed_ns",
					     peeps_difference_elapsed_ns(difference, i));
			write_losses(w, i);
		}
		peeps_json_map_end(w->json);
	}
	for (uint32_t i = 0; i < difference->before->process_count; i++) {
		if (difference->processes.after[i] != PEEPS_NOT_THERE)
			continue;
		write_process(w, &difference->before->processes[i], "went");
		peeps_json_map_end(w->json);
	}
	peeps_json_array_end(w->json);
}

/* --- waits ------------------------------------------------------------------------------------------------------ */

static void write_wait(const struct writer *w, const char *change, bool proved,
		       const struct peeps_graph *graph, const struct peeps_wait *wait)
{
	peeps_json_map(w->json);
	peeps_json_text_at(w->json, "change", change);
	bool_at(w->json, "proved", proved);
	peeps_json_number_at(w->json, "poll_count", graph->edges[wait->edge].poll_count);
	peeps_json_key(w->json, "wait");
	peeps_wait_json(w->json, graph, wait, NULL);
	peeps_json_map_end(w->json);
}

static int write_waits_after(const struct writer *w, uint64_t min_ns)
{
	const struct peeps_difference *difference = w->difference;
	struct peeps_waits waits;
	const int r = peeps_waits_init(&waits, difference->after, min_ns);

	if (r)
		return r;
	for (size_t i = 0; i < waits.count; i++) {
		const uint32_t edge = waits.waits[i].edge;
		const bool same = difference->edges.before[edge] != PEEPS_NOT_THERE;

		if (!peeps_difference_shares_after(difference, edge))
			continue;
		write_wait(w, same ? "same" : "new",
			   peeps_difference_proves_after(difference, edge), difference->after,
			   &waits.waits[i]);
	}
	peeps_waits_deinit(&waits);
	return 0;
}

static bool has_ended(const void *context, uint32_t edge)
{
	const struct peeps_difference *difference = context;

	return difference->edges.after[edge] == PEEPS_NOT_THERE &&
	       peeps_difference_shares_before(difference, edge);
}

static int write_waits_ended(const struct writer *w, uint64_t min_ns)
{
	const struct peeps_difference *difference = w->difference;
	const struct peeps_wait_filter filter = { .min_ns = min_ns,
						  .wanted = has_ended,
						  .context = difference };
	struct peeps_waits waits;
	const int r = peeps_waits_init_some(&waits, difference->before, &filter);

	if (r)
		return r;
	for (size_t i = 0; i < waits.count; i++)
		write_wait(w, "ended",
			   peeps_difference_proves_ended(difference, waits.waits[i].edge),
			   difference->before, &waits.waits[i]);
	peeps_waits_deinit(&waits);
	return 0;
}

static int write_waits(const struct writer *w, uint64_t min_ns)
{
	int r;

	peeps_json_key(w->json, "waits");
	peeps_json_array(w->json);
	r = write_waits_after(w, min_ns);
	if (r == 0)
		r = write_waits_ended(w, min_ns);
	peeps_json_array_end(w->json);
	return r;
}

static void write_tally(const struct writer *w, uint64_t min_ns)
{
	const struct peeps_wait_tally tally = peeps_difference_tally(w->difference, min_ns);

	peeps_json_key(w->json, "tally");
	peeps_json_map(w->json);
	peeps_json_number_at(w->json, "same", tally.same);
	peeps_json_number_at(w->json, "unproved", tally.unproved);
	peeps_json_number_at(w->json, "new", tally.begun);
	peeps_json_number_at(w->json, "ended", tally.ended);
	peeps_json_number_at(w->json, "longest_ns", tally.same ? tally.longest_ns : PEEPS_NO_TIME);
	peeps_json_map_end(w->json);
}

/* --- holds ------------------------------------------------------------------------------------------------------ */

static void write_hold(const struct writer *w, const char *change, bool proved,
		       const struct peeps_graph *graph, const struct peeps_edge *hold)
{
	peeps_json_map(w->json);
	peeps_json_text_at(w->json, "change", change);
	bool_at(w->json, "proved", proved);
	peeps_json_key(w->json, "hold");
	peeps_hold_json(w->json, graph, hold);
	peeps_json_map_end(w->json);
}

static void write_holds(const struct writer *w)
{
	const struct peeps_difference *difference = w->difference;
	const struct peeps_graph *before = difference->before, *after = difference->after;

	peeps_json_key(w->json, "holds");
	peeps_json_array(w->json);
	for (uint32_t i = 0; i < after->edge_count; i++) {
		if (after->edges[i].kind == PEEPS_EDGE_HOLDS &&
		    peeps_difference_shares_after(difference, i))
			write_hold(w,
				   difference->edges.before[i] != PEEPS_NOT_THERE ? "same" : "new",
				   peeps_difference_proves_after(difference, i), after,
				   &after->edges[i]);
	}
	for (uint32_t i = 0; i < before->edge_count; i++) {
		if (before->edges[i].kind == PEEPS_EDGE_HOLDS &&
		    difference->edges.after[i] == PEEPS_NOT_THERE &&
		    peeps_difference_shares_before(difference, i))
			write_hold(w, "ended", peeps_difference_proves_ended(difference, i), before,
				   &before->edges[i]);
	}
	peeps_json_array_end(w->json);
}

/* --- entities and scopes ---------------------------------------------------------------------------------------- */

static void write_entity(const struct writer *w, const char *id, const char *kind, const char *name)
{
	peeps_json_map(w->json);
	peeps_json_text_at(w->json, "id", id);
	peeps_json_text_at(w->json, "kind", kind);
	peeps_json_text_at(w->json, "name", name);
	peeps_json_map_end(w->json);
}

/* What has no counterpart, of processes that have one. */
static void write_alone(const struct writer *w, const char *key,
			const struct peeps_difference_side *side)
{
	const struct peeps_graph *graph = side->graph;

	peeps_json_key(w->json, key);
	peeps_json_array(w->json);
	for (size_t i = 0; i < graph->node_count; i++) {
		const struct peeps_node *node = &graph->nodes[i];

		if (peeps_difference_lone_node(side, i))
			write_entity(w, node->id, node->kind, node->name);
	}
	for (size_t i = 0; i < graph->scope_count; i++) {
		const struct peeps_graph_scope *scope = &graph->scopes[i];

		if (peeps_difference_lone_scope(side, i))
			write_entity(w, scope->id, "scope", scope->name);
	}
	peeps_json_array_end(w->json);
}

static void write_traffic(const struct writer *w)
{
	const struct peeps_difference_side before = peeps_difference_before(w->difference);
	const struct peeps_difference_side after = peeps_difference_after(w->difference);

	write_alone(w, "came", &after);
	write_alone(w, "went", &before);
}

/* --- attributes ------------------------------------------------------------------------------------------------- */

struct attributes {
	const struct writer *w;
	enum peeps_attribute_class class;
};

static void write_value(const struct writer *w, const char *key, const struct peeps_graph *graph,
			const struct peeps_value *value)
{
	static const struct peeps_value none = { .type = PEEPS_VALUE_NULL };

	peeps_json_key(w->json, key);
	peeps_json_value(w->json, graph, value ? value : &none);
}

static int write_attribute(void *context, const struct peeps_attribute_change *change)
{
	const struct attributes *attributes = context;
	const struct writer *w = attributes->w;
	const struct peeps_node *node = &w->difference->after->nodes[change->node];

	if (change->class != attributes->class)
		return 0;
	peeps_json_map(w->json);
	peeps_json_text_at(w->json, "id", node->id);
	peeps_json_text_at(w->json, "kind", node->kind);
	peeps_json_text_at(w->json, "name", node->name);
	peeps_json_text_at(w->json, "attribute", change->name);
	write_value(w, "value_before", w->difference->before, change->before);
	write_value(w, "value_after", w->difference->after, change->after);
	peeps_json_map_end(w->json);
	return 0;
}

static int write_attributes(const struct writer *w, const char *key,
			    enum peeps_attribute_class class)
{
	struct attributes attributes = { .w = w, .class = class };
	int r;

	peeps_json_key(w->json, key);
	peeps_json_array(w->json);
	r = peeps_attribute_changes(w->difference, write_attribute, &attributes);
	peeps_json_array_end(w->json);
	return r;
}

/* --- findings --------------------------------------------------------------------------------------------------- */

static void write_finding(const struct writer *w, const char *change,
			  const struct peeps_finding *finding)
{
	peeps_json_map(w->json);
	peeps_json_text_at(w->json, "change", change);
	peeps_json_text_at(w->json, "kind", peeps_finding_name(finding->kind));
	peeps_json_text_at(w->json, "certainty", peeps_certainty_name(finding));
	peeps_json_text_at(w->json, "sentence", finding->sentence);
	peeps_json_map_end(w->json);
}

static void write_findings(const struct writer *w)
{
	const struct peeps_difference *difference = w->difference;

	peeps_json_key(w->json, "findings");
	peeps_json_array(w->json);
	for (size_t i = 0; i < difference->after->finding_count; i++)
		write_finding(w, difference->findings.before[i] != PEEPS_NOT_THERE ? "same" : "new",
			      &difference->after->findings[i]);
	for (size_t i = 0; i < difference->before->finding_count; i++) {
		if (difference->findings.after[i] == PEEPS_NOT_THERE)
			write_finding(w, "ended", &difference->before->findings[i]);
	}
	peeps_json_array_end(w->json);
}

/* --- all of it -------------------------------------------------------------------------------------------------- */

static int write_all(const struct writer *w, uint64_t min_ns)
{
	const struct peeps_difference *difference = w->difference;
	int r;

	write_snapshot(w, "before", difference->before);
	write_snapshot(w, "after", difference->after);
	peeps_json_number_at(w->json, "elapsed_ns", difference->elapsed_ns);
	write_processes(w);
	write_tally(w, min_ns);
	r = write_waits(w, min_ns);
	write_holds(w);
	write_traffic(w);
	if (r == 0)
		r = write_attributes(w, "counters", PEEPS_ATTRIBUTE_COUNTER);
	if (r == 0)
		r = write_attributes(w, "states", PEEPS_ATTRIBUTE_STATE);
	write_findings(w);
	return r;
}

int peeps_diff_json(const struct peeps_difference *difference, uint64_t min_ns, FILE *out)
{
	struct peeps_json json;
	const struct writer w = { difference, &json };
	int written, r = peeps_json_open(&json, out);

	if (r)
		return r;
	peeps_json_map(&json);
	r = write_all(&w, min_ns);
	peeps_json_map_end(&json);
	written = peeps_json_close(&json);
	return r ? r : written;
}
