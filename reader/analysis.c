/* SPDX-License-Identifier: MIT */
#include "reader/analysis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader/arena.h"
#include "reader/edge_index.h"
#include "reader/findings.h"

static struct peeps_value *find_attribute(struct peeps_node *node, const char *name)
{
	for (size_t i = 0; i < node->attribute_count; i++) {
		if (strcmp(node->attributes[i].name, name) == 0)
			return &node->attributes[i].value;
	}
	return NULL;
}

static int set_attribute(struct peeps_arena *arena, struct peeps_node *node, const char *name,
			 struct peeps_value value)
{
	struct peeps_value *present = find_attribute(node, name);
	struct peeps_attribute *attributes;

	if (present) {
		*present = value;
		return 0;
	}
	attributes = peeps_arena_take(arena, node->attribute_count + 1, sizeof(*attributes));
	if (!attributes)
		return -ENOMEM;
	if (node->attribute_count)
		memcpy(attributes, node->attributes, node->attribute_count * sizeof(*attributes));
	attributes[node->attribute_count] =
		(struct peeps_attribute){ .name = name, .value = value };
	node->attributes = attributes;
	node->attribute_count++;
	return 0;
}

/* What many threads would have to store together is counted instead: DESIGN 5. */
static int count_waiters(struct peeps_graph *graph)
{
	uint64_t *waiters = calloc(graph->node_count + 1, sizeof(*waiters));
	int r = waiters ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < graph->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[i];

		if (edge->op == PEEPS_OP_LOCK && peeps_edge_is_wait(graph, edge))
			waiters[edge->dst]++;
	}
	for (size_t i = 0; r == 0 && i < graph->node_count; i++) {
		const struct peeps_value value = { .type = PEEPS_VALUE_UNSIGNED,
						   .as.number = waiters[i] };

		if (graph->nodes[i].kind_number == PEEPS_KIND_MUTEX)
			r = set_attribute(graph->arena, &graph->nodes[i], "waiters", value);
	}
	free(waiters);
	return r;
}

static void mark_blocked(struct peeps_graph *graph)
{
	for (size_t i = 0; i < graph->edge_count; i++) {
		struct peeps_value *activity;

		if (!peeps_edge_is_wait(graph, &graph->edges[i]))
			continue;
		activity = find_attribute(&graph->nodes[graph->edges[i].src], "activity");
		if (activity && activity->type == PEEPS_VALUE_TEXT &&
		    strcmp(activity->as.text, "running") == 0)
			activity->as.text = "blocked";
	}
}

int peeps_analyse(struct peeps_graph *graph, const struct peeps_analysis_options *options)
{
	int r = count_waiters(graph);

	if (r)
		return r;
	mark_blocked(graph);
	return peeps_findings_make(graph, options);
}
