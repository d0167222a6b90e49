/* SPDX-License-Identifier: MIT */
#include "writer/hold.h"

#include "writer/process.h"
#include "writer/segment.h"

#define COUNT_MASK   PEEPS_EDGE_POLL_COUNT_MASK
#define SEQUENCE_ONE (UINT64_C(1) << PEEPS_EDGE_WAIT_SEQUENCE_SHIFT)

bool hold_is_made(const struct hold *hold)
{
	return hold->slot && hold->generation == peeps_process.generation;
}

uint64_t hold_stamp(bool *exact)
{
	const uint64_t tick_ns = peeps_load_relaxed(&peeps_segment.control->tick_ns);

	*exact = tick_ns == 0;
	return tick_ns ? tick_ns : segment_ptime_ns();
}

static uint64_t status_of(uint64_t life, uint64_t role, uint64_t mode)
{
	return life | mode << PEEPS_HOLD_MODE_SHIFT | role << PEEPS_HOLD_ROLE_SHIFT |
	       (uint64_t)PEEPS_EDGE_HOLDS << PEEPS_EDGE_KIND_SHIFT;
}

static uint64_t role_of(const struct peeps_edge_slot *slot)
{
	return peeps_load_relaxed(&slot->status) >> PEEPS_HOLD_ROLE_SHIFT & PEEPS_HOLD_NIBBLE_MASK;
}

static void write_origin(struct peeps_edge_slot *slot, uint64_t since_ns, bool exact, uint64_t site)
{
	peeps_store_relaxed(&slot->pending_since_ns, since_ns);
	peeps_store_relaxed(&slot->last_change_ns, since_ns);
	peeps_store_relaxed(&slot->origin,
			    (site & PEEPS_EDGE_SITE_MASK) | (exact ? PEEPS_HOLD_EXACT : 0)
								    << PEEPS_EDGE_REASON_SHIFT);
}

/* Which of the slot's holds it is, and how much of it. */
static void write_next_hold(struct peeps_edge_slot *slot, uint32_t count)
{
	const uint64_t word = peeps_load_relaxed(&slot->wait);

	peeps_store_relaxed(&slot->wait, ((word & ~COUNT_MASK) + SEQUENCE_ONE) | count);
}

bool hold_make(struct hold *hold, struct self *self, const struct hold_new *new)
{
	return hold_make_in(hold, self, new, edge_take());
}

bool hold_make_in(struct hold *hold, struct self *self, const struct hold_new *new,
		  struct peeps_edge_slot *slot)
{
	const void *const slots[1] = { slot };
	struct update update;
	uint64_t since_ns;
	bool exact;

	*hold = (struct hold){ 0 };
	if (!slot) {
		segment_count(PEEPS_COUNTER_DROPPED_EDGES);
		return false;
	}
	since_ns = hold_stamp(&exact);
	if (!update_begin(&update, self, slots, 1)) {
		edge_give(slot, (struct rest){ .over = true });
		return false;
	}
	peeps_edge_touch(slot, update.epoch, update.record);
	peeps_store_relaxed(&slot->status, status_of(edge_next_life(slot), new->role, new->mode));
	peeps_store_relaxed(&slot->src, new->resource);
	peeps_store_relaxed(&slot->dst, new->actor);
	write_next_hold(slot, new->count);
	write_origin(slot, since_ns, exact, new->site);
	update_end(&update);
	*hold = (struct hold){ .slot = slot, .generation = peeps_process.generation };
	return true;
}

void hold_end(struct hold *hold, struct self *self)
{
	sigset_t mask;

	if (!hold_is_made(hold))
		return;
	process_lock(&mask);
	if (edge_retire(hold->slot, self))
		*hold = (struct hold){ 0 };
	process_unlock(&mask);
}

void hold_write_more(struct hold *hold, uint32_t more, uint64_t since_ns, bool exact, uint64_t site)
{
	struct peeps_edge_slot *const slot = hold->slot;

	if (hold_count(hold) == 0) {
		write_next_hold(slot, more);
		write_origin(slot, since_ns, exact, site);
	} else {
		peeps_store_relaxed(&slot->wait, peeps_load_relaxed(&slot->wait) + more);
	}
}

void hold_write_less(struct hold *hold, uint32_t less)
{
	struct peeps_edge_slot *const slot = hold->slot;

	peeps_store_relaxed(&slot->wait, peeps_load_relaxed(&slot->wait) - less);
}

void hold_write_mode(struct hold *hold, uint64_t mode)
{
	struct peeps_edge_slot *const slot = hold->slot;

	peeps_store_relaxed(&slot->status, status_of(edge_life(slot), role_of(slot), mode));
}

void hold_write_owner(struct hold *hold, uint64_t actor, uint64_t mode, uint64_t since_ns,
		      bool exact, uint64_t site)
{
	struct peeps_edge_slot *const slot = hold->slot;

	hold_write_mode(hold, mode);
	peeps_store_relaxed(&slot->dst, actor);
	write_next_hold(slot, hold_count(hold));
	write_origin(slot, since_ns, exact, site);
}
