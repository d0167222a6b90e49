/* SPDX-License-Identifier: MIT */
/*
 * The channel. What it is to its program is in this file; what a reader sees of it, in writer/mpsc_record.c,
 * which with PEEPS_DISABLE is not there.
 *
 * Senders are one at a time, by a lock; the receiver takes none. The two sides meet in two words, tail and
 * head (writer/mpsc_channel.h). A side that has nothing to do looks a few times, and then sleeps under the
 * lock for sleeping, which nobody takes but to sleep and to wake.
 */
#include <peeps/mpsc.h>

#include <errno.h>
#include <stdlib.h>

#include <peeps/fault.h>
#include "writer/deadline.h"
#include "writer/mpsc_channel.h"
#include "writer/mpsc_record.h"

/* --- looking -------------------------------------------------------------------------------- */

/*
 * In pauses of some 15 to 50 ns. Two sides that are both awake keep each other waiting for a microsecond or
 * two: that is worth waiting awake for, as long as it comes true. Sides that sleep by turns would go on doing
 * so, each waking up too late for the other; so once in so many waits a handle waits as long as a wake-up
 * takes, and if that was worth it, both are awake from then on. A slow other side costs little: one look a
 * wait, and once in so many that.
 */
#define PAUSES_LEARNT_MOST 256
#define PAUSES_PROBE       2048
#define WAITS_A_PROBE      64

/* Between two looks, each of which takes the line from who writes it: so that there is more than one item (or
 * place) to be had at the next. Measured from 1 to 32: more moves more items, but each waits longer. */
#define PAUSES_A_LOOK 8

static void pause_some(void)
{
	for (int i = 0; i < PAUSES_A_LOOK; i++)
		mpsc_pause();
}

static bool look_for(struct mpsc_spin *spin, bool (*there_is)(const struct mpsc *),
		     const struct mpsc *c)
{
	const uint32_t waits = __atomic_load_n(&spin->waits, __ATOMIC_RELAXED);
	const uint32_t learnt = __atomic_load_n(&spin->pauses, __ATOMIC_RELAXED);
	const uint32_t most = waits % WAITS_A_PROBE == 0 ? PAUSES_PROBE : learnt;
	bool found = false;
	uint32_t next = learnt / 2;

	__atomic_store_n(&spin->waits, waits + 1, __ATOMIC_RELAXED);
	for (uint32_t done = 0; done <= most && !found; done += PAUSES_A_LOOK) {
		pause_some();
		found = there_is(c);
	}
	if (found)
		next = PAUSES_LEARNT_MOST;
	__atomic_store_n(&spin->pauses, next, __ATOMIC_RELAXED);
	return found;
}

/* A reason for a sender not to wait: room, or the end. */
static bool is_reason_to_send(const struct mpsc *c, uint64_t head)
{
	const uint64_t tail = peeps_load_acquire(&c->tail);

	return tail & MPSC_CLOSED ||
	       (tail >> MPSC_TAIL_SHIFT) - (head >> MPSC_HEAD_SHIFT) < c->capacity;
}

static bool there_is_space(const struct mpsc *c)
{
	return is_reason_to_send(c, peeps_load_acquire(&c->head));
}

static bool is_reason_to_receive(const struct mpsc *c, uint64_t tail)
{
	return tail & MPSC_CLOSED || tail >> MPSC_TAIL_SHIFT != c->recv.received;
}

static bool there_is_an_item(const struct mpsc *c)
{
	return is_reason_to_receive(c, peeps_load_acquire(&c->tail));
}

/* --- sleeping and waking -------------------------------------------------------------------- */

/* A call that sleeps. */
struct sleeper {
	struct mpsc *channel;
	struct endpoint_wait wait;
	const struct endpoint_call *call;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC; FOR_EVER */
	bool is_counted;      /* in sleep.senders */
};

/* Lock for sleeping held. The receiver is told, by the word in which it gives space back, that a sender
 * sleeps: either it sees that, or its count is seen here. */
static bool may_send(struct mpsc *c)
{
	return is_reason_to_send(c,
				 __atomic_fetch_or(&c->head, MPSC_SENDERS_SLEEP, __ATOMIC_ACQ_REL));
}

static bool may_receive(struct mpsc *c)
{
	return is_reason_to_receive(
		c, __atomic_fetch_or(&c->tail, MPSC_RECEIVER_SLEEPS, __ATOMIC_ACQ_REL));
}

/* Lock for sleeping held: a sender that slept has come to its end. It was the one that was woken, perhaps for
 * nothing: if there is still room, it is the next one's turn; if not, the receiver knows of the next one. */
static void pass_on(struct mpsc *c)
{
	if (--c->sleep.senders > 0 && may_send(c))
		(void)pthread_cond_signal(&c->sleep.space);
}

static void cancelled_sending(void *argument)
{
	struct sleeper *const sleeper = argument;

	pass_on(sleeper->channel);
	(void)pthread_mutex_unlock(&sleeper->channel->sleep.lock);
	endpoint_cancelled(&sleeper->wait, sleeper->call);
}

static void cancelled_receiving(void *argument)
{
	struct sleeper *const sleeper = argument;

	(void)pthread_mutex_unlock(&sleeper->channel->sleep.lock);
	endpoint_cancelled(&sleeper->wait, sleeper->call);
}

/* Lock for sleeping held. Until there is a reason to go on, or the deadline. */
static int sleep_until(bool (*may_go_on)(struct mpsc *), pthread_cond_t *condition,
		       const struct sleeper *sleeper)
{
	int result = 0;

	while (result == 0 && !may_go_on(sleeper->channel))
		result = deadline_wait(condition, &sleeper->channel->sleep.lock,
				       sleeper->deadline_ns);
	return result;
}

/* Returns 0, or ETIMEDOUT. */
static int sleep_for_space(struct sleeper *sleeper)
{
	struct mpsc *const c = sleeper->channel;
	int result;

	(void)pthread_mutex_lock(&c->sleep.lock);
	if (!sleeper->is_counted)
		c->sleep.senders++;
	sleeper->is_counted = true;
	pthread_cleanup_push(cancelled_sending, sleeper);
	result = sleep_until(may_send, &c->sleep.space, sleeper);
	pthread_cleanup_pop(0);
	(void)pthread_mutex_unlock(&c->sleep.lock);
	return result;
}

static int sleep_for_item(struct sleeper *sleeper)
{
	struct mpsc *const c = sleeper->channel;
	int result;

	(void)pthread_mutex_lock(&c->sleep.lock);
	pthread_cleanup_push(cancelled_receiving, sleeper);
	result = sleep_until(may_receive, &c->sleep.items, sleeper);
	pthread_cleanup_pop(0);
	(void)pthread_mutex_unlock(&c->sleep.lock);
	return result;
}

/* Whoever said that it sleeps said so under the lock, and has let go of it only in its sleep. So it is there
 * when we have had the lock, and need not wait for us to let go of it when it wakes. */
static void wake(struct mpsc *c, pthread_cond_t *condition)
{
	(void)pthread_mutex_lock(&c->sleep.lock);
	(void)pthread_mutex_unlock(&c->sleep.lock);
	(void)pthread_cond_signal(condition);
}

/* It is closed. Of the senders, too, one is woken, and sees to the others. */
static void wake_both(struct mpsc *c)
{
	wake(c, &c->sleep.space);
	wake(c, &c->sleep.items);
}

/* --- sending -------------------------------------------------------------------------------- */

/* Senders' lock held. */
static bool has_space(struct mpsc *c)
{
	if (c->send.sent - c->send.received_seen < c->capacity || c->capacity == 0)
		return true;
	c->send.received_seen = mpsc_received(c);
	return c->send.sent - c->send.received_seen < c->capacity;
}

/* Senders' lock held. Returns 0, and the item is there but not published; -EAGAIN; -EPIPE; -ENOMEM. */
static inline int put_locked(struct peeps_mpsc_tx *tx, const void *item, struct endpoint_wait *wait,
			     const struct endpoint_call *call)
{
	struct mpsc *const c = tx->channel;

	if (peeps_unlikely(c->send.close_cause != PEEPS_CLOSE_CAUSE_NONE))
		return -EPIPE;
	if (peeps_unlikely(!has_space(c)))
		return -EAGAIN;
	if (peeps_unlikely(!mpsc_queue_put(&c->queue, &c->send.side, item)))
		return -ENOMEM;
	c->send.sent++;
	if (PEEPS_MUTATED(PUBLISH_FIRST))
		(void)__atomic_fetch_add(&c->tail, UINT64_C(1) << MPSC_TAIL_SHIFT,
					 __ATOMIC_ACQ_REL);
	mpsc_record_sent(tx, wait, call);
	return 0;
}

static inline int put(struct peeps_mpsc_tx *tx, const void *item, struct endpoint_wait *wait,
		      const struct endpoint_call *call)
{
	struct mpsc *const c = tx->channel;
	uint64_t before;
	int result;

	mpsc_lock_senders(c);
	result = put_locked(tx, item, wait, call);
	if (peeps_unlikely(result != 0)) {
		mpsc_unlock_senders(c);
		return result;
	}
	/* Publish, and unlock: release, for the item. With the same instruction: does the receiver sleep? If so
	 * it is woken now, and says so again next time. Not closed: only the holder of the lock closes. */
	before = mpsc_unlock_with(&c->tail, c->send.sent << MPSC_TAIL_SHIFT);
	mpsc_unlocked(&c->tail, before);
	if (peeps_unlikely(before & MPSC_RECEIVER_SLEEPS))
		wake(c, &c->sleep.items);
	return 0;
}

static int put_asleep(struct peeps_mpsc_tx *tx, const void *item, uint64_t deadline_ns,
		      const struct endpoint_call *call)
{
	struct mpsc *const c = tx->channel;
	struct sleeper sleeper = { .channel = c, .call = call, .deadline_ns = deadline_ns };
	int slept, result;

	mpsc_record_send_blocked(&sleeper.wait, tx, deadline_ns, call);
	do {
		slept = sleep_for_space(&sleeper);
		result = put(tx, item, &sleeper.wait, call);
	} while (result == -EAGAIN && slept == 0);
	if (result == -EAGAIN)
		result = -ETIMEDOUT;
	if (result != 0)
		endpoint_failed(&sleeper.wait, -result, call);
	(void)pthread_mutex_lock(&c->sleep.lock);
	pass_on(c);
	(void)pthread_mutex_unlock(&c->sleep.lock);
	return result;
}

static __attribute__((noinline)) int put_waiting(struct peeps_mpsc_tx *tx, const void *item,
						 uint64_t timeout_ns,
						 const struct endpoint_call *call)
{
	const uint64_t deadline_ns = deadline_after(timeout_ns);
	int result;

	if (timeout_ns == 0)
		return -ETIMEDOUT;
	if (look_for(&tx->spin, there_is_space, tx->channel)) {
		result = put(tx, item, NULL, call);
		if (result != -EAGAIN)
			return result;
	}
	return put_asleep(tx, item, deadline_ns, call);
}

static inline int send_item(struct peeps_mpsc_tx *tx, const void *item, uint64_t timeout_ns,
			    const struct endpoint_call *call)
{
	int result;

	mpsc_record_prepare(tx->channel, call);
	result = put(tx, item, NULL, call);
	if (peeps_unlikely(result == -EAGAIN))
		return put_waiting(tx, item, timeout_ns, call);
	return result;
}

/* --- receiving ------------------------------------------------------------------------------ */

static inline void give_back_place(struct mpsc *c)
{
	const uint64_t head = c->recv.received << MPSC_HEAD_SHIFT;

	if (c->capacity == 0) {
		/* Nobody waits for space. The blocks have an order of their own. */
		peeps_store_release(&c->head, head);
		return;
	}
	/* Release: the item is read before its place is written again. With the same instruction: do senders
	 * sleep? One is woken, and sees to the others (pass_on()). */
	if (peeps_unlikely(__atomic_exchange_n(&c->head, head, __ATOMIC_ACQ_REL) &
			   MPSC_SENDERS_SLEEP))
		wake(c, &c->sleep.space);
}

/* Returns 0; -EAGAIN; -EPIPE. */
static inline int take(struct peeps_mpsc_rx *rx, void *item, struct endpoint_wait *wait,
		       const struct endpoint_call *call)
{
	struct mpsc *const c = rx->channel;
	uint64_t tail;

	if (c->recv.sent_seen == c->recv.received) {
		/* Acquire: the items. Pairs with the release in put(). */
		tail = peeps_load_acquire(&c->tail);
		c->recv.sent_seen = tail >> MPSC_TAIL_SHIFT;
		if (c->recv.sent_seen == c->recv.received)
			return tail & MPSC_CLOSED ? -EPIPE : -EAGAIN;
	}
	mpsc_queue_take(&c->queue, &c->recv.side, item);
	peeps_store_relaxed(&c->recv.received, c->recv.received + 1);
	if (PEEPS_MUTATED(PLACE_FIRST))
		give_back_place(c);
	mpsc_record_received(rx, wait, call);
	if (!PEEPS_MUTATED(PLACE_FIRST))
		give_back_place(c);
	return 0;
}

static int take_asleep(struct peeps_mpsc_rx *rx, void *item, uint64_t deadline_ns,
		       const struct endpoint_call *call)
{
	struct sleeper sleeper = {
		.channel = rx->channel,
		.call = call,
		.deadline_ns = deadline_ns,
	};
	int slept, result;

	mpsc_record_recv_blocked(&sleeper.wait, rx, deadline_ns, call);
	do {
		slept = sleep_for_item(&sleeper);
		result = take(rx, item, &sleeper.wait, call);
	} while (result == -EAGAIN && slept == 0);
	if (result == -EAGAIN)
		result = -ETIMEDOUT;
	if (result != 0)
		endpoint_failed(&sleeper.wait, -result, call);
	return result;
}

static __attribute__((noinline)) int take_waiting(struct peeps_mpsc_rx *rx, void *item,
						  uint64_t timeout_ns,
						  const struct endpoint_call *call)
{
	const uint64_t deadline_ns = deadline_after(timeout_ns);
	int result;

	if (timeout_ns == 0)
		return -ETIMEDOUT;
	if (look_for(&rx->spin, there_is_an_item, rx->channel)) {
		result = take(rx, item, NULL, call);
		if (result != -EAGAIN)
			return result;
	}
	return take_asleep(rx, item, deadline_ns, call);
}

static inline int receive_item(struct peeps_mpsc_rx *rx, void *item, uint64_t timeout_ns,
			       const struct endpoint_call *call)
{
	const int result = take(rx, item, NULL, call);

	if (peeps_unlikely(result == -EAGAIN))
		return take_waiting(rx, item, timeout_ns, call);
	return result;
}

/* --- made ----------------------------------------------------------------------------------- */

static struct mpsc *channel_new(size_t item_size, size_t capacity)
{
	struct mpsc *const c = aligned_alloc(_Alignof(struct mpsc), sizeof(struct mpsc));

	if (!c)
		return NULL;
	*c = (struct mpsc){ .capacity = capacity, .sides = 2, .send.handles = 1 };
	if (mpsc_queue_init(&c->queue, &c->send.side, &c->recv.side, item_size, capacity) != 0) {
		free(c);
		return NULL;
	}
	(void)pthread_mutex_init(&c->sleep.lock, NULL);
	(void)pthread_cond_init(&c->sleep.space, NULL);
	(void)pthread_cond_init(&c->sleep.items, NULL);
	return c;
}

/* The conditions are not destroyed: nobody can be in a wait here, so there is nothing to wait for; but in a
 * forked child pthread_cond_destroy() waits for those who slept in the parent. */
static void channel_free(struct mpsc *c)
{
	(void)pthread_mutex_destroy(&c->sleep.lock);
	free(c);
}

static int make(struct peeps_mpsc_tx **tx, struct peeps_mpsc_rx **rx, const char *name,
		size_t item_size, size_t capacity, const struct endpoint_call *call)
{
	struct peeps_mpsc_tx *sender;
	struct peeps_mpsc_rx *receiver;
	struct mpsc *channel;

	if (item_size == 0)
		return -EINVAL;
	sender = calloc(1, sizeof(*sender));
	receiver = calloc(1, sizeof(*receiver));
	channel = channel_new(item_size, capacity);
	if (!sender || !receiver || !channel) {
		if (channel) {
			mpsc_queue_deinit(&channel->queue, &channel->recv.side);
			channel_free(channel);
		}
		free(receiver);
		free(sender);
		return -ENOMEM;
	}
	sender->channel = channel;
	receiver->channel = channel;
	mpsc_record_new(sender, receiver, name, call);
	*tx = sender;
	*rx = receiver;
	return 0;
}

static struct peeps_mpsc_tx *clone_of(struct peeps_mpsc_tx *tx, const struct endpoint_call *call)
{
	struct mpsc *const c = tx->channel;
	struct peeps_mpsc_tx *const clone = calloc(1, sizeof(*clone));

	if (!clone)
		return NULL;
	clone->channel = c;
	mpsc_record_prepare(c, call);
	mpsc_lock_senders(c);
	c->send.handles++;
	mpsc_record_cloned(clone, call);
	mpsc_unlock_senders(c);
	return clone;
}

static void move_tx(struct peeps_mpsc_tx *tx, const struct endpoint_call *call)
{
	mpsc_record_prepare(tx->channel, call);
	mpsc_lock_senders(tx->channel);
	mpsc_record_tx_moved(tx, call);
	mpsc_unlock_senders(tx->channel);
}

/* --- closed and freed ----------------------------------------------------------------------- */

/* Senders' lock held, and it is recorded: what was sent before is accepted, and nothing after. */
static void close_locked(struct mpsc *c)
{
	/* Release: all that was sent, and send.* for who finds the channel closed. */
	(void)__atomic_fetch_or(&c->tail, MPSC_CLOSED, __ATOMIC_ACQ_REL);
}

static void set_cause(struct mpsc *c, uint64_t cause)
{
	if (c->send.close_cause == PEEPS_CLOSE_CAUSE_NONE)
		c->send.close_cause = cause;
}

static void close_as_sender(struct mpsc *c, const struct endpoint_call *call)
{
	mpsc_record_prepare(c, call);
	mpsc_lock_senders(c);
	c->send.sender_closed = true;
	set_cause(c, PEEPS_CLOSE_CAUSE_SENDER_CLOSED);
	mpsc_record_ends(c, false, call);
	close_locked(c);
	mpsc_unlock_senders(c);
	wake_both(c);
}

static void close_as_receiver(struct mpsc *c, uint64_t cause, const struct endpoint_call *call)
{
	mpsc_record_prepare(c, call);
	mpsc_lock_senders(c);
	c->send.receiver_closed = true;
	set_cause(c, cause);
	if (cause == PEEPS_CLOSE_CAUSE_RECEIVER_GONE)
		c->send.discarded = c->send.sent - c->recv.received;
	mpsc_record_ends(c, true, call);
	close_locked(c);
	mpsc_unlock_senders(c);
	wake_both(c);
}

/* The caller has been the last on its side to touch the channel. */
static void leave_side(struct mpsc *c, const struct endpoint_call *call)
{
	/* Release: what this side did. Acquire: what the other one did. */
	if (__atomic_sub_fetch(&c->sides, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	mpsc_record_freed(c, call);
	channel_free(c);
}

static void free_tx(struct peeps_mpsc_tx *tx, const struct endpoint_call *call)
{
	struct mpsc *const c = tx->channel;
	bool is_last;

	mpsc_record_prepare(c, call);
	mpsc_lock_senders(c);
	is_last = --c->send.handles == 0;
	if (is_last) {
		c->send.sender_closed = true;
		set_cause(c, PEEPS_CLOSE_CAUSE_SENDERS_GONE);
	}
	endpoint_left(&tx->owner, call);
	mpsc_record_ends(c, false, call);
	if (is_last)
		close_locked(c);
	mpsc_unlock_senders(c);
	free(tx);
	if (!is_last)
		return;
	wake_both(c);
	leave_side(c, call);
}

static void free_rx(struct peeps_mpsc_rx *rx, const struct endpoint_call *call)
{
	struct mpsc *const c = rx->channel;

	close_as_receiver(c, PEEPS_CLOSE_CAUSE_RECEIVER_GONE, call);
	endpoint_left(&rx->owner, call);
	/* Closed: no sender looks at it any more. */
	mpsc_queue_deinit(&c->queue, &c->recv.side);
	free(rx);
	leave_side(c, call);
}

/* --- what programs call: the plain symbols, and those that know the place ----------------------- */

#ifndef PEEPS_DISABLE
#undef peeps_mpsc_new
#undef peeps_mpsc_tx_clone
#undef peeps_mpsc_send
#undef peeps_mpsc_timed_send
#undef peeps_mpsc_recv
#undef peeps_mpsc_timed_recv
#undef peeps_mpsc_tx_moved
#undef peeps_mpsc_rx_moved
#endif

#define PLAIN_CALL ENDPOINT_CALL(&peeps_site_unknown)

int peeps_mpsc_new(struct peeps_mpsc_tx **tx, struct peeps_mpsc_rx **rx, const char *name,
		   size_t item_size, size_t capacity)
{
	return make(tx, rx, name, item_size, capacity, PLAIN_CALL);
}

struct peeps_mpsc_tx *peeps_mpsc_tx_clone(struct peeps_mpsc_tx *tx)
{
	return clone_of(tx, PLAIN_CALL);
}

int peeps_mpsc_send(struct peeps_mpsc_tx *tx, const void *item)
{
	return send_item(tx, item, FOR_EVER, PLAIN_CALL);
}

int peeps_mpsc_try_send(struct peeps_mpsc_tx *tx, const void *item)
{
	const struct endpoint_call *const call = PLAIN_CALL;

	mpsc_record_prepare(tx->channel, call);
	return put(tx, item, NULL, call);
}

int peeps_mpsc_timed_send(struct peeps_mpsc_tx *tx, const void *item, uint64_t timeout_ns)
{
	return send_item(tx, item, timeout_ns, PLAIN_CALL);
}

int peeps_mpsc_recv(struct peeps_mpsc_rx *rx, void *item)
{
	return receive_item(rx, item, FOR_EVER, PLAIN_CALL);
}

int peeps_mpsc_try_recv(struct peeps_mpsc_rx *rx, void *item)
{
	return take(rx, item, NULL, PLAIN_CALL);
}

int peeps_mpsc_timed_recv(struct peeps_mpsc_rx *rx, void *item, uint64_t timeout_ns)
{
	return receive_item(rx, item, timeout_ns, PLAIN_CALL);
}

void peeps_mpsc_tx_close(struct peeps_mpsc_tx *tx)
{
	close_as_sender(tx->channel, PLAIN_CALL);
}

void peeps_mpsc_rx_close(struct peeps_mpsc_rx *rx)
{
	close_as_receiver(rx->channel, PEEPS_CLOSE_CAUSE_RECEIVER_CLOSED, PLAIN_CALL);
}

void peeps_mpsc_tx_moved(struct peeps_mpsc_tx *tx)
{
	move_tx(tx, PLAIN_CALL);
}

void peeps_mpsc_rx_moved(struct peeps_mpsc_rx *rx)
{
	mpsc_record_rx_moved(rx, PLAIN_CALL);
}

void peeps_mpsc_tx_free(struct peeps_mpsc_tx *tx)
{
	if (tx)
		free_tx(tx, PLAIN_CALL);
}

void peeps_mpsc_rx_free(struct peeps_mpsc_rx *rx)
{
	if (rx)
		free_rx(rx, PLAIN_CALL);
}

#ifndef PEEPS_DISABLE

int peeps_mpsc_new_at(struct peeps_mpsc_tx **tx, struct peeps_mpsc_rx **rx, const char *name,
		      size_t item_size, size_t capacity, struct peeps_site *site)
{
	return make(tx, rx, name, item_size, capacity, ENDPOINT_CALL(site));
}

struct peeps_mpsc_tx *peeps_mpsc_tx_clone_at(struct peeps_mpsc_tx *tx, struct peeps_site *site)
{
	return clone_of(tx, ENDPOINT_CALL(site));
}

int peeps_mpsc_send_at(struct peeps_mpsc_tx *tx, const void *item, struct peeps_site *site)
{
	return send_item(tx, item, FOR_EVER, ENDPOINT_CALL(site));
}

int peeps_mpsc_timed_send_at(struct peeps_mpsc_tx *tx, const void *item, uint64_t timeout_ns,
			     struct peeps_site *site)
{
	return send_item(tx, item, timeout_ns, ENDPOINT_CALL(site));
}

int peeps_mpsc_recv_at(struct peeps_mpsc_rx *rx, void *item, struct peeps_site *site)
{
	return receive_item(rx, item, FOR_EVER, ENDPOINT_CALL(site));
}

int peeps_mpsc_timed_recv_at(struct peeps_mpsc_rx *rx, void *item, uint64_t timeout_ns,
			     struct peeps_site *site)
{
	return receive_item(rx, item, timeout_ns, ENDPOINT_CALL(site));
}

void peeps_mpsc_tx_moved_at(struct peeps_mpsc_tx *tx, struct peeps_site *site)
{
	move_tx(tx, ENDPOINT_CALL(site));
}

void peeps_mpsc_rx_moved_at(struct peeps_mpsc_rx *rx, struct peeps_site *site)
{
	mpsc_record_rx_moved(rx, ENDPOINT_CALL(site));
}

#endif
