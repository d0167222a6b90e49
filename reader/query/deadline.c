/* SPDX-License-Identifier: MIT */
#include "reader/query/deadline.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "reader/clock.h"
#include "reader/command/unfinished.h"
#include "reader/problem.h"

#define LOOK_US 250000

/* What a signal handler reads, which can be given no context. CLOCK_MONOTONIC; 0 = none. */
static volatile uint64_t deadline_ns;

/* Only what a signal handler may call. */
static void give_up(void)
{
	static const char message[] = "peeps-read: gave up before the answer was whole\n"
				      "peeps-read: it took more than --timeout allows\n"
				      "hint: a pattern or a search in a long text may never end\n";
	ssize_t written;

	peeps_unfinished_remove();
	written = write(STDERR_FILENO, message, sizeof(message) - 1);
	(void)written;
	_exit(PEEPS_PROBLEM_OTHER);
}

static void look_at_clock(int number)
{
	const uint64_t due_ns = deadline_ns;

	(void)number;
	if (due_ns && peeps_clock_monotonic_ns() >= due_ns)
		give_up();
}

static void look_every(suseconds_t us)
{
	const struct itimerval timer = { .it_value.tv_usec = us, .it_interval.tv_usec = us };

	(void)setitimer(ITIMER_REAL, &timer, NULL);
}

void peeps_deadline_begin(void)
{
	const struct sigaction handle = { .sa_handler = look_at_clock, .sa_flags = SA_RESTART };
	sigset_t alarm;

	deadline_ns = 0;
	(void)sigaction(SIGALRM, &handle, NULL);
	(void)sigemptyset(&alarm); /* whoever started us may have it blocked */
	(void)sigaddset(&alarm, SIGALRM);
	(void)pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
	look_every(LOOK_US);
}

void peeps_deadline_set(uint64_t ns)
{
	deadline_ns = ns;
}

void peeps_deadline_end(void)
{
	look_every(0);
	(void)signal(SIGALRM, SIG_DFL);
}
