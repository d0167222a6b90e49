/* SPDX-License-Identifier: MIT */
#include "writer/operation.h"

#include "writer/edge.h"
#include "writer/entity.h"
#include "writer/segment.h"

/* The thread's own slots first grow to their number, then the one that finished longest ago is used
 * again. */
static int take_place(struct thread_edges *own)
{
	struct peeps_edge_slot *slot;

	if (own->count < THREAD_EDGES && (slot = edge_take()) != NULL) {
		own->slots[own->count] = edge_index(slot);
		own->last = own->count++;
		return own->last;
	}
	for (int step = 1; step <= own->count; step++) {
		const int place = (own->last + step) % own->count;

		if (own->stacks[place] != 0)
			continue;
		own->last = (uint8_t)place;
		return place;
	}
	return -1;
}

bool operation_choose(struct operation *operation, struct self *self)
{
	struct thread_edges *const own = thread_edges_of(self);

	operation->slot = NULL;
	operation->since_ns = segment_ptime_ns();
	operations_left(self, 0);

	operation->place = own ? take_place(own) : -1;
	if (operation->place >= 0)
		operation->slot = edge_at(own->slots[operation->place]);
	else
		operation->slot = own ? NULL : edge_take();
	if (!operation->slot) {
		segment_count(PEEPS_COUNTER_DROPPED_EDGES);
		return false;
	}
	if (own)
		own->stacks[operation->place] = self->stack;
	return true;
}

/* A new wait of this slot: its wait sequence tells it from the ones before. */
void operation_write_begin(const struct operation *operation, const struct self *self,
			   const struct operation_new *new)
{
	struct peeps_edge_slot *const slot = operation->slot;
	const uint64_t sequence =
		(peeps_load_relaxed(&slot->wait) >> PEEPS_EDGE_WAIT_SEQUENCE_SHIFT) + 1;

	peeps_store_relaxed(&slot->status,
			    edge_next_life(slot) | PEEPS_OPERATION_BLOCKS << PEEPS_EDGE_MODE_SHIFT |
				    (uint64_t)PEEPS_EDGE_NEEDS << PEEPS_EDGE_KIND_SHIFT |
				    (uint64_t) new->op << PEEPS_EDGE_OP_SHIFT |
				    PEEPS_STATE_PENDING);
	peeps_store_relaxed(&slot->src, self_actor(self));
	peeps_store_relaxed(&slot->dst, new->target);
	peeps_store_relaxed(&slot->wait, sequence << PEEPS_EDGE_WAIT_SEQUENCE_SHIFT |
						 (new->polls ? new->polls : 1));
	peeps_store_relaxed(&slot->pending_since_ns, operation->since_ns);
	peeps_store_relaxed(&slot->last_change_ns, operation->since_ns);
	peeps_store_relaxed(&slot->origin,
			    (new->site &PEEPS_EDGE_SITE_MASK) | (uint64_t)self->record_index
									<< PEEPS_EDGE_THREAD_SHIFT);
	for (int i = 0; i < PEEPS_DETAIL_WORDS; i++)
		peeps_store_relaxed(&slot->details[i], new->details[i]);
}

void operations_left(struct self *self, uint64_t frame)
{
	struct thread_edges *const own = thread_edges_of(self);

	for (int place = 0; own && place < own->count; place++) {
		struct operation left = { .place = place };

		if (own->stacks[place] == 0 ||
		    (own->stacks[place] > frame && !stack_is_gone(own->stacks[place], self->stack)))
			continue;
		left.slot = edge_at(own->slots[place]);
		segment_count(PEEPS_COUNTER_TORN);
		operation_end(&left, self, PEEPS_STATE_CANCELLED, segment_ptime_ns(), 0);
	}
}

void operation_pend(struct operation *operation, struct self *self, const struct operation_new *new)
{
	const void *slots[1];
	struct update update;

	if (!operation_choose(operation, self))
		return;
	slots[0] = operation->slot;
	if (!update_begin(&update, self, slots, 1)) {
		operation_release(operation, self, (struct rest){ .over = true });
		return;
	}
	peeps_edge_touch(operation->slot, update.epoch, update.record);
	operation_write_begin(operation, self, new);
	update_end(&update);
}

void operation_write_end(const struct operation *operation, enum peeps_state state, uint64_t now_ns,
			 uint64_t reason)
{
	struct peeps_edge_slot *const slot = operation->slot;
	const uint64_t origin = peeps_load_relaxed(&slot->origin);

	peeps_store_relaxed(&slot->status,
			    (peeps_load_relaxed(&slot->status) & ~PEEPS_EDGE_BYTE_MASK) |
				    (uint64_t)state);
	peeps_store_relaxed(&slot->last_change_ns, now_ns);
	peeps_store_relaxed(&slot->origin,
			    (origin & ((UINT64_C(1) << PEEPS_EDGE_REASON_SHIFT) - 1)) |
				    reason << PEEPS_EDGE_REASON_SHIFT);
}

void operation_release(struct operation *operation, struct self *self, struct rest rest)
{
	if (operation->place >= 0)
		thread_edges_of(self)->stacks[operation->place] = 0;
	else
		edge_give(operation->slot, rest);
	operation->slot = NULL;
}

void operation_end(struct operation *operation, struct self *self, enum peeps_state state,
		   uint64_t now_ns, uint64_t reason)
{
	const void *const slots[1] = { operation->slot };
	struct rest rest = { .over = true };
	struct update update;

	/* It began in a section of its own, and nothing else writes its slot: only a handler can be
	 * refused, and a handler that was not refused then is not refused now. */
	if (operation->slot && update_begin(&update, self, slots, 1)) {
		rest = rest_begin(update.epoch);
		peeps_edge_touch(operation->slot, update.epoch, update.record);
		operation_write_end(operation, state, now_ns, reason);
		update_end(&update);
	}
	if (operation->slot)
		operation_release(operation, self, rest);
}
