/* SPDX-License-Identifier: MIT */
#include "writer/mpsc_record.h"

#include <errno.h>

#include "writer/entity.h"
#include "writer/hook.h"
#include "writer/process.h"
#include "writer/segment.h"
#include "writer/site.h"

/* Nothing else that a place of another layout says may be looked at. */
static struct peeps_site *site_of(const struct mpsc_call *call)
{
	return site_is_like_us(call->site) ? call->site : &peeps_site_unknown;
}

/* Recording begins, if it can: to be ended with leave(). A thread of which nothing can be recorded handles
 * items and ends all the same: as nobody, so that what is counted stays true, and what is over goes. */
struct recording {
	struct self *self;
	struct self nobody;
	const struct mpsc_call *call;
	int saved_errno;
};

static bool enter(struct recording *recording, const struct mpsc_call *call)
{
	recording->saved_errno = errno;
	recording->call = call;
	recording->self = self_enter_or_nobody(&recording->nobody, call->stack);
	return recording->self != NULL;
}

static void leave(const struct recording *recording)
{
	if (recording->self)
		self_leave(recording->self);
	errno = recording->saved_errno;
}

void mpsc_record_prepare_slow(const struct mpsc_call *call)
{
	struct recording recording;

	if (enter(&recording, call))
		(void)site_id(site_of(call));
	leave(&recording);
}

/* --- the two ends --------------------------------------------------------------------------- */

static uint64_t sender_word(const struct mpsc *c)
{
	return (uint32_t)c->send.handles | c->send.close_cause << PEEPS_MPSC_TX_CLOSE_CAUSE_SHIFT |
	       (uint64_t)c->send.sender_closed << PEEPS_MPSC_TX_SENDER_CLOSED_SHIFT;
}

/* In a child the ends come into being anew, with the totals that the child knows. Senders' lock held, or
 * nobody knows the channel yet. A receive that this does not count yet finds the ends tied when it has the
 * lock (tie_as_receiver()), and counts itself. */
static bool tie(struct mpsc *c, const struct recording *recording)
{
	struct entity_new ends[2] = {
		{ .kind = PEEPS_KIND_MPSC_RX },
		{ .kind = PEEPS_KIND_MPSC_TX },
	};

	if (hook_is_tied(&c->record.hook))
		return true;
	ends[0].body[PEEPS_MPSC_RX_RECV_TOTAL_WORD] = peeps_load_relaxed(&c->recv.received);
	ends[0].body[PEEPS_MPSC_RX_DISCARDED_TOTAL_WORD] = c->send.discarded;
	ends[0].body[PEEPS_MPSC_RX_RECEIVER_CLOSED_WORD] = c->send.receiver_closed;
	/* Sent and published: mpsc_record_sent() adds the one that is being sent. */
	ends[1].body[PEEPS_MPSC_TX_SENT_TOTAL_WORD] = mpsc_sent(c);
	ends[1].body[PEEPS_MPSC_TX_CAPACITY_WORD] = c->capacity;
	mpsc_record_occupancy(c);
	ends[1].body[PEEPS_MPSC_TX_HIGH_WATERMARK_WORD] = c->send.high_watermark;
	ends[1].body[PEEPS_MPSC_TX_SENDER_COUNT_WORD] = sender_word(c);
	return hook_tie_ends(&c->record.hook, &c->record.rx, ends, PEEPS_MPSC_TX_PEER_WORD,
			     site_of(recording->call), recording->self);
}

static bool tie_as_receiver(struct mpsc *c, const struct recording *recording)
{
	bool tied;

	if (hook_is_tied(&c->record.hook))
		return true;
	mpsc_lock_senders(c);
	tied = tie(c, recording);
	mpsc_unlock_senders(c);
	return tied;
}

/* --- who owns them -------------------------------------------------------------------------- */

static void show_owner(struct mpsc_owner *owner, uint64_t mode, struct peeps_entity_slot *end,
		       uint64_t role, const struct recording *recording)
{
	const struct hold_new new = {
		.resource = entity_ref(end),
		.actor = self_actor(recording->self),
		.role = role,
		.mode = mode,
		.count = 1,
		.site = site_id(site_of(recording->call)),
	};

	if (!self_is_somebody(recording->self))
		return;
	/* Without room it is counted once, and not tried again. */
	(void)hold_make(&owner->hold, recording->self, &new);
	owner->generation = peeps_process.generation;
	owner->actor = new.actor;
	owner->mode = mode;
}

/* Returns false if this could not be written now. */
static bool write_mode(struct mpsc_owner *owner, uint64_t mode, struct self *self)
{
	const void *const slots[1] = { owner->hold.slot };
	struct update update;

	if (hold_is_made(&owner->hold)) {
		if (!update_begin(&update, self, slots, 1))
			return false;
		peeps_edge_touch(owner->hold.slot, update.epoch, update.record);
		hold_write_mode(&owner->hold, mode);
		update_end(&update);
	}
	owner->mode = mode;
	return true;
}

/* The calling actor uses the handle. */
static void settle(struct mpsc_owner *owner, struct peeps_entity_slot *end, uint64_t role,
		   const struct recording *recording)
{
	const uint64_t actor = self_actor(recording->self);
	bool known = true;

	if (owner->settled == actor && owner->generation == peeps_process.generation)
		return;
	if (owner->generation != peeps_process.generation && !self_is_somebody(recording->self))
		return;
	if (owner->generation != peeps_process.generation)
		show_owner(owner, PEEPS_HOLD_MODE_CREATOR, end, role, recording);
	else if (owner->actor != actor && owner->mode != PEEPS_HOLD_MODE_SHARED)
		known = write_mode(owner, PEEPS_HOLD_MODE_SHARED, recording->self);
	if (known)
		owner->settled = owner->mode == PEEPS_HOLD_MODE_SHARED ? MPSC_ANYBODY : actor;
}

static void move(struct mpsc_owner *owner, struct peeps_entity_slot *end, uint64_t role,
		 const struct recording *recording)
{
	const uint64_t actor = self_actor(recording->self);
	const uint64_t site = site_id(site_of(recording->call));
	const void *const slots[1] = { owner->hold.slot };
	struct update update;
	uint64_t since_ns;
	bool exact;

	if (!self_is_somebody(recording->self)) {
		/* Whose it is now nobody can say; but not his who had it. */
		hold_end(&owner->hold, recording->self);
		owner->actor = 0;
	} else if (!hold_is_made(&owner->hold)) {
		show_owner(owner, PEEPS_HOLD_MODE_OWNER, end, role, recording);
	} else {
		since_ns = hold_stamp(&exact);
		if (!update_begin(&update, recording->self, slots, 1))
			return;
		peeps_edge_touch(owner->hold.slot, update.epoch, update.record);
		hold_write_owner(&owner->hold, actor, PEEPS_HOLD_MODE_OWNER, since_ns, exact, site);
		update_end(&update);
		owner->actor = actor;
		owner->mode = PEEPS_HOLD_MODE_OWNER;
	}
	owner->settled = actor;
}

void mpsc_record_tx_moved(struct peeps_mpsc_tx *tx, const struct mpsc_call *call)
{
	struct mpsc *const c = tx->channel;
	struct recording recording;

	if (enter(&recording, call) && tie(c, &recording))
		move(&tx->owner, c->record.hook.slot, PEEPS_HOLD_ROLE_SENDER, &recording);
	leave(&recording);
}

void mpsc_record_rx_moved(struct peeps_mpsc_rx *rx, const struct mpsc_call *call)
{
	struct mpsc *const c = rx->channel;
	struct recording recording;

	if (enter(&recording, call) && tie_as_receiver(c, &recording))
		move(&rx->owner, c->record.rx, PEEPS_HOLD_ROLE_RECEIVER, &recording);
	leave(&recording);
}

void mpsc_record_left(struct mpsc_owner *owner, const struct mpsc_call *call)
{
	struct recording recording;

	if (enter(&recording, call))
		hold_end(&owner->hold, recording.self);
	leave(&recording);
}

/* --- made, closed, freed -------------------------------------------------------------------- */

void mpsc_record_new(struct peeps_mpsc_tx *tx, struct peeps_mpsc_rx *rx, const char *name,
		     const struct mpsc_call *call)
{
	struct mpsc *const c = tx->channel;
	struct recording recording;

	(void)enter(&recording, call);
	hook_init(&c->record.hook, name, site_of(call), 0, recording.self);
	if (recording.self && tie(c, &recording)) {
		show_owner(&tx->owner, PEEPS_HOLD_MODE_CREATOR, c->record.hook.slot,
			   PEEPS_HOLD_ROLE_SENDER, &recording);
		show_owner(&rx->owner, PEEPS_HOLD_MODE_CREATOR, c->record.rx,
			   PEEPS_HOLD_ROLE_RECEIVER, &recording);
	}
	leave(&recording);
}

static void write_ends(struct mpsc *c, bool by_receiver, struct self *self)
{
	struct peeps_entity_slot *const tx = c->record.hook.slot, *const rx = c->record.rx;
	const void *const slots[2] = { tx, rx };
	struct update update;

	if (!update_begin(&update, self, slots, by_receiver ? 2 : 1))
		return;
	peeps_entity_touch(tx, update.epoch, update.record);
	peeps_store_relaxed(&tx->body[PEEPS_MPSC_TX_SENDER_COUNT_WORD], sender_word(c));
	PEEPS_STEP(PEEPS_STEP_SECTION_HALF);
	if (by_receiver) {
		peeps_entity_touch(rx, update.epoch, update.record);
		peeps_store_relaxed(&rx->body[PEEPS_MPSC_RX_RECEIVER_CLOSED_WORD], 1);
		peeps_store_relaxed(&rx->body[PEEPS_MPSC_RX_DISCARDED_TOTAL_WORD],
				    c->send.discarded);
	}
	update_end(&update);
}

void mpsc_record_ends(struct mpsc *c, bool by_receiver, const struct mpsc_call *call)
{
	struct recording recording;

	if (enter(&recording, call) && tie(c, &recording))
		write_ends(c, by_receiver, recording.self);
	leave(&recording);
}

void mpsc_record_cloned(struct peeps_mpsc_tx *tx, const struct mpsc_call *call)
{
	struct mpsc *const c = tx->channel;
	struct recording recording;

	if (enter(&recording, call) && tie(c, &recording)) {
		write_ends(c, false, recording.self);
		show_owner(&tx->owner, PEEPS_HOLD_MODE_CREATOR, c->record.hook.slot,
			   PEEPS_HOLD_ROLE_SENDER, &recording);
	}
	leave(&recording);
}

void mpsc_record_freed(struct mpsc *c, const struct mpsc_call *call)
{
	struct recording recording;

	(void)enter(&recording, call);
	hook_deinit_ends(&c->record.hook, c->record.rx, recording.self);
	leave(&recording);
}

/* --- items ---------------------------------------------------------------------------------- */

/* The section of an item, and of the wait that it ended. */
struct item_update {
	struct update update;
	struct operation *operation; /* NULL = none ends here */
	struct rest rest;
};

static bool item_begin(struct item_update *item, struct peeps_entity_slot *end,
		       struct mpsc_wait *wait, struct self *self)
{
	const bool waited = wait && wait->operation.slot && self_is_somebody(self);
	const void *const slots[2] = { end, waited ? wait->operation.slot : NULL };
	const uint64_t now_ns = waited ? segment_ptime_ns() : 0;

	item->operation = waited ? &wait->operation : NULL;
	if (!update_begin(&item->update, self, slots, waited ? 2 : 1)) {
		if (waited)
			operation_end(&wait->operation, self, PEEPS_STATE_DONE, now_ns, 0);
		return false;
	}
	peeps_entity_touch(end, item->update.epoch, item->update.record);
	if (waited) {
		item->rest = rest_begin(item->update.epoch);
		peeps_edge_touch(wait->operation.slot, item->update.epoch, item->update.record);
		operation_write_end(&wait->operation, PEEPS_STATE_DONE, now_ns, 0);
	}
	return true;
}

static void item_end(struct item_update *item, struct self *self)
{
	update_end(&item->update);
	if (item->operation)
		operation_release(item->operation, self, item->rest);
}

/* Its end has no place in the segment any more; the wait has. */
static void end_wait_alone(struct mpsc_wait *wait, struct self *self)
{
	if (wait && self_is_somebody(self))
		operation_end(&wait->operation, self, PEEPS_STATE_DONE, segment_ptime_ns(), 0);
}

void mpsc_record_sent_slow(struct peeps_mpsc_tx *tx, struct mpsc_wait *wait,
			   const struct mpsc_call *call)
{
	struct mpsc *const c = tx->channel;
	struct recording recording;
	struct item_update item;

	if (!enter(&recording, call))
		goto out;
	if (!tie(c, &recording)) {
		end_wait_alone(wait, recording.self);
		goto out;
	}
	settle(&tx->owner, c->record.hook.slot, PEEPS_HOLD_ROLE_SENDER, &recording);
	mpsc_record_occupancy(c);
	if (item_begin(&item, c->record.hook.slot, wait, recording.self)) {
		mpsc_write_sent(c, c->record.hook.slot);
		item_end(&item, recording.self);
	}
out:
	leave(&recording);
}

void mpsc_record_received_slow(struct peeps_mpsc_rx *rx, struct mpsc_wait *wait,
			       const struct mpsc_call *call)
{
	struct mpsc *const c = rx->channel;
	struct recording recording;
	struct item_update item;

	if (!enter(&recording, call))
		goto out;
	if (!tie_as_receiver(c, &recording)) {
		end_wait_alone(wait, recording.self);
		goto out;
	}
	settle(&rx->owner, c->record.rx, PEEPS_HOLD_ROLE_RECEIVER, &recording);
	if (item_begin(&item, c->record.rx, wait, recording.self)) {
		mpsc_write_received(c, c->record.rx);
		item_end(&item, recording.self);
	}
out:
	leave(&recording);
}

/* --- waits ---------------------------------------------------------------------------------- */

static uint64_t occupancy_of(const struct mpsc *c)
{
	const uint64_t received = mpsc_received(c);
	const uint64_t queued = mpsc_sent(c) - received;

	return c->capacity && queued > c->capacity ? c->capacity : queued;
}

/* send and recv have the same details, in the same places. */
_Static_assert((int)PEEPS_DETAIL_SEND_OCCUPANCY == (int)PEEPS_DETAIL_RECV_OCCUPANCY &&
		       (int)PEEPS_DETAIL_SEND_CAPACITY == (int)PEEPS_DETAIL_RECV_CAPACITY &&
		       (int)PEEPS_DETAIL_SEND_UNTIL == (int)PEEPS_DETAIL_RECV_UNTIL,
	       "details of send and recv");

static void pend(struct mpsc_wait *wait, const struct mpsc *c, enum peeps_op op,
		 struct peeps_entity_slot *end, uint64_t deadline_ns,
		 const struct recording *recording)
{
	struct operation_new new = {
		.op = op,
		.target = entity_ref(end),
		.site = site_id(site_of(recording->call)),
	};

	new.details[PEEPS_DETAIL_SEND_OCCUPANCY] = occupancy_of(c) + 1;
	new.details[PEEPS_DETAIL_SEND_CAPACITY] = c->capacity ? c->capacity + 1 : 0;
	if (deadline_ns != UINT64_MAX)
		new.details[PEEPS_DETAIL_SEND_UNTIL] =
			deadline_ns - peeps_segment.start_monotonic_ns;
	operation_pend(&wait->operation, recording->self, &new);
}

void mpsc_record_send_blocked(struct mpsc_wait *wait, struct peeps_mpsc_tx *tx,
			      uint64_t deadline_ns, const struct mpsc_call *call)
{
	struct mpsc *const c = tx->channel;
	struct recording recording;

	wait->operation.slot = NULL;
	if (enter(&recording, call)) {
		mpsc_lock_senders(c);
		if (tie(c, &recording))
			settle(&tx->owner, c->record.hook.slot, PEEPS_HOLD_ROLE_SENDER, &recording);
		mpsc_unlock_senders(c);
		if (hook_is_tied(&c->record.hook) && self_is_somebody(recording.self))
			pend(wait, c, PEEPS_OP_SEND, c->record.hook.slot, deadline_ns, &recording);
	}
	leave(&recording);
}

void mpsc_record_recv_blocked(struct mpsc_wait *wait, struct peeps_mpsc_rx *rx,
			      uint64_t deadline_ns, const struct mpsc_call *call)
{
	struct mpsc *const c = rx->channel;
	struct recording recording;

	wait->operation.slot = NULL;
	if (enter(&recording, call) && tie_as_receiver(c, &recording)) {
		settle(&rx->owner, c->record.rx, PEEPS_HOLD_ROLE_RECEIVER, &recording);
		if (self_is_somebody(recording.self))
			pend(wait, c, PEEPS_OP_RECV, c->record.rx, deadline_ns, &recording);
	}
	leave(&recording);
}

static void end_wait(struct mpsc_wait *wait, enum peeps_state state, int error,
		     const struct mpsc_call *call)
{
	struct recording recording;

	if (!wait->operation.slot)
		return;
	if (enter(&recording, call) && self_is_somebody(recording.self))
		operation_end(&wait->operation, recording.self, state, segment_ptime_ns(),
			      (uint64_t)error);
	leave(&recording);
}

void mpsc_record_failed(struct mpsc_wait *wait, int error, const struct mpsc_call *call)
{
	end_wait(wait, PEEPS_STATE_FAILED, error, call);
}

void mpsc_record_cancelled(struct mpsc_wait *wait, const struct mpsc_call *call)
{
	end_wait(wait, PEEPS_STATE_CANCELLED, 0, call);
}
