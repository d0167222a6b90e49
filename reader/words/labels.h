/* SPDX-License-Identifier: MIT */
/* How nodes and edges are called in sentences. Nothing is escaped here: whoever prints does that. */
#ifndef PEEPS_READER_LABELS_H
#define PEEPS_READER_LABELS_H

#include "reader/graph/graph.h"

struct peeps_labels {
	struct peeps_arena *arena;
	const char **actors; /* by node; NULL = its name says who it is */
	const char **abroad; /* by node: with its process; NULL = there is but one */
};

#define PEEPS_NO_PROCESS UINT32_MAX

/**
 * peeps_labels_init - find the actors whose name is not theirs alone
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_labels_init(struct peeps_labels *labels, const struct peeps_graph *graph);
void peeps_labels_deinit(struct peeps_labels *labels);

/**
 * peeps_label_actor - "worker-2"; "worker (4715)" if its process has several of that name; "orders-4711/worker-2" where
 * there are several processes
 */
const char *peeps_label_actor(const struct peeps_labels *labels, const struct peeps_graph *graph,
			      uint32_t node);

/**
 * peeps_label_actor_at_home - the same, without its process if it is that one
 */
const char *peeps_label_actor_at_home(const struct peeps_labels *labels,
				      const struct peeps_graph *graph, uint32_t node,
				      uint32_t process);

/* Whether an actor, or the task that it runs, sleeps by its own will. */
bool peeps_is_asleep(const struct peeps_graph *graph, uint32_t actor);

/**
 * peeps_label_idleness - what an actor does instead of ending a wait: "exited", "sleeping", "suspended"; else NULL
 */
const char *peeps_label_idleness(const struct peeps_graph *graph, uint32_t actor);

enum peeps_label_style {
	PEEPS_LABEL_CELL,  /* in a table: what there is room for */
	PEEPS_LABEL_SHORT, /* mutex "accounts" (bank.c:42) */
	PEEPS_LABEL_FULL,  /* mutex "accounts" (/src/bank.c:42) */
};

/* What a resource is called by; the others are NULL if there is nothing to say (or without memory: the arena knows). */
struct peeps_label_parts {
	const char *kind, *name;
	const char *
		process; /* where there are several, and of what is not in this graph: its proc_key */
	const char *state; /* "16/16", "0 of 1 available" */
	const char *place; /* "bank.c:42" */
};

struct peeps_label_parts peeps_label_resource_parts(struct peeps_arena *arena,
						    const struct peeps_graph *graph, uint32_t node,
						    enum peeps_label_style style);

/* These return NULL without memory. */

/**
 * peeps_label_resource - mpsc "work" (16/16, bank.c:42), from the parts
 */
char *peeps_label_resource(struct peeps_arena *arena, const struct peeps_graph *graph,
			   uint32_t node, enum peeps_label_style style);

/**
 * peeps_label_elsewhere - "orders-4711": the process of a resource that is not in this graph, as its id says
 *
 * NULL if it is in this graph, or its id does not say (or without memory: the arena knows).
 */
const char *peeps_label_elsewhere(struct peeps_arena *arena, const struct peeps_graph *graph,
				  uint32_t node);

/**
 * peeps_label_source - "/src/bank.c:42", NULL if it is not known (or without memory: the arena knows)
 */
char *peeps_label_source(struct peeps_arena *arena, const struct peeps_source *source);

/**
 * peeps_label_activity - what an actor does: "running", "blocked", "sleeping, wakes in 3.0 s", "exited"
 *
 * NULL if it is not known (or without memory: the arena knows).
 */
const char *peeps_label_activity(struct peeps_arena *arena, const struct peeps_graph *graph,
				 uint32_t actor);

/**
 * peeps_label_wait - "worker-2 has waited 12.4 s for mutex "accounts" (/src/bank.c:42)"
 */
char *peeps_label_wait(struct peeps_arena *arena, const struct peeps_labels *labels,
		       const struct peeps_graph *graph, const struct peeps_edge *edge,
		       enum peeps_label_style style);

/**
 * peeps_label_timeout - "times out in 3.2 s"; in a cell "3.2 s left"
 *
 * NULL if it waits without end (or without memory: the arena knows).
 */
const char *peeps_label_timeout(struct peeps_arena *arena, const struct peeps_graph *graph,
				const struct peeps_edge *wait, enum peeps_label_style style);

/**
 * peeps_label_depth - "locked 3 times" by who holds it; NULL if once (or without memory: the arena knows)
 */
const char *peeps_label_depth(struct peeps_arena *arena, const struct peeps_edge *hold);

/**
 * peeps_label_inside - "worker-2 runs parse", of an actor that goes on when the task inside it does
 */
char *peeps_label_inside(struct peeps_arena *arena, const struct peeps_labels *labels,
			 const struct peeps_graph *graph, uint32_t actor, uint32_t task);

/**
 * peeps_label_hold - one hold, of somebody who could end a wait
 * @others: how many more could
 *
 * "held for 12.5 s by worker-1 (locked at /src/bank.c:88)", the site only in full style; "1 held for 3.2 s by
 * worker-1"; "whose receiver is owned by worker-1, which is sleeping (wakes in 3.0 s)".
 */
char *peeps_label_hold(struct peeps_arena *arena, const struct peeps_labels *labels,
		       const struct peeps_graph *graph, const struct peeps_edge *hold,
		       size_t others, enum peeps_label_style style);

/**
 * peeps_label_holders - all who could end a wait: at least one
 *
 * "held by worker-1 (2 for 3.2 s), worker-2 (1 for 1.0 s), worker-3 (1 for 1.0 s) and 7 more"; of one, as above.
 */
char *peeps_label_holders(struct peeps_arena *arena, const struct peeps_labels *labels,
			  const struct peeps_graph *graph, const uint32_t *holds, size_t count,
			  enum peeps_label_style style);

/* The same as short as can be, for the middle of a sentence. */

/**
 * peeps_label_brief_wait - "which waits to send to "work""
 */
char *peeps_label_brief_wait(struct peeps_arena *arena, const struct peeps_labels *labels,
			     const struct peeps_graph *graph, const struct peeps_edge *edge);

/**
 * peeps_label_brief_inside - "which runs parse"
 */
char *peeps_label_brief_inside(struct peeps_arena *arena, const struct peeps_labels *labels,
			       const struct peeps_graph *graph, uint32_t actor, uint32_t task);

/**
 * peeps_label_brief_hold - "held by worker-1", "one of whose 3 senders is owned by worker-1"
 */
char *peeps_label_brief_hold(struct peeps_arena *arena, const struct peeps_labels *labels,
			     const struct peeps_graph *graph, const struct peeps_edge *hold,
			     size_t others);

#endif
