/* SPDX-License-Identifier: MIT */
/*
 * A oneshot in each of its states, a watch for whose next change two wait, and a broadcast: one receiver has received
 * nothing, another all of it and waits for more, and a sender waits for the first. Prints its PID, and stays as it is.
 *
 *	singles            that
 *	singles --crossed  two threads wait at a oneshot each, and each has the sender of the other's
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <peeps/peeps.h>

#define VIEWERS 2

static struct peeps_watch_tx *watch_tx;
static struct peeps_watch_rx *watch_rx[VIEWERS];
static struct peeps_oneshot_tx *promised_tx[2];
static struct peeps_oneshot_rx *promised_rx[2];

static void must(int result)
{
	if (result == 0)
		return;
	(void)fprintf(stderr, "error %d\n", result);
	exit(EXIT_FAILURE);
}

static void *view(void *argument)
{
	const size_t me = (size_t)argument;
	char name[16];

	(void)snprintf(name, sizeof(name), "viewer-%zu", me);
	peeps_thread_name(name);
	peeps_watch_rx_moved(watch_rx[me]);
	while (peeps_watch_changed(watch_rx[me], NULL) == 0)
		;
	return NULL;
}

static void make_states(void)
{
	static const char *const names[] = { "empty", "sent", "received", "sender_dropped",
					     "receiver_dropped" };
	struct peeps_oneshot_tx *tx[5];
	struct peeps_oneshot_rx *rx[5];
	int item = 0;

	for (int i = 0; i < 5; i++)
		must(peeps_oneshot_new(&tx[i], &rx[i], names[i], sizeof(item)));
	must(peeps_oneshot_send(tx[1], &item));
	must(peeps_oneshot_send(tx[2], &item));
	must(peeps_oneshot_recv(rx[2], &item));
	peeps_oneshot_tx_free(tx[3]);
	peeps_oneshot_rx_free(rx[4]);
}

static void make_watch(void)
{
	int value = 0;

	must(peeps_watch_new(&watch_tx, &watch_rx[0], "config", sizeof(value), &value));
	watch_rx[1] = peeps_watch_rx_clone(watch_rx[0]);
	peeps_watch_tx_moved(watch_tx);
	for (value = 1; value <= 3; value++)
		must(peeps_watch_send(watch_tx, &value));
}

static struct peeps_broadcast_tx *events_tx;
static struct peeps_broadcast_rx *events_rx[2];

static void *receive_events(void *unused)
{
	int item;

	peeps_thread_name("receiver");
	peeps_broadcast_rx_moved(events_rx[1]);
	while (peeps_broadcast_recv(events_rx[1], &item, NULL) == 0)
		;
	return unused;
}

static void *send_events(void *unused)
{
	peeps_thread_name("sender");
	peeps_broadcast_tx_moved(events_tx);
	for (int item = 0; peeps_broadcast_send(events_tx, &item) == 0; item++)
		;
	return unused;
}

static void make_broadcast(void)
{
	pthread_t thread;

	must(peeps_broadcast_new(&events_tx, &events_rx[0], "events", sizeof(int), 4,
				 PEEPS_BROADCAST_WAIT));
	peeps_broadcast_rx_moved(events_rx[0]);
	events_rx[1] = peeps_broadcast_subscribe(events_tx);
	must(pthread_create(&thread, NULL, receive_events, NULL));
	must(pthread_create(&thread, NULL, send_events, NULL));
}

static void *wait_for_other(void *argument)
{
	const size_t me = (size_t)argument;
	int item;

	peeps_thread_name(me ? "second" : "first");
	peeps_oneshot_rx_moved(promised_rx[me]);
	peeps_oneshot_tx_moved(promised_tx[!me]);
	(void)peeps_oneshot_recv(promised_rx[me], &item);
	(void)peeps_oneshot_send(promised_tx[!me], &item);
	return NULL;
}

int main(int argc, char **argv)
{
	const int crossed = argc > 1 && strcmp(argv[1], "--crossed") == 0;
	pthread_t thread;

	peeps_thread_name("main");
	if (crossed) {
		must(peeps_oneshot_new(&promised_tx[0], &promised_rx[0], "first's", sizeof(int)));
		must(peeps_oneshot_new(&promised_tx[1], &promised_rx[1], "second's", sizeof(int)));
	} else {
		make_states();
		make_watch();
		make_broadcast();
	}
	for (size_t i = 0; i < VIEWERS; i++)
		must(pthread_create(&thread, NULL, crossed ? wait_for_other : view, (void *)i));
	(void)printf("%ld\n", (long)getpid());
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}
