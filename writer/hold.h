/* SPDX-License-Identifier: MIT */
/*
 * Holds: an edge from a resource to the actor that holds it, or some of it, in a slot that stays with the
 * holder while it holds nothing. A mutex needs none: its words say who holds it.
 */
#ifndef PEEPS_WRITER_HOLD_H
#define PEEPS_WRITER_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include <peeps/kinds.h>
#include "writer/edge.h"
#include "writer/thread.h"
#include "writer/update.h"

/**
 * struct hold - a hold's tie to its slot; all zero = none
 * @generation: of the process whose segment the slot is in
 *
 * Exclusive: one thread at a time may call anything below for a hold, and whoever embeds it says by what
 * right.
 */
struct hold {
	struct peeps_edge_slot *slot;
	uint64_t generation;
};

/**
 * struct hold_new
 * @resource, @actor: refs
 * @role, @mode:      PEEPS_HOLD_ROLE_*, PEEPS_HOLD_MODE_*
 * @count:            how much it holds; 0 = nothing yet
 * @site:             id
 */
struct hold_new {
	uint64_t resource, actor;
	uint64_t role, mode;
	uint32_t count;
	uint64_t site;
};

/* It has a slot in this process's segment. */
bool hold_is_made(const struct hold *hold);

/**
 * hold_make - show it, in a section of its own
 *
 * Returns false without room (counted), or from a handler that may not. Context: process lock not held.
 */
bool hold_make(struct hold *hold, struct self *self, const struct hold_new *new);

/* The same in a slot that was taken for it; NULL = there was no room. */
bool hold_make_in(struct hold *hold, struct self *self, const struct hold_new *new,
		  struct peeps_edge_slot *slot);

/* End it, and give its slot back. Context: process lock not held. */
void hold_end(struct hold *hold, struct self *self);

static inline uint32_t hold_count(const struct hold *hold)
{
	return (uint32_t)peeps_load_relaxed(&hold->slot->wait);
}

static inline uint64_t hold_mode(const struct hold *hold)
{
	return peeps_load_relaxed(&hold->slot->status) >> PEEPS_HOLD_MODE_SHIFT &
	       PEEPS_HOLD_NIBBLE_MASK;
}

/* --- inside a section that declares hold->slot and has touched it --- */

/* It holds @more of it. From nothing: a hold of its own, since @since_ns (ptime; 0 = no honest stamp). */
void hold_write_more(struct hold *hold, uint32_t more, uint64_t since_ns, bool exact,
		     uint64_t site);
void hold_write_less(struct hold *hold, uint32_t less);

/* Another actor has it, or has it in another way. */
void hold_write_owner(struct hold *hold, uint64_t actor, uint64_t mode, uint64_t since_ns,
		      bool exact, uint64_t site);

/* The same actor has it still, in another way. */
void hold_write_mode(struct hold *hold, uint64_t mode);

/* ptime for a hold that begins now, as cheap as it can be had: the tick, or without one the clock (exact). */
uint64_t hold_stamp(bool *exact);

#endif
