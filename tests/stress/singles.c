/* SPDX-License-Identifier: MIT */
/*
 * Oneshots, a watch and broadcasts. What is sent is counted apart from them, by a mutex that its sender holds meanwhile, and what is
 * received, by one that is locked afterwards: check_singles.c ties them together in every cut.
 *
 * o-N: made by asker, answered with N, or dropped, by answerer, which has locked its mutex N + 1 times by then.
 * w: changed for ever, seen by receivers that come and go.
 * bus-0, bus-1: a lossy broadcast, and one whose sender waits.
 */
#include "tests/stress/scenes.h"
#include "tests/stress/target.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <peeps/broadcast.h>
#include <peeps/mutex.h>
#include <peeps/oneshot.h>
#include <peeps/watch.h>

#define PATIENCE_NS 30000

/* --- oneshots ------------------------------------------------------------------------------------------------------- */

enum { IDLE, ASKED, DISMISSED };

static struct {
	struct baton baton;
	uint64_t number;
	struct peeps_oneshot_tx *tx;
} question;
static struct peeps_mutex answered, got;

static void answer(struct peeps_oneshot_tx *tx, uint64_t number)
{
	peeps_oneshot_tx_moved(tx);
	(void)peeps_mutex_lock(&answered);
	if (oneshot_is_dropped(number))
		peeps_oneshot_tx_free(tx);
	else
		target_must(peeps_oneshot_send(tx, &number) == 0, "an open oneshot takes its item");
	(void)peeps_mutex_unlock(&answered);
}

static void run_answerer(void *unused)
{
	(void)unused;
	target_ready();
	for (;;) {
		uint32_t now;

		do {
			(void)baton_wait(&question.baton, ASKED);
			now = __atomic_load_n(&question.baton.turn, __ATOMIC_ACQUIRE);
		} while (now == IDLE);
		if (now == DISMISSED)
			return;
		answer(question.tx, question.number);
		target_round();
		baton_pass(&question.baton, IDLE);
	}
}

static int receive_somehow(struct peeps_oneshot_rx *rx, uint64_t *item)
{
	int result;

	do {
		switch (target_random() % 4) {
		case 0:
			result = peeps_oneshot_timed_recv(rx, item, PATIENCE_NS);
			break;
		case 1:
			result = peeps_oneshot_try_recv(rx, item);
			break;
		default:
			result = peeps_oneshot_recv(rx, item);
		}
	} while (result == -EAGAIN || result == -ETIMEDOUT);
	return result;
}

static void ask(uint64_t number)
{
	struct peeps_oneshot_rx *rx;
	uint64_t item = UINT64_MAX;
	char name[32];
	int result;

	(void)snprintf(name, sizeof(name), ONESHOT_NAME "%llu", (unsigned long long)number);
	target_must(peeps_oneshot_new(&question.tx, &rx, name, sizeof(item)) == 0,
		    "a oneshot can be made");
	question.number = number;
	baton_pass(&question.baton, ASKED);
	result = receive_somehow(rx, &item);
	target_must(oneshot_is_dropped(number) ? result == -EPIPE : result == 0 && item == number,
		    "the answer is the one to this question");
	(void)peeps_mutex_lock(&got);
	(void)peeps_mutex_unlock(&got);
	/* The answerer is done with it, too. */
	while (__atomic_load_n(&question.baton.turn, __ATOMIC_ACQUIRE) != IDLE)
		(void)baton_wait(&question.baton, IDLE);
	peeps_oneshot_rx_free(rx);
}

static void run_asker(void *unused)
{
	(void)unused;
	target_ready();
	for (uint64_t number = 0; !target_stops(); number++) {
		ask(number);
		target_round();
		if (number % 2 == 0)
			(void)usleep(60); /* what is retired has to rest somewhere */
	}
	baton_pass(&question.baton, DISMISSED);
}

void oneshot_start(void)
{
	(void)peeps_mutex_init(&answered, ANSWERED_NAME, NULL);
	target_gap();
	(void)peeps_mutex_init(&got, GOT_NAME, NULL);
	(void)target_thread("answer", run_answerer, NULL);
	(void)target_thread("ask", run_asker, NULL);
}

/* --- a watch -------------------------------------------------------------------------------------------------------- */

static struct peeps_watch_tx *watch_tx;
static struct peeps_mutex changing;
static struct viewer {
	struct peeps_watch_rx *rx;
	struct peeps_mutex seen;
} viewers[WATCH_VIEWERS];

static void run_changer(void *unused)
{
	uint64_t value = 0;

	(void)unused;
	peeps_watch_tx_moved(watch_tx);
	target_ready();
	while (!target_stops()) {
		value++;
		(void)peeps_mutex_lock(&changing);
		(void)peeps_watch_replace(watch_tx, &value);
		(void)peeps_mutex_unlock(&changing);
		target_round();
	}
	peeps_watch_tx_free(watch_tx); /* ends the viewers */
}

/* The next one's first, so that there is always one. */
static void change_handle(struct viewer *me)
{
	struct peeps_watch_rx *const other = peeps_watch_rx_clone(me->rx);

	if (!other)
		return;
	peeps_watch_rx_free(me->rx);
	me->rx = other;
}

static void run_viewer(void *argument)
{
	struct viewer *const me = argument;
	uint64_t value = 0, before = 0;
	int result;

	peeps_watch_rx_moved(me->rx);
	target_ready();
	for (;;) {
		result = target_random() % 4 == 0
				 ? peeps_watch_timed_changed(me->rx, &value, PATIENCE_NS)
				 : peeps_watch_changed(me->rx, &value);
		if (result == -EPIPE)
			break;
		if (result == -ETIMEDOUT)
			continue;
		(void)peeps_mutex_lock(&me->seen);
		(void)peeps_mutex_unlock(&me->seen);
		target_must(value > before, "what is seen is ever later");
		before = value;
		if (value % 64 == 0)
			change_handle(me);
		target_round();
	}
	peeps_watch_rx_free(me->rx);
}

void watch_start(void)
{
	const uint64_t initial = 0;
	char name[32];

	(void)peeps_mutex_init(&changing, WATCH_CHANGING_NAME, NULL);
	target_gap();
	target_must(peeps_watch_new(&watch_tx, &viewers[0].rx, WATCH_NAME, sizeof(initial),
				    &initial) == 0,
		    "a watch can be made");
	target_gap();
	for (unsigned int i = 0; i < WATCH_VIEWERS; i++) {
		(void)snprintf(name, sizeof(name), WATCH_SEEN_NAME "%u", i);
		(void)peeps_mutex_init(&viewers[i].seen, name, NULL);
		if (i > 0)
			viewers[i].rx = peeps_watch_rx_clone(viewers[0].rx);
		(void)snprintf(name, sizeof(name), "view-%u", i);
		(void)target_thread(name, run_viewer, &viewers[i]);
	}
	(void)target_thread("change", run_changer, NULL);
}

/* --- broadcasts ----------------------------------------------------------------------------------------------------- */

static struct bus {
	struct peeps_broadcast_tx *tx;
	struct peeps_mutex sent;
	struct bus_receiver {
		struct peeps_broadcast_rx *rx;
		struct peeps_mutex got;
	} receivers[BUS_RECEIVERS];
} buses[BUSES];

static void run_bus_sender(void *argument)
{
	struct bus *const bus = argument;

	peeps_broadcast_tx_moved(bus->tx);
	target_ready();
	for (uint64_t item = 0; !target_stops(); item++) {
		(void)peeps_mutex_lock(&bus->sent);
		target_must(peeps_broadcast_send(bus->tx, &item) == 0, "a broadcast takes an item");
		(void)peeps_mutex_unlock(&bus->sent);
		target_round();
	}
	peeps_broadcast_tx_free(bus->tx); /* ends the receivers */
}

static void run_bus_receiver(void *argument)
{
	struct bus_receiver *const me = argument;
	uint64_t item = 0, missed = 0, next = 0;
	int result;

	peeps_broadcast_rx_moved(me->rx);
	target_ready();
	while ((result = target_random() % 4 == 0
				 ? peeps_broadcast_timed_recv(me->rx, &item, &missed, PATIENCE_NS)
				 : peeps_broadcast_recv(me->rx, &item, &missed)) != -EPIPE) {
		if (result == -ETIMEDOUT)
			continue;
		if (result == -EOVERFLOW) {
			next += missed;
			continue;
		}
		(void)peeps_mutex_lock(&me->got);
		(void)peeps_mutex_unlock(&me->got);
		target_must(item == next++, "items come in their order, or are missed");
		target_round();
	}
	peeps_broadcast_rx_free(me->rx);
}

void bus_start(void)
{
	char name[32];

	for (unsigned int number = 0; number < BUSES; number++) {
		struct bus *const bus = &buses[number];

		(void)snprintf(name, sizeof(name), BUS_SENT_NAME "%u-0", number);
		(void)peeps_mutex_init(&bus->sent, name, NULL);
		target_gap();
		(void)snprintf(name, sizeof(name), BUS_NAME "%u", number);
		target_must(peeps_broadcast_new(&bus->tx, &bus->receivers[0].rx, name,
						sizeof(uint64_t), BUS_CAPACITY,
						number == BUS_WAITING ? PEEPS_BROADCAST_WAIT
								      : PEEPS_BROADCAST_LOSSY) == 0,
			    "a broadcast can be made");
		target_gap();
		for (unsigned int i = 0; i < BUS_RECEIVERS; i++) {
			struct bus_receiver *const receiver = &bus->receivers[i];

			if (i > 0)
				receiver->rx = peeps_broadcast_subscribe(bus->tx);
			(void)snprintf(name, sizeof(name), BUS_GOT_NAME "%u-%u", number, i);
			(void)peeps_mutex_init(&receiver->got, name, NULL);
			(void)snprintf(name, sizeof(name), "bus-%u-%u", number, i);
			(void)target_thread(name, run_bus_receiver, receiver);
		}
		(void)snprintf(name, sizeof(name), "bus-%u", number);
		(void)target_thread(name, run_bus_sender, bus);
	}
}
