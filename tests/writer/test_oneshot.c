/* SPDX-License-Identifier: MIT */
/* What the segment says after each call. What the calls return is also the business of tests/e2e/way/oneshot.c. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peeps/peeps.h>

#include "writer/edge.h"
#include "writer/oneshot_channel.h"

/* A oneshot of a uint64_t. */
struct channel {
	struct peeps_oneshot_tx *tx;
	struct peeps_oneshot_rx *rx;
	struct peeps_entity_slot *tx_slot, *rx_slot;
};

static uint64_t me(void)
{
	return peeps_actor_self().bits;
}

static struct channel make(const char *name)
{
	struct channel c;

	assert_int_equal(peeps_oneshot_new(&c.tx, &c.rx, name, sizeof(uint64_t)), 0);
	c.tx_slot = c.tx->channel->ends.hook.slot;
	c.rx_slot = c.tx->channel->ends.rx;
	assert_non_null(c.tx_slot);
	assert_non_null(c.rx_slot);
	return c;
}

static int put(const struct channel *c, uint64_t item)
{
	return peeps_oneshot_send(c->tx, &item);
}

static uint64_t bits(const struct channel *c, int word, int shift, uint64_t mask)
{
	return peeps_load_relaxed(&c->tx_slot->body[word]) >> shift & mask;
}

#define TX_FIELD(c, symbol)                                                            \
	bits((c), PEEPS_ONESHOT_TX_##symbol##_WORD, PEEPS_ONESHOT_TX_##symbol##_SHIFT, \
	     PEEPS_ONESHOT_TX_##symbol##_BITS == 64                                    \
		     ? UINT64_MAX                                                      \
		     : (UINT64_C(1) << (PEEPS_ONESHOT_TX_##symbol##_BITS & 63)) - 1)

/* All that is said of its life. */
static void assert_life(const struct channel *c, uint64_t state, uint64_t cause, bool sender_closed,
			bool receiver_closed)
{
	const bool over = state != PEEPS_ONESHOT_STATE_EMPTY && state != PEEPS_ONESHOT_STATE_SENT;

	assert_int_equal(TX_FIELD(c, STATE), state);
	assert_int_equal(TX_FIELD(c, CLOSE_CAUSE), cause);
	assert_int_equal(TX_FIELD(c, SENDER_CLOSED), sender_closed);
	assert_int_equal(TX_FIELD(c, RECEIVER_CLOSED), receiver_closed);
	assert_int_equal(TX_FIELD(c, ENDED) != 0, over);
}

static uint64_t held_of(const struct endpoint_owner *owner)
{
	return owner->hold.slot->wait & PEEPS_EDGE_POLL_COUNT_MASK;
}

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
	assert_int_equal(held_of(owner), 1);
}

static bool is_live(const struct peeps_entity_slot *slot)
{
	return (slot->status & PEEPS_STATUS_LIFE_MASK) == PEEPS_LIFE_LIVE;
}

static void peeps_oneshot_new__named__two_ends_of_one_name_owned_by_their_creator(void **state)
{
	struct channel c;

	(void)state;
	c = make("answer");
	assert_int_equal(c.tx_slot->kind & 0xffff, PEEPS_KIND_ONESHOT_TX);
	assert_int_equal(c.rx_slot->kind & 0xffff, PEEPS_KIND_ONESHOT_RX);
	assert_text(c.tx_slot->name, "answer");
	assert_text(c.rx_slot->name, "answer");
	assert_int_equal(c.tx_slot->body[PEEPS_ONESHOT_TX_PEER_WORD], c.rx_slot->identity);
	assert_int_equal(c.tx_slot->creator, me());
	assert_owner(&c.tx->owner, c.tx_slot, me(), PEEPS_HOLD_ROLE_SENDER,
		     PEEPS_HOLD_MODE_CREATOR);
	assert_owner(&c.rx->owner, c.rx_slot, me(), PEEPS_HOLD_ROLE_RECEIVER,
		     PEEPS_HOLD_MODE_CREATOR);
	assert_life(&c, PEEPS_ONESHOT_STATE_EMPTY, PEEPS_CLOSE_CAUSE_NONE, false, false);
	peeps_oneshot_tx_free(c.tx);
	peeps_oneshot_rx_free(c.rx);
	assert_false(is_live(c.tx_slot));
	assert_false(is_live(c.rx_slot));
}

static void peeps_oneshot__sent_and_received__states_and_the_senders_hold_ends(void **state)
{
	struct channel c;
	uint64_t item = 0, ended_ns;

	(void)state;
	c = make("whole life");
	assert_int_equal(put(&c, 42), 0);
	assert_life(&c, PEEPS_ONESHOT_STATE_SENT, PEEPS_CLOSE_CAUSE_NONE, true, false);
	assert_int_equal(held_of(&c.tx->owner), 0);
	assert_int_equal(held_of(&c.rx->owner), 1);
	assert_int_equal(peeps_oneshot_recv(c.rx, &item), 0);
	assert_int_equal(item, 42);
	assert_life(&c, PEEPS_ONESHOT_STATE_RECEIVED, PEEPS_CLOSE_CAUSE_NONE, true, false);
	ended_ns = TX_FIELD(&c, ENDED);
	assert_int_equal(peeps_oneshot_recv(c.rx, &item), -EPIPE);
	assert_int_equal(TX_FIELD(&c, ENDED), ended_ns);
	assert_true(is_live(c.tx_slot));
	peeps_oneshot_rx_free(c.rx);
	assert_int_equal(TX_FIELD(&c, ENDED),
			 ended_ns); /* what it was is told until the slot is used again */
	assert_false(is_live(c.tx_slot));
}

static void peeps_oneshot__one_end_freed__state_and_cause_say_which(void **state)
{
	struct channel c;

	(void)state;
	c = make("sender freed");
	peeps_oneshot_tx_free(c.tx);
	assert_life(&c, PEEPS_ONESHOT_STATE_SENDER_DROPPED, PEEPS_CLOSE_CAUSE_SENDERS_GONE, true,
		    false);
	assert_int_equal(held_of(&c.tx->owner), 0);
	peeps_oneshot_rx_free(c.rx);

	c = make("receiver freed");
	peeps_oneshot_rx_free(c.rx);
	assert_life(&c, PEEPS_ONESHOT_STATE_RECEIVER_DROPPED, PEEPS_CLOSE_CAUSE_RECEIVER_GONE,
		    false, true);
	assert_int_equal(held_of(&c.rx->owner), 0);
	assert_int_equal(held_of(&c.tx->owner), 1);
	assert_true(is_live(c.tx_slot));
	assert_int_equal(put(&c, 1), -EPIPE);
	assert_false(is_live(c.tx_slot));

	c = make("closed");
	peeps_oneshot_rx_close(c.rx);
	assert_life(&c, PEEPS_ONESHOT_STATE_RECEIVER_DROPPED, PEEPS_CLOSE_CAUSE_RECEIVER_CLOSED,
		    false, true);
	assert_int_equal(peeps_oneshot_tx_is_closed(c.tx), 1);
	peeps_oneshot_rx_free(c.rx);
	assert_int_equal(TX_FIELD(&c, CLOSE_CAUSE), PEEPS_CLOSE_CAUSE_RECEIVER_CLOSED);
	peeps_oneshot_tx_free(c.tx);

	c = make("sent, not received");
	assert_int_equal(put(&c, 1), 0);
	peeps_oneshot_rx_close(c.rx);
	assert_life(&c, PEEPS_ONESHOT_STATE_SENT, PEEPS_CLOSE_CAUSE_NONE, true, true);
	peeps_oneshot_rx_free(c.rx);
	assert_int_equal(TX_FIELD(&c, STATE), PEEPS_ONESHOT_STATE_RECEIVER_DROPPED);
}

/* --- other threads -- */

struct other {
	struct channel *c;
	int result;
	uint64_t item, actor, timeout_ns;
};

static void *receive(void *argument)
{
	struct other *const o = argument;

	peeps_oneshot_rx_moved(o->c->rx);
	o->actor = me();
	o->result = o->timeout_ns ? peeps_oneshot_timed_recv(o->c->rx, &o->item, o->timeout_ns)
				  : peeps_oneshot_recv(o->c->rx, &o->item);
	return NULL;
}

/* The operation that is pending at an end; NULL = none. */
static const struct peeps_edge_slot *pending_at(const struct peeps_entity_slot *end)
{
	const uint64_t count = segment_section(PEEPS_SECTION_EDGES)->high_water;

	for (uint32_t i = 0; i < count; i++) {
		const struct peeps_edge_slot *const slot = edge_at(i);

		if ((peeps_load_acquire(&slot->status) & PEEPS_EDGE_BYTE_MASK) ==
			    PEEPS_STATE_PENDING &&
		    peeps_load_relaxed(&slot->dst) == end->identity)
			return slot;
	}
	return NULL;
}

static const struct peeps_edge_slot *await_pending(const struct channel *c)
{
	const struct peeps_edge_slot *slot;

	while (!(slot = pending_at(c->rx_slot)))
		(void)usleep(1000);
	return slot;
}

static uint64_t state_of(const struct peeps_edge_slot *slot)
{
	return slot->status & PEEPS_EDGE_BYTE_MASK;
}

static void peeps_oneshot_recv__empty__pending_with_details_then_done(void **state)
{
	struct channel c;
	struct other o = { .c = &c };
	const struct peeps_edge_slot *slot;
	pthread_t thread;

	(void)state;
	c = make("waited for");
	assert_int_equal(pthread_create(&thread, NULL, receive, &o), 0);
	slot = await_pending(&c);
	assert_int_equal(slot->status >> PEEPS_EDGE_OP_SHIFT & PEEPS_EDGE_BYTE_MASK, PEEPS_OP_RECV);
	assert_int_equal(slot->details[PEEPS_DETAIL_RECV_OCCUPANCY], 0 + 1);
	assert_int_equal(slot->details[PEEPS_DETAIL_RECV_CAPACITY], 1 + 1);
	assert_int_equal(slot->details[PEEPS_DETAIL_RECV_UNTIL], 0);
	assert_int_equal(put(&c, 5), 0);
	(void)pthread_join(thread, NULL);
	assert_int_equal(o.result, 0);
	assert_int_equal(o.item, 5);
	assert_int_equal(slot->src, o.actor);
	assert_int_equal(state_of(slot), PEEPS_STATE_DONE);
	assert_life(&c, PEEPS_ONESHOT_STATE_RECEIVED, PEEPS_CLOSE_CAUSE_NONE, true, false);
	assert_owner(&c.rx->owner, c.rx_slot, o.actor, PEEPS_HOLD_ROLE_RECEIVER,
		     PEEPS_HOLD_MODE_OWNER);
	peeps_oneshot_rx_free(c.rx);
}

static void peeps_oneshot_timed_recv__nobody_sends__failed_and_until_when_is_known(void **state)
{
	struct channel c;
	struct other o = { .c = &c, .timeout_ns = 30000000 };
	const struct peeps_edge_slot *slot;
	pthread_t thread;

	(void)state;
	c = make("timed");
	assert_int_equal(pthread_create(&thread, NULL, receive, &o), 0);
	slot = await_pending(&c);
	assert_int_not_equal(slot->details[PEEPS_DETAIL_RECV_UNTIL], 0);
	(void)pthread_join(thread, NULL);
	assert_int_equal(o.result, -ETIMEDOUT);
	assert_int_equal(state_of(slot), PEEPS_STATE_FAILED);
	assert_int_equal(slot->origin >> PEEPS_EDGE_REASON_SHIFT, ETIMEDOUT);
	assert_life(&c, PEEPS_ONESHOT_STATE_EMPTY, PEEPS_CLOSE_CAUSE_NONE, false, false);
	assert_int_equal(c.tx->channel->users, 2);
	peeps_oneshot_rx_free(c.rx);
	peeps_oneshot_tx_free(c.tx);
}

static void peeps_oneshot_tx_free__while_the_receiver_waits__epipe(void **state)
{
	struct channel c;
	struct other o = { .c = &c };
	const struct peeps_edge_slot *slot;
	pthread_t thread;

	(void)state;
	c = make("sender leaves");
	assert_int_equal(pthread_create(&thread, NULL, receive, &o), 0);
	slot = await_pending(&c);
	peeps_oneshot_tx_free(c.tx);
	(void)pthread_join(thread, NULL);
	assert_int_equal(o.result, -EPIPE);
	assert_int_equal(state_of(slot), PEEPS_STATE_FAILED);
	assert_int_equal(slot->origin >> PEEPS_EDGE_REASON_SHIFT, EPIPE);
	peeps_oneshot_rx_free(c.rx);
}

static void peeps_oneshot_recv__cancelled__edge_cancelled_and_still_sound(void **state)
{
	struct channel c;
	struct other o = { .c = &c };
	const struct peeps_edge_slot *slot;
	pthread_t thread;
	uint64_t item;

	(void)state;
	c = make("cancelled");
	assert_int_equal(pthread_create(&thread, NULL, receive, &o), 0);
	slot = await_pending(&c);
	(void)pthread_cancel(thread);
	(void)pthread_join(thread, NULL);
	assert_int_equal(state_of(slot), PEEPS_STATE_CANCELLED);
	assert_int_equal(c.tx->channel->users, 2);
	assert_int_equal(c.tx->channel->sleepers, 0);
	assert_int_equal(put(&c, 5), 0);
	assert_int_equal(peeps_oneshot_recv(c.rx, &item), 0);
	peeps_oneshot_rx_free(c.rx);
}

/* --- misuse -- */

static void peeps_oneshot_send__twice__refused_and_counted(void **state)
{
	const uint64_t before = counted(PEEPS_COUNTER_MISUSED_CHANNELS);
	struct channel c;
	uint64_t item = 0;

	(void)state;
	c = make("sent twice");
	assert_int_equal(put(&c, 1), 0);
	assert_int_equal(counted(PEEPS_COUNTER_MISUSED_CHANNELS), before);
	assert_int_equal(put(&c, 2), -EINVAL);
	peeps_oneshot_tx_free(c.tx);
	peeps_oneshot_tx_moved(c.tx);
	assert_int_equal(counted(PEEPS_COUNTER_MISUSED_CHANNELS), before + 3);
	assert_int_equal(peeps_oneshot_recv(c.rx, &item), 0);
	assert_int_equal(item, 1);
	peeps_oneshot_rx_free(c.rx);
}

static void peeps_oneshot_rx_free__while_somebody_waits__wait_ends_and_is_counted(void **state)
{
	const uint64_t before = counted(PEEPS_COUNTER_MISUSED_CHANNELS);
	struct channel c;
	struct other o = { .c = &c };
	pthread_t thread;

	(void)state;
	c = make("freed amid");
	assert_int_equal(pthread_create(&thread, NULL, receive, &o), 0);
	(void)await_pending(&c);
	peeps_oneshot_rx_free(c.rx);
	(void)pthread_join(thread, NULL);
	assert_int_equal(o.result, -EPIPE);
	assert_int_equal(counted(PEEPS_COUNTER_MISUSED_CHANNELS), before + 1);
	assert_int_equal(peeps_oneshot_try_recv(c.rx, &o.item), -EINVAL);
	assert_int_equal(counted(PEEPS_COUNTER_MISUSED_CHANNELS), before + 2);
	assert_int_equal(put(&c, 1), -EPIPE);
}

/* --- cuts, children, memory -- */

static void peeps_oneshot_send__first_write_after_a_cut__shadow_has_the_state_before(void **state)
{
	struct channel c;
	uint64_t *shadow;

	(void)state;
	c = make("cut");
	(void)start_cut();
	assert_int_equal(put(&c, 1), 0);
	shadow = c.tx_slot->shadow + 1; /* behind the status word */
	assert_int_equal(shadow[PEEPS_ONESHOT_TX_STATE_WORD], PEEPS_ONESHOT_STATE_EMPTY);
	assert_int_equal(TX_FIELD(&c, STATE), PEEPS_ONESHOT_STATE_SENT);
	/* The sender's hold goes with the item: no cut shows one without the other. */
	assert_int_equal(c.tx->owner.hold.slot->epoch, c.tx_slot->epoch);
	stop_cut();
	peeps_oneshot_rx_free(c.rx);
}

static void peeps_oneshot__in_a_forked_child__anew_with_the_state_so_far(void **state)
{
	struct channel c;
	int status;
	pid_t child;

	(void)state;
	c = make("forked");
	assert_int_equal(put(&c, 7), 0);
	child = fork();
	if (child == 0) {
		uint64_t item = 0;
		int wrong = 0;

		(void)alarm(20);
		wrong |= peeps_oneshot_recv(c.rx, &item) != 0 || item != 7;
		c.tx_slot = c.rx->channel->ends.hook.slot;
		wrong |= (TX_FIELD(&c, STATE) != PEEPS_ONESHOT_STATE_RECEIVED) << 1;
		wrong |= !is_live(c.tx_slot) << 2;
		peeps_oneshot_rx_free(c.rx);
		wrong |= is_live(c.tx_slot) << 3;
		_exit(wrong);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(TX_FIELD(&c, STATE), PEEPS_ONESHOT_STATE_SENT);
	peeps_oneshot_rx_free(c.rx);
}

static void peeps_oneshot__made_and_freed_ten_thousand_times__no_slot_more(void **state)
{
	uint64_t entities = 0, edges = 0;
	struct channel c;
	uint64_t item;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		c = make("again");
		if (i % 3 == 0)
			peeps_oneshot_tx_free(c.tx);
		else
			(void)put(&c, 1);
		if (i % 2 == 0)
			(void)peeps_oneshot_try_recv(c.rx, &item);
		peeps_oneshot_rx_free(c.rx);
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
			peeps_oneshot_new__named__two_ends_of_one_name_owned_by_their_creator),
		cmocka_unit_test(
			peeps_oneshot__sent_and_received__states_and_the_senders_hold_ends),
		cmocka_unit_test(peeps_oneshot__one_end_freed__state_and_cause_say_which),
		cmocka_unit_test(peeps_oneshot_recv__empty__pending_with_details_then_done),
		cmocka_unit_test(
			peeps_oneshot_timed_recv__nobody_sends__failed_and_until_when_is_known),
		cmocka_unit_test(peeps_oneshot_tx_free__while_the_receiver_waits__epipe),
		cmocka_unit_test(peeps_oneshot_recv__cancelled__edge_cancelled_and_still_sound),
		cmocka_unit_test(peeps_oneshot_send__twice__refused_and_counted),
		cmocka_unit_test(
			peeps_oneshot_rx_free__while_somebody_waits__wait_ends_and_is_counted),
		cmocka_unit_test(
			peeps_oneshot_send__first_write_after_a_cut__shadow_has_the_state_before),
		cmocka_unit_test(peeps_oneshot__in_a_forked_child__anew_with_the_state_so_far),
		cmocka_unit_test(peeps_oneshot__made_and_freed_ten_thousand_times__no_slot_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
