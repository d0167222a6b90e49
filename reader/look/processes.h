/* SPDX-License-Identifier: MIT */
/* Which processes can be looked at: those that have a segment of their own. */
#ifndef PEEPS_READER_PROCESSES_H
#define PEEPS_READER_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "layout/segment.h"
#include "reader/cut/tally.h"
#include "reader/target/attach.h"

#define PEEPS_COMM_BYTES    64
#define PEEPS_PROGRAM_BYTES 256
#define PEEPS_COMMAND_BYTES 512

/* How a process may be called; as the kernel tells it, so bytes of the process's own making. */
struct peeps_process_names {
	char comm[PEEPS_COMM_BYTES];       /* the main thread's name */
	char program[PEEPS_PROGRAM_BYTES]; /* base name of what it runs; empty if we may not know */
	char command[PEEPS_COMMAND_BYTES]; /* its words apart by a blank; may be cut off */
};

/* A process with a segment of its own. If that cannot be read, problem.status is not 0 and says why: all that it would
 * tell is empty. */
struct peeps_found {
	pid_t pid;       /* as this reader sees it */
	uid_t uid;       /* effective */
	char state;      /* the kernel's letter for its main thread */
	uint64_t age_ns; /* since the process was started */
	struct peeps_process_names names;
	struct peeps_problem problem;
	char process_name[PEEPS_PROCESS_NAME_BYTES]; /* as the header says */
	char proc_key[64];
	uint32_t layout_major, layout_minor;
	struct peeps_tally tally;
};

struct peeps_processes {
	size_t count;
	struct peeps_found *found; /* by pid */
	size_t refused;            /* processes that we may not look at */
};

/**
 * peeps_processes_find - all processes that have a segment
 * @processes: filled on success; undo with peeps_processes_free()
 *
 * Nothing is written to any process and none is waited for: numbers are counted in passing (reader/cut/tally.h).
 * Returns 0; -ENOMEM; another -errno, with the problem filled: there is no /proc to ask.
 */
int peeps_processes_find(struct peeps_processes *processes, struct peeps_problem *problem);

/* The same, without those that are not wanted: of these, nothing is looked at. */
typedef bool peeps_processes_wanted_fn(void *context, pid_t pid);
int peeps_processes_find_some(struct peeps_processes *processes, peeps_processes_wanted_fn *wanted,
			      void *context, struct peeps_problem *problem);

void peeps_processes_free(struct peeps_processes *processes);

/**
 * peeps_processes_called - processes of that name, whether or not they can be looked at
 * @pids: room for so many
 *
 * By the main thread's name, the program's, or the command's first word without its folders.
 * Returns how many there are, which may be more than there was room for.
 */
size_t peeps_processes_called(const char *name, pid_t *pids, size_t room);

/* Whether a process is called so, by what the kernel says of it. */
bool peeps_process_is_called(const struct peeps_process_names *names, const char *name);

#endif
