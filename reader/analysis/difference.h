/* SPDX-License-Identifier: MIT */
/*
 * What of one graph is there again in a later one.
 *
 * A process is the same by its proc_key and its start time, an entity by its id and the time it was made, a wait by its slot,
 * its number in that slot, its ends and the time it began, a hold likewise, and a finding by a wait of its evidence. What
 * has no counterpart came or went.
 */
#ifndef PEEPS_READER_DIFFERENCE_H
#define PEEPS_READER_DIFFERENCE_H

#include "reader/graph/graph.h"

#define PEEPS_NOT_THERE UINT32_MAX

/* Which is which, both ways round: positions, or PEEPS_NOT_THERE. */
struct peeps_counterparts {
	uint32_t *after;  /* by position in the graph before */
	uint32_t *before; /* by position in the graph after */
};

struct peeps_difference {
	const struct peeps_graph *before, *after;
	uint64_t
		elapsed_ns; /* between them; PEEPS_NO_TIME = they share no process that could tell */
	struct peeps_counterparts processes;
	struct peeps_counterparts nodes;
	struct peeps_counterparts scopes;
	struct peeps_counterparts edges; /* of waits and holds; nothing else has one */
	struct peeps_counterparts findings;
};

/**
 * peeps_difference_init - compare, in time linear in what the graphs have
 * @before: the earlier one; both are borrowed until peeps_difference_deinit()
 *
 * Returns 0, -ENOMEM, or -ELOOP if so many ids of one hash are no chance.
 */
int peeps_difference_init(struct peeps_difference *difference, const struct peeps_graph *before,
			  const struct peeps_graph *after);
void peeps_difference_deinit(struct peeps_difference *difference);

/* Of a process in both: how long it lived from one to the other. Position in the graph after. */
uint64_t peeps_difference_elapsed_ns(const struct peeps_difference *difference, uint32_t process);

/**
 * peeps_difference_lost - how much more of something a process in both could not record: a counter of its graph after
 */
uint64_t peeps_difference_lost(const struct peeps_difference *difference, uint32_t process,
			       const struct peeps_counter_value *counter);

/*
 * Whether the two graphs prove what they seem to say of a wait or a hold: that it is the same as before; that it is new,
 * for its begin or an exact graph before say so; that it ended, for an exact graph after says so.
 */
bool peeps_difference_proves_after(const struct peeps_difference *difference, uint32_t edge);
bool peeps_difference_proves_ended(const struct peeps_difference *difference, uint32_t edge);

/* How many waits of processes that are in both are what. */
struct peeps_wait_tally {
	size_t same;     /* proved */
	size_t unproved; /* seem to be the same */
	size_t begun;
	size_t ended;
	uint64_t longest_ns; /* of the same; 0 if there is none */
};

/**
 * peeps_difference_tally - count those that have been pending for at least min_ns, or for an unknown time
 */
struct peeps_wait_tally peeps_difference_tally(const struct peeps_difference *difference,
					       uint64_t min_ns);

/* Whether a snapshot shows all that was, and nothing else: quality cut or quiescent. */
bool peeps_difference_is_exact(const struct peeps_graph *graph);

/* One of the two graphs, and where its processes, nodes and scopes are in the other. */
struct peeps_difference_side {
	const struct peeps_graph *graph;
	const uint32_t *of_processes, *of_nodes, *of_scopes;
};

struct peeps_difference_side peeps_difference_before(const struct peeps_difference *difference);
struct peeps_difference_side peeps_difference_after(const struct peeps_difference *difference);

/* Whether it is on this side only, of a process that is on both. */
bool peeps_difference_lone_node(const struct peeps_difference_side *side, size_t node);
bool peeps_difference_lone_scope(const struct peeps_difference_side *side, size_t scope);

/* Whether an edge is of a process that is in both: what others had came or went with them. */
bool peeps_difference_shares_before(const struct peeps_difference *difference, uint32_t edge);
bool peeps_difference_shares_after(const struct peeps_difference *difference, uint32_t edge);

#endif
