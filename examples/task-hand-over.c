/* SPDX-License-Identifier: MIT */
/*
 * task-hand-over - a task that is put aside, and what it holds with it
 *
 * Jobs are tasks: thread fetcher runs the first half of each and hands it over to thread storer for the second. A job
 * takes the one permit of demo.disk in its first half and gives it back in its second, on another thread. But storer
 * sleeps: job_1 lies in demo.hand_over, suspended, with the permit, and job_2 waits for that, inside fetcher. Prints
 * its PID and runs until it is killed.
 *
 *	task-hand-over             the jam
 *	task-hand-over --storing   storer takes what it is handed: the same program without the mistake
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <peeps/peeps.h>

#define MILLISECOND UINT64_C(1000000)
#define HOUR        (UINT64_C(3600000) * MILLISECOND)

static struct peeps_sem *disk;
static struct peeps_mpsc_tx *hand_over_tx;
static struct peeps_mpsc_rx *hand_over_rx;
static bool storing;

static void *fetcher(void *unused)
{
	char name[32];

	peeps_thread_name("fetcher");
	peeps_mpsc_tx_moved(hand_over_tx);
	for (unsigned int number = 1;; number++) {
		struct peeps_ref job, before;

		(void)snprintf(name, sizeof(name), "job_%u", number);
		job = peeps_task_new(name);
		before = peeps_task_enter(job);
		(void)peeps_sem_acquire(disk, 1);
		peeps_task_leave(before); /* before anybody else can enter it */
		(void)peeps_mpsc_send(hand_over_tx, &job);
	}
	return unused;
}

static void *storer(void *unused)
{
	peeps_thread_name("storer");
	peeps_mpsc_rx_moved(hand_over_rx);
	while (!storing)
		(void)peeps_sleep_ns(HOUR);
	for (;;) {
		struct peeps_ref job, before;

		(void)peeps_mpsc_recv(hand_over_rx, &job);
		before = peeps_task_enter(job);
		(void)peeps_sleep_ns(MILLISECOND);
		(void)peeps_sem_release(disk, 1);
		peeps_task_leave(before);
		peeps_task_end(job);
	}
	return unused;
}

int main(int argc, char **argv)
{
	static void *(*const bodies[])(void *) = { fetcher, storer };
	pthread_t thread;

	storing = argc > 1 && strcmp(argv[1], "--storing") == 0;
	if (peeps_sem_new(&disk, "demo.disk", 1) != 0 ||
	    peeps_mpsc_new(&hand_over_tx, &hand_over_rx, "demo.hand_over", sizeof(struct peeps_ref),
			   4) != 0) {
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
