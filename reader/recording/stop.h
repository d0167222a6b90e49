/* SPDX-License-Identifier: MIT */
/* How a recording is stopped: SIGINT, SIGTERM or SIGHUP end it in order, a second one at once. */
#ifndef PEEPS_READER_STOP_H
#define PEEPS_READER_STOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define PEEPS_STOP_SIGNALS 3

struct peeps_stop {
	struct sigaction before[PEEPS_STOP_SIGNALS];
	struct sigaction broken_pipe_before;
};

/**
 * peeps_stop_begin - from now on signals ask to stop; undo with peeps_stop_end()
 *
 * One that is ignored stays so. Who reads what is said may go: SIGPIPE is ignored. A second signal removes the file that
 * is not finished (reader/command/unfinished.h) and ends the process as it would have.
 */
void peeps_stop_begin(struct peeps_stop *stop);
void peeps_stop_end(const struct peeps_stop *stop);

/* The signal that asked to stop; 0 = none did. */
int peeps_stop_asked(void);

/**
 * peeps_stop_sleep_until - until then (CLOCK_MONOTONIC), or until asked to stop
 *
 * Returns false if it was asked.
 */
bool peeps_stop_sleep_until(uint64_t due_ns);

#endif
