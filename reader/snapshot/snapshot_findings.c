/* SPDX-License-Identifier: MIT */
#include "reader/snapshot/snapshot_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "reader/graph/arena.h"

struct finding_keys {
	const char *kind, *certainty, *sentence;
	const msgpack_object *steps, *nodes, *edges, *victims;
};

#define KEY(name, type, member)                                                                   \
	{                                                                                         \
		name, PEEPS_KEY_##type, PEEPS_KEY_REQUIRED, offsetof(struct finding_keys, member) \
	}

static const struct peeps_key finding_keys[] = {
	KEY("kind", TEXT, kind),         KEY("certainty", TEXT, certainty),
	KEY("sentence", TEXT, sentence), KEY("steps", ARRAY, steps),
	KEY("nodes", ARRAY, nodes),      KEY("edges", ARRAY, edges),
	KEY("victims", ARRAY, victims),
};

static int read_steps(struct peeps_snapshot_reader *reader, const msgpack_object *array,
		      struct peeps_finding *finding)
{
	const uint32_t count = array->via.array.size;

	finding->steps = peeps_arena_take(reader->graph->arena, count, sizeof(finding->steps[0]));
	if (!finding->steps)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		const struct peeps_key step = { .kind = PEEPS_KEY_TEXT };
		int r;

		reader->fields.inner_row = i;
		r = peeps_fields_take(&reader->fields, &array->via.array.ptr[i], &step,
				      &finding->steps[i]);
		if (r)
			return r;
	}
	finding->step_count = count;
	return 0;
}

static int read_ids(struct peeps_snapshot_reader *reader, const msgpack_object *array,
		    uint32_t **nodes, size_t *count)
{
	const uint32_t size = array->via.array.size;

	*nodes = peeps_arena_take(reader->graph->arena, size, sizeof(**nodes));
	if (!*nodes)
		return -ENOMEM;
	for (uint32_t i = 0; i < size; i++) {
		const struct peeps_key bytes = { .kind = PEEPS_KEY_BYTES };
		msgpack_object_str id;
		int r;

		reader->fields.inner_row = i;
		r = peeps_fields_take(&reader->fields, &array->via.array.ptr[i], &bytes, &id);
		if (r == 0)
			r = peeps_snapshot_find(reader, &reader->nodes, "node", NULL, &id,
						&(*nodes)[i]);
		if (r)
			return r;
	}
	*count = size;
	return 0;
}

struct edge_keys {
	msgpack_object_str src, dst;
	const char *kind;
	uint64_t index;
};

static const struct peeps_key edge_keys[] = {
	{ "src", PEEPS_KEY_BYTES, PEEPS_KEY_REQUIRED, offsetof(struct edge_keys, src) },
	{ "dst", PEEPS_KEY_BYTES, PEEPS_KEY_REQUIRED, offsetof(struct edge_keys, dst) },
	{ "kind", PEEPS_KEY_TEXT, PEEPS_KEY_REQUIRED, offsetof(struct edge_keys, kind) },
	{ "index", PEEPS_KEY_NUMBER, PEEPS_KEY_REQUIRED, offsetof(struct edge_keys, index) },
};

static bool is_id(const char *id, const msgpack_object_str *bytes)
{
	return strlen(id) == bytes->size && memcmp(id, bytes->ptr, bytes->size) == 0;
}

static int read_edge(struct peeps_snapshot_reader *reader, const msgpack_object *row,
		     uint32_t *position)
{
	const struct peeps_graph *graph = reader->graph;
	const struct peeps_edge *edge;
	struct edge_keys keys = { .index = 0 };
	int r = peeps_fields_read(&reader->fields, row, edge_keys,
				  sizeof(edge_keys) / sizeof(edge_keys[0]), &keys);

	if (r)
		return r;
	if (keys.index >= graph->edge_count)
		return peeps_fields_fail(&reader->fields, "index", "no edge %" PRIu64, keys.index);
	edge = &graph->edges[keys.index];
	if (!is_id(graph->nodes[edge->src].id, &keys.src) ||
	    !is_id(graph->nodes[edge->dst].id, &keys.dst) ||
	    strcmp(peeps_edge_kind_name(edge->kind), keys.kind) != 0)
		return peeps_fields_fail(&reader->fields, "index", "edge %" PRIu64 " is another",
					 keys.index);
	*position = (uint32_t)keys.index;
	return 0;
}

static int read_edges(struct peeps_snapshot_reader *reader, const msgpack_object *array,
		      struct peeps_finding *finding)
{
	const uint32_t count = array->via.array.size;

	finding->edges = peeps_arena_take(reader->graph->arena, count, sizeof(finding->edges[0]));
	if (!finding->edges)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		int r;

		reader->fields.inner_row = i;
		r = read_edge(reader, &array->via.array.ptr[i], &finding->edges[i]);
		if (r)
			return r;
	}
	finding->edge_count = count;
	return 0;
}

static int read_kind(struct peeps_snapshot_reader *reader, const struct finding_keys *keys,
		     struct peeps_finding *finding)
{
	static const enum peeps_finding_kind kinds[] = { PEEPS_FINDING_DEADLOCK,
							 PEEPS_FINDING_ORPHANED_WAIT,
							 PEEPS_FINDING_LONG_WAIT };
	size_t i = 0;

	while (i < sizeof(kinds) / sizeof(kinds[0]) &&
	       strcmp(peeps_finding_name(kinds[i]), keys->kind) != 0)
		i++;
	if (i == sizeof(kinds) / sizeof(kinds[0]))
		return peeps_fields_fail(&reader->fields, "kind",
					 "findings of kind '%s' are not known to this reader",
					 keys->kind);
	finding->kind = kinds[i];
	finding->certain = strcmp(keys->certainty, "certain") == 0;
	if (!finding->certain && strcmp(keys->certainty, "possible") != 0)
		return peeps_fields_fail(&reader->fields, "certainty",
					 "is neither 'certain' nor 'possible'");
	finding->sentence = keys->sentence;
	return 0;
}

int peeps_snapshot_read_finding(struct peeps_snapshot_reader *reader, const msgpack_object *row)
{
	struct peeps_finding *finding = &reader->graph->findings[reader->graph->finding_count];
	struct finding_keys keys = { .kind = NULL };
	int r = peeps_fields_read(&reader->fields, row, finding_keys,
				  sizeof(finding_keys) / sizeof(finding_keys[0]), &keys);

	if (r == 0)
		r = read_kind(reader, &keys, finding);
	reader->fields.inner = "steps";
	if (r == 0)
		r = read_steps(reader, keys.steps, finding);
	reader->fields.inner = "nodes";
	if (r == 0)
		r = read_ids(reader, keys.nodes, &finding->nodes, &finding->node_count);
	reader->fields.inner = "edges";
	if (r == 0)
		r = read_edges(reader, keys.edges, finding);
	reader->fields.inner = "victims";
	if (r == 0)
		r = read_ids(reader, keys.victims, &finding->victims, &finding->victim_count);
	reader->graph->finding_count += r == 0;
	return r;
}
