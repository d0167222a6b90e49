/* SPDX-License-Identifier: MIT */
/*
 * The AND-OR wait graph and its fixpoint: who can still progress. An actor that is not waiting can; whoever can
 * eventually releases what it holds and serves its endpoints, which may wake others; and so on until nothing changes.
 * The rest is stuck.
 *
 * Those who wait for one thing wait for the same holders. The graph that is walked has the resource between them, so
 * that a thousand who wait for a thousand are two thousand steps.
 */
#ifndef PEEPS_READER_REDUCE_H
#define PEEPS_READER_REDUCE_H

#include "reader/analysis/wakers.h"
#include "reader/graph/graph.h"

/**
 * struct peeps_reduced_wait - a pending operation, or an actor that goes on when the task inside it does
 * @edge:   PEEPS_NO_EDGE for the latter
 * @target: what is waited for: a resource, or the task
 * @need:   weight that progressing wakers must bring; one of several: 1 (OR), all of n: n (AND), permits: their number.
 *          What is left of it after the reduction; 0 = it can end
 * @blocks: its actor does nothing else meanwhile; otherwise, any of its waits may wake it
 */
struct peeps_reduced_wait {
	uint32_t edge;
	uint32_t actor;
	uint32_t target;
	uint64_t need;
	bool blocks;
};

struct peeps_reduction {
	const struct peeps_wakers *wakers;
	size_t wait_count;
	struct peeps_reduced_wait *waits; /* by actor, in the graph's order */
	uint32_t *waits_of;    /* by node: position of an actor's first wait; one more, as an end */
	uint32_t *waiting;     /* positions of waits, by target, what needs least first */
	uint32_t *waiting_for; /* by node: position of its first in waiting; one more, as an end */
	bool *stuck;           /* by node: cannot progress; actors that are gone cannot either */
	size_t stuck_count;    /* without those that are gone */
};

/**
 * peeps_reduce - run the fixpoint
 * @wakers: borrowed
 *
 * In time linear in nodes and edges, but for the sorting of waits for one semaphore.
 * Returns 0 or -ENOMEM.
 */
int peeps_reduce(struct peeps_reduction *reduction, const struct peeps_wakers *wakers,
		 enum peeps_belief belief);
void peeps_reduction_deinit(struct peeps_reduction *reduction);

/**
 * peeps_reduction_next - the next that keeps a stuck actor, or its resource, from going on
 * @cursor: 0 to begin with
 * @via:    how: an actor by one of its waits (its position), a resource by a `holds` edge
 *
 * From an actor to what it waits for, from a resource to those who live, could end a wait for it, and are stuck.
 * Returns PEEPS_NO_NODE after the last.
 */
uint32_t peeps_reduction_next(const struct peeps_reduction *reduction, uint32_t node,
			      uint32_t *cursor, uint32_t *via);

#endif
