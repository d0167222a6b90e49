/* SPDX-License-Identifier: MIT */
/* Operations of the program's own: each has an edge slot to itself, which may begin, wait and end on any
 * thread, and then stays as history until the pool has need of it. */
#include <peeps/registry.h>

#include <errno.h>
#include <signal.h>

#include "writer/edge.h"
#include "writer/entity.h"
#include "writer/kind.h"
#include "writer/operation.h"
#include "writer/process.h"
#include "writer/segment.h"
#include "writer/site.h"
#include "writer/thread.h"
#include "writer/update.h"

#define SEQUENCE_ONE (UINT64_C(1) << PEEPS_EDGE_WAIT_SEQUENCE_SHIFT)
#define ERROR_MAX    ((1 << (64 - PEEPS_EDGE_REASON_SHIFT)) - 1)

static uint64_t status_byte(const struct peeps_edge_slot *slot, int shift)
{
	return peeps_load_relaxed(&slot->status) >> shift & PEEPS_EDGE_BYTE_MASK;
}

static uint64_t state_of(const struct peeps_edge_slot *slot)
{
	return status_byte(slot, PEEPS_EDGE_STATE_SHIFT);
}

/* The operation that a reference means, if it is one of ours and not over; else NULL. */
static struct peeps_edge_slot *in_flight(uint64_t ref)
{
	struct peeps_edge_slot *const slot = edge_find(ref);

	if (!slot || status_byte(slot, PEEPS_EDGE_KIND_SHIFT) != PEEPS_EDGE_NEEDS ||
	    status_byte(slot, PEEPS_EDGE_MODE_SHIFT) & PEEPS_OPERATION_BLOCKS)
		return NULL;
	return state_of(slot) == PEEPS_STATE_ACTIVE || state_of(slot) == PEEPS_STATE_PENDING ? slot
											     : NULL;
}

static bool is_op(uint32_t op)
{
	switch (op) {
#define PEEPS_OP(symbol, number, name) \
	case PEEPS_OP_##symbol:        \
		return op != PEEPS_OP_NONE;
#include <peeps/kinds.def>
	default:
		return false;
	}
}

static bool is_actor(uint64_t ref)
{
	const struct peeps_entity_slot *const slot = entity_find(ref);

	return slot && kind_is_actor(entity_kind(slot));
}

/* Inside a section that touched the slot: which thread writes it. */
static void write_writer(struct peeps_edge_slot *slot, const struct self *self)
{
	const uint64_t rest = peeps_load_relaxed(&slot->origin) &
			      ~(PEEPS_EDGE_THREAD_MASK << PEEPS_EDGE_THREAD_SHIFT);

	peeps_store_relaxed(&slot->origin,
			    rest | (uint64_t)self->record_index << PEEPS_EDGE_THREAD_SHIFT);
}

static void write_state(struct peeps_edge_slot *slot, uint64_t state, uint64_t now_ns)
{
	peeps_store_relaxed(&slot->status,
			    (peeps_load_relaxed(&slot->status) & ~PEEPS_EDGE_BYTE_MASK) | state);
	peeps_store_relaxed(&slot->last_change_ns, now_ns);
}

static void write_poll(struct peeps_edge_slot *slot)
{
	const uint64_t wait = peeps_load_relaxed(&slot->wait);

	if ((wait & PEEPS_EDGE_POLL_COUNT_MASK) != PEEPS_EDGE_POLL_COUNT_MASK)
		peeps_store_relaxed(&slot->wait, wait + 1);
}

static bool section_begin(struct update *update, struct self *self, struct peeps_edge_slot *slot)
{
	const void *const slots[1] = { slot };

	if (!update_begin(update, self, slots, 1))
		return false;
	peeps_edge_touch(slot, update->epoch, update->record);
	write_writer(slot, self);
	return true;
}

/* --- begin --- */

struct op_new {
	uint64_t actor;
	uint32_t op;
	uint64_t target;
	uint64_t details;
	uint64_t site;
};

/* The slot's wait sequence goes on from its life before. */
static void write_begin(struct peeps_edge_slot *slot, const struct self *self,
			const struct op_new *new, uint64_t now_ns)
{
	peeps_store_relaxed(&slot->status,
			    edge_next_life(slot) |
				    (uint64_t)PEEPS_EDGE_NEEDS << PEEPS_EDGE_KIND_SHIFT |
				    (uint64_t) new->op << PEEPS_EDGE_OP_SHIFT | PEEPS_STATE_ACTIVE);
	peeps_store_relaxed(&slot->src, new->actor);
	peeps_store_relaxed(&slot->dst, new->target);
	peeps_store_relaxed(&slot->wait,
			    peeps_load_relaxed(&slot->wait) & ~PEEPS_EDGE_POLL_COUNT_MASK);
	peeps_store_relaxed(&slot->pending_since_ns, 0);
	peeps_store_relaxed(&slot->last_change_ns, now_ns);
	peeps_store_relaxed(&slot->origin,
			    (new->site &PEEPS_EDGE_SITE_MASK) | (uint64_t)self->record_index
									<< PEEPS_EDGE_THREAD_SHIFT);
	peeps_store_relaxed(&slot->details[0], new->details);
	for (int i = 1; i < PEEPS_DETAIL_WORDS; i++)
		peeps_store_relaxed(&slot->details[i], 0);
}

static uint64_t begin(struct self *self, const struct op_new *new)
{
	struct peeps_edge_slot *const slot = edge_take();
	const uint64_t now_ns = segment_ptime_ns();
	struct update update;

	if (!slot) {
		segment_count(PEEPS_COUNTER_DROPPED_EDGES);
		return 0;
	}
	if (!section_begin(&update, self, slot)) {
		edge_give(slot, (struct rest){ .over = true });
		return 0;
	}
	write_begin(slot, self, new, now_ns);
	update_end(&update);
	return edge_ref(slot);
}

struct peeps_ref peeps_op_begin_at(struct peeps_ref actor, uint32_t op, struct peeps_ref target,
				   uint64_t details, struct peeps_site *site)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	struct op_new new = { .op = op, .target = target.bits, .details = details };
	struct peeps_ref begun = { 0 };

	if (self) {
		new.actor = actor.bits ? actor.bits : self_actor(self);
		if (site_is_like_us(site) && is_op(op) && is_actor(new.actor) &&
		    entity_find(target.bits)) {
			new.site = site_id(site);
			begun.bits = begin(self, &new);
		}
		self_leave(self);
	}
	errno = saved_errno;
	return begun;
}

/* --- while it is in flight: the program says who may write it, so no lock --- */

void peeps_op_detail(struct peeps_ref op, uint32_t detail, uint64_t value)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(CALLER_STACK());
	struct peeps_edge_slot *slot;
	struct update update;

	if (self) {
		slot = in_flight(op.bits);
		if (slot && detail < PEEPS_DETAIL_WORDS && section_begin(&update, self, slot)) {
			peeps_store_relaxed(&slot->details[detail], value);
			update_end(&update);
		}
		self_leave(self);
	}
	errno = saved_errno;
}

/* What pend, poll and resume have in common: @write, in a section of the slot. */
static void change(uint64_t op, void (*write)(struct peeps_edge_slot *slot, uint64_t now_ns),
		   uint64_t caller_stack)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(caller_stack);
	struct peeps_edge_slot *slot;
	struct update update;
	uint64_t now_ns;

	if (self) {
		slot = in_flight(op);
		now_ns = segment_ptime_ns();
		if (slot && section_begin(&update, self, slot)) {
			write(slot, now_ns);
			update_end(&update);
		}
		self_leave(self);
	}
	errno = saved_errno;
}

static void write_pend(struct peeps_edge_slot *slot, uint64_t now_ns)
{
	if (state_of(slot) == PEEPS_STATE_ACTIVE) { /* a wait of its own */
		peeps_store_relaxed(&slot->wait, peeps_load_relaxed(&slot->wait) + SEQUENCE_ONE);
		peeps_store_relaxed(&slot->pending_since_ns, now_ns);
		write_state(slot, PEEPS_STATE_PENDING, now_ns);
	}
	write_poll(slot);
}

void peeps_op_pend(struct peeps_ref op)
{
	change(op.bits, write_pend, CALLER_STACK());
}

static void write_again(struct peeps_edge_slot *slot, uint64_t now_ns)
{
	(void)now_ns;
	if (state_of(slot) == PEEPS_STATE_PENDING)
		write_poll(slot);
}

void peeps_op_poll(struct peeps_ref op)
{
	change(op.bits, write_again, CALLER_STACK());
}

static void write_resume(struct peeps_edge_slot *slot, uint64_t now_ns)
{
	if (state_of(slot) == PEEPS_STATE_PENDING)
		write_state(slot, PEEPS_STATE_ACTIVE, now_ns);
}

void peeps_op_resume(struct peeps_ref op)
{
	change(op.bits, write_resume, CALLER_STACK());
}

/* --- end --- */

/* Process lock held. */
static void end(struct self *self, struct peeps_edge_slot *slot, uint64_t state, uint64_t reason)
{
	const struct operation operation = { .slot = slot };
	const uint64_t now_ns = segment_ptime_ns();
	struct update update;
	struct rest rest;

	if (!section_begin(&update, self, slot))
		return;
	rest = rest_begin(update.epoch);
	operation_write_end(&operation, (enum peeps_state)state, now_ns, reason);
	update_end(&update);
	edge_give_locked(slot, rest);
}

static void end_it(uint64_t op, uint64_t state, uint64_t reason, uint64_t caller_stack)
{
	const int saved_errno = errno;
	struct self *const self = self_enter(caller_stack);
	struct peeps_edge_slot *slot;
	sigset_t mask;

	if (self) {
		/* Under the lock, so that of two that end it one does. */
		process_lock(&mask);
		slot = in_flight(op);
		if (slot)
			end(self, slot, state, reason);
		process_unlock(&mask);
		self_leave(self);
	}
	errno = saved_errno;
}

void peeps_op_end(struct peeps_ref op, uint32_t state)
{
	if (state == PEEPS_STATE_DONE || state == PEEPS_STATE_FAILED ||
	    state == PEEPS_STATE_CANCELLED)
		end_it(op.bits, state, 0, CALLER_STACK());
}

void peeps_op_fail(struct peeps_ref op, int error)
{
	end_it(op.bits, PEEPS_STATE_FAILED, error > 0 && error <= ERROR_MAX ? (uint64_t)error : 0,
	       CALLER_STACK());
}

/* The plain symbols know no site. */
#undef peeps_op_begin

struct peeps_ref peeps_op_begin(struct peeps_ref actor, uint32_t op, struct peeps_ref target,
				uint64_t details)
{
	return peeps_op_begin_at(actor, op, target, details, &peeps_site_unknown);
}
