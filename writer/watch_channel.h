/* SPDX-License-Identifier: MIT */
/* The watch's own memory, and what a reader sees of it. Compiled twice, as writer/endpoint.h. */
#ifndef PEEPS_WRITER_WATCH_CHANNEL_H
#define PEEPS_WRITER_WATCH_CHANNEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peeps/atomic.h>
#include <peeps/fault.h>
#include <peeps/kinds.h>
#include <peeps/watch.h>
#include "writer/ends.h"

struct watch;

/* Lies in the channel, so that a freed one can be told as long as that is there. */
struct peeps_watch_tx {
	struct watch *channel;
	struct endpoint_owner owner;
};

/**
 * struct peeps_watch_rx
 * @seen:     how many changes it has seen: its user's own
 * @sleepers: calls that sleep at it; the last one to leave a freed one gives its memory back. Under the lock
 */
struct peeps_watch_rx {
	struct watch *channel;
	struct endpoint_owner owner;
	uint64_t seen;
	uint32_t sleepers;
	bool freed;
};

#define WATCH_SENDER_GONE   UINT64_C(1) /* in version */
#define WATCH_CHANGES_SHIFT 1

/**
 * struct watch - a value that is watched; all but users is under the lock
 * @users:     the sender, and each receiver: the last one frees it. Atomic
 * @version:   changes << WATCH_CHANGES_SHIFT, and whether the sender was freed; read by others, too
 * @receivers: handles
 * @sleepers:  calls that wait for a change
 * @woken_ns:  ptime of the last change that met sleepers, of this process's segment; 0 = none has
 * @ended_ns:  ptime of the sender's end
 */
struct watch {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t users;
	uint32_t receivers;
	uint32_t sleepers;
	uint64_t version;
	size_t item_size;
	struct peeps_watch_tx tx;
	struct ends ends;
	uint64_t woken_ns, ended_ns;
	_Alignas(max_align_t) unsigned char value[];
};

static inline bool watch_sender_is_gone(const struct watch *c)
{
	return peeps_load_relaxed(&c->version) & WATCH_SENDER_GONE;
}

static inline uint64_t watch_changes(const struct watch *c)
{
	return peeps_load_relaxed(&c->version) >> WATCH_CHANGES_SHIFT;
}

#ifdef PEEPS_DISABLE

/* clang-format off */
static inline void watch_record_prepare(const struct watch *c, const struct endpoint_call *call) { (void)c, (void)call; }
static inline void watch_record_new(struct watch *c, struct peeps_watch_rx *rx, const char *name, const struct endpoint_call *call) { (void)c, (void)rx, (void)name, (void)call; }
static inline void watch_record_joined(struct peeps_watch_rx *rx, const struct endpoint_call *call) { (void)rx, (void)call; }
static inline void watch_record_changed(struct watch *c, const struct endpoint_call *call) { (void)c, (void)call; }
static inline void watch_record_seen(struct peeps_watch_rx *rx, struct endpoint_wait *wait, const struct endpoint_call *call) { (void)rx, (void)wait, (void)call; }
static inline void watch_record_tx_freed(struct watch *c, const struct endpoint_call *call) { (void)c, (void)call; }
static inline void watch_record_rx_freed(struct peeps_watch_rx *rx, const struct endpoint_call *call) { (void)rx, (void)call; }
static inline void watch_record_blocked(struct peeps_watch_rx *rx, struct endpoint_wait *wait, uint64_t deadline_ns, const struct endpoint_call *call) { (void)rx, (void)wait, (void)deadline_ns, (void)call; }
static inline void watch_record_tx_moved(struct watch *c, const struct endpoint_call *call) { (void)c, (void)call; }
static inline void watch_record_rx_moved(struct peeps_watch_rx *rx, const struct endpoint_call *call) { (void)rx, (void)call; }
static inline void watch_record_freed(struct watch *c, const struct endpoint_call *call) { (void)c, (void)call; }
/* clang-format on */

#else

/* Before the lock is taken. */
static inline void watch_record_prepare(const struct watch *c, const struct endpoint_call *call)
{
	endpoint_prepare(&c->ends.hook, call);
}

/* Before anybody else knows the handles. */
void watch_record_new(struct watch *c, struct peeps_watch_rx *rx, const char *name,
		      const struct endpoint_call *call);

/* All below: lock held, unless it says otherwise. */

/* Another receiver, which is counted. */
void watch_record_joined(struct peeps_watch_rx *rx, const struct endpoint_call *call);

void watch_record_changed_slow(struct watch *c, const struct endpoint_call *call);

/* Counted in version, and nobody woken yet. */
static inline void watch_record_changed(struct watch *c, const struct endpoint_call *call)
{
	struct peeps_thread *thread;
	struct peeps_entity_slot *slot;
	uint64_t epoch;

	if (c->sleepers > 0 || !endpoint_is_quick(&c->ends.hook, &c->tx.owner)) {
		watch_record_changed_slow(c, call);
		return;
	}
	thread = peeps_tls.thread;
	slot = c->ends.hook.slot;
	epoch = peeps_section_begin(thread, peeps_tls.control, slot);
	peeps_entity_touch(slot, epoch, thread);
	peeps_store_relaxed(&slot->body[PEEPS_WATCH_TX_CHANGES_WORD], watch_changes(c));
	peeps_section_end(thread);
}

/* @wait: that ended with it; NULL = there was none */
void watch_record_seen_slow(struct peeps_watch_rx *rx, struct endpoint_wait *wait,
			    const struct endpoint_call *call);

static inline void watch_record_seen(struct peeps_watch_rx *rx, struct endpoint_wait *wait,
				     const struct endpoint_call *call)
{
	if (wait || !endpoint_is_quick(&rx->channel->ends.hook, &rx->owner))
		watch_record_seen_slow(rx, wait, call);
}

void watch_record_tx_freed(struct watch *c, const struct endpoint_call *call);
void watch_record_rx_freed(struct peeps_watch_rx *rx, const struct endpoint_call *call);

/* It is about to sleep, and counted as a sleeper. Ends with watch_record_seen(), endpoint_failed() or
 * endpoint_cancelled(). */
void watch_record_blocked(struct peeps_watch_rx *rx, struct endpoint_wait *wait,
			  uint64_t deadline_ns, const struct endpoint_call *call);

/* The calling actor owns it. */
void watch_record_tx_moved(struct watch *c, const struct endpoint_call *call);
void watch_record_rx_moved(struct peeps_watch_rx *rx, const struct endpoint_call *call);

/* All handles are freed. No lock needed. */
void watch_record_freed(struct watch *c, const struct endpoint_call *call);

#endif
#endif
