/* SPDX-License-Identifier: MIT */
#include "tests/stress/facts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void damaged(struct facts *facts, const char *format,
							  ...)
{
	va_list arguments;

	if (*facts->damage)
		return;
	va_start(arguments, format);
	(void)vsnprintf(facts->damage, sizeof(facts->damage), format, arguments);
	va_end(arguments);
}

static void forget(struct facts *facts)
{
	facts->mutex_count = 0;
	facts->thread_count = 0;
	facts->wait_count = 0;
	facts->fingerprint = 0;
	facts->damage[0] = '\0';
}

/* --- from an image ---------------------------------------------------------------------------------------------- */

static uint64_t generation_of(uint64_t bits)
{
	return bits >> PEEPS_REF_GENERATION_SHIFT & PEEPS_REF_GENERATION_MASK;
}

static void read_name(struct facts *facts, const struct peeps_image *image, uint64_t ref,
		      char *name)
{
	const uint64_t granule = ref & PEEPS_REF_INDEX_MASK;
	struct peeps_text_head head;

	name[0] = '\0';
	if (ref == 0)
		return;
	if ((granule + 1) * PEEPS_TEXT_GRANULE > image->text_bytes) {
		damaged(facts, "a name lies behind the texts");
		return;
	}
	memcpy(&head, image->text + granule * PEEPS_TEXT_GRANULE, sizeof(head));
	if (head.generation != generation_of(ref) || head.length >= FACTS_NAME) {
		damaged(facts,
			"a name's place has another text: generation %" PRIu32
			" instead of %" PRIu64,
			head.generation, generation_of(ref));
		return;
	}
	memcpy(name, image->text + granule * PEEPS_TEXT_GRANULE + sizeof(head), head.length);
	name[head.length] = '\0';
}

/* Where each slot's entity stands in the facts. */
struct places {
	int by_slot[4096];
};

static int place_of(const struct places *places, const struct peeps_image *image, uint64_t ref,
		    uint32_t kind)
{
	const uint64_t slot = ref & PEEPS_REF_INDEX_MASK;
	const struct peeps_entity_view *entity;

	if (ref == 0)
		return FACTS_NOBODY;
	if (slot >= 4096 || places->by_slot[slot] < 0)
		return FACTS_DANGLING;
	entity = &image->entities[places->by_slot[slot] >> 16];
	if (entity->identity != ref || (entity->kind & 0xffff) != kind)
		return FACTS_DANGLING;
	return places->by_slot[slot] & 0xffff;
}

static void note_place(struct places *places, uint32_t slot, size_t entity, size_t fact)
{
	if (slot < 4096)
		places->by_slot[slot] = (int)(entity << 16 | fact);
}

static void read_entity(struct facts *facts, const struct peeps_image *image, struct places *places,
			size_t i)
{
	const struct peeps_entity_view *entity = &image->entities[i];

	if (generation_of(entity->identity) != generation_of(entity->status) ||
	    (entity->identity & PEEPS_REF_INDEX_MASK) != entity->index)
		damaged(facts,
			"slot %" PRIu32 " lives its life %" PRIu64
			" with the identity of life %" PRIu64,
			entity->index, generation_of(entity->status),
			generation_of(entity->identity));
	if ((entity->kind & 0xffff) == PEEPS_KIND_THREAD && facts->thread_count < FACTS_MAX) {
		struct thread_fact *thread = &facts->threads[facts->thread_count];

		read_name(facts, image, entity->body[PEEPS_THREAD_NAME_WORD], thread->name);
		thread->uncertain = entity->uncertain;
		note_place(places, entity->index, i, facts->thread_count++);
	}
	if ((entity->kind & 0xffff) == PEEPS_KIND_MUTEX && facts->mutex_count < FACTS_MAX) {
		struct mutex_fact *mutex = &facts->mutexes[facts->mutex_count];

		read_name(facts, image, entity->name, mutex->name);
		mutex->type = entity->status >> PEEPS_MUTEX_TYPE_SHIFT &
			      ((1u << PEEPS_MUTEX_TYPE_BITS) - 1);
		mutex->acquires = entity->body[PEEPS_MUTEX_ACQUIRES_WORD];
		mutex->contended = (uint32_t)entity->body[PEEPS_MUTEX_CONTENDED_WORD];
		mutex->uncertain = entity->uncertain;
		mutex->holder = (int)i; /* until all threads are known */
		note_place(places, entity->index, i, facts->mutex_count++);
	}
}

void facts_from_image(struct facts *facts, const struct peeps_image *image)
{
	struct places places;

	forget(facts);
	memset(&places, 0xff, sizeof(places));
	for (size_t i = 0; i < image->entity_count; i++) {
		const struct peeps_entity_view *entity = &image->entities[i];

		read_entity(facts, image, &places, i);
		facts->fingerprint = (facts->fingerprint ^ entity->identity ^
				      entity->body[PEEPS_MUTEX_ACQUIRES_WORD]) *
				     UINT64_C(0x9e3779b97f4a7c15);
	}
	for (size_t i = 0; i < facts->mutex_count; i++) {
		struct mutex_fact *mutex = &facts->mutexes[i];
		const struct peeps_entity_view *entity = &image->entities[mutex->holder];

		mutex->holder = place_of(&places, image,
					 entity->body[PEEPS_MUTEX_HOLDER_WORD] & ~PEEPS_HOLDER_DEEP,
					 PEEPS_KIND_THREAD);
		mutex->creator = place_of(&places, image, entity->creator, PEEPS_KIND_THREAD);
	}
	for (size_t i = 0; i < image->edge_count && facts->wait_count < FACTS_MAX; i++) {
		const struct peeps_edge_view *edge = &image->edges[i];

		if ((edge->status & PEEPS_EDGE_BYTE_MASK) != PEEPS_STATE_PENDING)
			continue;
		facts->waits[facts->wait_count++] = (struct wait_fact){
			.actor = place_of(&places, image, edge->src, PEEPS_KIND_THREAD),
			.resource = place_of(&places, image, edge->dst, PEEPS_KIND_MUTEX),
			.uncertain = edge->uncertain,
		};
	}
}

/* --- from a graph ----------------------------------------------------------------------------------------------- */

static uint64_t number_of(const struct peeps_node *node, const char *name)
{
	const struct peeps_value *value = peeps_graph_attribute(node, name);

	return value && value->type == PEEPS_VALUE_UNSIGNED ? value->as.number : UINT64_MAX;
}

static unsigned int type_of(const struct peeps_node *node)
{
	static const char *const names[] = { "normal", "recursive", "errorcheck" };
	const struct peeps_value *value = peeps_graph_attribute(node, "mutex_type");

	for (unsigned int type = 0; value && value->type == PEEPS_VALUE_TEXT && type < 3; type++)
		if (strcmp(value->as.text, names[type]) == 0)
			return type;
	return UINT32_MAX;
}

static int thread_at(const struct peeps_graph *graph, const int *places, uint32_t node)
{
	return node < graph->node_count && graph->nodes[node].kind_number == PEEPS_KIND_THREAD
		       ? places[node]
		       : FACTS_DANGLING;
}

static int reference_of(const struct peeps_graph *graph, const int *places,
			const struct peeps_node *node, const char *name)
{
	const struct peeps_value *value = peeps_graph_attribute(node, name);

	return value && value->type == PEEPS_VALUE_NODE ? thread_at(graph, places, value->as.node)
							: FACTS_NOBODY;
}

/* The node's name is the kernel's, or made up, where the program gave none. */
static void add_thread(struct facts *facts, const struct peeps_node *node)
{
	struct thread_fact *thread = &facts->threads[facts->thread_count++];

	(void)snprintf(thread->name, sizeof(thread->name), "%s", node->name);
	thread->uncertain = node->uncertain;
}

static void add_mutex(struct facts *facts, const struct peeps_graph *graph, const int *places,
		      const struct peeps_node *node)
{
	struct mutex_fact *mutex = &facts->mutexes[facts->mutex_count++];

	(void)snprintf(mutex->name, sizeof(mutex->name), "%s", node->name);
	mutex->type = type_of(node);
	mutex->acquires = number_of(node, "acquires");
	mutex->contended = number_of(node, "contended");
	mutex->holder = reference_of(graph, places, node, "holder");
	mutex->creator = reference_of(graph, places, node, "creator_task_id");
	mutex->uncertain = node->uncertain;
}

/* A holds edge says what its mutex's holder says. */
static void check_hold(struct facts *facts, const struct peeps_graph *graph, const int *places,
		       const struct peeps_edge *edge)
{
	const int mutex = places[edge->src];

	if (graph->nodes[edge->src].kind_number != PEEPS_KIND_MUTEX ||
	    facts->mutexes[mutex].holder != places[edge->dst])
		damaged(facts, "%s is held by %s and by another one", graph->nodes[edge->src].name,
			graph->nodes[edge->dst].name);
}

void facts_from_graph(struct facts *facts, const struct peeps_graph *graph, size_t image_notes)
{
	static int places[FACTS_MAX];

	forget(facts);
	if (graph->note_count > image_notes)
		damaged(facts, "the decoder notes: %s", graph->notes[image_notes]);
	for (size_t i = 0; i < graph->node_count && i < FACTS_MAX; i++) {
		if (graph->nodes[i].kind_number != PEEPS_KIND_THREAD)
			continue;
		places[i] = (int)facts->thread_count;
		add_thread(facts, &graph->nodes[i]);
	}
	for (size_t i = 0; i < graph->node_count && i < FACTS_MAX; i++) {
		if (graph->nodes[i].kind_number != PEEPS_KIND_MUTEX)
			continue;
		places[i] = (int)facts->mutex_count;
		add_mutex(facts, graph, places, &graph->nodes[i]);
	}
	for (size_t i = 0; i < graph->edge_count && facts->wait_count < FACTS_MAX; i++) {
		const struct peeps_edge *edge = &graph->edges[i];

		if (edge->src >= FACTS_MAX || edge->dst >= FACTS_MAX)
			continue;
		if (edge->kind == PEEPS_EDGE_HOLDS)
			check_hold(facts, graph, places, edge);
		else if (edge->state == PEEPS_STATE_PENDING)
			facts->waits[facts->wait_count++] =
				(struct wait_fact){ .actor = places[edge->src],
						    .resource = places[edge->dst],
						    .uncertain = edge->uncertain };
	}
}
