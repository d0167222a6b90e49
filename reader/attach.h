/* SPDX-License-Identifier: MIT */
/* Finding and opening the segment of a live process. */
#ifndef PEEPS_READER_ATTACH_H
#define PEEPS_READER_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "layout/segment.h"

/**
 * struct peeps_target - an attached process
 *
 * The segment is mapped read-only, but for the control page, which is mapped a second time for writing where that is
 * permitted. header is a checked copy: nothing is taken from the mapped header after attach but the high-water marks.
 */
struct peeps_target {
	pid_t pid;      /* as this reader sees it */
	int pidfd;      /* -1 for a segment without a process (peeps_attach_fd) */
	int segment_fd; /* ours: the OFD lock is taken on it */
	int proc_fd; /* /proc/PID, opened once: what is read through it is this process or fails; -1 likewise */
	char link[64]; /* where the segment was found, below proc_fd */
	const unsigned char *base;
	size_t mapped_bytes;
	struct peeps_control *control; /* NULL: not writable, so only passive looks */
	struct peeps_segment_header header;
};

/* What went wrong, for the three lines of an error message. Unused parts are empty. */
struct peeps_problem {
	int status; /* exit status of DESIGN 6: 3 no process, 4 no segment, 5 permission, 6 incompatible or corrupt, 7, 8 */
	char what[256];
	char why[256];
	char hint[256];
};

/**
 * peeps_attach - open the segment of a live process
 * @target:  filled on success; undo with peeps_detach()
 * @problem: filled on failure
 *
 * Looks in /proc/PID/fd, then /proc/PID/task/TID/fd, then /proc/PID/map_files. A segment is the process's own only if
 * its pid and start time agree (a forked child still has its parent's descriptor).
 * Returns 0; -ESRCH no such process; -ENOENT no segment; -EACCES or -EPERM; -EPROTONOSUPPORT another layout;
 * -EBADMSG not a sound segment.
 */
int peeps_attach(struct peeps_target *target, pid_t pid, struct peeps_problem *problem);

/**
 * peeps_attach_fd - open a segment by descriptor, for tests and fuzzing: no process is asked about anything
 * @fd: borrowed (duplicated); must be sealed against shrinking
 */
int peeps_attach_fd(struct peeps_target *target, int fd, struct peeps_problem *problem);

void peeps_detach(struct peeps_target *target);

#endif
