/* SPDX-License-Identifier: MIT */
/* One look at a process: attach, cut, decode, analyse. */
#ifndef PEEPS_READER_LOOK_H
#define PEEPS_READER_LOOK_H

#include "reader/attach.h"
#include "reader/graph.h"
#include "reader/options.h"

/**
 * peeps_look - make the graph of the process that options name
 * @graph:   for the caller to free
 * @problem: filled on failure
 *
 * Returns 0; -EAGAIN if there was no consistent snapshot in time: graph is what was got, and problem says why; another
 * -errno without a graph.
 */
int peeps_look(const struct peeps_options *options, struct peeps_graph **graph,
	       struct peeps_problem *problem);

#endif
