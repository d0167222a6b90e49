/* SPDX-License-Identifier: MIT */
#include "reader/analysis/difference_edges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader/graph/edge_index.h"
#include "reader/graph/hash.h"

#define PROBES_MAX 256 /* as reader/graph/id_index.c */

/* Compared as bytes. */
struct key {
	uint64_t since_ns; /* of a wait: its number may have come round */
	uint64_t op_kind;  /* hash */
	uint32_t src, dst; /* of the graph before */
	uint32_t slot;
	uint32_t wait_sequence;
	uint32_t kind;
	uint32_t op;
};

_Static_assert(sizeof(struct key) == 40, "no padding is compared");

/* Edges of one key, which only a document can have that nobody wrote: each is matched once, in their order. */
struct entry {
	uint32_t hash;
	uint32_t first; /* NOT_THERE = free */
	uint32_t last;
	uint32_t left; /* the first that is not matched yet; NOT_THERE = none */
};

struct table {
	struct peeps_difference *difference;
	struct entry *entries; /* open addressing */
	uint32_t *next;        /* by edge of the graph before: the next one of its key */
	size_t mask;
	uint64_t seed;
};

static bool is_compared(const struct peeps_graph *graph, const struct peeps_edge *edge)
{
	return edge->kind == PEEPS_EDGE_HOLDS || peeps_edge_is_wait(graph, edge);
}

static struct key key_of(const struct table *table, const struct peeps_edge *edge, uint32_t src,
			 uint32_t dst)
{
	return (struct key){
		.since_ns = edge->kind == PEEPS_EDGE_NEEDS ? edge->pending_since_ns : 0,
		.op_kind = edge->op_kind ? peeps_hash_text(table->seed, edge->op_kind) : 0,
		.src = src,
		.dst = dst,
		.slot = edge->slot,
		.wait_sequence = edge->wait_sequence,
		.kind = edge->kind,
		.op = edge->op,
	};
}

static bool is_of_key(const struct table *table, uint32_t position, const struct key *key)
{
	const struct peeps_edge *edge = &table->difference->before->edges[position];
	const struct key own = key_of(table, edge, edge->src, edge->dst);

	return memcmp(&own, key, sizeof(own)) == 0;
}

static uint64_t hash_of(const struct table *table, const struct key *key)
{
	return peeps_hash_bytes(table->seed, (const char *)key, sizeof(*key));
}

/* Where a key is or would be; NULL if that is too far away. */
static struct entry *place_of(const struct table *table, const struct key *key, uint64_t hash)
{
	for (size_t probe = 0; probe < PROBES_MAX; probe++) {
		struct entry *entry = &table->entries[(hash + probe) & table->mask];

		if (entry->first == PEEPS_NOT_THERE ||
		    (entry->hash == hash >> 32 && is_of_key(table, entry->first, key)))
			return entry;
	}
	return NULL;
}

static int add(struct table *table, uint32_t position)
{
	const struct peeps_edge *edge = &table->difference->before->edges[position];
	const struct key key = key_of(table, edge, edge->src, edge->dst);
	const uint64_t hash = hash_of(table, &key);
	struct entry *entry = place_of(table, &key, hash);

	if (!entry)
		return -ELOOP;
	table->next[position] = PEEPS_NOT_THERE;
	if (entry->first == PEEPS_NOT_THERE)
		*entry = (struct entry){ .hash = hash >> 32, .first = position, .left = position };
	else
		table->next[entry->last] = position;
	entry->last = position;
	return 0;
}

static int match(struct table *table, uint32_t position)
{
	struct peeps_difference *difference = table->difference;
	const struct peeps_edge *edge = &difference->after->edges[position];
	const uint32_t src = difference->nodes.before[edge->src];
	const uint32_t dst = difference->nodes.before[edge->dst];
	struct entry *entry;
	struct key key;

	if (src == PEEPS_NOT_THERE || dst == PEEPS_NOT_THERE)
		return 0;
	key = key_of(table, edge, src, dst);
	entry = place_of(table, &key, hash_of(table, &key));
	if (!entry)
		return -ELOOP;
	if (entry->first == PEEPS_NOT_THERE || entry->left == PEEPS_NOT_THERE)
		return 0;
	difference->edges.before[position] = entry->left;
	difference->edges.after[entry->left] = position;
	entry->left = table->next[entry->left];
	return 0;
}

static int table_init(struct table *table)
{
	const size_t count = table->difference->before->edge_count;
	size_t places = 16;

	while (places < 2 * count)
		places *= 2;
	table->mask = places - 1;
	table->entries = malloc(places * sizeof(*table->entries));
	table->next = malloc((count + 1) * sizeof(*table->next));
	if (!table->entries || !table->next)
		return -ENOMEM;
	memset(table->entries, 0xff, places * sizeof(*table->entries));
	return 0;
}

int peeps_difference_match_edges(struct peeps_difference *difference, uint64_t seed)
{
	const struct peeps_graph *before = difference->before, *after = difference->after;
	struct table table = { .difference = difference, .seed = seed };
	int r = table_init(&table);

	for (uint32_t i = 0; r == 0 && i < before->edge_count; i++) {
		if (is_compared(before, &before->edges[i]))
			r = add(&table, i);
	}
	for (uint32_t i = 0; r == 0 && i < after->edge_count; i++) {
		if (is_compared(after, &after->edges[i]))
			r = match(&table, i);
	}
	free(table.entries);
	free(table.next);
	return r;
}
