/* SPDX-License-Identifier: MIT */
/* Strongly connected components of those that are stuck: knots of actors that wait for each other, and what for. */
#ifndef PEEPS_READER_COMPONENTS_H
#define PEEPS_READER_COMPONENTS_H

#include "reader/analysis/reduce.h"

struct peeps_components {
	size_t count;
	uint32_t *of;      /* by node; PEEPS_NO_NODE = nothing stuck is there, or it is gone */
	uint32_t *starts;  /* by component: position of its first member; one more, as an end */
	uint32_t *members; /* nodes: actors and resources */
};

/**
 * peeps_components_init - find them, without recursion, in linear time
 *
 * Returns 0 or -ENOMEM.
 */
int peeps_components_init(struct peeps_components *components,
			  const struct peeps_reduction *reduction);
void peeps_components_deinit(struct peeps_components *components);

#endif
