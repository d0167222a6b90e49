/* SPDX-License-Identifier: MIT */
/* Who is blocked on what, since when, and who holds it: the list that `blocked` shows. */
#ifndef PEEPS_READER_WAITS_H
#define PEEPS_READER_WAITS_H

#include "reader/analysis/wakers.h"
#include "reader/graph/graph.h"

/**
 * struct peeps_wait - a pending operation
 * @pending_ns: PEEPS_NO_TIME = not known
 * @holders:    the `holds` edges of those who could end it: of what it waits for, or of a channel's other end; none if
 *              nobody is known
 */
struct peeps_wait {
	uint32_t edge;
	uint64_t pending_ns;
	const uint32_t *holders;
	size_t holder_count;
	uint32_t
		like; /* position of the longest wait that is the same but for who waits and since when */
	uint32_t
		like_count; /* of that longest one: how many there are of them, itself among them */
};

/* So many are told one by one, for then it is shorter to. More are told together. */
#define PEEPS_ALIKE_MAX 3

struct peeps_waits {
	size_t count;
	struct peeps_wait *waits; /* longest first */
	struct peeps_wakers wakers;
};

/**
 * struct peeps_wait_filter - which of them
 * @min_ns: those that have been pending so long (or for an unknown time)
 * @wanted: and of these only those; NULL = all
 */
struct peeps_wait_filter {
	uint64_t min_ns;
	bool (*wanted)(const void *context, uint32_t edge);
	const void *context;
};

/**
 * peeps_waits_init - list what has been pending for at least min_ns (or for an unknown time)
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_waits_init(struct peeps_waits *waits, const struct peeps_graph *graph, uint64_t min_ns);
int peeps_waits_init_some(struct peeps_waits *waits, const struct peeps_graph *graph,
			  const struct peeps_wait_filter *filter);
void peeps_waits_deinit(struct peeps_waits *waits);

/* At the cut; PEEPS_NO_TIME = not known. */
uint64_t peeps_edge_pending_ns(const struct peeps_graph *graph, const struct peeps_edge *edge);
uint64_t peeps_edge_held_ns(const struct peeps_graph *graph, const struct peeps_edge *edge);

/* Until a pending operation gives up by itself; PEEPS_NO_TIME = never. */
uint64_t peeps_edge_timeout_ns(const struct peeps_graph *graph, const struct peeps_edge *edge);

#endif
