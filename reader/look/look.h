/* SPDX-License-Identifier: MIT */
/* One look: at processes (attach, cut, decode, analyse), at what is left of one, or at a snapshot of them. */
#ifndef PEEPS_READER_LOOK_H
#define PEEPS_READER_LOOK_H

#include "reader/command/options.h"
#include "reader/graph/graph.h"
#include "reader/look/place.h"
#include "reader/target/attach.h"

/**
 * peeps_look - make one graph of all the places
 * @graph:   for the caller to free
 * @problem: filled on failure
 *
 * All processes are cut as one. A snapshot is shown as it was taken, findings included; of a series or a database, that is the
 * last one, or that of options->at. It stands alone.
 * Returns 0; -EAGAIN if there was no consistent snapshot in time: graph is what was got, and problem says why; another
 * -errno without a graph.
 */
int peeps_look(const struct peeps_options *options, const struct peeps_place *places, size_t count,
	       struct peeps_graph **graph, struct peeps_problem *problem);

#endif
