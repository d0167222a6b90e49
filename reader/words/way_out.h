/* SPDX-License-Identifier: MIT */
/* What would end a wait, in words. The rules are in reader/analysis/wakers.h. */
#ifndef PEEPS_READER_WAY_OUT_H
#define PEEPS_READER_WAY_OUT_H

#include "reader/words/telling.h"

/**
 * peeps_way_out - "when worker-1 unlocks it", "when 2 permits are given back", "when the receiver takes a message"
 * @wait: a pending operation
 *
 * Returns NULL without memory.
 */
const char *peeps_way_out(const struct peeps_telling *telling, const struct peeps_edge *wait);

/**
 * peeps_way_out_doing - what an actor does, who could end somebody's wait: "which waits for "ledger""
 *
 * NULL if there is nothing to say: it runs (or without memory: the arena knows).
 */
const char *peeps_way_out_doing(const struct peeps_telling *telling, uint32_t actor);

#endif
