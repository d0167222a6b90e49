/* SPDX-License-Identifier: MIT */
#include "writer/broadcast_channel.h"

#include "writer/entity.h"
#include "writer/hook.h"

/* --- the ends ------------------------------------------------------------------------------- */

static uint64_t close_cause(const struct broadcast *c)
{
	if (c->senders == 0)
		return PEEPS_CLOSE_CAUSE_SENDERS_GONE;
	return c->receiver_count == 0 ? PEEPS_CLOSE_CAUSE_RECEIVER_GONE : PEEPS_CLOSE_CAUSE_NONE;
}

struct body {
	uint64_t words[PEEPS_BODY_WORDS];
};

static struct body body_of(const struct broadcast *c)
{
	struct body body = { 0 };

	body.words[PEEPS_BROADCAST_TX_SENT_TOTAL_WORD] = c->sent;
	body.words[PEEPS_BROADCAST_TX_CAPACITY_WORD] = c->capacity;
	body.words[PEEPS_BROADCAST_TX_SENDER_COUNT_WORD] =
		c->senders | close_cause(c) << PEEPS_BROADCAST_TX_CLOSE_CAUSE_SHIFT |
		(uint64_t)(c->senders == 0) << PEEPS_BROADCAST_TX_SENDER_CLOSED_SHIFT |
		(uint64_t)(c->receiver_count == 0) << PEEPS_BROADCAST_TX_RECEIVER_CLOSED_SHIFT |
		(uint64_t)c->waits << PEEPS_BROADCAST_TX_BACK_PRESSURE_SHIFT;
	body.words[PEEPS_BROADCAST_TX_RECEIVER_COUNT_WORD] = c->receiver_count;
	return body;
}

/* In a child the ends come into being anew, as they are. */
static bool tie(struct broadcast *c, const struct recording *recording)
{
	const struct body body = body_of(c);

	return hook_tie_as(&c->end.hook, PEEPS_KIND_BROADCAST_TX, body.words,
			   endpoint_site(recording->call), recording->self);
}

static bool tie_rx(struct peeps_broadcast_rx *rx, const struct recording *recording)
{
	struct body body = { 0 };

	if (hook_is_tied(&rx->end.hook))
		return true;
	if (!tie(rx->channel, recording))
		return false;
	body.words[PEEPS_BROADCAST_RX_NEXT_WORD] = rx->next;
	body.words[PEEPS_BROADCAST_RX_RECV_TOTAL_WORD] = rx->received;
	body.words[PEEPS_BROADCAST_RX_MISSED_TOTAL_WORD] = rx->missed;
	body.words[PEEPS_BROADCAST_RX_PEER_WORD] = entity_ref(rx->channel->end.hook.slot);
	return hook_tie_as(&rx->end.hook, PEEPS_KIND_BROADCAST_RX, body.words,
			   endpoint_site(recording->call), recording->self);
}

static struct endpoint sending_end(const struct broadcast *c)
{
	return (struct endpoint){ c->end.hook.slot, PEEPS_HOLD_ROLE_SENDER };
}

static struct endpoint receiving_end(const struct peeps_broadcast_rx *rx)
{
	return (struct endpoint){ rx->end.hook.slot, PEEPS_HOLD_ROLE_RECEIVER };
}

static void write_ends(struct broadcast *c, struct self *self)
{
	struct peeps_entity_slot *const slot = c->end.hook.slot;
	const struct body body = body_of(c);
	const void *const slots[1] = { slot };
	struct update update;

	if (!update_begin(&update, self, slots, 1))
		return;
	peeps_entity_touch(slot, update.epoch, update.record);
	for (int i = 0; i < PEEPS_BODY_WORDS; i++)
		peeps_store_relaxed(&slot->body[i], body.words[i]);
	update_end(&update);
}

/* --- handles -------------------------------------------------------------------------------- */

/* Of the name that the channel has: its hook keeps it. */
static void make_rx(struct peeps_broadcast_rx *rx, const struct recording *recording)
{
	hook_init(&rx->end.hook, rx->channel->end.hook.name, endpoint_site(recording->call), 0,
		  recording->self);
	if (recording->self && tie_rx(rx, recording))
		endpoint_created(&rx->owner, receiving_end(rx), recording);
}

void broadcast_record_new(struct peeps_broadcast_tx *tx, struct peeps_broadcast_rx *rx,
			  const char *name, const struct endpoint_call *call)
{
	struct broadcast *const c = tx->channel;
	struct recording recording;

	(void)recording_enter(&recording, call);
	hook_init(&c->end.hook, name, endpoint_site(call), 0, recording.self);
	if (recording.self && tie(c, &recording))
		endpoint_created(&tx->owner, sending_end(c), &recording);
	make_rx(rx, &recording);
	recording_leave(&recording);
}

void broadcast_record_cloned(struct peeps_broadcast_tx *tx, const struct endpoint_call *call)
{
	struct broadcast *const c = tx->channel;
	struct recording recording;

	if (recording_enter(&recording, call) && tie(c, &recording)) {
		write_ends(c, recording.self);
		endpoint_created(&tx->owner, sending_end(c), &recording);
	}
	recording_leave(&recording);
}

void broadcast_record_joined(struct peeps_broadcast_rx *rx, const struct endpoint_call *call)
{
	struct recording recording;

	if (recording_enter(&recording, call) && tie(rx->channel, &recording))
		write_ends(rx->channel, recording.self);
	make_rx(rx, &recording);
	recording_leave(&recording);
}

void broadcast_record_tx_moved(struct peeps_broadcast_tx *tx, const struct endpoint_call *call)
{
	struct recording recording;

	if (recording_enter(&recording, call) && tie(tx->channel, &recording))
		endpoint_moved(&tx->owner, sending_end(tx->channel), &recording);
	recording_leave(&recording);
}

void broadcast_record_rx_moved(struct peeps_broadcast_rx *rx, const struct endpoint_call *call)
{
	struct recording recording;

	if (recording_enter(&recording, call) && tie_rx(rx, &recording))
		endpoint_moved(&rx->owner, receiving_end(rx), &recording);
	recording_leave(&recording);
}

void broadcast_record_tx_freed(struct peeps_broadcast_tx *tx, const struct endpoint_call *call)
{
	struct recording recording;

	endpoint_left(&tx->owner, call);
	if (recording_enter(&recording, call) && tie(tx->channel, &recording))
		write_ends(tx->channel, recording.self);
	recording_leave(&recording);
}

void broadcast_record_rx_freed(struct peeps_broadcast_rx *rx, const struct endpoint_call *call)
{
	struct recording recording;

	endpoint_left(&rx->owner, call);
	if (recording_enter(&recording, call) && tie(rx->channel, &recording))
		write_ends(rx->channel, recording.self);
	recording_leave(&recording);
}

void broadcast_record_rx_gone(struct peeps_broadcast_rx *rx, const struct endpoint_call *call)
{
	struct recording recording;

	(void)recording_enter(&recording, call);
	hook_deinit(&rx->end.hook, recording.self);
	recording_leave(&recording);
}

void broadcast_record_freed(struct broadcast *c, const struct endpoint_call *call)
{
	struct recording recording;

	(void)recording_enter(&recording, call);
	hook_deinit(&c->end.hook, recording.self);
	recording_leave(&recording);
}

/* --- items and waits ------------------------------------------------------------------------ */

void broadcast_record_sent_slow(struct peeps_broadcast_tx *tx, struct endpoint_wait *wait,
				const struct endpoint_call *call)
{
	struct broadcast *const c = tx->channel;
	const void *slots[2];
	struct recording recording;
	struct endpoint_update item;

	if (!recording_enter(&recording, call))
		goto out;
	if (!tie(c, &recording)) {
		endpoint_end_wait_alone(wait, recording.self);
		goto out;
	}
	endpoint_settle(&tx->owner, sending_end(c), &recording);
	slots[0] = c->end.hook.slot;
	if (endpoint_update_begin(&item, slots, 1, wait, recording.self)) {
		peeps_entity_touch(c->end.hook.slot, item.update.epoch, item.update.record);
		peeps_store_relaxed(&c->end.hook.slot->body[PEEPS_BROADCAST_TX_SENT_TOTAL_WORD],
				    c->sent);
		endpoint_update_end(&item, recording.self);
	}
out:
	recording_leave(&recording);
}

void broadcast_record_received_slow(struct peeps_broadcast_rx *rx, struct endpoint_wait *wait,
				    const struct endpoint_call *call)
{
	const void *slots[2];
	struct recording recording;
	struct endpoint_update item;

	if (!recording_enter(&recording, call))
		goto out;
	if (!tie_rx(rx, &recording)) {
		endpoint_end_wait_alone(wait, recording.self);
		goto out;
	}
	endpoint_settle(&rx->owner, receiving_end(rx), &recording);
	slots[0] = rx->end.hook.slot;
	if (endpoint_update_begin(&item, slots, 1, wait, recording.self)) {
		peeps_entity_touch(rx->end.hook.slot, item.update.epoch, item.update.record);
		broadcast_write_received(rx, rx->end.hook.slot);
		endpoint_update_end(&item, recording.self);
	}
out:
	recording_leave(&recording);
}

void broadcast_record_send_blocked(struct peeps_broadcast_tx *tx, struct endpoint_wait *wait,
				   uint64_t deadline_ns, const struct endpoint_call *call)
{
	struct broadcast *const c = tx->channel;
	struct recording recording;

	wait->operation.slot = NULL;
	if (recording_enter(&recording, call) && tie(c, &recording)) {
		endpoint_settle(&tx->owner, sending_end(c), &recording);
		if (self_is_somebody(recording.self))
			endpoint_pend(wait, PEEPS_OP_SEND, c->end.hook.slot,
				      c->sent - c->slowest + 1, c->capacity + 1, deadline_ns,
				      &recording);
	}
	recording_leave(&recording);
}

void broadcast_record_recv_blocked(struct peeps_broadcast_rx *rx, struct endpoint_wait *wait,
				   uint64_t deadline_ns, const struct endpoint_call *call)
{
	struct recording recording;

	wait->operation.slot = NULL;
	if (recording_enter(&recording, call) && tie_rx(rx, &recording)) {
		endpoint_settle(&rx->owner, receiving_end(rx), &recording);
		if (self_is_somebody(recording.self))
			endpoint_pend(wait, PEEPS_OP_RECV, rx->end.hook.slot, 0 + 1,
				      rx->channel->capacity + 1, deadline_ns, &recording);
	}
	recording_leave(&recording);
}
