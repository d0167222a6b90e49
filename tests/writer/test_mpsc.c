/* SPDX-License-Identifier: MIT */
/* What the segment says after each call. What the calls return is also the business of tests/e2e/way/mpsc.c. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <peeps/peeps.h>

#include "writer/edge.h"
#include "writer/mpsc_channel.h"
#include "writer/update.h"

/* A channel of uint64_t. */
struct channel {
	struct peeps_mpsc_tx *tx;
	struct peeps_mpsc_rx *rx;
	struct peeps_entity_slot *tx_slot, *rx_slot;
};

static uint64_t me(void)
{
	return peeps_actor_self().bits;
}

static void make(struct channel *c, const char *name, size_t capacity)
{
	assert_int_equal(peeps_mpsc_new(&c->tx, &c->rx, name, sizeof(uint64_t), capacity), 0);
	c->tx_slot = c->tx->channel->record.hook.slot;
	c->rx_slot = c->tx->channel->record.rx;
	assert_non_null(c->tx_slot);
	assert_non_null(c->rx_slot);
}

static void drop(struct channel *c)
{
	peeps_mpsc_tx_free(c->tx);
	peeps_mpsc_rx_free(c->rx);
}

static int put(struct channel *c, uint64_t item)
{
	return peeps_mpsc_send(c->tx, &item);
}

static uint64_t get(struct channel *c)
{
	uint64_t item = UINT64_MAX;

	assert_int_equal(peeps_mpsc_recv(c->rx, &item), 0);
	return item;
}

static uint64_t sent(const struct channel *c)
{
	return peeps_load_relaxed(&c->tx_slot->body[PEEPS_MPSC_TX_SENT_TOTAL_WORD]);
}

static uint64_t received(const struct channel *c)
{
	return peeps_load_relaxed(&c->rx_slot->body[PEEPS_MPSC_RX_RECV_TOTAL_WORD]);
}

static uint64_t high_watermark(const struct channel *c)
{
	return c->tx_slot->body[PEEPS_MPSC_TX_HIGH_WATERMARK_WORD];
}

static uint64_t discarded(const struct channel *c)
{
	return c->rx_slot->body[PEEPS_MPSC_RX_DISCARDED_TOTAL_WORD];
}

static uint64_t sender_count(const struct channel *c)
{
	return (uint32_t)c->tx_slot->body[PEEPS_MPSC_TX_SENDER_COUNT_WORD];
}

static uint64_t close_cause(const struct channel *c)
{
	return c->tx_slot->body[PEEPS_MPSC_TX_CLOSE_CAUSE_WORD] >> PEEPS_MPSC_TX_CLOSE_CAUSE_SHIFT &
	       0xff;
}

static uint64_t sender_closed(const struct channel *c)
{
	return c->tx_slot->body[PEEPS_MPSC_TX_SENDER_CLOSED_WORD] >>
		       PEEPS_MPSC_TX_SENDER_CLOSED_SHIFT &
	       1;
}

static uint64_t receiver_closed(const struct channel *c)
{
	return c->rx_slot->body[PEEPS_MPSC_RX_RECEIVER_CLOSED_WORD] & 1;
}

static bool is_live(const struct peeps_entity_slot *slot)
{
	return (slot->status & PEEPS_STATUS_LIFE_MASK) == PEEPS_LIFE_LIVE;
}

/* --- whose the handles are -- */

static void assert_owner(const struct endpoint_owner *owner, const struct peeps_entity_slot *end,
			 uint64_t actor, uint64_t role, uint64_t mode)
{
	const struct peeps_edge_slot *const slot = owner->hold.slot;

	assert_non_null(slot);
	assert_int_equal(slot->status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK,
			 PEEPS_EDGE_HOLDS);
	assert_int_equal(slot->status >> PEEPS_HOLD_ROLE_SHIFT & PEEPS_HOLD_NIBBLE_MASK, role);
	assert_int_equal(slot->status >> PEEPS_HOLD_MODE_SHIFT & PEEPS_HOLD_NIBBLE_MASK, mode);
	assert_int_equal(slot->src, end->identity);
	assert_int_equal(slot->dst, actor);
	assert_int_equal(slot->wait & PEEPS_EDGE_POLL_COUNT_MASK, 1);
	assert_int_not_equal(slot->pending_since_ns, 0);
}

static void assert_sender(const struct channel *c, const struct peeps_mpsc_tx *tx, uint64_t actor,
			  uint64_t mode)
{
	assert_owner(&tx->owner, c->tx_slot, actor, PEEPS_HOLD_ROLE_SENDER, mode);
}

static void assert_receiver(const struct channel *c, uint64_t actor, uint64_t mode)
{
	assert_owner(&c->rx->owner, c->rx_slot, actor, PEEPS_HOLD_ROLE_RECEIVER, mode);
}

static uint32_t line_of(uint64_t site)
{
	const struct peeps_site_row *const row =
		segment_row(PEEPS_SECTION_SITES, site & PEEPS_EDGE_SITE_MASK);

	assert_int_not_equal(site & PEEPS_EDGE_SITE_MASK, 0);
	assert_text(row->file, __FILE__);
	return row->line;
}

/* --- threads that do one thing -- */

static void *in_another_thread(void *(*work)(void *), void *argument)
{
	pthread_t thread;
	void *result;

	assert_int_equal(pthread_create(&thread, NULL, work, argument), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	return result;
}

/* A call that waits, in a thread of its own. */
struct waiter {
	pthread_t thread;
	struct channel *c;
	struct peeps_mpsc_tx *tx;
	uint64_t timeout_ns; /* 0 = none */
	uint64_t item, actor;
	int result;
};

static void *send_and_wait(void *argument)
{
	struct waiter *const w = argument;

	__atomic_store_n(&w->actor, me(), __ATOMIC_SEQ_CST);
	w->result = w->timeout_ns ? peeps_mpsc_timed_send(w->tx, &w->item, w->timeout_ns)
				  : peeps_mpsc_send(w->tx, &w->item);
	return NULL;
}

static void *receive_and_wait(void *argument)
{
	struct waiter *const w = argument;

	__atomic_store_n(&w->actor, me(), __ATOMIC_SEQ_CST);
	w->result = w->timeout_ns ? peeps_mpsc_timed_recv(w->c->rx, &w->item, w->timeout_ns)
				  : peeps_mpsc_recv(w->c->rx, &w->item);
	return NULL;
}

static void start(struct waiter *w, void *(*work)(void *))
{
	assert_int_equal(pthread_create(&w->thread, NULL, work, w), 0);
}

static void finish(struct waiter *w)
{
	assert_int_equal(pthread_join(w->thread, NULL), 0);
}

/* The edge of that actor to that end, in that state; NULL while there is none. */
static const struct peeps_edge_slot *find_edge(const struct waiter *w, uint64_t target,
					       uint64_t state)
{
	const uint64_t count = segment_section(PEEPS_SECTION_EDGES)->high_water;
	const uint64_t actor = __atomic_load_n(&w->actor, __ATOMIC_SEQ_CST);

	for (uint64_t i = 0; i < count; i++) {
		const struct peeps_edge_slot *const slot = segment_row(PEEPS_SECTION_EDGES, i);
		const uint64_t status = peeps_load_acquire(&slot->status);

		if (actor && slot->src == actor && slot->dst == target &&
		    (status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK) == PEEPS_EDGE_NEEDS &&
		    (status & PEEPS_EDGE_BYTE_MASK) == state)
			return slot;
	}
	return NULL;
}

static const struct peeps_edge_slot *await_pending(const struct waiter *w,
						   const struct peeps_entity_slot *end, uint64_t op)
{
	const struct peeps_edge_slot *edge;

	for (int i = 0; !(edge = find_edge(w, end->identity, PEEPS_STATE_PENDING)); i++) {
		assert_true(i < 5000);
		(void)usleep(1000);
	}
	assert_int_equal(edge->status >> PEEPS_EDGE_OP_SHIFT & PEEPS_EDGE_BYTE_MASK, op);
	assert_int_not_equal(edge->pending_since_ns, 0);
	(void)line_of(edge->origin);
	return edge;
}

static void assert_ended(const struct peeps_edge_slot *edge, uint64_t state, int reason)
{
	assert_int_equal(edge->status & PEEPS_EDGE_BYTE_MASK, state);
	assert_int_equal(edge->origin >> PEEPS_EDGE_REASON_SHIFT, reason);
	assert_true(edge->last_change_ns >= edge->pending_since_ns);
}

static uint64_t slots_of_last_section(uint64_t actor)
{
	for (uint64_t i = 1; i < segment_section(PEEPS_SECTION_THREADS)->high_water; i++) {
		const struct peeps_thread *const record = segment_row(PEEPS_SECTION_THREADS, i);

		if (record->actor == actor)
			return record->write_set[0] & PEEPS_WRITE_SET_COUNT_MASK;
	}
	return 0;
}

/* --- tests -- */

static void peeps_mpsc_new__bounded__two_ends_of_one_name_owned_by_their_creator(void **state)
{
	struct channel c;
	uint32_t line;

	(void)state;
	make(&c, "jobs", 16);
	line = line_of(c.tx_slot->site);
	assert_true(line < __LINE__ && line > 1);
	assert_int_equal(c.rx_slot->site, c.tx_slot->site);
	assert_text(c.tx_slot->name, "jobs");
	assert_text(c.rx_slot->name, "jobs");
	assert_int_equal(c.tx_slot->kind & 0xffff, PEEPS_KIND_MPSC_TX);
	assert_int_equal(c.rx_slot->kind & 0xffff, PEEPS_KIND_MPSC_RX);
	assert_int_equal(c.tx_slot->kind >> 32, c.rx_slot->kind >> 32);
	assert_int_equal(c.tx_slot->creator, me());
	assert_int_equal(c.rx_slot->creator, me());
	assert_int_equal(c.tx_slot->created_ns, c.rx_slot->created_ns);
	assert_int_equal(c.tx_slot->body[PEEPS_MPSC_TX_PEER_WORD], c.rx_slot->identity);
	assert_int_equal(c.tx_slot->body[PEEPS_MPSC_TX_CAPACITY_WORD], 16);
	assert_int_equal(sent(&c), 0);
	assert_int_equal(received(&c), 0);
	assert_int_equal(sender_count(&c), 1);
	assert_int_equal(close_cause(&c), PEEPS_CLOSE_CAUSE_NONE);
	assert_sender(&c, c.tx, me(), PEEPS_HOLD_MODE_CREATOR);
	assert_receiver(&c, me(), PEEPS_HOLD_MODE_CREATOR);
	drop(&c);
	make(&c, "", 0);
	assert_memory_equal(text_at(c.tx_slot->name), "test_mpsc.c.", 12);
	assert_int_equal(c.tx_slot->body[PEEPS_MPSC_TX_CAPACITY_WORD], 0);
	drop(&c);
}

static void peeps_mpsc_new__impossible__refused_and_nothing_written(void **state)
{
	static const struct {
		size_t size, capacity;
		int result;
	} rows[] = { { 0, 1, -EINVAL },
		     { 0, 0, -EINVAL },
		     { 8, SIZE_MAX / 4, -ENOMEM },
		     { SIZE_MAX, 1, -ENOMEM },
		     { SIZE_MAX, 0, -ENOMEM } };
	struct peeps_mpsc_tx *tx = NULL;
	struct peeps_mpsc_rx *rx = NULL;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(
			peeps_mpsc_new(&tx, &rx, "impossible", rows[i].size, rows[i].capacity),
			rows[i].result);
	assert_null(tx);
	assert_null(rx);
	peeps_mpsc_tx_free(NULL);
	peeps_mpsc_rx_free(NULL);
}

static void peeps_mpsc_send__and_recv__totals_and_high_watermark(void **state)
{
	struct channel c;

	(void)state;
	make(&c, "counted", 5);
	for (uint64_t round = 1; round <= 4; round++) { /* the first is slow, the others inline */
		for (uint64_t i = 0; i < 3; i++) {
			assert_int_equal(put(&c, i), 0);
			assert_int_equal(sent(&c), (round - 1) * 3 + i + 1);
			assert_int_equal(received(&c), (round - 1) * 3);
		}
		assert_int_equal(high_watermark(&c), 3);
		for (uint64_t i = 0; i < 3; i++) {
			assert_int_equal(get(&c), i);
			assert_int_equal(received(&c), (round - 1) * 3 + i + 1);
		}
	}
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(put(&c, i), 0);
	assert_int_equal(high_watermark(&c), 5);
	drop(&c);
}

static void peeps_mpsc_try__full_empty_and_no_time__nothing_recorded(void **state)
{
	const struct waiter nobody = { .actor = me() };
	struct channel c;
	uint64_t item = 7;

	(void)state;
	make(&c, "tried", 1);
	assert_int_equal(peeps_mpsc_try_recv(c.rx, &item), -EAGAIN);
	assert_int_equal(peeps_mpsc_timed_recv(c.rx, &item, 0), -ETIMEDOUT);
	assert_int_equal(item, 7);
	assert_int_equal(peeps_mpsc_try_send(c.tx, &item), 0);
	assert_int_equal(peeps_mpsc_try_send(c.tx, &item), -EAGAIN);
	assert_int_equal(peeps_mpsc_timed_send(c.tx, &item, 0), -ETIMEDOUT);
	assert_int_equal(sent(&c), 1);
	assert_int_equal(peeps_mpsc_try_recv(c.rx, &item), 0);
	assert_int_equal(received(&c), 1);
	assert_int_equal(peeps_mpsc_timed_send(c.tx, &item, 1000), 0);
	assert_int_equal(peeps_mpsc_timed_recv(c.rx, &item, 1000), 0);
	assert_int_equal(received(&c), 2);
	for (uint64_t over = PEEPS_STATE_PENDING; over <= PEEPS_STATE_CANCELLED; over++) {
		assert_null(find_edge(&nobody, c.tx_slot->identity, over));
		assert_null(find_edge(&nobody, c.rx_slot->identity, over));
	}
	drop(&c);
}

static void peeps_mpsc__unbounded_ten_thousand__all_come_out_in_order(void **state)
{
	struct channel c;

	(void)state;
	make(&c, "long", 0);
	for (uint64_t i = 0; i < 10000; i++)
		assert_int_equal(put(&c, i), 0);
	assert_int_equal(high_watermark(&c), 10000);
	for (uint64_t i = 0; i < 10000; i++)
		assert_int_equal(get(&c), i);
	assert_int_equal(received(&c), 10000);
	drop(&c);
}

static void *use_both(void *argument)
{
	struct channel *const c = argument;

	(void)put(c, 1);
	(void)get(c);
	return NULL;
}

static void *move_both(void *argument)
{
	struct channel *const c = argument;

	peeps_mpsc_tx_moved(c->tx);
	peeps_mpsc_rx_moved(c->rx);
	(void)use_both(c);
	return (void *)(uintptr_t)me(); // NOLINT
}

static void peeps_mpsc__used_by_creator_others_and_owner__mode_tells(void **state)
{
	struct channel c;
	uint64_t since, other;

	(void)state;
	make(&c, "handed over", 4);
	since = c.tx->owner.hold.slot->pending_since_ns;
	/* That it used them does not say that it keeps them. */
	(void)use_both(&c);
	assert_sender(&c, c.tx, me(), PEEPS_HOLD_MODE_CREATOR);
	assert_receiver(&c, me(), PEEPS_HOLD_MODE_CREATOR);
	assert_int_equal(c.tx->owner.hold.slot->pending_since_ns, since);
	(void)in_another_thread(use_both, &c);
	assert_sender(&c, c.tx, me(), PEEPS_HOLD_MODE_SHARED);
	assert_receiver(&c, me(), PEEPS_HOLD_MODE_SHARED);
	(void)use_both(&c);
	assert_sender(&c, c.tx, me(), PEEPS_HOLD_MODE_SHARED);
	other = (uint64_t)(uintptr_t)in_another_thread(move_both, &c);
	assert_int_not_equal(other, me());
	assert_sender(&c, c.tx, other, PEEPS_HOLD_MODE_OWNER);
	assert_receiver(&c, other, PEEPS_HOLD_MODE_OWNER);
	assert_true(line_of(c.rx->owner.hold.slot->origin) ==
		    line_of(c.tx->owner.hold.slot->origin) + 1);
	(void)use_both(&c);
	assert_sender(&c, c.tx, other, PEEPS_HOLD_MODE_SHARED);
	peeps_mpsc_tx_moved(c.tx);
	assert_sender(&c, c.tx, me(), PEEPS_HOLD_MODE_OWNER);
	assert_receiver(&c, other, PEEPS_HOLD_MODE_SHARED);
	drop(&c);
	make(&c, "first used by another", 4);
	(void)in_another_thread(use_both, &c);
	assert_sender(&c, c.tx, me(), PEEPS_HOLD_MODE_SHARED);
	assert_receiver(&c, me(), PEEPS_HOLD_MODE_SHARED);
	drop(&c);
}

static void *clone_it(void *tx)
{
	return peeps_mpsc_tx_clone(tx);
}

static void peeps_mpsc_tx_clone__counted_and_owned_by_who_cloned(void **state)
{
	struct peeps_mpsc_tx *mine, *others;
	struct peeps_edge_slot *hold;
	struct channel c;

	(void)state;
	make(&c, "cloned", 4);
	mine = peeps_mpsc_tx_clone(c.tx);
	assert_int_equal(sender_count(&c), 2);
	assert_sender(&c, mine, me(), PEEPS_HOLD_MODE_CREATOR);
	others = in_another_thread(clone_it, c.tx);
	assert_int_equal(sender_count(&c), 3);
	assert_int_not_equal(others->owner.hold.slot->dst, me());
	assert_sender(&c, others, others->owner.actor, PEEPS_HOLD_MODE_CREATOR);
	hold = mine->owner.hold.slot;
	peeps_mpsc_tx_free(mine);
	assert_int_equal(sender_count(&c), 2);
	assert_int_equal(hold->status >> PEEPS_EDGE_KIND_SHIFT & PEEPS_EDGE_BYTE_MASK,
			 PEEPS_EDGE_NONE);
	assert_int_equal(close_cause(&c), PEEPS_CLOSE_CAUSE_NONE);
	peeps_mpsc_tx_free(others);
	assert_int_equal(close_cause(&c), PEEPS_CLOSE_CAUSE_NONE);
	drop(&c);
}

static void peeps_mpsc_send__full__pending_with_details_then_done(void **state)
{
	const struct peeps_edge_slot *edge;
	struct channel c;
	struct waiter w = { .c = &c, .item = 2 };

	(void)state;
	make(&c, "full", 2);
	(void)put(&c, 0);
	(void)put(&c, 1);
	w.tx = peeps_mpsc_tx_clone(c.tx);
	start(&w, send_and_wait);
	edge = await_pending(&w, c.tx_slot, PEEPS_OP_SEND);
	assert_int_equal(edge->details[PEEPS_DETAIL_SEND_OCCUPANCY], 2 + 1);
	assert_int_equal(edge->details[PEEPS_DETAIL_SEND_CAPACITY], 2 + 1);
	assert_int_equal(edge->details[PEEPS_DETAIL_SEND_UNTIL], 0);
	assert_int_equal(sent(&c), 2);
	assert_int_equal(get(&c), 0);
	finish(&w);
	assert_int_equal(w.result, 0);
	assert_ended(edge, PEEPS_STATE_DONE, 0);
	assert_int_equal(sent(&c), 3);
	assert_int_equal(high_watermark(&c), 2);
	assert_sender(&c, w.tx, me(), PEEPS_HOLD_MODE_SHARED); /* told as soon as it waits */
	assert_int_equal(get(&c), 1);
	assert_int_equal(get(&c), 2);
	peeps_mpsc_tx_free(w.tx);
	drop(&c);
}

static void peeps_mpsc_recv__empty__pending_with_details_then_done(void **state)
{
	const struct peeps_edge_slot *edge;
	struct channel c;
	struct waiter w = { .c = &c };

	(void)state;
	for (size_t capacity = 0; capacity < 2; capacity++) {
		w.actor = 0;
		make(&c, "empty", capacity);
		start(&w, receive_and_wait);
		edge = await_pending(&w, c.rx_slot, PEEPS_OP_RECV);
		assert_int_equal(edge->details[PEEPS_DETAIL_RECV_OCCUPANCY], 0 + 1);
		assert_int_equal(edge->details[PEEPS_DETAIL_RECV_CAPACITY],
				 capacity ? capacity + 1 : 0);
		assert_receiver(&c, me(), PEEPS_HOLD_MODE_SHARED);
		assert_int_equal(put(&c, 9), 0);
		finish(&w);
		assert_int_equal(w.result, 0);
		assert_int_equal(w.item, 9);
		assert_ended(edge, PEEPS_STATE_DONE, 0);
		assert_int_equal(received(&c), 1);
		assert_int_equal(slots_of_last_section(w.actor), 2); /* the item and the wait */
		drop(&c);
	}
}

static void peeps_mpsc_timed__time_is_over__failed_and_until_when_is_known(void **state)
{
	const struct peeps_edge_slot *edge;
	struct channel c;
	struct waiter w = { .c = &c, .timeout_ns = 20000000, .item = 4711 };

	(void)state;
	make(&c, "timed", 1);
	w.tx = c.tx;
	start(&w, receive_and_wait);
	finish(&w);
	assert_int_equal(w.result, -ETIMEDOUT);
	assert_int_equal(w.item, 4711);
	edge = find_edge(&w, c.rx_slot->identity, PEEPS_STATE_FAILED);
	assert_non_null(edge);
	assert_ended(edge, PEEPS_STATE_FAILED, ETIMEDOUT);
	assert_true(edge->details[PEEPS_DETAIL_RECV_UNTIL] >= 20000000);
	assert_true(edge->details[PEEPS_DETAIL_RECV_UNTIL] <= edge->last_change_ns);
	assert_int_equal(received(&c), 0);
	(void)put(&c, 1);
	start(&w, send_and_wait);
	finish(&w);
	assert_int_equal(w.result, -ETIMEDOUT);
	edge = find_edge(&w, c.tx_slot->identity, PEEPS_STATE_FAILED);
	assert_non_null(edge);
	assert_ended(edge, PEEPS_STATE_FAILED, ETIMEDOUT);
	assert_int_equal(sent(&c), 1);
	/* a time that the clock will never see */
	w.timeout_ns = UINT64_MAX - 1;
	start(&w, send_and_wait);
	edge = await_pending(&w, c.tx_slot, PEEPS_OP_SEND);
	assert_int_equal(get(&c), 1);
	finish(&w);
	assert_int_equal(w.result, 0);
	drop(&c);
}

static void peeps_mpsc_tx_free__last_one_while_the_receiver_waits__epipe(void **state)
{
	const struct peeps_edge_slot *edge;
	struct channel c;
	struct waiter w = { .c = &c };

	(void)state;
	make(&c, "left alone", 0);
	start(&w, receive_and_wait);
	edge = await_pending(&w, c.rx_slot, PEEPS_OP_RECV);
	peeps_mpsc_tx_free(c.tx);
	finish(&w);
	assert_int_equal(w.result, -EPIPE);
	assert_ended(edge, PEEPS_STATE_FAILED, EPIPE);
	assert_int_equal(sender_count(&c), 0);
	assert_int_equal(sender_closed(&c), 1);
	assert_int_equal(receiver_closed(&c), 0);
	assert_int_equal(close_cause(&c), PEEPS_CLOSE_CAUSE_SENDERS_GONE);
	peeps_mpsc_rx_free(c.rx);
}

static void peeps_mpsc_rx_free__while_two_senders_wait__both_epipe_and_discarded(void **state)
{
	const struct peeps_edge_slot *edges[2];
	struct channel c;
	struct waiter w[2] = { { .c = &c }, { .c = &c } };

	(void)state;
	make(&c, "abandoned", 3);
	for (uint64_t i = 0; i < 3; i++)
		(void)put(&c, i);
	assert_int_equal(get(&c), 0);
	(void)put(&c, 3);
	for (int i = 0; i < 2; i++) {
		w[i].tx = peeps_mpsc_tx_clone(c.tx);
		start(&w[i], send_and_wait);
		edges[i] = await_pending(&w[i], c.tx_slot, PEEPS_OP_SEND);
	}
	peeps_mpsc_rx_free(c.rx);
	for (int i = 0; i < 2; i++) {
		finish(&w[i]);
		assert_int_equal(w[i].result, -EPIPE);
		assert_ended(edges[i], PEEPS_STATE_FAILED, EPIPE);
	}
	assert_int_equal(sent(&c), 4);
	assert_int_equal(received(&c), 1);
	assert_int_equal(discarded(&c), 3);
	assert_int_equal(receiver_closed(&c), 1);
	assert_int_equal(sender_closed(&c), 0);
	assert_int_equal(close_cause(&c), PEEPS_CLOSE_CAUSE_RECEIVER_GONE);
	assert_int_equal(sender_count(&c), 3);
	assert_int_equal(put(&c, 1), -EPIPE);
	assert_int_equal(peeps_mpsc_try_send(c.tx, &w[0].item), -EPIPE);
	for (int i = 0; i < 2; i++)
		peeps_mpsc_tx_free(w[i].tx);
	assert_true(is_live(c.tx_slot) && is_live(c.rx_slot));
	peeps_mpsc_tx_free(c.tx);
	assert_false(is_live(c.tx_slot) || is_live(c.rx_slot));
}

static void peeps_mpsc_close__from_either_end__drained_then_epipe_and_first_cause(void **state)
{
	uint64_t item;
	struct channel c;

	(void)state;
	for (int by_receiver = 0; by_receiver < 2; by_receiver++) {
		const uint64_t cause = by_receiver ? PEEPS_CLOSE_CAUSE_RECEIVER_CLOSED
						   : PEEPS_CLOSE_CAUSE_SENDER_CLOSED;

		make(&c, "closed", 4);
		for (uint64_t i = 0; i < 3; i++)
			(void)put(&c, i);
		if (by_receiver)
			peeps_mpsc_rx_close(c.rx);
		else
			peeps_mpsc_tx_close(c.tx);
		assert_int_equal(close_cause(&c), cause);
		assert_int_equal(sender_closed(&c), !by_receiver);
		assert_int_equal(receiver_closed(&c), by_receiver);
		assert_int_equal(put(&c, 9), -EPIPE);
		for (uint64_t i = 0; i < 3; i++)
			assert_int_equal(get(&c), i);
		assert_int_equal(peeps_mpsc_recv(c.rx, &item), -EPIPE);
		assert_int_equal(peeps_mpsc_try_recv(c.rx, &item), -EPIPE);
		assert_int_equal(peeps_mpsc_timed_recv(c.rx, &item, 1000), -EPIPE);
		peeps_mpsc_tx_close(c.tx);
		peeps_mpsc_rx_close(c.rx);
		peeps_mpsc_rx_close(c.rx);
		assert_int_equal(close_cause(&c), cause);
		assert_int_equal(sender_closed(&c) && receiver_closed(&c), 1);
		assert_int_equal(discarded(&c), 0);
		assert_int_equal(sent(&c), received(&c));
		drop(&c);
	}
}

static void peeps_mpsc__cancelled_in_both_waits__edge_cancelled_and_channel_sound(void **state)
{
	const struct peeps_edge_slot *edge;
	struct channel c;
	struct waiter w = { .c = &c }, next = { .c = &c, .item = 8 };

	(void)state;
	make(&c, "cancelled", 1);
	start(&w, receive_and_wait);
	edge = await_pending(&w, c.rx_slot, PEEPS_OP_RECV);
	(void)pthread_cancel(w.thread);
	finish(&w);
	assert_ended(edge, PEEPS_STATE_CANCELLED, 0);
	assert_int_equal(put(&c, 7), 0);
	w = (struct waiter){ .c = &c, .tx = c.tx };
	start(&w, send_and_wait);
	edge = await_pending(&w, c.tx_slot, PEEPS_OP_SEND);
	next.tx = c.tx;
	start(&next, send_and_wait);
	(void)await_pending(&next, c.tx_slot, PEEPS_OP_SEND);
	(void)pthread_cancel(w.thread);
	finish(&w);
	assert_ended(edge, PEEPS_STATE_CANCELLED, 0);
	assert_int_equal(get(&c), 7);
	finish(&next);
	assert_int_equal(next.result, 0);
	assert_int_equal(get(&c), 8);
	assert_int_equal(sent(&c), 2);
	assert_int_equal(c.tx->channel->sleep.senders, 0);
	drop(&c);
}

/* Each woken sender sees to the next one. */
static void peeps_mpsc_send__many_wait_for_one_place__none_is_forgotten(void **state)
{
	struct waiter w[5];
	struct channel c;
	uint64_t seen = 0;

	(void)state;
	make(&c, "crowded", 1);
	(void)put(&c, 0);
	for (uint64_t i = 0; i < 5; i++) {
		w[i] = (struct waiter){ .c = &c, .tx = c.tx, .item = i + 1 };
		start(&w[i], send_and_wait);
		(void)await_pending(&w[i], c.tx_slot, PEEPS_OP_SEND);
	}
	for (int i = 0; i < 6; i++)
		seen |= 1u << get(&c);
	assert_int_equal(seen, 0x3f);
	for (int i = 0; i < 5; i++)
		finish(&w[i]);
	drop(&c);
}

static void peeps_mpsc__first_write_after_a_cut__shadow_has_the_state_before(void **state)
{
	struct channel c;

	(void)state;
	make(&c, "cut", 4);
	for (uint64_t i = 0; i < 3; i++) {
		(void)start_cut();
		(void)put(&c, i);
		assert_int_equal(c.tx_slot->shadow[1 + PEEPS_MPSC_TX_SENT_TOTAL_WORD], i);
		(void)get(&c);
		assert_int_equal(c.rx_slot->shadow[1 + PEEPS_MPSC_RX_RECV_TOTAL_WORD], i);
		stop_cut();
	}
	drop(&c);
}

/* Three places come free at once, and nobody receives after that. */
static void peeps_mpsc_send__several_wait_for_several_places__all_of_them_go_on(void **state)
{
	struct waiter w[3];
	struct channel c;

	(void)state;
	make(&c, "roomy", 3);
	for (uint64_t i = 0; i < 3; i++)
		(void)put(&c, i);
	for (uint64_t i = 0; i < 3; i++) {
		w[i] = (struct waiter){ .c = &c, .tx = c.tx };
		start(&w[i], send_and_wait);
		(void)await_pending(&w[i], c.tx_slot, PEEPS_OP_SEND);
	}
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(get(&c), i);
	for (int i = 0; i < 3; i++) {
		finish(&w[i]);
		assert_int_equal(w[i].result, 0);
	}
	assert_int_equal(c.tx->channel->sleep.senders, 0);
	drop(&c);
}

/* As a signal handler finds things that broke into a section of the program's. */
static void peeps_mpsc__inside_a_section__works_and_is_recorded_if_it_may_be(void **state)
{
	struct self *const self = enter();
	const void *slots[1] = { self->entity };
	struct update outer;
	uint64_t dropped;
	struct channel c;

	(void)state;
	self_leave(self);
	make(&c, "in a handler", 4);
	(void)put(&c, 0);
	(void)get(&c);
	(void)start_cut();
	assert_true(update_begin(&outer, self, slots, 1));
	assert_int_equal(put(&c, 1), 0);
	assert_int_equal(sent(&c), 2);
	assert_int_equal(c.tx_slot->shadow[1 + PEEPS_MPSC_TX_SENT_TOTAL_WORD], 1);
	assert_int_equal(get(&c), 1);
	assert_int_equal(received(&c), 2);
	assert_int_equal(c.rx_slot->shadow[1 + PEEPS_MPSC_RX_RECV_TOTAL_WORD], 1);
	update_end(&outer);
	stop_cut();
	slots[0] = c.tx_slot; /* the handler broke into a send on the same channel */
	dropped = counted(PEEPS_COUNTER_DROPPED_NESTED);
	assert_true(update_begin(&outer, self, slots, 1));
	assert_int_equal(put(&c, 2), 0);
	assert_int_equal(sent(&c), 2);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_NESTED), dropped + 1);
	update_end(&outer);
	assert_int_equal(put(&c, 3), 0); /* says the right total again */
	assert_int_equal(sent(&c), 4);
	assert_int_equal(get(&c), 2);
	assert_int_equal(get(&c), 3);
	drop(&c);
}

static void peeps_mpsc__errno__is_left_alone(void **state)
{
	struct channel c;

	(void)state;
	errno = 4711;
	make(&c, "errno", 2);
	(void)put(&c, 1);
	(void)in_another_thread(use_both, &c);
	assert_int_equal(peeps_mpsc_timed_recv(c.rx, &(uint64_t){ 0 }, 0), 0);
	assert_int_equal(peeps_mpsc_timed_recv(c.rx, &(uint64_t){ 0 }, 1000), -ETIMEDOUT);
	peeps_mpsc_rx_moved(c.rx);
	drop(&c);
	assert_int_equal(errno, 4711);
}

static int in_child(void (*work)(struct channel *), struct channel *c)
{
	const pid_t child = fork();
	int status = -1;

	if (child == 0) {
		work(c);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

#define CHILD_ASSERT(condition)                                                                \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			(void)fprintf(stderr, "# child: line %d: %s\n", __LINE__, #condition); \
			_exit(1);                                                              \
		}                                                                              \
	} while (0)

static void go_on_in_child(struct channel *c)
{
	uint64_t item = 5;

	/* The first actor of the child could have the reference that one of the parent's had. */
	c->rx->owner.settled = me();
	if (c->tx)
		c->tx->owner.settled = me();
	if (c->tx)
		CHILD_ASSERT(peeps_mpsc_send(c->tx, &item) == 0);
	else
		CHILD_ASSERT(peeps_mpsc_recv(c->rx, &item) == 0);
	c->tx_slot = c->rx->channel->record.hook.slot;
	c->rx_slot = c->rx->channel->record.rx;
	CHILD_ASSERT(is_live(c->tx_slot) && is_live(c->rx_slot));
	CHILD_ASSERT(sent(c) == (c->tx ? 4 : 3));
	CHILD_ASSERT(received(c) == (c->tx ? 1 : 2));
	CHILD_ASSERT(high_watermark(c) == 3);
	CHILD_ASSERT(sender_count(c) == 1);
	CHILD_ASSERT(c->tx_slot->body[PEEPS_MPSC_TX_PEER_WORD] == c->rx_slot->identity);
	CHILD_ASSERT(c->tx_slot->creator == me());
	if (!c->tx)
		return;
	CHILD_ASSERT(c->tx->owner.hold.slot->dst == me());
	CHILD_ASSERT(c->tx->owner.hold.slot->src == c->tx_slot->identity);
	CHILD_ASSERT((c->tx->owner.hold.slot->status >> PEEPS_HOLD_MODE_SHIFT & 0xf) ==
		     PEEPS_HOLD_MODE_CREATOR);
	drop(c);
}

static void peeps_mpsc__in_a_forked_child__anew_with_the_totals_so_far(void **state)
{
	struct channel c, as_receiver;

	(void)state;
	make(&c, "forked", 5);
	for (uint64_t i = 0; i < 3; i++)
		(void)put(&c, i);
	assert_int_equal(get(&c), 0);
	assert_int_equal(in_child(go_on_in_child, &c), 0);
	as_receiver = c;
	as_receiver.tx = NULL;
	assert_int_equal(in_child(go_on_in_child, &as_receiver), 0);
	assert_int_equal(sent(&c), 3);
	assert_int_equal(received(&c), 1);
	drop(&c);
}

static void free_in_child(struct channel *c)
{
	struct channel bystander;

	make(&bystander, "bystander", 1); /* where the parent's slots are */
	drop(c);
	CHILD_ASSERT(is_live(bystander.tx_slot) && is_live(bystander.rx_slot));
	CHILD_ASSERT(bystander.tx->owner.hold.slot->dst == me());
	CHILD_ASSERT(bystander.tx->owner.hold.slot->wait & PEEPS_EDGE_POLL_COUNT_MASK);
}

static void peeps_mpsc_free__in_a_forked_child__stale_slots_are_left_alone(void **state)
{
	struct channel c;

	(void)state;
	make(&c, "freed in a child", 1);
	(void)put(&c, 1);
	assert_int_equal(in_child(free_in_child, &c), 0);
	assert_int_equal(get(&c), 1);
	drop(&c);
}

/* Free as a destructor would: a lock that waits for somebody who is not here must not end the test instead. */
static void free_at_exit(struct channel *c)
{
	(void)alarm(10);
	drop(c);
}

static void peeps_mpsc_free__in_a_child_forked_while_the_receiver_sleeps__comes_back(void **state)
{
	struct channel c;
	struct waiter w = { .c = &c };
	struct mpsc *channel;

	(void)state;
	make(&c, "forked amid a wait", 1);
	channel = c.tx->channel;
	start(&w, receive_and_wait);
	while (!(peeps_load_acquire(&channel->tail) & MPSC_RECEIVER_SLEEPS))
		(void)usleep(1000);
	/* It lets go of this only in its sleep. */
	(void)pthread_mutex_lock(&channel->sleep.lock);
	(void)pthread_mutex_unlock(&channel->sleep.lock);
	assert_int_equal(in_child(free_at_exit, &c), 0);
	(void)put(&c, 1);
	finish(&w);
	assert_int_equal(w.result, 0);
	drop(&c);
}

static void peeps_mpsc__made_and_freed_ten_thousand_times__no_slot_more(void **state)
{
	struct channel c;
	uint64_t entities = 0, edges = 0;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		make(&c, "again", (size_t)i % 3);
		(void)put(&c, 1);
		drop(&c);
		if (i == 100) {
			entities = segment_section(PEEPS_SECTION_ENTITIES)->high_water;
			edges = segment_section(PEEPS_SECTION_EDGES)->high_water;
		}
	}
	assert_int_equal(segment_section(PEEPS_SECTION_ENTITIES)->high_water, entities);
	assert_int_equal(segment_section(PEEPS_SECTION_EDGES)->high_water, edges);
}

static void peeps_mpsc__plain_symbols__work_and_know_no_place(void **state)
{
	struct peeps_mpsc_tx *tx, *clone;
	struct peeps_mpsc_rx *rx;
	uint64_t item = 3;

	(void)state;
	assert_int_equal((peeps_mpsc_new)(&tx, &rx, "plain", sizeof(item), 2), 0);
	assert_int_equal(tx->channel->record.hook.slot->site, 0);
	clone = (peeps_mpsc_tx_clone)(tx);
	assert_non_null(clone);
	assert_int_equal((peeps_mpsc_send)(clone, &item), 0);
	assert_int_equal((peeps_mpsc_timed_send)(tx, &item, 1), 0);
	item = 0;
	assert_int_equal((peeps_mpsc_recv)(rx, &item), 0);
	assert_int_equal(item, 3);
	assert_int_equal((peeps_mpsc_timed_recv)(rx, &item, 1), 0);
	(peeps_mpsc_tx_moved)(clone);
	(peeps_mpsc_rx_moved)(rx);
	peeps_mpsc_tx_free(clone);
	peeps_mpsc_tx_free(tx);
	peeps_mpsc_rx_free(rx);
}

static void peeps_mpsc__site_of_another_layout__works_without_its_place(void **state)
{
	static struct peeps_site other = { .file = "other.c",
					   .line = 1,
					   .layout_hash = PEEPS_LAYOUT_HASH + 1 };
	struct peeps_mpsc_tx *tx;
	struct peeps_mpsc_rx *rx;
	uint64_t item = 3;

	(void)state;
	assert_int_equal(peeps_mpsc_new_at(&tx, &rx, "of another layout", 8, 1, &other), 0);
	assert_int_equal(peeps_mpsc_send_at(tx, &item, &other), 0);
	assert_int_equal(peeps_mpsc_recv_at(rx, &item, &other), 0);
	assert_int_equal(other.id, 0);
	peeps_mpsc_tx_free(tx);
	peeps_mpsc_rx_free(rx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			peeps_mpsc_new__bounded__two_ends_of_one_name_owned_by_their_creator),
		cmocka_unit_test(peeps_mpsc_new__impossible__refused_and_nothing_written),
		cmocka_unit_test(peeps_mpsc_send__and_recv__totals_and_high_watermark),
		cmocka_unit_test(peeps_mpsc_try__full_empty_and_no_time__nothing_recorded),
		cmocka_unit_test(peeps_mpsc__unbounded_ten_thousand__all_come_out_in_order),
		cmocka_unit_test(peeps_mpsc__used_by_creator_others_and_owner__mode_tells),
		cmocka_unit_test(peeps_mpsc_tx_clone__counted_and_owned_by_who_cloned),
		cmocka_unit_test(peeps_mpsc_send__full__pending_with_details_then_done),
		cmocka_unit_test(peeps_mpsc_recv__empty__pending_with_details_then_done),
		cmocka_unit_test(peeps_mpsc_timed__time_is_over__failed_and_until_when_is_known),
		cmocka_unit_test(peeps_mpsc_tx_free__last_one_while_the_receiver_waits__epipe),
		cmocka_unit_test(
			peeps_mpsc_rx_free__while_two_senders_wait__both_epipe_and_discarded),
		cmocka_unit_test(
			peeps_mpsc_close__from_either_end__drained_then_epipe_and_first_cause),
		cmocka_unit_test(
			peeps_mpsc__cancelled_in_both_waits__edge_cancelled_and_channel_sound),
		cmocka_unit_test(peeps_mpsc_send__many_wait_for_one_place__none_is_forgotten),
		cmocka_unit_test(
			peeps_mpsc_send__several_wait_for_several_places__all_of_them_go_on),
		cmocka_unit_test(peeps_mpsc__first_write_after_a_cut__shadow_has_the_state_before),
		cmocka_unit_test(peeps_mpsc__inside_a_section__works_and_is_recorded_if_it_may_be),
		cmocka_unit_test(peeps_mpsc__errno__is_left_alone),
		cmocka_unit_test(peeps_mpsc__in_a_forked_child__anew_with_the_totals_so_far),
		cmocka_unit_test(peeps_mpsc_free__in_a_forked_child__stale_slots_are_left_alone),
		cmocka_unit_test(
			peeps_mpsc_free__in_a_child_forked_while_the_receiver_sleeps__comes_back),
		cmocka_unit_test(peeps_mpsc__made_and_freed_ten_thousand_times__no_slot_more),
		cmocka_unit_test(peeps_mpsc__plain_symbols__work_and_know_no_place),
		cmocka_unit_test(peeps_mpsc__site_of_another_layout__works_without_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
