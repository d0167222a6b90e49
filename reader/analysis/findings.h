/* SPDX-License-Identifier: MIT */
/* What is stuck, why, and who suffers from it: findings with their evidence and sentences. */
#ifndef PEEPS_READER_FINDINGS_H
#define PEEPS_READER_FINDINGS_H

#include "reader/analysis/analysis.h"
#include "reader/graph/graph.h"

/**
 * peeps_findings_make - fill in the graph's findings, in place of any that it has: the certain ones first, and of those deadlocks
 *
 * One deadlock per knot of actors that wait for each other, shown by one cycle through the actor with the smallest
 * id; one orphaned wait per resource that nobody can give any more, shown by the actor that has waited for it longest;
 * one long wait per pending operation beyond max_wait_ns that is not stuck behind one of these. A stuck actor is a
 * victim of the finding that is nearest to it.
 * Returns 0 or -ENOMEM.
 */
int peeps_findings_make(struct peeps_graph *graph, const struct peeps_analysis_options *options);

/**
 * peeps_findings_make_long_waits - only the long waits anew; the other findings stay as they were made
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_findings_make_long_waits(struct peeps_graph *graph,
				   const struct peeps_analysis_options *options);

#endif
