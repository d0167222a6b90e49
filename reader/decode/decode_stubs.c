/* SPDX-License-Identifier: MIT */
/*
 * Foreign stubs: entities that stand for one of another process, by its id. One whose id is that of a node of this
 * snapshot is that node; any other one is a node of its own, an unresolved end.
 *
 * Whoever names an id can only make edges that end there: an operation's actor, and who holds something, are always of
 * the process that says so.
 */
#include "reader/decode/decoder.h"

#include <errno.h>
#include <stdlib.h>

bool peeps_decoder_is_stub(const struct peeps_decoder *d, size_t place)
{
	return d->entities[place].kept && d->entities[place].kind->number == PEEPS_KIND_FOREIGN;
}

/*
 * Of two processes with one name the id does not say which is meant. Nor is it sure what a stub names that is being
 * written.
 */
static uint32_t find(const struct peeps_decoder *decoders, const struct peeps_decoder *d,
		     size_t place, const char *id)
{
	const uint32_t node = id && !d->image->entities[place].uncertain
				      ? peeps_ids_find(d->ids, id)
				      : PEEPS_NO_NODE;
	const struct peeps_node *found;

	if (node == PEEPS_NO_NODE)
		return PEEPS_NO_NODE;
	found = &d->graph->nodes[node];
	return found->kind_number != PEEPS_KIND_FOREIGN && decoders[found->process].shares_key
		       ? PEEPS_NO_NODE
		       : node;
}

static void join(struct peeps_decoder *decoders, struct peeps_decoder *d, size_t place)
{
	const char *id = peeps_texts_at(&d->texts, d->image->entities[place].name);
	struct peeps_decoded_entity *entity = &d->entities[place];

	entity->node = find(decoders, d, place, id);
	if (entity->node != PEEPS_NO_NODE)
		return;
	entity->node = (uint32_t)d->graph->node_count++;
	peeps_decoder_make_stub(d, place, id);
}

/* Attributes that were made before it was known which nodes the stubs are. */
static void mend_attributes(const struct peeps_graph *graph, uint32_t first, const uint32_t *nodes)
{
	for (size_t i = 0; i < graph->node_count; i++) {
		for (size_t k = 0; k < graph->nodes[i].attribute_count; k++) {
			struct peeps_value *value = &graph->nodes[i].attributes[k].value;

			if (value->type == PEEPS_VALUE_NODE && value->as.node >= first)
				value->as.node = nodes[value->as.node - first];
		}
	}
}

int peeps_decoder_join_stubs(struct peeps_decoder *decoders, size_t count, uint32_t first)
{
	struct peeps_graph *graph = decoders[0].graph;
	const size_t stub_count = graph->node_count - first;
	uint32_t *nodes = calloc(stub_count + 1, sizeof(*nodes));

	if (!nodes)
		return -ENOMEM;
	graph->node_count = first;
	for (size_t i = 0; stub_count > 0 && i < count; i++) {
		for (size_t place = 0; place < decoders[i].image->entity_count; place++) {
			const uint32_t number = decoders[i].entities[place].node;

			if (!peeps_decoder_is_stub(&decoders[i], place))
				continue;
			join(decoders, &decoders[i], place);
			nodes[number - first] = decoders[i].entities[place].node;
		}
	}
	if (stub_count > 0)
		mend_attributes(graph, first, nodes);
	free(nodes);
	return 0;
}
