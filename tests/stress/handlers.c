/* SPDX-License-Identifier: MIT */
/*
 * Two timers send each thread of the ring two signals, whose handlers break into its sections, and into each other.
 * Each handler locks a first mutex, and inside it a second one: nobody else does, so these never block. What a handler
 * does in a section that leaves it no room is dropped as a whole: its every call meets the same open section.
 * Each ends with a third mutex, of which nothing is expected: a handler that breaks into a section which has not said yet
 * what it writes may not write what the section before wrote, and that was, at worst, this third one.
 */
#include "tests/stress/scenes.h"
#include "tests/stress/target.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#include <peeps/mutex.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static struct peeps_mutex first[RING_THREADS][HANDLER_LEVELS], second[RING_THREADS][HANDLER_LEVELS];
static struct peeps_mutex third[RING_THREADS][HANDLER_LEVELS];
static timer_t timers[RING_THREADS][HANDLER_LEVELS];
static __thread unsigned int own;

static void handle(int level)
{
	target_must(peeps_mutex_trylock(&first[own][level]) == 0, "a handler's own mutex is free");
	target_must(peeps_mutex_trylock(&second[own][level]) == 0,
		    "a handler's other mutex is free");
	(void)peeps_mutex_unlock(&second[own][level]);
	(void)peeps_mutex_unlock(&first[own][level]);
	target_must(peeps_mutex_trylock(&third[own][level]) == 0,
		    "a handler's third mutex is free");
	(void)peeps_mutex_unlock(&third[own][level]);
}

static void on_signal(int signal)
{
	handle(signal == SIGRTMIN ? 0 : 1);
}

static void arm(int level, long period_ns)
{
	const struct itimerspec period = { { 0, period_ns }, { 0, period_ns } };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
				  .sigev_signo = SIGRTMIN + level };

	event.sigev_notify_thread_id = gettid();
	target_must(timer_create(CLOCK_MONOTONIC, &event, &timers[own][level]) == 0,
		    "a timer can be made");
	(void)timer_settime(timers[own][level], 0, &period, NULL);
}

void handlers_start(unsigned int thread)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	char name[24];

	own = thread;
	for (int level = 0; level < HANDLER_LEVELS; level++) {
		(void)snprintf(name, sizeof(name), "first-%u-%d", thread, level);
		(void)peeps_mutex_init(&first[thread][level], name, NULL);
		(void)snprintf(name, sizeof(name), "second-%u-%d", thread, level);
		(void)peeps_mutex_init(&second[thread][level], name, NULL);
		(void)snprintf(name, sizeof(name), "third-%u-%d", thread, level);
		(void)peeps_mutex_init(&third[thread][level], name, NULL);
		handle(level); /* makes its places known: no handler could */
		(void)sigaction(SIGRTMIN + level, &action, NULL);
	}
	arm(0, 40000 + 3000 * (long)thread);
	arm(1, 90000 + 7000 * (long)thread);
}

void handlers_stop(unsigned int thread)
{
	for (int level = 0; level < HANDLER_LEVELS; level++)
		(void)timer_delete(timers[thread][level]);
}
