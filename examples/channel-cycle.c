/* SPDX-License-Identifier: MIT */
/*
 * channel-cycle - two queues, each full because the other one is
 *
 * ping sends its questions to pong, and pong its own to ping, and both send all of them before they receive any. The
 * channels have room for fewer, so each waits for room in the other's, for ever. A heartbeat goes on sending and
 * receiving in a channel of its own, and has nothing to do with it. Prints its PID and runs until it is killed.
 *
 *	channel-cycle               the deadlock
 *	channel-cycle --in-turns    both receive after each question: the same program without the mistake
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <peeps/peeps.h>

#define QUESTIONS   8
#define ROOM        4
#define MILLISECOND UINT64_C(1000000)

static struct channel {
	struct peeps_mpsc_tx *tx;
	struct peeps_mpsc_rx *rx;
} to_ping, to_pong, pulse;

static bool in_turns;

static void receive_one(struct channel *from)
{
	int question;

	(void)peeps_mpsc_recv(from->rx, &question);
}

static void ask_and_hear(struct channel *ask, struct channel *hear)
{
	peeps_mpsc_tx_moved(ask->tx); /* main made both ends: from now on these are ours */
	peeps_mpsc_rx_moved(hear->rx);
	for (;;) {
		for (int question = 0; question < QUESTIONS; question++) {
			(void)peeps_mpsc_send(ask->tx, &question);
			if (in_turns)
				receive_one(hear);
		}
		for (int question = 0; question < QUESTIONS && !in_turns; question++)
			receive_one(hear);
		(void)peeps_sleep_ns(MILLISECOND);
	}
}

static void *ping(void *unused)
{
	peeps_thread_name("ping");
	ask_and_hear(&to_pong, &to_ping);
	return unused;
}

static void *pong(void *unused)
{
	peeps_thread_name("pong");
	ask_and_hear(&to_ping, &to_pong);
	return unused;
}

static void *heartbeat(void *unused)
{
	const int beat = 0;

	peeps_thread_name("heartbeat");
	peeps_mpsc_tx_moved(pulse.tx);
	peeps_mpsc_rx_moved(pulse.rx);
	for (;;) {
		(void)peeps_mpsc_send(pulse.tx, &beat);
		receive_one(&pulse);
		(void)peeps_sleep_ns(10 * MILLISECOND);
	}
	return unused;
}

int main(int argc, char **argv)
{
	static void *(*const bodies[])(void *) = { ping, pong, heartbeat };
	pthread_t thread;

	in_turns = argc > 1 && strcmp(argv[1], "--in-turns") == 0;
	if (peeps_mpsc_new(&to_ping.tx, &to_ping.rx, "to_ping", sizeof(int), ROOM) != 0 ||
	    peeps_mpsc_new(&to_pong.tx, &to_pong.rx, "to_pong", sizeof(int), ROOM) != 0 ||
	    peeps_mpsc_new(&pulse.tx, &pulse.rx, "pulse", sizeof(int), 1) != 0) {
		(void)fprintf(stderr, "no memory\n");
		return EXIT_FAILURE;
	}
	peeps_thread_name("main");
	(void)printf("%ld\n", (long)getpid());
	(void)fflush(stdout);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		if (pthread_create(&thread, NULL, bodies[i], NULL) != 0) {
			(void)fprintf(stderr, "no thread\n");
			return EXIT_FAILURE;
		}
	}
	for (;;)
		(void)pause();
}
