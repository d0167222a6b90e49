/* SPDX-License-Identifier: MIT */
#include "reader/recording/news.h"

#include "reader/graph/graph.h"
#include "reader/graph/hash.h"

static uint64_t mix(uint64_t hash, uint64_t number)
{
	return peeps_hash_bytes(hash, (const char *)&number, sizeof(number));
}

/* A wait is another one, though it looks the same, if it began anew. */
static uint64_t hash_of(const struct peeps_graph *graph, const struct peeps_finding *finding)
{
	uint64_t hash = mix(0, finding->kind);

	for (size_t i = 0; i < finding->node_count; i++)
		hash = peeps_hash_text(hash, graph->nodes[finding->nodes[i]].id);
	for (size_t i = 0; i < finding->edge_count; i++) {
		const struct peeps_edge *edge = &graph->edges[finding->edges[i]];

		hash = mix(mix(hash, edge->slot), edge->wait_sequence);
	}
	return hash;
}

static int is_new(struct peeps_news *news, uint64_t hash)
{
	for (size_t i = 0; i < news->count; i++) {
		if (news->seen[i] == hash)
			return 0;
	}
	if (news->count == PEEPS_NEWS_MAX)
		return 0;
	news->seen[news->count++] = hash;
	return 1;
}

const struct peeps_finding *peeps_news_next(struct peeps_news *news,
					    const struct peeps_graph *graph, size_t *cursor)
{
	while (*cursor < graph->finding_count) {
		const struct peeps_finding *finding = &graph->findings[(*cursor)++];

		if (finding->certain && is_new(news, hash_of(graph, finding)))
			return finding;
	}
	return NULL;
}
