/* SPDX-License-Identifier: MIT */
#include "reader/waits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t age_ns(const struct peeps_graph *graph, const struct peeps_edge *edge,
		       uint64_t since_ns)
{
	uint64_t now_ns;

	if (since_ns == PEEPS_NO_TIME)
		return PEEPS_NO_TIME;
	now_ns = graph->processes[peeps_edge_process(graph, edge)].ptime_now_ns;
	return now_ns > since_ns ? now_ns - since_ns : 0;
}

uint64_t peeps_edge_pending_ns(const struct peeps_graph *graph, const struct peeps_edge *edge)
{
	return age_ns(graph, edge, edge->pending_since_ns);
}

uint64_t peeps_edge_held_ns(const struct peeps_graph *graph, const struct peeps_edge *edge)
{
	return age_ns(graph, edge, edge->held_since_ns);
}

uint64_t peeps_edge_timeout_ns(const struct peeps_graph *graph, const struct peeps_edge *edge)
{
	const uint64_t now_ns = graph->processes[graph->nodes[edge->src].process].ptime_now_ns;
	uint64_t until_ms, until_ns;

	if (edge->state != PEEPS_STATE_PENDING || !peeps_times_out(edge, &until_ms))
		return PEEPS_NO_TIME;
	if (__builtin_mul_overflow(until_ms, UINT64_C(1000000), &until_ns))
		until_ns = PEEPS_NO_TIME - 1;
	return until_ns > now_ns ? until_ns - now_ns : 0;
}

static int by_age(const void *left, const void *right, void *context)
{
	const struct peeps_graph *graph = context;
	const struct peeps_wait *a = left, *b = right;
	int order;

	if (a->pending_ns != b->pending_ns) /* what is not known comes last */
		return a->pending_ns + 1 > b->pending_ns + 1 ? -1 : 1;
	order = strcmp(graph->nodes[graph->edges[a->edge].src].id,
		       graph->nodes[graph->edges[b->edge].src].id);
	return order ? order : (a->edge > b->edge) - (a->edge < b->edge);
}

int peeps_waits_init(struct peeps_waits *waits, const struct peeps_graph *graph, uint64_t min_ns)
{
	size_t count = 0;
	int r;

	memset(waits, 0, sizeof(*waits));
	r = peeps_wakers_init(&waits->wakers, graph);
	if (r)
		return r;

	for (size_t i = 0; i < graph->edge_count; i++)
		count += peeps_edge_is_wait(graph, &graph->edges[i]);
	waits->waits = calloc(count + 1, sizeof(waits->waits[0]));
	if (!waits->waits) {
		peeps_waits_deinit(waits);
		return -ENOMEM;
	}
	for (size_t i = 0; i < graph->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[i];
		struct peeps_wait *wait = &waits->waits[waits->count];

		if (!peeps_edge_is_wait(graph, edge))
			continue;
		wait->pending_ns = peeps_edge_pending_ns(graph, edge);
		if (wait->pending_ns < min_ns)
			continue;
		wait->edge = (uint32_t)i;
		wait->holders = peeps_wakers_at(&waits->wakers, edge->dst, &wait->holder_count);
		waits->count++;
	}
	qsort_r(waits->waits, waits->count, sizeof(waits->waits[0]), by_age,
		(void *)(uintptr_t)graph);
	return 0;
}

void peeps_waits_deinit(struct peeps_waits *waits)
{
	free(waits->waits);
	waits->waits = NULL;
	waits->count = 0;
	peeps_wakers_deinit(&waits->wakers);
}
