/* SPDX-License-Identifier: MIT */
/*
 * What a reader sees of a channel. Nothing here changes what the channel does; with PEEPS_DISABLE nothing
 * is here. docs/protocol.md, rule 2: a send is recorded before it is published, a receive before its space
 * is given back; so that no cut shows more received than sent, or more queued than there is room for.
 */
#ifndef PEEPS_WRITER_MPSC_RECORD_H
#define PEEPS_WRITER_MPSC_RECORD_H

#include "writer/mpsc_channel.h"

#ifdef PEEPS_DISABLE

/* clang-format off */
static inline void mpsc_record_prepare(const struct mpsc *c, const struct endpoint_call *call) { (void)c, (void)call; }
static inline void mpsc_record_new(struct peeps_mpsc_tx *tx, struct peeps_mpsc_rx *rx, const char *name, const struct endpoint_call *call) { (void)tx, (void)rx, (void)name, (void)call; }
static inline void mpsc_record_cloned(struct peeps_mpsc_tx *tx, const struct endpoint_call *call) { (void)tx, (void)call; }
static inline void mpsc_record_sent(struct peeps_mpsc_tx *tx, struct endpoint_wait *wait, const struct endpoint_call *call) { (void)tx, (void)wait, (void)call; }
static inline void mpsc_record_received(struct peeps_mpsc_rx *rx, struct endpoint_wait *wait, const struct endpoint_call *call) { (void)rx, (void)wait, (void)call; }
static inline void mpsc_record_send_blocked(struct endpoint_wait *wait, struct peeps_mpsc_tx *tx, uint64_t deadline_ns, const struct endpoint_call *call) { (void)wait, (void)tx, (void)deadline_ns, (void)call; }
static inline void mpsc_record_recv_blocked(struct endpoint_wait *wait, struct peeps_mpsc_rx *rx, uint64_t deadline_ns, const struct endpoint_call *call) { (void)wait, (void)rx, (void)deadline_ns, (void)call; }
static inline void mpsc_record_tx_moved(struct peeps_mpsc_tx *tx, const struct endpoint_call *call) { (void)tx, (void)call; }
static inline void mpsc_record_rx_moved(struct peeps_mpsc_rx *rx, const struct endpoint_call *call) { (void)rx, (void)call; }
static inline void mpsc_record_ends(struct mpsc *c, bool by_receiver, const struct endpoint_call *call) { (void)c, (void)by_receiver, (void)call; }
static inline void mpsc_record_freed(struct mpsc *c, const struct endpoint_call *call) { (void)c, (void)call; }
/* clang-format on */

#else

#include "writer/thread.h"

static inline void mpsc_record_prepare(const struct mpsc *c, const struct endpoint_call *call)
{
	endpoint_prepare(&c->record.hook, call);
}

/* Both ends, with their owners. Before anybody else knows the handles. */
void mpsc_record_new(struct peeps_mpsc_tx *tx, struct peeps_mpsc_rx *rx, const char *name,
		     const struct endpoint_call *call);

/* Senders' lock held, and counted. */
void mpsc_record_cloned(struct peeps_mpsc_tx *tx, const struct endpoint_call *call);

void mpsc_record_sent_slow(struct peeps_mpsc_tx *tx, struct endpoint_wait *wait,
			   const struct endpoint_call *call);
void mpsc_record_received_slow(struct peeps_mpsc_rx *rx, struct endpoint_wait *wait,
			       const struct endpoint_call *call);

/* Looks at head, which the receiver writes, only where the greatest number seems to be exceeded. Never below
 * what a cut can show: the receiver records before it gives back. */
static inline void mpsc_record_occupancy(struct mpsc *c)
{
	if (peeps_likely(c->send.sent - c->send.received_seen <= c->send.high_watermark))
		return;
	c->send.received_seen = mpsc_received(c);
	if (c->send.sent - c->send.received_seen > c->send.high_watermark)
		c->send.high_watermark = c->send.sent - c->send.received_seen;
}

static inline void mpsc_write_sent(const struct mpsc *c, struct peeps_entity_slot *slot)
{
	peeps_store_relaxed(&slot->body[PEEPS_MPSC_TX_SENT_TOTAL_WORD], c->send.sent);
	PEEPS_STEP(PEEPS_STEP_SECTION_HALF);
	peeps_store_relaxed(&slot->body[PEEPS_MPSC_TX_HIGH_WATERMARK_WORD], c->send.high_watermark);
}

static inline void mpsc_write_received(const struct mpsc *c, struct peeps_entity_slot *slot)
{
	peeps_store_relaxed(&slot->body[PEEPS_MPSC_RX_RECV_TOTAL_WORD], c->recv.received);
}

/* Senders' lock held; the item is there and counted in send.sent, but not published. @wait: that ended with
 * this; NULL = none did. */
static inline void mpsc_record_sent(struct peeps_mpsc_tx *tx, struct endpoint_wait *wait,
				    const struct endpoint_call *call)
{
	struct mpsc *const c = tx->channel;
	struct peeps_thread *thread;
	struct peeps_entity_slot *slot;
	uint64_t epoch;

	if (wait || !endpoint_is_quick(&c->record.hook, &tx->owner)) {
		mpsc_record_sent_slow(tx, wait, call);
		return;
	}
	mpsc_record_occupancy(c);
	thread = peeps_tls.thread;
	slot = c->record.hook.slot;
	epoch = peeps_section_begin(thread, peeps_tls.control, slot);
	peeps_entity_touch(slot, epoch, thread);
	mpsc_write_sent(c, slot);
	peeps_section_end(thread);
}

/* The item is taken and counted in recv.received, but its space is not given back. */
static inline void mpsc_record_received(struct peeps_mpsc_rx *rx, struct endpoint_wait *wait,
					const struct endpoint_call *call)
{
	struct mpsc *const c = rx->channel;
	struct peeps_thread *thread;
	struct peeps_entity_slot *slot;
	uint64_t epoch;

	if (wait || !endpoint_is_quick(&c->record.hook, &rx->owner)) {
		mpsc_record_received_slow(rx, wait, call);
		return;
	}
	thread = peeps_tls.thread;
	slot = c->record.rx;
	epoch = peeps_section_begin(thread, peeps_tls.control, slot);
	peeps_entity_touch(slot, epoch, thread);
	mpsc_write_received(c, slot);
	peeps_section_end(thread);
}

/* Before it sleeps; no lock held. It ends with mpsc_record_sent() or _received(), or one of
 * endpoint_failed() and endpoint_cancelled().
 * @deadline_ns: CLOCK_MONOTONIC; UINT64_MAX = none */
void mpsc_record_send_blocked(struct endpoint_wait *wait, struct peeps_mpsc_tx *tx,
			      uint64_t deadline_ns, const struct endpoint_call *call);
void mpsc_record_recv_blocked(struct endpoint_wait *wait, struct peeps_mpsc_rx *rx,
			      uint64_t deadline_ns, const struct endpoint_call *call);

/* The calling actor owns it. Of a sender: senders' lock held. */
void mpsc_record_tx_moved(struct peeps_mpsc_tx *tx, const struct endpoint_call *call);
void mpsc_record_rx_moved(struct peeps_mpsc_rx *rx, const struct endpoint_call *call);

/* How many senders there are, who closed it, why, and what was thrown away: senders' lock held, before the
 * other side learns of it. @by_receiver: it is the receiver that calls, and its words may be written, too. */
void mpsc_record_ends(struct mpsc *c, bool by_receiver, const struct endpoint_call *call);

/* All handles are. */
void mpsc_record_freed(struct mpsc *c, const struct endpoint_call *call);

#endif
#endif
