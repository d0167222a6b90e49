/* SPDX-License-Identifier: MIT */
#include "reader/recording/stop.h"

#include <poll.h>
#include <stddef.h>

#include "reader/clock.h"
#include "reader/command/unfinished.h"

static const int numbers[PEEPS_STOP_SIGNALS] = { SIGINT, SIGTERM, SIGHUP };

/* Set by a signal handler, which can be given no context. */
static volatile sig_atomic_t asked;

static void on_signal(int number)
{
	if (asked) {
		peeps_unfinished_remove();
		(void)signal(number, SIG_DFL);
		(void)raise(number); /* once this returns: it is blocked in here */
	}
	asked = number;
}

void peeps_stop_begin(struct peeps_stop *stop)
{
	const struct sigaction handle = { .sa_handler = on_signal };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	asked = 0;
	for (size_t i = 0; i < PEEPS_STOP_SIGNALS; i++) {
		(void)sigaction(numbers[i], NULL, &stop->before[i]);
		if (stop->before[i].sa_handler != SIG_IGN)
			(void)sigaction(numbers[i], &handle, NULL);
	}
	(void)sigaction(SIGPIPE, &ignore, &stop->broken_pipe_before);
}

void peeps_stop_end(const struct peeps_stop *stop)
{
	for (size_t i = 0; i < PEEPS_STOP_SIGNALS; i++)
		(void)sigaction(numbers[i], &stop->before[i], NULL);
	(void)sigaction(SIGPIPE, &stop->broken_pipe_before, NULL);
}

int peeps_stop_asked(void)
{
	return asked;
}

static void sleep_for(uint64_t ns, const sigset_t *open)
{
	const struct timespec time = { .tv_sec = (time_t)(ns / UINT64_C(1000000000)),
				       .tv_nsec = (long)(ns % UINT64_C(1000000000)) };

	(void)ppoll(NULL, 0, &time, open);
}

bool peeps_stop_sleep_until(uint64_t due_ns)
{
	sigset_t ours, open;

	(void)sigemptyset(&ours);
	for (size_t i = 0; i < PEEPS_STOP_SIGNALS; i++)
		(void)sigaddset(&ours, numbers[i]);
	/* Blocked but for the sleep itself: one that came before it would not end it. */
	(void)sigprocmask(SIG_BLOCK, &ours, &open);
	while (!asked) {
		const uint64_t now_ns = peeps_clock_monotonic_ns();

		if (now_ns >= due_ns)
			break;
		sleep_for(due_ns - now_ns, &open);
	}
	(void)sigprocmask(SIG_SETMASK, &open, NULL);
	return !asked;
}
