/* SPDX-License-Identifier: MIT */
/* Which waits and holds are the same in two graphs whose nodes were compared. */
#ifndef PEEPS_READER_DIFFERENCE_EDGES_H
#define PEEPS_READER_DIFFERENCE_EDGES_H

#include "reader/analysis/difference.h"

/**
 * peeps_difference_match_edges - fill in the counterparts of edges
 * @seed: of hashes, that no target knows
 *
 * Returns 0, -ENOMEM, or -ELOOP if so many edges of one hash are no chance.
 */
int peeps_difference_match_edges(struct peeps_difference *difference, uint64_t seed);

#endif
