/* SPDX-License-Identifier: MIT */
/*
 * The watch. What it is to its program is in this file; what a reader sees of it, in writer/watch_record.c, which
 * with PEEPS_DISABLE is not there. All of it is under one lock, which nobody has for longer than it takes to copy the
 * value; but whether it has changed is told by one word.
 */
#include <peeps/watch.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "writer/deadline.h"
#include "writer/watch_channel.h"

static void lock(struct watch *c)
{
	(void)pthread_mutex_lock(&c->lock);
}

static void unlock(struct watch *c)
{
	(void)pthread_mutex_unlock(&c->lock);
}

/* Lock held. */
static bool is_misused(bool spent)
{
	if (spent)
		endpoint_misused();
	return spent;
}

/* --- made and freed ------------------------------------------------------------------------- */

static struct watch *channel_new(size_t item_size, const void *initial)
{
	struct watch *c;
	size_t bytes;

	if (__builtin_add_overflow(sizeof(*c), item_size, &bytes))
		return NULL;
	c = malloc(bytes);
	if (!c)
		return NULL;
	*c = (struct watch){ .users = 2, .receivers = 1, .item_size = item_size };
	c->tx.channel = c;
	memcpy(c->value, initial, item_size);
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_cond_init(&c->changed, NULL);
	return c;
}

static int make(struct peeps_watch_tx **tx, struct peeps_watch_rx **rx, const char *name,
		size_t item_size, const void *initial, const struct endpoint_call *call)
{
	struct peeps_watch_rx *receiver;
	struct watch *c;

	if (item_size == 0)
		return -EINVAL;
	receiver = calloc(1, sizeof(*receiver));
	c = channel_new(item_size, initial);
	if (!receiver || !c) {
		free(receiver);
		free(c);
		return -ENOMEM;
	}
	receiver->channel = c;
	watch_record_new(c, receiver, name, call);
	*tx = &c->tx;
	*rx = receiver;
	return 0;
}

/* The caller is done with it, and had the lock for the last time. The condition is not destroyed: nobody can be in
 * a wait here; but in a forked child pthread_cond_destroy() waits for those who slept in the parent. */
static void leave(struct watch *c, const struct endpoint_call *call)
{
	/* Release: what this user did. Acquire: what the others did. */
	if (__atomic_sub_fetch(&c->users, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	watch_record_freed(c, call);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Lock held. */
static void join(struct peeps_watch_rx *rx, struct watch *c, uint64_t seen,
		 const struct endpoint_call *call)
{
	rx->channel = c;
	rx->seen = seen;
	c->receivers++;
	(void)__atomic_add_fetch(&c->users, 1, __ATOMIC_RELAXED);
	watch_record_joined(rx, call);
}

static struct peeps_watch_rx *clone_of(struct peeps_watch_rx *rx, const struct endpoint_call *call)
{
	struct watch *const c = rx->channel;
	struct peeps_watch_rx *const clone = calloc(1, sizeof(*clone));

	if (!clone)
		return NULL;
	watch_record_prepare(c, call);
	lock(c);
	join(clone, c, rx->seen, call);
	unlock(c);
	return clone;
}

static struct peeps_watch_rx *subscribe(struct peeps_watch_tx *tx, const struct endpoint_call *call)
{
	struct watch *const c = tx->channel;
	struct peeps_watch_rx *rx = calloc(1, sizeof(*rx));

	if (!rx)
		return NULL;
	watch_record_prepare(c, call);
	lock(c);
	if (is_misused(watch_sender_is_gone(c))) {
		free(rx);
		rx = NULL;
	} else {
		join(rx, c, watch_changes(c), call);
	}
	unlock(c);
	return rx;
}

/* --- the sender ----------------------------------------------------------------------------- */

/* Lock held: the value is another one. */
static void change(struct watch *c, const struct endpoint_call *call)
{
	/* Release: for who asks without the lock. */
	peeps_store_release(&c->version, c->version + (UINT64_C(1) << WATCH_CHANGES_SHIFT));
	watch_record_changed(c, call);
	if (c->sleepers > 0)
		(void)pthread_cond_broadcast(&c->changed);
}

static int send_value(struct peeps_watch_tx *tx, const void *item, bool unwatched,
		      const struct endpoint_call *call)
{
	struct watch *const c = tx->channel;
	int result = 0;

	watch_record_prepare(c, call);
	lock(c);
	if (is_misused(watch_sender_is_gone(c))) {
		result = -EINVAL;
	} else if (c->receivers == 0 && !unwatched) {
		result = -EPIPE;
	} else {
		memcpy(c->value, item, c->item_size);
		change(c, call);
	}
	unlock(c);
	return result;
}

static int modify_value(struct peeps_watch_tx *tx, int (*modify)(void *, void *), void *context,
			const struct endpoint_call *call)
{
	struct watch *const c = tx->channel;
	int result = -EINVAL;

	watch_record_prepare(c, call);
	lock(c);
	if (!is_misused(watch_sender_is_gone(c))) {
		result = modify(c->value, context) != 0;
		if (result)
			change(c, call);
	}
	unlock(c);
	return result;
}

static void free_tx(struct peeps_watch_tx *tx, const struct endpoint_call *call)
{
	struct watch *const c = tx->channel;

	watch_record_prepare(c, call);
	lock(c);
	if (is_misused(watch_sender_is_gone(c))) {
		unlock(c);
		return;
	}
	peeps_store_release(&c->version, c->version | WATCH_SENDER_GONE);
	watch_record_tx_freed(c, call);
	(void)pthread_cond_broadcast(&c->changed);
	unlock(c);
	leave(c, call);
}

static void move_tx(struct peeps_watch_tx *tx, const struct endpoint_call *call)
{
	struct watch *const c = tx->channel;

	watch_record_prepare(c, call);
	lock(c);
	if (!is_misused(watch_sender_is_gone(c)))
		watch_record_tx_moved(c, call);
	unlock(c);
}

/* --- receivers ------------------------------------------------------------------------------ */

/* Lock held. Returns how many changes it is after. */
static uint64_t copy(const struct watch *c, void *item)
{
	memcpy(item, c->value, c->item_size);
	return watch_changes(c);
}

static uint64_t borrow(struct watch *c, void *item)
{
	uint64_t changes;

	lock(c);
	changes = copy(c, item);
	unlock(c);
	return changes;
}

/* Lock held. Returns 0; -EAGAIN; -EPIPE. @wait: NULL = there was none. */
static int see(struct peeps_watch_rx *rx, void *item, struct endpoint_wait *wait,
	       const struct endpoint_call *call)
{
	const struct watch *const c = rx->channel;

	if (rx->freed)
		return -EPIPE;
	if (watch_changes(c) == rx->seen)
		return watch_sender_is_gone(c) ? -EPIPE : -EAGAIN;
	if (item)
		(void)copy(c, item);
	rx->seen = watch_changes(c);
	watch_record_seen(rx, wait, call);
	return 0;
}

/* A call that sleeps. */
struct sleeper {
	struct peeps_watch_rx *rx;
	struct endpoint_wait wait;
	const struct endpoint_call *call;
};

/* Lock held. */
static void fall_asleep(struct sleeper *sleeper, uint64_t deadline_ns)
{
	struct watch *const c = sleeper->rx->channel;

	c->sleepers++;
	sleeper->rx->sleepers++;
	watch_record_blocked(sleeper->rx, &sleeper->wait, deadline_ns, sleeper->call);
}

/* Lock held; given back. A receiver that was freed meanwhile is ours to end. */
static void wake_up(struct peeps_watch_rx *rx, const struct endpoint_call *call)
{
	struct watch *const c = rx->channel;
	const bool is_last = --rx->sleepers == 0 && rx->freed;

	c->sleepers--;
	unlock(c);
	if (!is_last)
		return;
	free(rx);
	leave(c, call);
}

static void cancelled(void *argument)
{
	struct sleeper *const sleeper = argument;

	wake_up(sleeper->rx, sleeper->call);
	endpoint_cancelled(&sleeper->wait, sleeper->call);
}

/* Lock held. Until there is a reason to go on, or the deadline. */
static int sleep_until(const struct peeps_watch_rx *rx, uint64_t deadline_ns)
{
	struct watch *const c = rx->channel;
	int slept = 0;

	while (slept == 0 && !rx->freed && watch_changes(c) == rx->seen && !watch_sender_is_gone(c))
		slept = deadline_wait(&c->changed, &c->lock, deadline_ns);
	return slept;
}

/* Lock held. Returns 0, or ETIMEDOUT. */
static int sleep_for_change(struct sleeper *sleeper, uint64_t deadline_ns)
{
	int slept;

	pthread_cleanup_push(cancelled, sleeper);
	slept = sleep_until(sleeper->rx, deadline_ns);
	pthread_cleanup_pop(0);
	return slept;
}

/* Lock held; given back. */
static __attribute__((noinline)) int see_asleep(struct peeps_watch_rx *rx, void *item,
						uint64_t timeout_ns,
						const struct endpoint_call *call)
{
	struct sleeper sleeper = { .rx = rx, .call = call };
	const uint64_t deadline_ns = deadline_after(timeout_ns);
	int slept, result;

	fall_asleep(&sleeper, deadline_ns);
	slept = sleep_for_change(&sleeper, deadline_ns);
	result = see(rx, item, &sleeper.wait, call);
	wake_up(rx, call);
	if (result == -EAGAIN)
		result = -slept;
	if (result != 0)
		endpoint_failed(&sleeper.wait, -result, call);
	return result;
}

static int await_change(struct peeps_watch_rx *rx, void *item, uint64_t timeout_ns,
			const struct endpoint_call *call)
{
	struct watch *const c = rx->channel;
	int result;

	watch_record_prepare(c, call);
	lock(c);
	result = see(rx, item, NULL, call);
	if (result == -EAGAIN && timeout_ns > 0)
		return see_asleep(rx, item, timeout_ns, call);
	unlock(c);
	return result == -EAGAIN ? -ETIMEDOUT : result;
}

static void free_rx(struct peeps_watch_rx *rx, const struct endpoint_call *call)
{
	struct watch *const c = rx->channel;
	bool is_last;

	watch_record_prepare(c, call);
	lock(c);
	rx->freed = true;
	c->receivers--;
	watch_record_rx_freed(rx, call);
	/* Who waits there ends it, and leaves in its place. */
	is_last = !is_misused(rx->sleepers > 0);
	if (!is_last)
		(void)pthread_cond_broadcast(&c->changed);
	unlock(c);
	if (!is_last)
		return;
	free(rx);
	leave(c, call);
}

static void move_rx(struct peeps_watch_rx *rx, const struct endpoint_call *call)
{
	struct watch *const c = rx->channel;

	watch_record_prepare(c, call);
	lock(c);
	watch_record_rx_moved(rx, call);
	unlock(c);
}

/* --- what programs call: the plain symbols, and those that know the place ----------------------- */

#ifndef PEEPS_DISABLE
#undef peeps_watch_new
#undef peeps_watch_rx_clone
#undef peeps_watch_subscribe
#undef peeps_watch_changed
#undef peeps_watch_timed_changed
#undef peeps_watch_tx_moved
#undef peeps_watch_rx_moved
#endif

#define PLAIN_CALL ENDPOINT_CALL(&peeps_site_unknown)

int peeps_watch_new(struct peeps_watch_tx **tx, struct peeps_watch_rx **rx, const char *name,
		    size_t item_size, const void *initial)
{
	return make(tx, rx, name, item_size, initial, PLAIN_CALL);
}

struct peeps_watch_rx *peeps_watch_rx_clone(struct peeps_watch_rx *rx)
{
	return clone_of(rx, PLAIN_CALL);
}

struct peeps_watch_rx *peeps_watch_subscribe(struct peeps_watch_tx *tx)
{
	return subscribe(tx, PLAIN_CALL);
}

int peeps_watch_send(struct peeps_watch_tx *tx, const void *item)
{
	return send_value(tx, item, false, PLAIN_CALL);
}

int peeps_watch_replace(struct peeps_watch_tx *tx, const void *item)
{
	return send_value(tx, item, true, PLAIN_CALL);
}

int peeps_watch_modify(struct peeps_watch_tx *tx, int (*modify)(void *value, void *context),
		       void *context)
{
	return modify_value(tx, modify, context, PLAIN_CALL);
}

int peeps_watch_tx_is_closed(const struct peeps_watch_tx *tx)
{
	struct watch *const c = tx->channel;
	bool closed;

	lock(c);
	closed = c->receivers == 0;
	unlock(c);
	return closed;
}

uint64_t peeps_watch_borrow(const struct peeps_watch_rx *rx, void *item)
{
	return borrow(rx->channel, item);
}

uint64_t peeps_watch_borrow_and_update(struct peeps_watch_rx *rx, void *item)
{
	rx->seen = borrow(rx->channel, item);
	return rx->seen;
}

uint64_t peeps_watch_tx_borrow(const struct peeps_watch_tx *tx, void *item)
{
	return borrow(tx->channel, item);
}

int peeps_watch_changed(struct peeps_watch_rx *rx, void *item)
{
	return await_change(rx, item, FOR_EVER, PLAIN_CALL);
}

int peeps_watch_timed_changed(struct peeps_watch_rx *rx, void *item, uint64_t timeout_ns)
{
	return await_change(rx, item, timeout_ns, PLAIN_CALL);
}

int peeps_watch_has_changed(const struct peeps_watch_rx *rx)
{
	/* Acquire: what was done before that change. Pairs with the release in change(). */
	const uint64_t version = peeps_load_acquire(&rx->channel->version);

	if (version >> WATCH_CHANGES_SHIFT != rx->seen)
		return 1;
	return version & WATCH_SENDER_GONE ? -EPIPE : 0;
}

void peeps_watch_tx_moved(struct peeps_watch_tx *tx)
{
	move_tx(tx, PLAIN_CALL);
}

void peeps_watch_rx_moved(struct peeps_watch_rx *rx)
{
	move_rx(rx, PLAIN_CALL);
}

void peeps_watch_tx_free(struct peeps_watch_tx *tx)
{
	if (tx)
		free_tx(tx, PLAIN_CALL);
}

void peeps_watch_rx_free(struct peeps_watch_rx *rx)
{
	if (rx)
		free_rx(rx, PLAIN_CALL);
}

#ifndef PEEPS_DISABLE

int peeps_watch_new_at(struct peeps_watch_tx **tx, struct peeps_watch_rx **rx, const char *name,
		       size_t item_size, const void *initial, struct peeps_site *site)
{
	return make(tx, rx, name, item_size, initial, ENDPOINT_CALL(site));
}

struct peeps_watch_rx *peeps_watch_rx_clone_at(struct peeps_watch_rx *rx, struct peeps_site *site)
{
	return clone_of(rx, ENDPOINT_CALL(site));
}

struct peeps_watch_rx *peeps_watch_subscribe_at(struct peeps_watch_tx *tx, struct peeps_site *site)
{
	return subscribe(tx, ENDPOINT_CALL(site));
}

int peeps_watch_changed_at(struct peeps_watch_rx *rx, void *item, struct peeps_site *site)
{
	return await_change(rx, item, FOR_EVER, ENDPOINT_CALL(site));
}

int peeps_watch_timed_changed_at(struct peeps_watch_rx *rx, void *item, uint64_t timeout_ns,
				 struct peeps_site *site)
{
	return await_change(rx, item, timeout_ns, ENDPOINT_CALL(site));
}

void peeps_watch_tx_moved_at(struct peeps_watch_tx *tx, struct peeps_site *site)
{
	move_tx(tx, ENDPOINT_CALL(site));
}

void peeps_watch_rx_moved_at(struct peeps_watch_rx *rx, struct peeps_site *site)
{
	move_rx(rx, ENDPOINT_CALL(site));
}

#endif
