/* SPDX-License-Identifier: MIT */
#include "reader/labels.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "reader/arena.h"
#include "reader/print.h"
#include "reader/waits.h"

static int by_name(const void *left, const void *right, void *context)
{
	const struct peeps_graph *graph = context;

	return strcmp(graph->nodes[*(const uint32_t *)left].name,
		      graph->nodes[*(const uint32_t *)right].name);
}

static const char *distinct_label(struct peeps_arena *arena, const struct peeps_node *node)
{
	if (node->tid)
		return peeps_arena_format(arena, "%s (%" PRIu32 ")", node->name, node->tid);
	return peeps_arena_format(arena, "%s (%s)", node->name, node->id);
}

int peeps_labels_init(struct peeps_labels *labels, const struct peeps_graph *graph)
{
	uint32_t *actors = calloc(graph->node_count + 1, sizeof(*actors));
	size_t count = 0;
	int r = -ENOMEM;

	labels->arena = peeps_arena_new(0);
	if (!labels->arena || !actors)
		goto out;
	labels->actors =
		peeps_arena_take(labels->arena, graph->node_count, sizeof(labels->actors[0]));
	if (!labels->actors)
		goto out;

	for (size_t i = 0; i < graph->node_count; i++) {
		if (graph->nodes[i].role == PEEPS_ROLE_ACTOR)
			actors[count++] = (uint32_t)i;
	}
	qsort_r(actors, count, sizeof(actors[0]), by_name, (void *)(uintptr_t)graph);
	for (size_t i = 0; i < count; i++) {
		if ((i > 0 && by_name(&actors[i - 1], &actors[i], (void *)(uintptr_t)graph) == 0) ||
		    (i + 1 < count &&
		     by_name(&actors[i], &actors[i + 1], (void *)(uintptr_t)graph) == 0))
			labels->actors[actors[i]] =
				distinct_label(labels->arena, &graph->nodes[actors[i]]);
	}
	r = peeps_arena_failed(labels->arena) ? -ENOMEM : 0;
out:
	free(actors);
	if (r)
		peeps_labels_deinit(labels);
	return r;
}

void peeps_labels_deinit(struct peeps_labels *labels)
{
	peeps_arena_free(labels->arena);
	labels->arena = NULL;
	labels->actors = NULL;
}

const char *peeps_label_actor(const struct peeps_labels *labels, const struct peeps_graph *graph,
			      uint32_t node)
{
	return labels->actors[node] ? labels->actors[node] : graph->nodes[node].name;
}

char *peeps_label_resource(struct peeps_arena *arena, const struct peeps_graph *graph,
			   uint32_t node, enum peeps_label_style style)
{
	const struct peeps_node *resource = &graph->nodes[node];
	const char *quote = style == PEEPS_LABEL_CELL ? "" : "\"";
	const char *file = resource->source.file;

	if (!file)
		return peeps_arena_format(arena, "%s %s%s%s", resource->kind, quote, resource->name,
					  quote);
	if (style != PEEPS_LABEL_FULL && strrchr(file, '/'))
		file = strrchr(file, '/') + 1;
	return peeps_arena_format(arena, "%s %s%s%s (%s:%" PRIu32 ")", resource->kind, quote,
				  resource->name, quote, file, resource->source.line);
}

char *peeps_label_source(struct peeps_arena *arena, const struct peeps_source *source)
{
	if (!source->file)
		return NULL;
	return peeps_arena_format(arena, "%s:%" PRIu32, source->file, source->line);
}

/* What comes between "has waited 12.4 s" and the resource. */
static const char *preposition(uint32_t op)
{
	switch (op) {
	case PEEPS_OP_SEND:
		return "to send on";
	case PEEPS_OP_RECV:
		return "to receive from";
	case PEEPS_OP_JOIN:
		return "for the end of";
	default:
		return "for";
	}
}

char *peeps_label_wait(struct peeps_arena *arena, const struct peeps_labels *labels,
		       const struct peeps_graph *graph, const struct peeps_edge *edge,
		       enum peeps_label_style style)
{
	const char *actor = peeps_label_actor(labels, graph, edge->src);
	const char *resource = peeps_label_resource(arena, graph, edge->dst, style);
	const uint64_t pending_ns = peeps_edge_pending_ns(graph, edge);
	char duration[PEEPS_DURATION_BYTES];

	if (!resource)
		return NULL;
	if (pending_ns == PEEPS_NO_TIME)
		return peeps_arena_format(arena, "%s waits %s %s", actor, preposition(edge->op),
					  resource);
	return peeps_arena_format(arena, "%s has waited %s %s %s", actor,
				  peeps_duration_floor(duration, pending_ns), preposition(edge->op),
				  resource);
}

char *peeps_label_hold(struct peeps_arena *arena, const struct peeps_labels *labels,
		       const struct peeps_graph *graph, const struct peeps_edge *edge,
		       enum peeps_label_style style)
{
	const char *actor = peeps_label_actor(labels, graph, edge->dst);
	const char *exited = graph->nodes[edge->dst].gone ? ", which has exited" : "";
	const uint64_t held_ns = peeps_edge_held_ns(graph, edge);
	const char *source =
		style == PEEPS_LABEL_FULL ? peeps_label_source(arena, &edge->source) : NULL;
	const char *verb = edge->role && strcmp(edge->role, "lock") == 0 ? "locked at" : "taken at";
	char duration[PEEPS_DURATION_BYTES] = "an unknown time";

	if (held_ns != PEEPS_NO_TIME)
		(void)peeps_duration_ceil(duration, held_ns, edge->held_accuracy_ns);
	if (!source)
		return peeps_arena_format(arena, "held for %s by %s%s", duration, actor, exited);
	return peeps_arena_format(arena, "held for %s by %s (%s %s)%s", duration, actor, verb,
				  source, exited);
}
