/* SPDX-License-Identifier: MIT */
/* What an entity that is in two graphs says otherwise in the later one: its counters, and its states. */
#ifndef PEEPS_READER_ATTRIBUTE_CHANGES_H
#define PEEPS_READER_ATTRIBUTE_CHANGES_H

#include "reader/analysis/difference.h"

enum peeps_attribute_class {
	PEEPS_ATTRIBUTE_COUNTER, /* a number: how much there is, or ever was */
	PEEPS_ATTRIBUTE_STATE, /* anything else, and times; and a number that is now there or now is not */
};

/**
 * struct peeps_attribute_change
 * @node:   of the graph after
 * @before: NULL = it had none of that name
 * @after:  likewise
 */
struct peeps_attribute_change {
	uint32_t node;
	enum peeps_attribute_class class;
	const char *name;
	const struct peeps_value *before, *after;
};

/* Returns 0 to go on, or -errno. */
typedef int peeps_attribute_change_fn(void *context, const struct peeps_attribute_change *change);

/**
 * peeps_attribute_changes - all of them, entity by entity
 *
 * Left out is what says the same in other words, or changes of itself: ages, utilization, and since when a lock is held.
 * Returns 0, -ENOMEM, or what each returned.
 */
int peeps_attribute_changes(const struct peeps_difference *difference,
			    peeps_attribute_change_fn *each, void *context);

/**
 * peeps_attribute_change_by - how much a counter changed
 * @fell: whether it became less
 *
 * A real number is rounded down.
 */
uint64_t peeps_attribute_change_by(const struct peeps_attribute_change *change, bool *fell);

#endif
