/* SPDX-License-Identifier: MIT */
/*
 * Channels. How often each thread has sent or received is counted by the channel and, apart from it, by a mutex of the
 * thread's own that it holds during each send or receive: check_channel.c ties them together in every cut.
 *
 * jobs: three senders, which change their handles now and then, and a receiver; it stays.
 * closing-N: two senders that go on until the receiver, which made it, closes it and drains what is left.
 * c-N-xxx: one thread's, made, filled, closed and drained; all of it follows from the number in its name.
 */
#include "tests/stress/scenes.h"
#include "tests/stress/target.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <peeps/mpsc.h>
#include <peeps/mutex.h>

#define PATIENCE_NS   30000
#define SAME_HANDLE   256 /* rounds */
#define CLOSING_ITEMS 20

struct item {
	unsigned int sender;
	uint64_t number;
};

/* --- jobs ----------------------------------------------------------------------------------------------------------- */

static struct sender {
	struct peeps_mpsc_tx *tx;
	struct peeps_mutex own;
} senders[JOBS_SENDERS];

static struct peeps_mpsc_rx *jobs_rx;
static struct peeps_mutex received;

static void send_somehow(struct peeps_mpsc_tx *tx, const struct item *item)
{
	int result = 0;

	do {
		switch (target_random() % 8) {
		case 0:
			result = peeps_mpsc_timed_send(tx, item, PATIENCE_NS);
			break;
		case 1:
			result = peeps_mpsc_try_send(tx, item);
			break;
		default:
			result = peeps_mpsc_send(tx, item);
		}
	} while (result == -EAGAIN || result == -ETIMEDOUT);
	target_must(result == 0, "an open channel takes an item");
}

static int receive_somehow(struct peeps_mpsc_rx *rx, struct item *item)
{
	for (;;) {
		int result;

		switch (target_random() % 8) {
		case 0:
			result = peeps_mpsc_timed_recv(rx, item, PATIENCE_NS);
			break;
		case 1:
			result = peeps_mpsc_try_recv(rx, item);
			break;
		default:
			result = peeps_mpsc_recv(rx, item);
		}
		if (result != -EAGAIN && result != -ETIMEDOUT)
			return result;
	}
}

static void change_handle(struct sender *me)
{
	struct peeps_mpsc_tx *const other = peeps_mpsc_tx_clone(me->tx);

	if (!other)
		return;
	peeps_mpsc_tx_free(me->tx);
	me->tx = other;
}

static void run_sender(void *argument)
{
	struct sender *const me = argument;
	struct item item = { .sender = (unsigned int)(me - senders) };

	peeps_mpsc_tx_moved(me->tx);
	target_ready();
	for (; !target_stops(); item.number++) {
		(void)peeps_mutex_lock(&me->own);
		send_somehow(me->tx, &item);
		(void)peeps_mutex_unlock(&me->own);
		if (item.number % SAME_HANDLE == SAME_HANDLE - 1)
			change_handle(me);
		target_round();
	}
	peeps_mpsc_tx_free(me->tx); /* the last one ends the receiver */
}

static void run_receiver(void *unused)
{
	uint64_t next[JOBS_SENDERS] = { 0 };
	struct item item = { 0 };
	int result;

	(void)unused;
	peeps_mpsc_rx_moved(jobs_rx);
	target_ready();
	do {
		(void)peeps_mutex_lock(&received);
		result = receive_somehow(jobs_rx, &item);
		(void)peeps_mutex_unlock(&received);
		if (result == 0)
			target_must(item.number == next[item.sender]++,
				    "each sender's items come in their order");
		target_round();
	} while (result == 0);
	target_must(result == -EPIPE, "a channel without senders is closed");
	peeps_mpsc_rx_free(jobs_rx);
}

void jobs_start(void)
{
	struct peeps_mpsc_tx *first;
	char name[32];

	(void)peeps_mutex_init(&received, JOBS_RECEIVED_NAME, NULL);
	target_gap();
	target_must(peeps_mpsc_new(&first, &jobs_rx, JOBS_NAME, sizeof(struct item),
				   JOBS_CAPACITY) == 0,
		    "a channel can be made");
	target_gap();
	for (unsigned int i = 0; i < JOBS_SENDERS; i++) {
		(void)snprintf(name, sizeof(name), JOBS_SENT_NAME "%u", i);
		(void)peeps_mutex_init(&senders[i].own, name, NULL);
		senders[i].tx = i == 0 ? first : peeps_mpsc_tx_clone(first);
		target_must(senders[i].tx != NULL, "a sender can be cloned");
	}
	for (unsigned int i = 0; i < JOBS_SENDERS; i++) {
		(void)snprintf(name, sizeof(name), "send-%u", i);
		(void)target_thread(name, run_sender, &senders[i]);
	}
	(void)target_thread("receive", run_receiver, NULL);
}

/* --- closing-N ------------------------------------------------------------------------------------------------------ */

enum { IDLE, CALLED, DISMISSED };

static struct helper {
	struct baton baton;
	struct peeps_mpsc_tx *tx;
} helpers[CLOSING_SENDERS];

/* The end of the test is not the end of a channel: whoever is called sends until it is closed. */
static uint32_t await(struct baton *baton, uint32_t turn, uint32_t or_turn)
{
	uint32_t now;

	do {
		if (!baton_wait(baton, turn))
			(void)usleep(200);
		now = __atomic_load_n(&baton->turn, __ATOMIC_ACQUIRE);
	} while (now != turn && now != or_turn);
	return now;
}

/* Until the receiver closes: then a clone and a free more, while it drains. */
static void send_until_closed(struct peeps_mpsc_tx *tx)
{
	uint64_t item = 0;
	int result;

	peeps_mpsc_tx_moved(tx);
	do
		result = peeps_mpsc_send(tx, &item);
	while (result == 0);
	target_must(result == -EPIPE, "a closed channel takes no more");
	for (int i = 0; i < 2; i++)
		peeps_mpsc_tx_free(peeps_mpsc_tx_clone(tx));
	peeps_mpsc_tx_free(tx);
}

static void run_helper(void *argument)
{
	struct helper *const me = argument;

	target_ready();
	while (await(&me->baton, CALLED, DISMISSED) == CALLED) {
		send_until_closed(me->tx);
		target_round();
		baton_pass(&me->baton, IDLE);
	}
}

static void run_closer(void *unused)
{
	struct peeps_mpsc_rx *rx;
	char name[32];
	uint64_t item;

	(void)unused;
	target_ready();
	for (uint64_t number = 0; !target_stops(); number++) {
		(void)snprintf(name, sizeof(name), CLOSING_NAME "%llu", (unsigned long long)number);
		target_must(peeps_mpsc_new(&helpers[0].tx, &rx, name, sizeof(item),
					   CLOSING_CAPACITY) == 0,
			    "a channel can be made");
		for (int i = 1; i < CLOSING_SENDERS; i++)
			helpers[i].tx = peeps_mpsc_tx_clone(helpers[0].tx);
		for (int i = 0; i < CLOSING_SENDERS; i++)
			baton_pass(&helpers[i].baton, CALLED);
		for (uint64_t i = 0; i < number % CLOSING_ITEMS; i++)
			target_must(peeps_mpsc_recv(rx, &item) == 0, "an open channel gives items");
		peeps_mpsc_rx_close(rx);
		while (peeps_mpsc_recv(rx, &item) == 0)
			;
		for (int i = 0; i < CLOSING_SENDERS; i++)
			(void)await(&helpers[i].baton, IDLE, IDLE);
		peeps_mpsc_rx_free(rx);
		target_round();
	}
	for (int i = 0; i < CLOSING_SENDERS; i++)
		baton_pass(&helpers[i].baton, DISMISSED);
}

void closing_start(void)
{
	char name[16];

	for (int i = 0; i < CLOSING_SENDERS; i++) {
		(void)snprintf(name, sizeof(name), "help-%d", i);
		(void)target_thread(name, run_helper, &helpers[i]);
	}
	(void)target_thread("close", run_closer, NULL);
}

/* --- brief lives ---------------------------------------------------------------------------------------------------- */

static void receive_some(struct peeps_mpsc_rx *rx, uint64_t count)
{
	uint64_t item;

	for (uint64_t i = 0; i < count; i++)
		target_must(peeps_mpsc_try_recv(rx, &item) == 0, "what was sent can be received");
}

static void close_somehow(struct peeps_mpsc_tx *tx, struct peeps_mpsc_rx *rx, uint64_t number)
{
	const uint64_t left = brief_sent(number) - brief_received(number);

	switch (brief_cause(number)) {
	case PEEPS_CLOSE_CAUSE_SENDERS_GONE:
		peeps_mpsc_tx_free(tx);
		receive_some(rx, left);
		peeps_mpsc_rx_free(rx);
		return;
	case PEEPS_CLOSE_CAUSE_SENDER_CLOSED:
		peeps_mpsc_tx_close(tx);
		break;
	case PEEPS_CLOSE_CAUSE_RECEIVER_CLOSED:
		peeps_mpsc_rx_close(rx);
		break;
	default:
		peeps_mpsc_rx_free(rx);
		target_must(peeps_mpsc_try_send(tx, &left) == -EPIPE,
			    "nothing can be sent to nobody");
		peeps_mpsc_tx_free(tx);
		return;
	}
	receive_some(rx, left);
	peeps_mpsc_rx_free(rx);
	peeps_mpsc_tx_free(tx);
}

static void run_brief(void *unused)
{
	struct peeps_mpsc_tx *tx;
	struct peeps_mpsc_rx *rx;
	char name[CHURN_NAME_ROOM];

	(void)unused;
	target_ready();
	for (uint64_t number = 0; !target_stops(); number++) {
		churn_name(name, BRIEF_PREFIX, number);
		target_must(peeps_mpsc_new(&tx, &rx, name, sizeof(number),
					   (size_t)brief_capacity(number)) == 0,
			    "a channel can be made");
		for (uint64_t i = 0; i < brief_sent(number); i++)
			target_must(peeps_mpsc_try_send(tx, &i) == 0, "there is room");
		receive_some(rx, brief_received(number));
		close_somehow(tx, rx, number);
		target_round();
		if (number % 2 == 0)
			(void)usleep(60); /* what is retired has to rest somewhere */
	}
}

void brief_start(void)
{
	(void)target_thread("brief", run_brief, NULL);
}
