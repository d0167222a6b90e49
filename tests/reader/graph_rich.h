/* SPDX-License-Identifier: MIT */
/* A graph with everything in it that a document can have, as far as it can be had at once. */
#ifndef PEEPS_TESTS_GRAPH_RICH_H
#define PEEPS_TESTS_GRAPH_RICH_H

struct peeps_graph;

/* Analysed, with findings. Without memory, the test ends. */
struct peeps_graph *graph_rich(void);

#endif
