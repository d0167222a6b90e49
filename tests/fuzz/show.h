/* SPDX-License-Identifier: MIT */
/* Everything that can be shown of a graph, shown to nobody. */
#ifndef PEEPS_TESTS_FUZZ_SHOW_H
#define PEEPS_TESTS_FUZZ_SHOW_H

struct peeps_graph;

/**
 * fuzz_show - analyse the graph, and write it in every format
 *
 * Aborts if a format fails, or writes what a terminal obeys.
 */
void fuzz_show(struct peeps_graph *graph);

#endif
