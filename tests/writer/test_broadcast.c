/* SPDX-License-Identifier: MIT */
/* What the segment says after each call. What the calls return is also the business of tests/e2e/way/broadcast.c. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peeps/peeps.h>

#include "writer/broadcast_channel.h"
#include "writer/edge.h"

#define CAPACITY 4

/* A broadcast of uint64_t. */
struct channel {
	struct peeps_broadcast_tx *tx;
	struct peeps_broadcast_rx *rx;
	struct peeps_entity_slot *tx_slot, *rx_slot;
};

static uint64_t me(void)
{
	return peeps_actor_self().bits;
}

static struct channel make(const char *name, enum peeps_broadcast_when_full when_full)
{
	struct channel c;

	assert_int_equal(
		peeps_broadcast_new(&c.tx, &c.rx, name, sizeof(uint64_t), CAPACITY, when_full), 0);
	c.tx_slot = c.tx->channel->end.hook.slot;
	c.rx_slot = c.rx->end.hook.slot;
	assert_non_null(c.tx_slot);
	assert_non_null(c.rx_slot);
	return c;
}

static void drop(const struct channel *c)
{
	peeps_broadcast_tx_free(c->tx);
	peeps_broadcast_rx_free(c->rx);
}

static int put(const struct channel *c, uint64_t item)
{
	return peeps_broadcast_send(c->tx, &item);
}

static uint64_t get(struct peeps_broadcast_rx *rx)
{
	uint64_t item = UINT64_MAX;

	assert_int_equal(peeps_broadcast_recv(rx, &item, NULL), 0);
	return item;
}

static uint64_t bits(const struct peeps_entity_slot *slot, int word, int shift, int count)
{
	const uint64_t mask = count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;

	return peeps_load_relaxed(&slot->body[word]) >> shift & mask;
}

#define FIELD(slot, kind, symbol)                              \
	bits((slot), PEEPS_BROADCAST_##kind##_##symbol##_WORD, \
	     PEEPS_BROADCAST_##kind##_##symbol##_SHIFT, PEEPS_BROADCAST_##kind##_##symbol##_BITS)

static void assert_place(const struct peeps_broadcast_rx *rx, uint64_t next, uint64_t received,
			 uint64_t missed)
{
	const struct peeps_entity_slot *const slot = rx->end.hook.slot;

	assert_int_equal(FIELD(slot, RX, NEXT), next);
	assert_int_equal(FIELD(slot, RX, RECV_TOTAL), received);
	assert_int_equal(FIELD(slot, RX, MISSED_TOTAL), missed);
}

static void assert_ends(const struct channel *c, uint64_t senders, uint64_t receivers,
			uint64_t cause)
{
	assert_int_equal(FIELD(c->tx_slot, TX, SENDER_COUNT), senders);
	assert_int_equal(FIELD(c->tx_slot, TX, RECEIVER_COUNT), receivers);
	assert_int_equal(FIELD(c->tx_slot, TX, CLOSE_CAUSE), cause);
	assert_int_equal(FIELD(c->tx_slot, TX, SENDER_CLOSED), senders == 0);
	assert_int_equal(FIELD(c->tx_slot, TX, RECEIVER_CLOSED), receivers == 0);
}

static bool is_live(const struct peeps_entity_slot *slot)
{
	return (slot->status & PEEPS_STATUS_LIFE_MASK) == PEEPS_LIFE_LIVE;
}

static void assert_owner(const struct endpoint_owner *owner, const struct peeps_entity_slot *end,
			 uint64_t actor, uint64_t role, uint64_t mode)
{
	const struct peeps_edge_slot *const slot = owner->hold.slot;

	assert_non_null(slot);
	assert_int_equal(slot->status >> PEEPS_HOLD_ROLE_SHIFT & PEEPS_HOLD_NIBBLE_MASK, role);
	assert_int_equal(slot->status >> PEEPS_HOLD_MODE_SHIFT & PEEPS_HOLD_NIBBLE_MASK, mode);
	assert_int_equal(slot->src, end->identity);
	assert_int_equal(slot->dst, actor);
}

static void peeps_broadcast_new__both_kinds__ends_of_one_name_owned_by_their_creator(void **state)
{
	struct channel c;

	(void)state;
	for (int waits = 0; waits < 2; waits++) {
		c = make("events", waits ? PEEPS_BROADCAST_WAIT : PEEPS_BROADCAST_LOSSY);
		assert_int_equal(c.tx_slot->kind & 0xffff, PEEPS_KIND_BROADCAST_TX);
		assert_int_equal(c.rx_slot->kind & 0xffff, PEEPS_KIND_BROADCAST_RX);
		assert_text(c.tx_slot->name, "events");
		assert_text(c.rx_slot->name, "events");
		assert_int_equal(c.rx_slot->body[PEEPS_BROADCAST_RX_PEER_WORD],
				 c.tx_slot->identity);
		assert_int_equal(FIELD(c.tx_slot, TX, CAPACITY), CAPACITY);
		assert_int_equal(FIELD(c.tx_slot, TX, BACK_PRESSURE), waits);
		assert_owner(&c.tx->owner, c.tx_slot, me(), PEEPS_HOLD_ROLE_SENDER,
			     PEEPS_HOLD_MODE_CREATOR);
		assert_owner(&c.rx->owner, c.rx_slot, me(), PEEPS_HOLD_ROLE_RECEIVER,
			     PEEPS_HOLD_MODE_CREATOR);
		assert_ends(&c, 1, 1, PEEPS_CLOSE_CAUSE_NONE);
		drop(&c);
		assert_false(is_live(c.tx_slot));
		assert_false(is_live(c.rx_slot));
	}
}

static void peeps_broadcast__two_receivers__each_has_its_place(void **state)
{
	struct peeps_broadcast_rx *late;
	struct channel c;

	(void)state;
	c = make("two", PEEPS_BROADCAST_LOSSY);
	for (uint64_t i = 0; i < 3; i++) { /* the first goes the slow way */
		assert_int_equal(put(&c, i), 0);
		assert_int_equal(FIELD(c.tx_slot, TX, SENT_TOTAL), i + 1);
	}
	late = peeps_broadcast_subscribe(c.tx);
	assert_ends(&c, 1, 2, PEEPS_CLOSE_CAUSE_NONE);
	assert_place(late, 3, 0, 0);
	assert_int_equal(put(&c, 3), 0);
	for (uint64_t i = 0; i < 4; i++) {
		assert_int_equal(get(c.rx), i);
		assert_place(c.rx, i + 1, i + 1, 0);
	}
	assert_int_equal(get(late), 3);
	assert_place(late, 4, 1, 0);
	peeps_broadcast_rx_free(late);
	assert_ends(&c, 1, 1, PEEPS_CLOSE_CAUSE_NONE);
	drop(&c);
}

static void peeps_broadcast__lossy_and_behind__missed_are_counted_to_the_last(void **state)
{
	uint64_t item, missed = 0;
	struct channel c;

	(void)state;
	c = make("lossy", PEEPS_BROADCAST_LOSSY);
	for (uint64_t i = 0; i < CAPACITY + 3; i++)
		assert_int_equal(put(&c, i), 0);
	assert_place(c.rx, 0, 0, 0);
	assert_int_equal(peeps_broadcast_recv(c.rx, &item, &missed), -EOVERFLOW);
	assert_int_equal(missed, 3);
	assert_place(c.rx, 3, 0, 3);
	for (uint64_t i = 3; i < CAPACITY + 3; i++)
		assert_int_equal(get(c.rx), i);
	assert_place(c.rx, CAPACITY + 3, CAPACITY, 3);
	drop(&c);
}

/* --- other threads -- */

struct other {
	struct channel *c;
	bool sends;
	uint64_t item;
	int result;
};

static void *use(void *argument)
{
	struct other *const o = argument;

	if (o->sends) {
		peeps_broadcast_tx_moved(o->c->tx);
		o->result = peeps_broadcast_send(o->c->tx, &o->item);
	} else {
		peeps_broadcast_rx_moved(o->c->rx);
		o->result = peeps_broadcast_recv(o->c->rx, &o->item, NULL);
	}
	return NULL;
}

static const struct peeps_edge_slot *await_pending(const struct peeps_entity_slot *end)
{
	for (;;) {
		const uint64_t count = segment_section(PEEPS_SECTION_EDGES)->high_water;

		for (uint32_t i = 0; i < count; i++) {
			const struct peeps_edge_slot *const slot = edge_at(i);

			if ((peeps_load_acquire(&slot->status) & PEEPS_EDGE_BYTE_MASK) ==
				    PEEPS_STATE_PENDING &&
			    peeps_load_relaxed(&slot->dst) == end->identity)
				return slot;
		}
		(void)usleep(1000);
	}
}

static uint64_t state_of(const struct peeps_edge_slot *slot)
{
	return slot->status & PEEPS_EDGE_BYTE_MASK;
}

static void peeps_broadcast_recv__nothing_new__pending_then_done(void **state)
{
	const struct peeps_edge_slot *slot;
	struct channel c;
	struct other o = { .c = &c };
	pthread_t thread;

	(void)state;
	c = make("receiver waits", PEEPS_BROADCAST_LOSSY);
	assert_int_equal(pthread_create(&thread, NULL, use, &o), 0);
	slot = await_pending(c.rx_slot);
	assert_int_equal(slot->status >> PEEPS_EDGE_OP_SHIFT & PEEPS_EDGE_BYTE_MASK, PEEPS_OP_RECV);
	assert_int_equal(slot->details[PEEPS_DETAIL_RECV_OCCUPANCY], 0 + 1);
	assert_int_equal(slot->details[PEEPS_DETAIL_RECV_CAPACITY], CAPACITY + 1);
	assert_int_equal(put(&c, 5), 0);
	(void)pthread_join(thread, NULL);
	assert_int_equal(o.result, 0);
	assert_int_equal(o.item, 5);
	assert_int_equal(state_of(slot), PEEPS_STATE_DONE);
	assert_int_equal(c.tx->channel->rx_sleepers, 0);
	drop(&c);
}

static void peeps_broadcast_send__a_receiver_is_behind__pending_then_done(void **state)
{
	const struct peeps_edge_slot *slot;
	struct channel c;
	struct other o = { .c = &c, .sends = true, .item = CAPACITY };
	pthread_t thread;

	(void)state;
	c = make("sender waits", PEEPS_BROADCAST_WAIT);
	for (uint64_t i = 0; i < CAPACITY; i++)
		assert_int_equal(put(&c, i), 0);
	assert_int_equal(peeps_broadcast_try_send(c.tx, &o.item), -EAGAIN);
	assert_int_equal(pthread_create(&thread, NULL, use, &o), 0);
	slot = await_pending(c.tx_slot);
	assert_int_equal(slot->status >> PEEPS_EDGE_OP_SHIFT & PEEPS_EDGE_BYTE_MASK, PEEPS_OP_SEND);
	assert_int_equal(slot->details[PEEPS_DETAIL_SEND_OCCUPANCY], CAPACITY + 1);
	assert_int_equal(slot->details[PEEPS_DETAIL_SEND_CAPACITY], CAPACITY + 1);
	assert_int_equal(get(c.rx), 0);
	(void)pthread_join(thread, NULL);
	assert_int_equal(o.result, 0);
	assert_int_equal(state_of(slot), PEEPS_STATE_DONE);
	for (uint64_t i = 1; i <= CAPACITY; i++)
		assert_int_equal(get(c.rx), i);
	assert_place(c.rx, CAPACITY + 1, CAPACITY + 1, 0);
	assert_int_equal(c.tx->channel->tx_sleepers, 0);
	drop(&c);
}

static void peeps_broadcast__other_side_goes_amid_a_wait__epipe(void **state)
{
	const struct peeps_edge_slot *slot;
	struct channel c;
	pthread_t thread;

	(void)state;
	for (int sends = 0; sends < 2; sends++) {
		struct other o = { .c = &c, .sends = sends };

		c = make("left alone", PEEPS_BROADCAST_WAIT);
		for (uint64_t i = 0; sends && i < CAPACITY; i++)
			assert_int_equal(put(&c, i), 0);
		assert_int_equal(pthread_create(&thread, NULL, use, &o), 0);
		slot = await_pending(sends ? c.tx_slot : c.rx_slot);
		if (sends)
			peeps_broadcast_rx_free(c.rx);
		else
			peeps_broadcast_tx_free(c.tx);
		(void)pthread_join(thread, NULL);
		assert_int_equal(o.result, -EPIPE);
		assert_int_equal(state_of(slot), PEEPS_STATE_FAILED);
		assert_ends(&c, sends, !sends,
			    sends ? PEEPS_CLOSE_CAUSE_RECEIVER_GONE
				  : PEEPS_CLOSE_CAUSE_SENDERS_GONE);
		if (sends)
			peeps_broadcast_tx_free(c.tx);
		else
			peeps_broadcast_rx_free(c.rx);
		assert_false(is_live(c.tx_slot));
	}
}

static void peeps_broadcast__cancelled_in_both_waits__edge_cancelled_and_still_sound(void **state)
{
	const struct peeps_edge_slot *slot;
	struct channel c;
	pthread_t thread;

	(void)state;
	for (int sends = 0; sends < 2; sends++) {
		struct other o = { .c = &c, .sends = sends };

		c = make("cancelled", PEEPS_BROADCAST_WAIT);
		for (uint64_t i = 0; sends && i < CAPACITY; i++)
			assert_int_equal(put(&c, i), 0);
		assert_int_equal(pthread_create(&thread, NULL, use, &o), 0);
		slot = await_pending(sends ? c.tx_slot : c.rx_slot);
		(void)pthread_cancel(thread);
		(void)pthread_join(thread, NULL);
		assert_int_equal(state_of(slot), PEEPS_STATE_CANCELLED);
		assert_int_equal(c.tx->channel->rx_sleepers + c.tx->channel->tx_sleepers, 0);
		if (!sends)
			assert_int_equal(put(&c, 0), 0);
		assert_int_equal(get(c.rx), 0);
		drop(&c);
	}
}

static void peeps_broadcast_rx_free__while_somebody_waits__wait_ends_and_is_counted(void **state)
{
	const uint64_t before = counted(PEEPS_COUNTER_MISUSED_CHANNELS);
	struct channel c;
	struct other o = { .c = &c };
	pthread_t thread;

	(void)state;
	c = make("freed amid", PEEPS_BROADCAST_LOSSY);
	assert_int_equal(pthread_create(&thread, NULL, use, &o), 0);
	(void)await_pending(c.rx_slot);
	peeps_broadcast_rx_free(c.rx);
	(void)pthread_join(thread, NULL);
	assert_int_equal(o.result, -EPIPE);
	assert_int_equal(counted(PEEPS_COUNTER_MISUSED_CHANNELS), before + 1);
	assert_false(is_live(c.rx_slot));
	assert_int_equal(put(&c, 1), -EPIPE);
	peeps_broadcast_tx_free(c.tx);
	assert_false(is_live(c.tx_slot));
}

/* --- cuts, children, memory -- */

static void peeps_broadcast__first_writes_after_a_cut__shadows_have_the_state_before(void **state)
{
	struct channel c;

	(void)state;
	c = make("cut", PEEPS_BROADCAST_LOSSY);
	assert_int_equal(put(&c, 1), 0);
	assert_int_equal(put(&c, 2), 0);
	assert_int_equal(get(c.rx), 1);
	(void)start_cut();
	assert_int_equal(put(&c, 3), 0);
	assert_int_equal(get(c.rx), 2);
	assert_int_equal(c.tx_slot->shadow[1 + PEEPS_BROADCAST_TX_SENT_TOTAL_WORD], 2);
	assert_int_equal(c.rx_slot->shadow[1 + PEEPS_BROADCAST_RX_NEXT_WORD], 1);
	assert_place(c.rx, 2, 2, 0);
	stop_cut();
	drop(&c);
}

static void peeps_broadcast__in_a_forked_child__anew_with_the_counts_so_far(void **state)
{
	struct channel c;
	int status;
	pid_t child;

	(void)state;
	c = make("forked", PEEPS_BROADCAST_LOSSY);
	assert_int_equal(put(&c, 7), 0);
	child = fork();
	if (child == 0) {
		int wrong;

		(void)alarm(20);
		wrong = get(c.rx) != 7;
		wrong |= (put(&c, 8) != 0) << 1;
		c.tx_slot = c.tx->channel->end.hook.slot;
		c.rx_slot = c.rx->end.hook.slot;
		wrong |= (FIELD(c.tx_slot, TX, SENT_TOTAL) != 2) << 2;
		wrong |= (FIELD(c.rx_slot, RX, NEXT) != 1) << 3;
		wrong |= (c.rx_slot->body[PEEPS_BROADCAST_RX_PEER_WORD] != c.tx_slot->identity)
			 << 4;
		drop(&c);
		wrong |= is_live(c.tx_slot) << 5;
		_exit(wrong);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_place(c.rx, 0, 0, 0);
	drop(&c);
}

static void peeps_broadcast__made_and_freed_ten_thousand_times__no_slot_more(void **state)
{
	uint64_t entities = 0, edges = 0;
	struct peeps_broadcast_tx *clone;
	struct peeps_broadcast_rx *other;
	struct channel c;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		c = make("again", PEEPS_BROADCAST_LOSSY);
		clone = peeps_broadcast_tx_clone(c.tx);
		other = peeps_broadcast_rx_clone(c.rx);
		(void)put(&c, 1);
		(void)get(other);
		peeps_broadcast_rx_free(other);
		peeps_broadcast_tx_free(clone);
		drop(&c);
		if (i == 100) {
			entities = segment_section(PEEPS_SECTION_ENTITIES)->high_water;
			edges = segment_section(PEEPS_SECTION_EDGES)->high_water;
		}
	}
	assert_int_equal(segment_section(PEEPS_SECTION_ENTITIES)->high_water, entities);
	assert_int_equal(segment_section(PEEPS_SECTION_EDGES)->high_water, edges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			peeps_broadcast_new__both_kinds__ends_of_one_name_owned_by_their_creator),
		cmocka_unit_test(peeps_broadcast__two_receivers__each_has_its_place),
		cmocka_unit_test(peeps_broadcast__lossy_and_behind__missed_are_counted_to_the_last),
		cmocka_unit_test(peeps_broadcast_recv__nothing_new__pending_then_done),
		cmocka_unit_test(peeps_broadcast_send__a_receiver_is_behind__pending_then_done),
		cmocka_unit_test(peeps_broadcast__other_side_goes_amid_a_wait__epipe),
		cmocka_unit_test(
			peeps_broadcast__cancelled_in_both_waits__edge_cancelled_and_still_sound),
		cmocka_unit_test(
			peeps_broadcast_rx_free__while_somebody_waits__wait_ends_and_is_counted),
		cmocka_unit_test(
			peeps_broadcast__first_writes_after_a_cut__shadows_have_the_state_before),
		cmocka_unit_test(peeps_broadcast__in_a_forked_child__anew_with_the_counts_so_far),
		cmocka_unit_test(peeps_broadcast__made_and_freed_ten_thousand_times__no_slot_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
