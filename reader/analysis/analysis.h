/* SPDX-License-Identifier: MIT */
/* What a graph means: who can progress, who cannot, and why. */
#ifndef PEEPS_READER_ANALYSIS_H
#define PEEPS_READER_ANALYSIS_H

#include "reader/graph/graph.h"

/**
 * struct peeps_analysis_options
 * @max_wait_ns: pending operations older than this are long waits; 0 = none are
 */
struct peeps_analysis_options {
	uint64_t max_wait_ns;
};

/**
 * peeps_analyse - derive attributes (waiters of all kinds, activity blocked) and findings
 *
 * The AND-OR wait graph, reduced to its fixpoint: an actor that is not waiting can progress; whoever can progress
 * eventually releases what it holds and serves its endpoints. What remains is deadlocked for certain if all that
 * could wake it is itself stuck or gone, and if every fact that says so is proved by the snapshot; what depends on
 * something outside is waiting, not stuck.
 * Returns 0 or -ENOMEM.
 */
int peeps_analyse(struct peeps_graph *graph, const struct peeps_analysis_options *options);

/**
 * peeps_analyse_waits - of a snapshot that was analysed when it was taken, only find the long waits anew
 *
 * How certain its other findings are cannot be told from it any more: a cut before it may have confirmed them.
 * Returns 0 or -ENOMEM.
 */
int peeps_analyse_waits(struct peeps_graph *graph, const struct peeps_analysis_options *options);

#endif
