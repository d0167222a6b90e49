/* SPDX-License-Identifier: MIT */
#include "reader/analysis/movement.h"

#include <stdlib.h>
#include <string.h>

#include "reader/analysis/attribute_changes.h"
#include "reader/graph/text.h"

struct summing {
	const struct peeps_difference *difference;
	struct peeps_movement *movement;
	size_t last_kind, last_counter; /* where the one was found that was looked for last */
	uint32_t last_node;             /* whose counter changed last */
};

static void add_to(uint64_t *sum, uint64_t number)
{
	if (__builtin_add_overflow(*sum, number, sum))
		*sum = UINT64_MAX;
}

/* --- kinds ------------------------------------------------------------------------------------------------------ */

/* NULL if there is no room for another. */
static struct peeps_moved_kind *kind_of(struct summing *summing, const struct peeps_node *node)
{
	struct peeps_movement *movement = summing->movement;

	for (size_t i = 0; i < movement->kind_count; i++) {
		const size_t k = (summing->last_kind + i) % movement->kind_count;

		if (strcmp(movement->kinds[k].kind, node->kind) == 0) {
			summing->last_kind = k;
			return &movement->kinds[k];
		}
	}
	if (movement->kind_count == PEEPS_MOVEMENT_MAX)
		return NULL;
	summing->last_kind = movement->kind_count++;
	movement->kinds[summing->last_kind] = (struct peeps_moved_kind){
		.kind = node->kind,
		.kind_number = node->kind_number,
		.first = (uint32_t)(node - summing->difference->after->nodes)
	};
	return &movement->kinds[summing->last_kind];
}

static void count_kinds(struct summing *summing)
{
	const struct peeps_difference *difference = summing->difference;

	for (size_t i = 0; i < difference->after->node_count; i++) {
		struct peeps_moved_kind *kind;

		if (difference->nodes.before[i] == PEEPS_NOT_THERE)
			continue;
		kind = kind_of(summing, &difference->after->nodes[i]);
		if (kind)
			kind->count++;
	}
}

/* --- counters --------------------------------------------------------------------------------------------------- */

/* The counters of an entity come in the order in which those of the one before it came. */
static struct peeps_moved_counter *counter_of(struct summing *summing,
					      const struct peeps_node *node, const char *name)
{
	struct peeps_movement *movement = summing->movement;

	for (size_t i = 0; i < movement->counter_count; i++) {
		const size_t k = (summing->last_counter + 1 + i) % movement->counter_count;

		if (strcmp(movement->counters[k].name, name) == 0 &&
		    strcmp(movement->counters[k].kind, node->kind) == 0) {
			summing->last_counter = k;
			return &movement->counters[k];
		}
	}
	if (movement->counter_count == PEEPS_MOVEMENT_MAX)
		return NULL;
	summing->last_counter = movement->counter_count++;
	movement->counters[summing->last_counter] = (struct peeps_moved_counter){
		.kind = node->kind, .kind_number = node->kind_number, .name = name
	};
	return &movement->counters[summing->last_counter];
}

static void rank(struct peeps_moved_counter *counter, struct peeps_moved_entity entity)
{
	size_t place = counter->busy_count;

	while (place > 0 && counter->busy[place - 1].by < entity.by)
		place--;
	if (place == PEEPS_MOVEMENT_BUSY)
		return;
	if (counter->busy_count < PEEPS_MOVEMENT_BUSY)
		counter->busy_count++;
	memmove(&counter->busy[place + 1], &counter->busy[place],
		(counter->busy_count - place - 1) * sizeof(entity));
	counter->busy[place] = entity;
}

static int sum(void *context, const struct peeps_attribute_change *change)
{
	struct summing *summing = context;
	const struct peeps_node *node = &summing->difference->after->nodes[change->node];
	struct peeps_moved_entity entity = { .node = change->node };
	struct peeps_moved_counter *counter;
	struct peeps_moved_kind *kind;

	if (node->kind_number == PEEPS_KIND_MPSC_RX)
		return 0;
	if (change->class == PEEPS_ATTRIBUTE_STATE) {
		summing->movement->states++;
		return 0;
	}
	kind = kind_of(summing, node);
	if (kind && summing->last_node != change->node)
		kind->moved++;
	summing->last_node = change->node;
	counter = counter_of(summing, node, change->name);
	if (!counter) {
		summing->movement->beyond++;
		return 0;
	}
	entity.by = peeps_attribute_change_by(change, &entity.fell);
	counter->moved++;
	add_to(entity.fell ? &counter->fell : &counter->rose, entity.by);
	rank(counter, entity);
	return 0;
}

bool peeps_counts_ns(const char *counter)
{
	return peeps_text_ends_with(counter, "_ns");
}

/* Nanoseconds are many, and compare with nothing that is counted: they come last. */
static int by_kind_and_size(const void *left, const void *right)
{
	const struct peeps_moved_counter *a = left, *b = right;
	const int late = peeps_counts_ns(a->name) - peeps_counts_ns(b->name);
	const uint64_t size_a = a->rose > a->fell ? a->rose : a->fell;
	const uint64_t size_b = b->rose > b->fell ? b->rose : b->fell;
	const int order = strcmp(a->kind, b->kind);

	if (order || late)
		return order ? order : late;
	return (size_a < size_b) - (size_a > size_b);
}

static size_t count_of(const struct peeps_movement *movement, const char *kind)
{
	for (size_t i = 0; i < movement->kind_count; i++) {
		if (strcmp(movement->kinds[i].kind, kind) == 0)
			return movement->kinds[i].count;
	}
	return 0;
}

static void complete(const struct peeps_difference *difference,
		     const struct peeps_movement *movement, struct peeps_moved_counter *counter)
{
	const struct peeps_node *busiest = &difference->after->nodes[counter->busy[0].node];

	counter->count = count_of(movement, counter->kind);
	counter->elapsed_ns = peeps_difference_elapsed_ns(difference, busiest->process);
}

struct peeps_movement *peeps_movement_new(const struct peeps_difference *difference)
{
	struct peeps_movement *movement = calloc(1, sizeof(*movement));
	struct summing summing = { .difference = difference,
				   .movement = movement,
				   .last_node = PEEPS_NOT_THERE };

	if (!movement)
		return NULL;
	count_kinds(&summing);
	if (peeps_attribute_changes(difference, sum, &summing) != 0) {
		free(movement);
		return NULL;
	}
	for (size_t i = 0; i < movement->counter_count; i++)
		complete(difference, movement, &movement->counters[i]);
	qsort(movement->counters, movement->counter_count, sizeof(movement->counters[0]),
	      by_kind_and_size);
	return movement;
}

const struct peeps_moved_counter *peeps_movement_of(const struct peeps_movement *movement,
						    const char *kind, const char *name)
{
	for (size_t i = 0; i < movement->counter_count; i++) {
		if (strcmp(movement->counters[i].kind, kind) == 0 &&
		    strcmp(movement->counters[i].name, name) == 0)
			return &movement->counters[i];
	}
	return NULL;
}
