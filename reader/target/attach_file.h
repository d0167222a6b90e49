/* SPDX-License-Identifier: MIT */
/* The file of a kept segment: whether it is one that we read at all, and its bytes. */
#ifndef PEEPS_READER_ATTACH_FILE_H
#define PEEPS_READER_ATTACH_FILE_H

#include "layout/segment.h"
#include "reader/target/private_copy.h"

/**
 * peeps_file_check - whether a file may be a kept segment
 * @fd:   borrowed: it has to stay where it is, and open, as long as from is used
 * @from: filled on success
 *
 * Regular, ours (or root's; root reads anybody's), for nobody else to write, and of a size that a segment can have.
 * Returns 0; -EACCES; -EBADMSG; another -errno.
 */
int peeps_file_check(const int *fd, struct peeps_segment_bytes *from,
		     struct peeps_problem *problem);

/**
 * peeps_file_header - read and check the header, and no more
 *
 * Returns as peeps_bounds_check() does; another -errno.
 */
int peeps_file_header(const struct peeps_segment_bytes *from, struct peeps_segment_header *header,
		      struct peeps_problem *problem);

/**
 * peeps_file_await_header - check the file and its header, and wait a moment for one that is not ready yet
 *
 * Likewise; -ENOENT instead of -EAGAIN.
 */
int peeps_file_await_header(const int *fd, struct peeps_segment_header *header,
			    struct peeps_problem *problem);

#endif
