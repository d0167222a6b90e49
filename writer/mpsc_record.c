/* SPDX-License-Identifier: MIT */
#include "writer/mpsc_record.h"

#include "writer/entity.h"
#include "writer/hook.h"
#include "writer/process.h"

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
			     endpoint_site(recording->call), recording->self);
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

static struct endpoint sending_end(const struct mpsc *c)
{
	return (struct endpoint){ c->record.hook.slot, PEEPS_HOLD_ROLE_SENDER };
}

static struct endpoint receiving_end(const struct mpsc *c)
{
	return (struct endpoint){ c->record.rx, PEEPS_HOLD_ROLE_RECEIVER };
}

void mpsc_record_tx_moved(struct peeps_mpsc_tx *tx, const struct endpoint_call *call)
{
	struct mpsc *const c = tx->channel;
	struct recording recording;

	if (recording_enter(&recording, call) && tie(c, &recording))
		endpoint_moved(&tx->owner, sending_end(c), &recording);
	recording_leave(&recording);
}

void mpsc_record_rx_moved(struct peeps_mpsc_rx *rx, const struct endpoint_call *call)
{
	struct mpsc *const c = rx->channel;
	struct recording recording;

	if (recording_enter(&recording, call) && tie_as_receiver(c, &recording))
		endpoint_moved(&rx->owner, receiving_end(c), &recording);
	recording_leave(&recording);
}

/* --- made, closed, freed -------------------------------------------------------------------- */

void mpsc_record_new(struct peeps_mpsc_tx *tx, struct peeps_mpsc_rx *rx, const char *name,
		     const struct endpoint_call *call)
{
	struct mpsc *const c = tx->channel;
	struct recording recording;

	(void)recording_enter(&recording, call);
	hook_init(&c->record.hook, name, endpoint_site(call), 0, recording.self);
	if (recording.self && tie(c, &recording)) {
		endpoint_created(&tx->owner, sending_end(c), &recording);
		endpoint_created(&rx->owner, receiving_end(c), &recording);
	}
	recording_leave(&recording);
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

void mpsc_record_ends(struct mpsc *c, bool by_receiver, const struct endpoint_call *call)
{
	struct recording recording;

	if (recording_enter(&recording, call) && tie(c, &recording))
		write_ends(c, by_receiver, recording.self);
	recording_leave(&recording);
}

void mpsc_record_cloned(struct peeps_mpsc_tx *tx, const struct endpoint_call *call)
{
	struct mpsc *const c = tx->channel;
	struct recording recording;

	if (recording_enter(&recording, call) && tie(c, &recording)) {
		write_ends(c, false, recording.self);
		endpoint_created(&tx->owner, sending_end(c), &recording);
	}
	recording_leave(&recording);
}

void mpsc_record_freed(struct mpsc *c, const struct endpoint_call *call)
{
	struct recording recording;

	(void)recording_enter(&recording, call);
	hook_deinit_ends(&c->record.hook, c->record.rx, NULL, 0, recording.self);
	recording_leave(&recording);
}

/* --- items ---------------------------------------------------------------------------------- */

static bool item_begin(struct endpoint_update *item, struct peeps_entity_slot *end,
		       struct endpoint_wait *wait, struct self *self)
{
	const void *slots[2] = { end };

	if (!endpoint_update_begin(item, slots, 1, wait, self))
		return false;
	peeps_entity_touch(end, item->update.epoch, item->update.record);
	return true;
}

void mpsc_record_sent_slow(struct peeps_mpsc_tx *tx, struct endpoint_wait *wait,
			   const struct endpoint_call *call)
{
	struct mpsc *const c = tx->channel;
	struct recording recording;
	struct endpoint_update item;

	if (!recording_enter(&recording, call))
		goto out;
	if (!tie(c, &recording)) {
		endpoint_end_wait_alone(wait, recording.self);
		goto out;
	}
	endpoint_settle(&tx->owner, sending_end(c), &recording);
	mpsc_record_occupancy(c);
	if (item_begin(&item, c->record.hook.slot, wait, recording.self)) {
		mpsc_write_sent(c, c->record.hook.slot);
		endpoint_update_end(&item, recording.self);
	}
out:
	recording_leave(&recording);
}

void mpsc_record_received_slow(struct peeps_mpsc_rx *rx, struct endpoint_wait *wait,
			       const struct endpoint_call *call)
{
	struct mpsc *const c = rx->channel;
	struct recording recording;
	struct endpoint_update item;

	if (!recording_enter(&recording, call))
		goto out;
	if (!tie_as_receiver(c, &recording)) {
		endpoint_end_wait_alone(wait, recording.self);
		goto out;
	}
	endpoint_settle(&rx->owner, receiving_end(c), &recording);
	if (item_begin(&item, c->record.rx, wait, recording.self)) {
		mpsc_write_received(c, c->record.rx);
		endpoint_update_end(&item, recording.self);
	}
out:
	recording_leave(&recording);
}

/* --- waits ---------------------------------------------------------------------------------- */

static uint64_t occupancy_of(const struct mpsc *c)
{
	const uint64_t received = mpsc_received(c);
	const uint64_t queued = mpsc_sent(c) - received;

	return c->capacity && queued > c->capacity ? c->capacity : queued;
}

static void pend(struct endpoint_wait *wait, const struct mpsc *c, enum peeps_op op,
		 const struct peeps_entity_slot *end, uint64_t deadline_ns,
		 const struct recording *recording)
{
	endpoint_pend(wait, op, end, occupancy_of(c) + 1, c->capacity ? c->capacity + 1 : 0,
		      deadline_ns, recording);
}

void mpsc_record_send_blocked(struct endpoint_wait *wait, struct peeps_mpsc_tx *tx,
			      uint64_t deadline_ns, const struct endpoint_call *call)
{
	struct mpsc *const c = tx->channel;
	struct recording recording;

	wait->operation.slot = NULL;
	if (recording_enter(&recording, call)) {
		mpsc_lock_senders(c);
		if (tie(c, &recording))
			endpoint_settle(&tx->owner, sending_end(c), &recording);
		mpsc_unlock_senders(c);
		if (hook_is_tied(&c->record.hook) && self_is_somebody(recording.self))
			pend(wait, c, PEEPS_OP_SEND, c->record.hook.slot, deadline_ns, &recording);
	}
	recording_leave(&recording);
}

void mpsc_record_recv_blocked(struct endpoint_wait *wait, struct peeps_mpsc_rx *rx,
			      uint64_t deadline_ns, const struct endpoint_call *call)
{
	struct mpsc *const c = rx->channel;
	struct recording recording;

	wait->operation.slot = NULL;
	if (recording_enter(&recording, call) && tie_as_receiver(c, &recording)) {
		endpoint_settle(&rx->owner, receiving_end(c), &recording);
		if (self_is_somebody(recording.self))
			pend(wait, c, PEEPS_OP_RECV, c->record.rx, deadline_ns, &recording);
	}
	recording_leave(&recording);
}
