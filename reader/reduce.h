/* SPDX-License-Identifier: MIT */
/*
 * The AND-OR wait graph and its fixpoint: who can still progress. An actor that is not waiting can; whoever can
 * eventually releases what it holds and serves its endpoints, which may wake others; and so on until nothing changes.
 * The rest is stuck.
 */
#ifndef PEEPS_READER_REDUCE_H
#define PEEPS_READER_REDUCE_H

#include "reader/edge_index.h"
#include "reader/graph.h"

/* Details of an operation that say that something else than an actor ends it. */
#define PEEPS_DETAIL_UNTIL "until_ptime_ms" /* when it will time out */

enum peeps_belief {
	PEEPS_BELIEVE_PROVED, /* whatever is uncertain counts as able to progress: who is stuck now, is for certain */
	PEEPS_BELIEVE_ALL, /* uncertain facts are taken as they are */
};

/**
 * struct peeps_waker - an actor that could wake a wait
 * @wait:   position of the wait
 * @weight: how much of what the wait needs
 * @via:    the edge that says so, a `holds` for a lock
 */
struct peeps_waker {
	uint32_t actor;
	uint32_t wait;
	uint32_t weight;
	uint32_t via;
};

/**
 * struct peeps_reduced_wait - a pending operation
 * @need:        weight that progressing wakers must bring; one of several: 1 and a weight of 1 each (OR), all of n:
 *               n (AND), permits: their number. What is left of it after the reduction; 0 = it can end
 * @wakers:      position of its wakers; they end where the next wait's begin
 */
struct peeps_reduced_wait {
	uint32_t edge;
	uint32_t wakers;
	uint64_t need;
	bool blocks; /* its actor does nothing else meanwhile; otherwise, any of its waits may wake it */
};

struct peeps_reduction {
	size_t wait_count;
	struct peeps_reduced_wait *waits; /* by actor, in the graph's order; one more, as an end */
	uint32_t *waits_of; /* by node: position of an actor's first wait; one more, as an end */
	struct peeps_waker *wakers; /* by wait, so by waiting actor too */
	uint32_t *woken;            /* positions of wakers, by the actor that would wake */
	uint32_t *woken_of; /* by node: position of its first in woken; one more, as an end */
	bool *stuck;        /* by node: cannot progress; actors that are gone cannot either */
	size_t stuck_count; /* without those that are gone */
};

/* A waker that keeps its wait from ending: it cannot progress, and the wait still needs it. */
static inline bool peeps_waker_is_stuck(const struct peeps_reduction *reduction,
					const struct peeps_waker *waker)
{
	return reduction->waits[waker->wait].need > 0 && reduction->stuck[waker->actor];
}

/**
 * peeps_reduce - run the fixpoint
 *
 * In time linear in nodes, edges and wakers. Returns 0 or -ENOMEM.
 */
int peeps_reduce(struct peeps_reduction *reduction, const struct peeps_graph *graph,
		 enum peeps_belief belief);
void peeps_reduction_deinit(struct peeps_reduction *reduction);

#endif
