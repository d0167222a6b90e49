/* SPDX-License-Identifier: MIT */
/*
 * A segment that outlives its process: a named file on a tmpfs, in the directory that PEEPS_DIR names.
 *
 * The directory is the user's own, with mode 0700, and no symbolic link; its last component is made if only that is
 * missing. The file is {process name}-{pid}-{8 hex digits of the segment's id}.peeps, with mode 0600. It is removed by
 * exit(), and left behind by whatever else ends the process, or its program.
 */
#ifndef PEEPS_WRITER_KEPT_H
#define PEEPS_WRITER_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "layout/segment.h"

/**
 * kept_is_wanted - whether PEEPS_DIR was set when the lineage began
 *
 * Read once, in the first process: a child that starts telemetry late may have scrubbed its environment. Not believed in
 * set-user-ID programs. Context: process lock held, or no other thread.
 */
bool kept_is_wanted(void);

/**
 * kept_open - make the file: empty, open for reading and writing, and locked as long as anybody has it open
 * @process_name: what the process is called
 * @refused:      why not, if it could not be made
 *
 * Returns a descriptor, or -1. Makes system calls, and none that could wait for a disk.
 */
int kept_open(const char process_name[PEEPS_PROCESS_NAME_BYTES], const uint8_t segment_id[16],
	      enum peeps_not_kept *refused);

/**
 * kept_remove - remove the file, if this process made one and it still has its name
 *
 * Context: as kept_open(); also while the process exits, with other threads alive.
 */
void kept_remove(void);

/* In a forked child: the file is its parent's. Async-signal-safe. */
void kept_forget(void);

#endif
