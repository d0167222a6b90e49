/* SPDX-License-Identifier: MIT */
/* The oneshot's own memory, and what a reader sees of it. Compiled twice, as writer/endpoint.h. */
#ifndef PEEPS_WRITER_ONESHOT_CHANNEL_H
#define PEEPS_WRITER_ONESHOT_CHANNEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peeps/kinds.h>
#include <peeps/oneshot.h>
#include "writer/ends.h"

struct oneshot;

/* The handles lie in the channel, so that one that is spent can be told from one that is not. */
struct peeps_oneshot_tx {
	struct oneshot *channel;
	struct endpoint_owner owner;
};

struct peeps_oneshot_rx {
	struct oneshot *channel;
	struct endpoint_owner owner;
};

/**
 * struct oneshot - a channel for one item
 * @users:           ends that are not spent, and calls that sleep: the last one frees it. Atomic; the rest is
 *                   under the lock
 * @sleepers:        calls that sleep at the receiver
 * @state:           PEEPS_ONESHOT_STATE_*
 * @close_cause:     PEEPS_CLOSE_CAUSE_*: why the item was not, or will not be received
 * @sender_spent:    has sent, or was freed
 * @receiver_closed: or freed
 * @receiver_freed:  nobody may use it any more
 */
struct oneshot {
	pthread_mutex_t lock;
	pthread_cond_t news;
	uint32_t users;
	uint32_t sleepers;
	uint8_t state;
	uint8_t close_cause;
	bool sender_spent, receiver_closed, receiver_freed;
	size_t item_size;
	struct peeps_oneshot_tx tx;
	struct peeps_oneshot_rx rx;
	struct ends ends;
	uint64_t ended_ns; /* ptime, of this process's segment; 0 = it goes on */
	_Alignas(max_align_t) unsigned char item[];
};

static inline bool oneshot_is_over(const struct oneshot *c)
{
	return c->state != PEEPS_ONESHOT_STATE_EMPTY && c->state != PEEPS_ONESHOT_STATE_SENT;
}

#ifdef PEEPS_DISABLE

/* clang-format off */
static inline void oneshot_record_prepare(const struct oneshot *c, const struct endpoint_call *call) { (void)c, (void)call; }
static inline void oneshot_record_new(struct oneshot *c, const char *name, const struct endpoint_call *call) { (void)c, (void)name, (void)call; }
static inline void oneshot_record_tx_spent(struct oneshot *c, const struct endpoint_call *call) { (void)c, (void)call; }
static inline void oneshot_record_rx(struct oneshot *c, bool freed, struct endpoint_wait *wait, const struct endpoint_call *call) { (void)c, (void)freed, (void)wait, (void)call; }
static inline void oneshot_record_blocked(struct oneshot *c, struct endpoint_wait *wait, uint64_t deadline_ns, const struct endpoint_call *call) { (void)c, (void)wait, (void)deadline_ns, (void)call; }
static inline void oneshot_record_tx_moved(struct oneshot *c, const struct endpoint_call *call) { (void)c, (void)call; }
static inline void oneshot_record_rx_moved(struct oneshot *c, const struct endpoint_call *call) { (void)c, (void)call; }
static inline void oneshot_record_freed(struct oneshot *c, const struct endpoint_call *call) { (void)c, (void)call; }
/* clang-format on */

#else

/* Before the lock is taken. */
static inline void oneshot_record_prepare(const struct oneshot *c, const struct endpoint_call *call)
{
	endpoint_prepare(&c->ends.hook, call);
}

/* Before anybody else knows the handles. */
void oneshot_record_new(struct oneshot *c, const char *name, const struct endpoint_call *call);

/* Lock held: the sender has sent, or was freed; the words say which. */
void oneshot_record_tx_spent(struct oneshot *c, const struct endpoint_call *call);

/* Lock held: the receiver has received, was closed or freed. @wait: that ended with it; NULL = there was none. */
void oneshot_record_rx(struct oneshot *c, bool freed, struct endpoint_wait *wait,
		       const struct endpoint_call *call);

/* Lock held: a call is about to sleep. It ends with oneshot_record_rx(), endpoint_failed() or
 * endpoint_cancelled(). */
void oneshot_record_blocked(struct oneshot *c, struct endpoint_wait *wait, uint64_t deadline_ns,
			    const struct endpoint_call *call);

/* Lock held: the calling actor owns it. */
void oneshot_record_tx_moved(struct oneshot *c, const struct endpoint_call *call);
void oneshot_record_rx_moved(struct oneshot *c, const struct endpoint_call *call);

/* Both ends are spent. */
void oneshot_record_freed(struct oneshot *c, const struct endpoint_call *call);

#endif
#endif
