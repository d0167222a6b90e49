/* SPDX-License-Identifier: MIT */
/* A private copy of a segment that is not safe to map: its file may shrink, or it lies scattered in a core file. */
#ifndef PEEPS_READER_PRIVATE_COPY_H
#define PEEPS_READER_PRIVATE_COPY_H

#include <stddef.h>
#include <stdint.h>

#include "reader/target/attach.h"

/**
 * struct peeps_segment_bytes - where a segment's bytes come from
 * @read:         copies bytes from an offset in the segment. Returns 0; -errno with the problem filled
 * @bytes:        the segment's size
 * @memory_bytes: no more than these are really there: marks that claim more are refused
 */
struct peeps_segment_bytes {
	int (*read)(const struct peeps_segment_bytes *from, void *to, size_t bytes, uint64_t offset,
		    struct peeps_problem *problem);
	const void *context;
	uint64_t bytes;
	uint64_t memory_bytes;
};

/**
 * peeps_private_copy_new - copy header, control page, and all rows below the marks
 * @target: header, base, mapped_bytes and is_copy are set on success
 *
 * The copy has the segment's whole extent, but only what is copied costs memory: holes are neither read nor written.
 * Returns 0; -EAGAIN not ready; -EPROTONOSUPPORT; -EBADMSG; -ENOMEM; another -errno.
 */
int peeps_private_copy_new(struct peeps_target *target, const struct peeps_segment_bytes *from,
			   struct peeps_problem *problem);

/* Copy parts of it (enum peeps_part) anew; likewise. */
int peeps_private_copy_again(const struct peeps_target *target,
			     const struct peeps_segment_bytes *from, unsigned int parts,
			     struct peeps_problem *problem);

#endif
