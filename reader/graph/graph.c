/* SPDX-License-Identifier: MIT */
#include "reader/graph/graph.h"

#include <string.h>

#include "reader/graph/arena.h"

struct peeps_graph *peeps_graph_new(size_t limit_bytes)
{
	struct peeps_arena *arena = peeps_arena_new(limit_bytes);
	struct peeps_graph *graph;

	if (!arena)
		return NULL;
	graph = peeps_arena_take(arena, 1, sizeof(*graph));
	if (!graph) {
		peeps_arena_free(arena);
		return NULL;
	}
	graph->arena = arena;
	return graph;
}

void peeps_graph_free(struct peeps_graph *graph)
{
	if (graph)
		peeps_arena_free(graph->arena); /* the graph lies in it */
}

const struct peeps_value *peeps_graph_attribute(const struct peeps_node *node, const char *name)
{
	for (size_t i = 0; i < node->attribute_count; i++) {
		if (strcmp(node->attributes[i].name, name) == 0)
			return &node->attributes[i].value;
	}
	return NULL;
}

bool peeps_node_is_internal(const struct peeps_node *node)
{
	const struct peeps_value *visibility = peeps_graph_attribute(node, PEEPS_NODE_VISIBILITY);

	return visibility && visibility->type == PEEPS_VALUE_TEXT &&
	       strcmp(visibility->as.text, PEEPS_NODE_INTERNAL) == 0;
}

uint64_t peeps_process_lost(const struct peeps_process *process, const char *counter)
{
	for (size_t i = 0; i < process->counter_count; i++) {
		if (strcmp(process->counters[i].name, counter) == 0)
			return process->counters[i].value;
	}
	return 0;
}

bool peeps_graph_is_whole(const struct peeps_graph *graph)
{
	for (size_t i = 0; i < graph->process_count; i++) {
		const struct peeps_process *process = &graph->processes[i];

		if (peeps_process_lost(process, "dropped_threads") ||
		    peeps_process_lost(process, "dropped_entities") ||
		    peeps_process_lost(process, "dropped_edges"))
			return false;
	}
	return true;
}

const char *peeps_role_name(enum peeps_role role)
{
	switch (role) {
	case PEEPS_ROLE_ACTOR:
		return "actor";
	case PEEPS_ROLE_RESOURCE:
		return "resource";
	case PEEPS_ROLE_OTHER:
		break;
	}
	return "other";
}

const char *peeps_quality_name(enum peeps_quality quality)
{
	switch (quality) {
	case PEEPS_QUALITY_CUT:
		return "cut";
	case PEEPS_QUALITY_QUIESCENT:
		return "quiescent";
	case PEEPS_QUALITY_PARTIAL:
		return "partial";
	case PEEPS_QUALITY_PASSIVE:
		return "passive";
	}
	return "";
}

const char *peeps_certainty_name(const struct peeps_finding *finding)
{
	return finding->certain ? "certain" : "possible";
}

const char *peeps_finding_name(enum peeps_finding_kind kind)
{
	switch (kind) {
	case PEEPS_FINDING_DEADLOCK:
		return "deadlock";
	case PEEPS_FINDING_ORPHANED_WAIT:
		return "orphaned_wait";
	case PEEPS_FINDING_LONG_WAIT:
		return "long_wait";
	}
	return "";
}

const char *peeps_edge_kind_name(enum peeps_edge_kind kind)
{
	switch (kind) {
#define PEEPS_EDGE(symbol, number, name) \
	case PEEPS_EDGE_##symbol:        \
		return name;
#include <peeps/kinds.def>
	}
	return "";
}
