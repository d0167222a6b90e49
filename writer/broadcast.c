/* SPDX-License-Identifier: MIT */
/*
 * The broadcast. What it is to its program is in this file; what a reader sees of it, in writer/broadcast_record.c,
 * which with PEEPS_DISABLE is not there. All of it is under one lock: items lie in a ring, and each receiver has a
 * place in the count of what was sent.
 */
#include <peeps/broadcast.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "writer/broadcast_channel.h"
#include "writer/deadline.h"

static void lock(struct broadcast *c)
{
	(void)pthread_mutex_lock(&c->lock);
}

static void unlock(struct broadcast *c)
{
	(void)pthread_mutex_unlock(&c->lock);
}

static unsigned char *item_at(struct broadcast *c, uint64_t number)
{
	return c->items_of + (size_t)(number % c->capacity) * c->item_size;
}

/* --- receivers ------------------------------------------------------------------------------ */

/* Lock held. */
static void add_receiver(struct broadcast *c, struct peeps_broadcast_rx *rx, uint64_t next)
{
	rx->channel = c;
	rx->next = next;
	rx->after = c->receivers;
	if (rx->after)
		rx->after->before = rx;
	c->receivers = rx;
	c->receiver_count++;
}

static void remove_receiver(struct broadcast *c, struct peeps_broadcast_rx *rx)
{
	if (rx->after)
		rx->after->before = rx->before;
	if (rx->before)
		rx->before->after = rx->after;
	else
		c->receivers = rx->after;
	c->receiver_count--;
}

/* Lock held: look for the slowest anew. */
static void find_slowest(struct broadcast *c)
{
	c->slowest = c->sent;
	for (const struct peeps_broadcast_rx *rx = c->receivers; rx; rx = rx->after)
		if (rx->next < c->slowest)
			c->slowest = rx->next;
}

/* Lock held. */
static bool has_space(struct broadcast *c)
{
	if (!c->waits || c->sent - c->slowest < c->capacity)
		return true;
	find_slowest(c);
	return c->sent - c->slowest < c->capacity;
}

/* --- made and freed ------------------------------------------------------------------------- */

static struct broadcast *channel_new(size_t item_size, size_t capacity, bool waits)
{
	struct broadcast *c;
	size_t bytes;

	if (__builtin_mul_overflow(item_size, capacity, &bytes) ||
	    __builtin_add_overflow(sizeof(*c), bytes, &bytes))
		return NULL;
	c = malloc(bytes);
	if (!c)
		return NULL;
	*c = (struct broadcast){ .users = 2,
				 .senders = 1,
				 .waits = waits,
				 .item_size = item_size,
				 .capacity = capacity };
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_cond_init(&c->items, NULL);
	(void)pthread_cond_init(&c->space, NULL);
	return c;
}

static int make(struct peeps_broadcast_tx **tx, struct peeps_broadcast_rx **rx, const char *name,
		size_t item_size, size_t capacity, enum peeps_broadcast_when_full when_full,
		const struct endpoint_call *call)
{
	struct peeps_broadcast_tx *sender;
	struct peeps_broadcast_rx *receiver;
	struct broadcast *c;

	if (item_size == 0 || capacity == 0 ||
	    (when_full != PEEPS_BROADCAST_LOSSY && when_full != PEEPS_BROADCAST_WAIT))
		return -EINVAL;
	sender = calloc(1, sizeof(*sender));
	receiver = calloc(1, sizeof(*receiver));
	c = channel_new(item_size, capacity, when_full == PEEPS_BROADCAST_WAIT);
	if (!sender || !receiver || !c) {
		free(sender);
		free(receiver);
		free(c);
		return -ENOMEM;
	}
	sender->channel = c;
	add_receiver(c, receiver, 0);
	broadcast_record_new(sender, receiver, name, call);
	*tx = sender;
	*rx = receiver;
	return 0;
}

/* The caller is done with it, and had the lock for the last time. The conditions are not destroyed: nobody can be in
 * a wait here; but in a forked child pthread_cond_destroy() waits for those who slept in the parent. */
static void leave(struct broadcast *c, const struct endpoint_call *call)
{
	/* Release: what this user did. Acquire: what the others did. */
	if (__atomic_sub_fetch(&c->users, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	broadcast_record_freed(c, call);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct peeps_broadcast_tx *clone_of(struct peeps_broadcast_tx *tx,
					   const struct endpoint_call *call)
{
	struct broadcast *const c = tx->channel;
	struct peeps_broadcast_tx *const clone = calloc(1, sizeof(*clone));

	if (!clone)
		return NULL;
	clone->channel = c;
	broadcast_record_prepare(c, call);
	lock(c);
	c->senders++;
	(void)__atomic_add_fetch(&c->users, 1, __ATOMIC_RELAXED);
	broadcast_record_cloned(clone, call);
	unlock(c);
	return clone;
}

/* @from: whose place it takes; NULL: at the end */
static struct peeps_broadcast_rx *join(struct broadcast *c, const struct peeps_broadcast_rx *from,
				       const struct endpoint_call *call)
{
	struct peeps_broadcast_rx *const rx = calloc(1, sizeof(*rx));

	if (!rx)
		return NULL;
	broadcast_record_prepare(c, call);
	lock(c);
	add_receiver(c, rx, from ? from->next : c->sent);
	(void)__atomic_add_fetch(&c->users, 1, __ATOMIC_RELAXED);
	broadcast_record_joined(rx, call);
	unlock(c);
	return rx;
}

/* --- sending -------------------------------------------------------------------------------- */

/* Lock held. Returns 0; -EAGAIN; -EPIPE. @wait: NULL = there was none. */
static int put(struct peeps_broadcast_tx *tx, const void *item, struct endpoint_wait *wait,
	       const struct endpoint_call *call)
{
	struct broadcast *const c = tx->channel;

	if (c->receiver_count == 0)
		return -EPIPE;
	if (!has_space(c))
		return -EAGAIN;
	memcpy(item_at(c, c->sent), item, c->item_size);
	c->sent++;
	broadcast_record_sent(tx, wait, call);
	if (c->rx_sleepers > 0)
		(void)pthread_cond_broadcast(&c->items);
	return 0;
}

/* A call that sleeps: a sender's, or a receiver's. */
struct sleeper {
	struct broadcast *channel;
	struct peeps_broadcast_rx *rx; /* NULL: a sender's */
	struct endpoint_wait wait;
	const struct endpoint_call *call;
};

static void cancelled_sending(void *argument)
{
	struct sleeper *const sleeper = argument;

	sleeper->channel->tx_sleepers--;
	unlock(sleeper->channel);
	endpoint_cancelled(&sleeper->wait, sleeper->call);
}

/* Lock held. Until there is a reason to go on, or the deadline. */
static int sleep_until_space(struct broadcast *c, uint64_t deadline_ns)
{
	int slept = 0;

	while (slept == 0 && c->receiver_count > 0 && !has_space(c))
		slept = deadline_wait(&c->space, &c->lock, deadline_ns);
	return slept;
}

/* Lock held. Returns 0, or ETIMEDOUT. */
static int sleep_for_space(struct sleeper *sleeper, uint64_t deadline_ns)
{
	int slept;

	pthread_cleanup_push(cancelled_sending, sleeper);
	slept = sleep_until_space(sleeper->channel, deadline_ns);
	pthread_cleanup_pop(0);
	return slept;
}

/* Lock held; given back. */
static __attribute__((noinline)) int put_asleep(struct peeps_broadcast_tx *tx, const void *item,
						uint64_t timeout_ns,
						const struct endpoint_call *call)
{
	struct broadcast *const c = tx->channel;
	struct sleeper sleeper = { .channel = c, .call = call };
	const uint64_t deadline_ns = deadline_after(timeout_ns);
	int slept, result;

	c->tx_sleepers++;
	broadcast_record_send_blocked(tx, &sleeper.wait, deadline_ns, call);
	slept = sleep_for_space(&sleeper, deadline_ns);
	result = put(tx, item, &sleeper.wait, call);
	c->tx_sleepers--;
	unlock(c);
	if (result == -EAGAIN)
		result = -slept;
	if (result != 0)
		endpoint_failed(&sleeper.wait, -result, call);
	return result;
}

static int send_item(struct peeps_broadcast_tx *tx, const void *item, uint64_t timeout_ns,
		     const struct endpoint_call *call)
{
	struct broadcast *const c = tx->channel;
	int result;

	broadcast_record_prepare(c, call);
	lock(c);
	result = put(tx, item, NULL, call);
	if (result == -EAGAIN && timeout_ns > 0)
		return put_asleep(tx, item, timeout_ns, call);
	unlock(c);
	return result == -EAGAIN ? -ETIMEDOUT : result;
}

static int try_to_send(struct peeps_broadcast_tx *tx, const void *item,
		       const struct endpoint_call *call)
{
	int result;

	broadcast_record_prepare(tx->channel, call);
	lock(tx->channel);
	result = put(tx, item, NULL, call);
	unlock(tx->channel);
	return result;
}

static void free_tx(struct peeps_broadcast_tx *tx, const struct endpoint_call *call)
{
	struct broadcast *const c = tx->channel;

	broadcast_record_prepare(c, call);
	lock(c);
	c->senders--;
	broadcast_record_tx_freed(tx, call);
	if (c->senders == 0)
		(void)pthread_cond_broadcast(&c->items);
	unlock(c);
	free(tx);
	leave(c, call);
}

/* --- receiving ------------------------------------------------------------------------------ */

/* Lock held: a sender may have waited for this receiver. */
static void wake_senders(struct broadcast *c)
{
	if (c->tx_sleepers > 0)
		(void)pthread_cond_broadcast(&c->space);
}

/* Lock held. Returns 0; -EOVERFLOW; -EAGAIN; -EPIPE. @wait: NULL = there was none. */
static int take(struct peeps_broadcast_rx *rx, void *item, uint64_t *missed,
		struct endpoint_wait *wait, const struct endpoint_call *call)
{
	struct broadcast *const c = rx->channel;
	const uint64_t behind = c->sent - rx->next;

	if (rx->freed)
		return -EPIPE;
	if (behind == 0)
		return c->senders == 0 ? -EPIPE : -EAGAIN;
	if (behind > c->capacity) {
		if (missed)
			*missed = behind - c->capacity;
		rx->missed += behind - c->capacity;
		rx->next = c->sent - c->capacity;
		broadcast_record_received(rx, wait, call);
		return -EOVERFLOW;
	}
	memcpy(item, item_at(c, rx->next), c->item_size);
	rx->next++;
	rx->received++;
	broadcast_record_received(rx, wait, call);
	wake_senders(c);
	return 0;
}

/* Lock held; given back. A receiver that was freed meanwhile is ours to end. */
static void wake_up(struct peeps_broadcast_rx *rx, const struct endpoint_call *call)
{
	struct broadcast *const c = rx->channel;
	const bool is_last = --rx->sleepers == 0 && rx->freed;

	c->rx_sleepers--;
	unlock(c);
	if (!is_last)
		return;
	broadcast_record_rx_gone(rx, call);
	free(rx);
	leave(c, call);
}

static void cancelled_receiving(void *argument)
{
	struct sleeper *const sleeper = argument;

	wake_up(sleeper->rx, sleeper->call);
	endpoint_cancelled(&sleeper->wait, sleeper->call);
}

/* Lock held. Until there is a reason to go on, or the deadline. */
static int sleep_until_item(const struct peeps_broadcast_rx *rx, uint64_t deadline_ns)
{
	struct broadcast *const c = rx->channel;
	int slept = 0;

	while (slept == 0 && !rx->freed && c->sent == rx->next && c->senders > 0)
		slept = deadline_wait(&c->items, &c->lock, deadline_ns);
	return slept;
}

/* Lock held. Returns 0, or ETIMEDOUT. */
static int sleep_for_item(struct sleeper *sleeper, uint64_t deadline_ns)
{
	int slept;

	pthread_cleanup_push(cancelled_receiving, sleeper);
	slept = sleep_until_item(sleeper->rx, deadline_ns);
	pthread_cleanup_pop(0);
	return slept;
}

/* Lock held; given back. */
static __attribute__((noinline)) int take_asleep(struct peeps_broadcast_rx *rx, void *item,
						 uint64_t *missed, uint64_t timeout_ns,
						 const struct endpoint_call *call)
{
	struct broadcast *const c = rx->channel;
	struct sleeper sleeper = { .channel = c, .rx = rx, .call = call };
	const uint64_t deadline_ns = deadline_after(timeout_ns);
	int slept, result;

	c->rx_sleepers++;
	rx->sleepers++;
	broadcast_record_recv_blocked(rx, &sleeper.wait, deadline_ns, call);
	slept = sleep_for_item(&sleeper, deadline_ns);
	result = take(rx, item, missed, &sleeper.wait, call);
	wake_up(rx, call);
	if (result == -EAGAIN)
		result = -slept;
	if (result != 0)
		endpoint_failed(&sleeper.wait, -result, call);
	return result;
}

static int receive_item(struct peeps_broadcast_rx *rx, void *item, uint64_t *missed,
			uint64_t timeout_ns, const struct endpoint_call *call)
{
	struct broadcast *const c = rx->channel;
	int result;

	broadcast_record_prepare(c, call);
	lock(c);
	result = take(rx, item, missed, NULL, call);
	if (result == -EAGAIN && timeout_ns > 0)
		return take_asleep(rx, item, missed, timeout_ns, call);
	unlock(c);
	return result == -EAGAIN ? -ETIMEDOUT : result;
}

static int try_to_receive(struct peeps_broadcast_rx *rx, void *item, uint64_t *missed,
			  const struct endpoint_call *call)
{
	int result;

	broadcast_record_prepare(rx->channel, call);
	lock(rx->channel);
	result = take(rx, item, missed, NULL, call);
	unlock(rx->channel);
	return result;
}

static void free_rx(struct peeps_broadcast_rx *rx, const struct endpoint_call *call)
{
	struct broadcast *const c = rx->channel;
	bool is_last;

	broadcast_record_prepare(c, call);
	lock(c);
	rx->freed = true;
	remove_receiver(c, rx);
	broadcast_record_rx_freed(rx, call);
	wake_senders(c);
	/* Who waits there ends it, and leaves in its place. */
	is_last = rx->sleepers == 0;
	if (!is_last) {
		endpoint_misused();
		(void)pthread_cond_broadcast(&c->items);
	}
	unlock(c);
	if (!is_last)
		return;
	broadcast_record_rx_gone(rx, call);
	free(rx);
	leave(c, call);
}

/* --- moved ---------------------------------------------------------------------------------- */

static void move_tx(struct peeps_broadcast_tx *tx, const struct endpoint_call *call)
{
	broadcast_record_prepare(tx->channel, call);
	lock(tx->channel);
	broadcast_record_tx_moved(tx, call);
	unlock(tx->channel);
}

static void move_rx(struct peeps_broadcast_rx *rx, const struct endpoint_call *call)
{
	broadcast_record_prepare(rx->channel, call);
	lock(rx->channel);
	broadcast_record_rx_moved(rx, call);
	unlock(rx->channel);
}

/* --- what programs call: the plain symbols, and those that know the place ----------------------- */

#ifndef PEEPS_DISABLE
#undef peeps_broadcast_new
#undef peeps_broadcast_tx_clone
#undef peeps_broadcast_subscribe
#undef peeps_broadcast_rx_clone
#undef peeps_broadcast_send
#undef peeps_broadcast_timed_send
#undef peeps_broadcast_recv
#undef peeps_broadcast_timed_recv
#undef peeps_broadcast_tx_moved
#undef peeps_broadcast_rx_moved
#endif

#define PLAIN_CALL ENDPOINT_CALL(&peeps_site_unknown)

int peeps_broadcast_new(struct peeps_broadcast_tx **tx, struct peeps_broadcast_rx **rx,
			const char *name, size_t item_size, size_t capacity,
			enum peeps_broadcast_when_full when_full)
{
	return make(tx, rx, name, item_size, capacity, when_full, PLAIN_CALL);
}

struct peeps_broadcast_tx *peeps_broadcast_tx_clone(struct peeps_broadcast_tx *tx)
{
	return clone_of(tx, PLAIN_CALL);
}

struct peeps_broadcast_rx *peeps_broadcast_subscribe(struct peeps_broadcast_tx *tx)
{
	return join(tx->channel, NULL, PLAIN_CALL);
}

struct peeps_broadcast_rx *peeps_broadcast_rx_clone(struct peeps_broadcast_rx *rx)
{
	return join(rx->channel, rx, PLAIN_CALL);
}

int peeps_broadcast_send(struct peeps_broadcast_tx *tx, const void *item)
{
	return send_item(tx, item, FOR_EVER, PLAIN_CALL);
}

int peeps_broadcast_try_send(struct peeps_broadcast_tx *tx, const void *item)
{
	return try_to_send(tx, item, PLAIN_CALL);
}

int peeps_broadcast_timed_send(struct peeps_broadcast_tx *tx, const void *item, uint64_t timeout_ns)
{
	return send_item(tx, item, timeout_ns, PLAIN_CALL);
}

int peeps_broadcast_recv(struct peeps_broadcast_rx *rx, void *item, uint64_t *missed)
{
	return receive_item(rx, item, missed, FOR_EVER, PLAIN_CALL);
}

int peeps_broadcast_try_recv(struct peeps_broadcast_rx *rx, void *item, uint64_t *missed)
{
	return try_to_receive(rx, item, missed, PLAIN_CALL);
}

int peeps_broadcast_timed_recv(struct peeps_broadcast_rx *rx, void *item, uint64_t *missed,
			       uint64_t timeout_ns)
{
	return receive_item(rx, item, missed, timeout_ns, PLAIN_CALL);
}

void peeps_broadcast_tx_moved(struct peeps_broadcast_tx *tx)
{
	move_tx(tx, PLAIN_CALL);
}

void peeps_broadcast_rx_moved(struct peeps_broadcast_rx *rx)
{
	move_rx(rx, PLAIN_CALL);
}

void peeps_broadcast_tx_free(struct peeps_broadcast_tx *tx)
{
	if (tx)
		free_tx(tx, PLAIN_CALL);
}

void peeps_broadcast_rx_free(struct peeps_broadcast_rx *rx)
{
	if (rx)
		free_rx(rx, PLAIN_CALL);
}

#ifndef PEEPS_DISABLE

int peeps_broadcast_new_at(struct peeps_broadcast_tx **tx, struct peeps_broadcast_rx **rx,
			   const char *name, size_t item_size, size_t capacity,
			   enum peeps_broadcast_when_full when_full, struct peeps_site *site)
{
	return make(tx, rx, name, item_size, capacity, when_full, ENDPOINT_CALL(site));
}

struct peeps_broadcast_tx *peeps_broadcast_tx_clone_at(struct peeps_broadcast_tx *tx,
						       struct peeps_site *site)
{
	return clone_of(tx, ENDPOINT_CALL(site));
}

struct peeps_broadcast_rx *peeps_broadcast_subscribe_at(struct peeps_broadcast_tx *tx,
							struct peeps_site *site)
{
	return join(tx->channel, NULL, ENDPOINT_CALL(site));
}

struct peeps_broadcast_rx *peeps_broadcast_rx_clone_at(struct peeps_broadcast_rx *rx,
						       struct peeps_site *site)
{
	return join(rx->channel, rx, ENDPOINT_CALL(site));
}

int peeps_broadcast_send_at(struct peeps_broadcast_tx *tx, const void *item,
			    struct peeps_site *site)
{
	return send_item(tx, item, FOR_EVER, ENDPOINT_CALL(site));
}

int peeps_broadcast_timed_send_at(struct peeps_broadcast_tx *tx, const void *item,
				  uint64_t timeout_ns, struct peeps_site *site)
{
	return send_item(tx, item, timeout_ns, ENDPOINT_CALL(site));
}

int peeps_broadcast_recv_at(struct peeps_broadcast_rx *rx, void *item, uint64_t *missed,
			    struct peeps_site *site)
{
	return receive_item(rx, item, missed, FOR_EVER, ENDPOINT_CALL(site));
}

int peeps_broadcast_timed_recv_at(struct peeps_broadcast_rx *rx, void *item, uint64_t *missed,
				  uint64_t timeout_ns, struct peeps_site *site)
{
	return receive_item(rx, item, missed, timeout_ns, ENDPOINT_CALL(site));
}

void peeps_broadcast_tx_moved_at(struct peeps_broadcast_tx *tx, struct peeps_site *site)
{
	move_tx(tx, ENDPOINT_CALL(site));
}

void peeps_broadcast_rx_moved_at(struct peeps_broadcast_rx *rx, struct peeps_site *site)
{
	move_rx(rx, ENDPOINT_CALL(site));
}

#endif
