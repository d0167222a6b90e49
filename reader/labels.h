/* SPDX-License-Identifier: MIT */
/* How nodes and edges are called in sentences. Nothing is escaped here: whoever prints does that. */
#ifndef PEEPS_READER_LABELS_H
#define PEEPS_READER_LABELS_H

#include "reader/graph.h"

struct peeps_labels {
	struct peeps_arena *arena;
	const char **actors; /* by node; NULL = its name says who it is */
};

/**
 * peeps_labels_init - find the actors whose name is not theirs alone
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_labels_init(struct peeps_labels *labels, const struct peeps_graph *graph);
void peeps_labels_deinit(struct peeps_labels *labels);

/**
 * peeps_label_actor - "worker-2"; "worker (4715)" if there are several of that name
 */
const char *peeps_label_actor(const struct peeps_labels *labels, const struct peeps_graph *graph,
			      uint32_t node);

enum peeps_label_style {
	PEEPS_LABEL_CELL,  /* mutex accounts (bank.c:42) */
	PEEPS_LABEL_SHORT, /* mutex "accounts" (bank.c:42) */
	PEEPS_LABEL_FULL,  /* mutex "accounts" (/src/bank.c:42) */
};

/* These return NULL without memory. */
char *peeps_label_resource(struct peeps_arena *arena, const struct peeps_graph *graph,
			   uint32_t node, enum peeps_label_style style);

/**
 * peeps_label_source - "/src/bank.c:42", NULL if it is not known (or without memory: the arena knows)
 */
char *peeps_label_source(struct peeps_arena *arena, const struct peeps_source *source);

/**
 * peeps_label_wait - "worker-2 has waited 12.4 s for mutex "accounts" (/src/bank.c:42)"
 */
char *peeps_label_wait(struct peeps_arena *arena, const struct peeps_labels *labels,
		       const struct peeps_graph *graph, const struct peeps_edge *edge,
		       enum peeps_label_style style);

/**
 * peeps_label_hold - "held for 12.5 s by worker-1 (locked at /src/bank.c:88)", the site only in full style
 */
char *peeps_label_hold(struct peeps_arena *arena, const struct peeps_labels *labels,
		       const struct peeps_graph *graph, const struct peeps_edge *edge,
		       enum peeps_label_style style);

#endif
