/* SPDX-License-Identifier: MIT */
/*
 * Which processes have to be looked at again to see whether they are one that is looked for: to ask each of them each time
 * is dear where there are hundreds.
 *
 * New ones, and those that may still become what they were started for. Of the others some at a time, so that each has
 * its turn.
 */
#ifndef PEEPS_READER_KNOWN_H
#define PEEPS_READER_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PEEPS_KNOWN_FOR_NS UINT64_C(2000000000)

struct peeps_known_process {
	pid_t pid;
	uint64_t first_ns;  /* CLOCK_MONOTONIC: when it was first seen */
	uint64_t looked_ns; /* and last looked at */
};

struct peeps_known_list {
	size_t count, room;
	struct peeps_known_process *processes;
};

/* All zeroes: none is known. */
struct peeps_known {
	struct peeps_known_list before, now;
	uint64_t now_ns;
	uint64_t turns; /* left at this time, of those that are neither new nor young */
};

/* A round: each process is asked about once, between these two. */
void peeps_known_begin(struct peeps_known *known, uint64_t now_ns);
void peeps_known_end(struct peeps_known *known);

/* Whether to look at it. context is the struct peeps_known. */
bool peeps_known_is_due(void *context, pid_t pid);

void peeps_known_deinit(struct peeps_known *known);

#endif
