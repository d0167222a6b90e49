/* SPDX-License-Identifier: MIT */
/* The channel's own memory. Compiled twice: with PEEPS_DISABLE what recording keeps takes no room. */
#ifndef PEEPS_WRITER_MPSC_CHANNEL_H
#define PEEPS_WRITER_MPSC_CHANNEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <peeps/kinds.h>
#include <peeps/mpsc.h>
#include "writer/endpoint.h"
#include "writer/mpsc_lock.h"
#include "writer/mpsc_queue.h"

#ifdef PEEPS_DISABLE
struct mpsc_record {
};
#else
/* @hook is tied to the sending end; @rx is the receiving one, valid while that is. */
struct mpsc_record {
	struct peeps_hook hook;
	struct peeps_entity_slot *rx;
};
#endif

/* The two words in which the sides meet: a count, and whether the other side sleeps. Who counts learns by the
 * same instruction whom to wake, and who goes to sleep, whether there is reason to: nothing is missed, and
 * there is no fence. */
#define MPSC_RECEIVER_SLEEPS UINT64_C(1) /* in tail */
#define MPSC_CLOSED          UINT64_C(2) /* in tail: the count is final */
#define MPSC_TAIL_SHIFT      4           /* MPSC_LOCKED, MPSC_AWAITED */
#define MPSC_SENDERS_SLEEP   UINT64_C(1) /* in head */
#define MPSC_HEAD_SHIFT      1

/* On a line of its own, and the one that is fetched with it. */
#define MPSC_APART __attribute__((aligned(128)))

/* The part of a channel that is under the senders' lock, which is in tail. */
struct mpsc_sending {
	struct mpsc_side side;
	uint64_t sent;
	uint64_t received_seen;  /* what head said when last looked at */
	uint64_t high_watermark; /* kept for recording alone */
	uint64_t handles;
	uint64_t close_cause; /* PEEPS_CLOSE_CAUSE_*: the first one; NONE = open */
	uint64_t discarded;   /* items, with the receiver */
	bool sender_closed, receiver_closed;
};

/* The receiver's alone. */
struct mpsc_receiving {
	struct mpsc_side side;
	uint64_t received;  /* read by others, too */
	uint64_t sent_seen; /* what tail said when last looked at */
};

struct mpsc_sleeping {
	pthread_mutex_t lock;
	pthread_cond_t space, items;
	uint64_t senders; /* that have gone to sleep, and not yet come to an end */
};

/**
 * struct mpsc - a channel
 * @capacity: 0 = unbounded
 * @sides:    senders, receiver: how many are left; the last one frees it
 * @tail:     sent << MPSC_TAIL_SHIFT and flags, the senders' lock among them; counts are written under that
 * @head:     received << MPSC_HEAD_SHIFT and a flag; counts are written by the receiver
 */
struct mpsc {
	struct mpsc_queue queue;
	size_t capacity;
	struct mpsc_record record;
	uint64_t sides;
	MPSC_APART struct mpsc_sending send;
	MPSC_APART uint64_t tail;
	MPSC_APART struct mpsc_receiving recv;
	MPSC_APART uint64_t head;
	MPSC_APART struct mpsc_sleeping sleep;
};

/* How long to look, before sleeping, whether sleep is needed. Learned by each handle; a hint. */
struct mpsc_spin {
	uint32_t pauses;
	uint32_t waits;
};

struct peeps_mpsc_tx {
	struct mpsc *channel;
	struct endpoint_owner owner;
	struct mpsc_spin spin;
};

struct peeps_mpsc_rx {
	struct mpsc *channel;
	struct endpoint_owner owner;
	struct mpsc_spin spin;
};

static inline void mpsc_lock_senders(struct mpsc *channel)
{
	mpsc_lock(&channel->tail);
}

static inline void mpsc_unlock_senders(struct mpsc *channel)
{
	mpsc_unlock(&channel->tail);
}

static inline uint64_t mpsc_sent(const struct mpsc *channel)
{
	/* Acquire: the items, before they are read. Pairs with the release in put(). */
	return peeps_load_acquire(&channel->tail) >> MPSC_TAIL_SHIFT;
}

static inline uint64_t mpsc_received(const struct mpsc *channel)
{
	/* Acquire: the receiver has read what it gave back. Pairs with the release in take(). */
	return peeps_load_acquire(&channel->head) >> MPSC_HEAD_SHIFT;
}

#endif
