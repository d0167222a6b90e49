/* SPDX-License-Identifier: MIT */
/* Everything that can be shown of a graph, shown to nobody. */
#ifndef PEEPS_TESTS_FUZZ_SHOW_H
#define PEEPS_TESTS_FUZZ_SHOW_H

struct peeps_graph;

/**
 * fuzz_show - write the graph in every format that people see
 *
 * Aborts if a format fails, or writes what a terminal obeys.
 */
void fuzz_show(const struct peeps_graph *graph);

#endif
