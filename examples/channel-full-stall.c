/* SPDX-License-Identifier: MIT */
/*
 * channel-full-stall - a queue that nobody empties
 *
 * bounded_sender fills demo.work_queue and waits for room in it. stalled_receiver, who owns the receiving end, sleeps
 * instead of receiving. Beside them blocked_receiver waits on demo.idle_queue, into which nobody sends: that is no
 * mistake, main could at any time. Prints its PID and runs until it is killed.
 *
 *	channel-full-stall               the stall
 *	channel-full-stall --receiving   stalled_receiver receives, main sends: the same program without the mistake
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <peeps/peeps.h>

#define WORK_CAPACITY 16
#define IDLE_CAPACITY 4
#define MILLISECOND   UINT64_C(1000000)
#define HOUR          (UINT64_C(3600000) * MILLISECOND)

static struct peeps_mpsc_tx *work_tx, *idle_tx;
static struct peeps_mpsc_rx *work_rx, *idle_rx;
static bool receiving;

static void *bounded_sender(void *unused)
{
	peeps_thread_name("bounded_sender");
	peeps_mpsc_tx_moved(work_tx); /* main made it: from now on it is ours */
	for (int job = 0;; job++) {
		(void)peeps_mpsc_send(work_tx, &job);
		if (receiving)
			(void)peeps_sleep_ns(MILLISECOND);
	}
	return unused;
}

static void *stalled_receiver(void *unused)
{
	int job;

	peeps_thread_name("stalled_receiver");
	peeps_mpsc_rx_moved(work_rx);
	for (;;) {
		if (receiving)
			(void)peeps_mpsc_recv(work_rx, &job);
		else
			(void)peeps_sleep_ns(HOUR);
	}
	return unused;
}

static void *blocked_receiver(void *unused)
{
	int message;

	peeps_thread_name("blocked_receiver");
	peeps_mpsc_rx_moved(idle_rx);
	for (;;)
		(void)peeps_mpsc_recv(idle_rx, &message);
	return unused;
}

int main(int argc, char **argv)
{
	static void *(*const bodies[])(void *) = { stalled_receiver, bounded_sender,
						   blocked_receiver };
	const int message = 0;
	pthread_t thread;

	receiving = argc > 1 && strcmp(argv[1], "--receiving") == 0;
	if (peeps_mpsc_new(&work_tx, &work_rx, "demo.work_queue", sizeof(int), WORK_CAPACITY) !=
		    0 ||
	    peeps_mpsc_new(&idle_tx, &idle_rx, "demo.idle_queue", sizeof(int), IDLE_CAPACITY) !=
		    0) {
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
	for (;;) {
		(void)peeps_sleep_ns(receiving ? MILLISECOND : HOUR);
		if (receiving)
			(void)peeps_mpsc_send(idle_tx, &message);
	}
}
