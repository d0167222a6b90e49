/* SPDX-License-Identifier: MIT */
/* How much moved between two graphs: per kind of entity, and per counter of a kind. */
#ifndef PEEPS_READER_MOVEMENT_H
#define PEEPS_READER_MOVEMENT_H

#include "reader/analysis/difference.h"

#define PEEPS_MOVEMENT_MAX \
	256 /* kinds, and counters: of more is only told how often they changed */
#define PEEPS_MOVEMENT_BUSY 3

/* Of entities that are in both. */
struct peeps_moved_kind {
	const char *kind;
	uint32_t kind_number;
	size_t count;
	size_t moved;   /* of which a counter changed */
	uint32_t first; /* one of them: a node of the graph after */
};

struct peeps_moved_entity {
	uint32_t node; /* of the graph after */
	uint64_t by;
	bool fell;
};

struct peeps_moved_counter {
	const char *kind;
	uint32_t kind_number;
	const char *name;
	size_t count;        /* of entities of that kind that are in both */
	size_t moved;        /* of which it changed */
	uint64_t rose, fell; /* in all; the greatest number there is, if it is more */
	uint64_t elapsed_ns; /* of the process of its busiest one; 0 = not known */
	size_t busy_count;
	struct peeps_moved_entity busy[PEEPS_MOVEMENT_BUSY]; /* the busiest first */
};

struct peeps_movement {
	size_t kind_count;
	struct peeps_moved_kind kinds[PEEPS_MOVEMENT_MAX];
	size_t counter_count;
	struct peeps_moved_counter counters[PEEPS_MOVEMENT_MAX]; /* by kind, the busiest first */
	uint64_t beyond; /* changes of counters there was no room for */
	uint64_t states; /* that changed */
};

/**
 * peeps_movement_new - sum up; both ends of a channel say the same, and the receiving end is left out
 *
 * Returns NULL without memory. Undo with free().
 */
struct peeps_movement *peeps_movement_new(const struct peeps_difference *difference);

/* Whether a counter is a time, as its name says. */
bool peeps_counts_ns(const char *counter);

/* NULL if no counter of that name of that kind moved. */
const struct peeps_moved_counter *peeps_movement_of(const struct peeps_movement *movement,
						    const char *kind, const char *name);

#endif
