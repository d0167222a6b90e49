/* SPDX-License-Identifier: MIT */
/* gc: removes the kept segments of processes that are no more. */
#ifndef PEEPS_READER_VERB_GC_H
#define PEEPS_READER_VERB_GC_H

#include <stdio.h>

#include "reader/command/answer.h"

/**
 * peeps_gc_print - remove what is stale in PEEPS_DIR, and print what was; with options->dry_run only print
 *
 * A peeps_print_fn: as text or JSON. What cannot be removed is said, and the rest removed all the same.
 * Returns 0; -ENOMEM; another -errno with the problem filled: status 2 without PEEPS_DIR.
 */
int peeps_gc_print(const struct peeps_options *options, const struct peeps_graph *graph, FILE *out,
		   struct peeps_problem *problem);

#endif
