/* SPDX-License-Identifier: MIT */
/* Channels where the segment has room for a few of each: they work all the same, and what is lost is counted. */
#include "tests/writer/writer_test.h"

#include <errno.h>
#include <pthread.h>

#include <peeps/peeps.h>

#include "writer/hold.h"
#include "writer/hook.h"
#include "writer/mpsc_channel.h"

#define MANY 100

static struct peeps_mpsc_tx *senders[MANY];
static struct peeps_mpsc_rx *receivers[MANY];

static void use(int i)
{
	uint64_t item = (uint64_t)i;

	assert_int_equal(peeps_mpsc_send(senders[i], &item), 0);
	assert_int_equal(peeps_mpsc_try_send(senders[i], &item), -EAGAIN);
	assert_int_equal(peeps_mpsc_recv(receivers[i], &item), 0);
	assert_int_equal(peeps_mpsc_timed_recv(receivers[i], &item, 1000), -ETIMEDOUT);
	assert_int_equal(item, i);
}

static bool is_shown(int i)
{
	return hook_is_tied(&senders[i]->channel->record.hook);
}

static void peeps_mpsc__more_than_there_is_room_for__all_work_and_losses_are_counted(void **state)
{
	const uint64_t no_entity = counted(PEEPS_COUNTER_DROPPED_ENTITIES);
	const uint64_t no_edge = counted(PEEPS_COUNTER_DROPPED_EDGES);
	const struct mpsc *last;
	int shown = 0;
	uint64_t item;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(peeps_mpsc_new(&senders[i], &receivers[i], "one of many",
						sizeof(uint64_t), i == MANY - 1 ? 0 : 1),
				 0);
		shown += is_shown(i);
	}
	assert_true(shown > 0 && shown < MANY);
	assert_true(counted(PEEPS_COUNTER_DROPPED_ENTITIES) > no_entity);
	assert_true(counted(PEEPS_COUNTER_DROPPED_EDGES) > no_edge);
	for (int i = 0; i < MANY - 1; i++)
		use(i);
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(peeps_mpsc_send(senders[MANY - 1], &i), 0);
	/* The first go, and there is room again: the next use of another one finds it. */
	assert_true(is_shown(0) && !is_shown(MANY - 1));
	peeps_mpsc_tx_free(senders[0]);
	peeps_mpsc_rx_free(receivers[0]);
	assert_int_equal(peeps_mpsc_recv(receivers[MANY - 1], &item), 0);
	assert_true(is_shown(MANY - 1));
	last = senders[MANY - 1]->channel;
	assert_int_equal(last->record.hook.slot->body[PEEPS_MPSC_TX_SENT_TOTAL_WORD], 3);
	assert_int_equal(last->record.hook.slot->body[PEEPS_MPSC_TX_HIGH_WATERMARK_WORD], 3);
	assert_int_equal(last->record.rx->body[PEEPS_MPSC_RX_RECV_TOTAL_WORD], 1);
	for (int i = 1; i < MANY; i++) {
		peeps_mpsc_tx_free(senders[i]);
		peeps_mpsc_rx_free(receivers[i]);
	}
}

static void peeps_mpsc_tx_clone__no_edge_left__asked_for_once_a_handle(void **state)
{
	uint64_t dropped, item = 1;
	struct peeps_mpsc_rx *rx;

	(void)state;
	assert_int_equal(peeps_mpsc_new(&senders[0], &rx, "cloned", sizeof(item), 0), 0);
	dropped = counted(PEEPS_COUNTER_DROPPED_EDGES);
	for (int i = 1; i < MANY; i++) {
		senders[i] = peeps_mpsc_tx_clone(senders[0]);
		assert_non_null(senders[i]);
	}
	assert_true(counted(PEEPS_COUNTER_DROPPED_EDGES) >= dropped + MANY - 8);
	assert_false(hold_is_made(&senders[MANY - 1]->owner.hold));
	dropped = counted(PEEPS_COUNTER_DROPPED_EDGES);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(peeps_mpsc_send(senders[i], &item), 0);
	assert_int_equal(counted(PEEPS_COUNTER_DROPPED_EDGES), dropped);
	for (int i = 0; i < MANY; i++)
		peeps_mpsc_tx_free(senders[i]);
	peeps_mpsc_rx_free(rx);
}

static void *use_another(void *unused)
{
	struct peeps_mpsc_tx *tx;
	struct peeps_mpsc_rx *rx;
	uint64_t item = 1;

	(void)unused;
	errno = 4711;
	if (peeps_mpsc_new(&tx, &rx, "of a thread", sizeof(item), 1) != 0)
		return NULL;
	(void)peeps_mpsc_send(tx, &item);
	(void)peeps_mpsc_recv(rx, &item);
	peeps_mpsc_tx_free(tx);
	peeps_mpsc_rx_free(rx);
	return errno == 4711 ? &senders : NULL;
}

/* A new thread takes the record of an old one, of which the kernel says that there is none: an error. */
static void peeps_mpsc__in_threads_that_reuse_records__errno_is_left_alone(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		pthread_t thread;
		void *result;

		assert_int_equal(pthread_create(&thread, NULL, use_another, NULL), 0);
		assert_int_equal(pthread_join(thread, &result), 0);
		assert_non_null(result);
	}
}

/* Returns NULL if all went as it should. */
static void *handle_as_nobody(void *argument)
{
	uint64_t item = 1;
	int wrong = peeps_actor_self().bits != 0;

	for (int i = 0; i < 5; i++)
		wrong += peeps_mpsc_recv(receivers[0], &item) != 0;
	for (int i = 0; i < 5; i++)
		wrong += peeps_mpsc_send(senders[0], &item) != 0;
	wrong += peeps_mpsc_timed_send(senders[0], &item, 1000) != -ETIMEDOUT;
	wrong += peeps_mpsc_recv(receivers[0], &item) != 0;
	peeps_mpsc_rx_moved(receivers[0]);
	peeps_mpsc_tx_free(senders[1]);
	peeps_mpsc_rx_free(receivers[1]);
	return wrong ? argument : NULL;
}

static void peeps_mpsc__by_a_thread_without_an_entity__counts_are_true(void **state)
{
	struct peeps_ref fill[64], task;
	struct peeps_entity_slot *tx, *rx, *gone;
	pthread_t thread;
	uint64_t item = 1;
	void *wrong;
	int count = 0;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			peeps_mpsc_new(&senders[i], &receivers[i], "theirs", sizeof(item), 5), 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal(peeps_mpsc_try_send(senders[0], &item), i < 5 ? 0 : -EAGAIN);
	assert_true(is_shown(0) && is_shown(1));
	tx = senders[0]->channel->record.hook.slot;
	rx = senders[0]->channel->record.rx;
	gone = senders[1]->channel->record.hook.slot;
	assert_true(hold_is_made(&receivers[0]->owner.hold));
	while ((task = peeps_task_new("one more")).bits != 0)
		fill[count++] = task;
	assert_int_equal(pthread_create(&thread, NULL, handle_as_nobody, &count), 0);
	assert_int_equal(pthread_join(thread, &wrong), 0);
	assert_null(wrong);
	assert_int_equal(tx->body[PEEPS_MPSC_TX_SENT_TOTAL_WORD], 10);
	assert_int_equal(rx->body[PEEPS_MPSC_RX_RECV_TOTAL_WORD], 6);
	/* Not its owner's of before any more. */
	assert_false(hold_is_made(&receivers[0]->owner.hold));
	assert_int_not_equal(gone->status & PEEPS_STATUS_LIFE_MASK, PEEPS_LIFE_LIVE);
	while (count > 0)
		peeps_task_end(fill[--count]);
	peeps_mpsc_tx_free(senders[0]);
	peeps_mpsc_rx_free(receivers[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			peeps_mpsc__more_than_there_is_room_for__all_work_and_losses_are_counted),
		cmocka_unit_test(peeps_mpsc_tx_clone__no_edge_left__asked_for_once_a_handle),
		/* Before threads have left entities that the next ones use. */
		cmocka_unit_test(peeps_mpsc__by_a_thread_without_an_entity__counts_are_true),
		cmocka_unit_test(peeps_mpsc__in_threads_that_reuse_records__errno_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
