/* SPDX-License-Identifier: MIT */
#include "reader/words/telling.h"

#include <errno.h>

/* Counted, then filled in, each time in the order of the waits. */
static int index_waits(struct peeps_telling *t, struct peeps_wait_index *index,
		       enum peeps_edge_end end)
{
	const size_t room = t->graph->node_count + 2;

	index->starts = peeps_arena_take(t->arena, room, sizeof(index->starts[0]));
	index->waits = peeps_arena_take(t->arena, t->waits.count + 1, sizeof(index->waits[0]));
	if (!index->starts || !index->waits)
		return -ENOMEM;
	for (size_t i = 0; i < t->waits.count; i++) {
		const struct peeps_edge *edge = peeps_telling_edge(t, &t->waits.waits[i]);

		index->starts[(end == PEEPS_END_SRC ? edge->src : edge->dst) + 2]++;
	}
	for (size_t i = 2; i < room; i++)
		index->starts[i] += index->starts[i - 1];
	for (uint32_t i = 0; i < t->waits.count; i++) {
		const struct peeps_edge *edge = peeps_telling_edge(t, &t->waits.waits[i]);
		const uint32_t node = end == PEEPS_END_SRC ? edge->src : edge->dst;

		index->waits[index->starts[node + 1]++] = i;
	}
	return 0;
}

int peeps_telling_init(struct peeps_telling *telling, const struct peeps_graph *graph,
		       uint64_t min_ns)
{
	const struct peeps_wait_filter filter = { .min_ns = min_ns };

	return peeps_telling_init_some(telling, graph, &filter);
}

int peeps_telling_init_some(struct peeps_telling *telling, const struct peeps_graph *graph,
			    const struct peeps_wait_filter *filter)
{
	int r;

	telling->graph = graph;
	telling->arena = peeps_arena_new(0);
	if (!telling->arena)
		return -ENOMEM;
	r = peeps_labels_init(&telling->labels, graph);
	if (r)
		goto fail_labels;
	r = peeps_waits_init_some(&telling->waits, graph, filter);
	if (r)
		goto fail_waits;
	r = index_waits(telling, &telling->by_actor, PEEPS_END_SRC);
	if (r == 0)
		r = index_waits(telling, &telling->by_resource, PEEPS_END_DST);
	if (r)
		goto fail_index;
	return 0;
fail_index:
	peeps_waits_deinit(&telling->waits);
fail_waits:
	peeps_labels_deinit(&telling->labels);
fail_labels:
	peeps_arena_free(telling->arena);
	return r;
}

void peeps_telling_deinit(struct peeps_telling *telling)
{
	peeps_waits_deinit(&telling->waits);
	peeps_labels_deinit(&telling->labels);
	peeps_arena_free(telling->arena);
}
