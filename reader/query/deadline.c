/* SPDX-License-Identifier: MIT */
#include "reader/query/deadline.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "reader/command/unfinished.h"
#include "reader/problem.h"

#define S UINT64_C(1000000000)

/* Only what a signal handler may call. */
static void give_up(int number)
{
	static const char message[] = "peeps-read: gave up before the answer was whole\n"
				      "peeps-read: it took more than --timeout allows\n"
				      "hint: a pattern or a search in a long text may never end\n";
	ssize_t written;

	(void)number;
	peeps_unfinished_remove();
	written = write(STDERR_FILENO, message, sizeof(message) - 1);
	(void)written;
	_exit(PEEPS_PROBLEM_OTHER);
}

static void set(uint64_t ns)
{
	const struct itimerval timer = {
		.it_value = { .tv_sec = (time_t)(ns / S), .tv_usec = (suseconds_t)(ns % S / 1000) },
	};

	(void)setitimer(ITIMER_REAL, &timer, NULL);
}

void peeps_deadline_begin(uint64_t ns)
{
	const struct sigaction handle = { .sa_handler = give_up };
	sigset_t alarm;

	(void)sigaction(SIGALRM, &handle, NULL);
	(void)sigemptyset(&alarm); /* whoever started us may have it blocked */
	(void)sigaddset(&alarm, SIGALRM);
	(void)pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
	set(ns);
}

void peeps_deadline_end(void)
{
	set(0);
	(void)signal(SIGALRM, SIG_DFL);
}
