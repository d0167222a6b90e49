/* SPDX-License-Identifier: MIT */
/* Kept segments: the files that programs leave in PEEPS_DIR, and whose processes still live. */
#ifndef PEEPS_READER_KEPT_H
#define PEEPS_READER_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout/segment.h"

struct peeps_problem;
struct peeps_target;

enum peeps_kept_state {
	PEEPS_KEPT_LIVE,  /* its process runs, or has only just begun to make it */
	PEEPS_KEPT_STALE, /* its process is no more, or runs another program */
	PEEPS_KEPT_OTHER, /* no segment that this reader knows, or somebody else's: to be left alone */
};

struct peeps_kept {
	char name[256]; /* in the directory; neither it nor process_name is escaped */
	enum peeps_kept_state state;
	char process_name[PEEPS_PROCESS_NAME_BYTES]; /* empty if the segment was never ready */
	uint32_t pid;                                /* as the process saw itself; 0 = not known */
	uint64_t start_realtime_ns;
	uint64_t memory_bytes; /* what the file takes */
	uint64_t device, inode;
};

/* PEEPS_DIR of the environment; NULL if there is none. */
const char *peeps_kept_directory(void);

/**
 * peeps_kept_directory_open - open a directory of kept segments
 *
 * It must be ours (root may look at anybody's), no symbolic link, and nobody else may write in it.
 * Returns a descriptor, for the caller to close; -ENOENT; -EACCES; another -errno, with the problem filled.
 */
int peeps_kept_directory_open(const char *path, struct peeps_problem *problem);

/**
 * peeps_kept_list - what a directory holds: all files whose names end as those of kept segments do, sorted by name
 * @directory: borrowed
 * @list:      for the caller to free()
 *
 * Returns 0, or -errno.
 */
int peeps_kept_list(int directory, struct peeps_kept **list, size_t *count);

/**
 * peeps_kept_open - open that very file for reading: for peeps_attach_file()
 *
 * Returns a descriptor, for the caller to close; -ENOENT it has gone, or another one has its name.
 */
int peeps_kept_open(int directory, const struct peeps_kept *kept);

/**
 * peeps_kept_remove - remove a stale one, if it still is the file that was listed, and still stale
 *
 * Returns 0; -ENOENT it is not there any more; -EBUSY it is not stale; another -errno.
 */
int peeps_kept_remove(int directory, const struct peeps_kept *kept);

/**
 * peeps_kept_find_dead - what a process that is no more left in PEEPS_DIR: for a hint
 * @pid:  which it was; 0 = any
 * @name: what it was called, or its proc_key; NULL = anything
 *
 * Of several, the latest. Returns false, and leaves path alone, if there is none, or no PEEPS_DIR.
 */
bool peeps_kept_find_dead(uint32_t pid, const char *name, char *path, size_t room);

/**
 * peeps_kept_process - find the process that made a kept segment, if it still runs and has not begun another program
 * @fd:      the segment's
 * @header:  its header, checked
 * @process: pid, pidfd and proc_fd are set if the process can be seen from here; peeps_detach() closes them
 *
 * A process in another PID namespace is not seen, but it holds a lock on its file as long as it has that open.
 * Returns whether it lives.
 */
bool peeps_kept_process(int fd, const struct peeps_segment_header *header,
			struct peeps_target *process);

/**
 * peeps_kept_refusal - why a program could not keep its segment in its PEEPS_DIR, for doctor
 * @compat_flags: of its header
 *
 * Returns a sentence without a full stop; NULL if nothing was refused.
 */
const char *peeps_kept_refusal(uint32_t compat_flags);

/* Whether a name, or what a link says, is that of a kept segment. */
bool peeps_kept_is_name(const char *name);

#endif
