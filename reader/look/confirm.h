/* SPDX-License-Identifier: MIT */
/* Several looks, and only what all of them find. */
#ifndef PEEPS_READER_CONFIRM_H
#define PEEPS_READER_CONFIRM_H

#include "reader/look/look.h"

/**
 * peeps_confirm - look options->confirm times, options->every_ns apart
 *
 * As peeps_look(). The graph is that of the last look. Of its findings those are left whose edges (process, slot, wait
 * sequence) were there in every look. Ends as soon as nothing is left. What does not run is looked at once: it stays as
 * it is.
 */
int peeps_confirm(const struct peeps_options *options, const struct peeps_place *places,
		  size_t count, struct peeps_graph **graph, struct peeps_problem *problem);

#endif
