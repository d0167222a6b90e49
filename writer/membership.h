/* SPDX-License-Identifier: MIT */
/*
 * Memberships: which entities are in which scopes. Rows of the segment, which never change while a cut can
 * show them, chained in private memory by scope and by entity, so that either end finds them.
 */
#ifndef PEEPS_WRITER_MEMBERSHIP_H
#define PEEPS_WRITER_MEMBERSHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "writer/rest.h"
#include "writer/thread.h"

/* By which end memberships are found. */
enum membership_end { MEMBERSHIP_OF_SCOPE = 0, MEMBERSHIP_OF_ENTITY = 1 };

/* At the start, and in a forked child, where there are none. Process lock held. Returns false without
 * memory. */
bool memberships_init(void);

/**
 * membership_make - an entity is in a scope, unless it is already
 * @scope, @member: refs of present lives
 *
 * In a section of its own. Without room: dropped and counted. Context: process lock held.
 */
void membership_make(struct self *self, uint64_t scope, uint64_t member);

/* Inside the section that ends the scope or the entity of this index: its memberships end with it. */
void memberships_write_end(enum membership_end end, uint32_t index, uint64_t epoch);

/* After that section: their rows may rest. Context for both: process lock held. */
void memberships_give(enum membership_end end, uint32_t index, struct rest rest);

#endif
