/* SPDX-License-Identifier: MIT */
/*
 * Graphs by hand. A new one has one process, `orders-4711`, seen for 20 s, in a snapshot of quality `cut` of
 * 2026-05-01 12:00. Texts are borrowed. Without memory, the test ends.
 */
#ifndef PEEPS_TESTS_GRAPH_BUILDER_H
#define PEEPS_TESTS_GRAPH_BUILDER_H

#include <stdio.h>

#include "reader/analysis.h"
#include "reader/graph.h"

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

struct peeps_graph *graph_new(void);

/* Returns the node's position; the node may move when another is added. */
uint32_t graph_thread(struct peeps_graph *graph, uint32_t tid, const char *name);
uint32_t graph_mutex(struct peeps_graph *graph, const char *name, const char *file, uint32_t line);

/* A pending lock, begun at since_ns. Returns the edge's position. */
uint32_t graph_wait(struct peeps_graph *graph, uint32_t actor, uint32_t resource,
		    uint64_t since_ns);
/* Stamped by a tick of 100 ms. */
uint32_t graph_hold(struct peeps_graph *graph, uint32_t resource, uint32_t actor,
		    uint64_t since_ns);

void graph_attribute(struct peeps_graph *graph, uint32_t node, const char *name,
		     struct peeps_value value);
void graph_note(struct peeps_graph *graph, const char *note);

/* worker-1 and worker-2 lock accounts and ledger in opposite order; idle waits for nothing. Not analysed yet. */
struct peeps_graph *graph_deadlocked(void);

void graph_analyse(struct peeps_graph *graph, uint64_t max_wait_ns);

/* What print writes, as a string to free. */
char *printed(int (*print)(const struct peeps_graph *graph, FILE *out),
	      const struct peeps_graph *graph);

#endif
