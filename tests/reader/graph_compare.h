/* SPDX-License-Identifier: MIT */
/* Whether two graphs are one and the same, to the last field. */
#ifndef PEEPS_TESTS_GRAPH_COMPARE_H
#define PEEPS_TESTS_GRAPH_COMPARE_H

#include "reader/graph/graph.h"

/* Fails the test, naming what differs. */
void assert_same_graph(const struct peeps_graph *got, const struct peeps_graph *wanted);
void assert_same_findings(const struct peeps_graph *got, const struct peeps_graph *wanted);

#endif
