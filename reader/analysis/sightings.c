/* SPDX-License-Identifier: MIT */
#include "reader/analysis/sightings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader/graph/hash.h"

/* Compared as bytes. */
struct peeps_sighting {
	uint64_t who; /* process and ends */
	uint32_t slot;
	uint32_t wait_sequence;
	uint32_t kind;
	uint32_t op;
};

_Static_assert(sizeof(struct peeps_sighting) == 24, "no padding is compared");

/* What lasts, and may be what a finding rests on. */
static bool is_of_interest(const struct peeps_edge *edge)
{
	return edge->kind != PEEPS_EDGE_NEEDS || edge->state == PEEPS_STATE_PENDING;
}

static struct peeps_sighting see(const struct peeps_graph *graph, const struct peeps_edge *edge)
{
	const struct peeps_process *process = &graph->processes[peeps_edge_process(graph, edge)];
	uint64_t who = peeps_hash_text(process->start_time_ticks, process->proc_key);

	who = peeps_hash_text(who, graph->nodes[edge->src].id);
	who = peeps_hash_text(who, graph->nodes[edge->dst].id);
	return (struct peeps_sighting){
		.who = who,
		.slot = edge->slot,
		.wait_sequence = edge->wait_sequence,
		.kind = edge->kind,
		.op = edge->op,
	};
}

static int compare(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(struct peeps_sighting));
}

int peeps_sightings_init(struct peeps_sightings *sightings, const struct peeps_graph *graph,
			 bool proved_only)
{
	size_t count = 0;

	sightings->count = 0;
	sightings->sorted = NULL;
	for (size_t i = 0; i < graph->edge_count; i++)
		count += is_of_interest(&graph->edges[i]);
	sightings->sorted = calloc(count + 1, sizeof(sightings->sorted[0]));
	if (!sightings->sorted)
		return -ENOMEM;
	for (size_t i = 0; i < graph->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[i];

		if (is_of_interest(edge) && !(proved_only && edge->uncertain))
			sightings->sorted[sightings->count++] = see(graph, edge);
	}
	qsort(sightings->sorted, sightings->count, sizeof(sightings->sorted[0]), compare);
	return 0;
}

void peeps_sightings_deinit(struct peeps_sightings *sightings)
{
	free(sightings->sorted);
	sightings->sorted = NULL;
	sightings->count = 0;
}

static bool has(const struct peeps_sightings *sightings, const struct peeps_sighting *sighting)
{
	return sightings->count && bsearch(sighting, sightings->sorted, sightings->count,
					   sizeof(*sighting), compare) != NULL;
}

bool peeps_sightings_have(const struct peeps_sightings *sightings, const struct peeps_graph *graph,
			  const struct peeps_edge *edge)
{
	const struct peeps_sighting sighting = see(graph, edge);

	return has(sightings, &sighting);
}

void peeps_sightings_intersect(struct peeps_sightings *sightings,
			       const struct peeps_sightings *others)
{
	size_t kept = 0;

	for (size_t i = 0; i < sightings->count; i++) {
		if (has(others, &sightings->sorted[i]))
			sightings->sorted[kept++] = sightings->sorted[i];
	}
	sightings->count = kept;
}
