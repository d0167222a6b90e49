/* SPDX-License-Identifier: MIT */
/* The segment in an ELF core file: of a process that crashed, or was dumped by gcore. */
#ifndef PEEPS_READER_CORE_H
#define PEEPS_READER_CORE_H

#include "reader/target/attach.h"

/**
 * peeps_attach_core - find the process's own segment in a core file, and copy it
 * @fd:   borrowed, and not needed afterwards; a regular file
 * @name: of the file, for messages
 *
 * Of the mappings that the dump lists, those of a segment; of these, the one whose pid is the process's. 64-bit and
 * little-endian, as segments are. Nothing in the file is believed unchecked, and memory is bounded as for a live segment.
 * Returns 0; -ENOENT no segment in it; -EBADMSG not a sound core file or segment, or not all of it was dumped;
 * -EPROTONOSUPPORT another layout, or built without libelf; -ENOMEM; another -errno.
 */
int peeps_attach_core(struct peeps_target *target, int fd, const char *name,
		      struct peeps_problem *problem);

#endif
