/* SPDX-License-Identifier: MIT */
/* Finding and opening the segment of a live process, or what is left of one. */
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
 *
 * A kept segment, and one in a core file, is never mapped: base is a private copy, of the bytes below the marks. What a
 * live process still writes is copied anew by peeps_target_refresh().
 */
struct peeps_target {
	pid_t pid; /* as this reader sees it; of a process that is no more, or not seen: as it saw itself */
	int pidfd;      /* -1 for a segment without a process (peeps_attach_fd, _file, _core) */
	int segment_fd; /* ours: the OFD lock is taken on it. -1 of a core file */
	int proc_fd; /* /proc/PID, opened once: what is read through it is this process or fails; -1 likewise */
	char link[64]; /* where the segment was found, below proc_fd */
	const unsigned char *base;
	size_t mapped_bytes;
	struct peeps_control *control; /* NULL: not writable, so only passive looks */
	struct peeps_segment_header header;
	bool is_copy; /* base is a private copy */
	bool is_over; /* what a process left that is no more: nothing in it moves */
};

/* What went wrong, for the three lines of an error message. Unused parts are empty. */
struct peeps_problem {
	int status; /* exit status of DESIGN 6: 3 no process, 4 no segment, 5 permission, 6 incompatible or corrupt, 7, 8 */
	char what[256];
	char why[1024]; /* a list, perhaps */
	char hint[256];
};

/**
 * peeps_attach - open the segment of a live process
 * @target:  filled on success; undo with peeps_detach()
 * @problem: filled on failure
 *
 * Looks in /proc/PID/fd, then /proc/PID/task/TID/fd, then /proc/PID/map_files, for a memfd or a kept segment;
 * then for a kept one in /proc/PID/maps. It is the
 * process's own only if its pid and start time agree (a forked child still has its parent's descriptor).
 * Returns 0; -ESRCH no such process; -ENOENT no segment; -EACCES or -EPERM; -EPROTONOSUPPORT another layout;
 * -EBADMSG not a sound segment.
 */
int peeps_attach(struct peeps_target *target, pid_t pid, struct peeps_problem *problem);

/**
 * peeps_attach_at_once - the same for one of many: never waits for a process that is just making its segment
 */
int peeps_attach_at_once(struct peeps_target *target, pid_t pid, struct peeps_problem *problem);

/**
 * peeps_attach_is_link - whether a link below /proc/PID leads to what is called a segment
 * @kept: if so, whether it is a file in PEEPS_DIR
 */
bool peeps_attach_is_link(int proc_fd, const char *path, bool *kept);

/**
 * peeps_attach_fd - open a segment by descriptor, for tests and fuzzing: no process is asked about anything
 * @fd: borrowed (duplicated); must be sealed against shrinking
 */
int peeps_attach_fd(struct peeps_target *target, int fd, struct peeps_problem *problem);

/**
 * peeps_attach_file - open a kept segment (PEEPS_DIR), or a copy of one
 * @fd:   borrowed (duplicated), open for reading
 * @name: of the file, for messages
 *
 * A regular file of ours (or of root's; root reads anybody's), which nobody else may write. If its process still runs, the target has it.
 * Returns as peeps_attach() does.
 */
int peeps_attach_file(struct peeps_target *target, int fd, const char *name,
		      struct peeps_problem *problem);

/* The parts of a segment that move while it is copied; see peeps_target_refresh(). */
enum peeps_part {
	PEEPS_PART_MARKS = 1,
	PEEPS_PART_THREADS = 2,
	PEEPS_PART_SLOTS = 4, /* entities and edges */
	PEEPS_PART_REST = 8,
	PEEPS_PART_ALL = 15,
};

/**
 * peeps_target_refresh - copy parts of a kept segment anew, in the order of enum peeps_part; nothing to do for others
 *
 * Returns 0; -EBADMSG the file has become shorter, or claims too much; -errno.
 */
int peeps_target_refresh(const struct peeps_target *target, unsigned int parts,
			 struct peeps_problem *problem);

void peeps_detach(struct peeps_target *target);

#endif
