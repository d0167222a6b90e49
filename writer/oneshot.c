/* SPDX-License-Identifier: MIT */
/*
 * The oneshot. What it is to its program is in this file; what a reader sees of it, in writer/oneshot_record.c,
 * which with PEEPS_DISABLE is not there. All of it is under one lock, which nobody has for longer than it takes
 * to copy the item.
 */
#include <peeps/oneshot.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "writer/deadline.h"
#include "writer/oneshot_channel.h"

static void lock(struct oneshot *c)
{
	(void)pthread_mutex_lock(&c->lock);
}

static void unlock(struct oneshot *c)
{
	(void)pthread_mutex_unlock(&c->lock);
}

/* --- made and freed ------------------------------------------------------------------------- */

static int make(struct peeps_oneshot_tx **tx, struct peeps_oneshot_rx **rx, const char *name,
		size_t item_size, const struct endpoint_call *call)
{
	struct oneshot *c;
	size_t bytes;

	if (__builtin_add_overflow(sizeof(*c), item_size, &bytes))
		return -ENOMEM;
	c = malloc(bytes);
	if (!c)
		return -ENOMEM;
	*c = (struct oneshot){ .users = 2, .item_size = item_size };
	c->tx.channel = c;
	c->rx.channel = c;
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_cond_init(&c->news, NULL);
	oneshot_record_new(c, name, call);
	*tx = &c->tx;
	*rx = &c->rx;
	return 0;
}

/* The caller is done with it, and had the lock for the last time. The condition is not destroyed: nobody can be in
 * a wait here; but in a forked child pthread_cond_destroy() waits for those who slept in the parent. */
static void leave(struct oneshot *c, const struct endpoint_call *call)
{
	/* Release: what this user did. Acquire: what the others did. */
	if (__atomic_sub_fetch(&c->users, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	oneshot_record_freed(c, call);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Lock held: no item will be received any more. */
static void end(struct oneshot *c, uint8_t state, uint8_t cause)
{
	c->state = state;
	if (c->close_cause == PEEPS_CLOSE_CAUSE_NONE)
		c->close_cause = cause;
}

/* Lock held; no more calls than one sleep there, unless the program errs. */
static void wake(struct oneshot *c)
{
	if (c->sleepers > 0)
		(void)pthread_cond_broadcast(&c->news);
}

/* Lock held. */
static bool is_misused(bool spent)
{
	if (spent)
		endpoint_misused();
	return spent;
}

/* --- sending -------------------------------------------------------------------------------- */

/* Lock held. */
static int put(struct oneshot *c, const void *item)
{
	if (c->receiver_closed)
		return -EPIPE;
	if (c->item_size > 0)
		memcpy(c->item, item, c->item_size);
	c->state = PEEPS_ONESHOT_STATE_SENT;
	return 0;
}

static int send_item(struct peeps_oneshot_tx *tx, const void *item,
		     const struct endpoint_call *call)
{
	struct oneshot *const c = tx->channel;
	int result;

	oneshot_record_prepare(c, call);
	lock(c);
	if (is_misused(c->sender_spent)) {
		unlock(c);
		return -EINVAL;
	}
	result = put(c, item);
	c->sender_spent = true;
	oneshot_record_tx_spent(c, call);
	wake(c);
	unlock(c);
	leave(c, call);
	return result;
}

static void free_tx(struct peeps_oneshot_tx *tx, const struct endpoint_call *call)
{
	struct oneshot *const c = tx->channel;

	oneshot_record_prepare(c, call);
	lock(c);
	if (is_misused(c->sender_spent)) {
		unlock(c);
		return;
	}
	c->sender_spent = true;
	if (c->state == PEEPS_ONESHOT_STATE_EMPTY)
		end(c, PEEPS_ONESHOT_STATE_SENDER_DROPPED, PEEPS_CLOSE_CAUSE_SENDERS_GONE);
	oneshot_record_tx_spent(c, call);
	wake(c);
	unlock(c);
	leave(c, call);
}

static void move_tx(struct peeps_oneshot_tx *tx, const struct endpoint_call *call)
{
	struct oneshot *const c = tx->channel;

	oneshot_record_prepare(c, call);
	lock(c);
	if (!is_misused(c->sender_spent))
		oneshot_record_tx_moved(c, call);
	unlock(c);
}

/* --- receiving ------------------------------------------------------------------------------ */

/* Lock held. Returns 0; -EAGAIN; -EPIPE. @wait: NULL = there was none. */
static int take(struct oneshot *c, void *item, struct endpoint_wait *wait,
		const struct endpoint_call *call)
{
	if (c->state == PEEPS_ONESHOT_STATE_EMPTY)
		return -EAGAIN;
	if (c->state != PEEPS_ONESHOT_STATE_SENT)
		return -EPIPE;
	if (c->item_size > 0)
		memcpy(item, c->item, c->item_size);
	c->state = PEEPS_ONESHOT_STATE_RECEIVED;
	oneshot_record_rx(c, false, wait, call);
	return 0;
}

/* A call that sleeps. */
struct sleeper {
	struct oneshot *channel;
	struct endpoint_wait wait;
	const struct endpoint_call *call;
};

/* Lock held. */
static void fall_asleep(struct sleeper *sleeper, uint64_t deadline_ns)
{
	struct oneshot *const c = sleeper->channel;

	c->sleepers++;
	(void)__atomic_add_fetch(&c->users, 1, __ATOMIC_RELAXED);
	oneshot_record_blocked(c, &sleeper->wait, deadline_ns, sleeper->call);
}

static void cancelled(void *argument)
{
	struct sleeper *const sleeper = argument;
	struct oneshot *const c = sleeper->channel;

	c->sleepers--;
	unlock(c);
	endpoint_cancelled(&sleeper->wait, sleeper->call);
	leave(c, sleeper->call);
}

/* Lock held. Until there is a reason to go on, or the deadline. */
static int sleep_until(struct oneshot *c, uint64_t deadline_ns)
{
	int slept = 0;

	while (slept == 0 && c->state == PEEPS_ONESHOT_STATE_EMPTY)
		slept = deadline_wait(&c->news, &c->lock, deadline_ns);
	return slept;
}

/* Lock held. Returns 0, or ETIMEDOUT. */
static int sleep_for_item(struct sleeper *sleeper, uint64_t deadline_ns)
{
	struct oneshot *const c = sleeper->channel;
	int slept;

	pthread_cleanup_push(cancelled, sleeper);
	slept = sleep_until(c, deadline_ns);
	pthread_cleanup_pop(0);
	c->sleepers--;
	return slept;
}

/* Lock held; given back. */
static __attribute__((noinline)) int take_asleep(struct oneshot *c, void *item, uint64_t timeout_ns,
						 const struct endpoint_call *call)
{
	struct sleeper sleeper = { .channel = c, .call = call };
	const uint64_t deadline_ns = deadline_after(timeout_ns);
	int slept, result;

	fall_asleep(&sleeper, deadline_ns);
	slept = sleep_for_item(&sleeper, deadline_ns);
	result = take(c, item, &sleeper.wait, call);
	unlock(c);
	if (result == -EAGAIN)
		result = -slept;
	if (result != 0)
		endpoint_failed(&sleeper.wait, -result, call);
	leave(c, call);
	return result;
}

static int try_to_receive(struct peeps_oneshot_rx *rx, void *item, const struct endpoint_call *call)
{
	struct oneshot *const c = rx->channel;
	int result = -EINVAL;

	oneshot_record_prepare(c, call);
	lock(c);
	if (!is_misused(c->receiver_freed))
		result = take(c, item, NULL, call);
	unlock(c);
	return result;
}

static int receive_item(struct peeps_oneshot_rx *rx, void *item, uint64_t timeout_ns,
			const struct endpoint_call *call)
{
	struct oneshot *const c = rx->channel;
	int result = -EINVAL;

	oneshot_record_prepare(c, call);
	lock(c);
	if (!is_misused(c->receiver_freed))
		result = take(c, item, NULL, call);
	if (result == -EAGAIN && timeout_ns > 0)
		return take_asleep(c, item, timeout_ns, call);
	unlock(c);
	return result == -EAGAIN ? -ETIMEDOUT : result;
}

static void close_rx(struct peeps_oneshot_rx *rx, const struct endpoint_call *call)
{
	struct oneshot *const c = rx->channel;

	oneshot_record_prepare(c, call);
	lock(c);
	if (!is_misused(c->receiver_freed)) {
		c->receiver_closed = true;
		if (c->state == PEEPS_ONESHOT_STATE_EMPTY)
			end(c, PEEPS_ONESHOT_STATE_RECEIVER_DROPPED,
			    PEEPS_CLOSE_CAUSE_RECEIVER_CLOSED);
		oneshot_record_rx(c, false, NULL, call);
		wake(c);
	}
	unlock(c);
}

static void free_rx(struct peeps_oneshot_rx *rx, const struct endpoint_call *call)
{
	struct oneshot *const c = rx->channel;

	oneshot_record_prepare(c, call);
	lock(c);
	if (is_misused(c->receiver_freed)) {
		unlock(c);
		return;
	}
	(void)is_misused(c->sleepers > 0);
	c->receiver_closed = true;
	c->receiver_freed = true;
	if (!oneshot_is_over(c))
		end(c, PEEPS_ONESHOT_STATE_RECEIVER_DROPPED, PEEPS_CLOSE_CAUSE_RECEIVER_GONE);
	oneshot_record_rx(c, true, NULL, call);
	wake(c);
	unlock(c);
	leave(c, call);
}

static void move_rx(struct peeps_oneshot_rx *rx, const struct endpoint_call *call)
{
	struct oneshot *const c = rx->channel;

	oneshot_record_prepare(c, call);
	lock(c);
	if (!is_misused(c->receiver_freed))
		oneshot_record_rx_moved(c, call);
	unlock(c);
}

/* --- what programs call: the plain symbols, and those that know the place ----------------------- */

#ifndef PEEPS_DISABLE
#undef peeps_oneshot_new
#undef peeps_oneshot_recv
#undef peeps_oneshot_timed_recv
#undef peeps_oneshot_tx_moved
#undef peeps_oneshot_rx_moved
#endif

#define PLAIN_CALL ENDPOINT_CALL(&peeps_site_unknown)

int peeps_oneshot_new(struct peeps_oneshot_tx **tx, struct peeps_oneshot_rx **rx, const char *name,
		      size_t item_size)
{
	return make(tx, rx, name, item_size, PLAIN_CALL);
}

int peeps_oneshot_send(struct peeps_oneshot_tx *tx, const void *item)
{
	return send_item(tx, item, PLAIN_CALL);
}

int peeps_oneshot_tx_is_closed(const struct peeps_oneshot_tx *tx)
{
	struct oneshot *const c = tx->channel;
	bool closed;

	lock(c);
	closed = c->receiver_closed;
	unlock(c);
	return closed;
}

int peeps_oneshot_recv(struct peeps_oneshot_rx *rx, void *item)
{
	return receive_item(rx, item, FOR_EVER, PLAIN_CALL);
}

int peeps_oneshot_try_recv(struct peeps_oneshot_rx *rx, void *item)
{
	return try_to_receive(rx, item, PLAIN_CALL);
}

int peeps_oneshot_timed_recv(struct peeps_oneshot_rx *rx, void *item, uint64_t timeout_ns)
{
	return receive_item(rx, item, timeout_ns, PLAIN_CALL);
}

void peeps_oneshot_rx_close(struct peeps_oneshot_rx *rx)
{
	close_rx(rx, PLAIN_CALL);
}

void peeps_oneshot_tx_moved(struct peeps_oneshot_tx *tx)
{
	move_tx(tx, PLAIN_CALL);
}

void peeps_oneshot_rx_moved(struct peeps_oneshot_rx *rx)
{
	move_rx(rx, PLAIN_CALL);
}

void peeps_oneshot_tx_free(struct peeps_oneshot_tx *tx)
{
	if (tx)
		free_tx(tx, PLAIN_CALL);
}

void peeps_oneshot_rx_free(struct peeps_oneshot_rx *rx)
{
	if (rx)
		free_rx(rx, PLAIN_CALL);
}

#ifndef PEEPS_DISABLE

int peeps_oneshot_new_at(struct peeps_oneshot_tx **tx, struct peeps_oneshot_rx **rx,
			 const char *name, size_t item_size, struct peeps_site *site)
{
	return make(tx, rx, name, item_size, ENDPOINT_CALL(site));
}

int peeps_oneshot_recv_at(struct peeps_oneshot_rx *rx, void *item, struct peeps_site *site)
{
	return receive_item(rx, item, FOR_EVER, ENDPOINT_CALL(site));
}

int peeps_oneshot_timed_recv_at(struct peeps_oneshot_rx *rx, void *item, uint64_t timeout_ns,
				struct peeps_site *site)
{
	return receive_item(rx, item, timeout_ns, ENDPOINT_CALL(site));
}

void peeps_oneshot_tx_moved_at(struct peeps_oneshot_tx *tx, struct peeps_site *site)
{
	move_tx(tx, ENDPOINT_CALL(site));
}

void peeps_oneshot_rx_moved_at(struct peeps_oneshot_rx *rx, struct peeps_site *site)
{
	move_rx(rx, ENDPOINT_CALL(site));
}

#endif
