/* SPDX-License-Identifier: MIT */
/*
 * Findings across processes. The epochs of several processes cannot begin at the very same moment, so what one of them
 * says may be over when another's moment comes. What has been so in two cuts, the first of which was complete before
 * the second began, was so at one moment: only that makes a finding across processes certain. What is between a core file
 * and another process never is.
 */
#ifndef PEEPS_READER_ACROSS_H
#define PEEPS_READER_ACROSS_H

#include <stdbool.h>

#include "reader/analysis/sightings.h"
#include "reader/graph/graph.h"

/**
 * peeps_across_asks_again - whether a certain finding of this graph, of one cut, may rest on several processes
 */
bool peeps_across_asks_again(const struct peeps_graph *graph);

/**
 * peeps_across_confirm - of processes that refer to each other, mark the edges that were not seen before as unconfirmed; and
 * those between a core file and another process
 * @before: what was proved in a cut that was complete before the graph's began
 *
 * Returns 0 or -ENOMEM. The analysis that comes then is certain only of what is confirmed.
 */
int peeps_across_confirm(struct peeps_graph *graph, const struct peeps_sightings *before);

#endif
