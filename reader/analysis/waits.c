/* SPDX-License-Identifier: MIT */
#include "reader/analysis/waits.h"

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

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int order_of_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

/* 0 = the same but for who waits, since when and until when. Who could end it depends on what is waited for alone. */
static int unlike(const struct peeps_graph *graph, const struct peeps_edge *a,
		  const struct peeps_edge *b)
{
	uint64_t until_ms;
	int by = order(a->dst, b->dst);

	by = by ? by : order(a->op, b->op);
	by = by ? by : order_of_texts(a->op_kind, b->op_kind);
	by = by ? by : order(graph->nodes[a->src].process, graph->nodes[b->src].process);
	by = by ? by : order(a->uncertain, b->uncertain);
	by = by ? by : order(peeps_permits_asked(a), peeps_permits_asked(b));
	by = by ? by : order(peeps_asks_to_read(a), peeps_asks_to_read(b));
	by = by ? by : order(peeps_times_out(a, &until_ms), peeps_times_out(b, &until_ms));
	by = by ? by : order(a->source.line, b->source.line);
	return by ? by : order_of_texts(a->source.file, b->source.file);
}

struct alike {
	const struct peeps_graph *graph;
	const struct peeps_waits *waits;
};

static int by_likeness(const void *left, const void *right, void *context)
{
	const struct alike *alike = context;
	const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	const int by = unlike(alike->graph, &alike->graph->edges[alike->waits->waits[a].edge],
			      &alike->graph->edges[alike->waits->waits[b].edge]);

	return by ? by : order(a, b); /* the longest first */
}

/* Which waits are the same, in time n log n. */
static int find_alike(struct peeps_waits *waits, const struct peeps_graph *graph)
{
	const struct alike alike = { graph, waits };
	uint32_t *sorted = calloc(waits->count + 1, sizeof(*sorted));
	uint32_t first = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < waits->count; i++)
		sorted[i] = (uint32_t)i;
	qsort_r(sorted, waits->count, sizeof(*sorted), by_likeness, (void *)(uintptr_t)&alike);
	for (size_t i = 0; i < waits->count; i++) {
		struct peeps_wait *wait = &waits->waits[sorted[i]];

		if (i == 0 || unlike(graph, &graph->edges[waits->waits[first].edge],
				     &graph->edges[wait->edge]) != 0)
			first = sorted[i];
		wait->like = first;
		waits->waits[first].like_count++;
	}
	free(sorted);
	return 0;
}

static bool is_wanted(const struct peeps_graph *graph, const struct peeps_wait_filter *filter,
		      uint32_t edge)
{
	return peeps_edge_is_wait(graph, &graph->edges[edge]) &&
	       peeps_edge_pending_ns(graph, &graph->edges[edge]) >= filter->min_ns &&
	       (!filter->wanted || filter->wanted(filter->context, edge));
}

int peeps_waits_init(struct peeps_waits *waits, const struct peeps_graph *graph, uint64_t min_ns)
{
	const struct peeps_wait_filter filter = { .min_ns = min_ns };

	return peeps_waits_init_some(waits, graph, &filter);
}

int peeps_waits_init_some(struct peeps_waits *waits, const struct peeps_graph *graph,
			  const struct peeps_wait_filter *filter)
{
	size_t count = 0;
	int r;

	memset(waits, 0, sizeof(*waits));
	r = peeps_wakers_init(&waits->wakers, graph);
	if (r)
		return r;

	for (uint32_t i = 0; i < graph->edge_count; i++)
		count += is_wanted(graph, filter, i);
	waits->waits = calloc(count + 1, sizeof(waits->waits[0]));
	if (!waits->waits) {
		peeps_waits_deinit(waits);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < graph->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[i];
		struct peeps_wait *wait = &waits->waits[waits->count];

		if (!is_wanted(graph, filter, i))
			continue;
		wait->pending_ns = peeps_edge_pending_ns(graph, edge);
		wait->edge = i;
		wait->holders = peeps_wakers_at(&waits->wakers, edge->dst, &wait->holder_count);
		waits->count++;
	}
	qsort_r(waits->waits, waits->count, sizeof(waits->waits[0]), by_age,
		(void *)(uintptr_t)graph);
	r = find_alike(waits, graph);
	if (r)
		peeps_waits_deinit(waits);
	return r;
}

void peeps_waits_deinit(struct peeps_waits *waits)
{
	free(waits->waits);
	waits->waits = NULL;
	waits->count = 0;
	peeps_wakers_deinit(&waits->wakers);
}
