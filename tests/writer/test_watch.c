/* SPDX-License-Identifier: MIT */
/* What the segment says after each call. What the calls return is also the business of tests/e2e/way/watch.c. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peeps/peeps.h>

#include "writer/edge.h"
#include "writer/watch_channel.h"

/* A watched uint64_t. */
struct channel {
	struct peeps_watch_tx *tx;
	struct peeps_watch_rx *rx;
	struct peeps_entity_slot *tx_slot, *rx_slot;
};

static uint64_t me(void)
{
	return peeps_actor_self().bits;
}

static struct channel make(const char *name)
{
	const uint64_t initial = 1;
	struct channel c;

	assert_int_equal(peeps_watch_new(&c.tx, &c.rx, name, sizeof(initial), &initial), 0);
	c.tx_slot = c.tx->channel->ends.hook.slot;
	c.rx_slot = c.tx->channel->ends.rx;
	assert_non_null(c.tx_slot);
	assert_non_null(c.rx_slot);
	return c;
}

static void drop(const struct channel *c)
{
	peeps_watch_tx_free(c->tx);
	peeps_watch_rx_free(c->rx);
}

static int put(const struct channel *c, uint64_t item)
{
	return peeps_watch_send(c->tx, &item);
}

static uint64_t bits(const struct channel *c, int word, int shift, int count)
{
	const uint64_t mask = count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;

	return peeps_load_relaxed(&c->tx_slot->body[word]) >> shift & mask;
}

#define TX_FIELD(c, symbol)                                                        \
	bits((c), PEEPS_WATCH_TX_##symbol##_WORD, PEEPS_WATCH_TX_##symbol##_SHIFT, \
	     PEEPS_WATCH_TX_##symbol##_BITS)

static void assert_life(const struct channel *c, uint64_t changes, uint64_t receivers,
			uint64_t cause)
{
	const bool sender_gone = cause == PEEPS_CLOSE_CAUSE_SENDERS_GONE;

	assert_int_equal(TX_FIELD(c, CHANGES), changes);
	assert_int_equal(TX_FIELD(c, RECEIVER_COUNT), receivers);
	assert_int_equal(TX_FIELD(c, CLOSE_CAUSE), cause);
	assert_int_equal(TX_FIELD(c, SENDER_CLOSED), sender_gone);
	assert_int_equal(TX_FIELD(c, RECEIVER_CLOSED), receivers == 0);
	assert_int_equal(TX_FIELD(c, ENDED) != 0, sender_gone);
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
	assert_int_equal(slot->wait & PEEPS_EDGE_POLL_COUNT_MASK, 1);
}

static bool is_live(const struct peeps_entity_slot *slot)
{
	return (slot->status & PEEPS_STATUS_LIFE_MASK) == PEEPS_LIFE_LIVE;
}

static void peeps_watch_new__named__two_ends_of_one_name_owned_by_their_creator(void **state)
{
	struct channel c;

	(void)state;
	c = make("config");
	assert_int_equal(c.tx_slot->kind & 0xffff, PEEPS_KIND_WATCH_TX);
	assert_int_equal(c.rx_slot->kind & 0xffff, PEEPS_KIND_WATCH_RX);
	assert_text(c.tx_slot->name, "config");
	assert_int_equal(c.tx_slot->body[PEEPS_WATCH_TX_PEER_WORD], c.rx_slot->identity);
	assert_owner(&c.tx->owner, c.tx_slot, me(), PEEPS_HOLD_ROLE_SENDER,
		     PEEPS_HOLD_MODE_CREATOR);
	assert_owner(&c.rx->owner, c.rx_slot, me(), PEEPS_HOLD_ROLE_RECEIVER,
		     PEEPS_HOLD_MODE_CREATOR);
	assert_life(&c, 0, 1, PEEPS_CLOSE_CAUSE_NONE);
	drop(&c);
	assert_false(is_live(c.tx_slot));
	assert_false(is_live(c.rx_slot));
}

static int keep(void *value, void *context)
{
	(void)value, (void)context;
	return 0;
}

static int set(void *value, void *context)
{
	*(uint64_t *)value = *(uint64_t *)context;
	return 1;
}

static void peeps_watch__changed_in_every_way__counted(void **state)
{
	struct channel c;
	uint64_t value = 9, epoch;

	(void)state;
	c = make("counted");
	for (uint64_t i = 1; i <= 4; i++) { /* the first go the slow way */
		assert_int_equal(put(&c, i), 0);
		assert_life(&c, i, 1, PEEPS_CLOSE_CAUSE_NONE);
	}
	assert_int_equal(peeps_watch_modify(c.tx, keep, NULL), 0);
	assert_life(&c, 4, 1, PEEPS_CLOSE_CAUSE_NONE);
	assert_int_equal(peeps_watch_modify(c.tx, set, &value), 1);
	assert_int_equal(peeps_watch_replace(c.tx, &value), 0);
	assert_life(&c, 6, 1, PEEPS_CLOSE_CAUSE_NONE);
	assert_int_equal(TX_FIELD(&c, WOKEN), 0);
	epoch = peeps_load_relaxed(&c.tx_slot->epoch);
	assert_int_equal(peeps_watch_changed(c.rx, &value), 0);
	assert_int_equal(peeps_watch_borrow(c.rx, &value), 6);
	assert_int_equal(peeps_load_relaxed(&c.tx_slot->epoch), epoch);
	drop(&c);
}

static void peeps_watch__receivers_come_and_go__counted_and_each_its_owners(void **state)
{
	struct channel c;
	struct peeps_watch_rx *clone, *late;

	(void)state;
	c = make("receivers");
	clone = peeps_watch_rx_clone(c.rx);
	late = peeps_watch_subscribe(c.tx);
	assert_life(&c, 0, 3, PEEPS_CLOSE_CAUSE_NONE);
	assert_owner(&clone->owner, c.rx_slot, me(), PEEPS_HOLD_ROLE_RECEIVER,
		     PEEPS_HOLD_MODE_CREATOR);
	peeps_watch_rx_moved(late);
	assert_owner(&late->owner, c.rx_slot, me(), PEEPS_HOLD_ROLE_RECEIVER,
		     PEEPS_HOLD_MODE_OWNER);
	peeps_watch_rx_free(clone);
	peeps_watch_rx_free(c.rx);
	peeps_watch_rx_free(late);
	assert_life(&c, 0, 0, PEEPS_CLOSE_CAUSE_RECEIVER_GONE);
	c.rx = peeps_watch_subscribe(c.tx);
	assert_life(&c, 0, 1, PEEPS_CLOSE_CAUSE_NONE);
	peeps_watch_tx_free(c.tx);
	assert_life(&c, 0, 1, PEEPS_CLOSE_CAUSE_SENDERS_GONE);
	assert_int_equal(c.rx->channel->tx.owner.hold.slot->wait & PEEPS_EDGE_POLL_COUNT_MASK, 0);
	peeps_watch_rx_free(c.rx);
	assert_false(is_live(c.tx_slot));
}

/* --- other threads -- */

struct other {
	struct peeps_watch_rx *rx;
	int result;
	uint64_t item, actor, timeout_ns;
};

static void *receive(void *argument)
{
	struct other *const o = argument;

	peeps_watch_rx_moved(o->rx);
	o->actor = me();
	o->result = o->timeout_ns ? peeps_watch_timed_changed(o->rx, &o->item, o->timeout_ns)
				  : peeps_watch_changed(o->rx, &o->item);
	return NULL;
}

/* How many operations are pending at an end; the last one. */
static int pending_at(const struct peeps_entity_slot *end, const struct peeps_edge_slot **last)
{
	const uint64_t count = segment_section(PEEPS_SECTION_EDGES)->high_water;
	int pending = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct peeps_edge_slot *const slot = edge_at(i);

		if ((peeps_load_acquire(&slot->status) & PEEPS_EDGE_BYTE_MASK) !=
			    PEEPS_STATE_PENDING ||
		    peeps_load_relaxed(&slot->dst) != end->identity)
			continue;
		pending++;
		*last = slot;
	}
	return pending;
}

static const struct peeps_edge_slot *await_pending(const struct channel *c, int count)
{
	const struct peeps_edge_slot *slot = NULL;

	while (pending_at(c->rx_slot, &slot) < count)
		(void)usleep(1000);
	return slot;
}

static uint64_t state_of(const struct peeps_edge_slot *slot)
{
	return slot->status & PEEPS_EDGE_BYTE_MASK;
}

static void peeps_watch_changed__two_wait__pending_then_done_and_when_they_were_woken(void **state)
{
	const struct peeps_edge_slot *slot;
	struct channel c;
	struct other o[2];
	pthread_t threads[2];

	(void)state;
	c = make("waited for");
	o[0] = (struct other){ .rx = c.rx };
	o[1] = (struct other){ .rx = peeps_watch_rx_clone(c.rx) };
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, receive, &o[i]), 0);
	slot = await_pending(&c, 2);
	assert_int_equal(slot->status >> PEEPS_EDGE_OP_SHIFT & PEEPS_EDGE_BYTE_MASK, PEEPS_OP_RECV);
	assert_int_equal(slot->details[PEEPS_DETAIL_RECV_OCCUPANCY], 0);
	assert_int_equal(slot->details[PEEPS_DETAIL_RECV_CAPACITY], 0);
	assert_int_equal(TX_FIELD(&c, WOKEN), 0);
	assert_int_equal(put(&c, 5), 0);
	for (int i = 0; i < 2; i++) {
		(void)pthread_join(threads[i], NULL);
		assert_int_equal(o[i].result, 0);
		assert_int_equal(o[i].item, 5);
	}
	assert_int_equal(state_of(slot), PEEPS_STATE_DONE);
	assert_true(TX_FIELD(&c, WOKEN) >= slot->pending_since_ns);
	assert_int_equal(c.tx->channel->sleepers, 0);
	peeps_watch_rx_free(o[1].rx);
	drop(&c);
}

static void peeps_watch_timed_changed__nobody_sends__failed_and_until_when_is_known(void **state)
{
	const struct peeps_edge_slot *slot;
	struct channel c;
	struct other o;
	pthread_t thread;

	(void)state;
	c = make("timed");
	o = (struct other){ .rx = c.rx, .timeout_ns = 30000000 };
	assert_int_equal(pthread_create(&thread, NULL, receive, &o), 0);
	slot = await_pending(&c, 1);
	assert_int_not_equal(slot->details[PEEPS_DETAIL_RECV_UNTIL], 0);
	(void)pthread_join(thread, NULL);
	assert_int_equal(o.result, -ETIMEDOUT);
	assert_int_equal(state_of(slot), PEEPS_STATE_FAILED);
	assert_int_equal(slot->origin >> PEEPS_EDGE_REASON_SHIFT, ETIMEDOUT);
	drop(&c);
}

static void peeps_watch_tx_free__while_somebody_waits__epipe(void **state)
{
	const struct peeps_edge_slot *slot;
	struct channel c;
	struct other o;
	pthread_t thread;

	(void)state;
	c = make("sender leaves");
	o = (struct other){ .rx = c.rx };
	assert_int_equal(pthread_create(&thread, NULL, receive, &o), 0);
	slot = await_pending(&c, 1);
	peeps_watch_tx_free(c.tx);
	(void)pthread_join(thread, NULL);
	assert_int_equal(o.result, -EPIPE);
	assert_int_equal(state_of(slot), PEEPS_STATE_FAILED);
	peeps_watch_rx_free(c.rx);
}

static void peeps_watch_changed__cancelled__edge_cancelled_and_still_sound(void **state)
{
	const struct peeps_edge_slot *slot;
	struct channel c;
	struct other o;
	pthread_t thread;

	(void)state;
	c = make("cancelled");
	o = (struct other){ .rx = c.rx };
	assert_int_equal(pthread_create(&thread, NULL, receive, &o), 0);
	slot = await_pending(&c, 1);
	(void)pthread_cancel(thread);
	(void)pthread_join(thread, NULL);
	assert_int_equal(state_of(slot), PEEPS_STATE_CANCELLED);
	assert_int_equal(c.tx->channel->sleepers, 0);
	assert_int_equal(put(&c, 5), 0);
	assert_int_equal(TX_FIELD(&c, WOKEN), 0);
	assert_int_equal(peeps_watch_changed(c.rx, NULL), 0);
	drop(&c);
}

/* --- misuse -- */

static void peeps_watch_tx__used_when_freed__refused_and_counted(void **state)
{
	const uint64_t before = counted(PEEPS_COUNTER_MISUSED_CHANNELS);
	struct channel c;

	(void)state;
	c = make("freed");
	peeps_watch_tx_free(c.tx);
	assert_int_equal(counted(PEEPS_COUNTER_MISUSED_CHANNELS), before);
	assert_int_equal(put(&c, 1), -EINVAL);
	assert_int_equal(peeps_watch_modify(c.tx, keep, NULL), -EINVAL);
	assert_null(peeps_watch_subscribe(c.tx));
	peeps_watch_tx_moved(c.tx);
	peeps_watch_tx_free(c.tx);
	assert_int_equal(counted(PEEPS_COUNTER_MISUSED_CHANNELS), before + 5);
	assert_life(&c, 0, 1, PEEPS_CLOSE_CAUSE_SENDERS_GONE);
	peeps_watch_rx_free(c.rx);
}

static void peeps_watch_rx_free__while_somebody_waits__wait_ends_and_is_counted(void **state)
{
	const uint64_t before = counted(PEEPS_COUNTER_MISUSED_CHANNELS);
	struct channel c;
	struct other o;
	pthread_t thread;

	(void)state;
	c = make("freed amid");
	o = (struct other){ .rx = c.rx };
	assert_int_equal(pthread_create(&thread, NULL, receive, &o), 0);
	(void)await_pending(&c, 1);
	peeps_watch_rx_free(c.rx);
	(void)pthread_join(thread, NULL);
	assert_int_equal(o.result, -EPIPE);
	assert_int_equal(counted(PEEPS_COUNTER_MISUSED_CHANNELS), before + 1);
	assert_life(&c, 0, 0, PEEPS_CLOSE_CAUSE_RECEIVER_GONE);
	assert_int_equal(c.tx->channel->users, 1);
	peeps_watch_tx_free(c.tx);
	assert_false(is_live(c.tx_slot));
}

/* --- cuts, children, memory -- */

static void peeps_watch_send__first_write_after_a_cut__shadow_has_the_state_before(void **state)
{
	struct channel c;

	(void)state;
	c = make("cut");
	assert_int_equal(put(&c, 1), 0); /* the next one goes the short way */
	(void)start_cut();
	assert_int_equal(put(&c, 2), 0);
	assert_int_equal(c.tx_slot->shadow[1 + PEEPS_WATCH_TX_CHANGES_WORD], 1);
	assert_int_equal(TX_FIELD(&c, CHANGES), 2);
	stop_cut();
	drop(&c);
}

static void peeps_watch__in_a_forked_child__anew_with_the_changes_so_far(void **state)
{
	struct channel c;
	int status;
	pid_t child;

	(void)state;
	c = make("forked");
	assert_int_equal(put(&c, 7), 0);
	child = fork();
	if (child == 0) {
		int wrong;

		(void)alarm(20);
		wrong = put(&c, 8) != 0;
		c.tx_slot = c.tx->channel->ends.hook.slot;
		wrong |= (TX_FIELD(&c, CHANGES) != 2) << 1;
		wrong |= !is_live(c.tx_slot) << 2;
		drop(&c);
		wrong |= is_live(c.tx_slot) << 3;
		_exit(wrong);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_life(&c, 1, 1, PEEPS_CLOSE_CAUSE_NONE);
	drop(&c);
}

static void peeps_watch__made_and_freed_ten_thousand_times__no_slot_more(void **state)
{
	uint64_t entities = 0, edges = 0;
	struct peeps_watch_rx *clone;
	struct channel c;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		c = make("again");
		clone = peeps_watch_rx_clone(c.rx);
		(void)put(&c, 1);
		peeps_watch_rx_free(clone);
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
			peeps_watch_new__named__two_ends_of_one_name_owned_by_their_creator),
		cmocka_unit_test(peeps_watch__changed_in_every_way__counted),
		cmocka_unit_test(peeps_watch__receivers_come_and_go__counted_and_each_its_owners),
		cmocka_unit_test(
			peeps_watch_changed__two_wait__pending_then_done_and_when_they_were_woken),
		cmocka_unit_test(
			peeps_watch_timed_changed__nobody_sends__failed_and_until_when_is_known),
		cmocka_unit_test(peeps_watch_tx_free__while_somebody_waits__epipe),
		cmocka_unit_test(peeps_watch_changed__cancelled__edge_cancelled_and_still_sound),
		cmocka_unit_test(peeps_watch_tx__used_when_freed__refused_and_counted),
		cmocka_unit_test(
			peeps_watch_rx_free__while_somebody_waits__wait_ends_and_is_counted),
		cmocka_unit_test(
			peeps_watch_send__first_write_after_a_cut__shadow_has_the_state_before),
		cmocka_unit_test(peeps_watch__in_a_forked_child__anew_with_the_changes_so_far),
		cmocka_unit_test(peeps_watch__made_and_freed_ten_thousand_times__no_slot_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
