/* SPDX-License-Identifier: MIT */
#include "reader/analysis/difference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader/analysis/difference_edges.h"
#include "reader/analysis/waits.h"
#include "reader/graph/edge_index.h"
#include "reader/graph/id_index.h"

static int counterparts_init(struct peeps_counterparts *counterparts, size_t before, size_t after)
{
	counterparts->after = malloc((before + 1) * sizeof(uint32_t));
	counterparts->before = malloc((after + 1) * sizeof(uint32_t));
	if (!counterparts->after || !counterparts->before)
		return -ENOMEM;
	memset(counterparts->after, 0xff, (before + 1) * sizeof(uint32_t));
	memset(counterparts->before, 0xff, (after + 1) * sizeof(uint32_t));
	return 0;
}

static void counterparts_deinit(struct peeps_counterparts *counterparts)
{
	free(counterparts->after);
	free(counterparts->before);
}

/* --- by ids ----------------------------------------------------------------------------------------------------- */

/* What has ids: processes, nodes and scopes of a graph. */
struct named {
	size_t (*count)(const struct peeps_graph *graph);
	const char *(*id)(const struct peeps_graph *graph, uint32_t position);
	/* Of the same id. */
	bool (*is_same)(const struct peeps_difference *difference, uint32_t before, uint32_t after);
};

static size_t process_count(const struct peeps_graph *graph)
{
	return graph->process_count;
}

static const char *process_id(const struct peeps_graph *graph, uint32_t position)
{
	return graph->processes[position].proc_key;
}

static bool is_same_process(const struct peeps_difference *difference, uint32_t before,
			    uint32_t after)
{
	return difference->before->processes[before].start_time_ticks ==
	       difference->after->processes[after].start_time_ticks;
}

static size_t node_count(const struct peeps_graph *graph)
{
	return graph->node_count;
}

static const char *node_id(const struct peeps_graph *graph, uint32_t position)
{
	return graph->nodes[position].id;
}

/* A thread's id may be had by another one later. */
static bool is_same_node(const struct peeps_difference *difference, uint32_t before, uint32_t after)
{
	const struct peeps_node *a = &difference->before->nodes[before];
	const struct peeps_node *b = &difference->after->nodes[after];

	return difference->processes.after[a->process] == b->process &&
	       a->created_ns == b->created_ns && strcmp(a->kind, b->kind) == 0;
}

static size_t scope_count(const struct peeps_graph *graph)
{
	return graph->scope_count;
}

static const char *scope_id(const struct peeps_graph *graph, uint32_t position)
{
	return graph->scopes[position].id;
}

static bool is_same_scope(const struct peeps_difference *difference, uint32_t before,
			  uint32_t after)
{
	const struct peeps_graph_scope *a = &difference->before->scopes[before];
	const struct peeps_graph_scope *b = &difference->after->scopes[after];

	return difference->processes.after[a->process] == b->process &&
	       a->created_ns == b->created_ns;
}

static const struct named processes = { process_count, process_id, is_same_process };
static const struct named nodes = { node_count, node_id, is_same_node };
static const struct named scopes = { scope_count, scope_id, is_same_scope };

static void find_in(const struct peeps_id_index *index, const struct peeps_difference *difference,
		    const struct named *named, struct peeps_counterparts *counterparts)
{
	const size_t count = named->count(difference->after);

	for (uint32_t i = 0; i < count; i++) {
		const char *id = named->id(difference->after, i);
		const uint32_t found = peeps_id_index_find(index, id, strlen(id));

		if (found == PEEPS_ID_NONE || !named->is_same(difference, found, i))
			continue;
		counterparts->before[i] = found;
		counterparts->after[found] = i;
	}
}

static int match_named(struct peeps_difference *difference, const struct named *named,
		       struct peeps_counterparts *counterparts, uint64_t *seed)
{
	const size_t count = named->count(difference->before);
	struct peeps_id_index index;
	int r = counterparts_init(counterparts, count, named->count(difference->after));

	if (r)
		return r;
	r = peeps_id_index_init(&index, count);
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		r = peeps_id_index_add(&index, named->id(difference->before, i), i);
		if (r == -EEXIST) /* no graph of ours has two: the first is it */
			r = 0;
	}
	if (r == 0)
		find_in(&index, difference, named, counterparts);
	*seed = index.seed;
	peeps_id_index_deinit(&index);
	return r;
}

/* --- findings --------------------------------------------------------------------------------------------------- */

/* By edge of the graph before: the finding of that kind which rests on it. */
static void note_evidence(const struct peeps_graph *before, enum peeps_finding_kind kind,
			  uint32_t *finding_of)
{
	memset(finding_of, 0xff, (before->edge_count + 1) * sizeof(*finding_of));
	for (uint32_t i = 0; i < before->finding_count; i++) {
		const struct peeps_finding *finding = &before->findings[i];

		for (size_t k = 0; finding->kind == kind && k < finding->edge_count; k++)
			finding_of[finding->edges[k]] = i;
	}
}

/* A deadlock that persists may be told by another cycle of it: one wait that is the same is enough. */
static uint32_t finding_before(const struct peeps_difference *difference,
			       const struct peeps_finding *finding, const uint32_t *finding_of)
{
	for (size_t i = 0; i < finding->edge_count; i++) {
		const uint32_t edge = difference->edges.before[finding->edges[i]];

		if (edge != PEEPS_NOT_THERE && finding_of[edge] != PEEPS_NOT_THERE &&
		    difference->before->edges[edge].kind == PEEPS_EDGE_NEEDS)
			return finding_of[edge];
	}
	return PEEPS_NOT_THERE;
}

static int match_findings(struct peeps_difference *difference)
{
	const struct peeps_graph *before = difference->before, *after = difference->after;
	uint32_t *finding_of = malloc((before->edge_count + 1) * sizeof(*finding_of));
	int r = counterparts_init(&difference->findings, before->finding_count,
				  after->finding_count);

	if (!finding_of)
		r = -ENOMEM;
	for (enum peeps_finding_kind kind = 0; r == 0 && kind <= PEEPS_FINDING_LONG_WAIT; kind++) {
		note_evidence(before, kind, finding_of);
		for (uint32_t i = 0; i < after->finding_count; i++) {
			uint32_t found;

			if (after->findings[i].kind != kind)
				continue;
			found = finding_before(difference, &after->findings[i], finding_of);
			difference->findings.before[i] = found;
			if (found != PEEPS_NOT_THERE)
				difference->findings.after[found] = i;
		}
	}
	free(finding_of);
	return r;
}

/* --- all of it -------------------------------------------------------------------------------------------------- */

uint64_t peeps_difference_elapsed_ns(const struct peeps_difference *difference, uint32_t process)
{
	const uint32_t other = difference->processes.before[process];
	const uint64_t now_ns = difference->after->processes[process].ptime_now_ns;
	const uint64_t then_ns = other == PEEPS_NOT_THERE
					 ? now_ns
					 : difference->before->processes[other].ptime_now_ns;

	return now_ns > then_ns ? now_ns - then_ns : 0;
}

static uint64_t elapsed_ns(const struct peeps_difference *difference)
{
	uint64_t longest = PEEPS_NO_TIME;

	for (uint32_t i = 0; i < difference->after->process_count; i++) {
		const uint64_t own = peeps_difference_elapsed_ns(difference, i);

		if (difference->processes.before[i] != PEEPS_NOT_THERE &&
		    (longest == PEEPS_NO_TIME || own > longest))
			longest = own;
	}
	return longest;
}

int peeps_difference_init(struct peeps_difference *difference, const struct peeps_graph *before,
			  const struct peeps_graph *after)
{
	uint64_t seed;
	int r;

	*difference = (struct peeps_difference){ .before = before, .after = after };
	r = match_named(difference, &processes, &difference->processes, &seed);
	if (r == 0)
		r = match_named(difference, &nodes, &difference->nodes, &seed);
	if (r == 0)
		r = match_named(difference, &scopes, &difference->scopes, &seed);
	if (r == 0)
		r = counterparts_init(&difference->edges, before->edge_count, after->edge_count);
	if (r == 0)
		r = peeps_difference_match_edges(difference, seed);
	if (r == 0)
		r = match_findings(difference);
	if (r) {
		peeps_difference_deinit(difference);
		return r;
	}
	difference->elapsed_ns = elapsed_ns(difference);
	return 0;
}

void peeps_difference_deinit(struct peeps_difference *difference)
{
	counterparts_deinit(&difference->processes);
	counterparts_deinit(&difference->nodes);
	counterparts_deinit(&difference->scopes);
	counterparts_deinit(&difference->edges);
	counterparts_deinit(&difference->findings);
}

uint64_t peeps_difference_lost(const struct peeps_difference *difference, uint32_t process,
			       const struct peeps_counter_value *counter)
{
	const uint32_t other = difference->processes.before[process];
	uint64_t then;

	if (other == PEEPS_NOT_THERE)
		return 0;
	then = peeps_process_lost(&difference->before->processes[other], counter->name);
	return counter->value > then ? counter->value - then : 0;
}

/* --- what that proves ------------------------------------------------------------------------------------------- */

bool peeps_difference_is_exact(const struct peeps_graph *graph)
{
	return graph->quality == PEEPS_QUALITY_CUT || graph->quality == PEEPS_QUALITY_QUIESCENT;
}

/* A hold's stamp may be earlier than the hold, and none says nothing. */
static bool began_since(const struct peeps_difference *difference, const struct peeps_edge *edge)
{
	const uint32_t process =
		difference->processes.before[peeps_edge_process(difference->after, edge)];
	const uint64_t since_ns =
		edge->kind == PEEPS_EDGE_HOLDS ? edge->held_since_ns : edge->pending_since_ns;

	return since_ns != PEEPS_NO_TIME && process != PEEPS_NOT_THERE &&
	       since_ns > difference->before->processes[process].ptime_now_ns;
}

bool peeps_difference_proves_after(const struct peeps_difference *difference, uint32_t edge)
{
	const struct peeps_edge *now = &difference->after->edges[edge];
	const uint32_t then = difference->edges.before[edge];

	if (now->uncertain)
		return false;
	if (then != PEEPS_NOT_THERE)
		return !difference->before->edges[then].uncertain;
	return peeps_difference_is_exact(difference->before) || began_since(difference, now);
}

bool peeps_difference_proves_ended(const struct peeps_difference *difference, uint32_t edge)
{
	return !difference->before->edges[edge].uncertain &&
	       peeps_difference_is_exact(difference->after);
}

struct peeps_difference_side peeps_difference_before(const struct peeps_difference *difference)
{
	return (struct peeps_difference_side){ .graph = difference->before,
					       .of_processes = difference->processes.after,
					       .of_nodes = difference->nodes.after,
					       .of_scopes = difference->scopes.after };
}

struct peeps_difference_side peeps_difference_after(const struct peeps_difference *difference)
{
	return (struct peeps_difference_side){ .graph = difference->after,
					       .of_processes = difference->processes.before,
					       .of_nodes = difference->nodes.before,
					       .of_scopes = difference->scopes.before };
}

bool peeps_difference_lone_node(const struct peeps_difference_side *side, size_t node)
{
	return side->of_nodes[node] == PEEPS_NOT_THERE &&
	       side->of_processes[side->graph->nodes[node].process] != PEEPS_NOT_THERE;
}

bool peeps_difference_lone_scope(const struct peeps_difference_side *side, size_t scope)
{
	return side->of_scopes[scope] == PEEPS_NOT_THERE &&
	       side->of_processes[side->graph->scopes[scope].process] != PEEPS_NOT_THERE;
}

bool peeps_difference_shares_before(const struct peeps_difference *difference, uint32_t edge)
{
	const uint32_t process =
		peeps_edge_process(difference->before, &difference->before->edges[edge]);

	return difference->processes.after[process] != PEEPS_NOT_THERE;
}

bool peeps_difference_shares_after(const struct peeps_difference *difference, uint32_t edge)
{
	const uint32_t process =
		peeps_edge_process(difference->after, &difference->after->edges[edge]);

	return difference->processes.before[process] != PEEPS_NOT_THERE;
}

static bool is_counted(const struct peeps_graph *graph, uint32_t edge, uint64_t min_ns)
{
	return peeps_edge_is_wait(graph, &graph->edges[edge]) &&
	       peeps_edge_pending_ns(graph, &graph->edges[edge]) >= min_ns;
}

static void tally_after(const struct peeps_difference *difference, uint32_t edge,
			struct peeps_wait_tally *tally)
{
	const uint64_t pending_ns =
		peeps_edge_pending_ns(difference->after, &difference->after->edges[edge]);

	if (difference->edges.before[edge] == PEEPS_NOT_THERE) {
		tally->begun++;
	} else if (!peeps_difference_proves_after(difference, edge)) {
		tally->unproved++;
	} else {
		tally->same++;
		if (pending_ns != PEEPS_NO_TIME && pending_ns > tally->longest_ns)
			tally->longest_ns = pending_ns;
	}
}

struct peeps_wait_tally peeps_difference_tally(const struct peeps_difference *difference,
					       uint64_t min_ns)
{
	struct peeps_wait_tally tally = { .same = 0 };

	for (uint32_t i = 0; i < difference->after->edge_count; i++) {
		if (is_counted(difference->after, i, min_ns) &&
		    peeps_difference_shares_after(difference, i))
			tally_after(difference, i, &tally);
	}
	for (uint32_t i = 0; i < difference->before->edge_count; i++) {
		tally.ended += difference->edges.after[i] == PEEPS_NOT_THERE &&
			       is_counted(difference->before, i, min_ns) &&
			       peeps_difference_shares_before(difference, i);
	}
	return tally;
}
