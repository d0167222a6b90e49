/* SPDX-License-Identifier: MIT */
/* The broadcast's own memory, and what a reader sees of it. Compiled twice, as writer/endpoint.h. */
#ifndef PEEPS_WRITER_BROADCAST_CHANNEL_H
#define PEEPS_WRITER_BROADCAST_CHANNEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peeps/broadcast.h>
#include <peeps/fault.h>
#include <peeps/kinds.h>
#include "writer/endpoint.h"

#ifdef PEEPS_DISABLE
struct broadcast_end {
};
#else
/* An end's tie to its entity. */
struct broadcast_end {
	struct peeps_hook hook;
};
#endif

struct broadcast;

struct peeps_broadcast_tx {
	struct broadcast *channel;
	struct endpoint_owner owner;
};

/**
 * struct peeps_broadcast_rx - under the channel's lock
 * @next:     how many items were sent before the one it takes next
 * @sleepers: calls that sleep at it; the last one to leave a freed one gives its memory back
 */
struct peeps_broadcast_rx {
	struct broadcast *channel;
	struct peeps_broadcast_rx *before, *after; /* in receivers */
	struct endpoint_owner owner;
	struct broadcast_end end;
	uint64_t next, received, missed;
	uint32_t sleepers;
	bool freed;
};

/**
 * struct broadcast - all but users is under the lock
 * @users:       handles: the last one frees it. Atomic
 * @slowest:     no receiver's next is less; looked for anew when it seems to matter
 * @rx_sleepers: calls that wait for an item; @tx_sleepers: for the slowest receiver
 */
struct broadcast {
	pthread_mutex_t lock;
	pthread_cond_t items, space;
	uint32_t users;
	uint32_t senders, receiver_count;
	uint32_t rx_sleepers, tx_sleepers;
	bool waits;
	size_t item_size, capacity;
	uint64_t sent, slowest;
	struct peeps_broadcast_rx *receivers;
	struct broadcast_end end; /* the sending one */
	_Alignas(max_align_t) unsigned char items_of[];
};

#ifdef PEEPS_DISABLE

/* clang-format off */
static inline void broadcast_record_prepare(const struct broadcast *c, const struct endpoint_call *call) { (void)c, (void)call; }
static inline void broadcast_record_new(struct peeps_broadcast_tx *tx, struct peeps_broadcast_rx *rx, const char *name, const struct endpoint_call *call) { (void)tx, (void)rx, (void)name, (void)call; }
static inline void broadcast_record_cloned(struct peeps_broadcast_tx *tx, const struct endpoint_call *call) { (void)tx, (void)call; }
static inline void broadcast_record_joined(struct peeps_broadcast_rx *rx, const struct endpoint_call *call) { (void)rx, (void)call; }
static inline void broadcast_record_sent(struct peeps_broadcast_tx *tx, struct endpoint_wait *wait, const struct endpoint_call *call) { (void)tx, (void)wait, (void)call; }
static inline void broadcast_record_received(struct peeps_broadcast_rx *rx, struct endpoint_wait *wait, const struct endpoint_call *call) { (void)rx, (void)wait, (void)call; }
static inline void broadcast_record_send_blocked(struct peeps_broadcast_tx *tx, struct endpoint_wait *wait, uint64_t deadline_ns, const struct endpoint_call *call) { (void)tx, (void)wait, (void)deadline_ns, (void)call; }
static inline void broadcast_record_recv_blocked(struct peeps_broadcast_rx *rx, struct endpoint_wait *wait, uint64_t deadline_ns, const struct endpoint_call *call) { (void)rx, (void)wait, (void)deadline_ns, (void)call; }
static inline void broadcast_record_tx_moved(struct peeps_broadcast_tx *tx, const struct endpoint_call *call) { (void)tx, (void)call; }
static inline void broadcast_record_rx_moved(struct peeps_broadcast_rx *rx, const struct endpoint_call *call) { (void)rx, (void)call; }
static inline void broadcast_record_tx_freed(struct peeps_broadcast_tx *tx, const struct endpoint_call *call) { (void)tx, (void)call; }
static inline void broadcast_record_rx_freed(struct peeps_broadcast_rx *rx, const struct endpoint_call *call) { (void)rx, (void)call; }
static inline void broadcast_record_rx_gone(struct peeps_broadcast_rx *rx, const struct endpoint_call *call) { (void)rx, (void)call; }
static inline void broadcast_record_freed(struct broadcast *c, const struct endpoint_call *call) { (void)c, (void)call; }
/* clang-format on */

#else

/* Before the lock is taken. */
static inline void broadcast_record_prepare(const struct broadcast *c,
					    const struct endpoint_call *call)
{
	endpoint_prepare(&c->end.hook, call);
}

/* Before anybody else knows the handles. */
void broadcast_record_new(struct peeps_broadcast_tx *tx, struct peeps_broadcast_rx *rx,
			  const char *name, const struct endpoint_call *call);

/* All below: lock held, unless it says otherwise. docs/protocol.md, rule 2: before the other side can know. */

/* Another handle, which is counted. */
void broadcast_record_cloned(struct peeps_broadcast_tx *tx, const struct endpoint_call *call);
void broadcast_record_joined(struct peeps_broadcast_rx *rx, const struct endpoint_call *call);

void broadcast_record_sent_slow(struct peeps_broadcast_tx *tx, struct endpoint_wait *wait,
				const struct endpoint_call *call);
void broadcast_record_received_slow(struct peeps_broadcast_rx *rx, struct endpoint_wait *wait,
				    const struct endpoint_call *call);

/* Counted in sent. @wait: that ended with it; NULL = there was none. */
static inline void broadcast_record_sent(struct peeps_broadcast_tx *tx, struct endpoint_wait *wait,
					 const struct endpoint_call *call)
{
	const struct broadcast *const c = tx->channel;
	struct peeps_thread *thread;
	struct peeps_entity_slot *slot;
	uint64_t epoch;

	if (wait || !endpoint_is_quick(&c->end.hook, &tx->owner)) {
		broadcast_record_sent_slow(tx, wait, call);
		return;
	}
	thread = peeps_tls.thread;
	slot = c->end.hook.slot;
	epoch = peeps_section_begin(thread, peeps_tls.control, slot);
	peeps_entity_touch(slot, epoch, thread);
	peeps_store_relaxed(&slot->body[PEEPS_BROADCAST_TX_SENT_TOTAL_WORD], c->sent);
	peeps_section_end(thread);
}

static inline void broadcast_write_received(const struct peeps_broadcast_rx *rx,
					    struct peeps_entity_slot *slot)
{
	peeps_store_relaxed(&slot->body[PEEPS_BROADCAST_RX_NEXT_WORD], rx->next);
	PEEPS_STEP(PEEPS_STEP_SECTION_HALF);
	peeps_store_relaxed(&slot->body[PEEPS_BROADCAST_RX_RECV_TOTAL_WORD], rx->received);
	peeps_store_relaxed(&slot->body[PEEPS_BROADCAST_RX_MISSED_TOTAL_WORD], rx->missed);
}

/* It is further: by an item, or past what it has missed. */
static inline void broadcast_record_received(struct peeps_broadcast_rx *rx,
					     struct endpoint_wait *wait,
					     const struct endpoint_call *call)
{
	struct peeps_thread *thread;
	struct peeps_entity_slot *slot;
	uint64_t epoch;

	if (wait || !endpoint_is_quick(&rx->end.hook, &rx->owner)) {
		broadcast_record_received_slow(rx, wait, call);
		return;
	}
	thread = peeps_tls.thread;
	slot = rx->end.hook.slot;
	epoch = peeps_section_begin(thread, peeps_tls.control, slot);
	peeps_entity_touch(slot, epoch, thread);
	broadcast_write_received(rx, slot);
	peeps_section_end(thread);
}

/* It is about to sleep, and counted as a sleeper. Ends with one of the two above, endpoint_failed() or
 * endpoint_cancelled(). */
void broadcast_record_send_blocked(struct peeps_broadcast_tx *tx, struct endpoint_wait *wait,
				   uint64_t deadline_ns, const struct endpoint_call *call);
void broadcast_record_recv_blocked(struct peeps_broadcast_rx *rx, struct endpoint_wait *wait,
				   uint64_t deadline_ns, const struct endpoint_call *call);

/* The calling actor owns it. */
void broadcast_record_tx_moved(struct peeps_broadcast_tx *tx, const struct endpoint_call *call);
void broadcast_record_rx_moved(struct peeps_broadcast_rx *rx, const struct endpoint_call *call);

/* It is counted no more. */
void broadcast_record_tx_freed(struct peeps_broadcast_tx *tx, const struct endpoint_call *call);
void broadcast_record_rx_freed(struct peeps_broadcast_rx *rx, const struct endpoint_call *call);

/* Nobody is at it any more. No lock needed. */
void broadcast_record_rx_gone(struct peeps_broadcast_rx *rx, const struct endpoint_call *call);

/* All handles are freed. No lock needed. */
void broadcast_record_freed(struct broadcast *c, const struct endpoint_call *call);

#endif
#endif
