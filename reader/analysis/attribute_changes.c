/* SPDX-License-Identifier: MIT */
#include "reader/analysis/attribute_changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader/graph/id_index.h"
#include "reader/graph/text.h"

#define COMPARED_IN_TURN 64 /* attributes; of more an index is made */

struct comparison {
	const struct peeps_difference *difference;
	peeps_attribute_change_fn *each;
	void *context;
};

static bool is_left_out(const char *name)
{
	static const char *const names[] = { "age_ns", "elapsed_ns", "utilization",
					     "held_since_ptime_ms" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static bool is_number(const struct peeps_value *value)
{
	return value && (value->type == PEEPS_VALUE_UNSIGNED || value->type == PEEPS_VALUE_REAL);
}

static enum peeps_attribute_class class_of(const struct peeps_attribute_change *change)
{
	return is_number(change->before) && is_number(change->after) &&
			       !peeps_text_ends_with(change->name, "_ptime_ms")
		       ? PEEPS_ATTRIBUTE_COUNTER
		       : PEEPS_ATTRIBUTE_STATE;
}

static double real_of(const struct peeps_value *value)
{
	return value->type == PEEPS_VALUE_REAL ? value->as.real : (double)value->as.number;
}

static bool is_equal(const struct peeps_difference *difference, const struct peeps_value *before,
		     const struct peeps_value *after)
{
	if (before->type != after->type)
		return is_number(before) && is_number(after) && real_of(before) == real_of(after);
	switch (before->type) {
	case PEEPS_VALUE_BOOL:
		return before->as.boolean == after->as.boolean;
	case PEEPS_VALUE_UNSIGNED:
		return before->as.number == after->as.number;
	case PEEPS_VALUE_REAL:
		return before->as.real == after->as.real;
	case PEEPS_VALUE_TEXT:
		return strcmp(before->as.text, after->as.text) == 0;
	case PEEPS_VALUE_NODE:
		return difference->nodes.after[before->as.node] == after->as.node;
	case PEEPS_VALUE_NULL:
	default:
		return true;
	}
}

static int report(const struct comparison *comparison, struct peeps_attribute_change *change)
{
	if (is_left_out(change->name) ||
	    (change->before && change->after &&
	     is_equal(comparison->difference, change->before, change->after)))
		return 0;
	change->class = class_of(change);
	return comparison->each(comparison->context, change);
}

/* Attributes of one kind of entity stand in the same order, but for those that were added since. */
static const struct peeps_value *find_in_turn(const struct peeps_node *node, const char *name,
					      size_t guess)
{
	if (guess < node->attribute_count && strcmp(node->attributes[guess].name, name) == 0)
		return &node->attributes[guess].value;
	return peeps_graph_attribute(node, name);
}

static const struct peeps_value *find(const struct peeps_node *node,
				      const struct peeps_id_index *index, const char *name,
				      size_t guess)
{
	uint32_t found;

	if (!index)
		return find_in_turn(node, name, guess);
	found = peeps_id_index_find(index, name, strlen(name));
	return found == PEEPS_ID_NONE ? NULL : &node->attributes[found].value;
}

static int index_attributes(struct peeps_id_index *index, const struct peeps_node *node)
{
	int r = peeps_id_index_init(index, node->attribute_count);

	for (uint32_t i = 0; r == 0 && i < node->attribute_count; i++) {
		r = peeps_id_index_add(index, node->attributes[i].name, i);
		if (r == -EEXIST) /* the first counts, as in peeps_graph_attribute() */
			r = 0;
	}
	return r;
}

/* With indexes of both, or with none. */
static int compare(const struct comparison *comparison, uint32_t position,
		   const struct peeps_id_index *before_index,
		   const struct peeps_id_index *after_index)
{
	const struct peeps_difference *difference = comparison->difference;
	const struct peeps_node *after = &difference->after->nodes[position];
	const struct peeps_node *before =
		&difference->before->nodes[difference->nodes.before[position]];
	struct peeps_attribute_change change = { .node = position };
	int r = 0;

	for (size_t i = 0; r == 0 && i < after->attribute_count; i++) {
		change.name = after->attributes[i].name;
		change.after = &after->attributes[i].value;
		change.before = find(before, before_index, change.name, i);
		r = report(comparison, &change);
	}
	change.after = NULL;
	for (size_t i = 0; r == 0 && i < before->attribute_count; i++) {
		change.name = before->attributes[i].name;
		change.before = &before->attributes[i].value;
		if (!find(after, after_index, change.name, i))
			r = report(comparison, &change);
	}
	return r;
}

static int compare_many(const struct comparison *comparison, uint32_t position)
{
	const struct peeps_difference *difference = comparison->difference;
	struct peeps_id_index before = { .entries = NULL }, after = { .entries = NULL };
	int r = index_attributes(&before,
				 &difference->before->nodes[difference->nodes.before[position]]);

	if (r == 0)
		r = index_attributes(&after, &difference->after->nodes[position]);
	if (r == 0)
		r = compare(comparison, position, &before, &after);
	peeps_id_index_deinit(&before);
	peeps_id_index_deinit(&after);
	return r;
}

int peeps_attribute_changes(const struct peeps_difference *difference,
			    peeps_attribute_change_fn *each, void *context)
{
	const struct comparison comparison = { difference, each, context };
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < difference->after->node_count; i++) {
		const uint32_t other = difference->nodes.before[i];

		if (other == PEEPS_NOT_THERE)
			continue;
		if (difference->before->nodes[other].attribute_count > COMPARED_IN_TURN ||
		    difference->after->nodes[i].attribute_count > COMPARED_IN_TURN)
			r = compare_many(&comparison, i);
		else
			r = compare(&comparison, i, NULL, NULL);
	}
	return r;
}

static uint64_t whole(double number)
{
	return number >= (double)UINT64_MAX ? UINT64_MAX : (uint64_t)number;
}

uint64_t peeps_attribute_change_by(const struct peeps_attribute_change *change, bool *fell)
{
	const struct peeps_value *before = change->before, *after = change->after;

	if (before->type == PEEPS_VALUE_UNSIGNED && after->type == PEEPS_VALUE_UNSIGNED) {
		*fell = after->as.number < before->as.number;
		return *fell ? before->as.number - after->as.number
			     : after->as.number - before->as.number;
	}
	*fell = real_of(after) < real_of(before);
	return whole(*fell ? real_of(before) - real_of(after) : real_of(after) - real_of(before));
}
